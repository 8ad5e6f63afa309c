#!/bin/sh
# Builds the agent with Debian's packages: apt-get install golang golang-gvisor-gvisor-dev. They stand below
# /usr/share/gocode, as sources, and are found there without modules and without a network. GVISOR names another such
# folder, with src/gvisor.dev/gvisor in it.
set -eu
cd "$(dirname "$0")"
mkdir -p ../build
export GO111MODULE=off GOPATH="${GVISOR:-/usr/share/gocode}" GOFLAGS=
# Go wants somewhere to keep what it has compiled.
[ -n "${GOCACHE:-}${XDG_CACHE_HOME:-}${HOME:-}" ] || export GOCACHE="$(cd ../build && pwd)/cache"
exec go build -o ../build/gvisor-agent .
