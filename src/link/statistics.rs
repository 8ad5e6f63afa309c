//! The counters of a namespace's kernel, read through files that were opened inside the namespace.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

/// The counters of one namespace, read from outside: both files stay bound to the namespace in which they were opened.
pub struct Statistics {
    devices: File,
    tcp: File,
    text: Vec<u8>,
}

/// The most that is read of either file, in octets: more than either is ever long.
const LIMIT: usize = 1 << 20;

impl Statistics {
    /// Takes over /proc/net/dev and /proc/net/netstat, opened in the namespace.
    pub fn new(devices: OwnedFd, tcp: OwnedFd) -> Statistics {
        Statistics {
            devices: File::from(devices),
            tcp: File::from(tcp),
            text: Vec::with_capacity(8192),
        }
    }

    /// How many outgoing frames the namespace's interfaces have dropped.
    pub fn lost(&mut self) -> io::Result<u64> {
        read(&self.devices, &mut self.text)?;
        Ok(device_losses(&String::from_utf8_lossy(&self.text)))
    }

    /// The values of the named counters of TCP, in the order asked; 0 where the kernel has no such counter.
    pub fn tcp(&mut self, names: &[&str]) -> io::Result<Vec<u64>> {
        read(&self.tcp, &mut self.text)?;
        Ok(tcp_counters(&String::from_utf8_lossy(&self.text), names))
    }
}

fn read(file: &File, text: &mut Vec<u8>) -> io::Result<()> {
    text.clear();
    let mut piece = [0; 4096];
    while text.len() < LIMIT {
        match file.read_at(&mut piece, text.len() as u64)? {
            0 => break,
            count => text.extend_from_slice(&piece[..count]),
        }
    }
    Ok(())
}

/// The sum of the dropped outgoing frames in the text of /proc/net/dev.
pub fn device_losses(text: &str) -> u64 {
    // After the colon: eight numbers for received frames, then bytes, packets, errs and drop for transmitted ones.
    let dropped = |line: &str| {
        line.split_once(':')?
            .1
            .split_ascii_whitespace()
            .nth(11)?
            .parse::<u64>()
            .ok()
    };
    text.lines().filter_map(dropped).sum()
}

/// Counters by name in the text of /proc/net/netstat: pairs of lines, names above values.
pub fn tcp_counters(text: &str, names: &[&str]) -> Vec<u64> {
    let mut values = vec![0; names.len()];
    let mut lines = text.lines();
    while let (Some(above), Some(below)) = (lines.next(), lines.next()) {
        for (name, value) in above.split_ascii_whitespace().zip(below.split_ascii_whitespace()) {
            if let Some(at) = names.iter().position(|wanted| *wanted == name) {
                values[at] = value.parse().unwrap_or(0);
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_frames_are_found_among_the_columns() {
        let text = "Inter-|   Receive                                                |  Transmit\n \
                    face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo\n \
                    \u{20}   lo:       0       0    0    9    0     0          0         0        0       0    0    0\n \
                    target: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
        assert_eq!(device_losses(text), 12);
        assert_eq!(device_losses("junk\n: :\n"), 0);
    }

    #[test]
    fn counters_are_found_by_name() {
        let text = "TcpExt: SyncookiesSent ListenDrops TCPAbortOnMemory\nTcpExt: 1 22 333\nIpExt: InOctets\nIpExt: 4\n";
        assert_eq!(
            tcp_counters(text, &["TCPAbortOnMemory", "ListenDrops", "NoSuch"]),
            vec![333, 22, 0]
        );
        assert_eq!(tcp_counters("", &["ListenDrops"]), vec![0]);
    }
}
