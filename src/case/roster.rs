//! The connections of a script, by name.

use super::flow::Complaint;
use super::lower::{Filled, Lowering};
use super::raw::RawConnection;
use crate::notation::did_you_mean;
use crate::script::{ConnDecl, ConnId};
use std::collections::BTreeMap;

/// A family has at most so many members.
const MAX_FAMILY: usize = 10_000;

/// The connections, and which of them a name means.
#[derive(Clone, Debug)]
pub(super) struct Roster {
    pub(super) declared: Vec<ConnDecl>,
    names: BTreeMap<String, Named>,
}

#[derive(Clone, Debug)]
enum Named {
    One(ConnId),
    /// The first member, and how many there are.
    Family(usize, usize),
}

impl Roster {
    /// Only `main`.
    pub(super) fn new() -> Roster {
        let main = ConnDecl {
            name: "main".into(),
            host: 0,
            tuple: None,
            isn: None,
        };
        Roster {
            declared: vec![main],
            names: BTreeMap::from([("main".to_string(), Named::One(ConnId(0)))]),
        }
    }

    /// The one connection of that name.
    pub(super) fn one(&self, name: &str) -> Option<ConnId> {
        match self.names.get(name) {
            Some(Named::One(conn)) => Some(*conn),
            Some(Named::Family(..)) => None,
            None => self.member(name),
        }
    }

    /// `p17` of the family `p`.
    fn member(&self, name: &str) -> Option<ConnId> {
        let family = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = &name[family.len()..];
        let Some(Named::Family(first, count)) = self.names.get(family) else {
            return None;
        };
        let number: usize = number.parse().ok().filter(|_| !number.starts_with('0'))?;
        (1..=*count).contains(&number).then(|| ConnId(first + number - 1))
    }

    /// The connection of that name, or all members of the family.
    pub(super) fn named(&self, name: &str, families: bool) -> Result<Vec<ConnId>, Complaint> {
        match self.names.get(name) {
            Some(Named::Family(first, count)) if families => Ok((*first..first + count).map(ConnId).collect()),
            Some(Named::Family(_, count)) => {
                let message = format!("`{name}` is a family of {count}");
                Err((message, format!("write `{name}1`, or in a repeat `{name}$i`")))
            }
            Some(Named::One(_)) | None => match self.one(name) {
                Some(conn) => Ok(vec![conn]),
                None => Err(self.unknown(name)),
            },
        }
    }

    /// What to say of a name that is not there.
    pub(super) fn unknown(&self, name: &str) -> Complaint {
        let family = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let help = match self.names.get(family) {
            Some(Named::Family(_, count)) if name == family => {
                format!("name a member, `{family}1` to `{family}{count}`")
            }
            Some(Named::Family(_, count)) => format!("`{family}` has the members 1 to {count}"),
            Some(Named::One(_)) | None => did_you_mean(name, self.names.keys().map(String::as_str))
                .unwrap_or_else(|| format!("declare it: `connections: {{{name}: {{}}}}`")),
        };
        (format!("there is no connection `{name}`"), help)
    }

    fn add(&mut self, decl: ConnDecl) {
        let conn = ConnId(self.declared.len());
        self.names.insert(decl.name.clone(), Named::One(conn));
        self.declared.push(decl);
    }
}

/// The connections that a case declares, in its row. All names are known before an `isn` is read, which may use them.
pub(super) fn roster(raw: &[RawConnection], lowering: &mut Lowering) -> Roster {
    let mut roster = Roster::new();
    let mut hosts: Vec<String> = Vec::new();
    for connection in raw {
        if let Some(what) = refuse_name(&connection.name.text, &roster) {
            lowering.complain_at(&connection.name.place, what);
            continue;
        }
        let host = match &connection.host {
            None => 0,
            Some(text) => {
                let Some(filled) = lowering.fill(text) else {
                    continue;
                };
                let known = hosts.iter().position(|name| *name == filled.text);
                1 + known.unwrap_or_else(|| {
                    hosts.push(filled.text.into_owned());
                    hosts.len() - 1
                })
            }
        };
        let decl = ConnDecl {
            name: connection.name.text.clone(),
            host,
            tuple: None,
            isn: None,
        };
        match &connection.count {
            None => roster.add(decl),
            Some(text) => {
                let Some(filled) = lowering.fill(text) else {
                    continue;
                };
                family(&decl, connection, &filled, &mut roster, lowering);
            }
        }
    }
    roster
}

fn refuse_name(name: &str, roster: &Roster) -> Option<Complaint> {
    let lawful = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !lawful {
        let help = "a lower-case letter, then letters and digits: it also stands in `name.RCV.NXT`";
        return Some((format!("`{name}` cannot be a connection"), help.to_string()));
    }
    if roster.one(name).is_some() || roster.names.contains_key(name) {
        return Some((
            format!("there is a connection `{name}` already"),
            "use another name".to_string(),
        ));
    }
    None
}

fn family(decl: &ConnDecl, raw: &RawConnection, count: &Filled, roster: &mut Roster, lowering: &mut Lowering) {
    for (text, name) in [(&raw.tuple, "tuple"), (&raw.isn, "isn")] {
        if let Some(text) = text {
            let what = (
                format!("a family has no `{name}`"),
                "declare one connection without `count`".to_string(),
            );
            lowering.complain_at(&text.place, what);
        }
    }
    let room = MAX_FAMILY.saturating_sub(roster.declared.len());
    let parsed = count
        .text
        .parse::<usize>()
        .ok()
        .filter(|count| (1..=room).contains(count));
    let Some(members) = parsed else {
        let message = format!("`{}` is not a number of connections", count.text);
        lowering.complain(
            count,
            0..count.text.len(),
            (message, format!("1 to {MAX_FAMILY} in all")),
        );
        return;
    };
    if decl.name.ends_with(|c: char| c.is_ascii_digit()) {
        let what = (
            format!("`{}` cannot be a family", decl.name),
            "its name must not end in a digit".to_string(),
        );
        lowering.complain_at(&raw.name.place, what);
        return;
    }
    let taken = roster.declared.iter().any(|other| {
        let number = other
            .name
            .strip_prefix(&decl.name)
            .and_then(|number| number.parse::<usize>().ok());
        number.is_some_and(|number| (1..=members).contains(&number))
    });
    if taken {
        let what = (
            format!("a member of `{}` is declared already", decl.name),
            "use another name".to_string(),
        );
        lowering.complain_at(&raw.name.place, what);
        return;
    }
    let first = roster.declared.len();
    for number in 1..=members {
        roster.declared.push(ConnDecl {
            name: format!("{}{number}", decl.name),
            ..decl.clone()
        });
    }
    roster.names.insert(decl.name.clone(), Named::Family(first, members));
}

/// Fills in `tuple` and `isn`, once all names are known to `lowering`.
pub(super) fn ties(raw: &[RawConnection], declared: &mut [ConnDecl], lowering: &mut Lowering) {
    for connection in raw {
        let Some(own) = lowering.roster.one(&connection.name.text) else {
            continue;
        };
        if let Some(text) = &connection.tuple
            && let Some(filled) = lowering.fill(text)
        {
            match lowering.roster.named(&filled.text, false) {
                Ok(conns) if conns[0] >= own => {
                    let help = "declare the older incarnation first".to_string();
                    lowering.complain(
                        &filled,
                        0..filled.text.len(),
                        ("a tuple from a later connection".into(), help),
                    );
                }
                Ok(_) if connection.host.is_some() => {
                    let what = (
                        "`host` and `tuple` together".to_string(),
                        "the tuple has its host: take `host` out".into(),
                    );
                    lowering.complain_at(&connection.name.place, what);
                }
                Ok(conns) => {
                    declared[own.0].host = declared[conns[0].0].host;
                    declared[own.0].tuple = Some(conns[0]);
                }
                Err(what) => lowering.complain(&filled, 0..filled.text.len(), what),
            }
        }
        if let Some(text) = &connection.isn
            && let Some(filled) = lowering.fill(text)
        {
            declared[own.0].isn = lowering.expr(&filled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{around, refuses, scripts};
    use super::*;

    fn with(connections: &str, steps: &str) -> String {
        around(steps).replacen("steps:", &format!("connections: {connections}\nsteps:"), 1)
    }

    #[test]
    fn main_comes_first_and_others_as_declared() {
        let script = &scripts(&with(
            "{b: {}, far: {host: other}, far2: {host: other}, p: {count: 3}}",
            "  - expect: ACK\n",
        ))[0];
        let names: Vec<_> = script
            .connections
            .iter()
            .map(|conn| (conn.name.as_str(), conn.host))
            .collect();
        let expected = [
            ("main", 0),
            ("b", 0),
            ("far", 1),
            ("far2", 1),
            ("p1", 0),
            ("p2", 0),
            ("p3", 0),
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_family_is_named_by_member_or_as_a_whole() {
        let steps = "  - repeat: 2\n    conn: p$i\n    steps:\n      - inject: SYN\n  - expect: SYN,ACK\n    conn: p\n    count: 1..2\n";
        let script = &scripts(&with("{p: {count: 2}}", steps))[0];
        let conns: Vec<_> = script.steps.iter().map(|step| step.conns.clone()).collect();
        assert_eq!(conns, [vec![ConnId(1)], vec![ConnId(2)], vec![ConnId(1), ConnId(2)]]);
    }

    #[test]
    fn a_family_where_one_is_meant_is_told() {
        let steps = "  - inject: SYN\n    conn: «p»\n  - expect: ACK\n";
        refuses(
            &with("{p: {count: 2}}", steps),
            "`p` is a family of 2",
            "write `p1`, or in a repeat `p$i`",
        );
        let steps = "  - inject: ACK seq=«p».RCV.NXT\n  - expect: ACK\n";
        refuses(
            &with("{p: {count: 2}}", steps),
            "there is no connection `p`",
            "name a member",
        );
    }

    #[test]
    fn connections_that_are_not_declared_are_told() {
        refuses(
            &with("{bee: {}}", "  - expect: ACK\n    conn: «be»\n"),
            "there is no connection `be`",
            "did you mean `bee`?",
        );
        refuses(
            &with("{p: {count: 2}}", "  - expect: ACK\n    conn: «p3»\n"),
            "there is no connection `p3`",
            "members 1 to 2",
        );
        refuses(
            &around("  - expect: ACK seq=«old».RCV.NXT\n"),
            "there is no connection `old`",
            "declare it",
        );
        refuses(
            &around("  - call: send «old».RMSS\n  - expect: ACK\n"),
            "there is no connection `old`",
            "declare it",
        );
    }

    #[test]
    fn the_next_incarnation_takes_over_tuple_and_host() {
        let text = with(
            "{far: {host: x}, new: {tuple: far, isn: far.RCV.NXT+1000}}",
            "  - expect: ACK\n",
        );
        let script = &scripts(&text)[0];
        let new = &script.connections[2];
        assert_eq!((new.tuple, new.host, new.isn.is_some()), (Some(ConnId(1)), 1, true));
    }

    #[test]
    fn wrong_declarations_are_told() {
        let refused = |connections: &str, message: &str, help: &str| {
            refuses(&with(connections, "  - expect: ACK\n"), message, help);
        };
        refused("{«B»: {}}", "`B` cannot be a connection", "also stands in");
        refused("{«main»: {}}", "there is a connection `main` already", "another name");
        refused(
            "{p: {count: 2}, «p1»: {}}",
            "there is a connection `p1` already",
            "another name",
        );
        refused(
            "{p1: {}, «p»: {count: 2}}",
            "a member of `p` is declared already",
            "another name",
        );
        refused("{p: {count: «0»}}", "`0` is not a number of connections", "1 to 10000");
        refused(
            "{p: {count: «10000»}}",
            "`10000` is not a number of connections",
            "1 to 10000",
        );
        refused("{«p2»: {count: 3}}", "`p2` cannot be a family", "not end in a digit");
        refused("{p: {count: 2, isn: «5»}}", "a family has no `isn`", "without `count`");
        refused(
            "{b: {tuple: «mian»}}",
            "there is no connection `mian`",
            "did you mean `main`?",
        );
        refused(
            "{b: {tuple: «b»}}",
            "a tuple from a later connection",
            "older incarnation first",
        );
        refused(
            "{«b»: {tuple: main, host: x}}",
            "`host` and `tuple` together",
            "take `host` out",
        );
        refused("{b: {isn: 1+«»}}", "", "");
    }
}
