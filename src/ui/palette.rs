//! The suggestions over the command line. Owns which of them are on screen; `completion` makes them.

use ratatui::layout::Rect;

use super::{
    canvas::Canvas,
    hints::{key_of_action, usual_key},
    layout::Layout,
};
use crate::{
    command::Command,
    completion::Completion,
    config::{keymap::Context, theme::Role},
    state::State,
};

/// Suggestions on screen at once.
const MOST: usize = 10;

/// Cells for the line itself, before what it does.
const NAME: u16 = 24;
/// Cells for what it takes.
const ARGUMENT: u16 = 32;

/// Draws the suggestions above the line, the chosen one selected.
pub fn draw(
    canvas: &mut Canvas<'_>,
    state: &State,
    found: &[Completion],
    choice: usize,
    layout: &Layout,
) {
    // A newcomer still sees what to type.
    let bottom = if layout.tour.height > 0 {
        layout.tour.y
    } else {
        layout.hints.y
    };
    let rows = found
        .len()
        .min(MOST)
        .min(usize::from(bottom.saturating_sub(3)));
    if rows == 0 {
        return;
    }
    let top = bottom - rows as u16;
    let width = canvas.area().width;
    canvas.clear(Rect::new(0, top - 1, width, rows as u16 + 1));
    canvas.rule(Rect::new(0, top - 1, width, 1));
    let choice = choice.min(found.len() - 1);
    let first = choice.saturating_sub(rows - 1);
    if found.len() > rows {
        let text = format!(" {}/{} ", choice + 1, found.len());
        canvas.put_right(0, width - 1, top - 1, &text, Role::Muted);
    }
    for (index, completion) in found.iter().enumerate().skip(first).take(rows) {
        let y = top + (index - first) as u16;
        let mut x = 2;
        for (at, c) in completion.line.chars().enumerate() {
            let matched = completion.matched.contains(&(at as u32));
            let role = match (matched, &completion.not_now) {
                (true, _) => Role::Accent,
                (false, None) => Role::Text,
                (false, Some(_)) => Role::Muted,
            };
            x += canvas.put(x, y, c.encode_utf8(&mut [0; 4]), 2, role);
        }
        x += 1 + canvas.put(x + 1, y, completion.argument, ARGUMENT, Role::Muted);
        let key = key(state, &completion.line);
        let end = canvas.put_right(width - 14, width - 1, y, &key, Role::Accent);
        let start = (2 + NAME).max(x + 2);
        let room = end.saturating_sub(start + 1);
        match &completion.not_now {
            Some(why) => canvas.say(start, y, &format!("not now: {why}"), room, Role::Warn),
            None => canvas.say(start, y, completion.doc, room, Role::Muted),
        };
        if index == choice {
            canvas.paint(Rect::new(0, y, width, 1), Role::Selection);
            let marker = if canvas.look.ascii { ">" } else { "▌" };
            canvas.put(0, y, marker, 1, Role::Selection);
        }
    }
}

/// The shortest key of a command or action without argument.
fn key(state: &State, line: &str) -> String {
    let command = Command::ALL.iter().find(|command| command.name() == line);
    let key = match command {
        Some(command) => usual_key(&state.keymap, Context::Global, *command),
        None => key_of_action(&state.keymap, line),
    };
    key.map_or(String::new(), |key| key.to_string())
}
