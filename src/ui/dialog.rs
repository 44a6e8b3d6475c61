//! What lies over the screen: help, texts, and the lines being typed. Owns where they stand; what they say is made elsewhere.

use ratatui::layout::Rect;

use super::{
    canvas::Canvas,
    help,
    layout::Layout,
    pages, palette,
    paragraph::{self, Line, Part},
    text,
};
use crate::{
    completion,
    config::theme::Role,
    state::{Dialog, Input, State},
};

/// Draws a dialog; tells where the cursor stands, when a line is typed in it.
pub fn draw(
    canvas: &mut Canvas<'_>,
    state: &State,
    dialog: &Dialog,
    layout: &Layout,
) -> Option<(u16, u16)> {
    match dialog {
        Dialog::Help { scroll } => {
            let screen = state.size;
            let title = format!("Help (keymap {}): esc closes", state.keymap.name);
            let lines = lines(state, dialog, screen);
            boxed(canvas, &title, &lines, *scroll, size(dialog, screen));
            None
        }
        Dialog::Text { title, scroll, .. } => {
            let lines = lines(state, dialog, state.size);
            boxed(canvas, title, &lines, *scroll, size(dialog, state.size));
            None
        }
        Dialog::Confirm { .. }
        | Dialog::Override { .. }
        | Dialog::WhatNow { .. }
        | Dialog::Stop { .. } => {
            let lines = lines(state, dialog, state.size);
            let title = match dialog {
                Dialog::Stop { .. } => "Stop",
                Dialog::Override { .. } => "Override",
                Dialog::WhatNow { .. } => "What now?",
                Dialog::Confirm { .. }
                | Dialog::Help { .. }
                | Dialog::Text { .. }
                | Dialog::Palette { .. }
                | Dialog::Filter { .. } => "Confirm",
            };
            boxed(canvas, title, &lines, 0, size(dialog, state.size));
            None
        }
        Dialog::Palette { input, choice, .. } => {
            let found = completion::commands(state, &input.text);
            palette::draw(canvas, state, &found, *choice, layout);
            Some(typed(canvas, ":", input, layout.hints, ""))
        }
        Dialog::Filter { input, choice, .. } => {
            let found = completion::filters(&input.text, state.shown(), state.active());
            palette::draw(canvas, state, &found, *choice, layout);
            let kept = state
                .pane(state.active())
                .map_or(0, |pane| pane.order.len());
            let note = format!("{kept} rows   text  !text  field:value");
            Some(typed(canvas, "/", input, layout.hints, &note))
        }
    }
}

/// The columns of a box on a screen of this many.
fn width(dialog: &Dialog, screen: u16) -> u16 {
    match dialog {
        Dialog::Help { .. } => screen.saturating_sub(2).min(176),
        Dialog::Text { lines, .. } => {
            let longest = lines.iter().map(|line| text::width(line)).max();
            let most = screen.saturating_sub(2);
            (longest.unwrap_or(0) as u16)
                .saturating_add(4)
                .clamp(most.min(40), most.min(120))
        }
        Dialog::Confirm { .. }
        | Dialog::Override { .. }
        | Dialog::WhatNow { .. }
        | Dialog::Stop { .. } => screen.saturating_sub(2).min(76),
        Dialog::Palette { .. } | Dialog::Filter { .. } => 0,
    }
}

/// The lines in a box on a screen of this many columns and rows.
pub fn lines(state: &State, dialog: &Dialog, screen: (u16, u16)) -> Vec<Line> {
    let inner = width(dialog, screen.0).saturating_sub(4);
    match dialog {
        Dialog::Help { .. } => {
            let height = rows(dialog, screen.1) as u16;
            let here = state.page_context();
            help::lines(&state.keymap, here, inner, height, state.look.ascii)
        }
        Dialog::Text { lines, .. } => lines
            .iter()
            .flat_map(|line| text::wrap(&text::safe(line, state.look), usize::from(inner)))
            .map(|line| vec![Part::text(0, &line, Role::Text)])
            .collect(),
        Dialog::Confirm { stage, input, .. } => pages::confirm(state, *stage, input, inner),
        Dialog::Override {
            run, guard, input, ..
        } => pages::override_again(state, run, *guard, input, inner),
        Dialog::WhatNow { advice, cursor } => pages::what_now(state, advice, *cursor, inner),
        Dialog::Stop { run } => pages::stop(state, run, inner),
        Dialog::Palette { .. } | Dialog::Filter { .. } => Vec::new(),
    }
}

/// The rows around a box: the help needs all that there are, on a small screen.
fn around(dialog: &Dialog) -> u16 {
    match dialog {
        Dialog::Help { .. } => 0,
        Dialog::Text { .. }
        | Dialog::Confirm { .. }
        | Dialog::Override { .. }
        | Dialog::WhatNow { .. }
        | Dialog::Stop { .. }
        | Dialog::Palette { .. }
        | Dialog::Filter { .. } => 2,
    }
}

/// The most lines that a box shows at once on a screen of this many rows.
pub fn rows(dialog: &Dialog, screen: u16) -> usize {
    usize::from(screen.saturating_sub(around(dialog) + 2).max(1))
}

/// The columns of a box, and the most rows.
fn size(dialog: &Dialog, screen: (u16, u16)) -> (u16, u16) {
    (
        width(dialog, screen.0),
        screen.1.saturating_sub(around(dialog)),
    )
}

/// A box in the middle, as high as its lines need and the screen allows.
fn boxed(
    canvas: &mut Canvas<'_>,
    title: &str,
    lines: &[Line],
    scroll: u16,
    (width, most): (u16, u16),
) {
    let screen = canvas.area();
    let height = u16::try_from(lines.len() + 2)
        .unwrap_or(most)
        .min(most)
        .max(3);
    let area = Rect::new(
        (screen.width.saturating_sub(width)) / 2,
        (screen.height.saturating_sub(height)) / 2,
        width,
        height,
    );
    let inside = canvas.frame(area, title);
    paragraph::draw(canvas, lines, scroll, inside, 1);
}

/// The line being typed, with a note at the right; tells where the cursor stands. What does not fit goes at the left.
pub fn typed(
    canvas: &mut Canvas<'_>,
    prompt: &str,
    input: &Input,
    area: Rect,
    note: &str,
) -> (u16, u16) {
    canvas.clear(area);
    let x = area.x + canvas.put(area.x, area.y, prompt, area.width, Role::Accent);
    let room = usize::from(area.right().saturating_sub(x + 1));
    let (before, after) = input
        .text
        .split_at_checked(input.cursor)
        .unwrap_or((&input.text, ""));
    let before = text::clean(before, canvas.look.ascii);
    let mut start = 0;
    while text::width(&before[start..]) > room {
        start += before[start..].chars().next().map_or(1, char::len_utf8);
    }
    let before = &before[start..];
    let cursor = x + text::width(before) as u16;
    canvas.put(x, area.y, before, area.right() - x, Role::Text);
    let after = text::clean(after, canvas.look.ascii).into_owned();
    let left = area.right().saturating_sub(cursor);
    let used = canvas.say(cursor, area.y, &after, left, Role::Text);
    let free = left.saturating_sub(used);
    if usize::from(free) > text::width(note) + 4 {
        canvas.put_right(cursor, area.right() - 1, area.y, note, Role::Muted);
    }
    (cursor, area.y)
}
