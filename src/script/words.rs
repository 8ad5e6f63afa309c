//! The TCP options that a middlebox can remove, by name.

/// The options that `strip` can name, with their kinds.
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
