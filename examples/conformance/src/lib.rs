//! Where the stack would be. This example borrows one that comes with tcpvet: see `tests/conformance.rs`.
