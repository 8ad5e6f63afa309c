//! The link between smoltcp and the bench: frames in memory, at the network layer.

use crate::stack::Emitted;
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use std::collections::VecDeque;

/// The MTU of the link, in octets.
pub(super) const MTU: usize = 1500;

/// Holds frames on their way in, and everything on its way out in the order in which it happened: frames, and the
/// results of calls among them.
#[derive(Default)]
pub(super) struct Wire {
    arriving: VecDeque<Vec<u8>>,
    pub(super) leaving: Vec<Emitted>,
}

impl Wire {
    /// Takes a frame from the bench.
    pub(super) fn arrive(&mut self, packet: &[u8]) {
        self.arriving.push_back(packet.to_vec());
    }

    /// Whether a frame has not been looked at yet.
    pub(super) fn has_arrivals(&self) -> bool {
        !self.arriving.is_empty()
    }
}

/// A frame for smoltcp to read.
pub(super) struct Arrival(Vec<u8>);

impl RxToken for Arrival {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

/// Room for a frame that smoltcp writes.
pub(super) struct Departure<'a>(&'a mut Vec<Emitted>);

impl TxToken for Departure<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut packet = vec![0; length];
        let result = write(&mut packet);
        self.0.push(Emitted::Packet(packet));
        result
    }
}

impl Device for Wire {
    type RxToken<'a> = Arrival;
    type TxToken<'a> = Departure<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Arrival, Departure<'_>)> {
        let packet = self.arriving.pop_front()?;
        Some((Arrival(packet), Departure(&mut self.leaving)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Departure<'_>> {
        Some(Departure(&mut self.leaving))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        // The default checks and fills in every checksum.
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU;
        capabilities
    }
}
