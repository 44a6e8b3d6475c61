//! What a watch says where nothing can be measured: what our own hand raised is a breach, what a controller was let go with is over, and is said so.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::resources::{
    Rows, Source, fixtures as f,
    metrics::users::UserSignal,
    traffic::{self, rollouts::Verb},
};

const EU: &str = "eu";

fn steer(verb: Verb) -> Change {
    let rollout = f::rollout(&json!({}));
    Change::Traffic(traffic::Change::Steer(
        rollout.steering(&f::label(EU), verb),
    ))
}

/// A region without load balancers, and with a Prometheus if wanted.
fn fleet(prometheus: bool) -> Fleet {
    let mut estate = f::estate(&[EU]);
    if prometheus {
        estate.prometheus.insert(f::label(EU), f::prometheus());
    }
    let mut fleet = Fleet::new(Arc::new(estate), f::now());
    f::rollouts(&mut fleet, &f::place(EU), &[f::rollout(&json!({}))]);
    let none = Rows::Traffic(Vec::new());
    f::answer(&mut fleet, Source::LoadBalancers, &f::place(EU), 5, none);
    fleet
}

/// After a watch of 300 s has gone on for so many seconds.
fn after(fleet: &Fleet, changes: &[Change], seconds: u64) -> Seen {
    let wait = Wait::Bake {
        regions: vec![f::label(EU)],
        seconds: 300,
    };
    let times = (Duration::from_secs(300), Duration::from_secs(600));
    seen(&wait, &changes.iter(), fleet, f::ago(seconds), times)
}

#[test]
fn what_is_let_go_and_cannot_be_measured_is_over_and_said_so() {
    let resumed = [steer(Verb::Resume)];
    let mut answers = fleet(true);
    f::answer(
        &mut answers,
        Source::Prometheus,
        &f::place(EU),
        5,
        Rows::Metrics(Vec::new()),
    );
    for fleet in [fleet(false), answers] {
        assert!(matches!(after(&fleet, &resumed, 200), Seen::NotYet(_)));
        let Seen::Over(text) = after(&fleet, &resumed, 301) else {
            panic!("nobody is there who could say more");
        };
        assert!(
            text.starts_with("nothing was watched, for nothing could be measured"),
            "{text}"
        );
    }
    // A Prometheus that is silent is no proof that nothing is measured.
    assert!(matches!(
        after(&fleet(true), &resumed, 301),
        Seen::NotYet(_)
    ));
    assert!(matches!(
        after(&fleet(true), &resumed, 500),
        Seen::Breached(_)
    ));
}

#[test]
fn what_our_own_hand_raised_is_watched_or_it_is_a_breach() {
    for changes in [
        vec![steer(Verb::Promote)],
        vec![steer(Verb::Retry)],
        vec![steer(Verb::Resume), steer(Verb::Promote)],
    ] {
        let fleet = fleet(false);
        assert!(matches!(after(&fleet, &changes, 301), Seen::NotYet(_)));
        assert!(matches!(after(&fleet, &changes, 500), Seen::Breached(_)));
    }
    // Nothing that is known to raise anything: traffic moved all the same, or nobody would watch.
    assert!(matches!(after(&fleet(false), &[], 500), Seen::Breached(_)));
}

#[test]
fn a_drain_of_a_region_that_aws_does_not_serve_is_seen_to_end() {
    let tail = Wait::Tail {
        region: f::label(EU),
        seconds: 60,
        baseline_rps: Some(200.0),
        below_percent: 5.0,
    };
    let seen = |rate: f64, began: u64| {
        let mut fleet = fleet(true);
        let series = vec![f::users(UserSignal::Requests, &[(began, rate)])];
        f::measured(&mut fleet, &f::place(EU), 2, series);
        let times = (Duration::from_secs(300), Duration::from_secs(600));
        super::seen(&tail, &[].iter(), &fleet, f::ago(120), times)
    };
    let Seen::Over(text) = seen(2.0, 65) else {
        panic!("1 % of its requests remain");
    };
    assert_eq!(text, "1.0 % of its requests remain");
    assert!(matches!(seen(40.0, 65), Seen::NotYet(_)), "a fifth remains");
    let before = seen(2.0, 125);
    assert!(
        matches!(before, Seen::NotYet(_)),
        "measured before the change"
    );
}
