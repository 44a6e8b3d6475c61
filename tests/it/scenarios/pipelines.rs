//! A pipeline that is about to take a bad version to the next region, played through the keyboard: seen, kept out, taken back; and what a guard says while it deploys.

use pilothouse::resources::{
    Place, Severity, Source,
    pipelines::{self, Pipeline, State},
    releases,
};

use super::drill::{Drill, region};

const HOME: &str = "us-east-1";
const CANARY: &str = "ap-southeast-1";
const NEXT: &str = "eu-west-1";
const HELD: &str = "payments/Deploy-eu-west-1";

fn payments(drill: &Drill) -> &Pipeline {
    pipelines::find(&drill.state.fleet, &region(HOME), "payments").unwrap()
}

/// The version of payments in a region, as the board has it.
fn runs(drill: &Drill, label: &str) -> (String, releases::State) {
    let board = drill
        .state
        .fleet
        .releases
        .slice(Source::Deployments, &Place::Global);
    let mut rows = board.unwrap().rows.iter();
    let row = rows.find(|row| row.name == "payments").unwrap();
    let stage = row.stage(&region(label)).unwrap();
    (stage.runs.clone(), stage.state.clone())
}

/// Plans, confirms, and lets it go on to its end: how many seconds that took.
fn carried_out(drill: &mut Drill, typed: &str, blocked: &[&str]) -> i64 {
    drill.plan(typed);
    assert_eq!(
        drill.blocked_by(),
        blocked,
        "{typed}: {:?}",
        drill.obstacles()
    );
    for guard in blocked {
        drill.command(&format!(
            "override {guard} known, and accepted in this drill"
        ));
    }
    drill.confirm();
    drill.advance(1);
    let mut took = 1;
    // A hold is over within the second.
    if drill.state.conduct.active().next().is_some() {
        let (phase, more) = drill.run_out(600);
        assert!(phase.starts_with("done"), "{typed}: {phase} after {more} s");
        took += more;
    }
    drill.advance(35);
    took
}

#[test]
fn a_bad_version_is_kept_out_of_the_next_region_and_taken_back_where_it_is() {
    let mut drill = Drill::acting("pipeline-release", 185);
    // While it deploys in the canary region, nobody moves traffic there.
    assert_eq!(payments(&drill).front().state, State::Runs);
    drill.command("arm payments goes wrong");
    drill.plan("drain-region eu-west-1");
    let blocked = drill.blocked_by();
    assert!(blocked.contains(&"G-LOCK".to_owned()), "{blocked:?}");
    let told = drill.obstacles().join("\n");
    assert!(
        told.contains("pipeline payments (us-east-1) deploys here: Deploy-ap-southeast-1"),
        "{told}"
    );
    drill.press("esc");
    drill.until(1_000);
    assert_eq!(runs(&drill, CANARY).0, "v1.10.0");
    assert!(
        matches!(runs(&drill, CANARY).1, releases::State::Breached { .. }),
        "{:?}",
        runs(&drill, CANARY)
    );
    drill.command("pipelines");
    drill.advance(1);
    let screen = drill.screen(80, 24);
    let line = screen.lines().find(|line| line.contains("payments"));
    let line = line.unwrap_or_default();
    assert!(
        line.contains("Bake-ap-southeast-1") && line.contains("runs"),
        "{screen}"
    );
    drill.command("arm payments fails");
    let took = carried_out(&mut drill, "hold-pipeline payments/Deploy-eu-west-1", &[]);
    assert!(took < 30, "{took} s");
    let judged = payments(&drill).stage("Deploy-eu-west-1").unwrap();
    let reason = judged.transition.reason.clone().unwrap_or_default();
    assert!(
        reason.starts_with("pilothouse plan ") && reason.contains(" by on-call.drill until "),
        "{reason}"
    );
    let home = drill.state.conduct.reminders(drill.state.now);
    assert!(
        home.iter()
            .any(|left| left.text.contains("held stage payments/Deploy-eu-west-1")),
        "{home:?}"
    );
    // The pipeline would have gone on by now.
    drill.until(1_300);
    let stage = payments(&drill).stage("Deploy-eu-west-1").unwrap();
    assert_eq!(stage.inbound.len(), 1, "{stage:?}");
    assert_eq!(runs(&drill, NEXT).0, "v1.9.8");
    let took = carried_out(
        &mut drill,
        "roll-back-stage payments/Deploy-ap-southeast-1",
        &[],
    );
    assert!(took < 120, "{took} s");
    assert_eq!(runs(&drill, CANARY).0, "v1.9.8");
    let canary = payments(&drill).stage("Deploy-ap-southeast-1").unwrap();
    assert!(canary.latest.as_ref().unwrap().is_rollback(), "{canary:?}");
    assert_eq!(drill.sent.len(), 2);
    // What waits is what was taken back: it stays out.
    drill.plan(&format!("release-pipeline {HELD}"));
    assert_eq!(drill.blocked_by(), ["G-SOAK"], "{:?}", drill.obstacles());
    drill.confirm();
    assert!(!drill.asks() && drill.sent.len() == 2);
}

#[test]
fn left_alone_it_reaches_the_next_region_and_a_guard_stops_whoever_acts_there_meanwhile() {
    let mut drill = Drill::acting("pipeline-release", 1_100);
    drill.command("arm payments fails");
    // On its way it is told, and nothing more.
    drill.plan("drain-region ap-southeast-1");
    assert!(!drill.blocked_by().contains(&"G-LOCK".to_owned()));
    drill.press("esc");
    drill.until(1_145);
    assert!(
        payments(&drill)
            .stage("Deploy-eu-west-1")
            .unwrap()
            .in_progress()
    );
    drill.plan("drain-region ap-southeast-1");
    let blocked = drill.blocked_by();
    assert!(blocked.contains(&"G-LOCK".to_owned()), "{blocked:?}");
    drill.press("esc");
    drill.command("drain-region ap-southeast-1 now");
    assert!(
        !drill.blocked_by().contains(&"G-LOCK".to_owned()),
        "an emergency is told and goes on"
    );
    drill.press("esc");
    // Too late to keep it out: it goes on in the region, and only the stage that ran before can be taken back.
    drill.command("roll-back-stage payments/Deploy-eu-west-1");
    assert!(
        drill.refusal().contains("takes back no stage that runs"),
        "{}",
        drill.refusal()
    );
}

#[test]
fn a_hold_is_undone_and_lets_the_execution_in() {
    let mut drill = Drill::acting("pipeline-release", 185);
    drill.command("arm wait for the other team");
    carried_out(&mut drill, &format!("hold-pipeline {HELD}"), &[]);
    assert_eq!(drill.state.conduct.ledger.leftovers().len(), 1);
    let row = payments(&drill);
    let judgement = pilothouse::resources::Resource::judge(
        row,
        &drill.state.fleet,
        &Place::Region(region(HOME)),
    );
    assert_eq!(judgement.severity, Severity::Warn, "{}", judgement.reason);
    carried_out(&mut drill, &format!("release-pipeline {HELD}"), &["G-SOAK"]);
    assert!(!payments(&drill).stage("Deploy-eu-west-1").unwrap().held());
    assert_eq!(drill.state.conduct.ledger.leftovers(), []);
}
