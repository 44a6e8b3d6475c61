//! The documented JSON schema of `status`. Owns its fields; changing the meaning of one is a breaking change.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{rows, worst};
use crate::{
    resources::{
        Fleet, Kind, Source,
        cell::ShownRow,
        contradictions, levers,
        metrics::Reading,
        shown::{self, RowRef},
    },
    state::{Look, Mode, State},
    ui::text,
};

/// Version of the schema; it grows when a field changes its meaning or goes away.
const SCHEMA: u32 = 1;

fn value(data: impl Serialize) -> Value {
    serde_json::to_value(data).unwrap_or(Value::Null)
}

/// JSON in lines. It carries names exactly; what must not reach a terminal raw is written as `\uXXXX`.
pub(super) fn pretty(value: &Value) -> String {
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

/// Several panes as the documented JSON.
pub fn panes(state: &State, kinds: &[Kind]) -> String {
    pretty(&panes_json(state, kinds))
}

fn panes_json(state: &State, kinds: &[Kind]) -> Value {
    shown(panes_value(state, kinds), state.look)
}

/// A value without account ids and ARNs, where that is asked for.
pub(super) fn shown(value: Value, look: Look) -> Value {
    if look.privacy { masked(value) } else { value }
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
        "levers": levers::levers(fleet),
        "contradictions": contradictions::find(fleet),
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
            Reading::Failed => json!({ "state": "failed" }),
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
pub fn failures(fleet: &Fleet) -> Vec<Value> {
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
