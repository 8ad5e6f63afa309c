//! The traces.

use super::passive;

/// A rule, the lines in conflict, and a trace that breaks it and nothing else.
type Bad = (&'static str, (Option<usize>, usize), String);

/// After a handshake with these options on both SYNs.
fn after(options: &str, lines: &str) -> String {
    format!("{}\n{lines}", passive(options, options))
}

/// After the plainest handshake, of three lines.
fn plain(lines: &str) -> String {
    after("<mss 1000>", lines)
}

pub(super) fn bad() -> Vec<Bad> {
    [
        form(),
        opening(),
        reset(),
        sending(),
        receiving(),
        timestamps(),
        ecn(),
        pace(),
    ]
    .concat()
}

fn bad_trace(rule: &'static str, earlier: impl Into<Option<usize>>, later: usize, trace: String) -> Bad {
    (rule, (earlier.into(), later), trace)
}

fn form() -> Vec<Bad> {
    vec![
        bad_trace(
            "checksum-right",
            None,
            4,
            plain("< ACK seq=1 ack=1 data=3 checksum=bad"),
        ),
        bad_trace("header-whole", None, 4, plain("< ACK seq=1 ack=1 offset=15")),
        bad_trace("header-whole", None, 4, plain("< ACK seq=1 ack=1 truncate=12")),
        bad_trace("reserved-bits-clear", None, 4, plain("< ACK seq=1 ack=1 reserved=2")),
        bad_trace("options-well-formed", None, 4, plain("< ACK seq=1 ack=1 <raw 0801>")),
        bad_trace(
            "options-well-formed",
            None,
            2,
            "> SYN <mss 9>\n< SYN,ACK ack=1 <mss 9, opt 3 0102>".into(),
        ),
        bad_trace(
            "option-once",
            None,
            2,
            "> SYN <mss 9>\n< SYN,ACK ack=1 <mss 9, mss 9>".into(),
        ),
        bad_trace("urgent-with-text", None, 4, plain("< URG,ACK seq=1 ack=1")),
    ]
}

fn opening() -> Vec<Bad> {
    let once = |answer: &str| format!("> SYN <mss 1000>\n< SYN,ACK ack=1 {answer}");
    vec![
        bad_trace("mss-announced", None, 2, once("")),
        bad_trace("mss-announced-fits", None, 2, once("<mss 1461>")),
        bad_trace("scale-at-most-14", None, 1, "< SYN <mss 1000, wscale 15>".into()),
        bad_trace("scale-only-if-offered", 1, 2, once("<mss 1000, wscale 3>")),
        bad_trace("timestamps-only-if-offered", 1, 2, once("<mss 1000, ts 7 0>")),
        bad_trace(
            "ecn-only-if-offered",
            1,
            2,
            "> SYN <mss 1000>\n< SYN,ACK,ECE ack=1 <mss 1000>".into(),
        ),
        bad_trace(
            "syn-acknowledged-by-syn-ack",
            1,
            2,
            "> SYN <mss 9>\n< SYN,ACK ack=3 <mss 9>".into(),
        ),
        bad_trace(
            "syn-number-holds",
            2,
            3,
            "> SYN <mss 9>\n< SYN,ACK ack=1 <mss 9>\n1 < SYN,ACK seq=5 ack=1 <mss 9>".into(),
        ),
        bad_trace(
            "no-syn-when-synchronized",
            5,
            6,
            plain("< ACK seq=1 ack=1 data=3\n> ACK seq=1 ack=4\n< SYN,ACK ack=1 <mss 1000>"),
        ),
        bad_trace(
            "syn-options-on-syns",
            None,
            4,
            plain("< ACK seq=1 ack=1 data=3 <mss 1000>"),
        ),
        bad_trace("syn-not-ecn-capable", None, 1, "< SYN ip.ecn=ect0 <mss 9>".into()),
        bad_trace("echo-only-with-ack", None, 1, "< SYN <mss 9, ts 5 6>".into()),
    ]
}

fn reset() -> Vec<Bad> {
    vec![
        bad_trace(
            "reset-never-for-a-reset",
            1,
            2,
            "> RST,ACK seq=5 abs.ack=77\n< RST abs.seq=77".into(),
        ),
        bad_trace(
            "reset-never-for-a-reset",
            1,
            2,
            "> RST seq=5\n< RST,ACK abs.seq=0 ack=5".into(),
        ),
        bad_trace(
            "reset-numbered",
            1,
            2,
            "> ACK seq=5 abs.ack=77\n< RST abs.seq=78".into(),
        ),
        bad_trace("reset-numbered", 3, 4, plain("< RST seq=9")),
        bad_trace("reset-acknowledges-what-came", 3, 4, plain("< RST,ACK seq=1 ack=9")),
    ]
}

fn sending() -> Vec<Bad> {
    vec![
        bad_trace("ack-set", 3, 4, plain("< PSH seq=1 data=3")),
        bad_trace(
            "no-gap",
            4,
            5,
            plain("< ACK seq=1 ack=1 data=3\n< ACK seq=5 ack=1 data=3"),
        ),
        bad_trace("no-gap", 2, 4, plain("< ACK seq=2 ack=1")),
        bad_trace(
            "window-respected",
            3,
            4,
            "> SYN win=10 <mss 1000>\n< SYN,ACK ack=1 <mss 1000>\n> ACK seq=1 ack=1 win=10\n< ACK seq=1 ack=1 data=11"
                .into(),
        ),
        bad_trace(
            "mss-respected",
            1,
            4,
            after("<mss 1000, ts>", "< ACK seq=1 ack=1 data=989 <ts 7000 100>"),
        ),
        bad_trace(
            "same-octets-again",
            4,
            6,
            plain("< ACK seq=1 ack=1 data=30\n< ACK seq=31 ack=1 data=30\n1 < ACK seq=11 ack=1 \"other\""),
        ),
        bad_trace(
            "fin-holds-its-number",
            4,
            5,
            plain("< FIN,ACK seq=1 ack=1 data=3\n1 < FIN,ACK seq=3 ack=1"),
        ),
        bad_trace(
            "nothing-after-fin",
            4,
            5,
            plain("< FIN,ACK seq=1 ack=1\n< ACK seq=1 ack=1 data=2"),
        ),
        bad_trace(
            "urgent-never-back",
            4,
            5,
            plain("< URG,ACK seq=1 ack=1 up=6 data=5\n< URG,ACK seq=6 ack=1 up=0 data=5"),
        ),
    ]
}

fn receiving() -> Vec<Bad> {
    let sack = |lines: &str| after("<mss 1000, sackOK>", lines);
    vec![
        bad_trace(
            "ack-never-back",
            5,
            6,
            plain("> ACK seq=1 ack=1 data=9\n< ACK seq=1 ack=10 win=100\n< ACK seq=1 ack=9 data=1"),
        ),
        bad_trace(
            "ack-of-what-came",
            4,
            5,
            plain("> ACK seq=1 ack=1 data=9\n< ACK seq=1 ack=11"),
        ),
        bad_trace(
            "ack-of-what-came",
            5,
            6,
            plain("> ACK seq=1 ack=1 data=9\n> ACK seq=11 ack=1 data=9\n< ACK seq=1 ack=20"),
        ),
        bad_trace(
            "right-edge-never-back",
            4,
            5,
            plain("< ACK seq=1 ack=1 win=500\n< ACK seq=1 ack=1 win=499"),
        ),
        bad_trace(
            "sack-only-if-permitted",
            1,
            5,
            plain("> ACK seq=11 ack=1 data=9\n< ACK seq=1 ack=1 <sack 11:20>"),
        ),
        bad_trace(
            "sack-of-what-came",
            4,
            5,
            sack("> ACK seq=11 ack=1 data=9\n< ACK seq=1 ack=1 <sack 11:21>"),
        ),
        bad_trace(
            "sack-of-what-came",
            4,
            5,
            sack("> ACK seq=11 ack=1 data=9\n< ACK seq=1 ack=1 <sack 20:11>"),
        ),
        bad_trace(
            "sack-above-ack",
            6,
            7,
            sack(
                "> ACK seq=1 ack=1 data=9\n> ACK seq=21 ack=1 data=9\n> ACK seq=41 ack=1 data=9\n< ACK seq=1 ack=10 <sack 41:50 1:10>",
            ),
        ),
        bad_trace(
            "sack-apart",
            6,
            7,
            sack(
                "> ACK seq=11 ack=1 data=9\n> ACK seq=20 ack=1 data=9\n> ACK seq=41 ack=1 data=9\n< ACK seq=1 ack=1 <sack 41:50 11:20 20:29>",
            ),
        ),
        bad_trace(
            "duplicate-report-true",
            4,
            5,
            sack("> ACK seq=1 ack=1 data=9\n< ACK seq=1 ack=10 <sack 1:10>"),
        ),
    ]
}

fn timestamps() -> Vec<Bad> {
    let agreed = |lines: &str| after("<mss 1000, ts>", lines);
    vec![
        bad_trace("timestamps-only-if-agreed", 1, 4, plain("< ACK seq=1 ack=1 <ts 5 0>")),
        bad_trace("timestamps-on-every-segment", 2, 4, agreed("< ACK seq=1 ack=1 data=3")),
        bad_trace("timestamp-never-back", 2, 4, agreed("< ACK seq=1 ack=1 <ts 6999 100>")),
        bad_trace(
            "timestamp-clock-in-range",
            4,
            5,
            agreed("< ACK seq=1 ack=1 <ts 7000 100>\n1 < ACK seq=1 ack=1 <ts 40007000 100>"),
        ),
        bad_trace(
            "timestamp-clock-in-range",
            4,
            6,
            agreed(
                "< ACK seq=1 ack=1 <ts 7000 100>\n1 < ACK seq=1 ack=1 <ts 8000 100>\n2 < ACK seq=1 ack=1 <ts 18000 100>",
            ),
        ),
        bad_trace(
            "timestamp-clock-in-range",
            4,
            5,
            agreed("< ACK seq=1 ack=1 <ts 7000 100>\n9 < ACK seq=1 ack=1 <ts 7003 100>"),
        ),
        bad_trace("echo-of-what-came", 3, 4, agreed("< ACK seq=1 ack=1 <ts 7000 101>")),
        bad_trace(
            "echo-of-the-left-edge",
            4,
            5,
            agreed("> ACK seq=5 ack=1 data=3 <ts 120 7000>\n< ACK seq=1 ack=1 <ts 7000 120>"),
        ),
        bad_trace(
            "echo-never-back",
            5,
            6,
            agreed(
                "> ACK seq=1 ack=1 data=3 <ts 120 7000>\n< ACK seq=1 ack=4 <ts 7000 120>\n< ACK seq=1 ack=4 <ts 7000 100>",
            ),
        ),
    ]
}

/// A handshake that agrees to ECN.
fn agreed(lines: &str) -> String {
    format!("> SYN,ECE,CWR <mss 1000>\n< SYN,ACK,ECE ack=1 <mss 1000>\n> ACK seq=1 ack=1\n{lines}")
}

fn ecn() -> Vec<Bad> {
    vec![
        bad_trace(
            "ecn-only-if-agreed",
            2,
            4,
            plain("< ACK seq=1 ack=1 data=3 ip.ecn=ect0"),
        ),
        bad_trace(
            "ecn-only-if-agreed",
            2,
            4,
            "> SYN,ECE,CWR,AE <mss 1000>\n< SYN,ACK ack=1 <mss 1000>\n> ACK seq=1 ack=1\n< ACK seq=1 ack=1 data=3 ip.ecn=ect0".into(),
        ),
        bad_trace("acks-not-ecn-capable", 3, 4, agreed("< ACK seq=1 ack=1 ip.ecn=ect0")),
        bad_trace(
            "nothing-again-ecn-capable",
            4,
            5,
            agreed("< ACK seq=1 ack=1 data=3 ip.ecn=ect0\n1 < ACK seq=1 ack=1 data=3 ip.ecn=ect0"),
        ),
        bad_trace(
            "ecn-echo-only-of-marks",
            3,
            4,
            agreed("< ACK,ECE seq=1 ack=1 data=3 ip.ecn=ect0"),
        ),
        bad_trace("cwr-only-on-text", 3, 4, agreed("< ACK,CWR seq=1 ack=1")),
    ]
}

/// So many full segments at once.
fn burst(segments: usize) -> String {
    let lines = (0..segments).map(|n| format!("< ACK seq={} ack=1 data=1000\n", 1 + 1000 * n));
    lines.collect()
}

fn pace() -> Vec<Bad> {
    let again = |times: &[&str]| {
        let lines: Vec<String> = times
            .iter()
            .map(|time| format!("{time} < ACK seq=1 ack=1 data=3"))
            .collect();
        plain(&lines.join("\n"))
    };
    let storm = vec!["< ACK seq=1 ack=1"; 31].join("\n");
    vec![
        bad_trace("rto-backs-off", 6, 7, again(&["0", "1", "3", "4"])),
        bad_trace(
            "rto-backs-off",
            10,
            11,
            again(&["0", "1", "2", "3", "4", "5", "6", "7"]),
        ),
        bad_trace(
            "one-segment-after-timeout",
            6,
            7,
            plain(
                "0 < ACK seq=1 ack=1 data=3\n< ACK seq=4 ack=1 data=3\n1 < ACK seq=1 ack=1 data=3\n< ACK seq=4 ack=1 data=3",
            ),
        ),
        bad_trace("initial-window", 1, 14, plain(&burst(11))),
        bad_trace(
            "ack-in-time",
            5,
            6,
            plain("< ACK seq=1 ack=1 data=3\n> ACK seq=1 ack=4 data=3\n0.6 < ACK seq=4 ack=4"),
        ),
        bad_trace(
            "ack-in-time",
            None,
            5,
            plain("< ACK seq=1 ack=1 data=3\n> ACK seq=1 ack=4 data=3\n0.7 end"),
        ),
        bad_trace("no-storm", 3, 34, plain(&storm)),
    ]
}

/// Traces that break nothing, and what each is about. The first five are false alarms that other tools have raised.
pub(super) fn good() -> Vec<(&'static str, String)> {
    let scaled = |lines: &str| after("<mss 1000, wscale 4>", lines);
    let mut traces = vec![
        (
            "the edge moves back by less than one unit of the scale",
            scaled("< ACK seq=1 ack=1 win=100\n> ACK seq=1 ack=1 data=15\n< ACK seq=1 ack=16 win=99"),
        ),
        (
            "the one octet of a window probe",
            "> SYN win=5 <mss 1000>\n< SYN,ACK ack=1 <mss 1000>\n> ACK seq=1 ack=1 win=5\n< ACK seq=1 ack=1 data=5\n> ACK seq=1 ack=6 win=0\n1 < ACK seq=6 ack=1 data=1".into(),
        ),
        (
            "a window update after a read is no second ACK",
            plain("> ACK seq=1 ack=1 data=9\n< ACK seq=1 ack=10 win=65526\n< ACK seq=1 ack=10"),
        ),
        (
            "a retransmission cut otherwise",
            plain(
                "< ACK seq=1 ack=1 data=30\n< ACK seq=31 ack=1 data=30\n1 < ACK seq=1 ack=1 data=50\n> ACK seq=1 ack=51\n< ACK seq=51 ack=1 data=40",
            ),
        ),
        (
            "a tail loss probe, and a least RTO of 200 ms",
            plain(
                "0 < ACK seq=1 ack=1 data=30\n0.01 < ACK seq=1 ack=1 data=30\n0.21 < ACK seq=1 ack=1 data=30\n0.61 < ACK seq=1 ack=1 data=30",
            ),
        ),
    ];
    traces.extend(good_numbers());
    traces.extend(good_answers());
    traces.extend(good_choices());
    traces
}

fn good_numbers() -> Vec<(&'static str, String)> {
    vec![
        ("a whole conversation", plain("< FIN,ACK seq=1 ack=1 data=30\n> FIN,ACK seq=1 ack=32 data=9\n< ACK seq=32 ack=11")),
        (
            "a keep-alive probe with an octet of no meaning",
            plain("< ACK seq=1 ack=1 data=3\n> ACK seq=1 ack=4\n9 < ACK seq=3 ack=1 \"?\""),
        ),
        (
            "text that fills the window to its edge",
            "> SYN win=10 <mss 1000>\n< SYN,ACK ack=1 <mss 1000>\n> ACK seq=1 ack=1 win=10\n< ACK seq=1 ack=1 data=10".into(),
        ),
        (
            "a window that shrinks is still the one that was offered",
            plain("> ACK seq=1 ack=1 win=5\n< ACK seq=1 ack=1 data=30"),
        ),
        (
            "SYNs with linear timeouts at first, as Linux sends them",
            "0 < SYN <mss 9>\n1 < SYN <mss 9>\n2 < SYN <mss 9>\n3 < SYN <mss 9>\n4 < SYN <mss 9>\n5 < SYN <mss 9>\n7 < SYN <mss 9>\n11 < SYN <mss 9>".into(),
        ),
        (
            "RTO at its cap",
            plain("0 < ACK seq=1 ack=1 data=3\n60 < ACK seq=1 ack=1 data=3\n120 < ACK seq=1 ack=1 data=3\n180 < ACK seq=1 ack=1 data=3\n240 < ACK seq=1 ack=1 data=3\n300 < ACK seq=1 ack=1 data=3\n360 < ACK seq=1 ack=1 data=3\n420 < ACK seq=1 ack=1 data=3"),
        ),
        (
            "an ACK starts the back-off anew",
            plain("0 < ACK seq=1 ack=1 data=3\n1 < ACK seq=1 ack=1 data=3\n3 < ACK seq=1 ack=1 data=3\n> ACK seq=1 ack=4\n< ACK seq=4 ack=1 data=3\n4 < ACK seq=4 ack=1 data=3"),
        ),
        (
            "another incarnation has another number",
            plain("< RST,ACK seq=1 ack=1\n> SYN seq=5000 <mss 1000>\n< SYN,ACK seq=9000 ack=5001 <mss 1000>\n> ACK seq=5001 ack=9001\n< ACK seq=9001 ack=5001 data=3"),
        ),
        (
            "another incarnation has the same number once more, and an older peer",
            plain("< RST,ACK seq=1 ack=1\n> SYN seq=-2000 <mss 1000>\n< SYN,ACK seq=0 ack=-1999 <mss 1000>\n> ACK seq=-1999 ack=1\n< ACK seq=1 ack=-1999 data=3"),
        ),
        (
            "a challenge out of the incarnation before",
            plain("> SYN seq=5000 <mss 1000>\n< SYN,ACK seq=9000 ack=5001 <mss 1000>\n> RST seq=5001\n< ACK seq=1 ack=1"),
        ),
        (
            "a capture that begins in the middle",
            "< ACK seq=900 ack=70 data=30\n> ACK seq=70 ack=930 data=9\n< ACK seq=930 ack=79".into(),
        ),
    ]
}

fn good_answers() -> Vec<(&'static str, String)> {
    let sack = |lines: &str| after("<mss 1000, sackOK>", lines);
    vec![
        (
            "a reset for each kind of segment",
            "> ACK seq=5 abs.ack=77\n< RST abs.seq=77\n> SYN seq=9\n< RST,ACK abs.seq=0 ack=10".into(),
        ),
        (
            "a reset comes, and a segment before it is answered after it",
            "> ACK seq=5 abs.ack=77\n> RST seq=5 abs.ack=77\n< RST abs.seq=77".into(),
        ),
        (
            "a duplicate, and one above a gap, are reported",
            sack(
                "> ACK seq=1 ack=1 data=9\n> ACK seq=1 ack=1 data=9\n< ACK seq=1 ack=10 <sack 1:10>\n> ACK seq=21 ack=1 data=9\n> ACK seq=21 ack=1 data=9\n< ACK seq=1 ack=10 <sack 21:30 21:30>",
            ),
        ),
        (
            "an ACK of a segment above a gap echoes the one below it",
            after(
                "<mss 1000, ts>",
                "> ACK seq=5 ack=1 data=3 <ts 120 7000>\n< ACK seq=1 ack=1 <ts 7000 100>\n> ACK seq=1 ack=1 data=4 <ts 130 7000>\n< ACK seq=1 ack=8 <ts 7000 130>",
            ),
        ),
        (
            "crossing SYNs each offer what they like",
            "< SYN <mss 1000, wscale 3, ts 5 0>\n> SYN <mss 1000>\n< SYN,ACK ack=1 <mss 1000, wscale 3, ts 5 0>".into(),
        ),
        (
            "text on a connection that is reset is owed no ACK",
            plain("< ACK seq=1 ack=1 data=3\n> ACK seq=1 ack=4 data=3\n> RST seq=4\n0.7 end"),
        ),
        (
            "text that does not fit is owed no ACK",
            plain(
                "< ACK seq=1 ack=1 data=3 win=3\n> ACK seq=1 ack=4 data=3\n< ACK seq=4 ack=4 win=0\n> ACK seq=4 ack=4 data=3\n0.7 end",
            ),
        ),
        (
            "after 24 days timestamps cannot be compared",
            after(
                "<mss 1000, ts>",
                "< ACK seq=1 ack=1 data=3 <ts 7000 100>\n> ACK seq=1 ack=4 <ts 100 7000>\n2160000 > ACK seq=1 ack=4 data=3 <ts 90 7000>\n< ACK seq=4 ack=4 <ts 2160007000 90>",
            ),
        ),
        (
            "marks are echoed",
            agreed(
                "> ACK seq=1 ack=1 data=3 ip.ecn=ce\n< ACK,ECE seq=1 ack=4\n< ACK,ECE seq=1 ack=4 data=3 ip.ecn=ect0",
            ),
        ),
    ]
}

/// What a target may do, and another does not.
fn good_choices() -> Vec<(&'static str, String)> {
    vec![
        (
            "a clock may tick every 59 ns, and be compared for half its cycle only",
            after(
                "<mss 1000, ts>",
                "< ACK seq=1 ack=1 <ts 7000 100>\n1 < ACK seq=1 ack=1 <ts 16950000 100>\n130 < ACK seq=1 ack=1 <ts 2203396610 100>",
            ),
        ),
        (
            "a clock may tick in any steady way, and its segments may wait a little",
            after(
                "<mss 1000, ts>",
                "< ACK seq=1 ack=1 <ts 7000 100>\n1 < ACK seq=1 ack=1 <ts 8200 100>\n2.01 < ACK seq=1 ack=1 <ts 9400 100>\n9 < ACK seq=1 ack=1 <ts 17800 100>",
            ),
        ),
        (
            "duplicate ACKs draw segments beyond the initial window",
            plain(&format!("{}\n> ACK seq=1 ack=1\n< ACK seq=10001 ack=1 data=1000", burst(10))),
        ),
        (
            "crossing SYNs that both ask for ECN may agree to it",
            "< SYN,ECE,CWR <mss 1000>\n> SYN,ECE,CWR <mss 1000>\n< SYN,ACK,ECE ack=1 <mss 1000>\n> SYN,ACK,ECE ack=1 <mss 1000>\n< ACK seq=1 ack=1 data=3 ip.ecn=ect0".into(),
        ),
        (
            "accurate ECN has rules of its own",
            "> SYN,ECE,CWR,AE <mss 1000>\n< SYN,ACK,CWR ack=1 <mss 1000>\n> ACK seq=1 ack=1\n< ACK,ECE,AE seq=1 ack=1 data=3 ip.ecn=ect1\n< ACK,CWR,ECE seq=4 ack=1 ip.ecn=ect0\n1 < ACK seq=1 ack=1 data=3 ip.ecn=ect1".into(),
        ),
    ]
}
