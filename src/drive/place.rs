//! Where runs on real time take place: a way for packets, somebody who makes calls, and what was lost on the way.
//!
//! A namespace of the kernel that we run on is one such place (`stacks/linux`); a host at the other end of a wire would be
//! another.

use super::protocol::{Reply, Request};
use crate::link::Readiness;
use core::time::Duration;
use std::io;

/// What the driver on real time needs of a place. Nothing here waits.
///
/// What the target does because of a packet or a call must be there to be received when `send` returns, or when the call's
/// answer is heard.
pub trait Place {
    /// Hands one IP packet to the target.
    fn send(&mut self, packet: &[u8]) -> io::Result<()>;

    /// The next IP packet of the target; `None`: there is none now.
    fn receive(&mut self) -> io::Result<Option<&[u8]>>;

    /// Puts a line for the agent behind those that wait to be written.
    fn say(&mut self, request: &Request);

    /// Writes as much as the agent takes. An error, in words, means that nothing more can be had of this place.
    fn flush(&mut self) -> Result<(), String>;

    /// Whether a line waits to be written.
    fn is_behind(&self) -> bool;

    /// Reads the lines that the agent has written. An error, in words, means that nothing more can be had of this place.
    fn hear(&mut self, replies: &mut Vec<Reply>) -> Result<(), String>;

    /// How long the agent may take to say that it took a call up.
    fn patience(&self) -> Duration;

    /// What has been lost and counted so far.
    fn losses(&mut self) -> io::Result<Losses>;

    /// What an agent that has broken down wrote last to its standard error, to be put behind what is wrong with it; empty
    /// if there is nothing.
    fn end_of_standard_error(&mut self) -> String;

    /// What tells that a packet can be received.
    fn packets(&self) -> io::Result<Readiness>;

    /// What tells that a line can be read, or written.
    fn lines(&self) -> io::Result<Readiness>;
}

/// What a place has lost or counted since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Frames that a queue of ours had no room for.
    pub frames: u64,
    /// What the target's host counts when it did not do what TCP asks for, for reasons outside of a connection; always
    /// the same counters in the same order.
    pub counters: Vec<Counter>,
}

/// One of the counters of a target's host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The host's name for it.
    pub name: &'static str,
    /// Its value.
    pub value: u64,
}

impl Losses {
    /// What has risen since, in words; `None`: nothing.
    pub fn beyond(&self, earlier: &Losses) -> Option<String> {
        if self.frames > earlier.frames {
            let lost = self.frames - earlier.frames;
            return Some(format!("{lost} frames were lost in a queue of ours"));
        }
        let both = self.counters.iter().zip(&earlier.counters);
        let risen: Vec<String> = both
            .filter(|(now, before)| now.value > before.value)
            .map(|(now, before)| format!("{} by {}", now.name, now.value - before.value))
            .collect();
        (!risen.is_empty()).then(|| format!("the target's host held something back: {} rose", risen.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(frames: u64, values: [u64; 2]) -> Losses {
        let counters = ["ListenDrops", "TCPAbortOnMemory"].into_iter().zip(values);
        let counters = counters.map(|(name, value)| Counter { name, value }).collect();
        Losses { frames, counters }
    }

    #[test]
    fn what_has_risen_is_named() {
        let earlier = losses(3, [5, 7]);
        assert_eq!(losses(3, [5, 7]).beyond(&earlier), None);
        let said = losses(3, [6, 9]).beyond(&earlier).unwrap();
        assert!(said.ends_with("ListenDrops by 1, TCPAbortOnMemory by 2 rose"), "{said}");
        let said = losses(5, [6, 7]).beyond(&earlier).unwrap();
        assert_eq!(said, "2 frames were lost in a queue of ours");
    }
}
