//! Mistakes that stacks make, each to be switched on by itself.

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defect {
    /// A RST is obeyed wherever it is in the window.
    AcceptAnyRst,
}

/// A set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Defects([u64; 4]);

impl Defects {
    /// None at all.
    pub const NONE: Defects = Defects([0; 4]);

    /// Whether it is among them.
    pub fn contains(self, defect: Defect) -> bool {
        let place = defect as usize;
        self.0[place / 64] & 1 << (place % 64) != 0
    }
}
