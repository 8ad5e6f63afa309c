//! IP packets through an AF_PACKET socket, for machines where /dev/net/tun cannot be opened.

#![expect(
    unsafe_code,
    reason = "the socket is made and bound by hand, which pnet offers no way for"
)]

use super::{LARGEST, TARGET_MAC, TESTER_MAC};
use nix::errno::Errno;
use nix::sys::socket::{self, sockopt};
use pnet::datalink::{self, Channel, ChannelType, Config, DataLinkReceiver, DataLinkSender, MacAddr, NetworkInterface};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::time::Duration;

/// An Ethernet header.
const HEADER: usize = 14;
/// The memory that the kernel charges a receive queue for a small frame, its own structures included (measured: 768).
const CHARGE: usize = 1280;

/// A packet socket at the tester's end of a virtual cable, in another namespace.
pub struct PacketLink {
    sender: Box<dyn DataLinkSender>,
    receiver: Box<dyn DataLinkReceiver>,
    /// For what pnet does not do: waiting for a frame, and asking how many were dropped.
    socket: OwnedFd,
    frame: Vec<u8>,
    lost: u64,
}

/// The interface that a packet socket is bound to; `None` if this is not a socket, and so must be a TUN device.
pub(super) fn bound_interface(device: &OwnedFd) -> io::Result<Option<u32>> {
    // SAFETY: every field of the structure may be zero.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` octets, the size of the structure. (nix refuses the 18 octets that the
    // kernel gives for an Ethernet address.)
    let result = unsafe { libc::getsockname(device.as_raw_fd(), (&raw mut address).cast(), &raw mut length) };
    match Errno::result(result) {
        Ok(_) if i32::from(address.sll_family) == libc::AF_PACKET => {
            u32::try_from(address.sll_ifindex).map(Some).map_err(io::Error::other)
        }
        Ok(_) => Err(io::Error::other("a socket of another kind")),
        Err(Errno::ENOTSOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl PacketLink {
    /// Takes over a packet socket that is bound to the tester's end of the cable, which is the interface `index`. The
    /// socket belongs to the namespace in which it was made, so everything done through it happens there.
    pub fn new(device: OwnedFd, index: u32) -> io::Result<PacketLink> {
        // pnet owns the descriptor that it is given, and closes it; so we keep a duplicate.
        let socket = device.try_clone()?;
        // pnet asks for an interface of this namespace; the socket's is in another, and only its index is used.
        let interface = NetworkInterface {
            name: "tester".to_owned(),
            description: String::new(),
            index,
            mac: Some(MacAddr::from(TESTER_MAC)),
            ips: Vec::new(),
            flags: 0,
        };
        let config = Config {
            // With the default of 4096 octets longer frames would be cut silently.
            read_buffer_size: LARGEST + HEADER,
            write_buffer_size: LARGEST + HEADER,
            read_timeout: Some(Duration::ZERO),
            write_timeout: Some(Duration::from_millis(100)),
            channel_type: ChannelType::Layer2,
            promiscuous: false,
            socket_fd: Some(device.into_raw_fd()),
            ..Config::default()
        };
        match datalink::channel(&interface, config)? {
            Channel::Ethernet(sender, receiver) => Ok(PacketLink {
                sender,
                receiver,
                socket,
                frame: Vec::with_capacity(2048),
                lost: 0,
            }),
            _ => Err(io::Error::other("pnet opened no Ethernet channel")),
        }
    }

    pub(super) fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        let version = packet.first().map_or(0, |octet| octet >> 4);
        let kind: u16 = if version == 6 { 0x86dd } else { 0x0800 };
        self.frame.clear();
        self.frame.extend_from_slice(&TARGET_MAC);
        self.frame.extend_from_slice(&TESTER_MAC);
        self.frame.extend_from_slice(&kind.to_be_bytes());
        self.frame.extend_from_slice(packet);
        match self.sender.send_to(&self.frame, None) {
            Some(result) => result,
            None => Err(io::Error::other("pnet did not take the frame")),
        }
    }

    pub(super) fn receive(&mut self) -> io::Result<Option<&[u8]>> {
        // An ARP frame, if there is any, is returned too; it is not an IP packet, and fails to parse.
        match self.receiver.next() {
            Ok(frame) => Ok(Some(frame.get(HEADER..).unwrap_or_default())),
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn lost(&mut self) -> io::Result<u64> {
        self.lost += u64::from(dropped(&self.socket)?);
        Ok(self.lost)
    }

    pub(super) fn capacity(&self) -> usize {
        socket::getsockopt(&self.socket, sockopt::RcvBuf).map_or(0, |octets| octets / CHARGE)
    }
}

impl AsFd for PacketLink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// `struct tpacket_stats`.
#[repr(C)]
#[derive(Default)]
struct PacketStatistics {
    packets: u32,
    drops: u32,
}

/// What the socket has dropped since the last time it was asked.
fn dropped(socket: &OwnedFd) -> io::Result<u32> {
    let mut statistics = PacketStatistics::default();
    let mut length = size_of::<PacketStatistics>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` octets into a structure of that size and of its layout.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            (&raw mut statistics).cast(),
            &raw mut length,
        )
    };
    if result == 0 {
        Ok(statistics.drops)
    } else {
        Err(io::Error::last_os_error())
    }
}
