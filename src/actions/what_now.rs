//! What helps now: the plans that regions in trouble call for, in the order in which they should begin: room for the users first, then the users, then their stores. Owns that order; carries out nothing, and whoever asks decides.

use std::collections::BTreeSet;

use super::{find, kit::region, plan};
use crate::{
    plan::{Intent, Mark, Options, Plan, guard::gets, intent, ledger::Ledger},
    resources::{Change, Fleet, RegionLabel, Severity, caches, databases},
};

/// A plan that would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// As it would be typed.
    pub typed: String,
    /// Why, in a few words.
    pub why: String,
}

/// What the regions in trouble call for, beside the plans that are being carried out. Only what can be planned is advised; its guards are judged then.
pub fn what_now(fleet: &Fleet, ledger: &Ledger, in_hand: &[&Plan]) -> Vec<Advice> {
    let mut found = Found {
        fleet,
        ledger,
        held: in_hand.iter().flat_map(|plan| plan.targets()).collect(),
        advice: Vec::new(),
    };
    for spec in &fleet.estate.regions {
        let label = &spec.label;
        let rollup = fleet.rollup(label);
        if rollup.severity < Severity::Bad {
            continue;
        }
        let lost = region::lost(fleet, label);
        if lost {
            // It takes longest, is safe to undo, and a drain is refused where there is no room.
            let of = Options::default();
            found.consider("scale-receivers", label.as_str(), of, |_| {
                Some(format!("{label} is gone: the others need room"))
            });
        }
        let mut draining = in_hand.iter().flat_map(|plan| &plan.marks);
        let draining =
            draining.any(|mark| matches!(mark, Mark::Drained { region } if region == label));
        if !draining && !region::drained(ledger, label) {
            let why = if lost { "does not answer" } else { "is BAD" };
            let now = Options {
                now: lost,
                ..Options::default()
            };
            found.consider("drain-region", label.as_str(), now, |_| {
                Some(format!("{label} {why}: its users go to the others"))
            });
        }
        if lost {
            found.stores(label);
        }
    }
    found.advice
}

struct Found<'a> {
    fleet: &'a Fleet,
    ledger: &'a Ledger,
    /// What is being changed already, or advised.
    held: BTreeSet<String>,
    advice: Vec<Advice>,
}

impl Found<'_> {
    /// Writers and primaries that a lost region leaves behind.
    fn stores(&mut self, label: &RegionLabel) {
        for action in ["failover", "promote-replica", "fail-over-cache"] {
            let targets = find(action).map(|action| action.targets(self.fleet, self.ledger));
            let mut targets = targets.unwrap_or_default();
            // Of several replicas of one source, the one in the region that the estate lists first.
            targets.sort_by_key(|target| self.rank(action, target)); // stable
            for target in targets {
                let fleet = self.fleet;
                let leaves =
                    |plan: &Plan| plan.changes().find_map(|change| left(fleet, label, change));
                self.consider(action, &target, Options::default(), leaves);
            }
        }
    }

    /// Where in the estate the region stands that a plan gives something.
    fn rank(&self, action: &str, target: &str) -> Option<usize> {
        let plan = plan(self.fleet, self.ledger, &asked(action, target)).ok()?;
        let label = plan.changes().find_map(gets)?.clone();
        let regions = &self.fleet.estate.regions;
        regions.iter().position(|spec| spec.label == label)
    }

    /// Advises a plan if there is one, `why` has a reason for it, and nothing else changes the same.
    fn consider(
        &mut self,
        action: &str,
        target: &str,
        options: Options,
        why: impl Fn(&Plan) -> Option<String>,
    ) {
        let intent = Intent {
            options,
            ..asked(action, target)
        };
        let Ok(plan) = plan(self.fleet, self.ledger, &intent) else {
            return;
        };
        let targets = plan.targets();
        let Some(why) = why(&plan) else {
            return;
        };
        if targets.iter().any(|target| self.held.contains(target)) {
            return;
        }
        self.held.extend(targets);
        self.advice.push(Advice {
            typed: intent::text(&intent),
            why,
        });
    }
}

fn asked(action: &str, target: &str) -> Intent {
    Intent {
        action: action.to_owned(),
        target: target.to_owned(),
        options: Options::default(),
    }
}

/// What a change takes out of a region.
fn left(fleet: &Fleet, label: &RegionLabel, change: &Change) -> Option<String> {
    let of_arn = |arn: &str| {
        let region = arn.split(':').nth(3)?;
        fleet.estate.region_named(region)
    };
    let (from, what) = match change {
        Change::Databases(databases::Change::FailOver { from, .. }) => {
            (of_arn(from)?, "nobody can write: the writer was in")
        }
        Change::Databases(databases::Change::Promote { source, .. }) => {
            (of_arn(source)?, "nobody can write: the source is in")
        }
        Change::Caches(caches::Change::FailOverDatastore { from, .. }) => {
            (fleet.estate.region_named(from)?, "the cache primary was in")
        }
        Change::Databases(
            databases::Change::SwitchOver { .. } | databases::Change::FailOverCluster { .. },
        )
        | Change::Caches(
            caches::Change::FailOverGroup { .. } | caches::Change::FailOverShard { .. },
        )
        | Change::Traffic(_)
        | Change::Clusters(_)
        | Change::Deployments(_)
        | Change::Nodes(_)
        | Change::HealthChecks(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => return None,
    };
    (from == label).then(|| format!("{what} {label}"))
}
