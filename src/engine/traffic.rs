//! What passes between the two ends: segments out, frames in, both through the middlebox.

use super::faults::Ticket;
use super::outcome::{Arrow, Happening};
use super::run::{DriverAction, Flight, Run};
use super::stop::Stop;
use crate::notation::{Control, FlagPattern, IcmpPattern, Origins, SegmentPattern, print_packet};
use crate::path::Treatment;
use crate::peer::Conn;
use crate::peer::{self, Cause, Filled, Mark, Message, fill, fill_icmp};
use crate::rules::Frame;
use crate::script::ConnId;
use crate::time::{Instant, Stamp};
use crate::wire::{Body, Flags, NotIp, Packet};
use std::sync::Arc;

/// Who sent a frame, and where the run has noted it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sender {
    /// The tester: its place in the trace.
    Tester { place: usize },
    /// The target: its number among the target's frames.
    Target { number: u32 },
}

/// To whom a frame of the target goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Addressee {
    /// The tester, at an address of this run.
    Tester,
    /// The tester, at an address of a run that has ended.
    FormerTester,
    /// Nobody that is known, or nobody can tell.
    Nobody,
}

impl Run {
    // ----- to the target --------------------------------------------------------------------------------------------

    /// Sends what a step writes.
    pub(super) fn inject(&mut self, conn: ConnId, pattern: &SegmentPattern, now: Instant) -> Result<(), Stop> {
        let here = conn.0;
        self.place_isn(here)?;
        let filled = fill(
            pattern,
            &self.scope(here),
            (self.at.target, self.at.port),
            self.clock(now),
        )?;
        self.send(here, filled, now)
    }

    pub(super) fn inject_default_ack(&mut self, conn: ConnId, now: Instant) -> Result<(), Stop> {
        let control = Control::Flags(vec![(Flags::ACK, FlagPattern::Set)]);
        let ack = SegmentPattern {
            control,
            fields: Vec::new(),
            options: None,
            text: None,
            again: false,
        };
        self.inject(conn, &ack, now)
    }

    pub(super) fn inject_icmp(&mut self, conn: ConnId, pattern: &IcmpPattern, now: Instant) -> Result<(), Stop> {
        let packet = fill_icmp(pattern, &self.scope(conn.0), self.at.target)?;
        let octets: Arc<[u8]> = packet.encode().into();
        self.order += 1;
        self.conns[conn.0].inject_icmp(self.order);
        self.trace_frame(Stamp::exactly(now), Arrow::ToTarget, conn.0, &octets, None);
        self.outbox.push_back(DriverAction::Inject(Flight {
            octets,
            seen: None,
            message: Message::Icmp,
        }));
        Ok(())
    }

    /// The tester's ISN, where it depends on what another incarnation has seen.
    fn place_isn(&mut self, here: usize) -> Result<(), Stop> {
        if self.conns[here].opened.is_some() || self.conns[here].syn_injected {
            return Ok(());
        }
        let script = Arc::clone(&self.script);
        let decl = &script.connections[here];
        let Some(base) = decl.tuple else {
            if let Some(expr) = &decl.isn {
                let isn = self.scope(here).value(expr)?;
                self.conns[here].isn.0.0 = isn as u32;
            }
            return Ok(());
        };
        self.conns[here].target_port = self.conns[base.0].target_port;
        if let Some(expr) = &decl.isn {
            let past = self.scope(base.0).value(expr)?;
            self.conns[here].isn = crate::wire::Isn(self.conns[base.0].isn.0.advanced(past));
        }
        Ok(())
    }

    fn send(&mut self, here: usize, filled: Filled, now: Instant) -> Result<(), Stop> {
        let Filled { packet, seg, octets } = filled;
        let octets: Arc<[u8]> = octets.into();
        let odd = [packet.ip.source, packet.ip.destination];
        let usual = [self.conns[here].tester, self.at.target];
        self.named.extend(odd.iter().filter(|address| !usual.contains(address)));
        self.order += 1;
        let order = self.order;
        if let Body::Tcp(segment) = &packet.body {
            self.conns[here].inject(segment, seg, order);
        }
        let place = self.trace_length();
        let ticket = Ticket {
            conn: here,
            sender: Sender::Tester { place },
        };
        let passage = self.through_middlebox(now, ticket, &Arc::new(packet), &octets);
        self.trace_frame(Stamp::exactly(now), Arrow::ToTarget, here, &octets, passage.treatment);
        if passage.leaving.is_empty() {
            // The frame never arrives, or only later: the step is over at once.
            self.mark = Mark {
                at: Stamp::exactly(now),
                cause: None,
            };
        }
        for copy in passage.leaving {
            self.deliver(here, copy, (now, order), place);
        }
        Ok(())
    }

    /// Hands a segment to the driver, and counts it.
    pub(super) fn deliver(&mut self, here: usize, octets: Arc<[u8]>, when: (Instant, u64), place: usize) {
        let packet = Packet::parse(&octets).ok();
        if let Some(segment) = packet.as_ref().and_then(Packet::tcp) {
            self.conns[here].count(segment, when);
        }
        let message = Message::of_packet(packet.as_ref());
        let seen = packet.map(|packet| (place, Arc::new(packet)));
        self.outbox
            .push_back(DriverAction::Inject(Flight { octets, seen, message }));
    }

    // ----- from the target ------------------------------------------------------------------------------------------

    /// Takes in a frame of the target, and `read` as what: a packet, or why no receiver takes it.
    pub(super) fn frame(&mut self, at: Stamp, to: Addressee, read: Result<Arc<Packet>, NotIp>, octets: Arc<[u8]>) {
        if self.ended() {
            return;
        }
        self.note_lateness(at.latest.since(at.earliest));
        let (cause, at) = self.cause(at);
        let packet = match read {
            Ok(packet) => packet,
            Err(why) => return self.not_ip(at, why, &octets),
        };
        let number = self.frames.len() as u32;
        self.frames.push(self.trace_length());
        let here = self.conn_of(&packet);
        let stray = here.is_none() && packet.tcp().is_some() && to != Addressee::FormerTester;
        let named = [packet.ip.source, packet.ip.destination].map(|address| self.named.contains(&address));
        self.show_frame_to_rules(&Frame {
            from_nowhere: stray && named == [false; 2],
            ..Frame::of(&octets, Ok(&*packet))
        });
        let Some(here) = here else {
            return self.of_no_connection(at, &packet, &octets, stray);
        };
        self.show_to_rules(at, &packet);
        self.learn_iss(here, &packet);
        let ticket = Ticket {
            conn: here,
            sender: Sender::Target { number },
        };
        let mut passage = self.through_middlebox(at.latest, ticket, &packet, &octets);
        if passage.treatment == Some(Treatment::Corrupted) {
            // A segment that reaches the tester damaged is dropped, as any peer would drop it.
            passage.leaving.clear();
        }
        self.trace_frame(at, Arrow::FromTarget, here, &octets, passage.treatment);
        self.mark_broken(at);
        self.conns[here].lossy |= passage.leaving.is_empty();
        if passage.leaving.is_empty() && passage.held == 0 {
            self.answer_lost(here, at, &packet, &octets);
        }
        for copy in passage.leaving {
            // A frame that the middlebox has not changed need not be read again.
            let packet = match Arc::ptr_eq(&copy, &octets) {
                true => Some(Arc::clone(&packet)),
                false => Packet::parse(&copy).ok().map(Arc::new),
            };
            self.arrive(here, (at, cause), number, copy, packet);
        }
    }

    /// A frame that is no IP packet, or whose header is wrong: it is seen, and thrown away, as any peer would do.
    fn not_ip(&mut self, at: Stamp, why: NotIp, octets: &Arc<[u8]>) {
        self.show_frame_to_rules(&Frame::of(octets, Err(why)));
        self.trace_frame(at, Arrow::FromTarget, usize::MAX, octets, None);
        self.mark_broken(at);
    }

    /// A packet of another protocol, or a segment of no connection.
    fn of_no_connection(&mut self, at: Stamp, packet: &Arc<Packet>, octets: &Arc<[u8]>, stray: bool) {
        if let Some(segment) = packet.tcp().filter(|_| stray) {
            let ports = format!("port {} to port {}", segment.source, segment.destination);
            self.strays
                .push(format!("`{}` from {ports}", print_packet(packet, Origins::default())));
            self.show_to_rules(at, packet);
        }
        self.trace_frame(at, Arrow::FromTarget, usize::MAX, octets, None);
        self.mark_broken(at);
    }

    /// The connection that a frame belongs to; of several with the same four-tuple, the one that was opened last.
    fn conn_of(&self, packet: &Packet) -> Option<usize> {
        let Body::Tcp(segment) = &packet.body else { return None };
        // All segments of a connection come from the address that it was opened with (RFC 9293 section 3.9.1.1,
        // MUST-45).
        if packet.ip.source != self.at.target {
            return None;
        }
        let fits = |conn: &Conn| {
            conn.tester == packet.ip.destination
                && conn.tester_port == segment.destination
                && conn.target_port.unwrap_or(segment.source) == segment.source
        };
        let fitting = self.conns.iter().enumerate().filter(|(_, conn)| fits(conn));
        // If none of them was opened, the first is taken.
        fitting
            .max_by_key(|(index, conn)| (conn.opened, std::cmp::Reverse(*index)))
            .map(|(index, _)| index)
    }

    /// The SYN of the target tells its ISN, and opens the connection if nothing has before.
    fn learn_iss(&mut self, here: usize, packet: &Packet) {
        let Body::Tcp(segment) = &packet.body else { return };
        let conn = &mut self.conns[here];
        if conn.learn_iss(segment) && conn.opened.is_none() {
            self.order += 1;
            conn.opened = Some(self.order);
        }
    }

    /// Puts a frame into the inbox of its connection.
    pub(super) fn arrive(
        &mut self,
        here: usize,
        (at, cause): (Stamp, Cause),
        number: u32,
        octets: Arc<[u8]>,
        packet: Option<Arc<Packet>>,
    ) {
        let conn = &mut self.conns[here];
        let Some(frame) = packet.and_then(|packet| peer::Frame::of_target(conn, packet, octets)) else {
            return;
        };
        self.order += 1;
        conn.inbox.push_back(peer::Frame {
            at,
            cause,
            order: self.order,
            number,
            ..frame
        });
    }

    /// Enters what a frame that never arrives has answered: the target has sent it all the same. The tester does not
    /// see it, so it has no place in the order.
    fn answer_lost(&mut self, here: usize, at: Stamp, packet: &Arc<Packet>, octets: &Arc<[u8]>) {
        let conn = &mut self.conns[here];
        if let Some(frame) = peer::Frame::of_target(conn, Arc::clone(packet), Arc::clone(octets)) {
            conn.settle_owed_acks(&peer::Frame { at, ..frame });
        }
    }

    // ----- the trace ------------------------------------------------------------------------------------------------

    fn trace_frame(&mut self, at: Stamp, arrow: Arrow, here: usize, octets: &Arc<[u8]>, fault: Option<Treatment>) {
        let conn = self.conns.get(here);
        let origins = conn.map_or(Origins::default(), |conn| match arrow {
            Arrow::ToTarget => Origins {
                sender: Some(conn.isn),
                receiver: Some(conn.iss),
            },
            Arrow::FromTarget => Origins {
                sender: Some(conn.iss),
                receiver: Some(conn.isn),
            },
        });
        let what = Happening::Frame {
            arrow,
            conn: conn.map_or(String::new(), |conn| conn.name.clone()),
            origins,
            octets: octets.clone(),
            fault,
        };
        self.trace(at, what);
    }

    /// A frame of the target as a person reads it.
    pub(super) fn show(&self, frame: &peer::Frame, here: usize) -> String {
        let conn = &self.conns[here];
        print_packet(
            &frame.packet,
            Origins {
                sender: Some(conn.iss),
                receiver: Some(conn.isn),
            },
        )
    }
}
