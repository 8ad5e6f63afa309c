//! Every case of tcpvet as a test of this crate.
//!
//! A stack of one's own implements `tcpvet::Stack`, four methods; the one of smoltcp that is borrowed here
//! (`src/stacks/smoltcp/` in tcpvet) is an example that is real.

use tcpvet::Job;
use tcpvet::stacks::smoltcp::Smoltcp;

fn fresh(job: &Job) -> Smoltcp {
    Smoltcp::new(job.seed, job.wrap)
}

tcpvet::conformance!(
    fresh,
    runner = include_str!("../../../runners/smoltcp/runner.yaml"),
    known = include_str!("../../../runners/smoltcp/expectations.yaml"),
    cases = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases"),
);
