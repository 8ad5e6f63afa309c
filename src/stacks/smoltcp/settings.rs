//! What can be set on a smoltcp socket, and what cannot.

use crate::stack::{Errno, Profile, SetValue};
use crate::stack::{ErrorName, Setting};
use core::time::Duration;
use smoltcp::socket::tcp;
use smoltcp::wire::TcpTimestampGenerator;

/// How long a connection is idle before it is probed, where nothing else was asked for (RFC 9293 section 3.8.4 asks for
/// two hours at least).
const KEEP_ALIVE_IDLE: Duration = Duration::from_secs(7200);

/// The delay of ACKs that smoltcp has by itself.
const ACK_DELAY: smoltcp::time::Duration = smoltcp::time::Duration::from_millis(10);

/// The largest buffer that is given out, in octets; smoltcp itself ends at 1 GiB.
const LARGEST_BUFFER: u64 = 1 << 24;

/// The settings of one socket; a connection inherits those of its listener.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    nagle: bool,
    keep_alive: bool,
    idle: Duration,
    user_timeout: Option<Duration>,
    quick_ack: bool,
    hop_limit: Option<u8>,
    /// Whether closing means aborting.
    pub(super) linger_zero: bool,
    send_buffer: usize,
    receive_buffer: usize,
    timestamps: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            nagle: true,
            keep_alive: false,
            idle: KEEP_ALIVE_IDLE,
            user_timeout: None,
            quick_ack: false,
            hop_limit: None,
            linger_zero: false,
            // The largest window that needs no scale, so that plain numbers hold.
            send_buffer: 65_535,
            receive_buffer: 65_535,
            timestamps: true,
        }
    }
}

impl Settings {
    /// Those that a profile of `runners/smoltcp/runner.yaml` asks for.
    pub(super) fn of(profile: &Profile) -> Settings {
        let is = |name: &str, value: &str| profile.get(name).is_some_and(|is| is == value);
        Settings {
            quick_ack: is("ack-delay", "none"),
            timestamps: !is("timestamps", "false"),
            ..Settings::default()
        }
    }

    /// Changes one of them. `sized` tells whether the buffers do not exist yet.
    pub(super) fn change(&mut self, setting: Setting, value: SetValue, sized: bool) -> Result<(), Errno> {
        match (setting, value) {
            (Setting::NoDelay, SetValue::Flag(on)) => self.nagle = !on,
            (Setting::KeepAlive, SetValue::Flag(on)) => self.keep_alive = on,
            (Setting::KeepAliveIdle, SetValue::Time(time)) => self.idle = time,
            // smoltcp has one time for both: how long it waits before a probe, the first or another.
            (Setting::KeepAliveInterval, SetValue::Time(time)) if time == self.idle => (),
            (Setting::UserTimeout, SetValue::Time(time)) => self.user_timeout = Some(time),
            (Setting::QuickAck, SetValue::Flag(on)) => self.quick_ack = on,
            (Setting::Ttl, SetValue::Number(ttl @ 1..=255)) => self.hop_limit = Some(ttl as u8),
            (Setting::Linger, SetValue::Time(Duration::ZERO)) => self.linger_zero = true,
            (Setting::SendBuffer, SetValue::Number(octets)) if !sized => self.send_buffer = buffer_size(octets)?,
            (Setting::RecvBuffer, SetValue::Number(octets)) if !sized => self.receive_buffer = buffer_size(octets)?,
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
            ) => return Err(super::unsupported("smoltcp cannot set this")),
        }
        Ok(())
    }

    /// Makes a socket as they ask.
    pub(super) fn socket(&self) -> tcp::Socket<'static> {
        let mut socket = super::socket_with_buffers(self.receive_buffer, self.send_buffer);
        socket.set_tsval_generator(self.timestamps.then_some(super::timestamp as TcpTimestampGenerator));
        socket.set_congestion_control(tcp::CongestionControl::Reno);
        self.apply(&mut socket);
        socket
    }

    /// Sets what is not so already: setting keep-alive again would restart its timer.
    pub(super) fn apply(&self, socket: &mut tcp::Socket<'static>) {
        let keep_alive = self.keep_alive.then(|| self.idle.into());
        let timeout = self.user_timeout.map(Into::into);
        let ack_delay = (!self.quick_ack).then_some(ACK_DELAY);
        if socket.nagle_enabled() != self.nagle {
            socket.set_nagle_enabled(self.nagle);
        }
        if socket.keep_alive() != keep_alive {
            socket.set_keep_alive(keep_alive);
        }
        if socket.timeout() != timeout {
            socket.set_timeout(timeout);
        }
        if socket.hop_limit() != self.hop_limit {
            socket.set_hop_limit(self.hop_limit);
        }
        if socket.ack_delay() != ack_delay {
            socket.set_ack_delay(ack_delay);
        }
    }
}

fn buffer_size(octets: u64) -> Result<usize, Errno> {
    match usize::try_from(octets) {
        Ok(size) if (1..=LARGEST_BUFFER).contains(&octets) => Ok(size),
        Ok(_) | Err(_) => Err(super::errno(ErrorName::Invalid, "no buffer of this size")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_smoltcp_lacks_is_unsupported_and_not_an_error_of_the_call() {
        let mut settings = Settings::default();
        let refused = settings.change(Setting::Mss, SetValue::Number(500), false).unwrap_err();
        assert!(refused.unsupported);
        let refused = settings
            .change(Setting::RecvBuffer, SetValue::Number(0), false)
            .unwrap_err();
        assert_eq!((refused.name, refused.unsupported), (ErrorName::Invalid, false));
    }

    #[test]
    fn the_interval_of_keep_alive_is_the_idle_time_or_unsupported() {
        let mut settings = Settings::default();
        let three = SetValue::Time(Duration::from_secs(3));
        settings.change(Setting::KeepAliveIdle, three, true).unwrap();
        settings.change(Setting::KeepAliveInterval, three, true).unwrap();
        let one = SetValue::Time(Duration::from_secs(1));
        assert!(
            settings
                .change(Setting::KeepAliveInterval, one, true)
                .unwrap_err()
                .unsupported
        );
    }

    #[test]
    fn settings_reach_the_socket() {
        let mut settings = Settings::default();
        for (setting, value) in [
            (Setting::NoDelay, SetValue::Flag(true)),
            (Setting::UserTimeout, SetValue::Time(Duration::from_secs(5))),
            (Setting::QuickAck, SetValue::Flag(true)),
            (Setting::RecvBuffer, SetValue::Number(1 << 20)),
        ] {
            settings.change(setting, value, false).unwrap();
        }
        let socket = settings.socket();
        assert!(!socket.nagle_enabled());
        assert_eq!(socket.timeout(), Some(smoltcp::time::Duration::from_secs(5)));
        assert_eq!(socket.ack_delay(), None);
        assert_eq!(socket.recv_capacity(), 1 << 20);
    }
}
