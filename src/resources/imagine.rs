//! A fleet as it would be after changes: for forecasts and guards. Owns what each change does to the rows; what follows for the shares is computed by the same functions as for the real fleet.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Change, Fleet, Place, Source, Table,
    health_checks::{self, HealthCheck, status_key},
    traffic::{
        self, Mechanism, Policy, Record, Split, change::ControlEdit, plain_name, share::Touched,
    },
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
                shares: fleet.shares.only(&splits),
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

    /// Takes changes for done, all at once.
    pub fn take<'a>(&mut self, changes: impl IntoIterator<Item = &'a Change>) {
        let mut touched = Touched::default();
        for change in changes {
            imagine(&mut self.fleet, change, &mut touched);
        }
        self.fleet.renew_shares_now(&touched);
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
        let mut touched = Touched::default();
        for change in changes {
            imagine(&mut fleet, change, &mut touched);
        }
        fleet.renew_shares_now(&touched);
        fleet
    }
}

fn imagine(fleet: &mut Fleet, change: &Change, touched: &mut Touched) {
    match change {
        Change::Traffic(change) => imagine_traffic(fleet, change, touched),
        Change::HealthChecks(change) => {
            imagine_check(fleet, change);
            touched.health();
        }
        Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Deployments(_)
        | Change::Nodes(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => {}
    }
}

/// Sets what a change sets in the rows of a slice: those for which `set` is something.
fn each(
    fleet: &mut Fleet,
    source: Source,
    place: &Place,
    touched: &mut Touched,
    set: impl Fn(&mut Mechanism, &str) -> Option<()>,
) {
    for Split { split, member, by } in fleet.traffic.rows_mut(source, place) {
        if set(by, member).is_some() {
            touched.split(source, place, split);
        }
    }
}

fn imagine_traffic(fleet: &mut Fleet, change: &traffic::Change, touched: &mut Touched) {
    match change {
        traffic::Change::Weights { records } => {
            let set = |by: &mut Mechanism, _: &str| {
                let Mechanism::Record(record) = by else {
                    return None;
                };
                let edit = records.iter().find(|edit| same(&edit.from, record))?;
                record.policy = Policy::Weighted { weight: edit.to };
                Some(())
            };
            each(fleet, Source::Records, &Place::Global, touched, set);
        }
        traffic::Change::Dial { group_arn, to, .. } => {
            let set = |by: &mut Mechanism, _: &str| {
                let Mechanism::Dial(group) = by else {
                    return None;
                };
                let this = group.group_arn == *group_arn;
                this.then(|| group.dial = *to)
            };
            each(fleet, Source::Accelerators, &Place::Global, touched, set);
        }
        traffic::Change::Controls { controls } => imagine_controls(fleet, controls, touched),
        traffic::Change::Forward {
            region,
            listener_arn,
            rule_arn,
            groups,
            ..
        } => {
            let set = |by: &mut Mechanism, _: &str| {
                let Mechanism::Forward(forward) = by else {
                    return None;
                };
                let here = forward.listener_arn == *listener_arn && forward.rule_arn == *rule_arn;
                let edit = groups
                    .iter()
                    .find(|edit| here && edit.target_group_arn == forward.target_group_arn)?;
                forward.weight = edit.to;
                Some(())
            };
            let place = Place::Region(region.clone());
            each(fleet, Source::LoadBalancers, &place, touched, set);
        }
        traffic::Change::Route {
            region,
            rule,
            backends,
        } => {
            let set = |by: &mut Mechanism, member: &str| {
                let Mechanism::Route(backend) = by else {
                    return None;
                };
                let here = backend.rule.same(rule);
                let edit = backends
                    .iter()
                    .find(|edit| here && edit.backend == member)?;
                backend.weight = edit.to;
                Some(())
            };
            let place = Place::Region(region.clone());
            each(fleet, Source::Routes, &place, touched, set);
        }
        // Their shares move no traffic between regions.
        traffic::Change::Alias { .. }
        | traffic::Change::Steer(_)
        | traffic::Change::Staging { .. }
        | traffic::Change::Invalidate { .. } => {}
    }
}

fn imagine_controls(fleet: &mut Fleet, controls: &[ControlEdit], touched: &mut Touched) {
    let set = |by: &mut Mechanism, _: &str| {
        let Mechanism::Control(control) = by else {
            return None;
        };
        let edit = controls.iter().find(|edit| edit.arn == control.arn)?;
        control.on = Some(edit.to);
        Some(())
    };
    for place in fleet.estate.places(Source::RoutingControls) {
        each(fleet, Source::RoutingControls, &place, touched, set);
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
    touched.health();
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
