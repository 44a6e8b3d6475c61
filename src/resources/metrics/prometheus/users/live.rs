//! The users of a region by a Prometheus: the four queries of each dialect that is spoken, and one row per signal. Owns which of several doors counts.

use std::time::Duration;

use futures::future::join_all;

use super::super::{
    super::{
        Quality, Series,
        dialect::Prometheus,
        users::{UserQueries, UserSignal},
    },
    live::{Asking, Known, RANGE, Values, errors_in_percent, known, missing, series, spec},
};
use crate::{
    provider::prometheus::answer::Told,
    resources::{ErrorClass, ProviderError},
};

/// What is known of the users of a region.
pub struct Read {
    /// One series per signal, with no point where nothing is told.
    pub rows: Vec<Series>,
    /// What is missing, and why.
    pub problems: Vec<ProviderError>,
    /// Whether any query was answered.
    pub answered: bool,
}

/// What a query gave, all its series as one; an error where it failed.
type Given = Result<Values, ProviderError>;

/// What the four queries of a set gave.
struct Door {
    requests: Given,
    errors: Given,
    p95: Given,
    p99: Given,
    /// What the server says is missing.
    warnings: Vec<String>,
}

/// Asks about users with each of these sets of queries. One door stands behind the other, so their requests are the same ones: the first that has any counts.
pub async fn read(asking: &Asking<'_>, sets: &[&UserQueries]) -> Read {
    let given = join_all(sets.iter().map(|set| ask(asking, set))).await;
    let doors = || sets.iter().zip(&given);
    let mut problems = Vec::new();
    for (set, door) in doors() {
        let errors = door
            .parts()
            .into_iter()
            .filter_map(|part| part.as_ref().err());
        problems.extend(errors.cloned());
        problems.extend(door.warnings.iter().map(|warning| missing(warning)));
        problems.extend(silence(asking.settings, set, door));
    }
    // Of one whose requests could not be read nobody knows whether it has any: the next one would be a guess.
    let counts = doors().find(|(_, door)| !matches!(&door.requests, Ok(all) if all.is_empty()));
    let rows = match counts {
        Some((set, door)) => door.rows(set, asking.settings),
        None => {
            let whole = given.iter().all(|door| door.warnings.is_empty());
            silent(whole, asking.settings)
        }
    };
    Read {
        rows,
        problems,
        answered: given
            .iter()
            .any(|door| door.parts().into_iter().any(Result::is_ok)),
    }
}

async fn ask(asking: &Asking<'_>, set: &UserQueries) -> Door {
    let queries = [&set.requests, &set.errors, &set.p95_ms, &set.p99_ms];
    let told = join_all(queries.map(|query| asking.ask(query))).await;
    let warnings = told.iter().flatten().flat_map(|told| told.warnings.clone());
    let warnings = warnings.collect();
    let mut told = told.into_iter();
    let mut next = |combine: fn(f64, f64) -> f64| match told.next() {
        Some(told) => told.map(|told| as_one(told, combine)),
        None => Ok(Values::new()),
    };
    let sum: fn(f64, f64) -> f64 = |a, b| a + b;
    Door {
        requests: next(sum),
        // Shares cannot be added, nor can percentiles be joined: the worst stands for all.
        errors: next(if set.errors_in_percent { f64::max } else { sum }),
        p95: next(f64::max),
        p99: next(f64::max),
        warnings,
    }
}

/// All series of an answer as one: the defaults give one, a query of somebody's own may give several.
fn as_one(told: Told, combine: fn(f64, f64) -> f64) -> Values {
    let mut one = Values::new();
    for (at, value) in told.series.into_iter().flat_map(|series| series.values) {
        let known = one.entry(at);
        known
            .and_modify(|known| *known = combine(*known, value))
            .or_insert(value);
    }
    one
}

/// Whether the queries are those of the dialect, as nobody has changed them.
fn usual(set: &UserQueries) -> bool {
    *set == set.dialect.users()
}

/// What is said of queries of somebody's own that were answered and tell of no request. That a dialect has none is nothing special: another may be at the door.
fn silence(settings: &Prometheus, set: &UserQueries, door: &Door) -> Option<ProviderError> {
    let silent = matches!(&door.requests, Ok(requests) if requests.is_empty());
    let text = format!(
        "the `requests` of [prometheus.users] give no series: is their metric there, and is the scrape interval longer than half of {} s (`window`)?",
        settings.window
    );
    (silent && !usual(set)).then(|| ProviderError::new(ErrorClass::Terminal, RANGE, text))
}

impl Door {
    fn parts(&self) -> [&Given; 4] {
        [&self.requests, &self.errors, &self.p95, &self.p99]
    }

    fn rows(&self, set: &UserQueries, settings: &Prometheus) -> Vec<Series> {
        let of =
            |given: &Given| -> Known { known(given.as_ref().cloned(), self.warnings.is_empty()) };
        let requests = of(&self.requests);
        let errors = errors_in_percent(&requests, of(&self.errors), set.errors_in_percent);
        let told_by = if usual(set) {
            ("dialect", set.dialect.name())
        } else {
            ("queries", "[prometheus.users]")
        };
        let rows = [
            (UserSignal::Requests, &set.requests, requests),
            (UserSignal::Errors, &set.errors, errors),
            (UserSignal::P95, &set.p95_ms, of(&self.p95)),
            (UserSignal::P99, &set.p99_ms, of(&self.p99)),
        ];
        let row = |(signal, query, known): (_, &String, _)| {
            row(signal, query, Some(told_by), settings, known)
        };
        rows.into_iter().map(row).collect()
    }
}

/// That nobody at any door tells of a request. `whole`: nothing is said to be missing.
fn silent(whole: bool, settings: &Prometheus) -> Vec<Series> {
    let quality = if whole {
        Quality::Complete
    } else {
        Quality::Partial
    };
    let row = |signal| row(signal, "", None, settings, (Values::new(), quality));
    UserSignal::ALL.into_iter().map(row).collect()
}

fn row(
    signal: UserSignal,
    query: &str,
    told_by: Option<(&str, &str)>,
    settings: &Prometheus,
    known: Known,
) -> Series {
    let window = Duration::from_secs(u64::from(settings.window));
    let told_by = told_by.map(|(what, who)| (what.to_owned(), who.to_owned()));
    let dimensions = told_by.into_iter().collect();
    let spec = spec(
        signal.key().to_owned(),
        query,
        signal.stat(),
        dimensions,
        window,
    );
    series(spec, known)
}
