//! Metric series: what is asked of CloudWatch and of Prometheus, and how their answers are read (domain A.9). Owns "missing is not zero" and "the newest point is not complete".

mod data;
pub mod dialect;
mod edge;
mod joined;
pub mod live;
pub mod prometheus;
pub mod signals;
pub mod sim;
pub mod users;
mod view;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, ser::SerializeStruct};

use super::{
    ErrorClass, Fleet, Freshness, Judgement, Limits, Place, Resource, Severity, Source, age,
};

/// The statistic asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // CloudWatch's own names
pub enum Stat {
    Sum,
    Average,
    Minimum,
    Maximum,
    P95,
    P99,
}

impl Stat {
    /// As `GetMetricData` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "Sum",
            Self::Average => "Average",
            Self::Minimum => "Minimum",
            Self::Maximum => "Maximum",
            Self::P95 => "p95",
            Self::P99 => "p99",
        }
    }
}

/// Who keeps a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// CloudWatch: it is asked for each series by name, and its points arrive late.
    #[default]
    CloudWatch,
    /// A Prometheus: it tells all series of a query at once, and its points are there when they are measured.
    Prometheus,
}

impl Origin {
    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::CloudWatch => "CloudWatch",
            Self::Prometheus => "Prometheus",
        }
    }

    #[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
    fn is_cloud_watch(&self) -> bool {
        *self == Self::CloudWatch
    }
}

/// Minutes that are read: enough to judge a soak of half an hour from one answer, with the points that come late. A longer answer costs nothing more, but memory.
pub const MINUTES: i64 = 40;

/// One series to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesSpec {
    /// Who keeps it.
    #[serde(default, skip_serializing_if = "Origin::is_cloud_watch")]
    pub origin: Origin,
    /// Our own name for it, unique at its place: `load-balancer/app/x/1/requests`.
    pub key: String,
    /// Namespace, `AWS/ApplicationELB`.
    pub namespace: String,
    /// Metric name.
    pub name: String,
    /// Dimensions that must match. A published set with more dimensions also fits (learned with `ListMetrics`).
    pub dimensions: Vec<(String, String)>,
    /// Statistic.
    pub stat: Stat,
    /// Period in seconds.
    pub period: u32,
}

impl SeriesSpec {
    /// A series with the usual period of 60 s.
    pub fn new(
        key: String,
        namespace: &str,
        name: &str,
        dimensions: &[(&str, &str)],
        stat: Stat,
    ) -> Self {
        let dimensions = dimensions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self {
            origin: Origin::CloudWatch,
            key,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions,
            stat,
            period: 60,
        }
    }
}

/// How complete whoever keeps it says its answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// All points of the range.
    Complete,
    /// Some points are missing.
    Partial,
    /// The caller may not read it.
    Forbidden,
    /// Whoever keeps it failed.
    Failed,
}

/// One point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Start of its period.
    pub at: Timestamp,
    /// Value in the metric's own unit.
    pub value: f64,
}

/// A series as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// What was asked.
    pub spec: SeriesSpec,
    /// Newest first; empty when there is no point in the range.
    pub points: Vec<Point>,
    /// How complete.
    pub quality: Quality,
}

impl Series {
    /// The newest point that is complete: a point of CloudWatch counts only two periods after its start, because metrics arrive late (domain A.9 rule 1).
    /// One of Prometheus is complete when it is told: a canary that goes bad is seen with the next poll.
    pub fn latest(&self, now: Timestamp) -> Option<Point> {
        let settled = match self.spec.origin {
            Origin::CloudWatch => Duration::from_secs(u64::from(self.spec.period) * 2),
            Origin::Prometheus => Duration::ZERO,
        };
        self.points
            .iter()
            .find(|point| age(point.at, now) >= settled)
            .copied()
    }
}

/// What is known about a value that comes from a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading {
    /// Nobody asked for it yet.
    NeverRead,
    /// It was asked for, and the answer failed or has parts missing.
    Failed,
    /// It was read, and there is no point: no traffic, or no telemetry.
    NoData,
    /// The caller may not read it.
    Forbidden,
    /// A value.
    Value {
        /// In the metric's own unit.
        value: f64,
        /// Start of the period of the point.
        at: Timestamp,
        /// By the age of the point.
        freshness: Freshness,
    },
}

impl Reading {
    /// The value, unless it is too old to be used.
    pub fn usable(self) -> Option<f64> {
        match self {
            Self::Value {
                value,
                freshness: Freshness::Fresh | Freshness::Stale,
                ..
            } => Some(value),
            Self::Value { .. }
            | Self::NeverRead
            | Self::Failed
            | Self::NoData
            | Self::Forbidden => None,
        }
    }

    /// How much it can be trusted; `Never` without a value.
    pub fn freshness(self) -> Freshness {
        match self {
            Self::Value { freshness, .. } => freshness,
            Self::NeverRead | Self::Failed | Self::NoData | Self::Forbidden => Freshness::Never,
        }
    }

    /// The same reading, at least this old: where whoever told it does not answer any more.
    #[must_use]
    pub fn aged(self, least: Freshness) -> Self {
        match self {
            Self::Value {
                value,
                at,
                freshness,
            } => Self::Value {
                value,
                at,
                freshness: freshness.max(least),
            },
            other @ (Self::NeverRead | Self::Failed | Self::NoData | Self::Forbidden) => other,
        }
    }

    /// The same reading with its value in another unit.
    #[must_use]
    pub fn map(self, convert: impl FnOnce(f64) -> f64) -> Self {
        match self {
            Self::Value {
                value,
                at,
                freshness,
            } => Self::Value {
                value: convert(value),
                at,
                freshness,
            },
            other @ (Self::NeverRead | Self::Failed | Self::NoData | Self::Forbidden) => other,
        }
    }
}

/// As JSON a reading is always an object with the same four fields, so that a script never meets a number that is not there.
impl Serialize for Reading {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (state, value, observed_at) = match *self {
            Self::Value { value, at, .. } => ("value", Some(value), Some(at)),
            Self::NeverRead => ("never_read", None, None),
            Self::Failed => ("failed", None, None),
            Self::NoData => ("no_data", None, None),
            Self::Forbidden => ("forbidden", None, None),
        };
        let mut fields = serializer.serialize_struct("Reading", 4)?;
        fields.serialize_field("value", &value)?;
        fields.serialize_field("state", state)?;
        fields.serialize_field("observed_at", &observed_at)?;
        fields.serialize_field("freshness", &self.freshness())?;
        fields.end()
    }
}

/// Counted from the end of a point's period. A point arrives up to two minutes late, waits a minute to settle and is read once a minute,
/// so four minutes are its ordinary age: only what is older missed a poll. G-STALE's own limits belong to the guards, not to the screen.
pub const LIMITS: Limits = Limits {
    stale: Duration::from_secs(270),
    expired: Duration::from_secs(420),
};

/// The limits of a series. A longer period makes its newest complete point older by nature, but a late point is late by minutes whatever the period:
/// stale after two periods and the delay of a minute's point, expired after five.
fn limits(period: u32) -> Limits {
    let longer = Duration::from_secs(u64::from(period.saturating_sub(60)));
    Limits {
        stale: LIMITS.stale + longer * 2,
        expired: LIMITS.expired + longer * 5,
    }
}

impl Fleet {
    /// The limits of a series at the present pace: a console that asks more rarely holds older points.
    pub fn series_limits(&self, period: u32) -> Limits {
        let rarer = self.estate.interval(Source::Metrics) * (self.pace - 1);
        let usual = limits(period);
        Limits {
            stale: usual.stale + rarer,
            expired: usual.expired + rarer,
        }
    }

    /// A series at a place, by key.
    pub fn series(&self, place: &Place, key: &str) -> Option<&Series> {
        let rows = &self.metrics.slice(signals::source_of(key), place)?.rows;
        // Answers are kept sorted by key (see `Wanted::Series`), so a frame can look many up.
        rows.binary_search_by(|series| series.spec.key.as_str().cmp(key))
            .ok()
            .map(|index| &rows[index])
    }

    /// Why there is nothing to read a value from: a source that failed is not one that was never asked.
    pub fn unread(&self, source: Source, place: &Place) -> Reading {
        match self.status(source, place).error.map(|error| error.class) {
            None => Reading::NeverRead,
            Some(ErrorClass::Denied) => Reading::Forbidden,
            Some(_) => Reading::Failed,
        }
    }

    /// The newest complete value of a series.
    pub fn reading(&self, place: &Place, key: &str) -> Reading {
        match self.series(place, key) {
            Some(series) => self.read(series),
            None => self.unread(signals::source_of(key), place),
        }
    }

    /// What a series says now.
    fn read(&self, series: &Series) -> Reading {
        match (series.quality, series.latest(self.now)) {
            (Quality::Forbidden, _) => Reading::Forbidden,
            // Half an answer is no value (domain A.9 rule 4).
            (Quality::Partial | Quality::Failed, _) => Reading::Failed,
            (Quality::Complete, None) => Reading::NoData,
            (Quality::Complete, Some(point)) => {
                let end = point.at + Duration::from_secs(u64::from(series.spec.period));
                let limits = match series.spec.origin {
                    Origin::CloudWatch => self.series_limits(series.spec.period),
                    Origin::Prometheus => self.prompt_limits(),
                };
                Reading::Value {
                    value: point.value,
                    at: point.at,
                    freshness: limits.judge(Some(end), self.now),
                }
            }
        }
    }
}

impl Resource for Series {
    fn key(&self) -> String {
        self.spec.key.clone()
    }

    fn judge(&self, fleet: &Fleet, place: &Place) -> Judgement {
        let unknown = |text: String| Judgement::new(Severity::Unknown, text);
        let origin = self.spec.origin.name();
        match (self.quality, self.spec.origin) {
            (Quality::Complete, Origin::CloudWatch) => Judgement::ok(),
            (Quality::Complete, Origin::Prometheus) => prometheus::judge(self, fleet, place),
            (Quality::Partial, _) => unknown(format!("{origin} answered with partial data")),
            (Quality::Forbidden, Origin::CloudWatch) => {
                unknown("no permission for cloudwatch:GetMetricData".to_owned())
            }
            (Quality::Forbidden, Origin::Prometheus) => {
                unknown("Prometheus does not let us read it".to_owned())
            }
            (Quality::Failed, _) => unknown(format!("{origin} failed to read it")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_point_waits_for_two_periods() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let point = |age: i64, value| Point {
            at: Timestamp::from_second(1_000_000 - age).unwrap(),
            value,
        };
        let spec = SeriesSpec::new("k".into(), "AWS/RDS", "ReplicaLag", &[], Stat::Maximum);
        let series = Series {
            spec,
            points: vec![point(60, 1.0), point(120, 2.0), point(180, 3.0)],
            quality: Quality::Complete,
        };
        assert_eq!(series.latest(now).map(|p| p.value), Some(2.0));
    }

    #[test]
    fn a_longer_period_may_be_older_but_not_by_its_delay() {
        assert_eq!(limits(60), LIMITS);
        let seconds = |limits: Limits| (limits.stale.as_secs(), limits.expired.as_secs());
        assert_eq!(seconds(limits(60)), (270, 420));
        assert_eq!(seconds(limits(300)), (270 + 480, 420 + 1_200));
        assert_eq!(
            seconds(limits(10)),
            (270, 420),
            "no series is read more often than once a minute"
        );
    }
}
