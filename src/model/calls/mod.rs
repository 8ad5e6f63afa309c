//! The user's calls (RFC 9293 sections 3.10.2 to 3.10.5) on one connection.

pub(in crate::model) mod decisions;

use self::decisions::{AbortFate, SendFate};
use super::context::{Context, errno};
use super::tcb::{PendingClose, PendingReceive, PendingSend, Tcb};
use crate::rfc::State;
use crate::stack::ErrorName;
use crate::stack::{Answer, CallId, Errno};

/// How a call ended, or `None` while it is pending.
pub(super) type CallResult = Option<Result<Answer, Errno>>;

fn error(name: ErrorName, detail: &str) -> CallResult {
    Some(Err(errno(name, detail)))
}

impl Tcb {
    /// The answer to a call on a connection that has ended: the first call is told why, each later one that there is
    /// none.
    fn gone(&mut self) -> CallResult {
        match self.user.error.take() {
            Some(name) => error(name, "the connection has ended"),
            None => error(ErrorName::DoesNotExist, "connection does not exist"),
        }
    }

    // ----- 3.10.2 SEND ----------------------------------------------------------------------------------------------

    /// SEND: queued until the connection is established and there is room; refused once it is closing.
    pub(super) fn send(&mut self, cx: &mut Context, id: CallId, data: &[u8], urgent: bool) -> CallResult {
        if matches!(self.state, State::Closed | State::Listen) {
            return self.gone();
        }
        match decisions::send(self) {
            SendFate::Queued => (),
            SendFate::Closing => return error(ErrorName::Closing, "connection closing"),
            SendFate::NotConnected => return error(ErrorName::DoesNotExist, "not connected"),
            SendFate::ThrownAway => return Some(Ok(Answer::Count(data.len() as u64))),
        }
        self.user.sends.push_back(PendingSend {
            id,
            data: data.to_vec(),
            taken: 0,
            urgent,
        });
        self.output(cx);
        None
    }

    /// Moves octets of the SENDs into the queue, as far as there is room. Urgent data moves SND.UP, which never moves
    /// back (section 3.8.5).
    pub(super) fn take_sends(&mut self, cx: &mut Context) {
        let most = self.send_buffer(cx);
        while let Some(mut send) = self.user.sends.pop_front() {
            let room = most.saturating_sub(self.queue.len());
            let end = (send.taken + room).min(send.data.len());
            self.queue.push(&send.data[send.taken..end]);
            send.taken = end;
            if end < send.data.len() {
                self.user.sends.push_front(send);
                return;
            }
            if send.urgent {
                self.snd_up = Some(decisions::urgent_end(self, send.data.len()));
            }
            self.last_send = send.data.len().max(1);
            cx.answer(send.id, Ok(Answer::Count(send.data.len() as u64)));
        }
    }

    // ----- 3.10.3 RECEIVE -------------------------------------------------------------------------------------------

    /// RECEIVE: answered when there is enough, or at the end of the stream. Until the connection is established it
    /// waits. Octets that have come are delivered in every state, before the user is told of the end.
    pub(super) fn receive(&mut self, cx: &mut Context, id: CallId, amount: Option<u64>) -> CallResult {
        if amount == Some(0) {
            return Some(Ok(Answer::Ok));
        }
        if self.state == State::Closed && self.received.ready.is_empty() {
            return match self.fin_received && self.user.error.is_none() {
                true => Some(Ok(Answer::EndOfStream)),
                false => self.gone(),
            };
        }
        self.user.receives.push_back(PendingReceive {
            id,
            amount: amount.map(|octets| usize::try_from(octets).unwrap_or(usize::MAX)),
            data: Vec::new(),
        });
        self.serve_receives(cx);
        self.output(cx);
        None
    }

    /// Answers once the peer has announced urgent data beyond what the user has read (section 3.8.5, MUST-32 and
    /// MUST-33), and waits until then.
    pub(super) fn await_urgent(&mut self, cx: &mut Context, id: CallId) -> CallResult {
        if self.state == State::Closed {
            return self.gone();
        }
        self.user.urgents.push_back(id);
        self.tell_urgent(cx);
        None
    }

    /// Answers the calls that wait for urgent data, if there is some to be read.
    pub(super) fn tell_urgent(&mut self, cx: &mut Context) {
        if !decisions::urgent_is_told(self) {
            return;
        }
        for id in core::mem::take(&mut self.user.urgents) {
            cx.answer(id, Ok(Answer::Ok));
        }
    }

    /// Hands octets to the RECEIVEs that wait, which may open the window.
    pub(super) fn serve_receives(&mut self, cx: &mut Context) {
        let ended = self.fin_received || self.state == State::Closed;
        if !decisions::text_is_delivered(self, ended) {
            return;
        }
        while let Some(mut wanted) = self.user.receives.pop_front() {
            let missing = wanted.amount.unwrap_or(usize::MAX) - wanted.data.len();
            let taken = missing.min(self.received.ready.len());
            wanted.data.extend(self.received.ready.drain(..taken));
            if !decisions::receive_is_served(self, &wanted) && !ended {
                self.user.receives.push_front(wanted);
                break;
            }
            let answer = match wanted.data.is_empty() {
                true => Answer::EndOfStream,
                false => Answer::Data(wanted.data),
            };
            cx.answer(wanted.id, Ok(answer));
        }
        self.update_window(cx);
    }

    // ----- 3.10.4 CLOSE ---------------------------------------------------------------------------------------------

    /// CLOSE: the user has no more to send. With `both` it gives up reading too, which may lose data (section 3.6.1).
    /// CLOSE takes effect after the SENDs before it. To give up reading on a connection that is closed already is no
    /// error.
    pub(super) fn close(&mut self, cx: &mut Context, id: CallId, both: bool) -> CallResult {
        match self.state {
            State::Closed | State::Listen => {
                return if both { Some(Ok(Answer::Ok)) } else { self.gone() };
            }
            State::SynSent => {
                if decisions::close_in_syn_sent_resets(self) {
                    self.send_reset(cx);
                }
                self.end(cx, Some(ErrorName::Closing), "connection closing");
                self.user.error = None;
                return Some(Ok(Answer::Ok));
            }
            _ if decisions::second_close_sends_fin(self) => {
                self.send_second_fin(cx);
                return Some(Ok(Answer::Ok));
            }
            State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck | State::TimeWait if !both => {
                return error(ErrorName::Closing, "connection closing");
            }
            _ => (),
        }
        if self.user.close.is_some() || (self.closing && !both) {
            return error(ErrorName::Closing, "connection closing");
        }
        if decisions::close_aborts(self, both) {
            return self.abort(cx);
        }
        if both && self.resets_unread(cx) {
            return Some(Ok(Answer::Ok));
        }
        if self.closing {
            self.give_up_reading(cx);
            return Some(Ok(Answer::Ok));
        }
        self.user.close = Some(PendingClose { id, both });
        self.take_close(cx);
        self.output(cx);
        None
    }

    /// Sends a reset where received data will never be read (section 3.6.1, SHLD-3); whether it did.
    fn resets_unread(&mut self, cx: &mut Context) -> bool {
        let resets = decisions::unread_data_resets(self);
        if resets {
            self.send_reset(cx);
            self.end(cx, Some(ErrorName::Closing), "connection closing");
        }
        resets
    }

    fn give_up_reading(&mut self, cx: &mut Context) {
        self.user.reading_given_up = true;
        self.received.ready.clear();
        for waiting in core::mem::take(&mut self.user.receives) {
            cx.fail(waiting.id, ErrorName::Closing, "connection closing");
        }
        if self.state == State::FinWait2 {
            self.timers.fin_wait_2 = cx.config.fin_wait_2_limit.map(|limit| cx.now + limit);
        }
    }

    /// A CLOSE takes effect when all SENDs before it have been taken. ESTABLISHED and SYN-RECEIVED become FIN-WAIT-1 at
    /// once; CLOSE-WAIT becomes LAST-ACK when the FIN is sent. In SYN-RECEIVED with data queued CLOSE waits for
    /// ESTABLISHED.
    pub(super) fn take_close(&mut self, cx: &mut Context) {
        if !self.user.sends.is_empty() {
            return;
        }
        let Some(close) = self.user.close.take() else { return };
        self.closing = true;
        if !decisions::close_keeps_queue(self) {
            self.queue.forget_from(self.snd_nxt);
        }
        match self.state {
            State::Established => self.state = State::FinWait1,
            State::SynReceived if decisions::closes_in_syn_received(self) => {
                self.state = State::FinWait1;
                self.open_congestion_window(cx);
                if let Some(id) = self.user.connect.take() {
                    cx.fail(id, ErrorName::Closing, "connection closing");
                }
            }
            _ => (),
        }
        if close.both {
            self.give_up_reading(cx);
        }
        cx.answer(close.id, Ok(Answer::Ok));
        self.output(cx);
    }

    // ----- 3.10.5 ABORT ---------------------------------------------------------------------------------------------

    /// ABORT: everything that is queued is thrown away, the peer is sent a reset in the states for which section 3.10.5
    /// asks for one, and the TCB is deleted.
    pub(super) fn abort(&mut self, cx: &mut Context) -> CallResult {
        if matches!(self.state, State::Closed | State::Listen) {
            self.user.error = None;
            return Some(Ok(Answer::Ok));
        }
        match decisions::abort(self) {
            AbortFate::Resets => self.send_reset(cx),
            AbortFate::Deletes => (),
            AbortFate::Stays => return Some(Ok(Answer::Ok)),
            AbortFate::Closes => {
                self.closing = true;
                self.state = State::FinWait1;
                self.output(cx);
                return Some(Ok(Answer::Ok));
            }
        }
        let stays = decisions::time_wait_follows_reset(self);
        self.end(cx, Some(ErrorName::Reset), "connection reset");
        self.user.error = None;
        if stays {
            self.state = State::TimeWait;
            self.start_time_wait(cx);
        }
        Some(Ok(Answer::Ok))
    }

    // ----- the end --------------------------------------------------------------------------------------------------

    /// The TCB enters CLOSED: timers stop, queues are flushed, and every call that waits is told why. Without an error
    /// the user can still read what was received.
    pub(super) fn end(&mut self, cx: &mut Context, why: Option<ErrorName>, detail: &str) {
        self.state = State::Closed;
        self.timers = super::tcb::Timers::default();
        self.owed = super::tcb::Owed::default();
        self.queue.flush();
        if why.is_some() {
            self.received.ready.clear();
        }
        let told = why.unwrap_or(ErrorName::Closing);
        let sends = core::mem::take(&mut self.user.sends);
        let mut waiting: Vec<CallId> = sends.into_iter().map(|send| send.id).collect();
        waiting.extend(self.user.connect.take());
        waiting.extend(self.user.urgents.drain(..));
        waiting.extend(self.user.close.take().map(|close| close.id));
        if why.is_some() {
            let receives = core::mem::take(&mut self.user.receives);
            waiting.extend(receives.into_iter().map(|receive| receive.id));
        } else {
            self.serve_receives(cx);
        }
        // A user who was told by a call that failed is not told again by the next one.
        self.user.error = why.filter(|_| waiting.is_empty());
        for id in waiting {
            cx.fail(id, told, detail);
        }
    }
}
