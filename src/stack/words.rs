//! Words that cases may use for things outside themselves: abilities, and settings of the host. Each has a meaning; the
//! loader, the schema and the runners check against these lists.

use super::Setting;

/// A word and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// As written.
    pub name: &'static str,
    /// In a sentence.
    pub meaning: &'static str,
}

/// A word of a list.
pub const fn word(name: &'static str, meaning: &'static str) -> Word {
    Word { name, meaning }
}

/// What a target can do or not, other than `set:` and a setting: what a runner's abilities are made of.
pub const ABILITIES: &[Word] = &[
    word("abort", "the application can abort a connection"),
    word("accept", "the application takes connections from a listener"),
    word("close", "the application can close a connection for both directions"),
    word("connect", "the application can open actively"),
    word("fast-open-client", "connect can use fast open"),
    word("fast-open-server", "a listener can use fast open"),
    word("ipv4", "speaks IPv4"),
    word("ipv6", "speaks IPv6"),
    word("isn", "its initial sequence numbers can be chosen"),
    word("listen", "the application can open passively"),
    word("recv", "the application can receive"),
    word("sack", "can negotiate SACK"),
    word(
        "sack-room",
        "leaves room for SACK blocks in every segment, so that each carries less",
    ),
    word("send", "the application can send"),
    word("shutdown", "the application can close its own direction only"),
    word("state", "tells the state of a connection"),
    word("timestamps", "can negotiate timestamps"),
    word("urgent", "the application can send urgent data, and is told of it"),
    word("virtual-time", "its clock is the tester's, so that days pass at once"),
    word("window-scale", "can negotiate window scaling"),
];

/// What a setting of the host takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// A time: `30s`.
    Time,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// A setting of the whole host, by a name that fits any stack; `configure` asks for it, a runner maps it to a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostSetting {
    /// As written.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// In a sentence.
    pub meaning: &'static str,
}

const fn setting(name: &'static str, takes: Takes, meaning: &'static str) -> HostSetting {
    HostSetting { name, takes, meaning }
}

/// Everything that `configure` knows.
pub const HOST_SETTINGS: &[HostSetting] = &[
    setting(
        "abort-on-overflow",
        Takes::Flag,
        "a RST instead of silence when the accept queue is full",
    ),
    setting(
        "ack-range-check",
        Takes::Flag,
        "the check of SEG.ACK against blind data injection (RFC 5961 section 5)",
    ),
    setting("accurate-ecn", Takes::Flag, "more accurate ECN feedback (RFC 9768)"),
    setting(
        "challenge-ack-limit",
        Takes::Number,
        "how many challenge ACKs a second the host sends",
    ),
    setting(
        "congestion-control",
        Takes::OneOf(&["reno", "cubic"]),
        "the congestion control of new connections",
    ),
    setting(
        "data-retries",
        Takes::Number,
        "how often data is sent again before the connection is given up",
    ),
    setting(
        "delayed-ack",
        Takes::Flag,
        "acknowledgments may wait for a second segment (RFC 9293 section 3.8.6.3)",
    ),
    setting("dsack", Takes::Flag, "duplicates are reported by D-SACK (RFC 2883)"),
    setting("early-retransmit", Takes::Flag, "early retransmit (RFC 5827)"),
    setting("ecn", Takes::Flag, "ECN is offered and accepted (RFC 3168)"),
    setting("f-rto", Takes::Flag, "detection of spurious timeouts (RFC 5682)"),
    setting("fast-open", Takes::Flag, "fast open for both roles (RFC 7413)"),
    setting(
        "fin-timeout",
        Takes::Time,
        "how long an abandoned connection stays in FIN-WAIT-2",
    ),
    setting(
        "keep-alive-idle",
        Takes::Time,
        "the default idle time before a keep-alive",
    ),
    setting(
        "linear-syn-timeouts",
        Takes::Number,
        "how many SYNs are sent again before the interval doubles",
    ),
    setting("min-rto", Takes::Time, "the least retransmission timeout"),
    setting(
        "orphan-retries",
        Takes::Number,
        "how often a connection that was closed by its owner sends again",
    ),
    setting(
        "path-mtu-discovery",
        Takes::Flag,
        "ICMP may lower the path MTU (RFC 1191, RFC 8201)",
    ),
    setting(
        "path-mtu-probing",
        Takes::OneOf(&["never", "when-black-hole", "always"]),
        "probing by size (RFC 4821)",
    ),
    setting("rack", Takes::Flag, "RACK and tail loss probes (RFC 8985)"),
    setting("rfc1337", Takes::Flag, "a RST does not end TIME-WAIT (RFC 1337)"),
    setting("sack", Takes::Flag, "SACK is offered and accepted (RFC 2018)"),
    setting(
        "slow-start-after-idle",
        Takes::Flag,
        "the congestion window falls back when idle (RFC 5681 section 4.1)",
    ),
    setting("syn-ack-retries", Takes::Number, "how often a SYN,ACK is sent again"),
    setting(
        "syn-cookies",
        Takes::OneOf(&["never", "when-full", "always"]),
        "SYN cookies (RFC 4987 section 3.6)",
    ),
    setting("syn-retries", Takes::Number, "how often a SYN is sent again"),
    setting(
        "timestamps",
        Takes::Flag,
        "timestamps are offered and accepted (RFC 7323)",
    ),
    setting(
        "tw-reuse",
        Takes::Flag,
        "an active open may take over a connection in TIME-WAIT (RFC 6191)",
    ),
    setting(
        "user-timeout-option",
        Takes::Flag,
        "the user timeout is announced and taken over (RFC 5482)",
    ),
    setting(
        "window-scaling",
        Takes::Flag,
        "window scaling is offered and accepted (RFC 7323)",
    ),
];

/// Whether it is an ability of targets.
pub fn is_ability(name: &str) -> bool {
    match name.strip_prefix("set:") {
        Some(setting) => Setting::of_sockets().any(|known| known.name() == setting),
        None => ABILITIES.iter().any(|word| word.name == name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_word_stands_twice_in_a_list() {
        let names: BTreeSet<_> = ABILITIES.iter().map(|word| word.name).collect();
        assert_eq!(names.len(), ABILITIES.len());
        let names: BTreeSet<_> = HOST_SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(names.len(), HOST_SETTINGS.len());
    }

    #[test]
    fn abilities_are_known_by_name() {
        assert!(is_ability("urgent") && is_ability("set:linger") && !is_ability("set:colour"));
    }
}
