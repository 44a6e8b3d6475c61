//! Releases that Argo Rollouts and Flagger carry, played through the keyboard: taken on step by step, taken back, held; and what a guard stops.

use pilothouse::resources::releases::State;

use super::{
    acts::insist,
    board::{line, release, runs, state},
    drill::Drill,
};

const FIRST: &str = "ap-southeast-1";
const NEXT: &str = "eu-west-1";

/// How far a rolling release is in a region.
fn how_far(drill: &Drill, name: &str, label: &str) -> String {
    match state(drill, name, label) {
        State::RollingOut { how_far } => how_far,
        other => panic!("{label}: {other:?}"),
    }
}

#[test]
fn a_rollout_is_taken_on_by_its_steps_and_back_where_it_was_ahead_of_its_turn() {
    const NAME: &str = "recommendations";
    let mut drill = Drill::acting("stepwise-release", 120);
    assert!(how_far(&drill, NAME, FIRST).starts_with("20 %, waits at step 2 of 4 (pause) since "));
    assert!(how_far(&drill, NAME, NEXT).contains("20 %"));
    let shown = line(&mut drill, NAME);
    assert!(
        shown.contains("v3.2.0 < v3.1.4") && shown.contains(">apse1 >euw1 -use1"),
        "{shown}"
    );
    drill.command("arm it is ahead of its turn");
    // The wrong way: on, where it should not be.
    drill.plan("steer-rollout rollout/shop/recommendations@eu-west-1 to=promote");
    let blocked = drill.blocked_by();
    assert!(blocked.contains(&"G-SOAK".to_owned()), "{blocked:?}");
    drill.confirm();
    assert!(!drill.asks() && drill.sent.is_empty());
    drill.press("esc");
    // The right one: back there, in less than two minutes.
    let began = drill.second();
    insist(&mut drill, "roll-back recommendations@eu-west-1", &[]);
    let (phase, took) = drill.run_out(300);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    assert!(drill.second() - began < 120, "{took} s");
    assert_eq!(drill.sent.len(), 2, "abort, then undo");
    drill.advance(15);
    assert_eq!(state(&drill, NAME, NEXT), State::NotYet);
    assert_eq!(runs(&drill, NAME, NEXT), "v3.1.4");
    // On in the first region, pause by pause.
    insist(&mut drill, "advance recommendations", &[]);
    let (phase, took) = drill.run_out(900);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    drill.advance(15);
    assert!(how_far(&drill, NAME, FIRST).starts_with("50 %, waits at step 4 of 4 (pause)"));
    drill.command("arm the last step");
    insist(&mut drill, "advance recommendations", &[]);
    let (phase, took) = drill.run_out(900);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    drill.advance(15);
    assert!(matches!(state(&drill, NAME, FIRST), State::Soaking { .. }));
    drill.command("arm it has soaked");
    drill.plan("advance recommendations");
    assert_eq!(drill.blocked_by(), ["G-SOAK"], "{:?}", drill.obstacles());
    drill.press("esc");
    drill.advance(1_900);
    assert_eq!(state(&drill, NAME, FIRST), State::Done);
    drill.command("arm it has soaked");
    insist(&mut drill, "advance recommendations", &[]);
    let (phase, took) = drill.run_out(900);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    drill.advance(15);
    assert!(how_far(&drill, NAME, NEXT).starts_with("20 %, waits at"));
    assert_eq!(state(&drill, NAME, "us-east-1"), State::NotYet);
}

#[test]
fn a_release_on_its_way_is_held_with_the_regions_that_do_not_have_it_and_let_go_by_undo() {
    const NAME: &str = "recommendations";
    let mut drill = Drill::acting("stepwise-release", 120);
    drill.command("arm something is wrong with it");
    insist(&mut drill, "hold-release recommendations", &[]);
    let (phase, took) = drill.run_out(300);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    assert_eq!(drill.sent.len(), 3);
    drill.advance(15);
    for label in [FIRST, NEXT, "us-east-1"] {
        assert!(
            matches!(state(&drill, NAME, label), State::Held { .. }),
            "{label}"
        );
    }
    drill.command("advance recommendations");
    let refusal = drill.refusal();
    assert!(
        refusal.contains("is held") && refusal.contains("to=resume"),
        "{refusal}"
    );
    drill.press("esc");
    // Above it, the marks of the run name the service as well.
    line(&mut drill, NAME);
    let screen = drill.screen(120, 40);
    assert!(screen.contains("HELD use1"), "{screen}");
}

#[test]
fn flagger_carries_one_service_that_soaks_before_the_next_region_and_is_held_there() {
    const NAME: &str = "search";
    let mut drill = Drill::acting("flagged-release", 300);
    let names = |drill: &Drill| -> Vec<String> {
        let found = drill.state.fleet.releases.rows();
        let found = found.map(|(_, _, row)| row.name.clone());
        found.filter(|name| name.starts_with(NAME)).collect()
    };
    assert_eq!(names(&drill), [NAME]);
    let State::Breached { why } = state(&drill, NAME, FIRST) else {
        panic!("{:?}", state(&drill, NAME, FIRST));
    };
    assert!(why.contains("analysis failed"), "{why}");
    drill.command("advance search");
    let refusal = drill.refusal();
    assert!(
        refusal.contains("v1.5.0 fails in ap-southeast-1"),
        "{refusal}"
    );
    drill.press("esc");
    drill.until(700);
    assert!(
        how_far(&drill, NAME, FIRST).ends_with('%'),
        "{}",
        how_far(&drill, NAME, FIRST)
    );
    drill.until(1_100);
    assert_eq!(release(&drill, NAME).version, "v1.5.1");
    assert!(matches!(state(&drill, NAME, FIRST), State::Soaking { .. }));
    // The wrong way: before it has soaked.
    drill.command("arm it looks well");
    drill.plan("advance search");
    assert_eq!(drill.blocked_by(), ["G-SOAK"], "{:?}", drill.obstacles());
    drill.confirm();
    assert!(!drill.asks() && drill.sent.is_empty());
    drill.press("esc");
    drill.until(2_900);
    assert_eq!(state(&drill, NAME, FIRST), State::Done);
    drill.command("arm it has soaked");
    insist(&mut drill, "advance search bake=0", &[]);
    let (phase, took) = drill.run_out(300);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    drill.advance(60);
    assert!(
        how_far(&drill, NAME, NEXT).ends_with('%'),
        "{}",
        how_far(&drill, NAME, NEXT)
    );
    insist(&mut drill, "hold-release search", &[]);
    let (phase, took) = drill.run_out(300);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    drill.advance(120);
    assert!(matches!(state(&drill, NAME, NEXT), State::Held { .. }));
    let weight = drill.truth(|world| world.senders[1].flagger.now().weight);
    drill.advance(120);
    assert_eq!(
        drill.truth(|world| world.senders[1].flagger.now().weight),
        weight
    );
}
