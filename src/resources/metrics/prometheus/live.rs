//! Services by a Prometheus: which dialects it speaks, the queries of each over the last forty minutes, and one row per signal of each version. Owns "no series is no data, and no errors beside requests are none".

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::future::{join, join_all};
use jiff::Timestamp;

use super::super::{
    MINUTES, Origin, Point, Quality, Series, SeriesSpec, Stat,
    dialect::{Auth, Prometheus, QuerySet, Service},
    signals::{STEP, Signal, TARGETS_DOWN, TARGETS_UP, signal_key},
};
use crate::{
    provider::{
        ask::Ask,
        prometheus::{
            Server,
            answer::{Labelled, Told},
        },
    },
    resources::{Answer, ErrorClass, ProviderError, Rows},
};

const RANGE: &str = "prometheus:QueryRange";
const INSTANT: &str = "prometheus:Query";
/// A soak of thirty minutes is judged from one answer.
const RANGE_OF_TIME: Duration = Duration::from_secs(MINUTES as u64 * 60);
/// For how long a dialect that is spoken is taken to be spoken.
const SPOKEN_FOR: Duration = Duration::from_secs(300);

/// What a call is named by: of a managed server the action that IAM must allow.
pub fn named(settings: &Prometheus, call: &'static str) -> &'static str {
    match settings.auth {
        Auth::SigV4(_) => "aps:QueryMetrics",
        Auth::None | Auth::Bearer(_) | Auth::Basic { .. } => call,
    }
}

/// The values of a service by time.
type Values = BTreeMap<Timestamp, f64>;
/// What a query gave, by service; an error where it failed.
type Given = Result<BTreeMap<Service, Values>, ProviderError>;

/// Reads the signals of every service of the region.
pub async fn observe(ask: Ask<'_>) -> Result<Answer, ProviderError> {
    let unknown = || {
        let text = format!("no Prometheus is configured for {}", ask.place);
        ProviderError::new(ErrorClass::NotFound, RANGE, text)
    };
    let label = ask.place.region().ok_or_else(unknown)?;
    let settings = ask.estate.prometheus.get(label).ok_or_else(unknown)?;
    let server = Server::open(&ask, settings, RANGE).await?;
    let to = Timestamp::now();
    let range = (to - RANGE_OF_TIME, to);
    let spoken = spoken(&ask, &server, settings).await?;
    let sets = spoken.iter().map(|set| read(&server, settings, set, range));
    let targets = settings.targets();
    let targets = server.query_range(named(settings, RANGE), &targets, range, STEP);
    let ((targets, version), given) = join(join(targets, server.version()), join_all(sets)).await;
    // The server itself must answer, or nothing is known.
    let targets = noted(&ask, targets)?;
    let mut rows = about(&targets, settings, version);
    let answers: Vec<&Given> = given.iter().flat_map(GivenSet::parts).collect();
    // Not one query was answered: the old series stay, and grow old.
    if let Some(Err(error)) = answers.first()
        && answers.iter().all(|answer| answer.is_err())
    {
        return Err(error.clone());
    }
    let all_answered = answers.iter().all(|answer| answer.is_ok());
    let mut keys = BTreeSet::new();
    for (set, given) in spoken.iter().zip(given) {
        for error in given.errors() {
            ask.problem(error.clone());
        }
        for warning in &given.warnings {
            ask.problem(ProviderError::new(ErrorClass::Transient, RANGE, warning));
        }
        // A service that two proxies count is told by the first of them.
        let services = given.services();
        for service in services
            .into_iter()
            .filter(|service| keys.insert(service.clone()))
        {
            rows.extend(given.rows(set, settings, &service));
        }
    }
    // Its own test of whether the window is long enough: without it a server that is scraped rarely looks like one without traffic.
    if let Some(set) = spoken.first().filter(|_| keys.is_empty() && all_answered) {
        let text = silence(settings, set);
        ask.problem(ProviderError::new(ErrorClass::Terminal, RANGE, text));
    }
    rows.sort_by(|a, b| a.spec.key.cmp(&b.spec.key));
    Ok(ask.answer(Rows::Metrics(rows)))
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

/// The query sets whose metrics are there. Asked again every few minutes; queries of somebody's own are always asked.
async fn spoken(
    ask: &Ask<'_>,
    server: &Server<'_>,
    settings: &Prometheus,
) -> Result<Vec<QuerySet>, ProviderError> {
    if let [only] = settings.queries.as_slice() {
        return Ok(vec![only.clone()]);
    }
    let names = || settings.queries.iter().map(|set| set.dialect.name());
    let known = |name: &str| ask.memory.dialects.recent(name, SPOKEN_FOR);
    if names().any(|name| known(name).is_none()) || names().all(|name| known(name) == Some(false)) {
        let told = noted(
            ask,
            server
                .query(named(settings, INSTANT), &settings.spoken())
                .await,
        )?;
        for set in &settings.queries {
            let metric = set.dialect.metric();
            let mut series = told.series.iter();
            let there = series
                .any(|series| series.labels.get("__name__").map(String::as_str) == Some(metric));
            ask.memory.dialects.learn(set.dialect.name(), there);
        }
    }
    let sets = settings.queries.iter();
    let spoken = sets.filter(|set| known(set.dialect.name()) == Some(true));
    Ok(spoken.cloned().collect())
}

/// An answer, with what the server says is missing from it noted as a part that is.
fn noted(ask: &Ask<'_>, told: Result<Told, ProviderError>) -> Result<Told, ProviderError> {
    let told = told?;
    for warning in &told.warnings {
        ask.problem(ProviderError::new(ErrorClass::Transient, RANGE, warning));
    }
    Ok(told)
}

/// How many targets answer, with what is known of the server.
fn about(told: &Told, settings: &Prometheus, version: Option<String>) -> Vec<Series> {
    let count = |state: &str| {
        let of = |series: &&Labelled| series.labels.get("state").map(String::as_str) == Some(state);
        let series = told.series.iter().find(of);
        series.map_or_else(Values::new, |series| {
            series.values.iter().copied().collect()
        })
    };
    let (mut up, mut down) = (count("1"), count("0"));
    // Where some targets are told of, none of the other kind is zero of them.
    for at in up.keys().chain(down.keys()).copied().collect::<Vec<_>>() {
        up.entry(at).or_insert(0.0);
        down.entry(at).or_insert(0.0);
    }
    let mut known = vec![("url".to_owned(), settings.url.clone())];
    known.extend(version.map(|version| ("version".to_owned(), version)));
    if !settings.selector.is_empty() {
        known.push(("selector".to_owned(), settings.selector.clone()));
    }
    [(TARGETS_UP, up), (TARGETS_DOWN, down)]
        .map(|(key, values)| {
            let spec = spec(key.to_owned(), "up", Stat::Average, known.clone(), STEP);
            series(spec, values, Quality::Complete)
        })
        .into()
}

/// What the three queries of a set gave.
struct GivenSet {
    requests: Given,
    errors: Given,
    p95: Given,
    /// What the server says is missing, each once.
    warnings: BTreeSet<String>,
}

async fn read(
    server: &Server<'_>,
    settings: &Prometheus,
    set: &QuerySet,
    range: (Timestamp, Timestamp),
) -> GivenSet {
    let ask = async |query: &str| {
        let query = settings.fill(query);
        server
            .query_range(named(settings, RANGE), &query, range, STEP)
            .await
    };
    let queries = [&set.requests, &set.errors, &set.p95_ms].map(|query| ask(query));
    let told: Vec<Result<Told, ProviderError>> = join_all(queries).await;
    let warnings = told.iter().flatten().flat_map(|told| told.warnings.clone());
    let warnings = warnings.collect();
    let mut told = told.into_iter();
    let mut next = |combine: fn(f64, f64) -> f64| match told.next() {
        Some(told) => told.and_then(|told| by_service(settings, set, told, combine)),
        None => Ok(BTreeMap::new()),
    };
    GivenSet {
        requests: next(|a, b| a + b),
        errors: next(|a, b| a + b),
        // Percentiles cannot be joined: the worst stands for all.
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
        let of = |given: &Given| match given {
            Ok(services) => (
                services.get(service).cloned().unwrap_or_default(),
                if self.warnings.is_empty() {
                    Quality::Complete
                } else {
                    Quality::Partial
                },
            ),
            Err(error) if error.class == ErrorClass::Denied => (Values::new(), Quality::Forbidden),
            Err(_) => (Values::new(), Quality::Failed),
        };
        let (requests, errors, p95) = (of(&self.requests), of(&self.errors), of(&self.p95));
        let quality = requests.1.worse(errors.1);
        let percent = if set.errors_in_percent {
            (beside(&requests.0, errors.0), errors.1)
        } else if matches!(quality, Quality::Complete | Quality::Partial) {
            (in_percent(&requests.0, &errors.0), quality)
        } else {
            (Values::new(), quality)
        };
        let row = |signal: Signal, query: &str, stat: Stat, (values, quality)| {
            let key = signal_key(&service.namespace, &service.name, &service.version, signal);
            let mut dimensions = vec![("dialect".to_owned(), set.dialect.name().to_owned())];
            dimensions.push(("service".to_owned(), service.name.clone()));
            let window = Duration::from_secs(u64::from(settings.window));
            series(spec(key, query, stat, dimensions, window), values, quality)
        };
        vec![
            row(Signal::Requests, &set.requests, Stat::Average, requests),
            row(Signal::Errors, &set.errors, Stat::Average, percent),
            row(Signal::P95, &set.p95_ms, Stat::P95, p95),
        ]
    }
}

impl Quality {
    /// The worse of two.
    fn worse(self, other: Self) -> Self {
        let rank = |quality| match quality {
            Self::Complete => 0,
            Self::Partial => 1,
            Self::Failed => 2,
            Self::Forbidden => 3,
        };
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
}

/// Failed requests in percent, at every time at which there are requests: no series of errors beside them is no error. Without a request there is no share.
fn in_percent(requests: &Values, errors: &Values) -> Values {
    let share = |(at, rate): (&Timestamp, &f64)| {
        let failed = errors.get(at).copied().unwrap_or(0.0);
        (*rate > 0.0).then(|| (*at, (failed / rate * 100.0).clamp(0.0, 100.0)))
    };
    requests.iter().filter_map(share).collect()
}

/// Shares that a query tells itself: it has none for what did not fail, as long as there are requests.
fn beside(requests: &Values, mut shares: Values) -> Values {
    for (at, _) in requests.iter().filter(|(_, rate)| **rate > 0.0) {
        shares.entry(*at).or_insert(0.0);
    }
    shares
}

fn spec(
    key: String,
    name: &str,
    stat: Stat,
    dimensions: Vec<(String, String)>,
    period: Duration,
) -> SeriesSpec {
    SeriesSpec {
        origin: Origin::Prometheus,
        key,
        namespace: Origin::Prometheus.name().to_owned(),
        name: name.to_owned(),
        dimensions,
        stat,
        period: u32::try_from(period.as_secs()).unwrap_or(u32::MAX),
    }
}

/// Points newest first, each at the start of the time that it tells of: a rate at a time is that of the window before it.
fn series(spec: SeriesSpec, values: Values, quality: Quality) -> Series {
    let period = Duration::from_secs(u64::from(spec.period));
    let points = values.into_iter().rev().map(|(at, value)| Point {
        at: at - period,
        value,
    });
    Series {
        points: points.collect(),
        quality,
        spec,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn no_errors_beside_requests_are_none_and_no_requests_have_no_share() {
        let requests = Values::from([(at(0), 10.0), (at(60), 0.0), (at(120), 4.0)]);
        let errors = Values::from([(at(120), 1.0), (at(180), 3.0)]);
        assert_eq!(
            in_percent(&requests, &errors),
            Values::from([(at(0), 0.0), (at(120), 25.0)])
        );
        assert!(in_percent(&Values::new(), &errors).is_empty());
    }

    #[test]
    fn a_share_that_a_query_does_not_tell_is_none_beside_requests() {
        let requests = Values::from([(at(0), 10.0), (at(60), 0.0), (at(120), 4.0)]);
        let told = Values::from([(at(120), 25.0)]);
        assert_eq!(
            beside(&requests, told),
            Values::from([(at(0), 0.0), (at(120), 25.0)])
        );
        assert!(beside(&Values::new(), Values::new()).is_empty());
    }

    #[test]
    fn a_point_begins_where_its_window_begins() {
        let spec = spec("k".to_owned(), "q", Stat::Average, Vec::new(), STEP);
        let series = series(
            spec,
            Values::from([(at(60), 1.0), (at(120), 2.0)]),
            Quality::Complete,
        );
        let points: Vec<_> = series.points.iter().map(|p| (p.at, p.value)).collect();
        assert_eq!(points, [(at(60), 2.0), (at(0), 1.0)]);
        assert_eq!(series.latest(at(120)).map(|point| point.value), Some(2.0));
    }
}
