//! What a drill is worth as numbers (domain D.8): by the truth of the world, the journal and the alerts of the console. And the drills whose worth lies in what was not done.

use pilothouse::sim::{score::Kpis, world::Transition};

use super::{
    acts::{hurry, insist},
    drill::Drill,
};

/// The numbers, shown where a test fails.
pub fn shown(drill: &Drill) -> Kpis {
    let kpis = drill.kpis();
    println!("{}", kpis.lines().join("\n"));
    kpis
}

/// Nothing was done that could not be undone without need, and everything is in the journal.
pub fn clean(kpis: &Kpis) {
    let faults = (kpis.needless, kpis.wrong_overrides, kpis.unaudited);
    assert_eq!(faults, (0, 0, 0), "{kpis:#?}");
}

#[test]
fn conflicting_writes_are_homed_in_one_region_and_end() {
    let mut drill = Drill::acting("replication-conflict", 60);
    let lag = |drill: &Drill| drill.truth(|world| world.databases.table_lag_ms[0][1]);
    drill.command("arm the application counts conflicts of us-east-1 and eu-west-1");
    insist(&mut drill, "scale-receivers eu-west-1", &[]);
    let (scaled, _) = drill.run_out(300);
    assert!(scaled.starts_with("done"), "{scaled}");
    assert!(lag(&drill) > 5_000.0, "{}", lag(&drill));
    drill.plan("drain-region eu-west-1 now");
    let blocked = drill.blocked_by();
    drill.press("esc");
    let names: Vec<&str> = blocked.iter().map(String::as_str).collect();
    insist(&mut drill, "drain-region eu-west-1 now", &names);
    let _ = hurry(&mut drill, 60);
    // The fault itself lasts until 625 s.
    let over = drill.first(600, |drill| lag(drill) < 1_000.0);
    assert!(over.is_some(), "{}", lag(&drill));
    let kpis = shown(&drill);
    clean(&kpis);
    assert_eq!(kpis.rpo, 0.0, "nothing was promoted");
    seen_in_time(&kpis);
}

#[test]
fn credentials_that_expire_hold_the_run_and_with_new_ones_it_goes_on() {
    let mut drill = Drill::acting("expired-credentials", 60);
    drill.command("arm planned maintenance");
    insist(&mut drill, "drain-region ap-southeast-1 now", &[]);
    // They expire at 130 s, while the accelerator deploys, and what became of the dial cannot be read.
    let (phase, _) = drill.run_out(400);
    assert!(phase.contains("ExpiredToken"), "{phase}");
    let sent = drill.sent.len();
    let shown_to_operator = drill.screen(80, 24);
    assert!(shown_to_operator.contains("UNKNOWN"), "{shown_to_operator}");
    drill.press("space");
    drill.advance(60);
    assert!(!drill.phase().starts_with("done"), "{}", drill.phase());
    assert_eq!(drill.sent.len(), sent, "nothing is sent without a read");
    // Somebody logs in again at 370 s.
    drill.until(430);
    drill.press("space");
    let (phase, _) = drill.run_out(900);
    assert!(phase.starts_with("done"), "{phase}");
    let mut changes: Vec<String> = drill
        .sent
        .iter()
        .map(|sent| format!("{:?}", sent.change))
        .collect();
    changes.sort();
    let all = changes.len();
    changes.dedup();
    assert_eq!(changes.len(), all, "nothing was sent twice");
    assert!(drill.truth(|world| world.routing.dials[2].now() == &0.0));
    clean(&shown(&drill));
}

/// When the fault was seen, in time.
fn seen_in_time(kpis: &Kpis) {
    let in_time = |(seen, most): (Option<f64>, f64)| seen.is_some_and(|seen| seen <= most);
    assert!(kpis.detection.is_some_and(in_time), "{kpis:?}");
}

#[test]
fn in_a_partition_users_are_steered_to_the_writer_and_nothing_is_promoted() {
    let mut drill = Drill::acting("partition", 5);
    let alert = drill.first(150, |drill| !drill.contradictions().is_empty());
    assert!(alert.is_some(), "{:?}", drill.contradictions());
    drill.command("arm writes of eu-west-1 fail");
    for (wrong, by) in [
        ("switchover shop-global to=eu-west-1", "G-LAG"),
        ("failover shop-global to=eu-west-1", "G-SPLIT"),
    ] {
        drill.plan(wrong);
        let blocked = drill.blocked_by();
        assert!(blocked.contains(&by.to_owned()), "{wrong}: {blocked:?}");
        drill.press("esc");
    }
    // The other side of the partition takes its users, and needs the room for them first.
    insist(&mut drill, "scale-receivers eu-west-1", &[]);
    let (scaled, _) = drill.run_out(300);
    assert!(scaled.starts_with("done"), "{scaled}");
    insist(&mut drill, "drain-region eu-west-1 now", &[]);
    let drained = hurry(&mut drill, 300);
    assert!(drained.starts_with("done"), "{drained}");
    // The path is back at 625 s only: until then whoever still has the old address fails to write.
    drill.until(620);
    assert!(drill.success() > 0.9985, "{}", drill.success());
    drill.until(720);
    let kpis = shown(&drill);
    clean(&kpis);
    seen_in_time(&kpis);
    assert!(kpis.rpo == 0.0 && kpis.overrides == 0, "{kpis:?}");
    assert!(kpis.worst < 0.98, "it hurt before: {kpis:?}");
}

#[test]
fn while_everything_is_out_nothing_is_changed_and_the_score_shows_it() {
    let mut drill = Drill::acting("complete-outage", 5);
    drill.until(720);
    let kpis = shown(&drill);
    clean(&kpis);
    seen_in_time(&kpis);
    assert_eq!(
        (kpis.changes, kpis.orphans, kpis.rpo),
        (0, 0, 0.0),
        "{kpis:?}"
    );
    // The roll-back of the change that broke it is not this console's: it came after ten minutes, and users are well at once.
    let rto = kpis.rto.flatten();
    assert!(
        rto.is_some_and(|took| (600.0..=630.0).contains(&took)),
        "{kpis:?}"
    );
}

#[test]
fn a_needless_failover_that_nobody_wrote_down_costs_what_it_should() {
    let mut drill = Drill::acting("calm", 60);
    let is = |score: f64, expected: f64| (score - expected).abs() < 1e-9;
    assert!(is(drill.kpis().score(), 100.0), "{:?}", drill.kpis());
    drill
        .world()
        .change(&Transition::FailOver { to: 1 })
        .unwrap();
    drill.advance(10);
    let kpis = shown(&drill);
    assert!(kpis.needless == 1 && is(kpis.score(), 90.0), "{kpis:?}");
    assert!(kpis.rpo > 0.0 && kpis.rpo < 1.0, "{kpis:?}");
    assert!(kpis.worst < 0.96, "writes fail meanwhile: {kpis:?}");
}
