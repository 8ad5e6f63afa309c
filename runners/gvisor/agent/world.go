package main

import (
	"math/rand"
	"net"
	"sync"
	"time"

	gvisorrand "gvisor.dev/gvisor/pkg/rand"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// nic is the number of the only interface.
const nic = 1

// world is what one run takes place in.
type world struct {
	stack *stack.Stack
	clock *clock
	link  *link
}

// newWorld makes one. All that looks random in it comes from the seed.
func newWorld(address net.IP, seed int64, settings map[string]string) (*world, error) {
	source := &lockedSource{source: rand.NewSource(seed).(rand.Source64)}
	// The numbers of IP packets are drawn from here, without asking the stack.
	gvisorrand.Reader = rand.New(source)
	w := &world{clock: &clock{}, link: newLink()}
	w.stack = stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
		Clock:              w.clock,
		RandSource:         source,
		SecureRNG:          rand.New(source),
	})
	if err := w.stack.CreateNIC(nic, w.link); err != nil {
		return nil, failure{err}
	}
	protocol, short := protocolOf(address)
	own := tcpip.ProtocolAddress{Protocol: protocol, AddressWithPrefix: tcpip.Address(short).WithPrefix()}
	if err := w.stack.AddProtocolAddress(nic, own, stack.AddressProperties{}); err != nil {
		return nil, failure{err}
	}
	w.stack.SetRouteTable([]tcpip.Route{
		{Destination: header.IPv4EmptySubnet, NIC: nic},
		{Destination: header.IPv6EmptySubnet, NIC: nic},
	})
	if err := w.configure(settings); err != nil {
		return nil, err
	}
	w.settle()
	// What an interface says when it comes up is no answer to anything.
	w.link.take()
	return w, nil
}

// end lets go of a world; its goroutine ends when it next runs.
func (w *world) end() {
	w.stack.Close()
}

// settle lets netstack go on until nothing more happens at this moment.
//
// That this is so is not a matter of waiting. netstack works in these places, and no others, since link resolution,
// segmentation offload and queueing disciplines, which have goroutines too, are not in use:
//
//  1. The goroutine that calls it: this one, the only one of the program that does. It is here now.
//  2. Timers, which the clock fires on this goroutine, below.
//  3. The goroutines of TCP's dispatcher ("processors"), which take segments from the queues of endpoints. There are as
//     many as GOMAXPROCS, which is 1 (see main). One that is told to pause does so only when its queue is empty, and says
//     so over a channel: in tcp/dispatcher.go, processor.start looks at epQ after it has taken pauseWaker, and goes on
//     working if there is anything. While it works this goroutine waits in Pause and gives it nothing to do, and nobody
//     else can.
//
// So after Pause the processor stands still with an empty queue. Resume sets it free, it finds nothing to do, and sleeps
// until the next packet, call or timer, which come from here. A segment that stays in the queue of an endpoint is left
// for the goroutine that holds that endpoint's lock, which gives it to the processor when it unlocks: that goroutine is
// this one, and it holds none here.
func (w *world) settle() {
	for {
		w.stack.Pause()
		w.stack.Resume()
		if !w.clock.fire(w.clock.now) {
			return
		}
	}
}

// advance goes on to a moment, through all timers that are due on the way.
func (w *world) advance(to time.Duration) {
	for w.clock.fire(to) {
		w.settle()
	}
	w.clock.advance(to)
}

// configure sets the stack up as runsc does for a sandbox (runsc/boot/loader.go), and then as the settings say. Only the
// receive buffer is smaller, so that a tester can fill it: half of it is offered, which is a full window without scaling.
func (w *world) configure(settings map[string]string) error {
	sack, delay, moderate := tcpip.TCPSACKEnabled(true), tcpip.TCPDelayEnabled(true), tcpip.TCPModerateReceiveBufferOption(true)
	buffer := tcpip.TCPReceiveBufferSizeRangeOption{
		Min: tcp.MinBufferSize, Default: 128 << 10, Max: tcp.MaxBufferSize,
	}
	options := []tcpip.SettableTransportProtocolOption{&sack, &delay, &moderate, &buffer}
	for name, value := range settings {
		option, err := optionOf(name, value)
		if err != nil {
			return err
		}
		options = append(options, option)
	}
	for _, option := range options {
		if err := w.stack.SetTransportProtocolOption(tcp.ProtocolNumber, option); err != nil {
			return failure{err}
		}
	}
	return nil
}

// protocolOf is the version of an address, and the address in as many octets as that version has.
func protocolOf(address net.IP) (tcpip.NetworkProtocolNumber, net.IP) {
	if short := address.To4(); short != nil {
		return header.IPv4ProtocolNumber, short
	}
	return header.IPv6ProtocolNumber, address.To16()
}

// failure is an error of netstack's as one of Go's.
type failure struct{ cause tcpip.Error }

func (f failure) Error() string { return f.cause.String() }

// lockedSource is a source of numbers for more than one goroutine.
type lockedSource struct {
	mutex  sync.Mutex
	source rand.Source64
}

func (s *lockedSource) Int63() int64 {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.source.Int63()
}

func (s *lockedSource) Uint64() uint64 {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.source.Uint64()
}

func (s *lockedSource) Seed(seed int64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.source.Seed(seed)
}
