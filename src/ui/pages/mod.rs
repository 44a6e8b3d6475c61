//! The pages of plans and runs: the plan that is looked at, a run, all runs, the journal. Owns which page is which and what they have in common; changes nothing.

mod confirm;
mod guards;
mod journal;
mod plan;
mod run;
mod runs;
mod what_now;

use std::time::Duration;

use ratatui::layout::Rect;

pub use self::confirm::{confirm, override_again, stop};
pub use self::what_now::lines as what_now;
use super::{
    canvas::Canvas,
    paragraph::{self, Line, Part},
    text,
};
use crate::{
    config::theme::Role,
    glyph::Mark,
    plan::Verdict,
    resources::{
        Change,
        change::{Alter, Lever},
        levers::Plane,
    },
    state::{Page, State},
};

/// The lines of a page on so many columns.
pub fn lines(state: &State, page: Page, width: u16) -> Vec<Line> {
    match page {
        Page::Plan => plan::lines(state, width),
        Page::Run => run::lines(state, width),
        Page::Runs => runs::lines(state, width),
        Page::Journal => journal::lines(state, width),
    }
}

/// Draws a page.
pub fn draw(canvas: &mut Canvas<'_>, state: &State, page: Page, scroll: u16, area: Rect) {
    let inside = canvas.frame(area, page.title());
    let lines = lines(state, page, inside.width);
    let scroll = match page {
        // Its position is that of a cursor, which is kept in the middle.
        Page::Runs => runs::cursor_line(&lines).saturating_sub(inside.height / 2),
        Page::Plan | Page::Run | Page::Journal => scroll,
    };
    paragraph::draw(canvas, &lines, scroll, inside, 0);
}

/// A text that wraps, indented, in one role.
fn wrapped(
    lines: &mut Vec<Line>,
    state: &State,
    indent: u16,
    width: u16,
    content: &str,
    role: Role,
) {
    let room = usize::from(width.saturating_sub(indent + 1)).max(10);
    for line in text::wrap(&text::safe(content, state.look), room) {
        lines.push(vec![Part::text(indent, &line, role)]);
    }
}

/// A heading, with an empty line before it.
fn heading(lines: &mut Vec<Line>, content: &str) {
    if !lines.is_empty() {
        lines.push(Vec::new());
    }
    lines.push(vec![Part::text(1, content, Role::Title)]);
}

/// A time in a few characters: `45 s`, `2 m 30 s`, `1 h 5 m`.
fn span(time: Duration) -> String {
    match time.as_secs() {
        s @ 0..60 => format!("{s} s"),
        s @ 60..3_600 if s % 60 == 0 => format!("{} m", s / 60),
        s @ 60..3_600 => format!("{} m {} s", s / 60, s % 60),
        s => format!("{} h {} m", s / 3_600, s % 3_600 / 60),
    }
}

/// The mark of a verdict.
fn mark(verdict: Verdict) -> Mark {
    match verdict {
        Verdict::Pass => Mark::Ok,
        Verdict::Warn => Mark::Warn(false),
        Verdict::Unknown => Mark::Unknown,
        Verdict::Fail => Mark::Bad(false),
    }
}

fn role(verdict: Verdict) -> Role {
    match verdict {
        Verdict::Pass => Role::Text,
        Verdict::Warn => Role::Warn,
        Verdict::Unknown => Role::Unknown,
        Verdict::Fail => Role::Bad,
    }
}

/// Which lever, and where it lives.
fn lever(lever: &Lever) -> String {
    let plane = match lever.plane {
        Plane::Data => "data plane",
        Plane::Control => "control plane",
    };
    format!("{}, {plane}, {}", lever.name, lever.home)
}

/// Before → after of a change, a line each.
fn edits(lines: &mut Vec<Line>, state: &State, indent: u16, width: u16, change: &Change) {
    let arrow = if state.look.ascii { "->" } else { "→" };
    for edit in change.edits() {
        let line = format!("{}  {} {arrow} {}", edit.what, edit.from, edit.to);
        wrapped(lines, state, indent, width, &line, Role::Text);
    }
}

/// The commands that do the same by hand.
fn by_hand(lines: &mut Vec<Line>, state: &State, width: u16, change: &Change) {
    for command in change.commands() {
        wrapped(lines, state, 3, width, &command, Role::Muted);
    }
}
