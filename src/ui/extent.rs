//! How far what is in front can be scrolled, and how many rows a page has. A leaf that `state` asks, so that its positions never run past what is drawn.

use super::{detail, dialog, layout, pages};
use crate::state::{Dialog, Page, Screen, State};

/// The last position to which the topmost dialog, or else the detail, can be scrolled.
pub fn last_scroll(state: &State) -> usize {
    let (width, height) = state.size;
    let (lines, rows) = match state.dialogs.last() {
        Some(dialog @ (Dialog::Help { .. } | Dialog::Text { .. })) => (
            dialog::lines(state, dialog, state.size).len(),
            dialog::rows(dialog, height),
        ),
        Some(
            Dialog::Palette { .. }
            | Dialog::Filter { .. }
            | Dialog::Confirm { .. }
            | Dialog::Override { .. }
            | Dialog::WhatNow { .. }
            | Dialog::Stop { .. },
        )
        | None => match &state.screen {
            Screen::Detail(id, _) => (
                detail::lines(state, id, width).len(),
                usize::from(body(state).height.saturating_sub(1)),
            ),
            // Its position is a cursor over the runs.
            Screen::Page(Page::Runs, _) => {
                return state.conduct.listed().len().saturating_sub(1);
            }
            Screen::Page(page, _) => (
                pages::lines(state, *page, width.saturating_sub(2)).len(),
                usize::from(body(state).height.saturating_sub(2)),
            ),
            Screen::Home | Screen::Zoom(_) => (0, 0),
        },
    };
    lines.saturating_sub(rows)
}

/// The rows that the active pane, the detail or the topmost dialog shows at once.
pub fn page(state: &State) -> usize {
    match (state.dialogs.last(), &state.screen) {
        (Some(dialog @ (Dialog::Help { .. } | Dialog::Text { .. })), _) => {
            dialog::rows(dialog, state.size.1)
        }
        (_, Screen::Detail(..) | Screen::Page(..)) => {
            usize::from(body(state).height.saturating_sub(1))
        }
        (_, Screen::Zoom(_)) => layout::rows_in(body(state)),
        (_, Screen::Home) => {
            let panes = whole(state).panes;
            let area = panes.into_iter().find(|(kind, _)| *kind == state.focus);
            area.map_or(1, |(_, area)| layout::rows_in(area))
        }
    }
}

fn whole(state: &State) -> layout::Layout {
    layout::of(state.size, state.needs(&state.facts))
}

fn body(state: &State) -> ratatui::layout::Rect {
    whole(state).body
}
