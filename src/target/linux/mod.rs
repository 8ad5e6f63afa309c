//! The kernel that we run on, in private namespaces, as a target.

mod child;
mod namespace;
mod netlink;
mod places;
mod self_test;
mod setup;
mod sockets;
mod sys;

pub use child::{SUBCOMMAND, child_main};
pub use namespace::{Agent, Namespace, Plan};
pub use setup::DeviceChoice;
