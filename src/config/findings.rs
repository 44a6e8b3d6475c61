//! What `pilothouse init` found in an account, and which of its regions writes and which hold replicas. Pure; asks nobody.

use std::collections::BTreeMap;

use super::syntax::could_be_aws_region;
use crate::resources::{ErrorClass, ProviderError, estate::RegionRole};

/// Everything that was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// Account id.
    pub account: Option<String>,
    /// ARN of the caller.
    pub identity: Option<String>,
    /// Profile that the calls were signed with; `None` for the SDK's own chain.
    pub profile: Option<String>,
    /// Why each AWS Region is in the list, in the order in which it was seen.
    pub regions: BTreeMap<String, Vec<Fact>>,
    /// Load balancers.
    pub load_balancers: Vec<LoadBalancer>,
    /// Record sets of every zone that could be read: those with a routing policy, and the plain ones that they may point to.
    pub records: Vec<RecordFact>,
    /// What could not be read.
    pub failures: Vec<Failure>,
}

/// One reason why a region matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it does there.
    pub part: Part,
    /// What it is, for people: `Aurora global cluster orders`.
    pub what: String,
}

/// What something does in a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Takes the writes of replicated data, or comes first in a failover.
    Writes,
    /// Holds a replica, or comes next.
    Reads,
    /// Serves, or is pointed to.
    Serves,
}

/// A load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadBalancer {
    /// AWS Region.
    pub region: String,
    /// Name.
    pub name: String,
    /// DNS name, lower case.
    pub dns_name: String,
}

/// A record set, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordFact {
    /// Hosted zone id without prefix.
    pub zone_id: String,
    /// Whether the zone is private.
    pub private: bool,
    /// Name without trailing dot.
    pub name: String,
    /// Set identifier.
    pub set_identifier: Option<String>,
    /// `weighted`, `latency`, `failover`, `geolocation` …; `None` for a plain record.
    pub policy: Option<String>,
    /// The region that the record itself states (latency, geoproximity).
    pub region: Option<String>,
    /// `PRIMARY` or `SECONDARY`.
    pub failover: Option<String>,
    /// Alias target or values.
    pub targets: Vec<String>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// AWS Region, or `global`.
    pub place: String,
    /// Why.
    pub error: ProviderError,
}

/// A region with what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRegion<'f> {
    /// AWS Region.
    pub name: &'f str,
    /// What it seems to be for.
    pub role: RegionRole,
    /// Why it seems so; empty when nothing tells.
    pub evidence: String,
    /// Why it is in the list.
    pub facts: &'f [Fact],
}

impl Findings {
    /// Notes why a region matters, once. What is no AWS Region (`global`, an empty field of an ARN) is nothing that could be asked.
    pub fn note(&mut self, region: &str, part: Part, what: impl Into<String>) {
        if !could_be_aws_region(region) {
            return;
        }
        let facts = self.regions.entry(region.to_owned()).or_default();
        let fact = Fact {
            part,
            what: what.into(),
        };
        if !facts.contains(&fact) {
            facts.push(fact);
        }
    }

    /// Why nothing could be asked at all: no, expired or wrong credentials. A file written from that would be empty.
    pub fn locked_out(&self) -> Option<&ProviderError> {
        let failures = self.failures.iter().map(|failure| &failure.error);
        failures
            .into_iter()
            .find(|error| self.account.is_none() && error.class == ErrorClass::Identity)
    }

    /// Where no data is replicated, the record sets with a failover policy tell who comes first.
    pub fn fall_back_on_failover(&mut self) {
        let facts = self.regions.values().flatten();
        if facts.into_iter().any(|fact| fact.part == Part::Writes) {
            return;
        }
        for name in self.names() {
            for record in self.records.clone() {
                let here = record.name == name.name && record.zone_id == name.zone_id;
                let Some(failover) = record.failover.filter(|_| here) else {
                    continue;
                };
                let answer = record.set_identifier.and_then(|id| name.answers.get(&id));
                let Some(region) = answer.and_then(|answer| answer.region.as_deref()) else {
                    continue;
                };
                let part = if failover == "PRIMARY" {
                    Part::Writes
                } else {
                    Part::Reads
                };
                self.note(
                    region,
                    part,
                    format!("failover {failover} of {}", name.name),
                );
            }
        }
    }

    /// The regions with their roles: who writes first, then who holds replicas, then the others.
    pub fn ranked(&self) -> Vec<FoundRegion<'_>> {
        let count = |facts: &[Fact], part| facts.iter().filter(|fact| fact.part == part).count();
        let mut regions: Vec<(&String, &Vec<Fact>)> = self.regions.iter().collect();
        regions.sort_by_key(|(name, facts)| {
            let order = (count(facts, Part::Writes), count(facts, Part::Reads));
            (std::cmp::Reverse(order), (*name).clone())
        });
        let writes = regions
            .first()
            .is_some_and(|(_, facts)| count(facts, Part::Writes) > 0);
        let mut replicas = 0;
        let mut ranked = Vec::new();
        for (index, (name, facts)) in regions.into_iter().enumerate() {
            let tells = |part| {
                let facts = facts.iter().filter(|fact| fact.part == part);
                facts
                    .map(|fact| fact.what.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let (role, evidence) = if writes && index == 0 {
                (RegionRole::Primary, tells(Part::Writes))
            } else if writes && count(facts, Part::Reads) > 0 {
                replicas += 1;
                let role = if replicas == 1 {
                    RegionRole::Secondary
                } else {
                    RegionRole::Tertiary
                };
                (role, tells(Part::Reads))
            } else {
                (RegionRole::Active, String::new())
            };
            ranked.push(FoundRegion {
                name,
                role,
                evidence,
                facts,
            });
        }
        ranked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_writes_is_primary_and_replicas_follow() {
        let mut findings = Findings::default();
        findings.note("ap-southeast-1", Part::Reads, "reads a");
        findings.note("eu-west-1", Part::Reads, "reads a");
        findings.note("eu-west-1", Part::Reads, "reads b");
        findings.note("us-east-1", Part::Writes, "writes a");
        findings.note("us-west-2", Part::Serves, "load balancer");
        let ranked = findings.ranked();
        let roles: Vec<_> = ranked
            .iter()
            .map(|region| (region.name, region.role))
            .collect();
        assert_eq!(
            roles,
            [
                ("us-east-1", RegionRole::Primary),
                ("eu-west-1", RegionRole::Secondary),
                ("ap-southeast-1", RegionRole::Tertiary),
                ("us-west-2", RegionRole::Active),
            ]
        );
        assert_eq!(ranked[1].evidence, "reads a, reads b");
    }
}
