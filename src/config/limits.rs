//! `[thresholds]`, `[intervals]` and `[sources]`: when a value is bad and how often it is asked. Owns the order of thresholds and the floors of intervals.

use std::{collections::BTreeMap, time::Duration};

use super::{
    document::{Found, Section, pick},
    reference,
    value::duration_of,
};
use crate::resources::{
    Source,
    estate::{Prices, Thresholds},
};

/// Nothing is asked less often than once a day: it would be stale for ever.
const LONGEST: Duration = Duration::from_secs(86_400);

/// The shortest interval of a source. A poll may take ten calls (pages, one describe per thing found), and may use no more than its API's budget.
pub fn floor(source: Source) -> Duration {
    let calls = 10.0;
    let seconds = calls / source.api().budget_per_second();
    // Metrics are billed per series and new every 60 seconds; twice in that time is the most that makes sense.
    let least = if source == Source::Metrics { 30.0 } else { 5.0 };
    Duration::from_secs_f64(seconds.max(least))
}

fn reason(source: Source) -> String {
    if source == Source::Metrics {
        return "metrics are billed per request and new once a minute".to_owned();
    }
    let api = source.api();
    format!(
        "a poll may take ten calls, and the budget for {} is {} per second",
        api.name(),
        api.budget_per_second()
    )
}

/// Reads `[intervals]`: a source's name and a length of time.
pub fn read_intervals(section: Section<'_>) -> BTreeMap<Source, Duration> {
    let report = section.report();
    let mut intervals = BTreeMap::new();
    for (name, value) in section.entries() {
        let Some(source) = pick(report, &name, "an interval's source", &sources()) else {
            continue;
        };
        let Some(interval) = duration_of(value) else {
            let text = format!(
                "`{}` must be a number of seconds, or a text like \"30s\", \"5m\" or \"1h\"",
                name.value
            );
            report.at(&value.span(), text);
            continue;
        };
        let least = floor(source);
        if interval < least {
            let text = format!(
                "`{}` must be at least {} seconds, not {}: {}",
                name.value,
                least.as_secs_f64(),
                interval.as_secs_f64(),
                reason(source)
            );
            report.at(&value.span(), text);
        } else if interval > LONGEST {
            let text = format!(
                "`{}` must be at most {} seconds (a day)",
                name.value,
                LONGEST.as_secs()
            );
            report.at(&value.span(), text);
        } else {
            intervals.insert(source, interval);
        }
    }
    intervals
}

/// Reads `[sources]`.
pub fn read_sources(mut section: Section<'_>) -> Vec<Source> {
    let report = section.report();
    let mut disabled = Vec::new();
    for found in section.texts("disabled") {
        let Some(source) = pick(report, &found, "a source", &sources()) else {
            continue;
        };
        if disabled.contains(&source) {
            report.at(
                &found.span,
                format!("`{}` is in `disabled` twice", found.value),
            );
        } else {
            disabled.push(source);
        }
    }
    section.finish(&reference::place_of);
    disabled
}

fn sources() -> Vec<(&'static str, Source)> {
    Source::ALL
        .iter()
        .map(|source| (source.name(), *source))
        .collect()
}

/// Reads `[thresholds]`. What is not said, or said wrongly, keeps its default.
pub fn read_thresholds(mut section: Section<'_>) -> Thresholds {
    let mut thresholds = Thresholds::default();
    let ms = 86_400_000.0;
    let p95 = Pair::read(&mut section, "p95_warn_ms", "p95_bad_ms", ms);
    let error = Pair::read(
        &mut section,
        "error_warn_percent",
        "error_bad_percent",
        100.0,
    );
    let database = Pair::read(
        &mut section,
        "database_lag_warn_ms",
        "database_lag_bad_ms",
        ms,
    );
    let switchover = section.number("switchover_lag_ms", 0.0, ms);
    let rpo = section.number("rpo_ms", 0.0, ms);
    let receiver = section.number("receiver_lag_warn_ms", 0.0, ms);
    let table = section.number("table_lag_warn_ms", 0.0, ms);
    let cache = section.number("cache_lag_warn_ms", 0.0, ms);
    // A region may run over what we believe to be its capacity.
    let utilisation = Pair::read(
        &mut section,
        "utilisation_warn_percent",
        "utilisation_bad_percent",
        1_000.0,
    );
    let healthy = Pair::read(
        &mut section,
        "healthy_warn_percent",
        "healthy_bad_percent",
        100.0,
    );

    let t = &mut thresholds;
    p95.apply(&section, &mut t.p95_warn_ms, &mut t.p95_bad_ms);
    error.apply(
        &section,
        &mut t.error_warn_percent,
        &mut t.error_bad_percent,
    );
    database.apply(
        &section,
        &mut t.database_lag_warn_ms,
        &mut t.database_lag_bad_ms,
    );
    utilisation.apply(
        &section,
        &mut t.utilisation_warn_percent,
        &mut t.utilisation_bad_percent,
    );
    // More is better here, so the order is turned round: bad lies below warn.
    healthy.swapped().apply(
        &section,
        &mut t.healthy_bad_percent,
        &mut t.healthy_warn_percent,
    );
    set(&mut t.switchover_lag_ms, switchover.as_ref());
    set(&mut t.rpo_ms, rpo.as_ref());
    set(&mut t.receiver_lag_warn_ms, receiver.as_ref());
    set(&mut t.table_lag_warn_ms, table.as_ref());
    set(&mut t.cache_lag_warn_ms, cache.as_ref());
    section.finish(&reference::place_of);
    thresholds
}

/// Reads `[prices]`.
pub fn read_prices(mut section: Section<'_>) -> Prices {
    let mut prices = Prices::default();
    let most = 1e6;
    let node = section.number("node_hour_usd", 0.0, most);
    let path = section.number("invalidation_path_usd", 0.0, most);
    let warn = section.number("plan_warn_usd", 0.0, most);
    prices.node_hour_usd = node.map(|found| found.value);
    set(&mut prices.invalidation_path_usd, path.as_ref());
    set(&mut prices.plan_warn_usd, warn.as_ref());
    section.finish(&reference::place_of);
    prices
}

/// Two thresholds of which the first may not exceed the second.
struct Pair {
    low: (&'static str, Option<Found<f64>>),
    high: (&'static str, Option<Found<f64>>),
}

impl Pair {
    fn read(section: &mut Section<'_>, warn: &'static str, bad: &'static str, most: f64) -> Self {
        Self {
            low: (warn, section.number(warn, 0.0, most)),
            high: (bad, section.number(bad, 0.0, most)),
        }
    }

    fn swapped(self) -> Self {
        Self {
            low: self.high,
            high: self.low,
        }
    }

    fn apply(&self, section: &Section<'_>, low: &mut f64, high: &mut f64) {
        set(low, self.low.1.as_ref());
        set(high, self.high.1.as_ref());
        // The one that the file states is the one to mend.
        let stated = self.low.1.as_ref().or(self.high.1.as_ref());
        if let Some(found) = stated.filter(|_| low > high) {
            let text = format!(
                "`{}` ({low}) must not exceed `{}` ({high}){}",
                self.low.0,
                self.high.0,
                if self.low.1.is_some() && self.high.1.is_some() {
                    ""
                } else {
                    "; the other one is a default"
                }
            );
            section.report().at(&found.span, text);
        }
    }
}

fn set(value: &mut f64, found: Option<&Found<f64>>) {
    if let Some(found) = found {
        *value = found.value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_interval_is_above_its_floor() {
        for &source in Source::ALL {
            assert!(
                source.default_interval() >= floor(source),
                "{}",
                source.name()
            );
        }
        assert_eq!(floor(Source::Records), Duration::from_secs(10));
        assert_eq!(floor(Source::Metrics), Duration::from_secs(30));
    }
}
