//! Releases on their way through the regions, played through the keyboard: the good one goes on, the others are stopped by a guard, and each may be taken back or held.

use pilothouse::resources::{
    Kind, Place, Source,
    releases::{Release, State},
};

use super::{
    acts::insist,
    drill::{Drill, region},
};

const CANARY: &str = "ap-southeast-1";
const NEXT: &str = "eu-west-1";

pub fn release<'a>(drill: &'a Drill, name: &str) -> &'a Release {
    let board = drill
        .state
        .fleet
        .releases
        .slice(Source::Deployments, &Place::Global);
    let mut rows = board.unwrap().rows.iter();
    rows.find(|row| row.name == name).unwrap()
}

pub fn state(drill: &Drill, name: &str, label: &str) -> State {
    let stage = release(drill, name).stage(&region(label));
    stage.unwrap().state.clone()
}

pub fn runs(drill: &Drill, name: &str, label: &str) -> String {
    let stage = release(drill, name).stage(&region(label));
    stage.unwrap().runs.clone()
}

/// The line of a service on the board, from the keyboard.
pub fn line(drill: &mut Drill, name: &str) -> String {
    drill.command("board");
    drill.advance(1);
    assert_eq!(drill.state.active(), Kind::Releases);
    let screen = drill.screen(120, 40);
    let found = screen.lines().find(|line| line.contains(name));
    found.unwrap_or_default().to_owned()
}

#[test]
fn a_release_that_goes_bad_late_in_its_soak_is_stopped_and_taken_back() {
    let mut drill = Drill::acting("late-release", 500);
    assert!(matches!(
        state(&drill, "payments", CANARY),
        State::Soaking { .. }
    ));
    let shown = line(&mut drill, "payments");
    assert!(
        shown.contains("v1.10.0 < v1.9.8") && shown.contains("~apse1 -euw1 -use1"),
        "{shown}"
    );
    drill.command("arm payments is to go on");
    // Too early, and everything well so far.
    drill.plan("advance payments");
    assert_eq!(drill.blocked_by(), ["G-SOAK"]);
    assert!(
        drill.obstacles()[0].contains("soaks, "),
        "{:?}",
        drill.obstacles()
    );
    drill.press("esc");
    drill.until(1_000);
    let State::Breached { why } = state(&drill, "payments", CANARY) else {
        panic!("{:?}", state(&drill, "payments", CANARY));
    };
    assert!(why.contains("failed at") || why.contains("alarm"), "{why}");
    assert!(line(&mut drill, "payments").contains("BREACHED"));
    // Also when its thirty minutes are over.
    drill.until(1_900);
    drill.command("arm payments fails");
    drill.plan("advance payments");
    assert_eq!(drill.blocked_by()[0], "G-SOAK", "{:?}", drill.obstacles());
    drill.confirm();
    assert!(!drill.asks() && drill.sent.is_empty());
    drill.press("esc");
    let began = drill.second();
    insist(&mut drill, "roll-back payments", &[]);
    let (phase, took) = drill.run_out(300);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    assert!(drill.second() - began < 120, "{took} s");
    assert_eq!(drill.sent.len(), 1, "the other regions never had it");
    drill.advance(15);
    assert_eq!(release(&drill, "payments").version, "v1.9.8");
}

#[test]
fn a_soak_that_nobody_measured_lets_nothing_through() {
    let mut drill = Drill::acting("blind-release", 2_000);
    let State::Unknown { why } = state(&drill, "payments", CANARY) else {
        panic!("{:?}", state(&drill, "payments", CANARY));
    };
    assert!(why.contains("measured"), "{why}");
    drill.command("arm payments has soaked");
    drill.plan("advance payments");
    let blocked = drill.blocked_by();
    assert!(blocked.contains(&"G-SOAK".to_owned()), "{blocked:?}");
    assert!(
        drill
            .obstacles()
            .iter()
            .any(|text| text.starts_with("G-SOAK") && text.contains("measured"))
    );
    drill.confirm();
    assert!(!drill.asks() && drill.sent.is_empty());
}

#[test]
fn a_release_that_has_soaked_goes_on_and_one_of_an_owner_is_left_to_it() {
    let mut drill = Drill::acting("owned-release", 1_950);
    assert_eq!(state(&drill, "payments", CANARY), State::Done);
    assert_eq!(state(&drill, "catalog", CANARY), State::Done);
    drill.command("arm payments goes on");
    drill.plan("advance catalog");
    assert_eq!(drill.blocked_by(), ["G-OWNER"], "{:?}", drill.obstacles());
    assert!(
        drill.obstacles()[0].contains("Argo CD"),
        "{:?}",
        drill.obstacles()
    );
    drill.press("esc");
    // Two regions ahead of its turn, by its own plan: the order is kept there too.
    insist(&mut drill, "advance payments", &[]);
    let (phase, took) = drill.run_out(900);
    assert!(phase.starts_with("done"), "{phase} after {took} s");
    assert_eq!(drill.sent.len(), 1);
    drill.advance(15);
    assert_eq!(runs(&drill, "payments", NEXT), "v1.10.0");
    assert!(matches!(
        state(&drill, "payments", NEXT),
        State::Soaking { .. }
    ));
    assert_eq!(state(&drill, "payments", "us-east-1"), State::NotYet);
    drill.command("arm payments waits");
    drill.plan("advance payments");
    assert_eq!(drill.blocked_by(), ["G-SOAK"], "{:?}", drill.obstacles());
    drill.press("esc");
    // Held, it says so, and there is no plan to take it further; the undo lets it go.
    insist(&mut drill, "hold-release payments", &[]);
    let (phase, _) = drill.run_out(120);
    assert!(phase.starts_with("done"), "{phase}");
    drill.advance(15);
    assert!(matches!(
        state(&drill, "payments", "us-east-1"),
        State::Held { .. }
    ));
    drill.command("advance payments");
    assert!(
        drill.refusal().contains("us-east-1 is held"),
        "{}",
        drill.refusal()
    );
}

#[test]
fn an_edit_that_its_owner_puts_back_is_seen_by_the_run_that_made_it() {
    let mut drill = Drill::acting("owned-release", 1_950);
    drill.command("arm catalog by hand");
    insist(&mut drill, "advance catalog", &["G-OWNER"]);
    let (phase, took) = drill.run_out(900);
    assert!(
        phase.starts_with("stepped back") || phase.contains("puts it back"),
        "{phase} after {took} s"
    );
    drill.advance(30);
    assert_eq!(runs(&drill, "catalog", NEXT), "v5.11.0");
}
