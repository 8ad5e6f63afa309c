//! System calls that no library wraps.

#![expect(unsafe_code, reason = "these system calls have no wrapper")]

use nix::errno::Errno;
use nix::sys::socket::{self, ControlMessageOwned, MsgFlags};
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Sets a socket option that is an `int`.
pub(super) fn set_option(socket: &impl AsFd, level: i32, name: i32, value: i32) -> nix::Result<()> {
    // SAFETY: the kernel reads one `int` from the address of one.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            size_of::<i32>() as libc::socklen_t,
        )
    };
    Errno::result(result).map(|_| ())
}

fn interface_request(name: &str) -> libc::ifreq {
    // SAFETY: every field of the structure may be zero.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // One octet is left for the zero at the end.
    for (place, letter) in request.ifr_name.iter_mut().take(libc::IFNAMSIZ - 1).zip(name.bytes()) {
        *place = letter as libc::c_char;
    }
    request
}

/// Makes an opened /dev/net/tun the device `name`, which carries bare IP packets.
pub(super) fn name_tun(device: &OwnedFd, name: &str) -> io::Result<()> {
    let mut request = interface_request(name);
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: TUNSETIFF reads and writes one `ifreq`, which lives until the call returns.
    let result = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    Errno::result(result).map(|_| ()).map_err(io::Error::from)
}

/// `struct ethtool_value`.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    value: u32,
}

/// The offloads by which a kernel would leave checksums and segmentation to hardware, which a virtual device does not
/// have.
const OFFLOADS: [u32; 6] = [
    0x15, // ETHTOOL_SRXCSUM
    0x17, // ETHTOOL_STXCSUM
    0x19, // ETHTOOL_SSG
    0x1f, // ETHTOOL_STSO
    0x24, // ETHTOOL_SGSO
    0x2c, // ETHTOOL_SGRO
];

/// Switches offload off, as far as the interface supports that; the self-test shows whether it was enough.
pub(super) fn switch_offload_off(socket: &impl AsFd, name: &str) {
    for command in OFFLOADS {
        let mut value = EthtoolValue { command, value: 0 };
        let mut request = interface_request(name);
        request.ifr_ifru.ifru_data = (&raw mut value).cast();
        // SAFETY: SIOCETHTOOL reads one `ifreq` and, at the address that it names, one `ethtool_value`; both live until
        // the call returns. A command that the device does not know fails without effect.
        unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    }
}

/// Binds a packet socket to one interface, for all protocols.
pub(super) fn bind_packet_socket(socket: &OwnedFd, index: u32) -> io::Result<()> {
    // SAFETY: every field of the structure may be zero.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = i32::try_from(index).map_err(io::Error::other)?;
    let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the kernel reads `length` octets, the size of the structure.
    let result = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) };
    Errno::result(result).map(|_| ()).map_err(io::Error::from)
}

/// Reads from a Unix socket: octets, and the descriptors that came with them.
pub(super) fn receive_with_descriptors(socket: &impl AsFd, buffer: &mut [u8]) -> nix::Result<(usize, Vec<OwnedFd>)> {
    let mut space = nix::cmsg_space!([RawFd; 8]);
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let descriptor = socket.as_fd().as_raw_fd();
    let message = socket::recvmsg::<()>(descriptor, &mut parts, Some(&mut space), flags)?;
    let mut descriptors = Vec::new();
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(received) = part {
            // SAFETY: the kernel has just made these descriptors for us, and nobody else knows of them.
            descriptors.extend(
                received
                    .into_iter()
                    .map(|received| unsafe { OwnedFd::from_raw_fd(received) }),
            );
        }
    }
    Ok((message.bytes, descriptors))
}
