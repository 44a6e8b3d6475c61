//! The verbs of the console, in ONE list: enum, parser, documentation and help come from it. Owns no key; `keymaps/` binds them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::resources::Kind;

macro_rules! commands {
    ($($variant:ident, $name:literal, $argument:expr, $doc:literal;)*) => {
        /// A key-bindable verb of the console.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Command { $(#[doc = $doc] $variant,)* }

        impl Command {
            /// Every command, in the order of the help.
            pub const ALL: &'static [Command] = &[$(Command::$variant,)*];

            /// Its name in the palette and in keymaps.
            pub fn name(self) -> &'static str {
                match self { $(Command::$variant => $name,)* }
            }

            /// What it does, in one line.
            pub fn doc(self) -> &'static str {
                match self { $(Command::$variant => $doc,)* }
            }

            /// The argument it takes, as shown in help: `<kind>`, `[text]`; empty when none.
            pub fn argument(self) -> &'static str {
                match self { $(Command::$variant => $argument,)* }
            }
        }
    };
}

commands! {
    Quit, "quit", "", "Leave the console";
    Help, "help", "", "Show keys and commands for what is on screen";
    Palette, "palette", "", "Type a command";
    Filter, "filter", "[text]", "Filter rows: text, !text, field:value";
    Back, "back", "", "Close, clear the filter, or go back";
    Forward, "forward", "", "Go forward in the history";
    Home, "home", "", "Show all panes";
    Pane, "pane", "<kind>", "Go to a pane";
    NextPane, "next-pane", "", "Focus the next pane";
    PreviousPane, "previous-pane", "", "Focus the previous pane";
    Zoom, "zoom", "", "Give the pane the whole screen, or return it";
    Open, "open", "", "Show everything about the selected row";
    Down, "down", "", "Move down";
    Up, "up", "", "Move up";
    Left, "left", "", "Focus the pane to the left";
    Right, "right", "", "Focus the pane to the right";
    PageDown, "page-down", "", "Move down a page";
    PageUp, "page-up", "", "Move up a page";
    Top, "top", "", "Go to the first row";
    Bottom, "bottom", "", "Go to the last row";
    Sort, "sort", "[column]", "Sort by a column; again to turn round; no column: the next one";
    Refresh, "refresh", "", "Ask again now what this pane shows";
    Freeze, "freeze", "", "Hold the display still; data goes on";
    Why, "why", "[command]", "Say why the selected row is in its state, or a command cannot be used";
    Legend, "legend", "", "Explain glyphs and colours";
    Cost, "cost", "", "Show API calls per minute and dollars per hour";
    WhatNow, "what-now", "", "Show which plans would help regions in trouble";
    Act, "act", "<action> [target] [options]", "Plan an action: drain-region, restore-region, shift-weights, switchover …";
    Plan, "plan", "", "Show the plan";
    Replan, "replan", "", "Make the plan again on what is known now";
    Confirm, "confirm", "", "Ask for the confirmation of the plan";
    Override, "override", "[guard] [reason]", "Override a guard of the plan, or of the run that stopped; asks for the reason";
    Arm, "arm", "<reason>", "Allow changes for 15 minutes";
    Disarm, "disarm", "", "Allow no more changes; a run stops before its next one";
    Run, "run", "[run]", "Show a run of this session; Tab goes to the next one in hand";
    Hold, "hold", "", "Hold the run before its next change, or let it go on";
    Skip, "skip", "", "Do not wait any longer in this step";
    Abort, "abort", "", "Stop the run: stay, or undo";
    Runs, "runs", "", "Show runs: in hand, not ended, left over, to be undone";
    GoOn, "go-on", "[run]", "Plan anew the rest of a run that has not ended";
    Settle, "settle", "<run> <note>", "Say that nothing more is to be done about a run that has not ended";
    Journal, "journal", "", "Show the journal";
    Theme, "theme", "<name>", "Switch the theme";
    Privacy, "privacy", "[on|off]", "Mask account ids and ARNs for screen sharing";
    Copy, "copy", "[arn|row|command]", "Copy through the terminal: a row's name, the commands of a plan or step";
    Export, "export", "<md|csv|json|svg|ansi>", "Write what is on the screen to a file";
    Pager, "pager", "", "Read what is in front in $PAGER";
    EditConfig, "edit-config", "", "Open the configuration in $EDITOR, and check it";
    Tour, "tour", "[on|off]", "Show a newcomer around, step by step";
    Redraw, "redraw", "", "Draw the whole screen again";
    Link, "link", "", "Tell how fast the way to this screen is";
    Suspend, "suspend", "", "Stop the console and return to the shell";
}

impl Command {
    /// The words that its argument is one of, where all of them can be named: `<on|off>`.
    pub fn words(self) -> Vec<&'static str> {
        let argument = self.argument().trim_matches(['<', '>', '[', ']']);
        if argument.contains('|') {
            argument.split('|').collect()
        } else {
            Vec::new()
        }
    }
}

/// A command with its argument, as typed or bound: `pane caches`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Invocation {
    /// The command.
    pub command: Command,
    /// Its argument; empty when none.
    pub argument: String,
}

impl Invocation {
    /// A command without argument.
    pub fn plain(command: Command) -> Self {
        Self {
            command,
            argument: String::new(),
        }
    }
}

/// A text that is no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No such name.
    #[error("there is no command `{typed}`{}", suggestion.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())]
    Unknown {
        /// What was typed.
        typed: String,
        /// The nearest name.
        suggestion: Option<&'static str>,
    },
    /// An argument where none is taken.
    #[error("`{command}` takes no argument, not `{argument}`")]
    NoArgument {
        /// The command.
        command: &'static str,
        /// What was typed.
        argument: String,
    },
    /// No argument where one is needed.
    #[error("`{command}` needs {argument}")]
    NeedsArgument {
        /// The command.
        command: &'static str,
        /// The argument that is missing.
        argument: &'static str,
    },
}

/// The pane that hands used to other consoles mean by a word: its name, or a short one.
fn pane(word: &str) -> Option<Kind> {
    const SHORT: &[(&str, Kind)] = &[
        ("rg", Kind::Regions),
        ("db", Kind::Databases),
        ("dbs", Kind::Databases),
        ("tr", Kind::Traffic),
        ("al", Kind::Alarms),
        ("dp", Kind::Deployments),
        ("deploy", Kind::Deployments),
        ("board", Kind::Releases),
        ("rel", Kind::Releases),
        ("cl", Kind::Clusters),
        ("pl", Kind::Pipelines),
        ("codepipeline", Kind::Pipelines),
        ("hc", Kind::HealthChecks),
    ];
    let named = Kind::ALL.iter().find(|kind| kind.name() == word).copied();
    named.or_else(|| {
        let known = SHORT.iter().find(|(short, _)| *short == word);
        known.map(|(_, kind)| *kind)
    })
}

impl FromStr for Invocation {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        let (name, argument) = text
            .trim()
            .split_once(char::is_whitespace)
            .unwrap_or((text.trim(), ""));
        let argument = argument.trim();
        if let Some(pane) = pane(name) {
            return Ok(Self {
                command: Command::Pane,
                argument: format!("{} {argument}", pane.name()).trim().to_owned(),
            });
        }
        let name = match name {
            "q" | "q!" | "exit" => Command::Quit.name(),
            other => other,
        };
        if crate::actions::find(name).is_ok() {
            return Ok(Self {
                command: Command::Act,
                argument: text.trim().to_owned(),
            });
        }
        let Some(&command) = Command::ALL.iter().find(|command| command.name() == name) else {
            let panes = Kind::ALL.iter().map(|kind| kind.name());
            let commands = Command::ALL.iter().map(|command| command.name());
            let nearest = commands
                .chain(panes)
                .min_by_key(|known| strsim::damerau_levenshtein(known, name));
            let suggestion = nearest.filter(|known| strsim::damerau_levenshtein(known, name) <= 2);
            return Err(CommandError::Unknown {
                typed: name.to_owned(),
                suggestion,
            });
        };
        match (command.argument(), argument) {
            ("", "") => {}
            ("", extra) => {
                return Err(CommandError::NoArgument {
                    command: command.name(),
                    argument: extra.to_owned(),
                });
            }
            (wanted, "") if wanted.starts_with('<') => {
                return Err(CommandError::NeedsArgument {
                    command: command.name(),
                    argument: wanted,
                });
            }
            _ => {}
        }
        Ok(Self {
            command,
            argument: argument.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_gets_a_suggestion() {
        let error = "quti".parse::<Invocation>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no command `quti`; did you mean `quit`?"
        );
    }

    #[test]
    fn a_pane_is_gone_to_by_its_name_alone() {
        for (typed, argument) in [
            ("databases", "databases"),
            ("db", "databases"),
            ("db /eu", "databases /eu"),
        ] {
            let invocation = typed.parse::<Invocation>().unwrap();
            assert_eq!(
                (invocation.command, invocation.argument.as_str()),
                (Command::Pane, argument)
            );
        }
        assert_eq!(
            "q".parse::<Invocation>().map(|found| found.command),
            Ok(Command::Quit)
        );
    }

    #[test]
    fn arguments_are_checked() {
        assert!("pane".parse::<Invocation>().is_err());
        assert!("quit now".parse::<Invocation>().is_err());
        assert_eq!(
            "  pane   caches ".parse::<Invocation>().map(|i| i.argument),
            Ok("caches".to_owned())
        );
    }
}
