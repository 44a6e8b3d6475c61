//! A pane: title, heading, and the rows that fit. Only visible rows are formatted, and nothing is sorted here: the order comes with the state.

use std::borrow::Cow;

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, role_of},
    chrome::severity_role,
    columns::{Content, GAP, Slot, fit},
    layout, text, title,
};
use crate::{
    config::theme::Role,
    glyph::Mark,
    resources::{
        Fleet, Freshness, Kind, Severity,
        cell::{Align, Cell, ShownRow},
        shown,
    },
    state::{Pane, State},
};

/// Cells of the state in a pane so wide: `▲ WARN~`, or `▲WARN~`.
fn state_width(width: u16) -> u16 {
    if width < 60 { 6 } else { 7 }
}

/// Cells before the first column: the selection marker, the state, and the air behind it.
fn lead(width: u16) -> u16 {
    1 + state_width(width) + if width < 60 { 1 } else { GAP }
}

/// Words up to this long are shown whole or not at all: `pr…ry` tells less than a column less.
const WORD: u16 = 12;

/// The longest name of an AWS Region that is usual: `ap-southeast-2`.
const REGION: u16 = 14;

/// Draws a pane.
pub fn draw(canvas: &mut Canvas<'_>, state: &State, kind: Kind, area: Rect, focused: bool) {
    let empty = Pane::default();
    let pane = state.pane(kind).unwrap_or(&empty);
    let fleet = state.shown();
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
    let end = (first + rows).min(pane.order.len());
    let shown: Vec<Option<ShownRow>> = pane.order[first..end]
        .iter()
        .map(|row| shown::show(fleet, kind, row))
        .collect();
    let room = area.width.saturating_sub(lead(area.width));
    let slots = with_reasons(
        fit(slots(kind, &shown, canvas, area.width), room),
        &shown,
        room,
    );
    if layout::has_heading(area) {
        heading(
            canvas,
            pane,
            &slots,
            Rect::new(area.x, area.y + 1, area.width, 1),
        );
    }
    for (index, row) in shown.iter().enumerate() {
        let line = Rect::new(body.x, body.y + index as u16, body.width, 1);
        let selected = first + index == pane.cursor;
        if let Some(row) = row {
            draw_row(canvas, row, &slots, line);
        }
        if selected && focused {
            canvas.paint(line, Role::Selection);
            let marker = if canvas.look.ascii { ">" } else { "▌" };
            canvas.put(line.x, line.y, marker, 1, Role::Selection);
        }
    }
}

/// The mark of a row.
pub fn mark(row: &ShownRow) -> Mark {
    if row.id.kind == Kind::Regions {
        Mark::of_roll_up(row.judgement.severity, row.freshness)
    } else {
        Mark::of(row.judgement.severity, row.freshness)
    }
}

/// Why the selected row of a pane is in its state, for the status line.
pub fn why(fleet: &Fleet, kind: Kind, pane: &Pane) -> Option<(Mark, String)> {
    let row = shown::show(fleet, kind, pane.order.get(pane.cursor)?)?;
    let mark = mark(&row);
    let name = row.cells.first().map_or("", |cell| cell.text.as_str());
    match row.judgement.reason.as_str() {
        "" => None,
        reason if reason.starts_with(name) => Some((mark, reason.to_owned())),
        reason => Some((mark, format!("{name}: {reason}"))),
    }
}

/// Whether a column names the region of a row.
fn is_region(title: &str) -> bool {
    title == "region"
}

/// The cells that the regions of these rows need when they are abbreviated.
fn abbreviated<'a>(rows: impl Iterator<Item = &'a ShownRow>, index: usize) -> u16 {
    rows.filter_map(|row| row.cells.get(index))
        .map(|cell| text::width(&text::region(&cell.text, 6, true)))
        .max()
        .unwrap_or(6) as u16
}

/// Every slot that the kind could show, with the room that the visible rows would fill.
fn slots(kind: Kind, rows: &[Option<ShownRow>], canvas: &Canvas<'_>, width: u16) -> Vec<Slot> {
    let rows = || rows.iter().flatten();
    let measure = |text: &str| text::width(&text::safe(text, canvas.look)) as u16;
    let columns = shown::columns(kind);
    let mut slots = Vec::with_capacity(columns.len() + 2);
    for (index, column) in columns.iter().enumerate() {
        let widest = rows()
            .filter_map(|row| row.cells.get(index))
            .map(|cell| measure(&cell.text))
            .max();
        let title = column.title.len() as u16;
        let (least, most) = column.width;
        let wanted = widest.unwrap_or(0).max(title).clamp(least.min(most), most);
        let word = index > 0 && wanted <= WORD;
        let least = match index {
            // The name gets a fair part of the pane before columns that may go.
            0 => least.max(wanted.min(width / 4)),
            _ if is_region(column.title) => least.min(abbreviated(rows(), index)),
            _ if word && column.drop > 0 => wanted,
            _ => least,
        };
        slots.push(Slot {
            content: Content::Cell(index),
            title: column.title,
            align: column.align,
            // What needs less than its least width leaves the room to others.
            least: least.min(widest.unwrap_or(least).max(title)),
            wanted,
            first: word,
            drop: column.drop,
        });
    }
    let told = kind == Kind::Regions
        || columns
            .iter()
            .any(|column| ["region", "place"].contains(&column.title));
    if !told {
        let widest = rows().map(|row| measure(place(row).as_ref())).max();
        let widest = widest.unwrap_or(0).max(6);
        slots.insert(
            slots.len().min(1),
            Slot {
                content: Content::Place,
                title: "region",
                align: Align::Left,
                least: widest.min(6),
                wanted: widest.min(24),
                first: false,
                drop: 1,
            },
        );
    }
    slots
}

/// The reasons of the rows, in what room the columns leave.
fn with_reasons(
    mut fitted: Vec<(Slot, u16)>,
    rows: &[Option<ShownRow>],
    room: u16,
) -> Vec<(Slot, u16)> {
    let used = fitted.iter().map(|(_, width)| width + GAP).sum::<u16>();
    let left = room.saturating_sub(used);
    let told = rows
        .iter()
        .flatten()
        .any(|row| !row.judgement.reason.is_empty());
    if told && left >= REGION + WORD {
        let slot = Slot {
            content: Content::Why,
            title: "why",
            align: Align::Left,
            least: left,
            wanted: left,
            first: false,
            drop: 0,
        };
        fitted.push((slot, left));
    }
    fitted
}

fn place(row: &ShownRow) -> Cow<'_, str> {
    match &row.region {
        Some(label) => Cow::Borrowed(label.as_str()),
        None => Cow::Owned(row.id.place.to_string()),
    }
}

fn heading(canvas: &mut Canvas<'_>, pane: &Pane, slots: &[(Slot, u16)], line: Rect) {
    canvas.put(line.x + 1, line.y, "state", 5, Role::Muted);
    let mut x = line.x + lead(line.width);
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
        // A heading may reach into the air behind its column.
        let reach = match slot.align {
            Align::Left => (width + 1).min(line.right().saturating_sub(x)),
            Align::Right => *width,
        };
        let room = reach.saturating_sub(u16::from(!arrow.is_empty()));
        let title = text::cut(slot.title, usize::from(room), canvas.look.ascii);
        let title = format!("{title}{arrow}");
        aligned(canvas, x, line.y, &title, reach, slot.align, role);
        x += width + GAP;
    }
}

fn draw_row(canvas: &mut Canvas<'_>, row: &ShownRow, slots: &[(Slot, u16)], line: Rect) {
    let mark = mark(row);
    canvas.mark(line.x + 1, line.y, mark, state_width(line.width));
    let mut x = line.x + lead(line.width);
    for (slot, width) in slots {
        // Only what must stay is drawn beyond the edge, and the edge cuts it.
        let width = (*width).min(line.right().saturating_sub(x));
        match slot.content {
            Content::Place => {
                let role = if matches!(role_of(mark), Role::Stale) {
                    Role::Stale
                } else {
                    Role::Text
                };
                let label = place(row);
                let label = text::region(&label, usize::from(width), canvas.look.ascii);
                canvas.put(x, line.y, &label, width, role);
            }
            Content::Why => {
                canvas.say(x, line.y, &row.judgement.reason, width, Role::Muted);
            }
            Content::Cell(index) => {
                if let Some(cell) = row.cells.get(index) {
                    let shortened;
                    let cell = if is_region(slot.title) && index > 0 {
                        let label = text::region(&cell.text, usize::from(width), canvas.look.ascii);
                        shortened = Cell {
                            text: label.into_owned(),
                            ..cell.clone()
                        };
                        &shortened
                    } else {
                        cell
                    };
                    draw_cell(
                        canvas,
                        row,
                        cell,
                        index == 0 || is_region(slot.title),
                        (x, line.y),
                        width,
                        slot.align,
                    );
                }
            }
        }
        x += width + GAP;
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
    name: bool,
    (x, y): (u16, u16),
    width: u16,
    align: Align,
) {
    let freshness = freshness(row, cell);
    let (sign, text, role) = match (name, freshness) {
        // A name does not age: it is how the row is found. Only its colour does.
        (true, Freshness::Fresh | Freshness::Never) => ("", cell.text.as_str(), Role::Text),
        (true, Freshness::Stale | Freshness::Expired) => ("", cell.text.as_str(), Role::Stale),
        (false, _) => appearance(cell, freshness, canvas.look.ascii),
    };
    let start = aligned(canvas, x, y, text, width, align, role);
    if let (Some(before), false) = (start.checked_sub(1), sign.is_empty()) {
        canvas.put(before, y, sign, 1, role);
    }
}

fn aligned(
    canvas: &mut Canvas<'_>,
    x: u16,
    y: u16,
    text: &str,
    width: u16,
    align: Align,
    role: Role,
) -> u16 {
    match align {
        Align::Left => {
            canvas.put(x, y, text, width, role);
            x
        }
        Align::Right => canvas.put_right(x, x + width, y, text, role),
    }
}
