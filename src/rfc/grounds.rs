//! On what grounds a level stands: how it came about, and what kind of document it comes from.

use super::Level;
use core::fmt;
use serde::{Deserialize, Serialize};

/// How a level came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The document uses the word of RFC 2119, or writes it as older RFCs do.
    #[default]
    Keyword,
    /// A standard prescribes it without the word, as RFC 9293 section 3.10 does.
    Prose,
    /// It is our own reading, or the advice of a document that prescribes nothing: it weighs as a SHOULD at most.
    Inferred,
}

impl Basis {
    /// As a catalogue writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Basis::Keyword => "keyword",
            Basis::Prose => "prose",
            Basis::Inferred => "inferred",
        }
    }

    /// Whether it is the document's own word.
    pub const fn is_keyword(&self) -> bool {
        matches!(self, Basis::Keyword)
    }
}

/// What kind of document an RFC is (RFC 2026 sections 4 and 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A standard with a number of its own: STD 7.
    InternetStandard,
    /// The middle one of three steps, which RFC 6410 has done away with.
    DraftStandard,
    /// The first step of a standard, at which most stay.
    ProposedStandard,
    /// A best current practice: it binds as a standard does.
    BestCurrentPractice,
    /// Asks for what its experiment needs, of those who take part.
    Experimental,
    /// Tells and advises; prescribes nothing.
    Informational,
    /// Was something else once, and binds nobody any more.
    Historic,
}

impl Status {
    /// As a catalogue writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Status::InternetStandard => "internet-standard",
            Status::DraftStandard => "draft-standard",
            Status::ProposedStandard => "proposed-standard",
            Status::BestCurrentPractice => "best-current-practice",
            Status::Experimental => "experimental",
            Status::Informational => "informational",
            Status::Historic => "historic",
        }
    }

    /// Whether what it says in words of RFC 2119 binds everybody.
    pub const fn is_standard(self) -> bool {
        match self {
            Status::InternetStandard
            | Status::DraftStandard
            | Status::ProposedStandard
            | Status::BestCurrentPractice => true,
            Status::Experimental | Status::Informational | Status::Historic => false,
        }
    }

    /// Whether it prescribes anything to anybody, so that a level can be more than inferred from it.
    pub const fn prescribes(self) -> bool {
        !matches!(self, Status::Informational | Status::Historic)
    }
}

/// On what grounds a level stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grounds {
    /// How it came about.
    pub basis: Basis,
    /// What kind of document it comes from; `None` where it comes from no RFC.
    pub status: Option<Status>,
}

impl Grounds {
    /// An Internet Standard says the word: RFC 9293, RFC 8201.
    pub const STANDARD: Grounds = Grounds::keyword(Status::InternetStandard);
    /// An Internet Standard prescribes it without the word.
    pub const PROSE: Grounds = Grounds::prose(Status::InternetStandard);
    /// A draft standard says the word: RFC 5681.
    pub const DRAFT: Grounds = Grounds::keyword(Status::DraftStandard);
    /// A proposed standard says the word.
    pub const PROPOSED: Grounds = Grounds::keyword(Status::ProposedStandard);
    /// It is read out of a document that prescribes nothing: RFC 2525.
    pub const INFERRED: Grounds = Grounds::inferred(Status::Informational);

    /// A document of that kind says the word.
    pub const fn keyword(status: Status) -> Grounds {
        Grounds {
            basis: Basis::Keyword,
            status: Some(status),
        }
    }

    /// A document of that kind prescribes it without the word.
    pub const fn prose(status: Status) -> Grounds {
        Grounds {
            basis: Basis::Prose,
            status: Some(status),
        }
    }

    /// It is read out of a document of that kind.
    pub const fn inferred(status: Status) -> Grounds {
        Grounds {
            basis: Basis::Inferred,
            status: Some(status),
        }
    }

    /// What a level weighs in a verdict.
    pub fn weight(self, level: Level) -> Level {
        match self.basis {
            Basis::Keyword | Basis::Prose => level,
            Basis::Inferred => level.min(Level::Should),
        }
    }
}

/// What a reader must know beside the level, with a blank before it: ` (inferred; informational)`. Nothing where a
/// standard says the word.
impl fmt::Display for Grounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let basis = Some(self.basis.name()).filter(|_| !self.basis.is_keyword());
        let status = self.status.filter(|status| !status.is_standard()).map(Status::name);
        match (basis, status) {
            (None, None) => Ok(()),
            (Some(one), None) | (None, Some(one)) => write!(f, " ({one})"),
            (Some(basis), Some(status)) => write!(f, " ({basis}; {status})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inferred_weighs_as_a_should_at_most() {
        let inferred = Grounds::inferred(Status::Informational);
        assert_eq!(inferred.weight(Level::Must), Level::Should);
        assert_eq!(inferred.weight(Level::May), Level::May);
        for grounds in [
            Grounds::prose(Status::InternetStandard),
            Grounds::keyword(Status::Experimental),
        ] {
            assert_eq!(grounds.weight(Level::Must), Level::Must);
        }
    }

    #[test]
    fn only_what_is_unusual_is_said() {
        let said = |grounds: Grounds| grounds.to_string();
        assert_eq!(said(Grounds::keyword(Status::ProposedStandard)), "");
        assert_eq!(said(Grounds::default()), "");
        assert_eq!(said(Grounds::prose(Status::InternetStandard)), " (prose)");
        assert_eq!(said(Grounds::keyword(Status::Experimental)), " (experimental)");
        assert_eq!(
            said(Grounds::inferred(Status::Informational)),
            " (inferred; informational)"
        );
    }
}
