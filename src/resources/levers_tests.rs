//! A lever is what its last read showed, and a group is as good as what still works.

use std::sync::Arc;

use super::*;
use crate::resources::{
    Rows,
    estate::RecoveryEndpoint,
    fixtures::{self as f, answer, failure, place},
};

fn state(fleet: &Fleet, name: &str) -> LeverState {
    let found = levers(fleet).into_iter().find(|lever| lever.name == name);
    found.unwrap().state
}

#[test]
fn data_planes_come_first_and_what_is_not_asked_is_not_known() {
    let all = levers(&f::fleet(&["eu"]));
    assert!(all.is_sorted_by_key(|lever| lever.plane));
    assert_eq!(
        all[0].state,
        LeverState::NotConfigured,
        "no recovery cluster"
    );
    let rds = all.iter().find(|lever| lever.name == "RDS eu").unwrap();
    assert_eq!(
        (&rds.state, rds.severity),
        (&LeverState::Unknown, Severity::Unknown)
    );
}

#[test]
fn works_fails_denied_and_forgotten() {
    let mut fleet = f::fleet(&["eu"]);
    let rows = || Rows::Databases(Vec::new());
    answer(&mut fleet, Source::Rds, &place("eu"), 15, rows());
    assert_eq!(
        state(&fleet, "RDS eu"),
        LeverState::Works {
            age: Duration::from_secs(15),
            latency: Some(Duration::from_millis(120))
        }
    );
    failure(&mut fleet, Source::Rds, &place("eu"), ErrorClass::Timeout);
    assert_eq!(
        state(&fleet, "RDS eu"),
        LeverState::Failing {
            since: Some(f::ago(15)),
            error: "x:Describe: timeout (it failed)".to_owned()
        }
    );
    failure(&mut fleet, Source::Rds, &place("eu"), ErrorClass::Denied);
    assert_eq!(state(&fleet, "RDS eu"), LeverState::Denied);
    let mut fleet = f::fleet(&["eu"]);
    answer(&mut fleet, Source::Rds, &place("eu"), 600, rows());
    assert_eq!(state(&fleet, "RDS eu"), LeverState::Unknown);
}

#[test]
fn any_answer_of_route_53_proves_that_it_works() {
    let mut fleet = f::fleet(&["eu"]);
    let checks = Rows::HealthChecks(Vec::new());
    answer(&mut fleet, Source::HealthChecks, &Place::Global, 5, checks);
    assert!(matches!(
        state(&fleet, "Route 53"),
        LeverState::Works { .. }
    ));
}

#[test]
fn each_api_server_is_a_lever_of_its_own() {
    let mut fleet = f::fleet(&["eu"]);
    let server = |name: &str, error: Option<&str>| {
        f::row(serde_json::json!({"api_server": {"name": name, "error": error}}))
    };
    let rows = Rows::Clusters(vec![server("a", None), server("b", Some("refused"))]);
    answer(&mut fleet, Source::ApiServers, &place("eu"), 5, rows);
    assert!(matches!(
        state(&fleet, "API server a"),
        LeverState::Works { latency: None, .. }
    ));
    assert!(matches!(
        state(&fleet, "API server b"),
        LeverState::Failing { .. }
    ));
}

#[test]
fn the_summary_fits_a_line_and_counts_what_works() {
    let mut estate = f::estate(&["eu", "us", "ap"]);
    estate.recovery_endpoints = ["a", "b", "c", "d", "e"]
        .map(|region| RecoveryEndpoint {
            region: region.to_owned(),
            url: String::new(),
        })
        .to_vec();
    let mut fleet = Fleet::new(Arc::new(estate), f::now());
    for place in fleet.estate.places(Source::RoutingControls) {
        answer(
            &mut fleet,
            Source::RoutingControls,
            &place,
            5,
            Rows::Traffic(Vec::new()),
        );
    }
    for region in ["eu", "us", "ap"] {
        f::answer_rest(&mut fleet, &place(region), 5);
    }
    failure(&mut fleet, Source::Rds, &place("us"), ErrorClass::Timeout);
    failure(
        &mut fleet,
        Source::Records,
        &Place::Global,
        ErrorClass::Timeout,
    );
    let groups = summary(&levers(&fleet));
    let line: Vec<String> = groups.iter().map(LeverGroup::text).collect();
    let line = line.join("  ");
    assert_eq!(
        line,
        "ARC ok  STS ok  R53 FAIL  GA ?  CF ?  RDS 2/3  EC ok  ELB ok"
    );
    assert!(line.len() <= 76);
    let severity = |name| {
        groups
            .iter()
            .find(|group| group.name == name)
            .unwrap()
            .severity
    };
    assert_eq!(severity("RDS"), Severity::Warn);
    assert_eq!(severity("R53"), Severity::Bad);
    assert_eq!(severity("GA"), Severity::Unknown);
}
