//! Segments printed as a case would write them.

use crate::wire::{Isn, Packet, Segment};

/// Where both directions count from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    /// The ISN of the one who sent the segment; `None`: unknown, printed as `abs.seq`.
    pub sender: Option<Isn>,
    /// The ISN of the one to whom it was sent; `None`: unknown, printed as `abs.ack`.
    pub receiver: Option<Isn>,
}

/// One line: `SYN,ACK seq=0 ack=1 win=65535 <mss 1460>`. Read back with [`super::Pattern::parse`] as an inject, it
/// gives the same segment, ports aside.
pub fn print_segment(_segment: &Segment, _origins: Origins) -> String {
    todo!()
}

/// As [`print_segment`], with what stands out in the IP header, and ICMP messages.
pub fn print_packet(_packet: &Packet, _origins: Origins) -> String {
    todo!()
}
