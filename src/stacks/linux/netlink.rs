//! What the child asks of the kernel by netlink: its interfaces, addresses and routes, and the state of connections.

use crate::link::{TARGET_MAC, TESTER_MAC};
use crate::rfc::State;
use core::net::{IpAddr, SocketAddr};
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader,
    NetlinkMessage, NetlinkPayload, NetlinkSerializable,
};
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, State as LinkState,
};
use netlink_packet_route::neighbour::{NeighbourAttribute, NeighbourMessage, NeighbourState};
use netlink_packet_route::route::{
    RouteAttribute, RouteFlags, RouteMessage, RouteMetric, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};
use netlink_packet_sock_diag::{SockDiagMessage, constants as diag};
use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily as Family, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// The MTU of both ends of a virtual cable, so that the tester can send packets longer than the path's MTU, as it can
/// through a TUN device. What the target itself sends is limited by the MTU of its route.
const LONGEST: u32 = 65_535;
/// The MTU of the path to the testers: Ethernet's.
const MTU: u32 = 1500;

/// A netlink socket with at most one request at a time.
struct Netlink {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

impl Netlink {
    fn open(protocol: SockProtocol) -> io::Result<Netlink> {
        let socket = socket::socket(Family::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
        socket::connect(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        Ok(Netlink {
            socket,
            buffer: vec![0; 16 * 1024],
        })
    }

    /// The kernel's answer; an acknowledgment is `None`. The answer is there when `send` returns, so this cannot block
    /// for ever.
    fn ask<M>(&mut self, message: M, flags: u16) -> io::Result<Option<M>>
    where
        M: NetlinkSerializable + NetlinkDeserializable,
    {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        let mut request = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
        request.finalize();
        let length = request.buffer_len();
        request.serialize(&mut self.buffer[..length]);
        socket::send(self.socket.as_raw_fd(), &self.buffer[..length], MsgFlags::empty())?;
        let length = socket::recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::empty())?;
        let answer = NetlinkMessage::<M>::deserialize(&self.buffer[..length]).map_err(io::Error::other)?;
        match answer.payload {
            NetlinkPayload::InnerMessage(message) => Ok(Some(message)),
            NetlinkPayload::Error(error) if error.raw_code() == 0 => Ok(None),
            NetlinkPayload::Error(error) => Err(error.to_io()),
            _ => Err(io::Error::other("an answer of no known kind")),
        }
    }
}

/// Changes interfaces, addresses and routes of the namespace.
pub(super) struct Routes(Netlink);

impl Routes {
    pub(super) fn open() -> io::Result<Routes> {
        Netlink::open(SockProtocol::NetlinkRoute).map(Routes)
    }

    fn change(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.0.ask(message, NLM_F_ACK | flags).map(|_| ())
    }

    /// Makes a virtual cable between two new interfaces.
    pub(super) fn add_cable(&mut self, target: &str, tester: &str) -> io::Result<()> {
        let end = |name: &str, mac: [u8; 6]| {
            let mut end = LinkMessage::default();
            end.attributes = vec![
                LinkAttribute::IfName(name.to_owned()),
                LinkAttribute::Address(mac.to_vec()),
                LinkAttribute::Mtu(LONGEST),
            ];
            end
        };
        // The tester's interface has another MAC address than TESTER_MAC, and that is used by no frame. So frames to
        // TESTER_MAC, which the packet socket sees, are not for the interface, and the kernel does not answer them in
        // the tester's stead.
        let spare = [TESTER_MAC[0], 0, 0, 0, 0, 0xff];
        let mut message = end(target, TARGET_MAC);
        message.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(end(tester, spare)))),
        ]));
        self.change(RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Sets an interface up, with a transmit queue of so many frames if that is given.
    pub(super) fn up(&mut self, index: u32, queue: Option<u32>) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
        message.attributes.extend(queue.map(LinkAttribute::TxQueueLen));
        // Two requests: the queue of a TUN device must have its size before the first frame.
        if queue.is_some() {
            let mut still_down = message.clone();
            still_down.header.flags = LinkFlags::empty();
            self.change(RouteNetlinkMessage::SetLink(still_down), 0)?;
        }
        self.change(RouteNetlinkMessage::SetLink(message), 0)
    }

    /// Whether an interface carries frames. Its flags say so too early: a new interface counts as running until the
    /// kernel has looked at it for the first time.
    pub(super) fn is_operational(&mut self, index: u32) -> bool {
        let mut message = LinkMessage::default();
        message.header.index = index;
        match self.0.ask(RouteNetlinkMessage::GetLink(message), 0) {
            Ok(Some(RouteNetlinkMessage::NewLink(link))) => {
                link.attributes.contains(&LinkAttribute::OperState(LinkState::Up))
            }
            _ => false,
        }
    }

    /// Gives an interface an address that is valid at once.
    pub(super) fn add_address(&mut self, index: u32, address: IpAddr) -> io::Result<()> {
        let mut message = AddressMessage::default();
        message.header.family = family(address);
        message.header.prefix_len = bits(address);
        message.header.index = index;
        message.attributes = vec![AddressAttribute::Local(address), AddressAttribute::Address(address)];
        if address.is_ipv6() {
            // Duplicate address detection would keep it unusable for a second.
            message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
        }
        self.change(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    /// Sends everything for `prefix` to `gateway` through an interface, and fixes the gateway's MAC address. There is a
    /// gateway because each neighbour takes an entry of a table that all namespaces of the host share; with a gateway
    /// it is one entry.
    pub(super) fn add_route(&mut self, index: u32, prefix: IpAddr, length: u8, gateway: IpAddr) -> io::Result<()> {
        let mut message = RouteMessage::default();
        message.header.address_family = family(prefix);
        message.header.destination_prefix_length = length;
        message.header.table = netlink_packet_route::route::RouteHeader::RT_TABLE_MAIN;
        message.header.protocol = RouteProtocol::Static;
        message.header.scope = RouteScope::Universe;
        message.header.kind = RouteType::Unicast;
        message.header.flags = RouteFlags::Onlink;
        message.attributes = vec![
            RouteAttribute::Destination(prefix.into()),
            RouteAttribute::Gateway(gateway.into()),
            RouteAttribute::Oif(index),
            RouteAttribute::Metrics(vec![RouteMetric::Mtu(MTU)]),
        ];
        self.change(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    /// Whether the kernel takes packets to an address for its own.
    pub(super) fn is_local(&mut self, address: IpAddr) -> bool {
        let mut message = RouteMessage::default();
        message.header.address_family = family(address);
        message.header.destination_prefix_length = bits(address);
        message.attributes = vec![RouteAttribute::Destination(address.into())];
        let answer = self.0.ask(RouteNetlinkMessage::GetRoute(message), 0);
        matches!(answer, Ok(Some(RouteNetlinkMessage::NewRoute(route))) if route.header.kind == RouteType::Local)
    }

    /// Fixes the MAC address of a neighbour, so that the kernel never sends ARP or neighbour solicitations for it.
    pub(super) fn add_neighbour(&mut self, index: u32, address: IpAddr) -> io::Result<()> {
        let mut message = NeighbourMessage::default();
        message.header.family = family(address);
        message.header.ifindex = index;
        message.header.state = NeighbourState::Permanent;
        message.attributes = vec![
            NeighbourAttribute::Destination(address.into()),
            NeighbourAttribute::LinkLayerAddress(TESTER_MAC.to_vec()),
        ];
        self.change(RouteNetlinkMessage::NewNeighbour(message), NLM_F_CREATE | NLM_F_REPLACE)
    }
}

fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv6() {
        AddressFamily::Inet6
    } else {
        AddressFamily::Inet
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv6() { 128 } else { 32 }
}

/// Asks for the states of connections, without changing them.
pub(super) struct SocketDiag(Netlink);

impl SocketDiag {
    pub(super) fn open() -> io::Result<SocketDiag> {
        Netlink::open(SockProtocol::NetlinkSockDiag).map(SocketDiag)
    }

    /// The state of the connection between two endpoints; where there is none, LISTEN if something listens at `local`.
    /// The kernel searches in the same order as for a segment: connections, those half open, those in TIME-WAIT, then
    /// listeners.
    pub(super) fn state(&mut self, local: SocketAddr, peer: SocketAddr) -> io::Result<State> {
        let request = InetRequest {
            family: if local.is_ipv6() { diag::AF_INET6 } else { diag::AF_INET },
            protocol: diag::IPPROTO_TCP,
            extensions: ExtensionFlags::empty(),
            states: StateFlags::all(),
            socket_id: SocketId {
                source_port: local.port(),
                destination_port: peer.port(),
                source_address: local.ip(),
                destination_address: peer.ip(),
                interface_id: 0,
                // INET_DIAG_NOCOOKIE: any socket of these endpoints.
                cookie: [0xff; 8],
            },
        };
        match self.0.ask(SockDiagMessage::InetRequest(request), 0) {
            Ok(Some(SockDiagMessage::InetResponse(response))) => kernel_state(response.header.state),
            Ok(_) => Err(io::Error::other("the kernel told no state")),
            Err(error) if error.raw_os_error() == Some(Errno::ENOENT as i32) => Ok(State::Closed),
            Err(error) => Err(error),
        }
    }
}

fn kernel_state(state: u8) -> io::Result<State> {
    Ok(match state {
        diag::TCP_ESTABLISHED => State::Established,
        diag::TCP_SYN_SENT => State::SynSent,
        diag::TCP_SYN_RECV | NEW_SYN_RECV => State::SynReceived,
        diag::TCP_FIN_WAIT1 => State::FinWait1,
        // The kernel also gives this state to a connection in FIN-WAIT-2 without a socket, although it keeps that among
        // those in TIME-WAIT.
        diag::TCP_FIN_WAIT2 => State::FinWait2,
        diag::TCP_TIME_WAIT => State::TimeWait,
        diag::TCP_CLOSE | BOUND_INACTIVE => State::Closed,
        diag::TCP_CLOSE_WAIT => State::CloseWait,
        diag::TCP_LAST_ACK => State::LastAck,
        diag::TCP_LISTEN => State::Listen,
        diag::TCP_CLOSING => State::Closing,
        other => return Err(io::Error::other(format!("the kernel's state {other} is not known"))),
    })
}

/// The kernel's state of a connection of which only the SYN has been received.
const NEW_SYN_RECV: u8 = 12;
/// The kernel's state of a socket that is only bound.
const BOUND_INACTIVE: u8 = 13;
