//! Drills played through the keyboard at 80×24: the right actions bring users back, and the journal tells them.

use pilothouse::{
    event::Event,
    plan::{Verdict, entry::What},
    resources::{Change, Severity, traffic},
    sim::World,
    state::Dialog,
};

use super::{
    drill::Drill,
    scores::{clean, shown},
};

/// When the first fault of each drill begins.
const FAULT: i64 = 25;

/// What the journal says, in words.
fn told(drill: &Drill) -> Vec<&'static str> {
    let words = drill.journal.iter();
    words
        .map(|entry| pilothouse::report::journal::words(&entry.what).0)
        .collect()
}

/// Lets the changes of the run be made, and does not wait for what is only watched.
pub fn hurry(drill: &mut Drill, at_most: i64) -> String {
    let end = drill.second() + at_most;
    while drill.second() < end {
        let phase = drill.phase();
        if phase.contains("Waiting") {
            drill.press("n");
        } else if !phase.starts_with("step") {
            return phase;
        }
        drill.advance(1);
    }
    drill.phase()
}

/// Plans an action, checks what blocks it, overrides exactly that, and confirms it.
pub fn insist(drill: &mut Drill, typed: &str, blocked: &[&str]) {
    drill.plan(typed);
    let mut found = drill.blocked_by();
    found.sort_unstable();
    assert_eq!(found, blocked, "{typed}: {:?}", drill.obstacles());
    for guard in blocked {
        drill.command(&format!(
            "override {guard} known, and accepted in this drill"
        ));
    }
    assert_eq!(drill.obstacles(), [""; 0], "{typed}");
    drill.confirm();
    drill.advance(1);
    assert!(
        drill.state.conduct.active().next().is_some(),
        "{typed}: {}",
        drill.notice()
    );
}

/// Whether nobody could tell two worlds apart by what operators set there.
fn set(world: &World) -> impl PartialEq + std::fmt::Debug + use<> {
    let routing = &world.routing;
    let controls: Vec<bool> = routing
        .controls
        .iter()
        .map(|control| *control.now())
        .collect();
    let dials: Vec<f64> = routing.dials.iter().map(|dial| *dial.now()).collect();
    let inverted: Vec<bool> = routing
        .settings
        .iter()
        .flatten()
        .map(|setting| *setting.inverted.now())
        .collect();
    let nodes: Vec<(i32, i32)> = world
        .nodes
        .iter()
        .map(|nodes| (nodes.min, nodes.max))
        .collect();
    let canaries: Vec<u32> = (0..3)
        .map(|region| world.forward_weight(region, "shop-canary"))
        .collect();
    (
        (routing.weights.clone(), controls, dials, inverted),
        (nodes, canaries, world.muted.clone()),
        (
            *world.databases.writer.now(),
            *world.caches.primary.now(),
            world.staging_weight,
        ),
    )
}

/// What `what now?` lists.
fn advised(drill: &mut Drill) -> Vec<String> {
    drill.press("N");
    let Some(Dialog::WhatNow { advice, .. }) = drill.state.dialogs.last() else {
        return Vec::new();
    };
    let typed = advice.iter().map(|one| one.typed.clone()).collect();
    drill.press("esc");
    typed
}

/// The second since when so many users have been served for a minute, if they have.
fn served_since(successes: &[(i64, f64)], wanted: f64) -> Option<i64> {
    let bad = successes.iter().rposition(|(_, success)| *success < wanted);
    let since = successes.get(bad.map_or(0, |at| at + 1))?.0;
    (successes.last()?.0 - since >= 60).then_some(since)
}

#[test]
fn region_down_is_fought_side_by_side_and_users_are_back_in_time() {
    let mut drill = Drill::acting("region-down", 0);
    let calm = drill.success();
    let alert = drill
        .first(FAULT + 30, |drill| {
            drill.severity("us-east-1") == Severity::Bad
        })
        .expect("seen within the 30 s of D.8");
    let worst = drill.success();
    assert!(worst < 0.6, "{worst}");
    // Route 53 and its health checks are dark: what follows is not known, and said so; that somebody serves is seen by the users who reach it.
    drill.command("arm us-east-1 is gone, incident 4711");
    assert_eq!(
        advised(&mut drill)[..2],
        ["scale-receivers us-east-1", "drain-region us-east-1 now"]
    );
    insist(&mut drill, "scale-receivers us-east-1", &[]);
    insist(&mut drill, "drain-region us-east-1 now", &["G-CAP"]);
    assert_eq!(
        advised(&mut drill),
        [
            "failover shop-global",
            "promote-replica orders-eu-west-1",
            "fail-over-cache ldgnf-sessions",
        ]
    );
    let draft = &drill.state.conduct.shown().unwrap().guards;
    let last = draft
        .iter()
        .find(|guard| guard.id.name() == "G-LAST")
        .unwrap();
    assert_eq!(last.verdict, Verdict::Warn, "{last:?}");
    let at_drain = drill.second();
    insist(&mut drill, "failover shop-global to=eu-west-1", &[]);
    insist(&mut drill, "promote-replica orders-eu-west-1", &[]);
    insist(
        &mut drill,
        "fail-over-cache ldgnf-sessions to=eu-west-1",
        &[],
    );
    let decided = drill.second();
    assert_eq!(drill.state.conduct.active().count(), 5);
    assert_eq!(advised(&mut drill), [""; 0], "everything is in hand");
    let mut successes = Vec::new();
    let mut ended: Vec<(i64, String)> = Vec::new();
    for _ in 0..900 {
        drill.advance(1);
        successes.push((drill.second(), drill.success()));
        for run in &drill.state.conduct.runs {
            if run.over() && !ended.iter().any(|(_, title)| *title == run.plan.title) {
                ended.push((drill.second() - FAULT, run.plan.title.clone()));
            }
        }
        if drill.state.conduct.active().next().is_none()
            && served_since(&successes, calm * 0.999).is_some()
        {
            break;
        }
    }
    let back = |wanted: f64| {
        let since = served_since(&successes, calm * wanted);
        since.map(|since| since - FAULT)
    };
    let (most, all) = (back(0.97), back(0.999));
    println!(
        "alert after {} s, first confirmed after {} s, all after {} s; worst {worst:.3}; 97 % back after {most:?} s, 99.9 % after {all:?} s ({:.4} of {calm:.4}); {ended:?}",
        alert - FAULT,
        at_drain - FAULT,
        decided - FAULT,
        drill.success(),
    );
    assert!(
        decided - alert < 60,
        "decided {} s after the alert",
        decided - alert
    );
    assert!(most.is_some_and(|most| most < 300), "RTO {most:?}");
    // The orders live on RDS: its promotion of a replica takes nearly ten minutes by itself, and nothing we do is faster.
    let promoted = ended.iter().find(|(_, title)| title.starts_with("Promote"));
    let promoted = promoted.map_or(0, |(second, _)| *second);
    assert!(
        all.is_some_and(|all| all <= promoted && all < 700),
        "{all:?} {promoted}"
    );
    let others = ended
        .iter()
        .filter(|(_, title)| !title.starts_with("Promote"));
    // A node needs up to 240 s, after an update of its group of up to 40 s each.
    let most = |title: &str| if title.starts_with("Raise") { 350 } else { 300 };
    assert!(others.clone().count() == 4);
    assert!(others.clone().all(|(second, title)| *second < most(title)));
    everything_is_in_order(&drill);
}

/// What is true of the world, the score, the journal and the home screen after all of it.
fn everything_is_in_order(drill: &Drill) {
    drill.truth(|world| {
        assert_eq!(*world.databases.writer.now(), 1);
        assert_eq!(*world.caches.primary.now(), 1);
        assert!(!*world.routing.controls[0].now(), "it cannot flap back");
        assert_eq!(*world.routing.dials[0].now(), 0.0);
        assert_eq!(
            world.routing.weights,
            [92, 62, 46],
            "Route 53 is dark and was not asked"
        );
    });
    let kpis = shown(drill);
    clean(&kpis);
    let seen = kpis.detection.and_then(|(seen, _)| seen);
    assert!(seen.is_some_and(|seen| seen <= 30.0), "{kpis:?}");
    assert!(
        kpis.rpo < 1.0 && kpis.decision.is_some_and(|took| took <= 60.0),
        "{kpis:?}"
    );
    let ends = told(drill).iter().filter(|word| **word == "ended").count();
    assert_eq!(ends, 5);
    assert!(
        drill.sent.iter().all(|sent| sent.result.is_ok()),
        "{:?}",
        drill.sent
    );
    assert!(drill.locks.is_empty(), "{:?}", drill.locks);
    let reminders = drill.state.conduct.reminders(drill.state.now);
    let drained = |text: &str| text.starts_with("us-east-1 is drained");
    assert!(
        reminders.iter().any(|reminder| drained(&reminder.text)),
        "{reminders:?}"
    );
}

#[test]
fn a_sick_service_is_no_reason_to_drain_and_says_so() {
    let mut drill = Drill::acting("partial-failure", 200);
    drill.command("arm checkout fails");
    drill.plan("drain-region eu-west-1");
    assert_eq!(
        drill.blocked_by(),
        ["G-CAP"],
        "the others have no room for it"
    );
    drill.confirm();
    assert!(!drill.asks() && drill.sent.is_empty());
    // The release is rolled back at 325 s.
    let well = drill.first(700, |drill| drill.success() > 0.999);
    assert!(well.is_some(), "{}", drill.success());
    drill.advance(60);
    let kpis = shown(&drill);
    clean(&kpis);
    assert!((kpis.blocked, kpis.overrides) == (1, 0), "{kpis:?}");
    assert!(kpis.score() > 90.0, "{kpis:?}");
}

#[test]
fn a_bad_canary_is_taken_back_to_nothing() {
    let mut drill = Drill::acting("bad-canary", 170);
    let sick = drill.success();
    drill.command("arm the canary fails");
    let began = drill.second();
    let listener = "arn:aws:elasticloadbalancing:ap-southeast-1:111122223333:listener/app/shop-ap-southeast-1/47b85ab2d7107bf2/bab549c925b28802/shop-canary";
    // The alarm of the region is the reason for it, and does not block it.
    insist(
        &mut drill,
        &format!("shift-weights {listener} percent=0"),
        &[],
    );
    let weight = |drill: &Drill| drill.truth(|world| world.forward_weight(2, "shop-canary")) == 0;
    let back = drill
        .first(began + 120, weight)
        .expect("within the 2 min of D.8");
    drill.advance(10);
    assert!(
        drill.success() > 0.999 && sick < 0.99,
        "{sick} {}",
        drill.success()
    );
    println!("canary back after {} s", back - began);
    let (phase, took) = drill.run_out(900);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    assert_eq!(drill.severity("ap-southeast-1"), Severity::Ok);
    let kpis = shown(&drill);
    clean(&kpis);
    assert!(kpis.rollback.is_some_and(|took| took <= 120.0), "{kpis:?}");
}

#[test]
fn a_bad_canary_behind_a_gateway_is_taken_back_and_what_argo_cd_owns_is_not_touched() {
    let mut drill = Drill::acting("bad-route-canary", 170);
    let sick = drill.success();
    drill.command("arm the canary fails");
    // The owner would put it back: the guard says so and stops it.
    drill.plan("shift-weights virtualservice/shop/cart@eu-west-1 percent=10");
    assert!(
        drill
            .obstacles()
            .iter()
            .any(|text| text.contains("G-OWNER")),
        "{:?}",
        drill.obstacles()
    );
    drill.press("esc");
    let began = drill.second();
    insist(
        &mut drill,
        "shift-weights httproute/shop/catalog/catalog-canary@eu-west-1 percent=0",
        &[],
    );
    let gone = |drill: &Drill| drill.truth(|world| world.route_canary(1)) <= 0.0;
    let back = drill
        .first(began + 120, gone)
        .expect("within the 2 min of D.8");
    drill.advance(10);
    assert!(
        drill.success() > 0.999 && sick < 0.99,
        "{sick} {}",
        drill.success()
    );
    println!("canary of the route back after {} s", back - began);
    let (phase, took) = drill.run_out(900);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    assert_eq!(drill.severity("eu-west-1"), Severity::Ok);
    let kpis = shown(&drill);
    assert!(kpis.rollback.is_some_and(|took| took <= 120.0), "{kpis:?}");
}

#[test]
fn a_rollout_is_promoted_by_a_step_and_aborted() {
    let mut drill = Drill::acting("bad-route-canary", 15);
    drill.command("arm the rollout goes on");
    let weight = |drill: &Drill| drill.truth(|world| world.senders[2].argo.now().weight());
    assert_eq!(weight(&drill), 20.0);
    insist(
        &mut drill,
        "steer-rollout rollout/shop/recommendations@ap-southeast-1 to=promote bake=0",
        &[],
    );
    let (phase, took) = drill.run_out(300);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    assert_eq!(weight(&drill), 50.0);
    insist(
        &mut drill,
        "steer-rollout rollout/shop/recommendations@ap-southeast-1 to=abort",
        &[],
    );
    let (phase, took) = drill.run_out(300);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    assert_eq!(weight(&drill), 0.0);
}

#[test]
fn every_plan_is_rehearsed_anew_for_what_was_said_may_be_mended_by_now() {
    let mut drill = Drill::acting("calm", 15);
    let rehearsed = |drill: &Drill| {
        let asked = drill.events.iter().filter(|event| {
            matches!(event, Event::Observed { query, .. } if query.wanted.rehearsal().is_some())
        });
        asked.count()
    };
    let pause = "pause-rollout checkout@eu-west-1";
    drill.plan(pause);
    assert_eq!(rehearsed(&drill), 0, "nobody armed it");
    drill.command("arm a release looks strange");
    drill.advance(5);
    assert_eq!(rehearsed(&drill), 1);
    drill.plan(pause);
    assert_eq!(rehearsed(&drill), 2);
}

#[test]
fn a_crashed_writer_needs_nothing_and_a_lost_source_needs_a_promotion() {
    let mut drill = Drill::acting("database-failure", 40);
    let back = drill.first(100, |drill| drill.success() > 0.999).unwrap();
    assert!(back - FAULT <= 60 && drill.sent.is_empty(), "{back}");
    drill.until(400);
    let lost = drill.success();
    drill.command("arm the source of the orders is lost");
    insist(&mut drill, "promote-replica orders-eu-west-1", &["G-LAG"]);
    let (phase, took) = drill.run_out(900);
    assert!(phase.starts_with("done"), "{phase}");
    assert!(
        (300..=620).contains(&took),
        "a promotion takes minutes: {took}"
    );
    assert!(
        drill.success() > 0.999 && lost < 0.99,
        "{lost} {}",
        drill.success()
    );
    println!(
        "writer back after {} s, orders {took} s after the confirmation",
        back - FAULT
    );
    let kpis = shown(&drill);
    clean(&kpis);
    assert!(kpis.rpo < 1.0, "{kpis:?}");
    // There is no way back, and nobody is offered one.
    assert_eq!(drill.state.conduct.ledger.undoable().count(), 0);
    drill.command("arm once more");
    drill.plan("promote-replica orders-eu-west-1");
    assert!(
        drill.state.conduct.draft.is_none(),
        "{:?}",
        drill.obstacles()
    );
}

#[test]
fn while_a_region_is_blind_nothing_is_decided_on_what_it_said() {
    let mut drill = Drill::acting("stale-telemetry", 420);
    drill.command("arm eu-west-1 looks strange");
    for (typed, by) in [
        ("drain-region us-east-1", "G-STALE"),
        ("drain-region ap-southeast-1", "G-STALE"),
        ("switchover shop-global to=eu-west-1", "G-LAG"),
    ] {
        drill.plan(typed);
        assert!(
            drill.blocked_by().contains(&by.to_owned()),
            "{typed}: {:?}",
            drill.obstacles()
        );
        drill.confirm();
        assert!(!drill.asks(), "{typed}");
        drill.press("esc");
    }
    assert!(drill.sent.is_empty());
    assert!(drill.success() > 0.999, "nothing had to be done");
    let kpis = shown(&drill);
    clean(&kpis);
    assert!(kpis.changes == 0 && kpis.score() > 99.9, "{kpis:?}");
}

#[test]
fn a_run_under_which_somebody_else_changes_things_stops_and_is_planned_again() {
    let mut drill = Drill::acting("concurrent-operator", 100);
    drill.command("arm less for eu-west-1");
    let wanted = "shift-weights api.shop.example. A/eu-west-1 percent=10";
    insist(&mut drill, wanted, &[]);
    // The colleague writes at 120 s.
    let (phase, _) = drill.run_out(300);
    assert!(phase.starts_with("halted at step 1: UNKNOWN"), "{phase}");
    assert_eq!(drill.sent.len(), 1, "nothing is sent again");
    drill.press("X s");
    drill.advance(2);
    assert!(drill.phase().starts_with("aborted"), "{}", drill.phase());
    // His last change was at 420 s; the watch after ours sees to it that the receivers are well.
    drill.until(450);
    let wanted = "shift-weights api.shop.example. A/eu-west-1 percent=20";
    insist(&mut drill, wanted, &[]);
    let (phase, _) = drill.run_out(900);
    assert!(phase.starts_with("done"), "{phase}");
    let weights = drill.truth(|world| world.routing.weights.clone());
    let all: f64 = weights.iter().copied().map(f64::from).sum();
    assert!(
        (f64::from(weights[1]) / all - 0.2).abs() < 0.01,
        "{weights:?}"
    );
    let kpis = shown(&drill);
    clean(&kpis);
    assert!(kpis.orphans == 0 && kpis.score() > 99.9, "{kpis:?}");
}

#[test]
fn while_route_53_is_throttled_a_region_is_drained_by_other_levers() {
    let mut drill = Drill::acting("throttled-route53", 90);
    drill.command("arm traffic must move");
    drill.plan("shift-weights api.shop.example. A/eu-west-1 percent=20");
    assert_eq!(drill.blocked_by(), ["G-CP"], "{:?}", drill.obstacles());
    drill.press("esc");
    drill.act("drain-region ap-southeast-1 now", &[]);
    assert!(
        drill.state.conduct.active().next().is_some(),
        "{:?}",
        drill.refusals()
    );
    let (phase, took) = drill.run_out(1_200);
    assert!(phase.starts_with("done"), "{phase}");
    println!("drained by data-plane levers in {took} s");
    let by_records = |sent: &super::drill::Sent| {
        matches!(
            sent.change,
            Change::Traffic(traffic::Change::Weights { .. })
        )
    };
    assert!(!drill.sent.iter().any(by_records), "{:?}", drill.sent);
    assert!(drill.truth(|world| world.loads[2].offered_rps < 0.05 * world.demand()));
    let kpis = shown(&drill);
    clean(&kpis);
    assert!(kpis.worst > 0.999 && kpis.score() > 99.9, "{kpis:?}");
}

#[test]
fn a_planned_drain_and_its_restore_leave_the_world_as_it_was() {
    let mut drill = Drill::acting("calm", 100);
    let before = drill.truth(set);
    drill.command("arm planned maintenance");
    insist(&mut drill, "scale-receivers ap-southeast-1", &[]);
    let (phase, _) = drill.run_out(900);
    assert!(phase.starts_with("done"), "{phase}");
    insist(&mut drill, "drain-region ap-southeast-1", &[]);
    let mut least = 1.0_f64;
    let (phase, drained) = drill.run_out(3_600);
    assert!(phase.starts_with("done"), "{phase}");
    least = least.min(drill.success());
    let rest = drill.truth(|world| world.loads[2].offered_rps / world.demand());
    assert!(rest < 0.01, "{rest}");
    let reminders = drill.state.conduct.reminders(drill.state.now);
    assert!(
        reminders
            .iter()
            .any(|reminder| reminder.text.starts_with("ap-southeast-1 is drained"))
    );
    drill.command("arm bring it back");
    drill.plan("restore-region ap-southeast-1");
    println!("restore blocked by {:?}", drill.obstacles());
    let blocked = drill.blocked_by();
    drill.press("esc");
    let names: Vec<&str> = blocked.iter().map(String::as_str).collect();
    insist(&mut drill, "restore-region ap-southeast-1", &names);
    let (phase, restored) = drill.run_out(7_200);
    assert!(phase.starts_with("done"), "{phase}");
    least = least.min(drill.success());
    assert!(
        restored > drained,
        "bringing back is slower: {restored} and {drained}"
    );
    let scaled = drill.state.conduct.ledger.runs[0].id.clone();
    drill.command("arm give the nodes back");
    insist(&mut drill, &format!("undo {scaled}"), &[]);
    let (phase, _) = drill.run_out(1_800);
    assert!(phase.starts_with("done"), "{phase}");
    println!("drained in {drained} s, restored in {restored} s, success never below {least:.4}");
    assert!(least > 0.999, "{least}");
    assert_eq!(drill.truth(set), before);
    let undone = drill
        .journal
        .iter()
        .any(|entry| matches!(&entry.what, What::Held { .. }));
    assert!(!undone, "nothing had to be held");
    assert_eq!(drill.state.conduct.reminders(drill.state.now), []);
}
