//! What a region without load balancers is known to get, by every state of its Prometheus, and beside regions that have some.

use std::sync::Arc;

use super::*;
use crate::resources::{
    ErrorClass, Freshness, Judgement, Rows, Severity,
    cell::Show,
    fixtures as f,
    metrics::{Quality, Series, users::UserSignal},
};

/// Regions of AWS with load balancers, and one that is none and has a Prometheus.
fn fleet(balanced: &[&str], measured: &str) -> Fleet {
    let all = [balanced, &[measured]].concat();
    let mut estate = f::estate(&all);
    for spec in &mut estate.regions {
        if spec.label.as_str() == measured {
            spec.aws_region = None;
        }
    }
    estate
        .prometheus
        .insert(f::label(measured), f::prometheus());
    Fleet::new(Arc::new(estate), f::now())
}

fn demand(fleet: &Fleet) -> Demand {
    Demand::of(fleet, &f::label("gke"))
}

fn value(reading: Option<Reading>) -> Option<f64> {
    reading.and_then(Reading::usable)
}

fn observed(series: Vec<Series>) -> Fleet {
    let mut fleet = fleet(&[], "gke");
    f::measured(&mut fleet, &f::place("gke"), 2, series);
    fleet
}

fn healthy() -> Vec<Series> {
    vec![
        f::users(UserSignal::Requests, &[(65, 250.0), (125, 240.0)]),
        f::users(UserSignal::Errors, &[(65, 0.4), (125, 0.0)]),
        f::users(UserSignal::P95, &[(65, 120.0), (125, 110.0)]),
        f::users(UserSignal::P99, &[(65, 310.0)]),
    ]
}

#[test]
fn a_region_without_load_balancers_is_told_by_its_prometheus_in_its_own_units() {
    let fleet = observed(healthy());
    let demand = demand(&fleet);
    assert_eq!(value(demand.requests_per_second), Some(250.0));
    assert_eq!(value(demand.error_percent), Some(0.4));
    assert_eq!(value(demand.p95_ms), Some(120.0));
    assert_eq!(value(demand.p99_ms), Some(310.0));
    let label = f::label("gke");
    assert_eq!(
        Teller::of(&fleet, &label).words(&fleet, &label),
        "Prometheus https://p.example, istio"
    );
    assert!(!mute(&fleet, &label));
    // Nothing else is asked of this region, so that nothing else is missing.
    let rollup = fleet.rollup(&label);
    assert_eq!(rollup.severity, Severity::Ok, "{:?}", rollup.reasons);
    assert_eq!(rollup.freshness, Freshness::Fresh);
}

#[test]
fn whatever_keeps_it_from_telling_comes_through_and_is_never_zero() {
    let all = |reading| Demand::all(reading);
    let mut fleet = fleet(&[], "gke");
    let (label, place) = (f::label("gke"), f::place("gke"));
    assert_eq!(demand(&fleet), all(Reading::NeverRead));
    assert!(!mute(&fleet, &label), "it may still tell");
    let reason = |fleet: &Fleet| fleet.rollup(&label).judgement();
    assert_eq!(
        reason(&fleet),
        Judgement::new(Severity::Unknown, "not read yet")
    );
    f::failure(&mut fleet, Source::Prometheus, &place, ErrorClass::Timeout);
    assert_eq!(demand(&fleet), all(Reading::Failed));
    assert_eq!(reason(&fleet).severity, Severity::Unknown);
    f::failure(&mut fleet, Source::Prometheus, &place, ErrorClass::Denied);
    assert_eq!(demand(&fleet), all(Reading::Forbidden));

    // No dialect is spoken, by a console of today and by the recording of an older one.
    let silent = UserSignal::ALL.map(|signal| f::users(signal, &[])).to_vec();
    for series in [silent, Vec::new()] {
        let fleet = observed(series);
        assert_eq!(demand(&fleet), all(Reading::NoData));
        assert!(mute(&fleet, &label));
        let why = minutes(&fleet, &label).unwrap_err();
        assert_eq!(
            why,
            "its Prometheus tells of no request of the users of gke"
        );
    }

    for (quality, expected) in [
        (Quality::Partial, Reading::Failed),
        (Quality::Failed, Reading::Failed),
        (Quality::Forbidden, Reading::Forbidden),
    ] {
        let mut series = healthy();
        series[1].quality = quality;
        let fleet = observed(series);
        assert_eq!(demand(&fleet).error_percent, Some(expected));
        assert_eq!(
            value(demand(&fleet).requests_per_second),
            Some(250.0),
            "the others stand"
        );
        assert!(minutes(&fleet, &label).is_err() && !mute(&fleet, &label));
    }
}

#[test]
fn what_has_stopped_is_too_old_within_its_polls_and_not_within_those_of_cloudwatch() {
    let stopped = |age: u64| {
        let series = vec![f::users(UserSignal::Requests, &[(age, 250.0)])];
        let requests = demand(&observed(series)).requests_per_second;
        requests.map(Reading::freshness)
    };
    let limits = (Some(Freshness::Fresh), Some(Freshness::Expired));
    assert_eq!((stopped(70), stopped(170)), limits);
}

#[test]
fn without_a_request_there_is_no_share_and_no_latency() {
    let fleet = observed(vec![
        f::users(UserSignal::Requests, &[(65, 0.0), (125, 0.0), (185, 9.0)]),
        f::users(UserSignal::Errors, &[(185, 80.0)]),
        f::users(UserSignal::P95, &[(185, 900.0)]),
        f::users(UserSignal::P99, &[(185, 900.0)]),
    ]);
    let demand = demand(&fleet);
    assert_eq!(value(demand.requests_per_second), Some(0.0));
    assert_eq!(demand.error_percent, Some(Reading::NoData));
    assert_eq!(
        (demand.p95_ms, demand.p99_ms),
        (Some(Reading::NoData), Some(Reading::NoData))
    );
}

#[test]
fn a_region_with_load_balancers_keeps_them_and_one_whose_balancers_are_not_known_waits() {
    let mut estate = f::estate(&["eu"]);
    estate.prometheus.insert(f::label("eu"), f::prometheus());
    let mut fleet = Fleet::new(Arc::new(estate), f::now());
    let (label, place) = (f::label("eu"), f::place("eu"));
    f::measured(&mut fleet, &place, 2, healthy());
    let now = |fleet: &Fleet| Demand::of(fleet, &label).requests_per_second;
    assert_eq!(Teller::of(&fleet, &label), Teller::Unread);
    assert_eq!(now(&fleet), Some(Reading::NeverRead));
    let rows = Rows::Traffic(vec![f::forward("web", "blue", 1)]);
    f::answer(&mut fleet, Source::LoadBalancers, &place, 5, rows);
    let given: &[(&str, &[(u64, f64)])] = &[("requests", &[(120, 600.0)])];
    f::metrics(&mut fleet, &place, 5, f::balancer_series("web", given));
    assert_eq!(value(now(&fleet)), Some(10.0));
    // Behind a network load balancer nothing but the mesh can tell.
    let mut row = f::forward("web", "blue", 1);
    if let crate::resources::traffic::Mechanism::Forward(forward) = &mut row.by {
        forward.load_balancer_type = Some("network".to_owned());
    }
    let rows = Rows::Traffic(vec![row]);
    f::answer(&mut fleet, Source::LoadBalancers, &place, 5, rows);
    assert_eq!(value(now(&fleet)), Some(250.0));
}

#[test]
fn minutes_of_a_prometheus_count_requests_and_those_that_failed() {
    let fleet = observed(healthy());
    let minutes = minutes(&fleet, &f::label("gke")).unwrap();
    let told: Vec<_> = minutes
        .iter()
        .map(|minute| (minute.at, minute.requests, minute.errors, minute.p95_ms))
        .collect();
    assert_eq!(
        told,
        [
            (f::ago(65), 15_000.0, 60.0, Some(120.0)),
            (f::ago(125), 14_400.0, 0.0, Some(110.0))
        ]
    );
}

#[test]
fn regions_of_both_kinds_are_compared_in_one_minute() {
    let mut fleet = fleet(&["eu"], "gke");
    let (eu, gke) = (f::place("eu"), f::place("gke"));
    let rows = Rows::Traffic(vec![f::forward("web", "blue", 1)]);
    f::answer(&mut fleet, Source::LoadBalancers, &eu, 5, rows);
    // The newest minute of CloudWatch began three minutes ago; that of the Prometheus, which began 5 s before it, is the one beside it.
    let given: &[(&str, &[(u64, f64)])] = &[("requests", &[(180, 6_000.0)])];
    f::metrics(&mut fleet, &eu, 5, f::balancer_series("web", given));
    let points = [(65, 40.0), (125, 30.0), (185, 20.0), (245, 10.0)];
    let series = vec![f::users(UserSignal::Requests, &points)];
    f::measured(&mut fleet, &gke, 2, series);
    let rates: Vec<_> = in_one_minute(&fleet)
        .into_iter()
        .map(|(label, rate)| (label.as_str(), rate))
        .collect();
    assert_eq!(rates, [("eu", Some(100.0)), ("gke", Some(20.0))]);
    assert_eq!(total(&fleet), Some(120.0));
}

#[test]
fn the_nearest_minute_is_at_most_half_a_minute_away() {
    let at = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).unwrap();
    let times = || [at(0), at(60), at(120)].into_iter();
    assert_eq!(nearest(times(), at(85)), Some(at(60)));
    assert_eq!(nearest(times(), at(150)), Some(at(120)));
    assert_eq!(nearest(times(), at(151)), None);
}

#[test]
fn the_detail_says_who_told_it_and_has_the_history_of_each_number() {
    let (fleet, place) = (observed(healthy()), f::place("gke"));
    let region = super::super::Region {
        label: f::label("gke"),
        identity: None,
    };
    let fields = region.detail(&fleet, &place);
    let field = |name: &str| fields.iter().find(|field| field.name == name).unwrap();
    assert_eq!(
        field("measured by").cell.text,
        "Prometheus https://p.example, istio"
    );
    for (name, key) in [
        ("requests/s", "users/requests"),
        ("error rate", "users/errors"),
        ("p95", "users/p95"),
        ("p99", "users/p99"),
    ] {
        assert_eq!(field(name).series.as_deref(), Some(key));
    }
    assert_eq!(field("p99").cell.text, "310ms");
}
