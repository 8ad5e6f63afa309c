//! The table of the parameters: name, range with its source, and the requirements that a value departs from; and the
//! same for the choices.

use super::{Parameter, Unit};
use crate::model::config::{Config, IpIds, OptionOrder, PortScheme, WindowUpdates};
use crate::model::switch::Switch;
use core::time::Duration;

const MS: u64 = 1_000_000;
const S: u64 = 1000 * MS;
const HOUR: u64 = 3600 * S;

/// An ACK that waits for less is not worth the name of a delayed one: nothing else can come meanwhile.
const SHORT: u64 = 10 * MS;

/// One in so many endpoints does what takes away a claim.
const SELDOM: u32 = 16;

const NO_YES: Unit = Unit::Name(&["no", "yes"]);

/// A time.
macro_rules! time {
    ($field:ident) => {
        |config, value| config.$field = Duration::from_nanos(value)
    };
}

/// A number.
macro_rules! number {
    ($field:ident) => {
        |config, value| config.$field = value as _
    };
}

/// One of two.
macro_rules! flag {
    ($field:ident) => {
        |config, value| config.$field = value == 1
    };
}

/// Nothing is departed from, whatever the value.
const fn nothing(_: u64) -> &'static [&'static str] {
    &[]
}

/// A parameter without a value that departs from anything.
const fn parameter(
    name: &'static str,
    source: &'static str,
    range: (u64, u64),
    usual: u64,
    unit: Unit,
    apply: fn(&mut Config, u64),
) -> Parameter {
    Parameter {
        name,
        source,
        range,
        usual,
        unit,
        odds: 2,
        apply,
        departs: nothing,
    }
}

impl Parameter {
    /// The same, drawn as seldom as a choice that takes away a claim.
    const fn seldom(self) -> Parameter {
        Parameter { odds: SELDOM, ..self }
    }

    /// The same, where some values depart from requirements.
    const fn departing(self, departs: fn(u64) -> &'static [&'static str]) -> Parameter {
        Parameter { departs, ..self }
    }
}

pub(super) const TABLE: &[Parameter] = &[
    // ----- times --------------------------------------------------------------------------------------------------
    parameter(
        "rto-initial",
        "RFC 6298 section 2.1 and appendix A",
        (S, 3 * S),
        S,
        Unit::Time,
        time!(rto_initial),
    ),
    parameter(
        "rto-min",
        "RFC 6298 section 2.4; Linux and BSD go down to 0.2 s",
        (200 * MS, S),
        S,
        Unit::Time,
        time!(rto_min),
    )
    .departing(|value| if value < S { &["RFC6298-2.4-1"] } else { &[] }),
    parameter(
        "rto-max",
        "RFC 6298 section 2.5",
        (60 * S, 120 * S),
        60 * S,
        Unit::Time,
        time!(rto_max),
    ),
    parameter(
        "clock-granularity",
        "RFC 6298 section 4",
        (MS, 50 * MS),
        MS,
        Unit::Time,
        |config, value| {
            config.clock_granularity = Duration::from_nanos(value);
            config.timer_tick = if value > MS {
                Duration::from_nanos(value)
            } else {
                Duration::ZERO
            };
        },
    ),
    parameter(
        "ack-delay",
        "RFC 9293 section 3.8.6.3",
        (0, 499 * MS),
        200 * MS,
        Unit::Time,
        time!(ack_delay),
    )
    .departing(|value| {
        if value < SHORT {
            &["RFC9293-SHLD-18", "RFC5681-4.2-1"]
        } else {
            &[]
        }
    }),
    parameter(
        "ack-heartbeat",
        "RFC 9293 section 3.8.6.3",
        (0, 1),
        0,
        NO_YES,
        flag!(ack_heartbeat),
    ),
    parameter(
        "ack-segments",
        "RFC 9293 section 3.8.6.3",
        (1, 2),
        2,
        Unit::Number,
        number!(ack_segments),
    ),
    parameter(
        "quick-acks",
        "RFC 9293 section 3.8.6.3; Linux has up to 16",
        (0, 16),
        0,
        Unit::Number,
        number!(quick_acks),
    ),
    parameter(
        "override-delay",
        "RFC 9293 section 3.8.6.2.1",
        (100 * MS, S),
        500 * MS,
        Unit::Time,
        time!(override_delay),
    ),
    parameter(
        "msl",
        "RFC 9293 section 3.4.2; Linux has 30 s",
        (30 * S, 120 * S),
        120 * S,
        Unit::Time,
        time!(msl),
    ),
    parameter(
        "user-timeout",
        "RFC 9293 sections 3.8.3 and 3.9.1.1",
        (300 * S, 900 * S),
        300 * S,
        Unit::Time,
        time!(user_timeout),
    ),
    parameter(
        "keep-alive-idle",
        "RFC 9293 section 3.8.4",
        (2 * HOUR, 20 * HOUR),
        2 * HOUR,
        Unit::Time,
        time!(keep_alive_idle),
    ),
    parameter(
        "keep-alive-interval",
        "none; stacks have 1 s to 10 minutes",
        (S, 600 * S),
        75 * S,
        Unit::Time,
        time!(keep_alive_interval),
    ),
    parameter(
        "keep-alive-count",
        "RFC 9293 section 3.8.4, MUST-29",
        (2, 20),
        9,
        Unit::Number,
        number!(keep_alive_count),
    ),
    parameter(
        "keep-alive-jitter",
        "none; timers of long intervals are coarse",
        (0, 100),
        0,
        Unit::Number,
        number!(keep_alive_jitter),
    ),
    // ----- windows ------------------------------------------------------------------------------------------------
    parameter(
        "receive-buffer",
        "none; stacks have 1 KB to 16 MB",
        (1 << 10, 16 << 20),
        256 << 10,
        Unit::Number,
        number!(receive_buffer),
    ),
    parameter(
        "window-scale",
        "RFC 7323 section 2.3",
        (0, 14),
        0,
        Unit::Number,
        number!(least_shift),
    ),
    parameter(
        "window-updates",
        "RFC 9293 section 3.8.6.2.2",
        (0, 2),
        0,
        Unit::Name(&["grown-by-two", "grown-by-one", "small"]),
        |config, value| {
            config.window_updates = match value {
                0 => WindowUpdates::GrownByTwo,
                1 => WindowUpdates::GrownByOne,
                _ => WindowUpdates::Small,
            }
        },
    ),
    parameter(
        "reassembly-limit",
        "RFC 9293 section 3.10.7.4, SHLD-31",
        (0, 16 << 20),
        16 << 20,
        Unit::Number,
        number!(reassembly_limit),
    )
    .departing(|value| if value < 16 << 20 { &["RFC9293-SHLD-31"] } else { &[] })
    .seldom(),
    parameter(
        "initial-window",
        "RFC 5681 section 3.1; RFC 6928 section 2",
        (1, 10),
        10,
        Unit::Number,
        number!(initial_segments),
    ),
    parameter(
        "first-threshold",
        "RFC 5681 section 3.1; older stacks begin with 64 KB",
        (1 << 16, u32::MAX as u64),
        u32::MAX as u64,
        Unit::Number,
        number!(first_threshold),
    ),
    parameter(
        "black-hole-after",
        "RFC 4821 section 7.7",
        (0, 3),
        0,
        Unit::Name(&["never", "two-timeouts", "three-timeouts", "four-timeouts"]),
        |config, value| config.black_hole_after = (value > 0).then_some(value as u32 + 1),
    ),
    parameter(
        "old-probe-octet",
        "RFC 9293 section 3.8.6.1; stacks probe with an old octet as well",
        (0, 1),
        0,
        NO_YES,
        |config, value| {
            if value == 1 {
                config.choose(Switch::WindowProbeOld);
            }
            config.old_probe_octet = value == 1;
        },
    ),
    // ----- challenges ---------------------------------------------------------------------------------------------
    parameter(
        "challenge-limit",
        "RFC 5961 section 7",
        (1, 100),
        10,
        Unit::Number,
        number!(challenge_limit),
    ),
    parameter(
        "challenge-interval",
        "RFC 5961 section 7",
        (100 * MS, 5 * S),
        5 * S,
        Unit::Time,
        time!(challenge_interval),
    ),
    parameter(
        "challenges-of-host",
        "RFC 5961 section 7",
        (0, 1),
        0,
        NO_YES,
        flag!(challenges_of_host),
    )
    .departing(|value| if value == 1 { &["RFC5961-7-4"] } else { &[] }),
    // ----- segments -----------------------------------------------------------------------------------------------
    parameter(
        "timestamp-tick",
        "RFC 7323 section 5.4",
        (59, S),
        MS,
        Unit::Time,
        number!(timestamp_tick),
    ),
    parameter(
        "timestamp-jitter",
        "none; clocks are read once in a tick of the host",
        (0, 10 * MS),
        0,
        Unit::Time,
        time!(timestamp_jitter),
    ),
    parameter(
        "segment-unit",
        "RFC 9293 section 3.8.6.2.1, SHLD-28; stacks round down to whole words",
        (0, 2),
        0,
        Unit::Name(&["octet", "two-octets", "four-octets"]),
        |config, value| {
            // The end of a longer text would wait otherwise, whatever its length: nothing is full that is smaller than
            // the peer could take.
            config.nagle_of_small |= value > 0;
            config.segment_unit = 1 << value;
        },
    )
    .departing(|value| if value > 0 { &["RFC9293-SHLD-28"] } else { &[] }),
    parameter(
        "nagle-of-small",
        "RFC 9293 section 3.7.4; Linux has Minshall's variant",
        (0, 1),
        0,
        NO_YES,
        |config, value| config.nagle_of_small |= value == 1,
    ),
    parameter(
        "push-each",
        "RFC 9293 section 3.9.1.2",
        (0, 1),
        0,
        NO_YES,
        flag!(push_each),
    ),
    parameter(
        "fin-alone",
        "RFC 9293 section 3.10.4",
        (0, 1),
        0,
        NO_YES,
        flag!(fin_alone),
    ),
    parameter(
        "option-order",
        "RFC 9293 section 3.2",
        (0, 2),
        0,
        Unit::Name(&["mss-first", "sack-last", "packed"]),
        |config, value| {
            config.option_order = match value {
                0 => OptionOrder::MssFirst,
                1 => OptionOrder::SackLast,
                _ => OptionOrder::Packed,
            }
        },
    ),
    // ----- packets and numbers ------------------------------------------------------------------------------------
    parameter(
        "half-open-per-place",
        "none; stacks keep few or many",
        (1, 64),
        8,
        Unit::Number,
        number!(half_open_per_place),
    ),
    parameter(
        "ports",
        "RFC 6056 section 3.3",
        (0, 1),
        0,
        Unit::Name(&["hashed", "random"]),
        |config, value| {
            config.port_scheme = match value {
                0 => PortScheme::Hashed,
                _ => PortScheme::Random,
            }
        },
    ),
    parameter(
        "lowest-port",
        "RFC 6056 section 3.2; RFC 6335 section 6",
        (1024, 49_152),
        1024,
        Unit::Number,
        number!(lowest_port),
    )
    .departing(|value| if value > 1024 { &["RFC6056-3.2-1"] } else { &[] }),
    parameter(
        "isn-tick",
        "RFC 9293 section 3.4.1; Linux has 64 ns",
        (64, 4000),
        4000,
        Unit::Time,
        number!(isn_tick),
    ),
    parameter(
        "ip-ids",
        "RFC 6864 section 4.1",
        (0, 2),
        0,
        Unit::Name(&["counted", "random", "zero"]),
        |config, value| {
            config.ip_ids = match value {
                0 => IpIds::Counted,
                1 => IpIds::Random,
                _ => IpIds::Zero,
            }
        },
    ),
    parameter(
        "flow-labels",
        "RFC 6437 section 3",
        (0, 1),
        0,
        NO_YES,
        flag!(flow_labels),
    ),
    parameter(
        "ttl",
        "RFC 1122 section 3.2.1.7: enough for the Internet",
        (32, 255),
        64,
        Unit::Number,
        number!(ttl),
    ),
    parameter("dscp", "RFC 2474 section 3", (0, 63), 0, Unit::Number, number!(dscp)),
];

/// Whether a choice is drawn. An endpoint that answers every SYN by a cookie keeps no connection in SYN-RECEIVED and
/// never sends a SYN,ACK again, against RFC 9293 section 3.10.7.2; RFC 4987 section 3.6 means cookies for a full backlog.
pub(super) const fn is_drawn(switch: Switch) -> bool {
    !matches!(switch, Switch::SynCookiesAlways)
}

/// A choice is made by one in so many endpoints: seldom if it takes away a claim, since the cases about that say nothing
/// then.
pub(super) fn odds(switch: Switch) -> u32 {
    match Config::choosing(&[switch]).lost().is_empty() {
        true => 4,
        false => SELDOM,
    }
}

/// The requirements from which a choice departs.
pub(super) const fn departures(switch: Switch) -> &'static [&'static str] {
    match switch {
        Switch::DelayedAckNo => &["RFC9293-SHLD-18", "RFC5681-4.2-1"],
        Switch::NagleNo => &["RFC9293-SHLD-7", "RFC9293-3.7.4-NAGLE-RULE"],
        Switch::LimitedTransmitNo => &["RFC3042-2-1", "RFC5681-3.2-4"],
        Switch::RequireTimestampsNo => &["RFC7323-3.2-7"],
        Switch::AnswerUnfitSyn => &["RFC9293-SHLD-4", "RFC6191-2-4", "RFC6191-2-6"],
        Switch::ReopenTimeWaitNo => &[
            "RFC9293-SHLD-4",
            "RFC6191-2-1",
            "RFC6191-2-2",
            "RFC6191-2-3",
            "RFC6191-2-4",
            "RFC6191-2-5",
            "RFC6191-2-6",
        ],
        Switch::TimestampsNo => &["RFC9293-SHLD-4", "RFC6191-2-1", "RFC6191-2-4"],
        Switch::KeepOutOfOrderNo | Switch::KeepOutOfOrderFinNo => &["RFC9293-SHLD-31"],
        Switch::KeepAliveProbeOctet => &["RFC9293-SHLD-12"],
        Switch::CloseWithUnreadFin => &["RFC9293-SHLD-3", "RFC2525-2.17"],
        Switch::DataAfterCloseFin => &["RFC9293-SHLD-3", "RFC2525-2.16"],
        Switch::HardErrorsAbort => &["RFC5927-5.2-1"],
        _ => &[],
    }
}
