//! `tcpvet check-agent`

use super::arguments::CheckAgentArguments;
use super::{ENVIRONMENT, FAILED, MISTAKE, OK, output, targets};
use core::time::Duration;
use std::path::Path;
use tcpvet::drive::protocol::Mode;
use tcpvet::stacks::agent::{Launch, Mark, StepResult, Tally, Whose, check};

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
    let Tally {
        right,
        of_agent,
        of_stack,
        ..
    } = tally;
    let whose = match (of_agent, of_stack) {
        (0, 0) => String::new(),
        _ => format!(" ({of_agent} of the agent, {of_stack} of its stack)"),
    };
    output::print(&format!(
        "\n{right} right, {} wrong{whose}{not_tried}\n",
        of_agent + of_stack
    ));
    let advice = match (of_agent, of_stack) {
        (0, 0) => "Nothing is wrong with it. Now its stack: tcpvet run --target FOLDER\n",
        (0, _) => {
            "The agent speaks as it should; what its stack does wrong the cases tell: tcpvet run --target FOLDER\n"
        }
        _ => "Mend the agent first; what its stack seems to do wrong may follow from that. See runners/PROTOCOL.md.\n",
    };
    output::print(advice);
    if of_agent + of_stack == 0 { OK } else { FAILED }
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
        Mark::Right => "ok",
        Mark::Wrong(Whose::Agent) => "WRONG, agent",
        Mark::Wrong(Whose::Stack) => "WRONG, stack",
        Mark::NotTried => "not tried",
    };
    let mut text = format!("{mark:<12}  {}\n", result.what);
    if !result.more.is_empty() {
        text += &format!("{:14}{}\n", "", result.more);
    }
    output::print(&text);
}
