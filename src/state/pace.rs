//! How fast the console polls: less often when nobody has typed for a while and nothing is wrong. Owns when it slows and what ends that; a slow value is never shown as if it were read at the usual pace.

use std::time::Duration;

use super::State;
use crate::{
    effect::Effect,
    resources::{Severity, age},
};

/// After this time without a key the console counts as idle (domain A.9).
pub const IDLE: Duration = Duration::from_secs(600);
/// How many times rarer an idle console asks (domain A.9).
pub const SLOWER: u32 = 4;

impl State {
    /// Somebody is there: back to the usual pace, and what is overdue by it is asked at once.
    pub(super) fn used(&mut self) -> Vec<Effect> {
        self.last_used = self.now;
        self.poll_at(1)
    }

    /// Slows down when nobody is there, and not while a region is in trouble: a screen on the wall is watched without a key.
    pub(super) fn pace(&mut self) -> Vec<Effect> {
        // A run watches the regions, whether or not anybody types.
        let busy = self.conduct.active().next().is_some() || self.conduct.armed.is_some();
        let idle = self.slows && !busy && age(self.last_used, self.now) >= IDLE;
        let trouble = |fleet: &crate::resources::Fleet| {
            let mut regions = fleet.estate.regions.iter();
            regions.any(|spec| fleet.rollup(&spec.label).severity >= Severity::Warn)
        };
        self.poll_at(if idle && !trouble(&self.fleet) {
            SLOWER
        } else {
            1
        })
    }

    fn poll_at(&mut self, pace: u32) -> Vec<Effect> {
        if self.fleet.pace == pace {
            return Vec::new();
        }
        self.fleet.set_pace(pace);
        self.unsettled = true;
        if pace == 1 {
            self.schedule.wake();
            return self.ask_due();
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        config::keymap::Keymap,
        event::Event,
        resources::{
            Freshness, Kind, Rows, Source,
            fixtures::{self as f, place},
        },
        state::{Look, Mode, update},
    };

    fn console(slows: bool) -> State {
        let estate = Arc::new(f::estate(&["eu"]));
        let keymap = Keymap::default();
        let size = (80, 24);
        let mut state = State::new(estate, f::now(), Mode::Live, keymap, Look::default(), size);
        state.slows = slows;
        state
    }

    /// Lets seconds pass; every question is answered in the second in which it is asked.
    fn pass(state: &mut State, seconds: u64, alarm: Option<&str>) -> usize {
        let mut asked = 0;
        for _ in 0..seconds {
            let now = state.now + Duration::from_secs(1);
            let effects = update(state, Event::Tick { now });
            asked += answer(state, effects, alarm);
        }
        asked
    }

    fn answer(state: &mut State, effects: Vec<Effect>, alarm: Option<&str>) -> usize {
        let mut alarms = 0;
        for effect in effects {
            let Effect::Observe(query) = effect else {
                continue;
            };
            alarms += usize::from(query.source == Source::Alarms);
            let rows = match query.source.kind() {
                Kind::Alarms => Rows::Alarms(vec![f::alarm("a", alarm.unwrap_or("OK"), "x")]),
                Kind::Regions => {
                    let slice = state.fleet.regions.slice(query.source, &query.place);
                    Rows::Regions(slice.unwrap().rows.clone())
                }
                Kind::Metrics => Rows::Metrics(Vec::new()),
                Kind::Databases => Rows::Databases(Vec::new()),
                Kind::Caches => Rows::Caches(Vec::new()),
                Kind::Traffic => Rows::Traffic(Vec::new()),
                Kind::Deployments => Rows::Deployments(Vec::new()),
                Kind::Releases => Rows::Releases(Vec::new()),
                Kind::Pipelines => Rows::Pipelines(Vec::new()),
                Kind::Clusters => Rows::Clusters(Vec::new()),
                Kind::HealthChecks => Rows::HealthChecks(Vec::new()),
            };
            let (at, took) = (state.now, Duration::ZERO);
            let result = Ok(crate::resources::Answer::of(rows));
            update(
                state,
                Event::Observed {
                    query,
                    at,
                    took,
                    result,
                },
            );
        }
        alarms
    }

    fn key(state: &mut State) -> Vec<Effect> {
        let key = "f12".parse().unwrap();
        update(state, Event::Key { key })
    }

    #[test]
    fn an_idle_console_asks_four_times_less_and_its_values_are_no_older_than_their_limits() {
        let mut state = console(true);
        let busy = pass(&mut state, 599, None);
        assert_eq!(state.fleet.pace, 1);
        pass(&mut state, 240, None);
        assert_eq!(state.fleet.pace, SLOWER);
        let idle = pass(&mut state, 599, None);
        assert!(idle * 3 < busy && idle > 0, "{idle} of {busy}");
        for _ in 0..300 {
            pass(&mut state, 1, None);
            let freshness = state.fleet.freshness(Source::Alarms, &place("eu"));
            assert_eq!(freshness, Freshness::Fresh);
        }
    }

    #[test]
    fn a_key_asks_what_is_overdue_and_shows_meanwhile_how_old_it_is() {
        let mut state = console(true);
        pass(&mut state, 900, None);
        let seen = |state: &State| {
            let status = state.fleet.status(Source::Alarms, &place("eu"));
            age(status.observed_at.unwrap(), state.now)
        };
        let usual = state.fleet.estate.interval(Source::Alarms) * 2 + Duration::from_secs(11);
        for _ in 0..200 {
            if seen(&state) >= usual {
                break;
            }
            pass(&mut state, 1, None);
        }
        assert!(seen(&state) >= usual, "asked rarely");
        let asked = key(&mut state);
        let freshness = state.fleet.freshness(Source::Alarms, &place("eu"));
        assert_eq!((state.fleet.pace, freshness), (1, Freshness::Stale));
        assert_eq!(answer(&mut state, asked, None), 1, "asked at once");
    }

    #[test]
    fn a_region_in_trouble_is_watched_at_the_usual_pace() {
        let mut state = console(true);
        pass(&mut state, 900, Some("ALARM"));
        assert_eq!(state.fleet.pace, 1);
        pass(&mut state, 60, None);
        assert_eq!(state.fleet.pace, SLOWER, "and slowly again when it is over");
        pass(&mut state, 120, Some("ALARM"));
        assert_eq!(state.fleet.pace, 1);
    }

    #[test]
    fn what_nobody_can_wake_never_slows() {
        let mut state = console(false);
        pass(&mut state, 900, None);
        assert_eq!(state.fleet.pace, 1);
    }
}
