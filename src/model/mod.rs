//! The reference endpoint: RFC 9293 as code, with the extensions that the cases need.
//!
//! It is written to be read beside the RFC: a function for each paragraph of section 3.10, and the RFC's names for the
//! RFC's variables. Where an RFC leaves a choice, [`Config`] says what is chosen; mistakes that stacks make can be
//! switched on one by one ([`Defect`]), to show that cases notice them.
//!
//! It owns no clock, socket, thread or random source: time comes with every call, and all that looks random comes from
//! a seed. It is only as fast as a suite of many runs needs. Not modelled: security compartments and precedence, IP
//! options and source routes, fragments.
//!
//! | file | what it holds |
//! |---|---|
//! | `stack` | the endpoint as a whole: its connections and listeners |
//! | `tcb`, `queues` | the transmission control block (3.3.1), and the octets of a connection |
//! | `seq` | sequence space (3.4) |
//! | `segment_arrives` | 3.10.7, state by state and check by check |
//! | `listen` | LISTEN, backlog, SYN cookies, fast open, reopening out of TIME-WAIT |
//! | `fast_open` | RFC 7413 as a client: what is remembered of servers, text on a SYN |
//! | `calls`, `settings` | 3.10.2 to 3.10.5, and what an application sets |
//! | `timers` | 3.10.8 and RFC 6298 |
//! | `output`, `context` | what is sent and when, and the packet around it |
//! | `options` | what stands on which segment |
//! | `congestion`, `sack`, `rack` | RFC 5681, 6582, 6675, 2018, 2883, 8985 |
//! | `icmp` | 3.9.2.2, RFC 5927, 1191, 8201 |
//! | `decision` | how the tables of decisions work |
//! | `config`, `switch`, `claims` | how it is configured, its choices, and what it claims under them |
//! | `lawful` | endpoints drawn by lot from all that is lawful: which parameters there are, and their ranges |
//! | `defect` | the mistakes, by name |
//! | `slips` | mistakes in the last step before a segment leaves, for the rules to notice |
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
mod lawful;
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
pub use lawful::{LawfulEndpoint, Parameter, Trait, Unit};
pub use stack::Model;
pub use switch::{Switch, Switches};
