//! What all parts of the endpoint share: the time, the configuration, the decisions, the secret, and what leaves.

pub(super) mod decisions;

use super::config::{Config, IpIds};
use super::decision::{Decider, Subject};
use super::defect::Defects;
use super::fast_open::Remembered;
use super::isn;
use super::seq::Secret;
use super::settings::Settings;
use super::tcb::Challenges;
use crate::stack::ErrorName;
use crate::stack::{Answer, CallId, Emitted, Errno};
use crate::time::Instant;
use crate::wire::{Body, Ecn, IpHeader, Packet, Segment};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What all parts of the endpoint share.
pub(super) struct Context {
    pub now: Instant,
    pub config: Config,
    pub decider: Decider,
    pub secret: Secret,
    pub out: Vec<Emitted>,
    /// Added to every ISN, so that the first one has the value that was asked for.
    pub isn_offset: Option<u32>,
    /// What fast open remembers of servers.
    pub remembered: Remembered,
    ip_id: u16,
    /// The challenge ACKs of all connections.
    pub challenges: Challenges,
}

impl Subject for Context {
    fn decider(&self) -> &Decider {
        &self.decider
    }
}

impl Context {
    pub(super) fn new(config: Config, defects: Defects, seed: u64) -> Context {
        let secret = Secret::new(seed);
        Context {
            now: Instant::ZERO,
            decider: Decider::new(&config, defects),
            config,
            secret,
            out: Vec::new(),
            isn_offset: None,
            remembered: Remembered::default(),
            ip_id: secret.hash(&[0x6964]) as u16,
            challenges: Challenges::default(),
        }
    }

    /// Hands a segment of no connection to IP.
    pub(super) fn send(&mut self, local: SocketAddr, peer: SocketAddr, segment: Segment, ecn: Ecn) -> usize {
        self.send_as(local, peer, segment, ecn, &Settings::default())
    }

    /// Hands a segment to IP, with the ECN field `ecn` and what the application has set; returns the length of the
    /// packet.
    pub(super) fn send_as(
        &mut self,
        local: SocketAddr,
        peer: SocketAddr,
        mut segment: Segment,
        ecn: Ecn,
        settings: &Settings,
    ) -> usize {
        segment.source = local.port();
        segment.destination = peer.port();
        segment.checksum = decisions::checksum(self, &segment);
        segment.flags = decisions::flags(self, segment.flags);
        let (v4, flags) = (local.is_ipv4(), segment.flags);
        self.ip_id = self.ip_id.wrapping_add(1);
        let ip = IpHeader {
            source: decisions::source(self, local.ip(), &segment),
            destination: peer.ip(),
            ttl: decisions::ttl(self, settings, flags),
            dscp: decisions::dscp(self, settings),
            ecn,
            id: if v4 { self.identification() } else { 0 },
            dont_fragment: decisions::dont_fragment(self, v4),
            flow: if v4 { 0 } else { self.flow_label(local, peer) },
        };
        let packet = Packet {
            ip,
            body: Body::Tcp(segment),
        }
        .encode();
        let length = packet.len();
        let packet = decisions::slip(self, v4, flags).make(packet, v4);
        self.out.push(Emitted::Packet(packet));
        length
    }

    /// The identification of an IPv4 packet that may not be fragmented: anything (RFC 6864 section 4.1).
    fn identification(&self) -> u16 {
        match self.config.ip_ids {
            IpIds::Counted => self.ip_id,
            IpIds::Random => self.secret.hash(&[0x6964, u64::from(self.ip_id)]) as u16,
            IpIds::Zero => 0,
        }
    }

    /// The flow label of a connection's packets, if they have one: a hash of its ends (RFC 6437 section 3).
    fn flow_label(&self, local: SocketAddr, peer: SocketAddr) -> u32 {
        match self.config.flow_labels {
            true => isn::flow_label(self, local, peer),
            false => 0,
        }
    }

    /// Ends a call.
    pub(super) fn answer(&mut self, id: CallId, result: Result<Answer, Errno>) {
        self.out.push(Emitted::Result(id, result));
    }

    /// Ends a call with an error.
    pub(super) fn fail(&mut self, id: CallId, name: ErrorName, detail: &str) {
        self.answer(id, Err(errno(name, detail)));
    }
}

/// Another address that is next to this one, for mistakes that use a wrong one.
pub(super) fn neighbour(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(own) => Ipv4Addr::from_bits(own.to_bits() ^ 2).into(),
        IpAddr::V6(own) => Ipv6Addr::from_bits(own.to_bits() ^ 2).into(),
    }
}

/// An error in the words of RFC 9293 section 3.10.
pub(super) fn errno(name: ErrorName, detail: &str) -> Errno {
    Errno {
        name,
        detail: detail.to_owned(),
        unsupported: false,
    }
}
