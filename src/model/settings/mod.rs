//! The settings that an application can change on one connection.

pub(in crate::model) mod decisions;

use super::context::{Context, errno};
use super::tcb::Tcb;
use crate::stack::{Errno, SetValue};
use crate::stack::{ErrorName, Setting};
use core::time::Duration;

/// The settings of one connection. `None` means what the host's configuration says. A connection inherits the settings
/// of its listener.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settings {
    /// Nagle's algorithm off (RFC 9293 section 3.7.4, MUST-17).
    pub no_delay: Option<bool>,
    /// CLOSE throws away what is not delivered, and resets.
    pub linger_zero: bool,
    /// RFC 9293 section 3.8.4, MUST-24; off unless it is asked for (MUST-25).
    pub keep_alive: bool,
    pub keep_alive_idle: Option<Duration>,
    pub keep_alive_interval: Option<Duration>,
    pub keep_alive_count: Option<u32>,
    /// RFC 9293 section 3.8.3, MUST-21.
    pub user_timeout: Option<Duration>,
    pub send_buffer: Option<usize>,
    pub receive_buffer: Option<usize>,
    /// The largest MSS to announce.
    pub mss: Option<usize>,
    /// Delayed ACKs off.
    pub quick_ack: bool,
    /// What IP is to put into its header (RFC 9293 sections 3.9.1.1 and 3.9.2, MUST-48 and MUST-49).
    pub dscp: Option<u8>,
    pub ttl: Option<u8>,
}

/// The largest buffer: what a window of 30 bits can describe (RFC 7323 section 2.3).
const LARGEST_BUFFER: u64 = 1 << 30;

impl Settings {
    /// Changes one of them.
    pub(super) fn change(&mut self, setting: Setting, value: SetValue) -> Result<(), Errno> {
        let invalid = || errno(ErrorName::Invalid, "no such value");
        let size = |octets: u64| match octets {
            1..=LARGEST_BUFFER => Ok(octets as usize),
            _ => Err(invalid()),
        };
        match (setting, value) {
            (Setting::NoDelay, SetValue::Flag(on)) => self.no_delay = Some(on),
            (Setting::Linger, SetValue::Time(time)) => self.linger_zero = time.is_zero(),
            (Setting::KeepAlive, SetValue::Flag(on)) => self.keep_alive = on,
            (Setting::KeepAliveIdle, SetValue::Time(time)) if !time.is_zero() => self.keep_alive_idle = Some(time),
            (Setting::KeepAliveInterval, SetValue::Time(time)) if !time.is_zero() => {
                self.keep_alive_interval = Some(time);
            }
            (Setting::KeepAliveCount, SetValue::Number(count @ 1..=1000)) => self.keep_alive_count = Some(count as u32),
            (Setting::UserTimeout, SetValue::Time(time)) => self.user_timeout = (!time.is_zero()).then_some(time),
            // Urgent data always stays in the stream (RFC 6093 section 3.1), so there is nothing to set.
            (Setting::UrgentInline, SetValue::Flag(_)) => (),
            (Setting::SendBuffer, SetValue::Number(octets)) => self.send_buffer = Some(size(octets)?),
            (Setting::RecvBuffer, SetValue::Number(octets)) => self.receive_buffer = Some(size(octets)?),
            (Setting::Mss, SetValue::Number(octets @ 8..=65_535)) => self.mss = Some(octets as usize),
            (Setting::QuickAck, SetValue::Flag(on)) => self.quick_ack = on,
            (Setting::Dscp, SetValue::Number(dscp @ 0..=63)) => self.dscp = Some(dscp as u8),
            (Setting::Ttl, SetValue::Number(ttl @ 1..=255)) => self.ttl = Some(ttl as u8),
            (
                Setting::Backlog
                | Setting::FastOpen
                | Setting::NoDelay
                | Setting::Linger
                | Setting::KeepAlive
                | Setting::KeepAliveIdle
                | Setting::KeepAliveInterval
                | Setting::KeepAliveCount
                | Setting::UserTimeout
                | Setting::UrgentInline
                | Setting::SendBuffer
                | Setting::RecvBuffer
                | Setting::Mss
                | Setting::QuickAck
                | Setting::Dscp
                | Setting::Ttl,
                _,
            ) => return Err(invalid()),
        }
        Ok(())
    }
}

impl Tcb {
    /// Whether Nagle's algorithm is in force.
    pub(super) fn nagle(&self, cx: &Context) -> bool {
        decisions::nagle(cx, self.settings.no_delay.map(|off| !off))
    }

    /// How many octets SENDs may queue.
    pub(super) fn send_buffer(&self, cx: &Context) -> usize {
        self.settings.send_buffer.unwrap_or(cx.config.send_buffer)
    }

    /// The size of the receive buffer; without window scaling no more than 16 bits can describe.
    pub(super) fn receive_buffer(&self, cx: &Context) -> usize {
        let buffer = self.settings.receive_buffer.unwrap_or(cx.config.receive_buffer);
        let most = match self.agreed.scaled {
            true => usize::from(u16::MAX) << self.agreed.rcv_wind_shift,
            false => usize::from(u16::MAX),
        };
        decisions::buffer_offered(self, buffer.min(most))
    }

    /// Applies a setting that has just been changed.
    pub(super) fn apply(&mut self, cx: &Context, setting: Setting) {
        match setting {
            Setting::KeepAlive | Setting::KeepAliveIdle | Setting::KeepAliveInterval | Setting::KeepAliveCount => {
                self.arm_keep_alive(cx)
            }
            Setting::UserTimeout => {
                self.timers.user = None;
                self.uto_announce = decisions::user_timeout_is_announced(self);
            }
            Setting::QuickAck => self.owed.now |= self.timers.delayed_ack.is_some() && self.settings.quick_ack,
            Setting::Backlog
            | Setting::FastOpen
            | Setting::NoDelay
            | Setting::Linger
            | Setting::UrgentInline
            | Setting::SendBuffer
            | Setting::RecvBuffer
            | Setting::Mss
            | Setting::Dscp
            | Setting::Ttl => (),
        }
    }
}
