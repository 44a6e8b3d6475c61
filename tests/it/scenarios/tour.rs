//! The tour, taken as its strip says, at 80×24: it advances when things were done, and only then.

use pilothouse::state::tour::Stop;

use super::drill::Drill;

fn toured() -> Drill {
    let mut drill = Drill::joining("tour", 65).opened();
    drill.command("tour on");
    drill
}

fn stop(drill: &Drill) -> Stop {
    drill.state.tour.as_ref().expect("the tour is on").stop
}

/// Follows the strip through a plan: what is in the way is overridden by name or waited for, as it says.
fn confirm(drill: &mut Drill) {
    for _ in 0..40 {
        let guards = drill.blocked_by();
        match guards.first() {
            None => break,
            Some(guard) if guard.starts_with("G-") => {
                drill.command(&format!("override {guard} tour"));
            }
            Some(_) => drill.press("r"),
        }
        drill.advance(2);
    }
    assert_eq!(drill.obstacles(), [""; 0]);
    drill.confirm();
    drill.advance(1);
}

/// Waits no longer wherever that can be said, until the run is over.
fn hurry(drill: &mut Drill, last: Stop) {
    let end = drill.second() + 3_600;
    while stop(drill) == last && drill.second() < end {
        if drill.phase().contains("Waiting") {
            drill.press("n");
        }
        drill.advance(1);
    }
}

#[test]
fn a_newcomer_who_follows_the_strip_drains_the_sick_region_and_brings_it_back() {
    let mut drill = toured();
    assert_eq!(stop(&drill), Stop::Calm);
    let screen = drill.screen(80, 24);
    assert!(
        screen.contains("TOUR 1/11") && screen.contains("t leaves"),
        "{screen}"
    );
    let seen = drill.first(190, |drill| stop(drill) > Stop::Calm);
    assert!(seen.is_some(), "{:?}", drill.reason("ap-southeast-1"));
    // The worst stands first; where nothing was selected before, its row is.
    drill.press("1 g");
    assert_eq!(stop(&drill), Stop::Why);
    drill.press("w");
    assert_eq!(stop(&drill), Stop::Arm);
    drill.press("esc");
    drill.command("arm tour");
    assert_eq!(stop(&drill), Stop::Plan);
    let screen = drill.screen(80, 24);
    assert!(
        screen.contains(":drain-region ap-southeast-1 now"),
        "{screen}"
    );
    drill.plan("drain-region ap-southeast-1 now");
    assert_eq!(stop(&drill), Stop::Confirm, "{}", drill.refusal());
    assert_eq!(
        drill.blocked_by(),
        [""; 0],
        "nothing is to be overridden here"
    );
    confirm(&mut drill);
    assert_eq!(stop(&drill), Stop::Watch, "{}", drill.notice());
    hurry(&mut drill, Stop::Watch);
    assert_eq!(stop(&drill), Stop::Undo, "{}", drill.phase());
    // By then the deployment is mended.
    drill.until(600);
    drill.press("u enter");
    drill.advance(5);
    assert_eq!(stop(&drill), Stop::ConfirmUndo, "{}", drill.refusal());
    if drill.state.conduct.armed_left(drill.state.now).is_none() {
        drill.command("arm tour");
    }
    confirm(&mut drill);
    assert_eq!(stop(&drill), Stop::WatchUndo, "{}", drill.notice());
    hurry(&mut drill, Stop::WatchUndo);
    assert_eq!(stop(&drill), Stop::End, "{}", drill.phase());
    drill.press("t");
    assert_eq!(drill.state.tour, None);
    assert!(!drill.screen(80, 24).contains("TOUR"));
}

#[test]
fn the_tour_never_acts_by_itself() {
    let mut drill = toured();
    drill.until(600);
    assert_eq!(stop(&drill), Stop::Why);
    assert!(drill.journal.is_empty() && drill.sent.is_empty());
}

#[test]
fn whoever_looks_elsewhere_is_told_once_what_needs_them() {
    let mut drill = Drill::acting("tour", 420);
    let told: Vec<&str> = drill.alerts.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("ap-southeast-1 is BAD: "), "{told:?}");
    drill.command("arm tour");
    drill.act("drain-region ap-southeast-1 now", &[]);
    for _ in 0..300 {
        if drill.phase().contains("Waiting") {
            drill.press("n");
        }
        drill.advance(1);
    }
    let phase = drill.phase();
    let of_run = |(_, text): &&(i64, String)| text.starts_with("Drain ap-southeast-1 now: ");
    let told: Vec<_> = drill.alerts.iter().filter(of_run).collect();
    assert_eq!(told.len(), 1, "{phase}: {:?}", drill.alerts);
}

#[test]
fn what_is_bad_when_the_console_starts_is_no_news() {
    let mut drill = Drill::joining("tour", 200);
    drill.advance(60);
    assert_eq!(drill.alerts, [], "{}", drill.reason("ap-southeast-1"));
}
