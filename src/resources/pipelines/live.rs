//! Reads the pipelines of a region. The list tells their names; what each does is one call a pipeline, so with many of them each has its turn:
//! those that move in every poll, the others longest unread first, within a share of the budget. What was read before stays, with its age.

use std::sync::Mutex;

use aws_sdk_codepipeline::Client;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    Change, Part,
    kept::live::{Detail, Kept, Known},
    read::live::{self as read, DEFINITION, EXECUTIONS, STATE},
    write,
};
use crate::{
    provider::{ask::Ask, memory::READING, write::Write},
    resources::{
        Answer, ErrorClass, ProviderError, Query, Rows,
        change::{ApplyError, Receipt},
    },
};

/// Details read in one poll, beside the states.
const MOST_DETAILS: usize = 15;
/// Calls at once.
const AT_ONCE: usize = 4;

/// Every pipeline of the region, each as it was last read.
pub async fn observe(ask: Ask<'_>, query: &Query) -> Result<Answer, ProviderError> {
    let client = Client::new(&ask.config);
    let kept = &ask.memory.pipelines;
    let started = Instant::now();
    kept.listed(read::list(&ask, &client).await?);
    let named = query.wanted.names();
    let due = named.map_or_else(|| kept.due(), <[String]>::to_vec);
    let poll = Poll {
        ask: &ask,
        client: &client,
        kept,
        started,
        failed: Mutex::default(),
    };
    stream::iter(due)
        .for_each_concurrent(AT_ONCE, |name| poll.state(name))
        .await;
    let details = kept.details(named).into_iter();
    let most = if named.is_some() {
        usize::MAX
    } else {
        MOST_DETAILS
    };
    stream::iter(details.take(most))
        .for_each_concurrent(AT_ONCE, |(name, detail)| poll.detail(name, detail))
        .await;
    let failed = poll.failed.into_inner().unwrap_or_default();
    // Whoever asks for one pipeline wants to know what it does now, and not what it did.
    if let Some(error) = failed.iter().find(|(name, error)| {
        error.operation == STATE && named.is_some_and(|names| names.contains(name))
    }) {
        return Err(error.1.clone());
    }
    note(&ask, &failed);
    let rows = kept.rows();
    Ok(ask.answer(Rows::Pipelines(rows)))
}

/// One error of each call stands for all of its kind, with their number.
fn note(ask: &Ask<'_>, failed: &[(String, ProviderError)]) {
    for operation in [STATE, DEFINITION, EXECUTIONS] {
        let of: Vec<&(String, ProviderError)> = failed
            .iter()
            .filter(|(_, error)| error.operation == operation)
            .collect();
        let Some((name, first)) = of.first() else {
            continue;
        };
        let mut error = first.clone();
        error.message = match of.len() {
            1 => format!("{name}: {}", error.message),
            count => format!("{name} and {} more: {}", count - 1, error.message),
        };
        ask.problem(error);
    }
}

struct Poll<'a> {
    ask: &'a Ask<'a>,
    client: &'a Client,
    kept: &'a Kept,
    started: Instant,
    failed: Mutex<Vec<(String, ProviderError)>>,
}

impl Poll<'_> {
    /// Whether a further call makes sense: there is time, and this call was not refused to us already.
    fn goes_on(&self, operation: &str) -> bool {
        let lasting = |(_, error): &(String, ProviderError)| match error.class {
            ErrorClass::Throttled | ErrorClass::Identity => true,
            ErrorClass::Denied => error.operation == operation,
            ErrorClass::NotFound
            | ErrorClass::Conflict
            | ErrorClass::Terminal
            | ErrorClass::Transient
            | ErrorClass::Timeout
            | ErrorClass::Unreachable
            | ErrorClass::Skipped => false,
        };
        let refused = self
            .failed
            .lock()
            .is_ok_and(|failed| failed.iter().any(lasting));
        !refused && self.started.elapsed() < READING
    }

    fn fail(&self, name: String, error: ProviderError) {
        if let Ok(mut failed) = self.failed.lock() {
            failed.push((name, error));
        }
    }

    /// Reads the state of a pipeline. One that cannot be read keeps what it had, with the age of that.
    async fn state(&self, name: String) {
        if !self.goes_on(STATE) {
            return;
        }
        let result = read::state(self.ask, self.client, &name).await;
        let asked = Instant::now();
        match result {
            Ok((version, stages)) => {
                self.kept.with(|known| {
                    let Some(entry) = known.get_mut(&name) else {
                        return;
                    };
                    let before = entry.row.seen_at.map(|_| entry.ran());
                    entry.row.stages = stages;
                    entry.row.version = version.or(entry.row.version);
                    entry.row.seen_at = Some(Timestamp::now());
                    entry.row.unknown.retain(|part| *part != Part::State);
                    entry.asked = Some(asked);
                    if before.is_some_and(|before| before != entry.ran()) {
                        entry.moved = Some(asked);
                    }
                });
            }
            Err(error) => {
                self.kept.with(|known| {
                    // It was deleted since the list was read.
                    if error.class == ErrorClass::NotFound {
                        known.remove(&name);
                    } else if let Some(entry) = known.get_mut(&name) {
                        entry.asked = Some(asked);
                    }
                });
                self.fail(name, error);
            }
        }
    }

    async fn detail(&self, name: String, detail: Detail) {
        match detail {
            Detail::Definition if self.goes_on(DEFINITION) => {
                let result = read::definition(self.ask, self.client, &name).await;
                self.take(name, Part::Definition, result, |known, definition| {
                    known.row.arn = definition.arn;
                    // Of an edit that the list does not tell yet: the next poll compares again.
                    known.defined = Some(definition.version.or(known.row.version));
                    known.actions = definition.actions;
                });
            }
            Detail::Executions if self.goes_on(EXECUTIONS) => {
                let result = read::executions(self.ask, self.client, &name).await;
                self.take(name, Part::Executions, result, |known, executions| {
                    known.listed = Some(known.ran());
                    known.row.executions = executions;
                });
            }
            Detail::Succeeded(stage) if self.goes_on(EXECUTIONS) => {
                let result = read::succeeded(self.ask, self.client, &name, &stage).await;
                self.take(name, Part::Executions, result, |known, good| {
                    let latest = known
                        .row
                        .stage(&stage)
                        .and_then(|stage| stage.latest.clone());
                    known.succeeded.insert(stage, (latest, good));
                });
            }
            Detail::Definition | Detail::Executions | Detail::Succeeded(_) => {}
        }
    }

    /// Takes a part in, or notes that it is not known.
    fn take<T>(
        &self,
        name: String,
        part: Part,
        result: Result<T, ProviderError>,
        keep: impl FnOnce(&mut Known, T),
    ) {
        let failed = self.kept.with(|known| {
            let entry = known.get_mut(&name)?;
            match result {
                Ok(value) => {
                    entry.row.unknown.retain(|unknown| *unknown != part);
                    keep(entry, value);
                    None
                }
                Err(error) => {
                    if !entry.row.unknown.contains(&part) {
                        entry.row.unknown.push(part);
                    }
                    Some(error)
                }
            }
        });
        if let Some(error) = failed.flatten() {
            self.fail(name, error);
        }
    }
}

/// Sends one change.
pub async fn apply(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    Box::pin(write::live::apply(write, change)).await
}

#[cfg(test)]
mod tests;
