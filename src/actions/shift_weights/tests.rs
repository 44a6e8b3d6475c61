//! Shifts of every mechanism.

use super::super::kit::tests::*;
use crate::{
    plan::{Blast, OnBreach, Options, Plan, ledger::Ledger},
    resources::{Fleet, Place, Source, traffic::Mechanism},
};

fn percent(percent: f64) -> Options {
    Options {
        percent: Some(percent),
        ..Options::default()
    }
}

fn weights(pairs: &[(&str, u32)]) -> Options {
    let weights = pairs
        .iter()
        .map(|(name, weight)| ((*name).to_owned(), *weight))
        .collect();
    Options {
        weights,
        ..Options::default()
    }
}

fn shift(fleet: &Fleet, target: &str, options: Options) -> Plan {
    let plan = plan(fleet, &Ledger::default(), "shift-weights", target, options);
    assert_eq!(plan.on_breach, OnBreach::StepBack);
    walk(fleet, &plan);
    plan
}

fn refused(fleet: &Fleet, target: &str, options: Options) -> String {
    refusal(fleet, &Ledger::default(), "shift-weights", target, options)
}

fn named(fleet: &Fleet, part: &str) -> String {
    let names = crate::actions::find("shift-weights")
        .unwrap()
        .targets(fleet, &Ledger::default());
    names.into_iter().find(|name| name.contains(part)).unwrap()
}

#[test]
fn a_canary_of_a_load_balancer_gets_its_percentage_and_the_stable_group_the_rest() {
    let fleet = calm();
    let target = named(&fleet, "shop-canary");
    let plan = shift(&fleet, &target, percent(10.0));
    let lines = lines(&plan);
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("weight shop-canary") && line.ends_with("-> 10")),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("weight shop-stable") && line.ends_with("-> 90"))
    );
    assert_eq!((plan.blast, plan.phrase.as_str()), (Blast::L1, ""));
    let fine = shift(&fleet, &target, percent(0.5));
    assert!(
        super::super::kit::tests::lines(&fine)
            .iter()
            .any(|line| line.ends_with("-> 995")),
        "tenths need a sum of 1000"
    );
    assert!(refused(&fleet, &target, weights(&[("shop-canary", 1_000)])).contains("at most 999"));
    assert!(
        refused(
            &fleet,
            &target,
            weights(&[("shop-canary", 0), ("shop-stable", 0)])
        )
        .contains("would be 0")
    );
    assert!(
        refused(&fleet, &target, weights(&[("shop-blue", 1)]))
            .contains("has no member `shop-blue`")
    );
    assert!(refused(&fleet, &target, Options::default()).contains("not both"));
}

#[test]
fn a_group_without_healthy_targets_gets_no_users() {
    let mut fleet = calm();
    let eu = Place::Region(label("eu-west-1"));
    edit(&mut fleet, Source::LoadBalancers, &eu, |row| {
        if let Mechanism::Forward(forward) = &mut row.by
            && let Some(health) = &mut forward.health
        {
            (health.healthy, health.unhealthy) = (0, 2);
        }
    });
    let names = crate::actions::find("shift-weights")
        .unwrap()
        .targets(&fleet, &Ledger::default());
    let target = names
        .iter()
        .find(|name| name.contains("eu-west-1") && name.ends_with("shop-canary"))
        .unwrap();
    assert!(refused(&fleet, target, percent(10.0)).contains("no healthy targets"));
}

#[test]
fn a_region_that_moves_by_more_than_ten_points_is_typed_with_its_share() {
    let fleet = calm();
    let plan = shift(&fleet, "api.shop.example. A/eu-west-1", percent(50.0));
    assert_eq!(
        (plan.blast, plan.phrase.as_str()),
        (Blast::L3, "eu-west-1 19%")
    );
    let after = plan
        .forecast
        .iter()
        .find(|forecast| forecast.region == label("eu-west-1"))
        .unwrap();
    assert!(
        (after.share_after.unwrap() - 0.5).abs() < 0.005,
        "{after:?}"
    );
    let little = shift(&fleet, "api.shop.example. A/eu-west-1", percent(33.0));
    assert_eq!(
        (little.blast, little.phrase.as_str()),
        (Blast::L2, "eu-west-1")
    );
    let told = shift(
        &fleet,
        "api.shop.example. A",
        weights(&[("us-east-1", 80), ("eu-west-1", 74)]),
    );
    assert_eq!(
        lines(&told)[..2],
        ["weight us-east-1 92 -> 80", "weight eu-west-1 62 -> 74"]
    );
    assert!(
        refused(
            &fleet,
            "api.shop.example. A",
            weights(&[("us-east-1", 256)])
        )
        .contains("at most 255")
    );
    assert!(refused(&fleet, "api.shop.example. A", percent(50.0)).contains("needs one of them"));
    assert!(
        refused(&fleet, "www.shop.example. A/eu-west-1", percent(50.0))
            .contains("not divided by weights")
    );
    assert!(
        refused(&fleet, "api.shop.exmple. A", percent(50.0))
            .contains("did you mean `api.shop.example. A")
    );
}

#[test]
fn a_dial_is_a_percentage_of_its_own() {
    let fleet = calm();
    let names = crate::actions::find("shift-weights")
        .unwrap()
        .targets(&fleet, &Ledger::default());
    let target = names
        .iter()
        .find(|name| {
            name.contains("/listener/")
                && name.contains("globalaccelerator")
                && name.ends_with("/eu-west-1")
        })
        .unwrap();
    assert_eq!(
        lines(&shift(&fleet, target, percent(25.0)))[0],
        "dial eu-west-1 100 % -> 25 %"
    );
    assert!(refused(&fleet, target, percent(101.0)).contains("no percentage"));
    assert!(refused(&fleet, target, percent(100.0)).contains("already"));
}

#[test]
fn an_alias_is_named_with_its_region_and_staging_stays_below_its_limit() {
    let mut fleet = calm();
    let eu = Place::Region(label("eu-west-1"));
    let mut rows = fleet
        .traffic
        .slice(Source::Aliases, &eu)
        .unwrap()
        .rows
        .clone();
    rows.truncate(1);
    let mut second = rows[0].clone();
    second.member = "42".to_owned();
    if let (Mechanism::Alias(first), Mechanism::Alias(canary)) = (&mut rows[0].by, &mut second.by) {
        (first.weight, canary.weight) = (0.95, 0.05);
        canary.version = "42".to_owned();
    }
    rows.push(second);
    replace(
        &mut fleet,
        Source::Aliases,
        &eu,
        crate::resources::Rows::Traffic(rows),
    );
    let us = Place::Region(label("us-east-1"));
    let mut one = fleet
        .traffic
        .slice(Source::Aliases, &us)
        .unwrap()
        .rows
        .clone();
    one.truncate(1);
    replace(
        &mut fleet,
        Source::Aliases,
        &us,
        crate::resources::Rows::Traffic(one),
    );
    let plan = shift(&fleet, "quote:live/42@eu-west-1", percent(25.0));
    assert_eq!(
        lines(&plan),
        ["quote:live version 42 5 % -> 25 %", "bake eu-west-1 300 s"]
    );
    assert!(refused(&fleet, "quote:live", percent(25.0)).contains("is 3 splits"));
    assert!(refused(&fleet, "quote:live@us-east-1", percent(25.0)).contains("one version only"));

    let staging = format!(
        "{}/{}",
        crate::sim::names::DISTRIBUTION,
        crate::sim::names::STAGING_DISTRIBUTION
    );
    assert!(lines(&shift(&fleet, &staging, percent(10.0)))[0].ends_with("-> 10 %"));
    assert!(refused(&fleet, &staging, percent(16.0)).contains("at most 15 %"));
    edit(&mut fleet, Source::Distributions, &Place::Global, |row| {
        if let Mechanism::Distribution(distribution) = &mut row.by {
            distribution.http_version = Some("http2and3".to_owned());
        }
    });
    assert!(refused(&fleet, &staging, percent(10.0)).contains("HTTP/3"));
}
