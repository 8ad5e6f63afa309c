//! The ways in which a stack breaks down: then it has failed, whatever was asked of it at that moment.

use core::fmt;
use serde::{Deserialize, Serialize};

/// How a stack broke down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Breakdown {
    /// It panicked: it found out by itself that it cannot go on.
    Panic,
    /// Its process ended: by a signal, an abort or an exit of its own.
    Crash,
    /// It took longer over an input than anybody waits.
    Hang,
    /// It goes on acting without time passing.
    Storm,
}

impl Breakdown {
    /// All of them.
    pub const ALL: [Breakdown; 4] = [Breakdown::Panic, Breakdown::Crash, Breakdown::Hang, Breakdown::Storm];

    /// As reports and expectations write it.
    pub const fn name(self) -> &'static str {
        match self {
            Breakdown::Panic => "panic",
            Breakdown::Crash => "crash",
            Breakdown::Hang => "hang",
            Breakdown::Storm => "storm",
        }
    }

    /// The breakdown of that name.
    pub fn from_name(name: &str) -> Option<Breakdown> {
        Breakdown::ALL.into_iter().find(|breakdown| breakdown.name() == name)
    }

    /// What is expected of a stack instead.
    pub const fn expected(self) -> &'static str {
        match self {
            Breakdown::Panic | Breakdown::Crash => "a target that survives whatever it is given",
            Breakdown::Hang | Breakdown::Storm => "a target that comes to rest",
        }
    }
}

impl fmt::Display for Breakdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
