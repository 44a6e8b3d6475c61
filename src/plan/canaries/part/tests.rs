//! Is a part of what AWS divides judged by its own users, and by nobody else's?

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::{
    plan::{canaries, gate::Gate},
    resources::{
        Rows,
        fixtures::{self as f, now},
        metrics::Series,
        traffic::{Mechanism, Split},
    },
};

const CANARY: &str = "arn:aws:elasticloadbalancing:eu:1:targetgroup/shop-canary/1";

/// A rule with two target groups of a load balancer of a kind.
fn fleet(kind: &str) -> Fleet {
    let mut fleet = Fleet::new(Arc::new(f::estate(&["eu"])), now());
    let group = |name: &str, weight| -> Split {
        let mut row = f::forward("web", name, weight);
        let Mechanism::Forward(forward) = &mut row.by else {
            panic!("a forward: {row:?}");
        };
        forward.divided = true;
        forward.load_balancer_type = Some(kind.to_owned());
        row
    };
    let rows = vec![group("shop", 95), group("shop-canary", 5)];
    let place = f::place("eu");
    f::answer(
        &mut fleet,
        Source::LoadBalancers,
        &place,
        0,
        Rows::Traffic(rows),
    );
    let distribution = |id: &str, staging: bool| -> Split {
        f::row(
            json!({"split": "E1", "member": id, "by": {"mechanism": "distribution",
            "id": id, "arn": id, "domain": id, "aliases": [], "status": "Deployed", "enabled": true, "staging": staging,
            "origins": [], "origin_groups": []}}),
        )
    };
    let rows = vec![distribution("E1", false), distribution("E2", true)];
    f::answer(
        &mut fleet,
        Source::Distributions,
        &Place::Global,
        0,
        Rows::Traffic(rows),
    );
    fleet
}

/// Moves weights from the one group to the other.
fn shift(stable: (u32, u32), canary: (u32, u32)) -> Change {
    let edit = |name: &str, (from, to)| ForwardEdit {
        target_group_arn: CANARY.replace("shop-canary", name),
        target_group_name: name.to_owned(),
        from,
        to,
    };
    Change::Traffic(traffic::Change::Forward {
        region: f::label("eu"),
        load_balancer_name: "web".to_owned(),
        listener_arn: "web/listener".to_owned(),
        rule_arn: None,
        groups: vec![edit("shop", stable), edit("shop-canary", canary)],
    })
}

fn up() -> Change {
    shift((95, 75), (5, 25))
}

/// Minutes of the canary, the newest of which began a minute ago.
fn minutes(what: &str, values: &[f64]) -> Series {
    let age = |index: usize| 60 * (index as u64 + 1);
    let points: Vec<(u64, f64)> = values
        .iter()
        .enumerate()
        .map(|(index, value)| (age(index), *value))
        .collect();
    f::series(&target_group_key(CANARY, what), &points)
}

fn judged(fleet: &Fleet, change: &Change) -> Vec<Gate> {
    let since = f::ago(130);
    let canaries = canaries::of(fleet, change);
    canaries
        .iter()
        .map(|canary| canary.judge(fleet, since))
        .collect()
}

/// What CloudWatch tells; a series of the canary that is not given was read, and has no point.
fn measured(mut series: Vec<Series>) -> Fleet {
    let mut fleet = fleet("application");
    for what in ["requests", "p95", "5xx", "no-connection"] {
        let none = minutes(what, &[]);
        if series.iter().all(|known| known.spec.key != none.spec.key) {
            series.push(none);
        }
    }
    f::metrics(&mut fleet, &f::place("eu"), 0, series);
    fleet
}

#[test]
fn a_target_group_that_gets_more_is_judged_by_its_own_requests() {
    let quick = || minutes("p95", &[0.09, 0.08]);
    let asked = || minutes("requests", &[400.0, 400.0]);
    let well = measured(vec![asked(), quick(), minutes("5xx", &[2.0])]);
    assert_eq!(judged(&well, &up()), [Gate::Holds]);

    let failing = measured(vec![asked(), quick(), minutes("5xx", &[80.0, 80.0])]);
    let told = judged(&failing, &up());
    assert!(
        matches!(&told[..], [Gate::Breached(text)] if text.contains("target group shop-canary in eu: error rate 20.0 %")),
        "{told:?}"
    );
    // Who gets no connection gets no answer either.
    let dead = measured(vec![asked(), quick(), minutes("no-connection", &[400.0])]);
    assert!(matches!(judged(&dead, &up())[..], [Gate::Breached(_)]));

    let slow = measured(vec![asked(), minutes("p95", &[0.9, 0.08])]);
    let told = judged(&slow, &up());
    assert!(
        matches!(&told[..], [Gate::Breached(text)] if text.contains("p95 900.0 ms")),
        "{told:?}"
    );
}

#[test]
fn nothing_known_of_a_target_group_is_no_proof() {
    let told = judged(&fleet("application"), &up());
    assert!(
        matches!(&told[..], [Gate::NoData(text)] if text.contains("not read")),
        "{told:?}"
    );
    let silent = measured(vec![minutes("requests", &[]), minutes("p95", &[])]);
    assert!(matches!(judged(&silent, &up())[..], [Gate::NoData(_)]));
    // Whoever may not read its errors has not seen that there are none.
    for quality in [Quality::Forbidden, Quality::Failed, Quality::Partial] {
        let mut errors = minutes("5xx", &[]);
        errors.quality = quality;
        let blind = measured(vec![
            minutes("requests", &[400.0, 400.0]),
            minutes("p95", &[0.09, 0.09]),
            errors,
        ]);
        let told = judged(&blind, &up());
        assert!(
            matches!(&told[..], [Gate::NoData(text)] if text.contains("5xx was not read")),
            "{told:?}"
        );
    }
    // A few errors of a few requests are no verdict, and no proof of the contrary.
    let few = measured(vec![
        minutes("requests", &[20.0, 20.0]),
        minutes("p95", &[0.09, 0.09]),
        minutes("5xx", &[2.0]),
    ]);
    let told = judged(&few, &up());
    assert!(
        matches!(&told[..], [Gate::NoData(text)] if text.contains("too few")),
        "{told:?}"
    );
    // What was before the change says nothing about it.
    let at = |what: &str, value| f::series(&target_group_key(CANARY, what), &[(200, value)]);
    let old = measured(vec![at("requests", 900.0), at("p95", 0.1)]);
    assert!(matches!(judged(&old, &up())[..], [Gate::NoData(_)]));
}

#[test]
fn what_had_most_is_no_canary_nor_is_what_nobody_counts() {
    assert!(judged(&fleet("application"), &shift((75, 95), (25, 5))).is_empty());
    assert!(judged(&fleet("network"), &up()).is_empty());
}

#[test]
fn a_version_of_a_function_and_a_staging_distribution_are_judged_when_they_get_more() {
    let alias = |from, to| {
        Change::Traffic(traffic::Change::Alias {
            region: f::label("eu"),
            function: "quote".to_owned(),
            alias: "live".to_owned(),
            stable: "41".to_owned(),
            canary: "42".to_owned(),
            from,
            to,
            revision_id: None,
        })
    };
    let key = |what: &str| alias_key("quote", "live", "42", what);
    let version = |errors: f64| {
        let point = |what: &str, value: f64| f::series(&key(what), &[(60, value), (120, value)]);
        measured(vec![
            point("invocations", 500.0),
            point("errors", errors),
            point("p95", 90.0),
        ])
    };
    assert_eq!(judged(&version(1.0), &alias(0.05, 0.25)), [Gate::Holds]);
    let bad = judged(&version(50.0), &alias(0.05, 0.25));
    assert!(matches!(bad[..], [Gate::Breached(_)]), "{bad:?}");
    assert!(judged(&version(50.0), &alias(0.25, 0.0)).is_empty());

    let staging = |from, to| {
        Change::Traffic(traffic::Change::Staging {
            distribution_id: "E1".to_owned(),
            policy_id: "P1".to_owned(),
            from,
            to,
        })
    };
    let edge = |percent: f64| {
        let mut fleet = fleet("application");
        let point = |what: &str, value: f64| {
            f::series(&distribution_key("E2", what), &[(60, value), (120, value)])
        };
        let series = vec![point("requests", 9_000.0), point("5xx-rate", percent)];
        f::metrics(&mut fleet, &Place::Global, 0, series);
        fleet
    };
    assert_eq!(judged(&edge(0.2), &staging(0.0, 0.05)), [Gate::Holds]);
    let mut untold = edge(0.2);
    let requests = f::series(&distribution_key("E2", "requests"), &[(60, 9_000.0)]);
    let rates = f::series(&distribution_key("E2", "5xx-rate"), &[]);
    f::metrics(&mut untold, &Place::Global, 0, vec![requests, rates]);
    let told = judged(&untold, &staging(0.0, 0.05));
    assert!(
        matches!(told[..], [Gate::NoData(_)]),
        "a rate is no counter: {told:?}"
    );
    let bad = judged(&edge(4.0), &staging(0.0, 0.05));
    assert!(matches!(bad[..], [Gate::Breached(_)]), "{bad:?}");
    assert!(judged(&edge(4.0), &staging(0.05, 0.0)).is_empty());
}
