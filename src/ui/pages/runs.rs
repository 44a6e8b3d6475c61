//! The runs page: what was interrupted and what is true of it now, which regions are drained, what is left over, what can be undone. Owns the order: first what needs somebody.

use super::{heading, wrapped};
use crate::{
    config::theme::Role,
    plan::{entry::Ending, ledger::RunRecord},
    resources::{
        age,
        cell::coarse_age,
        change::{Alter, Standing},
    },
    state::{Page, Screen, State},
    ui::paragraph::{Line, Part},
};

/// The sign before the line of the cursor.
const CURSOR: &str = "»";

/// The lines of the page.
pub fn lines(state: &State, width: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    let cursor = match state.screen {
        Screen::Page(Page::Runs, cursor) => usize::from(cursor),
        Screen::Page(..) | Screen::Home | Screen::Zoom(_) | Screen::Detail(..) => 0,
    };
    let listed = state.conduct.listed();
    let interrupted = listed.iter().filter(|run| run.ended.is_none()).count();
    if interrupted > 0 {
        heading(
            &mut lines,
            "Interrupted: looked at afresh, never resumed blindly",
        );
    }
    for (index, run) in listed.iter().enumerate() {
        if index == interrupted {
            leftovers(&mut lines, state, width);
            heading(&mut lines, "Can be undone");
        }
        one_run(&mut lines, state, width, run, index == cursor);
    }
    if listed.len() == interrupted {
        leftovers(&mut lines, state, width);
    }
    if lines.is_empty() {
        wrapped(
            &mut lines,
            state,
            1,
            width,
            "The journal knows of no run that could be undone, and nothing is left over.",
            Role::Muted,
        );
    }
    lines
}

/// The line of the cursor.
pub fn cursor_line(lines: &[Line]) -> u16 {
    let sign = Part::text(1, CURSOR, Role::Accent);
    let index = lines.iter().position(|line| line.first() == Some(&sign));
    index.unwrap_or(0) as u16
}

fn one_run(lines: &mut Vec<Line>, state: &State, width: u16, run: &RunRecord, selected: bool) {
    let since = match coarse_age(age(run.last_at, state.now)).as_str() {
        "now" => "just now".to_owned(),
        since => format!("{since} ago"),
    };
    let word = run.ended.map_or("interrupted", Ending::word);
    let mut line = Vec::new();
    if selected {
        line.push(Part::text(1, CURSOR, Role::Accent));
    }
    line.push(Part::text(
        3,
        &run.id,
        if selected {
            Role::Selection
        } else {
            Role::Accent
        },
    ));
    line.push(Part::named(
        13,
        &run.plan.title,
        width.saturating_sub(40),
        Role::Text,
    ));
    line.push(Part::text(
        width.saturating_sub(26),
        &format!("{word}, {since}"),
        Role::Muted,
    ));
    lines.push(line);
    if run.ended.is_some() {
        return;
    }
    match run.doubt() {
        None => wrapped(
            lines,
            state,
            5,
            width,
            "between two steps: no change is in doubt",
            Role::Text,
        ),
        Some(sent) => {
            let (now, role) = match sent.change.standing(&state.fleet) {
                Standing::Before => ("it did not take effect so far".to_owned(), Role::Warn),
                Standing::After => ("it took effect".to_owned(), Role::Ok),
                Standing::Underway(text) => (format!("under way: {text}"), Role::Warn),
                Standing::Other(text) => (format!("something else is there: {text}"), Role::Bad),
                Standing::Unknown(text) => (format!("not known: {text}"), Role::Unknown),
            };
            let line = format!(
                "step {} in doubt: {}. Seen now: {now}",
                sent.step + 1,
                sent.title
            );
            wrapped(lines, state, 5, width, &line, role);
        }
    }
    let line = format!(
        "c plans the rest anew · Enter plans the undo · :settle {} <note> closes it",
        run.id
    );
    wrapped(lines, state, 5, width, &line, Role::Accent);
}

fn leftovers(lines: &mut Vec<Line>, state: &State, width: u16) {
    let reminders = state.conduct.reminders(state.now);
    if reminders.is_empty() {
        return;
    }
    heading(lines, "Left over, until somebody ends it");
    for reminder in reminders {
        let role = if reminder.overdue {
            Role::Warn
        } else {
            Role::Text
        };
        wrapped(lines, state, 3, width, &reminder.text, role);
    }
}
