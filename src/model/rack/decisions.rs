//! What is decided about RACK-TLP: loss detection by time, and tail loss probes.

use super::may_probe_tail;
use crate::model::decision::decisions;
use crate::model::seq::span;
use crate::model::tcb::Tcb;
use crate::time::Instant;
use crate::wire::SeqNum;

decisions! {
    /// Whether losses are detected by time, which needs SACK.
    "RFC 8985 section 4"
    fn tells_losses_by_time(tcb: &Tcb) -> bool {
        lawful => false,
        or Rack => tcb.agreed.sack,
    }

    /// When the reordering timer expires, where `due` is the time that section 6.2 asks for.
    "RFC 8985 section 6.2, step 5"
    fn reordering_timer(_tcb: &Tcb, due: Option<Instant>) -> Option<Instant> {
        lawful => due,
        wrong ReorderingTimerMissing => None,
    }

    /// Whether a tail loss probe is sent.
    "RFC 8985 section 7.2"
    fn tail_is_probed(tcb: &Tcb) -> bool {
        lawful => tells_losses_by_time(tcb) && may_probe_tail(tcb),
        wrong TailProbeMissing => false,
    }

    /// The segment that a tail loss probe sends again: the one with the highest number.
    "RFC 8985 section 7.3"
    fn probed_segment(tcb: &Tcb) -> Option<SeqNum> {
        lawful => tcb.rack.sent.iter().map(|it| it.seq).max_by_key(|seq| span(tcb.snd_una, *seq)),
        wrong TailProbeFromTheFront => tcb.rack.sent.iter().map(|it| it.seq).min_by_key(|seq| span(tcb.snd_una, *seq)),
    }

    /// Whether no second probe is sent until an ACK has answered the first.
    "RFC 8985 section 7.3"
    fn probe_is_remembered(_tcb: &Tcb) -> bool {
        lawful => true,
        wrong TailProbeRepeated => false,
    }
}
