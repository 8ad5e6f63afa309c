//! The reference endpoint as a target of the suite.

use super::{Embedded, Runner};
use crate::drive::Job;
use crate::drive::addresses::target_address;
use crate::model::{Config, Defects, Model};
use crate::stack::{IpVersion, Profile, Stack};
use std::sync::Arc;

/// The reference endpoint as a target of the suite.
pub fn target(
    mut runner: Runner,
    config: Config,
    defects: Defects,
) -> Embedded<impl Fn(&Job) -> Box<dyn Stack> + Sync> {
    let mut facts = config.facts(&runner.facts);
    facts.version = Some(concat!("tcpvet-", env!("CARGO_PKG_VERSION")).to_owned());
    runner.facts = Arc::new(facts);
    let profiles = runner.clone();
    Embedded::of(runner, move |job: &Job| {
        // A job whose settings cannot be made is not run at all.
        let profile = profiles.profile(&job.script.configure).unwrap_or_default();
        let model: Box<dyn Stack> = Box::new(endpoint(job, &profile, &config, defects));
        model
    })
}

/// The reference endpoint for one job, with these choices and those that the job's case asks for.
pub fn endpoint(job: &Job, profile: &Profile, config: &Config, defects: Defects) -> Model {
    let mut config = config.clone();
    config.isn_near_wrap |= job.wrap;
    for (name, value) in profile {
        config.configure(name, value);
    }
    let addresses = vec![target_address(IpVersion::V4), target_address(IpVersion::V6)];
    Model::with_defects(config, defects, job.seed, addresses)
}
