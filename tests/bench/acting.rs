//! How long acting takes: planning, judging, writing down, and the way from the confirmation to the first call. Owns no judgement of it.

use std::{
    io::Write as _,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use divan::{Bencher, black_box};
use futures::{FutureExt, future::BoxFuture};
use pilothouse::{
    actions::{self, ACTIONS},
    arm::ArmToken,
    event::Event,
    plan::{
        Intent, Plan, Work, digest,
        entry::{Ending, Entry, Outcome, What},
        guard::{self, Power, Subject},
        ledger::Ledger,
    },
    provider::Provider,
    resources::{
        Answer, Change, ProviderError, Query,
        change::{ApplyError, Receipt},
    },
    runtime::{
        carry::Carrier,
        clock::Clock,
        journal::{Book, Line, Records, Who},
    },
    sim::SimProvider,
    state::{State, conduct, update},
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::world;

/// Regions of the estates on which is planned.
const REGIONS: [usize; 2] = [3, 30];
/// Lines of a journal that somebody has had for years.
const LONG: usize = 100_000;

fn state(regions: usize) -> State {
    world::console(regions, 20, (80, 24))
}

/// What an action can be asked for, with the options that it needs.
fn intent(state: &State, ledger: &Ledger, action: &str) -> Option<Intent> {
    let found = actions::find(action).ok()?;
    let wanted = |target: String| {
        let mut intent = Intent {
            action: action.to_owned(),
            target,
            ..Intent::default()
        };
        if action == "shift-weights" {
            intent.options.percent = Some(10.0);
        }
        actions::plan(&state.fleet, ledger, &intent)
            .ok()
            .map(|_| intent)
    };
    let targets = found.targets(&state.fleet, ledger);
    targets.into_iter().find_map(wanted)
}

fn plan(state: &State, action: &str) -> Plan {
    let ledger = Ledger::default();
    let intent = intent(state, &ledger, action).unwrap();
    actions::plan(&state.fleet, &ledger, &intent).unwrap()
}

/// What a journal says of a run that went well.
fn entries(run: &str, plan: &Plan) -> Vec<Entry> {
    let entry = |step, what| Entry {
        at: plan.made_at,
        run: Some(run.to_owned()),
        step,
        what,
    };
    let mut entries = vec![entry(
        None,
        What::Confirmed {
            plan: Box::new(plan.clone()),
            hash: plan.hash(),
            guards: Vec::new(),
            overrides: Default::default(),
            typed: plan.phrase.clone(),
            reason: "a benchmark".to_owned(),
        },
    )];
    for (at, step) in plan.steps.iter().enumerate() {
        let evidence = "a read shows it".to_owned();
        match &step.work {
            Work::Change(change) => {
                let sending = What::Sending {
                    title: step.title.clone(),
                    change: change.clone(),
                };
                let receipt = Receipt::default();
                let outcome = Outcome::Verified;
                entries.push(entry(Some(at), sending));
                entries.push(entry(Some(at), What::Accepted { receipt }));
                entries.push(entry(Some(at), What::Concluded { outcome, evidence }));
            }
            Work::Wait(_) => entries.push(entry(Some(at), What::Waited { evidence })),
        }
    }
    let text = "done and verified".to_owned();
    let ending = Ending::Done;
    entries.push(entry(None, What::Ended { ending, text }));
    entries
}

/// Every action that can be planned on a calm estate, on a small and on a big one.
fn plannable() -> Vec<String> {
    let small = state(REGIONS[0]);
    let drained = drained(&small);
    let names = ACTIONS.iter().map(|action| action.name());
    names
        .filter(|name| intent(&small, &drained, name).is_some())
        .flat_map(|name| REGIONS.map(|regions| format!("{name} {regions}")))
        .collect()
}

/// A journal that says that a region was drained, so that something can be undone.
fn drained(state: &State) -> Ledger {
    Ledger::of(entries("r1", &plan(state, "drain-region")))
}

#[divan::bench(args = plannable())]
fn planned(bencher: Bencher<'_, '_>, case: &str) {
    let (action, regions) = case.split_once(' ').unwrap();
    let state = state(regions.parse().unwrap());
    let ledger = drained(&state);
    let intent = intent(&state, &ledger, action).unwrap();
    bencher.bench_local(|| actions::plan(black_box(&state.fleet), &ledger, &intent).unwrap());
}

#[divan::bench(args = REGIONS)]
fn hashed(bencher: Bencher<'_, '_>, regions: usize) {
    let plan = plan(&state(regions), "drain-region");
    bencher.bench_local(|| black_box(&plan).hash());
}

#[divan::bench(args = REGIONS)]
fn guards_judged(bencher: Bencher<'_, '_>, regions: usize) {
    let state = state(regions);
    let plan = plan(&state, "drain-region");
    let (ids, ledger) = (plan.guards(), Ledger::default());
    bencher.bench_local(|| {
        let subject = Subject {
            fleet: &state.fleet,
            plan: &plan,
            ahead: &plan.steps,
            ledger: &ledger,
            beside: &[],
        };
        guard::judge(black_box(subject), &ids)
    });
}

/// An entry on disk, `fdatasync` included.
#[divan::bench]
fn journaled(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let (mut book, _) = Book::open(&Records::within(folder.path()).journal).unwrap();
    let who = Who::of_process();
    let entry = entries("r1", &plan(&state(REGIONS[0]), "drain-region")).swap_remove(1);
    bencher
        .with_inputs(|| entry.clone())
        .bench_local_values(|entry| book.append(entry, &who).unwrap());
}

/// A journal of drains, as `journal` writes it.
fn long() -> &'static PathBuf {
    static LONG_ONE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = LONG_ONE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let file = std::fs::File::create(&path).unwrap();
        let mut file = std::io::BufWriter::new(file);
        let who = Who::of_process();
        let drain = entries("r1", &plan(&state(REGIONS[0]), "drain-region"));
        let mut previous = "0".repeat(64);
        for (sequence, entry) in (1..=LONG as u64).zip(drain.iter().cycle()) {
            let run = sequence / drain.len() as u64;
            let line = Line {
                sequence,
                previous,
                torn: None,
                who: who.clone(),
                entry: Entry {
                    run: Some(format!("r{run}")),
                    ..entry.clone()
                },
            };
            let body = serde_json::to_string(&line).unwrap();
            previous = digest(body.as_bytes());
            let open = body.strip_suffix('}').unwrap();
            writeln!(file, "{open},\"hash\":\"{previous}\"}}").unwrap();
        }
        file.flush().unwrap();
        (folder, path)
    });
    path
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn journal_of_100_000_lines_opened(bencher: Bencher<'_, '_>) {
    let path = long();
    println!("{} MB", std::fs::metadata(path).unwrap().len() / 1_000_000);
    bencher.bench_local(|| Book::open(path).unwrap());
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn ledger_of_100_000_entries(bencher: Bencher<'_, '_>) {
    let (_, entries) = Book::open(long()).unwrap();
    bencher
        .with_inputs(|| entries.clone())
        .bench_local_values(Ledger::of);
}

/// A world that tells when a change reaches it.
struct Reached(SimProvider, UnboundedSender<()>);

impl Provider for Reached {
    fn observe(&self, query: Query) -> BoxFuture<'_, Result<Answer, ProviderError>> {
        self.0.observe(query)
    }

    fn apply(&self, _: ArmToken, _: Change) -> BoxFuture<'_, Result<Receipt, ApplyError>> {
        let _ = self.1.send(());
        futures::future::pending().boxed()
    }
}

/// The console before the confirmation of a drain, if nothing stands against it that is not overridden.
fn confirmable(state: &State, target: String) -> Option<State> {
    let mut ready = state.clone();
    let mut intent = Intent {
        action: "drain-region".to_owned(),
        target,
        ..Intent::default()
    };
    intent.options.now = true;
    let _ = conduct::propose(&mut ready, intent, None);
    let blocking = ready.conduct.draft.as_ref()?.blocking();
    let overridable = blocking.filter(|guard| guard.id.power() == Power::Overridable);
    let names: Vec<&str> = overridable.map(|guard| guard.id.name()).collect();
    for name in names {
        let _ = conduct::override_guard(&mut ready, &format!("{name} a benchmark"));
    }
    conduct::obstacles(&ready).is_empty().then_some(ready)
}

/// From the last key of a confirmation to the call of the API: locks, two entries on disk, the read before the change (which answers at once here), guards.
#[divan::bench(args = REGIONS, sample_count = 20, sample_size = 1)]
fn confirmed_until_the_first_call(bencher: Bencher<'_, '_>, regions: usize) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut ready = state(regions);
    conduct::opened(&mut ready, Vec::new(), None);
    let _ = conduct::arm(&mut ready, "a benchmark");
    let drain = actions::find("drain-region").unwrap();
    let mut targets = drain.targets(&ready.fleet, &Ledger::default()).into_iter();
    // The first region that may be drained: another one may be the only one that answers for a name.
    let ready = targets
        .find_map(|target| confirmable(&ready, target))
        .expect("a region that may be drained");
    bencher
        .with_inputs(|| {
            let _inside = runtime.enter();
            let folder = tempfile::tempdir().unwrap();
            let (sender, events) = unbounded_channel();
            let (reached, calls) = unbounded_channel();
            let provider = Arc::new(Reached(world::provider(regions, 20), reached));
            let clock = Clock::simulated(world::NOW, 1.0);
            let carrier = Carrier::new(provider, clock, Records::within(folder.path()), sender);
            runtime.block_on(carrier.settle(Duration::from_secs(5)));
            (folder, carrier, events, calls, ready.clone())
        })
        .bench_local_values(|(folder, carrier, mut events, mut calls, mut state)| {
            runtime.block_on(async {
                let typed = ["typed".to_owned()];
                let mut effects = conduct::start(&mut state, &typed);
                loop {
                    for effect in effects.drain(..) {
                        let _ = carrier.carry(effect, &state);
                    }
                    tokio::select! {
                        _ = calls.recv() => return,
                        Some(event) = events.recv() => {
                            if !matches!(event, Event::JournalOpened { .. }) {
                                effects = update(&mut state, event);
                            }
                        }
                    }
                }
            });
            (folder, carrier)
        });
}
