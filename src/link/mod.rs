//! How packets travel between the tester and a kernel: IP packets in, IP packets out, and a count of what was lost.
//!
//! A link never waits and never judges. Nothing is lost unseen: what its queue had to drop is counted.

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
/// The MAC address of the tester's. No interface has it: the kernel must not take the tester's frames for its own.
pub const TESTER_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x02];

/// A way to a kernel.
pub enum Link {
    /// Through /dev/net/tun: the kernel handles a packet before the write of it returns.
    Tun(TunLink),
    /// Through a packet socket at the far end of a virtual cable.
    Packet(PacketLink),
}

impl Link {
    /// Takes over a descriptor that a child has opened in its namespace.
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

    /// How many frames the socket's own queue has lost so far. What an interface lost stands in [`Statistics`].
    pub fn lost(&mut self) -> io::Result<u64> {
        match self {
            Link::Tun(_) => Ok(0),
            Link::Packet(link) => link.lost(),
        }
    }

    /// How many small frames its queue holds at least.
    pub fn capacity(&self) -> usize {
        match self {
            Link::Tun(_) => usize::MAX,
            Link::Packet(link) => link.capacity(),
        }
    }

    /// What it is called in messages.
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
