//! `tcpvet defects`

use super::{OK, output};
use std::fmt::Write;
use tcpvet::model::{Defect, Switch};

/// Lists the mistakes of the reference endpoint, and its choices.
pub(super) fn list() -> u8 {
    let mut text = format!("{} mistakes (--defect NAME):\n", Defect::ALL.len());
    for defect in Defect::ALL {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}", defect.name());
        let _ = writeln!(text, "      {}", defect.meaning());
        let _ = writeln!(text, "      breaks {}", defect.breaks().join(", "));
    }
    let _ = writeln!(text, "\n{} choices that RFCs leave (--switch NAME):", Switch::ALL.len());
    for switch in Switch::ALL {
        let _ = writeln!(text, "  {:<28} {}", switch.name(), switch.meaning());
    }
    output::print(&text);
    OK
}
