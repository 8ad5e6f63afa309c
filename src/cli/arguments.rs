//! What can be written after `tcpvet`.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use tcpvet::drive::Worlds;
use tcpvet::stack::IpVersion;
use tcpvet::suite::Axes;

/// Tests whether a TCP does what the RFCs ask, clause by clause.
///
/// Without a command, `run` is meant.
#[derive(Debug, Parser)]
#[command(name = "tcpvet", version, args_conflicts_with_subcommands = true, after_help = SELECTIONS)]
pub(super) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// `run` without its name.
    #[command(flatten)]
    pub run: RunArguments,
}

const SELECTIONS: &str = "\
Selections; of several the union is run, without one everything:
  reset/                          a folder of cases, or a case
  reset/acc                       what begins so, at any letter
  'reset/acceptance[state=X,ip4]' a run, or all that hold what is in the brackets
  'reset/*[*,wrap]'               names that fit
  rfc:5961, RFC5961-3.2-3         what covers an RFC, or one requirement
  tag:alone                       what has a tag
  tc8:TCP_BASICS_11               what another suite calls so

Exit codes: 0 as expected, 1 the target does not conform, 2 a mistake in what
was asked or in a case, 3 the environment failed, 101 a bug of tcpvet.";

const INSPECTED: &str = "\
Exit codes: 0 all was judged and no MUST is broken, 1 a MUST is broken, 2 a file
is no capture, 3 nothing was judged, or a part was left out (which, and why, is
said), 101 a bug of tcpvet.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run cases against a target.
    #[command(after_help = SELECTIONS)]
    Run(RunArguments),
    /// Run cases and print what the target is like: what was measured, what it chose, where it differs.
    #[command(after_help = SELECTIONS)]
    Audit(RunArguments),
    /// Print and write of runs that were recorded what the run itself would have.
    Report(ReportArguments),
    /// List cases: their names, titles and requirements.
    #[command(after_help = SELECTIONS)]
    List(ListArguments),
    /// Check case files without a target; all errors at once.
    Check(CheckArguments),
    /// Tell what cases test and why, with the exchange on the reference endpoint.
    #[command(after_help = SELECTIONS)]
    Explain(ExplainArguments),
    /// Tell which requirements cases check, RFC by RFC, and how far that is from the goals.
    Coverage(CoverageArguments),
    /// Prove that cases bite: each passes on the reference endpoint, and fails when something is wrong.
    #[command(after_help = SELECTIONS)]
    Prove(ProveArguments),
    /// Print the JSON Schema of a case file, for editors.
    Schema,
    /// List the mistakes that the reference endpoint can be told to make, and what each breaks.
    Defects,
    /// Judge the connections in captures (pcap, pcapng) by the rules that are watched in every run.
    #[command(after_help = INSPECTED)]
    Inspect(InspectArguments),
    /// List what must hold in every run, whatever a case asks.
    Rules,
    /// Tell the author of an agent step by step what is wrong with it, before any case is run.
    CheckAgent(CheckAgentArguments),
    /// List targets, and whether they can be run here.
    Targets,
    /// Print a script that completes commands and flags in a shell.
    Completions {
        /// For which.
        shell: clap_complete::Shell,
    },
}

/// Which runs.
#[derive(Args, Clone, Debug)]
pub(super) struct RunSelection {
    /// Which cases; all if none is named. See below.
    #[arg(value_name = "SELECTION")]
    pub selection: Vec<String>,
    /// Also the cases of this directory.
    #[arg(long, value_name = "DIR")]
    pub cases: Vec<PathBuf>,
    /// The target, or several with commas between them: `linux,smoltcp`; a name, or a folder with a runner.yaml.
    /// [default: linux; where namespaces are forbidden smoltcp, unless a report is asked for or CI is set]
    #[arg(long, short, value_name = "NAME", value_delimiter = ',')]
    pub target: Vec<String>,
    /// Only over this IP version.
    #[arg(long, value_name = "4|6")]
    pub ip: Option<Ip>,
    /// Only with these initial sequence numbers.
    #[arg(long, value_name = "plain|wrap")]
    pub isn: Option<Isn>,
    /// Leave out runs that wait for more than 5 s.
    #[arg(long)]
    pub quick: bool,
}

impl RunSelection {
    /// The axes that are left.
    pub(super) fn axes(&self) -> Axes {
        let mut axes = Axes::default();
        match self.ip {
            Some(Ip::Four) => axes.ips = vec![IpVersion::V4],
            Some(Ip::Six) => axes.ips = vec![IpVersion::V6],
            None => {}
        }
        match self.isn {
            Some(Isn::Plain) => axes.wraps = vec![false],
            Some(Isn::Wrap) => axes.wraps = vec![true],
            None => {}
        }
        axes
    }
}

/// The seed where none is given: what CI runs twice is the same twice.
pub(super) const DEFAULT_SEED: u64 = 1;

/// `run`
#[derive(Args, Clone, Debug)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub choice: RunSelection,
    #[command(flatten)]
    pub reports: Reports,
    /// Write down everything that becomes known, as soon as it does; `tcpvet report` reads it.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Of which runs the record keeps the frames: of all but those that simply pass, or of all.
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = Traces::Notable, requires = "record")]
    pub traces: Traces,
    /// What the target is known to do otherwise, instead of what is known of it here.
    #[arg(long, value_name = "FILE")]
    pub expectations: Option<PathBuf>,
    /// Write down what came unexpectedly, in the target's expectations.yaml or that of --expectations, with a place for
    /// the reason; take out what no longer comes. The run stays red until the reasons are written.
    #[arg(long)]
    pub update_expectations: bool,
    /// Let the reference endpoint make a mistake (`tcpvet defects` lists them), to see a case notice it.
    #[arg(long, value_name = "NAME")]
    pub defect: Vec<String>,
    /// Let the reference endpoint choose otherwise where RFCs leave a choice; `tcpvet defects` lists these too.
    #[arg(long, value_name = "NAME")]
    pub switch: Vec<String>,
    /// Let the reference endpoint be the one that `prove --lawful` draws from this seed.
    #[arg(long, value_name = "SEED")]
    pub lawful: Option<u64>,
    /// At most so many runs at once; 0: as many as make sense.
    #[arg(long, short, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub jobs: usize,
    /// On virtual time, let up to so many runs at once share a world; what does not pass there is made again alone.
    /// With 1, as without it, each run has a fresh world.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub runs_per_world: Option<NonZeroUsize>,
    /// From which everything that looks random is made.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEED)]
    pub seed: u64,
    /// Do not let SHOULDs pass that are not followed.
    #[arg(long)]
    pub strict: bool,
}

/// What is written and printed of runs.
#[derive(Args, Clone, Debug)]
pub(super) struct Reports {
    /// Write a JUnit report.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write a JSON report; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// When to colour.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
    /// Print only what is unexpected, and one line at the end.
    #[arg(long, short, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print every run, and how what is known to fail does.
    #[arg(long, short)]
    pub verbose: bool,
}

/// `report`
#[derive(Args, Clone, Debug)]
pub(super) struct ReportArguments {
    /// What `tcpvet run --record FILE` has written; several are compared.
    #[arg(value_name = "RECORD", required = true)]
    pub records: Vec<PathBuf>,
    #[command(flatten)]
    pub reports: Reports,
    /// Print what the target is like, as `tcpvet audit` does.
    #[arg(long)]
    pub audit: bool,
    /// Judge the runs by this file instead of what was expected when they were made.
    #[arg(long, value_name = "FILE")]
    pub expectations: Option<PathBuf>,
    /// Write down what came unexpectedly, in that file or the one that the record names; take out what no longer comes.
    #[arg(long)]
    pub update_expectations: bool,
}

fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .map_err(|_| "give a whole number from 1; with 1 each run has a world of its own".to_owned())
}

impl RunArguments {
    /// How many runs are made in one world.
    pub(super) fn worlds(&self) -> Worlds {
        match self.runs_per_world {
            Some(at_once) if at_once > NonZeroUsize::MIN => Worlds::Shared { at_once },
            Some(_) | None => Worlds::Fresh,
        }
    }
}

/// `list`
#[derive(Args, Clone, Debug)]
pub(super) struct ListArguments {
    #[command(flatten)]
    pub choice: RunSelection,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Print every run, and how long it will take.
    #[arg(long, short)]
    pub verbose: bool,
}

/// `inspect`
#[derive(Args, Clone, Debug)]
pub(super) struct InspectArguments {
    /// The captures: pcap or pcapng, packed by gzip or zstd or not; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The address of the host on which the capture was taken. What that host sent stands there in order and whole, so
    /// that every rule can be applied to it.
    #[arg(long, value_name = "ADDRESS")]
    pub on: Option<IpAddr>,
    /// Also fail where only SHOULDs are not followed.
    #[arg(long)]
    pub strict: bool,
    /// Print every connection, those without a finding too.
    #[arg(long, short)]
    pub verbose: bool,
}

/// `prove`
#[derive(Args, Clone, Debug)]
pub(super) struct ProveArguments {
    /// Which cases; all if none is named. See below.
    #[arg(value_name = "SELECTION")]
    pub selection: Vec<String>,
    /// Also the cases of this directory.
    #[arg(long, value_name = "DIR")]
    pub cases: Vec<PathBuf>,
    /// Instead, run them on so many lawful endpoints, drawn by lot from all that RFCs allow: none may fail.
    #[arg(long, value_name = "N", conflicts_with_all = ["write", "json"])]
    pub lawful: Option<u64>,
    /// From which the first of these endpoints is drawn; the next seed gives the next.
    #[arg(long, value_name = "SEED", default_value_t = DEFAULT_SEED, requires = "lawful")]
    pub seed: u64,
    /// Write the table that is kept beside the cases.
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Write a JSON report; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Print every row, and what is known not to hold.
    #[arg(long, short)]
    pub verbose: bool,
}

/// `check`
#[derive(Args, Clone, Debug)]
pub(super) struct CheckArguments {
    /// Files or directories; the cases that come with the program if none is named.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// `check-agent`
#[derive(Args, Clone, Debug)]
pub(super) struct CheckAgentArguments {
    /// The agent speaks in real time, not in lockstep; a folder says so itself.
    #[arg(long)]
    pub realtime: bool,
    /// What starts it, with its arguments; or a folder with a runner.yaml.
    #[arg(
        value_name = "COMMAND",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub command: Vec<String>,
}

/// `explain`
#[derive(Args, Clone, Debug)]
pub(super) struct ExplainArguments {
    /// Which cases; of each the first run that is meant is shown. See below.
    #[arg(value_name = "SELECTION", required = true)]
    pub selection: Vec<String>,
    /// Also the cases of this directory.
    #[arg(long, value_name = "DIR")]
    pub cases: Vec<PathBuf>,
    /// Show the exchange over this IP version.
    #[arg(long, value_name = "4|6")]
    pub ip: Option<Ip>,
    /// Show the exchange with these initial sequence numbers.
    #[arg(long, value_name = "plain|wrap")]
    pub isn: Option<Isn>,
    /// When to colour.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
    /// Show every row, how the state is reached step by step, and what may follow each segment.
    #[arg(long, short)]
    pub verbose: bool,
}

/// `coverage`
#[derive(Args, Clone, Debug)]
pub(super) struct CoverageArguments {
    /// Which requirements: `rfc:5961`, an id, or a pattern of ids such as 'RFC9293-SEG-*'; all if none is named.
    #[arg(value_name = "REQUIREMENT")]
    pub selection: Vec<String>,
    /// Also the cases of this directory.
    #[arg(long, value_name = "DIR")]
    pub cases: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Write the page that is kept in the repository, `reports/coverage.md`; `-` is standard output.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "verbose", "selection"])]
    pub write: Option<PathBuf>,
    /// Print every requirement, with the cases that cover it or the reason why nothing does.
    #[arg(long, short, conflicts_with = "json")]
    pub verbose: bool,
}

/// An IP version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Ip {
    #[value(name = "4")]
    Four,
    #[value(name = "6")]
    Six,
}

/// How initial sequence numbers are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Isn {
    /// Far from where they wrap.
    Plain,
    /// Near to it.
    Wrap,
}

/// Of which runs a record keeps the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Traces {
    /// Of every run but those that passed at once and were expected to.
    Notable,
    /// Of every run.
    All,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(words: &[&str]) -> Arguments {
        let words = std::iter::once("tcpvet").chain(words.iter().copied());
        Arguments::try_parse_from(words).unwrap()
    }

    #[test]
    fn the_description_of_the_arguments_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn run_need_not_be_written() {
        let bare = parse(&["reset/", "--strict", "--ip", "6", "-j", "4"]);
        assert!(bare.command.is_none());
        assert_eq!(bare.run.choice.selection, ["reset/"]);
        assert_eq!(
            (bare.run.strict, bare.run.choice.ip, bare.run.jobs),
            (true, Some(Ip::Six), 4)
        );
        let Some(Command::Run(run)) = parse(&["run", "reset/", "--strict"]).command else {
            panic!("`run` is a command");
        };
        assert!(run.strict);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        assert!(Arguments::try_parse_from(["tcpvet", "-q", "-v"]).is_err());
        assert!(Arguments::try_parse_from(["tcpvet", "--ip", "5"]).is_err());
        assert!(Arguments::try_parse_from(["tcpvet", "list", "--strict"]).is_err());
        assert!(Arguments::try_parse_from(["tcpvet", "--traces", "all"]).is_err());
    }
}
