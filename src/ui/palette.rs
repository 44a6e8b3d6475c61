//! The suggestions over the command line. Owns which of them are on screen; `completion` makes them.

use ratatui::layout::Rect;

use super::{canvas::Canvas, layout::Layout};
use crate::{
    command::Command,
    completion::complete,
    config::{keymap::Context, theme::Role},
    state::{Input, Screen, State},
};

/// Suggestions on screen at once.
const MOST: usize = 10;

/// Cells for the line itself, before what it does.
const NAME: u16 = 24;

/// Draws the suggestions above the command line, the chosen one selected.
pub fn draw(canvas: &mut Canvas<'_>, state: &State, input: &Input, choice: usize, layout: &Layout) {
    let kind = match &state.screen {
        Screen::Zoom(kind) => *kind,
        Screen::Home | Screen::Detail(..) | Screen::Page(..) => state.focus,
    };
    let found = complete(&input.text, kind, &state.themes);
    let bottom = layout.hints.y;
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
            let role = if matched { Role::Accent } else { Role::Text };
            x += canvas.put(x, y, c.encode_utf8(&mut [0; 4]), 1, role);
        }
        canvas.put(x + 1, y, completion.argument, NAME, Role::Muted);
        let key = key(state, &completion.line);
        let end = canvas.put_right(width - 14, width - 1, y, &key, Role::Accent);
        canvas.say(
            2 + NAME,
            y,
            completion.doc,
            end.saturating_sub(3 + NAME),
            Role::Muted,
        );
        if index == choice {
            canvas.paint(Rect::new(0, y, width, 1), Role::Selection);
            let marker = if canvas.look.ascii { ">" } else { "▌" };
            canvas.put(0, y, marker, 1, Role::Selection);
        }
    }
}

/// The shortest key of a command without argument.
fn key(state: &State, line: &str) -> String {
    Command::ALL
        .iter()
        .find(|command| command.name() == line)
        .and_then(|command| {
            state
                .keymap
                .keys(Context::Global, *command)
                .first()
                .copied()
        })
        .map_or(String::new(), |key| key.to_string())
}
