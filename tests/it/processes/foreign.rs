//! Another client writes in between, and answers get lost: every change is compare-and-set, sent once, and believed only when a read shows it.

use super::{
    Story,
    hosts::{Host, applied, code, text},
};
use crate::wire::route53::{Fate, Mood};

pub const STORIES: &[Story] = &[
    (
        "a weight that somebody changed since the plan is refused",
        changed_since_the_plan,
    ),
    (
        "somebody who is faster by a moment is not overwritten",
        || {
            outrun(Mood::Outrun, "77", "1");
        },
    ),
    (
        "a field that nobody looks at is not overwritten either",
        || {
            outrun(Mood::Edited, "31", "77");
        },
    ),
    ("an answer that never comes is found by a read", || {
        found_by_a_read(Mood::Mute);
    }),
    ("an error after the effect is found by a read", || {
        found_by_a_read(Mood::Broken);
    }),
    ("half an answer is found by a read", || {
        found_by_a_read(Mood::Half);
    }),
    ("what is throttled or busy is sent again", throttled),
    (
        "weights go there and back, and nothing else does",
        there_and_back,
    ),
    ("a change that comes late is found by a read", late),
];

/// They wait until a change should have been seen: three minutes.
pub const SLOW: &[Story] = &[
    ("what never arrived is unknown", || {
        nothing_happens(Mood::Lost, 7);
    }),
    ("what was only said to be done is not taken", || {
        nothing_happens(Mood::Lie, 6);
    }),
    (
        "what arrives after everything is over is found at the next start",
        after_the_end,
    ),
];

const EU: &str = "api.shop.example. A/eu-west-1";
const NAME: &str = "api.shop.example.";
const SHIFT: &[&str] = &["shift-weights", EU, "--percent", "10", "--bake", "0s"];

fn changed_since_the_plan() {
    let host = Host::new(&["api"]);
    let planned = host.plan(SHIFT).map_err(|output| text(&output)).unwrap();
    host.zone.meddle(|sets| {
        for set in sets {
            "40".clone_into(&mut set.weight);
        }
    });
    let output = applied(host.start(&planned));
    assert_eq!(code(&output), Some(5), "{}", text(&output));
    assert!(text(&output).contains("40"), "{}", text(&output));
    assert_eq!(host.zone.log(), []);
    assert_eq!(host.zone.weight(NAME, "eu-west-1"), "40");
    host.agree(0).unwrap();
}

fn outrun(mood: Mood, weight: &str, ttl: &str) {
    let host = Host::new(&["api"]);
    host.zone.meet([mood]);
    let output = applied(host.act(SHIFT));
    assert_eq!(code(&output), Some(1), "{}", text(&output));
    let [batch] = &host.zone.log()[..] else {
        panic!("{:?}", host.zone.log())
    };
    assert!(
        matches!(&batch.fate, Fate::Refused(why) if why.contains("do not match")),
        "{batch:?}"
    );
    let first = &batch.creates[0];
    let sets = host.zone.sets();
    let theirs = sets.iter().find(|set| set.id == first.id).unwrap();
    let expected = if weight == "77" {
        "77"
    } else {
        batch.deletes[0].weight.as_str()
    };
    assert_eq!(
        (theirs.weight.as_str(), theirs.ttl.as_str()),
        (expected, ttl)
    );
    let others = |set: &&crate::wire::route53::Set| set.id != first.id;
    let before = host.untouched();
    assert!(
        sets.iter().filter(others).eq(before.iter().filter(others)),
        "{sets:?}"
    );
    // Nothing is in doubt: the API said no.
    assert_eq!(
        host.ledger().interrupted(None).next().unwrap().doubt(),
        None
    );
    host.agree(0).unwrap();
}

fn found_by_a_read(mood: Mood) {
    let host = Host::new(&["api"]);
    host.zone.meet([mood]);
    let output = applied(host.act(SHIFT));
    assert_eq!(code(&output), Some(0), "{}", text(&output));
    assert!(
        text(&output).contains("no answer; reading what became of it"),
        "{}",
        text(&output)
    );
    assert!(
        text(&output).contains("VERIFIED: a read shows it"),
        "{}",
        text(&output)
    );
    assert_eq!(
        host.zone.log().len(),
        1,
        "a change whose answer was lost is not sent again"
    );
    host.agree(0).unwrap();
}

fn throttled() {
    let host = Host::new(&["api"]);
    host.zone.meet([Mood::Throttled, Mood::Busy]);
    let output = applied(host.act(SHIFT));
    assert_eq!(code(&output), Some(0), "{}", text(&output));
    let fates: Vec<Fate> = host
        .zone
        .log()
        .into_iter()
        .map(|batch| batch.fate)
        .collect();
    assert_eq!(fates.len(), 3, "{fates:?}");
    assert_eq!(fates[2], Fate::Taken);
    host.agree(0).unwrap();
}

fn there_and_back() {
    let host = Host::new(&["api", "www"]);
    let output = applied(host.act(SHIFT));
    assert_eq!(code(&output), Some(0), "{}", text(&output));
    let shifted = host.zone.sets();
    assert_ne!(shifted, host.untouched());
    let run = host.ledger().runs[0].id.clone();
    let output = applied(host.act(&["undo", &run, "--now", "--bake", "0s"]));
    assert_eq!(code(&output), Some(0), "{}", text(&output));
    assert_eq!(host.zone.sets(), host.untouched(), "TTLs and values too");
    let log = host.zone.log();
    assert_eq!(log.len(), 2);
    assert_eq!(log[0].deletes, log[1].creates);
    assert_eq!(log[0].creates, log[1].deletes);
    // What is undone is not undone twice.
    let again = host.plan(&["undo", &run]).unwrap_err();
    assert_eq!(code(&again), Some(5), "{}", text(&again));
    assert_eq!(
        host.zone.throttled(),
        0,
        "five calls a second are for everybody"
    );
    host.agree(0).unwrap();
}

fn late() {
    let host = Host::new(&["api"]);
    host.zone.meet([Mood::Late]);
    let child = host.act(SHIFT);
    assert!(
        host.zone
            .await_writes(1, std::time::Duration::from_secs(30))
    );
    // The console gives the answer up after ten seconds and begins to read.
    std::thread::sleep(std::time::Duration::from_secs(12));
    assert_eq!(host.zone.sets(), host.untouched());
    host.zone.arrive();
    let output = applied(child);
    assert_eq!(code(&output), Some(0), "{}", text(&output));
    assert_eq!(host.zone.log().len(), 1);
    host.agree(0).unwrap();
}

fn nothing_happens(mood: Mood, expected: i32) {
    let host = Host::new(&["api"]);
    host.zone.meet([mood]);
    let output = applied(host.act(SHIFT));
    assert_eq!(code(&output), Some(expected), "{}", text(&output));
    assert_eq!(host.zone.log().len(), 1);
    assert_eq!(host.zone.sets(), host.untouched());
    host.agree(0).unwrap();
}

fn after_the_end() {
    let host = Host::new(&["api"]);
    host.zone.meet([Mood::Late]);
    let output = applied(host.act(SHIFT));
    assert_eq!(code(&output), Some(7), "{}", text(&output));
    host.zone.arrive();
    let run = host.ledger().interrupted(None).next().unwrap().id.clone();
    // It stands now, and the undo of the run finds it.
    let output = applied(host.act(&["undo", &run, "--now", "--bake", "0s"]));
    assert_eq!(code(&output), Some(0), "{}", text(&output));
    assert_eq!(host.zone.sets(), host.untouched());
    host.agree(0).unwrap();
}
