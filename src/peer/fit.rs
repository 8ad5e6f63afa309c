//! Whether a frame is what an `expect` describes: fields that are not written must have the value that a correct target
//! would use now.

use super::Measure;
use super::conn::Conn;
use super::error::ValueError;
use super::eval::{Scope, wrap};
use super::frame::Frame;
use super::misfit::{Bit, Field, Misfit, Part, Presence, Side};
use crate::notation::{
    Comparison, Control, Expr, FieldValue, FlagPattern, IpField, Key, Octets, OptionPattern, OptionValue,
    SegmentPattern,
};
use crate::wire::{Checksum, Ecn, Flags, OptionKind, Packet, RelSeq, TcpOption};

/// How a frame fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It does not, for this reason.
    No(Misfit),
    /// All of it was taken, and more is needed.
    Part,
    /// Only its acknowledgment was taken; its text and FIN are left to later steps.
    Acknowledgment,
    /// The step is met; part of the frame may be left.
    Done,
    /// It carries text behind a gap that the middlebox has caused.
    Early,
}

/// How far an `expect` has been matched.
#[derive(Clone, Debug)]
pub(crate) struct Matching {
    /// RCV.NXT when the step began: what a default `ack` must be.
    pub rcv_nxt: i64,
    /// The number of the next octet that is needed, once the first frame was looked at.
    at: Option<i64>,
    /// Octets still needed.
    left: usize,
    /// Frames that gave some.
    pub segments: u64,
    /// With `count` a frame is an answer since the first inject, and not only since the last.
    pub counting: bool,
}

impl Matching {
    /// The number of the next octet that is needed.
    pub(crate) fn next(&self) -> Option<i64> {
        self.at
    }

    pub(crate) fn new(conn: &Conn, counting: bool) -> Matching {
        Matching {
            rcv_nxt: conn.rcv_nxt,
            at: None,
            left: 0,
            segments: 0,
            counting,
        }
    }
}

/// The flags that an `expect` leaves free unless it names them.
const FREE: Flags = Flags::from_bits(Flags::PSH.bits() | Flags::ECE.bits() | Flags::CWR.bits() | Flags::AE.bits());

/// Compares a frame with the pattern of a step on the connection `scope.here`. What it takes is noted in the frame and
/// in `matching`.
pub(crate) fn fit(
    pattern: &SegmentPattern,
    frame: &mut Frame,
    scope: &Scope,
    matching: &mut Matching,
) -> Result<Fit, ValueError> {
    let reset = frame.has(Flags::RST);
    if matches!(pattern.control, Control::Probe) {
        return fit_probe(pattern, frame, scope, matching);
    }
    if pattern.sets(Flags::RST) || reset && pattern.flag(Flags::RST) == Some(FlagPattern::Free) {
        return fit_reset(pattern, frame, scope, matching);
    }
    if reset {
        return other("it is a RST");
    }
    if let Some(value) = length_only(pattern, scope)?
        && let Some(why) = wrong_number(
            (Field::Length, "data"),
            value,
            frame.segment().payload.len() as i64,
            scope,
        )?
    {
        return no(why);
    }
    if pattern.sets(Flags::SYN) || frame.has(Flags::SYN) && pattern.flag(Flags::SYN) == Some(FlagPattern::Free) {
        return fit_syn(pattern, frame, scope, matching);
    }
    if frame.has(Flags::SYN) {
        return other("it is a SYN");
    }
    if wanted_octets(pattern, frame, scope)? == 0 && !pattern.sets(Flags::FIN) && !pattern.again {
        return fit_acknowledgment(pattern, frame, scope, matching);
    }
    fit_stretch(pattern, frame, scope, matching)
}

fn no(why: Misfit) -> Result<Fit, ValueError> {
    Ok(Fit::No(why))
}

/// A frame of another kind, or at another moment, than the step waits for.
fn other(why: &str) -> Result<Fit, ValueError> {
    no(Misfit::other(why))
}

/// The default `ack`: everything injected so far that counts.
fn wrong_ack(pattern: &SegmentPattern, frame: &Frame, matching: &Matching) -> Option<Misfit> {
    let written = pattern.field(Key::Ack).is_some() || pattern.field(Key::AbsAck).is_some();
    let wrong = frame.has(Flags::ACK) && !written && frame.ack != matching.rcv_nxt;
    wrong.then(|| {
        let side = Side::of(frame.ack - matching.rcv_nxt);
        let why = format!("ack={}, expected {} (RCV.NXT)", frame.ack, matching.rcv_nxt);
        Field::AcknowledgmentNumber.is(side).because(why)
    })
}

/// In the middle of a stretch of text the ACK may be older, but it neither moves back nor acknowledges what was not
/// sent.
fn impossible_ack(pattern: &SegmentPattern, frame: &Frame, conn: &Conn, matching: &Matching) -> Option<Misfit> {
    let free = matches!(
        pattern.field(Key::Ack).or(pattern.field(Key::AbsAck)),
        Some(FieldValue::Any)
    );
    let least = frame.rcv_nxt_then.min(matching.rcv_nxt);
    let lawful = free || !frame.has(Flags::ACK) || conn.may_acknowledge(frame, least, matching.rcv_nxt);
    (!lawful).then(|| {
        let side = Side::of(frame.ack - matching.rcv_nxt);
        let why = format!("ack={}, expected {least} to {} (RCV.NXT)", frame.ack, matching.rcv_nxt);
        Field::AcknowledgmentNumber.is(side).because(why)
    })
}

/// Why a frame is not the retransmission that was waited for.
const NOT_DUE: &str = "it came in the same instant as what it repeats";

fn fit_reset(
    pattern: &SegmentPattern,
    frame: &mut Frame,
    scope: &Scope,
    matching: &Matching,
) -> Result<Fit, ValueError> {
    let wrong = wrong_flags(pattern, frame, Flags::NONE).or(wrong_ack(pattern, frame, matching));
    if let Some(why) = first(wrong, || wrong_fields(pattern, frame, scope, &[]))? {
        return no(why);
    }
    frame.taken = frame.segment().payload.len();
    frame.fin_left = false;
    Ok(Fit::Done)
}

fn fit_probe(
    pattern: &SegmentPattern,
    frame: &mut Frame,
    scope: &Scope,
    matching: &mut Matching,
) -> Result<Fit, ValueError> {
    let conn = &scope.conns[scope.here];
    if !frame.has(Flags::ACK) || frame.has(Flags::RST) || !conn.is_probe(frame) || frame.stretch_left() > 1 {
        return other("it is no probe");
    }
    if !conn.probe_is_due(frame) {
        return other("it is a copy of the last probe");
    }
    let octets = frame.segment().payload.len();
    if let Some(value) = pattern.field(Key::Data)
        && let Some(why) = wrong_number((Field::Length, "data"), value, octets as i64, scope)?
    {
        return no(why);
    }
    let wrong = wrong_ack(pattern, frame, matching);
    if let Some(why) = first(wrong, || wrong_fields(pattern, frame, scope, &[Key::Data]))? {
        return no(why);
    }
    frame.taken = octets;
    matching.segments = 1;
    Ok(Fit::Done)
}

fn fit_syn(pattern: &SegmentPattern, frame: &mut Frame, scope: &Scope, matching: &Matching) -> Result<Fit, ValueError> {
    let conn = &scope.conns[scope.here];
    if !frame.has(Flags::SYN) {
        return other("it is no SYN");
    }
    let mut wrong = wrong_flags(pattern, frame, Flags::NONE).or(wrong_ack(pattern, frame, matching));
    if wrong.is_none() && pattern.field(Key::Seq).is_none() && pattern.field(Key::AbsSeq).is_none() && frame.seq != 0 {
        let why = format!("seq={}, expected 0 (ISS)", frame.seq);
        wrong = Some(Field::SequenceNumber.is(Side::of(frame.seq)).because(why));
    }
    if wrong.is_none() && conn.saw_syn(frame) != pattern.again {
        let why = if pattern.again {
            "it is new"
        } else {
            "it is a retransmission"
        };
        wrong = Some(Misfit::other(why));
    }
    if wrong.is_none() && pattern.again && !conn.may_come_again(frame) {
        wrong = Some(Misfit::other(NOT_DUE));
    }
    if let Some(why) = first(wrong, || wrong_fields(pattern, frame, scope, &[Key::Data]))? {
        return no(why);
    }
    let octets = wanted_octets(pattern, frame, scope)?;
    let came = frame.segment().payload.len();
    if octets > 0 && came != octets {
        let side = Side::of(came as i64 - octets as i64);
        return no(Field::Length
            .is(side)
            .because(format!("data={came}, expected {octets}")));
    }
    if octets > 0 {
        if let Some(why) = wrong_octets(pattern, conn, &frame.segment().payload, 1, 0) {
            return no(why);
        }
        frame.taken = octets;
    }
    Ok(Fit::Done)
}

fn fit_acknowledgment(
    pattern: &SegmentPattern,
    frame: &mut Frame,
    scope: &Scope,
    matching: &Matching,
) -> Result<Fit, ValueError> {
    let conn = &scope.conns[scope.here];
    let wrong = wrong_flags(pattern, frame, Flags::FIN).or(wrong_ack(pattern, frame, matching));
    if let Some(why) = first(wrong, || wrong_fields(pattern, frame, scope, &[]))? {
        return no(why);
    }
    let since = if matching.counting {
        conn.first_inject.or(conn.last_inject)
    } else {
        conn.last_inject
    };
    if since.is_some_and(|inject| frame.order < inject) {
        return other("it came before the last inject");
    }
    let has_stretch = frame.stretch_left() > 0;
    let written = pattern.field(Key::Seq).is_some() || pattern.field(Key::AbsSeq).is_some();
    if !has_stretch && !written && frame.seq != conn.snd_nxt {
        let why = format!("seq={}, expected {} (SND.NXT)", frame.seq, conn.snd_nxt);
        return no(Field::SequenceNumber
            .is(Side::of(frame.seq - conn.snd_nxt))
            .because(why));
    }
    if frame.ack_taken {
        return other("its acknowledgment was taken before");
    }
    Ok(if has_stretch { Fit::Acknowledgment } else { Fit::Done })
}

/// Octets and FIN, over as many frames as they need.
fn fit_stretch(
    pattern: &SegmentPattern,
    frame: &mut Frame,
    scope: &Scope,
    matching: &mut Matching,
) -> Result<Fit, ValueError> {
    let conn = &scope.conns[scope.here];
    let skip = [Key::Seq, Key::AbsSeq, Key::Ack, Key::AbsAck, Key::Data];
    let wrong = wrong_flags(pattern, frame, Flags::FIN);
    if let Some(why) = first(wrong, || wrong_fields(pattern, frame, scope, &skip))? {
        return no(why);
    }
    let wanted = wanted_octets(pattern, frame, scope)?;
    let fin = pattern.sets(Flags::FIN);
    let at = match matching.at {
        Some(at) => at,
        None => {
            matching.left = wanted;
            stretch_start(pattern, scope)?
        }
    };
    if frame.stretch_left() == 0 {
        return other("it carries nothing");
    }
    if frame.fin_left && !frame.closed_then {
        return other("its FIN came before the application closed");
    }
    let payload = frame.segment().payload.len();
    let data_at = frame.data_at();
    let begin = if pattern.again {
        data_at
    } else {
        data_at + frame.taken as i64
    };
    let end = data_at + payload as i64 + i64::from(frame.fin_left);
    if at < begin && conn.lossy && conn.has_the_octets_of(frame) {
        return Ok(Fit::Early);
    }
    if at < begin || end <= at {
        let why = format!("it carries {begin}..{end}, expected to begin at {at}");
        return no(Field::SequenceNumber.is(Side::of(begin - at)).because(why));
    }
    if pattern.again && (at >= conn.snd_nxt || fin && end > conn.snd_nxt) {
        return other("it is new");
    }
    // Text that a closed window refused is sent again although no step says `again`. After a loss the frame may be one
    // that was held back.
    let repeats = data_at < conn.snd_nxt && frame.taken == 0 && !conn.lossy;
    if (pattern.again || repeats) && !conn.may_come_again(frame) {
        return other(NOT_DUE);
    }
    let offset = (at - data_at) as usize;
    if pattern.again && matching.segments == 0 && wanted == 0 && !fin {
        // A retransmission need not have the old boundaries (RFC 9293 section 3.8.6): the step takes what of it comes
        // again, and leaves to later steps what was joined to it.
        matching.left = payload.saturating_sub(offset).min((conn.snd_nxt - at) as usize);
    }
    let take = matching.left.min(payload.saturating_sub(offset));
    let got = &frame.segment().payload[offset.min(payload)..offset.min(payload) + take];
    if let Some(why) = wrong_octets(pattern, conn, got, at, wanted.saturating_sub(matching.left)) {
        return no(why);
    }
    take_stretch(pattern, frame, scope, matching, (at, offset, take))
}

fn take_stretch(
    pattern: &SegmentPattern,
    frame: &mut Frame,
    scope: &Scope,
    matching: &mut Matching,
    (at, offset, take): (i64, usize, usize),
) -> Result<Fit, ValueError> {
    let conn = &scope.conns[scope.here];
    let payload = frame.segment().payload.len();
    let fin = pattern.sets(Flags::FIN);
    let last = take == matching.left;
    let fin_here = last && fin && offset + take == payload && frame.fin_left;
    if last && fin && offset + take < payload {
        let more = payload - offset - take;
        let why = format!("octets stand before the FIN that were not expected: {more}");
        return no(Field::Length.is(Side::Above).because(why));
    }
    if !last && frame.fin_left {
        let why = format!(
            "its FIN stands before {} octets that were expected",
            matching.left - take
        );
        return no(Field::Length.is(Side::Below).because(why));
    }
    if !(last && (!fin || fin_here))
        && let Some(why) = impossible_ack(pattern, frame, conn, matching)
    {
        return no(why);
    }
    if last && (!fin || fin_here) {
        let ack = pattern
            .field(Key::Ack)
            .map(|value| wrong_sequence((Field::AcknowledgmentNumber, "ack"), value, frame.ack, scope))
            .transpose()?;
        let ack = ack.flatten().or(wrong_ack(pattern, frame, matching));
        if let Some(why) = ack {
            return no(why);
        }
    }
    matching.at = Some(at + take as i64 + i64::from(fin_here));
    matching.left -= take;
    matching.segments += 1;
    frame.taken = frame.taken.max(offset + take);
    if fin_here {
        frame.fin_left = false;
    }
    Ok(if last && (!fin || fin_here) {
        Fit::Done
    } else {
        Fit::Part
    })
}

/// The number at which the octets must begin: the position in the stream, or SND.UNA if they are sent again.
fn stretch_start(pattern: &SegmentPattern, scope: &Scope) -> Result<i64, ValueError> {
    let conn = &scope.conns[scope.here];
    match (pattern.field(Key::Seq), pattern.field(Key::AbsSeq)) {
        (Some(FieldValue::Compare(Comparison::Equal, expr)), _) => scope.value(expr),
        (_, Some(FieldValue::Compare(Comparison::Equal, expr))) => {
            Ok(conn.iss.relative(crate::wire::SeqNum(scope.value(expr)? as u32)).0)
        }
        // Octets begin behind the SYN, acknowledged or not.
        _ if pattern.again => Ok(conn.snd_una.max(1)),
        _ => Ok(conn.position),
    }
}

/// The `data` field if it bounds the length of one segment and does not say how many octets are to come; `data=0` means
/// none.
fn length_only<'a>(pattern: &'a SegmentPattern, scope: &Scope) -> Result<Option<&'a FieldValue>, ValueError> {
    let value = pattern.field(Key::Data).filter(|_| pattern.text.is_none());
    Ok(match value {
        Some(FieldValue::Compare(Comparison::Equal, octets)) if scope.value(octets)? != 0 => None,
        value => value,
    })
}

/// How many octets must come: those that are written; where only a length is asked for, those of this segment.
fn wanted_octets(pattern: &SegmentPattern, frame: &Frame, scope: &Scope) -> Result<usize, ValueError> {
    match (&pattern.text, pattern.field(Key::Data)) {
        (Some(text), _) => Ok(text.len()),
        (None, Some(FieldValue::Compare(Comparison::Equal, expr))) => Ok(scope.value(expr)?.max(0) as usize),
        (None, Some(_)) if pattern.again => Ok(frame.segment().payload.len()),
        (None, Some(_)) => Ok(frame.segment().payload.len() - frame.taken),
        (None, None) => Ok(0),
    }
}

/// Compares with the text written, or with what the application sent.
fn wrong_octets(pattern: &SegmentPattern, conn: &Conn, got: &[u8], at: i64, offset: usize) -> Option<Misfit> {
    let want = match &pattern.text {
        Some(text) => text.get(offset..offset + got.len()),
        None => {
            let from = (at - 1).max(0) as usize;
            conn.app_sent.get(from..from + got.len())
        }
    };
    match want {
        Some(want) if want == got => None,
        Some(want) => {
            let wrong = want.iter().zip(got).position(|(a, b)| a != b).unwrap_or(0);
            let place = at + wrong as i64;
            let why = format!("octet {place} is {:#04x}, expected {:#04x}", got[wrong], want[wrong]);
            Some(Part::Text.because(why))
        }
        None => Some(Part::Text.because("it carries octets that the application did not send")),
    }
}

fn first(
    found: Option<Misfit>,
    then: impl FnOnce() -> Result<Option<Misfit>, ValueError>,
) -> Result<Option<Misfit>, ValueError> {
    match found {
        Some(why) => Ok(Some(why)),
        None => then(),
    }
}

/// The first flag that is not as written, or not as a correct target sets it.
fn wrong_flags(pattern: &SegmentPattern, frame: &Frame, ignore: Flags) -> Option<Misfit> {
    Bit::ALL.into_iter().find_map(|(bit, flag)| {
        if ignore.contains(flag) {
            return None;
        }
        let want = match pattern.flag(flag) {
            Some(FlagPattern::Set) => true,
            Some(FlagPattern::Clear) => false,
            Some(FlagPattern::Free) => return None,
            None if FREE.contains(flag) => return None,
            None => false,
        };
        let set = frame.has(flag);
        let why = || format!("{} is {}", bit.name(), if set { "set" } else { "not set" });
        (set != want).then(|| Part::Bit { bit, set }.because(why()))
    })
}

fn wrong_fields(
    pattern: &SegmentPattern,
    frame: &Frame,
    scope: &Scope,
    skip: &[Key],
) -> Result<Option<Misfit>, ValueError> {
    for (key, value) in &pattern.fields {
        if skip.contains(key) {
            continue;
        }
        if let Some(why) = wrong_field(*key, value, frame, scope)? {
            return Ok(Some(why));
        }
    }
    wrong_options(pattern, frame, scope)
}

fn wrong_field(key: Key, value: &FieldValue, frame: &Frame, scope: &Scope) -> Result<Option<Misfit>, ValueError> {
    let segment = frame.segment();
    let sequence = |name, got| wrong_sequence(name, value, got, scope);
    let number = |name, got| wrong_number(name, value, got, scope);
    match key {
        Key::Seq => sequence((Field::SequenceNumber, "seq"), frame.seq),
        Key::AbsSeq => sequence((Field::SequenceNumber, "abs.seq"), i64::from(segment.seq.0)),
        Key::Ack => sequence((Field::AcknowledgmentNumber, "ack"), frame.ack),
        Key::AbsAck => sequence((Field::AcknowledgmentNumber, "abs.ack"), i64::from(segment.ack.0)),
        Key::Win => number((Field::Window, "win"), i64::from(segment.window)),
        Key::Up => number((Field::UrgentPointer, "up"), i64::from(segment.urgent)),
        Key::Data => number((Field::Length, "data"), segment.payload.len() as i64),
        Key::Offset => number((Field::DataOffset, "offset"), i64::from(segment.data_offset())),
        Key::Reserved => number((Field::Reserved, "reserved"), i64::from(segment.flags.reserved())),
        Key::Checksum => Ok(match (value, segment.checksum) {
            (FieldValue::Bad, Checksum::Right) => {
                Some(Field::Checksum.is(Side::Other).because("its checksum is right"))
            }
            _ => None,
        }),
        Key::Truncate | Key::Mtu | Key::Padding => Ok(None),
        Key::Ip(field) => wrong_ip(field, value, frame, scope),
    }
}

fn wrong_ip(field: IpField, value: &FieldValue, frame: &Frame, scope: &Scope) -> Result<Option<Misfit>, ValueError> {
    let ip = &frame.packet.ip;
    if let (IpField::Ecn, FieldValue::Word(op, word)) = (field, value) {
        let want = Ecn::from_name(word).ok_or_else(|| ValueError::NotEcn(word.clone()))?;
        let holds = match op {
            Comparison::NotEqual => ip.ecn != want,
            _ => ip.ecn == want,
        };
        let why = || format!("ip.ecn is {:?}, expected {want:?}", ip.ecn);
        return Ok((!holds).then(|| Field::Ecn.is(Side::Other).because(why())));
    }
    let (name, got) = match field {
        IpField::Ecn => ((Field::Ecn, "ip.ecn"), i64::from(ip.ecn.bits())),
        IpField::Dscp => ((Field::Dscp, "ip.dscp"), i64::from(ip.dscp)),
        IpField::Ttl => ((Field::Ttl, "ip.ttl"), i64::from(ip.ttl)),
        IpField::Len => (
            (Field::PacketLength, "ip.len"),
            (frame.octets.len() - Packet::padding_of(&frame.octets).len()) as i64,
        ),
        IpField::Id => ((Field::Identification, "ip.id"), i64::from(ip.id)),
        IpField::Df => ((Field::DontFragment, "ip.df"), i64::from(ip.dont_fragment)),
        IpField::Flow => ((Field::FlowLabel, "ip.flow"), i64::from(ip.flow)),
        // Injected only.
        IpField::From | IpField::To | IpField::Options => return Ok(None),
    };
    wrong_number(name, value, got, scope)
}

/// A field with the name that the notation has for it.
type Named<'a> = (Field, &'a str);

/// Sequence numbers compare by their signed difference.
fn wrong_sequence(name: Named<'_>, value: &FieldValue, got: i64, scope: &Scope) -> Result<Option<Misfit>, ValueError> {
    judge(name, value, got, scope, |other| wrap(got - other))
}

fn wrong_number(name: Named<'_>, value: &FieldValue, got: i64, scope: &Scope) -> Result<Option<Misfit>, ValueError> {
    judge(name, value, got, scope, |other| got.saturating_sub(other))
}

/// Judges a number by how far it lies above others.
fn judge(
    (field, name): Named<'_>,
    value: &FieldValue,
    got: i64,
    scope: &Scope,
    above: impl Fn(i64) -> i64,
) -> Result<Option<Misfit>, ValueError> {
    let (holds, side, want) = match value {
        FieldValue::Compare(op, expr) => {
            let want = scope.value(expr)?;
            let distance = above(want);
            (
                op.holds(distance, 0),
                Side::of(distance),
                format!("{}{want}", sign(*op)),
            )
        }
        FieldValue::Range(from, to) => {
            let (from, to) = (scope.value(from)?, scope.value(to)?);
            let side = if above(from) < 0 { Side::Below } else { Side::Above };
            (above(from) >= 0 && above(to) <= 0, side, format!("{from}..{to}"))
        }
        FieldValue::Any | FieldValue::Bad | FieldValue::Word(..) => return Ok(None),
    };
    Ok((!holds).then(|| field.is(side).because(format!("{name}={got}, expected {want}"))))
}

fn sign(op: Comparison) -> &'static str {
    match op {
        Comparison::Equal => "",
        Comparison::NotEqual => "anything but ",
        Comparison::Less => "less than ",
        Comparison::LessOrEqual => "at most ",
        Comparison::Greater => "more than ",
        Comparison::GreaterOrEqual => "at least ",
    }
}

fn wrong_options(pattern: &SegmentPattern, frame: &Frame, scope: &Scope) -> Result<Option<Misfit>, ValueError> {
    let Some(written) = &pattern.options else {
        return Ok(None);
    };
    let padding = |option: &&TcpOption| matches!(option, TcpOption::Nop | TcpOption::Eol);
    if written.is_empty() {
        let any = frame.segment().options.iter().find(|option| !padding(option));
        return Ok(any.map(|option| {
            let why = format!("it has the option {option:?}, expected none");
            misfit(OptionKind::of(option), Presence::Unwanted, why)
        }));
    }
    for option in written {
        if let Some(why) = wrong_option(option, frame, scope)? {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

fn wrong_option(option: &OptionPattern, frame: &Frame, scope: &Scope) -> Result<Option<Misfit>, ValueError> {
    let mut last = None;
    for candidate in &frame.segment().options {
        let Some(wrong) = option_differs(&option.value, candidate, scope)? else {
            continue;
        };
        match (option.absent, wrong) {
            (true, _) => {
                let why = format!("it has the option {candidate:?}");
                return Ok(Some(misfit(OptionKind::of(candidate), Presence::Unwanted, why)));
            }
            (false, None) => return Ok(None),
            (false, Some(why)) => last = Some(misfit(OptionKind::of(candidate), Presence::OtherValue, why)),
        }
    }
    if option.absent {
        return Ok(None);
    }
    Ok(last.or_else(|| {
        let why = format!("it lacks the option {:?}", option.value);
        Some(misfit(option.value.kind(), Presence::Missing, why))
    }))
}

/// What is wrong with an option; octets that form none have no kind.
fn misfit(kind: Option<OptionKind>, how: Presence, why: String) -> Misfit {
    match kind {
        Some(option) => Part::Option { option, how }.because(why),
        None => Misfit::other(why),
    }
}

/// `None`: another kind of option. `Some(None)`: this one, as wanted. `Some(Some(why))`: this one, with other values.
fn option_differs(want: &OptionValue, got: &TcpOption, scope: &Scope) -> Result<Option<Option<String>>, ValueError> {
    let number = |name: &str, want: &Option<Expr>, got: i64| -> Result<Option<Option<String>>, ValueError> {
        let Some(want) = want else { return Ok(Some(None)) };
        let want = scope.value(want)?;
        Ok(Some(
            (want as u32 != got as u32).then(|| format!("{name} {got}, expected {want}")),
        ))
    };
    match (want, got) {
        (OptionValue::Mss(want), TcpOption::Mss(got)) => number("mss", want, i64::from(*got)),
        (OptionValue::WindowScale(want), TcpOption::WindowScale(got)) => number("wscale", want, i64::from(*got)),
        (OptionValue::UserTimeout(want), TcpOption::UserTimeout(got)) => number("uto", want, i64::from(*got)),
        (OptionValue::SackPermitted, TcpOption::SackPermitted)
        | (OptionValue::Nop, TcpOption::Nop)
        | (OptionValue::Eol, TcpOption::Eol) => Ok(Some(None)),
        (OptionValue::Sack(want), TcpOption::Sack(got)) => sack_differs(want, got, scope).map(Some),
        (OptionValue::Timestamps(value, echo), TcpOption::Timestamps { value: v, echo: e }) => {
            match number("TSval", value, i64::from(*v))? {
                Some(None) => number("TSecr", echo, i64::from(*e)),
                wrong => Ok(wrong),
            }
        }
        (OptionValue::FastOpen(want), TcpOption::FastOpen(got)) | (OptionValue::Md5(want), TcpOption::Md5(got)) => {
            octets_differ(want, got, scope).map(Some)
        }
        (OptionValue::Other(kind, want), TcpOption::Other { kind: k, data }) if kind == k => {
            octets_differ(want, data, scope).map(Some)
        }
        // By its number alone an option is meant that has a name, too.
        (OptionValue::Other(kind, None), other) if other.kind() == Some(*kind) => Ok(Some(None)),
        _ => Ok(None),
    }
}

fn octets_differ(want: &Option<Octets>, got: &[u8], scope: &Scope) -> Result<Option<String>, ValueError> {
    let want = match want {
        None => return Ok(None),
        Some(Octets::Literal(want)) => want,
        Some(Octets::Measured(name)) => match scope.last(name)? {
            Measure::Octets(want) => want,
            Measure::Number(_) | Measure::Seconds(_) => return Err(ValueError::NotOctets(name.clone())),
        },
    };
    Ok((want != got).then(|| format!("the option holds {got:02x?}, expected {want:02x?}")))
}

/// SACK blocks, in order, counted from the tester's ISN.
fn sack_differs(want: &[(Expr, Expr)], got: &[(u32, u32)], scope: &Scope) -> Result<Option<String>, ValueError> {
    if want.is_empty() {
        return Ok(None);
    }
    let conn = &scope.conns[scope.here];
    let edge = |expr: &Expr| Ok::<u32, ValueError>(conn.isn.absolute(RelSeq(scope.value(expr)?)).0);
    let want = want
        .iter()
        .map(|(left, right)| Ok((edge(left)?, edge(right)?)))
        .collect::<Result<Vec<_>, ValueError>>()?;
    let relative = |edge: u32| conn.isn.relative(crate::wire::SeqNum(edge)).0;
    let show = |blocks: &[(u32, u32)]| {
        let blocks = blocks
            .iter()
            .map(|(left, right)| format!("{}:{}", relative(*left), relative(*right)));
        blocks.collect::<Vec<_>>().join(" ")
    };
    Ok((want != got).then(|| format!("sack {}, expected {}", show(got), show(&want))))
}

/// Whether a frame is one that a fault waits for: SYN, FIN, RST and ACK as written, and whatever else is written.
pub(crate) fn triggers(pattern: &SegmentPattern, frame: &Frame, scope: &Scope) -> Result<bool, ValueError> {
    let free = FREE | Flags::URG;
    let flags = Flags::NAMED.into_iter().all(|(flag, _)| match pattern.flag(flag) {
        Some(FlagPattern::Set) => frame.has(flag),
        Some(FlagPattern::Clear) => !frame.has(flag),
        Some(FlagPattern::Free) => true,
        None => free.contains(flag) || !frame.has(flag),
    });
    let text = pattern
        .text
        .as_ref()
        .is_none_or(|text| *text == frame.segment().payload);
    Ok(flags && text && wrong_fields(pattern, frame, scope, &[])?.is_none())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Talk, written};
    use super::*;
    use crate::notation::Role;
    use expect_test::{Expect, expect};

    /// What is said of frames under what is expected of them: after the same lines, and each alone.
    fn table(lines: &str, rows: &[(&str, &str)], expected: Expect) {
        let mut told = String::new();
        for (wanted, frame) in rows {
            let mut talk = Talk::open();
            talk.go_on(lines);
            let mut matching = Matching::new(&talk.conn, false);
            let mut frame_read = talk.come(frame);
            let fit = look(&talk, wanted, &mut frame_read, &mut matching);
            told += &format!("{wanted:<26} | {frame:<44} | {fit}\n");
        }
        expected.assert_eq(&told);
    }

    fn look(talk: &Talk, wanted: &str, frame: &mut Frame, matching: &mut Matching) -> String {
        let scope = Scope {
            conns: core::slice::from_ref(&talk.conn),
            here: 0,
            measures: &talk.measures,
        };
        match fit(&written(wanted, Role::Expect), frame, &scope, matching) {
            Ok(Fit::No(why)) => format!("no: {why}"),
            Ok(fits) => format!("{fits:?}"),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn an_acknowledgment_acknowledges_all_that_counts() {
        let rows = [
            ("ACK", "ACK seq=1 ack=11 win=9990"),
            ("ACK", "ACK seq=1 ack=10 win=9990"),
            ("ACK", "ACK seq=2 ack=11 win=9990"),
            ("ACK", "PSH,ACK seq=1 ack=11 win=9990"),
            ("ACK", "URG,ACK seq=1 ack=11 win=9990"),
            ("ACK", "RST,ACK seq=1 ack=11"),
            ("ACK", "SYN,ACK seq=0 ack=11 win=9990"),
            ("ACK ack=5", "ACK seq=1 ack=5 win=9990"),
            ("ACK ack=*", "ACK seq=1 ack=77 win=9990"),
            ("ACK win=9990", "ACK seq=1 ack=11 win=9991"),
            ("ACK win>9990", "ACK seq=1 ack=11 win=9990"),
            ("ACK win=5..6", "ACK seq=1 ack=11 win=4"),
            ("ACK ip.ttl=64 ip.ecn=ce", "ACK seq=1 ack=11 win=9990 ip.ecn=ect0"),
            ("ACK", "ACK seq=1 ack=11 win=9990 data=5"),
            ("ACK data=0", "ACK seq=1 ack=11 win=9990 data=5"),
        ];
        table(
            "> ACK data=10",
            &rows,
            expect![[r#"
            ACK                        | ACK seq=1 ack=11 win=9990                    | Done
            ACK                        | ACK seq=1 ack=10 win=9990                    | no: ack=10, expected 11 (RCV.NXT)
            ACK                        | ACK seq=2 ack=11 win=9990                    | no: seq=2, expected 1 (SND.NXT)
            ACK                        | PSH,ACK seq=1 ack=11 win=9990                | Done
            ACK                        | URG,ACK seq=1 ack=11 win=9990                | no: URG is set
            ACK                        | RST,ACK seq=1 ack=11                         | no: it is a RST
            ACK                        | SYN,ACK seq=0 ack=11 win=9990                | no: it is a SYN
            ACK ack=5                  | ACK seq=1 ack=5 win=9990                     | Done
            ACK ack=*                  | ACK seq=1 ack=77 win=9990                    | Done
            ACK win=9990               | ACK seq=1 ack=11 win=9991                    | no: win=9991, expected 9990
            ACK win>9990               | ACK seq=1 ack=11 win=9990                    | no: win=9990, expected more than 9990
            ACK win=5..6               | ACK seq=1 ack=11 win=4                       | no: win=4, expected 5..6
            ACK ip.ttl=64 ip.ecn=ce    | ACK seq=1 ack=11 win=9990 ip.ecn=ect0        | no: ip.ecn is Ect0, expected Ce
            ACK                        | ACK seq=1 ack=11 win=9990 data=5             | Acknowledgment
            ACK data=0                 | ACK seq=1 ack=11 win=9990 data=5             | no: data=5, expected 0
        "#]],
        );
    }

    #[test]
    fn an_answer_comes_behind_what_it_answers() {
        let mut talk = Talk::open();
        let mut early = talk.come("ACK seq=1 ack=1 win=10000");
        talk.go_on("> ACK seq=5 data=1");
        let mut matching = Matching::new(&talk.conn, false);
        assert_eq!(
            look(&talk, "ACK", &mut early, &mut matching),
            "no: it came before the last inject"
        );
        let mut late = talk.come("ACK seq=1 ack=1 win=10000");
        assert_eq!(look(&talk, "ACK", &mut late, &mut matching), "Done");
    }

    #[test]
    fn octets_are_those_of_the_application_in_order() {
        let rows = [
            ("ACK data=10", "ACK seq=1 ack=1 win=10000 data=10"),
            ("ACK data=10", "ACK seq=1 ack=1 win=10000 data=4"),
            ("ACK data=4", "ACK seq=1 ack=1 win=10000 data=10"),
            ("ACK data=10", "ACK seq=2 ack=1 win=10000 data=9"),
            ("ACK data=10", "ACK seq=1 ack=1 win=10000 \"0123456789\""),
            ("ACK data<5", "ACK seq=1 ack=1 win=10000 data=5"),
            ("ACK data>0", "ACK seq=1 ack=1 win=10000 data=7"),
            ("ACK data=10", "ACK seq=1 ack=1 win=10000"),
            ("ACK data=12", "ACK seq=1 ack=1 win=10000 data=12"),
            ("ACK \"abc\"", "ACK seq=1 ack=1 win=10000 \"abc\""),
            ("FIN,ACK data=10", "FIN,ACK seq=1 ack=1 win=10000 data=10"),
            ("FIN,ACK data=4", "FIN,ACK seq=1 ack=1 win=10000 data=10"),
            ("ACK data=10", "FIN,ACK seq=1 ack=1 win=10000 data=4"),
        ];
        table(
            "app 10; close",
            &rows,
            expect![[r#"
                ACK data=10                | ACK seq=1 ack=1 win=10000 data=10            | Done
                ACK data=10                | ACK seq=1 ack=1 win=10000 data=4             | Part
                ACK data=4                 | ACK seq=1 ack=1 win=10000 data=10            | Done
                ACK data=10                | ACK seq=2 ack=1 win=10000 data=9             | no: it carries 2..11, expected to begin at 1
                ACK data=10                | ACK seq=1 ack=1 win=10000 "0123456789"       | no: octet 1 is 0x30, expected 0x48
                ACK data<5                 | ACK seq=1 ack=1 win=10000 data=5             | no: data=5, expected less than 5
                ACK data>0                 | ACK seq=1 ack=1 win=10000 data=7             | Done
                ACK data=10                | ACK seq=1 ack=1 win=10000                    | no: it carries nothing
                ACK data=12                | ACK seq=1 ack=1 win=10000 data=12            | no: it carries octets that the application did not send
                ACK "abc"                  | ACK seq=1 ack=1 win=10000 "abc"              | Done
                FIN,ACK data=10            | FIN,ACK seq=1 ack=1 win=10000 data=10        | Done
                FIN,ACK data=4             | FIN,ACK seq=1 ack=1 win=10000 data=10        | no: octets stand before the FIN that were not expected: 6
                ACK data=10                | FIN,ACK seq=1 ack=1 win=10000 data=4         | no: its FIN stands before 6 octets that were expected
            "#]],
        );
    }

    #[test]
    fn a_stretch_may_come_in_several_frames() {
        let mut talk = Talk::open();
        talk.go_on("app 10; close");
        let mut matching = Matching::new(&talk.conn, false);
        let frames = [
            ("ACK seq=1 ack=1 win=10000 data=4", "Part", 5, 1),
            (
                "ACK seq=7 ack=1 win=10000 data=4",
                "no: it carries 7..11, expected to begin at 5",
                5,
                1,
            ),
            ("ACK seq=5 ack=1 win=10000 data=6", "Part", 11, 2),
            ("FIN,ACK seq=11 ack=1 win=10000", "Done", 12, 3),
        ];
        for (text, expected, next, segments) in frames {
            let mut frame = talk.come(text);
            let mut trial = matching.clone();
            let came = look(&talk, "FIN,ACK data=10", &mut frame, &mut trial);
            if !came.starts_with("no") {
                matching = trial;
                talk.conn.enter(&frame);
            }
            assert_eq!(
                (came.as_str(), matching.next(), matching.segments),
                (expected, Some(next), segments),
                "{text}"
            );
        }
    }

    #[test]
    fn what_comes_again_is_what_was_sent_and_in_time() {
        let rows = [
            ("ACK again data=10", "ACK seq=1 ack=1 win=10000 data=10"),
            ("ACK again data=4", "ACK seq=1 ack=1 win=10000 data=4"),
            ("ACK again data=10", "ACK seq=1 ack=1 win=10000 data=11"),
            ("ACK again", "ACK seq=1 ack=1 win=10000 data=4"),
            ("ACK again", "ACK seq=1 ack=1 win=10000 data=11"),
            ("ACK again", "ACK seq=11 ack=1 win=10000 data=10"),
            ("FIN,ACK again", "FIN,ACK seq=11 ack=1 win=10000 data=10"),
            ("ACK data=10", "ACK seq=1 ack=1 win=10000 data=10"),
        ];
        let sent = "app 20; < ACK seq=1 ack=1 win=10000 data=10";
        table(
            sent,
            &rows[..1],
            expect![[r#"
            ACK again data=10          | ACK seq=1 ack=1 win=10000 data=10            | no: it came in the same instant as what it repeats
        "#]],
        );
        table(
            &format!("{sent}; wait 2000"),
            &rows,
            expect![[r#"
                ACK again data=10          | ACK seq=1 ack=1 win=10000 data=10            | Done
                ACK again data=4           | ACK seq=1 ack=1 win=10000 data=4             | Done
                ACK again data=10          | ACK seq=1 ack=1 win=10000 data=11            | Done
                ACK again                  | ACK seq=1 ack=1 win=10000 data=4             | Done
                ACK again                  | ACK seq=1 ack=1 win=10000 data=11            | Done
                ACK again                  | ACK seq=11 ack=1 win=10000 data=10           | no: it carries 11..21, expected to begin at 1
                FIN,ACK again              | FIN,ACK seq=11 ack=1 win=10000 data=10       | no: its FIN came before the application closed
                ACK data=10                | ACK seq=1 ack=1 win=10000 data=10            | no: it carries 1..11, expected to begin at 11
            "#]],
        );
    }

    #[test]
    fn resets_probes_and_syns_are_told_apart() {
        let rows = [
            ("RST seq=1", "RST seq=1"),
            ("RST seq=*", "RST,ACK seq=1 ack=1"),
            ("RST seq=1", "RST seq=5"),
            ("PROBE", "ACK seq=0 ack=1 win=10000"),
            ("PROBE", "ACK seq=1 ack=1 win=10000"),
            ("PROBE data=0", "ACK seq=0 ack=1 win=10000 data=1"),
            ("SYN,ACK", "SYN,ACK seq=0 ack=1 win=10000"),
            ("SYN,ACK again", "SYN,ACK seq=0 ack=1 win=10000"),
            ("SYN,ACK", "ACK seq=1 ack=1 win=10000"),
            ("SYN?,RST?,ACK seq=*", "SYN,ACK seq=7 ack=1 win=10000"),
            ("SYN?,RST?,ACK seq=*", "RST,ACK seq=7 ack=1"),
        ];
        table(
            "wait 2000",
            &rows,
            expect![[r#"
            RST seq=1                  | RST seq=1                                    | Done
            RST seq=*                  | RST,ACK seq=1 ack=1                          | no: ACK is set
            RST seq=1                  | RST seq=5                                    | no: seq=5, expected 1
            PROBE                      | ACK seq=0 ack=1 win=10000                    | Done
            PROBE                      | ACK seq=1 ack=1 win=10000                    | no: it is no probe
            PROBE data=0               | ACK seq=0 ack=1 win=10000 data=1             | no: data=1, expected 0
            SYN,ACK                    | SYN,ACK seq=0 ack=1 win=10000                | no: it is a retransmission
            SYN,ACK again              | SYN,ACK seq=0 ack=1 win=10000                | Done
            SYN,ACK                    | ACK seq=1 ack=1 win=10000                    | no: it is no SYN
            SYN?,RST?,ACK seq=*        | SYN,ACK seq=7 ack=1 win=10000                | no: it is a retransmission
            SYN?,RST?,ACK seq=*        | RST,ACK seq=7 ack=1                          | Done
        "#]],
        );
    }

    #[test]
    fn options_are_looked_for_among_others() {
        let frame = "ACK seq=1 ack=11 win=9990 <nop, nop, ts 7 8>";
        let rows = [
            ("ACK <ts>", frame),
            ("ACK <ts 7 9>", frame),
            ("ACK <mss>", frame),
            ("ACK <!ts>", frame),
            ("ACK <!mss>", frame),
            ("ACK <>", frame),
            ("ACK <>", "ACK seq=1 ack=11 win=9990 <nop, nop, nop, eol>"),
            ("ACK <sack 21:31>", "ACK seq=1 ack=11 win=9990 <sack 21:30>"),
            ("ACK <opt 8>", frame),
        ];
        table(
            "> ACK data=10",
            &rows,
            expect![[r#"
            ACK <ts>                   | ACK seq=1 ack=11 win=9990 <nop, nop, ts 7 8> | Done
            ACK <ts 7 9>               | ACK seq=1 ack=11 win=9990 <nop, nop, ts 7 8> | no: TSecr 8, expected 9
            ACK <mss>                  | ACK seq=1 ack=11 win=9990 <nop, nop, ts 7 8> | no: it lacks the option Mss(None)
            ACK <!ts>                  | ACK seq=1 ack=11 win=9990 <nop, nop, ts 7 8> | no: it has the option Timestamps { value: 7, echo: 8 }
            ACK <!mss>                 | ACK seq=1 ack=11 win=9990 <nop, nop, ts 7 8> | Done
            ACK <>                     | ACK seq=1 ack=11 win=9990 <nop, nop, ts 7 8> | no: it has the option Timestamps { value: 7, echo: 8 }, expected none
            ACK <>                     | ACK seq=1 ack=11 win=9990 <nop, nop, nop, eol> | Done
            ACK <sack 21:31>           | ACK seq=1 ack=11 win=9990 <sack 21:30>       | no: sack 21:30, expected 21:31
            ACK <opt 8>                | ACK seq=1 ack=11 win=9990 <nop, nop, ts 7 8> | Done
        "#]],
        );
    }
}
