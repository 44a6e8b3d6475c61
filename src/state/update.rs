//! The only writer of the state: one event in, effects out. Short dispatch; the verbs live in `navigate` and `dialog`. Never waits, never asks the clock.

use std::time::Duration;

use jiff::Timestamp;

use super::{Dialog, Notice, State, conduct, dialog, leave, navigate, point, tour};
use crate::{
    command::Command,
    config::keymap::Context,
    effect::Effect,
    event::Event,
    resources::{Answer, ProviderError, Query, Wanted},
};

/// Applies one event.
pub fn update(state: &mut State, event: Event) -> Vec<Effect> {
    update_all(state, [event])
}

/// Applies events that came one after the other. What follows from answers is computed once for all that stand together.
pub fn update_all(state: &mut State, events: impl IntoIterator<Item = Event>) -> Vec<Effect> {
    let mut effects = Vec::new();
    for event in events {
        effects.extend(one(state, event));
    }
    state.fleet.catch_up();
    tour::advance(state);
    effects
}

fn one(state: &mut State, event: Event) -> Vec<Effect> {
    if !event.is_polled() {
        state.fleet.catch_up();
    }
    let mut effects = match event {
        Event::Key { .. } | Event::Paste { .. } | Event::Mouse { .. } => state.used(),
        Event::Tick { .. }
        | Event::Resize { .. }
        | Event::Observed { .. }
        | Event::Continued
        | Event::Link { .. }
        | Event::JournalOpened { .. }
        | Event::Journaled { .. }
        | Event::Locked { .. }
        | Event::Applied { .. }
        | Event::Lost { .. }
        | Event::Told { .. }
        | Event::Noted { .. } => Vec::new(),
    };
    effects.extend(dispatch(state, event));
    effects
}

fn dispatch(state: &mut State, event: Event) -> Vec<Effect> {
    match event {
        Event::Tick { now } => tick(state, now),
        Event::Key { key } => {
            state.notice = None;
            state.settle();
            if let Some(effects) = dialog::key(state, key) {
                return effects;
            }
            match state.keymap.find(state.context(), key).cloned() {
                // Leaving must always work.
                Some(invocation) if key.ctrl && invocation.command == Command::Quit => {
                    vec![Effect::Quit]
                }
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
        Event::Mouse { did, column, row } => {
            state.notice = None;
            state.settle();
            point::at(state, did, (column, row))
        }
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
        Event::Link { bytes_per_second } => {
            state.slow_link = bytes_per_second;
            Vec::new()
        }
        Event::JournalOpened { entries, problem } => {
            conduct::opened(state, entries, problem);
            Vec::new()
        }
        Event::Journaled { entry, result } => conduct::journaled(state, *entry, result),
        Event::Locked { run, result } => conduct::locked(state, &run, result),
        Event::Applied { run, step, result } => conduct::applied(state, &run, step, result),
        Event::Lost { why } => leave::lost(state, &why),
        Event::Told { title, lines } => {
            state.dialogs.push(Dialog::Text {
                title,
                lines,
                scroll: 0,
            });
            Vec::new()
        }
        Event::Noted { text, failed } => {
            state.notice = Some(Notice { text, failed });
            Vec::new()
        }
    }
}

fn tick(state: &mut State, now: Timestamp) -> Vec<Effect> {
    state.now = now;
    state.unsettled |= state.fleet.advance(now);
    if let Some(frozen) = &mut state.frozen {
        state.unsettled |= frozen.fleet.advance(now);
    }
    let mut effects = state.pace();
    effects.extend(state.ask_due());
    effects.extend(conduct::tick(state));
    effects.extend(state.alert());
    effects
}

/// A question about nothing is not asked: no call is made for it, and no answer is made up.
fn ask(state: &mut State, query: Query) -> Option<Effect> {
    let spec = query
        .place
        .region()
        .and_then(|label| state.fleet.estate.region(label));
    let contexts = spec.is_some_and(|spec| !spec.kube_contexts.is_empty());
    let nothing = match &query.wanted {
        Wanted::Nothing | Wanted::Named(_) | Wanted::Reference(_) | Wanted::Rehearsal(_) => false,
        Wanted::Series(series) => series.is_empty(),
        Wanted::ApiServers(servers) => servers.is_empty() && !contexts,
    };
    if nothing {
        state.schedule.postpone(&query, state.now);
        return None;
    }
    Some(Effect::Observe(query))
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
    state.fleet.advance(state.now);
    if query.read == 0 {
        state
            .schedule
            .answered(&state.fleet, query, result.as_ref().err());
    }
    let seen = result
        .as_ref()
        .map(|answer| answer.in_sync)
        .map_err(Clone::clone);
    state.fleet.take_in(query, result, at, took);
    state.unsettled = true;
    if query.read == 0 {
        return Vec::new();
    }
    state.fleet.catch_up();
    conduct::observed(state, query, seen)
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
        if self.dialogs.is_empty() {
            self.page_context()
        } else {
            Context::Dialog
        }
    }

    /// Which bindings hold on the page, whatever lies over it.
    pub fn page_context(&self) -> Context {
        match &self.screen {
            super::Screen::Detail(..) | super::Screen::Page(super::Page::Journal, _) => {
                Context::Detail
            }
            super::Screen::Page(super::Page::Plan, _) => Context::Plan,
            super::Screen::Page(super::Page::Run, _) => Context::Run,
            super::Screen::Page(super::Page::Runs, _) => Context::Runs,
            super::Screen::Home | super::Screen::Zoom(_) => Context::Global,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        command::Invocation,
        config::keymap::Keymap,
        resources::{
            ErrorClass, Estate, Freshness, Kind, Place, RegionLabel, Rows, Source,
            alarms::{Alarm, AlarmType},
            estate::RegionSpec,
        },
        state::{Dialog, Look, Mode, Screen},
    };

    fn start() -> Timestamp {
        Timestamp::from_second(1_000_000).unwrap()
    }

    fn place(label: &str) -> Place {
        Place::Region(RegionLabel::new(label).unwrap())
    }

    fn console(labels: &[&str]) -> State {
        let region = |label: &&str| RegionSpec::aws(RegionLabel::new(label).unwrap());
        let estate = Estate {
            regions: labels.iter().map(region).collect(),
            ..Estate::default()
        };
        let mut keymap = Keymap::default();
        for (key, command) in [
            (":", "palette"),
            ("/", "filter"),
            ("esc", "back"),
            ("]", "forward"),
            ("j", "down"),
            ("k", "up"),
            ("enter", "open"),
            ("z", "zoom"),
            ("tab", "next-pane"),
            ("5", "pane alarms"),
            ("q", "quit"),
            ("ctrl-c", "quit"),
            ("f", "freeze"),
            ("w", "why"),
        ] {
            keymap.bind(
                Context::Global,
                key.parse().unwrap(),
                command.parse::<Invocation>().unwrap(),
            );
        }
        State::new(
            Arc::new(estate),
            start(),
            Mode::Live,
            keymap,
            Look::default(),
            (80, 24),
        )
    }

    fn press(state: &mut State, keys: &str) -> Vec<Effect> {
        keys.split(' ')
            .flat_map(|key| {
                update(
                    state,
                    Event::Key {
                        key: key.parse().unwrap(),
                    },
                )
            })
            .collect()
    }

    fn type_line(state: &mut State, text: &str) {
        for c in text.chars() {
            let key = crate::config::key::Key::plain(crate::config::key::KeyCode::Char(c));
            update(state, Event::Key { key });
        }
    }

    fn alarm(name: &str, state: &str) -> Alarm {
        Alarm {
            name: name.into(),
            arn: None,
            alarm_type: AlarmType::Metric,
            state: state.into(),
            reason: None,
            since: None,
            actions_enabled: true,
            actions: Vec::new(),
            evaluation: None,
            metric: None,
            rule: None,
            dimensions: Vec::new(),
        }
    }

    fn see(state: &mut State, seconds: i64, rows: Vec<Alarm>) {
        let query = Query {
            source: Source::Alarms,
            place: place("eu-west-1"),
            wanted: Wanted::Nothing,
            read: 0,
        };
        let at = start() + jiff::SignedDuration::from_secs(seconds);
        update(
            state,
            Event::Observed {
                query,
                at,
                took: Duration::ZERO,
                result: Ok(Answer::of(Rows::Alarms(rows))),
            },
        );
    }

    #[test]
    fn the_selection_follows_its_row_from_poll_to_poll() {
        let mut state = console(&["eu-west-1"]);
        see(
            &mut state,
            0,
            vec![alarm("a", "OK"), alarm("b", "OK"), alarm("c", "OK")],
        );
        press(&mut state, "5 j");
        assert_eq!(state.selected().map(|id| id.key).as_deref(), Some("b"));
        see(
            &mut state,
            15,
            vec![alarm("a", "OK"), alarm("b", "OK"), alarm("c", "ALARM")],
        );
        state.settle();
        assert_eq!(
            state.pane(Kind::Alarms).map(|pane| pane.cursor),
            Some(2),
            "the alarm went to the top"
        );
        assert_eq!(state.selected().map(|id| id.key).as_deref(), Some("b"));
    }

    #[test]
    fn the_focus_stays_where_it_is_on_a_screen_without_panes() {
        let mut state = console(&["eu-west-1"]);
        update(
            &mut state,
            Event::Resize {
                columns: 40,
                rows: 10,
            },
        );
        press(&mut state, "tab");
        assert_eq!(state.focus, Kind::Regions);
    }

    #[test]
    fn rows_survive_a_failed_read_and_age() {
        let mut state = console(&["eu-west-1"]);
        see(&mut state, 0, vec![alarm("a", "OK")]);
        let query = Query {
            source: Source::Alarms,
            place: place("eu-west-1"),
            wanted: Wanted::Nothing,
            read: 0,
        };
        let error = ProviderError::new(
            ErrorClass::Timeout,
            "cloudwatch:DescribeAlarms",
            "no answer in 10 s",
        );
        let at = start() + jiff::SignedDuration::from_secs(41);
        update(
            &mut state,
            Event::Observed {
                query,
                at,
                took: Duration::from_secs(10),
                result: Err(error),
            },
        );
        let status = state.fleet.status(Source::Alarms, &place("eu-west-1"));
        assert_eq!(
            (status.rows, status.missed, status.observed_at),
            (1, 1, Some(start()))
        );
        assert_eq!(
            state.fleet.freshness(Source::Alarms, &place("eu-west-1")),
            Freshness::Stale
        );
    }

    #[test]
    fn a_frozen_display_stays_while_data_goes_on() {
        let mut state = console(&["eu-west-1"]);
        see(&mut state, 0, vec![alarm("a", "OK")]);
        press(&mut state, "f");
        see(&mut state, 1, vec![alarm("a", "ALARM"), alarm("b", "OK")]);
        assert_eq!(
            (
                state.shown().alarms.rows().count(),
                state.fleet.alarms.rows().count()
            ),
            (1, 2)
        );
        let frozen = |state: &State| {
            let since = state.frozen.as_ref().map(|frozen| frozen.since);
            since.map(|since| crate::resources::age(since, state.now))
        };
        let now = start() + jiff::SignedDuration::from_secs(121);
        update(&mut state, Event::Tick { now });
        assert_eq!(frozen(&state), Some(Duration::from_secs(121)));
        assert_eq!(state.shown().now, now, "its values age all the same");
        press(&mut state, "f");
        assert_eq!(frozen(&state), None);
        assert_eq!(state.shown().alarms.rows().count(), 2);
    }

    #[test]
    fn back_and_forward_walk_the_history() {
        let mut state = console(&["eu-west-1"]);
        see(&mut state, 0, vec![alarm("a", "OK")]);
        press(&mut state, "5 enter");
        assert!(matches!(state.screen, Screen::Detail(..)));
        press(&mut state, "esc esc");
        assert_eq!(state.screen, Screen::Home);
        press(&mut state, "]");
        assert_eq!(state.screen, Screen::Zoom(Kind::Alarms));
    }

    #[test]
    fn the_filter_works_while_it_is_typed_and_escape_restores_it() {
        let mut state = console(&["eu-west-1"]);
        see(
            &mut state,
            0,
            vec![alarm("cpu-high", "OK"), alarm("errors", "ALARM")],
        );
        press(&mut state, "5 /");
        type_line(&mut state, "cpu");
        assert_eq!(
            state.pane(Kind::Alarms).map(|pane| pane.order.len()),
            Some(1)
        );
        press(&mut state, "esc");
        assert_eq!(
            state.pane(Kind::Alarms).map(|pane| pane.order.len()),
            Some(2)
        );
    }

    #[test]
    fn pasted_text_never_submits() {
        let mut state = console(&["eu-west-1"]);
        press(&mut state, ":");
        let effects = update(
            &mut state,
            Event::Paste {
                text: "quit\r\n".into(),
            },
        );
        assert_eq!(effects, Vec::new());
        assert!(
            matches!(state.dialogs.last(), Some(Dialog::Palette { input, .. }) if input.text == "quit")
        );
        assert_eq!(
            update(
                &mut state,
                Event::Paste {
                    text: String::new()
                }
            ),
            Vec::new()
        );
    }

    #[test]
    fn ctrl_c_leaves_even_while_typing() {
        let mut state = console(&["eu-west-1"]);
        press(&mut state, ":");
        assert_eq!(press(&mut state, "ctrl-c"), vec![Effect::Quit]);
    }

    #[test]
    fn an_unbound_key_is_said_and_does_nothing() {
        let mut state = console(&["eu-west-1"]);
        assert_eq!(press(&mut state, "f12"), Vec::new());
        assert_eq!(
            state.notice.map(|notice| notice.text).as_deref(),
            Some("f12 is not bound; ? shows the keys")
        );
    }

    #[test]
    fn metrics_that_nothing_asks_for_cost_no_call() {
        let mut state = console(&["eu-west-1"]);
        let asked = update(
            &mut state,
            Event::Tick {
                now: start() + jiff::SignedDuration::from_secs(60),
            },
        );
        let metrics = asked.iter().filter(
            |effect| matches!(effect, Effect::Observe(query) if query.source == Source::Metrics),
        );
        assert_eq!(metrics.count(), 0);
    }
}
