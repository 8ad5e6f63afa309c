//! `tcpvet check-agent`: tells an agent's author, step by step and before any case is run, what is right and what is
//! not.

mod lockstep;
mod peer;
mod real_time;

use super::{Fault, Launch, Process};
use crate::drive::EnvironmentError;
use crate::drive::protocol::Mode;
use crate::stack::Abilities;
use crate::stack::{ABILITIES, is_ability};
use core::sync::atomic::AtomicBool;
use core::time::Duration;

/// Whose fault it is that a step went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The agent's: what it says is not what the protocol asks for.
    Agent,
    /// The stack's behind it: the segments are wrong, or it did not survive one.
    Stack,
}

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It went as it should.
    Right,
    /// It did not.
    Wrong(Whose),
    /// It was not tried: the agent does not claim it, or something before it went wrong.
    NotTried,
}

/// A step of the check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepResult {
    /// The result.
    pub mark: Mark,
    /// What was checked, as a sentence that is true if the agent is right.
    pub what: String,
    /// What happened instead, why the step was not tried, or a remark.
    pub more: String,
}

/// How many steps had which result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Steps that went right.
    pub right: usize,
    /// Steps that did not, by a fault of the agent.
    pub of_agent: usize,
    /// Steps that did not, by a fault of its stack.
    pub of_stack: usize,
    /// Steps that were not tried.
    pub not_tried: usize,
}

/// Checks an agent, and calls `tell` with every step as it ends.
pub fn check(launch: &Launch, mode: Mode, tell: &mut dyn FnMut(&StepResult)) -> Result<Tally, EnvironmentError> {
    let mut list = Checklist {
        tell,
        tally: Tally::default(),
    };
    match mode {
        Mode::Lockstep => lockstep::check(launch, &mut list)?,
        Mode::RealTime => real_time::check(launch, &mut list)?,
    }
    Ok(list.tally)
}

/// The result of a step: a remark, which may be empty, or what is wrong.
type Step = Result<String, Wrong>;

/// What is wrong, and with what.
#[derive(Clone, Debug)]
struct Wrong(Whose, String);

/// A fault of the agent.
fn agent(text: impl Into<String>) -> Wrong {
    Wrong(Whose::Agent, text.into())
}

/// A fault of the stack behind it.
fn stack(text: impl Into<String>) -> Wrong {
    Wrong(Whose::Stack, text.into())
}

/// Reports steps and counts them.
struct Checklist<'a> {
    tell: &'a mut dyn FnMut(&StepResult),
    tally: Tally,
}

impl Checklist<'_> {
    /// Reports a step; `None` if it went wrong.
    fn step(&mut self, what: &str, step: Step) -> Option<()> {
        let (mark, more) = match step {
            Ok(more) => (Mark::Right, more),
            Err(Wrong(whose, more)) => (Mark::Wrong(whose), more),
        };
        self.tell(mark, what, more);
        (mark == Mark::Right).then_some(())
    }

    /// As [`Checklist::step`], for a condition of the steps that follow: it is reported only if it is not met.
    fn needs(&mut self, what: &str, step: Step) -> Option<()> {
        match step {
            Ok(_) => Some(()),
            wrong => self.step(what, wrong),
        }
    }

    fn not_tried(&mut self, what: &str, why: &str) {
        self.tell(Mark::NotTried, what, why.to_owned());
    }

    fn tell(&mut self, mark: Mark, what: &str, more: String) {
        *match mark {
            Mark::Right => &mut self.tally.right,
            Mark::Wrong(Whose::Agent) => &mut self.tally.of_agent,
            Mark::Wrong(Whose::Stack) => &mut self.tally.of_stack,
            Mark::NotTried => &mut self.tally.not_tried,
        } += 1;
        let what = what.to_owned();
        (self.tell)(&StepResult { mark, what, more });
    }
}

/// A step that went right, without a remark.
fn fine() -> Step {
    Ok(String::new())
}

/// A fault as what is wrong with a step. One by which a run would fail takes the blame away from the agent.
fn it(fault: &Fault, process: &mut Process) -> Wrong {
    let whose = match fault.breakdown() {
        Some(_) => Whose::Stack,
        None => Whose::Agent,
    };
    Wrong(whose, format!("it {fault}{}", standard_error(process)))
}

/// Whether cases know each of the abilities, and whether they suffice for any case.
fn abilities(can: &Abilities, mode: Mode, list: &mut Checklist<'_>) {
    let unknown: Vec<String> = can
        .iter()
        .filter(|name| !is_ability(name))
        .map(|name| format!("`{name}`"))
        .collect();
    let known = match unknown.is_empty() {
        true => fine(),
        false => {
            let known: Vec<&str> = ABILITIES.iter().map(|word| word.name).collect();
            Err(agent(format!(
                "{} is none; there are {} and set:NAME",
                unknown.join(", "),
                known.join(", ")
            )))
        }
    };
    list.step("every ability is a word that cases know", known);
    let has = |names: &[&str]| names.iter().any(|name| can.can(name));
    let enough = match (has(&["ipv4", "ipv6"]), has(&["listen", "connect"])) {
        (true, true) => fine(),
        (false, _) => Err(agent(
            "it can neither `ipv4` nor `ipv6`: every case will be unsupported",
        )),
        // An agent that does no more than runners/TEMPLATE can answer cases about closed ports.
        (_, false) => Ok("it can neither `listen` nor `connect` yet: nearly every case will be unsupported".to_owned()),
    };
    list.step("it can enough for a case", enough);
    let clock = match (mode, can.can("virtual-time")) {
        (Mode::RealTime, true) => Err(agent(
            "it says `virtual-time`, but in real time the clock is not the tester's: leave the word out",
        )),
        (Mode::Lockstep, false) => Ok("it does not: cases that wait for hours will be unsupported".to_owned()),
        (Mode::Lockstep, true) | (Mode::RealTime, false) => fine(),
    };
    list.step(
        "it says `virtual-time` if days may pass at once, and only in lockstep",
        clock,
    );
}

/// The last step: an agent must end by itself when its input ends.
fn end(process: &mut Process, list: &mut Checklist<'_>) {
    process.hang_up();
    let ended = match process.status(process.patience().min(Duration::from_secs(5))) {
        Some(status) if status.success() => fine(),
        Some(status) => Err(agent(format!(
            "it ended, but with {status}: that will be taken for a crash"
        ))),
        None => Err(agent(
            "it lives on: a read that returns nothing is the end, and no reason to read again",
        )),
    };
    list.step("it ends by itself when its input ends", ended);
}

/// The end of standard error, for a step that went wrong.
fn standard_error(process: &mut Process) -> String {
    let lines = process.take_standard_error(true);
    let last = lines.iter().rev().find(|line| !line.trim().is_empty());
    last.map_or_else(String::new, |line| format!("; its standard error ends with `{line}`"))
}

/// Never set: a check cannot be stopped.
static GO_ON: AtomicBool = AtomicBool::new(false);
