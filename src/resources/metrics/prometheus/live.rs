//! A poll of the Prometheus of a region: which dialects it speaks, how many targets report to it, and what it tells about services and users over the last forty minutes. Owns "no series is no data, and no errors beside requests are none", and that services and users fail apart.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::future::{join, join3};
use jiff::Timestamp;

use super::{
    super::{
        MINUTES, Origin, Point, Quality, Series, SeriesSpec, Stat,
        dialect::{Auth, Dialect, Prometheus},
        signals::{STEP, TARGETS_DOWN, TARGETS_UP},
    },
    services, users,
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

/// What a query over a range of time is named by.
pub const RANGE: &str = "prometheus:QueryRange";
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

/// Values by time.
pub type Values = BTreeMap<Timestamp, f64>;
/// The values of a series, and how complete they are.
pub type Known = (Values, Quality);

/// A server and the time about which it is asked.
pub struct Asking<'a> {
    /// How it is asked.
    pub settings: &'a Prometheus,
    server: &'a Server<'a>,
    range: (Timestamp, Timestamp),
}

impl Asking<'_> {
    /// What a query gives, once its places are filled in.
    pub async fn ask(&self, query: &str) -> Result<Told, ProviderError> {
        let query = self.settings.fill(query);
        let named = named(self.settings, RANGE);
        self.server
            .query_range(named, &query, self.range, STEP)
            .await
    }
}

/// Reads the signals of every service of the region, and of its users.
pub async fn observe(ask: Ask<'_>) -> Result<Answer, ProviderError> {
    let unknown = || {
        let text = format!("no Prometheus is configured for {}", ask.place);
        ProviderError::new(ErrorClass::NotFound, RANGE, text)
    };
    let label = ask.place.region().ok_or_else(unknown)?;
    let settings = ask.estate.prometheus.get(label).ok_or_else(unknown)?;
    let server = Server::open(&ask, settings, RANGE).await?;
    let to = Timestamp::now();
    let asking = Asking {
        settings,
        server: &server,
        range: (to - RANGE_OF_TIME, to),
    };
    let spoken = spoken(&ask, &server, settings).await?;
    let sets = of_spoken(&settings.queries, |set| spoken.contains(&set.dialect));
    let doors = of_spoken(&settings.users, |set| spoken.contains(&set.dialect));
    let targets = settings.targets();
    let ((targets, version), services, users) = join3(
        join(asking.ask(&targets), server.version()),
        services::live::read(&asking, &sets),
        users::live::read(&asking, &doors),
    )
    .await;
    // The server itself must answer, or nothing is known.
    let targets = targets?;
    for text in &targets.warnings {
        ask.problem(missing(text));
    }
    let mut rows = about(&targets, settings, version);
    for problem in services.problems.into_iter().chain(users.problems) {
        ask.problem(problem);
    }
    rows.extend(kept(&ask, services.rows, users.answered)?);
    rows.extend(users.rows);
    rows.sort_by(|a, b| a.spec.key.cmp(&b.spec.key));
    Ok(ask.answer(Rows::Metrics(rows)))
}

/// The rows of services. Where not one of their queries was answered the old rows stay, and grow old: beside those of users, if these were.
fn kept(
    ask: &Ask<'_>,
    services: Result<Vec<Series>, ProviderError>,
    users_answered: bool,
) -> Result<Vec<Series>, ProviderError> {
    let Ok(mut known) = ask.memory.services.lock() else {
        return services;
    };
    match services {
        Ok(rows) => {
            known.replace(rows.clone());
            Ok(rows)
        }
        Err(error) => known.clone().filter(|_| users_answered).ok_or(error),
    }
}

/// What the server says is missing from an answer.
pub fn missing(warning: &str) -> ProviderError {
    ProviderError::new(ErrorClass::Transient, RANGE, warning)
}

/// The sets of queries that are asked: a single one always is.
fn of_spoken<Q>(sets: &[Q], spoken: impl Fn(&Q) -> bool) -> Vec<&Q> {
    let asked = |set: &&Q| sets.len() == 1 || spoken(set);
    sets.iter().filter(asked).collect()
}

/// The dialects whose metrics are there. Asked again every few minutes, and only where that decides what is asked.
async fn spoken(
    ask: &Ask<'_>,
    server: &Server<'_>,
    settings: &Prometheus,
) -> Result<BTreeSet<Dialect>, ProviderError> {
    let dialects = settings.dialects();
    if settings.queries.len() <= 1 && settings.users.len() <= 1 {
        return Ok(dialects);
    }
    let known = |dialect: &Dialect| ask.memory.dialects.recent(dialect.name(), SPOKEN_FOR);
    let all = || dialects.iter().map(known);
    if all().any(|known| known.is_none()) || all().all(|known| known == Some(false)) {
        let named = named(settings, INSTANT);
        let told = server.query(named, &settings.spoken()).await?;
        for text in &told.warnings {
            ask.problem(missing(text));
        }
        for dialect in &dialects {
            let mut series = told.series.iter();
            let there = series.any(|series| {
                let name = series.labels.get("__name__");
                name.map(String::as_str) == Some(dialect.metric())
            });
            ask.memory.dialects.learn(dialect.name(), there);
        }
    }
    let spoken = dialects.iter().copied();
    Ok(spoken
        .filter(|dialect| known(dialect) == Some(true))
        .collect())
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
            let known = known.clone();
            let spec = spec(key.to_owned(), "up", Stat::Average, known, STEP);
            series(spec, (values, Quality::Complete))
        })
        .into()
}

/// What is known of a series by the answer to its query. `whole`: nothing is said to be missing from it.
pub fn known(given: Result<Values, &ProviderError>, whole: bool) -> Known {
    match given {
        Ok(values) if whole => (values, Quality::Complete),
        Ok(values) => (values, Quality::Partial),
        Err(error) if error.class == ErrorClass::Denied => (Values::new(), Quality::Forbidden),
        Err(_) => (Values::new(), Quality::Failed),
    }
}

/// Failed requests in percent, from a query that tells them so or per second.
pub fn errors_in_percent(requests: &Known, errors: Known, told_in_percent: bool) -> Known {
    let quality = requests.1.worse(errors.1);
    if told_in_percent {
        (beside(&requests.0, errors.0), errors.1)
    } else if matches!(quality, Quality::Complete | Quality::Partial) {
        (in_percent(&requests.0, &errors.0), quality)
    } else {
        (Values::new(), quality)
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

/// What a series of this server is.
pub fn spec(
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
pub fn series(spec: SeriesSpec, (values, quality): Known) -> Series {
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
        let values = Values::from([(at(60), 1.0), (at(120), 2.0)]);
        let series = series(spec, (values, Quality::Complete));
        let points: Vec<_> = series.points.iter().map(|p| (p.at, p.value)).collect();
        assert_eq!(points, [(at(60), 2.0), (at(0), 1.0)]);
        assert_eq!(series.latest(at(120)).map(|point| point.value), Some(2.0));
    }
}
