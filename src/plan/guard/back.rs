//! Ways back: which changes take harm away rather than doing any. Owns that no guard keeps a canary where it is because of what the canary does; judges nothing itself.

use super::moved::{self, CLOSE};
use crate::{
    plan::ledger::{Ledger, RunRecord},
    resources::{
        Change, Fleet, RegionLabel,
        change::Alter,
        traffic::{self, change::ForwardEdit},
    },
};

/// Whether a change is a way back. What brings a region back that has nothing is none: its users go somewhere else today, and that works.
pub fn eases(fleet: &Fleet, ledger: &Ledger, change: &Change) -> bool {
    if lowers_canary(change) {
        return true;
    }
    let opens = |(_, from, to): &(RegionLabel, f64, f64)| *from <= 0.0 && *to > 0.0;
    if moved::settings(fleet, change).iter().any(opens) {
        return false;
    }
    let undoes = |done: &&Change| {
        done.target() == change.target()
            && done
                .inverse()
                .is_ok_and(|inverse| inverse.edits() == change.edits())
    };
    let recent = ledger.runs.iter().rev().take(RUNS);
    recent
        .flat_map(RunRecord::standing_changes)
        .any(|done| undoes(&done))
}

/// How many runs back a change is looked for that another one takes back.
const RUNS: usize = 50;

/// Whether a change gives users of a canary back to what was there before: less of a second version, of a staging distribution, of the smaller target groups.
pub fn lowers_canary(change: &Change) -> bool {
    match change {
        Change::Traffic(
            traffic::Change::Alias { from, to, .. } | traffic::Change::Staging { from, to, .. },
        ) => to < from,
        Change::Traffic(traffic::Change::Forward { groups, .. }) => {
            let sum = |weight: fn(&ForwardEdit) -> u32| {
                f64::from(groups.iter().map(weight).sum::<u32>().max(1))
            };
            let (before, after) = (sum(|edit| edit.from), sum(|edit| edit.to));
            let most = groups.iter().map(|edit| edit.from).max().unwrap_or(0);
            // The one that serves most is what was there before; nothing else may gain.
            let mut gains = groups
                .iter()
                .filter(|edit| f64::from(edit.to) / after > f64::from(edit.from) / before + CLOSE)
                .peekable();
            gains.peek().is_some() && gains.all(|edit| edit.from == most && edit.from > 0)
        }
        Change::Traffic(
            traffic::Change::Weights { .. }
            | traffic::Change::Dial { .. }
            | traffic::Change::Controls { .. }
            | traffic::Change::Invalidate { .. },
        )
        | Change::HealthChecks(_)
        | Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Deployments(_)
        | Change::Alarms(_) => false,
    }
}
