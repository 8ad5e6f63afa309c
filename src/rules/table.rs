//! The rules, in the order in which they look.

use super::{On, Rule, ecn, form, opening, pace, receiving, reset, sending, timestamps};
use crate::rfc::Level;

macro_rules! rules {
    ($($name:literal $on:ident $shown:ident $check:path [$($id:literal $level:ident),*] $meaning:literal;)*) => {
        /// All of them.
        pub const RULES: &[Rule] = &[$(Rule {
            name: $name,
            requirements: &[$(($id, Level::$level)),*],
            meaning: $meaning,
            needs_all: same(stringify!($shown).as_bytes(), b"all"),
            timing: same_module(stringify!($check), "pace::"),
            on: On::$on,
            check: $check,
        }),*];
    };
}

// `all`: a breach is one only where all frames were seen in order; `any`: whatever else was sent.
rules! {
    "checksum-right" Every any form::checksum_right ["RFC9293-MUST-2" Must] "Every segment has a right checksum.";
    "header-whole" Every any form::header_whole ["RFC9293-3.1-DOFFSET-SHORT" Must] "The data offset names the end of the header.";
    "reserved-bits-clear" Every any form::reserved_bits_clear ["RFC9293-3.1-RESERVED-TX" Must] "Reserved bits are zero.";
    "options-well-formed" Every any form::options_well_formed ["RFC9293-MUST-69" Must, "RFC9293-MUST-68" Must] "Options have the lengths of their kinds, and zeros follow the last one.";
    "option-once" Every any form::option_once ["RFC9293-MUST-65" Must] "No option stands on a segment twice.";
    "urgent-with-text" Every any form::urgent_with_text ["RFC9293-3.8.5-ONEOCTET" Must] "URG marks at least one octet.";
    "mss-announced" Syn any opening::mss_announced ["RFC9293-SHLD-5" Should] "Every SYN announces an MSS.";
    "mss-announced-fits" Syn any opening::mss_announced_fits ["RFC9293-MUST-67" Must] "The MSS announced fits the link.";
    "scale-at-most-14" Syn any opening::scale_at_most_14 ["RFC7323-2.3-6" Must] "No shift above 14 is announced.";
    "scale-only-if-offered" Syn all opening::scale_only_if_offered ["RFC7323-2.2-4" Must] "A SYN,ACK scales windows only if the SYN offered it.";
    "timestamps-only-if-offered" Syn all opening::timestamps_only_if_offered ["RFC7323-3.2-4" Must] "A SYN,ACK has timestamps only if the SYN had them.";
    "ecn-only-if-offered" Syn all opening::ecn_only_if_offered ["RFC3168-6.1.1-2" Must] "A SYN,ACK agrees to ECN only if the SYN asked for it.";
    "syn-acknowledged-by-syn-ack" Syn all opening::acknowledges_the_syn ["RFC9293-SEG-LISTEN-SYN" Must] "A SYN,ACK acknowledges a SYN that came.";
    "syn-number-holds" Syn all opening::syn_number_holds ["RFC9293-3.8-CONTENT" Must] "A SYN,ACK that is sent again has the same number.";
    "no-syn-when-synchronized" Syn all opening::no_syn_when_synchronized ["RFC9293-SEG-ESTABLISHED-ACK-GOOD" Must] "No SYN is sent again once what follows it was acknowledged.";
    "syn-not-ecn-capable" Syn any ecn::syn_not_capable ["RFC3168-6.1.1-10" Must] "A SYN is not ECN-capable.";
    "echo-only-with-ack" Syn any timestamps::echo_only_with_ack ["RFC7323-3.2-1" Should] "TSecr is zero where ACK is not set.";
    "reset-never-for-a-reset" Rst all reset::never_for_a_reset ["RFC9293-RSTGEN-NORST4RST" Must] "A reset is never answered by a reset.";
    "reset-numbered" Rst all reset::numbered ["RFC9293-RSTGEN-FORMAT-ACK" Must, "RFC9293-RSTGEN-FORMAT-NOACK" Must] "A reset has the number of the connection, or that which what it answers calls for.";
    "reset-acknowledges-what-came" Rst all reset::acknowledges_what_came ["RFC9293-RSTGEN-FORMAT-NOACK" Must] "A reset acknowledges nothing but what came.";
    "ack-set" Segment any sending::ack_set ["RFC9293-3.1-ACK-ALWAYS" Must] "Every segment of a connection but its SYN has ACK.";
    "syn-options-on-syns" Segment any opening::syn_options_on_syns ["RFC9293-MUST-65" Must] "MSS, window scale and SACK-permitted stand on SYNs only.";
    "no-gap" Segment all sending::no_gap ["RFC9293-3.4-SYNFIN-SEQ" Must] "No sequence number is left out.";
    "window-respected" Segment all sending::window_respected ["RFC9293-3.8.6-RWND" Must] "No new text goes beyond the offered window, but for the one octet of a probe.";
    "mss-respected" Segment any sending::mss_respected ["RFC9293-MUST-16" Must] "Text and options together are no longer than the peer's MSS.";
    "same-octets-again" Segment any sending::same_octets_again ["RFC9293-3.8-CONTENT" Must, "RFC2525-2.4" Must] "What is sent again is what was sent.";
    "fin-holds-its-number" Segment any sending::fin_holds_its_number ["RFC9293-3.4-SYNFIN-SEQ" Must] "A FIN that is sent again has the same number.";
    "nothing-after-fin" Segment any sending::nothing_after_fin ["RFC9293-3.4-SYNFIN-SEQ" Must] "No text follows the FIN.";
    "urgent-never-back" Segment all sending::urgent_never_back ["RFC9293-3.8.5-NORECEDE" Must] "The urgent pointer never moves back.";
    "ack-never-back" Segment all receiving::ack_never_back ["RFC9293-3.4-ACK-CUM" Must] "The acknowledgment never moves back.";
    "ack-of-what-came" Segment all receiving::ack_of_what_came ["RFC9293-3.4-ACK-CUM" Must] "Nothing is acknowledged that has not come.";
    "right-edge-never-back" Segment all receiving::right_edge_never_back ["RFC9293-SHLD-14" Should] "The right edge of the offered window never moves back.";
    "sack-only-if-permitted" Segment any receiving::sack_only_if_permitted ["RFC2018-4-1" Must] "SACK blocks are for peers that permitted them.";
    "sack-of-what-came" Segment all receiving::sack_of_what_came ["RFC2018-3-1" Must] "Each SACK block names octets that came, and all of it came.";
    "sack-above-ack" Segment any receiving::sack_above_ack ["RFC2018-3-3" Must] "Every SACK block but the first lies above the ACK.";
    "sack-apart" Segment any receiving::sack_apart ["RFC2018-4-6" Should] "SACK blocks are apart from each other.";
    "duplicate-report-true" Segment all receiving::duplicate_report_true ["RFC2883-4-3" Must] "What is reported as a duplicate came more than once.";
    "timestamps-only-if-agreed" Segment any timestamps::only_if_agreed ["RFC7323-3.2-4" Must] "Timestamps stand on segments only if both SYNs had them.";
    "timestamps-on-every-segment" Segment any timestamps::on_every_segment ["RFC7323-3.2-5" Must] "Once agreed upon, timestamps stand on every segment but a reset.";
    "timestamp-never-back" Segment all timestamps::never_back ["RFC7323-4.1-1" Must] "TSval never moves back.";
    "timestamp-clock-in-range" Segment any timestamps::clock_in_range ["RFC7323-4.1-1" Must] "A tick of the timestamp clock always lasts the same, between 59 ns and a second.";
    "echo-of-what-came" Segment all timestamps::echo_of_what_came ["RFC7323-3.2-2" Must] "TSecr is the TSval of a segment that came.";
    "echo-of-the-left-edge" Segment all timestamps::echo_of_the_left_edge ["RFC7323-4.3-4" Must] "TSecr is of no segment above a gap.";
    "echo-never-back" Segment all timestamps::echo_never_back ["RFC7323-4.3-4" Must] "TSecr never moves back.";
    "ecn-only-if-agreed" Segment any ecn::capable_only_if_agreed ["RFC3168-6.1.1-4" Must] "Segments are ECN-capable only if that was agreed upon.";
    "acks-not-ecn-capable" Segment any ecn::acks_not_capable ["RFC3168-6.1.4-1" Must] "ACKs without text are not ECN-capable.";
    "nothing-again-ecn-capable" Segment all ecn::nothing_again_capable ["RFC3168-6.1.5-1" Must] "What is sent again is not ECN-capable.";
    "ecn-echo-only-of-marks" Segment all ecn::echo_only_of_marks ["RFC3168-6.1.3-1" Must] "ECE is set only after a mark has come.";
    "cwr-only-on-text" Segment any ecn::reduced_only_on_text ["RFC3168-6.1.2-4" Must] "CWR stands on new text only.";
    "rto-backs-off" Every all pace::rto_backs_off ["RFC6298-5.5-1" Must] "What nobody acknowledges is sent again after longer and longer times.";
    "one-segment-after-timeout" Segment all pace::one_segment_after_timeout ["RFC5681-3.1-8" Must] "When the retransmission timer expires one segment is sent.";
    "initial-window" Segment all pace::initial_window ["RFC5681-3.1-1" Must] "Before the first ACK no more is sent than the largest initial window.";
    "ack-in-time" Segment all pace::ack_in_time ["RFC9293-MUST-40" Must] "An ACK is delayed by less than half a second.";
    "no-storm" Every all pace::no_storm ["RFC9293-RSTGEN-SYNC-UNACC" Must] "Segments without text do not come in floods.";
}

/// The place of the rule that also speaks up when nothing comes.
pub(super) const ACK_IN_TIME: usize = place("ack-in-time");

/// Whether a check stands in that module.
const fn same_module(path: &str, module: &str) -> bool {
    let (path, module) = (path.as_bytes(), module.as_bytes());
    let mut at = 0;
    while at < module.len() && at < path.len() && path[at] == module[at] {
        at += 1;
    }
    at == module.len()
}

const fn place(name: &str) -> usize {
    let mut place = 0;
    while !same(RULES[place].name.as_bytes(), name.as_bytes()) {
        place += 1;
    }
    place
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}
