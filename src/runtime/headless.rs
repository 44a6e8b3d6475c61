//! A plan carried out without a screen, by the very state and run that the console has. Owns the order of the evening: observe, plan anew, compare, confirm, drive; decides no step.

mod ending;

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{
    LAST_CHANGE, carry::Carrier, clock::Clock, desk, journal::Records, lines::RunLines, once,
};
use crate::{
    actions::Refusal,
    effect::Effect,
    event::Event,
    plan::{
        GuardId, Intent, Plan,
        guard::Overrides,
        ledger::Ledger,
        run::{Phase, Told},
    },
    provider::Provider,
    resources::Fleet,
    state::{State, conduct, in_flight, update},
};

/// How long everything may take to be read before the plan is made anew.
pub const OBSERVE: Duration = Duration::from_secs(30);
/// How long the journal may take to be read.
const JOURNAL: Duration = Duration::from_secs(60);
/// How long what the plan builds on may take to be read once more for the guards.
const AGAIN: Duration = Duration::from_secs(15);
/// How long the API servers may take to say what they would say to its changes.
const REHEARSAL: Duration = Duration::from_secs(10);
/// How long the last entries may take to the disk.
const LAST_ENTRIES: Duration = Duration::from_secs(5);

/// Makes a plan of an intent.
pub type Replan = fn(&Fleet, &Ledger, &Intent) -> Result<Plan, Refusal>;

/// What is carried out, and the words with which it is confirmed.
#[derive(Debug, Clone)]
pub struct Order {
    /// The plan that somebody looked at.
    pub plan: Plan,
    /// How it is planned anew: `actions::plan`.
    pub replan: Replan,
    /// What was typed to confirm it.
    pub confirm: String,
    /// What was typed besides, where data is lost.
    pub accept_loss: Option<String>,
    /// Why: it arms the run, and is journaled.
    pub reason: String,
    /// Guards that are overridden, with reasons.
    pub overrides: BTreeMap<GuardId, String>,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every step was carried out and verified.
    Done,
    /// Nothing was sent, and why.
    Refused(Vec<String>),
    /// It could not be done: the journal, or an API that refused.
    Failed(String),
    /// A read showed that a change did not happen.
    NotTaken(String),
    /// Nobody knows what became of a change.
    Unknown(String),
    /// It holds, was aborted, or went back.
    Interrupted(String),
}

/// Where it is carried out.
pub struct World {
    /// Who is asked.
    pub provider: Arc<dyn Provider>,
    /// The time.
    pub clock: Clock,
    /// The journal and the locks.
    pub records: Records,
}

struct Drive<'a, W> {
    state: &'a mut State,
    carrier: Carrier,
    clock: Clock,
    answered: UnboundedReceiver<Event>,
    lines: RunLines,
    out: &'a mut W,
}

/// Carries an order out. `stop` is the wish to end: the change in flight is brought to its outcome first.
pub async fn run(
    state: &mut State,
    world: World,
    order: &Order,
    stop: impl Future<Output = ()>,
    out: &mut impl Write,
) -> io::Result<Verdict> {
    let mut stop = std::pin::pin!(stop);
    let (answers, answered) = unbounded_channel();
    state.conduct.journal_problem = Some(desk::BEING_READ.to_owned());
    let carrier = Carrier::new(world.provider, world.clock, world.records, answers);
    let mut drive = Drive {
        state,
        carrier,
        clock: world.clock,
        answered,
        lines: RunLines::default(),
        out,
    };
    let verdict = drive.order(order, &mut stop).await;
    drive.carrier.settle(LAST_ENTRIES).await;
    verdict
}

/// Reads the journal without carrying anything out: a plan looks at it too.
pub async fn observe(
    state: &mut State,
    provider: Arc<dyn Provider>,
    clock: Clock,
    records: &Records,
) -> Result<(), String> {
    let path = records.journal.clone();
    let entries = tokio::task::spawn_blocking(move || super::journal::read(&path)).await;
    let (entries, problem) = match entries.map_err(|error| error.to_string()).flatten() {
        Ok(entries) => (entries, None),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    update(
        state,
        Event::JournalOpened {
            entries,
            problem: problem.clone(),
        },
    );
    once::observe(state, provider, clock, OBSERVE).await;
    problem.map_or(Ok(()), Err)
}

impl<W: Write> Drive<'_, W> {
    async fn order(
        &mut self,
        order: &Order,
        stop: &mut (impl Future<Output = ()> + Unpin),
    ) -> io::Result<Verdict> {
        let read = tokio::time::timeout(JOURNAL, async {
            // No tick yet: nothing is asked before it is known whether anything may be done.
            while self.state.conduct.journal_problem.as_deref() == Some(desk::BEING_READ) {
                let Some(event) = self.answered.recv().await else {
                    break;
                };
                let effects = update(self.state, event);
                self.carry(effects);
            }
        });
        if read.await.is_err() {
            return Ok(Verdict::Failed("the journal cannot be read".to_owned()));
        }
        if let Some(problem) = &self.state.conduct.journal_problem {
            let text = format!("the journal cannot be written, so nothing was sent: {problem}");
            return Ok(Verdict::Failed(text));
        }
        tokio::select! {
            () = self.look(OBSERVE) => {}
            () = &mut *stop => return Ok(Verdict::Interrupted("nothing was sent".to_owned())),
        }
        let reasons = self.prepare(order).await;
        if !reasons.is_empty() {
            let effects = conduct::refuse(self.state, &order.plan, reasons.clone());
            self.carry(effects);
            return Ok(Verdict::Refused(reasons));
        }
        let typed = [Some(order.confirm.clone()), order.accept_loss.clone()];
        let typed: Vec<String> = typed.into_iter().flatten().collect();
        let effects = conduct::start(self.state, &typed);
        self.carry(effects);
        self.drive(stop).await
    }

    /// Makes the plan anew on what is seen now, arms, overrides; returns why it cannot be confirmed.
    async fn prepare(&mut self, order: &Order) -> Vec<String> {
        let mut reasons = mismatches(self.state, order);
        if !reasons.is_empty() {
            return reasons;
        }
        let (fleet, ledger) = (&self.state.fleet, &self.state.conduct.ledger);
        let plan = match (order.replan)(fleet, ledger, &order.plan.intent) {
            Ok(plan) => plan,
            Err(refusal) => return refusal.reasons,
        };
        reasons.extend(plan.differences(&order.plan));
        if !reasons.is_empty() {
            return reasons;
        }
        let effects = conduct::look_at(self.state, plan, None);
        self.carry(effects);
        // Guards look at the present: what they build on has been asked again, and is waited for.
        self.look(AGAIN).await;
        let armed_at = self.clock.now();
        let effects = conduct::arm(self.state, &order.reason);
        self.carry(effects);
        self.until(REHEARSAL, |state| conduct::rehearsed(state, armed_at))
            .await;
        let mut effects = Vec::new();
        conduct::judge(self.state);
        for (id, reason) in &order.overrides {
            if self.yields(*id) {
                continue;
            }
            let argument = format!("{} {reason}", id.name());
            self.state.notice = None;
            effects.extend(conduct::override_guard(self.state, &argument));
            reasons.extend(self.state.notice.take().map(|notice| notice.text));
        }
        self.carry(effects);
        reasons.extend(conduct::obstacles(self.state));
        reasons
    }

    /// What does not block by now needs no override, and one that was given is no reason to stop.
    fn yields(&self, id: GuardId) -> bool {
        let judged = self
            .state
            .conduct
            .draft
            .iter()
            .flat_map(|draft| &draft.guards);
        let mut of = judged.filter(|guard| guard.id == id);
        of.any(|guard| !guard.blocks(&Overrides::new()))
    }

    async fn drive(
        &mut self,
        stop: &mut (impl Future<Output = ()> + Unpin),
    ) -> io::Result<Verdict> {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut stopped: Option<tokio::time::Instant> = None;
        loop {
            self.say()?;
            if let Some(why) = self.stillborn() {
                self.say()?;
                return Ok(Verdict::Refused(vec![why]));
            }
            if let Some(verdict) = ending::verdict(self.state.conduct.runs.last()) {
                return Ok(verdict);
            }
            let late = stopped.is_some_and(|at| at.elapsed() > LAST_CHANGE);
            if stopped.is_some() && (late || !in_flight(self.state)) {
                return Ok(self.interrupted());
            }
            let event = tokio::select! {
                () = &mut *stop, if stopped.is_none() => {
                    stopped = Some(tokio::time::Instant::now());
                    Event::Lost { why: "the command was asked to end".to_owned() }
                }
                _ = ticks.tick() => Event::Tick { now: self.clock.now() },
                Some(event) = self.answered.recv() => event,
            };
            let effects = update(self.state, event);
            self.carry(effects);
        }
    }

    /// Why a run that has sent nothing cannot go on; it is ended, for nobody is there to decide.
    fn stillborn(&mut self) -> Option<String> {
        let run = self.state.conduct.active().next()?;
        let Phase::Halted { why } = &run.phase else {
            return None;
        };
        if run.progress.iter().any(|progress| progress.sent.is_some()) {
            return None;
        }
        let (id, why) = (run.id.clone(), why.clone());
        let effects = conduct::tell(self.state, &id, Told::Abort);
        self.carry(effects);
        Some(why)
    }

    fn interrupted(&self) -> Verdict {
        let doubt = self.state.conduct.ledger.runs.last();
        let doubt = doubt
            .and_then(|run| run.doubt())
            .map(|sent| sent.title.clone());
        match doubt {
            Some(title) if in_flight(self.state) => {
                Verdict::Unknown(format!("it is not known what became of: {title}"))
            }
            Some(_) | None => {
                Verdict::Interrupted("it holds where it is; what was done stays".to_owned())
            }
        }
    }

    /// Reads until everything that is due has answered or failed, or for a time. What answers later still arrives.
    async fn look(&mut self, at_most: Duration) {
        self.until(at_most, |state| state.schedule.settled()).await;
        self.state.settle();
    }

    /// Goes on until something is so, or for a time.
    async fn until(&mut self, at_most: Duration, so: impl Fn(&State) -> bool) {
        let started = tokio::time::Instant::now();
        loop {
            let now = self.clock.now();
            let effects = update(self.state, Event::Tick { now });
            self.carry(effects);
            if so(self.state) || started.elapsed() >= at_most {
                return;
            }
            let pause = Duration::from_millis(200);
            if let Ok(Some(event)) = tokio::time::timeout(pause, self.answered.recv()).await {
                let effects = update(self.state, event);
                self.carry(effects);
            }
        }
    }

    fn carry(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            // What concerns a screen has no place here.
            let _ = self.carrier.carry(effect, self.state);
        }
    }

    fn say(&mut self) -> io::Result<()> {
        let lines = self.lines.new_ones(self.state);
        let written = lines
            .iter()
            .try_for_each(|line| writeln!(self.out, "{line}"));
        match written.and_then(|()| self.out.flush()) {
            // Nobody reads any more: the run goes on, for half of it is worse than all of it.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}

/// What the order itself says against it.
fn mismatches(state: &State, order: &Order) -> Vec<String> {
    let plan = &order.plan;
    let mut reasons = Vec::new();
    let environment = &state.fleet.estate.environment;
    if plan.environment != *environment {
        reasons.push(format!(
            "the plan is for the environment {}, and this is {environment}",
            plan.environment
        ));
    }
    if plan.expired(state.now) {
        reasons.push(expired(plan, state.now));
    }
    let phrase = if plan.phrase.is_empty() {
        "y"
    } else {
        &plan.phrase
    };
    if order.confirm != phrase {
        reasons.push(format!("not confirmed: --confirm takes exactly `{phrase}`"));
    }
    let loss = order.accept_loss.as_deref().unwrap_or_default();
    if loss != plan.loss_phrase {
        reasons.push(format!(
            "the loss is not accepted: --accept-loss takes exactly `{}`",
            plan.loss_phrase
        ));
    }
    reasons
}

fn expired(plan: &Plan, now: Timestamp) -> String {
    format!(
        "the plan was made {} s ago and holds for {} s: plan again",
        crate::resources::age(plan.made_at, now).as_secs(),
        crate::plan::LIFE.as_secs()
    )
}
