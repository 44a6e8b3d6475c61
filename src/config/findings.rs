//! What `pilothouse init` found in an account, and what it makes of it: which region an answer belongs to, which region writes. Pure; asks nobody.

use std::collections::{BTreeMap, BTreeSet};

use super::syntax::{aws_regions_in, dns_name};
use crate::resources::{ProviderError, estate::RegionRole};

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
    /// Takes the writes of replicated data.
    Writes,
    /// Holds a replica.
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

/// A name that splits traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundName {
    /// Name without trailing dot.
    pub name: String,
    /// Hosted zone id.
    pub zone_id: String,
    /// Whether the zone is private.
    pub private: bool,
    /// Its routing policies.
    pub policies: BTreeSet<String>,
    /// Its answers by set identifier.
    pub answers: BTreeMap<String, FoundAnswer>,
}

/// Where an answer leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundAnswer {
    /// AWS Region; `None` when nothing tells.
    pub region: Option<String>,
    /// What tells, or what does not.
    pub evidence: String,
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

/// How many names an answer may be passed on through.
const LONGEST_CHAIN: usize = 8;

impl Findings {
    /// Notes why a region matters, once.
    pub fn note(&mut self, region: &str, part: Part, what: impl Into<String>) {
        let facts = self.regions.entry(region.to_owned()).or_default();
        let fact = Fact {
            part,
            what: what.into(),
        };
        if !facts.contains(&fact) {
            facts.push(fact);
        }
    }

    /// The names that split traffic, those that reach most regions first.
    pub fn names(&self) -> Vec<FoundName> {
        let mut names: BTreeMap<(&str, &str), FoundName> = BTreeMap::new();
        for record in &self.records {
            let (Some(policy), Some(identifier)) = (&record.policy, &record.set_identifier) else {
                continue;
            };
            // Only names that the configuration takes: no SRV names under odd labels, nothing in a zone of its own making.
            if dns_name(&record.name).is_err() {
                continue;
            }
            let name = names
                .entry((&record.zone_id, &record.name))
                .or_insert_with(|| FoundName {
                    name: record.name.clone(),
                    zone_id: record.zone_id.clone(),
                    private: record.private,
                    policies: BTreeSet::new(),
                    answers: BTreeMap::new(),
                });
            name.policies.insert(policy.clone());
            let answer = self.answer(record);
            // A and AAAA share identifiers; the one whose region is known tells more.
            let known = name
                .answers
                .entry(identifier.clone())
                .or_insert_with(|| answer.clone());
            if known.region.is_none() {
                *known = answer;
            }
        }
        let mut names: Vec<FoundName> = names.into_values().collect();
        names.sort_by_key(|name| {
            let regions: BTreeSet<_> = name
                .answers
                .values()
                .filter_map(|a| a.region.as_ref())
                .collect();
            (
                std::cmp::Reverse(regions.len()),
                name.private,
                name.name.len(),
                name.name.clone(),
            )
        });
        names
    }

    fn answer(&self, record: &RecordFact) -> FoundAnswer {
        let stated = record.region.as_deref();
        let policy = record.policy.as_deref().unwrap_or_default();
        let (region, evidence) = match (self.target_region(record, 0), stated) {
            (Some((region, evidence)), Some(stated)) if region != stated => (
                Some(region),
                format!("{evidence}, although its {policy} region is {stated}"),
            ),
            (Some((region, evidence)), _) => (Some(region), evidence),
            (None, Some(stated)) => (Some(stated.to_owned()), format!("its {policy} region")),
            (None, None) => {
                let identifier = record.set_identifier.as_deref().unwrap_or_default();
                match only(aws_regions_in(&identifier.to_lowercase())) {
                    Some(region) => (Some(region), "only its set identifier says so".to_owned()),
                    None => (
                        None,
                        format!("nothing tells the region of {}", record.targets.join(", ")),
                    ),
                }
            }
        };
        FoundAnswer { region, evidence }
    }

    /// The one region that all targets of a record lie in, and what tells.
    fn target_region(&self, record: &RecordFact, depth: usize) -> Option<(String, String)> {
        let mut found: Option<(String, String)> = None;
        for target in &record.targets {
            let here = self.region_of_target(record, target, depth)?;
            match &found {
                Some((region, _)) if *region != here.0 => return None,
                Some(_) => {}
                None => found = Some(here),
            }
        }
        found
    }

    fn region_of_target(
        &self,
        record: &RecordFact,
        target: &str,
        depth: usize,
    ) -> Option<(String, String)> {
        let balancer = self
            .load_balancers
            .iter()
            .find(|balancer| is_same_host(&balancer.dns_name, target));
        if let Some(balancer) = balancer {
            return Some((
                balancer.region.clone(),
                format!("its target is the load balancer {}", balancer.name),
            ));
        }
        let next: Vec<&RecordFact> = self
            .records
            .iter()
            .filter(|other| other.name == target && other.name != record.name)
            .collect();
        if !next.is_empty() && depth < LONGEST_CHAIN {
            let regions: Option<BTreeSet<String>> = next
                .iter()
                .map(|other| {
                    self.target_region(other, depth + 1)
                        .map(|(region, _)| region)
                })
                .collect();
            if let Some(region) = regions.and_then(|regions| only(regions.into_iter().collect())) {
                return Some((region, format!("it leads there by way of {target}")));
            }
        }
        let region = only(aws_regions_in(target))?;
        Some((region, format!("its target is {target}")))
    }

    /// The load balancers of a region that a splitting name leads to.
    pub fn targeted(&self, region: &str) -> Vec<&str> {
        let targets = || self.records.iter().flat_map(|record| &record.targets);
        let balancers = self
            .load_balancers
            .iter()
            .filter(|balancer| balancer.region == region);
        balancers
            .filter(|balancer| targets().any(|target| is_same_host(&balancer.dns_name, target)))
            .map(|balancer| balancer.name.as_str())
            .collect()
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
        let rank = |(index, (name, facts)): (usize, (&'_ String, &'_ Vec<Fact>))| {
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
            (name, role, evidence, facts)
        };
        let ranked = regions.into_iter().enumerate().map(rank);
        ranked
            .map(|(name, role, evidence, facts)| FoundRegion {
                name,
                role,
                evidence,
                facts,
            })
            .collect()
    }
}

/// Whether a target is a load balancer, with or without the prefix that aliases carry.
fn is_same_host(dns_name: &str, target: &str) -> bool {
    !dns_name.is_empty()
        && (target == dns_name || target.strip_prefix("dualstack.") == Some(dns_name))
}

fn only(mut regions: Vec<String>) -> Option<String> {
    (regions.len() == 1).then(|| regions.pop()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, identifier: &str, targets: &[&str]) -> RecordFact {
        RecordFact {
            zone_id: "Z1".to_owned(),
            name: name.to_owned(),
            set_identifier: (!identifier.is_empty()).then(|| identifier.to_owned()),
            policy: (!identifier.is_empty()).then(|| "weighted".to_owned()),
            targets: targets.iter().map(|target| (*target).to_owned()).collect(),
            ..RecordFact::default()
        }
    }

    fn region(findings: &Findings, identifier: &str) -> (Option<String>, String) {
        let names = findings.names();
        let answer = names[0].answers[identifier].clone();
        (answer.region, answer.evidence)
    }

    #[test]
    fn an_answer_belongs_where_its_target_is() {
        let mut findings = Findings {
            load_balancers: vec![LoadBalancer {
                region: "sa-east-1".to_owned(),
                name: "web".to_owned(),
                dns_name: "web.internal.test".to_owned(),
            }],
            records: vec![
                record(
                    "api.test.org",
                    "plain",
                    &["web-1.eu-west-1.elb.amazonaws.com"],
                ),
                record("api.test.org", "balancer", &["dualstack.web.internal.test"]),
                record("api.test.org", "chain", &["inner.test.org"]),
                record("inner.test.org", "", &["x.ap-south-1.elb.amazonaws.com"]),
                record("api.test.org", "address", &["203.0.113.9"]),
                record("api.test.org", "to-us-west-2", &["203.0.113.9"]),
                record("api.test.org", "both", &["a.us-east-1.x", "b.eu-west-1.x"]),
            ],
            ..Findings::default()
        };
        let names: Vec<Option<String>> = [
            "plain",
            "balancer",
            "chain",
            "address",
            "to-us-west-2",
            "both",
        ]
        .map(|identifier| region(&findings, identifier).0)
        .to_vec();
        let expected = [
            Some("eu-west-1"),
            Some("sa-east-1"),
            Some("ap-south-1"),
            None,
            Some("us-west-2"),
            None,
        ];
        assert_eq!(names, expected.map(|name| name.map(ToOwned::to_owned)));

        findings.records[0].region = Some("eu-north-1".to_owned());
        let (found, evidence) = region(&findings, "plain");
        assert_eq!(found.as_deref(), Some("eu-west-1"));
        assert!(
            evidence.ends_with("although its weighted region is eu-north-1"),
            "{evidence}"
        );
    }

    #[test]
    fn names_that_lead_in_a_circle_end() {
        let findings = Findings {
            records: vec![
                record("a.test.org", "x", &["b.test.org"]),
                record("b.test.org", "y", &["a.test.org"]),
            ],
            ..Findings::default()
        };
        assert_eq!(findings.names().len(), 2);
        assert_eq!(region(&findings, "x").0, None);
    }

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
