//! Packets out of a pcap or pcapng file.

use super::link_layer::{ip_packet, is_known};
use crate::time::Instant;
use core::fmt;
use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader};
use std::collections::BTreeSet;
use std::io::Read;

/// The largest block that is read: no capture has larger packets.
const LARGEST: usize = 64 << 20;
/// Read at once, to begin with.
const BUFFER: usize = 1 << 20;

/// What could be read of a capture.
#[derive(Clone, Debug, Default)]
pub struct Captured {
    /// Each IP packet: the number of its frame, from 1 as viewers count, when it was captured, and the octets that are there.
    pub packets: Vec<(usize, Instant, Vec<u8>)>,
    /// Frames in all.
    pub frames: usize,
    /// Frames that the capture has cut: nothing is said about them.
    pub cut: usize,
    /// Link types that are not known here, by number.
    pub unknown_links: BTreeSet<i32>,
    /// Why reading ended before the end of the file; empty where it did not.
    pub damage: String,
}

/// Why nothing can be read: a sentence with the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureError(pub String);

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An interface of a capture: its link type, and the ticks of its clock in a second.
#[derive(Clone, Copy)]
struct Interface {
    link: i32,
    ticks: u64,
}

struct Reading {
    captured: Captured,
    interfaces: Vec<Interface>,
    /// The first timestamp, in nanoseconds.
    first: Option<u64>,
}

/// Reads a capture. What is damaged ends the reading, and what came before stands.
pub fn read(file: impl Read + Send + 'static) -> Result<Captured, CaptureError> {
    let mut reader = create_reader(BUFFER, file).map_err(|error| {
        CaptureError(match error {
            PcapError::ReadError => "it cannot be read".to_owned(),
            PcapError::Eof => "it is empty".to_owned(),
            _ => "it is neither pcap nor pcapng; tcpdump -w, tshark -w and dumpcap write such files".to_owned(),
        })
    })?;
    let mut reading = Reading {
        captured: Captured::default(),
        interfaces: Vec::new(),
        first: None,
    };
    let mut size = BUFFER;
    // How often nothing could be made of what is there: a reader that does not move must not go on for ever.
    let mut stuck = 0;
    loop {
        let problem = match reader.next() {
            Ok((length, block)) => {
                reading.take(&block);
                reader.consume(length);
                stuck = 0;
                continue;
            }
            Err(PcapError::Eof) => break,
            Err(PcapError::Incomplete(_)) if stuck < 2 => {
                stuck += 1;
                reader.refill().err().map(|error| plain(&error))
            }
            Err(PcapError::Incomplete(_) | PcapError::BufferTooSmall) if size < LARGEST => {
                size *= 2;
                stuck = 0;
                (!reader.grow(size)).then(|| "a block is too large".to_owned())
            }
            Err(error) => Some(plain(&error)),
        };
        if let Some(problem) = problem {
            reading.captured.damage = problem;
            break;
        }
    }
    Ok(reading.captured)
}

fn plain(error: &PcapError<&[u8]>) -> String {
    match error {
        PcapError::UnexpectedEof | PcapError::Incomplete(_) => "the file ends within a block".to_owned(),
        PcapError::ReadError => "the file cannot be read further".to_owned(),
        _ => "a block makes no sense".to_owned(),
    }
}

impl Reading {
    fn take(&mut self, block: &PcapBlockOwned<'_>) {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let ticks = if header.is_nanosecond_precision() {
                    1_000_000_000
                } else {
                    1_000_000
                };
                let link = header.network.0;
                self.interfaces = vec![Interface { link, ticks }];
            }
            PcapBlockOwned::Legacy(packet) => {
                let Some(interface) = self.interfaces.first().copied() else {
                    return;
                };
                let nanos = u64::from(packet.ts_sec) * 1_000_000_000
                    + u64::from(packet.ts_usec).saturating_mul(1_000_000_000 / interface.ticks);
                let cut = packet.caplen < packet.origlen;
                self.packet(interface.link, nanos, packet.data, cut);
            }
            PcapBlockOwned::NG(block) => self.take_ng(block),
        }
    }

    fn take_ng(&mut self, block: &Block<'_>) {
        match block {
            Block::SectionHeader(_) => self.interfaces.clear(),
            Block::InterfaceDescription(interface) => self.interfaces.push(Interface {
                link: interface.linktype.0,
                ticks: interface.ts_resolution().unwrap_or(1_000_000).max(1),
            }),
            Block::EnhancedPacket(packet) => {
                let Some(interface) = self.interfaces.get(packet.if_id as usize).copied() else {
                    return;
                };
                let ticks = u128::from(packet.ts_high) << 32 | u128::from(packet.ts_low);
                let nanos = ticks * 1_000_000_000 / u128::from(interface.ticks);
                let octets = &packet.data[..packet.data.len().min(packet.caplen as usize)];
                let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
                self.packet(interface.link, nanos, octets, packet.caplen < packet.origlen);
            }
            _ => {}
        }
    }

    fn packet(&mut self, link: i32, nanos: u64, octets: &[u8], cut: bool) {
        let captured = &mut self.captured;
        captured.frames += 1;
        captured.cut += usize::from(cut);
        if !is_known(link) {
            captured.unknown_links.insert(link);
            return;
        }
        let first = *self.first.get_or_insert(nanos);
        if let Some(packet) = ip_packet(link, octets).filter(|_| !cut) {
            let at = Instant::from_nanos(nanos.saturating_sub(first));
            captured.packets.push((captured.frames, at, packet.to_vec()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn pcap(ticks_magic: u32, packets: &[(u32, u32, &[u8], u32)]) -> Vec<u8> {
        let mut file = ticks_magic.to_le_bytes().to_vec();
        file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        file.extend(65_535_u32.to_le_bytes());
        file.extend(101_u32.to_le_bytes());
        for (seconds, fraction, octets, length) in packets {
            for word in [*seconds, *fraction, octets.len() as u32, *length] {
                file.extend(word.to_le_bytes());
            }
            file.extend(*octets);
        }
        file
    }

    fn block(kind: u32, body: &[u8]) -> Vec<u8> {
        let length = (12 + body.len()) as u32;
        [&kind.to_le_bytes(), &length.to_le_bytes(), body, &length.to_le_bytes()].concat()
    }

    fn pcapng() -> Vec<u8> {
        let mut file = block(
            0x0a0d_0d0a,
            &[
                0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255,
            ],
        );
        // Link type 101; a clock of nanoseconds.
        file.extend(block(
            1,
            &[101, 0, 0, 0, 0, 0, 1, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0],
        ));
        for at in [5_000_000_000_u64, 5_000_002_000] {
            let (high, low) = ((at >> 32) as u32, at as u32);
            let words = [0, high, low, 4, 4].map(u32::to_le_bytes).concat();
            file.extend(block(6, &[&words[..], &[0x45, 0, 0, 9]].concat()));
        }
        file
    }

    #[test]
    fn packets_and_their_times_come_out_of_both_formats() {
        let legacy = pcap(
            0xa1b2_c3d4,
            &[(7, 999_999, &[0x45, 1], 2), (8, 1, &[0x45, 2], 2), (8, 2, &[0x45], 60)],
        );
        let read_legacy = read(Cursor::new(legacy)).unwrap();
        assert_eq!((read_legacy.frames, read_legacy.cut), (3, 1));
        let times: Vec<_> = read_legacy
            .packets
            .iter()
            .map(|(n, at, _)| (*n, at.as_micros()))
            .collect();
        assert_eq!(times, [(1, 0), (2, 2)]);
        let nanos = read(Cursor::new(pcap(
            0xa1b2_3c4d,
            &[(1, 5, &[0x45], 1), (1, 9, &[0x45], 1)],
        )))
        .unwrap();
        assert_eq!(nanos.packets[1].1, Instant::from_nanos(4));

        let new = read(Cursor::new(pcapng())).unwrap();
        assert_eq!(new.damage, "");
        assert_eq!(new.packets.len(), 2);
        assert_eq!(new.packets[1], (2, Instant::from_micros(2), vec![0x45, 0, 0, 9]));
    }

    #[test]
    fn what_is_no_capture_is_refused_and_what_is_damaged_is_read_as_far_as_it_goes() {
        let junk = read(Cursor::new(b"GET / HTTP/1.1\r\n\r\n, and what follows it".to_vec()));
        assert!(junk.unwrap_err().0.starts_with("it is neither pcap nor pcapng"));
        assert_eq!(read(Cursor::new(Vec::new())).unwrap_err().0, "it is empty");
        let whole = pcapng();
        for length in 28..whole.len() {
            let cut = read(Cursor::new(whole[..length].to_vec())).unwrap();
            assert!(cut.packets.len() < 2, "{length}");
        }
        let mut endless = pcapng();
        let end = endless.len();
        endless[end - 30] = 0xff;
        assert!(read(Cursor::new(endless)).unwrap().packets.len() <= 2);
    }
}
