//! No guard forbids the move that reduces harm: a canary taken back, an undo, a step back, a region brought back while nobody serves.

use super::*;
use crate::{
    plan::entry::{Ending, Entry, What},
    resources::{
        estate::Freeze,
        traffic::{change::ForwardEdit, cloudfront::Distribution},
    },
};

fn alias(from: f64, to: f64) -> Change {
    Change::Traffic(traffic::Change::Alias {
        region: label(EU),
        function: "quote".into(),
        alias: "live".into(),
        stable: "41".into(),
        canary: "42".into(),
        from,
        to,
        revision_id: None,
    })
}

fn forwarded(stable: (u32, u32), canary: (u32, u32)) -> Change {
    let edit = |name: &str, (from, to): (u32, u32)| ForwardEdit {
        target_group_arn: format!("arn:{name}"),
        target_group_name: name.into(),
        from,
        to,
    };
    Change::Traffic(traffic::Change::Forward {
        region: label(EU),
        load_balancer_name: EU.into(),
        listener_arn: "listener".into(),
        rule_arn: None,
        groups: vec![edit("stable", stable), edit("canary", canary)],
    })
}

fn firing(fleet: &mut Fleet) {
    let mut one = alarm("canary-errors", "ALARM", EU);
    one.alarm_type = crate::resources::alarms::AlarmType::Composite;
    answer(
        fleet,
        Source::Alarms,
        &place(EU),
        1,
        Rows::Alarms(vec![one]),
    );
}

#[test]
fn the_alarm_of_a_canary_does_not_keep_it_there() {
    let mut fleet = world();
    firing(&mut fleet);
    let verdict = |change: Change| {
        let plan = plan(&fleet, vec![change], &[]);
        judged(&fleet, &plan, GuardId::Alarm).verdict
    };
    assert_eq!(verdict(alias(0.05, 0.25)), Verdict::Fail);
    assert_eq!(verdict(alias(0.25, 0.0)), Verdict::Pass);
    assert_eq!(verdict(forwarded((95, 75), (5, 25))), Verdict::Fail);
    assert_eq!(verdict(forwarded((95, 100), (5, 0))), Verdict::Pass);
    // Both had the same: which of them was there before is not known.
    assert_eq!(verdict(forwarded((50, 0), (50, 100))), Verdict::Pass);
}

#[test]
fn a_way_back_waits_neither_for_a_freeze_nor_for_metrics() {
    let mut frozen = estate(&REGIONS);
    frozen.freezes.push(Freeze {
        from: ago(60),
        until: now() + std::time::Duration::from_secs(3_600),
        reason: "sale".into(),
    });
    let mut fleet = world_of(frozen);
    let silent = balancer_series(EU, &[]);
    metrics(&mut fleet, &place(EU), 1, silent);
    let judge = |change: Change, id| {
        let mut plan = plan(&fleet, vec![change], &[]);
        plan.steps.push(bake(120, &[EU]));
        judged(&fleet, &plan, id).verdict
    };
    assert_eq!(judge(alias(0.05, 0.25), GuardId::Freeze), Verdict::Fail);
    assert_eq!(judge(alias(0.25, 0.05), GuardId::Freeze), Verdict::Warn);
    assert_eq!(judge(alias(0.05, 0.25), GuardId::Abort), Verdict::Unknown);
    assert_eq!(judge(alias(0.25, 0.05), GuardId::Abort), Verdict::Warn);
}

fn done(plan: &Plan) -> Ledger {
    let entry = |step, what| Entry {
        at: now(),
        run: Some("r1".into()),
        step,
        what,
    };
    let change = plan.changes().next().unwrap().clone();
    Ledger::of(vec![
        entry(
            None,
            What::Confirmed {
                plan: Box::new(plan.clone()),
                hash: plan.hash(),
                guards: Vec::new(),
                overrides: Default::default(),
                typed: String::new(),
                reason: String::new(),
            },
        ),
        entry(
            Some(0),
            What::Sending {
                title: String::new(),
                change,
            },
        ),
        entry(
            None,
            What::Ended {
                ending: Ending::Done,
                text: String::new(),
            },
        ),
    ])
}

#[test]
fn what_a_run_did_is_taken_back_in_a_freeze_and_by_short_credentials() {
    let mut frozen = estate(&REGIONS);
    frozen.freezes.push(Freeze {
        from: ago(60),
        until: now() + std::time::Duration::from_secs(3_600),
        reason: "sale".into(),
    });
    let mut fleet = world_of(frozen);
    let shift = weights(&fleet, &[(US, 40), (EU, 37)]);
    let back = shift.inverse().unwrap();
    let ledger = done(&plan(&fleet, vec![shift], &[]));
    for region in REGIONS {
        identified(&mut fleet, region, Some(0), Some(200));
    }
    let undo = plan(&fleet, vec![back.clone()], &[]);
    let verdict = |ledger: &Ledger, id| with(&fleet, &undo, ledger, id).verdict;
    let nobody = Ledger::default();
    assert_eq!(verdict(&nobody, GuardId::Freeze), Verdict::Fail);
    assert_eq!(verdict(&ledger, GuardId::Freeze), Verdict::Warn);
    assert_eq!(verdict(&nobody, GuardId::Credentials), Verdict::Fail);
    assert_eq!(verdict(&ledger, GuardId::Credentials), Verdict::Warn);
}

#[test]
fn weights_alone_bring_nobody_back_who_is_not_healthy() {
    let mut fleet = world();
    records(&mut fleet, &[46, 0, 0]);
    healths(&mut fleet, &[Some(false), Some(true), Some(true)]);
    lose(&mut fleet, US);
    // Its targets are gone too: nobody would serve after it either.
    for region in [EU, AP] {
        let mut split = forward(region, "web", 1);
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
            &place(region),
            0,
            Rows::Traffic(vec![split]),
        );
    }
    let back = plan(&fleet, vec![weights(&fleet, &[(EU, 31)])], &[]);
    says(
        &judged(&fleet, &back, GuardId::Last),
        Verdict::Fail,
        "eu-west-1 has no healthy target",
    );
}

#[test]
fn a_canary_is_raised_only_when_its_requests_were_seen() {
    let mut fleet = world();
    let key = |what: &str| traffic::lambda::alias_key("quote", "live", "42", what);
    let judge = |fleet: &Fleet, from, to| {
        let plan = plan(fleet, vec![alias(from, to)], &[]);
        judged(fleet, &plan, GuardId::Sample)
    };
    says(&judge(&fleet, 0.0, 0.05), Verdict::Pass, "begins");
    says(&judge(&fleet, 0.05, 0.25), Verdict::Unknown, "not read");
    measured(
        &mut fleet,
        EU,
        &[(&key("invocations"), 120.0), (&key("errors"), 0.0)],
    );
    says(
        &judge(&fleet, 0.05, 0.25),
        Verdict::Fail,
        "120 requests < 500",
    );
    says(
        &judge(&fleet, 0.25, 0.05),
        Verdict::Pass,
        "no canary is raised",
    );
    measured(
        &mut fleet,
        EU,
        &[(&key("invocations"), 620.0), (&key("errors"), 0.0)],
    );
    says(&judge(&fleet, 0.05, 0.25), Verdict::Pass, "620 requests");
    measured(
        &mut fleet,
        EU,
        &[(&key("invocations"), 120.0), (&key("errors"), 12.0)],
    );
    says(&judge(&fleet, 0.05, 0.25), Verdict::Pass, "12 errors");
}

/// A distribution without invalidations.
pub fn distribution(id: &str) -> Distribution {
    row(json!({
        "id": id, "arn": "arn", "domain": "d", "aliases": [], "status": "Deployed", "enabled": true, "staging": false,
        "origins": [], "origin_groups": [], "http_version": null, "policy": null, "invalidations": [],
    }))
}
