//! I6 and I8: what is old enables nothing, and a console that may not write writes nothing, whatever is typed.

use jiff::{SignedDuration, Timestamp};
use pilothouse::{
    actions::ACTIONS,
    config::key::{Key, KeyCode},
    event::Event,
    plan::{GuardId, Intent, Verdict, guard::Power},
    state::conduct,
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner},
};

use super::{
    cases::{KEYS, WORLDS, env, seen},
    console::Console,
};

/// What somebody may type into the palette.
const LINES: &[&str] = &[
    "arm because",
    "drain-region eu-west-1 now",
    "drain-region ap-southeast-1",
    "failover shop-global to=eu-west-1",
    "scale-receivers us-east-1",
    "mute-alarms eu-west-1",
    "override G-CAP because",
    "confirm",
    "go-on",
    "settle x y",
    "undo",
];

fn case() -> impl Strategy<Value = (u8, bool, Vec<(u8, u8)>)> {
    let strokes = prop::collection::vec((any::<u8>(), any::<u8>()), 1..25);
    (0..WORLDS.len() as u8, any::<bool>(), strokes)
}

fn stroke(console: &mut Console, kind: u8, what: u8) {
    let write = |console: &mut Console, text: &str| {
        for c in text.chars() {
            let key = Key::plain(KeyCode::Char(c));
            console.apply(Event::Key { key });
        }
    };
    match kind % 8 {
        0..=3 => console.key(KEYS[usize::from(what) % KEYS.len()]),
        4 | 5 => {
            console.key("esc");
            console.key(":");
            write(console, LINES[usize::from(what) % LINES.len()]);
            console.key("enter");
        }
        6 => {
            let phrase = console.state.conduct.draft.as_ref();
            let phrase = phrase
                .map(|draft| draft.plan.phrase.clone())
                .unwrap_or_default();
            write(console, &phrase);
            console.key("y");
        }
        _ => console.pass(i64::from(what % 4)),
    }
}

/// Whatever is typed: nothing is sent by a console that is read-only or that nobody armed.
fn silent(world: u8, read_only: bool, strokes: &[(u8, u8)]) -> Result<(), String> {
    let (world, state, now) = seen(world);
    let mut console = Console::new(world, state, now);
    console.state.conduct.read_only = read_only;
    for (kind, what) in strokes {
        let arms = matches!(kind % 8, 4 | 5) && usize::from(*what) % LINES.len() == 0;
        if arms && !read_only {
            continue;
        }
        stroke(&mut console, *kind, *what);
    }
    console.pass(5);
    if !console.sent.is_empty() || !console.locks.is_empty() {
        return Err(format!("I8: {} changes were sent", console.sent.len()));
    }
    if !console.state.conduct.runs.is_empty() {
        return Err("I8: a run was begun".to_owned());
    }
    console
        .broken
        .first()
        .map_or(Ok(()), |broken| Err(broken.clone()))
}

#[test]
fn nothing_that_is_typed_writes_where_nobody_may() {
    let seed = env("PILOTHOUSE_SEED").unwrap_or(0) * 10 + 8;
    let config = Config {
        cases: env("PILOTHOUSE_CASES").unwrap_or(1_200) as u32,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&case(), |(world, read_only, strokes)| {
        silent(world, read_only, &strokes).map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => panic!("seed {seed}: {why}\n{case:#?}"),
        Err(TestError::Abort(why)) => panic!("seed {seed}: {why}"),
    }
}

/// Guards that look at what was measured or read.
const MEASURED: &[GuardId] = &[
    GuardId::Stale,
    GuardId::Last,
    GuardId::Split,
    GuardId::Capacity,
    GuardId::Health,
    GuardId::Alarm,
    GuardId::Lag,
    GuardId::Version,
    GuardId::Writer,
    GuardId::Lock,
    GuardId::Abort,
    GuardId::Quorum,
];

/// What a guard says that had nothing to look at: the change itself tells.
const TIMELESS: &[&str] = &[
    "nothing new is sent anywhere",
    "nothing replicates into what gets something",
    "nothing that is measured by region moves",
    "nothing depends on equal versions",
    "no region is drained",
    "no region is given up for dead",
    "no region gets more traffic",
    "no writer changes",
    "moves no traffic",
    "moves its own writer",
    "moves its own primary",
    "shares one storage: no committed write is lost",
    "asked for each once more",
];

#[test]
fn what_is_ten_minutes_old_enables_no_plan() {
    let mut judged = 0;
    let mut enabled = std::collections::BTreeSet::new();
    for world in 0..WORLDS.len() as u8 {
        let (world, state, now) = seen(world);
        let mut console = Console::new(world, state, now);
        console.arm();
        // Nothing is answered any more; time goes on.
        let later = Timestamp::from_millisecond(now).unwrap() + SignedDuration::from_mins(10);
        console.apply(Event::Tick { now: later });
        for action in ACTIONS {
            let (fleet, ledger) = (&console.state.fleet, &console.state.conduct.ledger);
            for target in action.targets(fleet, ledger) {
                let intent = Intent {
                    action: action.name().to_owned(),
                    target,
                    ..Intent::default()
                };
                console.state.conduct.draft = None;
                let _ = conduct::propose(&mut console.state, intent.clone(), None);
                let Some(draft) = &console.state.conduct.draft else {
                    continue;
                };
                judged += 1;
                let passed = draft
                    .guards
                    .iter()
                    .filter(|guard| MEASURED.contains(&guard.id) && guard.verdict == Verdict::Pass);
                enabled.extend(passed.map(|guard| {
                    format!("{} {}: {}", intent.action, guard.id.name(), guard.evidence)
                }));
                assert!(
                    !conduct::obstacles(&console.state).is_empty(),
                    "I6: {intent:?} may be confirmed"
                );
                let stale = draft.guards.iter().find(|guard| guard.id == GuardId::Stale);
                assert!(
                    stale.is_some_and(|guard| guard.verdict >= Verdict::Unknown),
                    "I6: {intent:?}: {stale:?}"
                );
                assert_eq!(GuardId::Stale.power(), Power::Overridable);
            }
        }
    }
    assert!(judged > 50, "{judged}");
    enabled.retain(|passed| !TIMELESS.iter().any(|text| passed.ends_with(text)));
    assert!(enabled.is_empty(), "I6: {enabled:#?}");
}
