//! The configuration of the endpoint.
//!
//! The defaults are what the RFCs recommend; where they recommend nothing, they follow the letter of the text.

use super::switch::{Switch, Switches};
use core::time::Duration;

/// How often something is sent again before the connection is given up (R2 of RFC 9293 section 3.8.3, MUST-20); `None`:
/// for as long as the user timeout lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retries {
    /// A SYN.
    pub syn: Option<u32>,
    /// A SYN,ACK.
    pub syn_ack: Option<u32>,
    /// Data and FIN.
    pub data: Option<u32>,
    /// Data and FIN of connections that nobody reads any more.
    pub orphan: Option<u32>,
}

/// The order of the options on a SYN, and where the padding stands (RFC 9293 section 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OptionOrder {
    /// MSS, SACK-permitted, timestamps, scale; NOPs before what is to be aligned.
    #[default]
    MssFirst,
    /// MSS, scale, timestamps, SACK-permitted; NOPs before what is to be aligned.
    SackLast,
    /// Timestamps, scale, SACK-permitted, MSS, without a NOP; the end of the list pads.
    Packed,
}

/// When a window that has opened is announced without being asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WindowUpdates {
    /// When it has grown by two segments or half of the buffer, or was less than a segment.
    #[default]
    GrownByTwo,
    /// When it has grown by one segment or half of the buffer.
    GrownByOne,
    /// When it was less than a segment.
    Small,
}

/// How ephemeral ports are chosen (RFC 6056 section 3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortScheme {
    /// One after the other, from an offset that is a hash of the ends (algorithm 3).
    #[default]
    Hashed,
    /// Each by lot (algorithm 1).
    Random,
}

/// What stands in the identification of IPv4 packets that may not be fragmented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IpIds {
    /// A counter of the host.
    #[default]
    Counted,
    /// Numbers without an order.
    Random,
    /// Zero.
    Zero,
}

/// The configuration of the endpoint: the choices that RFCs leave, sizes, and times.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The choices that are taken instead of the usual answers of decisions.
    pub choices: Switches,
    /// The MTU of the link, in octets.
    pub mtu: usize,
    /// Octets that a connection can hold for its application.
    pub receive_buffer: usize,
    /// Octets that a connection takes from its application before they are acknowledged.
    pub send_buffer: usize,
    /// The maximum segment lifetime; TIME-WAIT lasts twice as long (RFC 9293 section 3.4.1).
    pub msl: Duration,
    /// How long an ACK waits at most (RFC 9293 section 3.8.6.3, MUST-40: below half a second).
    pub ack_delay: Duration,
    /// Whether ACKs that wait are sent at the beats of a clock that ticks once in `ack_delay`, and not each so long
    /// after its text.
    pub ack_heartbeat: bool,
    /// How many full segments are acknowledged at once (RFC 9293 section 3.8.6.3, SHLD-19: every second one at least).
    pub ack_segments: u32,
    /// How many ACKs do not wait at the beginning of a connection, and after each gap in what comes.
    pub quick_acks: u32,
    /// How long the sender's silly window avoidance holds data back (RFC 9293 section 3.8.6.2.1: 0.1 to 1 s).
    pub override_delay: Duration,
    /// How long a connection idles before it is probed (RFC 9293 section 3.8.4, MUST-28).
    pub keep_alive_idle: Duration,
    /// The time between unanswered keep-alive probes.
    pub keep_alive_interval: Duration,
    /// How many of them in a row may stay unanswered (MUST-29).
    pub keep_alive_count: u32,
    /// When the first window probe goes out; `None`: after one RTO (RFC 9293 section 3.8.6.1, SHLD-29).
    pub first_probe: Option<Duration>,
    /// Whether a window probe with an old number carries an octet.
    pub old_probe_octet: bool,
    /// The user timeout until an application sets one: R2 (RFC 9293 sections 3.8.3 and 3.9.1.1).
    pub user_timeout: Duration,
    /// R2 as numbers of retransmissions.
    pub retries: Retries,
    /// How many challenge ACKs a connection sends within `challenge_interval` (RFC 5961 section 7).
    pub challenge_limit: u32,
    /// See `challenge_limit`.
    pub challenge_interval: Duration,
    /// Whether all connections of the host share that limit.
    pub challenges_of_host: bool,
    /// RTO before a measurement (RFC 6298 section 2.1).
    pub rto_initial: Duration,
    /// The least RTO (RFC 6298 section 2.4).
    pub rto_min: Duration,
    /// G: how coarse the clock is that measures round trips (RFC 6298 section 2).
    pub clock_granularity: Duration,
    /// The retransmission timer expires when a clock ticks that does so once in this time.
    pub timer_tick: Duration,
    /// The largest (RFC 6298 section 2.5: 60 s at least).
    pub rto_max: Duration,
    /// The most segments of the initial window, below what RFCs allow (RFC 5681 section 3.1).
    pub initial_segments: u32,
    /// The least shift by which windows are scaled (RFC 7323 section 2.3).
    pub least_shift: u8,
    /// The time between two ticks of the timestamp clock, in nanoseconds (RFC 7323 section 5.4).
    pub timestamp_tick: u64,
    /// How old the reading of that clock may be that stands in a segment.
    pub timestamp_jitter: Duration,
    /// The size of segments is a multiple of this (RFC 9293 section 3.7.1, SHLD-28).
    pub segment_unit: usize,
    /// After how many timeouts in a row a black hole is suspected, so that smaller segments are tried (RFC 4821 section
    /// 7.7); `None`: never.
    pub black_hole_after: Option<u32>,
    /// The slow start threshold at first (RFC 5681 section 3.1).
    pub first_threshold: u32,
    /// By how many thousandths of their interval keep-alive probes may be late (RFC 9293 section 3.8.4).
    pub keep_alive_jitter: u32,
    /// The lowest ephemeral port (RFC 6056 section 3.2).
    pub lowest_port: u16,
    /// Whether Nagle's algorithm lets a small segment wait only while another small one is outstanding (Minshall's
    /// variant), and not while anything is.
    pub nagle_of_small: bool,
    /// Whether each segment of text has PSH (RFC 9293 section 3.9.1.2), or only the one that empties the queue.
    pub push_each: bool,
    /// Whether a FIN always goes in a segment of its own.
    pub fin_alone: bool,
    /// How the options of SYNs are ordered and padded.
    pub option_order: OptionOrder,
    /// How many octets are kept above a gap (RFC 9293 section 3.10.7.4, SHLD-31).
    pub reassembly_limit: usize,
    /// When a window that has opened is announced without being asked (RFC 9293 section 3.8.6.2.2).
    pub window_updates: WindowUpdates,
    /// How many half-open connections there may be for each one that may wait to be accepted.
    pub half_open_per_place: usize,
    /// How ephemeral ports are chosen.
    pub port_scheme: PortScheme,
    /// The time between two ticks of the clock in ISNs, in nanoseconds (RFC 9293 section 3.4.1).
    pub isn_tick: u64,
    /// What stands in the identification of IPv4 packets (RFC 6864 section 4.1).
    pub ip_ids: IpIds,
    /// Whether IPv6 packets of a connection have a flow label (RFC 6437 section 3).
    pub flow_labels: bool,
    /// The TTL where the application sets none (RFC 9293 section 3.9.2).
    pub ttl: u8,
    /// The DSCP where the application sets none.
    pub dscp: u8,
    /// Whether new connections offer fast open cookies where an application asks (RFC 7413 section 4.2, MUST).
    pub fast_open: bool,
    /// Whether ISNs lie shortly below 2^32, so that the numbers of every connection wrap early.
    pub isn_near_wrap: bool,
    /// How long a connection that nobody reads may stay in FIN-WAIT-2; RFC 9293 knows no such limit.
    pub fin_wait_2_limit: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            choices: Switches::default(),
            mtu: 1500,
            receive_buffer: 256 * 1024,
            send_buffer: 64 * 1024,
            msl: Duration::from_secs(120),
            ack_delay: Duration::from_millis(200),
            ack_heartbeat: false,
            ack_segments: 2,
            quick_acks: 0,
            override_delay: Duration::from_millis(500),
            keep_alive_idle: Duration::from_secs(7200),
            keep_alive_interval: Duration::from_secs(75),
            keep_alive_count: 9,
            first_probe: None,
            old_probe_octet: false,
            user_timeout: Duration::from_secs(300),
            retries: Retries::default(),
            challenge_limit: 10,
            challenge_interval: Duration::from_secs(5),
            challenges_of_host: false,
            rto_initial: Duration::from_secs(1),
            rto_min: Duration::from_secs(1),
            clock_granularity: Duration::from_millis(1),
            timer_tick: Duration::ZERO,
            rto_max: Duration::from_secs(60),
            initial_segments: 10,
            least_shift: 0,
            timestamp_tick: 1_000_000,
            timestamp_jitter: Duration::ZERO,
            segment_unit: 1,
            black_hole_after: None,
            first_threshold: u32::MAX,
            keep_alive_jitter: 0,
            lowest_port: 1024,
            nagle_of_small: false,
            push_each: false,
            fin_alone: false,
            option_order: OptionOrder::default(),
            reassembly_limit: 16 << 20,
            window_updates: WindowUpdates::default(),
            half_open_per_place: 8,
            port_scheme: PortScheme::default(),
            isn_tick: 4000,
            ip_ids: IpIds::default(),
            flow_labels: false,
            ttl: 64,
            dscp: 0,
            fast_open: true,
            isn_near_wrap: false,
            fin_wait_2_limit: None,
        }
    }
}

impl Config {
    /// Applies a host-wide setting by its neutral name, as cases configure it; `false` where the name or the value is
    /// not known. A feature that the endpoint lacks may be switched off.
    pub fn configure(&mut self, name: &str, value: &str) -> bool {
        match value {
            "true" => self.switch(name, true),
            "false" => self.switch(name, false),
            _ => self.size(name, value).is_some(),
        }
    }

    /// The default configuration with these choices.
    pub fn choosing(switches: &[Switch]) -> Config {
        Config {
            choices: switches.iter().copied().collect(),
            ..Config::default()
        }
    }

    /// Takes this choice instead of the usual answer.
    pub fn choose(&mut self, switch: Switch) {
        self.choices = self.choices.with(switch);
    }

    fn set(&mut self, switch: Switch, chosen: bool) {
        self.choices = match chosen {
            true => self.choices.with(switch),
            false => self.choices.without(switch),
        };
    }

    fn switch(&mut self, name: &str, on: bool) -> bool {
        match name {
            "timestamps" => self.set(Switch::TimestampsNo, !on),
            "window-scaling" => self.set(Switch::WindowScaleNo, !on),
            "sack" => self.set(Switch::SackNo, !on),
            "dsack" => self.set(Switch::DsackNo, !on),
            "delayed-ack" => self.set(Switch::DelayedAckNo, !on),
            "rfc1337" => self.set(Switch::Rfc1337, on),
            "ack-range-check" => self.set(Switch::AckRangeCheckNo, !on),
            "path-mtu-discovery" => self.set(Switch::PathMtuDiscoveryNo, !on),
            "slow-start-after-idle" => self.set(Switch::RestartAfterIdleNo, !on),
            "fast-open" => self.fast_open = on,
            "user-timeout-option" => self.set(Switch::UserTimeoutOption, on),
            "abort-on-overflow" => self.set(Switch::BacklogFullReset, on),
            "ecn" => self.choose(if on { Switch::EcnAsk } else { Switch::EcnOff }),
            "f-rto" => self.set(Switch::FRto, on),
            "rack" => self.set(Switch::Rack, on),
            "accurate-ecn" | "early-retransmit" | "tw-reuse" => return !on,
            _ => return false,
        }
        true
    }

    fn size(&mut self, name: &str, value: &str) -> Option<()> {
        match (name, value) {
            ("syn-cookies", "never") => self.choose(Switch::SynCookiesNever),
            ("syn-cookies", "always") => self.choose(Switch::SynCookiesAlways),
            ("syn-cookies", "when-full") => {
                self.set(Switch::SynCookiesNever, false);
                self.set(Switch::SynCookiesAlways, false);
            }
            ("congestion-control", "reno") | ("path-mtu-probing", "never") | ("linear-syn-timeouts", "0") => (),
            ("challenge-ack-limit", _) => {
                self.challenge_limit = value.parse().ok()?;
                self.challenge_interval = Duration::from_secs(1);
            }
            ("syn-retries", _) => self.retries.syn = Some(value.parse().ok()?),
            ("syn-ack-retries", _) => self.retries.syn_ack = Some(value.parse().ok()?),
            ("data-retries", _) => self.retries.data = Some(value.parse().ok()?),
            ("orphan-retries", _) => self.retries.orphan = Some(value.parse().ok()?),
            ("fin-timeout", _) => self.fin_wait_2_limit = Some(time(value)?),
            ("keep-alive-idle", _) => self.keep_alive_idle = time(value)?,
            ("min-rto", _) => self.rto_min = time(value)?,
            _ => return None,
        }
        Some(())
    }
}

/// A whole number with a unit: `30s`.
fn time(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    match &text[digits.len()..] {
        "us" => Some(Duration::from_micros(number)),
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        "h" => Some(Duration::from_secs(number.checked_mul(3600)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cases_configure_is_understood_or_refused() {
        let mut config = Config::default();
        for (name, value) in [
            ("ecn", "true"),
            ("syn-cookies", "always"),
            ("min-rto", "200ms"),
            ("rack", "false"),
        ] {
            assert!(config.configure(name, value), "{name}");
        }
        let chosen: Switches = [Switch::EcnAsk, Switch::SynCookiesAlways].into_iter().collect();
        assert_eq!((config.choices, config.rto_min), (chosen, Duration::from_millis(200)));
        for (name, value) in [
            ("early-retransmit", "true"),
            ("congestion-control", "cubic"),
            ("min-rto", "soon"),
            ("x", "1"),
        ] {
            assert!(!config.configure(name, value), "{name}");
        }
    }
}
