//! Which region each answer of a name leads to, concluded from record sets and load balancers. Pure; asks nobody.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    findings::{Findings, RecordFact},
    syntax::{aws_regions_in, dns_name, zone_id},
};

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

/// How many names an answer may be passed on through.
const LONGEST_CHAIN: usize = 8;

impl Findings {
    /// The names that split traffic, those that reach most regions first.
    pub fn names(&self) -> Vec<FoundName> {
        let mut names: BTreeMap<(&str, &str), FoundName> = BTreeMap::new();
        for record in &self.records {
            let (Some(policy), Some(identifier)) = (&record.policy, &record.set_identifier) else {
                continue;
            };
            // Only what the configuration takes.
            if dns_name(&record.name).is_err() || zone_id(&record.zone_id).is_none() {
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
    use crate::config::findings::LoadBalancer;

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
}
