//! A conversation without a script, for the tests of this folder: lines of notation go into the books of one
//! connection.

use super::Measure;
use super::conn::Conn;
use super::eval::Scope;
use super::fill::{Filled, fill, pattern};
use super::frame::Frame;
use crate::notation::{Pattern, Role, SegmentPattern};
use crate::stack::{Abilities, Facts, Tolerances};
use crate::time::{Instant, Stamp};
use crate::wire::{Packet, SeqNum};
use core::net::IpAddr;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The ISNs of the tester and of the target. Both go round within the first octets.
pub(super) const ISN: SeqNum = SeqNum(u32::MAX - 1);
pub(super) const ISS: SeqNum = SeqNum(u32::MAX - 9);

const PORT: u16 = 7;

/// The books, and what has happened so far.
pub(super) struct Talk {
    pub conn: Conn,
    pub measures: BTreeMap<String, Vec<Measure>>,
    /// The same connection as the target sees it: it writes the target's segments.
    mirror: Conn,
    order: u64,
    now: Instant,
}

/// A segment as it is written.
pub(super) fn written(text: &str, role: Role) -> SegmentPattern {
    match Pattern::parse(text, role) {
        Ok(Pattern::Segment(pattern)) => pattern,
        other => panic!("`{text}` is no segment: {other:?}"),
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

impl Talk {
    /// Nothing has been said yet.
    pub(super) fn new() -> Talk {
        let facts = Facts {
            name: "fixture".to_owned(),
            version: None,
            abilities: Abilities::default(),
            claims: Default::default(),
            tolerances: Tolerances::default(),
            mtu: 1500,
            virtual_time: true,
        };
        let conn = |address, port, own, other| Conn::new("main", address, port, own, other, &facts);
        Talk {
            conn: conn(address("192.0.2.1"), 20_000, ISN, ISS),
            measures: BTreeMap::new(),
            mirror: conn(address("192.0.2.2"), PORT, ISS, ISN),
            order: 0,
            now: Instant::ZERO,
        }
    }

    /// The tester has opened a connection, and each side has offered an MSS of 1460 and so many octets of window.
    pub(super) fn open() -> Talk {
        Talk::after("> SYN win=5000 <mss 1460>; < SYN,ACK seq=0 ack=1 win=10000 <mss 1460>; > ACK")
    }

    /// All that these lines say has happened.
    pub(super) fn after(lines: &str) -> Talk {
        let mut talk = Talk::new();
        talk.go_on(lines);
        talk
    }

    /// Goes on with lines that semicolons end: `> ACK data=5` is ours and delivered, `x ACK data=5` is ours and lost,
    /// `< ACK seq=1 ack=6` is the target's and entered, `app 10` are octets of its application, `close` the end of
    /// them, `wait 300` milliseconds.
    pub(super) fn go_on(&mut self, lines: &str) {
        for line in lines.split(';').map(str::trim).filter(|line| !line.is_empty()) {
            self.line(line);
        }
    }

    pub(super) fn line(&mut self, line: &str) {
        match line.split_once(' ').unwrap_or((line, "")) {
            (">", text) => {
                let filled = self.write(text);
                let when = (self.now, self.order);
                self.conn.count(filled.packet.tcp().unwrap(), when);
            }
            ("x", text) => {
                self.write(text);
            }
            ("<", text) => {
                let frame = self.come(text);
                self.conn.enter(&frame);
            }
            ("app", octets) => {
                let more = pattern(self.conn.app_sent.len() as u64 + 1, octets.parse().unwrap());
                self.conn.app_sent.extend(more);
            }
            ("close", "") => self.conn.closed = true,
            ("wait", millis) => self.now = self.now + core::time::Duration::from_millis(millis.parse().unwrap()),
            _ => panic!("`{line}` says nothing"),
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            conns: core::slice::from_ref(&self.conn),
            here: 0,
            measures: &self.measures,
        }
    }

    /// Fills in a segment of ours.
    pub(super) fn fill(&self, text: &str) -> Result<Filled, super::ValueError> {
        let target = (address("192.0.2.2"), PORT);
        fill(&written(text, Role::Inject), &self.scope(), target, self.now)
    }

    fn write(&mut self, text: &str) -> Filled {
        let filled = self.fill(text).unwrap();
        self.order += 1;
        self.conn.inject(filled.packet.tcp().unwrap(), filled.seg, self.order);
        filled
    }

    /// A frame of the target that has come and has not been looked at. Its numbers must be written.
    pub(super) fn come(&mut self, text: &str) -> Frame {
        let scope = Scope {
            conns: core::slice::from_ref(&self.mirror),
            here: 0,
            measures: &self.measures,
        };
        let tester = (address("192.0.2.1"), self.conn.tester_port);
        let filled = fill(&written(text, Role::Inject), &scope, tester, self.now).unwrap();
        let octets: Arc<[u8]> = filled.octets.into();
        // Read back, so that its lies are seen as the tester sees them.
        let packet = Arc::new(Packet::parse(&octets).unwrap());
        self.conn.learn_iss(packet.tcp().unwrap());
        self.order += 1;
        let frame = Frame::of_target(&self.conn, packet, octets).unwrap();
        Frame {
            at: Stamp::exactly(self.now),
            order: self.order,
            ..frame
        }
    }

    /// What the books say, for a person.
    pub(super) fn books(&self) -> Vec<(&'static str, i64)> {
        let conn = &self.conn;
        vec![
            ("SND.UNA", conn.snd_una),
            ("SND.NXT", conn.snd_nxt),
            ("SND.WND", conn.snd_wnd),
            ("RCV.NXT", conn.rcv_nxt),
            ("RCV.WND", conn.rcv_wnd()),
            ("position", conn.position),
            ("offered", conn.offered),
            ("last ACK", conn.last_ack),
            ("owed ACKs", conn.owed_acks.len() as i64),
            ("losses told", conn.losses_told.len() as i64),
        ]
    }
}
