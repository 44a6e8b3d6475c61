//! The command line of what changes things: the flags of plans, their confirmation, and the journal. Does nothing itself.

use std::{collections::BTreeMap, time::Duration};

use clap::{Args, Subcommand, ValueEnum};

use super::{World, moment, speed};
use crate::{
    actions::ACTIONS,
    effect::Format,
    plan::{GuardId, Intent, Options, intent},
};

/// What is asked for.
#[derive(Debug, Clone, Default, Args)]
pub struct Asked {
    /// Action
    #[arg(value_name = "ACTION")]
    pub action: String,
    /// What it is for: a region, the key of a split, a database
    #[arg(value_name = "TARGET", default_value = "", hide_default_value = true)]
    pub target: String,
    /// An emergency: no pacing; never skips an absolute guard
    #[arg(long)]
    pub now: bool,
    /// Percent wanted for the target
    #[arg(long, value_name = "N", value_parser = percent)]
    pub percent: Option<f64>,
    /// Weights wanted by member
    #[arg(long, value_name = "MEMBER=N", value_delimiter = ',', value_parser = weight)]
    pub weights: Vec<(String, u32)>,
    /// Where the writer or primary shall be
    #[arg(long, value_name = "NAME")]
    pub to: Option<String>,
    /// How long to watch after each step: 90s, 5m
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub bake: Option<u64>,
    /// Minutes after which what is done should be ended
    #[arg(long, value_name = "N")]
    pub minutes: Option<u64>,
    /// Names: alarms, paths
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub names: Vec<String>,
    /// Nodes wanted at least
    #[arg(long, value_name = "N")]
    pub nodes: Option<i32>,
    /// The run that it is about
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
}

impl Asked {
    /// The same as it would be typed in the console.
    pub fn intent(self) -> Intent {
        Intent {
            action: self.action,
            target: self.target,
            options: Options {
                now: self.now,
                percent: self.percent,
                weights: self.weights.into_iter().collect(),
                to: self.to,
                run: self.run,
                bake_seconds: self.bake,
                minutes: self.minutes,
                names: self.names,
                nodes: self.nodes,
            },
        }
    }
}

/// How a plan is confirmed.
#[derive(Debug, Clone, Default, Args)]
pub struct Approval {
    /// The phrase that the plan asks for; `y` where it asks for none
    #[arg(long, value_name = "PHRASE", requires = "reason")]
    pub confirm: Option<String>,
    /// The phrase about what is lost, where the plan asks for one
    #[arg(long, value_name = "PHRASE", requires = "confirm")]
    pub accept_loss: Option<String>,
    /// Why; it is written into the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Override a guard by name, with a reason; may be repeated
    #[arg(long = "override", value_name = "G-NAME=REASON", value_parser = guard)]
    pub overrides: Vec<(GuardId, String)>,
}

impl Approval {
    /// Guards that are overridden, with reasons.
    pub fn overrides(&self) -> BTreeMap<GuardId, String> {
        self.overrides.iter().cloned().collect()
    }
}

/// On the simulator instead of the configured estate. The same scenario, seed and second is the same world for `plan` and for `apply`.
#[derive(Debug, Clone, Args)]
pub struct On {
    /// Which world.
    #[command(flatten)]
    pub world: World,
    /// Seconds after the start of the scenario
    #[arg(long, value_name = "SECONDS", requires = "scenario", default_value = "0", value_parser = moment)]
    pub at: Duration,
    /// How much faster than real time the simulator runs
    #[arg(long, value_name = "X", requires = "scenario", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
}

/// What is done with the journal.
#[derive(Debug, Clone, Subcommand)]
pub enum JournalVerb {
    /// The runs, newest first: how they ended, what is in doubt, what can be undone
    List {
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
    /// Everything about one run
    Show {
        /// The run, as `list` names it
        run: String,
    },
    /// Prove the chain of hashes, or name the first broken line
    Verify {
        /// A head that an earlier `verify` printed: proves that nothing was taken from the end since
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
    },
    /// Every entry
    Export {
        /// Format
        #[arg(long, short, value_enum, value_name = "FORMAT", default_value = "json")]
        output: Format,
    },
    /// Say that nothing more is to be done about a run that has not ended
    Settle {
        /// The run, as `list` names it
        run: String,
        /// What is true now, and why nothing more is to be done
        note: String,
    },
}

/// The list of actions for `--help`.
pub(super) fn actions() -> String {
    let lines: Vec<String> = ACTIONS
        .iter()
        .map(|action| {
            let call = format!("{} {}", action.name(), action.target());
            let options = action.options().join(", ");
            format!("  {call:<36} {} [{options}]", action.doc())
        })
        .collect();
    format!(
        "Actions and the options that they take:\n{}",
        lines.join("\n")
    )
}

/// A plan is for people or for `apply`.
pub(super) fn table_or_json(text: &str) -> Result<Format, String> {
    match <Format as ValueEnum>::from_str(text, false) {
        Ok(format @ (Format::Table | Format::Json)) => Ok(format),
        Ok(Format::Csv | Format::Markdown) | Err(_) => Err("there are table and json".to_owned()),
    }
}

fn percent(text: &str) -> Result<f64, String> {
    text.trim_end_matches('%')
        .parse()
        .ok()
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| "from 0 to 100".to_owned())
}

fn weight(text: &str) -> Result<(String, u32), String> {
    let (member, weight) = text.rsplit_once('=').ok_or("MEMBER=N is wanted")?;
    let weight = weight.parse().map_err(|_| "N is a whole number")?;
    Ok((member.to_owned(), weight))
}

fn time(text: &str) -> Result<u64, String> {
    intent::seconds(text).ok_or_else(|| "a time is wanted: 90s, 5m, 1h".to_owned())
}

fn guard(text: &str) -> Result<(GuardId, String), String> {
    let (name, reason) = text.split_once('=').ok_or("G-NAME=REASON is wanted")?;
    let reason = reason.trim();
    if reason.is_empty() {
        return Err("a reason is wanted: it is written into the journal".to_owned());
    }
    GuardId::ALL
        .iter()
        .find(|id| id.name().eq_ignore_ascii_case(name.trim()))
        .map(|id| (*id, reason.to_owned()))
        .ok_or_else(|| {
            let names: Vec<&str> = GuardId::ALL.iter().map(|id| id.name()).collect();
            format!("there are {}", names.join(", "))
        })
}
