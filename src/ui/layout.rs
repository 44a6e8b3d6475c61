//! Where things are on the screen: a pure function of its size. A leaf: `state` asks it too, to know which pane lies to the right and how many rows a page has.

use ratatui::layout::Rect;

use crate::{
    facts::Facts,
    resources::{Fleet, Kind},
};

/// Below this many columns or rows there is one status line instead of a broken frame.
pub const SMALLEST: (u16, u16) = (60, 15);

/// What the layout needs to know besides the size of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// Rows of the region table.
    pub regions: usize,
    /// Whether there are levers to show.
    pub levers: bool,
    /// Runs in hand to show.
    pub runs: usize,
    /// Contradictions and reminders to show.
    pub contradictions: usize,
    /// Whether a newcomer is being shown around.
    pub tour: bool,
}

impl Needs {
    /// What the layout of a fleet needs to know.
    pub fn of(fleet: &Fleet, facts: &Facts) -> Self {
        Self {
            regions: fleet.estate.regions.len(),
            levers: !facts.levers.is_empty(),
            runs: facts.runs.len(),
            contradictions: facts.contradictions.len() + facts.reminders.len(),
            tour: false,
        }
    }
}

/// The parts of the screen. A part without room is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// The top line.
    pub top: Rect,
    /// One line for each run in hand that fits.
    pub runs: Rect,
    /// One line for each contradiction that fits.
    pub contradictions: Rect,
    /// The lever row.
    pub levers: Rect,
    /// Everything between the lines above and below.
    pub body: Rect,
    /// What a newcomer is told.
    pub tour: Rect,
    /// Notice, or why the selected row is in its state.
    pub status: Rect,
    /// Key hints, or the line being typed.
    pub hints: Rect,
    /// The panes of the home screen within the body, in reading order.
    pub panes: Vec<(Kind, Rect)>,
}

/// A direction on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // four directions
pub enum Direction {
    Left,
    Right,
    Up,
    Down,
}

/// A part of a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// Its title line.
    Title,
    /// The heading of its columns.
    Heading,
    /// A row, counted from the first one shown.
    Row(usize),
}

/// Which pane lies under a column and row, and what of it, with the rows that it shows at once.
pub fn under(panes: &[(Kind, Rect)], (column, row): (u16, u16)) -> Option<(Kind, Spot, usize)> {
    let inside = |area: &Rect| area.contains((column, row).into());
    let (kind, area) = panes.iter().find(|(_, area)| inside(area))?;
    let rows = rows_in(*area);
    let top = area.bottom().saturating_sub(rows as u16);
    let spot = match row.checked_sub(top) {
        Some(below) => Spot::Row(usize::from(below)),
        None if row == area.y => Spot::Title,
        None => Spot::Heading,
    };
    Some((*kind, spot, rows))
}

/// Whether the screen is too small for a frame.
pub fn too_small(size: (u16, u16)) -> bool {
    size.0 < SMALLEST.0 || size.1 < SMALLEST.1
}

/// The layout of a screen of this many columns and rows.
pub fn of(size: (u16, u16), needs: Needs) -> Layout {
    let (width, height) = size;
    if too_small(size) {
        return Layout {
            top: Rect::new(0, 0, width, height.min(1)),
            ..Layout::default()
        };
    }
    let roomy = height >= 18;
    let most = if height >= 30 { 3 } else { 1 };
    let mut y = 0;
    let mut line = |rows: u16| {
        let rect = Rect::new(0, y, width, rows);
        y += rows;
        rect
    };
    let top = line(1);
    let runs = line(needs.runs.min(if height >= 24 { most + 1 } else { 1 }) as u16);
    // What is in hand comes first where there is room for one line only.
    let room = if height < 24 && runs.height > 0 {
        0
    } else {
        most
    };
    let contradictions = line(needs.contradictions.min(room) as u16);
    let levers = line(u16::from(needs.levers && roomy));
    let status_rows = u16::from(roomy);
    let tour_rows = match (needs.tour, roomy) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    };
    let above = 1 + runs.height + contradictions.height + levers.height;
    let body = line(height - above - tour_rows - status_rows - 1);
    let tour = line(tour_rows);
    let status = line(status_rows);
    let hints = line(1);
    Layout {
        top,
        runs,
        contradictions,
        levers,
        body,
        tour,
        status,
        hints,
        panes: home(body, needs.regions),
    }
}

/// Panes side by side, with their parts of the width.
type Row = &'static [(Kind, u16)];

/// The region table across the top, and the other panes in rows below it. What is wide stands side by side; what is high shows more kinds.
fn home(body: Rect, regions: usize) -> Vec<(Kind, Rect)> {
    use Kind::{Alarms, Caches, Clusters, Databases, Deployments, Traffic};
    const SMALL: &[Row] = &[&[(Databases, 1), (Caches, 1)], &[(Traffic, 1)]];
    const LARGE: &[Row] = &[
        &[(Databases, 1), (Caches, 1)],
        &[(Traffic, 1), (Alarms, 1)],
        &[(Deployments, 1), (Clusters, 1)],
    ];
    const WIDE: &[Row] = &[
        &[(Databases, 1), (Caches, 1), (Deployments, 1)],
        &[(Traffic, 2), (Alarms, 1)],
    ];
    const WIDE_AND_LOW: &[Row] = &[&[(Databases, 1), (Caches, 1), (Traffic, 1)]];
    let rows = match (body.width >= 160, body.height) {
        (true, ..24) => WIDE_AND_LOW,
        (true, 24..44) => WIDE,
        (false, ..30) => SMALL,
        (false, 30..48) => &LARGE[..2],
        (true, 44..) | (false, 48..) => LARGE,
    };
    let count = rows.len() as u16;
    // Title, heading and at least a few rows for each pane below, before the region table takes the rest.
    let least = (body.height / 6).clamp(if body.height >= 15 { 5 } else { 4 }, 8);
    let wanted = u16::try_from(regions.max(1) + 2).unwrap_or(u16::MAX);
    let table = wanted.clamp(4, body.height.saturating_sub(count * least).max(4));
    let mut panes = vec![(
        Kind::Regions,
        Rect {
            height: table,
            ..body
        },
    )];
    let mut y = body.y + table;
    for (index, row) in rows.iter().enumerate() {
        let height = (body.bottom() - y) / (count - index as u16);
        panes.extend(side_by_side(Rect::new(body.x, y, body.width, height), row));
        y += height;
    }
    panes
}

fn side_by_side(area: Rect, kinds: &[(Kind, u16)]) -> impl Iterator<Item = (Kind, Rect)> {
    let total: u16 = kinds.iter().map(|(_, part)| part).sum();
    let gaps = kinds.len() as u16 - 1;
    let room = area.width.saturating_sub(gaps);
    let mut before = 0;
    let mut panes = Vec::with_capacity(kinds.len());
    for (index, (kind, part)) in kinds.iter().enumerate() {
        let start = room * before / total;
        before += part;
        let end = room * before / total;
        panes.push((
            *kind,
            Rect::new(
                area.x + start + index as u16,
                area.y,
                end - start,
                area.height,
            ),
        ));
    }
    panes.into_iter()
}

/// Whether a pane of this area has a heading above its rows.
pub fn has_heading(area: Rect) -> bool {
    area.height >= 4
}

/// The rows that a pane of this area shows at once.
pub fn rows_in(area: Rect) -> usize {
    usize::from(
        area.height
            .saturating_sub(if has_heading(area) { 2 } else { 1 }),
    )
}

/// The first row shown, so that the cursor is in sight. By pages: a cursor move inside a page moves no row, which keeps its bytes few.
pub fn first_row(count: usize, cursor: usize, rows: usize) -> usize {
    if rows == 0 || count <= rows {
        return 0;
    }
    let page = cursor.min(count - 1) / rows * rows;
    page.min(count - rows)
}

/// The pane that lies in a direction: the nearest that shares a column or row of cells with this one.
pub fn neighbour(panes: &[(Kind, Rect)], from: Kind, direction: Direction) -> Option<Kind> {
    let &(_, here) = panes.iter().find(|(kind, _)| *kind == from)?;
    let distance = |there: &Rect| match direction {
        Direction::Left => here.x.checked_sub(there.right()),
        Direction::Right => there.x.checked_sub(here.right()),
        Direction::Up => here.y.checked_sub(there.bottom()),
        Direction::Down => there.y.checked_sub(here.bottom()),
    };
    let beside = |there: &Rect| match direction {
        Direction::Left | Direction::Right => there.y < here.bottom() && here.y < there.bottom(),
        Direction::Up | Direction::Down => there.x < here.right() && here.x < there.right(),
    };
    panes
        .iter()
        .filter(|(kind, rect)| *kind != from && beside(rect))
        .filter_map(|(kind, rect)| distance(rect).map(|d| ((d, rect.x, rect.y), *kind)))
        .min_by_key(|(key, _)| *key)
        .map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(regions: usize) -> Needs {
        Needs {
            regions,
            levers: true,
            runs: regions / 2,
            contradictions: 2,
            tour: false,
        }
    }

    #[test]
    fn parts_never_overlap_and_never_leave_the_screen() {
        for width in (60..=400).step_by(7) {
            for height in 15..=200 {
                for (regions, tour) in [(0, true), (1, false), (3, true), (30, false)] {
                    let needs = Needs {
                        tour,
                        ..needs(regions)
                    };
                    let layout = of((width, height), needs);
                    let screen = Rect::new(0, 0, width, height);
                    let mut parts = vec![
                        layout.top,
                        layout.runs,
                        layout.contradictions,
                        layout.levers,
                        layout.tour,
                        layout.status,
                        layout.hints,
                    ];
                    parts.extend(layout.panes.iter().map(|(_, rect)| *rect));
                    for (i, a) in parts.iter().enumerate() {
                        assert_eq!(a.intersection(screen), *a, "{width}x{height}");
                        assert!(
                            parts[i + 1..].iter().all(|b| !a.intersects(*b)),
                            "{width}x{height} {parts:?}"
                        );
                    }
                    for kind in [Kind::Regions, Kind::Databases, Kind::Caches, Kind::Traffic] {
                        let pane = layout.panes.iter().find(|(k, _)| *k == kind);
                        assert!(
                            pane.is_some_and(|(_, rect)| rows_in(*rect) >= 2),
                            "{kind:?} at {width}x{height}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_cursor_is_always_in_sight() {
        for count in 0..40 {
            for rows in 0..12 {
                for cursor in 0..count {
                    let first = first_row(count, cursor, rows);
                    assert!(
                        rows == 0 || (first..first + rows).contains(&cursor),
                        "{count} {rows} {cursor}"
                    );
                }
            }
        }
    }

    #[test]
    fn neighbours_lie_where_they_are_seen() {
        let panes = of((80, 24), needs(3)).panes;
        let go = |from, direction| neighbour(&panes, from, direction);
        assert_eq!(go(Kind::Regions, Direction::Down), Some(Kind::Databases));
        assert_eq!(go(Kind::Databases, Direction::Right), Some(Kind::Caches));
        assert_eq!(go(Kind::Caches, Direction::Down), Some(Kind::Traffic));
        assert_eq!(go(Kind::Traffic, Direction::Up), Some(Kind::Databases));
        assert_eq!(go(Kind::Regions, Direction::Left), None);
    }
}
