//! A pane: title, heading, and the rows that fit. Only visible rows are formatted, and nothing is sorted here: the order comes with the state.

use ratatui::layout::Rect;

use super::{
    canvas::Canvas,
    chrome::severity_role,
    columns::{Content, GAP, Slot},
    kept::Kept,
    layout, slots, text, title,
};
use crate::{
    config::theme::Role,
    glyph::Mark,
    resources::{
        Fleet, Freshness, Kind, Severity,
        cell::{Align, Cell, Cut, ShownRow},
        shown,
    },
    state::{Pane, State},
};

/// Below this width the region table, which has the most columns, saves what it can.
const TIGHT: u16 = 90;

/// Cells of the state in a pane so wide: `▲ WARN~`, or `▲WARN~`. A region is a roll-up, which is never merely old.
fn state_width(kind: Kind, width: u16) -> u16 {
    match kind {
        Kind::Regions if width < TIGHT => 5,
        _ if width < 60 => 6,
        _ => 7,
    }
}

/// Cells before the first column: the selection marker, the state, and the air behind it.
fn lead(kind: Kind, width: u16) -> u16 {
    let tight = width < 60 || (kind == Kind::Regions && width < TIGHT);
    1 + state_width(kind, width) + if tight { 1 } else { GAP }
}

/// Draws a pane.
pub fn draw(
    canvas: &mut Canvas<'_>,
    state: &State,
    kind: Kind,
    area: Rect,
    focused: bool,
    kept: &mut Kept,
) {
    let empty = Pane::default();
    let pane = state.pane(kind).unwrap_or(&empty);
    let rows = layout::rows_in(area);
    let first = layout::first_row(pane.order.len(), pane.cursor, rows);
    title::draw(canvas, state, kind, pane, area, focused);
    let body = Rect::new(
        area.x,
        area.bottom() - rows.min(usize::from(area.height)) as u16,
        area.width,
        rows as u16,
    );
    if pane.order.is_empty() {
        title::nothing(canvas, state, kind, pane, body);
        return;
    }
    let below = Rect::new(
        area.x,
        area.y + 1,
        area.width,
        area.height.saturating_sub(1),
    );
    let again = kept.again(canvas.buffer_mut(), kind, below, first);
    let named = again.unwrap_or_else(|| {
        let named = draw_rows(canvas, state.shown(), (kind, pane), area, body, first);
        kept.keep(canvas.buffer_mut(), kind, below, first, named);
        named
    });
    let selected = pane.cursor.wrapping_sub(first);
    if focused && selected < rows {
        // Up to the name by which it is found: over a slow line a whole row, painted twice for each move, is most of what is sent.
        let y = body.y + selected as u16;
        canvas.paint(Rect::new(body.x, y, named, 1), Role::Selection);
        let marker = if canvas.look.ascii { ">" } else { "▌" };
        canvas.put(body.x, y, marker, 1, Role::Selection);
    }
}

/// Draws the heading and the rows that fit; tells how many cells of a row lead to the end of its name.
fn draw_rows(
    canvas: &mut Canvas<'_>,
    fleet: &Fleet,
    (kind, pane): (Kind, &Pane),
    area: Rect,
    body: Rect,
    first: usize,
) -> u16 {
    let end = (first + usize::from(body.height)).min(pane.order.len());
    let mut shown: Vec<Option<ShownRow>> = pane.order[first..end]
        .iter()
        .map(|row| shown::show(fleet, kind, row))
        .collect();
    let room = area.width.saturating_sub(lead(kind, area.width));
    let fitted = slots::arrange(kind, fleet, &mut shown, canvas, area.width, room);
    let slots = slots::with_reasons(fitted, &shown, room);
    if layout::has_heading(area) {
        heading(
            canvas,
            (kind, pane),
            &slots,
            Rect::new(area.x, area.y + 1, area.width, 1),
        );
    }
    let place = slots
        .iter()
        .find(|(slot, _)| slot.content == Content::Place);
    let places = place.map_or(Vec::new(), |(_, width)| {
        slots::places(&shown, usize::from(*width), canvas)
    });
    for (index, row) in shown.iter().enumerate() {
        let line = Rect::new(body.x, body.y + index as u16, body.width, 1);
        if let Some(row) = row {
            let place = places.get(index).map_or("", String::as_str);
            draw_row(canvas, row, place, &slots, line);
        }
    }
    named(kind, &slots, area.width)
}

/// Cells of a row up to the end of its name.
fn named(kind: Kind, slots: &[(Slot, u16)], width: u16) -> u16 {
    let name = slots
        .iter()
        .position(|(slot, _)| matches!(slot.content, Content::Cell(0)))
        .unwrap_or(0);
    let cells = slots.iter().take(name + 1).map(|(_, width)| width + GAP);
    (lead(kind, width) + cells.sum::<u16>()).min(width)
}

/// The mark of a row.
pub fn mark(row: &ShownRow) -> Mark {
    if row.id.kind == Kind::Regions {
        Mark::of_roll_up(row.judgement.severity, row.asked)
    } else {
        Mark::of(row.judgement.severity, row.freshness)
    }
}

/// Why a row is in its state: its mark, its name where the reasons do not begin with it, and the reasons, worst first.
pub struct Why {
    /// Its mark.
    pub mark: Mark,
    /// Whose state it is.
    pub name: String,
    /// At least one.
    pub reasons: Vec<String>,
}

/// Why the selected row of a pane is in its state; `None` when there is nothing to say.
pub fn why(fleet: &Fleet, kind: Kind, pane: &Pane) -> Option<Why> {
    let row = shown::show(fleet, kind, pane.order.get(pane.cursor)?)?;
    let name = row.cells.first().map_or("", |cell| cell.text.as_str());
    let reasons: Vec<String> = match &row.region {
        Some(label) if kind == Kind::Regions => fleet
            .rollup(label)
            .reasons
            .iter()
            .map(|reason| reason.reason.clone())
            .collect(),
        Some(_) | None if row.judgement.reason.is_empty() => Vec::new(),
        Some(_) | None => vec![row.judgement.reason.clone()],
    };
    let first = reasons.first()?;
    let told = first.starts_with(name);
    Some(Why {
        mark: mark(&row),
        name: if told { String::new() } else { name.to_owned() },
        reasons,
    })
}

fn heading(
    canvas: &mut Canvas<'_>,
    (kind, pane): (Kind, &Pane),
    slots: &[(Slot, u16)],
    line: Rect,
) {
    canvas.put(line.x + 1, line.y, "state", 5, Role::Muted);
    let mut x = line.x + lead(kind, line.width);
    for (slot, width) in slots {
        let arrow = pane
            .sort
            .filter(|sort| slot.content == Content::Cell(sort.column))
            .map(|sort| match (sort.descending, canvas.look.ascii) {
                (true, false) => "▾",
                (true, true) => "v",
                (false, false) => "▴",
                (false, true) => "^",
            });
        let role = if arrow.is_some() {
            Role::Title
        } else {
            Role::Muted
        };
        let arrow = arrow.unwrap_or_default();
        // A heading may reach into the air beside its column.
        let (from, reach) = match slot.align {
            Align::Left if slot.title.len() > usize::from(*width) => {
                (x, (width + 1).min(line.right().saturating_sub(x)))
            }
            Align::Right if slot.title.len() > usize::from(*width) => {
                (x.saturating_sub(1), width + 1)
            }
            Align::Left | Align::Right => (x, *width),
        };
        let room = reach.saturating_sub(u16::from(!arrow.is_empty()));
        let title = text::cut(slot.title, usize::from(room), canvas.look.ascii);
        let title = format!("{title}{arrow}");
        aligned(
            canvas,
            (from, line.y),
            &title,
            reach,
            (slot.align, Cut::End),
            role,
        );
        x += width + GAP;
    }
}

fn draw_row(
    canvas: &mut Canvas<'_>,
    row: &ShownRow,
    place: &str,
    slots: &[(Slot, u16)],
    line: Rect,
) {
    let mark = mark(row);
    let kind = row.id.kind;
    canvas.mark(line.x + 1, line.y, mark, state_width(kind, line.width));
    let mut x = line.x + lead(kind, line.width);
    for (slot, width) in slots {
        // Only what must stay is drawn beyond the edge, and the edge cuts it.
        let width = (*width).min(line.right().saturating_sub(x));
        match slot.content {
            Content::Place => {
                canvas.put(x, line.y, place, width, name_role(row.freshness));
            }
            Content::Why => {
                canvas.say(x, line.y, &row.judgement.reason, width, Role::Muted);
            }
            Content::Cell(index) => {
                if let Some(cell) = row.cells.get(index) {
                    draw_cell(canvas, row, cell, slot, (x, line.y), width);
                }
            }
        }
        x += width + GAP;
    }
}

/// A name does not age: it is how the row is found. Only its colour does.
fn name_role(freshness: Freshness) -> Role {
    match freshness {
        Freshness::Fresh | Freshness::Never => Role::Text,
        Freshness::Stale | Freshness::Expired => Role::Stale,
    }
}

/// The freshness of a cell. A roll-up has none of its own: its cells say theirs.
pub fn freshness(row: &ShownRow, cell: &Cell) -> Freshness {
    cell.freshness.unwrap_or(if row.id.kind == Kind::Regions {
        Freshness::Fresh
    } else {
        row.freshness
    })
}

/// How a cell is shown: the sign before it, its text, its role.
pub fn appearance(cell: &Cell, freshness: Freshness, ascii: bool) -> (&'static str, &str, Role) {
    match (cell.text.as_str(), freshness, cell.severity) {
        (text @ "-", _, _) => ("", text, Role::Muted),
        (_, Freshness::Never, Severity::Ok | Severity::Unknown) => {
            ("", if ascii { ".." } else { "…" }, Role::Muted)
        }
        (_, Freshness::Expired, _) | ("?", _, _) => ("", "?", Role::Unknown),
        (text, Freshness::Stale, _) => ("~", text, Role::Stale),
        (text, Freshness::Fresh | Freshness::Never, severity) => {
            let sign = match severity {
                Severity::Warn | Severity::Bad => "!",
                Severity::Ok | Severity::Unknown => "",
            };
            (sign, text, severity_role(severity))
        }
    }
}

fn draw_cell(
    canvas: &mut Canvas<'_>,
    row: &ShownRow,
    cell: &Cell,
    slot: &Slot,
    (x, y): (u16, u16),
    width: u16,
) {
    let freshness = freshness(row, cell);
    let name = matches!(slot.content, Content::Cell(0)) || slot.cut == Cut::Middle;
    let (sign, text, role) = match cell.text.as_str() {
        text if name && !matches!(text, "-" | "?") => ("", text, name_role(freshness)),
        _ => appearance(cell, freshness, canvas.look.ascii),
    };
    let start = aligned(canvas, (x, y), text, width, (slot.align, slot.cut), role);
    if let (Some(before), false) = (start.checked_sub(1), sign.is_empty()) {
        canvas.put(before, y, sign, 1, role);
    }
}

fn aligned(
    canvas: &mut Canvas<'_>,
    (x, y): (u16, u16),
    text: &str,
    width: u16,
    (align, cut): (Align, Cut),
    role: Role,
) -> u16 {
    match (align, cut) {
        (Align::Left, Cut::Middle) => {
            canvas.put(x, y, text, width, role);
            x
        }
        (Align::Left, Cut::End) => {
            canvas.say(x, y, text, width, role);
            x
        }
        (Align::Right, _) => canvas.put_right(x, x + width, y, text, role),
    }
}
