use super::*;
use crate::resources::{
    Estate, Rows, Source, deployments,
    fixtures::{self as f, now},
    metrics::{Origin, Point, Quality, Series, SeriesSpec, Stat, signals::signal_key},
    sequence::Stated,
    traffic::{self, RouteKind, Split, routes::BackendEdit},
};
use std::sync::Arc;

const CANARY: &str = "checkout-canary";

/// Requests per second, errors in percent and p95 of a minute.
type Minute = (f64, f64, f64);

/// A fleet whose region has a Prometheus, and the minutes that it tells: version, requests per second, errors in percent, p95; newest first, a minute apart.
fn fleet(minutes: &[(&str, &[Minute])]) -> Fleet {
    let mut estate = f::estate(&["eu"]);
    estate.prometheus.insert(f::label("eu"), f::prometheus());
    let mut fleet = Fleet::new(Arc::new(estate), now());
    let mut rows = Vec::new();
    for (name, values) in minutes {
        let (service, version) = name.split_once(':').unwrap_or((name, ""));
        for signal in Signal::ALL {
            let key = signal_key("shop", service, version, signal);
            let mut spec = SeriesSpec::new(key, "Prometheus", "q", &[], Stat::Average);
            spec.origin = Origin::Prometheus;
            let point = |(index, (requests, errors, p95)): (usize, &(f64, f64, f64))| Point {
                at: f::ago(60 * (index as u64 + 1)),
                value: match signal {
                    Signal::Requests => *requests,
                    Signal::Errors => *errors,
                    Signal::P95 => *p95,
                },
            };
            rows.push(Series {
                spec,
                points: values.iter().enumerate().map(point).collect(),
                quality: Quality::Complete,
            });
        }
    }
    rows.sort_by(|a, b| a.spec.key.cmp(&b.spec.key));
    let place = f::place("eu");
    f::answer(
        &mut fleet,
        Source::Prometheus,
        &place,
        0,
        Rows::Metrics(rows),
    );
    let routes = ["checkout", CANARY, "cart:stable", "cart:canary"].map(route);
    f::answer(
        &mut fleet,
        Source::Routes,
        &place,
        0,
        Rows::Traffic(routes.into()),
    );
    fleet
}

fn rule(name: &str) -> RouteRule {
    RouteRule {
        cluster: "prod".to_owned(),
        kind: RouteKind::HttpRoute,
        version: "v1".to_owned(),
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        index: 0,
    }
}

fn route(member: &str) -> Split {
    let (service, subset) = match member.split_once(':') {
        Some((service, subset)) => (service, Some(subset)),
        None => (member, None),
    };
    let name = service.trim_end_matches("-canary");
    Split {
        split: format!("httproute/shop/{name}"),
        member: member.to_owned(),
        by: Mechanism::Route(RouteBackend {
            rule: rule(name),
            rule_name: None,
            matches: String::new(),
            hosts: Vec::new(),
            service: service.to_owned(),
            service_namespace: "shop".to_owned(),
            subset: subset.map(str::to_owned),
            version: None,
            topology: None,
            weight: 1,
            generation: 1,
            parents: Vec::new(),
            owner: None,
            heard_at: None,
        }),
    }
}

fn shift(name: &str, backend: &str) -> Change {
    let edit = |backend: &str, from, to| BackendEdit {
        backend: backend.to_owned(),
        region: None,
        from,
        to,
    };
    let stable = backend.replace("-canary", "").replace(":canary", ":stable");
    Change::Traffic(traffic::Change::Route {
        region: f::label("eu"),
        rule: rule(name),
        backends: vec![edit(&stable, 95, 75), edit(backend, 5, 25)],
    })
}

fn judged(fleet: &Fleet, change: &Change, since: u64) -> Gate {
    let [canary] = of(fleet, change).try_into().unwrap();
    assert!(canary.measured(fleet));
    canary.judge(fleet, f::ago(since))
}

#[test]
fn a_canary_that_goes_bad_is_caught_with_the_first_minute_that_shows_it() {
    let bad = fleet(&[(CANARY, &[(20.0, 30.0, 90.0), (20.0, 0.0, 90.0)])]);
    // The change is only 30 s old: half of the newest minute lies before it.
    let gate = judged(&bad, &shift("checkout", CANARY), 30);
    let Gate::Breached(text) = gate else {
        panic!("{gate:?}");
    };
    assert_eq!(
        text,
        "checkout-canary in eu: error rate 30.0 % above 1 %, 360 of 1200 requests failed"
    );
    let slow = fleet(&[(CANARY, &[(20.0, 0.0, 900.0)])]);
    assert!(matches!(
        judged(&slow, &shift("checkout", CANARY), 60),
        Gate::Breached(_)
    ));
}

#[test]
fn it_holds_only_by_what_was_seen_since() {
    let good = fleet(&[(
        CANARY,
        &[(20.0, 0.2, 90.0), (20.0, 50.0, 90.0), (20.0, 50.0, 90.0)],
    )]);
    let change = shift("checkout", CANARY);
    assert_eq!(judged(&good, &change, 60), Gate::Holds);
    assert!(
        matches!(judged(&good, &change, 40), Gate::NoData(_)),
        "its only minute began before the change"
    );
}

#[test]
fn a_handful_of_requests_proves_neither() {
    let few = fleet(&[(CANARY, &[(0.2, 25.0, 90.0)])]);
    let gate = judged(&few, &shift("checkout", CANARY), 60);
    assert!(
        matches!(&gate, Gate::NoData(text) if text.ends_with("too few for a verdict")),
        "{gate:?}"
    );
}

#[test]
fn the_settings_of_its_service_say_what_is_enough_and_what_is_too_much() {
    let mut few = fleet(&[(CANARY, &[(0.2, 25.0, 90.0)])]);
    let change = shift("checkout", CANARY);
    let mut estate = Estate::clone(&few.estate);
    estate.sequence.all.min_requests = Some(10.0);
    few.estate = Arc::new(estate.clone());
    assert!(matches!(judged(&few, &change, 60), Gate::Breached(_)));
    // The canary is a part of `checkout`, for which a quarter may fail.
    let own = Stated {
        error_percent: Some(30.0),
        ..Stated::default()
    };
    estate
        .sequence
        .services
        .insert("shop/checkout".to_owned(), own);
    few.estate = Arc::new(estate);
    assert_eq!(judged(&few, &change, 60), Gate::Holds);
}

#[test]
fn a_subset_is_judged_by_its_own_version_and_never_by_the_whole() {
    let minutes: &[Minute] = &[(20.0, 0.0, 90.0)];
    let apart = fleet(&[
        ("cart:stable", minutes),
        ("cart:canary", &[(20.0, 9.0, 90.0)]),
    ]);
    let change = shift("cart", "cart:canary");
    assert!(matches!(judged(&apart, &change, 60), Gate::Breached(_)));
    let whole = fleet(&[("cart", minutes)]);
    let gate = judged(&whole, &change, 60);
    assert!(
        matches!(&gate, Gate::NoData(text) if text.contains("not told apart")),
        "{gate:?}"
    );
    let nothing = fleet(&[]);
    let gate = judged(&nothing, &change, 60);
    assert!(
        matches!(&gate, Gate::NoData(text) if text.contains("tells nothing")),
        "{gate:?}"
    );
}

#[test]
fn a_subset_is_measured_by_the_version_that_its_destination_rule_names() {
    let minutes: &[Minute] = &[(20.0, 0.0, 90.0)];
    let mut fleet = fleet(&[("cart:v1", minutes), ("cart:v2", &[(20.0, 9.0, 90.0)])]);
    let change = shift("cart", "cart:canary");
    let gate = judged(&fleet, &change, 60);
    assert!(matches!(gate, Gate::NoData(_)), "{gate:?}");
    let mut rows = fleet
        .traffic
        .slice(Source::Routes, &f::place("eu"))
        .unwrap()
        .rows
        .clone();
    for row in &mut rows {
        let Mechanism::Route(backend) = &mut row.by else {
            panic!("a route: {row:?}");
        };
        backend.version = backend.subset.as_ref().map(|_| "v2".to_owned());
    }
    f::answer(
        &mut fleet,
        Source::Routes,
        &f::place("eu"),
        0,
        Rows::Traffic(rows),
    );
    assert!(matches!(judged(&fleet, &change, 60), Gate::Breached(_)));
}

#[test]
fn a_way_back_raises_what_was_there_before() {
    let fleet = fleet(&[]);
    let Change::Traffic(traffic::Change::Route {
        region,
        rule,
        backends,
    }) = shift("checkout", CANARY)
    else {
        panic!("a route");
    };
    let back = backends.into_iter().map(|edit| BackendEdit {
        from: edit.to,
        to: edit.from,
        ..edit
    });
    let back = Change::Traffic(traffic::Change::Route {
        region,
        rule,
        backends: back.collect(),
    });
    let raised: Vec<String> = of(&fleet, &back)
        .into_iter()
        .map(|canary| canary.what)
        .collect();
    assert_eq!(raised, ["checkout"]);
}

#[test]
fn a_release_is_judged_by_its_own_version_and_by_the_whole_where_that_is_all_that_is_told() {
    let release = Change::Deployments(deployments::Change::Image {
        at: deployments::At {
            region: f::label("eu"),
            cluster: "prod".to_owned(),
            namespace: "shop".to_owned(),
            name: "payments".to_owned(),
        },
        container: "app".to_owned(),
        from: "shop/payments:v1".to_owned(),
        to: "shop/payments:v2".to_owned(),
    });
    let bad: &[Minute] = &[(50.0, 20.0, 90.0)];
    let good: &[Minute] = &[(50.0, 0.1, 90.0)];
    // The old version, which is leaving, says nothing about the new one.
    let both = fleet(&[("payments:v1", bad), ("payments:v2", good)]);
    assert_eq!(judged(&both, &release, 60), Gate::Holds);
    let caught = fleet(&[("payments:v1", good), ("payments:v2", bad)]);
    let Gate::Breached(text) = judged(&caught, &release, 60) else {
        panic!("a fifth of its users gets errors");
    };
    assert!(
        text.starts_with("v2 of payments in eu: error rate 20.0 %"),
        "{text}"
    );
    let untold = fleet(&[("payments:", bad)]);
    assert!(matches!(judged(&untold, &release, 60), Gate::Breached(_)));
    let silent = fleet(&[("cart:v2", good)]);
    assert!(matches!(judged(&silent, &release, 60), Gate::NoData(_)));
}
