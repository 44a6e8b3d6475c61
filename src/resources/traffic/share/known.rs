//! What is known about health, looked up once per computation: checks, routing controls, load balancers. `None` always means "not known".

use std::collections::HashMap;

use super::super::{Mechanism, Record, Split, TargetHealth, plain_name};
use crate::resources::{Fleet, Source, health_checks};

/// How deep alias records may point to each other before their health counts as not known.
const DEPTH: u8 = 4;

/// What is known about health.
pub struct Known<'a> {
    fleet: &'a Fleet,
    controls: HashMap<&'a str, Option<bool>>,
    targets: HashMap<String, Option<bool>>,
    named: HashMap<&'a str, Vec<&'a Record>>,
}

impl<'a> Known<'a> {
    /// Gathers it.
    pub fn of(fleet: &'a Fleet) -> Self {
        let mut known = Self::with(fleet, HashMap::new());
        for (source, place, slice) in fleet.traffic.slices() {
            if fleet.freshness(source, place).usable() {
                known.add_forwards(&slice.rows);
            }
        }
        known
    }

    /// Gathers it, but for the load balancers.
    pub fn with(fleet: &'a Fleet, targets: HashMap<String, Option<bool>>) -> Self {
        let mut known = Self {
            fleet,
            controls: HashMap::new(),
            targets,
            named: HashMap::new(),
        };
        // Nothing else is looked at here, and most rows are of something else.
        let looked_at = [Source::Records, Source::RoutingControls];
        let slices = || {
            let all = fleet.traffic.slices();
            all.filter(|(source, _, _)| looked_at.contains(source))
        };
        let nested = slices().any(|(_, _, slice)| slice.rows.iter().any(follows_records));
        for (source, place, slice) in slices() {
            let usable = fleet.freshness(source, place).usable();
            for row in slice.rows.iter().filter(|_| usable) {
                match &row.by {
                    Mechanism::Record(record) if nested => known.add_record(record),
                    Mechanism::Control(control) => {
                        let seen = known.controls.entry(&control.arn).or_insert(control.on);
                        if *seen != control.on {
                            *seen = None;
                        }
                    }
                    Mechanism::Record(_)
                    | Mechanism::Dial(_)
                    | Mechanism::Forward(_)
                    | Mechanism::Alias(_)
                    | Mechanism::Distribution(_)
                    | Mechanism::Route(_)
                    | Mechanism::Rollout(_) => {}
                }
            }
        }
        known
    }

    /// Routing controls by ARN, load balancers by name.
    pub fn into_parts(self) -> (HashMap<String, Option<bool>>, HashMap<String, Option<bool>>) {
        let controls = self
            .controls
            .into_iter()
            .map(|(arn, on)| (arn.to_owned(), on));
        (controls.collect(), self.targets)
    }

    /// Aliases to record sets name them as Route 53 writes them, so names need no other form here.
    fn add_record(&mut self, record: &'a Record) {
        self.named
            .entry(record.name.trim_end_matches('.'))
            .or_default()
            .push(record);
    }

    /// A load balancer counts as healthy when each of its target groups has a healthy target.
    fn add_forwards(&mut self, rows: &'a [Split]) {
        // The rows of a load balancer follow each other and write its name alike, and names are dear to bring into one form.
        let same = |a: &Split, b: &Split| balancer(a) == balancer(b);
        for rows in rows.chunk_by(same) {
            let Some(dns) = rows.first().and_then(balancer) else {
                continue;
            };
            let health = rows
                .iter()
                .filter_map(|row| row.by.forward())
                .map(|forward| forward.health);
            let serves = health.map(|health| health.and_then(TargetHealth::serves));
            let Some(serves) = serves.reduce(and) else {
                continue;
            };
            self.targets
                .entry(balancer_name(dns))
                .and_modify(|healthy| *healthy = and(*healthy, serves))
                .or_insert(serves);
        }
    }

    /// Whether Route 53 takes a record set for healthy.
    pub fn record(&self, record: &Record) -> Option<bool> {
        self.record_at(record, 0)
    }

    fn record_at(&self, record: &Record, depth: u8) -> Option<bool> {
        let check = record
            .health_check_id
            .as_deref()
            .map_or(Some(true), |id| self.check(id));
        let target = match &record.alias {
            Some(alias) if alias.evaluate_target_health => {
                self.target(&alias.dns_name, &record.record_type, depth)
            }
            Some(_) | None => Some(true),
        };
        and(check, target)
    }

    fn check(&self, id: &str) -> Option<bool> {
        health_checks::judged(self.fleet, id, |arn| {
            self.controls.get(arn).copied().flatten()
        })
    }

    /// The health of an alias target: a load balancer that we list, or record sets of a managed name.
    fn target(&self, dns_name: &str, record_type: &str, depth: u8) -> Option<bool> {
        if !self.targets.is_empty()
            && let Some(healthy) = self.targets.get(&balancer_name(dns_name))
        {
            return *healthy;
        }
        if depth >= DEPTH {
            return None;
        }
        let records = self.named.get(dns_name.trim_end_matches('.'))?;
        records
            .iter()
            .filter(|record| record.record_type == record_type)
            .map(|record| self.record_at(record, depth + 1))
            .reduce(or)
            .flatten()
    }
}

/// The load balancer that a row belongs to, as it writes its name.
fn balancer(row: &Split) -> Option<&str> {
    row.by.forward()?.load_balancer_dns.as_deref()
}

/// Whether a record may take the health of other records; most estates have none, and then names need not be gathered.
fn follows_records(row: &Split) -> bool {
    let Mechanism::Record(record) = &row.by else {
        return false;
    };
    record.alias.as_ref().is_some_and(|alias| {
        let name = alias.dns_name.trim_end_matches('.');
        alias.evaluate_target_health && !name.ends_with(".amazonaws.com")
    })
}

/// A load balancer's DNS name in one form: Route 53 puts `dualstack.` before it and a dot behind.
pub fn balancer_name(dns_name: &str) -> String {
    let name = plain_name(dns_name);
    name.strip_prefix("dualstack.")
        .map(ToOwned::to_owned)
        .unwrap_or(name)
}

/// Both, where one that fails decides.
fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        (None, _) | (_, None) => None,
    }
}

/// Either, where one that holds decides.
fn or(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        (None, _) | (_, None) => None,
    }
}
