//! Which addresses and ports each run has. Every world has the same target address; each run of a world has tester
//! addresses and a target port that no other run of that world has, before or after. By these the runs of a world are
//! told apart, on virtual time and on real time.
//!
//! None is used twice, because a stack keeps metrics, path MTUs and ICMP rate limits for each address, and remembers
//! old connections (TIME-WAIT) for each port.

use super::Job;
use crate::engine::Endpoints;
use crate::stack::IpVersion;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;
use std::sync::Arc;

/// The target's addresses in every world (RFC 5737, RFC 3849).
pub const TARGET_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// As [`TARGET_V4`], over IPv6.
pub const TARGET_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
/// The network of the testers and the length of its prefix (RFC 2544, RFC 3849): far from the target's, as it is with a
/// router between.
pub const TESTERS_V4: (Ipv4Addr, u8) = (Ipv4Addr::new(198, 18, 0, 0), 15);
/// As [`TESTERS_V4`], over IPv6.
pub const TESTERS_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0), 48);

/// The number of tester addresses in a world: that of the smaller network, which is the one of IPv4.
const TESTERS: u32 = 1 << (32 - TESTERS_V4.1);

/// The target's ports on virtual time, and those from which a stack may choose for connections of its own (RFC 6056
/// section 3.2).
const PORTS: RangeInclusive<u16> = 7..=1023;
const EPHEMERAL: RangeInclusive<u16> = 1024..=u16::MAX;

/// The target's address.
pub fn target_address(ip: IpVersion) -> IpAddr {
    match ip {
        IpVersion::V4 => IpAddr::V4(TARGET_V4),
        IpVersion::V6 => IpAddr::V6(TARGET_V6),
    }
}

/// The tester address of this number, which is below 2^17. Number 0 is not used: it is the network's own address.
pub fn tester_address(ip: IpVersion, number: u32) -> IpAddr {
    match ip {
        IpVersion::V4 => IpAddr::V4(Ipv4Addr::from_bits(TESTERS_V4.0.to_bits() | number)),
        IpVersion::V6 => IpAddr::V6(Ipv6Addr::from_bits(TESTERS_V6.0.to_bits() | u128::from(number))),
    }
}

/// The addresses and ports of a job that is the only run of its world.
pub fn endpoints(job: &Job) -> Endpoints {
    Endpoints {
        lasting: false,
        ..at(job, 1, *PORTS.start())
    }
}

/// The addresses and ports of one world.
#[derive(Clone, Debug)]
pub struct Addresses {
    next_tester: u32,
    ports: RangeInclusive<u16>,
    ephemeral: RangeInclusive<u16>,
}

impl Addresses {
    /// The addresses of a world on virtual time.
    pub fn on_virtual_time() -> Addresses {
        Addresses::new(1, PORTS, EPHEMERAL)
    }

    /// The addresses of a world. `first_tester` is the number of the first tester address. Of the target's `ports`,
    /// those are left out from which the target chooses ports for its own connections (`ephemeral`).
    pub fn new(first_tester: u32, ports: RangeInclusive<u16>, ephemeral: RangeInclusive<u16>) -> Addresses {
        Addresses {
            next_tester: first_tester,
            ports,
            ephemeral,
        }
    }

    /// The addresses and ports of the next run in a world of several runs; `None`: all are used up, and another world
    /// is needed.
    pub fn next(&mut self, job: &Job) -> Option<Endpoints> {
        let after = self.next_tester.checked_add(hosts(job))?;
        if after > TESTERS {
            return None;
        }
        let port = self.ports.find(|port| !self.ephemeral.contains(port))?;
        let endpoints = at(job, self.next_tester, port);
        self.next_tester = after;
        Some(endpoints)
    }
}

/// How many testers a job needs.
fn hosts(job: &Job) -> u32 {
    let hosts = job.script.connections.iter().map(|conn| conn.host as u32 + 1);
    hosts.max().unwrap_or(1)
}

fn at(job: &Job, first_tester: u32, port: u16) -> Endpoints {
    let numbers = first_tester..first_tester + hosts(job);
    Endpoints {
        target: target_address(job.ip),
        port,
        testers: numbers.map(|number| tester_address(job.ip, number)).collect(),
        wrap: job.wrap,
        lasting: true,
        seed: job.seed,
        waived: Arc::clone(&job.waived),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{ConnDecl, Script};
    use crate::suite::fixture::script;
    use std::collections::BTreeSet;

    fn job(ip: IpVersion, hosts: usize) -> Job {
        let conn = |host| ConnDecl {
            name: format!("c{host}"),
            host,
            tuple: None,
            isn: None,
        };
        let script = Script {
            connections: (0..hosts).map(conn).collect(),
            ..script("a/b", "")
        };
        Job {
            script: Arc::new(script),
            ip,
            wrap: false,
            seed: 1,
            waived: Default::default(),
            alone: false,
        }
    }

    #[test]
    fn no_two_runs_of_a_world_have_an_address_or_a_port_in_common() {
        let mut addresses = Addresses::on_virtual_time();
        let (mut testers, mut ports) = (BTreeSet::new(), BTreeSet::new());
        let jobs = [
            (IpVersion::V4, 1),
            (IpVersion::V4, 3),
            (IpVersion::V6, 2),
            (IpVersion::V4, 1),
        ];
        for (ip, hosts) in jobs {
            let at = addresses.next(&job(ip, hosts)).unwrap();
            assert_eq!(at.testers.len(), hosts);
            assert!(at.testers.iter().all(|tester| tester.is_ipv4() == at.target.is_ipv4()));
            assert!(at.testers.iter().all(|tester| testers.insert(*tester)), "{at:?}");
            assert!(ports.insert(at.port), "{at:?}");
        }
    }

    #[test]
    fn the_first_run_of_a_world_is_where_one_is_that_has_it_to_itself() {
        let job = job(IpVersion::V6, 2);
        let first = Addresses::on_virtual_time().next(&job).unwrap();
        assert_eq!(
            endpoints(&job),
            Endpoints {
                lasting: false,
                ..first
            }
        );
    }

    #[test]
    fn what_is_used_up_is_not_given_out_again() {
        let mut addresses = Addresses::new(1, 1000..=1003, 1001..=1002);
        let one = job(IpVersion::V4, 1);
        let ports: Vec<u16> = std::iter::from_fn(|| addresses.next(&one)).map(|at| at.port).collect();
        assert_eq!(ports, [1000, 1003]);
        let last = || Addresses::new(TESTERS - 1, PORTS, EPHEMERAL);
        assert!(last().next(&one).is_some());
        assert_eq!(last().next(&job(IpVersion::V4, 2)), None);
    }
}
