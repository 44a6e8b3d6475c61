//! What commands do with the rows of a pane: filter, sort, read again, copy, export. Owns what is copied; never asks the provider itself.

use super::{Dialog, Input, Notice, Page, Screen, State, navigate::fail};
use crate::{
    effect::{Effect, Format, Picture},
    resources::{
        Change, Kind,
        change::Alter,
        shown::{self, Sort},
    },
};

/// Filters the active pane, or asks by what.
pub fn filter(state: &mut State, argument: &str) {
    let kind = state.active();
    if matches!(state.screen, Screen::Detail(..) | Screen::Page(..)) {
        return fail(
            state,
            "a detail has nothing to filter; go back to the pane first".to_owned(),
        );
    }
    if argument.is_empty() {
        let before = state
            .pane(kind)
            .map(|pane| pane.filter.clone())
            .unwrap_or_default();
        state.dialogs.push(Dialog::Filter {
            input: Input::new(&before),
            choice: 0,
            before,
        });
    } else {
        set_filter(state, kind, argument.to_owned());
    }
}

/// Filters a pane.
pub fn set_filter(state: &mut State, kind: Kind, text: String) {
    state.panes.entry(kind).or_default().filter = text;
    state.unsettled = true;
}

/// Sorts the active pane.
pub fn sort(state: &mut State, argument: &str) {
    let kind = state.active();
    let columns = shown::columns(kind);
    let now = state.pane(kind).and_then(|pane| pane.sort);
    let next = if argument.is_empty() {
        let column = now.map_or(0, |sort| sort.column + 1);
        (column < columns.len()).then_some(Sort {
            column,
            descending: false,
        })
    } else {
        let Some(column) = columns
            .iter()
            .position(|column| shown::field_name(column).starts_with(&argument.to_lowercase()))
        else {
            let names: Vec<String> = columns.iter().map(shown::field_name).collect();
            return fail(
                state,
                format!(
                    "there is no column `{argument}`; there are {}",
                    names.join(", ")
                ),
            );
        };
        let again = now.is_some_and(|sort| sort.column == column && !sort.descending);
        Some(Sort {
            column,
            descending: again,
        })
    };
    state.panes.entry(kind).or_default().sort = next;
    state.unsettled = true;
}

/// Asks again what the active pane shows.
pub fn refresh(state: &mut State) -> Vec<Effect> {
    let kinds: &[Kind] = if state.active() == Kind::Regions {
        Kind::ALL
    } else {
        &[state.active()]
    };
    for &kind in kinds {
        state.schedule.refresh(kind, state.now);
    }
    state.notice = Some(Notice {
        text: "asked again".to_owned(),
        failed: false,
    });
    state.ask_due()
}

/// Copies what a word names: of the row that is selected or shown, or of the plan or run that is looked at.
pub fn copy(state: &mut State, what: &str) -> Vec<Effect> {
    match text_of(state, what) {
        Ok(text) => vec![Effect::Copy(text)],
        Err(why) => {
            fail(state, why);
            Vec::new()
        }
    }
}

fn text_of(state: &State, what: &str) -> Result<String, String> {
    let page = match &state.screen {
        Screen::Page(page, _) => Some(*page),
        Screen::Home | Screen::Zoom(_) | Screen::Detail(..) => None,
    };
    let row = || {
        let id = state.selected();
        id.ok_or_else(|| "there is no row to copy".to_owned())
    };
    match (what, page) {
        ("" | "command", Some(_)) | ("command", None) => commands(state),
        ("" | "name", _) => Ok(row()?.key),
        ("arn", _) => {
            let id = row()?;
            let arn = state.arn(&id);
            arn.ok_or_else(|| format!("no ARN is known of {}", id.key))
        }
        ("row", _) => {
            let id = row()?;
            let shown = shown::find(state.shown(), &id)
                .and_then(|row| shown::show(state.shown(), id.kind, &row));
            let shown = shown.ok_or("this row is no longer listed")?;
            let cells: Vec<&str> = shown.cells.iter().map(|cell| cell.text.as_str()).collect();
            Ok(format!(
                "{}\t{}\t{}",
                shown.judgement.severity.word(),
                id.place,
                cells.join("\t")
            ))
        }
        (other, _) => Err(format!(
            "`copy` takes arn, row or command, or nothing for the name, not `{other}`"
        )),
    }
}

/// The commands that do by hand what the step of the run does that is in hand, or what the whole plan does.
fn commands(state: &State) -> Result<String, String> {
    let conduct = &state.conduct;
    let changes: Vec<&Change> = match (&state.screen, conduct.shown(), &conduct.draft) {
        (Screen::Page(Page::Run, _), Some(run), _) | (_, Some(run), None) => {
            run.change().into_iter().collect()
        }
        (_, _, Some(draft)) => draft.plan.changes().collect(),
        (_, None, None) => return Err("there is no plan and no run to copy from".to_owned()),
    };
    let lines: Vec<String> = changes.into_iter().flat_map(Alter::commands).collect();
    if lines.is_empty() {
        return Err("this step only waits: there is nothing to do by hand".to_owned());
    }
    Ok(lines.join("\n"))
}

/// Writes what is on the screen to a file.
pub fn export(state: &mut State, argument: &str) -> Vec<Effect> {
    let form = Picture::ALL.iter().find(|form| form.name() == argument);
    if let Some(form) = form {
        return vec![Effect::Picture(*form)];
    }
    match Format::ALL
        .iter()
        .find(|format| format.name() == argument && **format != Format::Table)
    {
        Some(format) => vec![Effect::Export(state.active(), *format)],
        None => {
            let text = format!("`export` takes md, csv, json, svg or ansi, not `{argument}`");
            fail(state, text);
            Vec::new()
        }
    }
}
