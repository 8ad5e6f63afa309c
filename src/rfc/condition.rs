//! The conditions under which requirements apply.

use core::fmt;

macro_rules! conditions {
    ($($variant:ident $name:literal $meaning:literal;)*) => {
        /// Something optional that a stack has or not, and that requirements depend on: `when` of a requirement, and
        /// `needs` of a case. A runner claims those that its stack meets.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Condition {
            $(#[doc = concat!("The stack ", $meaning, ".")] $variant,)*
        }

        impl Condition {
            /// All of them, in the order of their names.
            pub const ALL: &[Condition] = &[$(Condition::$variant),*];

            /// As requirements, cases and runners write it: `rfc5961`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Condition::$variant => $name,)*
                }
            }

            /// What a stack does that meets it: "implements ECN (RFC 3168), and has it switched on".
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Condition::$variant => $meaning,)*
                }
            }
        }
    };
}

conditions! {
    AccurateEcn "accurate-ecn" "implements more accurate ECN feedback (RFC 9768)";
    ByteCounting "byte-counting" "implements appropriate byte counting (RFC 3465)";
    Cubic "cubic" "uses CUBIC as its congestion control (RFC 9438)";
    EarlyRetransmit "early-retransmit" "implements early retransmit (RFC 5827)";
    Ecn "ecn" "implements ECN (RFC 3168), and has it switched on";
    EcnSynAck "ecn-syn-ack" "marks its SYN,ACK as ECN-capable (RFC 5562)";
    EphemeralPorts "ephemeral-ports" "chooses the ports of the connections that it opens (RFC 6056)";
    FRto "f-rto" "implements F-RTO (RFC 5682)";
    FastOpen "fast-open" "implements fast open (RFC 7413)";
    InitialWindow10 "initial-window-10" "implements the larger initial window (RFC 6928)";
    InitialWindow4 "initial-window-4" "keeps to the initial window of two to four segments (RFC 3390, RFC 5681)";
    Jumbograms "jumbograms" "supports IPv6 jumbograms (RFC 2675)";
    KeepAlive "keep-alive" "implements keep-alives (RFC 9293 section 3.8.4)";
    LargeWindow "large-window" "offers a window of 64 KB as it reads, so that many full segments fit";
    LimitedTransmit "limited-transmit" "implements limited transmit (RFC 3042)";
    Md5 "md5" "implements the MD5 signature option (RFC 2385)";
    Multipath "multipath" "implements Multipath TCP (RFC 8684)";
    PathMtuDiscovery "path-mtu-discovery" "implements path MTU discovery by ICMP (RFC 1191, RFC 8201)";
    Plpmtud "plpmtud" "implements packetization-layer path MTU discovery (RFC 4821)";
    Rack "rack" "implements RACK-TLP (RFC 8985)";
    Rfc5961 "rfc5961" "implements the defences against blind attacks (RFC 5961)";
    Rfc6191 "rfc6191" "recycles TIME-WAIT by timestamps (RFC 6191)";
    Sack "sack" "implements selective acknowledgments (RFC 2018, RFC 2883, RFC 6675)";
    SynCookies "syn-cookies" "implements SYN cookies (RFC 4987 section 3.6)";
    TcpAo "tcp-ao" "implements the authentication option (RFC 5925)";
    Timestamps "timestamps" "implements timestamps (RFC 7323 section 3)";
    UserTimeoutOption "user-timeout-option" "implements the user timeout option (RFC 5482)";
    WindowScale "window-scale" "implements window scaling (RFC 7323 section 2)";
}

impl Condition {
    /// The condition of that name.
    pub fn from_name(name: &str) -> Option<Condition> {
        Condition::ALL.iter().copied().find(|known| known.name() == name)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_known_by_name_and_stand_in_the_order_of_names() {
        assert!(Condition::ALL.is_sorted_by_key(|condition| condition.name()));
        for condition in Condition::ALL {
            assert_eq!(Condition::from_name(condition.name()), Some(*condition));
        }
        assert_eq!(Condition::from_name("rfc5962"), None);
    }
}
