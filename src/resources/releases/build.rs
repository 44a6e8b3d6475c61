//! Which version of a service is its release, and where each region of its order stands. Owns "the newest version that runs anywhere"; judges no minute.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use jiff::Timestamp;

use super::{Carrier, Release, Stage, State, carrier, signals::Seen, soak};
use crate::resources::{Fleet, Freshness, RegionLabel, deployments::Container, sequence::Rules};

/// A service with everything that runs of it.
pub struct Service<'f> {
    /// Namespace.
    pub namespace: &'f str,
    /// Name.
    pub name: &'f str,
    /// What carries it, with their regions.
    pub rows: Vec<(&'f RegionLabel, Carrier<'f>)>,
    /// How its releases go.
    pub rules: Rules,
}

/// Every release, those on their way first.
pub fn all(fleet: &Fleet) -> Vec<Release> {
    let mut seen = Seen::of(fleet);
    let services = services(fleet);
    let mut releases: Vec<Release> = services
        .iter()
        .filter_map(|service| Some(service.release(service.newest()?, &mut seen)))
        .collect();
    releases.sort_by_cached_key(|release| (release.finished(), release.name.clone()));
    releases
}

/// One service by namespace and name.
pub fn service<'f>(fleet: &'f Fleet, namespace: &str, name: &str) -> Option<Service<'f>> {
    let mut rows = carrier::all(fleet);
    rows.retain(|(_, row)| row.namespace() == namespace && row.name() == name);
    let (_, first) = rows.first()?;
    Some(Service {
        namespace: first.namespace(),
        name: first.name(),
        rules: fleet.estate.rollout_rules(namespace, name),
        rows,
    })
}

fn services(fleet: &Fleet) -> Vec<Service<'_>> {
    let mut found: BTreeMap<(&str, &str), Vec<(&RegionLabel, Carrier<'_>)>> = BTreeMap::new();
    for (label, row) in carrier::all(fleet) {
        let key = (row.namespace(), row.name());
        found.entry(key).or_default().push((label, row));
    }
    let service = |((namespace, name), rows)| Service {
        namespace,
        name,
        rows,
        rules: fleet.estate.rollout_rules(namespace, name),
    };
    found.into_iter().map(service).collect()
}

impl<'f> Service<'f> {
    /// When a version was first seen anywhere: the oldest replica set that has it. A restart makes a new one and no new version.
    pub fn born(&self, version: &Container) -> Option<Timestamp> {
        let revisions = self.rows.iter().flat_map(|(_, row)| row.revisions());
        let of_version = revisions.filter(|revision| {
            let image = revision.image.clone();
            image.is_some_and(|image| Container::of(image).same_version(version))
        });
        of_version.filter_map(|revision| revision.created_at).min()
    }

    /// The newest version that runs anywhere. Of two of one age the one that was rolled out last.
    pub fn newest(&self) -> Option<&'f Container> {
        // Mostly all regions run the same: then no revision has to be looked at.
        let mut distinct: Vec<(&Container, Option<Timestamp>)> = Vec::new();
        for (_, row) in &self.rows {
            let Some(main) = row.main() else {
                continue;
            };
            let since = row.current().and_then(|revision| revision.created_at);
            let mut known = distinct.iter_mut();
            match known.find(|(version, _)| version.same_version(main)) {
                Some((_, latest)) => *latest = since.max(*latest),
                None => distinct.push((main, since)),
            }
        }
        if let [(only, _)] = distinct.as_slice() {
            return Some(only);
        }
        let newest = distinct
            .into_iter()
            .max_by_key(|(version, since)| (self.born(version), *since));
        newest.map(|(version, _)| version)
    }

    /// A version of it on its way through the regions.
    pub fn release(&self, version: &Container, seen: &mut Seen<'_>) -> Release {
        let mut stages: Vec<Stage> = Vec::new();
        for region in &self.rules.order {
            let rows = self.rows.iter().filter(|(label, _)| *label == region);
            let rows: Vec<Carrier<'_>> = rows.map(|(_, row)| *row).collect();
            if !rows.is_empty() {
                stages.push(standing(seen.fleet, region, &rows, version));
            }
        }
        let have = self.rows.iter().map(|(label, _)| *label);
        let outside = have.filter(|label| !self.rules.order.contains(label));
        let outside: BTreeSet<&RegionLabel> = outside.collect();
        let mut release = Release {
            namespace: self.namespace.to_owned(),
            name: self.name.to_owned(),
            version: version.short(),
            stable: self.stable(version),
            stages,
            outside: outside.into_iter().cloned().collect(),
            soak_minutes: self.rules.soak_minutes,
        };
        soak::judge(&mut release, &self.rules, seen);
        release
    }

    /// What runs where the version does not, in the last region first; else what it replaced.
    fn stable(&self, version: &Container) -> Option<String> {
        let place = |label: &RegionLabel| {
            let mut order = self.rules.order.iter();
            order.position(|region| region == label)
        };
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by_key(|(label, _)| Reverse(place(label)));
        let other = |main: &&Container| !main.same_version(version);
        let running = rows.iter().filter_map(|(_, row)| row.main());
        let before = || {
            let (_, last) = rows.first()?;
            let revisions = last.revisions().iter();
            let others = revisions.filter_map(|revision| {
                let image = Container::of(revision.image.clone()?);
                Some((revision.number, image)).filter(|(_, image)| !image.same_version(version))
            });
            others.max_by_key(|(number, _)| *number)
        };
        running
            .filter(other)
            .map(Container::short)
            .next()
            .or_else(|| before().map(|(_, image)| image.short()))
    }
}

/// How far a version is in a region, before its minutes are looked at: what is complete is called `Done` until then.
fn standing(
    fleet: &Fleet,
    region: &RegionLabel,
    rows: &[Carrier<'_>],
    version: &Container,
) -> Stage {
    let has = |row: &&Carrier<'_>| row.has(version);
    let having: Vec<&Carrier<'_>> = rows.iter().filter(has).collect();
    let freshness = rows.iter().map(|row| row.heard(fleet)).max();
    let freshness = freshness.unwrap_or(Freshness::Never);
    let shown = having.first().copied().or(rows.first());
    let since: Option<Vec<Timestamp>> = having.iter().map(|row| row.completed_at()).collect();
    let state = if freshness >= Freshness::Expired {
        unknown("its cluster is not heard")
    } else if rows.iter().any(|row| row.main().is_none()) {
        unknown("which version it has there is not told")
    } else if having.is_empty() {
        match rows.iter().find(|row| row.held()) {
            Some(row) => State::Held {
                why: format!("{} is paused", row.name()),
            },
            None => State::NotYet,
        }
    } else if having.len() < rows.len() {
        State::RollingOut {
            how_far: format!("{} of {} clusters have it", having.len(), rows.len()),
        }
    } else {
        let states = having.iter().map(|row| row.state(fleet.now));
        states
            .max_by_key(|state| (state.severity(), state != &State::Done))
            .unwrap_or(State::NotYet)
    };
    let state = match (state, &since) {
        (State::Done, None) => unknown("when it was complete is not told"),
        (state, _) => state,
    };
    let sender = shown.and_then(Carrier::sender);
    Stage {
        region: region.clone(),
        runs: shown
            .and_then(Carrier::main)
            .map_or_else(|| "?".to_owned(), Container::short),
        state,
        since: since
            .filter(|_| having.len() == rows.len())
            .and_then(|since| since.into_iter().max()),
        evidence: None,
        owner: shown.and_then(|row| row.owner().cloned()),
        sender: sender.map(|sender| sender.name.object()),
        promotable: having.iter().any(|row| row.promotable()),
        freshness,
    }
}

fn unknown(why: &str) -> State {
    State::Unknown {
        why: why.to_owned(),
    }
}
