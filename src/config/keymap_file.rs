//! The file format of keymaps: a section for each context, `[global]` for all of them, with `"key" = "command argument"`. Owns what may be bound to what.

use std::{collections::BTreeMap, ops::Range};

use super::{
    document::{Document, Found, Section},
    key::{Key, KeyCode},
    keymap::{Context, Keymap},
    library::{Library, Shelf, Text},
    problem::{Problem, Report, nearest, sorted},
};
use crate::{
    command::{Command, CommandError, Invocation},
    resources::Kind,
};

/// The sections of a keymap.
pub const CONTEXTS: &[(&str, Context)] = &[
    ("global", Context::Global),
    ("detail", Context::Detail),
    ("plan", Context::Plan),
    ("run", Context::Run),
    ("runs", Context::Runs),
    ("dialog", Context::Dialog),
];

/// The word that takes a key away.
const NONE: &str = "none";

/// A keymap by name, the user's own first.
pub fn load(library: &Library, name: &str) -> Result<Keymap, Vec<Problem>> {
    let mut problems = Vec::new();
    let lineage = library.lineage(Shelf::Keymaps, name, &mut problems);
    build(library, name, &lineage, problems)
}

/// A keymap from its text; what it inherits from comes from the library.
pub fn parse(library: &Library, text: Text) -> Result<Keymap, Vec<Problem>> {
    let mut problems = Vec::new();
    let name = text.name.clone();
    let lineage = library.lineage_of(Shelf::Keymaps, text, &mut problems);
    build(library, &name, &lineage, problems)
}

fn build(
    library: &Library,
    name: &str,
    lineage: &[Text],
    mut problems: Vec<Problem>,
) -> Result<Keymap, Vec<Problem>> {
    let mut keymap = Keymap::default();
    name.clone_into(&mut keymap.name);
    for text in lineage {
        let report = Report::new(&text.file, &text.text);
        let document = Document::parse(&text.text, &report);
        let mut root = document.root(&report);
        // The library follows it; here it only has to be known.
        let _ = root.text("inherits");
        bind_all(root, library, &mut keymap);
        problems.extend(report.into_problems());
    }
    if problems.is_empty()
        && let Err(text) = leaves_a_way_out(&keymap)
    {
        let file = lineage.last().map_or(name, |text| &text.file);
        problems.push(Problem::general(file, text));
    }
    if problems.is_empty() {
        Ok(keymap)
    } else {
        Err(sorted(problems))
    }
}

/// Whether a keymap lets its user leave. Rebinding may not lock anybody in.
pub fn leaves_a_way_out(keymap: &Keymap) -> Result<(), &'static str> {
    let out = [Command::Quit, Command::Palette];
    let bound = |command| !keymap.keys(Context::Global, command).is_empty();
    if out.into_iter().any(bound) {
        Ok(())
    } else {
        Err("no key in [global] does `quit` or `palette`: there would be no way out")
    }
}

/// Reads the sections of a table of bindings and reports its other keys. Later bindings replace earlier ones.
pub fn bind_all(mut table: Section<'_>, library: &Library, keymap: &mut Keymap) {
    for &(name, context) in CONTEXTS {
        if let Some(section) = table.table(name) {
            bind_section(section, context, library, keymap);
        }
    }
    table.finish(&|key| {
        let known = key.parse::<Key>().is_ok();
        known.then_some("in one of [global], [detail], [plan], [run], [runs], [dialog]")
    });
}

fn bind_section(section: Section<'_>, context: Context, library: &Library, keymap: &mut Keymap) {
    let report = section.report();
    let mut seen: BTreeMap<Key, &str> = BTreeMap::new();
    for (written, command) in section.text_entries() {
        let invocation = match command.value {
            NONE => Some(None),
            _ => invocation(report, library, &command).map(Some),
        };
        let Some(key) = key(report, &written) else {
            continue;
        };
        if let Some(first) = seen.insert(key, written.value) {
            let text = format!(
                "`{}` is the key `{first}`, which is bound above",
                written.value
            );
            report.at(&written.span, text);
            continue;
        }
        match invocation {
            Some(Some(invocation)) => keymap.bind(context, key, invocation),
            Some(None) => keymap.unbind(context, key),
            None => {}
        }
    }
}

fn key(report: &Report<'_>, written: &Found<&str>) -> Option<Key> {
    match written.value.parse::<Key>() {
        Ok(key) => {
            let alias = as_sent(key);
            if let Some(alias) = alias {
                let text = format!("a terminal sends `{key}` as `{alias}`; bind that");
                report.at(&written.span, text);
            }
            alias.is_none().then_some(key)
        }
        Err(error) => {
            let meant = spelled(written.value).map(|key| key.to_string());
            report.suggest(&written.span, error.to_string(), meant.as_deref());
            None
        }
    }
}

/// The key that a terminal reports instead of one that it cannot tell apart.
fn as_sent(key: Key) -> Option<Key> {
    let KeyCode::Char(c) = key.code else {
        return None;
    };
    let plain = |code| Key {
        code,
        ctrl: false,
        ..key
    };
    match c {
        _ if !key.ctrl => None,
        'i' | 'I' => Some(plain(KeyCode::Tab)),
        'm' | 'M' => Some(plain(KeyCode::Enter)),
        'h' | 'H' => Some(plain(KeyCode::Backspace)),
        '[' => Some(plain(KeyCode::Esc)),
        'A'..='Z' => Some(Key {
            code: KeyCode::Char(c.to_ascii_lowercase()),
            ..key
        }),
        _ => None,
    }
}

/// The key that is meant by the way other programs write it: `C-x`, `Ctrl+X`, `<esc>`, `PgUp`, `shift-g`.
fn spelled(text: &str) -> Option<Key> {
    const WORDS: &[(&str, &str)] = &[
        ("escape", "esc"),
        ("return", "enter"),
        ("cr", "enter"),
        ("del", "delete"),
        ("bs", "backspace"),
        ("pgup", "page-up"),
        ("pageup", "page-up"),
        ("pgdn", "page-down"),
        ("pgdown", "page-down"),
        ("pagedown", "page-down"),
        ("backtab", "shift-tab"),
        ("s-tab", "shift-tab"),
        ("spc", "space"),
    ];
    let text = text
        .trim_matches(['<', '>', ' '])
        .replace('+', "-")
        .to_lowercase();
    let (mut rest, mut modifiers) = (text.as_str(), String::new());
    while let Some((head, tail)) = rest.split_once('-').filter(|(_, tail)| !tail.is_empty()) {
        match head {
            "ctrl" | "control" | "c" | "^" => modifiers += "ctrl-",
            "alt" | "meta" | "option" | "a" | "m" => modifiers += "alt-",
            _ => break,
        }
        rest = tail;
    }
    if let Some(letter) = rest
        .strip_prefix("shift-")
        .filter(|tail| tail.chars().count() == 1)
    {
        return format!("{modifiers}{}", letter.to_uppercase()).parse().ok();
    }
    let word = WORDS
        .iter()
        .find(|(other, _)| *other == rest)
        .map_or(rest, |(_, ours)| ours);
    format!("{modifiers}{word}").parse().ok()
}

/// A command whose argument is one that it takes.
fn invocation(report: &Report<'_>, library: &Library, written: &Found<&str>) -> Option<Invocation> {
    let invocation = match written.value.parse::<Invocation>() {
        Ok(invocation) => invocation,
        Err(CommandError::Unknown { typed, suggestion }) => {
            let suggestion = suggestion.or_else(|| nearest(&typed, [NONE]));
            let text = format!("there is no command `{typed}`");
            report.suggest(&written.span, text, suggestion);
            return None;
        }
        Err(error) => {
            report.at(&written.span, error.to_string());
            return None;
        }
    };
    let Some(known) = arguments(invocation.command, library) else {
        return Some(invocation);
    };
    if known.contains(&invocation.argument) {
        return Some(invocation);
    }
    wrong_argument(report, &written.span, &invocation, &known);
    None
}

/// The arguments that a command takes, where they can be listed without knowing the screen.
fn arguments(command: Command, library: &Library) -> Option<Vec<String>> {
    if command == Command::Pane {
        Some(
            Kind::ALL
                .iter()
                .map(|kind| kind.name().to_owned())
                .collect(),
        )
    } else if command == Command::Theme {
        Some(library.names(Shelf::Themes))
    } else {
        let words = command.words().into_iter().map(str::to_owned);
        // Where it may be left out, nothing is a word, too.
        let none = command.argument().starts_with('[').then(String::new);
        let words: Vec<String> = words.chain(none).collect();
        (words.len() > 1).then_some(words)
    }
}

fn wrong_argument(
    report: &Report<'_>,
    span: &Range<usize>,
    invocation: &Invocation,
    known: &[String],
) {
    let words: Vec<&str> = known.iter().map(String::as_str).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let text = format!(
        "`{}` takes one of {}, not `{}`",
        invocation.command.name(),
        words.join(", "),
        invocation.argument
    );
    let suggestion = nearest(&invocation.argument, words.iter().copied());
    report.suggest(span, text, suggestion);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Keymap, Vec<String>> {
        let text = Text {
            name: "mine".to_owned(),
            file: "mine.toml".to_owned(),
            text: text.to_owned(),
        };
        parse(&Library::default(), text)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    fn does(keymap: &Keymap, context: Context, key: &str) -> Option<Command> {
        let key = key.parse().unwrap();
        keymap
            .find(context, key)
            .map(|invocation| invocation.command)
    }

    #[test]
    fn a_keymap_builds_on_another_and_takes_keys_away() {
        let keymap = read("inherits = \"default\"\n[global]\nx = \"quit\"\nq = \"none\"").unwrap();
        assert_eq!(does(&keymap, Context::Global, "x"), Some(Command::Quit));
        assert_eq!(does(&keymap, Context::Global, "q"), None);
        assert_eq!(does(&keymap, Context::Dialog, "q"), Some(Command::Back));
        assert_eq!(does(&keymap, Context::Global, "j"), Some(Command::Down));
    }

    #[test]
    fn every_mistake_is_told() {
        let problems = read(
            "[global]\n\"Ctrl+C\" = \"quit\"\nspace = \"quti\"\n\" \" = \"help\"\nctrl-i = \"help\"\n\"1\" = \"pane cahces\"\n2 = \"pane\"\nx = 3\n[detial]\n[dialog]\nshift-g = \"bottom\"\nboo = \"home\"",
        )
        .unwrap_err();
        assert_eq!(
            problems,
            [
                "mine.toml:2:1: `Ctrl+C` is no key; write it like `q`, `ctrl-c`, `alt-x`, `space`, `page-down` or `f5`; did you mean `ctrl-c`?",
                "mine.toml:3:9: there is no command `quti`; did you mean `quit`?",
                "mine.toml:4:1: ` ` is the key `space`, which is bound above",
                "mine.toml:5:1: a terminal sends `ctrl-i` as `tab`; bind that",
                "mine.toml:6:7: `pane` takes one of regions, databases, caches, traffic, alarms, deployments, releases, pipelines, clusters, health-checks, metrics, not `cahces`; did you mean `caches`?",
                "mine.toml:7:5: `pane` needs <kind>",
                "mine.toml:8:5: `x` must be a text in quotes, not an integer",
                "mine.toml:9:2: there is no key `detial` at the top of the file; did you mean `detail`?",
                "mine.toml:11:1: `shift-g` is no key; write it like `q`, `ctrl-c`, `alt-x`, `space`, `page-down` or `f5`; did you mean `G`?",
                "mine.toml:12:1: `boo` is no key; write it like `q`, `ctrl-c`, `alt-x`, `space`, `page-down` or `f5`",
            ]
        );
    }

    #[test]
    fn nobody_is_locked_in() {
        assert_eq!(
            read("[global]\nj = \"down\"").unwrap_err(),
            ["mine.toml: no key in [global] does `quit` or `palette`: there would be no way out"]
        );
    }

    #[test]
    fn the_spellings_of_other_programs_are_understood() {
        for (theirs, ours) in [
            ("C-x", "ctrl-x"),
            ("M-v", "alt-v"),
            ("<esc>", "esc"),
            ("Control+Alt+Del", "ctrl-alt-delete"),
            ("PgUp", "page-up"),
            ("Shift+G", "G"),
        ] {
            let key = spelled(theirs).map(|key| key.to_string());
            assert_eq!(key.as_deref(), Some(ours), "{theirs}");
        }
    }
}
