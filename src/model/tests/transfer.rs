//! Data both ways, and the timers behind it.

use super::super::Switch;
use super::*;
use core::time::Duration;

fn established() -> Lab {
    let mut lab = Lab::new(Config::default());
    lab.established();
    lab
}

fn with_options(options: Vec<TcpOption>) -> Lab {
    let mut lab = Lab::new(Config::default());
    lab.options.extend(options);
    lab.established();
    lab
}

fn sack_of(segment: &Segment) -> Vec<(u32, u32)> {
    let blocks = segment.options.iter().find_map(|option| match option {
        TcpOption::Sack(blocks) => Some(blocks.clone()),
        _ => None,
    });
    blocks.unwrap_or_default()
}

#[test]
fn data_is_delivered_in_order_whatever_the_order_in_which_it_came() {
    let mut lab = established();
    let recv = lab.recv(Some(9));
    lab.inject(ACK, 4, 1, b"def");
    lab.expect(ACK, 1, 1);
    lab.inject(FIN_ACK, 7, 1, b"ghi");
    lab.expect(ACK, 1, 1);
    lab.inject(ACK, 1, 1, b"abcd");
    lab.expect(ACK, 1, 11);
    assert_eq!(lab.results[&recv], Ok(Answer::Data(b"abcdefghi".to_vec())));
    lab.in_state(State::CloseWait);
}

#[test]
fn acks_are_delayed_and_every_second_full_segment_gets_one() {
    let mut lab = established();
    lab.inject(ACK, 1, 1, b"x");
    lab.silent();
    lab.until(199);
    lab.silent();
    lab.until(200);
    lab.expect(ACK, 1, 2);
    lab.inject(ACK, 2, 1, &[0; 1460]);
    lab.silent();
    lab.inject(ACK, 1462, 1, &[0; 1460]);
    lab.expect(ACK, 1, 2922);
}

#[test]
fn retransmissions_start_at_the_front_and_back_off() {
    let mut lab = established();
    lab.send(&[7; 3000]);
    assert_eq!(lab.came.len(), 2);
    lab.came.clear();
    for (at, gap) in [(1000, 2000), (3000, 4000), (7000, 8000)] {
        lab.until(at - 1);
        lab.silent();
        lab.until(at);
        let (_, seq, _, text) = lab.next();
        assert_eq!((seq, text.len()), (1, 1460));
        lab.until(at + gap - 1);
    }
    lab.inject(ACK, 1, 2921, b"");
    assert_eq!(lab.next().1, 2921);
    lab.inject(ACK, 1, 3001, b"");
    lab.until(400_000);
    lab.silent();
}

#[test]
fn a_short_segment_waits_for_the_ack_of_what_is_outstanding_unless_told_not_to() {
    let mut lab = established();
    lab.send(b"a");
    lab.expect_text(b"a");
    lab.send(b"b");
    lab.send(b"c");
    lab.silent();
    lab.inject(ACK, 1, 2, b"");
    lab.expect_text(b"bc");
    lab.set(Setting::NoDelay, SetValue::Flag(true));
    lab.send(b"d");
    lab.expect_text(b"d");
}

#[test]
fn a_closed_window_is_probed_at_growing_intervals_and_as_long_as_it_takes() {
    let mut lab = established();
    lab.window = 0;
    lab.inject(ACK, 1, 1, b"");
    lab.send(&[1; 100]);
    lab.silent();
    for at in [1000, 3000, 7000, 15_000, 31_000, 63_000, 123_000, 183_000] {
        lab.until(at - 1);
        lab.silent();
        lab.until(at);
        let (_, seq, _, text) = lab.next();
        assert_eq!((seq, text.len()), (1, 1));
        lab.inject(ACK, 1, 1, b"");
    }
    lab.until(2_000_000);
    lab.in_state(State::Listen);
    let mut lab = established();
    lab.window = 0;
    lab.inject(ACK, 1, 1, b"");
    lab.send(&[1; 100]);
    lab.until(1000);
    lab.came.clear();
    lab.window = 5000;
    lab.inject(ACK, 1, 2, b"");
    let (_, seq, _, text) = lab.next();
    assert_eq!((seq, text.len()), (2, 99));
    let mut lab = established();
    lab.window = 0;
    lab.inject(ACK, 1, 1, b"");
    lab.send(&[1; 100]);
    lab.until(1000);
    lab.came.clear();
    lab.window = 5000;
    lab.inject(ACK, 1, 1, b"");
    let (_, seq, _, text) = lab.next();
    assert_eq!((seq, text.len()), (1, 100));
}

#[test]
fn small_windows_are_not_filled_with_crumbs() {
    let mut lab = established();
    lab.window = 100;
    lab.inject(ACK, 1, 1, b"");
    lab.send(&[1; 3000]);
    lab.until(499);
    lab.silent();
    lab.until(500);
    assert_eq!(lab.next().3.len(), 100);
    lab.window = 40_000;
    lab.inject(ACK, 1, 101, b"");
    assert_eq!(lab.next().3.len(), 1460);
}

#[test]
fn a_full_buffer_closes_the_window_and_reading_opens_it() {
    let mut lab = Lab::new(Config {
        receive_buffer: 4000,
        ..Config::default()
    });
    lab.established();
    lab.inject(ACK, 1, 1, &[1; 2000]);
    lab.inject(ACK, 2001, 1, &[1; 2000]);
    assert_eq!(lab.came.last().unwrap().window, 0);
    lab.came.clear();
    lab.inject(ACK, 4001, 1, b"x");
    lab.expect(ACK, 1, 4001);
    lab.recv(Some(1000));
    lab.silent();
    lab.recv(Some(1000));
    assert_eq!(lab.came.remove(0).window, 2000);
    lab.inject(RST, 4001, 1, b"");
    lab.in_state(State::Listen);
}

#[test]
fn three_duplicates_bring_the_front_back_and_new_data_flows() {
    let mut lab = established();
    lab.send(&[1; 20_000]);
    assert_eq!(lab.came.len(), 3);
    lab.came.clear();
    lab.inject(ACK, 1, 1, b"");
    lab.inject(ACK, 1, 1, b"");
    assert_eq!(
        lab.came.iter().map(|s| s.seq.offset_from(lab.iss)).collect::<Vec<_>>(),
        [4381, 5841]
    );
    lab.came.clear();
    lab.inject(ACK, 1, 1, b"");
    assert_eq!(lab.next().1, 1);
    lab.silent();
    lab.inject(ACK, 1, 1461, b"");
    assert_eq!(lab.next().1, 1461);
}

#[test]
fn reported_data_is_not_sent_again() {
    let mut lab = with_options(vec![TcpOption::SackPermitted]);
    lab.send(&[1; 60_000]);
    lab.inject(ACK, 1, 4381, b"");
    let sent = lab.came.len();
    assert_eq!(sent, 3 + 4);
    lab.came.clear();
    for (left, right) in [(5841, 7301), (5841, 8761), (5841, 10_221)] {
        let block = (lab.iss.advanced(left).0, lab.iss.advanced(right).0);
        let segment = Segment {
            seq: lab.isn.advanced(1),
            ack: lab.iss.advanced(4381),
            flags: ACK,
            window: lab.window,
            options: vec![TcpOption::Sack(vec![block])],
            ..Segment::default()
        };
        lab.inject_raw(segment);
    }
    let again: Vec<i32> = lab
        .came
        .iter()
        .map(|s| s.seq.offset_from(lab.iss))
        .filter(|seq| *seq < 10_221)
        .collect();
    assert_eq!(again, [4381]);
}

#[test]
fn gaps_are_reported_the_latest_first_and_duplicates_before() {
    let mut lab = with_options(vec![TcpOption::SackPermitted]);
    let at = |lab: &Lab, seq: i64| lab.isn.advanced(seq).0;
    lab.inject(ACK, 11, 1, b"xxxxx");
    lab.inject(ACK, 21, 1, b"xxxxx");
    let blocks = sack_of(lab.came.last().unwrap());
    assert_eq!(blocks, [(at(&lab, 21), at(&lab, 26)), (at(&lab, 11), at(&lab, 16))]);
    lab.inject(ACK, 12, 1, b"xx");
    let blocks = sack_of(lab.came.last().unwrap());
    assert_eq!(
        blocks[..2],
        [(at(&lab, 12), at(&lab, 14)), (at(&lab, 11), at(&lab, 16))]
    );
    lab.inject(ACK, 1, 1, b"0123456789");
    assert_eq!(lab.came.last().unwrap().ack, lab.isn.advanced(16));
    lab.inject(ACK, 1, 1, b"01");
    assert_eq!(sack_of(lab.came.last().unwrap())[0], (at(&lab, 1), at(&lab, 3)));
}

#[test]
fn old_timestamps_are_refused_and_missing_ones_dropped() {
    let mut lab = Lab::new(Config::default());
    lab.options.push(TcpOption::Timestamps { value: 1000, echo: 0 });
    lab.syn_received();
    let stamped = |lab: &Lab, seq: i64, value: u32| Segment {
        seq: lab.isn.advanced(seq),
        ack: lab.iss.advanced(1),
        flags: ACK,
        window: 1000,
        options: vec![TcpOption::Timestamps { value, echo: 0 }],
        payload: b"x".to_vec(),
        ..Segment::default()
    };
    lab.inject(ACK, 1, 1, b"x");
    lab.silent();
    lab.inject_raw(stamped(&lab, 1, 999));
    lab.expect(ACK, 1, 1);
    lab.inject_raw(stamped(&lab, 1, 1000));
    lab.accept();
    lab.until(200);
    lab.expect(ACK, 1, 2);
    lab.inject_raw(stamped(&lab, 2, 1005));
    lab.until(400);
    assert_eq!(lab.came[0].timestamps().unwrap().1, 1005);
}

#[test]
fn windows_are_scaled_but_not_on_syns() {
    let mut lab = Lab::new(Config::default());
    lab.options.push(TcpOption::WindowScale(20));
    lab.listen();
    lab.inject(SYN, 0, 0, b"");
    lab.learn_iss();
    let answer = lab.came.remove(0);
    assert_eq!((answer.window, answer.window_scale()), (65_535, Some(3)));
    lab.window = 1;
    lab.inject(ACK, 1, 1, b"");
    lab.accept();
    lab.inject(ACK, 3, 1, b"x");
    assert_eq!(lab.came.remove(0).window, 32_768);
    lab.send(&[1; 30_000]);
    let sent: usize = lab.came.iter().map(|segment| segment.payload.len()).sum();
    assert_eq!(sent, 3 * 1460);
}

#[test]
fn keep_alives_are_sent_when_asked_for_and_give_up_after_several() {
    let mut lab = established();
    lab.until(100_000_000);
    lab.silent();
    let start = 100_000_000;
    lab.set(Setting::KeepAlive, SetValue::Flag(true));
    lab.set(Setting::KeepAliveIdle, SetValue::Time(Duration::from_secs(3)));
    lab.set(Setting::KeepAliveInterval, SetValue::Time(Duration::from_secs(1)));
    lab.set(Setting::KeepAliveCount, SetValue::Number(2));
    lab.came.clear();
    lab.inject(ACK, 1, 1, b"");
    lab.until(start + 3000);
    lab.expect(ACK, 0, 1);
    lab.inject(ACK, 1, 1, b"");
    lab.until(start + 5999);
    lab.silent();
    lab.until(start + 7000);
    assert_eq!(lab.came.len(), 2);
    lab.until(start + 8000);
    lab.in_state(State::Listen);
}

#[test]
fn urgent_data_is_pointed_past_its_last_octet() {
    let mut lab = established();
    lab.call(Call::Send {
        socket: SOCKET,
        data: b"now".to_vec(),
        urgent: true,
    });
    let segment = lab.came.remove(0);
    assert!(segment.flags.contains(Flags::URG));
    assert_eq!(segment.urgent, 3);
}

#[test]
fn cookies_are_taken_from_who_was_given_them_only() {
    let mut lab = Lab::new(Config::choosing(&[Switch::SynCookiesAlways]));
    lab.listen();
    lab.inject(SYN, 0, 0, b"");
    lab.learn_iss();
    lab.expect(SYN_ACK, 0, 1);
    lab.in_state(State::Listen);
    lab.inject(ACK, 1, 2, b"");
    lab.expect(RST, 2, 0);
    lab.inject(ACK, 1, 1, b"hi");
    lab.accept();
    lab.in_state(State::Established);
    let recv = lab.recv(None);
    assert_eq!(lab.results[&recv], Ok(Answer::Data(b"hi".to_vec())));
}

#[test]
fn fast_open_takes_data_with_a_good_cookie() {
    let mut lab = Lab::new(Config::default());
    let local = lab.local();
    lab.call(Call::Listen {
        socket: LISTENER,
        local,
        backlog: 5,
        fast_open: Some(2),
    });
    lab.options.push(TcpOption::FastOpen(Vec::new()));
    lab.inject(SYN, 0, 0, b"early");
    lab.learn_iss();
    let answer = lab.came.remove(0);
    assert_eq!(answer.ack, lab.isn.advanced(1));
    let cookie = answer.options.last().cloned().unwrap();
    assert!(matches!(&cookie, TcpOption::FastOpen(octets) if octets.len() == 8));
    lab.inject(RST, 1, 0, b"");
    *lab.options.last_mut().unwrap() = cookie;
    lab.inject(SYN, 0, 0, b"early");
    lab.learn_iss();
    lab.expect(SYN_ACK, 0, 6);
    lab.accept();
    let recv = lab.recv(None);
    assert_eq!(lab.results[&recv], Ok(Answer::Data(b"early".to_vec())));
    lab.send(b"reply");
    lab.expect_text(b"reply");
}

#[test]
fn a_packet_too_big_makes_segments_smaller_at_once() {
    let mut lab = established();
    lab.send(&[1; 1460]);
    let sent = lab.came.remove(0);
    let mut quote = lab.packet(Segment::default());
    quote.truncate(28);
    quote[12..16].copy_from_slice(&[192, 0, 2, 1]);
    quote[16..20].copy_from_slice(&[198, 18, 0, 1]);
    quote[20..22].copy_from_slice(&7u16.to_be_bytes());
    quote[22..24].copy_from_slice(&4000u16.to_be_bytes());
    quote[24..28].copy_from_slice(&sent.seq.0.to_be_bytes());
    let icmp = crate::wire::Icmp {
        kind: crate::wire::IcmpKind::PacketTooBig,
        rest: 1280,
        quote,
    };
    let ip = Packet::parse(&lab.packet(Segment::default())).unwrap().ip;
    let packet = Packet {
        ip,
        body: Body::Icmp(icmp),
    };
    lab.model.receive(lab.now, &packet.encode());
    lab.poll();
    let sizes: Vec<usize> = lab.came.iter().map(|segment| segment.payload.len()).collect();
    assert_eq!(sizes, [1240, 220]);
}
