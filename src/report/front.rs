//! What is in front, as text: for the pager and for export. Owns which forms each page has; a pane has all of them.

use super::{PlanFile, journal, pane, plan, pretty};
use crate::{
    effect::Format,
    resources::{Kind, shown},
    state::{Page, Screen, State},
    ui,
};

/// What is in front, to be read: the topmost text, a detail, a page, or else the active pane.
pub fn front(state: &State) -> String {
    match ui::plain(state) {
        Some((title, text)) => format!("{title}\n\n{text}"),
        None => pane(state, state.active(), Format::Table),
    }
}

/// What is in front in a form, with a name for it. What has no rows has no table of them either.
pub fn in_front(
    state: &State,
    kind: Kind,
    format: Format,
) -> Result<(&'static str, String), String> {
    let page = match &state.screen {
        Screen::Home | Screen::Zoom(_) => return Ok((kind.name(), pane(state, kind, format))),
        Screen::Detail(id, _) => {
            if format == Format::Json {
                let row = shown::find(state.shown(), id);
                let value = row.and_then(|row| shown::json(state.shown(), id.kind, &row));
                let value = value.ok_or("this row is no longer listed")?;
                return Ok((
                    id.kind.name(),
                    pretty(&super::json::shown(value, state.look)),
                ));
            }
            return markdown(state, format).map(|text| (id.kind.name(), text));
        }
        Screen::Page(page, _) => *page,
    };
    let name = page.name();
    let text = match (page, format, &state.conduct.draft) {
        (Page::Plan, Format::Json, Some(_)) if state.look.privacy => {
            let text = "a plan file names accounts and ARNs, or nobody could apply it: `:privacy off` first";
            return Err(text.to_owned());
        }
        (Page::Plan, Format::Json, Some(draft)) => {
            PlanFile::new(draft.plan.clone(), draft.guards.clone()).json()
        }
        (Page::Plan, Format::Table, Some(draft)) => plan::text(
            &PlanFile::new(draft.plan.clone(), draft.guards.clone()),
            state.look,
        ),
        (Page::Runs, ..) => journal::runs(&state.conduct.ledger, format, state.look),
        (Page::Plan | Page::Run | Page::Journal, ..) => markdown(state, format)?,
    };
    Ok((name, text))
}

/// A page as Markdown: its lines stand as they do on the screen.
fn markdown(state: &State, format: Format) -> Result<String, String> {
    match (format, ui::plain(state)) {
        (Format::Markdown | Format::Table, Some((title, text))) => {
            Ok(format!("# {title}\n\n```\n{text}```\n"))
        }
        (Format::Csv | Format::Json, _) | (_, None) => Err(format!(
            "this page has no rows, so no {}; md, svg and ansi it has",
            format.name()
        )),
    }
}
