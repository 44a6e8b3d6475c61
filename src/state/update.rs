//! The only writer of the state: one event in, effects out. Short dispatch; the verbs live in `navigate` and `dialog`. Never waits, never asks the clock.

use std::time::Duration;

use jiff::Timestamp;

use super::{Notice, State, dialog, navigate};
use crate::{
    config::keymap::Context,
    effect::Effect,
    event::Event,
    resources::{Answer, ProviderError, Query, Rows, Source, Wanted},
};

/// Applies one event.
pub fn update(state: &mut State, event: Event) -> Vec<Effect> {
    match event {
        Event::Tick { now } => tick(state, now),
        Event::Key { key } => {
            state.notice = None;
            state.settle();
            if let Some(effects) = dialog::key(state, key) {
                return effects;
            }
            match state.keymap.find(state.context(), key).cloned() {
                Some(invocation) => navigate::perform(state, &invocation),
                None => {
                    state.notice = Some(Notice {
                        text: format!("{key} is not bound; ? shows the keys"),
                        failed: false,
                    });
                    Vec::new()
                }
            }
        }
        Event::Paste { text } => dialog::paste(state, &text),
        Event::Resize { columns, rows } => {
            state.size = (columns, rows);
            Vec::new()
        }
        Event::Observed {
            query,
            at,
            took,
            result,
        } => observed(state, &query, at, took, result),
        Event::Continued => {
            state.notice = Some(Notice {
                text: "continued: values show their age until they are read again".to_owned(),
                failed: false,
            });
            vec![Effect::Redraw]
        }
        Event::Noted { text, failed } => {
            state.notice = Some(Notice { text, failed });
            Vec::new()
        }
    }
}

fn tick(state: &mut State, now: Timestamp) -> Vec<Effect> {
    state.now = now;
    state.fleet.now = now;
    if let Some(frozen) = &mut state.frozen {
        frozen.now = now;
    }
    state.unsettled = true;
    state.ask_due()
}

/// A question that lists nothing answers itself: no call is made for it.
fn ask(state: &mut State, query: Query) -> Option<Effect> {
    let no_contexts = || {
        query
            .place
            .region()
            .and_then(|label| state.fleet.estate.region(label))
            .is_none_or(|region| region.kube_contexts.is_empty())
    };
    let rows = match (&query.wanted, query.source) {
        (Wanted::Series(series), Source::Metrics) if series.is_empty() => Rows::Metrics(Vec::new()),
        (Wanted::ApiServers(servers), Source::ApiServers)
            if servers.is_empty() && no_contexts() =>
        {
            Rows::Clusters(Vec::new())
        }
        (Wanted::Nothing | Wanted::Series(_) | Wanted::ApiServers(_), _) => {
            return Some(Effect::Observe(query));
        }
    };
    state
        .fleet
        .accept(&query, Answer::of(rows), state.now, Duration::ZERO);
    state.schedule.answered(&state.fleet, &query, None);
    None
}

fn observed(
    state: &mut State,
    query: &Query,
    at: Timestamp,
    took: Duration,
    result: Result<Answer, ProviderError>,
) -> Vec<Effect> {
    // Answers arrive between ticks; a value is never younger than the time by which it is judged.
    state.now = state.now.max(at);
    state.fleet.now = state.now;
    state
        .schedule
        .answered(&state.fleet, query, result.as_ref().err());
    match result {
        Ok(answer) => state.fleet.accept(query, answer, at, took),
        Err(error) => state.fleet.reject(query, error),
    }
    state.unsettled = true;
    Vec::new()
}

impl State {
    /// Asks what is due.
    pub fn ask_due(&mut self) -> Vec<Effect> {
        let queries = self.schedule.due(&self.fleet);
        queries
            .into_iter()
            .filter_map(|query| ask(self, query))
            .collect()
    }

    /// Which bindings hold now.
    pub fn context(&self) -> Context {
        match (self.dialogs.last(), &self.screen) {
            (Some(_), _) => Context::Dialog,
            (None, super::Screen::Detail(..)) => Context::Detail,
            (None, super::Screen::Home | super::Screen::Zoom(_)) => Context::Global,
        }
    }
}
