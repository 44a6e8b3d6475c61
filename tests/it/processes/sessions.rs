//! A console in a terminal that loses its session in the middle of a run: the change in flight is brought to its outcome, the run holds, and the next console shows it.

use std::time::{Duration, Instant};

use pilothouse::plan::{
    entry::{Outcome, What},
    ledger::RunRecord,
};
use rustix::process::{Pid, Signal, kill_process};

use super::{
    Story,
    hosts::{BINARY, Host, text},
};
use crate::{pty::Session, wire::route53::Mood};

pub const STORIES: &[Story] = &[
    ("hung up, the change comes to its outcome", || {
        outcome(|console| signal(console, Signal::HUP));
    }),
    ("asked to end, the change comes to its outcome", || {
        outcome(|console| signal(console, Signal::TERM));
    }),
    (
        "left by ctrl-c, the change is in doubt and the next console goes on",
        left,
    ),
];

const SHIFT: &[&str] = &[
    "shift-weights",
    "api.shop.example. A/eu-west-1",
    "--percent",
    "10",
    "--bake",
    "0s",
];
const SHIFTED: &str = "shift-weights api.shop.example. A/eu-west-1 percent=10 bake=0";

const DRAIN: &[&str] = &["drain-region", "eu-west-1", "--now"];
const DRAINED: &str = "drain-region eu-west-1 now";

fn signal(console: &mut Session, signal: Signal) {
    let id = console.child.process_id().unwrap();
    kill_process(Pid::from_raw(id.cast_signed()).unwrap(), signal).unwrap();
}

fn open(host: &Host) -> Session {
    let environment = host.environment();
    let pairs: Vec<(&str, &str)> = environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let config = host.file("pilothouse.toml");
    let mut console = Session::start(
        BINARY,
        &["--config", config.to_str().unwrap()],
        &pairs,
        (120, 40),
    );
    console.wait_for("eu-west-1");
    console
}

fn command(console: &mut Session, line: &str) {
    console.press(":");
    console.wait_for(":");
    console.press(line);
    console.press("\r");
}

/// Types everything that it takes to begin a run.
fn begin(console: &mut Session, host: &Host, typed: &str, phrase: &str) {
    // The record sets have been read.
    console.wait_for("api.shop.example");
    // So have the metrics: a plan is judged by them when it is confirmed.
    console.wait_for("BAD 3/3");
    command(console, "arm a test of the terminal");
    console.wait_for("ARMED");
    command(console, typed);
    console.wait_for("valid for");
    accept(console);
    confirm(console, phrase);
    assert!(
        host.zone.await_writes(1, Duration::from_secs(30)),
        "nothing was sent"
    );
}

fn confirm(console: &mut Session, phrase: &str) {
    console.press("c");
    console.wait_for("to go on:");
    console.press(phrase);
    console.wait_for("y: carry it out now");
    console.press("y");
}

/// Overrides what is not known of an estate this small; a guard that does not block stays as it is.
fn accept(console: &mut Session) {
    for guard in ["G-CAP", "G-WRITER", "G-HEALTH", "G-ALARM", "G-STALE"] {
        command(console, &format!("override {guard} known in this test"));
    }
}

fn phrase(host: &Host, asked: &[&str]) -> String {
    let planned = host.plan(asked).map_err(|output| text(&output)).unwrap();
    planned.1[1].clone()
}

fn interrupted(host: &Host) -> RunRecord {
    let ledger = host.ledger();
    let mut runs = ledger.interrupted(None);
    let run = runs.next().expect("a run is interrupted").clone();
    assert_eq!(runs.count(), 0);
    run
}

fn gone(console: &mut Session, at_most: Duration) {
    let end = Instant::now() + at_most;
    while console.child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < end, "still there after {at_most:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn outcome(lose: fn(&mut Session)) {
    let host = Host::new(&["api", "www"]);
    let phrase = phrase(&host, DRAIN);
    let mut console = open(&host);
    begin(&mut console, &host, DRAINED, &phrase);
    lose(&mut console);
    gone(&mut console, Duration::from_secs(36));
    let run = interrupted(&host);
    assert_eq!(run.doubt(), None);
    assert_eq!(run.sent[0].outcome, Some(Outcome::Verified));
    let held = |why: &str| why.contains("session was lost") || why.contains("asked to end");
    assert!(
        host.entries()
            .iter()
            .any(|entry| matches!(&entry.what, What::Held { why } if held(why)))
    );
    assert_eq!(host.zone.log().len(), 1);
    host.agree(0).unwrap();
    let mut next = open(&host);
    next.wait_for("has not ended");
    next.press("u");
    next.wait_for("no change is in doubt");
    next.press("\x03");
    assert_eq!(next.end(), 0);
}

fn left() {
    let host = Host::new(&["api"]);
    let phrase = phrase(&host, SHIFT);
    host.zone.meet([Mood::Lost]);
    let mut console = open(&host);
    begin(&mut console, &host, SHIFTED, &phrase);
    console.press("\x03");
    gone(&mut console, Duration::from_secs(5));
    let run = interrupted(&host);
    assert_eq!(run.doubt().map(|sent| sent.step), Some(0));
    let mut next = open(&host);
    next.wait_for("has not ended");
    next.wait_for("api.shop.example");
    next.press("u");
    next.wait_for("step 1 in doubt");
    next.wait_for("it did not take effect so far");
    command(&mut next, "arm going on");
    next.wait_for("ARMED");
    next.press("u");
    next.press("c");
    next.wait_for("valid for");
    accept(&mut next);
    confirm(&mut next, &phrase);
    next.wait_for("done and verified");
    next.press("\x03");
    assert_eq!(next.end(), 0);
    let ledger = host.ledger();
    assert_eq!(
        ledger.interrupted(None).count(),
        0,
        "the old run is settled by the new one"
    );
    assert_eq!(host.zone.log().len(), 2);
    assert_ne!(host.zone.sets(), host.untouched());
    host.agree(0).unwrap();
}
