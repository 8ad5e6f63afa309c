package main

import (
	"container/heap"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// clock is virtual time: it goes on only when it is told to, and by a nanosecond whenever netstack looks at it.
//
// The nanosecond is there because netstack counts on it, as on any real clock: what was sent at one and the same moment
// as a segment that has been acknowledged, and after it, is lost to RACK (rack.go, detectLoss, which turns the comparison
// of RFC 8985's RACK_sent_after round), and the moment zero is no moment.
//
// netstack comes with a manual clock of its own, faketime.ManualClock. That one does not tell when its next timer is
// due, fires the timers of one moment in the order of a map, and starts a goroutine for a timer that is due at once.
// Here timers of one moment fire in the order in which they were set, and nothing fires before it is asked to.
//
// Timers are set by whichever goroutine runs netstack; there is only ever one that runs (see world.settle).
type clock struct {
	now time.Duration
	// What netstack has last been told.
	told   time.Duration
	serial uint64
	timers timers
}

var _ tcpip.Clock = (*clock)(nil)

// Now is a date, for netstack's statistics.
func (c *clock) Now() time.Time {
	return time.Unix(0, 0).Add(c.now)
}

// NowMonotonic is what all of TCP counts by.
func (c *clock) NowMonotonic() tcpip.MonotonicTime {
	c.told++
	if c.told < c.now {
		c.told = c.now
	}
	var start tcpip.MonotonicTime
	return start.Add(c.told)
}

// AfterFunc sets a timer.
func (c *clock) AfterFunc(after time.Duration, call func()) tcpip.Timer {
	t := &timer{clock: c, call: call, place: unset}
	t.Reset(after)
	return t
}

// next is when the next timer is due, if there is one.
func (c *clock) next() (time.Duration, bool) {
	if len(c.timers) == 0 {
		return 0, false
	}
	return c.timers[0].due, true
}

// fire lets the first timer go off that is due up to a moment, and goes on to its own. False: there is none.
func (c *clock) fire(until time.Duration) bool {
	if due, any := c.next(); !any || due > until {
		return false
	}
	t := heap.Pop(&c.timers).(*timer)
	if t.due > c.now {
		c.now = t.due
	}
	t.call()
	return true
}

// advance goes on to a moment up to which no timer is due.
func (c *clock) advance(to time.Duration) {
	if to > c.now {
		c.now = to
	}
}

// unset is the place of a timer that does not run.
const unset = -1

type timer struct {
	clock  *clock
	call   func()
	due    time.Duration
	serial uint64
	place  int
}

func (t *timer) Stop() bool {
	if t.place == unset {
		return false
	}
	heap.Remove(&t.clock.timers, t.place)
	return true
}

func (t *timer) Reset(after time.Duration) {
	t.Stop()
	if after < 0 {
		after = 0
	}
	t.due = t.clock.now
	if after > 0 {
		t.due = after + max(t.clock.now, t.clock.told)
	}
	t.clock.serial++
	t.serial = t.clock.serial
	heap.Push(&t.clock.timers, t)
}

// timers is a heap: the first is due first.
type timers []*timer

func (ts timers) Len() int { return len(ts) }

func (ts timers) Less(i, j int) bool {
	if ts[i].due != ts[j].due {
		return ts[i].due < ts[j].due
	}
	return ts[i].serial < ts[j].serial
}

func (ts timers) Swap(i, j int) {
	ts[i], ts[j] = ts[j], ts[i]
	ts[i].place, ts[j].place = i, j
}

func (ts *timers) Push(x any) {
	t := x.(*timer)
	t.place = len(*ts)
	*ts = append(*ts, t)
}

func (ts *timers) Pop() any {
	last := len(*ts) - 1
	t := (*ts)[last]
	(*ts)[last] = nil
	*ts = (*ts)[:last]
	t.place = unset
	return t
}

func max(a, b time.Duration) time.Duration {
	if a > b {
		return a
	}
	return b
}
