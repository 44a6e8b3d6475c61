//! Keys while something is being typed: the palette and the filter. Owns line editing and completion; a pasted text never submits anything.

use super::{Dialog, Input, Notice, State, confirm, navigate, rows, what_now};
use crate::{
    command::{Command, Invocation},
    completion,
    config::key::{Key, KeyCode},
    effect::Effect,
};

/// The most bytes of a line: completion and filter look at all of it with every key, and a megabyte pasted by mistake would freeze the console.
const LONGEST: usize = 512;

impl Input {
    /// A line with the cursor at its end.
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            cursor: text.len(),
        }
    }

    /// Inserts what can be shown and fits; line ends and control characters are left out.
    pub fn insert(&mut self, text: &str) {
        let mut room = LONGEST.saturating_sub(self.text.len());
        let fits = |c: &char| {
            let fits = c.len_utf8() <= room;
            room = room.saturating_sub(c.len_utf8());
            fits
        };
        let shown = text.chars().filter(|c| !c.is_control());
        let clean: String = shown.take_while(fits).collect();
        self.text.insert_str(self.cursor, &clean);
        self.cursor += clean.len();
    }

    /// One line-editing key; `false` when it is none.
    pub(super) fn edit(&mut self, key: Key) -> bool {
        let before = self.text[..self.cursor]
            .char_indices()
            .next_back()
            .map(|(at, _)| at);
        let after = self.text[self.cursor..]
            .chars()
            .next()
            .map(|c| self.cursor + c.len_utf8());
        match (key.code, key.ctrl, key.alt) {
            (KeyCode::Char(c), false, false) => self.insert(c.encode_utf8(&mut [0; 4])),
            (KeyCode::Backspace, _, true) | (KeyCode::Char('w'), true, _) => {
                self.remove_from(Some(self.word_before()));
            }
            (KeyCode::Backspace, ..) | (KeyCode::Char('h'), true, _) => self.remove_from(before),
            (KeyCode::Delete, ..) | (KeyCode::Char('d'), true, _) => {
                if let Some(end) = after {
                    self.text.replace_range(self.cursor..end, "");
                }
            }
            (KeyCode::Left, ..) | (KeyCode::Char('b'), true, _) => {
                self.cursor = before.unwrap_or(0);
            }
            (KeyCode::Right, ..) | (KeyCode::Char('f'), true, _) => {
                self.cursor = after.unwrap_or(self.cursor);
            }
            (KeyCode::Home, ..) | (KeyCode::Char('a'), true, _) => self.cursor = 0,
            (KeyCode::End, ..) | (KeyCode::Char('e'), true, _) => self.cursor = self.text.len(),
            (KeyCode::Char('u'), true, _) => self.remove_from(Some(0)),
            (KeyCode::Char('k'), true, _) => self.text.truncate(self.cursor),
            (KeyCode::Char('b'), _, true) => self.cursor = self.word_before(),
            (KeyCode::Char('f'), _, true) => self.cursor = self.word_after(),
            (KeyCode::Char('d'), _, true) => {
                self.text.replace_range(self.cursor..self.word_after(), "");
            }
            _ => return false,
        }
        true
    }

    /// Where the word before the cursor begins.
    fn word_before(&self) -> usize {
        let before = self.text[..self.cursor].trim_end();
        before.rfind(' ').map_or(0, |at| at + 1)
    }

    /// Where the word behind the cursor ends.
    fn word_after(&self) -> usize {
        let behind = &self.text[self.cursor..];
        let start = behind.len() - behind.trim_start().len();
        let end = behind[start..].find(' ');
        self.cursor + end.map_or(behind.len(), |end| start + end)
    }

    fn remove_from(&mut self, start: Option<usize>) {
        if let Some(start) = start {
            self.text.replace_range(start..self.cursor, "");
            self.cursor = start;
        }
    }
}

/// Handles a key while something is being typed. `None` means that the key goes to the keymap.
pub fn key(state: &mut State, key: Key) -> Option<Vec<Effect>> {
    let dialog = state.dialogs.pop()?;
    match dialog {
        Dialog::Palette {
            input,
            choice,
            recalled,
        } => palette(state, key, input, choice, recalled),
        Dialog::Filter {
            input,
            choice,
            before,
        } => filter(state, key, input, choice, before),
        Dialog::Confirm {
            stage,
            input,
            typed,
        } => confirm::confirm(state, key, stage, input, typed),
        Dialog::Stop { run } => confirm::stop(state, &run, key),
        Dialog::WhatNow { advice, cursor } => what_now::key(state, key, advice, cursor),
        Dialog::Override {
            run,
            guard,
            reason,
            input,
        } => confirm::accept(state, key, (run, guard, reason), input),
        other @ (Dialog::Help { .. } | Dialog::Text { .. }) => {
            state.dialogs.push(other);
            None
        }
    }
}

/// Takes pasted text into a line being typed, and nowhere else.
pub fn paste(state: &mut State, text: &str) -> Vec<Effect> {
    match state.dialogs.last_mut() {
        Some(Dialog::Palette { input, .. }) => input.insert(text),
        Some(Dialog::Filter { input, choice, .. }) => {
            input.insert(text);
            *choice = 0;
            let filter = input.text.clone();
            rows::set_filter(state, state.active(), filter);
        }
        // A pasted phrase confirms nothing.
        Some(
            Dialog::Confirm { .. }
            | Dialog::Override { .. }
            | Dialog::WhatNow { .. }
            | Dialog::Stop { .. }
            | Dialog::Help { .. }
            | Dialog::Text { .. },
        )
        | None => {}
    }
    Vec::new()
}

/// Leaves the line: Esc, or Ctrl-C which must always work.
fn leaves(key: Key) -> Option<bool> {
    match (key.code, key.ctrl) {
        (KeyCode::Esc, _) | (KeyCode::Char('g'), true) => Some(false),
        (KeyCode::Char('c'), true) => Some(true),
        _ => None,
    }
}

fn palette(
    state: &mut State,
    key: Key,
    mut input: Input,
    mut choice: usize,
    mut recalled: Option<usize>,
) -> Option<Vec<Effect>> {
    if let Some(quit) = leaves(key) {
        return if quit { None } else { Some(Vec::new()) };
    }
    match (key.code, key.ctrl) {
        (KeyCode::Enter, _) => return Some(submit(state, &input, choice)),
        (KeyCode::Tab, _) => {
            let found = completion::commands(state, &input.text);
            if let Some(chosen) = found.get(choice.min(found.len().saturating_sub(1))) {
                input = Input::new(&chosen.accepted());
                choice = 0;
            }
        }
        (KeyCode::Down, _) if recalled.is_none() => {
            let count = completion::commands(state, &input.text).len();
            choice = (choice + 1).min(count.saturating_sub(1));
        }
        (KeyCode::Down, _) | (KeyCode::Char('n'), true) => {
            recalled = recalled.and_then(|at| at.checked_sub(1));
            input = recalled.map_or_else(Input::default, |at| line_before(state, at));
        }
        (KeyCode::Up, _) if choice > 0 => choice -= 1,
        (KeyCode::Up, _) | (KeyCode::Char('p'), true) => {
            let older = recalled.map_or(0, |at| at + 1);
            if older < state.typed.len() {
                recalled = Some(older);
                input = line_before(state, older);
            }
        }
        _ if input.edit(key) => (choice, recalled) = (0, None),
        _ => {}
    }
    state.dialogs.push(Dialog::Palette {
        input,
        choice,
        recalled,
    });
    Some(Vec::new())
}

/// A line that was typed before, counted from the newest.
fn line_before(state: &State, at: usize) -> Input {
    let line = state.typed.iter().rev().nth(at);
    Input::new(line.map_or("", String::as_str))
}

/// Runs what was typed; a text that is no command yet takes the chosen completion.
fn submit(state: &mut State, input: &Input, choice: usize) -> Vec<Effect> {
    let typed = input.text.trim();
    if typed.is_empty() {
        return Vec::new();
    }
    let completed = || {
        let found = completion::commands(state, typed);
        let choice = choice.min(found.len().saturating_sub(1));
        found.into_iter().nth(choice).map(|chosen| chosen.line)
    };
    let parsed = typed.parse::<Invocation>().or_else(|error| {
        completed()
            .ok_or_else(|| error.clone())?
            .parse()
            .map_err(|_| error)
    });
    match parsed {
        Ok(invocation) => {
            state.typed.retain(|line| line != typed);
            state.typed.push(typed.to_owned());
            let mut effects = navigate::perform(state, &invocation);
            // A reason is given anew in each session: it is not recalled by one key.
            let reasoned = [Command::Arm, Command::Override, Command::Settle];
            if !reasoned.contains(&invocation.command) {
                effects.push(Effect::Remember(typed.to_owned()));
            }
            effects
        }
        Err(error) => {
            state.notice = Some(Notice {
                text: error.to_string(),
                failed: true,
            });
            Vec::new()
        }
    }
}

fn filter(
    state: &mut State,
    key: Key,
    mut input: Input,
    mut choice: usize,
    before: String,
) -> Option<Vec<Effect>> {
    let kind = state.active();
    if let Some(quit) = leaves(key) {
        rows::set_filter(state, kind, before);
        state.settle();
        return if quit { None } else { Some(Vec::new()) };
    }
    let found = |state: &State, text: &str| completion::filters(text, state.shown(), kind);
    let edited = match key.code {
        KeyCode::Enter => return Some(Vec::new()),
        KeyCode::Tab => {
            let found = found(state, &input.text);
            let chosen = found.get(choice.min(found.len().saturating_sub(1)));
            chosen
                .map(|chosen| input = Input::new(&chosen.accepted()))
                .is_some()
        }
        KeyCode::Down => {
            let last = found(state, &input.text).len().saturating_sub(1);
            choice = (choice + 1).min(last);
            false
        }
        KeyCode::Up => {
            choice = choice.saturating_sub(1);
            false
        }
        _ => input.edit(key),
    };
    if edited {
        choice = 0;
        rows::set_filter(state, kind, input.text.clone());
        state.settle();
    }
    state.dialogs.push(Dialog::Filter {
        input,
        choice,
        before,
    });
    Some(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_walked_and_removed_as_in_a_shell() {
        let mut input = Input::new("drain-region eu-west-1 now");
        let press = |input: &mut Input, key: &str| input.edit(key.parse().unwrap());
        assert!(press(&mut input, "alt-b") && press(&mut input, "alt-b"));
        assert_eq!(input.cursor, 13);
        assert!(press(&mut input, "alt-d"));
        assert_eq!(input.text, "drain-region  now");
        assert!(press(&mut input, "alt-f"));
        assert_eq!(input.cursor, input.text.len());
        assert!(press(&mut input, "ctrl-w"));
        assert_eq!(input.text, "drain-region  ");
        assert!(!press(&mut input, "f5"));
    }

    #[test]
    fn a_line_takes_what_fits_and_no_control_character() {
        let mut input = Input::new("a");
        input.insert("\x1b[31mé\n");
        assert_eq!((input.text.as_str(), input.cursor), ("a[31mé", 7));
        input.insert(&"日".repeat(100_000));
        assert_eq!(input.text.len(), 7 + (LONGEST - 7) / 3 * 3);
        input.insert("too much");
        assert_eq!(input.text.len(), LONGEST, "one letter had room");
    }
}
