//! Waiting for descriptors and for time, in a tokio runtime.

#![expect(
    unsafe_code,
    reason = "tokio takes a descriptor for readiness only by an unsafe call"
)]

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Whether a descriptor has become readable or writable.
pub struct Readiness(AsyncFd<OwnedFd>);

impl Readiness {
    /// Watches a duplicate of the descriptor, so that the file may be closed before or after this is dropped.
    pub fn of(file: BorrowedFd<'_>) -> io::Result<Readiness> {
        let own = file.try_clone_to_owned()?;
        // SAFETY: the descriptor must stay valid and the same as long as the `AsyncFd` lives; that owns it.
        let watched = unsafe { AsyncFd::register_with_interest(own, Interest::READABLE | Interest::WRITABLE) };
        Ok(Readiness(watched?))
    }

    /// Returns when something has come since the last time. The caller must read until nothing is left.
    pub async fn readable(&self) -> io::Result<()> {
        self.0.readable().await?.clear_ready();
        Ok(())
    }

    /// Returns when the file can be written to again. The caller must write until the file takes no more.
    pub async fn writable(&self) -> io::Result<()> {
        self.0.writable().await?.clear_ready();
        Ok(())
    }
}

/// A timer that is accurate to tens of microseconds; tokio's own clock ticks in milliseconds.
pub struct Alarm {
    timer: TimerFd,
    ready: Readiness,
}

impl Alarm {
    /// A timer that is not set.
    pub fn new() -> io::Result<Alarm> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        let ready = Readiness::of(timer.as_fd())?;
        Ok(Alarm { timer, ready })
    }

    /// Returns after this long.
    pub async fn after(&self, time: Duration) -> io::Result<()> {
        // A time of zero would switch the timer off.
        let time = TimeSpec::from_duration(time.max(Duration::from_nanos(1)));
        self.timer.set(Expiration::OneShot(time), TimerSetTimeFlags::empty())?;
        self.ready.readable().await
    }
}
