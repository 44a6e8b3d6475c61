//! Which columns of a kind could stand on the screen, and the room that the visible rows would fill. Owns when a word is worth showing; `columns` divides the width.

use std::borrow::Cow;

use super::{
    canvas::Canvas,
    columns::{Content, GAP, Slot},
    text,
};
use crate::resources::{
    Kind,
    cell::{Align, ShownRow},
    shown,
};

/// Words up to this long are shown whole or not at all: `pr…ry` tells less than a column less.
const WORD: u16 = 12;

/// The longest name of an AWS Region that is usual: `ap-southeast-2`.
const REGION: u16 = 14;

/// Whether a column names the region of a row.
pub fn is_region(title: &str) -> bool {
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
pub fn of(kind: Kind, rows: &[Option<ShownRow>], canvas: &Canvas<'_>, width: u16) -> Vec<Slot> {
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
            _ if word => wanted,
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
pub fn with_reasons(
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

/// Where a row was listed.
pub fn place(row: &ShownRow) -> Cow<'_, str> {
    match &row.region {
        Some(label) => Cow::Borrowed(label.as_str()),
        None => Cow::Owned(row.id.place.to_string()),
    }
}
