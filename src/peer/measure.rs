//! Values taken out of a frame.

use super::frame::Frame;
use crate::wire::{Ecn, TcpOption};

/// Measured values, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// A number without a unit, or a field.
    Number(f64),
    /// Seconds.
    Seconds(f64),
    /// Octets, such as a fast open cookie.
    Octets(Vec<u8>),
}

/// A field or an option of a frame, by the name that `measure:` gives it; `None` where the frame has none.
pub(crate) fn of_frame(frame: &Frame, what: &str) -> Option<Measure> {
    let segment = frame.segment();
    let ip = &frame.packet.ip;
    let number = |value: i64| Some(Measure::Number(value as f64));
    match what {
        "port" => number(i64::from(segment.source)),
        "seq" => number(frame.seq),
        "abs.seq" => number(i64::from(segment.seq.0)),
        "ack" => number(frame.ack),
        "abs.ack" => number(i64::from(segment.ack.0)),
        "win" => number(i64::from(segment.window)),
        "up" => number(i64::from(segment.urgent)),
        "data" => number(segment.payload.len() as i64),
        "ip.ttl" => number(i64::from(ip.ttl)),
        "ip.len" => number(frame.octets.len() as i64),
        "ip.id" => number(i64::from(ip.id)),
        "ip.dscp" => number(i64::from(ip.dscp)),
        "ip.df" => number(i64::from(ip.dont_fragment)),
        "ip.flow" => number(i64::from(ip.flow)),
        "ip.ecn" => number(match ip.ecn {
            Ecn::NotEct => 0,
            Ecn::Ect1 => 1,
            Ecn::Ect0 => 2,
            Ecn::Ce => 3,
        }),
        option => segment.options.iter().find_map(|it| of_option(it, option)),
    }
}

fn of_option(option: &TcpOption, name: &str) -> Option<Measure> {
    match (name, option) {
        ("mss", TcpOption::Mss(size)) => Some(Measure::Number(f64::from(*size))),
        ("wscale", TcpOption::WindowScale(shift)) => Some(Measure::Number(f64::from(*shift))),
        ("ts", TcpOption::Timestamps { value, .. }) => Some(Measure::Number(f64::from(*value))),
        ("uto", TcpOption::UserTimeout(value)) => Some(Measure::Number(f64::from(*value))),
        ("fo", TcpOption::FastOpen(cookie)) => Some(Measure::Octets(cookie.clone())),
        ("md5", TcpOption::Md5(digest)) => Some(Measure::Octets(digest.clone())),
        _ => None,
    }
}

/// For a person.
pub(crate) fn show(value: &Measure) -> String {
    match value {
        Measure::Number(number) => format!("{number}"),
        Measure::Seconds(seconds) => format!("{seconds:.6} s"),
        Measure::Octets(octets) => octets.iter().map(|octet| format!("{octet:02x}")).collect(),
    }
}
