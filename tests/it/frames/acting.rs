//! The pages of plans and runs in the middle of a disaster, played on the simulator. Owns the scenes; the sizes are those of the other frames.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use pilothouse::{
    event::Event,
    resources::estate::Freeze,
    state::{State, update},
};

use super::{LARGE, MEDIUM, SMALL};
use crate::scenarios::drill::Drill;

/// Every frame, by name. The drill is played once.
pub fn frames() -> Vec<(&'static str, State)> {
    static FRAMES: OnceLock<Vec<(&'static str, State)>> = OnceLock::new();
    let played = || {
        let mut frames = region_down();
        frames.push(("run-stopped-80x24", stopped()));
        frames
    };
    FRAMES.get_or_init(played).clone()
}

/// What the console shows, at a size.
fn seen(drill: &Drill, size: (u16, u16)) -> State {
    let mut state = drill.state.clone();
    state.size = size;
    state.unsettled = true;
    state.settle();
    state
}

/// Overrides what blocks the plan, and confirms it.
fn carry_out(drill: &mut Drill, typed: &str) {
    drill.plan(typed);
    for guard in drill.blocked_by() {
        drill.command(&format!("override {guard} users are there already"));
    }
    drill.confirm();
    drill.advance(1);
}

fn region_down() -> Vec<(&'static str, State)> {
    let mut frames = Vec::new();
    let mut drill = Drill::acting("region-down", 60);
    drill.plan("drain-region us-east-1 now");
    for (name, size) in [
        ("plan-80x24", SMALL),
        ("plan-120x40", MEDIUM),
        ("plan-200x60", LARGE),
    ] {
        frames.push((name, seen(&drill, size)));
    }
    drill.command("override G-CAP users are there already");
    let phrase = drill.state.conduct.draft.clone().unwrap().plan.phrase;
    frames.push(("what-now-80x24", {
        let mut asked = seen(&drill, SMALL);
        let key = "N".parse().unwrap();
        update(&mut asked, Event::Key { key });
        asked
    }));
    drill.press("c");
    drill.write_keys("arm us-east-1");
    frames.push(("confirm-arm-80x24", seen(&drill, SMALL)));
    drill.write_keys(" is gone");
    drill.press("enter");
    drill.write_keys(&phrase[..4]);
    frames.push(("confirm-80x24", seen(&drill, SMALL)));
    frames.push(("confirm-120x40", seen(&drill, MEDIUM)));
    drill.write_keys(&phrase[4..]);
    drill.press("y");
    drill.advance(1);
    carry_out(&mut drill, "failover shop-global to=eu-west-1");
    carry_out(&mut drill, "scale-receivers us-east-1");
    drill.advance(20);
    drill.press("0");
    frames.push(("home-runs-80x24", seen(&drill, SMALL)));
    frames.push(("home-runs-120x40", seen(&drill, MEDIUM)));
    drill.press("u");
    frames.push(("runs-80x24", seen(&drill, SMALL)));
    frames.push(("runs-120x40", seen(&drill, MEDIUM)));
    drill.press("enter");
    frames.push(("run-80x24", seen(&drill, SMALL)));
    frames.push(("run-120x40", seen(&drill, MEDIUM)));
    drill.press("X");
    frames.push(("stop-80x24", seen(&drill, SMALL)));
    frames.push(("stop-120x40", seen(&drill, MEDIUM)));
    drill.press("esc J");
    frames.push(("journal-80x24", seen(&drill, SMALL)));
    frames.push(("journal-120x40", seen(&drill, MEDIUM)));
    drill.advance(600);
    drill.press("u");
    frames.push(("runs-later-80x24", seen(&drill, SMALL)));
    frames
}

/// A paced drain under which a freeze begins.
fn stopped() -> State {
    let mut drill = Drill::acting("calm", 100);
    drill.command("arm maintenance");
    carry_out(&mut drill, "drain-region ap-southeast-1");
    let now = drill.state.now;
    let estate = Arc::make_mut(&mut drill.state.fleet.estate);
    estate.freezes.push(Freeze {
        from: now,
        until: now + Duration::from_secs(7_200),
        reason: "incident elsewhere".to_owned(),
    });
    drill.run_out(1_200);
    seen(&drill, SMALL)
}
