//! A console on a simulated world that is looked at from both sides: what it is told, and what is true. Owns the order of events and the journal in memory; what must never be seen is in `truth`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::Timestamp;
use pilothouse::{
    arm::Written,
    config::key::Key,
    effect::Effect,
    event::Event,
    plan::{
        entry::{Entry, What},
        ledger::Ledger,
        run::{Phase, Told},
    },
    resources::{
        Change,
        change::{ApplyError, Receipt},
    },
    sim::{Clock, SimProvider, World},
    state::{
        State,
        conduct::{self, Conduct},
        update,
    },
};

use super::truth;
use crate::scenarios::drill::Watch;

/// A change that was handed to the world.
pub struct Sent {
    /// The run.
    pub run: String,
    /// The step.
    pub step: usize,
    /// The change.
    pub change: Change,
    /// What the API said, whether or not that arrives.
    pub result: Result<Receipt, ApplyError>,
    /// When.
    pub at: i64,
}

/// A console and its world.
pub struct Console {
    /// What it knows.
    pub state: State,
    /// Where it acts.
    pub world: SimProvider,
    /// What is on disk.
    pub journal: Vec<Entry>,
    /// What was sent.
    pub sent: Vec<Sent>,
    /// Which promises were broken.
    pub broken: Vec<String>,
    /// After how many effects it is killed.
    pub dies_after: Option<usize>,
    /// Whether it was killed.
    pub dead: bool,
    /// From which entry on the disk is full.
    pub disk_full_from: Option<usize>,
    /// When somebody else changed something.
    pub drifted_at: i64,
    /// What is locked.
    pub locks: BTreeMap<String, Vec<String>>,
    watch: Arc<Watch>,
    on_the_way: BTreeMap<(i64, u64), Event>,
    asked: u64,
    effects: usize,
}

impl Console {
    /// A console that has seen a world, at a time in milliseconds.
    pub fn new(world: World, state: State, now: i64) -> Self {
        let watch = Arc::new(Watch(AtomicI64::new(now)));
        let clock: Arc<dyn Clock> = Arc::<Watch>::clone(&watch);
        Self {
            state,
            world: SimProvider::of(world, clock),
            journal: Vec::new(),
            sent: Vec::new(),
            broken: Vec::new(),
            dies_after: None,
            dead: false,
            disk_full_from: None,
            drifted_at: i64::MIN,
            locks: BTreeMap::new(),
            watch,
            on_the_way: BTreeMap::new(),
            asked: 0,
            effects: 0,
        }
    }

    /// Now, in milliseconds.
    pub fn now(&self) -> i64 {
        self.watch.0.load(Ordering::Relaxed)
    }

    /// Applies an event.
    pub fn apply(&mut self, event: Event) {
        let effects = update(&mut self.state, event);
        self.carry(effects);
    }

    /// Carries effects out.
    pub fn carry(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if self.dead {
                return;
            }
            match effect {
                Effect::Observe(query) => {
                    let reply = self.world.reply(&query);
                    let late = i64::try_from(reply.latency.as_millis()).unwrap();
                    let event = Event::Observed {
                        query,
                        at: Timestamp::from_millisecond(self.now() + late).unwrap(),
                        took: reply.latency,
                        result: reply.result,
                    };
                    self.arrive(late, event);
                }
                Effect::Lock { run, targets, .. } => {
                    let taken = |held: &Vec<String>| held.iter().any(|held| targets.contains(held));
                    let result = if self.locks.values().any(taken) {
                        Err("held by another run".to_owned())
                    } else {
                        Ok(())
                    };
                    if result.is_ok() {
                        self.locks.insert(run.clone(), targets);
                    }
                    self.arrive(1, Event::Locked { run, result });
                    self.count();
                }
                Effect::Unlock { run } => drop(self.locks.remove(&run)),
                Effect::Journal(entry) => self.write(entry),
                Effect::Apply {
                    run, step, change, ..
                } => self.send(run, step, *change),
                Effect::DropKeys
                | Effect::Quit
                | Effect::Suspend
                | Effect::Redraw
                | Effect::Link
                | Effect::Theme(_)
                | Effect::Copy(_)
                | Effect::Export(..)
                | Effect::Picture(_)
                | Effect::Pager
                | Effect::EditConfig
                | Effect::Alert(_)
                | Effect::Remember(_) => {}
            }
        }
    }

    fn arrive(&mut self, late: i64, event: Event) {
        self.asked += 1;
        self.on_the_way
            .insert((self.now() + late, self.asked), event);
    }

    fn count(&mut self) {
        self.effects += 1;
        self.dead |= self.dies_after.is_some_and(|most| self.effects >= most);
    }

    fn write(&mut self, entry: Entry) {
        let full = self
            .disk_full_from
            .is_some_and(|from| self.journal.len() >= from);
        let result = if full {
            Err("no space left on device".to_owned())
        } else {
            truth::written(self, &entry);
            self.journal.push(entry.clone());
            Ok(Written {
                sequence: self.journal.len() as u64,
                hash: String::new(),
            })
        };
        let entry = Box::new(entry);
        self.arrive(2, Event::Journaled { entry, result });
        self.count();
    }

    fn send(&mut self, run: String, step: usize, change: Change) {
        truth::about_to_send(self, &run, step, &change);
        let before = self.world.inspect(World::clone);
        let reply = self.world.receive(&change);
        truth::sent(self, &before, &change, &reply.result);
        self.sent.push(Sent {
            run: run.clone(),
            step,
            change,
            result: reply.result.clone(),
            at: self.now(),
        });
        let late = i64::try_from(reply.latency.as_millis()).unwrap();
        let result = reply.result;
        self.arrive(late, Event::Applied { run, step, result });
        self.count();
    }

    /// Lets virtual seconds pass in one tick.
    pub fn pass(&mut self, seconds: i64) {
        let end = self.now() + seconds * 1_000;
        while let Some(next) = self
            .on_the_way
            .first_entry()
            .filter(|next| next.key().0 <= end)
        {
            self.watch.0.store(next.key().0, Ordering::Relaxed);
            let event = next.remove();
            self.apply(event);
            if self.dead {
                break;
            }
        }
        self.watch.0.store(end, Ordering::Relaxed);
        if !self.dead {
            let now = Timestamp::from_millisecond(end).unwrap();
            self.apply(Event::Tick { now });
        }
        truth::always(self);
    }

    /// Presses a key.
    pub fn key(&mut self, key: &str) {
        let key: Key = key.parse().unwrap();
        self.apply(Event::Key { key });
    }

    /// Starts a new console on what the killed one left: its journal, and a world that went on.
    pub fn next_console(&mut self) {
        self.dead = false;
        self.dies_after = None;
        self.disk_full_from = None;
        self.on_the_way.clear();
        self.locks.clear();
        self.state.conduct = Conduct::default();
        self.state.dialogs.clear();
        self.state.screen = pilothouse::state::Screen::Home;
        let entries = self.journal.clone();
        self.apply(Event::JournalOpened {
            entries,
            problem: None,
        });
    }

    /// What the journal on disk says.
    pub fn ledger(&self) -> Ledger {
        Ledger::of(self.journal.clone())
    }

    /// Arms it.
    pub fn arm(&mut self) {
        let effects = conduct::arm(&mut self.state, "a property");
        self.carry(effects);
    }

    /// Tells the runs in hand something that are in such a phase; whether there are any.
    pub fn tell(&mut self, such: impl Fn(&Phase) -> bool, told: Told) -> bool {
        let active = self.state.conduct.active();
        let runs = active.filter(|run| such(&run.phase));
        let ids: Vec<String> = runs.map(|run| run.id.clone()).collect();
        for id in &ids {
            let effects = conduct::tell(&mut self.state, id, told);
            self.carry(effects);
        }
        !ids.is_empty()
    }

    /// Whether the last entry of a run says that a step is being sent.
    pub fn last_of(&self, run: &str) -> Option<&Entry> {
        let of = |entry: &&Entry| entry.run.as_deref() == Some(run);
        self.journal.iter().rev().find(of)
    }

    /// The confirmation of a run.
    pub fn confirmation(&self, run: &str) -> Option<&Entry> {
        let of = |entry: &&Entry| {
            entry.run.as_deref() == Some(run) && matches!(entry.what, What::Confirmed { .. })
        };
        self.journal.iter().find(of)
    }
}
