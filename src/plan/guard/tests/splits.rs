//! G-LAST, G-ZERO, G-BLAST, G-OWNER, G-STEP, G-TTL, G-ETH, G-RETURN.

use super::*;
use crate::resources::{clusters, health_checks};

fn invert(region: &str) -> Change {
    Change::HealthChecks(health_checks::Change::Invert {
        id: region.into(),
        records: vec![region.into()],
        from: false,
        to: true,
        version: None,
    })
}

#[test]
fn the_last_region_that_serves_is_never_drained() {
    let mut fleet = world();
    let all = drain(&fleet);
    says(
        &judged(&fleet, &all, GuardId::Last),
        Verdict::Pass,
        "serves",
    );
    // The others stop serving, each in its own way.
    lose(&mut fleet, US);
    let mut split = forward(EU, "web", 1);
    if let Mechanism::Forward(forward) = &mut split.by {
        forward.health = Some(traffic::TargetHealth {
            healthy: 0,
            unhealthy: 4,
            other: 0,
            unknown: 0,
        });
    }
    answer(
        &mut fleet,
        Source::LoadBalancers,
        &place(EU),
        0,
        Rows::Traffic(vec![split]),
    );
    let guard = judged(&fleet, &all, GuardId::Last);
    says(&guard, Verdict::Fail, "eu-west-1 has no healthy target");
    says(&guard, Verdict::Fail, "us-east-1 does not answer");
}

#[test]
fn a_region_whose_health_is_not_known_does_not_count_as_serving() {
    let mut fleet = world();
    let plan = plan(&fleet, vec![weights(&fleet, &[(AP, 0)])], &[AP]);
    healths(&mut fleet, &[None, None, Some(true)]);
    says(
        &judged(&fleet, &plan, GuardId::Last),
        Verdict::Unknown,
        "not known",
    );
    // All fail: Route 53 answers with everything, which is not serving.
    healths(&mut fleet, &[Some(false); 3]);
    says(
        &judged(&fleet, &plan, GuardId::Last),
        Verdict::Fail,
        "fail-open",
    );
}

#[test]
fn an_inverted_check_takes_its_region_away() {
    let mut fleet = world();
    let plan = plan(&fleet, vec![invert(AP)], &[AP]);
    says(
        &judged(&fleet, &plan, GuardId::Last),
        Verdict::Pass,
        "serves",
    );
    let guard = judged(&fleet, &plan, GuardId::TargetHealth);
    says(&guard, Verdict::Pass, "ap-southeast-1 23% → 0%");
    healths(&mut fleet, &[Some(false), Some(false), Some(true)]);
    says(
        &judged(&fleet, &plan, GuardId::Last),
        Verdict::Fail,
        "fail-open",
    );
}

#[test]
fn going_back_is_not_refused_because_the_region_was_to_be_drained() {
    let mut fleet = world();
    records(&mut fleet, &[46, 31, 0]);
    healths(&mut fleet, &[Some(false), Some(false), Some(true)]);
    let back = plan(&fleet, vec![weights(&fleet, &[(AP, 23)])], &[AP]);
    says(
        &judged(&fleet, &back, GuardId::Last),
        Verdict::Pass,
        "ap-southeast-1 serves",
    );
}

#[test]
fn no_set_becomes_all_zero_not_even_between_two_steps() {
    let mut fleet = world();
    records(&mut fleet, &[0, 31, 0]);
    let first = weights(&fleet, &[(EU, 0)]);
    let second = weights(&fleet, &[(AP, 23)]);
    let plan_of = |changes| plan(&fleet, changes, &[]);
    let bad = plan_of(vec![first.clone(), second.clone()]);
    says(
        &judged(&fleet, &bad, GuardId::Zero),
        Verdict::Fail,
        "all weights 0",
    );
    let good = plan_of(vec![second, first]);
    says(
        &judged(&fleet, &good, GuardId::Zero),
        Verdict::Pass,
        "sum 23",
    );
    let beyond = plan_of(vec![dial(EU, 100.0, 101.0)]);
    says(
        &judged(&fleet, &beyond, GuardId::Zero),
        Verdict::Fail,
        "outside 0 to 100",
    );
    let scale = Change::Clusters(clusters::Change::Scale {
        region: label(EU),
        cluster: "c".into(),
        node_group: "n".into(),
        from: clusters::Bounds { min: 1, max: 2 },
        to: clusters::Bounds { min: 2, max: 3 },
    });
    let none = plan_of(vec![scale]);
    says(
        &judged(&fleet, &none, GuardId::Zero),
        Verdict::Pass,
        "changes no weights",
    );
}

#[test]
fn a_drain_concerns_one_region() {
    let fleet = world();
    let two = plan(&fleet, vec![weights(&fleet, &[(EU, 0), (AP, 0)])], &[]);
    says(
        &judged(&fleet, &two, GuardId::Blast),
        Verdict::Fail,
        "2 regions",
    );
    says(
        &judged(&fleet, &drain(&fleet), GuardId::Blast),
        Verdict::Pass,
        "alone",
    );
    let mut undo = two;
    undo.intent.options.run = Some("r1".into());
    says(
        &judged(&fleet, &undo, GuardId::Blast),
        Verdict::Warn,
        "2 regions",
    );
}

#[test]
fn a_record_of_a_traffic_policy_is_not_edited() {
    let mut fleet = world();
    let plan = drain(&fleet);
    says(
        &judged(&fleet, &plan, GuardId::Owner),
        Verdict::Pass,
        "no traffic policy",
    );
    let rows = REGIONS.iter().map(|region| {
        let mut split = record(region, 30, Some(region));
        if let Mechanism::Record(record) = &mut split.by {
            record.traffic_policy_instance_id = Some("tpi-1".into());
        }
        split
    });
    answer(
        &mut fleet,
        Source::Records,
        &Place::Global,
        0,
        Rows::Traffic(rows.collect()),
    );
    says(
        &judged(&fleet, &plan, GuardId::Owner),
        Verdict::Fail,
        "tpi-1",
    );
}

#[test]
fn steps_are_small_and_paced() {
    let fleet = world();
    let good = drain(&fleet);
    says(
        &judged(&fleet, &good, GuardId::Step),
        Verdict::Pass,
        "2 steps",
    );
    let mut hasty = good.clone();
    hasty.steps.remove(1);
    says(
        &judged(&fleet, &hasty, GuardId::Step),
        Verdict::Warn,
        "0 s between",
    );
    let whole = plan(&fleet, vec![weights(&fleet, &[(AP, 0)])], &[AP]);
    says(
        &judged(&fleet, &whole, GuardId::Step),
        Verdict::Warn,
        "100% of ap-southeast-1",
    );
    let mut now = good;
    now.intent.options.now = true;
    says(
        &judged(&fleet, &now, GuardId::Step),
        Verdict::Warn,
        "emergency",
    );
}

#[test]
fn a_long_ttl_is_told_with_its_tail() {
    let mut fleet = world();
    let plan = drain(&fleet);
    says(
        &judged(&fleet, &plan, GuardId::Ttl),
        Verdict::Pass,
        "tail 120 s",
    );
    let rows = REGIONS.iter().map(|region| {
        let mut split = record(region, 30, Some(region));
        if let Mechanism::Record(record) = &mut split.by {
            record.ttl = Some(300);
        }
        split
    });
    answer(
        &mut fleet,
        Source::Records,
        &Place::Global,
        0,
        Rows::Traffic(rows.collect()),
    );
    says(
        &judged(&fleet, &plan, GuardId::Ttl),
        Verdict::Warn,
        "TTL 300 s > 60 s, tail 600 s",
    );
}

#[test]
fn a_record_without_a_check_always_counts_as_healthy() {
    let mut fleet = world();
    let rows = REGIONS.iter().map(|region| record(region, 30, None));
    answer(
        &mut fleet,
        Source::Records,
        &Place::Global,
        0,
        Rows::Traffic(rows.collect()),
    );
    let plan = plan(&fleet, vec![weights(&fleet, &[(AP, 0)])], &[AP]);
    says(
        &judged(&fleet, &plan, GuardId::TargetHealth),
        Verdict::Warn,
        "no health check",
    );
}

#[test]
fn what_only_its_health_keeps_out_comes_back_by_itself() {
    let mut fleet = world();
    let pinned = plan(
        &fleet,
        vec![weights(&fleet, &[(AP, 0)]), dial(AP, 100.0, 0.0)],
        &[AP],
    );
    says(
        &judged(&fleet, &pinned, GuardId::Return),
        Verdict::Pass,
        "stays away",
    );
    healths(&mut fleet, &[Some(true), Some(true), Some(false)]);
    let loose = plan(&fleet, vec![weights(&fleet, &[(EU, 60)])], &[AP]);
    says(
        &judged(&fleet, &loose, GuardId::Return),
        Verdict::Warn,
        "comes back by itself",
    );
}
