//! Which step can follow which. The loader goes through the steps of each script with a [`Flow`], so that it finds a
//! step that can never work before anything is sent.

use crate::notation::{ReturnSpec, Verb};
use crate::script::{AnyOf, CallStep, ConnId, Given, Step, StepKind};
use std::collections::BTreeSet;

/// What has happened up to a step, as far as it is certain from the text.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    /// Whether the port listens.
    pub(super) listening: bool,
    /// Connections that may have a socket.
    sockets: BTreeSet<ConnId>,
    /// Verbs that were called.
    called: BTreeSet<(ConnId, u8)>,
    /// Connections on which a segment of the target was taken.
    heard: BTreeSet<ConnId>,
    /// Names that have a value.
    pub(super) measured: BTreeSet<String>,
    /// Names that have a value only if one of those outcomes of an `any-of` came that measure them.
    pub(super) maybe_measured: BTreeSet<String>,
    /// Steps that have been named.
    pub(super) labels: BTreeSet<String>,
}

/// What is wrong with a step, and the remedy.
pub(super) type Complaint = (String, String);

impl Flow {
    /// Why a step cannot follow what was before it.
    pub(super) fn refuse(&self, step: &Step) -> Option<Complaint> {
        let conn = step.conns.first().copied()?;
        match &step.kind {
            StepKind::Expect(expect) if expect.segment.again => {
                let heard = step.conns.iter().any(|conn| self.heard.contains(conn));
                (!heard).then(|| {
                    let message = "nothing has come yet that could come again".to_string();
                    (message, "expect it first without `again`".to_string())
                })
            }
            StepKind::Result(result) if !self.called.contains(&(conn, result.verb as u8)) => {
                let verb = verb_name(result.verb);
                let message = format!("`{verb}` has not been called on this connection");
                Some((message, format!("write `- call: {verb}` before it")))
            }
            StepKind::Call(call) => self.refuse_call(call, conn),
            StepKind::Expect(_)
            | StepKind::Result(_)
            | StepKind::Inject(_)
            | StepKind::InjectIcmp(_)
            | StepKind::Fill(_)
            | StepKind::Nothing(_)
            | StepKind::Wait(..)
            | StepKind::State(_)
            | StepKind::AnyOf(_)
            | StepKind::Faults(_)
            | StepKind::Check(_) => None,
        }
    }

    fn refuse_call(&self, call: &CallStep, conn: ConnId) -> Option<Complaint> {
        let verb = verb_name(call.call.verb);
        match call.call.verb {
            Verb::Listen | Verb::Connect => None,
            Verb::Accept if self.listening => None,
            Verb::Accept => Some((
                "nothing listens here".to_string(),
                "begin with `given: listen`, or `- call: listen`".to_string(),
            )),
            Verb::Send | Verb::Recv => {
                if self.sockets.contains(&conn) || self.listening && !call.returns.is_empty() {
                    return None;
                }
                let message = format!("`{verb}` on a connection that the application does not have");
                let help = match self.listening {
                    true => "write `- call: accept` before it, or say what it `returns`",
                    false => "write `- call: connect` before it, or begin from another state",
                };
                Some((message, help.to_string()))
            }
            Verb::Shutdown | Verb::Close | Verb::Abort | Verb::Set => {
                if self.sockets.contains(&conn) || self.listening {
                    return None;
                }
                let message = format!("`{verb}` on a connection that the application does not have");
                Some((
                    message,
                    "write `- call: connect` before it, or begin from another state".to_string(),
                ))
            }
        }
    }

    /// Notes what a step does. The outcomes of an `any-of` have been gone through before, one by one.
    pub(super) fn pass(&mut self, step: &Step) {
        match &step.kind {
            StepKind::Expect(expect) => {
                self.heard.extend(&step.conns);
                self.measured
                    .extend(expect.measure.iter().map(|what| what.name.clone()));
            }
            StepKind::Result(result) => {
                self.measured
                    .extend(result.measure.iter().map(|what| what.name.clone()));
            }
            StepKind::Call(call) => {
                for conn in &step.conns {
                    self.called.insert((*conn, call.call.verb as u8));
                    if matches!(call.call.verb, Verb::Connect | Verb::Accept) {
                        self.sockets.insert(*conn);
                    }
                }
                self.listening |= call.call.verb == Verb::Listen;
            }
            StepKind::Inject(_)
            | StepKind::InjectIcmp(_)
            | StepKind::Fill(_)
            | StepKind::Nothing(_)
            | StepKind::Wait(..)
            | StepKind::State(_)
            | StepKind::AnyOf(_)
            | StepKind::Faults(_)
            | StepKind::Check(_) => {}
        }
        self.labels.extend(step.label.clone());
    }

    /// What is known after an `any-of`: a socket, a call or a segment of any outcome may be there; a measured value or
    /// a label is there only if each outcome has it.
    pub(super) fn join(before: &Flow, outcomes: Vec<Flow>) -> Flow {
        let mut joined = before.clone();
        let Some((first, others)) = outcomes.split_first() else {
            return joined;
        };
        let in_all = |names: fn(&Flow) -> &BTreeSet<String>| -> BTreeSet<String> {
            let shared = names(first)
                .iter()
                .filter(|name| others.iter().all(|other| names(other).contains(*name)));
            shared.cloned().collect()
        };
        joined.measured = in_all(|flow| &flow.measured);
        joined.labels = in_all(|flow| &flow.labels);
        for outcome in outcomes {
            joined.listening |= outcome.listening;
            joined.sockets.extend(outcome.sockets);
            joined.called.extend(outcome.called);
            joined.heard.extend(outcome.heard);
            joined.maybe_measured.extend(outcome.maybe_measured);
            joined.maybe_measured.extend(outcome.measured);
        }
        joined
    }
}

fn verb_name(verb: Verb) -> &'static str {
    match verb {
        Verb::Listen => "listen",
        Verb::Connect => "connect",
        Verb::Accept => "accept",
        Verb::Send => "send",
        Verb::Recv => "recv",
        Verb::Shutdown => "shutdown",
        Verb::Close => "close",
        Verb::Abort => "abort",
        Verb::Set => "set",
    }
}

/// Whether a target that never sends and never answers anything would fail, at one of the steps or on the way into the
/// state. The way counts only if it needs a segment of the target, and if at least one outcome of the steps needs the
/// target to send or answer something.
pub(super) fn fails_a_mute_target(given: &[Given], steps: &[Step]) -> bool {
    // A target that hears nothing may well say that it listens.
    let asks = |step: &&Step| matches!(step.kind, StepKind::State(_));
    let mut way = given.iter().flat_map(|given| &given.steps).filter(|step| !asks(step));
    fails_the_mute(steps) || way.any(step_fails_the_mute) && steps.iter().any(may_hear)
}

fn may_hear(step: &Step) -> bool {
    let StepKind::AnyOf(any_of) = &step.kind else {
        return false;
    };
    any_of.outcomes.iter().any(|(_, steps)| fails_the_mute(steps))
}

fn fails_the_mute(steps: &[Step]) -> bool {
    steps.iter().any(step_fails_the_mute)
}

fn step_fails_the_mute(step: &Step) -> bool {
    match &step.kind {
        StepKind::Expect(expect) => expect.count.is_none_or(|(least, _)| least > 0),
        StepKind::Result(result) => never_pending(&result.returns),
        StepKind::Fill(_) | StepKind::State(_) | StepKind::Check(_) => true,
        StepKind::Call(call) => never_pending(&call.returns) && needs_a_peer(call),
        StepKind::AnyOf(any_of) => every_outcome_does(any_of),
        StepKind::Inject(_)
        | StepKind::InjectIcmp(_)
        | StepKind::Nothing(_)
        | StepKind::Wait(..)
        | StepKind::Faults(_) => false,
    }
}

fn never_pending(returns: &[ReturnSpec]) -> bool {
    !returns.is_empty() && !returns.contains(&ReturnSpec::Pending)
}

/// Whether only a segment of the tester can make the call end as it should.
fn needs_a_peer(call: &CallStep) -> bool {
    match call.call.verb {
        Verb::Connect | Verb::Accept | Verb::Recv => true,
        Verb::Listen | Verb::Send | Verb::Shutdown | Verb::Close | Verb::Abort | Verb::Set => {
            call.returns.iter().all(|end| matches!(end, ReturnSpec::Error(_)))
        }
    }
}

/// Whether such a target fails in every outcome that is right. An outcome that is not right breaks the requirement by
/// itself.
fn every_outcome_does(any_of: &AnyOf) -> bool {
    any_of
        .outcomes
        .iter()
        .filter(|(name, _)| any_of.right.is_empty() || any_of.right.contains(name))
        .all(|(_, steps)| fails_the_mute(steps))
}

#[cfg(test)]
mod tests {
    use super::super::trial::{around, refuses, refuses_steps, scripts};

    fn from(given: &str, steps: &str) -> String {
        around(steps).replace("given: established", &format!("given: {given}"))
    }

    #[test]
    fn a_result_needs_its_call_on_the_same_connection() {
        refuses_steps(
            "  - result: «recv ok»\n",
            "`recv` has not been called on this connection",
            "`- call: recv` before it",
        );
        let text = from(
            "[established, {state: established, conn: b}]",
            "  - call: recv\n    conn: b\n  - result: «recv ok»\n",
        );
        refuses(
            &text.replace("steps:", "connections: {b: {}}\nsteps:"),
            "`recv` has not been called",
            "before it",
        );
        assert_eq!(scripts(&from("syn-sent", "  - result: connect refused\n")).len(), 1);
    }

    #[test]
    fn again_needs_something_before_it() {
        refuses(
            &from("closed", "  - call: connect\n  - expect: «SYN again»\n"),
            "nothing has come yet that could come again",
            "without `again`",
        );
        assert_eq!(scripts(&from("syn-received", "  - expect: SYN,ACK again\n")).len(), 1);
    }

    #[test]
    fn calls_need_a_socket() {
        let closed = |call: &str| from("closed", &format!("  - call: «{call}»\n  - expect: ACK\n"));
        refuses(
            &closed("send 5"),
            "`send` on a connection that the application does not have",
            "call: connect",
        );
        refuses(&closed("shutdown"), "`shutdown` on a connection", "call: connect");
        refuses(&closed("accept"), "nothing listens here", "given: listen");
        refuses(
            &from("listen", "  - call: «send 5»\n  - expect: ACK\n"),
            "`send` on a connection",
            "call: accept",
        );
        assert_eq!(
            scripts(&from("listen", "  - call: send 5\n    returns: does-not-exist\n")).len(),
            1
        );
        assert_eq!(
            scripts(&from("listen", "  - call: close\n  - state: closed\n")).len(),
            1
        );
        assert_eq!(
            scripts(&from(
                "closed",
                "  - inject: RST\n  - inject: SYN\n  - expect: RST,ACK abs.seq=0 ack=1\n"
            ))
            .len(),
            1
        );
    }

    #[test]
    fn what_one_outcome_did_may_have_been_done() {
        let steps = "  - inject: SYN\n  - any-of:\n      served:\n        - expect: SYN,ACK\n        - inject: ACK\n        - call: accept\n      ignored:\n        - expect: nothing\n  - call: recv\n    returns: eof\n";
        assert_eq!(scripts(&from("listen", steps)).len(), 1);
    }

    #[test]
    fn a_name_of_a_step_in_one_outcome_is_not_certain() {
        let steps = "  - any-of:\n      one:\n        - expect: ACK\n          as: there\n      other:\n        - expect: FIN,ACK\n  - expect: ACK\n    since: «there»\n";
        refuses_steps(steps, "no earlier step is called `there`", "");
    }

    #[test]
    fn silence_as_a_right_outcome_rests_on_the_given() {
        let steps = "  - any-of:\n      silent:\n        - expect: nothing\n      loud:\n        - expect: ACK\n    right: silent\n";
        assert_eq!(scripts(&around(steps)).len(), 1);
        refuses(&from("listen", steps), "a target that never answers would pass", "");
    }
}
