//! Links that carry IP packets between the tester and a kernel, and count what was lost.
//!
//! A link never blocks, and does not look into packets. Every packet that a queue drops is counted.

mod packet;
mod readiness;
mod statistics;
mod tun;

pub use packet::PacketLink;
pub use readiness::{Alarm, Readiness};
pub use statistics::{Statistics, device_losses, tcp_counters};
pub use tun::TunLink;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The largest IP packet.
pub const LARGEST: usize = 65_535;

/// The MAC address of the target's end of a virtual cable.
pub const TARGET_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];
/// The MAC address of the tester's end. No interface has it: else the kernel would take the tester's frames for its
/// own.
pub const TESTER_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x02];

/// A link to a kernel.
pub enum Link {
    /// A TUN device (/dev/net/tun): the kernel has handled a packet when the write of it returns.
    Tun(TunLink),
    /// A packet socket at the far end of a virtual cable (veth).
    Packet(PacketLink),
}

impl Link {
    /// Takes over a device or socket that a child has opened in its namespace.
    pub fn new(device: OwnedFd) -> io::Result<Link> {
        match packet::bound_interface(&device)? {
            Some(index) => PacketLink::new(device, index).map(Link::Packet),
            None => TunLink::new(device).map(Link::Tun),
        }
    }

    /// Sends one IP packet.
    pub fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        match self {
            Link::Tun(link) => link.send(packet),
            Link::Packet(link) => link.send(packet),
        }
    }

    /// The next IP packet; `None`: there is none now.
    pub fn receive(&mut self) -> io::Result<Option<&[u8]>> {
        match self {
            Link::Tun(link) => link.receive(),
            Link::Packet(link) => link.receive(),
        }
    }

    /// How many frames the socket's own queue has dropped so far. What an interface dropped is in [`Statistics`].
    pub fn lost(&mut self) -> io::Result<u64> {
        match self {
            Link::Tun(_) => Ok(0),
            Link::Packet(link) => link.lost(),
        }
    }

    /// How many small frames the link's queue holds at least.
    pub fn capacity(&self) -> usize {
        match self {
            Link::Tun(_) => usize::MAX,
            Link::Packet(link) => link.capacity(),
        }
    }

    /// The link's name in messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Link::Tun(_) => "tun",
            Link::Packet(_) => "veth",
        }
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Link::Tun(link) => link.as_fd(),
            Link::Packet(link) => link.as_fd(),
        }
    }
}
