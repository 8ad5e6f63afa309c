package main

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

var turns = flag.Int("turns", 10_000, "how many turns are made")

// conversation is one connection of a tester's with an agent, made of turns.
type conversation struct {
	t     *testing.T
	agent *agent
	said  strings.Builder
	// What the tester sends next, and what it has heard up to.
	seq, ack uint32
	port     uint16
	turns    int
	late     int
}

// after is what the agent said in answer to a line. When it has said `idle`, Go is given every chance to let something
// else run: whatever were still on its way would come out.
func (c *conversation) after(line string) string {
	c.said.Reset()
	c.agent.turn(strings.Fields(line))
	c.agent.lines.flush()
	said := c.said.String()
	if !strings.Contains(said, "\nidle ") && !strings.HasPrefix(said, "idle ") {
		c.t.Fatalf("after %q no idle, but %q", line, said)
	}
	c.turns++
	before := c.agent.world.clock.serial
	for i := 0; i < 20; i++ {
		runtime.Gosched()
	}
	if c.turns%1000 == 0 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	if frames := c.agent.world.link.take(); len(frames) > 0 || c.agent.world.clock.serial != before {
		c.late++
		c.t.Errorf("after %q and idle came %d frames and %d timers", line, len(frames), c.agent.world.clock.serial-before)
	}
	return said
}

// frame is a segment of the tester's, as a line.
func (c *conversation) frame(flags byte, payload string) string {
	segment := make([]byte, 20, 20+len(payload))
	binary.BigEndian.PutUint16(segment[0:], c.port)
	binary.BigEndian.PutUint16(segment[2:], 7)
	binary.BigEndian.PutUint32(segment[4:], c.seq)
	binary.BigEndian.PutUint32(segment[8:], c.ack)
	segment[12], segment[13] = 5<<4, flags
	binary.BigEndian.PutUint16(segment[14:], 65535)
	segment = append(segment, payload...)
	from, to := net.IP{198, 18, 0, 1}, net.IP{192, 0, 2, 1}
	pseudo := append(append(append([]byte{}, from...), to...), 0, 6, byte(len(segment)>>8), byte(len(segment)))
	binary.BigEndian.PutUint16(segment[16:], sum(append(pseudo, segment...)))
	packet := []byte{0x45, 0, 0, byte(20 + len(segment)), 0, 0, 0, 0, 64, 6, 0, 0}
	packet = append(append(packet, from...), to...)
	binary.BigEndian.PutUint16(packet[10:], sum(packet))
	return "frame " + hex.EncodeToString(append(packet, segment...))
}

func sum(octets []byte) uint16 {
	if len(octets)%2 == 1 {
		octets = append(octets, 0)
	}
	total := uint32(0)
	for at := 0; at < len(octets); at += 2 {
		total += uint32(binary.BigEndian.Uint16(octets[at:]))
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return ^uint16(total)
}

// TestNothingComesAfterIdle makes whole connections, with timers, listeners, and queues of segments, and looks for
// anything that happens after `idle`: frames, and timers that are set.
func TestNothingComesAfterIdle(t *testing.T) {
	oneAtATime()
	c := &conversation{t: t, agent: &agent{lines: &lines{}}}
	c.agent.lines.out = bufio.NewWriter(&c.said)
	for run := 0; c.turns < *turns; run++ {
		c.connection(run)
	}
	t.Logf("%d turns, %d of them with something late", c.turns, c.late)
}

func (c *conversation) connection(run int) {
	c.after(fmt.Sprintf("at 0 new 192.0.2.1 seed=%d", run))
	c.after("at 0 call 1 listen s1 192.0.2.1:7 backlog=8")
	c.after("at 0 call 2 accept s1 s2")
	c.port, c.seq, c.ack = uint16(10_000+run%50_000), uint32(run), 0
	answer := c.after("at 0 " + c.frame(0x02, ""))
	at := strings.Index(answer, "frame ")
	if at < 0 {
		c.t.Fatalf("no SYN,ACK, but %q", answer)
	}
	packet, _ := hex.DecodeString(strings.Fields(answer[at:])[1])
	c.seq, c.ack = c.seq+1, binary.BigEndian.Uint32(packet[24:])+1
	c.after("at 0 " + c.frame(0x10, ""))
	c.after("at 0 call 3 send s2 " + strings.Repeat("61", 40_000))
	for i := 0; i < 30; i++ {
		now := fmt.Sprintf("at %d ", 1000*i)
		answer := c.after(now + c.frame(0x18, "0123456789"))
		if !strings.Contains(answer, "frame ") {
			c.t.Fatalf("text is not answered, but %q", answer)
		}
		c.seq += 10
		if i%3 == 0 {
			// Above a gap, then the same once more: a queue for the processor that is not empty.
			c.seq += 100
			c.after(now + c.frame(0x18, "above"))
			c.seq -= 100
		}
		c.ack += 500
		c.after(now + c.frame(0x10, ""))
		c.after(now + fmt.Sprintf("call %d recv s2", 10+i))
	}
	c.after("at 30000 call 100 close s2")
	// Timers: what was not acknowledged comes again.
	for _, seconds := range []int{1, 2, 5, 10, 60} {
		c.after(fmt.Sprintf("at %d000000", seconds))
	}
}
