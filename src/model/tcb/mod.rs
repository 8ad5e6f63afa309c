//! The transmission control block (RFC 9293 section 3.3.1).

pub(super) mod decisions;

use super::congestion::Congestion;
use super::context::Context;
use super::decision::{Decider, Subject};
use super::fast_open::FastOpening;
use super::queues::{ReceiveQueue, SendQueue};
use super::rack::Rack;
use super::sack::{Reports, Scoreboard};
use super::seq::{leq, span};
use super::settings::Settings;
use super::slips::{FirstSending, LastHeard};
use crate::rfc::State;
use crate::stack::ErrorName;
use crate::stack::{CallId, SocketId};
use crate::time::Instant;
use crate::wire::SeqNum;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::VecDeque;

/// How a connection was opened, since SYN-RECEIVED goes back to the state that it came from (RFC 9293 section 3.10.7.4,
/// MUST-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// By a SYN to this listener.
    Passive(SocketId),
    /// By an OPEN of the user.
    Active,
}

/// What was agreed upon in the handshake.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Agreed {
    /// Snd.Wind.Shift and Rcv.Wind.Shift (RFC 7323 section 2.3).
    pub snd_wind_shift: u8,
    pub rcv_wind_shift: u8,
    /// Both SYNs had the window scale option.
    pub scaled: bool,
    /// Both SYNs carried timestamps.
    pub timestamps: bool,
    /// Both SYNs permitted SACK.
    pub sack: bool,
    /// Both ends speak ECN (RFC 3168 section 6.1.1).
    pub ecn: bool,
}

/// When timers expire; `None` where a timer does not run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timers {
    /// RFC 6298.
    pub retransmission: Option<Instant>,
    /// The probe of a closed window (RFC 9293 section 3.8.6.1).
    pub persist: Option<Instant>,
    /// The override of the sender's silly window avoidance (RFC 9293 section 3.8.6.2.1).
    pub override_delay: Option<Instant>,
    /// RFC 9293 section 3.8.6.3.
    pub delayed_ack: Option<Instant>,
    /// RFC 9293 section 3.8.4.
    pub keep_alive: Option<Instant>,
    /// R2 (RFC 9293 section 3.8.3).
    pub user: Option<Instant>,
    /// 2MSL.
    pub time_wait: Option<Instant>,
    /// The reordering timer (RFC 8985 section 6.2).
    pub reordering: Option<Instant>,
    /// The probe for a lost tail (RFC 8985 section 7.2).
    pub tail_probe: Option<Instant>,
    /// The end of FIN-WAIT-2, where that is limited.
    pub fin_wait_2: Option<Instant>,
}

/// The estimator of RFC 6298.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoundTrip {
    pub srtt: Option<Duration>,
    pub rttvar: Duration,
    pub rto: Duration,
    /// The octet that is being timed, and when it was sent; none after a retransmission (Karn's rule).
    pub timed: Option<(SeqNum, Instant)>,
    /// Timeouts in a row.
    pub backoffs: u32,
    /// How often the SYN, or the SYN,ACK, had to be sent again (RFC 6298 section 5.7).
    pub syn_timeouts: u32,
}

/// Acknowledgments that are owed to the peer (RFC 9293 section 3.8.6.3).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Owed {
    /// An ACK is to be sent at once.
    pub now: bool,
    /// Octets taken since the last ACK.
    pub octets: u32,
}

/// Limits the rate of challenge ACKs (RFC 5961 section 7).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Challenges {
    pub since: Option<Instant>,
    pub sent: u32,
}

impl Challenges {
    /// Begins a new interval, once the last one is over.
    pub(super) fn renew(&mut self, now: Instant, interval: Duration) {
        if self.since.is_none_or(|since| now.since(since) >= interval) {
            self.since = Some(now);
            self.sent = 0;
        }
    }
}

/// A SEND that has not been queued as a whole.
#[derive(Clone, Debug)]
pub(super) struct PendingSend {
    pub id: CallId,
    pub data: Vec<u8>,
    pub taken: usize,
    pub urgent: bool,
}

/// A RECEIVE that waits.
#[derive(Clone, Debug)]
pub(super) struct PendingReceive {
    pub id: CallId,
    /// Exactly so many octets, unless the stream ends; `None`: at least one.
    pub amount: Option<usize>,
    pub data: Vec<u8>,
}

/// A CLOSE that waits for the SENDs before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct PendingClose {
    pub id: CallId,
    /// Whether reading is given up too.
    pub both: bool,
}

/// The user of a connection, and its calls.
#[derive(Clone, Debug, Default)]
pub(super) struct User {
    /// The user's name for the connection; none before the connection is accepted, and after it is closed.
    pub socket: Option<SocketId>,
    /// Whether the connection waits to be accepted, or has been.
    pub handed_over: bool,
    pub connect: Option<CallId>,
    pub sends: VecDeque<PendingSend>,
    pub receives: VecDeque<PendingReceive>,
    /// Calls that wait for urgent data.
    pub urgents: VecDeque<CallId>,
    pub close: Option<PendingClose>,
    /// The user has given up reading.
    pub reading_given_up: bool,
    /// Why the connection ended, until the user has been told.
    pub error: Option<ErrorName>,
}

/// Path MTU discovery (RFC 1191, RFC 8201, with the care of RFC 5927 section 7.2).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PathMtu {
    /// The estimate, in octets of an IP packet.
    pub mtu: usize,
    /// The largest packet sent so far, and the largest acknowledged.
    pub largest_sent: usize,
    pub largest_acked: usize,
    /// The estimate has become smaller than the MTU of the link.
    pub lowered: bool,
    /// A claimed MTU that is believed once the segment with this number times out.
    pub claimed: Option<(usize, SeqNum)>,
}

/// ECN's state (RFC 3168 section 6.1).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EcnState {
    /// Every ACK carries ECE until CWR comes.
    pub echo: bool,
    /// The next new data carries CWR.
    pub cwr: bool,
    /// The SYN of the peer had ECE and CWR.
    pub asked: bool,
    /// The peer's SYN came again without ECN: nothing of ours is ECN-capable (RFC 3168 section 6.1.1).
    pub withheld: bool,
    /// SND.NXT when the window was last reduced for a mark.
    pub reduced_at: Option<SeqNum>,
}

/// One connection.
#[derive(Clone, Debug)]
pub(super) struct Tcb {
    pub local: SocketAddr,
    pub peer: SocketAddr,
    pub state: State,
    pub opened: Opened,

    pub iss: SeqNum,
    pub snd_una: SeqNum,
    pub snd_nxt: SeqNum,
    pub snd_wnd: u32,
    pub snd_wl1: SeqNum,
    pub snd_wl2: SeqNum,
    /// One past the last urgent octet (RFC 9293 section 3.8.5, MUST-62).
    pub snd_up: Option<SeqNum>,
    /// The largest window that the peer offered.
    pub max_snd_wnd: u32,

    pub irs: SeqNum,
    pub rcv_nxt: SeqNum,
    /// RCV.NXT + RCV.WND: the right edge, which never moves left.
    pub rcv_edge: SeqNum,
    pub rcv_up: Option<SeqNum>,
    /// TS.Recent, and when it was taken (RFC 7323 section 4.3).
    pub ts_recent: u32,
    pub ts_recent_at: Instant,
    pub last_ack_sent: SeqNum,
    /// What mistakes in the last step copy from (`slips`).
    pub first_sending: FirstSending,
    /// What mistakes in the last step copy from (`slips`).
    pub last_heard: LastHeard,
    /// Where timestamps begin (RFC 7323 section 5.4).
    pub ts_offset: u32,

    pub agreed: Agreed,
    /// SendMSS: what the peer announced, or the default (RFC 9293 section 3.7.1).
    pub snd_mss: usize,
    /// Whether the peer announced it.
    pub mss_announced: bool,
    pub path: PathMtu,
    pub queue: SendQueue,
    /// CLOSE has taken effect: a FIN follows what is queued.
    pub closing: bool,
    /// The FIN has been sent.
    pub fin_sent: bool,
    /// The peer's FIN has been taken.
    pub fin_received: bool,
    pub received: ReceiveQueue,
    pub reports: Reports,
    pub scoreboard: Scoreboard,
    pub congestion: Congestion,
    pub rack: Rack,
    pub round_trip: RoundTrip,
    pub timers: Timers,
    /// The time until the next window probe.
    pub persist_for: Duration,
    /// Window probes that have not been answered.
    pub probes: u32,
    /// A soft error since the last segment from the peer: it is the reason that the user is told if the connection is
    /// given up (RFC 9293 section 3.9.2.2, SHLD-25).
    pub soft_error: Option<ErrorName>,
    /// The size of segments is a multiple of this.
    pub segment_unit: usize,
    /// Where the last segment ended that was less than full.
    pub small_sent: Option<SeqNum>,
    /// How many octets the last SEND had.
    pub last_send: usize,
    /// Only the octet of a window probe is outstanding.
    pub probed: bool,
    /// The FIN on a SYN was acknowledged together with the SYN, and is still to be processed.
    pub syn_fin_acked: bool,
    pub owed: Owed,
    /// How many more ACKs do not wait.
    pub quick_acks: u32,
    pub challenges: Challenges,
    pub ecn: EcnState,
    /// When the last segment came from the peer, and when data was last sent.
    pub heard_at: Instant,
    pub sent_at: Instant,
    pub keep_alives: u32,
    /// The user timeout that the peer announced (RFC 5482), and whether ours is still to be announced.
    pub uto_remote: Option<Duration>,
    pub uto_announce: bool,
    /// The fast open cookie for the SYN,ACK (RFC 7413).
    pub cookie: Option<Vec<u8>>,
    /// Text on the SYN was delivered before the end of the handshake.
    pub fast_open: bool,
    /// How our own SYN uses fast open (RFC 7413), where the application asked for it.
    pub opening: Option<FastOpening>,
    /// The last text had PSH.
    pub pushed: bool,
    /// The connection in TIME-WAIT that this one replaces (RFC 9293 section 3.6.1).
    pub before: Option<Box<Tcb>>,
    pub user: User,
    pub settings: Settings,
    /// The decider of its endpoint.
    pub decider: Decider,
}

impl Subject for Tcb {
    fn decider(&self) -> &Decider {
        &self.decider
    }
}

impl RoundTrip {
    /// The estimator before the first measurement (RFC 6298 section 2.1).
    fn unmeasured(cx: &Context) -> RoundTrip {
        RoundTrip {
            srtt: None,
            rttvar: Duration::ZERO,
            rto: decisions::first_rto(cx),
            timed: None,
            backoffs: 0,
            syn_timeouts: 0,
        }
    }
}

impl Tcb {
    /// A block in CLOSED, between these ends, with this ISS.
    pub(super) fn new(cx: &Context, local: SocketAddr, peer: SocketAddr, opened: Opened, settings: Settings) -> Tcb {
        let zero = SeqNum(0);
        let mut tcb = Tcb {
            local,
            peer,
            state: State::Closed,
            opened,
            iss: zero,
            snd_una: zero,
            snd_nxt: zero,
            snd_wnd: 0,
            snd_wl1: zero,
            snd_wl2: zero,
            snd_up: None,
            max_snd_wnd: 0,
            irs: zero,
            rcv_nxt: zero,
            rcv_edge: zero,
            rcv_up: None,
            ts_recent: 0,
            ts_recent_at: cx.now,
            last_ack_sent: zero,
            first_sending: FirstSending::default(),
            last_heard: LastHeard::default(),
            ts_offset: super::isn::timestamp_offset(cx, local, peer),
            agreed: Agreed::default(),
            snd_mss: super::options::default_mss(local.is_ipv4()),
            mss_announced: false,
            path: PathMtu {
                mtu: cx.config.mtu,
                ..PathMtu::default()
            },
            queue: SendQueue::new(zero),
            closing: false,
            fin_sent: false,
            fin_received: false,
            received: ReceiveQueue::default(),
            reports: Reports::default(),
            scoreboard: Scoreboard::default(),
            congestion: Congestion::default(),
            rack: Rack::default(),
            round_trip: RoundTrip::unmeasured(cx),
            timers: Timers::default(),
            persist_for: Duration::ZERO,
            probes: 0,
            soft_error: None,
            segment_unit: cx.config.segment_unit,
            small_sent: None,
            last_send: usize::MAX,
            probed: false,
            syn_fin_acked: false,
            owed: Owed::default(),
            quick_acks: cx.config.quick_acks,
            challenges: Challenges::default(),
            ecn: EcnState::default(),
            heard_at: cx.now,
            sent_at: cx.now,
            keep_alives: 0,
            uto_remote: None,
            uto_announce: decisions::uses_user_timeout(cx),
            cookie: None,
            fast_open: false,
            opening: None,
            pushed: false,
            before: None,
            user: User::default(),
            settings,
            decider: cx.decider.clone(),
        };
        tcb.choose_scale(cx);
        tcb
    }

    /// Sets ISS, and with it where everything that is sent begins (RFC 9293 section 3.10.1).
    pub(super) fn set_iss(&mut self, iss: SeqNum) {
        self.iss = iss;
        self.snd_una = iss;
        self.snd_nxt = iss;
        self.queue = SendQueue::new(iss.advanced(1));
        self.congestion.recover = iss;
    }

    /// Sets IRS and RCV.NXT from a SYN.
    pub(super) fn set_irs(&mut self, irs: SeqNum) {
        self.irs = irs;
        self.rcv_nxt = decisions::rcv_nxt_after_syn(self, irs);
        self.rcv_edge = self.rcv_nxt;
        self.last_ack_sent = self.rcv_nxt;
    }

    /// Chooses the smallest shift with which the window field can describe the whole buffer (RFC 7323 section 2.3).
    pub(super) fn choose_scale(&mut self, cx: &Context) {
        self.agreed.rcv_wind_shift = decisions::rcv_wind_shift(self, cx);
    }

    /// RCV.WND: from RCV.NXT to the right edge.
    pub(super) fn rcv_wnd(&self) -> u32 {
        if self.rcv_edge.before(self.rcv_nxt) {
            0
        } else {
            span(self.rcv_nxt, self.rcv_edge)
        }
    }

    /// The number of the FIN, if it has been sent.
    pub(super) fn fin_number(&self) -> Option<SeqNum> {
        self.fin_sent.then(|| self.queue.end())
    }

    /// Whether our FIN has been acknowledged.
    pub(super) fn fin_is_acked(&self) -> bool {
        self.fin_number().is_some_and(|fin| decisions::covers_fin(self, fin))
    }

    /// Octets that have not been sent yet.
    pub(super) fn unsent(&self) -> usize {
        self.queue.after(self.snd_nxt)
    }

    /// Whether anything is sent and not acknowledged.
    pub(super) fn has_outstanding(&self) -> bool {
        self.snd_una != self.snd_nxt
    }

    /// FlightSize, in numbers (RFC 5681 section 2).
    pub(super) fn flight(&self) -> u32 {
        span(self.snd_una, self.snd_nxt)
    }

    /// ESTABLISHED and every later state (RFC 9293 section 3.5.2).
    pub(super) fn is_synchronized(&self) -> bool {
        match self.state {
            State::Closed | State::Listen | State::SynSent | State::SynReceived => false,
            State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => true,
        }
    }

    /// Whether `ack` acknowledges something new: SND.UNA < SEG.ACK =< SND.NXT.
    pub(super) fn acks_new(&self, ack: SeqNum) -> bool {
        self.snd_una.before(ack) && leq(ack, self.snd_nxt)
    }

    /// The earliest deadline.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let timers = &self.timers;
        let all = [
            timers.retransmission,
            timers.persist,
            timers.reordering,
            timers.tail_probe,
            timers.override_delay,
            timers.delayed_ack,
            timers.keep_alive,
            timers.user,
            timers.time_wait,
            timers.fin_wait_2,
        ];
        all.into_iter().flatten().min()
    }
}
