//! The client's side of fast open (RFC 7413): what is remembered of servers, and text that goes out on a SYN. The server's
//! is in [`super::listen`].

pub(super) mod decisions;

use super::context::Context;
use super::options::fixed_headers;
use super::segment_arrives::Arriving;
use super::seq::span;
use super::tcb::{Opened, Tcb};
use crate::rfc::State;
use crate::time::Instant;
use crate::wire::TcpOption;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;

/// For how long a path is spared that could not do it: "at least temporarily" (section 4.1.3.1).
const PAUSE: Duration = Duration::from_secs(60);

/// What is remembered of servers (section 4.1.3).
#[derive(Clone, Debug, Default)]
pub(super) struct Remembered {
    /// The cookie of a host, which all its ports share, and the MSS that came with it.
    cookies: BTreeMap<IpAddr, (Vec<u8>, Option<u16>)>,
    /// When a port of a host last answered otherwise than it should have.
    refused: BTreeMap<SocketAddr, Instant>,
}

/// What an active OPEN makes of fast open.
#[derive(Clone, Debug)]
pub(super) struct FastOpening {
    /// What the SYN brings back; empty: it asks for one.
    pub cookie: Vec<u8>,
    /// The MSS that is remembered with it.
    mss: Option<u16>,
    /// The SYN waits for the first SEND, to take its octets along.
    pub waits: bool,
    /// Octets on the SYN.
    text: usize,
}

/// An even length of 4 to 16 octets (section 4.1.1).
pub(super) fn may_be_cookie(octets: &[u8]) -> bool {
    matches!(octets.len(), 4..=16) && octets.len().is_multiple_of(2)
}

impl FastOpening {
    /// What an OPEN to this end should do; nothing where it was refused lately.
    pub(super) fn new(cx: &Context, peer: SocketAddr) -> Option<FastOpening> {
        let refused = cx.remembered.refused.get(&peer);
        if !cx.config.fast_open || refused.is_some_and(|at| cx.now.since(*at) < PAUSE) {
            return None;
        }
        let (cookie, mss) = cx.remembered.cookies.get(&peer.ip()).cloned().unwrap_or_default();
        Some(FastOpening {
            waits: decisions::takes_text_along(cx, &cookie),
            cookie,
            mss,
            text: 0,
        })
    }
}

impl Tcb {
    /// Whether the SYN has not been sent, because there is nothing yet to take along.
    pub(super) fn holds_its_syn(&self) -> bool {
        self.opening.as_ref().is_some_and(|opening| opening.waits)
    }

    /// Sends the SYN that waited for this.
    pub(super) fn send_syn_with_text(&mut self, cx: &mut Context) {
        if let Some(opening) = self.opening.as_mut().filter(|opening| opening.waits) {
            opening.waits = false;
            self.send_syn(cx);
        }
    }

    /// What of the queue goes along on the first SYN: as much as the MSS that came with the cookie lets, or else the
    /// default (section 4.1.3).
    pub(super) fn text_for_syn(&mut self, cx: &Context, options: usize) -> Vec<u8> {
        let path = self.path.mtu - fixed_headers(self.local.is_ipv4());
        let Some(opening) = self.opening_now() else {
            return Vec::new();
        };
        if !decisions::takes_text_along(cx, &opening.cookie) {
            return Vec::new();
        }
        let mss = decisions::mss_of_server(self, opening.mss);
        let most = mss.min(path).saturating_sub(options);
        let text = self.queue.read(self.iss.advanced(1), most);
        if let Some(opening) = &mut self.opening {
            opening.text = text.len();
        }
        text
    }

    /// A SYN,ACK has come: what is to be remembered of who sent it. A cookie is kept with the MSS beside it; who took
    /// nothing of the text and sent no other cookie either has refused (section 4.1.3.1).
    pub(super) fn remember_server(&mut self, cx: &mut Context, syn_ack: &Arriving) {
        let Some(opening) = &self.opening else { return };
        let cookie = syn_ack.fast_open.as_ref().filter(|cookie| may_be_cookie(cookie));
        if let Some(cookie) = cookie.filter(|_| decisions::cookie_is_kept(self)) {
            let kept = (cookie.clone(), syn_ack.mss);
            cx.remembered.cookies.insert(self.peer.ip(), kept);
        }
        let taken = span(self.iss, syn_ack.ack) > 1;
        if taken {
            cx.remembered.refused.remove(&self.peer);
        } else if opening.text > 0 && cookie.is_none() {
            self.remember_refusal(cx);
        }
    }

    /// Text on a SYN was not taken, drew an ICMP error, or no answer: a negative response (section 4.1.3.1).
    pub(super) fn remember_refusal(&mut self, cx: &mut Context) {
        let had_text = self.opening.as_ref().is_some_and(|opening| opening.text > 0);
        if had_text && decisions::refusal_is_remembered(self) {
            cx.remembered.refused.insert(self.peer, cx.now);
        }
    }

    /// What went out on the SYN and was not acknowledged goes out again, at once, as if it were new (section 4.2.2).
    pub(super) fn take_back_syn_text(&mut self) {
        let had_text = self.opening.take().is_some_and(|opening| opening.text > 0);
        if had_text && self.opened == Opened::Active && decisions::text_goes_out_again(self) {
            self.snd_nxt = self.snd_una;
            self.round_trip.timed = None;
        }
    }

    /// The option of a SYN: a cookie that is brought back, or a request for one.
    pub(super) fn fast_open_option(&self) -> Option<TcpOption> {
        let cookie = self.opening_now()?.cookie.clone();
        Some(TcpOption::FastOpen(cookie))
    }

    /// What the SYN that is about to be sent makes of fast open; one that is sent again, nothing (sections 4.2.1, 4.2.2).
    fn opening_now(&self) -> Option<&FastOpening> {
        let opening = self.opening.as_ref().filter(|_| self.state == State::SynSent)?;
        decisions::syn_is_fast(self).then_some(opening)
    }
}
