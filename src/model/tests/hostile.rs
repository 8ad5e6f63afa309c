//! Whatever comes, the endpoint neither panics nor storms.

use super::super::Switch;
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn any_options() -> impl Strategy<Value = Vec<TcpOption>> {
    vec(
        prop_oneof![
            any::<u16>().prop_map(TcpOption::Mss),
            any::<u8>().prop_map(TcpOption::WindowScale),
            Just(TcpOption::SackPermitted),
            any::<(u32, u32)>().prop_map(|(value, echo)| TcpOption::Timestamps { value, echo }),
            vec(any::<(u8, u8)>(), 1..4).prop_map(|blocks| {
                TcpOption::Sack(
                    blocks
                        .into_iter()
                        .map(|(l, r)| (u32::from(l) << 4, u32::from(r) << 4))
                        .collect(),
                )
            }),
            any::<u16>().prop_map(TcpOption::UserTimeout),
            vec(any::<u8>(), 0..9).prop_map(TcpOption::FastOpen),
            vec(any::<u8>(), 1..5).prop_map(TcpOption::Raw),
        ],
        0..3,
    )
}

type Blow = (u16, i64, i64, u16, u16, Vec<TcpOption>, usize, u64);

fn any_blow() -> impl Strategy<Value = Blow> {
    let near = || prop_oneof![4 => -3i64..6, 2 => -70_000i64..70_000, 1 => any::<i32>().prop_map(i64::from)];
    (
        0u16..0x200,
        near(),
        near(),
        any::<u16>(),
        any::<u16>(),
        any_options(),
        0usize..40,
        prop_oneof![3 => Just(0u64), 1 => 0u64..100_000],
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn hostile_segments_do_no_harm(
        start in 0usize..11, switches in any::<(bool, bool, bool)>(), blows in vec(any_blow(), 1..40), sends in 0usize..30_000,
    ) {
        let chosen = [
            (!switches.0, Switch::Rfc5961No),
            (!switches.1, Switch::KeepOutOfOrderNo),
            (switches.1, Switch::UserTimeoutOption),
            (switches.2, Switch::CloseWithUnreadFin),
            (switches.2, Switch::DataAfterCloseFin),
        ];
        let chosen: Vec<Switch> = chosen.into_iter().filter(|(chosen, _)| *chosen).map(|(_, switch)| switch).collect();
        let config = Config::choosing(&chosen);
        let mut lab = Lab::new(config);
        lab.options.extend([TcpOption::SackPermitted, TcpOption::WindowScale(2)]);
        lab.reach(State::ALL[start]);
        if sends > 0 {
            lab.send(&vec![1; sends]);
        }
        for (flags, seq, ack, window, urgent, options, length, wait) in blows {
            lab.came.clear();
            let segment = Segment {
                seq: lab.isn.advanced(seq),
                ack: lab.iss.advanced(ack),
                flags: Flags::from_bits(flags),
                window,
                urgent,
                options,
                payload: vec![2; length],
                ..Segment::default()
            };
            lab.inject_raw(segment);
            let answers = lab.came.len();
            prop_assert!(answers < 60, "{} answers", answers);
            let until = lab.now.as_nanos() / 1_000_000 + wait;
            lab.until(until);
        }
        lab.call(Call::Close { socket: SOCKET });
        lab.until(100_000_000);
        prop_assert!(lab.timer.is_none() || lab.timer > Some(lab.now));
    }

    #[test]
    fn noise_does_no_harm(packets in vec(vec(any::<u8>(), 0..120), 1..20)) {
        let mut lab = Lab::new(Config::default());
        lab.established();
        for mut packet in packets {
            if let Some(first) = packet.first_mut() {
                *first = 0x45;
            }
            lab.model.receive(lab.now, &packet);
            lab.poll();
        }
    }
}
