//! The ways on which users reach regions: record sets of a name, endpoint groups of an accelerator, rules of a mesh. Owns what belongs together and whether it is open by configuration; health is not asked, for a region that fails comes back by itself.

use std::collections::BTreeMap;

use super::rule::{self, Rule};
use crate::resources::{
    Fleet, Place, RegionLabel, Source,
    health_checks::HealthCheck,
    traffic::{self, EndpointGroup, Mechanism, Policy, Record, Split, change::RecordEdit},
};

/// Seconds that resolvers keep an alias answer.
const ALIAS_TTL: u32 = 60;

/// The record sets of one zone, name and type.
#[derive(Debug, Clone)]
pub struct Name<'a> {
    /// As in the Traffic pane: `api.example.com. A`.
    pub split: &'a str,
    /// The record sets, each with its region.
    pub records: Vec<(&'a Record, Option<&'a RegionLabel>)>,
}

/// The endpoint groups of one listener of an accelerator.
#[derive(Debug, Clone)]
pub struct Accelerator<'a> {
    /// Its name.
    pub name: &'a str,
    /// The groups, each with its region.
    pub groups: Vec<(&'a EndpointGroup, Option<&'a RegionLabel>)>,
}

/// Everything through which users reach regions.
#[derive(Debug, Clone)]
pub struct Routes<'a> {
    /// Names.
    pub names: Vec<Name<'a>>,
    /// Accelerators that take traffic.
    pub accelerators: Vec<Accelerator<'a>>,
    /// Rules in clusters that divide between regions.
    pub rules: Vec<Rule<'a>>,
    checks: BTreeMap<&'a str, &'a HealthCheck>,
}

/// The rows of a source that is listed globally.
fn rows(fleet: &Fleet, source: Source) -> &[Split] {
    let slice = fleet.traffic.slice(source, &Place::Global);
    slice.map_or(&[], |slice| &slice.rows)
}

impl<'a> Name<'a> {
    /// The name without dot and type.
    pub fn plain(&self) -> String {
        let name = self.records.first().map(|(record, _)| record.name.as_str());
        traffic::plain_name(name.unwrap_or(self.split))
    }

    /// The record sets of a region.
    pub fn of<'b>(&'b self, label: &'b RegionLabel) -> impl Iterator<Item = &'a Record> + 'b {
        let mine = self.records.iter();
        mine.filter(move |(_, region)| *region == Some(label))
            .map(|(record, _)| *record)
    }

    /// Which record sets are those of a region.
    pub fn mask(&self, label: &RegionLabel) -> Vec<bool> {
        let records = self.records.iter();
        records.map(|(_, region)| *region == Some(label)).collect()
    }

    /// The weights of all record sets; `None` unless all are weighted.
    pub fn weights(&self) -> Option<Vec<u8>> {
        self.records
            .iter()
            .map(|(record, _)| record.weight())
            .collect()
    }

    /// How long resolvers keep an answer.
    pub fn ttl(&self) -> u32 {
        let ttls = self.records.iter();
        ttls.map(|(record, _)| record.ttl.unwrap_or(ALIAS_TTL))
            .max()
            .unwrap_or(ALIAS_TTL)
    }

    /// The one batch that turns weights into others; `None` when nothing changes.
    pub fn batch(&self, from: &[u8], to: &[u8]) -> Option<crate::resources::Change> {
        let edits = self.records.iter().zip(from.iter().zip(to));
        let records: Vec<RecordEdit> = edits
            .filter(|(_, (from, to))| from != to)
            .map(|((record, _), (from, to))| RecordEdit {
                from: Record {
                    policy: Policy::Weighted { weight: *from },
                    ..(*record).clone()
                },
                to: *to,
            })
            .collect();
        if records.is_empty() {
            return None;
        }
        let change = traffic::Change::Weights { records };
        Some(crate::resources::Change::Traffic(change))
    }
}

impl<'a> Accelerator<'a> {
    /// The groups of a region.
    pub fn of<'b>(
        &'b self,
        label: &'b RegionLabel,
    ) -> impl Iterator<Item = &'a EndpointGroup> + 'b {
        let mine = self.groups.iter();
        mine.filter(move |(_, region)| *region == Some(label))
            .map(|(group, _)| *group)
    }

    /// Whether some group of another region takes traffic.
    pub fn others_open(&self, label: &RegionLabel) -> bool {
        let mut others = self.groups.iter();
        others.any(|(group, region)| *region != Some(label) && group.dial > 0.0)
    }
}

/// The dial of a group from one percentage to another.
pub fn dial(group: &EndpointGroup, from: f64, to: f64) -> crate::resources::Change {
    crate::resources::Change::Traffic(traffic::Change::Dial {
        accelerator_arn: group.accelerator_arn.clone(),
        group_arn: group.group_arn.clone(),
        region: group.region.clone(),
        from,
        to,
    })
}

impl<'a> Routes<'a> {
    /// All of them, as last read.
    pub fn of(fleet: &'a Fleet) -> Self {
        let mut names: BTreeMap<(&str, &str), Name<'a>> = BTreeMap::new();
        for row in rows(fleet, Source::Records) {
            let Mechanism::Record(record) = &row.by else {
                continue;
            };
            let name = names.entry((record.zone_id.as_str(), &row.split));
            let name = name.or_insert_with(|| Name {
                split: &row.split,
                records: Vec::new(),
            });
            name.records.push((record, record.region(&fleet.estate)));
        }
        let mut accelerators: BTreeMap<&str, Accelerator<'a>> = BTreeMap::new();
        for row in rows(fleet, Source::Accelerators) {
            let Mechanism::Dial(group) = &row.by else {
                continue;
            };
            if !group.accelerator_enabled {
                continue;
            }
            let accelerator = accelerators.entry(&group.listener_arn);
            let accelerator = accelerator.or_insert_with(|| Accelerator {
                name: &group.accelerator_name,
                groups: Vec::new(),
            });
            let region = fleet.estate.region_named(&group.region);
            accelerator.groups.push((group, region));
        }
        let checks = fleet
            .health_checks
            .slice(Source::HealthChecks, &Place::Global);
        let checks = checks.map_or(&[][..], |slice| &slice.rows);
        Self {
            names: names.into_values().collect(),
            accelerators: accelerators.into_values().collect(),
            rules: rule::all(fleet),
            checks: checks
                .iter()
                .map(|check| (check.id.as_str(), check))
                .collect(),
        }
    }

    /// A health check.
    pub fn check(&self, id: &str) -> Option<&'a HealthCheck> {
        self.checks.get(id).copied()
    }

    /// The routing controls each of which alone makes a record set unhealthy: its own check, or a calculated one that needs all of its children.
    pub fn controls(&self, record: &Record) -> Vec<&'a str> {
        let mut found = Vec::new();
        if let Some(id) = record.health_check_id.as_deref() {
            self.gather(id, 0, &mut found);
        }
        found
    }

    fn gather(&self, id: &str, depth: u8, found: &mut Vec<&'a str>) {
        let Some(check) = self
            .check(id)
            .filter(|check| !check.inverted && !check.disabled)
        else {
            return;
        };
        if let Some(arn) = check.routing_control_arn.as_deref() {
            found.push(arn);
        }
        // `2 of 2 checks: …` is how a calculated check is told: only if all are needed does one of them decide.
        let needed = check.target.split_once(" of ").map(|(needed, _)| needed);
        let all =
            needed.and_then(|needed| needed.parse::<usize>().ok()) == Some(check.children.len());
        if check.check_type == "CALCULATED" && all && depth < 4 {
            for child in &check.children {
                self.gather(child, depth + 1, found);
            }
        }
    }

    /// Whether a record set is open by configuration: a weight, no control that is `Off`, no inverted check.
    pub fn open(&self, fleet: &Fleet, record: &Record) -> bool {
        let off = |arn: &&str| fleet.shares.control(arn) == Some(false);
        let inverted = record
            .health_check_id
            .as_deref()
            .and_then(|id| self.check(id))
            .is_some_and(|check| {
                check.inverted
                    && crate::resources::health_checks::healthy(fleet, &check.id) != Some(true)
            });
        record.weight() != Some(0) && !inverted && !self.controls(record).iter().any(off)
    }

    /// Whether anything steers users to a region at all, open or not.
    pub fn lead_to(&self, label: &RegionLabel) -> bool {
        self.front(label) || self.rules.iter().any(|rule| rule.leads_to(label))
    }

    /// Whether users are steered to the door of a region: by a name or an accelerator.
    pub fn front(&self, label: &RegionLabel) -> bool {
        self.names
            .iter()
            .any(|name| name.of(label).next().is_some())
            || self
                .accelerators
                .iter()
                .any(|accelerator| accelerator.of(label).next().is_some())
    }
}
