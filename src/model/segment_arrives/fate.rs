//! What can become of a segment, as decisions answer it, and how that is carried out.

use super::closed::send_reset;
use super::reset::decisions::ending_by_reset;
use super::{Arriving, CheckResult};
use crate::model::context::Context;
use crate::model::tcb::Tcb;
use crate::rfc::State;
use crate::stack::ErrorName;
use core::ops::ControlFlow::{Break, Continue};
use core::time::Duration;

/// What the peer is sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Reply {
    /// Nothing.
    Nothing,
    /// An ACK.
    Ack,
    /// A challenge ACK, of which there are only so many at a time (RFC 5961 section 7).
    Challenge,
    /// A reset with the numbers of the segment (RFC 9293 section 3.10.7.1).
    Reset,
    /// A reset with the numbers of the connection.
    OwnReset,
    /// The SYN,ACK.
    SynAck,
    /// A SYN,ACK whose number is not that of the SYN before it.
    SynAckOfNextIss,
}

/// What is done with the segment then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Next {
    /// The next check is made.
    Process,
    /// It is dropped.
    Drop,
    /// Only its ACK field is looked at.
    TakeAck,
    /// Only its text is taken.
    TakeText,
    /// RCV.NXT moves to it, as to the first SYN of a connection.
    Resynchronize,
    /// The connection is established by it.
    Establish,
    /// It resets the connection, as a valid reset does.
    Obey,
    /// The connection is deleted.
    End(Ending),
}

/// What the user is told at the end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Ending {
    /// Nothing.
    Quiet,
    /// By this error.
    Error(ErrorName, &'static str),
    /// Nothing, and the calls that wait are never answered.
    CallsForgotten,
    /// The end of the stream, as after the peer's FIN.
    EndOfStream,
}

/// What becomes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) struct Fate {
    reply: Reply,
    next: Next,
}

impl Fate {
    /// It goes on to the next check.
    pub(crate) const PROCESS: Fate = Fate {
        reply: Reply::Nothing,
        next: Next::Process,
    };
    /// It is dropped without an answer.
    pub(crate) const DROP: Fate = Fate {
        reply: Reply::Nothing,
        next: Next::Drop,
    };

    /// It is dropped, and answered.
    pub(crate) const fn answer(reply: Reply) -> Fate {
        Fate {
            reply,
            next: Next::Drop,
        }
    }

    /// The same with another reply.
    pub(crate) const fn replying(self, reply: Reply) -> Fate {
        Fate { reply, ..self }
    }

    /// The same followed by another action.
    pub(crate) const fn then(self, next: Next) -> Fate {
        Fate { next, ..self }
    }

    /// Whether the next check is made.
    pub(crate) fn goes_on(self) -> bool {
        self.next == Next::Process
    }
}

/// When received text is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Acknowledged {
    AtOnce,
    /// By the next segment, or by the timer for delayed ACKs.
    Later,
    Never,
}

impl Tcb {
    /// Carries out what becomes of a segment.
    pub(super) fn meet(&mut self, cx: &mut Context, segment: &Arriving, fate: Fate) -> CheckResult {
        self.reply(cx, segment, fate.reply);
        match fate.next {
            Next::Process => return Continue(()),
            Next::Drop => (),
            Next::TakeAck => self.take_ack(cx, segment)?,
            Next::TakeText => {
                let taken = self.received.take(self.rcv_nxt, &segment.text);
                self.rcv_nxt = self.rcv_nxt.advanced(i64::from(taken));
            }
            Next::Resynchronize => self.set_irs(segment.seq),
            Next::Establish => {
                self.snd_una = segment.ack;
                self.establish(cx);
            }
            Next::Obey => self.end_by(cx, ending_by_reset(self)),
            Next::End(ending) => self.end_by(cx, ending),
        }
        Break(())
    }

    /// Sends the reply to a segment.
    pub(super) fn reply(&mut self, cx: &mut Context, segment: &Arriving, reply: Reply) {
        match reply {
            Reply::Nothing => (),
            Reply::Ack => self.owed.now = true,
            Reply::Challenge => self.send_challenge(cx),
            Reply::Reset => send_reset(cx, self.local, self.peer, segment),
            Reply::OwnReset => self.send_reset(cx),
            Reply::SynAck => self.send_syn(cx),
            Reply::SynAckOfNextIss => {
                self.set_iss(self.iss.advanced(1));
                self.send_syn(cx);
            }
        }
    }

    /// Deletes the connection.
    pub(super) fn end_by(&mut self, cx: &mut Context, ending: Ending) {
        match ending {
            Ending::Quiet => (),
            Ending::Error(name, detail) => return self.end(cx, Some(name), detail),
            Ending::CallsForgotten => {
                self.user.connect = None;
                self.user.receives.clear();
                self.user.sends.clear();
            }
            Ending::EndOfStream => self.fin_received = true,
        }
        self.end(cx, None, "");
    }

    /// Acknowledges what came: at once, later, or never.
    pub(super) fn acknowledge_it(&mut self, cx: &Context, when: Acknowledged) {
        self.owed.now = when == Acknowledged::AtOnce;
        if when == Acknowledged::Later {
            self.owe_ack(cx, 1);
        }
    }

    /// Enters a state in which both ends close; if that is CLOSED, the connection is deleted.
    pub(super) fn enter(&mut self, cx: &mut Context, state: State, fin_wait_2: Option<Duration>) -> CheckResult {
        if state == State::Closed {
            self.end_by(cx, Ending::Quiet);
            return Break(());
        }
        self.state = state;
        match state {
            State::FinWait2 => self.timers.fin_wait_2 = fin_wait_2.map(|limit| cx.now + limit),
            State::TimeWait => self.start_time_wait(cx),
            _ => (),
        }
        Continue(())
    }
}
