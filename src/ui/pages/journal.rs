//! The journal page: what we did to the world and what we refused, newest first. Owns the words for each entry.

use super::wrapped;
use crate::{
    config::theme::Role,
    plan::{
        entry::{Entry, Outcome, What},
        intent,
    },
    state::State,
    ui::paragraph::{Line, Part},
};

/// The lines of the page.
pub fn lines(state: &State, width: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(problem) = &state.conduct.journal_problem {
        wrapped(
            &mut lines,
            state,
            1,
            width,
            &format!("the journal cannot be used: {problem}"),
            Role::Bad,
        );
    }
    for entry in state.conduct.ledger.entries.iter().rev() {
        let start = lines.len();
        let (text, role) = words(&entry.what);
        wrapped(&mut lines, state, 25, width, &text, role);
        if let Some(first) = lines.get_mut(start) {
            first.insert(
                0,
                Part::text(
                    1,
                    &entry.at.strftime("%m-%d %H:%M:%S").to_string(),
                    Role::Muted,
                ),
            );
            first.insert(1, Part::named(16, &origin(entry), 8, Role::Accent));
        }
    }
    if lines.is_empty() {
        wrapped(
            &mut lines,
            state,
            1,
            width,
            "Nothing was done or refused so far.",
            Role::Muted,
        );
    }
    lines
}

fn origin(entry: &Entry) -> String {
    entry.run.clone().unwrap_or_default()
}

/// An entry in one sentence.
pub fn words(what: &What) -> (String, Role) {
    match what {
        What::Armed { reason, until } => (
            format!("armed until {}: {reason}", until.strftime("%H:%MZ")),
            Role::Danger,
        ),
        What::Disarmed => ("disarmed".to_owned(), Role::Text),
        What::Refused {
            intent, reasons, ..
        } => (
            format!("refused {}: {}", intent::text(intent), reasons.join("; ")),
            Role::Warn,
        ),
        What::Confirmed {
            plan, overrides, ..
        } if overrides.is_empty() => (format!("confirmed: {}", plan.title), Role::Title),
        What::Confirmed {
            plan, overrides, ..
        } => {
            let names: Vec<String> = overrides
                .iter()
                .map(|(id, reason)| format!("{} ({reason})", id.name()))
                .collect();
            (
                format!("confirmed: {}, overriding {}", plan.title, names.join(", ")),
                Role::Warn,
            )
        }
        What::Sending { title, .. } => (format!("sending: {title}"), Role::Text),
        What::Accepted { receipt } => {
            let id = receipt.request_id.as_deref().unwrap_or("no request id");
            (format!("accepted: {id}"), Role::Muted)
        }
        What::Rejected { error } => (format!("not accepted: {error}"), Role::Warn),
        What::Concluded { outcome, evidence } => {
            let role = match outcome {
                Outcome::Verified => Role::Ok,
                Outcome::NotTaken => Role::Bad,
                Outcome::Unknown => Role::Unknown,
            };
            (format!("{}: {evidence}", outcome.word()), role)
        }
        What::Waited { evidence } => (format!("waited: {evidence}"), Role::Muted),
        What::Held { why } => (format!("held: {why}"), Role::Warn),
        What::Overridden { guard, reason } => {
            (format!("overrides {}: {reason}", guard.name()), Role::Warn)
        }
        What::Resumed => ("goes on".to_owned(), Role::Text),
        What::GoingBack { why } => (format!("goes back: {why}"), Role::Warn),
        What::Ended { ending, text } => (format!("{}: {text}", ending.word()), Role::Title),
        What::Settled { note } => (format!("settled by a person: {note}"), Role::Text),
    }
}
