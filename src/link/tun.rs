//! IP packets through a TUN device.

use super::LARGEST;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A TUN device, opened without packet information and without blocking.
pub struct TunLink {
    device: File,
    buffer: Vec<u8>,
}

impl TunLink {
    /// Takes over its descriptor.
    pub fn new(device: OwnedFd) -> io::Result<TunLink> {
        Ok(TunLink {
            device: File::from(device),
            buffer: vec![0; LARGEST],
        })
    }

    pub(super) fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        match self.device.write(packet) {
            Ok(written) if written == packet.len() => Ok(()),
            Ok(written) => Err(io::Error::other(format!(
                "the device took {written} of {} octets",
                packet.len()
            ))),
            Err(error) => Err(error),
        }
    }

    pub(super) fn receive(&mut self) -> io::Result<Option<&[u8]>> {
        match self.device.read(&mut self.buffer) {
            Ok(length) => Ok(Some(&self.buffer[..length])),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for TunLink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}
