//! The reference endpoint as an agent in lockstep, behind a hidden command: the tests of the driver of agents use it.

use std::io;
use tcpvet::drive::addresses::target_address;
use tcpvet::model::{Config, Model};
use tcpvet::stack::{IpVersion, Stack};
use tcpvet::stacks::agent::{World, serve};

/// The hidden command.
pub(super) const SUBCOMMAND: &str = "__agent";

/// Speaks on standard input and output; gives the exit code.
pub(super) fn agent() -> u8 {
    let addresses = [IpVersion::V4, IpVersion::V6].map(target_address);
    let make = |world: &World| -> Result<Box<dyn Stack>, String> {
        let mut config = Config {
            isn_near_wrap: world.isn.is_some(),
            ..Config::default()
        };
        for (name, value) in &world.settings {
            config.configure(name, value);
        }
        Ok(Box::new(Model::new(config, world.seed, addresses.to_vec())))
    };
    match serve(
        concat!("model-", env!("CARGO_PKG_VERSION")),
        io::stdin().lock(),
        io::stdout().lock(),
        make,
    ) {
        Ok(()) => super::OK,
        Err(_) => super::ENVIRONMENT,
    }
}
