//! A plan carried out without a screen, in virtual time on the simulator: what is sent, what is verified, what the journal says, and how it ends.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use jiff::Timestamp;
use pilothouse::{
    actions::{self, Refusal},
    arm::ArmToken,
    config::keymap::Keymap,
    plan::{
        Blast, Intent, OnBreach, Plan, Step, Wait, Work,
        entry::{Entry, Outcome, What},
        ledger::Ledger,
    },
    provider::Provider,
    resources::{
        Answer, Change, ErrorClass, Fleet, Place, ProviderError, Query, RegionLabel, Source,
        change::{ApplyError, Receipt},
        rehearsal::Rehearsal,
        traffic::{self, Mechanism},
    },
    runtime::{
        clock::Clock,
        headless::{self, Order, Verdict, World},
        journal::{self, Records, Who},
        locks::{Locks, Note},
        once,
    },
    sim::{SimProvider, scenario::Scenario, world::Transition},
    state::{Look, Mode, State},
};

const START: Timestamp = Timestamp::constant(1_767_581_580, 0);
const PHRASE: &str = "eu-west-1 25%";

/// What becomes of a change.
#[derive(Clone, Copy, PartialEq)]
enum Api {
    /// It is done and acknowledged.
    Works,
    /// It is acknowledged and never done.
    Lies,
    /// It is done, and the answer is lost.
    Mute,
}

/// A simulated world whose dials can be turned.
struct Bench {
    sim: SimProvider,
    api: Api,
    sent: AtomicUsize,
    /// Why a policy of the API servers refuses every change.
    policy: Option<&'static str>,
}

impl Provider for Bench {
    fn observe(&self, query: Query) -> BoxFuture<'_, Result<Answer, ProviderError>> {
        let rehearsed = query.wanted.rehearsal().is_some();
        async move {
            let mut answer = self.sim.observe(query).await?;
            if let Some(why) = self.policy.filter(|_| rehearsed) {
                let operation = "kubernetes:PatchDeployments";
                let error = ProviderError::new(ErrorClass::Terminal, operation, why);
                answer.rehearsal = Some(Rehearsal::Refused(error));
            }
            Ok(answer)
        }
        .boxed()
    }

    fn apply(&self, _: ArmToken, change: Change) -> BoxFuture<'_, Result<Receipt, ApplyError>> {
        async move {
            self.sent.fetch_add(1, Ordering::Relaxed);
            let Change::Traffic(traffic::Change::Dial { region, to, .. }) = change else {
                panic!("{change:?}")
            };
            let estate = self.sim.estate();
            let index = estate
                .regions
                .iter()
                .position(|spec| spec.aws_region.as_deref() == Some(region.as_str()));
            if self.api != Api::Lies {
                let turn = Transition::Dial {
                    region: index.unwrap(),
                    percent: to,
                };
                self.sim.change(&turn).unwrap();
            }
            if self.api == Api::Mute {
                futures::future::pending::<()>().await;
            }
            Ok(Receipt::default())
        }
        .boxed()
    }
}

/// Turns the dial of a region from what it is now to 25, waits, and turns it to 0.
fn plan(fleet: &Fleet, _: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
    let groups = fleet
        .traffic
        .rows()
        .filter_map(|(_, _, row)| match &row.by {
            Mechanism::Dial(group) if group.region == intent.target => Some(group),
            _ => None,
        });
    let group = groups
        .last()
        .ok_or_else(|| Refusal::new("there is no endpoint group", "look again"))?;
    let turn = |from: f64, to: f64| Step {
        title: format!("Turn the dial of {} to {to}", group.region),
        work: Work::Change(Change::Traffic(traffic::Change::Dial {
            accelerator_arn: group.accelerator_arn.clone(),
            group_arn: group.group_arn.clone(),
            region: group.region.clone(),
            from,
            to,
        })),
        expected_seconds: 60,
        deadline_seconds: 120,
        guards: Vec::new(),
    };
    let wait = Step {
        title: "Watch".to_owned(),
        work: Work::Wait(Wait::Tail {
            region: RegionLabel::new("eu-west-1").unwrap(),
            seconds: 120,
            baseline_rps: Some(fleet.now.as_second() as f64),
            below_percent: 1_000.0,
        }),
        expected_seconds: 120,
        deadline_seconds: 600,
        guards: Vec::new(),
    };
    Ok(Plan {
        intent: intent.clone(),
        title: format!("Turn {} off", group.region),
        environment: fleet.estate.environment.clone(),
        account: None,
        made_at: fleet.now,
        steps: vec![turn(group.dial, 25.0), wait, turn(25.0, 0.0)],
        forecast: Vec::new(),
        remarks: Vec::new(),
        blast: Blast::L3,
        phrase: PHRASE.to_owned(),
        loss_phrase: String::new(),
        on_breach: OnBreach::Hold,
        marks: Vec::new(),
        until: None,
    })
}

struct Evening {
    bench: Arc<Bench>,
    clock: Clock,
    folder: tempfile::TempDir,
    state: State,
    out: Vec<u8>,
}

impl Evening {
    fn new(api: Api) -> Self {
        let scenario = Scenario::named("calm").unwrap().unwrap();
        let clock = Clock::simulated(START, 1.0);
        let sim = SimProvider::starting(&scenario, scenario.seed, START, Arc::new(clock));
        let mut evening = Self {
            bench: Arc::new(Bench {
                sim,
                api,
                sent: AtomicUsize::new(0),
                policy: None,
            }),
            clock,
            folder: tempfile::tempdir().unwrap(),
            state: State::new(
                Arc::default(),
                START,
                Mode::Live,
                Keymap::default(),
                Look::default(),
                (80, 24),
            ),
            out: Vec::new(),
        };
        evening.state = evening.fresh();
        evening
    }

    fn fresh(&self) -> State {
        State::new(
            Arc::new(self.bench.sim.estate()),
            self.clock.now(),
            Mode::Live,
            Keymap::default(),
            Look::default(),
            (80, 24),
        )
    }

    fn records(&self) -> Records {
        Records::within(self.folder.path())
    }

    /// The plan as another process would have written it down.
    async fn order(&self) -> Order {
        let mut state = self.fresh();
        let provider: Arc<dyn Provider> = self.bench.clone();
        once::observe(&mut state, provider, self.clock, Duration::from_secs(30)).await;
        let intent = Intent {
            action: "turn-off".to_owned(),
            target: "eu-west-1".to_owned(),
            ..Intent::default()
        };
        Order {
            plan: plan(&state.fleet, &Ledger::default(), &intent).unwrap(),
            replan: plan,
            confirm: PHRASE.to_owned(),
            accept_loss: None,
            reason: "a test".to_owned(),
            overrides: Default::default(),
        }
    }

    async fn run(&mut self, order: &Order, stop: impl Future<Output = ()>) -> Verdict {
        let world = World {
            provider: self.bench.clone(),
            clock: self.clock,
            records: self.records(),
        };
        headless::run(&mut self.state, world, order, stop, &mut self.out)
            .await
            .unwrap()
    }

    fn sent(&self) -> usize {
        self.bench.sent.load(Ordering::Relaxed)
    }

    fn dial(&self) -> f64 {
        let query = Query {
            source: Source::Accelerators,
            place: Place::Global,
            wanted: pilothouse::resources::Wanted::Nothing,
            read: 1,
        };
        let answer = self.bench.sim.reply(&query).result.unwrap();
        let mut fleet = Fleet::new(Arc::new(self.bench.sim.estate()), self.clock.now());
        fleet.accept(&query, answer, self.clock.now(), Duration::ZERO);
        let found = fleet.traffic.rows().find_map(|(_, _, row)| match &row.by {
            Mechanism::Dial(group) if group.region == "eu-west-1" => Some(group.dial),
            _ => None,
        });
        found.unwrap()
    }

    fn journal(&self) -> Vec<Entry> {
        let path = self.records().journal;
        let proof = journal::verify(&path, None).unwrap().unwrap();
        assert!(proof.chain.torn.is_empty(), "{proof}");
        journal::read(&path).unwrap()
    }

    fn words(&self) -> Vec<&'static str> {
        let entries = self.journal();
        let words = entries
            .iter()
            .map(|entry| pilothouse::report::journal::words(&entry.what).0);
        words.collect()
    }

    fn printed(&self) -> String {
        String::from_utf8(self.out.clone()).unwrap()
    }
}

fn never() -> impl Future<Output = ()> {
    futures::future::pending()
}

/// How many lines of the journal were there when a change was sent.
fn sendings(entries: &[Entry]) -> usize {
    let sending = |entry: &&Entry| matches!(entry.what, What::Sending { .. });
    entries.iter().filter(sending).count()
}

#[tokio::test(start_paused = true)]
async fn a_confirmed_plan_is_journaled_sent_verified_and_paced() {
    let mut evening = Evening::new(Api::Works);
    let order = evening.order().await;
    let began = evening.clock.now();
    assert_eq!(evening.run(&order, never()).await, Verdict::Done);
    assert_eq!((evening.sent(), evening.dial()), (2, 0.0));
    let took = evening.clock.now().duration_since(began).as_secs();
    assert!((120..900).contains(&took), "it waited between: {took} s");
    assert_eq!(
        evening.words(),
        [
            "armed",
            "confirmed",
            "sending",
            "accepted",
            "VERIFIED",
            "waited",
            "sending",
            "accepted",
            "VERIFIED",
            "ended"
        ]
    );
    let printed = evening.printed();
    for part in [
        "Turn eu-west-1 off",
        "step 1/3 Turn the dial of eu-west-1 to 25: sent",
        "step 3/3 Turn the dial of eu-west-1 to 0: VERIFIED",
        "done and verified",
    ] {
        assert!(printed.contains(part), "{part}:\n{printed}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_exactly_confirmed_is_refused_and_written_down() {
    for (change, part) in [
        (
            (|order: &mut Order| order.confirm = "eu-west-1 24%".to_owned()) as fn(&mut Order),
            "not confirmed",
        ),
        (
            |order| order.plan.environment = "prod".to_owned(),
            "environment",
        ),
        (
            |order| order.plan.made_at -= jiff::SignedDuration::from_secs(121),
            "plan again",
        ),
        (|order| order.accept_loss = Some("yes".to_owned()), "loss"),
        (|order| order.reason = "  ".to_owned(), "not armed"),
    ] {
        let mut evening = Evening::new(Api::Works);
        let mut order = evening.order().await;
        change(&mut order);
        let Verdict::Refused(reasons) = evening.run(&order, never()).await else {
            panic!("{part}")
        };
        assert!(reasons.join("; ").contains(part), "{part}: {reasons:?}");
        assert_eq!(evening.sent(), 0, "{part}");
        assert!(evening.words().contains(&"refused"), "{part}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_world_that_moved_is_refused_with_what_moved() {
    let mut evening = Evening::new(Api::Works);
    let order = evening.order().await;
    let turn = Transition::Dial {
        region: evening
            .bench
            .sim
            .estate()
            .regions
            .iter()
            .position(|spec| spec.aws_region.as_deref() == Some("eu-west-1"))
            .unwrap(),
        percent: 80.0,
    };
    evening.bench.sim.change(&turn).unwrap();
    // An accelerator takes its time, and the plan has not expired yet.
    tokio::time::sleep(Duration::from_secs(100)).await;
    let Verdict::Refused(reasons) = evening.run(&order, never()).await else {
        panic!("{}", evening.printed())
    };
    let text = reasons.join("; ");
    assert!(text.contains("step 1") && text.contains("80"), "{text}");
    assert_eq!((evening.sent(), evening.dial()), (0, 80.0));
}

#[tokio::test(start_paused = true)]
async fn what_an_api_only_says_is_not_taken_and_what_it_keeps_silent_about_is_read() {
    let mut evening = Evening::new(Api::Lies);
    let order = evening.order().await;
    let verdict = evening.run(&order, never()).await;
    assert!(matches!(verdict, Verdict::NotTaken(_)), "{verdict:?}");
    assert_eq!(evening.sent(), 1, "nothing is sent twice, nothing goes on");
    let mut evening = Evening::new(Api::Mute);
    let order = evening.order().await;
    assert_eq!(evening.run(&order, never()).await, Verdict::Done);
    assert_eq!((evening.sent(), evening.dial()), (2, 0.0));
    assert!(
        evening.printed().contains("no answer"),
        "{}",
        evening.printed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_wish_to_end_brings_the_change_in_flight_to_its_outcome() {
    // While the accelerator still deploys, and while the run waits between two changes.
    for after in [40, 100] {
        let mut evening = Evening::new(Api::Works);
        let order = evening.order().await;
        let stop = Box::pin(tokio::time::sleep(Duration::from_secs(after)));
        let verdict = evening.run(&order, stop).await;
        assert!(matches!(verdict, Verdict::Interrupted(_)), "{verdict:?}");
        assert_eq!(evening.sent(), 1, "after {after} s");
        let entries = evening.journal();
        let ledger = Ledger::of(entries.clone());
        let run = ledger.interrupted(None).next().unwrap();
        assert_eq!(run.doubt(), None, "after {after} s");
        assert_eq!(run.sent[0].outcome, Some(Outcome::Verified));
        assert!(entries.iter().any(
            |entry| matches!(&entry.what, What::Held { why } if why.contains("asked to end"))
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_outlasts_the_wish_to_end_is_in_doubt() {
    let mut evening = Evening::new(Api::Lies);
    let order = evening.order().await;
    // What was accepted is not seen for longer than a process that is asked to end may stay.
    let stop = Box::pin(tokio::time::sleep(Duration::from_secs(10)));
    let verdict = evening.run(&order, stop).await;
    assert!(matches!(verdict, Verdict::Unknown(_)), "{verdict:?}");
    assert_eq!(evening.sent(), 1);
    let ledger = Ledger::of(evening.journal());
    let run = ledger.interrupted(None).next().unwrap();
    assert!(run.doubt().is_some(), "the next start says so");
}

#[tokio::test(start_paused = true)]
async fn what_is_killed_after_sending_is_in_doubt_at_the_next_start() {
    let mut evening = Evening::new(Api::Mute);
    let order = evening.order().await;
    let bench = evening.bench.clone();
    let world = World {
        provider: bench.clone(),
        clock: evening.clock,
        records: evening.records(),
    };
    let mut out = Vec::new();
    {
        let run = headless::run(&mut evening.state, world, &order, never(), &mut out);
        let sent = async {
            while bench.sent.load(Ordering::Relaxed) == 0 {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            verdict = run => panic!("{verdict:?}"),
            // Dropped where it stands, as by `kill -9`.
            () = sent => {}
        }
    }
    let entries = evening.journal();
    assert_eq!(sendings(&entries), 1);
    let ledger = Ledger::of(entries);
    let run = ledger.interrupted(None).next().unwrap();
    let doubt = run.doubt().unwrap();
    assert_eq!(
        (doubt.step, doubt.title.as_str()),
        (0, "Turn the dial of eu-west-1 to 25")
    );
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_another_console_holds_refuses_the_run() {
    let mut evening = Evening::new(Api::Works);
    let order = evening.order().await;
    let mut locks = Locks::new(&evening.records().locks);
    let note = |target: &str| Note {
        who: Who {
            user: "ana (1000)".to_owned(),
            ..Who::default()
        },
        target: target.to_owned(),
        why: "Drain eu-west-1".to_owned(),
        since: evening.clock.now(),
        run: "1a2b".to_owned(),
    };
    locks
        .take("1", &order.plan.targets(), note, evening.clock.now())
        .unwrap();
    let Verdict::Refused(reasons) = evening.run(&order, never()).await else {
        panic!("{}", evening.printed())
    };
    assert!(reasons[0].contains("held by ana (1000)"), "{reasons:?}");
    assert_eq!(evening.sent(), 0);
    locks.release("1");
    let order = evening.order().await;
    evening.state = evening.fresh();
    assert_eq!(evening.run(&order, never()).await, Verdict::Done);
}

#[tokio::test(start_paused = true)]
async fn without_a_journal_nothing_is_sent() {
    let mut evening = Evening::new(Api::Works);
    let order = evening.order().await;
    let world = World {
        provider: evening.bench.clone(),
        clock: evening.clock,
        records: Records {
            journal: Path::new("/proc/pilothouse/journal.jsonl").to_owned(),
            ..evening.records()
        },
    };
    let verdict = headless::run(&mut evening.state, world, &order, never(), &mut evening.out)
        .await
        .unwrap();
    let Verdict::Failed(text) = verdict else {
        panic!("{verdict:?}")
    };
    assert!(text.contains("/proc/pilothouse"), "{text}");
    assert_eq!(evening.sent(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_the_api_servers_would_refuse_is_asked_before_the_first_step() {
    let mut evening = Evening::new(Api::Works);
    if let Some(bench) = Arc::get_mut(&mut evening.bench) {
        bench.policy = Some("no pause without a ticket");
    }
    let mut state = evening.fresh();
    let provider: Arc<dyn Provider> = evening.bench.clone();
    once::observe(&mut state, provider, evening.clock, Duration::from_secs(30)).await;
    let paused = "pause-rollout";
    let targets = actions::find(paused)
        .unwrap()
        .targets(&state.fleet, &Ledger::default());
    let target = targets.iter().find(|target| target.contains('@')).unwrap();
    let intent = Intent {
        action: paused.to_owned(),
        target: target.clone(),
        ..Intent::default()
    };
    let plan = actions::plan(&state.fleet, &Ledger::default(), &intent).unwrap();
    let order = Order {
        confirm: if plan.phrase.is_empty() {
            "y".to_owned()
        } else {
            plan.phrase.clone()
        },
        plan,
        replan: actions::plan,
        accept_loss: None,
        reason: "a test".to_owned(),
        overrides: Default::default(),
    };
    let Verdict::Refused(reasons) = evening.run(&order, never()).await else {
        panic!("{}", evening.printed())
    };
    let text = reasons.join("; ");
    assert!(
        text.contains("G-ADMIT") && text.contains("no pause without a ticket"),
        "{text}"
    );
    assert_eq!(evening.sent(), 0);
}
