//! LISTEN (RFC 9293 section 3.10.7.2), the backlog, SYN cookies (RFC 4987), fast open (RFC 7413), and SYNs that reopen
//! a connection in TIME-WAIT (RFC 9293 section 3.6.1, RFC 6191).

pub(in crate::model) mod decisions;

use self::decisions::SynFate;
use super::Model;
use super::isn;
use super::options::announced_mss;
use super::segment_arrives::Arriving;
use super::segment_arrives::closed::send_reset;
use super::settings::Settings;
use super::tcb::{Agreed, Opened, Tcb};
use crate::rfc::State;
use crate::stack::{CallId, SocketId};
use crate::wire::{Ecn, Flags, Segment, SeqNum, TcpOption};
use core::net::SocketAddr;
use std::collections::VecDeque;

/// A block in LISTEN.
#[derive(Clone, Debug)]
pub(super) struct Listener {
    pub socket: SocketId,
    pub local: SocketAddr,
    pub backlog: usize,
    /// It has been closed, or it was to give its user one connection only.
    pub spent: bool,
    /// How many fast opens may be pending; `None`: the application did not ask for it (RFC 7413 section 4.2).
    pub fast_open: Option<usize>,
    pub settings: Settings,
    /// Connections that wait to be accepted, by number.
    pub waiting: VecDeque<u32>,
    /// The ACCEPTs that wait for a connection, each with the name that the connection's socket gets.
    pub accepts: VecDeque<(CallId, SocketId)>,
}

impl Model {
    /// A segment for a listener and no connection that we know: first RST, second ACK, third SYN; anything else is
    /// dropped.
    pub(super) fn listen_state(&mut self, at: usize, peer: SocketAddr, segment: Arriving) {
        let local = self.listeners[at].local;
        if segment.rst {
            return self.reset_in_listen(at, peer, &segment);
        }
        if decisions::is_ack(&self.cx, &segment) {
            if !self.take_cookie(at, peer, &segment) && decisions::ack_draws_reset(&self.cx, &segment) {
                send_reset(&mut self.cx, local, peer, &segment);
            }
            return;
        }
        if segment.syn {
            self.listen_syn(at, peer, segment, None);
        } else if decisions::nonsense_draws_reset(&self.cx) {
            send_reset(&mut self.cx, local, peer, &segment);
        }
    }

    /// A reset means nothing to a listener.
    fn reset_in_listen(&mut self, at: usize, peer: SocketAddr, segment: &Arriving) {
        let local = self.listeners[at].local;
        if decisions::reset_draws_reset(&self.cx) {
            send_reset(&mut self.cx, local, peer, segment);
        }
        if !decisions::listens_after_reset(&self.cx) {
            self.listeners.remove(at);
        }
    }

    /// Third, a SYN: it creates a connection in SYN-RECEIVED, if there is room. `old` is the connection in TIME-WAIT
    /// that it replaces.
    fn listen_syn(&mut self, at: usize, peer: SocketAddr, segment: Arriving, old: Option<Box<Tcb>>) {
        let listener = &self.listeners[at];
        let (local, socket, settings) = (listener.local, listener.socket, listener.settings);
        if decisions::illegal_option_resets(&self.cx, &segment) {
            return send_reset(&mut self.cx, local, peer, &segment);
        }
        if self.refuses_syn(at, peer, &segment) || !decisions::listens_while_half_open(self, socket) {
            return;
        }
        let full = self.is_full(at);
        let scarce = full && self.listeners[at].waiting.len() < self.listeners[at].backlog;
        if decisions::syn_draws_cookie(&self.cx, scarce) {
            return self.send_cookie(at, peer, &segment);
        }
        if full {
            if decisions::full_backlog_resets(&self.cx) {
                send_reset(&mut self.cx, local, peer, &segment);
            }
            return;
        }
        let mut tcb = Tcb::new(&self.cx, local, peer, Opened::Passive(socket), settings);
        let iss = isn::isn(&mut self.cx, local, peer);
        let iss = old.as_ref().map_or(iss, |old| decisions::reopening_iss(old, iss));
        tcb.before = old.filter(|old| decisions::time_wait_can_go_on(old));
        tcb.set_iss(iss);
        tcb.set_irs(segment.seq);
        tcb.agree(&self.cx, &segment);
        if decisions::user_timeout_on_syn_counts(&tcb, &segment) {
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
        if decisions::syn_text_is_delivered(&tcb, &segment) {
            tcb.release_held(&mut self.cx);
            tcb.fast_open = true;
            tcb.open_congestion_window(&self.cx);
        }
        if decisions::syn_text_is_lost(&tcb, &segment) {
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

    /// Whether a SYN is dropped because of what else it carries.
    fn refuses_syn(&mut self, at: usize, peer: SocketAddr, segment: &Arriving) -> bool {
        let syn = decisions::syn(&self.cx, segment);
        if syn == SynFate::DroppedHalf {
            let listener = &self.listeners[at];
            let (local, socket, settings) = (listener.local, listener.socket, listener.settings);
            let mut tcb = Tcb::new(&self.cx, local, peer, Opened::Passive(socket), settings);
            tcb.state = State::SynReceived;
            self.insert(tcb);
        }
        syn != SynFate::Taken
    }

    /// Whether there is no room for another half-open connection.
    fn is_full(&self, at: usize) -> bool {
        let listener = &self.listeners[at];
        let backlog = listener.backlog;
        let is_half_open = |tcb: &&Tcb| is_half_open_of(tcb, listener.socket);
        let half_open = self.tcbs.values().filter(is_half_open).count();
        listener.waiting.len() >= backlog || half_open >= backlog * self.cx.config.half_open_per_place
    }

    // ----- cookies --------------------------------------------------------------------------------------------------

    /// Sends a SYN,ACK whose ISS is all that is remembered of the SYN. Options that a SYN cookie cannot encode are not
    /// offered (RFC 4987 section 3.6): neither scaling nor SACK nor timestamps, unless a timestamp encodes the others.
    fn send_cookie(&mut self, at: usize, peer: SocketAddr, syn: &Arriving) {
        let listener = &self.listeners[at];
        let local = listener.local;
        let default = super::options::default_mss(local.is_ipv4()) as u16;
        let iss = isn::syn_cookie(&self.cx, local, peer, syn.seq, syn.mss.unwrap_or(default));
        let mut options = vec![TcpOption::Mss(
            u16::try_from(announced_mss(&self.cx, local.is_ipv4(), listener.settings.mss)).unwrap_or(u16::MAX),
        )];
        if decisions::timestamps_beside_cookie(&self.cx, syn).is_some() {
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

    /// An ACK may carry a SYN cookie: then it establishes the connection that the SYN asked for. An ACK with a forged
    /// or an old cookie is treated like any ACK in LISTEN.
    fn take_cookie(&mut self, at: usize, peer: SocketAddr, segment: &Arriving) -> bool {
        let listener = &self.listeners[at];
        let (local, socket, settings) = (listener.local, listener.socket, listener.settings);
        if segment.syn || !decisions::cookie_may_come_back(&self.cx) {
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
        if let Some((value, echo)) = decisions::timestamps_beside_cookie(&self.cx, segment) {
            tcb.agreed = remembered(echo, rcv_wind_shift);
            tcb.ts_recent = value;
            tcb.ts_recent_at = self.cx.now;
        }
        tcb.set_iss(cookie);
        tcb.set_irs(irs);
        tcb.snd_mss = decisions::mss_of_cookie(&self.cx, mss);
        tcb.agreed.timestamps = decisions::timestamps_after_cookie(&self.cx, tcb.agreed.timestamps);
        tcb.snd_nxt = cookie.advanced(1);
        tcb.state = State::SynReceived;
        tcb.rcv_edge = tcb.rcv_nxt.advanced(i64::from(tcb.first_window(&self.cx)));
        let number = self.insert(tcb);
        self.on_tcb(number, |tcb, cx| tcb.segment_arrives(cx, segment.clone()));
        true
    }

    // ----- fast open ------------------------------------------------------------------------------------------------

    /// The server's side of RFC 7413: a peer that asks for a cookie gets one, and the text of a peer that has the right
    /// cookie is delivered at once.
    fn fast_open(&mut self, at: usize, tcb: &mut Tcb, segment: &Arriving) {
        let Some(offered) = segment.fast_open.as_ref().filter(|_| self.cx.config.fast_open) else {
            return;
        };
        let Some(most) = decisions::pending_fast_opens(&self.cx, self.listeners[at].fast_open) else {
            return;
        };
        if !decisions::fast_open_option_is_read(&self.cx, offered) {
            return;
        }
        let socket = self.listeners[at].socket;
        let is_pending = |tcb: &&Tcb| is_half_open_of(tcb, socket) && tcb.fast_open;
        let pending = self.tcbs.values().filter(is_pending).count();
        if !decisions::fast_open_has_room(&self.cx, pending, most) {
            return;
        }
        let right = isn::fast_open_cookie(&self.cx, tcb.peer.ip());
        if !decisions::fast_open_cookie_is_good(&self.cx, offered, &right) {
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

    /// A SYN for a connection in TIME-WAIT may reopen it; returns whether the segment has been dealt with.
    pub(super) fn reopen(&mut self, number: u32, segment: &Arriving) -> bool {
        let Some(old) = self.tcbs.get(&number) else {
            return false;
        };
        let request = segment.syn && !segment.ack_bit && !segment.rst;
        if !request || !decisions::waits_for_reopening(old) || !decisions::reopening_is_allowed(old) {
            return false;
        }
        let Some(at) = self.listeners.iter().position(|listener| listener.local == old.local) else {
            return false;
        };
        if !decisions::syn_reopens(old, segment) {
            return decisions::unfit_syn_is_dropped(old);
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

/// The bits of a timestamp that encode the peer's options beside a SYN cookie: its shift, and whether it permitted
/// SACK.
const SHIFT_BITS: u32 = 0xf;
const SACK_BIT: u32 = 0x10;
/// The shift of a peer that offered none.
const NO_SHIFT: u32 = 0xf;

/// Encodes what was agreed upon in the low bits of a SYN,ACK's timestamp. The clock goes back by 31 ms at most through
/// this, before anything has been sent.
fn remember(agreed: Agreed, option: &mut TcpOption) {
    if let TcpOption::Timestamps { value, .. } = option {
        let shift = if agreed.scaled {
            u32::from(agreed.snd_wind_shift)
        } else {
            NO_SHIFT
        };
        let sack = if agreed.sack { SACK_BIT } else { 0 };
        let encoded = *value & !(SHIFT_BITS | SACK_BIT) | shift | sack;
        // Never a time that is still to come: the next segment could have an earlier one.
        *value = match encoded.wrapping_sub(*value) as i32 {
            1.. => encoded.wrapping_sub(SACK_BIT << 1),
            _ => encoded,
        };
    }
}

/// Decodes what was agreed upon from the echoed timestamp.
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

/// Whether it is a connection of this listener in SYN-RECEIVED.
fn is_half_open_of(tcb: &Tcb, listener: SocketId) -> bool {
    tcb.opened == Opened::Passive(listener) && tcb.state == State::SynReceived
}

/// RFC 6191 section 2: by timestamps where both connections have them or only the new one does; otherwise by the
/// number, which must lie above that of the old FIN.
fn honours(old: &Tcb, segment: &Arriving, timestamps: Option<(u32, u32)>) -> bool {
    let fin: SeqNum = old.rcv_nxt.advanced(-1);
    let above = fin.before(segment.seq);
    match (old.agreed.timestamps, timestamps) {
        (true, Some((value, _))) => {
            let newer = value.wrapping_sub(old.ts_recent) as i32;
            newer > 0 || (newer == 0 && above)
        }
        (false, Some(_)) => true,
        (true | false, None) => above,
    }
}
