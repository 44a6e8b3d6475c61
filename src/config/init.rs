//! The file that `pilothouse init` writes: commented, working, every guess marked with what it was guessed from. Owns its wording; asks nobody.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{
    answers::FoundName,
    findings::{Findings, FoundRegion, Part},
    problem::{is_hostile, printable},
};
use crate::resources::{RegionLabel, estate::RegionRole};

const HEAD: &str = "\
# pilothouse.toml, written by `pilothouse init`.
# Everything marked `guessed` was concluded from what is named beside it: read it, mend it, then run `pilothouse check`.
# All keys and their defaults: see the README.
";

const TAIL: &str = "\
# The data-plane endpoints of the recovery cluster (Application Recovery Controller), if you have one. They belong in this file because
# looking them up is a control-plane call, which may fail with the region that you want to leave:
#   aws route53-recovery-control-config describe-cluster --region us-west-2 --cluster-arn ARN
# [recovery]
# endpoints = [
#   { region = \"us-east-1\", url = \"https://HOST.route53-recovery-cluster.us-east-1.amazonaws.com/v1\" },
# ]

# Limits beyond which a value is shown as WARN or BAD. These are the defaults of the most used ones.
# [thresholds]
# p95_warn_ms = 200
# p95_bad_ms = 500
# error_warn_percent = 0.5
# error_bad_percent = 1
# database_lag_bad_ms = 30000

# [console]
# theme = \"dark\"      # light, high-contrast, colour-blind, mono
# keymap = \"default\"  # emacs
";

/// The file for what was found. It loads, unless no region was found at all; then it says so.
pub fn write(findings: &Findings) -> String {
    let mut text = HEAD.to_owned();
    let who = [&findings.account, &findings.identity];
    if let [Some(account), Some(identity)] = who {
        text += &comment(&format!("Account {account}, seen as {identity}."));
    }
    if !findings.failures.is_empty() {
        text += "#\n# Could not be read, so that something may be missing here:\n";
        for failure in &findings.failures {
            text += &comment(&format!("- {}: {}", failure.place, failure.error));
        }
    }
    text += "\n# The word in the top line: prod, staging …\n";
    let environment = findings
        .profile
        .as_deref()
        .filter(|profile| is_word(profile));
    let _ = writeln!(
        text,
        "environment = {}\n",
        quoted(environment.unwrap_or("aws"))
    );
    if let Some(profile) = &findings.profile {
        let _ = writeln!(text, "[aws]\nprofile = {}\n", quoted(profile));
    }
    let regions = findings.ranked();
    if regions.is_empty() {
        text += "# No region was found, and none is set in AWS_REGION or the profile. Add yours:\n# [[region]]\n# label = \"eu-west-1\"\n\n";
    }
    for region in &regions {
        write_region(&mut text, findings, region);
    }
    write_names(&mut text, findings, &regions);
    text + TAIL
}

fn write_region(text: &mut String, findings: &Findings, region: &FoundRegion<'_>) {
    *text += "[[region]]\n";
    let _ = writeln!(text, "label = {}", quoted(region.name));
    let seen: Vec<&str> = region.facts.iter().map(|fact| fact.what.as_str()).collect();
    match seen.as_slice() {
        [] => *text += "# Nothing was found there; it is the region of your credentials.\n",
        seen => *text += &comment(&format!("Seen there: {}.", list(seen, 6))),
    }
    match role_word(region.role) {
        Some(role) => {
            let guess = format!("guessed: {}", region.evidence);
            *text += &commented(&format!("role = {}", quoted(role)), &guess);
        }
        None => {
            *text += "# role = \"active\"  # or primary, secondary, tertiary; nothing found tells who takes over for whom\n"
        }
    }
    write_load_balancers(text, findings, region.name);
    *text += "# capacity_rps = 1000  # requests per second that it can serve: no API knows it, a load test does; without it no utilisation is shown\n\n";
}

fn role_word(role: RegionRole) -> Option<&'static str> {
    match role {
        RegionRole::Primary => Some("primary"),
        RegionRole::Secondary => Some("secondary"),
        RegionRole::Tertiary => Some("tertiary"),
        RegionRole::Active => None,
    }
}

/// Only where a region has several load balancers does it matter which of them carry the user traffic.
fn write_load_balancers(text: &mut String, findings: &Findings, region: &str) {
    let named = |name: &&str| !name.trim().is_empty();
    let here = findings
        .load_balancers
        .iter()
        .filter(|balancer| balancer.region == region);
    let all: BTreeSet<&str> = here
        .map(|balancer| balancer.name.as_str())
        .filter(named)
        .collect();
    if all.len() < 2 {
        return;
    }
    let targeted: BTreeSet<&str> = findings
        .targeted(region)
        .into_iter()
        .filter(named)
        .collect();
    let names = |names: &BTreeSet<&str>| {
        names
            .iter()
            .map(|name| quoted(name))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if targeted.is_empty() {
        let line = format!(
            "# load_balancers = [{}]",
            names(&all.into_iter().take(10).collect())
        );
        *text += &commented(
            &line,
            "keep those that carry user traffic; without this key all of them count",
        );
    } else if targeted.len() < all.len() {
        let line = format!("load_balancers = [{}]", names(&targeted));
        *text += &commented(
            &line,
            "guessed: records with a routing policy lead to these",
        );
    }
}

fn write_names(text: &mut String, findings: &Findings, regions: &[FoundRegion<'_>]) {
    let names = findings.names();
    if names.is_empty() {
        *text += "# No name with weighted, latency, failover or geolocation record sets was found. Add those that split your traffic:\n# [[name]]\n# name = \"api.example.com\"\n\n";
        return;
    }
    *text += "# The names that split traffic. The first one gives each region's traffic share.\n";
    for name in &names {
        write_name(text, name, regions);
    }
}

fn write_name(text: &mut String, name: &FoundName, regions: &[FoundRegion<'_>]) {
    *text += "[[name]]\n";
    let policies: Vec<&str> = name.policies.iter().map(String::as_str).collect();
    let private = if name.private {
        ", in a private zone"
    } else {
        ""
    };
    let line = format!("name = {}", quoted(&name.name));
    *text += &commented(&line, &format!("{}{private}", policies.join(", ")));
    let _ = writeln!(text, "zone_id = {}", quoted(&name.zone_id));
    *text += "[name.regions]  # set identifier = region label\n";
    for (identifier, answer) in &name.answers {
        let known = answer
            .region
            .as_deref()
            .filter(|region| regions.iter().any(|found| found.name == *region));
        let (line, why) = match (known, &answer.region) {
            (Some(region), _) => (
                format!("{} = {}", quoted(identifier), quoted(region)),
                format!("guessed: {}", answer.evidence),
            ),
            (None, Some(region)) => (
                format!("# {} = {}", quoted(identifier), quoted(region)),
                "that region is not watched".to_owned(),
            ),
            (None, None) => (
                format!("# {} = \"…\"", quoted(identifier)),
                answer.evidence.clone(),
            ),
        };
        *text += &commented(&line, &why);
    }
    *text += "\n";
}

/// A few of a list, and how many more there are.
fn list(entries: &[&str], most: usize) -> String {
    let shown = entries[..entries.len().min(most)].join(", ");
    match entries.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A line of comment. Whatever it quotes stays in the line.
fn comment(text: &str) -> String {
    format!("# {}\n", short(text))
}

/// A line with a comment behind it.
fn commented(line: &str, why: &str) -> String {
    format!("{line}  # {}\n", short(why))
}

fn short(text: &str) -> String {
    const MOST: usize = 200;
    let safe = printable(text);
    if safe.chars().count() <= MOST {
        return safe;
    }
    let head: String = safe.chars().take(MOST).collect();
    format!("{head}…")
}

/// A text as a TOML string on one line, with nothing in it that a terminal or an editor would act on.
pub fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' => quoted += "\\\"",
            '\\' => quoted += "\\\\",
            c if is_hostile(c) => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

fn is_word(profile: &str) -> bool {
    RegionLabel::new(profile).is_ok() && !profile.contains(is_hostile)
}

/// What the user reads on the terminal after `init`: what was found, and what could not be read.
pub fn summary(findings: &Findings) -> Vec<String> {
    let mut lines = Vec::new();
    for region in findings.ranked() {
        let role = role_word(region.role).unwrap_or("active");
        let count = |part| region.facts.iter().filter(|fact| fact.part == part).count();
        let name = printable(region.name);
        lines.push(format!(
            "{name}: {role}; writes {}, replicates {}, serves {}",
            count(Part::Writes),
            count(Part::Reads),
            count(Part::Serves)
        ));
    }
    for name in findings.names() {
        let known = name
            .answers
            .values()
            .filter(|answer| answer.region.is_some())
            .count();
        lines.push(printable(&format!(
            "{}: {} answers, {known} with a known region",
            name.name,
            name.answers.len()
        )));
    }
    lines.extend(
        findings
            .failures
            .iter()
            .map(|failure| printable(&format!("not read: {}: {}", failure.place, failure.error))),
    );
    lines
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, test_runner::RngSeed};

    use super::*;
    use crate::{
        config::{
            self,
            findings::{Failure, LoadBalancer, RecordFact},
            layers::Flags,
            library::Library,
        },
        resources::{ErrorClass, Estate, ProviderError},
    };

    fn read(text: &str) -> Estate {
        config::parse(
            "pilothouse.toml",
            text,
            &Flags::default(),
            &Library::default(),
        )
        .unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"))
        .estate
    }

    fn record(identifier: &str, target: &str) -> RecordFact {
        RecordFact {
            zone_id: "Z1".to_owned(),
            name: "api.example.com".to_owned(),
            set_identifier: Some(identifier.to_owned()),
            policy: Some("weighted".to_owned()),
            targets: vec![target.to_owned()],
            ..RecordFact::default()
        }
    }

    #[test]
    fn what_is_found_is_what_is_watched() {
        let mut findings = Findings {
            profile: Some("prod".to_owned()),
            records: vec![
                record("eu", "web.eu-west-1.elb.amazonaws.com"),
                record("us", "web.us-east-1.elb.amazonaws.com"),
                record("old", "203.0.113.9"),
            ],
            load_balancers: ["web", "batch"]
                .map(|name| LoadBalancer {
                    region: "us-east-1".to_owned(),
                    name: name.to_owned(),
                    dns_name: format!("{name}.us-east-1.elb.amazonaws.com"),
                })
                .to_vec(),
            ..Findings::default()
        };
        findings.note(
            "eu-west-1",
            Part::Reads,
            "Aurora global cluster orders (reader)",
        );
        findings.note(
            "us-east-1",
            Part::Writes,
            "Aurora global cluster orders (writer)",
        );
        let text = write(&findings);
        let estate = read(&text);
        assert_eq!(estate.environment, "prod");
        assert_eq!(estate.access.profile.as_deref(), Some("prod"));
        let regions: Vec<_> = estate
            .regions
            .iter()
            .map(|r| (r.label.as_str(), r.role))
            .collect();
        assert_eq!(
            regions,
            [
                ("us-east-1", RegionRole::Primary),
                ("eu-west-1", RegionRole::Secondary)
            ]
        );
        assert_eq!(estate.regions[0].load_balancers, ["web"]);
        assert_eq!(estate.names[0].regions["eu"].as_str(), "eu-west-1");
        assert_eq!(estate.names[0].regions.len(), 2);
        assert!(
            text.contains("# \"old\" = \"…\"  # nothing tells the region of 203.0.113.9"),
            "{text}"
        );
        assert!(
            text.contains("# guessed: Aurora global cluster orders (writer)"),
            "{text}"
        );
    }

    #[test]
    fn nothing_found_is_said_and_explained_by_check() {
        let text = write(&Findings::default());
        let problems =
            config::parse("x", &text, &Flags::default(), &Library::default()).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(problems[0].text.starts_with("there is no [[region]]"));
        assert!(text.contains("No region was found"));
    }

    #[test]
    fn thirty_regions_and_their_names_survive() {
        let mut findings = Findings::default();
        for index in 1..=30 {
            let region = format!("eu-west-{index}");
            findings.note(&region, Part::Serves, "load balancer web");
            findings.records.push(record(
                &format!("set {index}"),
                &format!("web.{region}.elb.amazonaws.com"),
            ));
        }
        let estate = read(&write(&findings));
        assert_eq!(estate.regions.len(), 30);
        assert_eq!(estate.names[0].regions.len(), 30);
        assert_eq!(estate.names[0].regions["set 7"].as_str(), "eu-west-7");
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn no_name_breaks_the_file(
            identifier in any::<String>(), target in any::<String>(), fact in any::<String>(),
            profile in any::<String>(), balancer in any::<String>(), failure in any::<String>(),
        ) {
            let mut findings = Findings {
                profile: (!profile.trim().is_empty()).then_some(profile),
                identity: Some(fact.clone()),
                account: Some(balancer.clone()),
                records: vec![
                    RecordFact { region: Some("eu-west-1".to_owned()), ..record(&identifier, &target) },
                    record(&target, &identifier),
                ],
                load_balancers: vec![
                    LoadBalancer { region: "eu-west-1".to_owned(), name: balancer.clone(), dns_name: target.clone() },
                    LoadBalancer { region: "eu-west-1".to_owned(), name: "other".to_owned(), dns_name: "o".to_owned() },
                ],
                failures: vec![Failure { place: "eu-west-1".to_owned(), error: ProviderError::new(ErrorClass::Denied, "x:Y", failure) }],
                ..Findings::default()
            };
            findings.note("eu-west-1", Part::Serves, fact);
            let text = write(&findings);
            prop_assert!(!text.contains(|c: char| is_hostile(c) && c != '\n'));
            let estate = read(&text);
            prop_assert_eq!(&estate.access.profile, &findings.profile);
            if !identifier.is_empty() {
                prop_assert!(estate.names[0].regions.contains_key(&identifier));
            }
            for line in summary(&findings) {
                prop_assert!(!line.contains(is_hostile));
            }
        }
    }
}
