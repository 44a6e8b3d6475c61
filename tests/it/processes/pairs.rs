//! I8 with processes: two consoles never hold one lock, the one that waits is told by whom, and the chain of the journal goes through both.

use std::time::Duration;

use jiff::Timestamp;
use pilothouse::{
    plan::{
        Blast, Intent, OnBreach, Plan,
        entry::{Entry, What},
    },
    runtime::journal::{self, Book, Who},
};

use super::{
    Story,
    hosts::{Host, applied, code, text},
};
use crate::wire::route53::Mood;

pub const STORIES: &[Story] = &[
    (
        "the second console is told who holds the lock, and has it when the first is killed",
        a_lock_is_held_once,
    ),
    ("eight processes append to one journal", one_chain),
];

const SHIFT: &[&str] = &[
    "shift-weights",
    "api.shop.example. A/eu-west-1",
    "--percent",
    "10",
    "--bake",
    "0s",
];

fn a_lock_is_held_once() {
    let host = Host::new(&["api", "www"]);
    let planned = host.plan(SHIFT).map_err(|output| text(&output)).unwrap();
    // The first change never arrives, and its console waits for the answer.
    host.zone.meet([Mood::Lost]);
    let mut first = host.start(&planned);
    assert!(host.zone.await_writes(1, Duration::from_secs(30)));
    let second = host.start(&planned);
    let output = applied(second);
    assert_eq!(code(&output), Some(5), "{}", text(&output));
    let said = text(&output);
    assert!(
        said.contains("is held by ")
            && said.contains(" since ")
            && said.contains("Shift api.shop.example"),
        "{said}"
    );
    assert_eq!(host.zone.log().len(), 1, "nothing was sent by the second");
    assert!(
        first.try_wait().unwrap().is_none(),
        "the first one still waits"
    );
    first.kill().unwrap();
    first.wait().unwrap();
    let output = applied(host.act(SHIFT));
    assert_eq!(
        code(&output),
        Some(0),
        "a lock of a killed process is free: {}",
        text(&output)
    );
    assert_eq!(host.zone.log().len(), 2);
    // What the first one sent was lost: its line is there, and its run is in doubt.
    let ledger = host.ledger();
    let interrupted: Vec<_> = ledger.interrupted(None).collect();
    assert_eq!(interrupted.len(), 1);
    assert!(interrupted[0].doubt().is_some());
    host.agree(0).unwrap();
}

/// A run that nobody ended.
fn confirmed(run: String) -> Entry {
    let now = Timestamp::UNIX_EPOCH;
    let plan = Plan {
        intent: Intent::default(),
        title: format!("Run {run}"),
        environment: String::new(),
        account: None,
        made_at: now,
        steps: Vec::new(),
        forecast: Vec::new(),
        remarks: Vec::new(),
        blast: Blast::L1,
        phrase: String::new(),
        loss_phrase: String::new(),
        on_breach: OnBreach::Hold,
        marks: Vec::new(),
        until: None,
    };
    Entry {
        at: now,
        run: Some(run),
        step: None,
        what: What::Confirmed {
            hash: plan.hash(),
            plan: Box::new(plan),
            guards: Vec::new(),
            overrides: Default::default(),
            typed: String::new(),
            reason: String::new(),
        },
    }
}

fn one_chain() {
    const PROCESSES: usize = 8;
    const RUNS: usize = 4;
    let host = Host::new(&[]);
    let (mut book, _) = Book::open(&host.journal()).unwrap();
    for run in 0..PROCESSES * RUNS {
        book.append(confirmed(format!("r{run}")), &Who::of_process())
            .unwrap();
    }
    std::thread::scope(|scope| {
        for process in 0..PROCESSES {
            let host = &host;
            scope.spawn(move || {
                for run in 0..RUNS {
                    let run = format!("r{}", process * RUNS + run);
                    let output = host.run(&["journal", "settle", &run, "one of many"]);
                    assert_eq!(code(&output), Some(0), "{}", text(&output));
                }
            });
        }
    });
    // The one that was open all the time goes on where the others are.
    let appended = book
        .append(confirmed("last".to_owned()), &Who::of_process())
        .unwrap();
    assert_eq!(appended.others.len(), PROCESSES * RUNS);
    let proof = journal::verify(&host.journal(), None).unwrap().unwrap();
    assert_eq!(proof.chain.sequence as usize, 2 * PROCESSES * RUNS + 1);
    assert!(proof.chain.torn.is_empty(), "{proof}");
    assert_eq!(host.ledger().interrupted(None).count(), 1);
}
