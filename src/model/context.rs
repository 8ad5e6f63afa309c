//! What every part works with: the moment, the switches, the defects, and what leaves.

use super::config::Config;
use super::defect::{Defect, Defects, Mistakes};
use super::seq::Secret;
use crate::notation::ErrorName;
use crate::target::{Answer, CallId, Emitted, Errno};
use crate::time::Instant;
use crate::wire::{Body, Ecn, IpHeader, Packet, Segment};
use core::net::SocketAddr;

/// See the module.
pub(super) struct Context {
    pub now: Instant,
    pub config: Config,
    pub defects: Mistakes,
    pub secret: Secret,
    pub out: Vec<Emitted>,
    /// Added to every ISN, so that the first lies where it was asked for.
    pub isn_offset: Option<u32>,
    ip_id: u16,
}

impl Context {
    pub fn new(config: Config, defects: Defects, seed: u64) -> Context {
        let secret = Secret::new(seed);
        Context {
            now: Instant::ZERO,
            config,
            defects: Mistakes::new(defects),
            secret,
            out: Vec::new(),
            isn_offset: None,
            ip_id: secret.hash(&[0x6964]) as u16,
        }
    }

    /// Whether this mistake is switched on.
    pub fn has(&self, defect: Defect) -> bool {
        self.defects.has(defect)
    }

    /// Hands a segment to IP, with the ECN field `ecn`; returns the length of the packet.
    pub fn send(&mut self, local: SocketAddr, peer: SocketAddr, mut segment: Segment, ecn: Ecn) -> usize {
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
            source: local.ip(),
            destination: peer.ip(),
            ttl: 64,
            dscp: 0,
            ecn,
            id: if v4 { self.ip_id } else { 0 },
            // RFC 1191 section 3.
            dont_fragment: !v4 || self.config.path_mtu_discovery,
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

    /// Ends a call.
    pub fn answer(&mut self, id: CallId, result: Result<Answer, Errno>) {
        self.out.push(Emitted::Result(id, result));
    }

    /// Ends a call with an error.
    pub fn fail(&mut self, id: CallId, name: ErrorName, detail: &str) {
        self.answer(id, Err(errno(name, detail)));
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
