//! The calls of a run: how they are made, what became of them, and whether that is what was asked.

use super::bench::RunId;
use super::outcome::{Happening, MetBy};
use super::run::{DriverAction, Run};
use super::stage::{Progress, Waiting};
use super::stop::{CaseFault, Stop};
use super::symptom::CallEnd;
use crate::notation::{CallSpec, Period, ReturnSpec, SettingValue, Verb};
use crate::peer::Mark;
use crate::peer::{odd_address, pattern};
use crate::script::{CallStep, ConnId, ResultStep, Step};
use crate::stack::{Answer, Call, CallId, Emitted, Errno, SetValue, SocketId};
use crate::stack::{ErrorName, Setting, Tolerance};
use crate::time::{Instant, Stamp};
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How many low bits of a socket's or call's number count within its run; the rest is the run.
const SOCKET_BITS: u32 = 11;
const CALL_BITS: u32 = 32;

/// The run that a socket belongs to, if the bench named it.
pub(super) fn run_of_socket(socket: SocketId) -> RunId {
    RunId(u64::from(socket.0 >> SOCKET_BITS))
}

/// The run that a call belongs to.
pub(super) fn run_of_call(call: CallId) -> RunId {
    RunId(call.0 >> CALL_BITS)
}

/// Something that a target told, and that nobody had asked for: the end of a call that is not open, or a connection at a
/// socket that does not exist. It is a fault of whatever stands between the tester and the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unasked(String);

impl Unasked {
    pub(super) fn of(what: &Emitted) -> Unasked {
        Unasked(match what {
            Emitted::Result(id, _) | Emitted::Pending(id) => format!("call {}, which is not open", id.0),
            Emitted::Accepted { listener, socket, .. } => {
                format!(
                    "a connection s{} that came to s{}: one of them is no such socket",
                    socket.0, listener.0
                )
            }
            Emitted::Packet(_) => "a packet".to_owned(),
        })
    }
}

impl fmt::Display for Unasked {
    /// `call 9, which is not open`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

type Ended = (Result<Answer, Errno>, Mark);

/// A `call` that has been made, and must return at once or within `soon`.
#[derive(Debug)]
pub(super) struct Calling {
    call: Arc<CallStep>,
    /// What was asked of the target for it: more than one thing where it sets several.
    ids: Vec<CallId>,
    /// Which of them is waited for, and until when, once that is known.
    waits: Option<(CallId, Instant)>,
}

/// A `result`: a pending call must end within the period, or still be pending then.
#[derive(Debug)]
pub(super) struct Resulting {
    result: Arc<ResultStep>,
    base: Mark,
    period: Period,
}

/// One call.
#[derive(Debug)]
struct Record {
    conn: ConnId,
    /// `None`: a question of ours, such as for the state.
    verb: Option<Verb>,
    socket: Option<SocketId>,
    ended: Option<Ended>,
}

/// All calls of a run.
#[derive(Debug)]
pub(super) struct Calls {
    run: RunId,
    made: BTreeMap<CallId, Record>,
    sockets: u32,
    /// The open socket of each connection that has one.
    open: BTreeMap<ConnId, SocketId>,
    pub listener: Option<SocketId>,
    /// Accepts that wait for a connection.
    accepting: VecDeque<CallId>,
    unasked: VecDeque<(SocketId, SocketAddr)>,
}

impl Calls {
    pub(super) fn new(run: RunId) -> Calls {
        Calls {
            run,
            made: BTreeMap::new(),
            sockets: 0,
            open: BTreeMap::new(),
            listener: None,
            accepting: VecDeque::new(),
            unasked: VecDeque::new(),
        }
    }

    fn record(&mut self, conn: ConnId, verb: Option<Verb>, socket: Option<SocketId>) -> CallId {
        let id = CallId(self.run.0 << CALL_BITS | self.made.len() as u64);
        self.made.insert(
            id,
            Record {
                conn,
                verb,
                socket,
                ended: None,
            },
        );
        id
    }

    /// A question of ours.
    pub(super) fn ask(&mut self, conn: ConnId) -> CallId {
        self.record(conn, None, None)
    }

    pub(super) fn new_socket(&mut self) -> SocketId {
        self.sockets += 1;
        SocketId((self.run.0 as u32) << SOCKET_BITS | self.sockets)
    }

    pub(super) fn answer(&self, id: CallId) -> Option<&Result<Answer, Errno>> {
        self.made.get(&id)?.ended.as_ref().map(|(result, _)| result)
    }

    /// The open socket of a connection.
    fn socket(&self, conn: ConnId) -> Option<SocketId> {
        self.open.get(&conn).copied()
    }

    fn ended(&self, id: CallId) -> Option<&Ended> {
        self.made.get(&id)?.ended.as_ref()
    }

    /// Of what kind a call is; `None` for a question of ours.
    pub(super) fn verb(&self, id: CallId) -> Option<Verb> {
        self.made.get(&id)?.verb
    }

    /// The last call of that kind on the connection.
    pub(super) fn latest(&self, conn: ConnId, verb: Verb) -> Option<CallId> {
        let fits = |record: &Record| record.conn == conn && record.verb == Some(verb);
        self.made
            .iter()
            .rev()
            .find(|(_, record)| fits(record))
            .map(|(id, _)| *id)
    }

    /// Whether a socket listens, or has listened: a connection may come while it is being closed.
    fn has_listened(&self, socket: SocketId) -> bool {
        let listens = |record: &Record| record.verb == Some(Verb::Listen) && record.socket == Some(socket);
        self.made.values().any(listens)
    }

    /// Whether a connection may be handed over under that name: the target's own, or that of an accept that waits.
    fn may_be_handed_over(&self, socket: SocketId) -> bool {
        let waits = |record: &Record| record.verb == Some(Verb::Accept) && record.socket == Some(socket);
        socket.is_targets() || self.made.values().any(|record| waits(record) && record.ended.is_none())
    }

    /// Aborts what is open and closes the listener.
    pub(super) fn cleaning(&mut self) -> Vec<(CallId, Call)> {
        let mut calls: Vec<Call> = self
            .open
            .values()
            .map(|socket| Call::Abort { socket: *socket })
            .collect();
        calls.extend(self.unasked.drain(..).map(|(socket, _)| Call::Abort { socket }));
        calls.extend(self.listener.take().map(|socket| Call::Close { socket }));
        calls
            .into_iter()
            .map(|call| (self.record(ConnId(0), None, None), call))
            .collect()
    }
}

impl Run {
    // ----- making calls ---------------------------------------------------------------------------------------------

    pub(super) fn begin_call(&mut self, conn: ConnId, step: &Step, call: &Arc<CallStep>) -> Result<Progress, Stop> {
        let name = self.conns[conn.0].name.clone();
        self.trace(
            self.mark.at,
            Happening::Call {
                conn: name,
                text: step.text.clone(),
            },
        );
        let ids = self.make(conn, &call.call)?;
        Ok(Progress::now(Waiting::Calling(Calling {
            call: Arc::clone(call),
            ids,
            waits: None,
        })))
    }

    fn make(&mut self, conn: ConnId, spec: &CallSpec) -> Result<Vec<CallId>, Stop> {
        match spec.verb {
            Verb::Listen => Ok(vec![self.listen(conn, spec)]),
            Verb::Connect => Ok(vec![self.connect(conn, spec)]),
            Verb::Accept => Ok(vec![self.accept(conn)]),
            Verb::Set => self.set(conn, spec),
            Verb::Send | Verb::Recv | Verb::Shutdown | Verb::Close | Verb::Abort => self.on_socket(conn, spec),
        }
    }

    fn out(&mut self, id: CallId, call: Call) -> CallId {
        self.outbox.push_back(DriverAction::Call(id, call));
        id
    }

    /// Answers a call for the target, where the target cannot even be asked.
    fn answer_ourselves(&mut self, conn: ConnId, verb: Verb, result: Result<Answer, Errno>) -> CallId {
        let id = self.calls.record(conn, Some(verb), None);
        let ended = Some((result, self.mark));
        if let Some(record) = self.calls.made.get_mut(&id) {
            record.ended = ended;
        }
        id
    }

    fn listen(&mut self, conn: ConnId, spec: &CallSpec) -> CallId {
        if self.calls.listener.is_some() {
            // Several connections of a case share the listener.
            return self.answer_ourselves(conn, Verb::Listen, Ok(Answer::Ok));
        }
        let number = |wanted: Setting| spec.settings.iter().find(|(setting, _)| *setting == wanted);
        let backlog = match number(Setting::Backlog) {
            Some((_, SettingValue::Number(backlog))) => *backlog as u32,
            _ => 64,
        };
        let fast_open = match number(Setting::FastOpen) {
            Some((_, SettingValue::Number(waiting))) => Some(*waiting as u32),
            _ => None,
        };
        let socket = self.calls.new_socket();
        self.calls.listener = Some(socket);
        let id = self.calls.record(conn, Some(Verb::Listen), Some(socket));
        let local = SocketAddr::new(self.at.target, self.at.port);
        self.out(
            id,
            Call::Listen {
                socket,
                local,
                backlog,
                fast_open,
            },
        )
    }

    /// OPEN, on a socket of its own, or once more on what is open already, or on the listener.
    fn connect(&mut self, conn: ConnId, spec: &CallSpec) -> CallId {
        let open = self.calls.socket(conn).or(self.calls.listener).filter(|_| spec.again);
        let socket = open.unwrap_or_else(|| self.calls.new_socket());
        let id = self.calls.record(conn, Some(Verb::Connect), Some(socket));
        self.order += 1;
        let there = &mut self.conns[conn.0];
        if open.is_none() {
            self.calls.open.insert(conn, socket);
            there.target_port = None;
            there.opened = Some(self.order);
        }
        let whom = spec.to.map_or(there.tester, |word| odd_address(word, self.at.target));
        let peer = SocketAddr::new(whom, there.tester_port);
        self.named.extend(spec.to.map(|_| whom));
        let isn = (self.at.wrap && self.facts.abilities.can("isn")).then_some(0xffff_fffd);
        let fast_open = spec.settings.contains(&(Setting::FastOpen, SettingValue::Flag(true)));
        self.out(
            id,
            Call::Connect {
                socket,
                local: match spec.unbound {
                    true => odd_address("unspecified", self.at.target),
                    false => self.at.target,
                },
                peer,
                isn,
                fast_open,
            },
        )
    }

    fn accept(&mut self, conn: ConnId) -> CallId {
        let Some(listener) = self.calls.listener else {
            return self.answer_ourselves(conn, Verb::Accept, Err(errno(ErrorName::Invalid, "nothing listens")));
        };
        let socket = self.calls.new_socket();
        let id = self.calls.record(conn, Some(Verb::Accept), Some(socket));
        self.calls.accepting.push_back(id);
        if let Some((socket, peer)) = self.calls.unasked.pop_front() {
            self.hand_over(socket, peer, self.mark);
            return id;
        }
        self.out(id, Call::Accept { listener, socket })
    }

    fn set(&mut self, conn: ConnId, spec: &CallSpec) -> Result<Vec<CallId>, Stop> {
        // Before a connection is accepted, what is set is set on the listener.
        let Some(socket) = self.calls.socket(conn).or(self.calls.listener) else {
            let closed = Err(errno(ErrorName::DoesNotExist, "no socket"));
            return Ok(vec![self.answer_ourselves(conn, Verb::Set, closed)]);
        };
        let mut ids = Vec::with_capacity(spec.settings.len());
        for (setting, value) in &spec.settings {
            let value = match value {
                SettingValue::Flag(flag) => SetValue::Flag(*flag),
                SettingValue::Number(number) => SetValue::Number(*number),
                SettingValue::Time(spec) => {
                    SetValue::Time(crate::peer::period(spec, &self.facts.tolerances, &self.measures)?.most)
                }
            };
            if *setting == Setting::KeepAlive {
                self.conns[conn.0].keep_alive = value == SetValue::Flag(true);
            }
            let id = self.calls.record(conn, Some(Verb::Set), Some(socket));
            ids.push(self.out(
                id,
                Call::Set {
                    socket,
                    setting: *setting,
                    value,
                },
            ));
        }
        Ok(ids)
    }

    fn on_socket(&mut self, conn: ConnId, spec: &CallSpec) -> Result<Vec<CallId>, Stop> {
        let listener = self.calls.listener.filter(|_| self.conns[conn.0].opened.is_none());
        let Some(socket) = self.calls.socket(conn).or(listener) else {
            let closed = Err(errno(ErrorName::DoesNotExist, "no socket"));
            return Ok(vec![self.answer_ourselves(conn, spec.verb, closed)]);
        };
        let amount = spec
            .amount
            .as_ref()
            .map(|expr| self.scope(conn.0).value(expr))
            .transpose()?;
        let call = match spec.verb {
            Verb::Send => {
                let there = &mut self.conns[conn.0];
                let at = there.app_sent.len();
                let data = match &spec.text {
                    Some(text) => text.clone(),
                    None => pattern(at as u64, amount.unwrap_or(0).clamp(0, 1 << 30) as usize),
                };
                there.app_sent.extend_from_slice(&data);
                there.urgent |= spec.urgent;
                Call::Send {
                    socket,
                    data,
                    urgent: spec.urgent,
                }
            }
            Verb::Recv if spec.urgent => Call::Urgent { socket },
            Verb::Recv => Call::Recv {
                socket,
                amount: amount.map(|octets| octets.max(0) as u64),
            },
            Verb::Shutdown | Verb::Close => {
                self.conns[conn.0].closed = true;
                match spec.verb {
                    Verb::Shutdown => Call::Shutdown { socket },
                    _ => Call::Close { socket },
                }
            }
            Verb::Abort | Verb::Listen | Verb::Connect | Verb::Accept | Verb::Set => Call::Abort { socket },
        };
        let id = self.calls.record(conn, Some(spec.verb), Some(socket));
        Ok(vec![self.out(id, call)])
    }

    // ----- what becomes of them -------------------------------------------------------------------------------------

    /// Whether the target may tell this: the call has been made and has not ended, the listener is one of this run's.
    pub(super) fn asked_for(&self, what: &Emitted) -> Result<(), Unasked> {
        let fits = match what {
            Emitted::Result(id, _) | Emitted::Pending(id) => {
                self.calls.made.get(id).is_some_and(|record| record.ended.is_none())
            }
            Emitted::Accepted { listener, socket, .. } => {
                self.calls.has_listened(*listener) && self.calls.may_be_handed_over(*socket)
            }
            Emitted::Packet(_) => true,
        };
        fits.then_some(()).ok_or_else(|| Unasked::of(what))
    }

    /// A call has ended.
    pub(super) fn result(&mut self, at: Stamp, id: CallId, result: Result<Answer, Errno>) {
        let (cause, at) = self.cause(at);
        self.end_call(id, result, Mark { at, cause });
    }

    fn end_call(&mut self, id: CallId, result: Result<Answer, Errno>, mark: Mark) {
        let Some(record) = self.calls.made.get_mut(&id) else {
            return;
        };
        if record.ended.is_some() {
            return;
        }
        let (conn, verb, socket) = (record.conn, record.verb, record.socket);
        let text = show(&result);
        let ok = result.is_ok();
        record.ended = Some((result, mark));
        self.calls.accepting.retain(|waiting| *waiting != id);
        let Some(verb) = verb else { return };
        match verb {
            Verb::Close | Verb::Abort if ok && self.calls.socket(conn) == socket => {
                self.calls.open.remove(&conn);
            }
            Verb::Close | Verb::Abort if ok => self.calls.listener = None,
            Verb::Listen if !ok => self.calls.listener = None,
            _ => {}
        }
        let name = self.conns[conn.0].name.clone();
        self.trace(
            mark.at,
            Happening::Return {
                conn: name,
                text: format!("{} -> {text}", verb.name()),
            },
        );
    }

    /// A connection has been handed over.
    pub(super) fn accepted(&mut self, at: Stamp, socket: SocketId, peer: SocketAddr) {
        let (cause, at) = self.cause(at);
        if self.calls.accepting.is_empty() {
            return self.calls.unasked.push_back((socket, peer));
        }
        self.hand_over(socket, peer, Mark { at, cause });
    }

    fn hand_over(&mut self, socket: SocketId, peer: SocketAddr, mark: Mark) {
        let named = |id: &&CallId| {
            self.calls
                .made
                .get(id)
                .is_some_and(|record| record.socket == Some(socket))
        };
        let first = self.calls.accepting.front();
        let Some(id) = self.calls.accepting.iter().find(named).or(first).copied() else {
            return;
        };
        let Some(conn) = self.calls.made.get(&id).map(|record| record.conn) else {
            return;
        };
        self.calls.open.insert(conn, socket);
        let there = &self.conns[conn.0];
        let result = match peer == SocketAddr::new(there.tester, there.tester_port) {
            true => Ok(Answer::Ok),
            false => Err(errno(
                ErrorName::Error,
                &format!("handed over the connection with {peer} instead"),
            )),
        };
        self.end_call(id, result, mark);
    }

    // ----- judging them ---------------------------------------------------------------------------------------------

    pub(super) fn go_on_calling(&mut self, step: &Step, state: Calling, drained: Instant) -> Result<Progress, Stop> {
        let Some((id, until)) = state.waits.or_else(|| self.telling(&state.ids)) else {
            // Nothing was to be set.
            return Ok(self.finish_step());
        };
        self.refuse_unmade(id, &state.call.returns)?;
        let returns = &state.call.returns;
        let may_wait = returns.is_empty() || returns.contains(&ReturnSpec::Pending);
        match self.calls.ended(id) {
            None if returns.is_empty() => {}
            None if may_wait => self.met_by(MetBy::Pending(id), self.mark, Period::default()),
            None if drained < until => {
                let waits = Some((id, until));
                return Ok(Progress::until(Waiting::Calling(Calling { waits, ..state }), until));
            }
            None => return Err(self.still_pending(step, state.call.call.verb, returns)),
            Some((result, _)) => {
                self.judge_return(step, (state.call.call.verb, returns), result.clone())?;
                let least = Duration::ZERO;
                let most = until.since(self.mark.at.latest);
                self.met_by(MetBy::Call(id), self.mark, Period { least, most });
            }
        }
        if !returns.is_empty() {
            self.checked += 1;
        }
        Ok(self.finish_step())
    }

    /// Which of a step's calls decides, and how long it is waited for: the first that failed, or else the first that
    /// has not ended, or else the last.
    fn telling(&self, ids: &[CallId]) -> Option<(CallId, Instant)> {
        let mut failed = ids.iter().filter(|id| matches!(self.calls.answer(**id), Some(Err(_))));
        let mut unfinished = ids.iter().filter(|id| self.calls.ended(**id).is_none());
        let id = failed.next().or(unfinished.next()).or(ids.last())?;
        Some((*id, self.mark.at.latest + self.tolerance(Tolerance::Soon)))
    }

    /// Ends the run where the target cannot make such a call, or where its application lacked what it needs for it.
    fn refuse_unmade(&self, id: CallId, returns: &[ReturnSpec]) -> Result<(), Stop> {
        let asked_for = returns.contains(&ReturnSpec::Error(ErrorName::NoResources));
        match self.calls.answer(id) {
            Some(Err(errno)) if self.lacks_resources(errno) && !asked_for => Err(Stop::Inconclusive(format!(
                "the application has no resources left: {}",
                errno.detail
            ))),
            Some(Err(errno)) if errno.unsupported => Err(Stop::Unsupported(format!(
                "{} cannot do this call: {}",
                self.facts.name, errno.detail
            ))),
            _ => Ok(()),
        }
    }

    /// Whether an error is about the limits of the application's process and of its host, not about TCP. A stack on
    /// virtual time has neither.
    pub(super) fn lacks_resources(&self, errno: &Errno) -> bool {
        errno.name == ErrorName::NoResources && !self.facts.virtual_time
    }

    fn judge_return(
        &mut self,
        step: &Step,
        (verb, returns): (Verb, &[ReturnSpec]),
        result: Result<Answer, Errno>,
    ) -> Result<(), Stop> {
        let conn = step.conns.first().map_or(0, |id| id.0);
        let symptom = self.answered(verb, CallEnd::of(&result));
        if returns.is_empty() {
            let expected = format!("{} without an error", step.text);
            return match &result {
                Ok(_) => Ok(()),
                Err(_) => Err(Stop::failed(symptom, expected, show(&result))),
            };
        }
        for spec in returns {
            if self.meets(conn, spec, &result)? {
                if let (ReturnSpec::Error(name), Err(errno)) = (spec, &result)
                    && errno.name == ErrorName::Error
                    && *name != ErrorName::Error
                {
                    self.notes
                        .push(format!("{}: the target has no name for the error", step.text));
                }
                return Ok(());
            }
        }
        Err(Stop::failed(symptom, wanted(step, returns), show(&result)))
    }

    fn still_pending(&self, step: &Step, call: Verb, returns: &[ReturnSpec]) -> Stop {
        let symptom = self.answered(call, CallEnd::Pending);
        Stop::late(symptom, wanted(step, returns), "it is still pending")
    }

    fn meets(&self, conn: usize, spec: &ReturnSpec, result: &Result<Answer, Errno>) -> Result<bool, Stop> {
        Ok(match (spec, result) {
            (ReturnSpec::Ok, Ok(answer)) => *answer != Answer::EndOfStream,
            (ReturnSpec::OkCount(expr), Ok(Answer::Count(octets))) => self.scope(conn).value(expr)? == *octets as i64,
            (ReturnSpec::OkCount(expr), Ok(Answer::Data(data))) => self.scope(conn).value(expr)? == data.len() as i64,
            (ReturnSpec::OkText(text), Ok(Answer::Data(data))) => text == data,
            (ReturnSpec::Eof, Ok(Answer::EndOfStream)) => true,
            // If a stack has no names for its errors, any error will do.
            (ReturnSpec::Error(name), Err(errno)) => {
                *name == errno.name || *name == ErrorName::Error || errno.name == ErrorName::Error
            }
            _ => false,
        })
    }

    // ----- result: --------------------------------------------------------------------------------------------------

    /// As for other steps, except that a call which must still be pending is watched for `prompt` unless `within` is
    /// written.
    pub(super) fn result_window(&self, result: &ResultStep) -> Result<(Mark, Period), Stop> {
        let (base, mut period) = self.window(&result.when)?;
        if result.when.within.is_none() && result.returns == [ReturnSpec::Pending] {
            period.most = self.tolerance(Tolerance::Prompt);
        }
        Ok((base, period))
    }

    pub(super) fn begin_result(&self, result: &Arc<ResultStep>) -> Result<Progress, Stop> {
        let (base, period) = self.result_window(result)?;
        Ok(Progress::now(Waiting::Resulting(Resulting {
            result: Arc::clone(result),
            base,
            period,
        })))
    }

    pub(super) fn await_result(&mut self, step: &Step, state: Resulting, drained: Instant) -> Result<Progress, Stop> {
        let Resulting { result, base, period } = &state;
        let (base, period) = (*base, *period);
        let conn = step.conns.first().copied().unwrap_or(ConnId(0));
        let Some(id) = self.pending_verb(conn, result.verb) else {
            return Err(CaseFault::NeverCalled(result.verb).into());
        };
        let until = base.at.latest + period.most;
        let may_wait = result.returns.contains(&ReturnSpec::Pending);
        let Some((ended, mark)) = self.calls.ended(id).cloned() else {
            if drained < until {
                return Ok(Progress::until(Waiting::Resulting(state), until));
            }
            if !may_wait {
                return Err(self.still_pending(step, result.verb, &result.returns));
            }
            self.checked += 1;
            self.met_by(MetBy::Pending(id), base, period);
            self.set_mark(Mark::at(until));
            return Ok(self.finish_step());
        };
        self.refuse_unmade(id, &result.returns)?;
        self.judge_return(step, (result.verb, &result.returns), ended)?;
        let elapsed = match mark.cause.is_some() && mark.cause == base.cause {
            true => Default::default(),
            false => mark.at.since(base.at),
        };
        if result.when.within.is_some() {
            self.in_time(&step.text, elapsed, period)?;
        }
        self.checked += 1;
        self.met_by(MetBy::Call(id), base, period);
        self.set_mark(mark);
        self.measure(&result.measure, None, base, mark, 1);
        Ok(self.finish_step())
    }

    /// Whether the result that a step waits for is there.
    pub(super) fn result_is(&self, step: &Step, result: &ResultStep) -> Result<bool, Stop> {
        let conn = step.conns.first().copied().unwrap_or(ConnId(0));
        let Some(id) = self.pending_verb(conn, result.verb) else {
            return Ok(false);
        };
        let Some(ended) = self.calls.answer(id) else {
            return Ok(false);
        };
        for spec in &result.returns {
            if self.meets(conn.0, spec, ended)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn errno(name: ErrorName, detail: &str) -> Errno {
    Errno {
        name,
        detail: detail.to_owned(),
        unsupported: false,
    }
}

impl CallEnd {
    fn of(result: &Result<Answer, Errno>) -> CallEnd {
        match result {
            Ok(Answer::EndOfStream) => CallEnd::EndOfStream,
            Ok(_) => CallEnd::Well,
            Err(_) => CallEnd::Error,
        }
    }

    /// How a call ended that met one of these.
    pub(super) fn of_returns(returns: &[ReturnSpec]) -> CallEnd {
        match returns.first() {
            Some(ReturnSpec::Pending) => CallEnd::Pending,
            Some(ReturnSpec::Eof) => CallEnd::EndOfStream,
            Some(ReturnSpec::Error(_)) => CallEnd::Error,
            Some(ReturnSpec::Ok | ReturnSpec::OkCount(_) | ReturnSpec::OkText(_)) | None => CallEnd::Well,
        }
    }
}

fn wanted(step: &Step, returns: &[ReturnSpec]) -> String {
    let returns: Vec<String> = returns.iter().map(ToString::to_string).collect();
    format!("{}: {}", step.text, returns.join(" or "))
}

/// A result for a person.
pub(super) fn show(result: &Result<Answer, Errno>) -> String {
    match result {
        Ok(Answer::Ok) => "ok".to_owned(),
        Ok(Answer::Count(octets)) => format!("ok {octets}"),
        Ok(Answer::Data(data)) if data.len() <= 40 => format!("ok \"{}\"", data.escape_ascii()),
        Ok(Answer::Data(data)) => format!("ok {} octets", data.len()),
        Ok(Answer::EndOfStream) => "eof".to_owned(),
        Ok(Answer::State(state)) => format!("state {state}"),
        Err(errno) if errno.detail.is_empty() => errno.name.name().to_owned(),
        Err(errno) => format!("{} ({})", errno.name.name(), errno.detail),
    }
}
