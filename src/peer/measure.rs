//! Values taken out of a frame.

use super::frame::Frame;
use crate::notation::Quantity;
use crate::wire::TcpOption;
use core::fmt;
use serde::{Deserialize, Serialize};

/// A measured value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Measure {
    /// A number without a unit, or a field.
    Number(f64),
    /// Seconds.
    Seconds(f64),
    /// Octets, such as a fast open cookie.
    Octets(Vec<u8>),
}

/// As a person reads it.
impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Measure::Number(number) => write!(f, "{number}"),
            Measure::Seconds(seconds) => write!(f, "{seconds:.6} s"),
            Measure::Octets(octets) => octets.iter().try_for_each(|octet| write!(f, "{octet:02x}")),
        }
    }
}

impl Measure {
    /// A field or an option of a frame; `None` where the frame has none, and of what no frame shows.
    pub(crate) fn of_frame(frame: &Frame, quantity: Quantity) -> Option<Measure> {
        let segment = frame.segment();
        let ip = &frame.packet.ip;
        let option = |of: fn(&TcpOption) -> Option<Measure>| segment.options.iter().find_map(of);
        let number = match quantity {
            Quantity::Elapsed | Quantity::Count => return None,
            Quantity::Port => i64::from(segment.source),
            Quantity::Seq => frame.seq,
            Quantity::AbsSeq => i64::from(segment.seq.0),
            Quantity::Ack => frame.ack,
            Quantity::AbsAck => i64::from(segment.ack.0),
            Quantity::Win => i64::from(segment.window),
            Quantity::Up => i64::from(segment.urgent),
            Quantity::Data => segment.payload.len() as i64,
            Quantity::Offset => i64::from(segment.data_offset()),
            Quantity::Reserved => i64::from(segment.flags.reserved()),
            Quantity::IpEcn => i64::from(ip.ecn.bits()),
            Quantity::IpDscp => i64::from(ip.dscp),
            Quantity::IpTtl => i64::from(ip.ttl),
            Quantity::IpLen => frame.octets.len() as i64,
            Quantity::IpId => i64::from(ip.id),
            Quantity::IpDf => i64::from(ip.dont_fragment),
            Quantity::IpFlow => i64::from(ip.flow),
            Quantity::Mss => i64::from(segment.mss()?),
            Quantity::WindowScale => i64::from(segment.window_scale()?),
            Quantity::Timestamp => i64::from(segment.timestamps()?.0),
            Quantity::UserTimeout => {
                return option(|option| match option {
                    TcpOption::UserTimeout(value) => Some(Measure::Number(f64::from(*value))),
                    _ => None,
                });
            }
            Quantity::FastOpen => {
                return option(|option| match option {
                    TcpOption::FastOpen(cookie) => Some(Measure::Octets(cookie.clone())),
                    _ => None,
                });
            }
            Quantity::Md5 => {
                return option(|option| match option {
                    TcpOption::Md5(digest) => Some(Measure::Octets(digest.clone())),
                    _ => None,
                });
            }
        };
        Some(Measure::Number(number as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Talk;
    use super::*;
    use expect_test::expect;

    #[test]
    fn each_quantity_of_a_frame() {
        let mut talk = Talk::open();
        let bare = talk.come("ACK seq=1 ack=1 win=10000");
        let full = talk.come(
            "ACK seq=1 ack=1 win=9 up=3 data=2 reserved=5 ip.ecn=ce ip.dscp=3 ip.ttl=9 ip.id=77 \
             <mss 1000, wscale 2, ts 7 8, fo 0a0b>",
        );
        let mut told = String::new();
        for quantity in Quantity::all() {
            let show = |frame| Measure::of_frame(frame, quantity).map_or("none".to_owned(), |value| value.to_string());
            told += &format!("{:<8} | {:<10} | {}\n", quantity.name(), show(&full), show(&bare));
        }
        expect![[r#"
            elapsed  | none       | none
            count    | none       | none
            port     | 7          | 7
            seq      | 1          | 1
            abs.seq  | 4294967287 | 4294967287
            ack      | 1          | 1
            abs.ack  | 4294967295 | 4294967295
            win      | 9          | 10000
            up       | 3          | 0
            data     | 2          | 0
            offset   | 11         | 5
            reserved | 5          | 0
            ip.ecn   | 3          | 0
            ip.dscp  | 3          | 0
            ip.ttl   | 9          | 64
            ip.len   | 66         | 40
            ip.id    | 77         | 0
            ip.df    | 1          | 1
            ip.flow  | 0          | 0
            mss      | 1000       | none
            wscale   | 2          | none
            ts       | 7          | none
            fo       | 0a0b       | none
            md5      | none       | none
            uto      | none       | none
        "#]]
        .assert_eq(&told);
    }

    #[test]
    fn values_are_shown_with_their_units() {
        let table = [
            (Measure::Number(4.0), "4"),
            (Measure::Number(0.5), "0.5"),
            (Measure::Seconds(1.25), "1.250000 s"),
            (Measure::Octets(vec![0, 0xab]), "00ab"),
        ];
        for (value, shown) in table {
            assert_eq!(value.to_string(), shown);
        }
    }
}
