//! Every edge of the state machine, drawn or not, reached by hand-made segments (RFC 9293 figure 5 and section 3.10).

use super::super::Switch;
use super::*;
use crate::stack::ErrorName;

fn lab_in(state: State) -> Lab {
    let mut lab = Lab::new(Config::default());
    lab.reach(state);
    lab
}

#[track_caller]
fn failed(lab: &Lab, id: CallId, name: ErrorName) {
    match lab.results.get(&id) {
        Some(Err(errno)) => assert_eq!(errno.name, name),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_state_can_be_reached() {
    for state in State::ALL {
        lab_in(state);
    }
}

#[test]
fn a_closed_port_answers_everything_but_a_reset_with_the_exact_numbers() {
    let mut lab = lab_in(State::Closed);
    lab.iss = SeqNum(777);
    lab.inject(RST, 5, 0, b"");
    lab.inject(RST | ACK, 5, 5, b"");
    lab.inject(RST | SYN, 5, 0, b"");
    lab.silent();
    lab.inject(ACK, 5, 100, b"x");
    lab.expect(RST, 100, 0);
    lab.inject(SYN | Flags::FIN, 0, 0, b"abc");
    let reset = lab.came.remove(0);
    assert_eq!(
        (reset.flags, reset.seq, reset.ack),
        (RST | ACK, SeqNum(0), lab.isn.advanced(5))
    );
    lab.inject(Flags::NONE, 9, 0, b"");
    assert_eq!(lab.came.remove(0).ack, lab.isn.advanced(9));
}

#[test]
fn a_listener_ignores_resets_resets_acks_and_drops_the_rest() {
    let mut lab = lab_in(State::Listen);
    lab.inject(RST, 0, 0, b"");
    lab.inject(RST | ACK, 0, 5, b"");
    lab.inject(Flags::FIN, 0, 0, b"x");
    lab.silent();
    lab.inject(ACK, 5, 100, b"");
    lab.expect(RST, 100, 0);
    lab.inject(SYN_ACK, 5, 100, b"");
    lab.expect(RST, 100, 0);
    lab.in_state(State::Listen);
    lab.call(Call::Close { socket: LISTENER });
    lab.in_state(State::Closed);
}

#[test]
fn syn_sent_answers_what_the_text_says() {
    let mut lab = lab_in(State::SynSent);
    for ack in [0, -5, 2] {
        lab.inject(ACK, 50, ack, b"");
        lab.expect(RST, ack, 0);
        lab.inject(RST | ACK, 50, ack, b"");
        lab.silent();
    }
    lab.inject(RST, 50, 0, b"");
    lab.inject(ACK, 50, 1, b"data");
    lab.inject(Flags::FIN, 50, 0, b"");
    lab.silent();
    lab.in_state(State::SynSent);
    lab.inject(SYN_ACK, 0, 1, b"ab");
    lab.expect(ACK, 1, 3);
    lab.in_state(State::Established);
}

#[test]
fn a_refused_connection_is_closed_and_told() {
    let mut lab = Lab::new(Config::default());
    let id = lab.connect();
    lab.inject(RST | ACK, 0, 1, b"");
    failed(&lab, id, ErrorName::Refused);
    lab.in_state(State::Closed);
}

#[test]
fn a_syn_ack_with_fin_goes_on_to_close_wait() {
    let mut lab = lab_in(State::SynSent);
    lab.inject(SYN_ACK | Flags::FIN, 0, 1, b"ab");
    lab.expect(ACK, 1, 4);
    lab.in_state(State::CloseWait);
}

#[test]
fn crossing_syns_make_one_connection() {
    let mut lab = lab_in(State::SynSent);
    lab.inject(SYN, 0, 0, b"");
    lab.expect(SYN_ACK, 0, 1);
    lab.in_state(State::SynReceived);
    lab.inject(SYN_ACK, 0, 1, b"");
    lab.in_state(State::Established);
    let mut lab = lab_in(State::SynSent);
    lab.inject(SYN, 0, 0, b"");
    lab.expect(SYN_ACK, 0, 1);
    lab.inject(SYN, 100, 0, b"");
    lab.expect(ACK, 1, 1);
    lab.inject(RST, 1, 0, b"");
    lab.in_state(State::Closed);
}

#[test]
fn syn_received_goes_back_to_listen_by_a_reset_or_a_syn() {
    for flags in [RST, SYN] {
        let mut lab = lab_in(State::SynReceived);
        lab.inject(flags, 1, 0, b"");
        lab.in_state(State::Listen);
        lab.silent();
    }
}

#[test]
fn syn_received_resets_what_does_not_acknowledge_its_syn() {
    let mut lab = lab_in(State::SynReceived);
    for ack in [0, 2, -100] {
        lab.inject(ACK, 1, ack, b"");
        lab.expect(RST, ack, 0);
    }
    lab.inject(Flags::NONE, 1, 0, b"data");
    lab.inject(RST, 70_000, 0, b"");
    lab.silent();
    lab.inject(RST, 2, 0, b"");
    lab.expect(ACK, 1, 1);
    lab.inject(SYN, 0, 0, b"");
    lab.expect(ACK, 1, 1);
    lab.in_state(State::SynReceived);
    lab.inject(FIN_ACK, 1, 1, b"x");
    lab.expect(ACK, 1, 3);
    lab.in_state(State::CloseWait);
}

const SYNCHRONIZED: [State; 7] = [
    State::Established,
    State::FinWait1,
    State::FinWait2,
    State::CloseWait,
    State::Closing,
    State::LastAck,
    State::TimeWait,
];

/// SND.NXT and RCV.NXT in these states.
fn numbers(state: State) -> (i64, i64) {
    let sent = matches!(state, State::Established | State::CloseWait);
    let got = matches!(state, State::Established | State::FinWait1 | State::FinWait2);
    (if sent { 1 } else { 2 }, if got { 1 } else { 2 })
}

#[test]
fn unacceptable_segments_are_acknowledged_and_change_nothing() {
    for state in SYNCHRONIZED {
        let mut lab = lab_in(state);
        let (snd_nxt, rcv_nxt) = numbers(state);
        for seq in [rcv_nxt - 2, rcv_nxt + 65_535] {
            lab.inject(ACK, seq, snd_nxt, b"x");
            lab.expect(ACK, snd_nxt, rcv_nxt);
        }
        lab.inject(ACK, rcv_nxt, snd_nxt + 1, b"");
        lab.expect(ACK, snd_nxt, rcv_nxt);
        lab.inject(ACK, rcv_nxt, -70_000, b"");
        lab.expect(ACK, snd_nxt, rcv_nxt);
        lab.inject(Flags::NONE, rcv_nxt, 0, b"x");
        lab.silent();
        lab.in_state(state);
    }
}

#[test]
fn resets_count_at_one_number_only() {
    for state in SYNCHRONIZED {
        let mut lab = lab_in(state);
        let (snd_nxt, rcv_nxt) = numbers(state);
        lab.inject(RST, rcv_nxt - 1, 0, b"");
        lab.inject(RST, rcv_nxt + 65_535, 0, b"");
        lab.silent();
        lab.inject(RST, rcv_nxt + 1, 0, b"");
        lab.expect(ACK, snd_nxt, rcv_nxt);
        lab.in_state(state);
        lab.inject(RST, rcv_nxt, 0, b"");
        lab.silent();
        lab.in_state(State::Listen);
    }
}

#[test]
fn syns_are_challenged_or_without_rfc_5961_reset() {
    for state in SYNCHRONIZED.into_iter().filter(|state| *state != State::TimeWait) {
        let mut lab = lab_in(state);
        let (snd_nxt, rcv_nxt) = numbers(state);
        for flags in [SYN, SYN_ACK] {
            lab.inject(flags, rcv_nxt + 3, 0, b"");
            lab.expect(ACK, snd_nxt, rcv_nxt);
        }
        lab.in_state(state);
        let mut lab = Lab::new(Config::choosing(&[Switch::Rfc5961No]));
        lab.reach(state);
        lab.inject(SYN, rcv_nxt + 3, 0, b"");
        assert_eq!(lab.came.remove(0).flags, RST | ACK);
        lab.in_state(State::Listen);
    }
}

#[test]
fn fin_wait_1_has_three_ways_out() {
    let mut lab = lab_in(State::FinWait1);
    lab.inject(ACK, 1, 1, b"");
    lab.in_state(State::FinWait1);
    lab.inject(ACK, 1, 2, b"");
    lab.in_state(State::FinWait2);
    let mut lab = lab_in(State::FinWait1);
    lab.inject(FIN_ACK, 1, 2, b"x");
    lab.expect(ACK, 2, 3);
    lab.in_state(State::TimeWait);
    let mut lab = lab_in(State::Closing);
    lab.inject(ACK, 2, 1, b"");
    lab.in_state(State::Closing);
    lab.inject(ACK, 2, 2, b"");
    lab.in_state(State::TimeWait);
}

#[test]
fn last_ack_leaves_by_the_ack_of_its_fin_only() {
    let mut lab = lab_in(State::LastAck);
    lab.inject(ACK, 2, 1, b"");
    lab.in_state(State::LastAck);
    lab.inject(ACK, 2, 2, b"");
    lab.silent();
    lab.in_state(State::Listen);
}

#[test]
fn fins_are_sent_again_until_they_are_acknowledged() {
    for (state, rcv_nxt) in [(State::FinWait1, 1), (State::Closing, 2), (State::LastAck, 2)] {
        let mut lab = lab_in(state);
        lab.until(1_000);
        lab.expect(FIN_ACK, 1, rcv_nxt);
        lab.until(2_999);
        lab.silent();
        lab.until(3_000);
        lab.expect(FIN_ACK, 1, rcv_nxt);
        lab.in_state(state);
    }
}

#[test]
fn time_wait_lasts_two_msl_from_the_last_fin() {
    let mut lab = lab_in(State::TimeWait);
    lab.until(100_000);
    lab.inject(FIN_ACK, 1, 2, b"");
    lab.expect(ACK, 2, 2);
    lab.inject(ACK, 2, 2, b"");
    lab.silent();
    lab.until(339_999);
    lab.in_state(State::TimeWait);
    lab.until(340_000);
    lab.in_state(State::Listen);
    lab.silent();
}

#[test]
fn a_new_syn_opens_a_connection_out_of_time_wait_and_an_old_one_does_not_end_it() {
    let mut lab = lab_in(State::TimeWait);
    lab.inject(SYN, 1, 0, b"");
    lab.silent();
    lab.in_state(State::TimeWait);
    lab.inject(SYN, 2, 0, b"");
    let answer = lab.came.remove(0);
    assert_eq!(answer.flags, SYN_ACK);
    assert!(lab.iss.advanced(2).before(answer.seq));
    lab.in_state(State::SynReceived);
    lab.inject(RST, 3, 0, b"");
    lab.in_state(State::TimeWait);
}

#[test]
fn abort_resets_where_the_peer_must_be_told() {
    for state in [State::Established, State::FinWait1, State::FinWait2, State::CloseWait] {
        let mut lab = lab_in(state);
        lab.call(Call::Abort { socket: SOCKET });
        lab.expect(RST, numbers(state).0, 0);
        lab.in_state(State::Listen);
    }
    for state in [State::SynSent, State::Closing, State::LastAck, State::TimeWait] {
        let mut lab = lab_in(state);
        lab.call(Call::Abort { socket: SOCKET });
        lab.silent();
        assert!(matches!(lab.state(), State::Listen | State::Closed));
    }
}

#[test]
fn close_in_syn_sent_deletes_the_block_and_in_syn_received_sends_a_fin() {
    let mut lab = Lab::new(Config::default());
    let id = lab.connect();
    lab.came.clear();
    lab.call(Call::Close { socket: SOCKET });
    failed(&lab, id, ErrorName::Closing);
    lab.silent();
    lab.in_state(State::Closed);
    let mut lab = lab_in(State::SynSent);
    lab.inject(SYN, 0, 0, b"");
    lab.expect(SYN_ACK, 0, 1);
    lab.shutdown();
    lab.expect(FIN_ACK, 1, 1);
    lab.in_state(State::FinWait1);
    lab.inject(SYN_ACK, 0, 2, b"");
    lab.came.clear();
    lab.inject(ACK, 1, 2, b"");
    lab.in_state(State::FinWait2);
}

#[test]
fn sends_are_refused_once_closing_and_receives_see_the_end() {
    for state in [
        State::FinWait1,
        State::FinWait2,
        State::Closing,
        State::LastAck,
        State::TimeWait,
    ] {
        let mut lab = lab_in(state);
        let send = lab.send(b"x");
        failed(&lab, send, ErrorName::Closing);
        let close = lab.shutdown();
        failed(&lab, close, ErrorName::Closing);
        lab.silent();
    }
    for state in [State::CloseWait, State::Closing, State::LastAck, State::TimeWait] {
        let mut lab = lab_in(state);
        let recv = lab.recv(None);
        assert_eq!(lab.results[&recv], Ok(Answer::EndOfStream));
    }
}

#[test]
fn close_with_unread_data_and_data_after_close_are_reset() {
    let mut lab = lab_in(State::Established);
    lab.inject(ACK, 1, 1, b"unread");
    lab.call(Call::Close { socket: SOCKET });
    lab.expect(RST, 1, 0);
    lab.in_state(State::Listen);
    let mut lab = lab_in(State::Established);
    lab.call(Call::Close { socket: SOCKET });
    lab.expect(FIN_ACK, 1, 1);
    lab.inject(ACK, 1, 2, b"");
    lab.inject(ACK, 1, 2, b"late");
    lab.expect(RST, 2, 0);
    lab.in_state(State::Listen);
}

#[test]
fn the_user_timeout_ends_any_connection() {
    let mut lab = Lab::new(Config::default());
    let id = lab.connect();
    lab.until(299_999);
    assert!(!lab.results.contains_key(&id));
    lab.until(300_000);
    failed(&lab, id, ErrorName::TimedOut);
    let mut lab = lab_in(State::Established);
    lab.set(Setting::UserTimeout, SetValue::Time(core::time::Duration::from_secs(3)));
    let recv = lab.recv(None);
    lab.send(b"x");
    lab.until(3_000);
    failed(&lab, recv, ErrorName::TimedOut);
    lab.in_state(State::Listen);
}

#[test]
fn a_repeated_fin_is_acknowledged_and_moves_nothing() {
    for state in [State::CloseWait, State::Closing, State::LastAck] {
        let mut lab = lab_in(state);
        let (snd_nxt, rcv_nxt) = numbers(state);
        lab.inject(FIN_ACK, 1, 1, b"");
        lab.expect(ACK, snd_nxt, rcv_nxt);
        lab.inject(FIN_ACK, 2, 1, b"");
        lab.expect(ACK, snd_nxt, rcv_nxt);
        lab.in_state(state);
    }
}
