//! What stands before an IP packet in a captured frame.

/// Link types by number (the registry of tcpdump.org), and how an IP packet is found behind each.
const NULL: i32 = 0;
const ETHERNET: i32 = 1;
const RAW_BSD: [i32; 2] = [12, 14];
const RAW: i32 = 101;
const LOOP: i32 = 108;
const LINUX_SLL: i32 = 113;
const IPV4: i32 = 228;
const IPV6: i32 = 229;
const LINUX_SLL2: i32 = 276;

/// Octets of an Ethernet header up to the type.
const ETHERNET_ADDRESSES: usize = 12;
/// The types of tags that stand before the type proper (IEEE 802.1Q, 802.1ad), four octets each.
const TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// Whether frames of a link type can be read.
pub(super) fn is_known(link: i32) -> bool {
    matches!(
        link,
        NULL | ETHERNET | RAW | LOOP | LINUX_SLL | IPV4 | IPV6 | LINUX_SLL2
    ) || RAW_BSD.contains(&link)
}

/// The IP packet in a frame; `None` where it carries something else.
pub(super) fn ip_packet(link: i32, frame: &[u8]) -> Option<&[u8]> {
    match link {
        ETHERNET => behind_type(frame, ETHERNET_ADDRESSES),
        LINUX_SLL => of_type(frame, 14, 16),
        LINUX_SLL2 => of_type(frame, 0, 20),
        // An address family in the byte order of the machine, which differs between systems for IPv6: the packet's own
        // version tells.
        NULL | LOOP => frame.get(4..),
        _ => Some(frame),
    }
}

fn word(frame: &[u8], at: usize) -> Option<u16> {
    let octets = frame.get(at..at + 2)?;
    Some(u16::from_be_bytes([octets[0], octets[1]]))
}

fn is_ip(kind: u16) -> bool {
    matches!(kind, 0x0800 | 0x86dd)
}

fn of_type(frame: &[u8], kind_at: usize, packet_at: usize) -> Option<&[u8]> {
    word(frame, kind_at)
        .filter(|kind| is_ip(*kind))
        .and_then(|_| frame.get(packet_at..))
}

fn behind_type(frame: &[u8], mut at: usize) -> Option<&[u8]> {
    while TAGS.contains(&word(frame, at)?) {
        at += 4;
    }
    of_type(frame, at, at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packet_is_found_behind_each_kind_of_header() {
        let behind = |header: &[u8]| [header, &[0x45, 1, 2]].concat();
        let ethernet = [&[0; 12][..], &[0x08, 0]].concat();
        let tagged = [&[0; 12][..], &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 7, 0x86, 0xdd]].concat();
        let cooked = [&[0; 14][..], &[0x08, 0]].concat();
        let cooked2 = [&[0x08, 0][..], &[0; 18]].concat();
        for (link, header) in [
            (ETHERNET, ethernet),
            (ETHERNET, tagged),
            (LINUX_SLL, cooked),
            (LINUX_SLL2, cooked2),
            (NULL, vec![2, 0, 0, 0]),
            (RAW, vec![]),
        ] {
            assert!(is_known(link));
            assert_eq!(ip_packet(link, &behind(&header)), Some(&[0x45, 1, 2][..]), "{link}");
        }
    }

    #[test]
    fn what_carries_something_else_or_is_too_short_is_none() {
        let arp = [&[0; 12][..], &[0x08, 0x06], &[0; 28]].concat();
        assert_eq!(ip_packet(ETHERNET, &arp), None);
        for length in 0..14 {
            assert_eq!(ip_packet(ETHERNET, &vec![0x81; length]), None);
        }
        assert!(!is_known(105));
    }
}
