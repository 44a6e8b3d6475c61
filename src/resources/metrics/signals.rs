//! What the users of one version of one service get: requests, errors and latency, as a Prometheus tells them. Owns the keys of these series and which rows belong to which service; asks nobody.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::Serialize;

use super::{Point, Reading, Series, joined, users};
use crate::resources::{Estate, Fleet, Limits, Place, Source};

/// What is measured of a version of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// Requests per second.
    Requests,
    /// Failed requests in percent of all.
    Errors,
    /// 95th percentile of the response time in milliseconds.
    P95,
}

impl Signal {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Requests, Self::Errors, Self::P95];

    /// Its word at the end of a key.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Errors => "errors",
            Self::P95 => "p95",
        }
    }
}

const PREFIX: &str = "service/";

/// The key of a series: `service/shop/checkout/v2/errors`. An empty version: the versions are not told apart.
/// An empty namespace: it stands before the name of the service, joined by a hyphen, and its port after it.
pub fn signal_key(namespace: &str, service: &str, version: &str, signal: Signal) -> String {
    format!("{}{version}/{}", prefix(namespace, service), signal.name())
}

/// Targets that answer the scrapes of the server; beside it are those that do not.
pub const TARGETS_UP: &str = "prometheus/targets-up";
/// Targets that do not answer.
pub const TARGETS_DOWN: &str = "prometheus/targets-down";

/// The source that fills a series.
pub(super) fn source_of(key: &str) -> Source {
    let prefixes = [PREFIX, users::PREFIX, "prometheus/"];
    if prefixes.iter().any(|prefix| key.starts_with(prefix)) {
        Source::Prometheus
    } else {
        Source::Metrics
    }
}

fn prefix(namespace: &str, service: &str) -> String {
    // A slash ends a part of the key; no object of a cluster has one in its name.
    let part = |text: &str| text.replace('/', "_");
    format!("{PREFIX}{}/{}/", part(namespace), part(service))
}

/// What is known of one version of a service now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VersionSignals {
    /// As its pods are labelled; empty where the versions are not told apart.
    pub version: String,
    /// Requests per second.
    pub requests: Reading,
    /// Failed requests in percent of all.
    pub error_percent: Reading,
    /// 95th percentile of the response time in milliseconds.
    pub p95_ms: Reading,
    /// What the keys of its series begin with, `service/shop/checkout/v2`: several where it is counted under several names, one for each of its ports.
    #[serde(skip)]
    stems: Vec<String>,
    /// Its three series as one each, in the order of [`Signal::ALL`], where they are counted under several names.
    #[serde(skip)]
    joined: Option<Box<[Series; 3]>>,
}

impl VersionSignals {
    /// The names under which it is counted, and the key of one of its series by each, for its history.
    pub fn keys(&self, signal: Signal) -> impl Iterator<Item = (&str, String)> {
        self.stems.iter().map(move |stem| {
            let mut parts = stem.split('/').skip(2);
            let name = parts.next().unwrap_or_default();
            (name, format!("{stem}/{}", signal.name()))
        })
    }

    /// Whether nothing at all is known of it now.
    pub fn silent(&self) -> bool {
        [self.requests, self.error_percent, self.p95_ms]
            .into_iter()
            .all(|reading| reading.usable().is_none())
    }

    /// The points of a signal whose periods began at or after a time, newest first.
    pub fn points_since<'a>(
        &'a self,
        fleet: &'a Fleet,
        place: &Place,
        signal: Signal,
        since: Timestamp,
    ) -> &'a [Point] {
        let series = match (&self.joined, self.stems.first()) {
            (Some(joined), _) => Some(&joined[signal as usize]),
            (None, Some(stem)) => fleet.series(place, &format!("{stem}/{}", signal.name())),
            (None, None) => None,
        };
        let points = series.map_or(&[][..], |series| series.points.as_slice());
        let newer = points.partition_point(|point| point.at >= since);
        &points[..newer]
    }

    /// How many requests the points of a time tell of, and over how many seconds.
    pub fn counted_since(&self, fleet: &Fleet, place: &Place, since: Timestamp) -> (f64, f64) {
        let points = self.points_since(fleet, place, Signal::Requests, since);
        let seconds = |points: &[Point]| points.len() as f64 * STEP.as_secs_f64();
        let rates: f64 = points.iter().map(|point| point.value).sum();
        (rates * STEP.as_secs_f64(), seconds(points))
    }

    /// How many failed requests the points of a time tell of.
    pub fn failed_since(&self, fleet: &Fleet, place: &Place, since: Timestamp) -> f64 {
        let requests = self.points_since(fleet, place, Signal::Requests, since);
        let errors = self.points_since(fleet, place, Signal::Errors, since);
        let failed = errors.iter().filter_map(|error| {
            let mut at = requests.iter();
            let rate = at.find(|request| request.at == error.at)?.value;
            Some(rate * STEP.as_secs_f64() * error.value / 100.0)
        });
        failed.sum()
    }
}

/// The time between two points of a series.
pub const STEP: Duration = Duration::from_secs(60);

impl Estate {
    /// Whether a Prometheus tells about the services of a place. Where one does, a service without signals is one of which nothing is known.
    pub fn measures_services(&self, place: &Place) -> bool {
        self.places(Source::Prometheus).contains(place)
    }
}

impl Fleet {
    /// What is known of each version of a service, by version; empty where nothing tells. Where versions are told apart the whole is left out.
    pub fn service_signals(
        &self,
        place: &Place,
        namespace: &str,
        service: &str,
    ) -> Vec<VersionSignals> {
        let Some(slice) = self.metrics.slice(Source::Prometheus, place) else {
            return Vec::new();
        };
        let own = prefix(namespace, service);
        let own_rows = beginning(&slice.rows, &own).iter().filter_map(|row| {
            let (version, _) = row.spec.key.strip_prefix(&own)?.rsplit_once('/')?;
            Some((version, prefix_of(&row.spec.key)?))
        });
        let joined = beginning(&slice.rows, "service//").iter();
        let joined = joined.filter_map(|row| {
            let stem = prefix_of(&row.spec.key)?;
            let name = stem.strip_prefix("service//")?.split('/').next()?;
            is_joined(name, namespace, service).then_some(("", stem))
        });
        let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (version, stem) in own_rows {
            versions.entry(version).or_insert_with(|| vec![stem]);
        }
        // One that is counted under its own name is not counted once more under those of its ports.
        if !versions.contains_key("") {
            for (version, stem) in joined {
                let stems = versions.entry(version).or_default();
                if stems.last() != Some(&stem) {
                    stems.push(stem);
                }
            }
        }
        if versions.keys().any(|version| !version.is_empty()) {
            versions.remove("");
        }
        let signals = versions.into_iter();
        signals
            .map(|(version, stems)| self.version_signals(place, version, &stems))
            .collect()
    }

    /// What is known of a version that is counted under these names.
    fn version_signals(&self, place: &Place, version: &str, stems: &[&str]) -> VersionSignals {
        let series =
            |stem: &str, signal: Signal| self.series(place, &format!("{stem}/{}", signal.name()));
        let parts: Vec<joined::Part<'_>> = match stems {
            [] | [_] => Vec::new(),
            several => several
                .iter()
                .map(|stem| Signal::ALL.map(|signal| series(stem, signal)))
                .collect(),
        };
        let joined = joined::join(&parts);
        let reading = |signal: Signal| match (&joined, stems.first()) {
            (Some(joined), _) => self.read(&joined[signal as usize]),
            (None, Some(stem)) => self.reading(place, &format!("{stem}/{}", signal.name())),
            (None, None) => Reading::NeverRead,
        };
        VersionSignals {
            version: version.to_owned(),
            requests: reading(Signal::Requests),
            error_percent: reading(Signal::Errors),
            p95_ms: reading(Signal::P95),
            stems: stems.iter().map(|stem| (*stem).to_owned()).collect(),
            joined: joined.map(Box::new),
        }
    }

    /// The limits of a series of a Prometheus: its points are there as soon as they are measured, so they age as fast as it is asked.
    pub(super) fn prompt_limits(&self) -> Limits {
        Limits::for_interval(self.interval(Source::Prometheus))
    }
}

/// A key without its signal.
fn prefix_of(key: &str) -> Option<&str> {
    key.rsplit_once('/').map(|(stem, _)| stem)
}

/// The rows whose keys begin so; they are sorted by key.
fn beginning<'a>(rows: &'a [Series], prefix: &str) -> &'a [Series] {
    let from = rows.partition_point(|row| row.spec.key.as_str() < prefix);
    let rows = &rows[from..];
    let count = rows.partition_point(|row| row.spec.key.starts_with(prefix));
    &rows[..count]
}

/// Whether a name is that of a service with its namespace before it and its port behind: `shop-checkout-80`, `shop-checkout-http-80`.
fn is_joined(name: &str, namespace: &str, service: &str) -> bool {
    let rest = name
        .strip_prefix(namespace)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_prefix(service))
        .and_then(|rest| rest.strip_prefix('-'));
    let Some(port) = rest else {
        return false;
    };
    let port = port
        .strip_prefix("http-")
        .or_else(|| port.strip_prefix("grpc-"))
        .unwrap_or(port);
    !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether two names mean the same version: `v2.1.0` is `2.1.0`.
pub fn same_version(a: &str, b: &str) -> bool {
    fn plain(text: &str) -> &str {
        let number = |rest: &&str| rest.starts_with(|c: char| c.is_ascii_digit());
        text.strip_prefix('v').filter(number).unwrap_or(text)
    }
    !a.is_empty() && plain(a) == plain(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{
        Rows, fixtures as f,
        metrics::{Origin, Quality, SeriesSpec, Stat},
    };

    fn series(key: String, points: &[(i64, f64)]) -> Series {
        let mut spec = SeriesSpec::new(key, "Prometheus", "q", &[], Stat::Average);
        spec.origin = Origin::Prometheus;
        let point = |(age, value): &(i64, f64)| Point {
            at: f::now() - jiff::SignedDuration::from_secs(*age),
            value: *value,
        };
        Series {
            spec,
            points: points.iter().map(point).collect(),
            quality: Quality::Complete,
        }
    }

    fn fleet(mut rows: Vec<Series>) -> (Fleet, Place) {
        let mut fleet = f::fleet(&["eu"]);
        let place = f::place("eu");
        rows.sort_by(|a, b| a.spec.key.cmp(&b.spec.key));
        f::answer(
            &mut fleet,
            Source::Prometheus,
            &place,
            0,
            Rows::Metrics(rows),
        );
        (fleet, place)
    }

    fn key(version: &str, signal: Signal) -> String {
        signal_key("shop", "checkout", version, signal)
    }

    #[test]
    fn the_newest_point_counts_at_once_and_ages_with_the_polls() {
        let (fleet, place) = fleet(vec![
            series(key("v1", Signal::Requests), &[(65, 40.0), (125, 41.0)]),
            series(key("v2", Signal::Requests), &[(160, 2.0)]),
            series(key("v2", Signal::Errors), &[(60, 7.5)]),
            series(
                signal_key("shop", "checkout-x", "v9", Signal::Requests),
                &[(60, 1.0)],
            ),
            series(key("", Signal::Requests), &[(60, 50.0)]),
        ]);
        let signals = fleet.service_signals(&place, "shop", "checkout");
        let versions: Vec<&str> = signals.iter().map(|s| s.version.as_str()).collect();
        assert_eq!(versions, ["v1", "v2"], "the whole is left out");
        assert_eq!(signals[0].requests.usable(), Some(40.0));
        assert_eq!(signals[0].p95_ms, Reading::NeverRead);
        assert_eq!(
            signals[1].requests.usable(),
            None,
            "it stopped reporting 100 s ago"
        );
        assert_eq!(signals[1].error_percent.usable(), Some(7.5));
        assert!(
            fleet
                .service_signals(&place, "other", "checkout")
                .is_empty()
        );
    }

    #[test]
    fn requests_of_a_time_are_counted_minute_by_minute() {
        let (fleet, place) = fleet(vec![
            series(
                key("v1", Signal::Requests),
                &[(60, 2.0), (120, 4.0), (180, 100.0)],
            ),
            series(
                key("v1", Signal::Errors),
                &[(60, 50.0), (120, 25.0), (180, 100.0)],
            ),
        ]);
        let signals = &fleet.service_signals(&place, "shop", "checkout")[0];
        let since = fleet.now - jiff::SignedDuration::from_secs(125);
        assert_eq!(signals.counted_since(&fleet, &place, since), (360.0, 120.0));
        let failed = signals.failed_since(&fleet, &place, since);
        assert!((failed - 120.0).abs() < 1e-9, "{failed}");
    }

    #[test]
    fn a_service_under_several_ports_is_one() {
        let named = |name: &str, signal| signal_key("", name, "", signal);
        let (web, tls) = ("shop-checkout-80", "shop-checkout-8443");
        let (fleet, place) = fleet(vec![
            series(named(web, Signal::Requests), &[(60, 30.0), (120, 30.0)]),
            series(named(web, Signal::Errors), &[(60, 1.0), (120, 0.0)]),
            series(named(web, Signal::P95), &[(60, 90.0)]),
            series(named(tls, Signal::Requests), &[(60, 10.0)]),
            series(named(tls, Signal::Errors), &[(60, 21.0)]),
            series(named(tls, Signal::P95), &[(60, 400.0)]),
            series(
                named("shop-checkout-canary-80", Signal::Requests),
                &[(60, 5.0)],
            ),
        ]);
        let all = fleet.service_signals(&place, "shop", "checkout");
        let [signals] = all.as_slice() else {
            panic!("one version: {all:?}");
        };
        assert_eq!(signals.requests.usable(), Some(40.0), "added");
        assert_eq!(
            signals.error_percent.usable(),
            Some(6.0),
            "weighted by requests"
        );
        assert_eq!(signals.p95_ms.usable(), Some(400.0), "the worst");
        let since = fleet.now - jiff::SignedDuration::from_secs(125);
        assert_eq!(
            signals.counted_since(&fleet, &place, since),
            (4_200.0, 120.0)
        );
        let failed = signals.failed_since(&fleet, &place, since);
        assert!((failed - 144.0).abs() < 1e-9, "{failed}");
        let keys: Vec<(&str, String)> = signals.keys(Signal::P95).collect();
        assert_eq!(
            keys,
            [
                (web, "service//shop-checkout-80//p95".to_owned()),
                (tls, "service//shop-checkout-8443//p95".to_owned())
            ]
        );
    }

    #[test]
    fn a_joined_name_is_that_of_one_service_only() {
        assert!(is_joined("shop-checkout-80", "shop", "checkout"));
        assert!(is_joined("shop-checkout-http-80", "shop", "checkout"));
        assert!(!is_joined("shop-checkout-canary-80", "shop", "checkout"));
        assert!(is_joined(
            "shop-checkout-canary-80",
            "shop",
            "checkout-canary"
        ));
        assert!(!is_joined("shop-checkout", "shop", "checkout"));
        let (fleet, place) = fleet(vec![series(
            signal_key("", "shop-checkout-canary-80", "", Signal::Requests),
            &[(60, 3.0)],
        )]);
        let found = fleet.service_signals(&place, "shop", "checkout-canary");
        assert_eq!(found[0].requests.usable(), Some(3.0));
        assert!(fleet.service_signals(&place, "shop", "checkout").is_empty());
    }

    #[test]
    fn a_version_is_the_same_with_and_without_its_letter() {
        assert!(same_version("v2.1.0", "2.1.0") && same_version("canary", "canary"));
        assert!(!same_version("vanilla", "anilla") && !same_version("", ""));
        assert!(!same_version("v2", "v2.0"));
    }
}
