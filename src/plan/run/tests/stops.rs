//! What stops a run before its next change, and who may let it go on.

use super::*;

#[test]
fn disarming_stops_a_run_before_its_next_change() {
    let mut stage = Stage::new(vec![scale("a", 2, 4), scale("b", 2, 4)]);
    stage.serve(is_apply).unwrap();
    stage.armed = None;
    stage.effect(&Change::clone(&stage.sent[0].0.clone()));
    stage.tell(Happening::Applied(0, Ok(Receipt::default())));
    stage.play(30);
    assert_eq!(stage.sent.len(), 1);
    assert!(stage.why().contains(":arm"));
    stage.armed = Armed::new("again", stage.fleet.now);
    stage.tell(Happening::Told(Told::Resume));
    stage.play(30);
    assert_eq!((stage.sent.len(), stage.ending()), (2, Some(Ending::Done)));
}

#[test]
fn a_run_outlasts_the_window_in_which_it_was_confirmed() {
    let wait = Wait::Nodes {
        region: label(),
        cluster: "shop".into(),
        node_group: "b".into(),
        nodes: 5,
    };
    let waiting = Step {
        work: Work::Wait(wait),
        deadline_seconds: 3_000,
        ..scale("b", 0, 0)
    };
    let mut stage = Stage::new(vec![waiting, scale("a", 2, 4)]);
    stage.serve(|_| false);
    stage.pass(1_500);
    assert_eq!(stage.armed.as_ref().unwrap().left(stage.fleet.now), None);
    stage.world[1] = 5;
    let poll = Query {
        source: Source::Clusters,
        place: Place::Region(label()),
        wanted: Wanted::Nothing,
        read: 0,
    };
    stage.observe(&poll);
    stage.play(30);
    assert_eq!(stage.ending(), Some(Ending::Done));
}

fn frozen(step: Step) -> Step {
    Step {
        guards: vec![GuardId::Freeze, GuardId::Last],
        ..step
    }
}

/// A run that a change freeze stopped before its only change.
fn stopped() -> Stage {
    let mut stage = Stage::new(vec![frozen(scale("a", 2, 4))]);
    let mut estate = (*stage.fleet.estate).clone();
    estate.freezes = vec![Freeze {
        from: at(0),
        until: at(3_600),
        reason: "year end".into(),
    }];
    stage.fleet.estate = Arc::new(estate);
    stage.play(10);
    assert!(matches!(stage.run.phase, Phase::Halted { .. }) && stage.run.blocked);
    let blocking: Vec<GuardId> = stage.run.blocking().map(|guard| guard.id).collect();
    assert_eq!(blocking, [GuardId::Freeze]);
    stage
}

#[test]
fn a_guard_that_stopped_a_run_is_overridden_by_name_and_with_a_reason() {
    let mut stage = stopped();
    for (guard, reason) in [(GuardId::Freeze, " "), (GuardId::Last, "please")] {
        stage.tell(Happening::Overridden(guard, reason.to_owned()));
    }
    stage.tell(Happening::Told(Told::Resume));
    stage.play(10);
    assert!(
        stage.run.blocked && stage.sent.is_empty(),
        "{:?}",
        stage.run.phase
    );
    stage.tell(Happening::Overridden(GuardId::Freeze, "agreed".to_owned()));
    stage.play(10);
    assert!(stage.sent.is_empty(), "an override alone sends nothing");
    stage.tell(Happening::Told(Told::Resume));
    stage.play(30);
    assert_eq!(stage.ending(), Some(Ending::Done));
    let told = stage.ledger.entries.iter().filter(|entry| {
        matches!(&entry.what, What::Overridden { guard: GuardId::Freeze, reason } if reason == "agreed")
    });
    assert_eq!(told.count(), 1);
}

#[test]
fn a_guard_that_passes_again_is_seen_by_who_looks() {
    let mut stage = stopped();
    stage.fleet.now = at(3_600);
    assert_eq!(stage.run.blocking().count(), 1);
    stage.tell(Happening::LookedAt);
    assert_eq!(stage.run.blocking().count(), 0);
    assert!(
        stage.run.blocked && stage.sent.is_empty(),
        "nobody let it go on"
    );
}
