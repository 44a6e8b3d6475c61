//! Undoing runs, as the journal tells them.

use super::super::kit::tests::*;
use crate::plan::{Blast, Mark, OnBreach, Options, ledger::Ledger};

#[test]
fn undoing_a_drain_brings_traffic_back_by_and_by_and_the_writer_last() {
    let fleet = calm();
    let drain = plan(
        &fleet,
        &Ledger::default(),
        "drain-region",
        "us-east-1",
        Options::default(),
    );
    let mut journal = Ledger::default();
    done(&mut journal, "r1", &drain);
    let after = walk(&fleet, &drain);
    let undo = plan(&after, &journal, "undo", "r1", Options::default());
    assert_eq!(undo.intent.options.run.as_deref(), Some("r1"));
    assert!(
        lines(&undo)
            .iter()
            .any(|line| line == "dial us-east-1 0 % -> 1 %")
    );
    assert!(matches!(
        undo.steps.last().and_then(crate::plan::Step::change),
        Some(crate::resources::Change::Databases(_))
    ));
    assert!(
        undo.remarks
            .iter()
            .any(|text| text.contains("cannot be undone")),
        "the cache failover: {:?}",
        undo.remarks
    );
    assert_eq!(
        undo.marks,
        [Mark::Restored {
            region: label("us-east-1")
        }]
    );
    // The plan that is recorded can be asked for again from its own intent.
    let again = crate::actions::plan(&after, &journal, &undo.intent).unwrap();
    assert_eq!(again.hash(), undo.hash());
    done(&mut journal, "r2", &undo);
    assert!(
        refusal(&after, &journal, "undo", "r1", Options::default())
            .contains("was undone by run r2")
    );
    assert!(journal.drained().is_empty());
}

#[test]
fn a_canary_is_undone_in_one_step() {
    let fleet = calm();
    let name = crate::actions::find("shift-weights")
        .unwrap()
        .targets(&fleet, &Ledger::default());
    let target = name
        .iter()
        .find(|name| name.ends_with("/shop-canary") && name.contains("eu-west-1"))
        .unwrap();
    let options = Options {
        percent: Some(10.0),
        ..Options::default()
    };
    let shift = plan(&fleet, &Ledger::default(), "shift-weights", target, options);
    let mut journal = Ledger::default();
    done(&mut journal, "r1", &shift);
    let after = walk(&fleet, &shift);
    let undo = plan(&after, &journal, "undo", "r1", Options::default());
    assert_eq!(
        (undo.blast, undo.phrase.as_str(), undo.on_breach),
        (Blast::L2, "r1", OnBreach::StepBack)
    );
    assert_eq!(
        lines(&undo).last().map(String::as_str),
        Some("bake eu-west-1 300 s")
    );
    let edits = |plan: &crate::plan::Plan| lines(plan).len();
    assert_eq!(edits(&undo), edits(&shift));
    walk(&after, &undo);
}

#[test]
fn what_cannot_be_undone_says_why() {
    let fleet = calm();
    let refused = refusal(&fleet, &Ledger::default(), "undo", "r9", Options::default());
    assert!(
        refused.contains("there is no run `r9`") && refused.contains("no run can be undone"),
        "{refused}"
    );
    let drain = plan(
        &fleet,
        &Ledger::default(),
        "drain-region",
        "eu-west-1",
        Options::default(),
    );
    let mut journal = Ledger::default();
    done(&mut journal, "r1", &drain);
    // A console was killed while it sent the last change: there is nobody who could end its run first.
    journal.runs[0].ended = None;
    if let Some(last) = journal.runs[0].sent.last_mut() {
        last.outcome = None;
    }
    let after = walk(&fleet, &drain);
    let interrupted = plan(&after, &journal, "undo", "r1", Options::default());
    assert!(
        interrupted
            .remarks
            .iter()
            .any(|text| text.contains("nobody knows what became of step")),
        "{:?}",
        interrupted.remarks
    );
    journal.runs[0].sent.clear();
    assert!(
        refusal(&fleet, &journal, "undo", "r1", Options::default())
            .contains("nothing that run r1 did still stands")
    );
}

#[test]
fn undoing_a_drain_through_a_mesh_brings_each_rule_back_once() {
    let fleet = watched("mesh-region", &[0, 60]);
    let none = Ledger::default();
    let drain = |options| plan(&fleet, &none, "drain-region", "eu-west-1", options);
    let drain = drain(Options::default());
    let mut journal = Ledger::default();
    done(&mut journal, "r1", &drain);
    let after = walk(&fleet, &drain);
    let undo = plan(&after, &journal, "undo", "r1", Options::default());
    let restore = plan(
        &after,
        &journal,
        "restore-region",
        "eu-west-1",
        Options::default(),
    );
    assert_eq!(lines(&undo), lines(&restore));
    walk(&after, &undo);
}
