//! A self-test of a namespace: frames must show what the stack sends, without segmentation or checksum offload.

use super::namespace::Namespace;
use crate::drive::addresses::{target_address, tester_address};
use crate::drive::place::Place;
use crate::drive::protocol::{Reply, Request};
use crate::drive::{EnvironmentError, Halt};
use crate::stack::{Call, CallId, IpVersion, SocketId};
use crate::wire::{Body, Checksum, Flags, IpHeader, Packet, Segment, SeqNum, TcpOption};
use core::net::SocketAddr;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long an answer may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(5);
/// Payload of a full segment over Ethernet and IPv6, which fits over IPv4 too.
const MSS: u16 = 1440;
/// The port of the listener, and the number of the tester's address; no run has either.
const PORT: u16 = 1000;
const TESTER: u32 = 1;
/// Names of sockets that no run uses.
const LISTENER: SocketId = SocketId(u32::MAX);
const CONNECTION: SocketId = SocketId(u32::MAX - 1);

impl Namespace {
    /// Makes a call and waits for its first reply, which may be `pending`. Only for use outside of runs.
    pub fn ask(&mut self, id: CallId, call: Call) -> Result<Reply, String> {
        self.agent.say(&Request::Call(id, call));
        self.answer(id)
    }

    /// Waits for the next reply to a call. Other replies are skipped.
    pub fn answer(&mut self, id: CallId) -> Result<Reply, String> {
        let deadline = Instant::now() + PATIENCE;
        let mut replies = Vec::new();
        while Instant::now() < deadline {
            let heard = self.agent.flush().and_then(|_| self.agent.hear(&mut replies));
            heard.map_err(|halt| halt.text().to_owned())?;
            let concerns = |reply: &Reply| match reply {
                Reply::Result(answered, _) | Reply::Pending(answered) => *answered == id,
                Reply::Accepted { .. } => true,
                _ => false,
            };
            if let Some(found) = replies.drain(..).find(concerns) {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
            // The result of the poll does not matter: the next read finds out.
            let _ = poll(&mut [PollFd::new(self.agent.as_fd(), PollFlags::POLLIN)], timeout);
        }
        Err(format!("no answer to a call within {} s", PATIENCE.as_secs()))
    }

    /// All packets that have come.
    pub fn drain(&mut self) -> Result<Vec<Packet>, String> {
        let mut packets = Vec::new();
        while let Some(frame) = self
            .link
            .receive()
            .map_err(|error| format!("the device cannot be read: {error}"))?
        {
            // What fails to parse is skipped: IPv6 sends multicast messages, and ARP frames are not IP.
            packets.extend(Packet::parse(frame));
        }
        Ok(packets)
    }

    /// A write of three full segments must arrive as three segments with correct checksums.
    pub fn self_test(&mut self) -> Result<(), EnvironmentError> {
        if !["listen", "accept", "send"].iter().all(|name| self.abilities.can(name)) {
            // An agent without these abilities cannot be tested; it cannot send much either.
            return Ok(());
        }
        let mut result = Ok(());
        if self.abilities.can("ipv4") {
            result = self.three_segments(IpVersion::V4);
        }
        if result.is_ok() && self.abilities.can("ipv6") {
            result = self.three_segments(IpVersion::V6);
        }
        result.map_err(|why| self.failed(&why))
    }

    /// The error of a failed self-test. Where an external agent makes the calls, it is the likeliest cause.
    fn failed(&mut self, why: &str) -> EnvironmentError {
        let why = self.explain(Halt::Void(why.to_owned()));
        let why = why.text();
        match self.is_agents() {
            true => EnvironmentError {
                problem: format!("the agent does not pass a self-test: {why}"),
                remedy: "see `tcpvet check-agent`, which tells step by step what it does wrong".to_owned(),
            },
            false => EnvironmentError {
                problem: format!(
                    "the {} device of a namespace fails its self-test: {why}",
                    self.link.kind()
                ),
                remedy: "choose the other kind of device (tun or veth), and report this".to_owned(),
            },
        }
    }

    fn three_segments(&mut self, ip: IpVersion) -> Result<(), String> {
        let (target, tester) = (target_address(ip), tester_address(ip, TESTER));
        let local = SocketAddr::new(target, PORT);
        let listen = Call::Listen {
            socket: LISTENER,
            local,
            backlog: 1,
            fast_open: None,
        };
        expect_result(self.ask(CallId(u64::MAX), listen)?)?;
        let mut syn = Segment {
            source: 9,
            destination: local.port(),
            window: 65_535,
            ..Segment::default()
        };
        syn.flags = Flags::SYN;
        syn.options = vec![TcpOption::Mss(MSS)];
        self.inject(target, tester, syn.clone())?;
        let replies = self.drain()?;
        let answer = replies
            .iter()
            .filter_map(Packet::tcp)
            .find(|segment| segment.flags == Flags::SYN | Flags::ACK);
        let isn = answer
            .ok_or("a SYN to a listener was not answered before its write returned")?
            .seq;
        let mut ack = Segment {
            options: Vec::new(),
            flags: Flags::ACK,
            ..syn.clone()
        };
        (ack.seq, ack.ack) = (SeqNum(1), isn.advanced(1));
        self.inject(target, tester, ack.clone())?;
        expect_accepted(self.ask(
            CallId(u64::MAX - 1),
            Call::Accept {
                listener: LISTENER,
                socket: CONNECTION,
            },
        )?)?;
        let data = vec![0x55; 3 * usize::from(MSS)];
        let urgent = false;
        expect_result(self.ask(
            CallId(u64::MAX - 2),
            Call::Send {
                socket: CONNECTION,
                data,
                urgent,
            },
        )?)?;
        judge(&self.drain()?)?;
        self.agent.say(&Request::Forget(vec![LISTENER, CONNECTION]));
        // The sockets have been closed when the answer comes, whatever it is.
        self.ask(CallId(u64::MAX - 3), Call::Close { socket: LISTENER })?;
        self.drain().map(|_| ())
    }

    fn inject(&mut self, target: core::net::IpAddr, tester: core::net::IpAddr, tcp: Segment) -> Result<(), String> {
        let ip = IpHeader::between(tester, target);
        let packet = Packet {
            ip,
            body: Body::Tcp(tcp),
        }
        .encode();
        self.link
            .send(&packet)
            .map_err(|error| format!("the device takes no packet: {error}"))
    }
}

/// Whether these are three full segments with correct checksums.
fn judge(sent: &[Packet]) -> Result<(), String> {
    let segments: Vec<&Segment> = sent.iter().filter_map(Packet::tcp).collect();
    let lengths: Vec<usize> = segments.iter().map(|segment| segment.payload.len()).collect();
    if lengths != [usize::from(MSS); 3] {
        return Err(format!(
            "three full segments came as {lengths:?} octets (segmentation offload)"
        ));
    }
    match segments.iter().all(|segment| segment.checksum == Checksum::Right) {
        true => Ok(()),
        false => Err("checksums are left unfinished (checksum offload)".to_owned()),
    }
}

fn expect_result(reply: Reply) -> Result<(), String> {
    match reply {
        Reply::Result(_, Ok(_)) => Ok(()),
        other => Err(format!("a call ended with `{other}`")),
    }
}

fn expect_accepted(reply: Reply) -> Result<(), String> {
    match reply {
        Reply::Accepted { .. } => Ok(()),
        other => Err(format!("a connection that stood was not handed over: `{other}`")),
    }
}
