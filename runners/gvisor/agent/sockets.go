package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// application is netstack's user: its sockets, and the calls that wait on them. netstack's endpoints never block; what
// cannot be done yet is tried again after whatever may have changed that.
type application struct {
	world   *world
	sockets map[string]*socket
	// The names in the order in which they were given, so that a run is the same each time.
	order []string
	out   *lines
}

// socket is an endpoint of netstack's, and what waits on it.
type socket struct {
	endpoint tcpip.Endpoint
	connect  *call
	// Of a listener: how it was opened.
	listens  bool
	address  tcpip.FullAddress
	protocol tcpip.NetworkProtocolNumber
	backlog  int
	accepts  []*call
	sends    []*call
	receives []*call
	// What comes after the last send.
	endings []*call
}

// call is one that waits.
type call struct {
	id string
	// Of a send: what is left, and how much there was. Of a receive: what has come.
	data   []byte
	length int
	// Of a receive: how much is wanted; none is any.
	amount int
	// Of an accept: the name that the connection gets.
	name string
	// Of an ending: whether reading ends too.
	both bool
}

func newApplication(w *world, out *lines) *application {
	return &application{world: w, sockets: make(map[string]*socket), out: out}
}

func (a *application) keep(name string, s *socket) {
	a.sockets[name] = s
	a.order = append(a.order, name)
}

func (a *application) drop(name string) {
	delete(a.sockets, name)
	for at, known := range a.order {
		if known == name {
			a.order = append(a.order[:at], a.order[at+1:]...)
			return
		}
	}
}

// --- answers ---

func (a *application) answer(id, what string) {
	a.out.say("result ", id, " ", what)
}

func (a *application) end(id string, err error) {
	if err == nil {
		a.answer(id, "ok")
		return
	}
	a.answer(id, textOf(err))
}

// endAll ends calls that can come no further.
func (a *application) endAll(calls *[]*call, what string) {
	for _, c := range *calls {
		a.answer(c.id, what)
	}
	*calls = nil
}

// textOf is an error as a result: its neutral name, and netstack's own word.
func textOf(err error) string {
	var cannot unsupported
	if errors.As(err, &cannot) {
		return "unsupported " + err.Error()
	}
	var f failure
	if !errors.As(err, &f) {
		return "error invalid " + err.Error()
	}
	return "error " + neutral(f.cause) + " " + f.Error()
}

func neutral(err tcpip.Error) string {
	switch err.(type) {
	case *tcpip.ErrConnectionRefused:
		return "refused"
	case *tcpip.ErrConnectionReset:
		return "reset"
	case *tcpip.ErrTimeout:
		return "timed-out"
	case *tcpip.ErrHostUnreachable, *tcpip.ErrNetworkUnreachable:
		return "unreachable"
	case *tcpip.ErrClosedForSend:
		return "closing"
	case *tcpip.ErrNotConnected:
		return "does-not-exist"
	case *tcpip.ErrPortInUse, *tcpip.ErrAlreadyConnected, *tcpip.ErrAlreadyConnecting, *tcpip.ErrAlreadyBound:
		return "already-exists"
	case *tcpip.ErrNoBufferSpace, *tcpip.ErrNoPortAvailable:
		return "no-resources"
	case *tcpip.ErrInvalidEndpointState, *tcpip.ErrInvalidOptionValue, *tcpip.ErrBadLocalAddress, *tcpip.ErrBadAddress:
		return "invalid"
	}
	return "error"
}

// --- calls ---

var malformed = errors.New("the agent cannot read this call")

// take takes up `call ID VERB ...`, of which the words from ID on are given.
func (a *application) take(words []string) {
	if len(words) < 2 {
		a.out.say("unknown a call without number and name")
		return
	}
	id, verb, words := words[0], words[1], words[2:]
	calls := map[string]func(string, []string) error{
		"listen": a.listen, "connect": a.connect, "accept": a.accept, "send": a.send, "recv": a.receive,
		"shutdown": a.shutdown, "close": a.close, "abort": a.abort, "set": a.set, "state": a.state,
	}
	take, known := calls[verb]
	if !known {
		a.end(id, unsupported("there is no such call"))
		return
	}
	if err := take(id, words); err != nil {
		a.end(id, err)
	}
}

// errNoSocket is netstack's word for what a name without a socket is.
var errNoSocket = failure{&tcpip.ErrNotConnected{}}

func (a *application) find(words []string) (*socket, error) {
	if len(words) == 0 {
		return nil, malformed
	}
	if s, known := a.sockets[words[0]]; known {
		return s, nil
	}
	return nil, errNoSocket
}

func (a *application) open(address tcpip.FullAddress, protocol tcpip.NetworkProtocolNumber) (tcpip.Endpoint, error) {
	endpoint, err := a.world.stack.NewEndpoint(tcp.ProtocolNumber, protocol, new(waiter.Queue))
	if err != nil {
		return nil, failure{err}
	}
	// Connections of an earlier listener in TIME-WAIT must not keep the port.
	endpoint.SocketOptions().SetReuseAddress(true)
	if net.IP(address.Addr).IsUnspecified() {
		// The address is netstack's to choose.
		return endpoint, nil
	}
	if err := endpoint.Bind(address); err != nil {
		endpoint.Close()
		return nil, failure{err}
	}
	return endpoint, nil
}

func (a *application) listen(id string, words []string) error {
	if len(words) < 3 {
		return malformed
	}
	address, protocol, err := fullAddress(words[1])
	backlog, wrong := strconv.ParseUint(strings.TrimPrefix(words[2], "backlog="), 10, 32)
	if err != nil || wrong != nil {
		return malformed
	}
	if len(words) > 3 {
		return unsupported("netstack has no fast open")
	}
	if backlog > math.MaxUint16 {
		backlog = math.MaxUint16
	}
	if _, taken := a.sockets[words[0]]; taken {
		return failure{&tcpip.ErrAlreadyBound{}}
	}
	// One more, as the system call does in front of netstack (sentry/syscalls/linux/sys_socket.go).
	s := &socket{listens: true, address: address, protocol: protocol, backlog: int(backlog) + 1}
	if err := a.openListener(s, nil); err != nil {
		return err
	}
	a.keep(words[0], s)
	a.answer(id, "ok")
	return nil
}

// openListener opens a listener, or opens it anew: netstack looks at the size of its buffers when it begins to listen.
func (a *application) openListener(s *socket, prepare func(tcpip.Endpoint) error) error {
	if s.endpoint != nil {
		s.endpoint.Close()
		a.world.settle()
	}
	endpoint, err := a.open(s.address, s.protocol)
	if err != nil {
		return err
	}
	s.endpoint = endpoint
	if prepare != nil {
		if err := prepare(endpoint); err != nil {
			return err
		}
	}
	return wrap(endpoint.Listen(s.backlog))
}

func (a *application) connect(id string, words []string) error {
	if len(words) < 3 {
		return malformed
	}
	local := net.ParseIP(words[1])
	peer, protocol, err := fullAddress(words[2])
	if err != nil || local == nil {
		return malformed
	}
	if len(words) > 3 {
		return unsupported("netstack chooses its initial sequence numbers itself")
	}
	_, short := protocolOf(local)
	if _, taken := a.sockets[words[0]]; taken {
		return failure{&tcpip.ErrAlreadyBound{}}
	}
	endpoint, err := a.open(tcpip.FullAddress{NIC: nic, Addr: tcpip.Address(short)}, protocol)
	if err != nil {
		return err
	}
	s := &socket{endpoint: endpoint}
	a.keep(words[0], s)
	switch err := endpoint.Connect(peer).(type) {
	case *tcpip.ErrConnectStarted:
		s.connect = &call{id: id}
		return nil
	default:
		return wrap(err)
	}
}

func (a *application) accept(id string, words []string) error {
	s, err := a.find(words)
	if err != nil {
		return err
	}
	if len(words) < 2 {
		return malformed
	}
	s.accepts = append(s.accepts, &call{id: id, name: words[1]})
	return nil
}

func (a *application) send(id string, words []string) error {
	s, err := a.find(words)
	if err != nil {
		return err
	}
	if len(words) < 2 {
		return malformed
	}
	data, err := octetsOf(words[1])
	if err != nil {
		return malformed
	}
	if len(words) > 2 {
		return unsupported("netstack has no urgent data")
	}
	s.sends = append(s.sends, &call{id: id, data: data, length: len(data)})
	return nil
}

func (a *application) receive(id string, words []string) error {
	s, err := a.find(words)
	if err != nil {
		return err
	}
	c := &call{id: id}
	if len(words) > 1 {
		amount, err := strconv.ParseUint(words[1], 10, 31)
		if err != nil {
			return malformed
		}
		if amount == 0 {
			a.answer(id, "ok")
			return nil
		}
		c.amount = int(amount)
	}
	s.receives = append(s.receives, c)
	return nil
}

func (a *application) shutdown(id string, words []string) error {
	return a.ending(&call{id: id}, words)
}

func (a *application) close(id string, words []string) error {
	return a.ending(&call{id: id, both: true}, words)
}

func (a *application) ending(c *call, words []string) error {
	s, err := a.find(words)
	if err != nil {
		return err
	}
	if s.listens {
		a.closeListener(words[0], s)
		a.answer(c.id, "ok")
		return nil
	}
	s.endings = append(s.endings, c)
	return nil
}

func (a *application) closeListener(name string, s *socket) {
	a.endAll(&s.accepts, "error closing the listener was closed")
	s.endpoint.Close()
	a.drop(name)
}

func (a *application) abort(id string, words []string) error {
	s, err := a.find(words)
	if err != nil {
		return err
	}
	if s.listens {
		a.closeListener(words[0], s)
	} else {
		s.endpoint.Abort()
		s.endpoint.Close()
		// RFC 9293 section 3.10.5: all queued SENDs and RECEIVEs are told "connection reset".
		a.endWaiting(s, "error reset aborted")
		a.drop(words[0])
	}
	a.answer(id, "ok")
	return nil
}

func (a *application) endWaiting(s *socket, what string) {
	if s.connect != nil {
		a.answer(s.connect.id, what)
		s.connect = nil
	}
	a.endAll(&s.sends, what)
	a.endAll(&s.receives, what)
	a.endAll(&s.endings, what)
}

func (a *application) set(id string, words []string) error {
	s, err := a.find(words)
	if err != nil {
		return err
	}
	if len(words) < 2 {
		return malformed
	}
	name, value, _ := strings.Cut(words[1], "=")
	setting := func(endpoint tcpip.Endpoint) error { return set(endpoint, name, value) }
	if s.listens && name == "recv-buffer" {
		err = a.openListener(s, setting)
	} else {
		err = setting(s.endpoint)
	}
	if err != nil {
		return err
	}
	a.answer(id, "ok")
	return nil
}

func (a *application) state(id string, words []string) error {
	if len(words) < 2 {
		return malformed
	}
	local, protocol, err := fullAddress(words[0])
	peer, _, wrong := fullAddress(words[1])
	if err != nil || wrong != nil {
		return malformed
	}
	ends := stack.TransportEndpointID{
		LocalAddress: local.Addr, LocalPort: local.Port, RemoteAddress: peer.Addr, RemotePort: peer.Port,
	}
	name := "closed"
	// Where there is no connection the listener is found, if there is one.
	endpoint := a.world.stack.FindTransportEndpoint(protocol, tcp.ProtocolNumber, ends, nic)
	if stated, known := endpoint.(interface{ State() uint32 }); known {
		name = stateName(tcp.EndpointState(stated.State()))
	}
	a.answer(id, "state "+name)
	return nil
}

func stateName(state tcp.EndpointState) string {
	switch state {
	case tcp.StateListen:
		return "listen"
	case tcp.StateConnecting, tcp.StateSynSent:
		return "syn-sent"
	case tcp.StateSynRecv:
		return "syn-received"
	case tcp.StateEstablished:
		return "established"
	case tcp.StateFinWait1:
		return "fin-wait-1"
	case tcp.StateFinWait2:
		return "fin-wait-2"
	case tcp.StateCloseWait:
		return "close-wait"
	case tcp.StateClosing:
		return "closing"
	case tcp.StateLastAck:
		return "last-ack"
	case tcp.StateTimeWait:
		return "time-wait"
	}
	return "closed"
}

// --- what waits ---

// advance takes all calls that wait as far as they go. True: netstack was given something to do.
func (a *application) advance() bool {
	busy := false
	for _, name := range append([]string(nil), a.order...) {
		s, there := a.sockets[name]
		if !there {
			continue
		}
		if s.listens {
			busy = a.advanceAccepts(name, s) || busy
		} else {
			busy = a.advanceConnection(name, s) || busy
		}
	}
	return busy
}

func (a *application) advanceAccepts(name string, s *socket) bool {
	busy := false
	for len(s.accepts) > 0 {
		var peer tcpip.FullAddress
		endpoint, _, err := s.endpoint.Accept(&peer)
		if _, none := err.(*tcpip.ErrWouldBlock); none {
			break
		}
		c := s.accepts[0]
		s.accepts = s.accepts[1:]
		busy = true
		if err != nil {
			a.end(c.id, failure{err})
			continue
		}
		a.keep(c.name, &socket{endpoint: endpoint})
		from := net.JoinHostPort(net.IP(peer.Addr).String(), strconv.Itoa(int(peer.Port)))
		a.out.say("event accepted ", name, " ", c.name, " ", from)
	}
	return busy
}

func (a *application) advanceConnection(name string, s *socket) bool {
	busy := a.advanceConnect(s)
	for len(s.receives) > 0 && a.advanceReceive(s) {
		busy = true
	}
	for len(s.sends) > 0 && a.advanceSend(s) {
		busy = true
	}
	for len(s.sends) == 0 && len(s.endings) > 0 {
		c := s.endings[0]
		s.endings = s.endings[1:]
		busy = true
		if c.both {
			s.endpoint.Close()
			a.answer(c.id, "ok")
			a.endWaiting(s, "error closing closed meanwhile")
			a.drop(name)
			break
		}
		a.end(c.id, wrap(s.endpoint.Shutdown(tcpip.ShutdownWrite)))
	}
	return busy
}

// advanceConnect ends a connect when the endpoint is writable, as the documentation of Connect says.
func (a *application) advanceConnect(s *socket) bool {
	if s.connect == nil || s.endpoint.Readiness(waiter.WritableEvents) == 0 {
		return false
	}
	c := s.connect
	s.connect = nil
	err := s.endpoint.LastError()
	if err == nil && tcp.EndpointState(s.endpoint.State()) == tcp.StateError {
		err = &tcpip.ErrConnectionAborted{}
	}
	a.end(c.id, wrap(err))
	return true
}

// advanceSend gives netstack as much of the first send as it takes; true if it took any, or the call has ended.
func (a *application) advanceSend(s *socket) bool {
	c := s.sends[0]
	taken := int64(0)
	if len(c.data) > 0 {
		var err tcpip.Error
		taken, err = s.endpoint.Write(bytes.NewReader(c.data), tcpip.WriteOptions{})
		if _, later := err.(*tcpip.ErrWouldBlock); later {
			return false
		}
		if err != nil {
			s.sends = s.sends[1:]
			a.end(c.id, failure{err})
			return true
		}
		c.data = c.data[taken:]
	}
	if len(c.data) == 0 {
		s.sends = s.sends[1:]
		a.answer(c.id, fmt.Sprint("count ", c.length))
		return true
	}
	return taken > 0
}

// advanceReceive takes what has come for the first receive; true if that was something, or the call has ended.
func (a *application) advanceReceive(s *socket) bool {
	c := s.receives[0]
	wanted := int64(math.MaxInt64)
	if c.amount > 0 {
		wanted = int64(c.amount - len(c.data))
	}
	var came bytes.Buffer
	read, err := s.endpoint.Read(&tcpip.LimitedWriter{W: &came, N: wanted}, tcpip.ReadOptions{})
	if err == nil {
		s.endpoint.ModerateRecvBuf(read.Count)
		c.data = append(c.data, came.Bytes()...)
		if c.amount > len(c.data) {
			return true
		}
	} else if _, later := err.(*tcpip.ErrWouldBlock); later {
		return false
	}
	s.receives = s.receives[1:]
	_, over := err.(*tcpip.ErrClosedForReceive)
	switch {
	case err != nil && !over:
		a.end(c.id, failure{err})
	case len(c.data) == 0:
		a.answer(c.id, "eof")
	default:
		a.out.octets("result "+c.id+" data ", c.data)
	}
	return true
}

// forget gives sockets back without a word.
func (a *application) forget(names []string) {
	for _, name := range names {
		if s, known := a.sockets[name]; known {
			s.endpoint.Abort()
			s.endpoint.Close()
			a.drop(name)
		}
	}
	a.world.settle()
	a.world.link.take()
}

// fullAddress reads `192.0.2.1:7` or `[2001:db8::1]:7`.
func fullAddress(text string) (tcpip.FullAddress, tcpip.NetworkProtocolNumber, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return tcpip.FullAddress{}, 0, err
	}
	address := net.ParseIP(host)
	number, err := strconv.ParseUint(port, 10, 16)
	if address == nil || err != nil {
		return tcpip.FullAddress{}, 0, malformed
	}
	protocol, short := protocolOf(address)
	return tcpip.FullAddress{NIC: nic, Addr: tcpip.Address(short), Port: uint16(number)}, protocol, nil
}
