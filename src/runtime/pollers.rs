//! Carries out `Effect::Observe`: one spawned future per question, each with a last deadline, so that a provider that hangs delays nobody. Decides nothing about when.

use std::{sync::Arc, time::Duration};

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
            let result =
                tokio::time::timeout(LAST_DEADLINE, this.provider.observe(query.clone())).await;
            let result = result.unwrap_or_else(|_| {
                Err(ProviderError::new(
                    ErrorClass::Timeout,
                    query.source.name(),
                    format!("no answer in {} s", LAST_DEADLINE.as_secs()),
                ))
            });
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
