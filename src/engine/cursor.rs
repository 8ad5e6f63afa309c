//! Where a run stands in its script.

use crate::script::{Given, Script, Step, StepKind};

/// A place in a script: in which list of steps, and at which of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Which state of `given`; as many as there are states: the steps of the case.
    given: usize,
    index: usize,
    /// The outcomes of `any-of` that were taken, from the outermost on: at which step, and which of them.
    branches: Vec<(usize, usize)>,
}

impl Cursor {
    /// The state of `given` whose steps are under way; `None` during the steps of the case.
    pub(super) fn given<'a>(&self, script: &'a Script) -> Option<&'a Given> {
        script.given.get(self.given)
    }

    fn list<'a>(&self, script: &'a Script) -> &'a [Step] {
        let mut list = self.given(script).map_or(script.steps.as_slice(), |given| &given.steps);
        for (index, branch) in &self.branches {
            list = match &list[*index].kind {
                StepKind::AnyOf(any_of) => &any_of.outcomes[*branch].1,
                _ => &[],
            };
        }
        list
    }

    /// The step at this place; `None` behind the last.
    pub fn step<'a>(&self, script: &'a Script) -> Option<&'a Step> {
        self.list(script).get(self.index)
    }

    /// Whether it belongs to `given`.
    pub fn in_given(&self, script: &Script) -> bool {
        self.given < script.given.len()
    }

    pub(super) fn advance(&mut self) {
        self.index += 1;
    }

    pub(super) fn enter(&mut self, branch: usize) {
        self.branches.push((self.index, branch));
        self.index = 0;
    }

    /// Leaves lists of steps that are over. `false`: all are.
    pub(super) fn settle(&mut self, script: &Script) -> bool {
        while self.index >= self.list(script).len() {
            match self.branches.pop() {
                Some((index, _)) => self.index = index + 1,
                None if self.in_given(script) => {
                    *self = Cursor {
                        given: self.given + 1,
                        ..Cursor::default()
                    }
                }
                None => return false,
            }
        }
        true
    }
}
