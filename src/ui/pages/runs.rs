//! The runs page: what runs, what was interrupted and what is true of it now, which regions are drained, what is left over, what can be undone. Owns the words for each line.

use super::{heading, run::phase, span, wrapped};
use crate::{
    config::theme::Role,
    plan::{entry::Ending, ledger::RunRecord, run::Run},
    resources::{
        Severity, age, cell,
        change::{Alter, Standing},
    },
    state::{
        Page, Screen, State,
        conduct::{Listed, Reminder},
    },
    ui::{
        paragraph::{Line, Part},
        text,
    },
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
    let mut above = "";
    for (index, listed) in state.conduct.listed().iter().enumerate() {
        let title = title(listed);
        if title != above {
            heading(&mut lines, title);
            above = title;
        }
        one(&mut lines, state, width, listed, index == cursor);
    }
    if lines.is_empty() {
        let text = "Nothing is in hand, every run has ended, nothing is left over, and there is nothing to undo.";
        wrapped(&mut lines, state, 1, width, text, Role::Muted);
    }
    lines
}

fn title(listed: &Listed<'_>) -> &'static str {
    match listed {
        Listed::Active(_) => "In hand",
        Listed::Interrupted(_) => {
            "Not ended (interrupted, or in another console): never resumed blindly"
        }
        Listed::Drained(_) => "Drained, until somebody brings them back",
        Listed::Left(_) => "Left over, until somebody ends it",
        Listed::Undoable(_) => "Can be undone",
        Listed::Over(_) => "Over",
    }
}

/// The line of the cursor.
pub fn cursor_line(lines: &[Line]) -> u16 {
    let sign = Part::text(1, CURSOR, Role::Accent);
    let index = lines.iter().position(|line| line.first() == Some(&sign));
    index.unwrap_or(0) as u16
}

fn one(lines: &mut Vec<Line>, state: &State, width: u16, listed: &Listed<'_>, selected: bool) {
    let now = state.now;
    match listed {
        Listed::Active(run) => active(lines, state, width, run, selected),
        Listed::Interrupted(record) => {
            let end = format!("last heard of {}", ago(state, record));
            first(lines, width, &record.id, &record.plan.title, &end, selected);
            interrupted(lines, state, width, record);
        }
        Listed::Drained(drain) => {
            let what = format!("{} is drained", drain.region);
            let reminder = Reminder::new(&what, drain.since, drain.until, now);
            reminded(lines, state, width, &drain.run, &reminder, selected);
            keys(
                lines,
                state,
                width,
                selected,
                "Enter plans its return (restore-region)",
            );
        }
        Listed::Left(left) => {
            let reminder = Reminder::new(&left.what, left.since, left.until, now);
            reminded(lines, state, width, &left.run, &reminder, selected);
            keys(
                lines,
                state,
                width,
                selected,
                "Enter plans the undo of its run",
            );
        }
        Listed::Undoable(record) => {
            let word = record.ended.map_or("", Ending::word);
            let end = format!("{word} {}", ago(state, record));
            first(lines, width, &record.id, &record.plan.title, &end, selected);
            keys(lines, state, width, selected, "Enter plans the undo");
        }
        Listed::Over(run) => {
            first(lines, width, &run.id, &run.plan.title, run.word(), selected);
            keys(lines, state, width, selected, "Enter shows it");
        }
    }
}

fn active(lines: &mut Vec<Line>, state: &State, width: u16, run: &Run, selected: bool) {
    let at = (run.at + 1).min(run.steps.len());
    let taken = span(age(run.confirmed_at, state.now));
    let end = format!("step {at}/{} {} · {taken}", run.steps.len(), run.word());
    first(lines, width, &run.id, &run.plan.title, &end, selected);
    let (now, role) = phase(run);
    let room = usize::from(width.saturating_sub(6));
    let now = text::shorten(&text::safe(&now, state.look), room, state.look.ascii).into_owned();
    let role = if run.severity() == Severity::Ok {
        Role::Muted
    } else {
        role
    };
    lines.push(vec![Part::text(5, &now, role)]);
    keys(
        lines,
        state,
        width,
        selected,
        "Enter opens it · Space holds or goes on · X stops",
    );
}

/// The line of the cursor says what its keys do.
fn keys(lines: &mut Vec<Line>, state: &State, width: u16, selected: bool, text: &str) {
    if selected {
        wrapped(lines, state, 5, width, text, Role::Accent);
    }
}

fn ago(state: &State, record: &RunRecord) -> String {
    cell::ago(age(record.last_at, state.now))
}

/// Id, title, and how it stands at the right.
fn first(lines: &mut Vec<Line>, width: u16, id: &str, title: &str, end: &str, selected: bool) {
    let mut line = Vec::new();
    if selected {
        line.push(Part::text(1, CURSOR, Role::Accent));
    }
    let role = if selected {
        Role::Selection
    } else {
        Role::Accent
    };
    line.push(Part::text(3, id, role));
    let start = width.saturating_sub(text::width(end) as u16 + 1);
    let room = start.saturating_sub(13 + 2);
    line.push(Part::named(13, title, room, Role::Text));
    line.push(Part::text(start, end, Role::Muted));
    lines.push(line);
}

/// Something that must not be forgotten, with the run that left it.
fn reminded(
    lines: &mut Vec<Line>,
    state: &State,
    width: u16,
    run: &str,
    reminder: &Reminder,
    selected: bool,
) {
    let role = if reminder.overdue {
        Role::Warn
    } else {
        Role::Text
    };
    let start = lines.len();
    wrapped(lines, state, 13, width, &reminder.text, role);
    if let Some(line) = lines.get_mut(start) {
        let (id, cursor) = if selected {
            (Role::Selection, Some(Part::text(1, CURSOR, Role::Accent)))
        } else {
            (Role::Accent, None)
        };
        line.insert(0, Part::text(3, run, id));
        if let Some(cursor) = cursor {
            line.insert(0, cursor);
        }
    }
}

/// Which step is in doubt, what is true of it now, and what can be done.
fn interrupted(lines: &mut Vec<Line>, state: &State, width: u16, run: &RunRecord) {
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
