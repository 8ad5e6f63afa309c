//! The kernel that we run on, in namespaces of its own. Where those cannot be had, the tests say so and pass.

use std::net::{IpAddr, SocketAddr};
use tcpvet::target::Profile;
use tcpvet::target::linux::{DeviceChoice, Namespace, Plan};

fn plan(device: DeviceChoice) -> Plan {
    Plan {
        program: env!("CARGO_BIN_EXE_tcpvet").into(),
        device,
        ..Plan::default()
    }
}

/// A namespace, or the reason printed why there is none here.
fn namespace(device: DeviceChoice) -> Option<Namespace> {
    match Namespace::start(&plan(device), &Profile::new()) {
        Ok(namespace) => Some(namespace),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

#[test]
fn what_is_sent_comes_in_segments_with_right_checksums() {
    for device in [DeviceChoice::Tun, DeviceChoice::Veth] {
        let Some(mut namespace) = namespace(device) else {
            continue;
        };
        eprintln!(
            "{} {:?} capacity {}",
            namespace.name,
            namespace.abilities,
            namespace.link.capacity()
        );
        namespace.self_test().unwrap();
    }
}
