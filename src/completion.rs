//! What a command line being typed could become. Owns the order of the suggestions; the palette draws them and `update` takes the chosen one. Pure.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{AtomKind, CaseMatching, Normalization, Pattern},
};

use crate::{
    command::Command,
    resources::{
        Kind,
        shown::{columns, field_name},
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
    /// Characters of `line` that matched, by index.
    pub matched: Vec<u32>,
}

impl Completion {
    /// The text for the command line once it is chosen: with a space behind it when an argument must follow.
    pub fn accepted(&self) -> String {
        if self.argument.starts_with('<') {
            format!("{} ", self.line)
        } else {
            self.line.clone()
        }
    }
}

/// The lines that `typed` could become, best first. `focus` is the kind whose columns `sort` takes; `themes` are the names of the themes.
pub fn complete(typed: &str, focus: Kind, themes: &[String]) -> Vec<Completion> {
    let typed = typed.trim_start();
    let Some((name, argument)) = typed.split_once(char::is_whitespace) else {
        let lines = Command::ALL.iter().map(|command| Completion {
            line: command.name().to_owned(),
            argument: command.argument(),
            doc: command.doc(),
            matched: Vec::new(),
        });
        return rank(typed, lines, 0);
    };
    let Some(command) = Command::ALL.iter().find(|command| command.name() == name) else {
        return Vec::new();
    };
    let lines = arguments(*command, focus, themes)
        .into_iter()
        .map(|argument| Completion {
            line: format!("{name} {argument}"),
            argument: "",
            doc: command.doc(),
            matched: Vec::new(),
        });
    rank(argument.trim(), lines, name.chars().count() + 1)
}

/// The arguments that a command takes, where they can be listed.
fn arguments(command: Command, focus: Kind, themes: &[String]) -> Vec<String> {
    match command {
        Command::Pane => Kind::ALL
            .iter()
            .map(|kind| kind.name().to_owned())
            .collect(),
        Command::Sort => columns(focus).iter().map(field_name).collect(),
        Command::Theme => themes.to_vec(),
        Command::Privacy | Command::Export => command
            .argument()
            .trim_matches(['<', '>'])
            .split('|')
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
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
    // What was typed as it is written comes before what only contains its letters; then the shorter name.
    scored.sort_by_key(|(prefix, score, line)| {
        (std::cmp::Reverse((*prefix, *score)), line.line.len())
    });
    scored.into_iter().map(|(_, _, line)| line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(typed: &str) -> Vec<String> {
        complete(
            typed,
            Kind::Regions,
            &["dark".to_owned(), "light".to_owned()],
        )
        .into_iter()
        .map(|completion| completion.line)
        .collect()
    }

    #[test]
    fn nothing_typed_offers_every_command() {
        assert_eq!(lines("").len(), Command::ALL.len());
    }

    #[test]
    fn letters_in_order_are_enough_and_a_beginning_wins() {
        assert_eq!(lines("frz")[0], "freeze");
        assert_eq!(lines("p")[0], "pane");
        assert!(lines("xyzzy").is_empty());
    }

    #[test]
    fn arguments_are_completed_too() {
        assert_eq!(lines("pane ca"), ["pane caches"]);
        assert_eq!(lines("theme "), ["theme dark", "theme light"]);
        assert_eq!(lines("privacy of"), ["privacy off"]);
        assert_eq!(lines("export j"), ["export json"]);
        assert!(lines("quit now").is_empty());
        assert!(lines("nonsense ca").is_empty());
    }

    #[test]
    fn what_matched_is_marked_in_the_line() {
        let completion = complete("pane ca", Kind::Regions, &[]).remove(0);
        assert_eq!(completion.matched, [5, 6]);
    }
}
