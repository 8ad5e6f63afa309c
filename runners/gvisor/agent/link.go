package main

import (
	"gvisor.dev/gvisor/pkg/bufferv2"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// The MTU of the link, in octets.
const mtu = 1500

// link is netstack's endpoint for a link that ends in a channel, without the channel: that one has a length, and drops
// what is beyond it. Frames are kept as octets until somebody takes them.
type link struct {
	*channel.Endpoint
	frames [][]byte
}

func newLink() *link {
	return &link{Endpoint: channel.New(0, mtu, "")}
}

// WritePackets is called by netstack.
func (l *link) WritePackets(packets stack.PacketBufferList) (int, tcpip.Error) {
	sent := packets.AsSlice()
	for _, packet := range sent {
		view := packet.ToView()
		l.frames = append(l.frames, append([]byte(nil), view.AsSlice()...))
		view.Release()
	}
	return len(sent), nil
}

// take hands over what was sent since it was last called.
func (l *link) take() [][]byte {
	frames := l.frames
	l.frames = nil
	return frames
}

// receive lets a packet arrive.
func (l *link) receive(octets []byte) {
	if len(octets) == 0 {
		return
	}
	var protocol tcpip.NetworkProtocolNumber
	switch octets[0] >> 4 {
	case 4:
		protocol = header.IPv4ProtocolNumber
	case 6:
		protocol = header.IPv6ProtocolNumber
	default:
		return
	}
	packet := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: bufferv2.MakeWithData(octets)})
	defer packet.DecRef()
	l.InjectInbound(protocol, packet)
}
