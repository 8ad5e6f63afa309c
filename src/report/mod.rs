//! What a person or a program reads afterwards.

mod ladder;

pub use ladder::ladder;
