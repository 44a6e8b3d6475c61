//! The pages of plans and runs: the plan that is looked at, the run in hand, the runs of the journal, the journal. Owns which page is which; each says its lines in a file of its own.

use ratatui::layout::Rect;

use super::{
    canvas::Canvas,
    paragraph::{self, Line, Part},
};
use crate::{
    config::theme::Role,
    state::{Page, State},
};

/// The lines of a page on so many columns.
pub fn lines(state: &State, page: Page, _width: u16) -> Vec<Line> {
    let text = |text: String| vec![Part::text(0, &text, Role::Text)];
    match page {
        Page::Plan => state
            .conduct
            .draft
            .iter()
            .map(|draft| text(draft.plan.title.clone()))
            .collect(),
        Page::Run => state
            .conduct
            .run
            .iter()
            .map(|run| text(format!("{:?}", run.phase)))
            .collect(),
        Page::Runs => state
            .conduct
            .ledger
            .runs
            .iter()
            .map(|run| text(run.id.clone()))
            .collect(),
        Page::Journal => state
            .conduct
            .ledger
            .entries
            .iter()
            .map(|entry| text(format!("{:?}", entry.what)))
            .collect(),
    }
}

/// Draws a page.
pub fn draw(canvas: &mut Canvas<'_>, state: &State, page: Page, scroll: u16, area: Rect) {
    let inside = canvas.frame(area, page.title());
    let lines = lines(state, page, inside.width);
    paragraph::draw(canvas, &lines, scroll, inside, 0);
}
