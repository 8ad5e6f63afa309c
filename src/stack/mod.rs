//! The contract with a stack under test, which takes frames, calls and time and emits frames and results; what is known
//! of a stack; how one breaks down; and the names of settings, errors and times that both sides use.

mod breakdown;
mod contract;
mod error;
mod facts;
mod setting;
mod words;

pub use breakdown::Breakdown;
pub use contract::{Abilities, Answer, Call, CallId, Emitted, Errno, SetValue, SocketId, Stack};
pub use error::ErrorName;
pub use facts::{Facts, IpVersion, Profile, Tolerance, Tolerances};
pub use setting::Setting;
pub use words::{ABILITIES, HOST_SETTINGS, HostSetting, Takes, Word, is_ability, word};
