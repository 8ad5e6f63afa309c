//! A place where runs on real time are made: a link for packets, an agent that makes the calls, and counters of lost
//! packets.
//!
//! A namespace of the kernel that we run on is one such place (`stacks/linux`). A host at the other end of a network
//! cable would be another.

use super::Halt;
use super::protocol::{Reply, Request};
use crate::link::Readiness;
use std::io;

/// What the driver on real time needs of a place. No method blocks.
///
/// What the target sends because of a packet must be there to be received when `send` returns; what it sends because of
/// a call, when the call's answer is read.
pub trait Place {
    /// Hands one IP packet to the target.
    fn send(&mut self, packet: &[u8]) -> io::Result<()>;

    /// The next IP packet of the target; `None`: there is none now.
    fn receive(&mut self) -> io::Result<Option<&[u8]>>;

    /// Queues a line for the agent, behind those that wait to be written.
    fn say(&mut self, request: &Request);

    /// Writes as much as the agent takes. An error means that the place can no longer be used.
    fn flush(&mut self) -> Result<(), Halt>;

    /// Whether a line waits to be written.
    fn is_behind(&self) -> bool;

    /// Reads the lines that the agent has written. An error means that the place can no longer be used.
    fn hear(&mut self, replies: &mut Vec<Reply>) -> Result<(), Halt>;

    /// What has been lost and counted so far.
    fn losses(&mut self) -> io::Result<Losses>;

    /// Why the place can no longer be used, once more is known than at first: whether the agent is the target's or ours,
    /// how its process ended, and what it said last. The place is not used after that.
    fn explain(&mut self, halt: Halt) -> Halt;

    /// Becomes ready when a packet can be received.
    fn packets(&self) -> io::Result<Readiness>;

    /// Becomes ready when a line can be read, or written.
    fn lines(&self) -> io::Result<Readiness>;
}

/// What a place has lost or counted since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Frames that were dropped because a queue of the tester was full.
    pub frames: u64,
    /// The target host's counters of events in which it did not do what TCP asks for, for reasons outside of a
    /// connection; always the same counters in the same order.
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
    /// What has risen since `earlier`, in words; `None`: nothing.
    pub fn beyond(&self, earlier: &Losses) -> Option<String> {
        if self.frames > earlier.frames {
            let lost = self.frames - earlier.frames;
            return Some(format!("{lost} frames were dropped by a full queue of the tester"));
        }
        let both = self.counters.iter().zip(&earlier.counters);
        let risen: Vec<String> = both
            .filter(|(now, before)| now.value > before.value)
            .map(|(now, before)| format!("{} by {}", now.name, now.value - before.value))
            .collect();
        (!risen.is_empty()).then(|| format!("the target's host limited or dropped something: {}", risen.join(", ")))
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
        assert!(said.ends_with("ListenDrops by 1, TCPAbortOnMemory by 2"), "{said}");
        let said = losses(5, [6, 7]).beyond(&earlier).unwrap();
        assert_eq!(said, "2 frames were dropped by a full queue of the tester");
    }
}
