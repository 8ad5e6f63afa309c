//! ICMP errors (RFC 9293 section 3.9.2.2), checked as RFC 5927 advises; path MTU discovery (RFC 1191, RFC 8201).

pub(in crate::model) mod decisions;

use super::context::Context;
use super::options::fixed_headers;
use super::seq::leq;
use super::tcb::Tcb;
use crate::rfc::State;
use crate::stack::ErrorName;
use crate::wire::{Icmp, IcmpKind, SeqNum};

/// Common MTUs, for routers that do not tell theirs (RFC 1191 section 7.1).
const PLATEAUS: [usize; 10] = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];

/// The least MTU of any path (RFC 1191 section 3, RFC 8201 section 4).
fn least_mtu(v4: bool) -> usize {
    if v4 { 68 } else { 1280 }
}

impl Tcb {
    /// An error came that quotes this sequence number. It is believed only if that is in flight: other numbers come
    /// from somebody who cannot see the connection (RFC 5927 section 4.1).
    pub(super) fn icmp_arrives(&mut self, cx: &mut Context, icmp: &Icmp, seq: SeqNum) {
        if !decisions::error_is_believed(self, seq) {
            return;
        }
        if self.state == State::SynSent {
            self.remember_refusal(cx);
        }
        let seq = super::seq::later(seq, self.snd_una);
        match icmp.kind {
            // Discarded in silence (RFC 6633; section 3.9.2.2, MUST-55).
            IcmpKind::SourceQuench if decisions::source_quench_ends(self) => {
                self.end(cx, Some(ErrorName::Unreachable), "source quench");
            }
            IcmpKind::SourceQuench => (),
            IcmpKind::PacketTooBig => self.packet_too_big(cx, icmp, seq),
            IcmpKind::ProtocolUnreachable | IcmpKind::PortUnreachable => self.hard_error(cx),
            // Section 3.9.2.2 counts this message among the hard errors for IPv6 only.
            IcmpKind::AdminProhibited if self.local.is_ipv6() => self.hard_error(cx),
            IcmpKind::NetUnreachable
            | IcmpKind::HostUnreachable
            | IcmpKind::AdminProhibited
            | IcmpKind::TtlExceeded
            | IcmpKind::ReassemblyExceeded
            | IcmpKind::ParameterProblem => self.soft_error(cx),
            IcmpKind::Other { .. } => (),
        }
        self.output(cx);
    }

    /// A hard error ends the connection (SHLD-26), once synchronized only if so configured (RFC 5927 section 5.2).
    fn hard_error(&mut self, cx: &mut Context) {
        if decisions::hard_error_ends(self) {
            let name = match self.state {
                State::SynSent | State::SynReceived => ErrorName::Refused,
                _ => ErrorName::Unreachable,
            };
            self.end(cx, Some(name), "destination unreachable");
        }
    }

    /// A soft error never ends a connection (MUST-56); an attempt to open one may be given up (RFC 5461 section 4.1).
    fn soft_error(&mut self, cx: &mut Context) {
        self.soft_error = decisions::soft_error_kept(self);
        if decisions::soft_error_ends(self) {
            self.end(cx, Some(ErrorName::Unreachable), "host unreachable");
        }
    }

    /// A packet was too big. A plausible claim lowers the estimate at once: one that is below the size of a packet that
    /// was sent (RFC 5927 section 7.2) and not below the least MTU of any path. Where larger packets have passed, the
    /// claim waits until the segment that it quotes times out as well.
    fn packet_too_big(&mut self, cx: &mut Context, icmp: &Icmp, seq: SeqNum) {
        if !decisions::path_mtu_is_discovered(self) {
            return;
        }
        let mtu = decisions::claimed_mtu(self, icmp);
        if decisions::packet_too_big_ends(self) {
            return self.end(cx, Some(ErrorName::Unreachable), "packet too big");
        }
        if !decisions::claim_is_plausible(self, mtu) {
            return;
        }
        cx.config.mtu = decisions::link_mtu(self, cx, mtu);
        if decisions::claim_waits(self, mtu) {
            self.path.claimed = Some((mtu, seq));
            return;
        }
        let before = self.smss();
        let passed = self.lower_path_mtu(mtu);
        if passed || !self.is_synchronized() {
            return;
        }
        // The segment that was too big is sent again in smaller pieces, and nothing else until it is acknowledged. This
        // is no sign of congestion (RFC 1191 section 6.4).
        self.send_in_pieces(cx, seq, before);
    }

    fn send_in_pieces(&mut self, cx: &mut Context, seq: SeqNum, was: u32) {
        let end = super::seq::earlier(seq.advanced(i64::from(was)), self.snd_nxt);
        let mut at = super::seq::later(seq, self.snd_una);
        while at.before(end) {
            let length = self.send_again(cx, at);
            if length == 0 {
                break;
            }
            at = at.advanced(i64::from(length));
        }
    }

    /// Lowers the estimate; returns whether segments stay as large as they were.
    fn lower_path_mtu(&mut self, mtu: usize) -> bool {
        let before = self.smss();
        self.path.mtu = mtu;
        self.path.lowered = true;
        self.path.claimed = None;
        let after = self.smss();
        self.scale_congestion_window(before);
        before == after
    }

    /// The segment that a claim quotes has timed out: now the claim is believed (RFC 5927 section 7.2).
    pub(super) fn take_delayed_claim(&mut self) {
        if let Some((mtu, seq)) = self.path.claimed
            && leq(self.snd_una, seq)
        {
            self.path.largest_acked = 0;
            self.lower_path_mtu(mtu);
        }
    }

    /// Notes that packets of this size pass.
    pub(super) fn note_acked_size(&mut self, acked: u32) {
        let packet = acked as usize + fixed_headers(self.local.is_ipv4());
        self.path.largest_acked = self.path.largest_acked.max(packet.min(self.path.mtu));
        self.path.claimed = self.path.claimed.filter(|(_, seq)| !seq.before(self.snd_una));
    }
}

/// The MTU that an error tells; zero from an old router.
fn told_mtu(icmp: &Icmp, v4: bool) -> usize {
    (if v4 { icmp.rest & 0xffff } else { icmp.rest }) as usize
}

/// The next common MTU below the length of the packet that was dropped.
fn plateau_below(icmp: &Icmp) -> usize {
    let dropped = match *icmp.quote.as_slice() {
        [_, _, high, low, ..] => usize::from(u16::from_be_bytes([high, low])),
        _ => 0,
    };
    PLATEAUS.into_iter().find(|plateau| *plateau < dropped).unwrap_or(0)
}
