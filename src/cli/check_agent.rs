//! `tcpvet check-agent`

use super::arguments::CheckAgentArguments;
use super::{ENVIRONMENT, FAILED, MISTAKE, OK, output, targets};
use core::time::Duration;
use std::path::Path;
use tcpvet::drive::protocol::Mode;
use tcpvet::stacks::agent::{Launch, Mark, StepResult, check};

/// How long an agent may take for a line, where no runner.yaml says it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Checks an agent; gives the exit code.
pub(super) fn check_agent(arguments: &CheckAgentArguments) -> u8 {
    let (launch, mode) = match launch(arguments) {
        Ok(found) => found,
        Err(code) => return code,
    };
    let tally = match check(&launch, mode, &mut tell) {
        Ok(tally) => tally,
        Err(error) => {
            output::error(&error.to_string());
            return ENVIRONMENT;
        }
    };
    let not_tried = match tally.not_tried {
        0 => String::new(),
        count => format!(", {count} not tried"),
    };
    let (right, wrong) = (tally.right, tally.wrong);
    output::print(&format!("\n{right} right, {wrong} wrong{not_tried}\n"));
    if wrong == 0 {
        output::print("Nothing is wrong with it. Now its stack: tcpvet run --target FOLDER\n");
        return OK;
    }
    output::print("Mend what is wrong first; what comes after it may follow from it. See runners/PROTOCOL.md.\n");
    FAILED
}

/// How it is started, and in which mode it is to speak: a folder says both itself.
fn launch(arguments: &CheckAgentArguments) -> Result<(Launch, Mode), u8> {
    let asked = if arguments.realtime {
        Mode::RealTime
    } else {
        Mode::Lockstep
    };
    if let [word] = arguments.command.as_slice()
        && Path::new(word).is_dir()
    {
        let folder = targets::folder(word).map_err(|problem| {
            output::error(&problem);
            MISTAKE
        })?;
        let launch = folder.prepare().map_err(|error| {
            output::error(&error.to_string());
            ENVIRONMENT
        })?;
        return Ok((launch, folder.runner.mode));
    }
    match Launch::new(&arguments.command, None, PATIENCE) {
        Some(launch) => Ok((launch, asked)),
        // clap asks for at least one word.
        None => Err(MISTAKE),
    }
}

fn tell(result: &StepResult) {
    let mark = match result.mark {
        Mark::Right => "ok       ",
        Mark::Wrong => "WRONG    ",
        Mark::NotTried => "not tried",
    };
    let mut text = format!("{mark}  {}\n", result.what);
    if !result.more.is_empty() {
        text += &format!("           {}\n", result.more);
    }
    output::print(&text);
}
