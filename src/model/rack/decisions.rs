//! What is decided about losses that are told by time, and about the tail.

use super::may_probe_tail;
use crate::model::decision::decisions;
use crate::model::seq::span;
use crate::model::tcb::Tcb;
use crate::time::Instant;
use crate::wire::SeqNum;

decisions! {
    /// Whether losses are told by time. It goes by what is reported.
    "RFC 8985 section 4"
    fn tells_losses_by_time(tcb: &Tcb) -> bool {
        lawful => false,
        or Rack => tcb.agreed.sack,
    }

    /// When what was not reported yet counts as lost, where that is `due` then.
    "RFC 8985 section 6.2, step 5"
    fn reordering_timer(_tcb: &Tcb, due: Option<Instant>) -> Option<Instant> {
        lawful => due,
        wrong ReorderingTimerMissing => None,
    }

    /// Whether a lost tail is probed for.
    "RFC 8985 section 7.2"
    fn tail_is_probed(tcb: &Tcb) -> bool {
        lawful => tells_losses_by_time(tcb) && may_probe_tail(tcb),
        wrong TailProbeMissing => false,
    }

    /// The segment that goes out once more as a probe: the one with the highest number.
    "RFC 8985 section 7.3"
    fn probed_segment(tcb: &Tcb) -> Option<SeqNum> {
        lawful => tcb.rack.sent.iter().map(|it| it.seq).max_by_key(|seq| span(tcb.snd_una, *seq)),
        wrong TailProbeFromTheFront => tcb.rack.sent.iter().map(|it| it.seq).min_by_key(|seq| span(tcb.snd_una, *seq)),
    }

    /// Whether a second probe waits until something has been heard of the first.
    "RFC 8985 section 7.3"
    fn probe_is_remembered(_tcb: &Tcb) -> bool {
        lawful => true,
        wrong TailProbeRepeated => false,
    }
}
