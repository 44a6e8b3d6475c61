//! The text of `:why`: the judgement of a row, its freshness, and every failed read behind it. Owns the words, changes nothing.

use super::State;
use crate::resources::{
    Kind, Source, age,
    cell::{RowId, coarse_age},
    shown,
};

/// Why a row is in its state: the judgement, the freshness, and every failed read behind it.
pub fn lines(state: &State, id: &RowId) -> Vec<String> {
    let fleet = state.shown();
    let Some(row) = shown::find(fleet, id).and_then(|row| shown::show(fleet, id.kind, &row)) else {
        return vec!["This row is no longer listed.".to_owned()];
    };
    let word = row.judgement.severity.word();
    // A region's row names its first reasons only; here is room for all, each as bad as it is.
    let rollup = row.region.as_ref().filter(|_| id.kind == Kind::Regions);
    let reasons = rollup.map(|label| fleet.rollup(label).reasons.clone());
    let mut lines = match (reasons.as_deref(), row.judgement.reason.as_str()) {
        (None | Some([]), "") => vec![format!("{word}: nothing is wrong that we can see.")],
        (Some(reasons @ [_, ..]), _) => reasons
            .iter()
            .map(|reason| format!("{}: {}", reason.severity.word(), reason.reason))
            .collect(),
        (None | Some([]), reason) => reason
            .split("; ")
            .map(|reason| format!("{word}: {reason}"))
            .collect(),
    };
    for &source in Source::ALL {
        let relevant = source == id.source || source == Source::Metrics || id.kind == Kind::Regions;
        let status = fleet.status(source, &id.place);
        if !relevant || (status.observed_at.is_none() && status.error.is_none()) {
            continue;
        }
        let age = status.observed_at.map_or("never read".to_owned(), |at| {
            format!("read {} ago", coarse_age(age(at, fleet.now)))
        });
        let breaker = if state.schedule.breaker_open(source, &id.place) {
            ", circuit breaker open: only probed"
        } else {
            ""
        };
        if status.error.is_some() || !status.problems.is_empty() || source == id.source {
            lines.push(String::new());
            lines.push(format!("{} at {}: {age}{breaker}", source.name(), id.place));
        }
        for error in status.error.into_iter().chain(status.problems) {
            lines.push(format!("  {error}"));
            lines.push(format!("  → {}", error.advice()));
        }
    }
    lines
}
