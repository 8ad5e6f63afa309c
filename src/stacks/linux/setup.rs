//! How a child makes its network: namespace, device, addresses, settings.

use super::netlink::{Routes, SocketDiag};
use super::sys;
use crate::drive::EnvironmentError;
use crate::drive::addresses::{TARGET_V4, TARGET_V6, TESTERS_V4, TESTERS_V6};
use crate::stack::Profile;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, sockopt};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

/// The gateway between the target and the testers, in the target's routing table.
const GATEWAY_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 254);
const GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xfe);
/// The ports that the kernel chooses from; listeners have others.
pub(super) const EPHEMERAL: (u16, u16) = (32_768, 60_999);

const TARGET_DEVICE: &str = "target";
const TESTER_DEVICE: &str = "tester";

/// The kind of device through which packets travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A TUN device where /dev/net/tun can be opened, else a virtual cable.
    #[default]
    Auto,
    /// A TUN device.
    Tun,
    /// A virtual cable with a packet socket at its end.
    Veth,
}

impl DeviceChoice {
    pub(super) const fn name(self) -> &'static str {
        match self {
            DeviceChoice::Auto => "auto",
            DeviceChoice::Tun => "tun",
            DeviceChoice::Veth => "veth",
        }
    }

    /// The choice of that name.
    pub fn from_name(name: &str) -> Option<DeviceChoice> {
        [DeviceChoice::Auto, DeviceChoice::Tun, DeviceChoice::Veth]
            .into_iter()
            .find(|choice| choice.name() == name)
    }
}

/// A network that has been made.
pub(super) struct Network {
    /// The device, /proc/net/dev and /proc/net/netstat, which are handed to the parent.
    pub(super) descriptors: [OwnedFd; 3],
    /// Whether it has IPv6.
    pub(super) ipv6: bool,
    /// The socket that asks for the states of connections, if the kernel has that.
    pub(super) diag: Option<SocketDiag>,
    /// Settings that could not be made, and are not essential.
    pub(super) notes: Vec<String>,
}

/// Makes the network, in the order in which it must be done. The process must have no other thread yet.
pub(super) fn set_up(choice: DeviceChoice, queue: u32, profile: &Profile) -> Result<Network, EnvironmentError> {
    isolate()?;
    let mut notes = Vec::new();
    let ipv6 = fs::exists("/proc/sys/net/ipv6").unwrap_or(false);
    defaults(ipv6, &mut notes)?;
    let mut routes = Routes::open().map_err(|error| problem("netlink cannot be used", &error))?;
    let loopback = index("lo")?;
    routes
        .up(loopback, None)
        .map_err(|error| problem("the loopback interface cannot be set up", &error))?;
    let device = open_device(choice, queue, &mut routes)?;
    let target = index(TARGET_DEVICE)?;
    let control = socket::socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None);
    let control = control.map_err(|error| problem("no socket can be made", &error.into()))?;
    for name in [TARGET_DEVICE, TESTER_DEVICE] {
        sys::switch_offload_off(&control, name);
    }
    address(&mut routes, target, ipv6).map_err(|error| problem("addresses and routes cannot be set", &error))?;
    // An IPv6 address can be sent from at once, but packets to it are accepted only some time later.
    wait_until("the target's IPv6 address does not become valid", || {
        !ipv6 || routes.is_local(IpAddr::V6(TARGET_V6))
    })?;
    for (name, value) in profile {
        write_setting(name, value).map_err(|error| setting_failed(name, value, &error))?;
    }
    Ok(Network {
        descriptors: [device, statistics("dev")?, statistics("netstat")?],
        ipv6,
        diag: SocketDiag::open().ok(),
        notes,
    })
}

fn problem(what: &str, error: &io::Error) -> EnvironmentError {
    EnvironmentError {
        problem: format!("{what} ({error})"),
        remedy: remedy(),
    }
}

/// Moves this process into a new network namespace; without root, into a new user namespace that owns it.
fn isolate() -> Result<(), EnvironmentError> {
    match unshare(CloneFlags::CLONE_NEWNET) {
        Ok(()) => return Ok(()),
        Err(Errno::EPERM) => {}
        Err(error) => return Err(namespace_refused("a network namespace", error)),
    }
    let (user, group) = (nix::unistd::getuid(), nix::unistd::getgid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)
        .map_err(|error| namespace_refused("a user namespace", error))?;
    // The user's ids are mapped to root of the new namespace, which owns the network; setgroups must be given up first.
    let written = fs::write("/proc/self/setgroups", "deny")
        .and_then(|()| fs::write("/proc/self/uid_map", format!("0 {user} 1")))
        .and_then(|()| fs::write("/proc/self/gid_map", format!("0 {group} 1")));
    written.map_err(|error| problem("a user namespace can be made, but its ids cannot be mapped", &error))
}

fn namespace_refused(what: &str, error: Errno) -> EnvironmentError {
    EnvironmentError {
        problem: format!("{what} cannot be made ({error:?})"),
        remedy: remedy(),
    }
}

/// What most likely forbids namespaces here, and what to do about it.
fn remedy() -> String {
    let setting = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let is = |path: &str, value: &str| setting(path).as_deref() == Some(value);
    let text = if is("/proc/sys/user/max_user_namespaces", "0") || is("/proc/sys/user/max_net_namespaces", "0") {
        "set user.max_user_namespaces and user.max_net_namespaces to 1000 (sysctl -w), or run as root"
    } else if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "set kernel.unprivileged_userns_clone=1 (sysctl -w), or run as root"
    } else if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        "set kernel.apparmor_restrict_unprivileged_userns=0 (sysctl -w), or run as root"
    } else if fs::exists("/.dockerenv").unwrap_or(false) || fs::exists("/run/.containerenv").unwrap_or(false) {
        "this is a container: run it with --security-opt seccomp=unconfined --security-opt systempaths=unconfined, or \
         with --privileged"
    } else if confined() {
        "system calls are filtered here (seccomp, as in a container): allow unshare, or run as root outside"
    } else {
        "allow user namespaces to users, or run as root"
    };
    text.to_owned()
}

/// Whether a seccomp filter is in force.
fn confined() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .any(|line| line.strip_prefix("Seccomp:").is_some_and(|mode| mode.trim() != "0"))
}

/// Settings that every namespace starts with. Without the needed ones verdicts would depend on one another.
fn defaults(ipv6: bool, notes: &mut Vec<String>) -> Result<(), EnvironmentError> {
    const NEEDED: [(&str, &str); 6] = [
        ("net.ipv4.ip_local_port_range", "32768 60999"),
        // What was measured on one connection must not change the next.
        ("net.ipv4.tcp_no_metrics_save", "1"),
        ("net.ipv4.tcp_max_tw_buckets", "1000000"),
        // 0: every invalid segment gets its ACK. Else a missing ACK could be due to the rate limit.
        ("net.ipv4.tcp_invalid_ratelimit", "0"),
        ("net.core.somaxconn", "65535"),
        ("net.ipv4.tcp_max_syn_backlog", "65536"),
    ];
    const WISHED: [(&str, &str); 10] = [
        ("net.ipv4.tcp_fastopen", "3"),
        ("net.ipv4.tcp_challenge_ack_limit", "2147483647"),
        // A host that forwards, or filters by reverse path, may pass these settings on to new namespaces.
        ("net.ipv4.ip_forward", "0"),
        ("net.ipv4.conf.all.rp_filter", "0"),
        ("net.ipv4.conf.default.rp_filter", "0"),
        ("net.ipv4.ip_no_pmtu_disc", "0"),
        ("net.ipv4.icmp_ratelimit", "0"),
        ("net.ipv4.icmp_msgs_per_sec", "1000000"),
        // Only root may choose an algorithm that is not on the machine's list for users; then the default is used.
        ("net.ipv4.tcp_congestion_control", "cubic"),
        ("net.ipv4.icmp_echo_ignore_broadcasts", "1"),
    ];
    const WISHED_V6: [(&str, &str); 9] = [
        ("net.ipv6.conf.all.disable_ipv6", "0"),
        ("net.ipv6.conf.default.disable_ipv6", "0"),
        ("net.ipv6.conf.all.forwarding", "0"),
        ("net.ipv6.conf.all.accept_dad", "0"),
        ("net.ipv6.conf.default.accept_dad", "0"),
        ("net.ipv6.conf.default.accept_ra", "0"),
        ("net.ipv6.conf.default.router_solicitations", "0"),
        // No link-local addresses, and so no announcements of them.
        ("net.ipv6.conf.default.addr_gen_mode", "1"),
        ("net.ipv6.icmp.ratelimit", "0"),
    ];
    for (name, value) in NEEDED {
        write_setting(name, value).map_err(|error| setting_failed(name, value, &error))?;
    }
    let wished_v6: &[_] = if ipv6 { &WISHED_V6 } else { &[] };
    for (name, value) in WISHED.iter().chain(wished_v6) {
        if let Err(error) = write_setting(name, value) {
            notes.push(format!("{name} stays as it is ({error})"));
        }
    }
    Ok(())
}

fn setting_failed(name: &str, value: &str, error: &io::Error) -> EnvironmentError {
    let remedy = match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT) => "this kernel does not know it; take it out of the runner.yaml".to_owned(),
        Some(Errno::EROFS) => "/proc/sys is read-only here (a container): run it with --security-opt \
                               systempaths=unconfined, or with --privileged"
            .to_owned(),
        Some(Errno::EINVAL) => {
            "the kernel does not take this value; change it in the case or the runner.yaml".to_owned()
        }
        _ => "run as root, or take it out of the runner.yaml".to_owned(),
    };
    EnvironmentError {
        problem: format!("{name} cannot be set to {value} ({error})"),
        remedy,
    }
}

/// Writes a setting such as `net.ipv4.tcp_sack`; the name must not lead outside of /proc/sys/net.
fn write_setting(name: &str, value: &str) -> io::Result<()> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    if !name.starts_with("net.") || !name.chars().all(plain) {
        return Err(io::Error::other("it is no setting of the network"));
    }
    let mut file = OpenOptions::new()
        .write(true)
        .open(format!("/proc/sys/{}", name.replace('.', "/")))?;
    io::Write::write_all(&mut file, value.as_bytes())
}

fn open_device(choice: DeviceChoice, queue: u32, routes: &mut Routes) -> Result<OwnedFd, EnvironmentError> {
    let queue_failed = |error: io::Error| problem("the device cannot be set up", &error);
    let tun = match choice {
        DeviceChoice::Auto | DeviceChoice::Tun => open_tun(),
        DeviceChoice::Veth => Err(io::Error::other("not asked for")),
    };
    let why_no_tun = match tun {
        Ok(device) => {
            routes.up(index(TARGET_DEVICE)?, Some(queue)).map_err(queue_failed)?;
            return Ok(device);
        }
        Err(error) if choice == DeviceChoice::Tun => {
            return Err(EnvironmentError {
                problem: format!("/dev/net/tun cannot be used ({error})"),
                remedy: "open it to users (chmod 0666 /dev/net/tun), or let the program choose veth".to_owned(),
            });
        }
        Err(error) => error,
    };
    routes
        .add_cable(TARGET_DEVICE, TESTER_DEVICE)
        .map_err(|error| EnvironmentError {
            problem: format!("neither /dev/net/tun ({why_no_tun}) nor a veth pair ({error}) can be had"),
            remedy: "open /dev/net/tun to users (chmod 0666), or load the module veth".to_owned(),
        })?;
    let tester = index(TESTER_DEVICE)?;
    let quiet = format!("net.ipv6.conf.{TESTER_DEVICE}.disable_ipv6");
    // It fails where there is no IPv6; then the interface sends nothing by itself anyway.
    let _ = write_setting(&quiet, "1");
    routes.up(tester, Some(queue)).map_err(queue_failed)?;
    routes.up(index(TARGET_DEVICE)?, Some(queue)).map_err(queue_failed)?;
    wait_until_running(routes, tester)?;
    packet_socket(tester, queue).map_err(|error| problem("no packet socket can be made", &error))
}

/// The end of a cable that was set up first learns only later that the other end is up, and drops frames until then.
fn wait_until_running(routes: &mut Routes, tester: u32) -> Result<(), EnvironmentError> {
    let target = index(TARGET_DEVICE)?;
    wait_until("a veth pair does not come up", || {
        [target, tester].into_iter().all(|end| routes.is_operational(end))
    })?;
    // The kernel reports the state a moment before it holds, under a lock that this change must wait for.
    routes
        .up(tester, None)
        .map_err(|error| problem("the device cannot be set up", &error))
}

/// Polls for something that the kernel does later by itself.
fn wait_until(otherwise: &str, mut is_so: impl FnMut() -> bool) -> Result<(), EnvironmentError> {
    const STEP: Duration = Duration::from_micros(200);
    const STEPS: u32 = 25_000;
    for _ in 0..STEPS {
        if is_so() {
            return Ok(());
        }
        std::thread::sleep(STEP);
    }
    Err(EnvironmentError {
        problem: otherwise.to_owned(),
        remedy: "try again when the machine is less busy".to_owned(),
    })
}

fn open_tun() -> io::Result<OwnedFd> {
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open("/dev/net/tun")?;
    let device = OwnedFd::from(device);
    sys::name_tun(&device, TARGET_DEVICE)?;
    Ok(device)
}

/// A packet socket at the tester's end, whose queue should hold `queue` frames. Without root it is limited by the
/// machine's settings.
fn packet_socket(index: u32, queue: u32) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    // No protocol yet: else the socket would receive frames of all interfaces before it is bound.
    let socket = socket::socket(AddressFamily::Packet, SockType::Raw, flags, None)?;
    let octets = usize::try_from(queue)
        .map_err(io::Error::other)?
        .saturating_mul(2048)
        .min(1 << 30);
    if socket::setsockopt(&socket, sockopt::RcvBufForce, &octets).is_err() {
        socket::setsockopt(&socket, sockopt::RcvBuf, &octets)?;
    }
    sys::set_option(&socket, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, 1)?;
    sys::bind_packet_socket(&socket, index)?;
    Ok(socket)
}

fn index(name: &str) -> Result<u32, EnvironmentError> {
    nix::net::if_::if_nametoindex(name).map_err(|error| problem(&format!("{name} has no index"), &error.into()))
}

fn address(routes: &mut Routes, device: u32, ipv6: bool) -> io::Result<()> {
    let both = [
        (
            IpAddr::V4(TARGET_V4),
            IpAddr::V4(TESTERS_V4.0),
            TESTERS_V4.1,
            IpAddr::V4(GATEWAY_V4),
        ),
        (
            IpAddr::V6(TARGET_V6),
            IpAddr::V6(TESTERS_V6.0),
            TESTERS_V6.1,
            IpAddr::V6(GATEWAY_V6),
        ),
    ];
    for (target, testers, length, gateway) in both.into_iter().take(if ipv6 { 2 } else { 1 }) {
        routes.add_address(device, target)?;
        routes.add_route(device, testers, length, gateway)?;
        // A TUN device has no MAC addresses and refuses them; they are not needed there.
        let _ = routes.add_neighbour(device, gateway);
    }
    Ok(())
}

/// A statistics file of the namespace, which stays bound to it in whatever process it is read.
fn statistics(name: &str) -> Result<OwnedFd, EnvironmentError> {
    let path = format!("/proc/thread-self/net/{name}");
    let file = File::open(&path).map_err(|error| problem(&format!("{path} cannot be read"), &error))?;
    Ok(OwnedFd::from(file))
}

/// Raises this process's limit of descriptors as far as it may. The answer is how many it may have.
pub(super) fn raise_descriptor_limit() -> usize {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((now, most)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return usize::MAX;
    };
    // If it fails the old limit holds, and calls that exceed it get an error.
    let raised = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    usize::try_from(raised.map_or(now, |()| most)).unwrap_or(usize::MAX)
}

/// Whether a connection's initial sequence number can be chosen here.
pub(super) fn can_place_isn() -> bool {
    let socket = socket::socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None);
    socket.is_ok_and(|socket| sys::set_option(&socket, libc::IPPROTO_TCP, libc::TCP_REPAIR, 1).is_ok())
}
