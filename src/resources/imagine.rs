//! A fleet as it would be after changes: for forecasts and guards. Owns what each change does to the rows; what follows for the shares is computed by the same functions as for the real fleet.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Change, Fleet, Place, Source, Table,
    health_checks::{self, HealthCheck, status_key},
    traffic::{self, Mechanism, Policy, Record, Split, plain_name},
};

/// What traffic follows from, and nothing else, to be imagined change by change: a plan of many steps must not copy the whole fleet for each.
#[derive(Debug, Clone)]
pub struct Imagined {
    fleet: Fleet,
}

impl Imagined {
    /// The fleet as it is.
    pub fn of(fleet: &Fleet) -> Self {
        let splits = [
            Source::Records,
            Source::Accelerators,
            Source::RoutingControls,
            Source::LoadBalancers,
            Source::Routes,
        ];
        Self {
            fleet: Fleet {
                estate: Arc::clone(&fleet.estate),
                now: fleet.now,
                shares: fleet.shares.clone(),
                rollups: Default::default(),
                versions: Default::default(),
                rehearsals: Default::default(),
                calls: Default::default(),
                metrics_requested: 0,
                generation: fleet.generation,
                pace: fleet.pace,
                regions: Table::default(),
                databases: Table::default(),
                caches: Table::default(),
                traffic: fleet.traffic.only(|source, _| splits.contains(&source)),
                alarms: Table::default(),
                deployments: Table::default(),
                releases: Table::default(),
                pipelines: Table::default(),
                clusters: Table::default(),
                health_checks: fleet.health_checks.clone(),
                metrics: fleet.metrics.only(|_, place| *place == Place::Global),
                behind: super::behind::Behind::default(),
            },
        }
    }

    /// Takes a change for done.
    pub fn take(&mut self, change: &Change) {
        imagine(&mut self.fleet, change);
        self.fleet
            .renew_shares_now(|source, place| touches(change, source, place));
    }

    /// What traffic would follow from: splits, health checks, effective shares. Everything else is empty.
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }
}

impl Fleet {
    /// The fleet after some changes have taken effect. Changes that move no traffic leave it as it is.
    #[must_use]
    pub fn imagined<'a>(&self, changes: impl IntoIterator<Item = &'a Change>) -> Self {
        let mut fleet = self.clone();
        for change in changes {
            imagine(&mut fleet, change);
        }
        fleet.renew_shares(|_, _| true);
        fleet
    }
}

fn imagine(fleet: &mut Fleet, change: &Change) {
    match change {
        Change::Traffic(change) => imagine_traffic(fleet, change),
        Change::HealthChecks(change) => imagine_check(fleet, change),
        Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Deployments(_)
        | Change::Nodes(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => {}
    }
}

/// Whether a change may have changed the rows of a slice. Each region has many of some, and few there are of the others.
fn touches(change: &Change, source: Source, place: &Place) -> bool {
    let region = match change {
        Change::Traffic(
            traffic::Change::Forward { region, .. } | traffic::Change::Route { region, .. },
        ) => Some(region),
        Change::Traffic(
            traffic::Change::Weights { .. }
            | traffic::Change::Dial { .. }
            | traffic::Change::Controls { .. }
            | traffic::Change::Alias { .. }
            | traffic::Change::Steer(_)
            | traffic::Change::Staging { .. }
            | traffic::Change::Invalidate { .. },
        )
        | Change::HealthChecks(_)
        | Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Deployments(_)
        | Change::Nodes(_)
        | Change::Pipelines(_)
        | Change::Alarms(_) => None,
    };
    let of_regions = [Source::LoadBalancers, Source::Routes];
    !of_regions.contains(&source) || (region.is_some() && place.region() == region)
}

fn splits<'a>(
    fleet: &'a mut Fleet,
    source: Source,
    place: &Place,
) -> impl Iterator<Item = &'a mut Split> {
    fleet.traffic.rows_mut(source, place).iter_mut()
}

fn imagine_traffic(fleet: &mut Fleet, change: &traffic::Change) {
    match change {
        traffic::Change::Weights { records } => {
            for split in splits(fleet, Source::Records, &Place::Global) {
                if let Mechanism::Record(record) = &mut split.by
                    && let Some(edit) = records.iter().find(|edit| same(&edit.from, record))
                {
                    record.policy = Policy::Weighted { weight: edit.to };
                }
            }
        }
        traffic::Change::Dial { group_arn, to, .. } => {
            for split in splits(fleet, Source::Accelerators, &Place::Global) {
                if let Mechanism::Dial(group) = &mut split.by
                    && group.group_arn == *group_arn
                {
                    group.dial = *to;
                }
            }
        }
        traffic::Change::Controls { controls } => {
            for place in fleet.estate.places(Source::RoutingControls) {
                for split in splits(fleet, Source::RoutingControls, &place) {
                    if let Mechanism::Control(control) = &mut split.by
                        && let Some(edit) = controls.iter().find(|edit| edit.arn == control.arn)
                    {
                        control.on = Some(edit.to);
                    }
                }
            }
            // The checks of the controls themselves follow at once; what is calculated from them is not known.
            let gated: Vec<String> = checks(fleet)
                .iter()
                .filter(|check| {
                    let arn = check.routing_control_arn.as_deref();
                    controls.iter().any(|edit| Some(edit.arn.as_str()) == arn)
                })
                .map(|check| check.id.clone())
                .collect();
            forget(fleet, &above(checks(fleet), &gated));
        }
        traffic::Change::Forward {
            region,
            listener_arn,
            rule_arn,
            groups,
            ..
        } => {
            for split in splits(fleet, Source::LoadBalancers, &Place::Region(region.clone())) {
                if let Mechanism::Forward(forward) = &mut split.by
                    && forward.listener_arn == *listener_arn
                    && forward.rule_arn == *rule_arn
                    && let Some(edit) = groups
                        .iter()
                        .find(|edit| edit.target_group_arn == forward.target_group_arn)
                {
                    forward.weight = edit.to;
                }
            }
        }
        traffic::Change::Route {
            region,
            rule,
            backends,
        } => {
            for split in splits(fleet, Source::Routes, &Place::Region(region.clone())) {
                if let Mechanism::Route(backend) = &mut split.by
                    && backend.rule.same(rule)
                    && let Some(edit) = backends.iter().find(|edit| edit.backend == split.member)
                {
                    backend.weight = edit.to;
                }
            }
        }
        // Their shares move no traffic between regions.
        traffic::Change::Alias { .. }
        | traffic::Change::Steer(_)
        | traffic::Change::Staging { .. }
        | traffic::Change::Invalidate { .. } => {}
    }
}

fn same(a: &Record, b: &Record) -> bool {
    (&a.zone_id, &a.record_type, &a.set_identifier)
        == (&b.zone_id, &b.record_type, &b.set_identifier)
        && plain_name(&a.name) == plain_name(&b.name)
}

fn imagine_check(fleet: &mut Fleet, change: &health_checks::Change) {
    let health_checks::Change::Invert { id, from, to, .. } = change;
    let mut flips = from != to;
    for check in fleet
        .health_checks
        .rows_mut(Source::HealthChecks, &Place::Global)
    {
        if check.id == *id {
            flips = check.inverted != *to;
            check.inverted = *to;
        }
    }
    if !flips {
        return;
    }
    // The metric that tells the state of a check has the inversion applied already.
    let key = status_key(id);
    for series in fleet.metrics.rows_mut(Source::Metrics, &Place::Global) {
        if series.spec.key == key {
            for point in &mut series.points {
                point.value = if point.value >= 0.5 { 0.0 } else { 1.0 };
            }
        }
    }
    forget(fleet, &above(checks(fleet), std::slice::from_ref(id)));
}

fn checks(fleet: &Fleet) -> &[HealthCheck] {
    let slice = fleet
        .health_checks
        .slice(Source::HealthChecks, &Place::Global);
    slice.map_or(&[], |slice| &slice.rows)
}

/// The calculated checks that depend on some, directly or not.
fn above(checks: &[HealthCheck], ids: &[String]) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    loop {
        let depends = |check: &&HealthCheck| {
            let on = |child| ids.contains(child) || found.contains(child);
            !found.contains(&check.id) && check.children.iter().any(on)
        };
        let more: Vec<String> = checks
            .iter()
            .filter(depends)
            .map(|check| check.id.clone())
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// The state of these checks is not known any more.
fn forget(fleet: &mut Fleet, ids: &BTreeSet<String>) {
    if ids.is_empty() {
        return;
    }
    let keys: BTreeSet<String> = ids.iter().map(|id| status_key(id)).collect();
    for series in fleet.metrics.rows_mut(Source::Metrics, &Place::Global) {
        if keys.contains(&series.spec.key) {
            series.points.clear();
        }
    }
}

/// The checks whose result some changes turn or switch, with those that are calculated from them.
pub fn touched_checks<'a>(
    fleet: &Fleet,
    changes: impl IntoIterator<Item = &'a Change>,
) -> BTreeSet<String> {
    let mut ids: Vec<String> = Vec::new();
    for change in changes {
        match change {
            Change::HealthChecks(health_checks::Change::Invert { id, .. }) => ids.push(id.clone()),
            Change::Traffic(traffic::Change::Controls { controls }) => {
                let gated = checks(fleet).iter().filter(|check| {
                    let arn = check.routing_control_arn.as_deref();
                    controls.iter().any(|edit| Some(edit.arn.as_str()) == arn)
                });
                ids.extend(gated.map(|check| check.id.clone()));
            }
            Change::Traffic(_)
            | Change::Databases(_)
            | Change::Caches(_)
            | Change::Clusters(_)
            | Change::Deployments(_)
            | Change::Nodes(_)
            | Change::Alarms(_)
            | Change::Pipelines(_) => {}
        }
    }
    let above = above(checks(fleet), &ids);
    ids.into_iter().chain(above).collect()
}
