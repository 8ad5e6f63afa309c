//! Every case of tcpvet as a test of this crate.
//!
//! A stack of one's own implements `tcpvet::Stack`, four methods; the one of smoltcp that is borrowed here
//! (`src/stacks/smoltcp/` in tcpvet) is an example that is real.

use tcpvet::Job;
use tcpvet::stacks::smoltcp::Smoltcp;

fn fresh(job: &Job) -> Smoltcp {
    Smoltcp::new(job.seed, job.wrap)
}

tcpvet::conformance!(
    fresh,
    runner = include_str!("../../../runners/smoltcp/runner.yaml"),
    known = include_str!("../../../runners/smoltcp/expectations.yaml"),
    cases = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases"),
    // Of the cases that need one of these, no run can be made.
    without = [
        "byte-counting",
        "challenge-ack-limit",
        "data-retries",
        "ecn",
        "ephemeral-ports",
        "f-rto",
        "fast-open",
        "fast-open-client",
        "fast-open-server",
        "initial-window-10",
        "initial-window-4",
        "path-mtu-discovery",
        "rack",
        "rfc1337",
        "rfc5961",
        "rfc6191",
        "set:dscp",
        "set:keep-alive-count",
        "set:urgent-inline",
        "slow-start-after-idle",
        "syn-ack-retries",
        "syn-cookies",
        "syn-retries",
        "timers/keep-alive-switched-off",
        "urgent",
        "user-timeout-option",
    ],
);
