//! Rules of a mesh that divide between regions are judged as names are: who receives, who still serves, whose data it is.

use super::*;
use crate::resources::{
    estate::ManagedName,
    traffic::{
        Mechanism,
        routes::{BackendEdit, fixtures::rule},
    },
};

/// A world whose cluster in `US` divides `web` between two regions.
fn meshed(weights: [u32; 2]) -> Fleet {
    let mut fleet = world();
    let rows = rule(
        "shop",
        "web",
        &[("web-us-east-1", weights[0]), ("web-eu-west-1", weights[1])],
    );
    answer(
        &mut fleet,
        Source::Routes,
        &place(US),
        5,
        Rows::Traffic(rows),
    );
    fleet
}

/// Its weights from these to those.
fn shift(fleet: &Fleet, from: [u32; 2], to: [u32; 2]) -> Change {
    let rows = &fleet
        .traffic
        .slice(Source::Routes, &place(US))
        .unwrap()
        .rows;
    let Mechanism::Route(backend) = &rows[0].by else {
        panic!("a route");
    };
    let edit = |index: usize, region: &str| BackendEdit {
        backend: format!("web-{region}"),
        region: Some(label(region)),
        from: from[index],
        to: to[index],
    };
    Change::Traffic(traffic::Change::Route {
        region: label(US),
        rule: backend.rule.clone(),
        backends: vec![edit(0, US), edit(1, EU)],
    })
}

fn guard(fleet: &Fleet, change: &Change, id: GuardId) -> Guard {
    judged(fleet, &plan(fleet, vec![change.clone()], &[]), id)
}

fn firing(fleet: &mut Fleet, region: &str) {
    let mut one = alarm("errors", "ALARM", region);
    one.alarm_type = crate::resources::alarms::AlarmType::Composite;
    answer(
        fleet,
        Source::Alarms,
        &place(region),
        1,
        Rows::Alarms(vec![one]),
    );
}

#[test]
fn the_alarms_of_the_region_that_gets_more_count_and_not_those_of_the_cluster_or_of_who_loses() {
    for (sick, verdict) in [(US, Verdict::Pass), (EU, Verdict::Fail)] {
        let mut fleet = meshed([80, 20]);
        firing(&mut fleet, sick);
        let to_eu = shift(&fleet, [80, 20], [50, 50]);
        assert_eq!(
            guard(&fleet, &to_eu, GuardId::Alarm).verdict,
            verdict,
            "{sick}"
        );
    }
    // More for the region that has most is not a canary taken back.
    let mut fleet = meshed([80, 20]);
    firing(&mut fleet, US);
    let home = shift(&fleet, [80, 20], [100, 0]);
    assert_eq!(guard(&fleet, &home, GuardId::Alarm).verdict, Verdict::Fail);
}

#[test]
fn the_last_region_of_a_rule_that_serves_is_not_taken_away() {
    let fleet = meshed([80, 20]);
    let home = shift(&fleet, [80, 20], [100, 0]);
    let good = guard(&fleet, &home, GuardId::Last);
    assert_eq!(good.verdict, Verdict::Pass, "{}", good.evidence);
    assert!(
        good.evidence.contains("us-east-1 serves"),
        "{}",
        good.evidence
    );
    let mut fleet = meshed([80, 20]);
    lose(&mut fleet, US);
    let bad = guard(&fleet, &home, GuardId::Last);
    assert_ne!(bad.verdict, Verdict::Pass, "{}", bad.evidence);
    let nothing = shift(&fleet, [80, 20], [0, 0]);
    assert_eq!(
        guard(&fleet, &nothing, GuardId::Zero).verdict,
        Verdict::Fail
    );
}

#[test]
fn data_of_a_class_is_not_sent_to_a_region_that_does_not_allow_it() {
    let mut estate = crate::resources::fixtures::estate(&REGIONS);
    estate.regions[1].residency = vec!["public".to_owned()];
    estate.names.push(ManagedName {
        name: "web.example.com".to_owned(),
        zone_id: None,
        regions: Default::default(),
        residency: Some("personal".to_owned()),
    });
    let mut fleet = world_of(estate);
    let rows = rule(
        "shop",
        "web",
        &[("web-us-east-1", 80), ("web-eu-west-1", 20)],
    );
    answer(
        &mut fleet,
        Source::Routes,
        &place(US),
        5,
        Rows::Traffic(rows),
    );
    let more = guard(
        &fleet,
        &shift(&fleet, [80, 20], [50, 50]),
        GuardId::Residency,
    );
    says(&more, Verdict::Fail, "eu-west-1 would get web.example.com");
    let less = guard(
        &fleet,
        &shift(&fleet, [80, 20], [100, 0]),
        GuardId::Residency,
    );
    assert_eq!(less.verdict, Verdict::Pass, "{}", less.evidence);
}
