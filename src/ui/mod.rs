//! Drawing: a pure function of the state. Never waits, never asks, never changes anything.

mod apart;
mod banner;
mod beyond;
mod canvas;
mod chrome;
mod columns;
mod detail;
mod dialog;
pub mod extent;
mod help;
mod hints;
mod kept;
pub mod layout;
mod pages;
mod palette;
mod pane;
mod paragraph;
pub mod picture;
mod slots;
mod spark;
pub mod text;
mod title;
mod tour;

pub use self::{
    beyond::{Link, buffer, links, plain, window_title},
    canvas::ansi,
    kept::Kept,
};
use ratatui::{Frame, layout::Rect, style::Style};

use self::{canvas::Canvas, layout::Layout};
use crate::{
    config::theme::{Role, Theme},
    resources::Kind,
    state::{Dialog, Screen, State},
};

/// Draws the state.
pub fn view(state: &State, theme: &Theme, frame: &mut Frame<'_>) {
    view_again(state, theme, frame, &mut Kept::default());
}

/// Draws the state with what is kept of the frame before.
pub fn view_again(state: &State, theme: &Theme, frame: &mut Frame<'_>, kept: &mut Kept) {
    kept.renew(state, theme);
    let mut canvas = Canvas::new(frame.buffer_mut(), theme, state.look);
    if let Some(cursor) = draw(state, &mut canvas, kept) {
        frame.set_cursor_position(cursor);
    }
}

/// Draws the state on a canvas; tells where the cursor stands, when a line is typed.
fn draw(state: &State, canvas: &mut Canvas<'_>, kept: &mut Kept) -> Option<(u16, u16)> {
    let area = canvas.area();
    if canvas.style(Role::Text) != Style::new() {
        canvas.paint(area, Role::Text);
    }
    let facts = state.facts.current(state.shown());
    if layout::too_small((area.width, area.height)) {
        chrome::one_line(
            canvas,
            state,
            &facts,
            Rect {
                height: area.height.min(1),
                ..area
            },
        );
        return small_prompt(canvas, state);
    }
    let layout = layout::of((area.width, area.height), state.needs(&facts));
    banner::draw(canvas, state, &facts, layout.top);
    chrome::runs(canvas, &facts, layout.runs);
    chrome::contradictions(canvas, &facts, layout.contradictions);
    chrome::levers(canvas, &facts, layout.levers);
    let focus = body(canvas, state, &layout, kept);
    let why = focus
        .and_then(|kind| Some((kind, state.pane(kind)?)))
        .and_then(|(kind, pane)| pane::why(state.shown(), kind, pane));
    let status = chrome::link(canvas, state, layout.status);
    chrome::status(canvas, state, status, why);
    tour::draw(canvas, state, layout.tour);
    hints::draw(canvas, state, layout.hints);
    let mut cursor = None;
    for dialog in &state.dialogs {
        cursor = dialog::draw(canvas, state, dialog, &layout);
    }
    cursor
}

/// On a screen too small for dialogs, a line being typed still shows below the status line.
fn small_prompt(canvas: &mut Canvas<'_>, state: &State) -> Option<(u16, u16)> {
    let area = canvas.area();
    let line = Rect {
        y: 1,
        height: 1,
        ..area
    };
    match state.dialogs.last() {
        Some(Dialog::Palette { input, .. }) if area.height > 1 => {
            Some(dialog::typed(canvas, ":", input, line, ""))
        }
        Some(Dialog::Filter { input, .. }) if area.height > 1 => {
            Some(dialog::typed(canvas, "/", input, line, ""))
        }
        Some(
            Dialog::Palette { .. }
            | Dialog::Filter { .. }
            | Dialog::Confirm { .. }
            | Dialog::Override { .. }
            | Dialog::WhatNow { .. }
            | Dialog::Stop { .. }
            | Dialog::Help { .. }
            | Dialog::Text { .. },
        )
        | None => None,
    }
}

/// Draws what fills the screen; tells which pane has the keys.
fn body(canvas: &mut Canvas<'_>, state: &State, layout: &Layout, kept: &mut Kept) -> Option<Kind> {
    match &state.screen {
        Screen::Home => {
            for (kind, area) in &layout.panes {
                let focused = *kind == state.focus;
                pane::draw(canvas, state, *kind, *area, focused, kept);
            }
            Some(state.focus)
        }
        Screen::Zoom(kind) => {
            pane::draw(canvas, state, *kind, layout.body, true, kept);
            Some(*kind)
        }
        Screen::Detail(id, scroll) => {
            detail::draw(canvas, state, id, *scroll, layout.body);
            None
        }
        Screen::Page(page, scroll) => {
            pages::draw(canvas, state, *page, *scroll, layout.body);
            None
        }
    }
}
