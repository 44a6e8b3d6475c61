//! Which columns of a kind could stand on the screen, and the room that the visible rows would fill. Owns when a word is worth showing; `columns` divides the width.

use std::{borrow::Cow, collections::BTreeSet};

use super::{
    apart,
    canvas::Canvas,
    columns::{Content, GAP, Slot, fit},
    text,
};
use crate::resources::{
    Fleet, Kind, Place,
    cell::{Align, Cut, ShownRow},
    id::zone_prefix,
    shown,
};

/// Words up to this long are shown whole or not at all: `pr…ry` tells less than a column less.
const WORD: u16 = 12;

/// The cells of a region that is abbreviated: `apse2`, `usgw1`.
const SHORT_REGION: u16 = 6;

/// The longest name of an AWS Region that is usual: `ap-southeast-2`.
const REGION: u16 = 14;

/// Whether a column names the region of a row.
fn is_region(title: &str) -> bool {
    title == "region"
}

/// Divides the room, and shortens names and regions where they do not fit: first the region goes out of the names, for it stands beside them; then the regions themselves are abbreviated, all of a column or none.
pub fn arrange(
    kind: Kind,
    fleet: &Fleet,
    rows: &mut [Option<ShownRow>],
    canvas: &Canvas<'_>,
    width: u16,
    room: u16,
) -> Vec<(Slot, u16)> {
    let fitted = divide(kind, fleet, rows, canvas, width, room);
    for (slot, width) in &fitted {
        let name = slot.cut == Cut::Middle || slot.content == Content::Cell(0);
        if let (true, Content::Cell(index)) = (name, slot.content) {
            tell_apart(rows, index, usize::from(*width), canvas);
        }
    }
    fitted
}

/// Shortens the names of a column so that those which differ still do.
fn tell_apart(rows: &mut [Option<ShownRow>], index: usize, width: usize, canvas: &Canvas<'_>) {
    let look = canvas.look;
    let cells = || rows.iter().flatten().filter_map(|row| row.cells.get(index));
    let safe: Vec<Cow<'_, str>> = cells().map(|cell| text::safe(&cell.text, look)).collect();
    let names: Vec<&str> = safe.iter().map(AsRef::as_ref).collect();
    if !apart::needed(&names, width) {
        return;
    }
    let short = apart::apart(&names, width, look.ascii);
    let cells = rows.iter_mut().flatten();
    let cells = cells.filter_map(|row| row.cells.get_mut(index));
    for (cell, short) in cells.zip(short) {
        cell.text = short;
    }
}

/// Where the regions of these rows stand in a column of their own, so wide: shortened, so that those which differ still do.
pub fn places(rows: &[Option<ShownRow>], width: usize, canvas: &Canvas<'_>) -> Vec<String> {
    let look = canvas.look;
    let label = |row: &Option<ShownRow>| {
        let label = row.as_ref().map_or(Cow::Borrowed(""), place);
        text::safe(&label, look).into_owned()
    };
    let labels: Vec<String> = rows.iter().map(label).collect();
    let short: Vec<String> = labels
        .iter()
        .map(|label| text::region(label, width, look.ascii).into_owned())
        .collect();
    let distinct = |texts: &[String]| texts.iter().collect::<BTreeSet<_>>().len();
    if distinct(&short) == distinct(&labels) {
        return short;
    }
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    apart::apart(&labels, width, look.ascii)
}

fn divide(
    kind: Kind,
    fleet: &Fleet,
    rows: &mut [Option<ShownRow>],
    canvas: &Canvas<'_>,
    width: u16,
    room: u16,
) -> Vec<(Slot, u16)> {
    let whole = |fitted: &[(Slot, u16)]| {
        let named = |slot: &Slot| slot.cut == Cut::Middle || is_region(slot.title);
        fitted
            .iter()
            .all(|(slot, width)| !named(slot) || *width >= slot.wanted)
    };
    let fitted = fit(of(kind, rows, canvas, width), room);
    let region = shown::columns(kind)
        .iter()
        .position(|column| is_region(column.title));
    let (false, Some(region)) = (whole(&fitted), region.filter(|index| *index > 0)) else {
        return fitted;
    };
    shorten_names(kind, region, fleet, rows);
    let fitted = fit(of(kind, rows, canvas, width), room);
    if whole(&fitted) {
        return fitted;
    }
    for cell in rows
        .iter_mut()
        .flatten()
        .filter_map(|row| row.cells.get_mut(region))
    {
        // Any other label would lose what tells it apart; it is cut only where the room ends.
        if let Some(prefix) = zone_prefix(&cell.text) {
            cell.text = prefix;
        }
    }
    fit(of(kind, rows, canvas, width), room)
}

/// Takes the region, which is told in a column of its own, out of the names of rows that it does not help to tell apart, and abbreviates it in other identifiers.
fn shorten_names(kind: Kind, region: usize, fleet: &Fleet, rows: &mut [Option<ShownRow>]) {
    let columns = shown::columns(kind);
    let short = |row: &ShownRow, index: usize, with: Option<&str>| {
        let label = fleet.estate.region_named(&row.cells.get(region)?.text)?;
        let spec = fleet.estate.region(label)?;
        let names = [Some(label.as_str()), spec.aws_region.as_deref()];
        let text = row.cells.get(index)?.text.as_str();
        let mut found = names.into_iter().flatten();
        found.find_map(|name| text::replace_region(text, name, with.unwrap_or("")))
    };
    let bare: Vec<Option<String>> = rows
        .iter()
        .map(|row| row.as_ref().and_then(|row| short(row, 0, None)))
        .collect();
    let mut seen = BTreeSet::new();
    let distinct = rows.iter().zip(&bare).all(|(row, bare)| {
        row.as_ref().is_none_or(|row| {
            let name = bare
                .as_deref()
                .or(row.cells.first().map(|c| c.text.as_str()));
            seen.insert((name, &row.id.place, row.id.source))
        })
    });
    for (row, bare) in rows.iter_mut().zip(bare.clone()) {
        let Some(row) = row else { continue };
        for (index, column) in columns.iter().enumerate() {
            let name = match index {
                0 if distinct => bare.clone(),
                _ if column.cut == Cut::Middle && !is_region(column.title) => row
                    .cells
                    .get(region)
                    .and_then(|cell| zone_prefix(&cell.text))
                    .and_then(|prefix| short(row, index, Some(&prefix))),
                _ => None,
            };
            if let (Some(name), Some(cell)) = (name, row.cells.get_mut(index)) {
                cell.text = name;
            }
        }
    }
}

/// Whether a row has nothing in a column: the thing does not exist there.
fn nothing(row: &ShownRow, index: usize) -> bool {
    let cell = row.cells.get(index);
    cell.is_none_or(|cell| cell.sort == Some(f64::NEG_INFINITY))
}

/// Every slot that the kind could show, with the room that the visible rows would fill.
fn of(kind: Kind, rows: &[Option<ShownRow>], canvas: &Canvas<'_>, width: u16) -> Vec<Slot> {
    let rows = || rows.iter().flatten();
    let measure = |text: &str| text::width(&text::safe(text, canvas.look)) as u16;
    let columns = shown::columns(kind);
    let mut slots = Vec::with_capacity(columns.len() + 2);
    for (index, column) in columns.iter().enumerate() {
        let widest = rows()
            .filter_map(|row| row.cells.get(index))
            .map(|cell| measure(&cell.text))
            .max();
        // The heading of a number reaches into the air before it, that of a region into the air behind it; two must not meet there.
        let reaches = match column.align {
            Align::Left => is_region(column.title),
            Align::Right => slots
                .last()
                .is_none_or(|before: &Slot| usize::from(before.least) >= before.title.len()),
        };
        let title = column.title.len() as u16 - u16::from(reaches);
        let (least, most) = column.width;
        let wanted = widest.unwrap_or(0).max(title).clamp(least.min(most), most);
        let word = index > 0 && column.cut == Cut::End && wanted <= WORD;
        let least = match index {
            // The name gets a fair part of the pane before columns that may go.
            0 => least.max(wanted.min(width / 4)),
            _ if is_region(column.title) => least.min(SHORT_REGION),
            _ if word => wanted,
            _ => least,
        };
        // What needs less than its least width leaves the room to others; but the region table stands still while its values change.
        let least = if kind == Kind::Regions && index > 0 {
            least.max(title)
        } else {
            least.min(widest.unwrap_or(least).max(title))
        };
        slots.push(Slot {
            content: Content::Cell(index),
            title: column.title,
            align: column.align,
            cut: column.cut,
            least,
            wanted,
            first: word && !is_region(column.title),
            drop: if column.shy && rows().all(|row| nothing(row, index)) {
                u8::MAX
            } else {
                column.drop
            },
        });
    }
    let told = kind == Kind::Regions
        || rows().all(|row| row.id.place == Place::Global)
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
                cut: Cut::Middle,
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
            cut: Cut::End,
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
