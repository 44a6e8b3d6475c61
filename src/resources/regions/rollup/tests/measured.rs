//! What the metrics of load balancers become in a roll-up: absent, old, partial, unreadable.

use super::*;

#[test]
fn absent_error_counters_beside_requests_are_zero() {
    let rollup = of(&observed(f::balancer_series(
        "web",
        &[("requests", &[(120, 6_000.0)]), ("p99", &[(120, 0.18)])],
    )));
    assert_eq!(value(rollup.demand.requests_per_second), Some(100.0));
    assert_eq!(value(rollup.demand.error_percent), Some(0.0));
    assert_eq!(
        value(rollup.demand.p99_ms),
        Some(180.0),
        "TargetResponseTime is in seconds"
    );
    assert_eq!(rollup.demand.p95_ms, Some(Reading::NoData));
    assert_eq!(value(rollup.utilisation_percent), Some(10.0));
    assert_eq!(rollup.severity, Severity::Ok, "{:?}", rollup.reasons);
}

#[test]
fn everything_absent_is_unknown() {
    let rollup = of(&observed(f::balancer_series("web", &[])));
    assert_eq!(rollup.demand.requests_per_second, Some(Reading::NoData));
    assert_eq!(rollup.demand.error_percent, Some(Reading::NoData));
    assert_eq!(rollup.severity, Severity::Unknown);
    assert_eq!(rollup.reasons[0].reason, "no traffic or no telemetry");
}

#[test]
fn rejected_requests_are_not_in_the_request_count() {
    let given: &[(&str, &[(u64, f64)])] = &[
        ("requests", &[(120, 900.0)]),
        ("target-5xx", &[(120, 20.0)]),
        ("elb-5xx", &[(120, 100.0)]),
    ];
    let rollup = of(&observed(f::balancer_series("web", given)));
    assert_eq!(value(rollup.demand.error_percent), Some(12.0));
    assert_eq!(rollup.severity, Severity::Bad);
    let only_rejected = f::balancer_series("web", &[("elb-5xx", &[(120, 60.0)])]);
    let rollup = of(&observed(only_rejected));
    assert_eq!(value(rollup.demand.error_percent), Some(100.0));
}

#[test]
fn old_errors_are_not_counted_with_new_requests() {
    let given: &[(&str, &[(u64, f64)])] = &[
        ("requests", &[(120, 600.0), (180, 600.0)]),
        ("target-5xx", &[(180, 600.0)]),
    ];
    let rollup = of(&observed(f::balancer_series("web", given)));
    assert_eq!(value(rollup.demand.error_percent), Some(0.0));
}

#[test]
fn load_balancers_add_up_and_the_worst_latency_counts() {
    let mut fleet = f::fleet(&["eu"]);
    let rows = vec![
        f::forward("web", "blue", 1),
        f::forward("web", "green", 1),
        f::forward("api", "main", 1),
        f::forward("gone", "none", 1),
    ];
    answer(
        &mut fleet,
        Source::LoadBalancers,
        &place("eu"),
        5,
        Rows::Traffic(rows),
    );
    let mut series = f::balancer_series(
        "web",
        &[("requests", &[(120, 600.0)]), ("p95", &[(120, 0.1)])],
    );
    // One period late, which happens; and one without traffic for minutes, which is over.
    series.extend(f::balancer_series(
        "api",
        &[("requests", &[(180, 1_200.0)]), ("p95", &[(180, 0.3)])],
    ));
    series.extend(f::balancer_series(
        "gone",
        &[("requests", &[(300, 9_000.0)]), ("p95", &[(300, 9.0)])],
    ));
    f::metrics(&mut fleet, &place("eu"), 5, series);
    let rollup = of(&fleet);
    assert_eq!(value(rollup.demand.requests_per_second), Some(30.0));
    assert_eq!(value(rollup.demand.p95_ms), Some(300.0));
}

#[test]
fn a_sum_with_a_part_missing_is_not_a_sum() {
    let mut fleet = f::fleet(&["eu"]);
    let rows = vec![f::forward("web", "blue", 1), f::forward("new", "blue", 1)];
    answer(
        &mut fleet,
        Source::LoadBalancers,
        &place("eu"),
        5,
        Rows::Traffic(rows),
    );
    let series = f::balancer_series("web", &[("requests", &[(120, 600.0)])]);
    f::metrics(&mut fleet, &place("eu"), 5, series);
    assert_eq!(
        of(&fleet).demand.requests_per_second,
        Some(Reading::NeverRead)
    );
}

#[test]
fn only_the_named_load_balancers_count() {
    let mut estate = f::estate(&["eu"]);
    estate.regions[0].load_balancers = vec!["web".to_owned()];
    let mut fleet = Fleet::new(std::sync::Arc::new(estate), f::now());
    let rows = vec![f::forward("web", "blue", 1), f::forward("admin", "blue", 1)];
    answer(
        &mut fleet,
        Source::LoadBalancers,
        &place("eu"),
        5,
        Rows::Traffic(rows),
    );
    let mut series = f::balancer_series("web", &[("requests", &[(120, 600.0)])]);
    series.extend(f::balancer_series(
        "admin",
        &[("requests", &[(120, 60_000.0)])],
    ));
    f::metrics(&mut fleet, &place("eu"), 5, series);
    assert_eq!(value(of(&fleet).demand.requests_per_second), Some(10.0));
}

#[test]
fn a_value_ages_with_its_point_and_not_with_the_read() {
    let given = |age| f::balancer_series("web", &[("requests", &[(age, 600.0)])]);
    let freshness = |age| {
        of(&observed(given(age)))
            .demand
            .requests_per_second
            .map(Reading::freshness)
    };
    // `LIMITS` count from the end of the minute that the point stands for.
    assert_eq!(freshness(330), Some(Freshness::Fresh));
    assert_eq!(freshness(331), Some(Freshness::Stale));
    assert_eq!(freshness(480), Some(Freshness::Stale));
    let rollup = of(&observed(given(481)));
    assert_eq!(
        rollup.demand.requests_per_second.map(Reading::freshness),
        Some(Freshness::Expired)
    );
    assert_eq!(rollup.severity, Severity::Unknown, "old is never green");
}

#[test]
fn an_unreadable_metric_says_that_it_may_not_be_read() {
    let mut series = f::balancer_series("web", &[("requests", &[(120, 600.0)])]);
    let key = load_balancer_key(&f::balancer("web"), "requests");
    for one in series.iter_mut().filter(|one| one.spec.key == key) {
        one.quality = crate::resources::metrics::Quality::Forbidden;
    }
    let rollup = of(&observed(series));
    assert_eq!(rollup.demand.requests_per_second, Some(Reading::Forbidden));
    assert_eq!(rollup.severity, Severity::Unknown);
}

#[test]
fn a_percentile_that_could_not_be_read_is_not_waited_for() {
    use crate::resources::metrics::Quality;
    for quality in [Quality::Failed, Quality::Partial] {
        let mut series = f::balancer_series("web", &[("requests", &[(120, 600.0)])]);
        let key = load_balancer_key(&f::balancer("web"), "p95");
        for one in series.iter_mut().filter(|one| one.spec.key == key) {
            one.quality = quality;
        }
        let p95 = of(&observed(series)).demand.p95_ms;
        assert_eq!(p95, Some(Reading::Failed));
        let cell = crate::resources::cell::Cell::reading_if(
            p95,
            crate::resources::cell::milliseconds,
            crate::resources::cell::no_limit,
        );
        // `Never` would be drawn as `…`.
        assert_eq!(
            (cell.text.as_str(), cell.freshness),
            ("?", Some(Freshness::Fresh))
        );
    }
}

#[test]
fn metrics_that_were_never_read_because_they_fail_are_not_waited_for() {
    let unread = |class: Option<ErrorClass>| {
        let mut fleet = f::fleet(&["eu"]);
        let rows = Rows::Traffic(vec![f::forward("web", "blue", 1)]);
        answer(&mut fleet, Source::LoadBalancers, &place("eu"), 5, rows);
        if let Some(class) = class {
            f::failure(&mut fleet, Source::Metrics, &place("eu"), class);
        }
        of(&fleet).demand.p95_ms
    };
    assert_eq!(unread(None), Some(Reading::NeverRead));
    assert_eq!(unread(Some(ErrorClass::Timeout)), Some(Reading::Failed));
    assert_eq!(unread(Some(ErrorClass::Denied)), Some(Reading::Forbidden));
}
