//! The client's side of fast open (RFC 7413): what is remembered of servers, and text that goes out on a SYN. The
//! server's side is in [`super::listen`].

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

/// For how long fast open is not tried again towards a server that could not do it: "at least temporarily" (section
/// 4.1.3.1).
const PAUSE: Duration = Duration::from_secs(60);

/// What is remembered of servers (section 4.1.3).
#[derive(Clone, Debug, Default)]
pub(super) struct Remembered {
    /// The cookie of a host, which all its ports share, and the MSS that came with it.
    cookies: BTreeMap<IpAddr, (Vec<u8>, Option<u16>)>,
    /// When a server, by address and port, last failed to do fast open.
    refused: BTreeMap<SocketAddr, Instant>,
}

/// How an active OPEN uses fast open.
#[derive(Clone, Debug)]
pub(super) struct FastOpening {
    /// The cookie on the SYN; empty where the SYN asks for one.
    pub cookie: Vec<u8>,
    /// The MSS that was remembered together with the cookie.
    mss: Option<u16>,
    /// The SYN waits for the first SEND, to carry its octets.
    pub waits: bool,
    /// Octets on the SYN.
    text: usize,
}

/// Whether a cookie has a lawful length: even, and from 4 to 16 octets (section 4.1.1).
pub(super) fn may_be_cookie(octets: &[u8]) -> bool {
    matches!(octets.len(), 4..=16) && octets.len().is_multiple_of(2)
}

impl FastOpening {
    /// How an OPEN to this server uses fast open; `None` where fast open is off or failed with it lately.
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

    /// Sends the SYN that has waited for text.
    pub(super) fn send_syn_with_text(&mut self, cx: &mut Context) {
        if let Some(opening) = self.opening.as_mut().filter(|opening| opening.waits) {
            opening.waits = false;
            self.send_syn(cx);
        }
    }

    /// The octets of the queue that go out on the first SYN: as many as the MSS allows that came with the cookie, or
    /// else the default MSS (section 4.1.3).
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

    /// A SYN,ACK has come: what is remembered of its sender. A cookie is kept together with the MSS. A server that
    /// neither acknowledges any of the text nor sends another cookie has failed (section 4.1.3.1).
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

    /// Text on a SYN was not acknowledged, drew an ICMP error, or drew no answer: a negative response (section
    /// 4.1.3.1).
    pub(super) fn remember_refusal(&mut self, cx: &mut Context) {
        let had_text = self.opening.as_ref().is_some_and(|opening| opening.text > 0);
        if had_text && decisions::refusal_is_remembered(self) {
            cx.remembered.refused.insert(self.peer, cx.now);
        }
    }

    /// Text of the SYN that was not acknowledged is sent once more, at once, as if it were new (section 4.2.2).
    pub(super) fn take_back_syn_text(&mut self) {
        let had_text = self.opening.take().is_some_and(|opening| opening.text > 0);
        if had_text && self.opened == Opened::Active && decisions::text_goes_out_again(self) {
            self.snd_nxt = self.snd_una;
            self.round_trip.timed = None;
        }
    }

    /// The fast open option of a SYN: a cookie, or a request for one.
    pub(super) fn fast_open_option(&self) -> Option<TcpOption> {
        let cookie = self.opening_now()?.cookie.clone();
        Some(TcpOption::FastOpen(cookie))
    }

    /// How the SYN that is about to be sent uses fast open; a SYN that is sent again does not (sections 4.2.1 and
    /// 4.2.2).
    fn opening_now(&self) -> Option<&FastOpening> {
        let opening = self.opening.as_ref().filter(|_| self.state == State::SynSent)?;
        decisions::syn_is_fast(self).then_some(opening)
    }
}
