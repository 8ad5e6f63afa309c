//! Values taken out of a frame.

use super::frame::Frame;
use crate::notation::Quantity;
use crate::wire::TcpOption;
use core::fmt;

/// A measured value.
#[derive(Clone, Debug, PartialEq)]
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
