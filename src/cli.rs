//! The command line: every subcommand, every flag, and the exit codes. Does nothing itself.

mod act;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::act::{Approval, Asked, JournalVerb, On};
use crate::{
    config::depth::ColorChoice,
    effect::Format,
    resources::{Kind, Severity},
};

/// Exit codes, documented in `--help` and the README.
pub mod exit {
    /// Done.
    pub const OK: u8 = 0;
    /// It could not be done; the reason is on standard error.
    pub const FAILED: u8 = 1;
    /// Wrong arguments, or a configuration with problems.
    pub const USAGE: u8 = 2;
    /// `status --fail-on`: something is at least as bad as asked for.
    pub const SEVERITY: u8 = 3;
    /// `doctor`: something that the console needs does not work.
    pub const UNWELL: u8 = 4;
    /// Nothing was sent: a guard, a lock, an old or altered plan, or not confirmed.
    pub const REFUSED: u8 = 5;
    /// A change was sent, and a read showed that it did not happen.
    pub const NOT_TAKEN: u8 = 6;
    /// A change was sent, and nobody knows what became of it.
    pub const UNKNOWN: u8 = 7;
    /// The run holds, was aborted, or went back.
    pub const INTERRUPTED: u8 = 8;
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 could not be done, 2 wrong arguments or configuration, 3 `status --fail-on` was reached, 4 `doctor` found something that does not work, 5 refused (a guard, a lock, an old or altered plan, not confirmed; nothing was sent), 6 a change was not taken, 7 unknown what became of a change, 8 interrupted (held, aborted, gone back).";

/// An interactive terminal operations console for multi-region deployments.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// What to do; without a subcommand: open the console on the configured estate.
    #[command(subcommand)]
    pub command: Option<Verb>,
    /// Keep the session as a new file that `replay` can show
    #[arg(long, value_name = "FILE", global = true)]
    pub record: Option<PathBuf>,
    /// Flags that hold for every subcommand.
    #[command(flatten)]
    pub common: Common,
}

/// Flags that hold for every subcommand.
#[derive(Debug, Clone, Default, Args)]
pub struct Common {
    /// Configuration file [default: ./pilothouse.toml, then the user's configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Theme: dark, light, high-contrast, colour-blind, mono, or one of your own
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// Keymap: default, emacs, or one of your own
    #[arg(long, global = true, value_name = "NAME")]
    pub keymap: Option<String>,
    /// Colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub color: ColorChoice,
    /// ASCII glyphs only
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Capture the mouse: clicks select, the wheel scrolls
    #[arg(long, global = true)]
    pub mouse: bool,
    /// Mask account ids and ARNs, for screen sharing
    #[arg(long, global = true)]
    pub privacy: bool,
    /// Profile of the shared AWS configuration, for every region that has none of its own
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Watch only these regions of the configuration; for `init`: look in these AWS Regions too
    #[arg(long, global = true, value_name = "LABEL", value_delimiter = ',')]
    pub regions: Vec<String>,
    /// Take no change for the life of the process
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Journal file [default: journal.jsonl in the user's state folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// When the console has left, print on standard error how long updates and frames took, from key to paint, and what was sent
    #[arg(long, global = true)]
    pub trace_perf: bool,
    /// Append-only lines instead of a screen; also what happens without a terminal, or on a dumb one
    #[arg(long, global = true)]
    pub plain: bool,
}

/// Which simulated world.
#[derive(Debug, Clone, Args)]
pub struct World {
    /// Scenario by name, or a scenario file of your own
    #[arg(long, value_name = "NAME|FILE")]
    pub scenario: Option<String>,
    /// Seed; the same seed gives the same world [default: the scenario's own]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Open the console on the embedded simulator; needs no account
    Demo {
        /// Which world.
        #[command(flatten)]
        world: World,
        /// How much faster than real time it runs
        #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
        speed: f64,
        /// List the scenarios and leave
        #[arg(long)]
        list: bool,
        /// Be shown around: a sick region is found, drained and brought back
        #[arg(long)]
        tour: bool,
        /// At the end, print how the drill went: detection, decision, RTO, RPO, rollback, error budget, safety, hygiene, and a score of 100
        #[arg(long)]
        score: bool,
    },
    /// Print what the screen would show, once
    Status {
        /// Format
        #[arg(
            long,
            short,
            value_enum,
            value_name = "FORMAT",
            default_value = "table"
        )]
        output: Format,
        /// Only these panes; may be repeated
        #[arg(long, value_name = "PANE", value_parser = kind)]
        pane: Vec<Kind>,
        /// Filter as on the screen: text, !text, field:value
        #[arg(long, value_name = "TEXT", default_value = "")]
        filter: String,
        /// Exit with 3 when something is at least this bad
        #[arg(long, value_name = "SEVERITY", value_parser = severity)]
        fail_on: Option<Severity>,
        /// Do not wait longer than this for answers
        #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
        timeout: Duration,
        /// On the simulator instead of the configured estate.
        #[command(flatten)]
        world: World,
        /// Seconds after the start of the scenario
        #[arg(long, value_name = "SECONDS", requires = "scenario", default_value = "0", value_parser = moment)]
        at: Duration,
    },
    /// Discover an estate from nothing but credentials and write pilothouse.toml
    Init {
        /// Where to write; `-` is standard output
        #[arg(long, short, value_name = "FILE", default_value = "pilothouse.toml")]
        output: PathBuf,
        /// Replace the file when it exists
        #[arg(long)]
        force: bool,
    },
    /// Validate configuration, keymap and theme; report all problems at once
    Check,
    /// Tell per region and API what works: reachability, latency, permissions, clock, credentials, terminal
    Doctor {
        /// Format
        #[arg(
            long,
            short,
            value_enum,
            value_name = "FORMAT",
            default_value = "table"
        )]
        output: Format,
    },
    /// Show a recorded session again
    Replay {
        /// The recording
        file: PathBuf,
        /// How much faster than it happened
        #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
        speed: f64,
    },
    /// Print the key table as Markdown
    Keys,
    /// Look at everything once and print what an action would do; changes nothing
    #[command(after_help = act::actions())]
    Plan {
        /// What is asked for.
        #[command(flatten)]
        asked: Asked,
        /// Format; `apply` reads json
        #[arg(long, short, value_enum, value_name = "FORMAT", default_value = "table", value_parser = act::table_or_json)]
        output: Format,
        /// Write the plan for `apply` to a new file as well
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// On the simulator instead of the configured estate.
        #[command(flatten)]
        on: On,
    },
    /// Carry out a plan that `plan` has written, if everything is still as it says
    Apply {
        /// The plan: a file of `plan --out`
        plan: PathBuf,
        /// How it is confirmed.
        #[command(flatten)]
        approval: Approval,
        /// On the simulator instead of the configured estate.
        #[command(flatten)]
        on: On,
    },
    /// Plan the way back of a run; with --confirm, carry it out
    Undo {
        /// The run, as `journal list` names it
        run: String,
        /// How it is confirmed.
        #[command(flatten)]
        approval: Approval,
    },
    /// Read and prove the journal: what was done here, and what was refused
    Journal {
        /// What.
        #[command(subcommand)]
        verb: JournalVerb,
    },
    /// Print the IAM policy that the console needs: to read, and for the actions that are named
    IamPolicy {
        /// Actions that may be carried out; none: only what is read
        #[arg(long, value_name = "NAME", value_delimiter = ',')]
        actions: Vec<String>,
    },
    /// Run a credential process without a terminal; the console puts it in front of those of the shared AWS configuration
    #[command(hide = true)]
    CredentialProcess {
        /// The command, for the shell
        command: String,
        /// End it after this [default: what the console waits for credentials]
        #[arg(long, value_name = "SECONDS", value_parser = seconds)]
        within: Option<Duration>,
    },
}

impl ValueEnum for ColorChoice {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::Always, Self::Ansi16, Self::Mono]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        let name = Self::CHOICES
            .iter()
            .find(|(_, choice)| choice == self)
            .map(|(name, _)| *name)?;
        Some(clap::builder::PossibleValue::new(name))
    }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.name()))
    }
}

fn kind(text: &str) -> Result<Kind, String> {
    let names = || {
        Kind::ALL
            .iter()
            .map(|kind| kind.name())
            .collect::<Vec<_>>()
            .join(", ")
    };
    Kind::ALL
        .iter()
        .find(|kind| kind.name() == text)
        .copied()
        .ok_or_else(|| format!("there are {}", names()))
}

fn severity(text: &str) -> Result<Severity, String> {
    match text {
        "unknown" => Ok(Severity::Unknown),
        "warn" | "warning" => Ok(Severity::Warn),
        "bad" | "critical" => Ok(Severity::Bad),
        _ => Err("there are unknown, warn and critical".to_owned()),
    }
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "a number of seconds is wanted".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// The longest time into a scenario: a week. Worlds are computed second by second.
const LATEST: Duration = Duration::from_secs(604_800);

pub(crate) fn moment(text: &str) -> Result<Duration, String> {
    let at = seconds(text)?;
    if at <= LATEST {
        Ok(at)
    } else {
        Err(format!("from 0 to {}", LATEST.as_secs()))
    }
}

pub(crate) fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "a number is wanted".to_owned())?;
    if (0.1..=1_000.0).contains(&speed) {
        Ok(speed)
    } else {
        Err("from 0.1 to 1000".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
