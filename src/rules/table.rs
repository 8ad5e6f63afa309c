//! The rules, in the order in which they look.

use super::{On, Rule, ecn, form, frame, opening, pace, receiving, reset, sending, timestamps};
use crate::rfc::Grounds;
use crate::rfc::Level::{Must, Should};
use crate::wire::OptionKind;

/// All of them.
pub const RULES: &[Rule] = &[
    Rule::of_frames(
        "ip-version-known",
        frame::ip_version_known,
        &[("RFC791-3.1-VERSION", Must, Grounds::PROSE)],
        "Whatever is sent is an IP packet: its first four bits say 4 or 6.",
    )
    .causing_loss(),
    Rule::of_frames(
        "ip-lengths-right",
        frame::ip_lengths_right,
        &[
            ("RFC791-3.1-LENGTHS", Must, Grounds::PROSE),
            ("RFC8200-3-PAYLOAD-LENGTH", Must, Grounds::PROSE),
        ],
        "The IP header is whole, and says how long the packet is.",
    )
    .causing_loss(),
    Rule::of_frames(
        "ip-checksum-right",
        frame::ip_checksum_right,
        &[("RFC791-3.1-CHECKSUM", Must, Grounds::PROSE)],
        "The checksum of every IPv4 header is right.",
    )
    .causing_loss(),
    Rule::of_frames(
        "ttl-not-zero",
        frame::ttl_not_zero,
        &[("RFC1122-3.2.1.7-SENT", Must, Grounds::STANDARD)],
        "No IPv4 packet is sent with a time to live of zero.",
    )
    .needing_all(),
    Rule::of_frames(
        "ends-are-known",
        frame::ends_are_known,
        &[
            ("RFC9293-3.3.2-ENDS", Must, Grounds::PROSE),
            ("RFC9293-MUST-45", Must, Grounds::STANDARD),
        ],
        "Every segment belongs to a connection that a call opened, or answers a segment that came.",
    )
    .causing_loss(),
    Rule::new(
        "checksum-right",
        On::Every,
        form::checksum_right,
        &[("RFC9293-MUST-2", Must, Grounds::STANDARD)],
        "Every segment has a right checksum.",
    )
    .causing_loss(),
    Rule::new(
        "header-whole",
        On::Every,
        form::header_whole,
        &[("RFC9293-3.1-DOFFSET-SHORT", Must, Grounds::PROSE)],
        "The data offset names the end of the header.",
    )
    .causing_loss(),
    Rule::new(
        "reserved-bits-clear",
        On::Every,
        form::reserved_bits_clear,
        &[("RFC9293-3.1-RESERVED-TX", Must, Grounds::PROSE)],
        "Reserved bits are zero.",
    )
    .of_form(),
    Rule::new(
        "options-well-formed",
        On::Every,
        form::options_well_formed,
        &[
            ("RFC9293-MUST-69", Must, Grounds::STANDARD),
            ("RFC9293-MUST-68", Must, Grounds::STANDARD),
        ],
        "Options have the lengths of their kinds, and zeros follow the last one.",
    )
    .of_form(),
    Rule::new(
        "option-once",
        On::Every,
        form::option_once,
        &[("RFC9293-MUST-65", Must, Grounds::STANDARD)],
        "No option stands on a segment twice.",
    )
    .of_form(),
    Rule::new(
        "urgent-with-text",
        On::Every,
        form::urgent_with_text,
        &[("RFC9293-3.8.5-ONEOCTET", Must, Grounds::PROSE)],
        "URG marks at least one octet.",
    )
    .of_form(),
    Rule::new(
        "mss-announced",
        On::Syn,
        opening::mss_announced,
        &[("RFC9293-SHLD-5", Should, Grounds::STANDARD)],
        "Every SYN announces an MSS.",
    )
    .of_form(),
    Rule::new(
        "mss-announced-fits",
        On::Syn,
        opening::mss_announced_fits,
        &[("RFC9293-MUST-67", Must, Grounds::STANDARD)],
        "The MSS announced fits the link.",
    )
    .of_form(),
    Rule::new(
        "scale-at-most-14",
        On::Syn,
        opening::scale_at_most_14,
        &[("RFC7323-2.3-6", Must, Grounds::PROPOSED)],
        "No shift above 14 is announced.",
    )
    .of_form(),
    Rule::new(
        "scale-only-if-offered",
        On::Syn,
        opening::scale_only_if_offered,
        &[("RFC7323-2.2-4", Must, Grounds::PROPOSED)],
        "A SYN,ACK scales windows only if the SYN offered it.",
    )
    .forbidding(OptionKind::WINDOW_SCALE)
    .needing_all(),
    Rule::new(
        "timestamps-only-if-offered",
        On::Syn,
        opening::timestamps_only_if_offered,
        &[("RFC7323-3.2-4", Must, Grounds::PROPOSED)],
        "A SYN,ACK has timestamps only if the SYN had them.",
    )
    .forbidding(OptionKind::TIMESTAMPS)
    .needing_all(),
    Rule::new(
        "ecn-only-if-offered",
        On::Syn,
        opening::ecn_only_if_offered,
        &[("RFC3168-6.1.1-2", Must, Grounds::PROPOSED)],
        "A SYN,ACK agrees to ECN only if the SYN asked for it.",
    )
    .of_form()
    .needing_all(),
    Rule::new(
        "syn-acknowledged-by-syn-ack",
        On::Syn,
        opening::acknowledges_the_syn,
        &[("RFC9293-SEG-LISTEN-SYN", Must, Grounds::PROSE)],
        "A SYN,ACK acknowledges a SYN that came.",
    )
    .needing_all(),
    Rule::new(
        "syn-number-holds",
        On::Syn,
        opening::syn_number_holds,
        &[("RFC9293-3.8-CONTENT", Must, Grounds::PROSE)],
        "A SYN,ACK that is sent again has the same number.",
    )
    .needing_all(),
    Rule::new(
        "no-syn-when-synchronized",
        On::Syn,
        opening::no_syn_when_synchronized,
        &[("RFC9293-SEG-ESTABLISHED-ACK-GOOD", Must, Grounds::PROSE)],
        "No SYN is sent again once what follows it was acknowledged.",
    )
    .needing_all(),
    Rule::new(
        "syn-not-ecn-capable",
        On::Syn,
        ecn::syn_not_capable,
        &[("RFC3168-6.1.1-10", Must, Grounds::PROPOSED)],
        "A SYN is not ECN-capable.",
    )
    .of_form(),
    Rule::new(
        "echo-only-with-ack",
        On::Syn,
        timestamps::echo_only_with_ack,
        &[("RFC7323-3.2-1", Should, Grounds::PROPOSED)],
        "TSecr is zero where ACK is not set.",
    )
    .of_form(),
    Rule::new(
        "reset-never-for-a-reset",
        On::Rst,
        reset::never_for_a_reset,
        &[("RFC9293-RSTGEN-NORST4RST", Must, Grounds::PROSE)],
        "A reset is never answered by a reset.",
    )
    .needing_all(),
    Rule::new(
        "reset-numbered",
        On::Rst,
        reset::numbered,
        &[
            ("RFC9293-RSTGEN-FORMAT-ACK", Must, Grounds::PROSE),
            ("RFC9293-RSTGEN-FORMAT-NOACK", Must, Grounds::PROSE),
        ],
        "A reset has the number of the connection, or that which what it answers calls for.",
    )
    .needing_all(),
    Rule::new(
        "reset-acknowledges-what-came",
        On::Rst,
        reset::acknowledges_what_came,
        &[("RFC9293-RSTGEN-FORMAT-NOACK", Must, Grounds::PROSE)],
        "A reset acknowledges nothing but what came.",
    )
    .needing_all(),
    Rule::new(
        "ack-set",
        On::Segment,
        sending::ack_set,
        &[("RFC9293-3.1-ACK-ALWAYS", Must, Grounds::PROSE)],
        "Every segment of a connection but its SYN has ACK.",
    ),
    Rule::new(
        "syn-options-on-syns",
        On::Segment,
        opening::syn_options_on_syns,
        &[("RFC9293-MUST-65", Must, Grounds::STANDARD)],
        "MSS, window scale and SACK-permitted stand on SYNs only.",
    )
    .of_form(),
    Rule::new(
        "no-gap",
        On::Segment,
        sending::no_gap,
        &[("RFC9293-3.4-SYNFIN-SEQ", Must, Grounds::PROSE)],
        "No sequence number is left out.",
    )
    .needing_all(),
    Rule::new(
        "window-respected",
        On::Segment,
        sending::window_respected,
        &[("RFC9293-3.8.6-RWND", Must, Grounds::PROSE)],
        "No new text goes beyond the offered window, but for the one octet of a probe.",
    )
    .needing_all(),
    Rule::new(
        "mss-respected",
        On::Segment,
        sending::mss_respected,
        &[("RFC9293-MUST-16", Must, Grounds::STANDARD)],
        "Text and options together are no longer than the peer's MSS.",
    ),
    Rule::new(
        "same-octets-again",
        On::Segment,
        sending::same_octets_again,
        &[
            ("RFC9293-3.8-CONTENT", Must, Grounds::PROSE),
            ("RFC2525-2.4", Must, Grounds::INFERRED),
        ],
        "What is sent again is what was sent.",
    ),
    Rule::new(
        "fin-holds-its-number",
        On::Segment,
        sending::fin_holds_its_number,
        &[("RFC9293-3.4-SYNFIN-SEQ", Must, Grounds::PROSE)],
        "A FIN that is sent again has the same number.",
    ),
    Rule::new(
        "nothing-after-fin",
        On::Segment,
        sending::nothing_after_fin,
        &[("RFC9293-3.4-SYNFIN-SEQ", Must, Grounds::PROSE)],
        "No text follows the FIN.",
    ),
    Rule::new(
        "urgent-never-back",
        On::Segment,
        sending::urgent_never_back,
        &[("RFC9293-3.8.5-NORECEDE", Must, Grounds::PROSE)],
        "The urgent pointer never moves back.",
    )
    .needing_all(),
    Rule::new(
        "ack-never-back",
        On::Segment,
        receiving::ack_never_back,
        &[("RFC9293-3.4-ACK-CUM", Must, Grounds::PROSE)],
        "The acknowledgment never moves back.",
    )
    .needing_all(),
    Rule::new(
        "ack-of-what-came",
        On::Segment,
        receiving::ack_of_what_came,
        &[("RFC9293-3.4-ACK-CUM", Must, Grounds::PROSE)],
        "Nothing is acknowledged that has not come.",
    )
    .needing_all(),
    Rule::new(
        "right-edge-never-back",
        On::Segment,
        receiving::right_edge_never_back,
        &[("RFC9293-SHLD-14", Should, Grounds::STANDARD)],
        "The right edge of the offered window never moves back.",
    )
    .needing_all(),
    Rule::new(
        "sack-only-if-permitted",
        On::Segment,
        receiving::sack_only_if_permitted,
        &[("RFC2018-4-1", Must, Grounds::PROPOSED)],
        "SACK blocks are for peers that permitted them.",
    )
    .forbidding(OptionKind::SACK),
    Rule::new(
        "sack-of-what-came",
        On::Segment,
        receiving::sack_of_what_came,
        &[("RFC2018-3-1", Must, Grounds::PROPOSED)],
        "Each SACK block names octets that came, and all of it came.",
    )
    .needing_all(),
    Rule::new(
        "sack-above-ack",
        On::Segment,
        receiving::sack_above_ack,
        &[("RFC2018-3-3", Must, Grounds::PROPOSED)],
        "Every SACK block but the first lies above the ACK.",
    ),
    Rule::new(
        "sack-apart",
        On::Segment,
        receiving::sack_apart,
        &[("RFC2018-4-6", Should, Grounds::PROPOSED)],
        "SACK blocks are apart from each other.",
    ),
    Rule::new(
        "duplicate-report-true",
        On::Segment,
        receiving::duplicate_report_true,
        &[("RFC2883-4-3", Must, Grounds::PROPOSED)],
        "What is reported as a duplicate came more than once.",
    )
    .needing_all(),
    Rule::new(
        "timestamps-only-if-agreed",
        On::Segment,
        timestamps::only_if_agreed,
        &[("RFC7323-3.2-4", Must, Grounds::PROPOSED)],
        "Timestamps stand on segments only if both SYNs had them.",
    )
    .forbidding(OptionKind::TIMESTAMPS),
    Rule::new(
        "timestamps-on-every-segment",
        On::Segment,
        timestamps::on_every_segment,
        &[("RFC7323-3.2-5", Must, Grounds::PROPOSED)],
        "Once agreed upon, timestamps stand on every segment but a reset.",
    ),
    Rule::new(
        "timestamp-never-back",
        On::Segment,
        timestamps::never_back,
        &[("RFC7323-4.1-1", Must, Grounds::PROPOSED)],
        "TSval never moves back.",
    )
    .needing_all(),
    Rule::new(
        "timestamp-clock-in-range",
        On::Segment,
        timestamps::clock_in_range,
        &[("RFC7323-4.1-1", Must, Grounds::PROPOSED)],
        "A tick of the timestamp clock always lasts the same, between 59 ns and a second.",
    ),
    Rule::new(
        "echo-of-what-came",
        On::Segment,
        timestamps::echo_of_what_came,
        &[("RFC7323-3.2-2", Must, Grounds::PROPOSED)],
        "TSecr is the TSval of a segment that came.",
    )
    .needing_all(),
    Rule::new(
        "echo-of-the-left-edge",
        On::Segment,
        timestamps::echo_of_the_left_edge,
        &[("RFC7323-4.3-4", Must, Grounds::PROPOSED)],
        "TSecr is of no segment above a gap.",
    )
    .needing_all(),
    Rule::new(
        "echo-never-back",
        On::Segment,
        timestamps::echo_never_back,
        &[("RFC7323-4.3-4", Must, Grounds::PROPOSED)],
        "TSecr never moves back.",
    )
    .needing_all(),
    Rule::new(
        "ecn-only-if-agreed",
        On::Segment,
        ecn::capable_only_if_agreed,
        &[("RFC3168-6.1.1-4", Must, Grounds::PROPOSED)],
        "Segments are ECN-capable only if that was agreed upon.",
    )
    .of_form(),
    Rule::new(
        "acks-not-ecn-capable",
        On::Segment,
        ecn::acks_not_capable,
        &[("RFC3168-6.1.4-1", Must, Grounds::PROPOSED)],
        "ACKs without text are not ECN-capable.",
    )
    .of_form(),
    Rule::new(
        "nothing-again-ecn-capable",
        On::Segment,
        ecn::nothing_again_capable,
        &[("RFC3168-6.1.5-1", Must, Grounds::PROPOSED)],
        "What is sent again is not ECN-capable.",
    )
    .of_form()
    .needing_all(),
    Rule::new(
        "ecn-echo-only-of-marks",
        On::Segment,
        ecn::echo_only_of_marks,
        &[("RFC3168-6.1.3-1", Must, Grounds::PROPOSED)],
        "ECE is set only after a mark has come.",
    )
    .of_form()
    .needing_all(),
    Rule::new(
        "cwr-only-on-text",
        On::Segment,
        ecn::reduced_only_on_text,
        &[("RFC3168-6.1.2-4", Must, Grounds::PROPOSED)],
        "CWR stands on new text only.",
    )
    .of_form(),
    Rule::new(
        "rto-backs-off",
        On::Every,
        pace::rto_backs_off,
        &[("RFC6298-5.5-1", Must, Grounds::PROPOSED)],
        "What nobody acknowledges is sent again after longer and longer times.",
    )
    .needing_all()
    .about_time(),
    Rule::new(
        "one-segment-after-timeout",
        On::Segment,
        pace::one_segment_after_timeout,
        &[("RFC5681-3.1-8", Must, Grounds::DRAFT)],
        "When the retransmission timer expires one segment is sent.",
    )
    .needing_all()
    .about_time(),
    Rule::new(
        "initial-window",
        On::Segment,
        pace::initial_window,
        &[("RFC5681-3.1-1", Must, Grounds::DRAFT)],
        "Before the first ACK no more is sent than the largest initial window.",
    )
    .needing_all()
    .about_time(),
    Rule::new(
        "ack-in-time",
        On::Segment,
        pace::ack_in_time,
        &[("RFC9293-MUST-40", Must, Grounds::STANDARD)],
        "An ACK is delayed by less than half a second.",
    )
    .needing_all()
    .about_time()
    .and_at_the_end(pace::unacknowledged),
    Rule::new(
        "no-storm",
        On::Every,
        pace::no_storm,
        &[("RFC9293-RSTGEN-SYNC-UNACC", Must, Grounds::PROSE)],
        "Segments without text do not come in floods.",
    )
    .needing_all()
    .about_time(),
];
