//! Carries out `Effect::Observe`: one spawned future per question, each with a last deadline, so that a provider that hangs delays nobody. Decides nothing about when.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::{sync::mpsc::UnboundedSender, time::Instant};

use super::clock::Clock;
use crate::{
    event::Event,
    provider::Provider,
    resources::{ErrorClass, ProviderError, Query},
};

/// The provider has deadlines of its own; this one holds even if it breaks its promise.
const LAST_DEADLINE: Duration = Duration::from_secs(40);

/// Asks a provider and sends the answers as events.
#[derive(Clone)]
pub struct Pollers {
    provider: Arc<dyn Provider>,
    clock: Clock,
    sender: UnboundedSender<Event>,
}

impl Pollers {
    /// Pollers that send their answers to a channel.
    pub fn new(provider: Arc<dyn Provider>, clock: Clock, sender: UnboundedSender<Event>) -> Self {
        Self {
            provider,
            clock,
            sender,
        }
    }

    /// Asks one question.
    pub fn ask(&self, query: Query) {
        let this = self.clone();
        tokio::spawn(async move {
            let started = Instant::now();
            let failed =
                |class, text: String| Err(ProviderError::new(class, query.source.name(), text));
            // Asking may panic, and so may what is asked for: an answer comes all the same.
            let asked = AssertUnwindSafe(async { this.provider.observe(query.clone()).await });
            let result = match tokio::time::timeout(LAST_DEADLINE, asked.catch_unwind()).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => failed(
                    ErrorClass::Terminal,
                    "the console's own reader failed, which is a bug".to_owned(),
                ),
                Err(_) => failed(
                    ErrorClass::Timeout,
                    format!("no answer in {} s", LAST_DEADLINE.as_secs()),
                ),
            };
            let took = started.elapsed().mul_f64(this.clock.speed());
            // Nobody listens any more when the console is leaving.
            let _ = this.sender.send(Event::Observed {
                query,
                at: this.clock.now(),
                took,
                result,
            });
        });
    }
}
