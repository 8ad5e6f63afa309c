//! The words that steps may name: what can be measured, and what a middlebox can take away.

use crate::stack::{Word, word};

/// What `measure` can take at an `expect`; a `result` has `elapsed` only.
pub const MEASURES: &[Word] = &[
    word("elapsed", "the time since the mark, in seconds"),
    word("count", "how many frames were taken"),
    word("port", "the port that it came from"),
    word("seq", "the sequence number, from the sender's ISN"),
    word("abs.seq", "the sequence number as on the wire"),
    word("ack", "the acknowledgment number, from our ISN"),
    word("abs.ack", "the acknowledgment number as on the wire"),
    word("win", "the raw window"),
    word("up", "the urgent pointer"),
    word("data", "octets of payload"),
    word("offset", "the data offset"),
    word("reserved", "the reserved bits"),
    word("ip.ecn", "the ECN field"),
    word("ip.dscp", "the DSCP"),
    word("ip.ttl", "the time to live, or hop limit"),
    word("ip.len", "octets of the packet"),
    word("ip.id", "the identification"),
    word("ip.df", "the don't-fragment bit"),
    word("ip.flow", "the flow label"),
    word("mss", "the MSS option"),
    word("wscale", "the window scale option"),
    word("ts", "TSval of the timestamps option"),
    word("fo", "the fast open cookie"),
    word("md5", "the MD5 signature"),
    word("uto", "the user timeout option"),
];

/// What `strip` can take away: the options by name, with their kinds.
pub const STRIPPABLE: &[(&str, u8)] = &[
    ("mss", 2),
    ("wscale", 3),
    ("sackOK", 4),
    ("sack", 5),
    ("ts", 8),
    ("md5", 19),
    ("uto", 28),
    ("ao", 29),
    ("mptcp", 30),
    ("fo", 34),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_measure_stands_twice() {
        let names: BTreeSet<_> = MEASURES.iter().map(|word| word.name).collect();
        assert_eq!(names.len(), MEASURES.len());
    }
}
