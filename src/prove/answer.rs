//! How else a call could have ended: the ends that the step which looks at it does not allow.

use crate::notation::{ReturnSpec, Verb};
use crate::rfc::State;
use crate::stack::ErrorName;
use crate::stack::{Answer, CallId, Emitted, Errno, SocketId};
use core::net::SocketAddr;

/// Another end of a call, and how it differs.
pub(super) type Other = (String, Emitted);

/// All other ends of a call that `returns` does not allow. Where nothing is written only an error is wrong.
pub(super) fn others(returns: &[ReturnSpec], told: &Emitted) -> Vec<Other> {
    match told {
        Emitted::Result(id, result) => ends(returns, result)
            .into_iter()
            .filter(|(_, end)| !allowed(returns, end))
            .map(|(what, end)| (what.to_owned(), Emitted::Result(*id, end)))
            .collect(),
        Emitted::Accepted { listener, socket, peer } => vec![other_peer(*listener, *socket, *peer)],
        Emitted::Packet(_) | Emitted::Pending(_) => Vec::new(),
    }
}

/// The answers with another state than the one asked for.
pub(super) fn other_states(wanted: State, id: CallId) -> Vec<Other> {
    let alike = |state: &State| *state == wanted || (wanted, *state) == (State::Closed, State::Listen);
    let others = State::ALL.into_iter().filter(|state| !alike(state));
    others
        .map(|state| (format!("state {state}"), Emitted::Result(id, Ok(Answer::State(state)))))
        .collect()
}

/// The end of a call that must still be pending.
pub(super) fn end(verb: Verb, id: CallId) -> Other {
    let answer = match verb {
        Verb::Recv => Answer::EndOfStream,
        Verb::Send => Answer::Count(1),
        Verb::Listen | Verb::Connect | Verb::Accept | Verb::Shutdown | Verb::Close | Verb::Abort | Verb::Set => {
            Answer::Ok
        }
    };
    ("ended".to_owned(), Emitted::Result(id, Ok(answer)))
}

type End = Result<Answer, Errno>;

fn ends(returns: &[ReturnSpec], result: &End) -> Vec<(&'static str, End)> {
    let mut found = Vec::new();
    let looks_at_octets = returns.iter().any(|spec| matches!(spec, ReturnSpec::OkText(_)));
    let looks_at_count = returns.iter().any(|spec| matches!(spec, ReturnSpec::OkCount(_)));
    match result {
        Ok(Answer::Count(octets)) if looks_at_count => {
            found.push(("one octet more", Ok(Answer::Count(octets + 1))));
        }
        Ok(Answer::Data(data)) => {
            if looks_at_octets {
                let mut other = data.clone();
                other[0] ^= 0x20;
                found.push(("other octets", Ok(Answer::Data(other))));
            }
            if looks_at_octets || looks_at_count {
                let more: Vec<u8> = data.iter().copied().chain([b'?']).collect();
                found.push(("one octet more", Ok(Answer::Data(more))));
            }
            found.push(("the end of the stream", Ok(Answer::EndOfStream)));
        }
        Ok(Answer::EndOfStream) => found.push(("an octet", Ok(Answer::Data(b"?".to_vec())))),
        Err(_) => {
            found.push(("success", Ok(Answer::Ok)));
            found.push(("the end of the stream", Ok(Answer::EndOfStream)));
        }
        Ok(Answer::Ok | Answer::Count(_) | Answer::State(_)) => {}
    }
    for name in [ErrorName::Reset, ErrorName::TimedOut] {
        found.push((name.name(), Err(error(name))));
    }
    found
}

fn error(name: ErrorName) -> Errno {
    Errno {
        name,
        detail: String::new(),
        unsupported: false,
    }
}

/// Whether a step allows such an end. Numbers are not evaluated: those of [`ends`] differ from what came.
fn allowed(returns: &[ReturnSpec], end: &End) -> bool {
    if returns.is_empty() {
        return end.is_ok();
    }
    returns.iter().any(|spec| match (spec, end) {
        (ReturnSpec::Ok, Ok(answer)) => *answer != Answer::EndOfStream,
        (ReturnSpec::Eof, Ok(answer)) => *answer == Answer::EndOfStream,
        (ReturnSpec::Error(name), Err(errno)) => *name == errno.name || *name == ErrorName::Error,
        (ReturnSpec::OkText(text), Ok(Answer::Data(data))) => text == data,
        // A step that only counts octets does not look at them.
        (ReturnSpec::OkCount(_) | ReturnSpec::OkText(_) | ReturnSpec::Pending, _) => false,
        (ReturnSpec::Ok | ReturnSpec::Eof, Err(_)) | (ReturnSpec::Error(_), Ok(_)) => false,
    })
}

fn other_peer(listener: SocketId, socket: SocketId, mut peer: SocketAddr) -> Other {
    peer.set_port(peer.port() ^ 1);
    let accepted = Emitted::Accepted { listener, socket, peer };
    ("another connection".to_owned(), accepted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(returns: &[&str], end: End) -> Vec<String> {
        let returns: Vec<ReturnSpec> = returns.iter().map(|text| ReturnSpec::parse(text).unwrap()).collect();
        let told = Emitted::Result(CallId(1), end);
        others(&returns, &told).into_iter().map(|(what, _)| what).collect()
    }

    #[test]
    fn what_is_allowed_is_no_other_end() {
        assert_eq!(names(&["ok"], Ok(Answer::Ok)), ["reset", "timed-out"]);
        assert_eq!(names(&["ok", "reset"], Ok(Answer::Ok)), ["timed-out"]);
        assert_eq!(
            names(&["reset"], Err(error(ErrorName::Reset))),
            ["success", "the end of the stream", "timed-out"]
        );
        assert_eq!(names(&[], Ok(Answer::Count(3))), ["reset", "timed-out"]);
    }

    #[test]
    fn octets_are_other_only_where_a_step_looks_at_them() {
        let data = || Ok(Answer::Data(b"abc".to_vec()));
        let all = [
            "other octets",
            "one octet more",
            "the end of the stream",
            "reset",
            "timed-out",
        ];
        assert_eq!(names(&["ok \"abc\""], data()), all);
        assert_eq!(names(&["ok 3"], data()), all[1..]);
        assert_eq!(names(&["ok"], data()), all[2..]);
    }

    #[test]
    fn a_listener_where_nothing_is_asked_for_is_no_other_state() {
        assert_eq!(other_states(State::Closed, CallId(1)).len(), State::ALL.len() - 2);
        assert_eq!(other_states(State::Listen, CallId(1)).len(), State::ALL.len() - 1);
    }
}
