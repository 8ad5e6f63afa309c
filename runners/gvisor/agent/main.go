// An agent for netstack, the TCP/IP stack of gVisor: the protocol of runners/PROTOCOL.md in lockstep, spoken on stdin and
// stdout. Each run has a stack of its own, made by `new`, on a clock that the tester moves.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

const abilities = "ipv4 ipv6 listen connect accept send recv shutdown close abort state sack sack-room timestamps " +
	"window-scale set:nodelay set:linger set:keep-alive set:keep-alive-idle set:keep-alive-interval set:keep-alive-count " +
	"set:user-timeout set:send-buffer set:recv-buffer set:mss set:quick-ack"

// agent is what speaks with the tester.
type agent struct {
	lines       *lines
	world       *world
	application *application
}

func main() {
	oneAtATime()
	a := &agent{lines: newLines()}
	for {
		line, err := a.lines.read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "gvisor agent:", err)
			os.Exit(3)
		}
		a.turn(strings.Fields(line))
		a.lines.flush()
	}
}

// oneAtATime sets Go up as world.settle needs it: netstack starts one processor for each P.
func oneAtATime() {
	runtime.GOMAXPROCS(1)
	// A run leaves a stack behind. To collect them rarely costs tens of megabytes and saves a third of the time.
	debug.SetGCPercent(400)
}

// turn does what a line asks for, and says when the agent wants to be woken.
func (a *agent) turn(words []string) {
	if a.world != nil && len(a.world.link.frames) > 0 {
		// It cannot happen (see world.settle); if it did, the tester would have to know.
		a.lines.say("failed a frame came after `idle`")
		return
	}
	at := time.Duration(0)
	if len(words) >= 2 && words[0] == "at" {
		micros, err := strconv.ParseUint(words[1], 10, 53)
		if err != nil {
			a.lines.say("unknown `at` without a time")
		}
		at, words = time.Duration(micros)*time.Microsecond, words[2:]
	}
	a.serve(at, words)
	a.idle()
}

func (a *agent) idle() {
	if a.world != nil {
		a.tell()
		if due, any := a.world.clock.next(); any {
			// Rounded up: a microsecond is the finest that can be told.
			micros := (due + time.Microsecond - 1) / time.Microsecond
			a.lines.say("idle ", strconv.FormatInt(int64(micros), 10))
			return
		}
	}
	a.lines.say("idle -")
}

func (a *agent) tell() {
	for _, frame := range a.world.link.take() {
		a.lines.octets("frame ", frame)
	}
}

func (a *agent) serve(at time.Duration, words []string) {
	switch {
	case len(words) > 0 && words[0] == "tcpvet":
		a.greet(words[1:])
		return
	case len(words) > 0 && words[0] == "new":
		a.begin(words[1:])
		return
	case a.world == nil:
		a.lines.say("unknown a run begins with `new`")
		return
	}
	a.world.advance(at)
	a.ask(words)
	a.rest()
}

// ask carries a line into the world.
func (a *agent) ask(words []string) {
	if len(words) == 0 || words[0] == "tick" {
		return
	}
	switch words[0] {
	case "frame":
		if len(words) > 1 {
			if octets, err := octetsOf(words[1]); err == nil {
				a.world.link.receive(octets)
				return
			}
		}
		a.lines.say("unknown a frame that is not in hexadecimal")
	case "call":
		a.application.take(words[1:])
	case "forget":
		a.application.forget(words[1:])
	case "sync":
		a.lines.say("synced ", strings.Join(words[1:], " "))
	default:
		a.lines.say("unknown ", strings.ToValidUTF8(words[0], "?"))
	}
}

// rest lets stack and application go on in turns until neither has anything to do.
func (a *agent) rest() {
	a.world.settle()
	// What came of the packet stands before what the application makes of it.
	a.tell()
	for a.application.advance() {
		a.world.settle()
		a.tell()
	}
}

func (a *agent) greet(words []string) {
	if len(words) != 2 || words[0] != "1" || words[1] != "lockstep" {
		a.lines.say("failed this agent speaks version 1 of the protocol, in lockstep")
		return
	}
	a.lines.say("agent gvisor-", version, " can ", abilities)
}

// version is the day of the source that Debian has packed, which is all the version that netstack has.
const version = "20221219"

// begin is `new 192.0.2.1 seed=7 NAME=VALUE...`.
func (a *agent) begin(words []string) {
	var address net.IP
	if len(words) > 0 {
		address = net.ParseIP(words[0])
	}
	seed, settings, err := uint64(0), make(map[string]string), error(nil)
	for _, word := range words {
		if name, value, found := strings.Cut(word, "="); found && name != "seed" {
			settings[name] = value
		} else if found {
			seed, err = strconv.ParseUint(value, 10, 64)
		}
	}
	if address == nil || err != nil {
		a.lines.say("unknown a `new` that cannot be read")
		return
	}
	if a.world != nil {
		a.world.end()
	}
	a.world, err = newWorld(address, int64(seed), settings)
	if err != nil {
		a.world = nil
		a.lines.say("unsupported ", err.Error())
		return
	}
	a.application = newApplication(a.world, a.lines)
}
