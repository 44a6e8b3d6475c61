//! Ways back: which changes take harm away rather than doing any. Owns that no guard keeps a canary where it is because of what the canary does; judges nothing itself.

use super::moved::{self, CLOSE};
use crate::{
    plan::ledger::{Ledger, RunRecord},
    resources::{
        Change, Fleet, RegionLabel,
        change::Alter,
        traffic::{self, routes::leads::between_regions},
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

/// Whether a change gives users of a canary back to what was there before: less of a second version, of a staging distribution, of the smaller target groups and backends.
pub fn lowers_canary(change: &Change) -> bool {
    match change {
        Change::Traffic(
            traffic::Change::Alias { from, to, .. } | traffic::Change::Staging { from, to, .. },
        ) => to < from,
        Change::Traffic(traffic::Change::Forward { groups, .. }) => {
            let pairs = groups.iter().map(|edit| (edit.from, edit.to));
            favours_the_most(&pairs.collect::<Vec<_>>())
        }
        Change::Traffic(traffic::Change::Steer(steering)) => !steering.verb.raises(),
        // What goes to another region is no canary.
        Change::Traffic(traffic::Change::Route { backends, .. }) => {
            let pairs = backends.iter().map(|edit| (edit.from, edit.to));
            !between_regions(backends) && favours_the_most(&pairs.collect::<Vec<_>>())
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
        | Change::Nodes(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => false,
    }
}

/// Whether only those gain, from weight to weight, that serve most: they are what was there before.
fn favours_the_most(weights: &[(u32, u32)]) -> bool {
    let sum = |weight: fn(&(u32, u32)) -> u32| {
        let all = weights.iter().map(|pair| f64::from(weight(pair)));
        all.sum::<f64>().max(1.0)
    };
    let (before, after) = (sum(|pair| pair.0), sum(|pair| pair.1));
    let most = weights.iter().map(|(from, _)| *from).max().unwrap_or(0);
    let mut gains = weights
        .iter()
        .filter(|(from, to)| f64::from(*to) / after > f64::from(*from) / before + CLOSE)
        .peekable();
    gains.peek().is_some() && gains.all(|(from, _)| *from == most && *from > 0)
}
