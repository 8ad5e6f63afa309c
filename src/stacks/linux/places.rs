//! Where runs take place: addresses and ports that no other run of the same namespace has, before or after.
//!
//! The kernel keeps metrics, path MTUs and ICMP limits by address, and what is left of connections by port.

use super::setup::{EPHEMERAL, TARGET_V4, TARGET_V6, TESTERS_V4, TESTERS_V6};
use crate::drive::Job;
use crate::engine::Endpoints;
use crate::stack::IpVersion;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses in a block: a /30, or a /126.
const BLOCK: u32 = 4;
/// Blocks of a namespace: those of the IPv4 /15.
const BLOCKS: u32 = 1 << (32 - 15 - 2);
/// The first port of a listener.
const FIRST_PORT: u16 = 1024;
/// Where the self-test listens; no run does.
pub(super) const SELF_TEST_PORT: u16 = 1000;

/// The blocks and ports of one namespace.
#[derive(Debug)]
pub(super) struct Places {
    next_block: u32,
    next_port: u16,
}

/// The target and a tester of the first block, which no run gets.
pub(super) fn self_test(ip: IpVersion) -> (IpAddr, IpAddr) {
    (target(ip), tester(ip, 1))
}

fn target(ip: IpVersion) -> IpAddr {
    match ip {
        IpVersion::V4 => IpAddr::V4(TARGET_V4),
        IpVersion::V6 => IpAddr::V6(TARGET_V6),
    }
}

fn tester(ip: IpVersion, number: u32) -> IpAddr {
    match ip {
        IpVersion::V4 => IpAddr::V4(Ipv4Addr::from_bits(TESTERS_V4.0.to_bits() | number)),
        IpVersion::V6 => IpAddr::V6(Ipv6Addr::from_bits(TESTERS_V6.0.to_bits() | u128::from(number))),
    }
}

impl Default for Places {
    fn default() -> Places {
        Places {
            next_block: 1,
            next_port: FIRST_PORT,
        }
    }
}

impl Places {
    /// The place of the next run; `None`: a new namespace is needed.
    pub(super) fn next(&mut self, job: &Job) -> Option<Endpoints> {
        let hosts = job
            .script
            .connections
            .iter()
            .map(|conn| conn.host as u32 + 1)
            .max()
            .unwrap_or(1);
        let first = self.next_block * BLOCK;
        let after = self.next_block.checked_add(hosts.div_ceil(BLOCK))?;
        if after > BLOCKS || self.next_port == u16::MAX {
            return None;
        }
        self.next_block = after;
        let port = self.next_port;
        // Past the ports that the kernel gives to those who do not name one.
        self.next_port = if port + 1 == EPHEMERAL.0 {
            EPHEMERAL.1 + 1
        } else {
            port + 1
        };
        Some(Endpoints {
            target: target(job.ip),
            port,
            testers: (first..first + hosts).map(|number| tester(job.ip, number)).collect(),
            wrap: job.wrap,
            seed: job.seed,
        })
    }
}
