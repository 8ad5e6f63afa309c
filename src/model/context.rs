//! What every part works with: the moment, the switches, the defects, and what leaves.

use super::config::Config;
use super::decision::{Alternative, Decider, Subject};
use super::defect::{Defect, Defects};
use super::fast_open::Remembered;
use super::seq::Secret;
use super::settings::Settings;
use super::switch::Switch;
use crate::stack::ErrorName;
use crate::stack::{Answer, CallId, Emitted, Errno};
use crate::time::Instant;
use crate::wire::{Body, Ecn, Flags, IpHeader, Packet, Segment};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// See the module.
pub(super) struct Context {
    pub now: Instant,
    pub config: Config,
    pub decider: Decider,
    pub secret: Secret,
    pub out: Vec<Emitted>,
    /// Added to every ISN, so that the first lies where it was asked for.
    pub isn_offset: Option<u32>,
    /// What fast open remembers of servers.
    pub remembered: Remembered,
    ip_id: u16,
    /// Challenge ACKs of all connections, for the mistake that counts them together.
    challenges: u32,
}

impl Subject for Context {
    fn decider(&self) -> &Decider {
        &self.decider
    }
}

impl Context {
    pub fn new(config: Config, defects: Defects, seed: u64) -> Context {
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
            challenges: 0,
        }
    }

    /// Whether this alternative is taken, for code that is not written as decisions yet.
    pub fn has(&self, alternative: impl Alternative) -> bool {
        self.decider.takes(alternative)
    }

    /// Whether all connections together have used up the limit of one, where that mistake is made.
    pub fn shares_exhausted_limit(&mut self, limit: u32) -> bool {
        self.challenges += 1;
        self.has(Defect::ChallengeLimitShared) && self.challenges > limit
    }

    /// Hands a segment of no connection to IP.
    pub fn send(&mut self, local: SocketAddr, peer: SocketAddr, segment: Segment, ecn: Ecn) -> usize {
        self.send_as(local, peer, segment, ecn, &Settings::default())
    }

    /// Hands a segment to IP, with the ECN field `ecn` and what the application has set; returns the length of the
    /// packet.
    pub fn send_as(
        &mut self,
        local: SocketAddr,
        peer: SocketAddr,
        mut segment: Segment,
        ecn: Ecn,
        settings: &Settings,
    ) -> usize {
        segment.source = local.port();
        segment.destination = peer.port();
        if self.has(Defect::WrongChecksum) && segment.payload.len() % 2 == 1 {
            segment.checksum = crate::wire::Checksum::Wrong(0xbad1);
        }
        if self.has(Defect::ReservedBitsSet) {
            segment.flags = segment.flags.with_reserved(4);
        }
        let v4 = local.is_ipv4();
        self.ip_id = self.ip_id.wrapping_add(1);
        let ip = IpHeader {
            source: self.source(local.ip(), &segment),
            destination: peer.ip(),
            ttl: settings.ttl.filter(|_| !self.has(Defect::TtlFixed)).unwrap_or(64),
            dscp: self.dscp(settings),
            ecn,
            id: if v4 { self.ip_id } else { 0 },
            // RFC 1191 section 3.
            dont_fragment: !v4 || (!self.has(Switch::PathMtuDiscoveryNo) && !self.has(Defect::DontFragmentMissing)),
            flow: 0,
        };
        let packet = Packet {
            ip,
            body: Body::Tcp(segment),
        }
        .encode();
        let length = packet.len();
        self.out.push(Emitted::Packet(packet));
        length
    }

    /// Where a mistake lets IP choose the address anew for a segment that ends something.
    fn source(&self, local: IpAddr, segment: &Segment) -> IpAddr {
        let ends = segment.flags.contains(Flags::FIN) || segment.flags.contains(Flags::RST);
        match ends && self.has(Defect::SourceChosenAnew) {
            true => neighbour(local),
            false => local,
        }
    }

    fn dscp(&self, settings: &Settings) -> u8 {
        let dscp = settings.dscp.filter(|_| !self.has(Defect::DscpFixed)).unwrap_or(0);
        // As if it were still the IP precedence of RFC 791.
        if self.has(Defect::DscpCut) { dscp & 0x38 } else { dscp }
    }

    /// Ends a call.
    pub fn answer(&mut self, id: CallId, result: Result<Answer, Errno>) {
        self.out.push(Emitted::Result(id, result));
    }

    /// Ends a call with an error.
    pub fn fail(&mut self, id: CallId, name: ErrorName, detail: &str) {
        self.answer(id, Err(errno(name, detail)));
    }
}

/// An address beside this one, for mistakes that take another than they should.
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
