//! Somebody's capture: the IP packets of a pcap or pcapng file, and what the rules say of each connection in it.

mod inspect;
mod link_layer;
mod read;

pub use inspect::{Connection, Finding, Inspection, inspect};
pub use read::{CaptureError, Captured, read};
