//! What is decided about text, urgent data and congestion marks.

use crate::model::context::Context;
use crate::model::decision::decisions;
use crate::model::segment_arrives::Arriving;
use crate::model::segment_arrives::fate::{Acknowledged, Ending, Fate, Next, Reply};
use crate::model::tcb::Tcb;
use crate::rfc::State;
use crate::stack::ErrorName;
use crate::wire::Ecn;

/// What is done with text above a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum AboveGap {
    /// It waits until the gap is filled.
    Waits,
    /// It is thrown away.
    ThrownAway,
    /// It waits, and what waited behind it is cut off.
    CutsOffTheRest,
    /// It is delivered at once, as if it were in order.
    Delivered,
}

/// Whether marks are echoed after a segment; `mark` says whether it is marked, and `ends` whether it ends the echo.
fn echo(tcb: &Tcb, mark: bool, ends: bool) -> bool {
    mark || (tcb.ecn.echo && !ends)
}

/// Whether a segment carries a mark that counts: together with text, or on the probe of a closed window.
fn is_marked(segment: &Arriving) -> bool {
    segment.ecn == Ecn::Ce && (!segment.text.is_empty() || segment.probes)
}

decisions! {
    /// Whether the peer may still send text: not after its FIN.
    "RFC 9293 section 3.10.7.4, sixth and seventh check"
    fn takes_text(tcb: &Tcb) -> bool {
        lawful => matches!(tcb.state, State::Established | State::FinWait1 | State::FinWait2),
        wrong DataAfterFinTaken
            if matches!(tcb.state, State::CloseWait | State::Closing | State::LastAck | State::TimeWait) => true,
        wrong HalfCloseClosesBoth if matches!(tcb.state, State::FinWait1 | State::FinWait2) => false,
    }

    /// Whether ACKs carry ECE after a segment: from a mark on until CWR comes; a mark on the segment with CWR begins
    /// the echo anew. Segments outside the window are not seen here, except for probes of a closed window, whose sender
    /// knows the number that is due (section 6.1.6).
    "RFC 3168 section 6.1.3"
    fn echoes_marks(tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => echo(tcb, is_marked(segment), segment.cwr),
        wrong EcnEchoEndless => echo(tcb, is_marked(segment), false),
        wrong EcnEchoMissing => echo(tcb, false, segment.cwr),
        wrong CwrOverMark if segment.cwr => false,
        wrong EcnMarkOnProbeIgnored if segment.probes => echo(tcb, false, segment.cwr),
        wrong EcnEchoOfLast => is_marked(segment),
    }

    /// What becomes of the text of a segment with URG: it is part of the stream (RFC 6093).
    "RFC 9293 section 3.10.7.4, sixth check"
    fn urgent_text(_tcb: &Tcb, segment: &Arriving) -> Fate {
        lawful => Fate::PROCESS,
        wrong UrgentDropped if segment.urg => Fate::DROP,
        wrong UrgentResets if segment.urg => Fate::DROP.then(Next::End(Ending::Quiet)),
    }

    /// Whether text that comes after the peer's FIN is answered; the text itself is ignored in any case.
    "RFC 9293 section 3.10.7.4, seventh check, CLOSE-WAIT STATE"
    fn text_after_fin_is_answered(tcb: &Tcb) -> bool {
        lawful => false,
        or TextAfterFinAnswer => tcb.fin_received,
    }

    /// What becomes of text when the user has given up reading: the peer must learn that its data is lost.
    "RFC 9293 section 3.6.1; SHLD-3"
    fn unread_text(tcb: &Tcb) -> Fate {
        lawful => match tcb.user.reading_given_up {
            true => Fate::answer(Reply::OwnReset)
                .then(Next::End(Ending::Error(ErrorName::Reset, "data after CLOSE"))),
            false => Fate::PROCESS,
        },
        or DataAfterCloseFin => Fate::PROCESS,
        wrong DataAfterCloseSilent => Fate::PROCESS,
    }

    /// What is done with text above a gap.
    "RFC 9293 section 3.10.7.4, seventh check; SHLD-31"
    fn text_above_gap(tcb: &Tcb, cx: &Context, octets: usize) -> AboveGap {
        lawful => match tcb.received.held() + octets <= cx.config.reassembly_limit {
            true => AboveGap::Waits,
            false => AboveGap::ThrownAway,
        },
        or KeepOutOfOrderNo => AboveGap::ThrownAway,
        wrong DropsAboveGap => AboveGap::ThrownAway,
        wrong ContainedSegmentCutsHeldIsland => AboveGap::CutsOffTheRest,
        wrong DeliversAboveGap => AboveGap::Delivered,
    }

    /// When text above a gap is acknowledged: at once, so that the peer can tell that something is missing.
    "RFC 5681 section 4.2"
    fn gap_is_acknowledged(_tcb: &Tcb) -> Acknowledged {
        lawful => Acknowledged::AtOnce,
        wrong GapNotAcked => Acknowledged::Never,
        wrong GapAckDelayed => Acknowledged::Later,
    }

    /// Whether text that fills a gap is acknowledged at once.
    "RFC 5681 section 4.2"
    fn filled_gap_is_acknowledged(_tcb: &Tcb, fills: bool) -> bool {
        lawful => fills,
        wrong GapFillAckDelayed => false,
    }

    /// How many of the octets that have come in order are kept for the user: all, unless it has given up reading.
    "RFC 9293 section 3.10.7.4, seventh check"
    fn octets_delivered(tcb: &Tcb, cx: &Context, segment: &Arriving) -> usize {
        lawful => if tcb.user.reading_given_up { 0 } else { tcb.received.ready.len() },
        wrong UrgentOctetLost if segment.urg => lawful.saturating_sub(1),
        wrong RightOverlapLost => lawful.min(tcb.receive_buffer(cx)),
        wrong TextWithFinLost if segment.fin => 0,
    }
}
