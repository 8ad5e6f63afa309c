//! The known gaps: what is known not to hold, with the reason for each. No other file may list gaps.
//!
//! A proof of the whole library reports entries that are no longer needed.

use crate::suite::Pattern;

/// Rows that do not pass under a choice: the choice, the rows, and why that is as it should be.
const CHOICES: &[(&str, &str, &str)] = &[
    (
        "delayed-ack=no",
        "timers/ack-waits-for-company",
        "the row is about just this: SHLD-18 asks for delayed ACKs",
    ),
    (
        "limited-transmit=no",
        "congestion/fast-recovery[limited-transmit]",
        "the row is about just this: RFC 3042",
    ),
    ("syn-cookies=always", "congestion/lost-syn*", NO_HALF_OPEN),
    ("syn-cookies=always", "handshake/half-open-given-up", NO_HALF_OPEN),
    ("syn-cookies=always", "handshake/out-of-window*", NO_HALF_OPEN),
    ("syn-cookies=always", "handshake/syn-ack-given-up", NO_HALF_OPEN),
    ("syn-cookies=always", "portrait/syn-ack-retries", NO_HALF_OPEN),
    ("syn-cookies=always", "retransmission/after-a-lost-syn*", NO_HALF_OPEN),
    ("syn-cookies=always", "retransmission/first-sample*", NO_HALF_OPEN),
    (
        "close-with-unread=fin",
        "close/how-close-speaks[unread-data]",
        "the row is about just this: RFC 2525 section 2.17 asks for a RST",
    ),
    (
        "hard-errors=abort",
        "icmp/hard-errors*",
        "the rows are about just this: RFC 5927 section 5.2 asks for patience",
    ),
    (
        "hard-errors=abort",
        "icmp/prohibited[connection]",
        "the row is about just this: RFC 5927 section 5.2 asks for patience",
    ),
    (
        "keep-alive-probe=octet",
        "timers/keep-alive",
        "the row is about just this: SHLD-12 asks for an empty probe",
    ),
    (
        "nagle=no",
        "segmentation/nagle-full",
        "the row is about just this: SHLD-7 asks for Nagle's algorithm",
    ),
    (
        "reopen-time-wait=no",
        "time-wait/new-syn*",
        "the rows are the algorithm of RFC 6191, which is left out then",
    ),
    ("syn-cookies=always", "handshake/another-syn*", NO_HALF_OPEN),
    ("syn-cookies=always", "handshake/syn-ack-lost*", NO_HALF_OPEN),
    ("syn-cookies=always", "handshake/syn-in-window", NO_HALF_OPEN),
    ("syn-cookies=always", "handshake/third-segment[late=true*", NO_HALF_OPEN),
    ("syn-cookies=always", "handshake/wrong-third-segment*", NO_HALF_OPEN),
    ("syn-cookies=always", "reset/acceptance[state=SYNRCVD*", NO_HALF_OPEN),
    ("syn-cookies=always", "retransmission/syn-ack", NO_HALF_OPEN),
    ("syn-cookies=always", "calls/abort*", COOKIE_AGAIN),
    ("syn-cookies=always", "retransmission/given-up", COOKIE_AGAIN),
    ("syn-cookies=always", "timers/user-timeout*", COOKIE_AGAIN),
    (
        "syn-cookies=always",
        "time-wait/new-syn*",
        "a cookie knows nothing of the connection before",
    ),
    (
        "syn-cookies=always",
        "time-wait/old-duplicate-syn",
        "a cookie knows nothing of the connection before",
    ),
    (
        "syn-cookies=always",
        "security/isn-clock",
        "a cookie is a hash, and goes by no clock (RFC 4987 section 3.6)",
    ),
    (
        "syn-cookies=always",
        "segmentation/nagle-full",
        "a cookie remembers the MSS roughly, here 536 for 600",
    ),
];

const NO_HALF_OPEN: &str = "with a cookie there is no connection in SYN-RECEIVED (RFC 4987 section 3.6)";
const COOKIE_AGAIN: &str =
    "an ACK of the old connection brings its cookie back, and opens it again (RFC 4987 section 3.6)";

/// Changed replies that a row passes: the rows, the step and how the reply differs, and why that is lawful.
const CHANGES: &[(&str, &str, &str)] = &[
    (
        "network/duplicated",
        "*",
        "two copies of each segment arrive, and each may be answered",
    ),
    (
        "network/bad-line",
        "*doubled",
        "each ACK of the tester may tell of a loss, so a second copy may be a repetition",
    ),
    (
        "calls/blocking",
        "call: send 5000000: ended",
        "how much a stack keeps for sending is its own affair",
    ),
    (
        "simultaneous-close/fin-twice*",
        "*doubled",
        "both copies of the FIN are answered, and the answers are alike",
    ),
    (
        "retransmission/after-a-partial-ack[state=FINWAIT1]",
        "*without FIN",
        "a FIN may come in a segment of its own",
    ),
    ("close/ack-of-peers-fin-lost*", "expect: nothing: an ACK", STILL_OWED),
    ("simultaneous-close/loss*", "expect: nothing: an ACK", STILL_OWED),
];

const STILL_OWED: &str = "the ACK of the FIN was dropped on the way, so it may come";

/// Looks gaps up, and notes which entries were needed.
#[derive(Clone, Debug)]
pub(super) struct Known {
    choices: Vec<bool>,
    changes: Vec<bool>,
}

impl Known {
    pub(super) fn new() -> Known {
        Known {
            choices: vec![false; CHOICES.len()],
            changes: vec![false; CHANGES.len()],
        }
    }

    /// Why a row need not pass under a choice.
    pub(super) fn choice(&mut self, switch: &str, row: &str) -> Option<&'static str> {
        let fits = |(name, rows, _): &(&str, &str, &str)| *name == switch && Pattern::new(rows).fits(row);
        let at = CHOICES.iter().position(fits)?;
        self.choices[at] = true;
        Some(CHOICES[at].2)
    }

    /// Why a row may pass a change: `expect: ACK ack=4: doubled`.
    pub(super) fn change(&mut self, row: &str, change: &str) -> Option<&'static str> {
        let fits =
            |(rows, what, _): &(&str, &str, &str)| Pattern::new(rows).fits(row) && Pattern::new(what).fits(change);
        let at = CHANGES.iter().position(fits)?;
        self.changes[at] = true;
        Some(CHANGES[at].2)
    }

    /// The entries that were never needed, in words.
    pub(super) fn unneeded(&self) -> Vec<String> {
        let choices = CHOICES.iter().zip(&self.choices).filter(|(_, needed)| !**needed);
        let changes = CHANGES.iter().zip(&self.changes).filter(|(_, needed)| !**needed);
        let choices = choices.map(|((switch, rows, _), _)| format!("{rows} passes under {switch}"));
        choices
            .chain(changes.map(|((rows, what, _), _)| format!("{rows} notices `{what}`")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Switch;

    #[test]
    fn every_choice_is_one_that_there_is() {
        assert!(CHOICES.iter().all(|(switch, ..)| Switch::from_name(switch).is_some()));
    }

    #[test]
    fn what_is_known_is_found_by_its_pattern_and_is_then_needed() {
        let mut known = Known::new();
        assert_eq!(known.choice("nagle=no", "sack/blocks"), None);
        assert!(known.choice("nagle=no", "segmentation/nagle-full").is_some());
        assert!(
            known
                .change("network/bad-line", "expect: ACK data=5000: doubled")
                .is_some()
        );
        assert_eq!(known.change("network/bad-line", "expect: ACK data=5000: ack +1"), None);
        assert_eq!(known.unneeded().len(), CHOICES.len() + CHANGES.len() - 2);
    }
}
