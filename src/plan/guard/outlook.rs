//! What the remaining changes would do, imagined once for all guards: the states in between, who loses and who receives. Owns no verdict.

use std::{collections::BTreeSet, time::Duration};

use super::{
    Subject, back,
    finding::Findings,
    moved::{self, Presences, SplitKey},
    serving, weights,
};
use crate::{
    plan::{Mark, Plan, Step, beside::Beside, ledger::Ledger, raise},
    resources::{
        Change, Fleet, Freshness, Place, RegionLabel, Source, age, caches, databases, deployments,
        imagine::Imagined,
        traffic::{self, routes::leads::between_regions},
    },
};

/// A state between two steps.
pub struct Stage {
    /// Which of the remaining steps leads to it.
    pub step: usize,
    /// What each region has then.
    pub presences: Presences,
}

/// What guards look at.
pub struct Outlook<'a> {
    /// Everything known now.
    pub fleet: &'a Fleet,
    /// The plan.
    pub plan: &'a Plan,
    /// The steps that have not been carried out.
    pub ahead: &'a [Step],
    /// What the journal says.
    pub ledger: &'a Ledger,
    /// The other runs that are not over.
    pub beside: &'a [Beside<'a>],
    /// What traffic follows from, after the last step.
    pub after: Imagined,
    /// The splits between regions that the remaining changes touch.
    pub touched: BTreeSet<SplitKey>,
    /// What each region has of them now.
    pub before: Presences,
    /// The states that the changes lead to that move traffic between regions.
    pub stages: Vec<Stage>,
    /// The regions that the plan wants without traffic.
    pub drained: BTreeSet<RegionLabel>,
    /// The regions that lose traffic.
    pub losing: BTreeSet<RegionLabel>,
    /// The regions that get it.
    pub receiving: BTreeSet<RegionLabel>,
    /// What G-ZERO found in the states.
    pub zero: Findings,
    /// What G-LAST found in the states.
    pub last: Findings,
    /// Which of the remaining steps are ways back.
    eases: Vec<bool>,
}

impl<'a> Outlook<'a> {
    /// Imagines the remaining changes one by one.
    pub fn of(subject: Subject<'a>) -> Self {
        let Subject {
            fleet,
            plan,
            ahead,
            ledger,
            beside,
        } = subject;
        let changes = || ahead.iter().filter_map(Step::change);
        let touched: BTreeSet<SplitKey> = changes()
            .flat_map(|change| moved::touched(fleet, change))
            .collect();
        let marked = plan.marks.iter().filter_map(|mark| match mark {
            Mark::Drained { region } => Some(region.clone()),
            Mark::Restored { .. } | Mark::Orphan { .. } => None,
        });
        let settings: Vec<(RegionLabel, f64, f64)> = changes()
            .flat_map(|change| moved::settings(fleet, change))
            .collect();
        let among = |is: fn(f64, f64) -> bool| -> BTreeSet<RegionLabel> {
            let those = settings.iter().filter(|(_, from, to)| is(*from, *to));
            those.map(|(label, _, _)| label.clone()).collect()
        };
        let zeroed = among(|from, to| from > 0.0 && to <= 0.0);
        // A run that goes back gives a drained region its traffic again.
        let raised = among(|from, to| to > from);
        let mut outlook = Self {
            fleet,
            plan,
            ahead,
            ledger,
            beside,
            after: Imagined::of(fleet),
            before: moved::presences(fleet, &touched),
            touched,
            stages: Vec::new(),
            drained: marked.filter(|label| !raised.contains(label)).collect(),
            losing: BTreeSet::new(),
            receiving: BTreeSet::new(),
            zero: Findings::default(),
            last: Findings::default(),
            eases: ahead
                .iter()
                .map(|step| {
                    step.change()
                        .is_some_and(|change| back::eases(fleet, ledger, change))
                })
                .collect(),
        };
        outlook.walk();
        // What a region loses and gets again within one plan is not lost; what it has at the end counts.
        let last = outlook.stages.last();
        let after = last.map_or_else(|| outlook.before.clone(), |stage| stage.presences.clone());
        let zeroed = if last.is_some() {
            zeroed
        } else {
            BTreeSet::new()
        };
        (outlook.losing, outlook.receiving) = moved::parties(&outlook.before, &after, &zeroed);
        // A region that is brought back receives, whether or not its share can be told yet.
        for mark in &plan.marks {
            if let Mark::Restored { region } = mark {
                outlook.losing.remove(region);
                outlook.receiving.insert(region.clone());
            }
        }
        outlook
    }

    fn walk(&mut self) {
        let steps = self.ahead;
        let last_move = steps
            .iter()
            .rposition(|step| step.change().is_some_and(raise::moves_traffic));
        for (index, step) in steps.iter().enumerate() {
            let Some(change) = step.change() else {
                continue;
            };
            let moves = raise::moves_traffic(change);
            if !moves && !matches!(change, Change::Traffic(_)) {
                continue;
            }
            self.after.take([change]);
            let state = self.after.fleet();
            self.zero.extend(weights::zero(state, change));
            if !moves {
                continue;
            }
            // Between two steps any region may serve; at the end it has to be one that is not meant to be empty.
            let excluded = BTreeSet::new();
            let excluded = if Some(index) == last_move {
                &self.drained
            } else {
                &excluded
            };
            let place = serving::State {
                fleet: self.fleet,
                imagined: state,
                excluded,
                step: index + 1,
                of: steps.len(),
            };
            self.last.extend(serving::last(&place, change));
            self.stages.push(Stage {
                step: index,
                presences: moved::presences(state, &self.touched),
            });
        }
    }

    /// The remaining changes that are no way back.
    pub fn advances(&self) -> impl Iterator<Item = &'a Change> {
        let steps = self.ahead.iter().zip(&self.eases);
        steps
            .filter(|(_, eases)| !**eases)
            .filter_map(|(step, _)| step.change())
    }

    /// Whether everything that remains to be changed is a way back: less of a canary, or what a run did, taken back.
    pub fn easing(&self) -> bool {
        self.changes().next().is_some() && self.advances().next().is_none()
    }

    /// The remaining changes.
    pub fn changes(&self) -> impl Iterator<Item = &'a Change> {
        self.ahead.iter().filter_map(Step::change)
    }

    /// The remaining changes of databases.
    pub fn databases(&self) -> impl Iterator<Item = &'a databases::Change> {
        self.changes().filter_map(|change| match change {
            Change::Databases(change) => Some(change),
            Change::Traffic(_)
            | Change::Caches(_)
            | Change::Clusters(_)
            | Change::Deployments(_)
            | Change::Nodes(_)
            | Change::HealthChecks(_)
            | Change::Alarms(_)
            | Change::Pipelines(_) => None,
        })
    }

    /// The remaining changes of caches.
    pub fn caches(&self) -> impl Iterator<Item = &'a caches::Change> {
        self.changes().filter_map(|change| match change {
            Change::Caches(change) => Some(change),
            Change::Traffic(_)
            | Change::Databases(_)
            | Change::Clusters(_)
            | Change::Deployments(_)
            | Change::Nodes(_)
            | Change::HealthChecks(_)
            | Change::Alarms(_)
            | Change::Pipelines(_) => None,
        })
    }

    /// The remaining changes of traffic splits.
    pub fn traffic(&self) -> impl Iterator<Item = &'a traffic::Change> {
        self.changes().filter_map(|change| match change {
            Change::Traffic(change) => Some(change),
            Change::Databases(_)
            | Change::Caches(_)
            | Change::Clusters(_)
            | Change::Deployments(_)
            | Change::Nodes(_)
            | Change::HealthChecks(_)
            | Change::Alarms(_)
            | Change::Pipelines(_) => None,
        })
    }

    /// Whether traffic moves between regions.
    pub fn moves(&self) -> bool {
        self.changes().any(raise::moves_traffic)
    }

    /// Whether it is an emergency.
    pub fn now(&self) -> bool {
        self.plan.intent.options.now
    }

    /// Whether it undoes a run.
    pub fn undoes(&self) -> Option<&'a str> {
        self.plan.intent.options.run.as_deref()
    }

    /// Every region that gets something: traffic, the writer, or a change of its own.
    pub fn concerned(&self) -> BTreeSet<RegionLabel> {
        let mut regions = self.receiving.clone();
        // Where a canary is taken back its alarms are why.
        for change in self.changes().filter(|change| !back::lowers_canary(change)) {
            regions.extend(gets(change).cloned());
        }
        regions
    }

    /// Whether a region does not answer.
    pub fn lost(&self, label: &RegionLabel) -> bool {
        self.fleet.rollup(label).reach.lost(self.fleet.now)
    }

    /// Whether something is taken from a region that serves, and nobody is seen to get it. What a region that does not answer had has gone elsewhere already, or nowhere.
    pub fn unseen(&self) -> bool {
        self.receiving.is_empty() && self.losing.iter().any(|label| !self.lost(label))
    }

    /// Whether nothing was read anywhere lately: then it is our own network, or nobody asked, and the silence of a region says nothing about it.
    pub fn blind(&self) -> bool {
        let fleet = self.fleet;
        let newest = Source::ALL
            .iter()
            .flat_map(|&source| {
                let places = fleet.estate.places(source).into_iter();
                places.map(move |place| fleet.status(source, &place).observed_at)
            })
            .max()
            .flatten();
        let silent = |at| age(at, fleet.now) > SILENCE * fleet.pace.max(1);
        newest.is_none_or(silent) || fleet.cut_off()
    }

    /// Why what a source says about a place is no ground for anything: it is older than its limit. `None` while it can be used, and where it is not asked.
    pub fn old(&self, source: Source, place: &Place) -> Option<String> {
        let fleet = self.fleet;
        let asked = fleet.estate.places(source).contains(place);
        let old = asked && fleet.freshness(source, place) >= Freshness::Expired;
        old.then(|| format!("{} of {place} were not read lately", source.name()))
    }

    /// Says that it cannot be told where a source is older than its limit.
    pub fn aged(&self, source: Source, place: &Place, found: &mut Findings) -> bool {
        let old = self.old(source, place);
        if let Some(text) = &old {
            found.unknown(text.clone(), REREAD);
        }
        old.is_some()
    }
}

/// What to do about something old.
pub const REREAD: &str = "wait for a fresh reading";

/// Without any answer for so long the console sees nothing at all: longer than the fast polls and the time that an answer may take.
const SILENCE: Duration = Duration::from_secs(70);

/// The region that a change gives something, where it names one.
pub fn gets(change: &Change) -> Option<&RegionLabel> {
    match change {
        // Who gets what gateways divide anew is seen in the shares.
        Change::Traffic(traffic::Change::Route { backends, .. }) if between_regions(backends) => {
            None
        }
        Change::Databases(
            databases::Change::SwitchOver { to_region, .. }
            | databases::Change::FailOver { to_region, .. },
        )
        | Change::Caches(caches::Change::FailOverDatastore { to_region, .. }) => Some(to_region),
        Change::Databases(
            databases::Change::FailOverCluster { region, .. }
            | databases::Change::Promote { region, .. },
        )
        | Change::Caches(
            caches::Change::FailOverGroup { region, .. }
            | caches::Change::FailOverShard { region, .. },
        )
        | Change::Deployments(deployments::Change::Image {
            at: deployments::At { region, .. },
            ..
        })
        | Change::Traffic(
            traffic::Change::Forward { region, .. }
            | traffic::Change::Route { region, .. }
            | traffic::Change::Steer(traffic::rollouts::Steering { region, .. })
            | traffic::Change::Alias { region, .. },
        ) => Some(region),
        Change::Traffic(
            traffic::Change::Weights { .. }
            | traffic::Change::Dial { .. }
            | traffic::Change::Controls { .. }
            | traffic::Change::Staging { .. }
            | traffic::Change::Invalidate { .. },
        )
        | Change::Deployments(
            deployments::Change::Pause { .. }
            | deployments::Change::Restart { .. }
            | deployments::Change::Revise { .. }
            | deployments::Change::Scale { .. }
            | deployments::Change::Resize { .. },
        )
        | Change::Clusters(_)
        | Change::Nodes(_)
        | Change::HealthChecks(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => None,
    }
}
