//! Mistakes that no case notices yet do make a difference: the same exchange goes otherwise with them.

use super::*;
use crate::model::{Defect, EcnUse};

/// Everything that came, and what the calls answered.
fn trace(lab: &Lab) -> String {
    format!("{:?} {:?}", lab.came, lab.results)
}

fn stamped(lab: &Lab, seq: i64, ack: i64, value: u32, text: &[u8]) -> Segment {
    Segment {
        seq: lab.isn.advanced(seq),
        ack: lab.iss.advanced(ack),
        flags: ACK,
        window: lab.window,
        options: vec![TcpOption::Timestamps { value, echo: 0 }],
        payload: text.to_vec(),
        ..Segment::default()
    }
}

fn lab(defects: Defects) -> Lab {
    let config = Config {
        receive_buffer: 300_000,
        ecn: EcnUse::WhenAsked,
        ..Config::default()
    };
    Lab::with(config, defects)
}

fn options_and_timestamps(defects: Defects) -> String {
    let mut lab = lab(defects);
    let stamp = TcpOption::Timestamps { value: 1000, echo: 0 };
    lab.options
        .extend([stamp, TcpOption::SackPermitted, TcpOption::WindowScale(2)]);
    lab.listen();
    lab.inject(SYN, 0, 0, b"");
    lab.learn_iss();
    lab.inject_raw(stamped(&lab, 1, 1, 1001, b""));
    lab.accept();
    lab.until(50);
    lab.inject_raw(stamped(&lab, 5, 1, 1040, b"gap"));
    lab.inject_raw(stamped(&lab, 1, 1, 900, b""));
    lab.inject_raw(stamped(&lab, 1, 1, 1050, b"abcd"));
    lab.send(&[1; 100]);
    lab.until(2_000);
    trace(&lab)
}

fn windows_and_acks(defects: Defects) -> String {
    let mut lab = lab(defects);
    lab.established();
    let recv = lab.recv(Some(70_000));
    lab.inject(FIN_ACK, 60_000, 1, &[1; 10_000]);
    lab.inject(ACK, 1, 5, b"with an ACK of nothing");
    lab.inject(ACK, 1, -70_000, b"with an ACK from long ago");
    for at in 0..42 {
        lab.inject(ACK, 1 + at * 1460, 1, &[2; 1460]);
    }
    lab.send(&[1; 20_000]);
    lab.inject(ACK, 59_000, 1461, b"");
    lab.until(3_000);
    lab.window = 100;
    lab.inject(ACK, 1, 1461, b"");
    lab.until(20_000);
    format!("{:?} {}", lab.results.get(&recv), trace(&lab))
}

fn reordered(defects: Defects) -> String {
    let mut lab = lab(defects);
    lab.established();
    lab.inject(ACK, 10, 1, b"gap");
    lab.window = 100;
    lab.inject(ACK, 1, 1, b"");
    lab.send(&[1; 3_000]);
    trace(&lab)
}

fn endings(defects: Defects) -> String {
    let mut lab = lab(defects);
    lab.reach(State::FinWait1);
    lab.shutdown();
    let mut log = trace(&lab);
    let mut lab = self::lab(defects);
    lab.reach(State::CloseWait);
    lab.inject(ACK, 2, 1, b"late");
    lab.until(1_000);
    log += &trace(&lab);
    let mut lab = self::lab(defects);
    lab.reach(State::TimeWait);
    lab.inject(ACK, 2, 2, b"");
    lab.until(100_000);
    lab.inject(ACK, 1, 2, b"");
    lab.until(250_000);
    log + &format!("{:?} {}", lab.state(), trace(&lab))
}

fn opening(defects: Defects) -> String {
    let mut lab = lab(defects);
    lab.reach(State::SynSent);
    lab.options.push(TcpOption::WindowScale(4));
    lab.window = 1000;
    lab.inject(SYN_ACK, 0, 1, b"early");
    lab.send(&[1; 5000]);
    let mut log = trace(&lab);
    let mut lab = self::lab(defects);
    lab.listen();
    lab.options.push(TcpOption::FastOpen(Vec::new()));
    lab.inject(SYN, 0, 0, b"");
    log += &trace(&lab);
    let mut lab = self::lab(defects);
    lab.model.cx.config.syn_cookies = crate::model::SynCookies::Always;
    lab.listen();
    lab.inject(SYN, 0, 0, b"");
    lab.learn_iss();
    lab.until(300_000);
    lab.inject(ACK, 1, 1, b"");
    log + &trace(&lab)
}

fn probes(defects: Defects) -> String {
    let mut lab = lab(defects);
    lab.established();
    lab.window = 0;
    lab.inject(ACK, 1, 1, b"");
    lab.send(&[1; 10]);
    for at in 1..40 {
        lab.until(at * 30_000);
        lab.inject(ACK, 1, 1, b"");
    }
    let mut log = format!("{:?} {}", lab.state(), trace(&lab));
    let mut lab = self::lab(defects);
    lab.established();
    lab.set(Setting::KeepAlive, SetValue::Flag(true));
    lab.until(200_000);
    log += &trace(&lab);
    log
}

fn marks(defects: Defects) -> String {
    let mut lab = lab(defects);
    lab.listen();
    lab.inject(SYN | Flags::ECE | Flags::CWR, 0, 0, b"");
    lab.learn_iss();
    lab.inject(ACK, 1, 1, b"");
    lab.accept();
    lab.send(&[1; 30_000]);
    lab.inject(ACK | Flags::ECE, 1, 1461, b"");
    lab.inject(ACK, 1, 2921, b"");
    lab.inject(ACK, 1, 4381, b"");
    lab.until(5_000);
    trace(&lab)
}

#[test]
fn mistakes_that_no_case_notices_make_a_difference() {
    let exchanges = [
        options_and_timestamps,
        windows_and_acks,
        reordered,
        endings,
        opening,
        probes,
        marks,
    ];
    let right: Vec<String> = exchanges.iter().map(|exchange| exchange(Defects::NONE)).collect();
    let idle: Vec<&str> = UNNOTICED
        .iter()
        .filter(|defect| {
            let with = Defects::only(**defect);
            exchanges
                .iter()
                .zip(&right)
                .all(|(exchange, right)| exchange(with) == *right)
        })
        .map(|defect| defect.name())
        .collect();
    assert!(idle.is_empty(), "{idle:?}");
}

const UNNOTICED: [Defect; 24] = [
    Defect::RightOverlapKept,
    Defect::FinBeyondWindowTaken,
    Defect::PawsSparesAcks,
    Defect::TsRecentFollowsEverything,
    Defect::TsRecentFrozen,
    Defect::AckOfUnsentKeepsText,
    Defect::FarOldAckSilent,
    Defect::WindowFromOldSegments,
    Defect::DataAfterFinTaken,
    Defect::TimeWaitRestartedByAnything,
    Defect::TimeWaitAnswersAcks,
    Defect::CookieForEver,
    Defect::SynAckTextLost,
    Defect::CloseTwiceSendsTwice,
    Defect::AnnouncedMssTooLarge,
    Defect::ScaleAppliedToSyn,
    Defect::OwnScaleForgotten,
    Defect::TimestampEchoZero,
    Defect::TimestampClockStands,
    Defect::EcnIgnoredBySender,
    Defect::CwrNeverSent,
    Defect::ProbeGivesUp,
    Defect::KeepAliveTooOften,
    Defect::NoCollapseOnTimeout,
];
