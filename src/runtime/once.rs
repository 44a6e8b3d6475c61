//! Asks everything once, for the commands that print and end. Says on standard error what it waits for when that takes longer than a second.

use std::{
    collections::BTreeSet,
    io::{IsTerminal, Write},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::mpsc::unbounded_channel, time::Instant};

use super::{clock::Clock, pollers::Pollers};
use crate::{
    effect::Effect,
    event::Event,
    provider::Provider,
    resources::{Place, Source},
    state::{State, update},
};

/// Asks everything once and returns when all has answered or failed, or after a time: what is missing then shows as never read.
pub async fn observe(
    state: &mut State,
    provider: Arc<dyn Provider>,
    clock: Clock,
    at_most: Duration,
) {
    let (answers, mut answered) = unbounded_channel();
    let pollers = Pollers::new(provider, clock, answers);
    let started = Instant::now();
    let mut waiting: BTreeSet<(Source, Place)> = BTreeSet::new();
    let mut progress = Progress::new();
    loop {
        for effect in update(state, Event::Tick { now: clock.now() }) {
            if let Effect::Observe(query) = effect
                && waiting.insert((query.source, query.place.clone()))
            {
                pollers.ask(query);
            }
        }
        if state.schedule.settled() || started.elapsed() >= at_most {
            break;
        }
        if let Ok(Some(event)) =
            tokio::time::timeout(Duration::from_millis(200), answered.recv()).await
        {
            if let Event::Observed { query, .. } = &event {
                waiting.remove(&(query.source, query.place.clone()));
            }
            update(state, event);
        }
        progress.show(started.elapsed(), &waiting);
    }
    progress.clear();
    state.settle();
}

/// One line on standard error that is written over, and only on a terminal.
struct Progress {
    terminal: bool,
    shown: bool,
}

impl Progress {
    fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            shown: false,
        }
    }

    fn show(&mut self, elapsed: Duration, waiting: &BTreeSet<(Source, Place)>) {
        if self.terminal && elapsed > Duration::from_secs(1) && !waiting.is_empty() {
            let first = waiting
                .iter()
                .next()
                .map(|(source, place)| format!("{} at {place}", source.name()))
                .unwrap_or_default();
            let more = waiting.len().saturating_sub(1);
            let _ = write!(
                std::io::stderr(),
                "\r\x1b[K{} s: waiting for {first} and {more} more",
                elapsed.as_secs()
            );
            self.shown = true;
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
