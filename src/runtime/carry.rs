//! Carries out what concerns the world: questions, changes, the journal, the locks. The console, its plain twin and the headless run share it. Decides nothing.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::sync::mpsc::UnboundedSender;

use super::{clock::Clock, desk::Desk, journal::Records, pollers::Pollers};
use crate::{
    arm::ArmToken,
    effect::Effect,
    event::Event,
    provider::Provider,
    resources::{
        Change, ErrorClass, ProviderError,
        change::{Alter, ApplyError, Fate},
    },
    state::State,
};

/// The provider has deadlines of its own; this one holds even if it breaks its promise. Then nobody knows what became of the change.
const LAST_DEADLINE: Duration = Duration::from_secs(60);

/// The way to the world.
pub struct Carrier {
    provider: Arc<dyn Provider>,
    clock: Clock,
    sender: UnboundedSender<Event>,
    pollers: Pollers,
    desk: Desk,
}

impl Carrier {
    /// A way to a provider; begins to read the journal.
    pub fn new(
        provider: Arc<dyn Provider>,
        clock: Clock,
        records: Records,
        sender: UnboundedSender<Event>,
    ) -> Self {
        Self {
            pollers: Pollers::new(Arc::clone(&provider), clock, sender.clone()),
            desk: Desk::open(records, sender.clone()),
            provider,
            clock,
            sender,
        }
    }

    /// Carries an effect out, or gives it back when it does not concern the world. Results come as events.
    pub fn carry(&self, effect: Effect, state: &State) -> Option<Effect> {
        match effect {
            Effect::Observe(query) => self.pollers.ask(query),
            Effect::Journal(entry) => self.desk.write(entry, caller(state)),
            Effect::Lock { run, targets, why } => {
                self.desk
                    .lock(run, targets, why, caller(state), self.clock.now());
            }
            Effect::Unlock { run } => self.desk.unlock(run),
            Effect::Apply {
                run,
                step,
                change,
                token,
            } => self.apply(run, step, *change, token),
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
            | Effect::Remember(_) => return Some(effect),
        }
        None
    }

    /// Returns when every entry so far is on disk, or after a time: a disk that hangs must not hold the way out.
    pub async fn settle(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.desk.settle()).await;
    }

    fn apply(&self, run: String, step: usize, change: Change, token: ArmToken) {
        let (provider, sender) = (Arc::clone(&self.provider), self.sender.clone());
        tokio::spawn(async move {
            let operation = change.operation();
            let doubt = |class, text: String| {
                Err(ApplyError {
                    fate: Fate::InDoubt,
                    error: ProviderError::new(class, operation, text),
                })
            };
            // Where it panics nobody knows whether it was sent: that is an outcome too.
            let sent = AssertUnwindSafe(async { provider.apply(token, change).await });
            let result = match tokio::time::timeout(LAST_DEADLINE, sent.catch_unwind()).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => doubt(
                    ErrorClass::Terminal,
                    "the console's own sender failed, which is a bug".to_owned(),
                ),
                Err(_) => doubt(
                    ErrorClass::Timeout,
                    format!("no answer in {} s", LAST_DEADLINE.as_secs()),
                ),
            };
            // Nobody listens any more when the console is leaving; the journal says that the change was sent.
            let _ = sender.send(Event::Applied { run, step, result });
        });
    }
}

/// Who the APIs say that we are: the callers of all regions, each once.
fn caller(state: &State) -> Option<String> {
    let mut callers: Vec<&str> = state
        .fleet
        .regions
        .rows()
        .filter_map(|(_, _, region)| Some(region.identity.as_ref()?.arn.as_str()))
        .collect();
    callers.sort_unstable();
    callers.dedup();
    (!callers.is_empty()).then(|| callers.join(" "))
}
