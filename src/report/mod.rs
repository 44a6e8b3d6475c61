//! What the screen shows, as a table, CSV or Markdown, and as JSON in a room of its own.
//! Must never print a control character, nor an account id or ARN when privacy is on.

mod front;
mod grid;
pub mod journal;
mod json;
pub mod plan;
pub mod policy;

pub use self::front::{front, in_front};
use self::{json::pretty, plan::PlanFile};
use comfy_table::{ContentArrangement, Table, TableStyle, presets};

use crate::{
    effect::Format,
    resources::{
        Fleet, Freshness, Judgement, Kind, Severity,
        cell::{Cell, Column, ShownRow},
        shown::{self, RowRef},
    },
    state::{Look, State},
    ui::text,
};

/// The most cells that a column of a table takes; the other formats carry everything.
const WIDEST: usize = 200;

/// The worst state of anything that is watched, with its reason.
pub fn worst(fleet: &Fleet) -> Judgement {
    let regions = shown::all(fleet, Kind::Regions);
    regions
        .iter()
        .map(|row| shown::judge(fleet, Kind::Regions, row))
        .fold(Judgement::ok(), Judgement::worse)
}

/// The worst severity of any row of some panes, filters applied.
pub fn worst_of(state: &State, kinds: &[Kind]) -> Severity {
    kinds
        .iter()
        .flat_map(|&kind| rows(state, kind))
        .map(|(_, row)| row.judgement.severity)
        .max()
        .unwrap_or_default()
}

/// One pane in a format.
pub fn pane(state: &State, kind: Kind, format: Format) -> String {
    match format {
        Format::Json => json::panes(state, &[kind]),
        Format::Csv => csv(state, kind),
        Format::Table => table(state, kind, presets::NOTHING),
        Format::Markdown => grid::markdown(&titles(kind), &lines(state, kind)),
    }
}

/// Several panes in a format; CSV has a column with the pane when there are several.
pub fn panes(state: &State, kinds: &[Kind], format: Format) -> String {
    match format {
        Format::Json => json::panes(state, kinds),
        Format::Csv | Format::Table | Format::Markdown => {
            let title = |kind: Kind| match format {
                Format::Markdown => format!("## {}\n\n", kind.title()),
                Format::Table if kinds.len() > 1 => format!("{}\n", kind.title().to_uppercase()),
                Format::Table | Format::Csv | Format::Json => String::new(),
            };
            let parts: Vec<String> = kinds
                .iter()
                .map(|&kind| format!("{}{}", title(kind), pane(state, kind, format)))
                .collect();
            parts.join("\n") + &failure_lines(state, format)
        }
    }
}

/// What could not be read, below the tables: an empty pane must not look like an empty estate. CSV has no room for it.
fn failure_lines(state: &State, format: Format) -> String {
    let failures = json::failures(&state.fleet);
    if failures.is_empty() || matches!(format, Format::Csv | Format::Json) {
        return String::new();
    }
    let (title, bullet) = match format {
        Format::Markdown => ("\n## Not read\n\n", "- "),
        Format::Table | Format::Csv | Format::Json => ("\nNOT READ\n", " "),
    };
    let text = |failure: &serde_json::Value, field: &str| {
        let value = failure.get(field).and_then(serde_json::Value::as_str);
        safe(state, value.unwrap_or_default())
    };
    let line = |failure: &serde_json::Value| {
        let [place, source] = ["place", "source"].map(|field| text(failure, field));
        let [call, message, advice] = ["api_call", "message", "advice"].map(|f| text(failure, f));
        format!("{bullet}{place} {source}: {call}: {message}; {advice}\n")
    };
    title.to_owned() + &failures.iter().map(line).collect::<String>()
}

/// One line per region, for `--plain`.
pub fn region_lines(state: &State) -> Vec<String> {
    let columns = shown::columns(Kind::Regions);
    let line = |row: ShownRow| {
        let cells = columns
            .iter()
            .zip(&row.cells)
            .skip(1)
            .map(|(column, cell)| {
                format!(
                    "{}={}",
                    shown::field_name(column),
                    plain(state, cell, row.freshness)
                )
            });
        format!(
            "region {} {} {}",
            safe(state, &row.id.place.to_string()),
            row.judgement.severity.word(),
            cells.collect::<Vec<_>>().join(" ")
        )
    };
    rows(state, Kind::Regions)
        .into_iter()
        .map(|(_, row)| line(row))
        .collect()
}

fn rows(state: &State, kind: Kind) -> Vec<(RowRef, ShownRow)> {
    let fleet = state.shown();
    let pane = state.pane(kind);
    let order = shown::order(
        fleet,
        kind,
        pane.and_then(|pane| pane.sort),
        pane.map_or("", |pane| pane.filter.as_str()),
    );
    order
        .into_iter()
        .filter_map(|row| shown::show(fleet, kind, &row).map(|shown| (row, shown)))
        .collect()
}

/// A text as it may be printed.
fn safe(state: &State, text: &str) -> String {
    text::safe(text, state.look).into_owned()
}

/// A text as it may be in a file. Letters beyond ASCII stay: it may be read elsewhere.
fn exact(state: &State, text: &str) -> String {
    let look = Look {
        ascii: false,
        ..state.look
    };
    text::safe(text, look).into_owned()
}

/// A cell as text that carries its own doubt: `~` when stale, `?` when too old.
fn plain(state: &State, cell: &Cell, row: Freshness) -> String {
    let text = safe(state, &cell.text);
    match cell.freshness.unwrap_or(row) {
        Freshness::Fresh => text,
        Freshness::Stale => format!("~{text}"),
        Freshness::Expired | Freshness::Never if text == "-" || text == "?" => text,
        Freshness::Expired | Freshness::Never => format!("?{text}"),
    }
}

fn table(state: &State, kind: Kind, style: TableStyle) -> String {
    let mut table = Table::new();
    table
        .load_style(style)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(titles(kind));
    for row in lines(state, kind) {
        // A name of thousands of characters would push every other column off the terminal.
        table.add_row(row.iter().map(|cell| text::shorten(cell, WIDEST, false)));
    }
    format!("{table}\n")
}

/// The titles of a table.
fn titles(kind: Kind) -> Vec<String> {
    let columns = shown::columns(kind).iter();
    ["STATE", "PLACE"]
        .into_iter()
        .map(str::to_owned)
        .chain(columns.map(|column| column.title.to_uppercase()))
        .chain(["FRESHNESS".to_owned(), "REASON".to_owned()])
        .collect()
}

/// The lines of a table, cell by cell.
fn lines(state: &State, kind: Kind) -> Vec<Vec<String>> {
    let line = |row: ShownRow| {
        let cells = row
            .cells
            .iter()
            .map(|cell| plain(state, cell, row.freshness));
        let head = [
            row.judgement.severity.word().to_owned(),
            safe(state, &row.id.place.to_string()),
        ];
        let tail = [
            freshness_word(row.freshness).to_owned(),
            safe(state, &row.judgement.reason),
        ];
        head.into_iter().chain(cells).chain(tail).collect()
    };
    rows(state, kind)
        .into_iter()
        .map(|(_, row)| line(row))
        .collect()
}

/// The fields of every row in CSV, before the columns of its pane.
const CSV_HEAD: [&str; 7] = [
    "pane",
    "place",
    "key",
    "severity",
    "reason",
    "freshness",
    "observed_at",
];

/// The name of a column in CSV: with its pane where every row has a field of that name.
fn csv_name(kind: Kind, column: &Column) -> String {
    let name = shown::field_name(column);
    if CSV_HEAD.contains(&name.as_str()) {
        format!("{}_{name}", kind.name())
    } else {
        name
    }
}

fn csv(state: &State, kind: Kind) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let columns = shown::columns(kind);
    let head = CSV_HEAD.into_iter().map(str::to_owned);
    // Writing to memory cannot fail, and a record always has the columns of its head.
    let _ = writer.write_record(head.chain(columns.iter().map(|column| csv_name(kind, column))));
    for (_, row) in rows(state, kind) {
        let observed = row.observed_at.map(|at| at.to_string()).unwrap_or_default();
        let head = [
            kind.name().to_owned(),
            exact(state, &row.id.place.to_string()),
            exact(state, &row.id.key),
            severity_word(row.judgement.severity),
            exact(state, &row.judgement.reason),
            freshness_word(row.freshness).to_owned(),
            observed,
        ];
        let _ = writer.write_record(
            head.into_iter()
                .chain(row.cells.iter().map(|cell| exact(state, &cell.text))),
        );
    }
    writer
        .into_inner()
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default()
}

fn freshness_word(freshness: Freshness) -> &'static str {
    match freshness {
        Freshness::Fresh => "fresh",
        Freshness::Stale => "stale",
        Freshness::Expired => "expired",
        Freshness::Never => "never",
    }
}

/// The word of the JSON schema, in CSV too.
fn severity_word(severity: Severity) -> String {
    match severity {
        Severity::Ok => "ok",
        Severity::Unknown => "unknown",
        Severity::Warn => "warn",
        Severity::Bad => "bad",
    }
    .to_owned()
}
