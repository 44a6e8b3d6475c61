//! What the screen shows, as a table, JSON, CSV or Markdown. Owns the documented JSON schema; changing a field there is a breaking change.
//! Must never print a control character, nor an account id or ARN when privacy is on.

use comfy_table::{ContentArrangement, Table, TableStyle, presets};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    effect::Format,
    resources::{
        Fleet, Freshness, Judgement, Kind, Severity, Source,
        cell::{Cell, Column, ShownRow},
        metrics::Reading,
        shown::{self, RowRef},
    },
    state::{Look, Mode, State},
    ui::text,
};

/// Version of the JSON schema; it grows when a field changes its meaning or goes away.
const SCHEMA: u32 = 1;

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
        Format::Json => pretty(&panes_json(state, &[kind])),
        Format::Csv => csv(state, kind),
        Format::Table => table(state, kind, presets::NOTHING),
        Format::Markdown => markdown(state, kind),
    }
}

/// Several panes in a format; CSV has a column with the pane when there are several.
pub fn panes(state: &State, kinds: &[Kind], format: Format) -> String {
    match format {
        Format::Json => pretty(&panes_json(state, kinds)),
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
    let failures = failures(&state.fleet);
    if failures.is_empty() || matches!(format, Format::Csv | Format::Json) {
        return String::new();
    }
    let (title, bullet) = match format {
        Format::Markdown => ("\n## Not read\n\n", "- "),
        Format::Table | Format::Csv | Format::Json => ("\nNOT READ\n", " "),
    };
    let text = |failure: &Value, field: &str| {
        let value = failure.get(field).and_then(Value::as_str);
        safe(state, value.unwrap_or_default())
    };
    let line = |failure: &Value| {
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

/// A table whose cells cannot break it: `|` ends a cell and is escaped.
fn markdown(state: &State, kind: Kind) -> String {
    let line = |cells: Vec<String>| {
        let cells: Vec<String> = cells
            .iter()
            .map(|cell| cell.replace('\\', "\\\\").replace('|', "\\|"))
            .collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let titles = titles(kind);
    let rule = format!("|{}\n", "---|".repeat(titles.len()));
    let rows = lines(state, kind).into_iter().map(line);
    let body: String = rows.collect();
    line(titles) + &rule + &body
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
    let word = value(severity);
    word.as_str().unwrap_or_default().to_owned()
}

fn value(data: impl Serialize) -> Value {
    serde_json::to_value(data).unwrap_or(Value::Null)
}

/// JSON in lines. It carries names exactly; what must not reach a terminal raw is written as `\uXXXX`.
fn pretty(value: &Value) -> String {
    let mut text = String::new();
    for c in format!("{value:#}\n").chars() {
        let mut bytes = [0; 4];
        let cleaned = text::clean(c.encode_utf8(&mut bytes), false);
        if c != '\n' && c != ' ' && matches!(&*cleaned, " " | "\u{fffd}") {
            for unit in c.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// The same JSON without account ids and ARNs. Names that become the same by it are numbered, so that nothing disappears.
fn masked(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text::mask(&text).unwrap_or(text)),
        Value::Array(items) => items.into_iter().map(masked).collect(),
        Value::Object(fields) => {
            let mut out = Map::new();
            for (name, value) in fields {
                let mut shown = text::mask(&name).unwrap_or(name);
                if out.contains_key(&shown) {
                    shown = format!("{shown} #{}", out.len() + 1);
                }
                out.insert(shown, masked(value));
            }
            Value::Object(out)
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
    }
}

fn panes_json(state: &State, kinds: &[Kind]) -> Value {
    let value = panes_value(state, kinds);
    if state.look.privacy {
        masked(value)
    } else {
        value
    }
}

fn panes_value(state: &State, kinds: &[Kind]) -> Value {
    let fleet = state.shown();
    let worst = worst(fleet);
    let panes: Map<String, Value> = kinds
        .iter()
        .map(|&kind| {
            (
                kind.name().to_owned(),
                rows(state, kind)
                    .iter()
                    .map(|(at, row)| row_json(fleet, kind, at, row))
                    .collect(),
            )
        })
        .collect();
    json!({
        "schema": SCHEMA,
        "generated_at": state.now,
        "environment": fleet.estate.environment,
        "mode": match &state.mode { Mode::Live => "live", Mode::Sim { .. } => "sim", Mode::Replay => "replay" },
        "severity": worst.severity,
        "reason": worst.reason,
        "panes": panes,
        "failures": failures(fleet),
    })
}

fn row_json(fleet: &Fleet, kind: Kind, at: &RowRef, row: &ShownRow) -> Value {
    let cells: Map<String, Value> = shown::columns(kind)
        .iter()
        .zip(&row.cells)
        .map(|(column, cell)| (shown::field_name(column), json!(cell.text)))
        .collect();
    json!({
        "key": row.id.key,
        "place": row.id.place.to_string(),
        "region": row.region,
        "source": row.id.source,
        "severity": row.judgement.severity,
        "reason": row.judgement.reason,
        "observed_at": row.observed_at,
        "freshness": row.freshness,
        "cells": cells,
        "data": shown::json(fleet, kind, at),
        "readings": readings(fleet, kind, at),
    })
}

/// The metric values behind a row, by the name of the series.
fn readings(fleet: &Fleet, kind: Kind, at: &RowRef) -> Map<String, Value> {
    let one = |spec: crate::resources::metrics::SeriesSpec| {
        let reading = match fleet.reading(&at.place, &spec.key) {
            Reading::NeverRead => json!({ "state": "never_read" }),
            Reading::NoData => json!({ "state": "no_data" }),
            Reading::Forbidden => json!({ "state": "forbidden" }),
            Reading::Value {
                value,
                at,
                freshness,
            } => {
                json!({ "state": "value", "value": value, "observed_at": at, "freshness": freshness })
            }
        };
        (spec.key, reading)
    };
    shown::series(fleet, kind, at)
        .into_iter()
        .map(one)
        .collect()
}

/// Every read that failed or is incomplete, so that an empty pane is never taken for an empty estate.
fn failures(fleet: &Fleet) -> Vec<Value> {
    let mut failures = Vec::new();
    for &source in Source::ALL {
        for place in fleet.estate.places(source) {
            let status = fleet.status(source, &place);
            for error in status.error.into_iter().chain(status.problems) {
                failures.push(json!({
                    "source": source,
                    "place": place.to_string(),
                    "class": error.class,
                    "api_call": error.operation,
                    "message": error.message,
                    "advice": error.advice(),
                    "rows_from": status.observed_at,
                    "missed": value(status.missed),
                }));
            }
        }
    }
    failures
}
