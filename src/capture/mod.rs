//! Somebody's capture: the frames of a pcap or pcapng file, packed or not, and what the rules say of each connection in
//! it.
//!
//! | file | what it does |
//! |---|---|
//! | `packing` | takes gzip and zstd off |
//! | `octets` | reads octets and counts them, so that an error can name its place |
//! | `format`, `pcap`, `pcapng` | find the frames |
//! | `link_layer`, `wireless` | find the IP packet in a frame |
//! | `network` | finds the TCP segment in an IP packet |
//! | `inspect` | hands the segments to the rules |

mod format;
mod inspect;
mod link_layer;
mod network;
mod octets;
mod packing;
mod pcap;
mod pcapng;
mod wireless;

pub use format::{CaptureError, Damage};
pub use inspect::{Connection, Finding, Inspection, inspect};
pub use network::Reason;
