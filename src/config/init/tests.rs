//! The file that `init` writes loads, says what was found, and survives every name.

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
    let problems = config::parse("x", &text, &Flags::default(), &Library::default()).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].text.starts_with("there is no [[region]]"));
    assert!(text.contains("No region was found"));
}

#[test]
fn the_same_failure_in_many_regions_is_one_line() {
    let denied = |place: &str| Failure {
        place: place.to_owned(),
        error: ProviderError::new(ErrorClass::Denied, "eks:ListClusters", "AccessDenied"),
    };
    let findings = Findings {
        failures: ["a", "b", "c", "d", "e", "f", "g", "h"]
            .map(denied)
            .to_vec(),
        ..Findings::default()
    };
    assert_eq!(
        summary(&findings),
        ["not read: a, b, c, d, e, f and 2 more: eks:ListClusters: denied (AccessDenied)"]
    );
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
