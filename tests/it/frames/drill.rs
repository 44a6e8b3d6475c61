//! The console on the simulator, second by second in virtual time: the same seed gives the same frames on any machine.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use pilothouse::{
    config::{keymap_file, library::Library},
    effect::Effect,
    event::Event,
    provider::Provider,
    sim::{Clock, Scenario, SimProvider},
    state::{Look, Mode, State, update},
};

/// Where the demo starts, so that a picture shows what a newcomer sees.
const START: i64 = 1_767_581_580;

/// Time that moves when the drill says so.
struct Manual(AtomicI64);

impl Clock for Manual {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }

    fn speed(&self) -> f64 {
        1.0
    }
}

/// A console that watched a scenario for some seconds and was then typed at.
pub fn watched(scenario: &str, seconds: i64, size: (u16, u16), keys: &[&str]) -> State {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(watch(scenario, seconds, size, keys))
}

async fn watch(scenario: &str, seconds: i64, size: (u16, u16), keys: &[&str]) -> State {
    let scenario = Scenario::named(scenario).unwrap().unwrap();
    let clock = Arc::new(Manual(AtomicI64::new(START)));
    let provider = SimProvider::starting(&scenario, scenario.seed, clock.now(), clock.clone());
    let mode = Mode::Sim {
        scenario: scenario.name.clone(),
        seed: scenario.seed,
    };
    let keymap = keymap_file::load(&Library::default(), "default").unwrap();
    let estate = Arc::new(provider.estate());
    let mut state = State::new(estate, clock.now(), mode, keymap, Look::default(), size);
    let mut pending = BTreeMap::new();
    for second in 0..=seconds {
        clock.0.store(START + second, Ordering::Relaxed);
        let later = pending.split_off(&(clock.now() + Duration::from_nanos(1), 0));
        let due = std::mem::replace(&mut pending, later).into_values();
        let mut effects: Vec<Effect> = due.flat_map(|event| update(&mut state, event)).collect();
        effects.extend(update(&mut state, Event::Tick { now: clock.now() }));
        for effect in effects {
            let Effect::Observe(query) = effect else {
                continue;
            };
            let asked = tokio::time::Instant::now();
            let result = provider.observe(query.clone()).await;
            let took = asked.elapsed();
            let at = clock.now() + took;
            let event = Event::Observed {
                query,
                at,
                took,
                result,
            };
            pending.insert((at, pending.len()), event);
        }
    }
    for key in keys {
        state.settle();
        let key = key.parse().unwrap();
        update(&mut state, Event::Key { key });
    }
    state.settle();
    state
}
