//! Whether a region that has a release is well with it, minute by minute since it was complete there. Owns the three answers: watched long enough, not yet, or broken and when;
//! what was not measured never counts as well.
//!
//! Looked at are the last minutes of the length of a soak: a minute that broke stays a reason until as many good ones have followed.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Evidence, Release, Stage, State, minutes,
    signals::{Asked, Seen, Signals},
};
use crate::resources::{
    Fleet, Place, RegionLabel, Source, age,
    cell::{milliseconds, percent},
    regions::demand::Minute,
    sequence::Rules,
};

/// Metrics arrive this much later than the minute that they are about, and wait to settle (domain A.9).
const LATE: Duration = Duration::from_secs(240);
/// Minutes that are kept of every series: of a longer soak only the last of them are seen.
const REACH: Duration = Duration::from_secs(35 * 60);
/// Share of the minutes that must have been measured.
const MEASURED: f64 = 0.9;

/// Judges every region that is complete. A release that is everywhere and was watched everywhere is over: what happens later is not its doing.
pub fn judge(release: &mut Release, rules: &Rules, seen: &mut Seen<'_>) {
    let now = seen.fleet.now;
    let soak = Duration::from_secs(u64::from(rules.soak_minutes) * 60);
    let over = |stage: &Stage| {
        let since = stage.since.filter(|_| stage.state == State::Done);
        since.is_some_and(|since| age(since, now) >= soak)
    };
    if release.stages.iter().all(over) {
        return;
    }
    let stable: Vec<RegionLabel> = release
        .stages
        .iter()
        .filter(|stage| stage.state == State::NotYet)
        .map(|stage| stage.region.clone())
        .collect();
    let asked = Asked {
        namespace: &release.namespace,
        name: &release.name,
        version: &release.version,
    };
    let before = Asked {
        version: release.stable.as_deref().unwrap_or_default(),
        ..asked
    };
    for stage in &mut release.stages {
        let Some(since) = stage.since.filter(|_| stage.state == State::Done) else {
            continue;
        };
        let from = since.max(now - soak.min(REACH));
        let watch = Watch {
            rules,
            now,
            since,
            from,
            soak,
        };
        let signals = seen.signals(&stage.region, asked);
        let measured = signals.between(from, now);
        if !measured.is_empty() {
            // The same users in the same region are the best comparison; without such, those of the regions that run what was there before.
            let mut beside = if seen.told_apart(&stage.region, before) {
                seen.signals(&stage.region, before).between(from, now)
            } else {
                Vec::new()
            };
            if beside.is_empty() {
                let elsewhere = stable.iter();
                beside = elsewhere
                    .flat_map(|region| seen.signals(region, before).between(from, now))
                    .collect();
            }
            stage.evidence = Some(evidence(&signals.of, &measured, &beside));
        }
        let environment = around(seen.fleet, &stage.region);
        stage.state = watch.state(&signals, &measured, environment);
    }
}

/// One region that is watched.
struct Watch<'a> {
    rules: &'a Rules,
    now: Timestamp,
    /// When the release was complete.
    since: Timestamp,
    /// From when on its minutes count.
    from: Timestamp,
    soak: Duration,
}

impl Watch<'_> {
    fn state(&self, signals: &Signals, measured: &[Minute], around: Option<State>) -> State {
        if let Some(why) = self.broken(&signals.of, measured) {
            return State::Breached { why };
        }
        if let Some(state) = around {
            return state;
        }
        let left = self.soak.saturating_sub(age(self.since, self.now));
        let unknown = |why: String| State::Unknown { why };
        if self.soak.is_zero() {
            return State::Done;
        }
        let due = age(self.from, self.now).saturating_sub(LATE).as_secs() / 60;
        if due > 0 {
            if let Err(why) = &signals.minutes {
                return unknown(why.clone());
            }
            let newest = measured.first().map(|minute| minute.at);
            if newest.is_none_or(|at| age(at, self.now) > LATE + Duration::from_secs(180)) {
                return unknown(match newest {
                    None => "nothing was measured since it is complete".to_owned(),
                    Some(at) => format!("nothing was measured since {}", clock(at)),
                });
            }
            if (measured.len() as f64) < due as f64 * MEASURED {
                let count = measured.len();
                return unknown(format!("only {count} of {due} minutes were measured"));
            }
        }
        if !left.is_zero() {
            return State::Soaking {
                left_seconds: left.as_secs(),
            };
        }
        match few(self.rules, sums(measured)) {
            Some(why) => unknown(why),
            None => State::Done,
        }
    }

    /// The first minute that passed a limit, or the soak as a whole.
    fn broken(&self, of: &str, measured: &[Minute]) -> Option<String> {
        let rules = self.rules;
        // A minute with fewer requests than a soak needs on average tells nothing by itself.
        let enough = rules.min_requests / f64::from(rules.soak_minutes.max(1));
        for minute in measured
            .iter()
            .rev()
            .filter(|minute| minute.requests >= enough)
        {
            let rate = rate(minute.errors, minute.requests);
            if rate > rules.error_percent {
                return Some(format!(
                    "{} of the {of} failed at {}, above {}",
                    percent(rate),
                    clock(minute.at),
                    percent(rules.error_percent)
                ));
            }
            if let Some(p95) = minute.p95_ms.filter(|p95| *p95 > rules.p95_ms) {
                return Some(format!(
                    "p95 of the {of} was {} at {}, above {}",
                    milliseconds(p95),
                    clock(minute.at),
                    milliseconds(rules.p95_ms)
                ));
            }
        }
        let (requests, errors) = sums(measured);
        let rate = rate(errors, requests);
        (few(rules, (requests, errors)).is_none() && rate > rules.error_percent).then(|| {
            format!(
                "{} of the {of} failed since {}, above {}",
                percent(rate),
                clock(self.from),
                percent(rules.error_percent)
            )
        })
    }
}

/// What is wrong in a region whatever its minutes say.
fn around(fleet: &Fleet, region: &RegionLabel) -> Option<State> {
    let rollup = fleet.rollup(region);
    if rollup.reach.lost(fleet.now) {
        let why = "the region does not answer".to_owned();
        return Some(State::Breached { why });
    }
    let alarms = &rollup.alarms;
    if let Some(name) = alarms.metric.iter().chain(&alarms.composite).next() {
        let more = alarms.metric.len() + alarms.composite.len() - 1;
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let why = format!("alarm {name}{more} is on");
        return Some(State::Breached { why });
    }
    let asked = fleet.estate.places(Source::Alarms);
    let unread = asked.contains(&Place::Region(region.clone())) && !alarms.known;
    unread.then(|| State::Unknown {
        why: "its alarms were not read yet".to_owned(),
    })
}

/// Why so many requests and errors are too few for a verdict (domain B.3).
pub fn few(rules: &Rules, (requests, errors): (f64, f64)) -> Option<String> {
    (requests < rules.min_requests && errors < rules.min_errors).then(|| {
        format!(
            "only {requests:.0} requests in its soak, {:.0} or {:.0} errors are needed",
            rules.min_requests, rules.min_errors
        )
    })
}

fn sums(measured: &[Minute]) -> (f64, f64) {
    let sum =
        |(requests, errors), minute: &Minute| (requests + minute.requests, errors + minute.errors);
    measured.iter().fold((0.0, 0.0), sum)
}

fn rate(errors: f64, requests: f64) -> f64 {
    if requests > 0.0 {
        errors / requests * 100.0
    } else {
        0.0
    }
}

fn slowest(measured: &[Minute]) -> Option<f64> {
    let all = measured.iter().filter_map(|minute| minute.p95_ms);
    all.reduce(f64::max)
}

fn evidence(of: &str, measured: &[Minute], stable: &[Minute]) -> Evidence {
    let (requests, errors) = sums(measured);
    let beside = sums(stable);
    Evidence {
        of: of.to_owned(),
        minutes: u32::try_from(measured.len()).unwrap_or(u32::MAX),
        requests,
        errors,
        p95_ms: slowest(measured),
        stable: (beside.0 > 0.0).then(|| (rate(beside.1, beside.0), slowest(stable))),
    }
}

/// The time of day, as the evidence names a minute.
fn clock(at: Timestamp) -> String {
    at.strftime("%H:%MZ").to_string()
}

/// What is left of a soak in words.
pub fn left(seconds: u64) -> String {
    format!("{} left", minutes(seconds))
}
