//! LISTEN (RFC 9293 section 3.10.7.2), the backlog, SYN cookies (RFC 4987), fast open (RFC 7413), and SYNs that reopen a
//! connection out of TIME-WAIT (RFC 9293 section 3.6.1, RFC 6191).

use super::Model;
use super::fast_open::may_be_cookie;
use super::isn;
use super::options::announced_mss;
use super::segment_arrives::Arriving;
use super::segment_arrives::closed::send_reset;
use super::settings::Settings;
use super::switch::Switch;
use super::tcb::{Agreed, Opened, Tcb};
use crate::model::defect::Defect;
use crate::rfc::State;
use crate::stack::{CallId, SocketId};
use crate::wire::{Ecn, Flags, Segment, SeqNum, TcpOption};
use core::net::SocketAddr;
use std::collections::VecDeque;

/// Half-open connections for each one that may wait to be accepted: a SYN is cheap, and most come to be.
const HALF_OPEN_PER_PLACE: usize = 8;

/// A block in LISTEN.
#[derive(Clone, Debug)]
pub(super) struct Listener {
    pub socket: SocketId,
    pub local: SocketAddr,
    pub backlog: usize,
    /// It listens no more.
    pub spent: bool,
    /// How many fast opens may be pending; `None`: the application did not ask for it (RFC 7413 section 4.2).
    pub fast_open: Option<usize>,
    pub settings: Settings,
    /// Connections that wait to be accepted, by number.
    pub waiting: VecDeque<u32>,
    /// Calls that wait for one, with the name that it gets.
    pub accepts: VecDeque<(CallId, SocketId)>,
}

impl Model {
    /// A segment for a listener, of no connection that we know: first RST, second ACK, third SYN, and what is left is
    /// dropped.
    pub(super) fn listen_state(&mut self, at: usize, peer: SocketAddr, segment: Arriving) {
        let local = self.listeners[at].local;
        if segment.rst {
            return self.reset_in_listen(at, peer, &segment);
        }
        if segment.ack_bit && !(self.cx.has(Defect::ListenerTakesSynAck) && segment.syn) {
            let silent = self.cx.has(Defect::ListenerIgnoresAcks)
                || (self.cx.has(Defect::ListenerIgnoresSynAcks) && segment.syn);
            if !self.take_cookie(at, peer, &segment) && !silent {
                send_reset(&mut self.cx, local, peer, &segment);
            }
            return;
        }
        if segment.syn {
            self.listen_syn(at, peer, segment, None);
        } else if self.cx.has(Defect::ListenerResetsNonsense) {
            send_reset(&mut self.cx, local, peer, &segment);
        }
    }

    /// A reset means nothing to a listener.
    fn reset_in_listen(&mut self, at: usize, peer: SocketAddr, segment: &Arriving) {
        let local = self.listeners[at].local;
        if self.cx.has(Defect::ListenerAnswersRst) {
            send_reset(&mut self.cx, local, peer, segment);
        }
        if self.cx.has(Defect::ListenerClosedByRst) {
            self.listeners.remove(at);
        }
    }

    /// Third, a SYN: a connection in SYN-RECEIVED, if there is room for it. `old` is the connection in TIME-WAIT in
    /// whose place it comes.
    fn listen_syn(&mut self, at: usize, peer: SocketAddr, segment: Arriving, old: Option<Box<Tcb>>) {
        let listener = &self.listeners[at];
        let (local, socket, settings) = (listener.local, listener.socket, listener.settings);
        if segment.illegal_option && self.cx.has(Switch::IllegalOptionReset) {
            return send_reset(&mut self.cx, local, peer, &segment);
        }
        if self.refuses_syn(at, peer, &segment) {
            return;
        }
        let half_open = |tcb: &Tcb| tcb.opened == Opened::Passive(socket) && tcb.state == State::SynReceived;
        if self.cx.has(Defect::ListenerBusyWhileHalfOpen) && self.tcbs.values().any(half_open) {
            return;
        }
        let full = self.is_full(at);
        let when_full = full && self.listeners[at].waiting.len() < self.listeners[at].backlog;
        let cookie = self.cx.has(Switch::SynCookiesAlways) || when_full && !self.cx.has(Switch::SynCookiesNever);
        if cookie {
            return self.send_cookie(at, peer, &segment);
        }
        if full {
            if self.cx.has(Switch::BacklogFullReset) {
                send_reset(&mut self.cx, local, peer, &segment);
            }
            return;
        }
        let mut tcb = Tcb::new(&self.cx, local, peer, Opened::Passive(socket), settings);
        let mut iss = isn::isn(&mut self.cx, local, peer);
        if let Some(old) = &old {
            // Above everything that the old one used (RFC 9293 section 3.6.1).
            if self.cx.has(Defect::ReopenedWithOldNumbers) {
                iss = old.iss;
            } else if !old.snd_nxt.before(iss) {
                iss = old.snd_nxt.advanced(64_000);
            }
        }
        tcb.before = old.filter(|_| !self.cx.has(Defect::OldSynEndsTimeWait));
        tcb.set_iss(iss);
        tcb.set_irs(segment.seq);
        tcb.agree(&self.cx, &segment);
        if self.cx.has(Defect::UserTimeoutHalfOpen) {
            tcb.take_user_timeout(&self.cx, &segment);
        }
        tcb.state = State::SynReceived;
        tcb.snd_wnd = u32::from(segment.window);
        tcb.max_snd_wnd = tcb.snd_wnd;
        tcb.rcv_edge = tcb.rcv_nxt.advanced(i64::from(tcb.first_window(&self.cx)));
        self.fast_open(at, &mut tcb, &segment);
        if !tcb.fast_open {
            tcb.keep_syn_text(&segment);
        }
        if self.cx.has(Defect::SynDataDeliveredEarly) && !segment.text.is_empty() {
            tcb.release_held(&mut self.cx);
            tcb.fast_open = true;
            tcb.open_congestion_window(&self.cx);
        }
        if self.cx.has(Defect::SynDataLost) && !tcb.fast_open {
            tcb.received.take(tcb.rcv_nxt, &segment.text);
            tcb.received.ready.clear();
            tcb.rcv_nxt = tcb.rcv_nxt.advanced(segment.text.len() as i64);
        }
        tcb.send_syn(&mut self.cx);
        let early = tcb.fast_open;
        let number = self.insert(tcb);
        if early {
            self.hand_over(number);
        }
    }

    /// Whether a SYN is dropped for what else is on it.
    fn refuses_syn(&mut self, at: usize, peer: SocketAddr, segment: &Arriving) -> bool {
        let odd = (self.cx.has(Defect::SynWithUrgDropped) && segment.urg)
            || (self.cx.has(Defect::SynWithEcnDropped) && segment.ece);
        let refused = segment.fin && self.cx.has(Switch::SynFinNo);
        if refused && self.cx.has(Defect::SynFinHalfKept) {
            let Listener {
                local,
                socket,
                settings,
                ..
            } = self.listeners[at];
            let mut tcb = Tcb::new(&self.cx, local, peer, Opened::Passive(socket), settings);
            tcb.state = State::SynReceived;
            self.insert(tcb);
        }
        odd || refused
    }

    /// Whether another half-open connection has no place.
    fn is_full(&self, at: usize) -> bool {
        let listener = &self.listeners[at];
        let backlog = listener.backlog;
        let half_open = self
            .tcbs
            .values()
            .filter(|tcb| tcb.opened == Opened::Passive(listener.socket) && tcb.state == State::SynReceived)
            .count();
        listener.waiting.len() >= backlog || half_open >= backlog * HALF_OPEN_PER_PLACE
    }

    // ----- cookies --------------------------------------------------------------------------------------------------

    /// A SYN,ACK whose ISS is all that is remembered. What a cookie cannot tell is not offered (RFC 4987 section 3.6):
    /// neither scaling nor SACK nor timestamps, unless a timestamp remembers the others.
    fn send_cookie(&mut self, at: usize, peer: SocketAddr, syn: &Arriving) {
        let listener = &self.listeners[at];
        let local = listener.local;
        let default = super::options::default_mss(local.is_ipv4()) as u16;
        let iss = isn::syn_cookie(&self.cx, local, peer, syn.seq, syn.mss.unwrap_or(default));
        let mut options = vec![TcpOption::Mss(
            u16::try_from(announced_mss(&self.cx, local.is_ipv4(), listener.settings.mss)).unwrap_or(u16::MAX),
        )];
        if self.cx.has(Switch::CookieOptions) && syn.timestamps.is_some() {
            let mut tcb = Tcb::new(
                &self.cx,
                local,
                peer,
                Opened::Passive(listener.socket),
                listener.settings,
            );
            tcb.agree(&self.cx, syn);
            tcb.state = State::SynReceived;
            options = tcb.syn_options(&self.cx);
            options.iter_mut().for_each(|option| remember(tcb.agreed, option));
        }
        let buffer = listener
            .settings
            .receive_buffer
            .unwrap_or(self.cx.config.receive_buffer);
        let segment = Segment {
            seq: iss,
            ack: syn.seq.advanced(1),
            flags: Flags::SYN | Flags::ACK,
            window: buffer.min(usize::from(u16::MAX)) as u16,
            options,
            ..Segment::default()
        };
        self.cx.send(local, peer, segment, Ecn::NotEct);
    }

    /// An ACK may bring a cookie back: then it establishes the connection that the SYN asked for. A forged or an old one
    /// is met like any ACK in LISTEN.
    fn take_cookie(&mut self, at: usize, peer: SocketAddr, segment: &Arriving) -> bool {
        let listener = &self.listeners[at];
        let (local, socket, settings) = (listener.local, listener.socket, listener.settings);
        if self.cx.has(Switch::SynCookiesNever) || segment.syn {
            return false;
        }
        let (irs, cookie) = (segment.seq.advanced(-1), segment.ack.advanced(-1));
        let Some(mss) = isn::check_cookie(&self.cx, local, peer, irs, cookie) else {
            return false;
        };
        if listener.waiting.len() >= listener.backlog {
            return true;
        }
        let mut tcb = Tcb::new(&self.cx, local, peer, Opened::Passive(socket), settings);
        let rcv_wind_shift = tcb.agreed.rcv_wind_shift;
        tcb.agreed = Agreed::default();
        if let Some((value, echo)) = segment.timestamps.filter(|_| self.cx.has(Switch::CookieOptions)) {
            tcb.agreed = remembered(echo, rcv_wind_shift);
            tcb.ts_recent = value;
            tcb.ts_recent_at = self.cx.now;
        }
        tcb.set_iss(cookie);
        tcb.set_irs(irs);
        tcb.snd_mss = usize::from(mss);
        if self.cx.has(Defect::CookieMssForgotten) {
            tcb.snd_mss = 1460;
        }
        tcb.agreed.timestamps |= self.cx.has(Defect::CookieOptionsMisread);
        tcb.snd_nxt = cookie.advanced(1);
        tcb.state = State::SynReceived;
        tcb.rcv_edge = tcb.rcv_nxt.advanced(i64::from(tcb.first_window(&self.cx)));
        let number = self.insert(tcb);
        self.on_tcb(number, |tcb, cx| tcb.segment_arrives(cx, segment.clone()));
        true
    }

    // ----- fast open ------------------------------------------------------------------------------------------------

    /// The server's side of RFC 7413: a cookie for who asks, and for who brings a good one its data at once.
    fn fast_open(&mut self, at: usize, tcb: &mut Tcb, segment: &Arriving) {
        let Some(offered) = segment.fast_open.as_ref().filter(|_| self.cx.config.fast_open) else {
            return;
        };
        let unasked = self.cx.has(Defect::FastOpenUnasked).then_some(16);
        let Some(most) = self.listeners[at].fast_open.or(unasked) else {
            return;
        };
        let possible = offered.is_empty() || may_be_cookie(offered);
        if !possible && !self.cx.has(Defect::FastOpenOddLengthTaken) {
            return;
        }
        let socket = self.listeners[at].socket;
        let pending =
            |tcb: &&Tcb| tcb.opened == Opened::Passive(socket) && tcb.fast_open && tcb.state == State::SynReceived;
        let full = self.tcbs.values().filter(pending).count() >= most;
        if full && !self.cx.has(Defect::FastOpenUnlimited) {
            return;
        }
        let right = isn::fast_open_cookie(&self.cx, tcb.peer.ip());
        let believed = self.cx.has(Defect::FastOpenTakesAnyCookie) && !offered.is_empty();
        if *offered != right && !believed {
            tcb.cookie = Some(right);
            return;
        }
        tcb.fast_open = true;
        tcb.open_congestion_window(&self.cx);
        let room = tcb.rcv_wnd() as usize;
        let text = &segment.text[..segment.text.len().min(room)];
        let taken = tcb.received.take(tcb.rcv_nxt, text);
        tcb.rcv_nxt = tcb.rcv_nxt.advanced(i64::from(taken));
    }

    // ----- out of TIME-WAIT -----------------------------------------------------------------------------------------

    /// A SYN for a connection in TIME-WAIT may open it anew; answers whether the segment is done with.
    pub(super) fn reopen(&mut self, number: u32, segment: &Arriving) -> bool {
        let Some(old) = self.tcbs.get(&number) else {
            return false;
        };
        let request = segment.syn && !segment.ack_bit && !segment.rst;
        let early = self.cx.has(Defect::ReopensBeforeTimeWait)
            && matches!(old.state, State::FinWait2 | State::Closing | State::LastAck);
        let waits = old.state == State::TimeWait || early;
        if !waits || !request || self.cx.has(Switch::ReopenTimeWaitNo) {
            return false;
        }
        let Some(at) = self.listeners.iter().position(|listener| listener.local == old.local) else {
            return false;
        };
        if self.cx.has(Defect::TimeWaitTakesNoSyn) {
            return true;
        }
        if !honours(old, segment, !self.cx.has(Switch::TimestampsNo)) && !self.cx.has(Defect::TimeWaitTakesAnySyn) {
            return !self.cx.has(Switch::AnswerUnfitSyn);
        }
        let peer = old.peer;
        if self.is_full(at) {
            return true;
        }
        let Some(mut old) = self.remove(number) else {
            return false;
        };
        old.user.socket = None;
        self.listen_syn(at, peer, segment.clone(), Some(Box::new(old)));
        true
    }
}

/// The bits of a cookie's timestamp: the peer's shift, and whether it permitted SACK.
const SHIFT_BITS: u32 = 0xf;
const SACK_BIT: u32 = 0x10;
/// The shift of a peer that offered none.
const NO_SHIFT: u32 = 0xf;

/// Writes what was agreed upon into the low bits of a SYN,ACK's timestamp. The clock loses them: it goes back by 31 ms at
/// most, before anything has been sent.
fn remember(agreed: Agreed, option: &mut TcpOption) {
    if let TcpOption::Timestamps { value, .. } = option {
        let shift = if agreed.scaled {
            u32::from(agreed.snd_wind_shift)
        } else {
            NO_SHIFT
        };
        let sack = if agreed.sack { SACK_BIT } else { 0 };
        *value = *value & !(SHIFT_BITS | SACK_BIT) | shift | sack;
    }
}

/// What a timestamp that comes back says was agreed upon.
fn remembered(echo: u32, rcv_wind_shift: u8) -> Agreed {
    let shift = echo & SHIFT_BITS;
    let scaled = shift != NO_SHIFT;
    Agreed {
        timestamps: true,
        sack: echo & SACK_BIT != 0,
        scaled,
        snd_wind_shift: if scaled { shift as u8 } else { 0 },
        rcv_wind_shift: if scaled { rcv_wind_shift } else { 0 },
        ecn: false,
    }
}

/// RFC 6191 section 2: by timestamps where both connections have them, or by them where only the new one does; else by
/// the number, which must lie above the old FIN's.
fn honours(old: &Tcb, segment: &Arriving, timestamps: bool) -> bool {
    let fin: SeqNum = old.rcv_nxt.advanced(-1);
    let above = fin.before(segment.seq);
    match (old.agreed.timestamps, segment.timestamps.filter(|_| timestamps)) {
        (true, Some((value, _))) => {
            let newer = value.wrapping_sub(old.ts_recent) as i32;
            newer > 0 || (newer == 0 && above)
        }
        (false, Some(_)) => true,
        (true | false, None) => above,
    }
}
