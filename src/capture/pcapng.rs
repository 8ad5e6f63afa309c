//! The format pcapng (draft-ietf-opsawg-pcapng).

use super::format::{Found, Frame, ReadStop};
use super::network::Reason;
use super::octets::{LARGEST, Octets, Order};
use std::collections::BTreeMap;
use std::io::Read;

/// The type of a section header, the same in both orders: the first four octets of a file.
pub(super) const MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Types of blocks that hold frames or say how to read them.
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
/// Types of blocks that are known to hold none: names, a system's journal, keys, processes, and what
/// somebody defined for themselves.
const WITHOUT_FRAMES: [u32; 6] = [4, 9, 10, 0x8000_0001, 0xbad, 0x4000_0bad];

/// Octets of a block without a body: its type, and its length twice.
const FRAMING: u64 = 12;
/// Octets of a section header without options.
const SECTION: u64 = 28;

/// The options that matter here.
const END_OF_OPTIONS: u16 = 0;
const PACKET_FLAGS: u16 = 2;
const DROPPED_BY_INTERFACE: u16 = 5;
const DROPPED_BY_SYSTEM: u16 = 7;
const CLOCK_RESOLUTION: u16 = 9;
const CHECK_LENGTH: u16 = 13;
const CLOCK_OFFSET: u16 = 14;

const NANOS: i128 = 1_000_000_000;

/// An interface of a section.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: u16,
    /// The most that is captured of a frame, in octets; 0 is no limit.
    most: u32,
    /// Ticks of its clock in a second, and the second at which it began.
    ticks: u128,
    begin: i64,
    /// Octets of the check sequence at the end of a frame.
    check: usize,
}

/// The section that is being read.
struct Section {
    order: Order,
    interfaces: Vec<Interface>,
    /// How many packets each interface had dropped by its last statistics.
    dropped: BTreeMap<u32, u64>,
}

/// Hands on each frame of a file whose first four octets have been read.
pub(super) fn read(octets: &mut Octets<impl Read>, each: &mut dyn FnMut(Found<'_>)) -> Result<(), ReadStop> {
    let mut section = read_section(octets, 0)?;
    loop {
        let begin = octets.offset();
        let kind: [u8; 4] = match octets.take_or_end(4) {
            // Cannot fail: four octets were asked for.
            Ok(Some(kind)) => kind.try_into().expect("four octets"),
            Ok(None) => return Ok(()),
            Err(trouble) => return Err(ReadStop::at(begin, "a block", &trouble)),
        };
        match kind {
            MAGIC => section = read_section(octets, begin)?,
            kind => section.read_block(kind, octets, begin, each)?,
        }
    }
}

/// Reads a section header, but for its type; it begins at `begin`.
fn read_section(octets: &mut Octets<impl Read>, begin: u64) -> Result<Section, ReadStop> {
    let stop = |text: String| ReadStop { offset: begin, text };
    let header = octets
        .take(12)
        .map_err(|trouble| ReadStop::at(begin, "a section header", &trouble))?;
    let order = [Order::Little, Order::Big]
        .into_iter()
        .find(|order| order.u32(header, 4) == Some(0x1a2b_3c4d))
        .ok_or_else(|| stop("a section header without a byte-order magic".to_owned()))?;
    let length = u64::from(order.u32(header, 0).unwrap_or(0));
    let version = order.u16(header, 8).unwrap_or(0);
    if version != 1 {
        return Err(stop(format!(
            "a section of version {version} of pcapng, and 1 is known"
        )));
    }
    if length < SECTION || !length.is_multiple_of(4) {
        return Err(stop(format!("a section header claims {length} octets")));
    }
    // The type and what was taken of the rest are behind us, the length stands at the end once more.
    octets
        .skip(length - 16 - 4)
        .map_err(|trouble| ReadStop::at(begin, "a section header", &trouble))?;
    check_end(octets, order, length, begin)?;
    Ok(Section {
        order,
        interfaces: Vec::new(),
        dropped: BTreeMap::new(),
    })
}

/// Reads the length at the end of a block, which is the same as the one at its beginning.
fn check_end(octets: &mut Octets<impl Read>, order: Order, length: u64, begin: u64) -> Result<(), ReadStop> {
    let end = octets
        .take(4)
        .map_err(|trouble| ReadStop::at(begin, "a block", &trouble))?;
    match order.u32(end, 0) {
        Some(again) if u64::from(again) == length => Ok(()),
        again => Err(ReadStop {
            offset: begin,
            text: format!(
                "a block claims {length} octets at its beginning and {} at its end",
                again.unwrap_or(0)
            ),
        }),
    }
}

impl Section {
    /// Reads a block that begins at `begin` and whose type has been read.
    fn read_block(
        &mut self,
        kind: [u8; 4],
        octets: &mut Octets<impl Read>,
        begin: u64,
        each: &mut dyn FnMut(Found<'_>),
    ) -> Result<(), ReadStop> {
        let order = self.order;
        let kind = order.u32(&kind, 0).unwrap_or(0);
        let length = octets
            .take(4)
            .map_err(|trouble| ReadStop::at(begin, "a block", &trouble))
            .map(|length| u64::from(order.u32(length, 0).unwrap_or(0)))?;
        let matters = matches!(
            kind,
            INTERFACE | OBSOLETE_PACKET | SIMPLE_PACKET | STATISTICS | ENHANCED_PACKET
        );
        if length < FRAMING || !length.is_multiple_of(4) || matters && length > LARGEST {
            return Err(ReadStop {
                offset: begin,
                text: format!("a block of type {kind} claims {length} octets"),
            });
        }
        let body = length - FRAMING;
        let trouble = |trouble| ReadStop::at(begin, &format!("a block of type {kind} and {length} octets"), &trouble);
        if matters {
            let body = octets.take(body).map_err(trouble)?;
            match kind {
                INTERFACE => self.interfaces.push(interface(order, body)),
                OBSOLETE_PACKET => each(self.obsolete_packet(body).into()),
                SIMPLE_PACKET => each(self.simple_packet(body).into()),
                STATISTICS => match self.newly_dropped(body) {
                    0 => {}
                    count => each(Found::Dropped(count)),
                },
                _ => each(self.enhanced_packet(body).into()),
            }
        } else {
            octets.skip(body).map_err(trouble)?;
            if !WITHOUT_FRAMES.contains(&kind) {
                each(Found::UnknownBlock);
            }
        }
        check_end(octets, order, length, begin)
    }

    /// How many packets an interface has dropped since its last statistics, which count from the beginning.
    fn newly_dropped(&mut self, body: &[u8]) -> u64 {
        let order = self.order;
        let options = options_of(order, body.get(12..).unwrap_or_default());
        let dropped = options.filter(|(code, _)| matches!(*code, DROPPED_BY_INTERFACE | DROPPED_BY_SYSTEM));
        let total = dropped
            .filter_map(|(_, value)| order.u64(value))
            .fold(0, u64::saturating_add);
        let interface = order.u32(body, 0).unwrap_or(u32::MAX);
        let before = self.dropped.insert(interface, total).unwrap_or(0);
        total.saturating_sub(before)
    }

    fn enhanced_packet<'a>(&self, body: &'a [u8]) -> Result<Frame<'a>, Reason> {
        let number = |at| self.order.u32(body, at).ok_or(Reason::BrokenBlock);
        self.packet(
            number(0)? as usize,
            [number(4)?, number(8)?],
            number(12)?,
            number(16)?,
            &body[20..],
        )
    }

    fn obsolete_packet<'a>(&self, body: &'a [u8]) -> Result<Frame<'a>, Reason> {
        let number = |at| self.order.u32(body, at).ok_or(Reason::BrokenBlock);
        let interface = self.order.u16(body, 0).ok_or(Reason::BrokenBlock)?;
        self.packet(
            interface.into(),
            [number(4)?, number(8)?],
            number(12)?,
            number(16)?,
            &body[20..],
        )
    }

    /// A frame of which `captured` octets stand at the beginning of `rest`, followed by padding and options.
    fn packet<'a>(
        &self,
        interface: usize,
        time: [u32; 2],
        captured: u32,
        length: u32,
        rest: &'a [u8],
    ) -> Result<Frame<'a>, Reason> {
        let interface = self.interfaces.get(interface).ok_or(Reason::UnknownInterface)?;
        let octets = rest.get(..captured as usize).ok_or(Reason::BrokenBlock)?;
        let options = rest.get(octets.len().next_multiple_of(4)..).unwrap_or_default();
        // The flags of a packet say how long its own check sequence is; 0 is not known.
        let own = options_of(self.order, options)
            .find(|(code, _)| *code == PACKET_FLAGS)
            .and_then(|(_, value)| self.order.u32(value, 0))
            .map_or(0, |flags| (flags >> 5) as usize & 15);
        let check = if own == 0 { interface.check } else { own };
        let ticks = u128::from(time[0]) << 32 | u128::from(time[1]);
        Ok(Frame::new(
            Some(interface.nanos(ticks)),
            interface.link,
            octets,
            length,
            check,
        ))
    }

    /// A simple packet is the first interface's; it says neither when it was captured nor how much of it.
    fn simple_packet<'a>(&self, body: &'a [u8]) -> Result<Frame<'a>, Reason> {
        let length = self.order.u32(body, 0).ok_or(Reason::BrokenBlock)?;
        let interface = self.interfaces.first().ok_or(Reason::UnknownInterface)?;
        let most = if interface.most == 0 { u32::MAX } else { interface.most };
        let captured = length.min(most) as usize;
        let octets = body[4..].get(..captured).unwrap_or(&body[4..]);
        Ok(Frame::new(None, interface.link, octets, length, interface.check))
    }
}

impl<'a> From<Result<Frame<'a>, Reason>> for Found<'a> {
    fn from(frame: Result<Frame<'a>, Reason>) -> Found<'a> {
        frame.map_or_else(Found::Unreadable, Found::Frame)
    }
}

impl Interface {
    /// A moment of its clock, in nanoseconds since 1970.
    fn nanos(&self, ticks: u128) -> i128 {
        // Cannot overflow: ticks have 64 bits, and a thousand million 30.
        let since = ticks * NANOS as u128 / self.ticks;
        since as i128 + i128::from(self.begin) * NANOS
    }
}

/// Reads the body of an interface description; what it lacks is as a correct one that says nothing.
fn interface(order: Order, body: &[u8]) -> Interface {
    let mut interface = Interface {
        link: order.u16(body, 0).unwrap_or(u16::MAX),
        most: order.u32(body, 4).unwrap_or(0),
        ticks: 1_000_000,
        begin: 0,
        check: 0,
    };
    for (code, value) in options_of(order, body.get(8..).unwrap_or_default()) {
        match (code, value) {
            (CLOCK_RESOLUTION, [resolution, ..]) => interface.ticks = resolution_of(*resolution),
            (CLOCK_OFFSET, value) => {
                if let Some(begin) = order.u64(value) {
                    interface.begin = begin as i64;
                }
            }
            // The draft leaves open whether these are octets or bits; no check sequence has 16 octets.
            (CHECK_LENGTH, [length @ 0..16, ..]) => interface.check = usize::from(*length),
            (CHECK_LENGTH, [length, ..]) => interface.check = usize::from(*length / 8),
            _ => {}
        }
    }
    interface
}

/// Ticks in a second: a power of ten, or of two where the highest bit is set.
fn resolution_of(resolution: u8) -> u128 {
    let base: u128 = if resolution & 0x80 == 0 { 10 } else { 2 };
    // No clock is as fast as the largest number; its ticks are worth nothing.
    base.checked_pow(u32::from(resolution & 0x7f)).unwrap_or(u128::MAX)
}

/// The options in these octets, as (code, value), as far as they can be read.
fn options_of(order: Order, mut octets: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    core::iter::from_fn(move || {
        let (code, length) = (order.u16(octets, 0)?, usize::from(order.u16(octets, 2)?));
        let value = octets.get(4..4 + length)?;
        octets = octets.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        (code != END_OF_OPTIONS).then_some((code, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::format::read;

    /// Writes blocks in one order.
    struct Writer(Order);

    impl Writer {
        fn word(&self, number: u32) -> [u8; 4] {
            match self.0 {
                Order::Little => number.to_le_bytes(),
                Order::Big => number.to_be_bytes(),
            }
        }

        fn words<const N: usize>(&self, numbers: [u32; N]) -> Vec<u8> {
            numbers.map(|number| self.word(number)).concat()
        }

        /// Two numbers of 16 bits.
        fn halves(&self, first: u16, second: u16) -> [u8; 4] {
            let (first, second) = (u32::from(first), u32::from(second));
            match self.0 {
                Order::Little => self.word(second << 16 | first),
                Order::Big => self.word(first << 16 | second),
            }
        }

        fn block(&self, kind: u32, body: &[u8]) -> Vec<u8> {
            let padded = body.len().next_multiple_of(4);
            let length = self.word(12 + padded as u32);
            let padding = vec![0; padded - body.len()];
            [&self.word(kind), &length, body, &padding, &length].concat()
        }

        fn section(&self) -> Vec<u8> {
            let body = [&self.word(0x1a2b_3c4d)[..], &self.halves(1, 0), &[0xff; 8]].concat();
            self.block(0x0a0d_0d0a, &body)
        }

        fn option(&self, code: u16, value: &[u8]) -> Vec<u8> {
            let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
            [&self.halves(code, value.len() as u16)[..], value, &padding].concat()
        }

        fn interface(&self, link: u16, most: u32, options: &[u8]) -> Vec<u8> {
            self.block(1, &[&self.halves(link, 0)[..], &self.word(most), options].concat())
        }

        fn enhanced(&self, interface: u32, ticks: u64, octets: &[u8], length: u32, options: &[u8]) -> Vec<u8> {
            let (high, low) = ((ticks >> 32) as u32, ticks as u32);
            let head = self.words([interface, high, low, octets.len() as u32, length]);
            let padding = vec![0; octets.len().next_multiple_of(4) - octets.len()];
            self.block(6, &[&head, octets, &padding, options].concat())
        }
    }

    #[derive(Debug, PartialEq, Eq)]
    enum Seen {
        Frame(Option<i128>, u16, Vec<u8>, usize),
        Unreadable(Reason),
        Unknown,
        Dropped(u64),
    }

    fn seen(file: &[u8]) -> (Vec<Seen>, Option<String>) {
        let mut seen = Vec::new();
        let damage = read(file, &mut |found| {
            seen.push(match found {
                Found::Frame(it) => Seen::Frame(it.at, it.link, it.octets.to_vec(), it.missing),
                Found::Unreadable(reason) => Seen::Unreadable(reason),
                Found::UnknownBlock => Seen::Unknown,
                Found::Dropped(count) => Seen::Dropped(count),
            });
        });
        (seen, damage.unwrap().map(|damage| damage.to_string()))
    }

    #[test]
    fn what_an_interface_dropped_is_counted_once() {
        for order in [Order::Little, Order::Big] {
            let to = Writer(order);
            let long = |number: u64| match order {
                Order::Little => number.to_le_bytes(),
                Order::Big => number.to_be_bytes(),
            };
            let option = |code, number| [&to.halves(code, 8)[..], &long(number)].concat();
            let statistics =
                |interface, options: &[u8]| to.block(5, &[&to.words([interface, 0, 0])[..], options].concat());
            let file = [
                to.section(),
                statistics(0, &[option(4, 9), option(5, 2), option(7, 3)].concat()),
                statistics(1, &option(7, 1)),
                statistics(0, &option(7, 7)),
                statistics(0, &[]),
                to.section(),
                statistics(0, &option(7, 1 << 40)),
            ];
            let dropped = [5, 1, 2, 1 << 40].map(Seen::Dropped);
            assert_eq!(seen(&file.concat()), (dropped.into(), None));
        }
    }

    #[test]
    fn every_kind_of_packet_block_is_read_in_both_orders_and_the_rest_is_passed_over() {
        for order in [Order::Little, Order::Big] {
            let to = Writer(order);
            let old = [&to.halves(0, 7)[..], &to.words([0, 5, 3, 3]), &[1, 2, 3]].concat();
            let file = [
                to.section(),
                to.interface(101, 4, &[]),
                to.block(4, &[0; 8]),
                to.enhanced(0, 1_000_001, &[1, 2, 3], 9, &[]),
                to.block(2, &old),
                to.block(3, &[&to.word(9)[..], &[1, 2, 3, 4]].concat()),
                to.block(3, &[&to.word(3)[..], &[1, 2, 3, 0]].concat()),
                to.block(5, &[0; 12]),
                to.block(10, &[0; 8]),
                to.block(0xbad, &[0; 4]),
                to.block(0x7777, &[]),
                to.enhanced(3, 0, &[1], 1, &[]),
                to.block(6, &to.words([0, 0, 0, 1000, 1000])),
                to.block(6, &[]),
            ]
            .concat();
            let expected = [
                Seen::Frame(Some(1_000_001_000), 101, vec![1, 2, 3], 6),
                Seen::Frame(Some(5_000), 101, vec![1, 2, 3], 0),
                Seen::Frame(None, 101, vec![1, 2, 3, 4], 5),
                Seen::Frame(None, 101, vec![1, 2, 3], 0),
                Seen::Unknown,
                Seen::Unreadable(Reason::UnknownInterface),
                Seen::Unreadable(Reason::BrokenBlock),
                Seen::Unreadable(Reason::BrokenBlock),
            ];
            let (found, damage) = seen(&file);
            assert_eq!(damage, None);
            assert_eq!(found, expected, "{order:?}");
        }
    }

    #[test]
    fn a_clock_may_tick_in_powers_of_ten_and_two_and_begin_at_any_second() {
        for order in [Order::Little, Order::Big] {
            let to = Writer(order);
            let offset = match order {
                Order::Little => (-3_i64).to_le_bytes(),
                Order::Big => (-3_i64).to_be_bytes(),
            };
            let at = |resolution: u8, ticks: u64| {
                let options = [
                    to.option(2, b"eth0!"),
                    to.option(9, &[resolution]),
                    to.option(14, &offset),
                ]
                .concat();
                let file = [
                    to.section(),
                    to.interface(1, 0, &options),
                    to.enhanced(0, ticks, &[], 0, &[]),
                ]
                .concat();
                match seen(&file).0.as_slice() {
                    [Seen::Frame(Some(at), ..)] => *at,
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(at(9, 5), -2_999_999_995);
            assert_eq!(at(0, 5), 2_000_000_000);
            assert_eq!(at(0x80 | 10, 512), -2_500_000_000);
            assert_eq!(at(127, u64::MAX), -3_000_000_000);
            assert_eq!(at(0xff, u64::MAX), -3_000_000_000);
        }
    }

    #[test]
    fn the_check_sequence_of_an_interface_or_of_one_packet_is_no_part_of_the_frame() {
        let to = Writer(Order::Big);
        let own = [to.option(2, &to.word(2 << 5)), to.option(0, &[])].concat();
        let file = [
            to.section(),
            to.interface(1, 0, &to.option(13, &[32])),
            to.interface(1, 0, &to.option(13, &[4])),
            to.enhanced(0, 0, &[1, 2, 3, 4, 5], 5, &[]),
            to.enhanced(1, 0, &[1, 2, 3, 4, 5], 5, &own),
        ];
        let (found, _) = seen(&file.concat());
        assert_eq!(
            found,
            [
                Seen::Frame(Some(0), 1, vec![1], 0),
                Seen::Frame(Some(0), 1, vec![1, 2, 3], 0)
            ]
        );
    }

    #[test]
    fn a_section_may_have_another_order_and_has_interfaces_of_its_own() {
        let (little, big) = (Writer(Order::Little), Writer(Order::Big));
        let file = [
            little.section(),
            little.interface(1, 0, &[]),
            big.section(),
            big.enhanced(0, 0, &[1], 1, &[]),
            big.interface(101, 0, &[]),
            big.enhanced(0, 0, &[1], 1, &[]),
        ];
        let (found, damage) = seen(&file.concat());
        assert_eq!(damage, None);
        let frame = Seen::Frame(Some(0), 101, vec![1], 0);
        assert_eq!(found, [Seen::Unreadable(Reason::UnknownInterface), frame]);
    }

    #[test]
    fn lengths_that_lie_end_the_reading_at_a_named_place() {
        let to = Writer(Order::Little);
        let begin = [to.section(), to.interface(101, 0, &[])].concat();
        let with = |block: &[u8]| seen(&[&begin, block].concat()).1.unwrap();
        let place = begin.len();
        let claims = |kind: u32, length: u32| to.words([kind, length, 0, 0]);
        assert_eq!(
            with(&claims(6, 0xffff_fffc)),
            format!("at offset {place}: a block of type 6 claims 4294967292 octets")
        );
        assert!(with(&claims(6, 8)).ends_with("claims 8 octets"));
        assert!(with(&claims(6, 30)).ends_with("claims 30 octets"));
        let unknown = with(&claims(0x7777, 0xffff_fffc));
        assert!(
            unknown.contains("the capture ends within a block of type 30583"),
            "{unknown}"
        );
        let mut torn = to.enhanced(0, 0, &[1, 2, 3, 4], 4, &[]);
        *torn.last_mut().unwrap() = 1;
        assert!(with(&torn).contains("36 octets at its beginning and 16777252 at its end"));
        let mut future = to.section();
        future[12] = 2;
        assert!(
            seen(&future)
                .1
                .unwrap()
                .starts_with("at offset 0: a section of version 2")
        );
        let whole = [begin, to.enhanced(0, 0, &[1], 1, &[])].concat();
        for length in 5..whole.len() {
            drop(seen(&whole[..length]));
        }
    }
}
