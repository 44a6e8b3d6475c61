//! What a line being typed could become, a command or a filter. Owns the order of the suggestions; the palette draws them and `update` takes the chosen one. Pure.

use std::collections::BTreeSet;

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{AtomKind, CaseMatching, Normalization, Pattern},
};

use crate::{
    actions::{self, Action},
    command::Command,
    resources::{
        Fleet, Kind,
        shown::{self, columns, field_name},
    },
    state::{
        State,
        conduct::{Conduct, Draft},
        obstacle,
    },
};

/// A line that the typed text could become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The whole line.
    pub line: String,
    /// The argument that is still to be typed; empty when none.
    pub argument: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Why it cannot be used now.
    pub not_now: Option<String>,
    /// Characters of `line` that matched, by index.
    pub matched: Vec<u32>,
}

impl Completion {
    fn new(line: impl Into<String>, argument: &'static str, doc: &'static str) -> Self {
        Self {
            line: line.into(),
            argument,
            doc,
            not_now: None,
            matched: Vec::new(),
        }
    }

    /// The text for the command line once it is chosen: with a space behind it when an argument must follow.
    pub fn accepted(&self) -> String {
        if self.argument.starts_with('<') {
            format!("{} ", self.line)
        } else {
            self.line.clone()
        }
    }
}

/// What is known where something is typed.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The kind whose columns `sort` takes.
    pub focus: Kind,
    /// The names of the themes.
    pub themes: &'a [String],
    /// Everything known, for the targets of actions.
    pub fleet: &'a Fleet,
    /// Plans and runs.
    pub conduct: &'a Conduct,
}

/// The command lines that `typed` could become, best first, each with why it cannot be used now.
pub fn commands(state: &State, typed: &str) -> Vec<Completion> {
    let around = Surroundings {
        focus: state.active(),
        themes: &state.themes,
        fleet: state.shown(),
        conduct: &state.conduct,
    };
    let mut found = complete(typed, around);
    for completion in &mut found {
        let name = completion.line.split(' ').next().unwrap_or_default();
        let command = Command::ALL.iter().find(|command| command.name() == name);
        completion.not_now = command.and_then(|command| obstacle(state, *command));
    }
    found
}

/// The lines that `typed` could become, best first.
pub fn complete(typed: &str, around: Surroundings<'_>) -> Vec<Completion> {
    let typed = typed.trim_start();
    let Some((name, argument)) = typed.split_once(char::is_whitespace) else {
        return rank(typed, names(), 0);
    };
    if let Ok(action) = actions::find(name) {
        return of_action(action, typed, around);
    }
    let Some(command) = Command::ALL.iter().find(|command| command.name() == name) else {
        return Vec::new();
    };
    let lines = arguments(*command, around)
        .into_iter()
        .map(|argument| Completion::new(format!("{name} {argument}"), "", command.doc()));
    rank(argument.trim(), lines, name.chars().count() + 1)
}

/// Every name that a line may begin with: commands, actions, panes.
fn names() -> impl Iterator<Item = Completion> {
    let commands = Command::ALL
        .iter()
        .map(|command| Completion::new(command.name(), command.argument(), command.doc()));
    let actions = actions::ACTIONS
        .iter()
        .map(|action| Completion::new(action.name(), action.target(), action.doc()));
    let panes = Kind::ALL
        .iter()
        .map(|kind| Completion::new(kind.name(), "[/filter]", "Go to this pane"));
    commands.chain(actions).chain(panes)
}

/// The last word of an action: a target, as long as there is none, or an option.
fn of_action(
    action: &'static dyn Action,
    typed: &str,
    around: Surroundings<'_>,
) -> Vec<Completion> {
    let (before, last) = typed
        .rsplit_once(char::is_whitespace)
        .unwrap_or((typed, ""));
    let before = before.trim_end();
    let has_target = before
        .split_whitespace()
        .skip(1)
        .any(|word| !word.contains('=') && word != "now");
    let targets = if has_target {
        Vec::new()
    } else {
        action.targets(around.fleet, &around.conduct.ledger)
    };
    let options = action.options().iter().map(|option| match *option {
        "now" => "now".to_owned(),
        named => format!("{named}="),
    });
    let lines = targets
        .into_iter()
        .chain(options)
        .map(|word| Completion::new(format!("{before} {word}"), "", action.doc()));
    rank(last, lines, before.chars().count() + 1)
}

/// The arguments that a command takes, where they can be listed.
fn arguments(command: Command, around: Surroundings<'_>) -> Vec<String> {
    let of_kinds = || {
        Kind::ALL
            .iter()
            .map(|kind| kind.name().to_owned())
            .collect()
    };
    let actions = || {
        actions::ACTIONS
            .iter()
            .map(|action| action.name().to_owned())
    };
    let interrupted = || {
        let runs = around.conduct.interrupted();
        runs.map(|run| run.id.clone()).collect()
    };
    if command == Command::Pane {
        of_kinds()
    } else if command == Command::Sort {
        columns(around.focus).iter().map(field_name).collect()
    } else if command == Command::Theme {
        around.themes.to_vec()
    } else if command == Command::Act {
        actions().collect()
    } else if command == Command::Why {
        let commands = Command::ALL.iter().map(|command| command.name().to_owned());
        commands.chain(actions()).collect()
    } else if command == Command::Override {
        let blocking = around.conduct.draft.iter().flat_map(Draft::blocking);
        blocking.map(|guard| guard.id.name().to_owned()).collect()
    } else if command == Command::GoOn || command == Command::Settle {
        interrupted()
    } else {
        command.words().into_iter().map(str::to_owned).collect()
    }
}

/// The filters that `typed` could become: the fields that its last word begins, or the values of the field that it names.
pub fn filters(typed: &str, fleet: &Fleet, kind: Kind) -> Vec<Completion> {
    /// Rows that are looked at for values: more would be felt with every key.
    const LOOKED_AT: usize = 1_000;
    let (before, last) = typed
        .rsplit_once(' ')
        .map_or(("", typed), |(before, last)| (before, last));
    let (not, word) = last
        .strip_prefix('!')
        .map_or(("", last), |word| ("!", word));
    if word.is_empty() {
        return Vec::new();
    }
    let fields = || {
        let own = columns(kind).iter().map(field_name);
        ["state", "region", "freshness"]
            .map(str::to_owned)
            .into_iter()
            .chain(own)
    };
    let word = word.to_lowercase();
    let words: BTreeSet<String> = match word.split_once(':') {
        Some((field, _)) if fields().any(|known| known == field) => shown::all(fleet, kind)
            .iter()
            .take(LOOKED_AT)
            .filter_map(|row| shown::show(fleet, kind, row))
            .filter_map(|row| shown::value(kind, &row, field))
            .filter(|value| !value.is_empty() && !value.contains(char::is_whitespace))
            .map(|value| format!("{field}:{}", value.to_lowercase()))
            .collect(),
        Some(_) => BTreeSet::new(),
        None => fields().map(|field| format!("{field}:")).collect(),
    };
    let line = |word: String| {
        let line = format!("{before} {not}{word}").trim_start().to_owned();
        let doc = if word.ends_with(':') {
            "this column only"
        } else {
            ""
        };
        Completion::new(line, "", doc)
    };
    let begins = |known: &String| known.starts_with(&word) && *known != word;
    words.into_iter().filter(begins).map(line).collect()
}

/// Keeps the lines whose text from `from` on matches, best first; all of them, as they come, when nothing is typed yet.
fn rank(typed: &str, lines: impl Iterator<Item = Completion>, from: usize) -> Vec<Completion> {
    if typed.is_empty() {
        return lines.collect();
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::new(
        typed,
        CaseMatching::Ignore,
        Normalization::Smart,
        AtomKind::Fuzzy,
    );
    let mut buffer = Vec::new();
    let mut scored: Vec<(bool, u32, Completion)> = lines
        .filter_map(|mut line| {
            let text: String = line.line.chars().skip(from).collect();
            let score = pattern.indices(
                Utf32Str::new(&text, &mut buffer),
                &mut matcher,
                &mut line.matched,
            )?;
            line.matched.sort_unstable();
            line.matched.dedup();
            line.matched
                .iter_mut()
                .for_each(|index| *index += from as u32);
            Some((text.starts_with(typed), score, line))
        })
        .collect();
    // What was typed as it is written comes before what only contains its letters; of those that fit as well, what was typed in full, and then what is
    // listed first: commands, then actions by how often they are needed.
    scored.sort_by_key(|(prefix, score, line)| {
        let whole = line.line.chars().count() == from + typed.chars().count();
        std::cmp::Reverse((*prefix, *score, whole))
    }); // stable
    scored.into_iter().map(|(_, _, line)| line).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::resources::fixtures as f;

    fn around<'a>(
        fleet: &'a Fleet,
        conduct: &'a Conduct,
        themes: &'a [String],
    ) -> Surroundings<'a> {
        Surroundings {
            focus: Kind::Regions,
            themes,
            fleet,
            conduct,
        }
    }

    fn found(typed: &str) -> Vec<Completion> {
        let themes = ["dark".to_owned(), "light".to_owned()];
        let fleet = Fleet::new(Arc::new(f::estate(&["eu-west-1"])), f::now());
        complete(typed, around(&fleet, &Conduct::default(), &themes))
    }

    fn lines(typed: &str) -> Vec<String> {
        let found = found(typed).into_iter();
        found.map(|completion| completion.line).collect()
    }

    #[test]
    fn nothing_typed_offers_everything() {
        let count = Command::ALL.len() + actions::ACTIONS.len() + Kind::ALL.len();
        assert_eq!(lines("").len(), count);
    }

    #[test]
    fn letters_in_order_are_enough_and_a_beginning_wins() {
        assert_eq!(lines("frz")[0], "freeze");
        assert_eq!(lines("pan")[0], "pane");
        assert_eq!(lines("drain")[0], "drain-region");
        assert_eq!(lines("data")[0], "databases");
        assert!(lines("xyzzy").is_empty());
    }

    #[test]
    fn arguments_are_completed_too() {
        assert_eq!(lines("pane ca"), ["pane caches"]);
        assert_eq!(lines("theme "), ["theme dark", "theme light"]);
        assert_eq!(lines("privacy of"), ["privacy off"]);
        assert_eq!(lines("export svg"), ["export svg"]);
        assert!(lines("why conf").contains(&"why confirm".to_owned()));
        assert!(lines("drain-region n").contains(&"drain-region now".to_owned()));
        assert!(lines("quit now").is_empty());
        assert!(lines("nonsense ca").is_empty());
    }

    #[test]
    fn a_filter_is_completed_by_field_and_value() {
        let fleet = Fleet::new(Arc::new(f::estate(&["eu-west-1", "us-east-1"])), f::now());
        let lines = |typed: &str| -> Vec<String> {
            let found = filters(typed, &fleet, Kind::Regions).into_iter();
            found.map(|completion| completion.line).collect()
        };
        assert_eq!(lines("eu !sta"), ["eu !state:"]);
        assert_eq!(lines("region:eu"), ["region:eu-west-1"]);
        assert_eq!(lines("eu"), [""; 0]);
        assert_eq!(lines(""), [""; 0]);
        assert_eq!(lines("nofield:x"), [""; 0]);
    }

    #[test]
    fn what_matched_is_marked_in_the_line() {
        assert_eq!(found("pane ca")[0].matched, [5, 6]);
    }
}
