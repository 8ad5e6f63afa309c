//! What is decided about ICMP errors.

use super::{least_mtu, plateau_below, told_mtu};
use crate::model::context::Context;
use crate::model::decision::decisions;
use crate::model::tcb::Tcb;
use crate::rfc::State;
use crate::stack::ErrorName;
use crate::wire::{Icmp, SeqNum};

/// Whether an MTU is below the estimate for the path, and below the size of some packet that was sent.
fn lowers(tcb: &Tcb, mtu: usize) -> bool {
    mtu < tcb.path.mtu && mtu < tcb.path.largest_sent
}

decisions! {
    /// Whether an error is believed that quotes this sequence number: only if that is in flight. Other numbers come
    /// from somebody who cannot see the connection.
    "RFC 5927 section 4.1"
    fn error_is_believed(tcb: &Tcb, seq: SeqNum) -> bool {
        lawful => tcb.is_in_flight(seq),
        wrong IcmpForAnyNumber => true,
    }

    /// Whether a Source Quench ends the connection: it is discarded in silence.
    "RFC 9293 section 3.9.2.2, MUST-55; RFC 6633 section 3"
    fn source_quench_ends(_tcb: &Tcb) -> bool {
        lawful => false,
        wrong SourceQuenchObeyed => true,
    }

    /// Whether a hard error ends the connection: not once the connection is synchronized, unless that is configured.
    "RFC 9293 section 3.9.2.2, SHLD-26; RFC 5927 section 5.2"
    fn hard_error_ends(tcb: &Tcb) -> bool {
        lawful => !tcb.is_synchronized(),
        or HardErrorsAbort => true,
        wrong HardErrorIgnored => false,
        wrong HardErrorAbortsAlways => true,
    }

    /// The soft error that is remembered, to be told to the user if the connection is given up.
    "RFC 9293 section 3.9.2.2; MUST-47 and SHLD-25"
    fn soft_error_kept(tcb: &Tcb) -> Option<ErrorName> {
        lawful => Some(ErrorName::Unreachable),
        wrong SoftErrorForgotten => tcb.soft_error,
    }

    /// Whether a soft error ends the connection: never, except that an attempt to connect may be given up.
    "RFC 9293 section 3.9.2.2, MUST-56; RFC 5461 section 4.1"
    fn soft_error_ends(tcb: &Tcb) -> bool {
        lawful => false,
        or SoftErrorsAbort => tcb.state == State::SynSent,
        wrong SoftErrorAborts => true,
    }

    /// Whether a message that a packet was too big is processed.
    "RFC 1191 section 3; RFC 8201 section 4"
    fn path_mtu_is_discovered(_tcb: &Tcb) -> bool {
        lawful => true,
        or PathMtuDiscoveryNo => false,
        wrong PacketTooBigIgnored => false,
    }

    /// The MTU that a message claims: the one that it tells; where an old router tells none, the next common MTU below
    /// the length of the packet that was dropped.
    "RFC 1191 sections 3, 5 and 7.1; RFC 8201 section 4"
    fn claimed_mtu(tcb: &Tcb, icmp: &Icmp) -> usize {
        lawful => match told_mtu(icmp, tcb.local.is_ipv4()) {
            0 if tcb.local.is_ipv4() => plateau_below(icmp),
            told => told,
        },
        wrong MtuZeroIgnored if tcb.local.is_ipv4() && told_mtu(icmp, true) == 0 => usize::MAX,
    }

    /// Whether a message that a packet was too big ends the connection.
    "RFC 5927 section 5.2"
    fn packet_too_big_ends(_tcb: &Tcb) -> bool {
        lawful => false,
        wrong PacketTooBigAborts => true,
    }

    /// Whether a claimed MTU is plausible: below the size of a packet that was sent, and not below the least MTU of any
    /// path.
    "RFC 5927 section 7.2"
    fn claim_is_plausible(tcb: &Tcb, mtu: usize) -> bool {
        lawful => mtu >= least_mtu(tcb.local.is_ipv4()) && lowers(tcb, mtu),
        wrong PacketTooBigRaises if mtu > tcb.path.mtu => mtu >= least_mtu(tcb.local.is_ipv4()),
        wrong PacketTooBigWithoutFloor if mtu > 60 => lowers(tcb, mtu),
    }

    /// The MTU from which the MSS to be announced follows: that of the link, not that of the path.
    "RFC 1191 section 6.4; RFC 2923 section 2.3"
    fn link_mtu(_tcb: &Tcb, cx: &Context, claimed: usize) -> usize {
        lawful => cx.config.mtu,
        wrong AnnouncedMssFollowsPath => claimed,
    }

    /// Whether a claim is believed only once the segment that it quotes has timed out as well: where larger packets
    /// have passed.
    "RFC 5927 section 7.2"
    fn claim_waits(tcb: &Tcb, mtu: usize) -> bool {
        lawful => mtu < tcb.path.largest_acked,
        wrong ClaimAtOnce => false,
    }
}
