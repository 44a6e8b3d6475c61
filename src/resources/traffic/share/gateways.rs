//! The share of each region where only the gateways of a mesh divide between them: between the least and the most that any of their rules gives it, for what arrives at which of them is measured nowhere.

use std::collections::BTreeMap;

use super::{
    super::{Mechanism, Split},
    Share, Shares,
};
use crate::resources::{Fleet, Place, RegionLabel, Resource, Source};

/// The parts of a rule by region; `None` where its cluster is not heard, so that it may divide in any way by now.
type Rule<'a> = Option<BTreeMap<&'a RegionLabel, f64>>;

/// The share of every region; `None` where a name or an accelerator may decide, or no rule divides between regions.
pub fn of(fleet: &Fleet, shares: &Shares) -> Option<BTreeMap<RegionLabel, Share>> {
    if doors(fleet) {
        return None;
    }
    let mut rules = rules(fleet, shares);
    if rules.is_empty() {
        return None;
    }
    rules.extend(unread(fleet).map(|_| None));
    let bounds = |label: &RegionLabel| {
        let parts = rules.iter().map(|rule| match rule {
            Some(parts) => {
                let part = parts.get(label).copied().unwrap_or(0.0);
                (part, part)
            }
            None => (0.0, 1.0),
        });
        let (low, high) = parts.fold((1.0_f64, 0.0_f64), |(low, high), (least, most)| {
            (low.min(least), high.max(most))
        });
        Share::between(low, high)
    };
    let labels = fleet.estate.regions.iter().map(|spec| &spec.label);
    Some(labels.map(|label| (label.clone(), bounds(label))).collect())
}

/// Where routes should be and were never read, because nobody answers: they may divide in any way.
pub fn unread(fleet: &Fleet) -> impl Iterator<Item = Place> {
    let places = fleet.estate.places(Source::Routes).into_iter();
    places.filter(|place| {
        let status = fleet.status(Source::Routes, place);
        status.observed_at.is_none() && status.error.is_some()
    })
}

/// Whether anything is watched that steers users to the doors of regions, or may turn out to once it is read.
fn doors(fleet: &Fleet) -> bool {
    let asked = |source| !fleet.estate.places(source).is_empty();
    if asked(Source::Records) && !fleet.estate.names.is_empty() {
        return true;
    }
    let read = fleet
        .freshness(Source::Accelerators, &Place::Global)
        .usable();
    let slice = fleet.traffic.slice(Source::Accelerators, &Place::Global);
    let mut groups = slice.into_iter().flat_map(|slice| &slice.rows);
    asked(Source::Accelerators)
        && (!read
            || groups
                .any(|row| matches!(&row.by, Mechanism::Dial(group) if group.accelerator_enabled)))
}

fn rules<'a>(fleet: &'a Fleet, shares: &Shares) -> Vec<Rule<'a>> {
    let mut rules = Vec::new();
    for (source, place, slice) in fleet.traffic.slices() {
        if source != Source::Routes {
            continue;
        }
        for rows in slice.rows.chunk_by(|a, b| a.split == b.split) {
            let region = |row: &'a Split| row.region(fleet, place);
            let Some(first) = rows.first().and_then(region) else {
                continue;
            };
            if rows.iter().all(|row| region(row) == Some(first)) {
                continue;
            }
            let heard = rows.iter().all(|row| {
                let backend = row.by.route();
                backend.is_some_and(|backend| backend.heard(fleet).usable())
            });
            let mut parts: BTreeMap<&RegionLabel, f64> = BTreeMap::new();
            for row in rows {
                let share = shares.get(source, place, &row.key());
                if let (Some(label), Some(part)) = (region(row), share.and_then(Share::value)) {
                    *parts.entry(label).or_default() += part;
                }
            }
            rules.push(heard.then_some(parts));
        }
    }
    rules
}
