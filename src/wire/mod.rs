//! Octets to segments and back.
//!
//! Every bit pattern can be held and every captured frame can be described; nothing here judges whether it is lawful.

mod flags;
mod icmp;
mod ip;
mod option;
mod option_kind;
mod packet;
mod segment;
mod seq;

pub use flags::Flags;
pub use icmp::{Icmp, IcmpKind, Quoted};
pub use ip::{Ecn, IpHeader};
pub use option::TcpOption;
pub use option_kind::OptionKind;
pub use packet::{Body, NotIp, Packet};
pub use segment::{Checksum, Segment};
pub use seq::{Isn, RelSeq, SeqNum};
