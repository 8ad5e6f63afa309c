//! `cases/README.md` leads through the library: what it names is there, and it leaves no subject and no topic out.

use std::collections::BTreeSet;
use std::path::Path;

const README: &str = include_str!("../cases/README.md");

/// What an introduction to connection management speaks of: each is a point of the tour.
const SUBJECTS: [(&str, &[&str]); 9] = [
    (
        "Handshake",
        &[
            "Passive open",
            "Active open",
            "What SYN, SYN,ACK and ACK must carry",
            "MSS both ways and its default",
            "Data on the third segment",
            "A lost SYN",
            "A lost SYN,ACK",
            "A lost final ACK",
            "Why three",
            "A SYN that comes again",
            "A closed port",
            "Nobody accepts",
            "Backlog full",
            "SYN flood",
            "SYN cookies",
            "ISNs that differ, move with time, and cannot be guessed",
            "Data on the SYN",
            "The eleven states, each reached and recognised",
        ],
    ),
    (
        "Simultaneous open",
        &[
            "Four segments, one connection",
            "A segment of it lost",
            "A RST in the middle",
        ],
    ),
    (
        "Close",
        &[
            "Four segments, from either side",
            "FIN and ACK apart and together",
            "Half-close",
            "FIN lost",
            "ACK of the FIN lost",
            "Last ACK lost",
            "FIN with data",
            "FIN out of order",
            "Close with unread data, abort, linger",
            "Close with unsent data",
        ],
    ),
    ("Simultaneous close", &["Crossing FINs", "Each segment lost in turn"]),
    (
        "RST",
        &[
            "What is answered by a RST, and with which numbers",
            "Exact number, challenge in the window, silence outside",
            "In SYN-SENT",
            "In SYN-RECEIVED",
            "What the application is told",
            "Never a RST for a RST",
        ],
    ),
    (
        "TIME-WAIT",
        &[
            "Its length",
            "The FIN again",
            "Old data",
            "A RST",
            "A new SYN",
            "The target uses the same two ends again",
            "Old segments do not enter the new connection",
        ],
    ),
    (
        "Flags and numbers",
        &[
            "PSH",
            "URG",
            "Both edges of the window, and one beyond each",
            "Wrap at 2^32",
            "Every nonsense of flags",
        ],
    ),
    (
        "A silent network",
        &[
            "A peer that vanished",
            "Keep-alive",
            "User timeout",
            "A network that forgets the connection",
        ],
    ),
    (
        "Calls, segments and states together",
        &["listen", "connect", "accept", "send", "recv", "shutdown and close"],
    ),
];

/// Folders that hold no cases.
const NO_TOPICS: [&str; 2] = ["given", "requirements"];

fn cases() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cases"))
}

/// The files that a part of the page links to.
fn links(part: &str) -> impl Iterator<Item = &str> {
    let targets = part.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| target.ends_with(".yaml"))
}

/// The tour's sections, by their headings.
fn sections() -> Vec<(&'static str, &'static str)> {
    let (tour, _) = README.split_once("\n# Writing a case").expect("the second half");
    let sections = tour.split("\n### ").skip(1);
    sections.filter_map(|section| section.split_once('\n')).collect()
}

#[test]
fn every_case_that_is_named_is_there() {
    let missing: Vec<&str> = links(README).filter(|path| !cases().join(path).is_file()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(links(README).collect::<BTreeSet<_>>().len() >= 90);
}

#[test]
fn every_subject_is_a_point_of_the_tour_and_names_a_case() {
    let sections = sections();
    for (heading, subjects) in SUBJECTS {
        let section = sections.iter().find(|(name, _)| *name == heading);
        let (_, text) = section.unwrap_or_else(|| panic!("no section `{heading}`"));
        let points: Vec<&str> = text.split("\n- ").skip(1).collect();
        for subject in subjects {
            let begins = format!("**{subject}**");
            assert!(
                points.iter().any(|point| point.starts_with(&begins)),
                "{heading}: no point `{subject}`"
            );
        }
        let empty: Vec<&&str> = points.iter().filter(|point| links(point).next().is_none()).collect();
        assert!(empty.is_empty(), "{heading}: points without a case: {empty:?}");
    }
}

#[test]
fn every_topic_is_visited() {
    let folders = std::fs::read_dir(cases()).expect("the library");
    let folders = folders
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir());
    let names = folders.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let visited: BTreeSet<&str> = sections()
        .iter()
        .flat_map(|(_, text)| links(text))
        .filter_map(|path| path.split('/').next())
        .collect();
    let left_out: Vec<String> = names
        .filter(|name| !NO_TOPICS.contains(&name.as_str()) && !visited.contains(name.as_str()))
        .collect();
    assert!(left_out.is_empty(), "{left_out:?}");
}
