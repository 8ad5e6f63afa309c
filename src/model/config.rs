//! What the RFCs leave to the implementer: one switch for each choice.
//!
//! The defaults are what the RFCs recommend, or, where they recommend nothing, their text read literally.

use core::time::Duration;

/// What CLOSE does when received data has not been read, and what data that comes after it meets (RFC 9293 section
/// 3.6.1, SHLD-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostData {
    /// A reset, so that the peer learns that its data was lost.
    Reset,
    /// An orderly end; the data is acknowledged and thrown away.
    Fin,
}

/// When SYN cookies are used (RFC 4987 section 3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SynCookies {
    /// Not at all.
    Never,
    /// When the backlog is full.
    WhenFull,
    /// For every SYN.
    Always,
}

/// What becomes of text and FIN on a SYN (RFC 9293 section 3.10.7.2, 3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SynData {
    /// Kept for later; acknowledged once the handshake has proven the peer.
    Hold,
    /// Kept for later, and acknowledged with the SYN.
    Acknowledge,
    /// Thrown away; the peer sends it again.
    Discard,
}

/// What a SYN meets when the backlog is full (RFC 9293 section 3.10.1: insufficient resources).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BacklogFull {
    /// Nothing: the peer tries again.
    Ignore,
    /// A reset.
    Reset,
}

/// What becomes of a segment with an option whose length cannot be (RFC 9293 section 3.2, MUST-7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IllegalOption {
    /// That option and what follows are not looked at; the segment counts.
    Skip,
    /// The segment is dropped.
    Drop,
    /// The segment is dropped and the connection is reset.
    Reset,
}

/// What a hard ICMP error does (RFC 9293 section 3.9.2.2, SHLD-26; RFC 5927 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HardError {
    /// It ends connections that are not yet synchronized; on others it is a soft error.
    SoftWhenSynchronized,
    /// It ends every connection.
    Abort,
}

/// What a soft ICMP error does while a connection is being opened (RFC 5461 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoftError {
    /// It is noted (RFC 9293 section 3.9.2.2, MUST-56).
    Note,
    /// It ends the attempt.
    AbortAttempt,
}

/// What stands in a keep-alive probe (RFC 9293 section 3.8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAliveProbe {
    /// Nothing (SHLD-12).
    Empty,
    /// One octet of no meaning, for peers that do not answer without (MAY-6).
    OneOctet,
}

/// What a probe of a closed window carries (RFC 9293 section 3.8.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowProbe {
    /// One octet of new data.
    NewOctet,
    /// Nothing, one below SND.UNA, which every receiver has to answer.
    Old,
}

/// How much of its buffer a receiver offers (RFC 9293 section 3.8.6 leaves that to it).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowGrowth {
    /// All of it.
    Whole,
    /// Half, and the rest when that has come.
    Once,
    /// A quarter, then three, then all.
    Twice,
}

/// How a connection that is given up says goodbye, where the RFCs ask for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveUp {
    /// Without a word.
    Silent,
    /// With a reset.
    Reset,
}

/// How a repeated SYN is answered in SYN-RECEIVED (RFC 9293 section 3.10.7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepeatedSyn {
    /// By the empty ACK of the sequence check.
    Ack,
    /// By the SYN,ACK once more.
    SynAck,
}

/// What a second FIN meets, beyond the first (RFC 9293 section 3.10.7.4, which can be read in each of these ways).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondFin {
    /// An ACK of what was acknowledged before.
    #[default]
    Answer,
    /// RCV.NXT moves over it, as the letter has it; no state changes.
    Count,
    /// Nothing.
    Ignore,
}

/// How often something is sent again before the connection is given up (R2 of RFC 9293 section 3.8.3, MUST-20); `None`: for
/// as long as the user timeout lasts.
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

/// What the text of a state leaves unsaid, or says in two ways; all false: as it reads at first sight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsaid {
    /// Whether text after the peer's FIN is answered; it is ignored in any case (RFC 9293 section 3.10.7.4).
    pub answer_text_after_fin: bool,
    /// A FIN after the peer's FIN.
    pub second_fin: SecondFin,
    /// Whether an ACK in LAST-ACK that acknowledges nothing new is answered; only that of our FIN should arrive there
    /// (RFC 9293 section 3.10.7.4).
    pub answer_in_last_ack: bool,
    /// Whether text and FIN on a SYN,ACK are left to be sent again (RFC 9293 section 3.10.7.3).
    pub discard_syn_ack_text: bool,
    /// Whether a SYN in the window that leads back to LISTEN is answered by a reset; section 3.10.7.4 names no answer.
    pub reset_half_open: bool,
    /// Whether ABORT lets TIME-WAIT run on (RFC 9293 section 3.5.2 asks for the wait, section 3.10.5 deletes the TCB).
    pub abort_keeps_time_wait: bool,
    /// Whether CLOSE in SYN-RECEIVED waits for ESTABLISHED although nothing is queued (RFC 9293 section 3.10.4).
    pub close_waits_for_established: bool,
    /// Whether a SYN that is sent again asks for ECN again (RFC 3168 section 6.1.1.1).
    pub ask_ecn_again: bool,
    /// Whether a SYN cookie is good for one more tick of its clock; RFC 4987 section 3.6 only asks for a recent one.
    pub cookie_lives_longer: bool,
}

/// How ECN is negotiated (RFC 3168 section 6.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EcnUse {
    /// Never.
    Off,
    /// When the peer asks.
    WhenAsked,
    /// It is asked for too.
    Ask,
}

/// How much is sent before the first ACK (RFC 5681 section 3.1, RFC 6928 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialWindow {
    /// Two to four segments.
    Rfc5681,
    /// Up to ten.
    Rfc6928,
}

/// How losses are recovered from where the peer does not send SACK, or the sender does not use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// RFC 6675 with SACK, RFC 6582 without.
    Sack,
    /// RFC 6582 always.
    NewReno,
}

/// All switches and sizes. Every field is a choice that an RFC leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The MTU of the link, in octets.
    pub mtu: usize,
    /// Octets that a connection can hold for its application.
    pub receive_buffer: usize,
    /// Octets that a connection takes from its application before they are acknowledged.
    pub send_buffer: usize,
    /// The maximum segment lifetime; TIME-WAIT lasts twice as long (RFC 9293 section 3.4.1).
    pub msl: Duration,
    /// What CLOSE with unread data does (RFC 9293 section 3.6.1).
    pub close_with_unread: LostData,
    /// What data after CLOSE meets: the half-duplex close of RFC 9293 section 3.6.1.
    pub data_after_close: LostData,
    /// What the text of a state leaves unsaid.
    pub unsaid: Unsaid,
    /// Whether RSTs in TIME-WAIT are ignored (RFC 1337 section 3, fix F1).
    pub rfc1337: bool,
    /// Whether text past the right edge is taken along with what lies inside (RFC 9293 section 3.10.7.4: one could trim).
    pub keep_right_overlap: bool,
    /// Whether text above a gap is kept (RFC 9293 section 3.10.7.4, SHLD-31).
    pub keep_out_of_order: bool,
    /// Whether a FIN above a gap is kept (RFC 9293 section 3.10.7.4).
    pub keep_out_of_order_fin: bool,
    /// Whether a SYN may open a connection out of TIME-WAIT (RFC 9293 section 3.6.1, MAY-2, SHLD-4; RFC 6191).
    pub reopen_time_wait: bool,
    /// Whether a SYN that may not reopen a connection in TIME-WAIT is answered (RFC 9293 section 3.10.7.4) or dropped
    /// without a word (RFC 6191 section 2).
    pub answer_unfit_syn: bool,
    /// Whether an ACK in TIME-WAIT that fits is answered, as the letter of RFC 9293 section 3.10.7.4 has it, which takes
    /// it for a FIN that came again; two ends that do so answer each other for ever.
    pub time_wait_answers: bool,
    /// Text on a SYN (RFC 9293 section 3.10.7.2).
    pub syn_data: SynData,
    /// Whether a SYN that carries FIN is taken (RFC 9293 section 3.10.7.2).
    pub syn_fin: bool,
    /// A SYN when the backlog is full.
    pub backlog_full: BacklogFull,
    /// A repeated SYN in SYN-RECEIVED, and another outside the window.
    pub repeated_syn: RepeatedSyn,
    /// Whether delayed ACKs are used (RFC 9293 section 3.8.6.3, SHLD-18).
    pub delayed_ack: bool,
    /// How long an ACK waits at most (RFC 9293 section 3.8.6.3, MUST-40: below half a second).
    pub ack_delay: Duration,
    /// Whether Nagle's algorithm is on until an application switches it off (RFC 9293 section 3.7.4, SHLD-7).
    pub nagle: bool,
    /// How long the sender's silly window avoidance holds data back (RFC 9293 section 3.8.6.2.1: 0.1 to 1 s).
    pub override_delay: Duration,
    /// What a keep-alive probe carries (RFC 9293 section 3.8.4).
    pub keep_alive_probe: KeepAliveProbe,
    /// How a connection ends whose keep-alive probes are not answered (RFC 9293 section 3.8.4).
    pub keep_alive_end: GiveUp,
    /// How long a connection idles before it is probed (RFC 9293 section 3.8.4, MUST-28).
    pub keep_alive_idle: Duration,
    /// The time between unanswered keep-alive probes.
    pub keep_alive_interval: Duration,
    /// How many of them in a row may stay unanswered (MUST-29).
    pub keep_alive_count: u32,
    /// What a window probe carries (RFC 9293 section 3.8.6.1).
    pub window_probe: WindowProbe,
    /// Whether what was sent before the window was taken back goes out again, into the closed window too (RFC 9293
    /// section 3.8.6, MAY-7), instead of a probe.
    pub retransmit_beyond_window: bool,
    /// How much of the buffer is offered at first.
    pub window_growth: WindowGrowth,
    /// When the first window probe goes out; `None`: after one RTO (RFC 9293 section 3.8.6.1, SHLD-29).
    pub first_probe: Option<Duration>,
    /// The user timeout until an application sets one: R2 (RFC 9293 sections 3.8.3 and 3.9.1.1).
    pub user_timeout: Duration,
    /// R2 as numbers of retransmissions.
    pub retries: Retries,
    /// How a connection ends that the user timeout ends (RFC 9293 section 3.10.8).
    pub user_timeout_end: GiveUp,
    /// RFC 5961 sections 3 and 4: exact RSTs, challenge ACKs.
    pub rfc5961: bool,
    /// RFC 5961 section 5: the range check of ACK numbers (MAY-12).
    pub ack_range_check: bool,
    /// How many challenge ACKs a connection sends within `challenge_interval` (RFC 5961 section 7).
    pub challenge_limit: u32,
    /// See `challenge_limit`.
    pub challenge_interval: Duration,
    /// Whether timestamps are offered and accepted (RFC 7323 section 3).
    pub timestamps: bool,
    /// Whether a segment without the timestamps agreed upon is dropped (RFC 7323 section 3.2).
    pub require_timestamps: bool,
    /// Whether window scaling is offered and accepted (RFC 7323 section 2).
    pub window_scale: bool,
    /// Whether SACK is offered and accepted (RFC 2018 section 2).
    pub sack: bool,
    /// Whether only the newest SACK block is sent (RFC 2018 section 4: as many as fit SHOULD be).
    pub one_sack_block: bool,
    /// Whether duplicates are reported (RFC 2883).
    pub dsack: bool,
    /// Loss recovery.
    pub recovery: Recovery,
    /// Whether losses are told by time, and a lost tail is probed for (RFC 8985).
    pub rack: bool,
    /// Whether the first two duplicate ACKs let new data out (RFC 3042).
    pub limited_transmit: bool,
    /// Whether the first two ACKs after a timeout tell if it was spurious (RFC 5682 section 2.1).
    pub f_rto: bool,
    /// The initial window.
    pub initial_window: InitialWindow,
    /// Whether cwnd falls back after idling for an RTO (RFC 5681 section 4.1).
    pub restart_after_idle: bool,
    /// When SYN cookies are used.
    pub syn_cookies: SynCookies,
    /// Whether the timestamp of a cookie remembers what else the SYN offered (RFC 4987 section 3.6).
    pub cookie_options: bool,
    /// RTO before a measurement (RFC 6298 section 2.1).
    pub rto_initial: Duration,
    /// The least RTO (RFC 6298 section 2.4).
    pub rto_min: Duration,
    /// The largest (RFC 6298 section 2.5: 60 s at least).
    pub rto_max: Duration,
    /// ECN.
    pub ecn: EcnUse,
    /// Hard ICMP errors.
    pub hard_errors: HardError,
    /// Soft ICMP errors while opening.
    pub soft_errors: SoftError,
    /// Whether path MTU discovery is done (RFC 1191, RFC 8201).
    pub path_mtu_discovery: bool,
    /// Illegal option lengths.
    pub illegal_option: IllegalOption,
    /// Whether ABORT's RST carries an ACK (RFC 9293 section 3.10.5 shows none, section 3.1 asks for one).
    pub abort_with_ack: bool,
    /// Whether who sends a RST stays in TIME-WAIT (RFC 9293 section 3.5.2; section 3.10.5 enters CLOSED).
    pub time_wait_after_reset: bool,
    /// Whether the user timeout is announced and taken over (RFC 5482).
    pub user_timeout_option: bool,
    /// Whether new connections offer fast open cookies where an application asks (RFC 7413 section 4.2, MUST).
    pub fast_open: bool,
    /// Whether ISNs begin shortly before 2^32, so that every connection wraps early.
    pub isn_near_wrap: bool,
    /// How long a connection that nobody reads may stay in FIN-WAIT-2; RFC 9293 knows no such limit.
    pub fin_wait_2_limit: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            mtu: 1500,
            receive_buffer: 256 * 1024,
            send_buffer: 64 * 1024,
            msl: Duration::from_secs(120),
            close_with_unread: LostData::Reset,
            data_after_close: LostData::Reset,
            unsaid: Unsaid::default(),
            rfc1337: false,
            keep_right_overlap: false,
            keep_out_of_order: true,
            keep_out_of_order_fin: true,
            reopen_time_wait: true,
            answer_unfit_syn: false,
            time_wait_answers: false,
            syn_data: SynData::Hold,
            syn_fin: true,
            backlog_full: BacklogFull::Ignore,
            repeated_syn: RepeatedSyn::Ack,
            delayed_ack: true,
            ack_delay: Duration::from_millis(200),
            nagle: true,
            override_delay: Duration::from_millis(500),
            keep_alive_probe: KeepAliveProbe::Empty,
            keep_alive_end: GiveUp::Silent,
            keep_alive_idle: Duration::from_secs(7200),
            keep_alive_interval: Duration::from_secs(75),
            keep_alive_count: 9,
            window_probe: WindowProbe::NewOctet,
            retransmit_beyond_window: false,
            window_growth: WindowGrowth::Whole,
            first_probe: None,
            user_timeout: Duration::from_secs(300),
            retries: Retries::default(),
            user_timeout_end: GiveUp::Silent,
            rfc5961: true,
            ack_range_check: true,
            challenge_limit: 10,
            challenge_interval: Duration::from_secs(5),
            timestamps: true,
            require_timestamps: true,
            window_scale: true,
            sack: true,
            one_sack_block: false,
            dsack: true,
            recovery: Recovery::Sack,
            rack: false,
            limited_transmit: true,
            f_rto: false,
            initial_window: InitialWindow::Rfc5681,
            restart_after_idle: true,
            syn_cookies: SynCookies::WhenFull,
            cookie_options: false,
            rto_initial: Duration::from_secs(1),
            rto_min: Duration::from_secs(1),
            rto_max: Duration::from_secs(60),
            ecn: EcnUse::WhenAsked,
            hard_errors: HardError::SoftWhenSynchronized,
            soft_errors: SoftError::Note,
            path_mtu_discovery: true,
            illegal_option: IllegalOption::Skip,
            abort_with_ack: false,
            time_wait_after_reset: false,
            user_timeout_option: false,
            fast_open: true,
            isn_near_wrap: false,
            fin_wait_2_limit: None,
        }
    }
}

impl Config {
    /// Takes a host-wide setting by its neutral name, as cases configure them; `false` where the name or the value is
    /// not known. What the endpoint does not have can be switched off.
    pub fn configure(&mut self, name: &str, value: &str) -> bool {
        match value {
            "true" => self.switch(name, true),
            "false" => self.switch(name, false),
            _ => self.size(name, value).is_some(),
        }
    }

    fn switch(&mut self, name: &str, on: bool) -> bool {
        match name {
            "timestamps" => self.timestamps = on,
            "window-scaling" => self.window_scale = on,
            "sack" => self.sack = on,
            "dsack" => self.dsack = on,
            "delayed-ack" => self.delayed_ack = on,
            "rfc1337" => self.rfc1337 = on,
            "ack-range-check" => self.ack_range_check = on,
            "path-mtu-discovery" => self.path_mtu_discovery = on,
            "slow-start-after-idle" => self.restart_after_idle = on,
            "fast-open" => self.fast_open = on,
            "user-timeout-option" => self.user_timeout_option = on,
            "abort-on-overflow" => {
                self.backlog_full = if on { BacklogFull::Reset } else { BacklogFull::Ignore };
            }
            "ecn" => self.ecn = if on { EcnUse::Ask } else { EcnUse::Off },
            "f-rto" => self.f_rto = on,
            "accurate-ecn" | "early-retransmit" | "rack" | "tw-reuse" => return !on,
            _ => return false,
        }
        true
    }

    fn size(&mut self, name: &str, value: &str) -> Option<()> {
        match (name, value) {
            ("syn-cookies", "never") => self.syn_cookies = SynCookies::Never,
            ("syn-cookies", "when-full") => self.syn_cookies = SynCookies::WhenFull,
            ("syn-cookies", "always") => self.syn_cookies = SynCookies::Always,
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
        assert_eq!((config.ecn, config.rto_min), (EcnUse::Ask, Duration::from_millis(200)));
        for (name, value) in [
            ("rack", "true"),
            ("congestion-control", "cubic"),
            ("min-rto", "soon"),
            ("x", "1"),
        ] {
            assert!(!config.configure(name, value), "{name}");
        }
    }
}
