//! `tcpvet inspect` on captures: what it finds, and what it must not take for a finding.

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tcpvet::wire::{Body, Flags, IpHeader, NotIp, Packet, Segment, SeqNum, TcpOption};

const CLIENT: (&str, u16) = ("198.18.0.1", 40_000);
const SERVER: (&str, u16) = ("192.0.2.1", 80);

fn packet(from: (&str, u16), to: (&str, u16), segment: Segment) -> Vec<u8> {
    let ip = IpHeader::between(from.0.parse().unwrap(), to.0.parse().unwrap());
    let body = Body::Tcp(Segment {
        source: from.1,
        destination: to.1,
        ..segment
    });
    Packet { ip, body }.encode()
}

fn segment(flags: Flags, seq: u32, ack: u32, text: &[u8]) -> Segment {
    let syn = flags.contains(Flags::SYN);
    Segment {
        seq: SeqNum(seq),
        ack: SeqNum(ack),
        flags,
        window: 65_535,
        payload: text.to_vec(),
        options: if syn { vec![TcpOption::Mss(1460)] } else { vec![] },
        ..Segment::default()
    }
}

/// A handshake, then `lines`: whether the server speaks, and its segment.
fn conversation(lines: &[(bool, Segment)]) -> Vec<Vec<u8>> {
    let opening = [
        (false, segment(Flags::SYN, 99, 0, b"")),
        (true, segment(Flags::SYN | Flags::ACK, 499, 100, b"")),
        (false, segment(Flags::ACK, 100, 500, b"")),
    ];
    opening
        .iter()
        .chain(lines)
        .map(|(server, segment)| match server {
            true => packet(SERVER, CLIENT, segment.clone()),
            false => packet(CLIENT, SERVER, segment.clone()),
        })
        .collect()
}

/// A pcap file of raw IP packets, a millisecond apart.
fn pcap(name: &str, packets: &[Vec<u8>]) -> String {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let mut file = words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 101]);
    for (place, octets) in packets.iter().enumerate() {
        let length = octets.len() as u32;
        file.extend(words(&[1, 1000 * place as u32, length, length]));
        file.extend(octets);
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("inspect-{}-{name}.pcap", std::process::id()));
    std::fs::write(&path, file).unwrap();
    path.display().to_string()
}

/// What is printed, as one line, and the exit code.
fn inspect(arguments: &[&str]) -> (String, String, Option<i32>) {
    inspect_input(arguments, &[])
}

fn inspect_input(arguments: &[&str], input: &[u8]) -> (String, String, Option<i32>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tcpvet"))
        .arg("inspect")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let Output { stdout, stderr, status } = child.wait_with_output().unwrap();
    let text = |octets| {
        let text = String::from_utf8(octets).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    (text(stdout), String::from_utf8(stderr).unwrap(), status.code())
}

#[test]
fn a_broken_rule_names_the_end_the_frames_and_the_requirement() {
    let file = pcap(
        "octets",
        &conversation(&[
            (true, segment(Flags::ACK, 500, 100, b"hello")),
            (true, segment(Flags::ACK, 500, 100, b"jello")),
        ]),
    );
    let (out, _, code) = inspect(&[&file]);
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains("192.0.2.1:80 breaks the rule `same-octets-again`"),
        "{out}"
    );
    assert!(out.contains("MUST RFC9293-3.8-CONTENT"), "{out}");
    assert!(
        out.contains("frame 4, 0.003000s: ACK seq=1 ack=1 win=65535 \"hello\""),
        "{out}"
    );
    assert!(out.contains("frame 5, "), "{out}");
    assert!(out.contains("1 rule broken in 1 connection: 1 MUST."), "{out}");
}

#[test]
fn what_frames_in_flight_may_explain_counts_only_on_the_host_of_the_capture() {
    let backwards = [
        (false, segment(Flags::ACK, 100, 500, b"hello")),
        (true, segment(Flags::ACK, 500, 105, b"")),
        (true, segment(Flags::ACK, 500, 102, b"abc")),
    ];
    let file = pcap("order", &conversation(&backwards));
    let (out, _, code) = inspect(&[&file]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("`--on ADDRESS` names the"), "{out}");
    let (out, _, code) = inspect(&[&file, "--on", "192.0.2.1"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("breaks the rule `ack-never-back`"), "{out}");
    let (out, _, code) = inspect(&[&file, "--on", "198.18.0.1"]);
    assert_eq!(code, Some(0), "{out}");
}

#[test]
fn a_capture_that_lacks_segments_accuses_nobody_of_them() {
    let file = pcap(
        "loss",
        &conversation(&[(true, segment(Flags::ACK, 510, 100, b"later"))]),
    );
    let (out, _, code) = inspect(&[&file, "--on", "192.0.2.1"]);
    assert_eq!(code, Some(3), "{out}");
    assert!(
        out.contains("1 connection of which the capture lacks segments"),
        "{out}"
    );
}

#[test]
fn a_checksum_that_the_network_interface_finishes_is_no_finding_and_a_wrong_one_is() {
    let mut packets = conversation(&[(true, segment(Flags::ACK, 500, 100, b"hello"))]);
    // 192.0 + 2.1 + 198.18 + 0.1 + 6 + 25 octets of segment, in ones' complement.
    let sum: u32 = 0xc000 + 0x0201 + 0xc612 + 0x0001 + 6 + 25;
    let partial = (((sum >> 16) + sum) as u16).to_be_bytes();
    packets[3][36..38].copy_from_slice(&partial);
    let (out, _, code) = inspect(&[&pcap("offload", &packets)]);
    assert_eq!(code, Some(0), "{out}");
    assert!(
        out.contains("1 segment captured before the network interface put the checksum in"),
        "{out}"
    );
    packets[3][37] ^= 1;
    let (out, _, code) = inspect(&[&pcap("checksum", &packets)]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("breaks the rule `checksum-right`"), "{out}");
}

#[test]
fn a_wrong_checksum_of_an_ip_header_is_a_finding_where_no_interface_explains_it() {
    let mut packets = conversation(&[(true, segment(Flags::ACK, 500, 100, b"hello"))]);
    packets[3][10..12].fill(0);
    let (out, _, code) = inspect(&[&pcap("ip-offload", &packets)]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("1 segment captured before the network interface"), "{out}");
    packets[3][10..12].fill(0x77);
    let (out, _, code) = inspect(&[&pcap("ip-checksum", &packets)]);
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains("192.0.2.1:80 breaks the rule `ip-checksum-right`"),
        "{out}"
    );
    assert!(
        out.contains("the checksum of the IPv4 header is 0x7777 instead of"),
        "{out}"
    );
    assert!(
        out.contains("1 frame with a wrong checksum of the IPv4 header"),
        "{out}"
    );
}

#[test]
fn a_time_to_live_of_zero_accuses_only_the_host_of_the_capture() {
    let mut packets = conversation(&[(true, segment(Flags::ACK, 500, 100, b"hello"))]);
    packets[3][8] = 0;
    let right = match Packet::parse(&packets[3]) {
        Err(NotIp::Checksum { right, .. }) => right,
        other => panic!("{other:?}"),
    };
    packets[3][10..12].copy_from_slice(&right.to_be_bytes());
    let file = pcap("ttl", &packets);
    assert_eq!(inspect(&[&file]).2, Some(0));
    let (out, _, code) = inspect(&[&file, "--on", "192.0.2.1"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("breaks the rule `ttl-not-zero`"), "{out}");
}

#[test]
fn a_shrunk_window_is_a_should_and_red_only_if_strict() {
    let mut shrunk = segment(Flags::ACK, 500, 100, b"");
    shrunk.window = 100;
    let file = pcap(
        "strict",
        &conversation(&[(true, segment(Flags::ACK, 500, 100, b"")), (true, shrunk)]),
    );
    let (out, _, code) = inspect(&[&file, "--on", "192.0.2.1"]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("SHOULD RFC9293-SHLD-14"), "{out}");
    assert_eq!(inspect(&[&file, "--on", "192.0.2.1", "--strict"]).2, Some(1));
}

#[test]
fn what_is_no_capture_is_a_mistake_with_a_remedy() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("inspect-{}-junk", std::process::id()));
    std::fs::write(&path, "not a capture, but long enough to be looked at").unwrap();
    let (_, err, code) = inspect(&[&path.display().to_string()]);
    assert_eq!(code, Some(2));
    assert!(err.contains("neither pcap nor pcapng"), "{err}");
    assert_eq!(inspect(&["/nowhere/at-all.pcap"]).2, Some(2));
    let file = pcap("absent", &conversation(&[]));
    let (_, err, code) = inspect(&[&file, "--on", "203.0.113.9"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("has the end 203.0.113.9"), "{err}");
}

#[test]
fn a_capture_of_junk_frames_harms_nobody() {
    let mut packets = conversation(&[(true, segment(Flags::ACK, 500, 100, b"hello"))]);
    for (place, octet) in (0..60).zip([0, 0xff, 0x45, 0x60, 0x0f].into_iter().cycle()) {
        let mut junk = packets[place % 4].clone();
        let at = place % junk.len();
        junk[at] = octet;
        packets.push(junk);
        packets.push(vec![octet; place]);
    }
    let (out, err, code) = inspect(&[&pcap("junk-frames", &packets), "--on", "192.0.2.1"]);
    assert!(matches!(code, Some(0 | 1 | 3)), "{out}{err}");
}

#[test]
fn what_could_not_be_judged_is_said_and_is_exit_code_3() {
    let mut packets = conversation(&[(true, segment(Flags::ACK, 500, 100, b"hello"))]);
    packets[3][6] |= 0x20;
    packets[3][10..12].fill(0);
    let (out, _, code) = inspect(&[&pcap("fragment", &packets)]);
    assert_eq!(code, Some(3), "{out}");
    assert!(out.contains("4 frames, 3 TCP segments of 1 connection judged"), "{out}");
    assert!(
        out.contains("Not judged: 1 frame holding a fragment of a packet"),
        "{out}"
    );
    assert!(out.ends_with("but ONLY A PART was: see above."), "{out}");

    let mut packets = conversation(&[]);
    let mut tunnel = packets[2].clone();
    tunnel[9] = 47;
    packets.extend([tunnel.clone(), tunnel]);
    let (out, _, code) = inspect(&[&pcap("tunnel", &packets)]);
    assert_eq!(code, Some(3), "{out}");
    assert!(
        out.contains("Not judged: 2 frames in GRE, which cannot be read here"),
        "{out}"
    );

    let (out, _, code) = inspect(&[&pcap("nothing", &[])]);
    assert_eq!(code, Some(3), "{out}");
    assert!(out.contains("Nothing was judged"), "{out}");
}

#[test]
fn a_damaged_file_is_judged_up_to_the_place_that_is_named() {
    let file = pcap("damaged", &conversation(&[]));
    let mut octets = std::fs::read(&file).unwrap();
    let place = octets.len();
    octets.extend([0xff; 40]);
    std::fs::write(&file, &octets).unwrap();
    let (out, err, code) = inspect(&[&file]);
    assert_eq!(code, Some(3), "{out}");
    assert!(out.contains("3 TCP segments of 1 connection judged"), "{out}");
    assert!(
        err.contains(&file) && err.contains(&format!("at offset {place}: a frame claims")),
        "{err}"
    );
}

#[test]
fn several_files_are_judged_each_for_itself_and_the_worst_decides() {
    let wrong = [
        (true, segment(Flags::ACK, 500, 100, b"hello")),
        (true, segment(Flags::ACK, 500, 100, b"jello")),
    ];
    let (good, bad) = (pcap("good", &conversation(&[])), pcap("bad", &conversation(&wrong)));
    assert_eq!(inspect(&[&good, &good]).2, Some(0));
    let (out, _, code) = inspect(&[&good, &bad]);
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains("2 files: 1 with a broken rule, 0 judged only in part, 0 not read"),
        "{out}"
    );
    assert_eq!(inspect(&[&good, &bad, "/nowhere/at-all.pcap"]).2, Some(2));
    assert_eq!(inspect(&[&pcap("empty", &[]), &good]).2, Some(3));
    assert_eq!(inspect(&[&pcap("empty-2", &[]), &bad]).2, Some(1));
}

#[test]
fn a_packed_capture_comes_from_standard_input_too() {
    let wrong = [
        (true, segment(Flags::ACK, 500, 100, b"hello")),
        (true, segment(Flags::ACK, 500, 100, b"jello")),
    ];
    let octets = std::fs::read(pcap("packed", &conversation(&wrong))).unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&octets).unwrap();
    let zstd = compress_to_vec(&*octets, CompressionLevel::Fastest);
    for packed in [octets, gzip.finish().unwrap(), zstd] {
        let (out, _, code) = inspect_input(&["-"], &packed);
        assert_eq!(code, Some(1), "{out}");
        assert!(out.contains("standard input: 5 frames, 5 TCP segments"), "{out}");
    }
}
