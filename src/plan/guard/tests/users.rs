//! A receiver that AWS does not serve: what its Prometheus tells of its users is what it is judged by.

use super::*;
use crate::resources::{
    fixtures::{self as f, users},
    metrics::users::UserSignal,
};

/// The three regions, of which eu-west-1 is no AWS Region and has a Prometheus.
fn world_with(series: Vec<Series>, check: Option<&str>) -> Fleet {
    let mut estate = estate(&REGIONS);
    for spec in &mut estate.regions {
        if spec.label.as_str() == EU {
            spec.aws_region = None;
        }
    }
    estate.prometheus.insert(label(EU), f::prometheus());
    let mut fleet = world_of(estate);
    let rows = Rows::Traffic(vec![
        record(US, 46, Some(US)),
        record(EU, 31, check),
        record(AP, 23, Some(AP)),
    ]);
    answer(&mut fleet, Source::Records, &Place::Global, 5, rows);
    let groups = Rows::Traffic(vec![group(US, 100.0), group(AP, 100.0)]);
    answer(&mut fleet, Source::Accelerators, &Place::Global, 5, groups);
    let none = Rows::Traffic(Vec::new());
    answer(&mut fleet, Source::LoadBalancers, &place(EU), 5, none);
    f::measured(&mut fleet, &place(EU), 5, series);
    fleet
}

fn told(age: u64, errors: f64) -> Vec<Series> {
    vec![
        users(UserSignal::Requests, &[(age, 310.0)]),
        users(UserSignal::Errors, &[(age, errors)]),
        users(UserSignal::P95, &[(age, 140.0)]),
        users(UserSignal::P99, &[(age, 300.0)]),
    ]
}

fn says_of(series: Vec<Series>, id: GuardId, verdict: Verdict, evidence: &str) {
    let fleet = world_with(series, Some(EU));
    says(&judged(&fleet, &drain(&fleet), id), verdict, evidence);
}

#[test]
fn what_its_users_get_is_seen_while_the_plan_runs() {
    let passes = "eu-west-1 errors 0.20%";
    says_of(told(70, 0.2), GuardId::Abort, Verdict::Pass, passes);
    let silent = "eu-west-1: error rate and p95 not known";
    says_of(Vec::new(), GuardId::Abort, Verdict::Unknown, silent);
    let fleet = world_with(Vec::new(), Some(EU));
    let guard = judged(&fleet, &drain(&fleet), GuardId::Abort);
    assert!(guard.remedy.contains("[prometheus.users]"), "{guard:?}");
}

#[test]
fn its_numbers_age_as_fast_as_a_prometheus_is_asked() {
    let fleet = world_with(told(70, 0.2), Some(EU));
    let guard = judged(&fleet, &drain(&fleet), GuardId::Stale);
    assert!(!guard.evidence.contains("metrics eu-west-1"), "{guard:?}");
    let old = "metrics eu-west-1 100 s > 90 s";
    says_of(told(160, 0.2), GuardId::Stale, Verdict::Fail, old);
    let silent = "metrics eu-west-1: no data";
    says_of(Vec::new(), GuardId::Stale, Verdict::Unknown, silent);
}

#[test]
fn its_users_tell_its_health_where_nothing_else_does() {
    for (series, verdict, evidence) in [
        (
            told(70, 0.2),
            Verdict::Pass,
            "eu-west-1 answers its users, errors 0.20%",
        ),
        (
            told(70, 12.0),
            Verdict::Fail,
            "eu-west-1 fails 12% of its users > 1 %",
        ),
        (
            Vec::new(),
            Verdict::Unknown,
            "nothing tells the health of eu-west-1",
        ),
    ] {
        let fleet = world_with(series, None);
        says(
            &judged(&fleet, &drain(&fleet), GuardId::Health),
            verdict,
            evidence,
        );
    }
}
