//! What `measure:` can take at a step.

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    /// The time since the mark.
    Elapsed,
    /// How many frames were taken.
    Count,
    /// The port that the frame came from.
    Port,
    /// The sequence number, from the sender's ISN.
    Seq,
    /// The sequence number as on the wire.
    AbsSeq,
    /// The acknowledgment number, from the ISN of the one who is acknowledged.
    Ack,
    /// The acknowledgment number as on the wire.
    AbsAck,
    /// The raw window.
    Win,
    /// The urgent pointer.
    Up,
    /// Octets of payload.
    Data,
    /// The data offset, in words.
    Offset,
    /// The reserved bits.
    Reserved,
    /// The ECN field of the IP header, 0 to 3 as on the wire.
    IpEcn,
    /// The DSCP.
    IpDscp,
    /// The time to live, or hop limit.
    IpTtl,
    /// Octets of the packet.
    IpLen,
    /// The identification.
    IpId,
    /// The don't-fragment bit, 0 or 1.
    IpDf,
    /// The flow label.
    IpFlow,
    /// The maximum segment size option.
    Mss,
    /// The window scale option.
    WindowScale,
    /// TSval of the timestamps option.
    Timestamp,
    /// The fast open cookie: octets.
    FastOpen,
    /// The MD5 signature: octets.
    Md5,
    /// The user timeout option.
    UserTimeout,
}

/// Each with its name in a case, and what it means.
const TABLE: &[(Quantity, &str, &str)] = &[
    (Quantity::Elapsed, "elapsed", "the time since the mark, in seconds"),
    (Quantity::Count, "count", "how many frames were taken"),
    (Quantity::Port, "port", "the port that it came from"),
    (Quantity::Seq, "seq", "the sequence number, from the sender's ISN"),
    (Quantity::AbsSeq, "abs.seq", "the sequence number as on the wire"),
    (Quantity::Ack, "ack", "the acknowledgment number, from our ISN"),
    (Quantity::AbsAck, "abs.ack", "the acknowledgment number as on the wire"),
    (Quantity::Win, "win", "the raw window"),
    (Quantity::Up, "up", "the urgent pointer"),
    (Quantity::Data, "data", "octets of payload"),
    (Quantity::Offset, "offset", "the data offset"),
    (Quantity::Reserved, "reserved", "the reserved bits"),
    (Quantity::IpEcn, "ip.ecn", "the ECN field"),
    (Quantity::IpDscp, "ip.dscp", "the DSCP"),
    (Quantity::IpTtl, "ip.ttl", "the time to live, or hop limit"),
    (Quantity::IpLen, "ip.len", "octets of the packet"),
    (Quantity::IpId, "ip.id", "the identification"),
    (Quantity::IpDf, "ip.df", "the don't-fragment bit"),
    (Quantity::IpFlow, "ip.flow", "the flow label"),
    (Quantity::Mss, "mss", "the MSS option"),
    (Quantity::WindowScale, "wscale", "the window scale option"),
    (Quantity::Timestamp, "ts", "TSval of the timestamps option"),
    (Quantity::FastOpen, "fo", "the fast open cookie"),
    (Quantity::Md5, "md5", "the MD5 signature"),
    (Quantity::UserTimeout, "uto", "the user timeout option"),
];

impl Quantity {
    /// All of them, as a list for a person goes.
    pub fn all() -> impl Iterator<Item = Quantity> + Clone {
        TABLE.iter().map(|(quantity, ..)| *quantity)
    }

    fn row(self) -> &'static (Quantity, &'static str, &'static str) {
        let row = TABLE.iter().find(|(quantity, ..)| *quantity == self);
        row.unwrap_or_else(|| unreachable!("{self:?} is missing in the table"))
    }

    /// As it is written in a case.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// What it means, in a few words.
    pub fn meaning(self) -> &'static str {
        self.row().2
    }

    /// The quantity of that name.
    pub fn from_name(name: &str) -> Option<Quantity> {
        Quantity::all().find(|quantity| quantity.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_stands_once_under_a_name_of_its_own() {
        let quantities: BTreeSet<_> = Quantity::all().collect();
        let names: BTreeSet<_> = Quantity::all().map(Quantity::name).collect();
        // The last variant is the number of those before it.
        let variants = Quantity::UserTimeout as usize + 1;
        assert_eq!(
            (quantities.len(), names.len(), TABLE.len()),
            (variants, variants, variants)
        );
    }

    #[test]
    fn names_are_read_back() {
        for quantity in Quantity::all() {
            assert_eq!(Quantity::from_name(quantity.name()), Some(quantity));
        }
        assert_eq!(Quantity::from_name("sequence"), None);
    }
}
