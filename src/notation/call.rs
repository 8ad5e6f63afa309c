//! Calls of the application, and how they end.

use super::read::within;
use super::scan::{Item, Piece, escaped, items, read_number};
use super::{Expr, NotationError, ODD_ADDRESSES, TimeSpec};
use crate::stack::{ErrorName, Setting};
use core::fmt;
use serde::{Deserialize, Serialize};

/// A call's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Verb {
    Listen,
    Connect,
    Accept,
    Send,
    Recv,
    Shutdown,
    Close,
    Abort,
    Set,
}

/// A setting's value.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingValue {
    /// `true` or `false`.
    Flag(bool),
    /// A number.
    Number(u64),
    /// A time.
    Time(TimeSpec),
}

/// A call as written: `send 1000`, `send "abc" urgent`, `listen backlog=1`.
#[derive(Clone, Debug, PartialEq)]
pub struct CallSpec {
    /// Which call.
    pub verb: Verb,
    /// Octets to send (of the running pattern) or to receive.
    pub amount: Option<Expr>,
    /// A text to send.
    pub text: Option<Vec<u8>>,
    /// `send ... urgent`; `recv urgent`: until the peer has announced urgent data that has not been read.
    pub urgent: bool,
    /// `connect again`: the OPEN is made on what is open already, or on the listener.
    pub again: bool,
    /// `connect unbound`: from whichever address IP chooses.
    pub unbound: bool,
    /// `connect broadcast`: to one of [`ODD_ADDRESSES`] instead of the tester.
    pub to: Option<&'static str>,
    /// `name=value`, in the order written; no name twice.
    pub settings: Vec<(Setting, SettingValue)>,
}

/// How a call may end.
#[derive(Clone, Debug, PartialEq)]
pub enum ReturnSpec {
    /// Not yet.
    Pending,
    /// `ok`, whatever it brought.
    Ok,
    /// `ok N`: so many octets.
    OkCount(Expr),
    /// `ok "text"`: exactly these octets.
    OkText(Vec<u8>),
    /// End of stream.
    Eof,
    /// An error.
    Error(ErrorName),
}

/// What kind of value a setting takes.
#[derive(Clone, Copy, Debug)]
enum ValueKind {
    Flag,
    Number,
    Time,
}

impl Verb {
    /// All of them.
    pub const ALL: [Verb; 9] = [
        Verb::Listen,
        Verb::Connect,
        Verb::Accept,
        Verb::Send,
        Verb::Recv,
        Verb::Shutdown,
        Verb::Close,
        Verb::Abort,
        Verb::Set,
    ];

    /// The name as a case writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Verb::Listen => "listen",
            Verb::Connect => "connect",
            Verb::Accept => "accept",
            Verb::Send => "send",
            Verb::Recv => "recv",
            Verb::Shutdown => "shutdown",
            Verb::Close => "close",
            Verb::Abort => "abort",
            Verb::Set => "set",
        }
    }

    /// Reads a call's name.
    pub fn parse(text: &str) -> Result<Verb, NotationError> {
        Verb::read(Piece::whole(text).trim())
    }

    fn read(word: Piece<'_>) -> Result<Verb, NotationError> {
        let verb = Verb::ALL.into_iter().find(|verb| verb.name() == word.text);
        verb.ok_or_else(|| {
            word.error(format!("unknown call `{}`", word.text))
                .with_names(word.text, Verb::ALL.map(Verb::name))
        })
    }

    /// The settings that may follow, and what each takes here.
    fn settings(self) -> &'static [(Setting, ValueKind)] {
        use ValueKind::{Flag, Number, Time};
        match self {
            Verb::Listen => &[(Setting::Backlog, Number), (Setting::FastOpen, Number)],
            Verb::Connect => &[(Setting::FastOpen, Flag)],
            Verb::Set => &[
                (Setting::NoDelay, Flag),
                (Setting::Linger, Time),
                (Setting::KeepAlive, Flag),
                (Setting::KeepAliveIdle, Time),
                (Setting::KeepAliveInterval, Time),
                (Setting::KeepAliveCount, Number),
                (Setting::UserTimeout, Time),
                (Setting::UrgentInline, Flag),
                (Setting::SendBuffer, Number),
                (Setting::RecvBuffer, Number),
                (Setting::Mss, Number),
                (Setting::QuickAck, Flag),
                (Setting::Dscp, Number),
                (Setting::Ttl, Number),
            ],
            Verb::Accept | Verb::Send | Verb::Recv | Verb::Shutdown | Verb::Close | Verb::Abort => &[],
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}

impl CallSpec {
    /// Reads a call: a verb and what it takes. `send` takes an amount or a text, and `urgent`; `recv` may take an
    /// amount; `connect` may take `again` and an odd address; `listen`, `connect` and `set` take settings of their own.
    pub fn parse(text: &str) -> Result<CallSpec, NotationError> {
        let items = items(text)?;
        let Some((first, rest)) = items.split_first() else {
            return Err(Piece::whole(text)
                .error("a call is missing")
                .with_names("", Verb::ALL.map(Verb::name)));
        };
        let word = match first {
            Item::Word(word) | Item::List(word) | Item::Text(word, _) => *word,
        };
        let mut call = CallSpec {
            verb: Verb::read(word)?,
            amount: None,
            text: None,
            urgent: false,
            again: false,
            unbound: false,
            to: None,
            settings: Vec::new(),
        };
        for item in rest {
            call.take(item)?;
        }
        match call.verb {
            Verb::Send if call.amount.is_none() && call.text.is_none() => Err(word
                .error("`send` needs an amount or a text")
                .with_help("such as `send 1000` or `send \"abc\"`")),
            Verb::Set if call.settings.is_empty() => Err(word
                .error("`set` without a setting")
                .with_names("", Verb::Set.settings().iter().map(|(setting, _)| setting.name()))),
            _ => Ok(call),
        }
    }

    /// Adds one argument.
    fn take(&mut self, item: &Item<'_>) -> Result<(), NotationError> {
        let has_payload = self.amount.is_some() || self.text.is_some();
        match (item, self.verb) {
            (Item::Text(piece, _), Verb::Send) if has_payload => Err(piece.error("`send` takes one amount or text")),
            (Item::Text(_, octets), Verb::Send) => {
                self.text = Some(octets.clone());
                Ok(())
            }
            (Item::Word(word), Verb::Send) if word.text == "urgent" => {
                if self.urgent {
                    return Err(word.error("`urgent` is written twice"));
                }
                self.urgent = true;
                Ok(())
            }
            (Item::Word(word), Verb::Recv) if word.text == "urgent" && !has_payload && !self.urgent => {
                self.urgent = true;
                Ok(())
            }
            (Item::Word(word), Verb::Recv) if self.urgent => Err(word.error("`recv urgent` takes nothing else")),
            (Item::Word(word), Verb::Send | Verb::Recv) if has_payload => {
                Err(word.error(format!("`{}` takes one amount", self.verb)))
            }
            (Item::Word(word), Verb::Send | Verb::Recv) => {
                let amount = Expr::read(*word)?;
                within(&amount, 0..=i64::MAX, *word)?;
                self.amount = Some(amount);
                Ok(())
            }
            (Item::Word(word), Verb::Connect) if word.text == "again" && !self.again => {
                self.again = true;
                Ok(())
            }
            (Item::Word(word), Verb::Connect) if word.text == "unbound" && !self.unbound => {
                self.unbound = true;
                Ok(())
            }
            (Item::Word(word), Verb::Connect) if self.to.is_none() && odd_address(word.text).is_some() => {
                self.to = odd_address(word.text);
                Ok(())
            }
            (Item::Word(word), Verb::Listen | Verb::Connect | Verb::Set) => self.take_setting(*word),
            (Item::Word(piece) | Item::List(piece) | Item::Text(piece, _), verb) => {
                Err(piece.error(format!("`{verb}` does not take `{}`", piece.text)))
            }
        }
    }

    fn take_setting(&mut self, word: Piece<'_>) -> Result<(), NotationError> {
        let known = self.verb.settings();
        let (name, value) = word.split_once("=").unwrap_or((word, word.end()));
        let Some((setting, kind)) = known.iter().find(|(setting, _)| setting.name() == name.text) else {
            return Err(self.unknown_setting(name));
        };
        if self.settings.iter().any(|(taken, _)| taken == setting) {
            return Err(word.error(format!("`{setting}` is written twice")));
        }
        let wrong = |what: &str| {
            word.error(format!("`{setting}` takes {what}"))
                .with_help(format!("such as `{setting}={}`", kind.example()))
        };
        let value = match kind {
            ValueKind::Flag => match value.text {
                "true" => SettingValue::Flag(true),
                "false" => SettingValue::Flag(false),
                _ => return Err(wrong("`true` or `false`")),
            },
            ValueKind::Number => SettingValue::Number(read_number(value).unwrap_or_else(|| Err(wrong("a number")))?),
            ValueKind::Time if value.text.is_empty() => return Err(wrong("a time")),
            ValueKind::Time => match TimeSpec::read(value)? {
                TimeSpec { from: Some(_), .. } => return Err(wrong("one time, no range")),
                time => SettingValue::Time(time),
            },
        };
        self.settings.push((*setting, value));
        Ok(())
    }

    fn unknown_setting(&self, name: Piece<'_>) -> NotationError {
        let verb = self.verb;
        let of_other = Setting::from_name(name.text).and_then(|setting| {
            let takes = |verb: &Verb| verb.settings().iter().any(|(known, _)| *known == setting);
            Verb::ALL.into_iter().find(takes)
        });
        match of_other {
            Some(other) => name
                .error(format!("`{verb}` does not take `{}`", name.text))
                .with_help(format!("`{other}` does")),
            None => name
                .error(format!("unknown setting `{}`", name.text))
                .with_names(name.text, verb.settings().iter().map(|(setting, _)| setting.name())),
        }
    }
}

fn odd_address(word: &str) -> Option<&'static str> {
    ODD_ADDRESSES.into_iter().find(|known| *known == word)
}

impl ValueKind {
    fn example(self) -> &'static str {
        match self {
            ValueKind::Flag => "true",
            ValueKind::Number => "1",
            ValueKind::Time => "3s",
        }
    }
}

impl fmt::Display for CallSpec {
    /// [`CallSpec::parse`] reads it back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.verb.fmt(f)?;
        if let Some(amount) = &self.amount {
            write!(f, " {amount}")?;
        }
        if let Some(text) = &self.text {
            write!(f, " {}", escaped(text))?;
        }
        f.write_str(if self.urgent { " urgent" } else { "" })?;
        f.write_str(if self.again { " again" } else { "" })?;
        f.write_str(if self.unbound { " unbound" } else { "" })?;
        self.to.map_or(Ok(()), |to| write!(f, " {to}"))?;
        self.settings
            .iter()
            .try_for_each(|(setting, value)| write!(f, " {setting}={value}"))
    }
}

impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SettingValue::Flag(value) => value.fmt(f),
            SettingValue::Number(value) => value.fmt(f),
            SettingValue::Time(value) => value.fmt(f),
        }
    }
}

impl ReturnSpec {
    /// Reads how a call ends.
    pub fn parse(text: &str) -> Result<ReturnSpec, NotationError> {
        let items = items(text)?;
        let Some((first, rest)) = items.split_first() else {
            return Err(Piece::whole(text)
                .error("a result is missing")
                .with_names("", return_names()));
        };
        let word = match first {
            Item::Word(word) | Item::List(word) | Item::Text(word, _) => *word,
        };
        let plain = match word.text {
            "ok" => return read_ok(rest),
            "pending" => ReturnSpec::Pending,
            "eof" => ReturnSpec::Eof,
            name => match ErrorName::from_name(name) {
                Some(error) => ReturnSpec::Error(error),
                None => {
                    return Err(word
                        .error(format!("unknown result `{name}`"))
                        .with_names(name, return_names()));
                }
            },
        };
        match rest.first() {
            None => Ok(plain),
            Some(Item::Word(extra) | Item::List(extra) | Item::Text(extra, _)) => {
                Err(extra.error(format!("nothing follows `{}`", word.text)))
            }
        }
    }
}

fn return_names() -> impl Iterator<Item = &'static str> {
    let errors = ErrorName::ALL.into_iter().map(ErrorName::name);
    ["ok", "pending", "eof"].into_iter().chain(errors)
}

fn read_ok(rest: &[Item<'_>]) -> Result<ReturnSpec, NotationError> {
    match rest {
        [] => Ok(ReturnSpec::Ok),
        [Item::Text(_, octets)] => Ok(ReturnSpec::OkText(octets.clone())),
        [Item::Word(word)] => {
            let count = Expr::read(*word)?;
            within(&count, 0..=i64::MAX, *word)?;
            Ok(ReturnSpec::OkCount(count))
        }
        [Item::List(extra)] | [_, Item::Word(extra) | Item::List(extra) | Item::Text(extra, _), ..] => Err(extra
            .error(format!("`{}` is too much", extra.text))
            .with_help("`ok` may be followed by one number or one text")),
    }
}

impl fmt::Display for ReturnSpec {
    /// [`ReturnSpec::parse`] reads it back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReturnSpec::Pending => f.write_str("pending"),
            ReturnSpec::Ok => f.write_str("ok"),
            ReturnSpec::OkCount(count) => write!(f, "ok {count}"),
            ReturnSpec::OkText(octets) => write!(f, "ok {}", escaped(octets)),
            ReturnSpec::Eof => f.write_str("eof"),
            ReturnSpec::Error(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::expr::tests::any_expr;
    use super::super::time::tests::any_time;
    use super::*;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    #[test]
    fn what_cases_call_is_read() {
        for text in [
            "listen",
            "listen ",
            "listen backlog=16",
            "listen backlog=1 fast-open=5",
            "connect",
            "connect fast-open=true",
            "accept",
            "send 4000000",
            "send SMSS",
            "send \"abc\" urgent",
            "recv",
            "recv 29201",
            "shutdown",
            "close",
            "abort",
            "set nodelay=false",
            "set linger=0s",
            "set keep-alive=true keep-alive-idle=3s keep-alive-interval=1s keep-alive-count=3",
            "set send-buffer=8192 recv-buffer=0x2000 mss=500",
            "set user-timeout=2*time-wait urgent-inline=true quick-ack=false",
        ] {
            assert!(CallSpec::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn each_part_lands_in_its_place() {
        let call = CallSpec::parse("send \"abc\" urgent").unwrap();
        assert_eq!(
            (call.verb, call.text.as_deref(), call.urgent),
            (Verb::Send, Some(&b"abc"[..]), true)
        );
        let call = CallSpec::parse("recv 5").unwrap();
        assert_eq!((call.verb, call.amount), (Verb::Recv, Some(Expr::Number(5))));
        let call = CallSpec::parse("listen backlog=1").unwrap();
        assert_eq!(call.settings, [(Setting::Backlog, SettingValue::Number(1))]);
        let call = CallSpec::parse("connect fast-open=true").unwrap();
        assert_eq!(call.settings, [(Setting::FastOpen, SettingValue::Flag(true))]);
    }

    #[test]
    fn wrong_calls_are_named_where_they_are() {
        for (text, at, message) in [
            ("", 0..0, "a call is missing"),
            ("snd 5", 0..3, "unknown call `snd`"),
            ("\"x\"", 0..3, "unknown call `\"x\"`"),
            ("send", 0..4, "`send` needs an amount or a text"),
            ("send urgent", 0..4, "`send` needs an amount or a text"),
            ("send 5 5", 7..8, "`send` takes one amount"),
            ("send 5 \"x\"", 7..10, "`send` takes one amount or text"),
            ("send \"x\" urgnt", 9..14, "`send` takes one amount"),
            ("send 5 urgent urgent", 14..20, "`urgent` is written twice"),
            ("send -1", 5..7, "-1 does not fit"),
            ("send 5 <ts>", 7..11, "`send` does not take `<ts>`"),
            ("recv \"x\"", 5..8, "`recv` does not take `\"x\"`"),
            ("recv 1+", 7..7, "an expression ends too early"),
            ("close now", 6..9, "`close` does not take `now`"),
            ("set", 0..3, "`set` without a setting"),
            ("set nodelay", 4..11, "`nodelay` takes `true` or `false`"),
            ("set nodelay=yes", 4..15, "`nodelay` takes `true` or `false`"),
            ("set no-delay=true", 4..12, "unknown setting `no-delay`"),
            ("set linger=", 4..11, "`linger` takes a time"),
            ("set linger=5", 11..12, "`5` lacks a unit"),
            ("set linger=1s..2s", 4..17, "`linger` takes one time, no range"),
            ("set mss=x", 4..9, "`mss` takes a number"),
            ("set mss=1 mss=2", 10..15, "`mss` is written twice"),
            ("set backlog=1", 4..11, "`set` does not take `backlog`"),
            ("listen nodelay=true", 7..14, "`listen` does not take `nodelay`"),
            (
                "listen backlog=99999999999999999999",
                15..35,
                "`99999999999999999999` is too large",
            ),
        ] {
            let error = CallSpec::parse(text).expect_err(text);
            assert_eq!((error.at, error.message.as_str()), (at, message), "{text}");
        }
        let help = |text: &str| CallSpec::parse(text).unwrap_err().help.unwrap();
        assert_eq!(help("snd 5"), "did you mean `send`?");
        assert_eq!(help("set no-delay=true"), "did you mean `nodelay`?");
        assert_eq!(help("set backlog=1"), "`listen` does");
        assert!(help("send \"x").contains("comma"));
    }

    #[test]
    fn what_cases_expect_of_calls_is_read() {
        for (text, result) in [
            ("ok", ReturnSpec::Ok),
            ("ok 6", ReturnSpec::OkCount(Expr::Number(6))),
            ("ok \"half whole\"", ReturnSpec::OkText(b"half whole".to_vec())),
            ("eof", ReturnSpec::Eof),
            ("pending", ReturnSpec::Pending),
            ("does-not-exist", ReturnSpec::Error(ErrorName::DoesNotExist)),
        ] {
            assert_eq!(ReturnSpec::parse(text), Ok(result));
        }
        for error in ErrorName::ALL {
            assert_eq!(ReturnSpec::parse(error.name()), Ok(ReturnSpec::Error(error)));
        }
    }

    #[test]
    fn wrong_results_are_named_where_they_are() {
        for (text, at, message) in [
            ("", 0..0, "a result is missing"),
            ("okay", 0..4, "unknown result `okay`"),
            ("timedout", 0..8, "unknown result `timedout`"),
            ("eof 5", 4..5, "nothing follows `eof`"),
            ("ok 5 6", 5..6, "`6` is too much"),
            ("ok <ts>", 3..7, "`<ts>` is too much"),
            ("ok foo", 3..6, "unknown variable `foo`"),
        ] {
            let error = ReturnSpec::parse(text).expect_err(text);
            assert_eq!((error.at, error.message.as_str()), (at, message), "{text}");
        }
        let help = ReturnSpec::parse("timedout").unwrap_err().help;
        assert_eq!(help.as_deref(), Some("did you mean `timed-out`?"));
    }

    #[test]
    fn every_name_is_read_back() {
        for verb in Verb::ALL {
            assert_eq!(Verb::parse(verb.name()), Ok(verb));
        }
        for setting in Setting::ALL {
            assert_eq!(Setting::from_name(setting.name()), Some(setting));
            assert!(
                Verb::ALL
                    .iter()
                    .any(|verb| verb.settings().iter().any(|(known, _)| *known == setting))
            );
        }
        assert_eq!(Verb::parse("sned").unwrap_err().at, 0..4);
    }

    fn any_setting_value(kind: ValueKind) -> BoxedStrategy<SettingValue> {
        match kind {
            ValueKind::Flag => any::<bool>().prop_map(SettingValue::Flag).boxed(),
            ValueKind::Number => any::<u64>().prop_map(SettingValue::Number).boxed(),
            ValueKind::Time => any_time()
                .prop_map(|time| {
                    SettingValue::Time(TimeSpec {
                        about: false,
                        from: None,
                        to: time.to,
                    })
                })
                .boxed(),
        }
    }

    fn any_amount() -> impl Strategy<Value = Expr> {
        any_expr().prop_map(|expr| match expr.constant() {
            Some(value) if value < 0 => Expr::Number(7),
            Some(_) | None => expr,
        })
    }

    fn any_call() -> impl Strategy<Value = CallSpec> {
        let texts = (any_amount(), vec(any::<u8>(), 0..20), any::<(bool, bool, bool)>());
        (select(Verb::ALL.to_vec()), texts).prop_flat_map(|(verb, (amount, text, (has_text, has_amount, urgent)))| {
            let sends = verb == Verb::Send;
            let recvs = verb == Verb::Recv && has_amount;
            let connects = verb == Verb::Connect;
            let urgent = urgent && (sends || verb == Verb::Recv && !has_amount);
            let to = ODD_ADDRESSES.into_iter().nth(text.len()).filter(|_| connects);
            let known = verb.settings();
            let least = usize::from(verb == Verb::Set);
            let settings = subsequence(known.to_vec(), least..=known.len()).prop_shuffle();
            let settings = settings.prop_flat_map(|settings| {
                let with_value = |(setting, kind)| (Just(setting), any_setting_value(kind));
                settings.into_iter().map(with_value).collect::<Vec<_>>()
            });
            settings.prop_map(move |settings| CallSpec {
                verb,
                amount: (recvs || sends && !has_text).then(|| amount.clone()),
                text: (sends && has_text).then(|| text.clone()),
                urgent,
                again: connects && has_text,
                unbound: connects && has_amount,
                to,
                settings,
            })
        })
    }

    fn any_return() -> impl Strategy<Value = ReturnSpec> {
        prop_oneof![
            Just(ReturnSpec::Pending),
            Just(ReturnSpec::Ok),
            Just(ReturnSpec::Eof),
            any_amount().prop_map(ReturnSpec::OkCount),
            vec(any::<u8>(), 0..20).prop_map(ReturnSpec::OkText),
            select(ErrorName::ALL.to_vec()).prop_map(ReturnSpec::Error),
        ]
    }

    proptest! {
        #[test]
        fn a_call_is_read_back(call in any_call()) {
            prop_assert_eq!(CallSpec::parse(&call.to_string()), Ok(call));
        }

        #[test]
        fn a_result_is_read_back(result in any_return()) {
            prop_assert_eq!(ReturnSpec::parse(&result.to_string()), Ok(result));
        }

        #[test]
        fn reading_never_panics(text in "(set|send|listen|ok)?[-+*/.$=<>\"\\\\a-z0-9 é]{0,40}", any_call in option::of(any_call())) {
            let _ = CallSpec::parse(&text);
            let _ = ReturnSpec::parse(&text);
            if let Some(call) = any_call {
                let _ = CallSpec::parse(&format!("{call}{text}"));
            }
        }
    }
}
