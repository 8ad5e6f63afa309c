//! A conformance test suite and fault-injecting harness for TCP.
//!
//! A library of *cases* (YAML files) is run against a *target*, any TCP implementation: the *tester* plays the other
//! end of the connection with raw segments, right or deliberately wrong, and checks every reply against what the RFCs
//! ask. The engine decides, the edges carry, the case files explain.
//!
//! | module | what it holds |
//! |---|---|
//! | [`wire`] | octets to segments and back: total, never judges |
//! | [`notation`] | the text of segments, expressions and times |
//! | [`case`] | YAML to checked cases |
//! | [`conformance`](mod@conformance) | one test for each case, for stacks written in Rust |
//! | [`rules`] | what must hold in every run |
//! | [`engine`] | the pure interpreter of runs, many on one clock |
//! | [`path`] | the pure middlebox between two ends |
//! | `capture` (`cli`) | pcap and pcapng files, judged by the rules |
//! | [`model`] | the reference endpoint: RFC 9293 as code |
//! | [`target`] | what a stack under test is, and the drivers that carry for it |
//! | [`suite`] | select, schedule, run |
//! | [`prove`] | whether the cases notice what is wrong: mistakes, and changed replies |
//! | [`record`] | what is known of the runs when they are over, stored and read back |
//! | [`report`] | what a person or a program reads afterwards, made from a record |

#[cfg(feature = "cli")]
pub mod capture;
pub mod case;
pub mod conformance;
pub mod drive;
pub mod engine;
#[cfg(all(feature = "linux", target_os = "linux"))]
pub mod link;
pub mod model;
pub mod notation;
pub mod path;
pub mod peer;
pub mod prove;
pub mod random;
pub mod record;
pub mod report;
pub mod rfc;
pub mod rules;
pub mod script;
pub mod stack;
pub mod stacks;
pub mod suite;
pub mod time;
pub mod wire;
