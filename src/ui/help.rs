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

/// The lines of the help, in as many columns as fit in `width`.
pub fn lines(keymap: &Keymap, width: u16, ascii: bool) -> Vec<Line> {
    let columns = (width / 36).clamp(1, 3);
    let column = width / columns;
    let entries: Vec<(String, &str)> = Command::ALL
        .iter()
        .map(|command| (keys(keymap, Context::Global, *command), command.doc()))
        .collect();
    let mut lines = table(&entries, columns, column, ascii);
    for (context, title) in [
        (Context::Detail, "In a detail"),
        (Context::Dialog, "In a dialog"),
    ] {
        let entries = own(keymap, context);
        if !entries.is_empty() {
            lines.push(vec![Part::text(0, title, Role::Title)]);
            lines.extend(table(&entries, columns, column, ascii));
        }
    }
    lines.push(Vec::new());
    lines.extend(legend(width));
    lines
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
fn own(keymap: &Keymap, context: Context) -> Vec<(String, &'static str)> {
    let mut entries: Vec<(String, &'static str)> = Vec::new();
    for (bound, key, invocation) in keymap.iter() {
        if bound != context {
            continue;
        }
        let doc = invocation.command.doc();
        match entries.iter_mut().find(|(_, known)| *known == doc) {
            Some((keys, _)) if keys.len() < usize::from(KEYS) - 4 => {
                keys.push(' ');
                keys.push_str(&key.to_string());
            }
            Some(_) => {}
            None => entries.push((key.to_string(), doc)),
        }
    }
    entries
}

/// Entries in columns, read downwards.
fn table(entries: &[(String, &str)], columns: u16, width: u16, ascii: bool) -> Vec<Line> {
    let rows = entries.len().div_ceil(usize::from(columns));
    let line = |row: usize| -> Line {
        (0..usize::from(columns))
            .filter_map(|column| {
                let (keys, doc) = entries.get(column * rows + row)?;
                let x = column as u16 * width;
                Some([
                    Part::named(x, keys, KEYS - 1, Role::Accent),
                    Part::text(
                        x + KEYS,
                        &brief(doc, width.saturating_sub(KEYS + 2), ascii),
                        Role::Text,
                    ),
                ])
            })
            .flatten()
            .collect()
    };
    (0..rows).map(line).collect()
}

/// A sentence in the room that there is: whole, or its first clause, or its beginning.
fn brief(doc: &str, room: u16, ascii: bool) -> String {
    let room = usize::from(room);
    let clause = doc.split([':', ';', ',']).next().unwrap_or(doc);
    if doc.len() <= room {
        doc.to_owned()
    } else {
        text::cut(clause, room, ascii).into_owned()
    }
}

/// The marks in as many lines as they need.
fn legend(width: u16) -> Vec<Line> {
    let mut lines = vec![Vec::new()];
    let mut x = 0;
    for mark in Mark::ALL {
        let meaning = mark
            .meaning()
            .split([',', ';', ':'])
            .next()
            .unwrap_or_default();
        let needed = 9 + text::width(meaning) as u16 + 3;
        if x + needed > width && x > 0 {
            lines.push(Vec::new());
            x = 0;
        }
        if let Some(line) = lines.last_mut() {
            line.push(Part::mark(x, *mark));
            line.push(Part::text(x + 8, meaning, Role::Muted));
        }
        x += needed.max(width / 2).min(width);
    }
    lines
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
        let text = format!("{:?}", lines(&Keymap::default(), 200, false));
        for command in Command::ALL {
            assert!(
                text.contains(&format!(":{}", command.name())[..]),
                "{command:?}"
            );
        }
    }
}
