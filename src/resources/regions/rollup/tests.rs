//! The rules of the roll-up, each on the smallest fleet that shows it.

mod measured;

use std::borrow::Cow;

use super::*;
use crate::resources::{
    ErrorClass, Rows,
    fixtures::{self as f, answer, label, place},
    health_checks::status_key,
    metrics::Series,
    traffic::load_balancer_key,
};

/// One region that answers everywhere, with one load balancer and its series.
fn observed(series: Vec<Series>) -> Fleet {
    let mut fleet = f::fleet(&["eu"]);
    let rows = Rows::Traffic(vec![f::forward("web", "blue", 1)]);
    answer(&mut fleet, Source::LoadBalancers, &place("eu"), 5, rows);
    f::metrics(&mut fleet, &place("eu"), 5, series);
    f::answer_rest(&mut fleet, &place("eu"), 5);
    fleet
}

fn of(fleet: &Fleet) -> Rollup {
    Rollup::of(fleet, &label("eu"))
}

fn value(reading: Option<Reading>) -> Option<f64> {
    reading.and_then(Reading::usable)
}

#[test]
fn nothing_read_is_unknown_and_not_fine() {
    let rollup = of(&f::fleet(&["eu"]));
    assert_eq!(rollup.severity, Severity::Unknown);
    assert_eq!(rollup.freshness, Freshness::Never);
    assert_eq!(rollup.reasons[0].reason, "not read yet");
    assert_eq!(
        rollup.demand.requests_per_second,
        Some(Reading::NeverRead),
        "not read is not zero"
    );
}

#[test]
fn thresholds_of_the_estate_decide() {
    let severity = |what, point: f64| {
        let given: &[(&str, &[(u64, f64)])] =
            &[("requests", &[(120, 6_000.0)]), (what, &[(120, point)])];
        of(&observed(f::balancer_series("web", given))).severity
    };
    assert_eq!(severity("p95", 0.200), Severity::Ok);
    assert_eq!(severity("p95", 0.201), Severity::Warn);
    assert_eq!(severity("p95", 0.501), Severity::Bad);
    assert_eq!(severity("target-5xx", 30.0), Severity::Ok);
    assert_eq!(severity("target-5xx", 31.0), Severity::Warn);
    assert_eq!(severity("target-5xx", 61.0), Severity::Bad);
    let load = |requests: f64| {
        let given: &[(&str, &[(u64, f64)])] = &[("requests", &[(120, requests)])];
        of(&observed(f::balancer_series("web", given))).severity
    };
    assert_eq!(load(42_000.0), Severity::Ok);
    assert_eq!(load(42_060.0), Severity::Warn);
    assert_eq!(load(51_060.0), Severity::Bad);
}

#[test]
fn alarms_count_by_type_and_missing_data_is_not_fine() {
    let with = |alarms| {
        let mut fleet = observed(f::balancer_series("web", &[("requests", &[(120, 600.0)])]));
        answer(
            &mut fleet,
            Source::Alarms,
            &place("eu"),
            5,
            Rows::Alarms(alarms),
        );
        of(&fleet)
    };
    assert_eq!(with(vec![f::alarm("a", "OK", "x")]).severity, Severity::Ok);
    assert_eq!(
        with(vec![f::alarm("a", "INSUFFICIENT_DATA", "x")]).severity,
        Severity::Unknown
    );
    assert_eq!(
        with(vec![f::alarm("a", "ALARM", "x")]).severity,
        Severity::Warn
    );
    let mut composite = f::alarm("c", "ALARM", "x");
    composite.alarm_type = AlarmType::Composite;
    let rollup = with(vec![composite, f::alarm("a", "ALARM", "x")]);
    assert_eq!(
        (rollup.alarms.metric.len(), rollup.alarms.composite.len()),
        (1, 1)
    );
    assert_eq!(rollup.reasons[0].reason, "composite alarm c in ALARM");
    assert_eq!(rollup.severity, Severity::Bad);
}

#[test]
fn a_region_whose_every_api_fails_is_bad_and_keeps_what_it_said() {
    let mut fleet = observed(f::balancer_series("web", &[("requests", &[(120, 600.0)])]));
    let asked: Vec<Source> = Source::ALL
        .iter()
        .copied()
        .filter(|source| fleet.status(*source, &place("eu")).observed_at.is_some())
        .collect();
    for source in asked {
        f::failure(&mut fleet, source, &place("eu"), ErrorClass::Timeout);
    }
    fleet.advance(f::now() + std::time::Duration::from_secs(118));
    let rollup = of(&fleet);
    assert_eq!(rollup.severity, Severity::Bad);
    assert_eq!(
        rollup.reasons[0].reason,
        "no API of this region has answered for 2m (timeout)"
    );
    assert_eq!(rollup.reach.answering, 0);
    assert!(
        value(rollup.demand.requests_per_second).is_some(),
        "the last value stays"
    );
}

#[test]
fn stale_slices_are_never_green() {
    let mut fleet = f::fleet(&["eu"]);
    f::answer_rest(&mut fleet, &place("eu"), 75);
    let rollup = of(&fleet);
    assert_eq!(rollup.freshness, Freshness::Stale);
    assert_eq!(rollup.severity, Severity::Unknown);
    assert_eq!(rollup.reach.oldest_answer, Some(f::ago(75)));
}

#[test]
fn failing_health_checks_of_its_records_make_it_bad() {
    let mut fleet = f::fleet(&["eu", "us"]);
    let records = vec![
        f::record("eu", 50, Some("hc-eu")),
        f::record("us", 50, Some("hc-us")),
    ];
    answer(
        &mut fleet,
        Source::Records,
        &Place::Global,
        5,
        Rows::Traffic(records),
    );
    let checks = vec![f::check("hc-eu"), f::check("hc-us")];
    answer(
        &mut fleet,
        Source::HealthChecks,
        &Place::Global,
        5,
        Rows::HealthChecks(checks),
    );
    let states = vec![f::series(&status_key("hc-eu"), &[(120, 0.0)])];
    f::metrics(&mut fleet, &Place::Global, 5, states);
    let checks = |name: &str| Rollup::of(&fleet, &label(name)).health_checks;
    assert_eq!(checks("eu").failing, ["hc-eu"]);
    assert_eq!(checks("us").unknown, ["hc-us"], "no state is not healthy");
    let reason = &of(&fleet).reasons[0];
    assert_eq!(
        (reason.severity, reason.reason.as_str()),
        (Severity::Bad, "1 of 1 health checks fail")
    );
}

#[test]
fn a_canary_is_a_split_that_is_neither_off_nor_finished() {
    let mut fleet = f::fleet(&["eu"]);
    let rows = vec![
        f::forward("web", "stable", 95),
        f::forward("web", "canary", 5),
        f::forward("api", "blue", 100),
        f::forward("api", "green", 0),
    ];
    answer(
        &mut fleet,
        Source::LoadBalancers,
        &place("eu"),
        5,
        Rows::Traffic(rows),
    );
    let canaries = of(&fleet).canaries;
    assert_eq!(canaries.len(), 1);
    assert_eq!(
        (canaries[0].member.as_str(), canaries[0].percent),
        ("canary", 5.0)
    );
}

#[test]
fn what_is_kept_is_what_would_be_gathered() {
    let mut fleet = observed(f::balancer_series("web", &[("requests", &[(120, 600.0)])]));
    assert!(matches!(fleet.rollup(&label("eu")), Cow::Borrowed(_)));
    assert_eq!(*fleet.rollup(&label("eu")), of(&fleet));
    // An answer is taken in at once, and time is let pass.
    let alarms = Rows::Alarms(vec![f::alarm("a", "ALARM", "x")]);
    answer(&mut fleet, Source::Alarms, &place("eu"), 0, alarms);
    assert_eq!(fleet.rollup(&label("eu")).severity, Severity::Warn);
    fleet.advance(f::now() + std::time::Duration::from_secs(200));
    assert_eq!(*fleet.rollup(&label("eu")), of(&fleet));
    assert_eq!(fleet.rollup(&label("eu")).freshness, Freshness::Expired);
}

#[test]
fn no_second_is_one_in_which_a_big_estate_ages_all_at_once() {
    let labels: Vec<String> = (0..30).map(|index| format!("region-{index}")).collect();
    let names: Vec<&str> = labels.iter().map(String::as_str).collect();
    let gathered = |fleet: &Fleet| -> Vec<Option<AsOf>> {
        let labels = names.iter().map(|name| label(name));
        labels.map(|label| fleet.gathered(&label)).collect()
    };
    let mut fleet = f::fleet(&names);
    fleet.advance(fleet.now);
    let mut aged = [0; 30];
    for second in 1..=10 {
        let before = gathered(&fleet);
        fleet.advance(f::now() + jiff::SignedDuration::from_secs(second));
        let after = gathered(&fleet);
        assert!(after.iter().all(Option::is_some), "kept at second {second}");
        let new = |index: &usize| before[*index] != after[*index];
        let these: Vec<usize> = (0..30).filter(new).collect();
        assert!(these.len() <= 8, "{} at second {second}", these.len());
        for index in these {
            aged[index] += 1;
        }
    }
    assert_eq!(aged, [2; 30], "each once in five seconds");
    // A handful ages at once, and is silent in between.
    let mut small = f::fleet(&names[..8]);
    small.advance(small.now);
    let showed = (1..=10).filter(|second| {
        let now = f::now() + jiff::SignedDuration::from_secs(*second);
        small.advance(now)
    });
    assert_eq!(showed.count(), 2);
}

#[test]
fn who_says_the_same_again_is_counted_with_the_next_step_and_ends_a_silence_at_once() {
    let mut fleet = observed(Vec::new());
    let again = |fleet: &mut Fleet, seconds| {
        let rows = Rows::Traffic(vec![f::forward("web", "blue", 1)]);
        answer(fleet, Source::LoadBalancers, &place("eu"), seconds, rows);
    };
    let reach = |fleet: &Fleet| fleet.rollup(&label("eu")).reach.clone();
    fleet.advance(fleet.now);
    again(&mut fleet, 0);
    assert_eq!(reach(&fleet).last_answer, Some(f::ago(5)));
    fleet.advance(fleet.now + jiff::SignedDuration::from_secs(5));
    assert_eq!(reach(&fleet).last_answer, Some(f::ago(0)));
    f::failure(
        &mut fleet,
        Source::LoadBalancers,
        &place("eu"),
        ErrorClass::Timeout,
    );
    assert_eq!(reach(&fleet).silent.len(), 1);
    again(&mut fleet, 0);
    assert_eq!(reach(&fleet).silent, []);
}

#[test]
fn beside_requests_no_point_of_errors_is_none_and_otherwise_not_known() {
    let refused = |given: &[(&str, &[(u64, f64)])]| {
        let fleet = observed(f::balancer_series("web", given));
        let fields = crate::resources::regions::detail::of_users(&of(&fleet), &fleet, &place("eu"));
        let mut fields = fields.into_iter();
        let field = fields.find(|field| field.name.ends_with("refused 5xx/min"));
        field.unwrap().cell.text
    };
    let requests: (&str, &[(u64, f64)]) = ("requests", &[(120, 600.0)]);
    assert_eq!(refused(&[requests]), "none");
    assert_eq!(refused(&[requests, ("elb-5xx", &[(120, 3.0)])]), "3.0");
    assert_eq!(refused(&[]), "?");
}
