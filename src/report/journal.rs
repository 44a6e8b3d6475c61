//! The journal as text: runs as a table, entries as lines. Owns the words; must never print what a terminal would obey.

use serde_json::{Value, json};

use super::{grid, json::pretty};
use crate::{
    effect::Format,
    plan::{
        entry::{Entry, What},
        ledger::{Ledger, RunRecord},
    },
    state::Look,
    ui::text,
};

/// The runs, newest first.
pub fn runs(ledger: &Ledger, format: Format, look: Look) -> String {
    let header = ["run", "confirmed", "plan", "changes", "state"];
    let rows: Vec<Vec<String>> = ledger.runs.iter().rev().map(run).collect();
    table(&header, &rows, format, look)
}

fn run(run: &RunRecord) -> Vec<String> {
    let state = match (run.ended, run.doubt(), &run.undone_by) {
        (_, _, Some(by)) => format!("undone by {by}"),
        (Some(ending), _, None) if run.undoable() => format!("{}, can be undone", ending.word()),
        (Some(ending), _, None) => ending.word().to_owned(),
        (None, Some(sent), None) => {
            format!("not ended; in doubt: step {} {}", sent.step + 1, sent.title)
        }
        (None, None, None) => "not ended; no change is in doubt".to_owned(),
    };
    let sent = run.sent.iter().filter(|sent| sent.may_have_happened());
    vec![
        run.id.clone(),
        run.confirmed_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        run.plan.title.clone(),
        sent.count().to_string(),
        state,
    ]
}

/// Every entry; JSON carries the lines as they are.
pub fn entries(lines: &[(Value, Entry)], format: Format, look: Look) -> String {
    if format == Format::Json {
        let all: Vec<&Value> = lines.iter().map(|(line, _)| line).collect();
        return pretty(&super::json::shown(json!(all), look));
    }
    let header = ["sequence", "at", "who", "run", "step", "entry", "text"];
    let rows: Vec<Vec<String>> = lines.iter().map(|(line, entry)| row(line, entry)).collect();
    table(&header, &rows, format, look)
}

fn row(line: &Value, entry: &Entry) -> Vec<String> {
    let who = |field: &str| line["who"][field].as_str().map(ToOwned::to_owned);
    let (word, text) = words(&entry.what);
    vec![
        line["sequence"].to_string(),
        entry.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        who("caller").or_else(|| who("user")).unwrap_or_default(),
        entry.run.clone().unwrap_or_default(),
        entry
            .step
            .map(|step| (step + 1).to_string())
            .unwrap_or_default(),
        word.to_owned(),
        text,
    ]
}

/// What happened, in a word and a sentence.
pub fn words(what: &What) -> (&'static str, String) {
    match what {
        What::Armed { reason, until } => (
            "armed",
            format!("{reason} (until {})", until.strftime("%H:%MZ")),
        ),
        What::Disarmed => ("disarmed", String::new()),
        What::Refused {
            intent, reasons, ..
        } => (
            "refused",
            format!(
                "{}: {}",
                crate::plan::intent::text(intent),
                reasons.join("; ")
            ),
        ),
        What::Confirmed {
            plan,
            hash,
            reason,
            overrides,
            typed,
            ..
        } => {
            let overrides: Vec<String> = overrides
                .iter()
                .map(|(id, reason)| format!("; {} overridden: {reason}", id.name()))
                .collect();
            let text = format!(
                "{} ({}, {} steps, typed `{typed}`): {reason}{}",
                plan.title,
                hash.get(..8).unwrap_or(hash),
                plan.steps.len(),
                overrides.concat()
            );
            ("confirmed", text)
        }
        What::Sending { title, .. } => ("sending", title.clone()),
        What::Accepted { receipt } => (
            "accepted",
            receipt
                .request_id
                .as_ref()
                .map(|id| format!("request {id}"))
                .unwrap_or_default(),
        ),
        What::Rejected { error } => ("rejected", error.to_string()),
        What::Concluded { outcome, evidence } => (outcome.word(), evidence.clone()),
        What::Waited { evidence } => ("waited", evidence.clone()),
        What::Held { why } => ("held", why.clone()),
        What::Overridden { guard, reason } => ("overridden", format!("{}: {reason}", guard.name())),
        What::Resumed => ("resumed", String::new()),
        What::GoingBack { why } => ("going back", why.clone()),
        What::Ended { ending, text } => ("ended", format!("{}: {text}", ending.word())),
        What::Settled { note } => ("settled", note.clone()),
    }
}

fn table(header: &[&str], rows: &[Vec<String>], format: Format, look: Look) -> String {
    if format == Format::Json {
        let object = |row: &Vec<String>| -> Value {
            let fields = header.iter().map(|name| (*name).to_owned());
            fields.zip(row.iter().map(|cell| json!(cell))).collect()
        };
        let all: Vec<Value> = rows.iter().map(object).collect();
        return pretty(&super::json::shown(json!(all), look));
    }
    let safe = |cell: &String| text::safe(cell, look).into_owned();
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(safe).collect())
        .collect();
    let names: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    match format {
        Format::Csv | Format::Json => grid::csv(&names, &rows),
        Format::Markdown => grid::markdown(&names, &rows),
        Format::Table => {
            let titles: Vec<String> = names.iter().map(|name| name.to_uppercase()).collect();
            grid::table(&titles, &rows)
        }
    }
}
