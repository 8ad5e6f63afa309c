//! SEGMENT ARRIVES (RFC 9293 section 3.10.7): one function for each paragraph, in the order of the text.
//!
//! | state | where |
//! |---|---|
//! | CLOSED | [`closed`] |
//! | LISTEN | `listen`, one folder up |
//! | SYN-SENT | [`syn_sent`] |
//! | the others, first check | [`sequence`] |
//! | second | [`reset`] |
//! | third | none: security and compartments are not modelled (RFC 9293 appendix A.1) |
//! | fourth | [`syn`] |
//! | fifth | [`ack`] |
//! | sixth, seventh | [`text`] |
//! | eighth | [`fin`] |
//!
//! The ways in which endpoints may differ, and the mistakes that some make, stand in the tables of decisions: a file
//! `decisions.rs` in each of these folders.

pub(super) mod ack;
pub(super) mod closed;
pub(super) mod decisions;
pub(super) mod fate;
pub(super) mod fin;
pub(super) mod reset;
pub(super) mod sequence;
pub(super) mod syn;
pub(super) mod syn_sent;
pub(super) mod text;

use super::context::Context;
use super::tcb::Tcb;
use crate::rfc::State;
use crate::wire::{Ecn, Flags, Segment, SeqNum, TcpOption};
use core::ops::ControlFlow;

/// The options whose length RFCs 9293, 7323, 2018 and 5482 give: MSS, window scale, SACK permitted, SACK, timestamps,
/// user timeout.
const KNOWN_KINDS: [u8; 6] = [2, 3, 4, 5, 8, 28];

/// Whether an option is illegal of which only kind and octets could be read: a known kind with a wrong length.
fn is_illegal(kind: u8) -> bool {
    KNOWN_KINDS.contains(&kind)
}

/// Whether the next check is made (`Continue`), or the segment has been dealt with (`Break`).
pub(super) type CheckResult = ControlFlow<()>;

/// A segment on its way through the checks, each of which cuts off what the next must not see.
#[derive(Clone, Debug)]
pub(super) struct Arriving {
    pub seq: SeqNum,
    pub ack: SeqNum,
    pub window: u16,
    pub urgent: u16,
    pub syn: bool,
    pub fin: bool,
    pub rst: bool,
    pub ack_bit: bool,
    pub urg: bool,
    pub psh: bool,
    pub ece: bool,
    pub cwr: bool,
    pub reserved: u8,
    pub text: Vec<u8>,
    /// It had text that a closed window refused.
    pub probes: bool,
    pub ecn: Ecn,
    pub mss: Option<u16>,
    pub window_scale: Option<u8>,
    pub sack_permitted: bool,
    pub sack: Vec<(u32, u32)>,
    pub timestamps: Option<(u32, u32)>,
    pub user_timeout: Option<u16>,
    pub fast_open: Option<Vec<u8>>,
    /// It has an option of impossible length.
    pub illegal_option: bool,
}

impl Arriving {
    /// Reads a segment; `None` where it cannot be processed.
    pub(super) fn read(cx: &Context, segment: Segment, ecn: Ecn) -> Option<Arriving> {
        if !decisions::header(cx, &segment).is_taken() {
            return None;
        }
        let flag = |flag: Flags| segment.flags.contains(flag);
        let mut arriving = Arriving {
            seq: segment.seq,
            ack: segment.ack,
            window: segment.window,
            urgent: segment.urgent,
            syn: flag(Flags::SYN),
            fin: flag(Flags::FIN),
            rst: flag(Flags::RST),
            ack_bit: flag(Flags::ACK),
            urg: flag(Flags::URG),
            psh: flag(Flags::PSH),
            ece: flag(Flags::ECE),
            cwr: flag(Flags::CWR),
            reserved: segment.flags.reserved(),
            text: Vec::new(),
            probes: false,
            ecn,
            mss: None,
            window_scale: None,
            sack_permitted: false,
            sack: Vec::new(),
            timestamps: None,
            user_timeout: None,
            fast_open: None,
            illegal_option: false,
        };
        for option in segment.options {
            match option {
                // Nothing behind the end of the list is an option (RFC 9293 section 3.2).
                TcpOption::Eol => break,
                TcpOption::Raw(_) => arriving.illegal_option = true,
                // A known option with a wrong length.
                TcpOption::Other { kind, .. } if is_illegal(kind) => arriving.illegal_option = true,
                option => arriving.take_option(option),
            }
        }
        arriving.text = segment.payload;
        let dropped = decisions::illegal_option_drops(cx, arriving.illegal_option);
        (!dropped).then_some(arriving)
    }

    /// Enters an option; unknown ones, and known ones of a wrong length, are ignored (RFC 9293 section 3.1, MUST-6).
    /// Options that belong on a SYN are ignored elsewhere.
    fn take_option(&mut self, option: TcpOption) {
        match option {
            TcpOption::Mss(size) => self.mss = Some(size),
            TcpOption::WindowScale(shift) if self.syn => self.window_scale = Some(shift),
            TcpOption::SackPermitted if self.syn => self.sack_permitted = true,
            TcpOption::FastOpen(cookie) if self.syn => self.fast_open = Some(cookie),
            TcpOption::Sack(blocks) => self.sack = blocks,
            TcpOption::Timestamps { value, echo } => self.timestamps = Some((value, echo)),
            TcpOption::UserTimeout(value) => self.user_timeout = Some(value),
            TcpOption::WindowScale(_)
            | TcpOption::SackPermitted
            | TcpOption::FastOpen(_)
            | TcpOption::Eol
            | TcpOption::Nop
            | TcpOption::Md5(_)
            | TcpOption::Other { .. }
            | TcpOption::Raw(_) => (),
        }
    }

    /// SEG.LEN: SYN and FIN count (RFC 9293 section 3.4).
    pub(super) fn len(&self) -> u32 {
        self.text.len() as u32 + u32::from(self.syn) + u32::from(self.fin)
    }
}

impl Tcb {
    /// A segment of this connection arrives.
    pub(super) fn segment_arrives(&mut self, cx: &mut Context, segment: Arriving) {
        let fate = decisions::illegal_option(self, &segment);
        if self.meet(cx, &segment, fate).is_break() {
            return;
        }
        self.last_heard.reserved = segment.reserved;
        self.last_heard.time = segment.timestamps.map(|(value, _)| value).or(self.last_heard.time);
        // All that the checks decide is in the TCB by then; nothing is left to be done with the segment.
        let _ = match self.state {
            State::Closed | State::Listen => CheckResult::Break(()),
            State::SynSent => self.syn_sent(cx, segment),
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => self.other_states(cx, segment),
        };
        self.output(cx);
    }

    /// RFC 9293 section 3.10.7.4.
    fn other_states(&mut self, cx: &mut Context, mut segment: Arriving) -> CheckResult {
        self.paws(cx, &segment)?;
        self.first_check_sequence(cx, &mut segment)?;
        self.heard(cx);
        self.second_check_reset(cx, &segment)?;
        self.fourth_check_syn(cx, &segment)?;
        self.fifth_check_ack(cx, &segment)?;
        self.snd_mss = decisions::snd_mss(self, &segment);
        self.take_user_timeout(cx, &segment);
        self.note_congestion_mark(&segment);
        self.sixth_check_urgent(cx, &segment)?;
        self.seventh_text(cx, &segment)?;
        self.eighth_check_fin(cx, &segment)
    }
}
