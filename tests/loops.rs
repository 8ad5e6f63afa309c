//! Stacks that do not return, as the authors of stacks meet them under `conformance!`: the test of each case that meets the
//! loop fails and says where, all others run, and all of it ends: without a child it never would.

use std::sync::OnceLock;
use tcpvet::conformance::Suite;
use tcpvet::model::{Config, Model};
use tcpvet::wire::Packet;
use tcpvet::{Abilities, Call, CallId, Emitted, Stack};

/// Where a stack loops.
#[derive(Clone, Copy, PartialEq)]
enum Where {
    Made,
    Abilities,
    Receive,
    Call,
    Poll,
    Dropped,
    /// It ends the process instead.
    Exits,
    /// It emits without end.
    Pours,
}

/// The reference endpoint, which stops being one once it meets urgent data or is asked to send some.
struct Looping {
    endpoint: Model,
    place: Where,
    met: bool,
}

fn looping() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

impl Looping {
    fn new(job: &tcpvet::Job, place: Where) -> Looping {
        if place == Where::Made && &*job.script.case == URGENT {
            looping();
        }
        let addresses = vec![tcpvet::target_address(job.ip)];
        Looping {
            endpoint: Model::new(Config::default(), job.seed, addresses),
            place,
            met: place == Where::Abilities && &*job.script.case == URGENT,
        }
    }
}

impl Stack for Looping {
    fn abilities(&self) -> Abilities {
        if self.place == Where::Abilities && self.met {
            looping();
        }
        self.endpoint.abilities()
    }

    fn receive(&mut self, now: tcpvet::Instant, packet: &[u8]) {
        let packet_read = Packet::parse(packet).ok();
        self.met |= packet_read
            .as_ref()
            .and_then(Packet::tcp)
            .is_some_and(|segment| segment.urgent != 0);
        match self.place {
            Where::Receive if self.met => looping(),
            Where::Exits if self.met => std::process::exit(0),
            _ => self.endpoint.receive(now, packet),
        }
    }

    fn call(&mut self, now: tcpvet::Instant, id: CallId, call: &Call) {
        if self.place == Where::Call && matches!(call, Call::Urgent { .. }) {
            looping();
        }
        self.endpoint.call(now, id, call);
    }

    fn poll(&mut self, now: tcpvet::Instant, out: &mut dyn FnMut(Emitted)) -> Option<tcpvet::Instant> {
        match self.place {
            Where::Poll if self.met => looping(),
            Where::Pours if self.met => loop {
                out(Emitted::Packet(vec![0x45]));
            },
            _ => self.endpoint.poll(now, out),
        }
    }
}

impl Drop for Looping {
    fn drop(&mut self) {
        if self.place == Where::Dropped && self.met {
            looping();
        }
    }
}

/// A case that meets every loop.
const URGENT: &str = "urgent/told";

fn costs_its_own_test(suite: &Suite, words: &[&str]) {
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| suite.check(URGENT)));
    let said = failed.expect_err("it meets the loop");
    let said = tcpvet::drive::panic_text(said.as_ref());
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    suite.check("handshake/passive-open");
}

macro_rules! looping_in {
    ($($module:ident $place:ident $words:expr;)*) => {$(
        mod $module {
            use super::{Looping, Where, costs_its_own_test};
            use tcpvet::conformance::Suite;

            fn suite() -> &'static Suite {
                static SUITE: super::OnceLock<Suite> = super::OnceLock::new();
                SUITE.get_or_init(|| {
                    Suite::new(|job| Box::new(Looping::new(job, Where::$place))).in_children(module_path!())
                })
            }

            #[test]
            fn child() {
                suite().serve();
            }

            #[test]
            fn ends_and_costs_its_own_test() {
                costs_its_own_test(suite(), &$words);
            }
        }
    )*};
}

looping_in! {
    made Made ["breakdown: hang", "it has been in its constructor for"];
    abilities Abilities ["it has been in `abilities` for"];
    receive Receive ["it has been in `receive` for", "after the frame `"];
    call Call ["it has been in `call` for", "after the line `call "];
    poll Poll ["it has been in `poll` for", "after the frame `"];
    dropped Dropped ["it has been in its destructor for"];
    exits Exits ["breakdown: crash", "the stack ended the process in which it ran (exit status: 0)"];
    pours Pours ["breakdown: storm", "10000 frames, results and events in one poll"];
}
