//! Which options go on which segment, and the sizes that they leave (RFC 9293 sections 3.2 and 3.7.1, RFC 7323, RFC
//! 2018, RFC 5482, RFC 7413).

use super::context::Context;
use super::segment_arrives::Arriving;
use super::switch::Switch;
use super::tcb::Tcb;
use crate::model::defect::Defect;
use crate::rfc::State;
use crate::wire::{Segment, SeqNum, TcpOption};
use core::time::Duration;

/// Octets of the timestamps option with the two NOPs before it (RFC 7323 appendix A).
const TIMESTAMPS_SPACE: usize = 12;
/// Octets that all options may take (RFC 9293 section 3.1).
pub(super) const MOST_OPTIONS: usize = 40;
/// The largest shift (RFC 7323 section 2.3).
const LARGEST_SHIFT: u8 = 14;

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

impl Tcb {
    /// The timestamp clock: a tick each millisecond (RFC 7323 section 5.4).
    pub fn ts_now(&self, cx: &Context) -> u32 {
        if self.has(Defect::TimestampClockStands) {
            return self.ts_offset;
        }
        let tick = if self.has(Defect::TimestampClockTooFast) {
            1
        } else {
            100_000
        };
        let offset = if self.has(Defect::TimestampOffsetMissing) {
            0
        } else {
            self.ts_offset
        };
        ((cx.now.as_micros() * 100 / tick) as u32).wrapping_add(offset)
    }

    fn push_timestamps(&self, cx: &Context, has_ack: bool, options: &mut Vec<TcpOption>) {
        options.extend([TcpOption::Nop, TcpOption::Nop]);
        options.push(TcpOption::Timestamps {
            value: self.ts_now(cx),
            // TSecr is valid only with ACK, and else zero (RFC 7323 section 3.2).
            echo: match has_ack {
                true if self.has(Defect::TimestampEchoZero) => 0,
                true => self.ts_recent,
                false => u32::from(self.has(Defect::SynEchoesSomething)),
            },
        });
    }

    /// The options of a SYN: everything that is offered; of a SYN,ACK: what the SYN offered too.
    pub fn syn_options(&self, cx: &Context) -> Vec<TcpOption> {
        let answering = self.state != State::SynSent;
        let mut options = Vec::with_capacity(8);
        let mss = announced_mss(cx, self.local.is_ipv4(), self.settings.mss);
        let mss = if self.has(Defect::AnnouncedMssTooLarge) {
            cx.config.mtu
        } else if self.has(Defect::MssLessOptions) && self.agreed.timestamps {
            mss - TIMESTAMPS_SPACE
        } else {
            mss
        };
        if !self.has(Defect::NoMssOnSyn) {
            options.push(TcpOption::Mss(u16::try_from(mss).unwrap_or(u16::MAX)));
        }
        if if answering {
            self.agreed.sack
        } else {
            !cx.has(Switch::SackNo)
        } {
            options.push(TcpOption::SackPermitted);
        }
        if if answering {
            self.agreed.timestamps
        } else {
            !cx.has(Switch::TimestampsNo)
        } {
            self.push_timestamps(cx, answering, &mut options);
        }
        if if answering {
            self.agreed.scaled
        } else {
            !cx.has(Switch::WindowScaleNo)
        } {
            options.push(TcpOption::Nop);
            options.push(TcpOption::WindowScale(self.agreed.rcv_wind_shift));
        }
        if answering && !self.agreed.scaled && self.has(Defect::ScaleUnasked) {
            options.extend([TcpOption::Nop, TcpOption::WindowScale(7)]);
        }
        if answering && !self.agreed.timestamps && self.has(Defect::TimestampsUnasked) {
            self.push_timestamps(cx, true, &mut options);
        }
        if answering && !self.agreed.sack && self.has(Defect::SackUnasked) {
            options.push(TcpOption::SackPermitted);
        }
        if let Some(cookie) = self.cookie.as_ref().filter(|_| answering) {
            options.push(TcpOption::FastOpen(cookie.clone()));
        }
        options.extend(self.fast_open_option());
        options
    }

    /// The options of any other segment.
    pub fn segment_options(&mut self, cx: &Context, reports: bool) -> Vec<TcpOption> {
        let mut options = Vec::with_capacity(4);
        if self.has(Defect::MssOnEverySegment) {
            options.push(TcpOption::Mss(1460));
        }
        let shown = reports || !self.has(Defect::NoTimestampsOnAcks);
        if self.agreed.timestamps && shown && !(self.has(Defect::NoTimestampsOnAcks) && self.unsent() == 0) {
            self.push_timestamps(cx, true, &mut options);
        }
        if self.uto_announce && self.is_synchronized() && !self.has(Defect::UserTimeoutNotAnnounced) {
            options.push(TcpOption::UserTimeout(uto_value(
                self.settings.user_timeout.unwrap_or(cx.config.user_timeout),
            )));
        }
        let unasked = self.has(Defect::SackUnpermitted)
            || self.has(Defect::DuplicateReportUnpermitted) && self.reports.duplicate.is_some();
        if (self.agreed.sack || unasked) && reports && !self.has(Defect::SackNeverSent) {
            let room = (MOST_OPTIONS - TcpOption::space(&options) - 4) / 8;
            let blocks = self.reports.blocks(&self.received, self.rcv_nxt, room);
            if !blocks.is_empty() {
                let mut blocks: Vec<(u32, u32)> = blocks.into_iter().map(|(left, right)| (left.0, right.0)).collect();
                if self.has(Defect::SackOldestFirst) {
                    blocks.reverse();
                }
                if self.has(Defect::SackEdgeOneTooLow) {
                    blocks.iter_mut().for_each(|block| block.1 = block.1.wrapping_sub(1));
                }
                if cx.has(Switch::SackBlocksOne) {
                    blocks.truncate(1);
                }
                options.extend([TcpOption::Nop, TcpOption::Nop, TcpOption::Sack(blocks)]);
            }
        }
        options
    }

    /// The options of a RST (RFC 7323 section 3.2: timestamps too, if they were agreed upon).
    pub fn reset_options(&self, cx: &Context) -> Vec<TcpOption> {
        let mut options = Vec::new();
        if self.agreed.timestamps && !self.has(Defect::ResetWithoutTimestamps) {
            self.push_timestamps(cx, true, &mut options);
        }
        options
    }

    /// What fits a packet of the path, and into what the peer takes, before options (RFC 9293 section 3.7.1, MUST-16).
    pub fn largest_payload(&self, options: usize) -> usize {
        let path = self.path.mtu - fixed_headers(self.local.is_ipv4());
        // No peer makes us send nothing at all.
        let peer = if self.has(Defect::MssIgnored) {
            path
        } else {
            self.snd_mss
        };
        let options = if self.has(Defect::OptionsNotDeducted) {
            0
        } else {
            options
        };
        peer.min(path).saturating_sub(options).max(1)
    }

    /// SMSS: the octets of a full segment with the usual options (RFC 5681 section 2).
    pub fn smss(&self) -> u32 {
        let options = if self.agreed.timestamps { TIMESTAMPS_SPACE } else { 0 };
        self.largest_payload(options) as u32
    }

    /// RMSS: the octets of a full segment of the peer's.
    pub fn rmss(&self, cx: &Context) -> u32 {
        let options = if self.agreed.timestamps { TIMESTAMPS_SPACE } else { 0 };
        announced_mss(cx, self.local.is_ipv4(), self.settings.mss)
            .saturating_sub(options)
            .max(1) as u32
    }

    /// Takes over what a SYN or SYN,ACK offers (RFC 7323 sections 2.2 and 3.2, RFC 2018 section 2). `offered` tells
    /// whether we may have it too.
    pub fn agree(&mut self, cx: &Context, syn: &Arriving) {
        if let Some(mss) = syn.mss.filter(|mss| *mss < 0x8000 || !self.has(Defect::MssReadSigned)) {
            self.snd_mss = usize::from(mss);
            self.mss_announced = true;
        } else if self.has(Defect::DefaultMssTooLarge) {
            self.snd_mss = 1460;
        }
        if let Some(shift) = syn.window_scale.filter(|_| !cx.has(Switch::WindowScaleNo)) {
            self.agreed.scaled = true;
            let largest = if self.has(Defect::ScaleNotLimited) {
                16
            } else {
                LARGEST_SHIFT
            };
            self.agreed.snd_wind_shift = shift.min(largest);
        }
        if self.has(Defect::ScaleOnlyWhenNeeded) && self.agreed.rcv_wind_shift == 0 {
            self.agreed.scaled = false;
        }
        if !self.agreed.scaled {
            self.agreed.rcv_wind_shift = 0;
        }
        if self.has(Defect::RttFromSynEcho) && syn.timestamps.is_some() && !syn.ack_bit {
            self.round_trip.rto = cx.config.rto_max;
        }
        if let Some((value, _)) = syn.timestamps.filter(|_| !cx.has(Switch::TimestampsNo)) {
            self.agreed.timestamps = true;
            self.ts_recent = value;
            self.ts_recent_at = cx.now;
        }
        self.agreed.sack = !cx.has(Switch::SackNo) && syn.sack_permitted;
        // An ECN-setup SYN has both bits, an ECN-setup SYN,ACK only ECE (RFC 3168 section 6.1.1).
        let willing = !cx.has(Switch::EcnOff) && (!syn.ack_bit || cx.has(Switch::EcnAsk));
        let asked = syn.ece && syn.cwr != syn.ack_bit;
        self.ecn.asked = asked;
        self.agreed.ecn = willing && (asked || self.has(Defect::EcnAgreedToAnything));
    }

    /// The user timeout that the peer announces (RFC 5482 section 3.1).
    pub fn take_user_timeout(&mut self, cx: &Context, segment: &Arriving) {
        let zero = self.has(Defect::UserTimeoutZeroTaken);
        if let Some(value) = segment.user_timeout.filter(|value| value & 0x7fff != 0 || zero)
            && cx.has(Switch::UserTimeoutOption)
        {
            let unit = if value & 0x8000 != 0 { 60 } else { 1 };
            self.uto_remote = Some(Duration::from_secs(u64::from(value & 0x7fff) * unit));
        }
    }

    /// The scaled send window of a segment: SYNs are never scaled (RFC 7323 section 2.2).
    pub fn offered(&self, segment: &Arriving) -> u32 {
        if self.has(Defect::WindowReadSigned) && segment.window >= 0x8000 {
            return 0;
        }
        let on_syn = segment.syn && !self.has(Defect::ScaleAppliedToSyn);
        let shift = match on_syn || self.has(Defect::PeersScaleIgnored) {
            true => 0,
            false => self.agreed.snd_wind_shift,
        };
        u32::from(segment.window) << shift
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

/// The options of a RST for a segment of no connection: its timestamp comes back (RFC 7323 section 5.2).
pub(super) fn stray_reset_options(segment: &Arriving) -> Vec<TcpOption> {
    match segment.timestamps {
        Some((value, _)) => vec![
            TcpOption::Nop,
            TcpOption::Nop,
            TcpOption::Timestamps { value: 0, echo: value },
        ],
        None => Vec::new(),
    }
}

/// A segment without options, text and meaning.
pub(super) fn bare(seq: SeqNum) -> Segment {
    Segment {
        seq,
        ..Segment::default()
    }
}
