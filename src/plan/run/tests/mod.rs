//! A run against happenings in every order: what is sent, when, and what it is called afterwards.

mod deeds;
mod fates;
mod stops;

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{Context, Happening, Next, Phase, Run, Told};
use crate::{
    arm::{Armed, Written},
    plan::{
        Blast, GuardId, Intent, OnBreach, Options, Plan, Step, Wait, Work,
        entry::{Ending, Outcome, What},
        ledger::Ledger,
    },
    resources::{
        Answer, Change, ErrorClass, Estate, Fleet, Place, ProviderError, Query, RegionLabel, Rows,
        Source, Wanted,
        change::{ApplyError, Fate, Receipt},
        clusters::{self, Bounds, Cluster, NodeGroup},
        estate::{Freeze, RegionSpec},
    },
};

const REGION: &str = "eu-west-1";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn label() -> RegionLabel {
    RegionLabel::new(REGION).unwrap()
}

fn bounds(min: i32) -> Bounds {
    Bounds { min, max: 9 }
}

fn scale(group: &str, from: i32, to: i32) -> Step {
    let change = clusters::Change::Scale {
        region: label(),
        cluster: "shop".into(),
        node_group: group.into(),
        from: bounds(from),
        to: bounds(to),
    };
    Step {
        title: format!("{group} {from} to {to}"),
        work: Work::Change(Change::Clusters(change)),
        expected_seconds: 10,
        deadline_seconds: 60,
        guards: Vec::new(),
    }
}

fn plan(steps: Vec<Step>) -> Plan {
    Plan {
        intent: Intent {
            action: "test".into(),
            target: REGION.into(),
            options: Options::default(),
        },
        title: "Test".into(),
        environment: "test".into(),
        account: None,
        made_at: at(0),
        steps,
        forecast: Vec::new(),
        remarks: Vec::new(),
        blast: Blast::L1,
        phrase: String::new(),
        loss_phrase: String::new(),
        on_breach: OnBreach::Hold,
        marks: Vec::new(),
        until: None,
    }
}

/// A world of two node groups, a console that knows it only by reads, and a run.
struct Stage {
    run: Run,
    fleet: Fleet,
    world: [i32; 2],
    armed: Option<Armed>,
    ledger: Ledger,
    second: i64,
    wanted: Vec<Next>,
    /// Every change that was handed out, with whether its intention was on disk.
    sent: Vec<(Change, bool)>,
    /// Steps whose intention is on disk.
    written: Vec<(usize, Change)>,
}

impl Stage {
    fn new(steps: Vec<Step>) -> Self {
        Self::with(plan(steps))
    }

    fn with(plan: Plan) -> Self {
        let estate = Estate {
            regions: vec![RegionSpec::aws(label())],
            ..Estate::default()
        };
        let (run, next) = Run::new(plan, Vec::new(), Default::default(), String::new(), at(0));
        let mut stage = Self {
            run,
            fleet: Fleet::new(Arc::new(estate), at(0)),
            world: [2, 2],
            armed: Armed::new("test", at(0)),
            ledger: Ledger::default(),
            second: 0,
            wanted: Vec::new(),
            sent: Vec::new(),
            written: Vec::new(),
        };
        stage.take(next);
        stage
    }

    fn take(&mut self, next: Vec<Next>) {
        for next in &next {
            if let Next::Apply(step, change, _) = next {
                let known = self.written.contains(&(*step, (**change).clone()));
                self.sent.push(((**change).clone(), known));
            }
        }
        self.wanted.extend(next);
    }

    fn tell(&mut self, happening: Happening) {
        let context = Context {
            fleet: &self.fleet,
            armed: self.armed.as_ref(),
            ledger: &self.ledger,
            beside: &[],
        };
        let next = self.run.handle(happening, context);
        self.take(next);
    }

    fn pass(&mut self, seconds: i64) {
        self.second += seconds;
        self.fleet.now = at(self.second);
        self.tell(Happening::Tick);
    }

    /// Shows the world to the console.
    fn observe(&mut self, query: &Query) {
        let rows = ["a", "b"].iter().zip(self.world).map(|(name, min)| {
            Cluster::NodeGroup(NodeGroup {
                name: (*name).to_owned(),
                cluster: "shop".into(),
                status: Some("ACTIVE".into()),
                bounds: Some(bounds(min)),
                desired: Some(min),
                health_issues: Vec::new(),
            })
        });
        let answer = Answer::of(Rows::Clusters(rows.collect()));
        let now = self.fleet.now;
        self.fleet.accept(query, answer, now, Duration::ZERO);
    }

    /// Makes the world so as a change says.
    fn effect(&mut self, change: &Change) {
        let Change::Clusters(clusters::Change::Scale { node_group, to, .. }) = change else {
            panic!("only node groups here");
        };
        self.world[usize::from(node_group == "b")] = to.min;
    }

    /// Carries out what the run wants until it wants something that `stop` names.
    fn serve(&mut self, stop: impl Fn(&Next) -> bool) -> Option<Next> {
        while !self.wanted.is_empty() {
            let next = self.wanted.remove(0);
            if stop(&next) {
                return Some(next);
            }
            self.serve_one(next);
        }
        None
    }

    fn serve_one(&mut self, next: Next) {
        match next {
            Next::Lock(_) => self.tell(Happening::Locked(Ok(()))),
            Next::Unlock => {}
            Next::Read(query) => {
                self.observe(&query);
                self.tell(Happening::Read(query.read, Ok(None)));
            }
            Next::Journal(entry) => {
                if let What::Sending { change, .. } = &entry.what {
                    self.written.push((entry.step.unwrap(), change.clone()));
                }
                let step = entry.step;
                let awaited = matches!(entry.what, What::Sending { .. } | What::Confirmed { .. });
                self.ledger.add(entry);
                if awaited {
                    let written = Written {
                        sequence: 1,
                        hash: String::new(),
                    };
                    self.tell(Happening::Journaled(step, Ok(written)));
                }
            }
            Next::Apply(step, change, _) => {
                self.effect(&change);
                self.tell(Happening::Applied(step, Ok(Receipt::default())));
            }
        }
    }

    /// Serves and lets time pass until nothing is wanted for so long.
    fn play(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.serve(|_| false);
            self.pass(1);
        }
        self.serve(|_| false);
    }

    fn ending(&self) -> Option<Ending> {
        match &self.run.phase {
            Phase::Ended { ending, .. } => Some(*ending),
            _ => None,
        }
    }

    fn why(&self) -> &str {
        match &self.run.phase {
            Phase::Halted { why } => why,
            other => panic!("not halted: {other:?}"),
        }
    }
}

fn is_apply(next: &Next) -> bool {
    matches!(next, Next::Apply(..))
}

fn refused(fate: Fate, class: ErrorClass) -> ApplyError {
    ApplyError {
        fate,
        error: ProviderError::new(class, "eks:UpdateNodegroupConfig", "said so"),
    }
}

#[test]
fn a_plan_is_carried_out_step_by_step_and_verified() {
    let mut stage = Stage::new(vec![scale("a", 2, 4), scale("b", 2, 5)]);
    stage.play(30);
    assert_eq!(stage.ending(), Some(Ending::Done));
    assert_eq!(stage.world, [4, 5]);
    assert!(
        stage
            .run
            .progress
            .iter()
            .all(|progress| progress.outcome == Some(Outcome::Verified))
    );
    assert!(stage.sent.iter().all(|(_, written)| *written));
    assert_eq!(stage.ledger.runs[0].ended, Some(Ending::Done));
}

#[test]
fn nothing_is_sent_before_its_intention_is_on_disk() {
    let mut stage = Stage::new(vec![scale("a", 2, 4)]);
    let intention = |next: &Next| matches!(next, Next::Journal(entry) if matches!(entry.what, What::Sending { .. }));
    assert!(stage.serve(intention).is_some());
    stage.pass(1_000);
    assert_eq!(stage.sent, Vec::new());
    stage.tell(Happening::Journaled(Some(0), Err("disk full".into())));
    stage.play(100);
    assert_eq!(stage.sent, Vec::new());
    assert_eq!(
        stage.why(),
        "the journal cannot be written, so nothing was sent: disk full"
    );
}

#[test]
fn a_value_that_changed_meanwhile_is_not_overwritten() {
    let mut stage = Stage::new(vec![scale("a", 2, 4)]);
    stage.world[0] = 3;
    stage.play(10);
    assert_eq!(stage.sent, Vec::new());
    assert!(
        stage.why().contains("a is 3 to 9 nodes, not 2 to 9 nodes"),
        "{}",
        stage.why()
    );
}

#[test]
fn what_is_so_already_is_not_sent_again() {
    let mut stage = Stage::new(vec![scale("a", 2, 4)]);
    stage.world[0] = 4;
    stage.play(10);
    assert_eq!(stage.sent, Vec::new());
    assert_eq!(stage.ending(), Some(Ending::Done));
}

#[test]
fn undo_takes_back_what_was_done_newest_first() {
    let mut stage = Stage::new(vec![scale("a", 2, 4), scale("b", 2, 5)]);
    stage.serve(is_apply).unwrap();
    stage.effect(&stage.sent[0].0.clone());
    stage.tell(Happening::Told(Told::Hold));
    stage.tell(Happening::Applied(0, Ok(Receipt::default())));
    stage.play(10);
    assert_eq!(stage.run.phase, Phase::Held);
    stage.tell(Happening::Told(Told::GoBack));
    stage.play(30);
    assert_eq!(
        (stage.world, stage.ending()),
        ([2, 2], Some(Ending::RolledBack))
    );
    assert_eq!(
        stage.ledger.runs[0].standing_changes(),
        Vec::<&Change>::new()
    );
}

#[test]
fn a_watch_that_is_left_for_the_way_back_says_why() {
    let wait = Step {
        work: Work::Wait(Wait::Bake {
            regions: vec![label()],
            seconds: 60,
        }),
        ..scale("a", 2, 4)
    };
    let mut stage = Stage::with(Plan {
        on_breach: OnBreach::StepBack,
        ..plan(vec![scale("a", 2, 4), wait])
    });
    stage.play(400);
    assert_eq!(stage.ending(), Some(Ending::SteppedBack));
    let watch = &stage.run.progress[1];
    assert!(
        watch.evidence.contains("no error rate and latency"),
        "{}",
        watch.evidence
    );
}

#[test]
fn the_journal_tells_which_step_is_in_doubt() {
    let mut stage = Stage::new(vec![scale("a", 2, 4), scale("b", 2, 5)]);
    assert_eq!(stage.ledger.interrupted(None).count(), 0);
    stage.serve(is_apply).unwrap();
    // Here the console is killed.
    let ledger = Ledger::of(stage.ledger.entries.clone());
    let record = ledger.interrupted(None).next().unwrap();
    assert_eq!(record.doubt().map(|sent| sent.step), Some(0));
    assert!(record.undoable());
}

#[test]
fn another_console_holding_a_lock_refuses_the_run() {
    let mut stage = Stage::new(vec![scale("a", 2, 4)]);
    stage.wanted.clear();
    stage.tell(Happening::Locked(Err("held by ana".into())));
    stage.play(10);
    assert_eq!(
        (stage.ending(), stage.sent.len()),
        (Some(Ending::Refused), 0)
    );
}

#[test]
fn the_clock_going_back_expires_nothing_early_and_nothing_late() {
    let plan = plan(Vec::new());
    assert!(!plan.expired(at(120)));
    assert!(plan.expired(at(121)));
    assert!(plan.expired(at(0) - SignedDuration::from_secs(1)));
}

#[test]
fn reads_of_runs_side_by_side_have_numbers_of_their_own() {
    let reads = |steps| {
        let mut stage = Stage::new(steps);
        let Some(Next::Read(query)) = stage.serve(|next| matches!(next, Next::Read(_))) else {
            panic!("{:?}", stage.run.phase);
        };
        (stage.run, query.read)
    };
    let (first, one) = reads(vec![scale("a", 2, 4)]);
    let (second, other) = reads(vec![scale("b", 2, 5)]);
    assert!(first.asked(one) && second.asked(other));
    assert!(!first.asked(other) && !second.asked(one) && !first.asked(0));
}
