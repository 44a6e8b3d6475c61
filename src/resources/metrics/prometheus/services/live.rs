//! Services by a Prometheus: the three queries of each dialect that is spoken, and one row per signal of each version. Owns which labels name a service, and what is said where none does.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::future::join_all;

use super::super::{
    super::{
        Series, Stat,
        dialect::{Prometheus, QuerySet, Service},
        signals::{Signal, signal_key},
    },
    live::{Asking, Known, RANGE, Values, errors_in_percent, known, missing, named, series, spec},
};
use crate::{
    provider::prometheus::answer::Told,
    resources::{ErrorClass, ProviderError},
};

/// What a query gave, by service; an error where it failed.
type Given = Result<BTreeMap<Service, Values>, ProviderError>;

/// What is known of the services of a region.
pub struct Read {
    /// Their series; an error where not one query was answered.
    pub rows: Result<Vec<Series>, ProviderError>,
    /// What is missing, and why.
    pub problems: Vec<ProviderError>,
}

/// Asks about services with each of these sets of queries.
pub async fn read(asking: &Asking<'_>, sets: &[&QuerySet]) -> Read {
    let settings = asking.settings;
    let given = join_all(sets.iter().map(|set| ask(asking, set))).await;
    let answers: Vec<&Given> = given.iter().flat_map(GivenSet::parts).collect();
    if let Some(Err(error)) = answers.first()
        && answers.iter().all(|answer| answer.is_err())
    {
        let error = error.clone();
        return Read {
            rows: Err(error.clone()),
            problems: vec![error],
        };
    }
    let all_answered = answers.iter().all(|answer| answer.is_ok());
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    let mut keys = BTreeSet::new();
    for (set, given) in sets.iter().zip(given) {
        problems.extend(given.errors().cloned());
        problems.extend(given.warnings.iter().map(|warning| missing(warning)));
        // A service that two proxies count is told by the first of them.
        let services = given.services().into_iter();
        for service in services.filter(|service| keys.insert(service.clone())) {
            rows.extend(given.rows(set, settings, &service));
        }
    }
    // Its own test of whether the window is long enough: without it a server that is scraped rarely looks like one without traffic.
    if let Some(set) = sets.first().filter(|_| keys.is_empty() && all_answered) {
        let text = silence(settings, set);
        problems.push(ProviderError::new(ErrorClass::Terminal, RANGE, text));
    }
    Read {
        rows: Ok(rows),
        problems,
    }
}

/// Why queries that were answered tell of no service.
fn silence(settings: &Prometheus, set: &QuerySet) -> String {
    let (metric, window) = (set.dialect.metric(), settings.window);
    // A single set is asked without a look whether its metric is there.
    let known = settings.queries.len() > 1;
    let found = if *set != set.dialect.queries() {
        "the queries of [prometheus.queries] tell of no service: are their metrics there, and do their series have the labels of a service?".to_owned()
    } else if known {
        format!("{metric} is there, and gives no rate over {window} s.")
    } else {
        format!("{metric} gives no rate over {window} s: is it there?")
    };
    format!("{found} Is the scrape interval longer than half of {window} s? Set `window`")
}

/// What the three queries of a set gave.
struct GivenSet {
    requests: Given,
    errors: Given,
    p95: Given,
    /// What the server says is missing, each once.
    warnings: BTreeSet<String>,
}

async fn ask(asking: &Asking<'_>, set: &QuerySet) -> GivenSet {
    let settings = asking.settings;
    let queries = [&set.requests, &set.errors, &set.p95_ms].map(|query| asking.ask(query));
    let told: Vec<Result<Told, ProviderError>> = join_all(queries).await;
    let warnings = told.iter().flatten().flat_map(|told| told.warnings.clone());
    let warnings = warnings.collect();
    let mut told = told.into_iter();
    let mut next = |combine: fn(f64, f64) -> f64| match told.next() {
        Some(told) => told.and_then(|told| by_service(settings, set, told, combine)),
        None => Ok(BTreeMap::new()),
    };
    let sum: fn(f64, f64) -> f64 = |a, b| a + b;
    GivenSet {
        requests: next(sum),
        // Shares cannot be added, nor can percentiles be joined: the worst stands for all.
        errors: next(if set.errors_in_percent { f64::max } else { sum }),
        p95: next(f64::max),
        warnings,
    }
}

/// The values of each service; several series of one are joined. A query of somebody's own that has series, and none of a service, lacks its labels.
fn by_service(
    settings: &Prometheus,
    set: &QuerySet,
    told: Told,
    combine: fn(f64, f64) -> f64,
) -> Given {
    let mut services: BTreeMap<Service, Values> = BTreeMap::new();
    let count = told.series.len();
    for series in told.series {
        let Some(service) = set.service(&series.labels) else {
            continue;
        };
        let values = services.entry(service).or_default();
        for (at, value) in series.values {
            let known = values.entry(at);
            known
                .and_modify(|known| *known = combine(*known, value))
                .or_insert(value);
        }
    }
    if services.is_empty() && count > 0 && *set != set.dialect.queries() {
        let text = format!(
            "a query of [prometheus.queries] gives {count} series, none of which has the label of a service: is it `sum by (…)` of too little?"
        );
        let operation = named(settings, RANGE);
        return Err(ProviderError::new(ErrorClass::Terminal, operation, text));
    }
    Ok(services)
}

impl GivenSet {
    fn parts(&self) -> [&Given; 3] {
        [&self.requests, &self.errors, &self.p95]
    }

    fn errors(&self) -> impl Iterator<Item = &ProviderError> {
        self.parts()
            .into_iter()
            .filter_map(|given| given.as_ref().err())
    }

    /// Every service that one of the queries tells of. Errors alone make none: they are those of its requests.
    fn services(&self) -> BTreeSet<Service> {
        let given = [&self.requests, &self.p95].into_iter().flatten();
        given.flat_map(BTreeMap::keys).cloned().collect()
    }

    fn rows(&self, set: &QuerySet, settings: &Prometheus, service: &Service) -> Vec<Series> {
        let of = |given: &Given| -> Known {
            let of_service = given.as_ref();
            let of_service = of_service.map(|all| all.get(service).cloned().unwrap_or_default());
            known(of_service, self.warnings.is_empty())
        };
        let requests = of(&self.requests);
        let percent = errors_in_percent(&requests, of(&self.errors), set.errors_in_percent);
        let p95 = of(&self.p95);
        let row = |signal: Signal, query: &str, stat: Stat, known: Known| {
            let key = signal_key(&service.namespace, &service.name, &service.version, signal);
            let mut dimensions = vec![("dialect".to_owned(), set.dialect.name().to_owned())];
            dimensions.push(("service".to_owned(), service.name.clone()));
            let window = Duration::from_secs(u64::from(settings.window));
            series(spec(key, query, stat, dimensions, window), known)
        };
        vec![
            row(Signal::Requests, &set.requests, Stat::Average, requests),
            row(Signal::Errors, &set.errors, Stat::Average, percent),
            row(Signal::P95, &set.p95_ms, Stat::P95, p95),
        ]
    }
}
