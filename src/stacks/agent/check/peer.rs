//! The tester's end of a connection, as far as the check needs one; it sends only correct segments.

use super::{Wrong, agent, stack};
use crate::drive::addresses::target_address;
use crate::stack::IpVersion;
use crate::wire::{Body, Checksum, Flags, IpHeader, Packet, Segment, SeqNum, TcpOption};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The port on which the target listens.
const PORT: u16 = 7;
/// The tester's port.
const OURS: u16 = 40_000;
/// The tester's initial sequence number.
const ISN: u32 = 1_000;

/// The tester's end of one connection.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// The target's address and port.
    pub target: SocketAddr,
    /// The tester's address and port.
    pub tester: SocketAddr,
    next: u32,
    expected: u32,
}

impl Peer {
    /// A peer that has not sent anything.
    pub(super) fn new(ip: IpVersion) -> Peer {
        let tester = match ip {
            IpVersion::V4 => IpAddr::V4(Ipv4Addr::new(198, 18, 0, 1)),
            IpVersion::V6 => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1)),
        };
        Peer {
            target: SocketAddr::new(target_address(ip), PORT),
            tester: SocketAddr::new(tester, OURS),
            next: ISN,
            expected: 0,
        }
    }

    /// A SYN with an MSS.
    pub(super) fn syn(&mut self) -> Vec<u8> {
        let options = vec![TcpOption::Mss(1400)];
        let packet = self.packet(Flags::SYN, Vec::new(), options);
        self.next = ISN + 1;
        packet
    }

    /// An ACK of all that has been received, with or without data.
    pub(super) fn ack(&mut self, data: &[u8]) -> Vec<u8> {
        let flags = if data.is_empty() {
            Flags::ACK
        } else {
            Flags::ACK | Flags::PSH
        };
        let packet = self.packet(flags, data.to_vec(), Vec::new());
        self.next += data.len() as u32;
        packet
    }

    fn packet(&self, flags: Flags, payload: Vec<u8>, options: Vec<TcpOption>) -> Vec<u8> {
        let segment = Segment {
            source: self.tester.port(),
            destination: self.target.port(),
            seq: SeqNum(self.next),
            ack: SeqNum(if flags.contains(Flags::ACK) { self.expected } else { 0 }),
            flags,
            window: 65_535,
            options,
            payload,
            ..Segment::default()
        };
        let ip = IpHeader::between(self.tester.ip(), self.target.ip());
        Packet {
            ip,
            body: Body::Tcp(segment),
        }
        .encode()
    }

    /// The only one of these frames.
    pub(super) fn only<'a>(&self, frames: &'a [Vec<u8>]) -> Result<&'a [u8], Wrong> {
        match frames {
            [] => Err(stack(
                "no frame came: the stack does not answer, or the agent does not hand it what comes",
            )),
            [frame] => Ok(frame),
            [_, _, ..] => Err(stack(format!("{} frames came instead of one", frames.len()))),
        }
    }

    /// A frame as a segment, whatever its checksums, so that the talk can go on.
    pub(super) fn glance(frame: &[u8]) -> Result<Segment, Wrong> {
        let packet = Packet::parse_unverified(frame).map_err(|why| {
            agent(format!(
                "a frame is no IP packet ({why}): a frame begins with the IP header, without one of Ethernet"
            ))
        })?;
        let segment = packet.tcp().ok_or_else(|| stack("a frame holds no TCP segment"))?;
        Ok(segment.clone())
    }

    /// A frame as a segment for this peer, with correct checksums.
    pub(super) fn read(&self, frame: &[u8]) -> Result<Segment, Wrong> {
        let segment = Peer::glance(frame)?;
        let packet =
            Packet::parse(frame).map_err(|why| stack(format!("{why}: is it left to hardware that is not there?")))?;
        let (from, to) = (packet.ip.source, packet.ip.destination);
        if (from, to) != (self.target.ip(), self.tester.ip()) {
            return Err(agent(format!(
                "a frame goes from {from} to {to}, not from {} to {}: is the address of `new` the stack's?",
                self.target.ip(),
                self.tester.ip()
            )));
        }
        if segment.destination != self.tester.port() {
            let port = segment.destination;
            return Err(stack(format!("a segment goes to port {port}, not to {OURS}")));
        }
        match segment.checksum == Checksum::Right {
            true => Ok(segment),
            false => Err(stack(
                "a segment's checksum is wrong: is it left to hardware that is not there?",
            )),
        }
    }

    /// Receives a SYN,ACK: from now on its sequence number and acknowledgment are known.
    pub(super) fn take_syn_ack(&mut self, segment: &Segment) -> Result<(), Wrong> {
        if segment.flags != Flags::SYN | Flags::ACK {
            return Err(stack("the segment that came is no SYN,ACK"));
        }
        if segment.ack != SeqNum(ISN + 1) {
            return Err(stack(format!("it acknowledges {}, not {}", segment.ack.0, ISN + 1)));
        }
        self.expected = segment.seq.advanced(1).0;
        Ok(())
    }

    /// Receives a segment with data.
    pub(super) fn take(&mut self, segment: &Segment) {
        self.expected = segment.seq.advanced(segment.seg_len().into()).0;
    }
}
