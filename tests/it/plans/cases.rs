//! Random cases, and how one is lived through.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use pilothouse::{
    actions::ACTIONS,
    plan::{
        Intent,
        guard::Power,
        run::{Phase, Told},
    },
    resources::Api,
    sim::{Fault, World, WriteFault, world::Transition},
    state::{State, conduct},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner},
};

use super::console::Console;
use crate::scenarios::drill::{self, Drill};

/// Worlds in which a console stands.
pub const WORLDS: &[(&str, i64)] = &[
    ("calm", 100),
    ("calm", 100),
    ("region-down", 100),
    ("region-down", 220),
    ("database-failure", 330),
    ("partition", 160),
    ("partial-failure", 170),
    ("complete-outage", 150),
    ("stale-telemetry", 150),
    ("concurrent-operator", 110),
    ("throttled-route53", 100),
    ("bad-canary", 170),
];

/// What a fault does to changes.
const FAULTS: &[WriteFault] = &[
    WriteFault::Throttle,
    WriteFault::Deny,
    WriteFault::Unanswered,
    WriteFault::AnswerLost,
    WriteFault::Lie,
    WriteFault::Hang,
    WriteFault::Late(20),
    WriteFault::Late(150),
];

const APIS: &[Api] = &[
    Api::Route53,
    Api::GlobalAccelerator,
    Api::RecoveryCluster,
    Api::ElasticLoadBalancing,
    Api::Lambda,
    Api::Rds,
    Api::ElastiCache,
    Api::MemoryDb,
    Api::Eks,
    Api::CloudWatch,
    Api::CodePipeline,
];

/// Keys while a run is in hand.
pub const KEYS: &[&str] = &[
    "space", "X", "s", "u", "n", "c", "y", "esc", "enter", "D", "R", "S", "r", "P", "p", "J", "j",
    "tab", "q", "ctrl-c",
];

/// One plan that is tried.
#[derive(Debug, Clone)]
struct Try {
    action: u8,
    target: u8,
    options: u8,
    overriding: bool,
    armed: bool,
}

/// A case.
#[derive(Debug, Clone)]
pub struct Case {
    world: u8,
    tries: Vec<Try>,
    fault: Option<(u8, bool)>,
    drift: Option<(u8, u8)>,
    crash: Option<u8>,
    disk: Option<u8>,
    disarm: Option<u8>,
    keys: Vec<(u8, u8)>,
    halted: u8,
    impatient: bool,
    /// Whether the second try begins while the first one is in hand.
    beside: bool,
}

fn attempt() -> impl Strategy<Value = Try> {
    (
        any::<u8>(),
        any::<u8>(),
        any::<u8>(),
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.9),
    )
        .prop_map(|(action, target, options, overriding, armed)| Try {
            action,
            target,
            options,
            overriding,
            armed,
        })
}

fn case(crashes: f64) -> impl Strategy<Value = Case> {
    let rare = |weight| prop::option::weighted(weight, 0..30_u8);
    (
        0..WORLDS.len() as u8,
        prop::collection::vec(attempt(), 1..3),
        prop::option::weighted(0.4, (any::<u8>(), any::<bool>())),
        prop::option::weighted(0.2, (0..20_u8, any::<u8>())),
        prop::option::weighted(crashes, 2..14_u8),
        prop::option::weighted(0.05, 1..9_u8),
        rare(0.05),
        prop::collection::vec((0..20_u8, any::<u8>()), 0..4),
        (
            any::<u8>(),
            prop::bool::weighted(0.9),
            prop::bool::weighted(0.5),
        ),
    )
        .prop_map(
            |(
                world,
                tries,
                fault,
                drift,
                crash,
                disk,
                disarm,
                keys,
                (halted, impatient, beside),
            )| Case {
                world,
                tries,
                fault,
                drift,
                crash,
                disk,
                disarm,
                keys,
                halted,
                impatient,
                beside,
            },
        )
}

/// What a console has seen by a second of a scenario; each is lived through once.
pub fn seen(index: u8) -> (World, State, i64) {
    type Seen = Rc<(World, State, i64)>;
    thread_local! {
        static SEEN: RefCell<BTreeMap<u8, Seen>> = const { RefCell::new(BTreeMap::new()) };
    }
    let known = SEEN.with_borrow_mut(|all| {
        Rc::clone(all.entry(index).or_insert_with(|| {
            let (name, second) = WORLDS[usize::from(index)];
            let drill = Drill::acting(name, second);
            let world = drill.truth(World::clone);
            Rc::new((world, drill.state, drill::START + second * 1_000))
        }))
    });
    (*known).clone()
}

/// What happened in a case, for the counts.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub planned: usize,
    pub started: usize,
    pub sent: usize,
    pub done: usize,
    pub halted: usize,
    pub crashed: usize,
    /// Runs that began while another one was in hand.
    pub beside: usize,
}

fn intent(console: &Console, wanted: &Try) -> Option<Intent> {
    let (fleet, ledger) = (&console.state.fleet, &console.state.conduct.ledger);
    let action = ACTIONS[usize::from(wanted.action) % ACTIONS.len()];
    let targets = action.targets(fleet, ledger);
    let target = targets.get(usize::from(wanted.target) % targets.len().max(1))?;
    let mut intent = Intent {
        action: action.name().to_owned(),
        target: target.clone(),
        ..Intent::default()
    };
    let region = |at: u8| drill::REGIONS[usize::from(at) % 3].to_owned();
    let bit = |bit: u8| wanted.options >> bit & 1 == 1;
    for option in action.options() {
        match *option {
            "now" => intent.options.now = bit(0),
            "percent" if bit(1) => {
                intent.options.percent =
                    Some([0.0, 2.0, 50.0, 100.0][usize::from(wanted.options >> 2) % 4]);
            }
            "weights" if !bit(1) && bit(4) => {
                let weight = |at: u8| {
                    if wanted.options >> (5 + at) & 1 == 1 {
                        0
                    } else {
                        7
                    }
                };
                intent.options.weights = (0..3).map(|at| (region(at), weight(at))).collect();
            }
            "to" if bit(2) => intent.options.to = Some(region(wanted.options >> 3)),
            "bake" => intent.options.bake_seconds = Some(if bit(5) { 0 } else { 30 }),
            _ => {}
        }
    }
    Some(intent)
}

fn drift(what: u8) -> Transition {
    let region = usize::from(what) % 3;
    match what / 3 % 6 {
        0 => Transition::Weights(vec![(region, 40 + what / 3)]),
        1 => Transition::Dial {
            region,
            percent: f64::from(10 + what / 6),
        },
        2 => Transition::Control { region, on: true },
        3 => Transition::Canary {
            region,
            percent: 30.0,
        },
        4 => Transition::Alias {
            region,
            weight: 0.3,
        },
        _ => Transition::CachePrimary { to: region },
    }
}

/// Whether what became of the last try of a step is on disk, to a reader of the bare lines.
fn outcome_on_disk(console: &Console, run: &str, step: usize) -> bool {
    use pilothouse::{plan::entry::What, resources::change::Fate};
    let of = console
        .journal
        .iter()
        .filter(|entry| entry.run.as_deref() == Some(run) && entry.step == Some(step));
    let mut known = false;
    for entry in of {
        match &entry.what {
            What::Sending { .. } => known = false,
            What::Concluded { .. } => known = true,
            What::Rejected { error } if error.fate != Fate::InDoubt => known = true,
            _ => {}
        }
    }
    known
}

impl Case {
    /// Lives through it; what was broken, if anything.
    pub fn live(&self) -> Result<Tally, String> {
        let (world, state, now) = seen(self.world);
        let mut console = Console::new(world, state, now);
        let mut tally = Tally::default();
        console.dies_after = self.crash.map(usize::from);
        console.disk_full_from = self.disk.map(usize::from);
        if let Some((kind, everywhere)) = self.fault {
            let how = FAULTS[usize::from(kind) % FAULTS.len()];
            let api = APIS[usize::from(kind / 8) % APIS.len()];
            console.world.begin(&Fault::Write {
                how,
                api: (!everywhere).then_some(api),
                place: None,
                share: 1.0,
                times: (kind % 3 == 0).then_some(1),
            });
        }
        let together = if self.beside { 2 } else { 1 };
        for wanted in self.tries.chunks(together) {
            self.attempt(&mut console, wanted, &mut tally)?;
        }
        tally.sent = console.sent.len();
        Ok(tally)
    }

    fn attempt(
        &self,
        console: &mut Console,
        together: &[Try],
        tally: &mut Tally,
    ) -> Result<(), String> {
        for wanted in together {
            let Some(intent) = intent(console, wanted) else {
                continue;
            };
            if wanted.armed {
                console.arm();
            }
            let alone = console.state.conduct.active().next().is_none();
            let before = console.state.conduct.runs.len();
            start(console, intent, wanted.overriding, None);
            tally.planned += usize::from(console.state.conduct.draft.is_some());
            let started = console.state.conduct.runs.len() > before;
            tally.started += usize::from(started);
            tally.beside += usize::from(started && !alone);
            if console.dead {
                break;
            }
        }
        self.run(console, tally);
        if console.dead {
            tally.crashed += 1;
            let overriding = together.iter().any(|wanted| wanted.overriding);
            self.after_the_crash(console, overriding, tally)?;
        }
        if console.tell(|_| true, Told::Abort) {
            console.pass(1);
        }
        check(console)
    }

    fn run(&self, console: &mut Console, tally: &mut Tally) {
        let mut answers = 0;
        for tick in 0..30_u8 {
            if console.dead || console.state.conduct.active().next().is_none() {
                break;
            }
            if let Some((_, what)) = self.drift.filter(|(at, _)| *at == tick) {
                console.drifted_at = console.now();
                let _ = console.world.change(&drift(what));
            }
            if self.disarm == Some(tick) {
                let effects = conduct::disarm(&mut console.state);
                console.carry(effects);
            }
            for (_, key) in self.keys.iter().filter(|(at, _)| *at == tick) {
                console.key(KEYS[usize::from(*key) % KEYS.len()]);
            }
            console.pass(if tick < 6 { 3 } else { 15 });
            if self.impatient {
                console.tell(|phase| matches!(phase, Phase::Waiting { .. }), Told::Skip);
            }
            let told = [Told::Abort, Told::Resume, Told::GoBack][usize::from(self.halted) % 3];
            let told = if answers > 1 { Told::Abort } else { told };
            let halted = |phase: &Phase| matches!(phase, Phase::Halted { .. } | Phase::Held);
            if console.tell(halted, told) {
                tally.halted += 1;
                answers += 1;
            }
        }
        let done = console.state.conduct.shown();
        tally.done += usize::from(done.is_some_and(|run| {
            matches!(&run.phase, Phase::Ended { ending, .. } if *ending == pilothouse::plan::entry::Ending::Done)
        }));
    }

    /// I7: the next console knows what was in doubt, and nothing is done twice.
    fn after_the_crash(
        &self,
        console: &mut Console,
        overriding: bool,
        tally: &mut Tally,
    ) -> Result<(), String> {
        let in_hand = console.state.conduct.shown().map(|run| run.id.clone());
        let flying = console
            .sent
            .last()
            .map(|sent| (sent.run.clone(), sent.step));
        let told = flying
            .as_ref()
            .is_some_and(|(run, step)| outcome_on_disk(console, run, *step));
        console.next_console();
        console.pass(2);
        let ledger = console.ledger();
        let doubts: Vec<(String, usize)> = ledger
            .runs
            .iter()
            .filter(|run| run.ended.is_none())
            .filter_map(|run| Some((run.id.clone(), run.doubt()?.step)))
            .collect();
        if let (Some(flying), false) = (&flying, told)
            && in_hand.as_ref() == Some(&flying.0)
            && !doubts.contains(flying)
        {
            return Err(format!(
                "I7: {flying:?} was in flight and {doubts:?} is in doubt"
            ));
        }
        let mut runs: Vec<&String> = doubts.iter().map(|(run, _)| run).collect();
        runs.dedup();
        // Told to end, a run may still be looking what became of its change when the next one begins: several may be in doubt, each with one step.
        let known = |(run, step): &(String, usize)| outcome_on_disk(console, run, *step);
        if runs.len() < doubts.len() || doubts.iter().any(known) {
            return Err(format!("I7: too many steps are in doubt: {doubts:?}"));
        }
        let interrupted: Vec<String> = ledger.interrupted(None).map(|run| run.id.clone()).collect();
        let known = &console.state.conduct.ledger;
        if (&known.entries, &known.runs) != (&ledger.entries, &ledger.runs) {
            return Err("I7: the next console reads another journal".to_owned());
        }
        let Some(id) = interrupted.last() else {
            return Ok(());
        };
        console.arm();
        let effects = conduct::go_on(&mut console.state, id);
        console.carry(effects);
        console.pass(2);
        confirm(console, overriding);
        self.run(console, tally);
        Ok(())
    }
}

fn start(console: &mut Console, intent: Intent, overriding: bool, continues: Option<String>) {
    let effects = conduct::propose(&mut console.state, intent, continues);
    console.carry(effects);
    console.pass(2);
    if console.dead {
        return;
    }
    confirm(console, overriding);
}

fn confirm(console: &mut Console, overriding: bool) {
    if overriding && let Some(draft) = &console.state.conduct.draft {
        let names: Vec<&str> = draft
            .blocking()
            .filter(|guard| guard.id.power() == Power::Overridable)
            .map(|guard| guard.id.name())
            .collect();
        for name in names {
            let _ = conduct::override_guard(&mut console.state, &format!("{name} a property"));
        }
    }
    let open =
        console.state.conduct.draft.is_some() && conduct::obstacles(&console.state).is_empty();
    if open {
        let effects = conduct::start(&mut console.state, &["typed".to_owned()]);
        console.carry(effects);
    }
}

/// What was broken, and whether anything was done twice.
fn check(console: &Console) -> Result<(), String> {
    use pilothouse::resources::change::Alter;
    let taken: Vec<_> = console
        .sent
        .iter()
        .filter(|sent| sent.result.is_ok())
        .collect();
    for (at, sent) in taken.iter().enumerate() {
        let same = |other: &&&super::console::Sent| other.change.target() == sent.change.target();
        let next = taken[at + 1..].iter().find(same);
        if let Some(next) = next
            && next.change.edits() == sent.change.edits()
            && console.drifted_at < sent.at
            // What an API only says that it did may be sent again once a read shows that it did not.
            && truth_took(console, sent)
        {
            return Err(format!("I7: applied twice: {:?}", sent.change.edits()));
        }
    }
    match console.broken.first() {
        Some(broken) => Err(broken.clone()),
        None => Ok(()),
    }
}

/// Whether the journal says that a change was seen done.
fn truth_took(console: &Console, sent: &super::console::Sent) -> bool {
    let ledger = console.ledger();
    let found = ledger.run(&sent.run).and_then(|run| {
        run.sent
            .iter()
            .find(|known| known.step == sent.step)
            .and_then(|known| known.outcome)
    });
    found == Some(pilothouse::plan::entry::Outcome::Verified)
}

pub fn env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn shard(number: u64, crashes: f64) {
    let seed = env("PILOTHOUSE_SEED").unwrap_or(0) * 10 + number;
    let cases = env("PILOTHOUSE_CASES").unwrap_or(2_300) as u32;
    let config = Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        max_shrink_iters: 3_000,
        ..Config::default()
    };
    let began = std::time::Instant::now();
    let total = RefCell::new(Tally::default());
    let outcome = TestRunner::new(config).run(&case(crashes), |case| {
        let tally = case.live().map_err(TestCaseError::fail)?;
        let mut total = total.borrow_mut();
        total.planned += tally.planned;
        total.started += tally.started;
        total.sent += tally.sent;
        total.done += tally.done;
        total.halted += tally.halted;
        total.crashed += tally.crashed;
        total.beside += tally.beside;
        Ok(())
    });
    let total = total.into_inner();
    println!(
        "seed {seed}: {cases} cases in {:?}: {total:?}",
        began.elapsed()
    );
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => panic!("seed {seed}: {why}\n{case:#?}"),
        Err(TestError::Abort(why)) => panic!("seed {seed}: {why}"),
    }
    // A property that never sends proves nothing.
    assert!(total.sent * 5 > total.planned, "{total:?}");
    assert!(total.done > 0 && total.beside > 0, "{total:?}");
}

#[test]
fn no_case_breaks_a_promise_first_shard() {
    shard(1, 0.02);
}

#[test]
fn no_case_breaks_a_promise_second_shard() {
    shard(2, 0.1);
}

#[test]
fn no_crash_leaves_a_doubt_unsaid_or_a_change_done_twice_first_shard() {
    shard(3, 0.9);
}

#[test]
fn no_crash_leaves_a_doubt_unsaid_or_a_change_done_twice_second_shard() {
    shard(4, 0.9);
}
