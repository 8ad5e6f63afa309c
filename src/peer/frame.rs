//! A frame of the target as the engine keeps it until a step takes it or passes it by.

use super::conn::Conn;
use crate::time::{Instant, Stamp};
use crate::wire::{Flags, Isn, Packet, Segment};
use std::sync::Arc;

/// The inject or call that caused something, by its place in the order, where that is certain.
pub(crate) type Cause = Option<u64>;

/// A moment from which time is counted, and what made it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    pub at: Stamp,
    pub cause: Cause,
}

/// One frame in an inbox.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub at: Stamp,
    /// The inject or call that it is the immediate consequence of.
    pub cause: Cause,
    /// Its place among everything that this run did and saw.
    pub order: u64,
    /// Its number among the frames of the target, from 0; copies of it have the same.
    pub number: u32,
    pub packet: Arc<Packet>,
    pub octets: Arc<[u8]>,
    /// SEG.SEQ and SEG.ACK, counted from the ISNs.
    pub seq: i64,
    pub ack: i64,
    /// Octets of payload that steps have taken already.
    pub taken: usize,
    /// Whether its FIN is still to be taken.
    pub fin_left: bool,
    /// Whether a step has taken its acknowledgment.
    pub ack_taken: bool,
    /// The books as they were when it came: what the tester had acknowledged, injected, and got counted by then.
    pub una_then: i64,
    pub delivered_then: i64,
    pub rcv_nxt_then: i64,
    /// Whether the application had closed its direction.
    pub closed_then: bool,
}

impl Mark {
    /// A moment that we chose ourselves, and nothing caused.
    pub(crate) fn at(moment: Instant) -> Mark {
        Mark {
            at: Stamp::exactly(moment),
            cause: None,
        }
    }
}

impl Frame {
    /// A segment of the target on a connection, counted from its ISNs, together with the state of the books; `None` if
    /// it is no TCP. Its moment and place are set later.
    pub(crate) fn of_target(conn: &Conn, packet: Arc<Packet>, octets: Arc<[u8]>) -> Option<Frame> {
        Frame::counted((conn.iss, conn.isn), conn, packet, octets)
    }

    /// The same for a segment of the tester.
    pub(crate) fn of_tester(conn: &Conn, packet: Arc<Packet>, octets: Arc<[u8]>) -> Option<Frame> {
        Frame::counted((conn.isn, conn.iss), conn, packet, octets)
    }

    fn counted((sender, receiver): (Isn, Isn), conn: &Conn, packet: Arc<Packet>, octets: Arc<[u8]>) -> Option<Frame> {
        let segment = packet.tcp()?;
        Some(Frame {
            at: Stamp::default(),
            cause: None,
            order: 0,
            number: 0,
            seq: sender.relative(segment.seq).0,
            ack: receiver.relative(segment.ack).0,
            taken: 0,
            fin_left: segment.flags.contains(Flags::FIN),
            ack_taken: false,
            una_then: conn.snd_una,
            delivered_then: conn.delivered,
            rcv_nxt_then: conn.rcv_nxt,
            closed_then: conn.closed,
            packet,
            octets,
        })
    }

    pub(crate) fn segment(&self) -> &Segment {
        match &self.packet.body {
            crate::wire::Body::Tcp(segment) => segment,
            // Only TCP frames are made into a `Frame`.
            _ => unreachable!("a frame holds a segment"),
        }
    }

    pub(crate) fn has(&self, flags: Flags) -> bool {
        self.segment().flags.contains(flags)
    }

    /// The number of the first octet of payload.
    pub(crate) fn data_at(&self) -> i64 {
        self.seq + i64::from(self.has(Flags::SYN))
    }

    /// The number behind everything that it carries, SYN and FIN included.
    pub(crate) fn end(&self) -> i64 {
        self.seq + i64::from(self.segment().seg_len())
    }

    /// Octets and FIN that no step has taken yet.
    pub(crate) fn stretch_left(&self) -> usize {
        self.segment().payload.len() - self.taken + usize::from(self.fin_left)
    }

    /// The least and the most time since `mark`, in which a consequence of the mark's own cause has needed none.
    pub(crate) fn elapsed(&self, mark: Mark) -> (core::time::Duration, core::time::Duration) {
        if self.cause.is_some() && self.cause == mark.cause {
            return Default::default();
        }
        self.at.since(mark.at)
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            at: self.at,
            cause: self.cause,
        }
    }
}
