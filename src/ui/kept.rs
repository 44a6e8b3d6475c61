//! What panes have drawn, kept from frame to frame: a key that moves the cursor changes no row. Owns when it may be shown again; draws nothing.

use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
};

use crate::{
    config::theme::Theme,
    resources::Kind,
    state::{Look, State},
};

/// Rows of panes as they were last drawn, without the selection.
#[derive(Debug, Default)]
pub struct Kept {
    of: Option<Of>,
    bodies: Vec<Body>,
}

/// What everything that is kept was drawn from. Rows and their order change only when the state settles.
#[derive(Debug, Clone, PartialEq)]
struct Of {
    settled: u64,
    theme: Theme,
    look: Look,
}

#[derive(Debug)]
struct Body {
    kind: Kind,
    area: Rect,
    first: usize,
    named: u16,
    cells: Vec<Cell>,
}

impl Kept {
    /// Forgets what no longer holds.
    pub(super) fn renew(&mut self, state: &State, theme: &Theme) {
        let same = self.of.as_ref().is_some_and(|of| {
            (of.settled, of.look) == (state.settled, state.look) && of.theme == *theme
        });
        if !same {
            self.bodies.clear();
            self.of = Some(Of {
                settled: state.settled,
                theme: theme.clone(),
                look: state.look,
            });
        }
    }

    /// Draws the rows of a pane from the `first` on as they were, where they were; tells how many cells of each lead to the end of its name.
    pub(super) fn again(
        &self,
        buffer: &mut Buffer,
        kind: Kind,
        area: Rect,
        first: usize,
    ) -> Option<u16> {
        let same = |body: &&Body| {
            let whole = area.intersection(buffer.area) == area;
            whole && (body.kind, body.area, body.first) == (kind, area, first)
        };
        let body = self.bodies.iter().find(same)?;
        let width = usize::from(area.width);
        for (y, line) in area.rows().zip(body.cells.chunks(width.max(1))) {
            let from = buffer.index_of(y.x, y.y);
            buffer.content[from..from + width].clone_from_slice(line);
        }
        Some(body.named)
    }

    /// Keeps what has been drawn.
    pub(super) fn keep(
        &mut self,
        buffer: &Buffer,
        kind: Kind,
        area: Rect,
        first: usize,
        named: u16,
    ) {
        if area.intersection(buffer.area) != area {
            return;
        }
        let width = usize::from(area.width);
        let lines = area.rows().flat_map(|line| {
            let from = buffer.index_of(line.x, line.y);
            &buffer.content[from..from + width]
        });
        let cells = lines.cloned().collect();
        self.bodies
            .retain(|body| body.kind != kind || body.area != area);
        self.bodies.push(Body {
            kind,
            area,
            first,
            named,
            cells,
        });
    }
}
