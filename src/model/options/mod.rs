//! Which options stand on which segment, and how much room they leave for text (RFC 9293 sections 3.2 and 3.7.1, RFC
//! 7323, RFC 2018, RFC 5482, RFC 7413).

pub(super) mod decisions;

use super::config::OptionOrder;
use super::context::Context;
use super::segment_arrives::Arriving;
use super::tcb::Tcb;
use super::tcb::decisions::uses_user_timeout;
use crate::rfc::State;
use crate::wire::{Segment, SeqNum, TcpOption};
use core::time::Duration;

/// Octets of the timestamps option with the two NOPs before it (RFC 7323 appendix A).
const TIMESTAMPS_SPACE: usize = 12;
/// Octets that all options may take (RFC 9293 section 3.1).
pub(super) const MOST_OPTIONS: usize = 40;
/// The largest shift (RFC 7323 section 2.3).
pub(super) const LARGEST_SHIFT: u8 = 14;

/// Nanoseconds between two ticks of a clock by which round trips are measured.
const FINE_TICK: u64 = 10_000_000;

/// What is assumed of a peer that announces no MSS (RFC 9293 section 3.7.1, MUST-15).
pub(super) fn default_mss(v4: bool) -> usize {
    if v4 { 536 } else { 1220 }
}

/// Octets of the fixed IP and TCP headers.
pub(super) fn fixed_headers(v4: bool) -> usize {
    if v4 { 40 } else { 60 }
}

/// The MSS to announce: what fits the link, not less for any option (RFC 9293 section 3.7.1, MUST-67).
pub(super) fn announced_mss(cx: &Context, v4: bool, asked: Option<usize>) -> usize {
    let fits = cx.config.mtu - fixed_headers(v4);
    asked.map_or(fits, |size| size.min(fits))
}

/// What a segment is sent for, as far as its options depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// To carry text.
    Data,
    /// To acknowledge, or to carry a FIN alone.
    Control,
    /// To make the peer answer.
    Probe,
}

/// The ticks of the timestamp clock, as it was read last.
fn ticks(cx: &Context) -> u32 {
    let now = cx.now.as_nanos();
    let read = now - now % (cx.config.timestamp_jitter.as_nanos() as u64).max(1);
    (read / cx.config.timestamp_tick) as u32
}

/// Whether the timestamp clock is fine enough to measure round trips by it (RFC 7323 section 4.1).
pub(super) fn clock_measures(cx: &Context) -> bool {
    cx.config.timestamp_tick <= FINE_TICK && cx.config.timestamp_jitter.is_zero()
}

/// The timestamp clock of a connection as it should be: its ticks are steady (RFC 7323 section 5.4).
pub(super) fn clock(tcb: &Tcb, cx: &Context) -> u32 {
    ticks(cx).wrapping_add(tcb.ts_offset)
}

/// The timestamps option with the two NOPs before it.
fn timestamps(value: u32, echo: u32) -> [TcpOption; 3] {
    [TcpOption::Nop, TcpOption::Nop, TcpOption::Timestamps { value, echo }]
}

/// Puts options of a SYN behind the MSS, or before it.
fn arrange(
    options: &mut Vec<TcpOption>,
    order: OptionOrder,
    sack: Option<TcpOption>,
    timestamps: Option<[TcpOption; 3]>,
    scale: Option<TcpOption>,
) {
    match order {
        OptionOrder::MssFirst => {
            options.extend(sack);
            options.extend(timestamps.into_iter().flatten());
            options.extend(scale.into_iter().flat_map(|scale| [TcpOption::Nop, scale]));
        }
        OptionOrder::SackLast => {
            options.extend(scale.into_iter().flat_map(|scale| [TcpOption::Nop, scale]));
            options.extend(timestamps.into_iter().flatten());
            options.extend(sack);
        }
        OptionOrder::Packed => {
            let bare = timestamps.map(|[_, _, timestamps]| timestamps);
            options.splice(0..0, bare.into_iter().chain(scale).chain(sack));
        }
    }
}

impl Tcb {
    /// What the timestamp clock shows.
    pub(super) fn ts_now(&self, cx: &Context) -> u32 {
        decisions::timestamp_clock(self, cx)
    }

    /// The timestamps of a segment with ACK, or without.
    fn timestamps(&self, cx: &Context, has_ack: bool) -> [TcpOption; 3] {
        timestamps(self.ts_now(cx), decisions::timestamp_echo(self, has_ack))
    }

    /// The options of a SYN: everything that is offered; of a SYN,ACK: what the SYN offered too.
    pub(super) fn syn_options(&self, cx: &Context) -> Vec<TcpOption> {
        let answering = self.state != State::SynSent;
        let mut options = Vec::with_capacity(8);
        let mss = decisions::mss_on_syn(self, cx);
        options.extend(mss.map(|mss| TcpOption::Mss(u16::try_from(mss).unwrap_or(u16::MAX))));
        let (sack, timestamps, scaled) = match answering {
            true => (self.agreed.sack, self.agreed.timestamps, self.agreed.scaled),
            false => (
                decisions::permits_sack(self, true),
                decisions::offers_timestamps(self),
                decisions::offers_scaling(self),
            ),
        };
        let sack = sack.then_some(TcpOption::SackPermitted);
        let timestamps = timestamps.then(|| self.timestamps(cx, answering));
        let scale = scaled.then_some(TcpOption::WindowScale(self.agreed.rcv_wind_shift));
        arrange(&mut options, cx.config.option_order, sack, timestamps, scale);
        options.extend(decisions::unasked_options(self, cx));
        if let Some(cookie) = self.cookie.as_ref().filter(|_| answering) {
            options.push(TcpOption::FastOpen(cookie.clone()));
        }
        options.extend(self.fast_open_option());
        options
    }

    /// The options of any other segment.
    pub(super) fn segment_options(&mut self, cx: &Context, kind: Kind) -> Vec<TcpOption> {
        let mut options = Vec::with_capacity(4);
        options.extend(decisions::mss_off_syn(self).map(TcpOption::Mss));
        if decisions::has_timestamps(self, kind) {
            options.extend(self.timestamps(cx, true));
        }
        if decisions::announces_user_timeout(self) {
            options.push(TcpOption::UserTimeout(uto_value(
                self.settings.user_timeout.unwrap_or(cx.config.user_timeout),
            )));
        }
        let room = (MOST_OPTIONS - TcpOption::space(&options) - 4) / 8;
        let blocks = self.reports.blocks(&self.received, self.rcv_nxt, room);
        let blocks: Vec<(u32, u32)> = blocks.into_iter().map(|(left, right)| (left.0, right.0)).collect();
        let mut blocks = decisions::reported(self, kind, &blocks);
        blocks.truncate(decisions::most_blocks(self, blocks.len()));
        if !blocks.is_empty() {
            options.extend([TcpOption::Nop, TcpOption::Nop, TcpOption::Sack(blocks)]);
        }
        options
    }

    /// The options of a RST: timestamps, if they were agreed upon (RFC 7323 section 3.2).
    pub(super) fn reset_options(&self, cx: &Context) -> Vec<TcpOption> {
        match self.agreed.timestamps {
            true => self.timestamps(cx, true).to_vec(),
            false => Vec::new(),
        }
    }

    /// How much text fits into a segment with so many octets of options (RFC 9293 section 3.7.1, MUST-16).
    pub(super) fn largest_payload(&self, options: usize) -> usize {
        decisions::largest_payload(self, options)
    }

    /// SMSS: the octets of a full segment with the usual options (RFC 5681 section 2).
    pub(super) fn smss(&self) -> u32 {
        let options = if self.agreed.timestamps { TIMESTAMPS_SPACE } else { 0 };
        self.largest_payload(options) as u32
    }

    /// RMSS: the octets of a full segment of the peer's.
    pub(super) fn rmss(&self, cx: &Context) -> u32 {
        let options = if self.agreed.timestamps { TIMESTAMPS_SPACE } else { 0 };
        announced_mss(cx, self.local.is_ipv4(), self.settings.mss)
            .saturating_sub(options)
            .max(1) as u32
    }

    /// Agrees to what a SYN or SYN,ACK offers (RFC 7323 sections 2.2 and 3.2, RFC 2018 section 2).
    pub(super) fn agree(&mut self, cx: &Context, syn: &Arriving) {
        (self.snd_mss, self.mss_announced) = decisions::snd_mss(self, syn);
        if let Some(shift) = decisions::snd_wind_shift(self, syn) {
            self.agreed.scaled = true;
            self.agreed.snd_wind_shift = shift;
        }
        self.agreed.scaled = decisions::is_scaled(self);
        if !self.agreed.scaled {
            self.agreed.rcv_wind_shift = 0;
        }
        self.round_trip.rto = decisions::rto_after_syn(self, cx, syn);
        if let Some(value) = decisions::agreed_timestamp(self, syn) {
            self.agreed.timestamps = true;
            self.ts_recent = value;
            self.ts_recent_at = cx.now;
        }
        self.agreed.sack = decisions::permits_sack(self, syn.sack_permitted);
        self.ecn.asked = decisions::is_ecn_setup(syn);
        self.agreed.ecn = decisions::agrees_to_ecn(self, syn, decisions::speaks_ecn(self, syn));
    }

    /// The user timeout that the peer announces (RFC 5482 section 3.1).
    pub(super) fn take_user_timeout(&mut self, cx: &Context, segment: &Arriving) {
        if let Some(value) = decisions::user_timeout_told(self, segment)
            && uses_user_timeout(cx)
        {
            let unit = if value & 0x8000 != 0 { 60 } else { 1 };
            self.uto_remote = Some(Duration::from_secs(u64::from(value & 0x7fff) * unit));
        }
    }

    /// The scaled send window of a segment: SYNs are never scaled (RFC 7323 section 2.2).
    pub(super) fn offered(&self, segment: &Arriving) -> u32 {
        decisions::offered(self, segment)
    }
}

/// The granularity bit and the value (RFC 5482 section 3.3); never zero (section 3.4).
fn uto_value(time: Duration) -> u16 {
    let seconds = time.as_secs().max(1);
    match u16::try_from(seconds) {
        Ok(seconds @ ..=0x7fff) => seconds,
        Ok(_) | Err(_) => 0x8000 | (seconds / 60).min(0x7fff) as u16,
    }
}

/// The options of a RST for a segment of no connection: its TSval is echoed (RFC 7323 section 5.2).
pub(super) fn stray_reset_options(segment: &Arriving) -> Vec<TcpOption> {
    match segment.timestamps {
        Some((value, _)) => timestamps(0, value).to_vec(),
        None => Vec::new(),
    }
}

/// A segment without flags, options and text.
pub(super) fn bare(seq: SeqNum) -> Segment {
    Segment {
        seq,
        ..Segment::default()
    }
}
