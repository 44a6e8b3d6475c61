//! Which splits the remaining changes touch, and what each region has of them before and after. Owns who loses and who receives; computes no share itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::resources::{
    Change, Estate, Fleet, Place, RegionLabel, Resource, Source, health_checks,
    imagine::touched_checks,
    traffic::{
        self, Mechanism, Record, Split, plain_name, routes::leads::between_regions, share::Share,
    },
};

/// A split between regions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SplitKey {
    /// The source that lists it.
    pub source: Source,
    /// Where it is listed; every endpoint lists the panels of routing controls, which are asked for globally.
    pub place: Place,
    /// Its name there.
    pub split: String,
}

impl SplitKey {
    fn global(source: Source, row: &Split) -> Self {
        Self {
            source,
            place: Place::Global,
            split: row.split.clone(),
        }
    }

    /// Everywhere where its members are listed.
    pub fn places(&self, estate: &Estate) -> Vec<Place> {
        if self.source == Source::RoutingControls {
            return estate.places(self.source);
        }
        vec![self.place.clone()]
    }
}

/// What a region has of one split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Presence {
    /// The least and the most, 0.0 to 1.0; `None` where who asks decides.
    pub part: Option<(f64, f64)>,
    /// Whether it answers anybody; `None` where that is not known.
    pub answers: Option<bool>,
}

/// What each region has of each touched split.
pub type Presences = BTreeMap<SplitKey, BTreeMap<RegionLabel, Presence>>;

/// Shares closer than this are equal.
pub const CLOSE: f64 = 1e-6;

/// The rows of a split.
pub fn members<'a>(fleet: &'a Fleet, key: &SplitKey) -> impl Iterator<Item = &'a Split> {
    let slice = fleet.traffic.slice(key.source, &key.place);
    let rows = slice.map_or(&[][..], |slice| &slice.rows);
    rows.iter().filter(move |row| row.split == key.split)
}

/// The effective share of a member, by its row.
pub fn share(fleet: &Fleet, key: &SplitKey, row: &Split) -> Option<Share> {
    fleet.shares.get(key.source, &key.place, &row.key())
}

fn records(fleet: &Fleet) -> impl Iterator<Item = (&Split, &Record)> {
    let slice = fleet.traffic.slice(Source::Records, &Place::Global);
    let rows = slice.map_or(&[][..], |slice| &slice.rows);
    rows.iter().filter_map(|row| match &row.by {
        Mechanism::Record(record) => Some((row, record)),
        Mechanism::Dial(_)
        | Mechanism::Forward(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_)
        | Mechanism::Route(_)
        | Mechanism::Rollout(_) => None,
    })
}

/// Whether two record sets are of one hosted zone, name and type.
pub fn same_set(a: &Record, b: &Record) -> bool {
    (&a.zone_id, &a.record_type) == (&b.zone_id, &b.record_type)
        && plain_name(&a.name) == plain_name(&b.name)
}

/// The splits between regions that a change can move traffic in.
pub fn touched(fleet: &Fleet, change: &Change) -> BTreeSet<SplitKey> {
    match change {
        Change::Traffic(traffic::Change::Weights { records: edits }) => records(fleet)
            .filter(|(_, record)| edits.iter().any(|edit| same_set(&edit.from, record)))
            .map(|(row, _)| SplitKey::global(Source::Records, row))
            .collect(),
        Change::Traffic(traffic::Change::Dial { group_arn, .. }) => {
            let slice = fleet.traffic.slice(Source::Accelerators, &Place::Global);
            let rows = slice.map_or(&[][..], |slice| &slice.rows);
            let is = |row: &&Split| matches!(&row.by, Mechanism::Dial(group) if group.group_arn == *group_arn);
            rows.iter()
                .filter(is)
                .map(|row| SplitKey::global(Source::Accelerators, row))
                .collect()
        }
        Change::Traffic(traffic::Change::Route {
            region,
            rule,
            backends,
        }) if between_regions(backends) => {
            let place = Place::Region(region.clone());
            let slice = fleet.traffic.slice(Source::Routes, &place);
            let rows = slice.map_or(&[][..], |slice| &slice.rows);
            let is = |row: &&Split| matches!(&row.by, Mechanism::Route(backend) if backend.rule.same(rule));
            let key = |row: &Split| SplitKey {
                source: Source::Routes,
                place: place.clone(),
                split: row.split.clone(),
            };
            rows.iter().filter(is).map(key).collect()
        }
        Change::Traffic(traffic::Change::Controls { .. }) | Change::HealthChecks(_) => {
            gated(fleet, &touched_checks(fleet, [change]))
        }
        Change::Traffic(
            traffic::Change::Forward { .. }
            | traffic::Change::Route { .. }
            | traffic::Change::Steer(_)
            | traffic::Change::Alias { .. }
            | traffic::Change::Staging { .. }
            | traffic::Change::Invalidate { .. },
        )
        | Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Deployments(_)
        | Change::Nodes(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => BTreeSet::new(),
    }
}

/// The record sets whose health follows from some checks, also through an alias that evaluates the health of another name.
fn gated(fleet: &Fleet, checks: &BTreeSet<String>) -> BTreeSet<SplitKey> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let mut keys = BTreeSet::new();
    loop {
        let before = keys.len();
        for (row, record) in records(fleet) {
            let by_check = record
                .health_check_id
                .as_ref()
                .is_some_and(|id| checks.contains(id));
            let by_alias = record.alias.as_ref().is_some_and(|alias| {
                alias.evaluate_target_health && names.contains(alias.dns_name.trim_end_matches('.'))
            });
            if by_check || by_alias {
                names.insert(record.name.trim_end_matches('.'));
                keys.insert(SplitKey::global(Source::Records, row));
            }
        }
        if keys.len() == before {
            return keys;
        }
    }
}

/// What each region has of some splits.
pub fn presences(fleet: &Fleet, keys: &BTreeSet<SplitKey>) -> Presences {
    let mut all = Presences::new();
    for key in keys {
        let mut of_split: BTreeMap<RegionLabel, Presence> = BTreeMap::new();
        for row in members(fleet, key) {
            let Some(label) = row.region(fleet, &key.place) else {
                continue;
            };
            let Some(share) = share(fleet, key, row) else {
                continue;
            };
            let one = Presence {
                part: share.range(),
                answers: share.answers(),
            };
            of_split
                .entry(label.clone())
                .and_modify(|sum| *sum = sum.and(one))
                .or_insert(one);
        }
        all.insert(key.clone(), of_split);
    }
    all
}

impl Presence {
    /// Two members of one region.
    fn and(self, other: Self) -> Self {
        let part = match (self.part, other.part) {
            (Some(a), Some(b)) => Some(((a.0 + b.0).min(1.0), (a.1 + b.1).min(1.0))),
            (None, _) | (_, None) => None,
        };
        let answers = match (self.answers, other.answers) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            (None, _) | (_, None) => None,
        };
        Self { part, answers }
    }

    /// Whether a region with this before gets more, or may, with that after.
    fn gains(self, after: Self) -> bool {
        match (self.part, after.part) {
            (Some(before), Some(now)) => {
                let unchanged =
                    (before.0 - now.0).abs() < CLOSE && (before.1 - now.1).abs() < CLOSE;
                !unchanged && now.1 > before.0 + CLOSE && now.1 + CLOSE > before.1
            }
            // Who asks decides: whoever still answers may get what others lose.
            (None, _) | (_, None) => after.answers != Some(false),
        }
    }

    /// Whether it certainly gets less.
    fn loses(self, after: Self) -> bool {
        match (self.part, after.part) {
            (Some(before), Some(now)) => now.1 + CLOSE < before.1 && now.0 <= before.0 + CLOSE,
            (None, _) | (_, None) => self.answers != Some(false) && after.answers == Some(false),
        }
    }
}

/// The regions that lose some of what they have, and those that get it.
pub fn parties(
    before: &Presences,
    after: &Presences,
    zeroed: &BTreeSet<RegionLabel>,
) -> (BTreeSet<RegionLabel>, BTreeSet<RegionLabel>) {
    let (mut losing, mut receiving) = (zeroed.clone(), BTreeSet::new());
    for (key, regions) in before {
        for (label, presence) in regions {
            let Some(now) = after.get(key).and_then(|regions| regions.get(label)) else {
                continue;
            };
            if presence.loses(*now) {
                losing.insert(label.clone());
            } else if presence.gains(*now) {
                receiving.insert(label.clone());
            }
        }
    }
    receiving.retain(|label| !losing.contains(label));
    (losing, receiving)
}

/// How a change sets the own levers of regions: before and after, where 0 is nothing (weight 0, dial 0, `Off`, a check that is inverted).
pub fn settings(fleet: &Fleet, change: &Change) -> Vec<(RegionLabel, f64, f64)> {
    let switch = |on: bool| if on { 1.0 } else { 0.0 };
    match change {
        Change::Traffic(traffic::Change::Weights { records }) => records
            .iter()
            .filter_map(|edit| {
                let label = edit.from.region(&fleet.estate)?.clone();
                let from = f64::from(edit.from_weight()?);
                Some((label, from, f64::from(edit.to)))
            })
            .collect(),
        Change::Traffic(traffic::Change::Dial {
            region, from, to, ..
        }) => {
            let label = fleet.estate.region_named(region).cloned();
            label.into_iter().map(|label| (label, *from, *to)).collect()
        }
        Change::Traffic(traffic::Change::Controls { controls }) => controls
            .iter()
            .filter_map(|edit| {
                let label = traffic::region_within(&fleet.estate, &edit.name)?.clone();
                Some((label, switch(edit.from), switch(edit.to)))
            })
            .collect(),
        Change::HealthChecks(health_checks::Change::Invert { id, from, to, .. }) => records(fleet)
            .filter(|(_, record)| record.health_check_id.as_ref() == Some(id))
            .filter_map(|(row, _)| row.region(fleet, &Place::Global).cloned())
            .map(|label| (label, switch(!from), switch(!to)))
            .collect(),
        Change::Traffic(traffic::Change::Route { backends, .. }) if between_regions(backends) => {
            // A region may have several backends of one rule: it has nothing only when none has anything.
            let mut sums: BTreeMap<&RegionLabel, (f64, f64)> = BTreeMap::new();
            for edit in backends {
                if let Some(label) = &edit.region {
                    let (from, to) = sums.entry(label).or_default();
                    *from += f64::from(edit.from);
                    *to += f64::from(edit.to);
                }
            }
            let set = sums.into_iter();
            set.map(|(label, (from, to))| (label.clone(), from, to))
                .collect()
        }
        Change::Traffic(
            traffic::Change::Forward { .. }
            | traffic::Change::Route { .. }
            | traffic::Change::Steer(_)
            | traffic::Change::Alias { .. }
            | traffic::Change::Staging { .. }
            | traffic::Change::Invalidate { .. },
        )
        | Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Deployments(_)
        | Change::Nodes(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => Vec::new(),
    }
}
