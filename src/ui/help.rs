//! The help: every command with the keys that are bound to it now. Made from the live keymap and the command list, so that it cannot drift from them.

use super::{
    paragraph::{Line, Part},
    text,
};
use crate::{
    command::Command,
    config::{
        keymap::{Context, Keymap},
        theme::Role,
    },
    glyph::Mark,
};

const KEYS: u16 = 13;
const NAMES: u16 = 24;

/// Width from which on two columns have room for sentences.
const WIDE: u16 = 150;

/// The lines of the help. Where they fit in one screen, each command stands with what it does; else with its name alone, which the palette explains.
pub fn lines(keymap: &Keymap, width: u16, height: u16, ascii: bool) -> Vec<Line> {
    let columns = if width >= WIDE { 2 } else { 1 };
    let whole = all(keymap, width, columns, true, ascii);
    if whole.len() <= usize::from(height) {
        return whole;
    }
    all(keymap, width, (width / 36).max(1), false, ascii)
}

fn all(keymap: &Keymap, width: u16, columns: u16, docs: bool, ascii: bool) -> Vec<Line> {
    let mut entries: Vec<Entry> = Command::ALL
        .iter()
        .map(|command| Entry {
            keys: keys(keymap, Context::Global, *command),
            command: *command,
            here: "",
        })
        .collect();
    entries.extend(own(keymap, Context::Detail, " (detail)"));
    entries.extend(own(keymap, Context::Plan, " (plan)"));
    entries.extend(own(keymap, Context::Run, " (run)"));
    entries.extend(own(keymap, Context::Runs, " (runs)"));
    entries.extend(own(keymap, Context::Dialog, " (dialog)"));
    let mut lines = table(&entries, columns, width / columns, docs, ascii);
    lines.push(legend(width));
    lines
}

/// A command with its keys.
struct Entry {
    keys: String,
    command: Command,
    /// Where the keys hold, when not everywhere.
    here: &'static str,
}

/// The keys of a command, the shortest few of them; its name for the command line where no key is bound.
fn keys(keymap: &Keymap, context: Context, command: Command) -> String {
    let mut keys: Vec<String> = keymap
        .keys(context, command)
        .iter()
        .map(ToString::to_string)
        .collect();
    keys.dedup();
    let mut text = String::new();
    for key in keys {
        if text.len() + key.len() + 1 > usize::from(KEYS) - 2 && !text.is_empty() {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&key);
    }
    if text.is_empty() {
        format!(":{}", command.name())
    } else {
        text
    }
}

/// The bindings that hold in one context only.
fn own(keymap: &Keymap, context: Context, here: &'static str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (_, key, invocation) in keymap.iter().filter(|(bound, ..)| *bound == context) {
        let command = invocation.command;
        match entries.iter_mut().find(|entry| entry.command == command) {
            Some(Entry { keys, .. }) if keys.len() < usize::from(KEYS) - 4 => {
                keys.push(' ');
                keys.push_str(&key.to_string());
            }
            Some(_) => {}
            None => entries.push(Entry {
                keys: key.to_string(),
                command,
                here,
            }),
        }
    }
    entries
}

/// Entries in columns, read downwards.
fn table(entries: &[Entry], columns: u16, width: u16, docs: bool, ascii: bool) -> Vec<Line> {
    let rows = entries.len().div_ceil(usize::from(columns));
    let line = |row: usize| -> Line {
        (0..usize::from(columns))
            .filter_map(|column| Some((column, entries.get(column * rows + row)?)))
            .flat_map(|(column, entry)| {
                let x = column as u16 * width;
                let Entry {
                    keys,
                    command,
                    here,
                } = entry;
                let argument = match command.argument() {
                    "" => String::new(),
                    argument => format!(" {argument}"),
                };
                let name = format!("{}{argument}{here}", command.name());
                let mut parts = vec![
                    Part::named(x, keys, KEYS - 1, Role::Accent),
                    Part::named(x + KEYS, &name, NAMES - 1, Role::Text),
                ];
                if docs {
                    let room = width.saturating_sub(KEYS + NAMES + 2);
                    let doc = text::cut(command.doc(), usize::from(room), ascii);
                    parts.push(Part::text(x + KEYS + NAMES, &doc, Role::Muted));
                }
                parts
            })
            .collect()
    };
    (0..rows).map(line).collect()
}

/// The marks, as many as fit in a line; the legend explains them.
fn legend(width: u16) -> Line {
    let mut x = 0;
    let mut line = Line::new();
    for mark in Mark::ALL {
        let needed = mark.word().len() as u16 + 4;
        if x + needed <= width {
            line.push(Part::mark(x, *mark));
        }
        x += needed;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Invocation;

    #[test]
    fn a_command_without_key_is_shown_with_its_name() {
        let mut keymap = Keymap::default();
        keymap.bind(
            Context::Global,
            "q".parse().unwrap(),
            Invocation::plain(Command::Quit),
        );
        assert_eq!(keys(&keymap, Context::Global, Command::Quit), "q");
        assert_eq!(keys(&keymap, Context::Global, Command::Cost), ":cost");
    }

    #[test]
    fn every_command_is_in_the_help() {
        let text = format!("{:?}", lines(&Keymap::default(), 200, 60, false));
        for command in Command::ALL {
            assert!(
                text.contains(&format!(":{}", command.name())[..]),
                "{command:?}"
            );
        }
    }
}
