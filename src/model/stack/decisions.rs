//! What is decided about the endpoint as a whole: which packets are for it, and the calls that no connection answers.

use super::{DYNAMIC, Model};
use crate::model::context::{Context, neighbour};
use crate::model::decision::decisions;
use crate::model::isn;
use crate::model::segment_arrives::Arriving;
use crate::model::tcb::{Opened, Tcb};
use crate::rfc::State;
use crate::stack::SocketId;
use crate::wire::Packet;
use core::net::{IpAddr, SocketAddr};

/// Whether an address can be the source of a segment.
fn can_send(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(source) => {
            !(source.is_broadcast() || source.is_multicast() || source.is_unspecified() || source.is_loopback())
        }
        IpAddr::V6(source) => !(source.is_multicast() || source.is_unspecified() || source.is_loopback()),
    }
}

/// Whether an address is a broadcast or multicast address.
fn is_everybody(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(to) => to.is_broadcast() || to.is_multicast(),
        IpAddr::V6(to) => to.is_multicast(),
    }
}

/// Whether a packet has IPv4 options.
fn has_ip_options(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first >> 4 == 4 && first & 0xf > 5)
}

/// Whether a packet has a time to live below 2, or such a hop limit.
fn has_low_ttl(packet: &[u8]) -> bool {
    let at = if packet.first().is_some_and(|first| first >> 4 == 4) {
        8
    } else {
        7
    };
    packet.get(at).is_some_and(|ttl| *ttl < 2)
}

/// A connection between this end and another end on the peer's host.
fn other_connection(model: &Model, local: SocketAddr, peer: SocketAddr) -> Option<u32> {
    let fits = |(end, other): &(SocketAddr, SocketAddr)| *end == local && other.ip() == peer.ip();
    let mut known = model.tuples.iter();
    known.find(|(ends, _)| fits(ends)).map(|(_, number)| *number)
}

/// The first address of the endpoint that is of the same family.
fn own_address(model: &Model, like: IpAddr) -> Option<IpAddr> {
    let fits = |own: &IpAddr| own.is_ipv4() == like.is_ipv4();
    model.addresses.iter().copied().find(fits)
}

decisions! {
    /// Whether a packet is looked at, whatever IP options it has, how far it may go, and whatever the link has put behind
    /// it.
    "RFC 9293 section 3.9.2; MUST-50"
    fn packet_is_taken(_cx: &Context, packet: &[u8]) -> bool {
        lawful => true,
        wrong IpOptionsRefused if has_ip_options(packet) => false,
        wrong PaddedPacketsRefused if !Packet::padding_of(packet).is_empty() => false,
        wrong LowTtlRefused if has_low_ttl(packet) => false,
    }

    /// How many octets of a packet's padding are taken for text.
    "RFC 894"
    fn padding_in_text(_cx: &Context, padding: usize) -> usize {
        lawful => 0,
        wrong PaddingTakenForText => padding,
    }

    /// Whether a packet with this source address is processed: not if that is a broadcast, multicast or unspecified
    /// address.
    "RFC 9293 section 3.9.2.3; MUST-63"
    fn source_is_somebody(_cx: &Context, source: IpAddr) -> bool {
        lawful => can_send(source),
        wrong BroadcastAnswered => true,
    }

    /// The address that a packet with this destination is for: a broadcast or multicast address is none of ours.
    "RFC 9293 section 3.9.2.3; MUST-57"
    fn destination(model: &Model, address: IpAddr) -> IpAddr {
        lawful => address,
        wrong BroadcastAnswered if is_everybody(address) => own_address(model, address).unwrap_or(address),
    }

    /// Whether the checksum is computed with the pseudo-header of the packet's own version of IP.
    "RFC 9293 section 3.1; MUST-3"
    fn pseudo_header_is_right(_cx: &Context, destination: IpAddr) -> bool {
        lawful => true,
        wrong ChecksumMisjudgedOverIpv6 if destination.is_ipv6() => false,
    }

    /// Whether a segment is a reset, whatever the DSCP of its packet.
    "RFC 2873 section 4"
    fn is_reset(_cx: &Context, segment: &Arriving, dscp: u8) -> bool {
        lawful => segment.rst,
        wrong DscpChangeResets if dscp != 0 && !segment.syn => true,
    }

    /// The connection that gets a segment between two ends that have no connection: none.
    "RFC 9293 section 3.10.7"
    fn stray_segment_reaches(model: &Model, local: SocketAddr, peer: SocketAddr) -> Option<u32> {
        lawful => None,
        wrong WrongConnection => other_connection(model, local, peer),
    }

    /// Whether a listener is deleted when a connection of its ends before its user has it.
    "RFC 9293 section 3.10.7.4, second check, SYN-RECEIVED STATE"
    fn listener_goes_along(tcb: &Tcb) -> bool {
        lawful => false,
        wrong RstInSynReceivedClosesListener => matches!(tcb.opened, Opened::Passive(_)) && !tcb.user.handed_over,
    }

    /// Whether a listener is deleted once it has handed a connection to its user.
    "RFC 9293 section 3.10.7.2, third check"
    fn listener_is_spent(_cx: &Context) -> bool {
        lawful => false,
        wrong ListenerServesOnce => true,
    }

    /// Whether a call on a socket without a connection succeeds.
    "RFC 9293 sections 3.10.2 and 3.10.3, LISTEN STATE"
    fn call_without_connection_succeeds(model: &Model, socket: SocketId) -> bool {
        lawful => false,
        wrong ListenerTakesCalls => model.is_taken(socket),
    }

    /// Whether a passive OPEN takes over the segments of existing connections on the same local socket.
    "RFC 9293 section 3.9.1.1; MUST-41"
    fn open_takes_over(model: &Model, local: SocketAddr) -> bool {
        lawful => false,
        wrong NewListenerTakesOver => model.tuples.keys().any(|(end, _)| *end == local),
    }

    /// Whether an active OPEN may have this remote address: not if it is a broadcast, multicast or unspecified one.
    "RFC 9293 section 3.9.1.1; MUST-46"
    fn can_be_opened_to(_cx: &Context, peer: IpAddr) -> bool {
        lawful => !is_everybody(peer) && !peer.is_unspecified(),
        wrong ConnectsToAnybody => true,
    }

    /// The local address of a connection, which stays the same: the one that the user gave, or else one that IP
    /// chooses.
    "RFC 9293 section 3.9.1.1; MUST-43 and MUST-44"
    fn local_address(model: &Model, given: IpAddr) -> IpAddr {
        lawful => match given.is_unspecified() {
            true => own_address(model, given).unwrap_or(given),
            false => given,
        },
        wrong LocalAddressIgnored if !given.is_unspecified() => neighbour(given),
        wrong AddressNotChosen if given.is_unspecified() => given,
    }

    /// Whether a connection may have this local address.
    "RFC 9293 section 3.10.1, CLOSED STATE"
    fn address_can_be_had(model: &Model, local: IpAddr) -> bool {
        lawful => model.addresses.contains(&local),
        wrong LocalAddressIgnored => true,
        wrong AddressNotChosen => true,
    }

    /// Whether OPEN on a connection that is open already succeeds: it is an error.
    "RFC 9293 section 3.10.1, SYN-SENT STATE"
    fn open_again_succeeds(_cx: &Context) -> bool {
        lawful => false,
        wrong OpenAgainTaken => true,
    }

    /// The range of ports from which one is chosen: the lowest, and how many there are.
    "RFC 6056 section 3.2"
    fn ephemeral_ports(cx: &Context) -> (u16, u16) {
        lawful => (cx.config.lowest_port, (u16::MAX - cx.config.lowest_port).saturating_add(1)),
        wrong DynamicPortsOnly => DYNAMIC,
    }

    /// How far into the range the search for a port begins: an offset for this peer that nobody outside can know.
    "RFC 6056 section 3.3.3"
    fn first_port(cx: &Context, local: IpAddr, peer: SocketAddr) -> u16 {
        lawful => isn::port_offset(cx, SocketAddr::new(local, 0), peer),
        wrong PortsInSequence => 0,
    }

    /// Whether CLOSE of a listener deletes it.
    "RFC 9293 section 3.10.4, LISTEN STATE"
    fn close_deletes_listener(_cx: &Context) -> bool {
        lawful => true,
        wrong ListenerCloseKeepsPort => false,
    }

    /// The state that STATUS tells.
    "RFC 9293 section 3.10.6"
    fn status(model: &Model, local: SocketAddr, peer: SocketAddr) -> State {
        lawful => model.known_state(local, peer).unwrap_or(State::Closed),
        wrong StatusForgets => State::Closed,
        wrong StatusLingers => model.known_state(local, peer).unwrap_or(State::Established),
    }
}
