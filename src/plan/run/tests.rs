//! A run against happenings in every order: what is sent, when, and what it is called afterwards.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

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
fn an_accepted_change_that_never_happens_is_not_taken() {
    let mut stage = Stage::new(vec![scale("a", 2, 4)]);
    stage.serve(is_apply).unwrap();
    stage.tell(Happening::Applied(0, Ok(Receipt::default())));
    stage.play(70);
    assert_eq!(stage.run.progress[0].outcome, Some(Outcome::NotTaken));
    assert!(stage.why().starts_with("NOT TAKEN"));
}

#[test]
fn a_lost_answer_is_unknown_until_a_read_shows_the_effect() {
    for (happened, outcome) in [(true, Outcome::Verified), (false, Outcome::Unknown)] {
        let mut stage = Stage::new(vec![scale("a", 2, 4)]);
        let Some(Next::Apply(_, change, _)) = stage.serve(is_apply) else {
            panic!()
        };
        if happened {
            stage.effect(&change);
        }
        stage.tell(Happening::Applied(
            0,
            Err(refused(Fate::InDoubt, ErrorClass::Timeout)),
        ));
        stage.play(70);
        assert_eq!(stage.run.progress[0].outcome, Some(outcome));
    }
}

#[test]
fn an_answer_that_never_comes_is_in_doubt() {
    let mut stage = Stage::new(vec![scale("a", 2, 4)]);
    let Some(Next::Apply(_, change, _)) = stage.serve(is_apply) else {
        panic!()
    };
    stage.pass(61);
    assert!(matches!(
        stage.run.phase,
        Phase::Verifying { in_doubt: true, .. }
    ));
    stage.effect(&change);
    stage.play(10);
    assert_eq!(stage.ending(), Some(Ending::Done));
}

#[test]
fn a_late_answer_changes_nothing() {
    let mut stage = Stage::new(vec![scale("a", 2, 4)]);
    stage.serve(is_apply).unwrap();
    stage.pass(61);
    stage.play(70);
    let before = stage.run.clone();
    for happening in [
        Happening::Applied(0, Ok(Receipt::default())),
        Happening::Journaled(
            Some(0),
            Ok(Written {
                sequence: 1,
                hash: String::new(),
            }),
        ),
        Happening::Read(1, Ok(Some(true))),
        Happening::Locked(Err("late".into())),
    ] {
        stage.tell(happening);
        assert_eq!(stage.run, before);
    }
    assert_eq!(stage.sent.len(), 1);
}

#[test]
fn a_throttled_change_is_sent_again_after_a_pause_and_a_new_comparison() {
    let mut stage = Stage::new(vec![scale("a", 2, 4)]);
    stage.serve(is_apply).unwrap();
    stage.tell(Happening::Applied(
        0,
        Err(refused(Fate::Refused, ErrorClass::Throttled)),
    ));
    assert!(matches!(stage.run.phase, Phase::Pausing { .. }));
    stage.play(10);
    assert_eq!((stage.sent.len(), stage.ending()), (2, Some(Ending::Done)));
}

#[test]
fn a_denied_change_stops_the_run() {
    let mut stage = Stage::new(vec![scale("a", 2, 4), scale("b", 2, 4)]);
    stage.serve(is_apply).unwrap();
    stage.tell(Happening::Applied(
        0,
        Err(refused(Fate::Refused, ErrorClass::Denied)),
    ));
    stage.play(100);
    assert_eq!(stage.sent.len(), 1);
    assert!(stage.why().contains("said so"));
}

#[test]
fn disarming_stops_a_run_before_its_next_change() {
    let mut stage = Stage::new(vec![scale("a", 2, 4), scale("b", 2, 4)]);
    stage.serve(is_apply).unwrap();
    stage.armed = None;
    stage.effect(&Change::clone(&stage.sent[0].0.clone()));
    stage.tell(Happening::Applied(0, Ok(Receipt::default())));
    stage.play(30);
    assert_eq!(stage.sent.len(), 1);
    assert!(stage.why().contains(":arm"));
    stage.armed = Armed::new("again", stage.fleet.now);
    stage.tell(Happening::Told(Told::Resume));
    stage.play(30);
    assert_eq!((stage.sent.len(), stage.ending()), (2, Some(Ending::Done)));
}

#[test]
fn a_run_outlasts_the_window_in_which_it_was_confirmed() {
    let wait = Wait::Nodes {
        region: label(),
        cluster: "shop".into(),
        node_group: "b".into(),
        nodes: 5,
    };
    let waiting = Step {
        work: Work::Wait(wait),
        deadline_seconds: 3_000,
        ..scale("b", 0, 0)
    };
    let mut stage = Stage::new(vec![waiting, scale("a", 2, 4)]);
    stage.serve(|_| false);
    stage.pass(1_500);
    assert_eq!(stage.armed.as_ref().unwrap().left(stage.fleet.now), None);
    stage.world[1] = 5;
    let poll = Query {
        source: Source::Clusters,
        place: Place::Region(label()),
        wanted: Wanted::Nothing,
        read: 0,
    };
    stage.observe(&poll);
    stage.play(30);
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

/// What may happen to a run, at any time.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Serve,
    Pass(i64),
    Drop,
    Fail(Fate),
    Swallow,
    Drift(usize, i32),
    Tell(Told),
    Disarm,
    Late(u64),
    JournalFails,
}

fn deed() -> impl Strategy<Value = Deed> {
    let told = prop_oneof![
        Just(Told::Hold),
        Just(Told::Resume),
        Just(Told::Skip),
        Just(Told::Abort),
        Just(Told::GoBack),
    ];
    let fate = prop_oneof![
        Just(Fate::NotSent),
        Just(Fate::Refused),
        Just(Fate::InDoubt)
    ];
    prop_oneof![
        8 => Just(Deed::Serve),
        3 => (1_i64..40).prop_map(Deed::Pass),
        1 => Just(Deed::Drop),
        1 => fate.prop_map(Deed::Fail),
        1 => Just(Deed::Swallow),
        1 => (0_usize..2, 0_i32..8).prop_map(|(group, min)| Deed::Drift(group, min)),
        2 => told.prop_map(Deed::Tell),
        1 => Just(Deed::Disarm),
        1 => (0_u64..40).prop_map(Deed::Late),
        1 => Just(Deed::JournalFails),
    ]
}

impl Stage {
    fn suffer(&mut self, deed: Deed) {
        match deed {
            Deed::Serve => {
                if !self.wanted.is_empty() {
                    let next = self.wanted.remove(0);
                    self.serve_one(next);
                }
            }
            Deed::Pass(seconds) => self.pass(seconds),
            Deed::Drop => {
                self.wanted.truncate(self.wanted.len().saturating_sub(1));
            }
            Deed::Fail(fate) => {
                if let Some(index) = self.wanted.iter().position(is_apply) {
                    let Next::Apply(step, ..) = self.wanted.remove(index) else {
                        return;
                    };
                    self.tell(Happening::Applied(
                        step,
                        Err(refused(fate, ErrorClass::Timeout)),
                    ));
                }
            }
            Deed::Swallow => {
                if let Some(index) = self.wanted.iter().position(is_apply) {
                    let Next::Apply(step, ..) = self.wanted.remove(index) else {
                        return;
                    };
                    self.tell(Happening::Applied(step, Ok(Receipt::default())));
                }
            }
            Deed::Drift(group, min) => self.world[group] = min,
            Deed::Tell(told) => self.tell(Happening::Told(told)),
            Deed::Disarm => self.armed = None,
            Deed::Late(read) => {
                let query = Query {
                    source: Source::Clusters,
                    place: Place::Region(label()),
                    wanted: Wanted::Nothing,
                    read: self.run.first_read() + read,
                };
                self.tell(Happening::Read(query.read, Ok(Some(true))));
            }
            Deed::JournalFails => {
                let intention = |next: &Next| matches!(next, Next::Journal(entry) if matches!(entry.what, What::Sending { .. }));
                if let Some(index) = self.wanted.iter().position(intention) {
                    let Next::Journal(entry) = self.wanted.remove(index) else {
                        return;
                    };
                    self.tell(Happening::Journaled(entry.step, Err("disk full".into())));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// I2, I3, I4: whatever happens, nothing is sent without its intention on disk, and nothing is called verified that no read has shown.
    #[test]
    fn no_order_of_happenings_breaks_the_promises(deeds in proptest::collection::vec(deed(), 1..60)) {
        let mut stage = Stage::new(vec![scale("a", 2, 4), scale("b", 2, 5)]);
        for deed in deeds {
            let sent = stage.sent.len();
            let armed = stage.armed.is_some();
            stage.suffer(deed);
            if stage.sent.len() > sent {
                prop_assert!(armed, "sent while disarmed");
                prop_assert_eq!(stage.sent.len(), sent + 1);
            }
        }
        prop_assert!(stage.sent.iter().all(|(_, written)| *written));
        for (step, progress) in stage.run.steps.iter().zip(&stage.run.progress) {
            if progress.outcome == Some(Outcome::Verified) {
                let seen = stage.fleet.status(Source::Clusters, &Place::Region(label())).observed_at;
                prop_assert!(seen.is_some(), "{} verified without a read", step.title);
            }
        }
        if stage.ending() == Some(Ending::Done) {
            prop_assert!(stage.run.progress.iter().all(|progress| progress.outcome == Some(Outcome::Verified)));
        }
    }
}

/// How many cases: more by `PILOTHOUSE_CASES`.
fn cases() -> u32 {
    std::env::var("PILOTHOUSE_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(4_000)
}

#[test]
fn the_clock_going_back_expires_nothing_early_and_nothing_late() {
    let plan = plan(Vec::new());
    assert!(!plan.expired(at(120)));
    assert!(plan.expired(at(121)));
    assert!(plan.expired(at(0) - SignedDuration::from_secs(1)));
}

fn frozen(step: Step) -> Step {
    Step {
        guards: vec![GuardId::Freeze, GuardId::Last],
        ..step
    }
}

/// A run that a change freeze stopped before its only change.
fn stopped() -> Stage {
    let mut stage = Stage::new(vec![frozen(scale("a", 2, 4))]);
    let mut estate = (*stage.fleet.estate).clone();
    estate.freezes = vec![Freeze {
        from: at(0),
        until: at(3_600),
        reason: "year end".into(),
    }];
    stage.fleet.estate = Arc::new(estate);
    stage.play(10);
    assert!(matches!(stage.run.phase, Phase::Halted { .. }) && stage.run.blocked);
    let blocking: Vec<GuardId> = stage.run.blocking().map(|guard| guard.id).collect();
    assert_eq!(blocking, [GuardId::Freeze]);
    stage
}

#[test]
fn a_guard_that_stopped_a_run_is_overridden_by_name_and_with_a_reason() {
    let mut stage = stopped();
    for (guard, reason) in [(GuardId::Freeze, " "), (GuardId::Last, "please")] {
        stage.tell(Happening::Overridden(guard, reason.to_owned()));
    }
    stage.tell(Happening::Told(Told::Resume));
    stage.play(10);
    assert!(
        stage.run.blocked && stage.sent.is_empty(),
        "{:?}",
        stage.run.phase
    );
    stage.tell(Happening::Overridden(GuardId::Freeze, "agreed".to_owned()));
    stage.play(10);
    assert!(stage.sent.is_empty(), "an override alone sends nothing");
    stage.tell(Happening::Told(Told::Resume));
    stage.play(30);
    assert_eq!(stage.ending(), Some(Ending::Done));
    let told = stage.ledger.entries.iter().filter(|entry| {
        matches!(&entry.what, What::Overridden { guard: GuardId::Freeze, reason } if reason == "agreed")
    });
    assert_eq!(told.count(), 1);
}

#[test]
fn a_guard_that_passes_again_is_seen_by_who_looks() {
    let mut stage = stopped();
    stage.fleet.now = at(3_600);
    assert_eq!(stage.run.blocking().count(), 1);
    stage.tell(Happening::LookedAt);
    assert_eq!(stage.run.blocking().count(), 0);
    assert!(
        stage.run.blocked && stage.sent.is_empty(),
        "nobody let it go on"
    );
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
