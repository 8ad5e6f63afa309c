//! The reference endpoint: RFC 9293 as code, with the extensions that the cases need.
//!
//! It is written to be read beside the RFC: a function for each paragraph of section 3.10, the RFC's names for the
//! RFC's variables. Where an RFC leaves a choice there is a switch ([`Config`]); mistakes that stacks make can be
//! switched on one by one ([`Defect`]), so that cases can be shown to notice them.
//!
//! It owns no clock, socket, thread or random source: time comes with every call, and all that looks random from a seed.
//! It does not care for speed beyond what the many runs of a suite need. Not modelled: security compartments and
//! precedence, IP options and source routes, fragments.
//!
//! | file | what it holds |
//! |---|---|
//! | `tcb` | the transmission control block (3.3.1) |
//! | `segment_arrives` | 3.10.7, state by state and check by check |
//! | `listen` | LISTEN, backlog, cookies, fast open, reopening out of TIME-WAIT |
//! | `fast_open` | RFC 7413 as a client: what is remembered of servers, text on a SYN |
//! | `calls` | 3.10.1 to 3.10.6 |
//! | `timers` | 3.10.8 and RFC 6298 |
//! | `output` | what is sent and when |
//! | `options` | what stands on which segment |
//! | `congestion`, `sack` | RFC 5681, 6582, 6675, 2018, 2883 |
//! | `icmp` | 3.9.2.2, RFC 5927, 1191, 8201 |
//! | `claims` | what it claims once its choices are made |
//! | `slips` | mistakes at the last step, for the rules to notice |
//! | `isn` | RFC 6528 and other numbers that nobody can guess |

mod calls;
mod claims;
mod config;
mod congestion;
mod context;
mod decision;
mod defect;
mod fast_open;
mod icmp;
mod isn;
mod listen;
mod options;
mod output;
mod queues;
mod rack;
mod sack;
mod segment_arrives;
mod seq;
mod settings;
mod slips;
mod stack;
mod switch;
mod tcb;
#[cfg(test)]
mod tests;
mod timers;

pub use config::{Config, Retries};
pub use decision::Decision;
pub use defect::{Defect, Defects};
pub use stack::Model;
pub use switch::{Switch, Switches};
