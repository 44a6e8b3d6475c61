//! The help: every command with the keys that are bound to it now, what holds here first. Made from the live keymap and the command list, so that it
//! cannot drift from them. Owns how it is grouped, and that it fits on a screen of 80×24.

use std::collections::BTreeSet;

use super::{
    hints::key_of_action,
    paragraph::{Line, Part},
    text,
};
use crate::{
    actions,
    command::Command,
    config::{
        key::Key,
        keymap::{Context, Keymap},
        theme::Role,
    },
    glyph::Mark,
};

use Command as C;

/// Cells for the keys.
const KEYS: u16 = 10;
/// Cells for name and argument, before what it does.
const NAMES: u16 = 26;
/// The least cells of a column.
const LEAST: u16 = 37;
/// Cells that a sentence needs beside them.
const SENTENCE: u16 = 34;

/// Commands that stand in one line: those that belong together share it.
type Group = (&'static str, &'static [&'static [Command]]);

const GROUPS: &[Group] = &[
    (
        "Move",
        &[
            &[C::Down, C::Up],
            &[C::PageDown, C::PageUp],
            &[C::Top, C::Bottom],
            &[C::Left, C::Right],
            &[C::NextPane, C::PreviousPane],
            &[C::Pane, C::Home],
            &[C::Open, C::Zoom],
            &[C::Back, C::Forward],
        ],
    ),
    (
        "Look",
        &[
            &[C::Filter],
            &[C::Sort],
            &[C::Why],
            &[C::Refresh, C::Freeze],
            &[C::Legend, C::Cost, C::Pager],
            &[C::Copy],
            &[C::Export],
            &[C::Theme],
            &[C::Privacy],
        ],
    ),
    (
        "Act",
        &[
            &[C::Act],
            &[C::WhatNow],
            &[C::Arm],
            &[C::Disarm],
            &[C::Plan, C::Run],
            &[C::Confirm],
            &[C::Override],
            &[C::Replan],
            &[C::Hold],
            &[C::Skip],
            &[C::Abort],
            &[C::Runs, C::Journal],
            &[C::GoOn],
            &[C::Settle],
        ],
    ),
    (
        "Console",
        &[
            &[C::Palette, C::Help],
            &[C::EditConfig, C::Tour],
            &[C::Link],
            &[C::Quit, C::Suspend, C::Redraw],
        ],
    ),
];

/// The contexts that have keys of their own, with the words for them.
const PLACES: &[(Context, &str)] = &[
    (Context::Detail, "detail"),
    (Context::Plan, "plan"),
    (Context::Run, "run"),
    (Context::Runs, "runs"),
];

/// A line of the help.
enum Item {
    Heading(String),
    Row {
        keys: String,
        name: String,
        doc: &'static str,
    },
}

/// The lines of the help over a page with these bindings: in columns, then what is typed only, what other pages have, and the marks.
pub fn lines(keymap: &Keymap, here: Context, width: u16, height: u16, ascii: bool) -> Vec<Line> {
    let (items, mut typed) = items(keymap, here);
    let mut below = flow("Typed", &typed, width);
    let most = (width / LEAST).clamp(1, 3);
    if rows(&items, most) + below.len() > usize::from(height) {
        // There are more of them with each release, and the palette lists them with what they do.
        typed.retain(|word| actions::find(word.trim_start_matches(':')).is_err());
        typed.push("and actions: `:` lists them".to_owned());
        below = flow("Typed", &typed, width);
    }
    let further = flow("Elsewhere", &elsewhere(keymap, here), width);
    let fits = |columns: u16, lines: usize| rows(&items, columns) + lines <= usize::from(height);
    let all = below.len() + further.len() + 1;
    // As few columns as fit, so that there is room for sentences.
    let columns = (1..=most).find(|columns| fits(*columns, all));
    let columns = columns.unwrap_or(most);
    // What is least needed goes first: other pages have a help of their own, and the marks a legend.
    if fits(columns, all - 1) {
        below.extend(further);
    }
    if fits(columns, below.len() + 1) {
        below.push(legend(width));
    }
    let mut lines = table(&items, columns, width / columns, ascii);
    lines.extend(below);
    lines
}

/// Everything that has a key, grouped; and the names of what is only typed.
fn items(keymap: &Keymap, here: Context) -> (Vec<Item>, Vec<String>) {
    let mut items = Vec::new();
    let mut told = BTreeSet::new();
    if let Some((_, place)) = PLACES.iter().find(|(context, _)| *context == here) {
        let own = own(keymap, here);
        if !own.is_empty() {
            items.push(Item::Heading(format!("Here: the {place}")));
        }
        for (command, keys) in own {
            told.insert(command);
            items.push(row(keys, &[command]));
        }
    }
    let mut typed = Vec::new();
    for (title, entries) in GROUPS {
        items.push(Item::Heading((*title).to_owned()));
        for commands in *entries {
            let commands: Vec<Command> = commands
                .iter()
                .copied()
                .filter(|command| !told.contains(command))
                .collect();
            if *commands == [C::Act] {
                actions(keymap, &mut items, &mut typed);
            } else {
                entry(keymap, &commands, &mut items, &mut typed);
            }
            told.extend(commands);
        }
    }
    // A group whose commands are all typed has no heading.
    let mut last_is_heading = true;
    items.reverse();
    items.retain(|item| {
        let heading = matches!(item, Item::Heading(_));
        let keep = !(heading && last_is_heading);
        last_is_heading = heading;
        keep
    });
    items.reverse();
    // What nobody has put into a group yet.
    for command in Command::ALL
        .iter()
        .filter(|command| !told.contains(command))
    {
        entry(keymap, &[*command], &mut items, &mut typed);
    }
    (items, typed)
}

/// The actions: those with a key in lines of their own.
fn actions(keymap: &Keymap, items: &mut Vec<Item>, typed: &mut Vec<String>) {
    for action in actions::ACTIONS {
        match key_of_action(keymap, action.name()) {
            Some(key) => items.push(Item::Row {
                keys: short(key),
                name: action.name().to_owned(),
                doc: action.doc(),
            }),
            None => typed.push(format!(":{}", action.name())),
        }
    }
}

/// Commands that share a line, if they have keys; those that have none anywhere are typed.
fn entry(keymap: &Keymap, commands: &[Command], items: &mut Vec<Item>, typed: &mut Vec<String>) {
    let keys = keys(keymap, commands);
    if !keys.is_empty() {
        items.push(row(keys, commands));
        return;
    }
    let unbound = commands.iter().filter(|command| !bound(keymap, **command));
    typed.extend(unbound.map(|command| format!(":{}", with_argument(*command))));
}

fn row(keys: String, commands: &[Command]) -> Item {
    let name = match commands {
        [one] => with_argument(*one),
        several => {
            let names: Vec<&str> = several.iter().map(|command| command.name()).collect();
            names.join(", ")
        }
    };
    let doc = commands.first().map_or("", |command| command.doc());
    Item::Row { keys, name, doc }
}

fn with_argument(command: Command) -> String {
    format!("{} {}", command.name(), command.argument())
        .trim()
        .to_owned()
}

/// Whether a command has a key anywhere.
fn bound(keymap: &Keymap, command: Command) -> bool {
    keymap
        .iter()
        .any(|(_, _, invocation)| invocation.command == command)
}

/// A key as it is written where room is short: `^v` for Ctrl, `M-v` for Alt.
fn short(key: Key) -> String {
    key.to_string().replace("ctrl-", "^").replace("alt-", "M-")
}

/// The keys of the commands of a line: the shortest one of each, or as many as fit of a single one. Empty, when one has none.
fn keys(keymap: &Keymap, commands: &[Command]) -> String {
    let of = |command: &Command| -> Vec<String> {
        let keys = keymap.keys(Context::Global, *command);
        keys.into_iter().map(short).collect()
    };
    let all: Vec<Vec<String>> = commands.iter().map(of).collect();
    if let [keys] = all.as_slice() {
        return fitting(keys);
    }
    // Many of one character are a range: the digits of the panes.
    let one = |keys: &Vec<String>| match keys.as_slice() {
        [first, .., last] if keys.iter().all(|key| key.chars().count() == 1) && keys.len() > 2 => {
            Some(format!("{first}-{last}"))
        }
        // Some keys are known by their name.
        keys if keys.iter().any(|key| key == "enter") => Some("enter".to_owned()),
        [first, ..] => Some(first.clone()),
        [] => None,
    };
    let each: Option<Vec<String>> = all.iter().map(one).collect();
    each.map_or(String::new(), |each| fitting(&each))
}

/// As many of them as fit, the first in any case.
fn fitting(keys: &[String]) -> String {
    let mut text = String::new();
    for key in keys {
        if text.len() + key.len() + 2 > usize::from(KEYS) && !text.is_empty() {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(key);
    }
    text
}

/// The commands that a context binds to keys of its own.
fn own(keymap: &Keymap, context: Context) -> Vec<(Command, String)> {
    let mut entries: Vec<(Command, Vec<String>)> = Vec::new();
    for (_, key, invocation) in keymap.iter().filter(|(bound, ..)| *bound == context) {
        let command = invocation.command;
        match entries.iter_mut().find(|(known, _)| *known == command) {
            Some((_, keys)) => keys.push(short(key)),
            None => entries.push((command, vec![short(key)])),
        }
    }
    // What moves is known by hand.
    entries
        .into_iter()
        .filter(|(command, _)| ![C::PageDown, C::PageUp, C::Back].contains(command))
        .map(|(command, keys)| (command, fitting(&keys)))
        .collect()
}

/// What other pages bind: `plan: c confirm, r replan`.
fn elsewhere(keymap: &Keymap, here: Context) -> Vec<String> {
    let others = PLACES.iter().filter(|(context, _)| *context != here);
    others
        .filter_map(|(context, place)| {
            let own: Vec<String> = own(keymap, *context)
                .into_iter()
                // What only moves differently there is not worth a word.
                .filter(|(command, _)| keymap.keys(Context::Global, *command).is_empty())
                .map(|(command, keys)| format!("{keys} {}", command.name()))
                .collect();
            (!own.is_empty()).then(|| format!("{place}: {}", own.join(", ")))
        })
        .collect()
}

/// Words one after the other behind a title, in as many lines as they need.
fn flow(title: &str, words: &[String], width: u16) -> Vec<Line> {
    let (start, mut lines) = (KEYS, Vec::new());
    let mut line: Line = vec![Part::text(0, title, Role::Title)];
    let mut x = start;
    for word in words {
        let needed = text::width(word) as u16;
        if x > start && x + needed > width {
            lines.push(std::mem::take(&mut line));
            x = start;
        }
        line.push(Part::text(x, word, Role::Text));
        x += needed + 2;
    }
    if !words.is_empty() {
        lines.push(line);
    }
    lines
}

/// The cells of the widest name.
fn widest(items: &[Item]) -> u16 {
    let names = items.iter().map(|item| match item {
        Item::Heading(_) => 0,
        Item::Row { name, .. } => text::width(name) as u16,
    });
    names.max().unwrap_or(0)
}

/// The lines that so many columns need.
fn rows(items: &[Item], columns: u16) -> usize {
    items.len().div_ceil(usize::from(columns))
}

/// The items in columns, read downwards.
fn table(items: &[Item], columns: u16, width: u16, ascii: bool) -> Vec<Line> {
    let rows = rows(items, columns);
    let names = NAMES.max(widest(items) + 1);
    let room = width.saturating_sub(KEYS + names + 1);
    let parts = |(column, item): (usize, &Item)| -> Line {
        let x = column as u16 * width;
        match item {
            Item::Heading(title) => vec![Part::text(x, title, Role::Title)],
            Item::Row { keys, name, doc } => {
                let mut parts = vec![
                    Part::named(x, keys, KEYS - 1, Role::Accent),
                    Part::named(x + KEYS, name, width.saturating_sub(KEYS + 1), Role::Text),
                ];
                if room >= SENTENCE {
                    let doc = text::cut(doc, usize::from(room), ascii);
                    parts.push(Part::text(x + KEYS + names, &doc, Role::Muted));
                }
                parts
            }
        }
    };
    (0..rows)
        .map(|row| {
            (0..usize::from(columns))
                .filter_map(|column| Some((column, items.get(column * rows + row)?)))
                .flat_map(parts)
                .collect()
        })
        .collect()
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
    use crate::config::{
        keymap_file,
        library::{Library, Shelf},
    };

    fn keymaps() -> Vec<Keymap> {
        let names = Library::default().names(Shelf::Keymaps);
        let load = |name: &String| keymap_file::load(&Library::default(), name).unwrap();
        names.iter().map(load).collect()
    }

    #[test]
    fn it_fits_one_screen_of_80_by_24_and_cuts_nothing() {
        for keymap in keymaps() {
            for here in [
                Context::Global,
                Context::Detail,
                Context::Plan,
                Context::Run,
                Context::Runs,
            ] {
                let lines = lines(&keymap, here, 74, 22, false);
                assert!(
                    lines.len() <= 22,
                    "{} {here:?}: {}",
                    keymap.name,
                    lines.len()
                );
                let text = crate::ui::paragraph::plain(&lines, Default::default());
                let widest = text.lines().map(text::width).max();
                assert!(widest <= Some(74), "{text}");
                // The one ellipsis is that of the marks.
                assert!(text.matches('…').count() <= 1, "{text}");
            }
        }
    }

    #[test]
    fn every_command_is_in_the_help() {
        for keymap in keymaps() {
            let lines = lines(&keymap, Context::Global, 176, 60, false);
            let text = crate::ui::paragraph::plain(&lines, Default::default());
            for command in Command::ALL.iter().filter(|command| **command != C::Act) {
                assert!(text.contains(command.name()), "{command:?} in\n{text}");
            }
            for action in actions::ACTIONS {
                assert!(text.contains(action.name()), "{} in\n{text}", action.name());
            }
        }
    }

    #[test]
    fn what_holds_here_stands_first() {
        for keymap in keymaps() {
            let lines = lines(&keymap, Context::Plan, 74, 22, false);
            let text = crate::ui::paragraph::plain(&lines, Default::default());
            assert!(text.starts_with("Here: the plan"), "{text}");
        }
    }
}
