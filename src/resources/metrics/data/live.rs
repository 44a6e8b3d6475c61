//! `GetMetricData` in full batches, every page (domain A.9). Owns the range that is asked for and the reading of the status codes.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::{
    Client,
    primitives::DateTime,
    types::{
        Dimension, MessageData, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy,
        StatusCode,
    },
};
use futures::{StreamExt, stream};
use jiff::Timestamp;

use super::super::{MINUTES, Quality, SeriesSpec, live::combine};
use crate::{
    provider::{ask::Ask, dimensions::DimensionSet, paging::all_pages},
    resources::{Api, ErrorClass, ProviderError},
};

const OPERATION: &str = "cloudwatch:GetMetricData";
/// The most queries that one call takes.
const BATCH: usize = 500;
/// Batches on their way at once.
const PARALLEL: usize = 4;
/// Periods that are read at least.
const PERIODS: i64 = 6;

/// One dimension set of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Part {
    /// Index of the series.
    pub spec: usize,
    /// What is published for it.
    pub dimensions: DimensionSet,
}

/// What was read of a series.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Values {
    /// By the start of the period.
    pub points: BTreeMap<Timestamp, f64>,
    /// How complete.
    pub quality: Quality,
}

/// Reads values as of a time.
pub(in super::super) struct Reader<'a> {
    pub ask: &'a Ask<'a>,
    pub client: &'a Client,
    pub now: Timestamp,
}

/// What a batch gave: values in the order of its parts, and what CloudWatch said beside them.
type Read = Result<(Vec<Values>, Vec<ProviderError>), ProviderError>;

impl Reader<'_> {
    /// Reads the parts of the series, joined by series, and what could not be read.
    pub async fn read(
        &self,
        specs: &[SeriesSpec],
        parts: Vec<Part>,
    ) -> (BTreeMap<usize, Values>, Vec<ProviderError>) {
        let mut by_period: BTreeMap<u32, Vec<Part>> = BTreeMap::new();
        for part in parts {
            let period = specs[part.spec].period.max(1);
            by_period.entry(period).or_default().push(part);
        }
        let batches = by_period.iter().flat_map(|(period, parts)| {
            parts.chunks(BATCH).map(|batch| (i64::from(*period), batch))
        });
        let reads: Vec<_> = batches
            .map(|(period, batch)| self.batch_or_its_statistics(specs, period, batch))
            .collect();
        let answers: Vec<Vec<(Vec<Part>, Read)>> = stream::iter(reads)
            .buffer_unordered(PARALLEL)
            .collect()
            .await;
        gather(specs, answers.into_iter().flatten())
    }

    /// Reads a batch. One query that CloudWatch cannot answer fails all the others in its batch, so that such a batch is read once more for each
    /// statistic in it: only the series of the failing one are lost. At most six more calls per batch, each counted like any other.
    async fn batch_or_its_statistics(
        &self,
        specs: &[SeriesSpec],
        period: i64,
        batch: &[Part],
    ) -> Vec<(Vec<Part>, Read)> {
        let read = self.batch(specs, period, batch).await;
        let mut by_statistic: BTreeMap<&str, Vec<Part>> = BTreeMap::new();
        for part in batch {
            let statistic = specs[part.spec].stat.as_str();
            by_statistic
                .entry(statistic)
                .or_default()
                .push(part.clone());
        }
        if by_statistic.len() < 2 || !read.as_ref().is_err_and(may_be_one_query) {
            return vec![(batch.to_vec(), read)];
        }
        let mut answers: Vec<(Vec<Part>, Read)> = Vec::new();
        let mut given_up: Option<ProviderError> = None;
        for (statistic, parts) in by_statistic {
            let read = match &given_up {
                Some(error) => Err(error.clone()),
                None => self.batch(specs, period, &parts).await,
            };
            let read = read.map_err(|error| {
                if !may_be_one_query(&error) {
                    given_up.get_or_insert(error.clone());
                    return error;
                }
                let message = format!("statistic {statistic}: {}", error.message);
                ProviderError { message, ..error }
            });
            answers.push((parts, read));
        }
        answers
    }

    /// Reads one batch to its last page: one set of values per part, in their order.
    async fn batch(&self, specs: &[SeriesSpec], period: i64, parts: &[Part]) -> Read {
        let (start, end) = range(self.now, period);
        let queries: Vec<MetricDataQuery> = parts
            .iter()
            .enumerate()
            .map(|(index, part)| metric_query(index, &specs[part.spec], &part.dimensions))
            .collect();
        self.ask.requested_metrics(queries.len());
        let pages = all_pages(OPERATION, |token| {
            let call = self
                .client
                .get_metric_data()
                .set_metric_data_queries(Some(queries.clone()))
                .start_time(DateTime::from_secs(start))
                .end_time(DateTime::from_secs(end))
                .scan_by(ScanBy::TimestampDescending)
                .set_next_token(token);
            async move {
                let call = self.ask.call(Api::CloudWatch, OPERATION, call.send());
                let page = call.await?;
                let next = page.next_token.clone();
                Ok((vec![page], next))
            }
        })
        .await?;
        let mut gathered = Gathered::new(parts.len());
        for page in pages {
            gathered.messages(page.messages.unwrap_or_default());
            for result in page.metric_data_results.unwrap_or_default() {
                gathered.take(result);
            }
        }
        Ok((gathered.values, gathered.errors))
    }
}

/// Whether a failure may come from a single query of the batch; the others concern the caller or the whole service, and asking again would only add to it.
fn may_be_one_query(error: &ProviderError) -> bool {
    matches!(
        error.class,
        ErrorClass::Transient | ErrorClass::Terminal | ErrorClass::NotFound
    )
}

/// Joins what the batches gave by series; each different error once.
fn gather(
    specs: &[SeriesSpec],
    answers: impl Iterator<Item = (Vec<Part>, Read)>,
) -> (BTreeMap<usize, Values>, Vec<ProviderError>) {
    let mut values = BTreeMap::new();
    let mut errors: Vec<ProviderError> = Vec::new();
    for (parts, read) in answers {
        let (read, said) = read.unwrap_or_else(|error| {
            let quality = match error.class {
                ErrorClass::Denied => Quality::Forbidden,
                _ => Quality::Failed,
            };
            let points = BTreeMap::new();
            (vec![Values { points, quality }; parts.len()], vec![error])
        });
        for (part, read) in parts.iter().zip(read) {
            join(&mut values, &specs[part.spec], part.spec, read);
        }
        for error in said {
            let known =
                |old: &ProviderError| (old.class, &old.message) == (error.class, &error.message);
            if !errors.iter().any(known) {
                errors.push(error);
            }
        }
    }
    (values, errors)
}

/// Adds the values of one dimension set to those of its series.
fn join(values: &mut BTreeMap<usize, Values>, spec: &SeriesSpec, index: usize, read: Values) {
    let Some(joined) = values.get_mut(&index) else {
        values.insert(index, read);
        return;
    };
    joined.quality = worse(joined.quality, read.quality);
    for (at, value) in read.points {
        let point = joined.points.entry(at);
        point
            .and_modify(|old| *old = combine(spec.stat, *old, value))
            .or_insert(value);
    }
}

fn worse(a: Quality, b: Quality) -> Quality {
    let rank = |quality| match quality {
        Quality::Complete => 0,
        Quality::Partial => 1,
        Quality::Failed => 2,
        Quality::Forbidden => 3,
    };
    if rank(b) > rank(a) { b } else { a }
}

/// Start and end in seconds, both on a period: CloudWatch rounds others by itself, and differently from poll to poll.
fn range(now: Timestamp, period: i64) -> (i64, i64) {
    let end = now.as_second().div_euclid(period) * period;
    let length = (MINUTES * 60).max(period * PERIODS);
    let start = (end - length).div_euclid(period) * period;
    (start, end)
}

fn metric_query(index: usize, spec: &SeriesSpec, dimensions: &DimensionSet) -> MetricDataQuery {
    let dimensions = dimensions
        .iter()
        .map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let metric = Metric::builder()
        .namespace(&spec.namespace)
        .metric_name(&spec.name)
        .set_dimensions(Some(dimensions.collect()));
    let stat = MetricStat::builder()
        .metric(metric.build())
        .period(i32::try_from(spec.period).unwrap_or(i32::MAX))
        .stat(spec.stat.as_str());
    MetricDataQuery::builder()
        .id(format!("m{index}"))
        .metric_stat(stat.build())
        .return_data(true)
        .build()
}

/// What the pages of a batch have said so far.
struct Gathered {
    values: Vec<Values>,
    errors: Vec<ProviderError>,
}

impl Gathered {
    /// A part that no page ever names was not answered.
    fn new(parts: usize) -> Self {
        let unanswered = Values {
            points: BTreeMap::new(),
            quality: Quality::Failed,
        };
        Self {
            values: vec![unanswered; parts],
            errors: Vec::new(),
        }
    }

    fn take(&mut self, result: MetricDataResult) {
        let index = result
            .id
            .as_deref()
            .and_then(|id| id.strip_prefix('m')?.parse::<usize>().ok());
        let Some(values) = index.and_then(|index| self.values.get_mut(index)) else {
            return;
        };
        // A part says PartialData until its last page, so the last word counts.
        values.quality = quality(result.status_code.as_ref());
        let times = result.timestamps.unwrap_or_default();
        for (time, value) in times.into_iter().zip(result.values.unwrap_or_default()) {
            if let (Ok(at), true) = (Timestamp::from_second(time.secs()), value.is_finite()) {
                values.points.insert(at, value);
            }
        }
        let failed = matches!(values.quality, Quality::Failed | Quality::Forbidden);
        if failed {
            self.messages(result.messages.unwrap_or_default());
        }
    }

    /// Each different message once: CloudWatch repeats them for every metric.
    fn messages(&mut self, messages: Vec<MessageData>) {
        for message in messages {
            let code = message.code.unwrap_or_default();
            let class = match code.as_str() {
                "Forbidden" => ErrorClass::Denied,
                _ => ErrorClass::Terminal,
            };
            let text = format!("{code}: {}", message.value.unwrap_or_default());
            let error = ProviderError::new(class, OPERATION, text);
            if !self.errors.contains(&error) {
                self.errors.push(error);
            }
        }
    }
}

fn quality(status: Option<&StatusCode>) -> Quality {
    match status {
        // Some answers leave the code of a complete result out.
        None | Some(StatusCode::Complete) => Quality::Complete,
        Some(StatusCode::PartialData) => Quality::Partial,
        Some(StatusCode::Forbidden) => Quality::Forbidden,
        Some(_) => Quality::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Stat;
    use super::*;

    fn result(id: &str, status: StatusCode, points: &[(i64, f64)]) -> MetricDataResult {
        let times = points.iter().map(|(at, _)| DateTime::from_secs(*at));
        let values = points.iter().map(|(_, value)| *value);
        MetricDataResult::builder()
            .id(id)
            .status_code(status)
            .set_timestamps(Some(times.collect()))
            .set_values(Some(values.collect()))
            .build()
    }

    #[test]
    fn the_range_lies_on_periods_and_grows_with_them() {
        let now = Timestamp::from_second(1_000_030).unwrap();
        assert_eq!(range(now, 60), (997_620, 1_000_020));
        assert_eq!(range(now, 300), (997_500, 999_900));
    }

    #[test]
    fn pages_of_one_id_become_one_series() {
        let mut gathered = Gathered::new(3);
        gathered.take(result("m0", StatusCode::PartialData, &[(120, 2.0)]));
        gathered.take(result(
            "m0",
            StatusCode::Complete,
            &[(60, 1.0), (0, f64::NAN)],
        ));
        gathered.take(result("m1", "Later".into(), &[]));
        gathered.take(result("m9", StatusCode::Complete, &[(0, 1.0)]));
        let first = &gathered.values[0];
        assert_eq!((first.points.len(), first.quality), (2, Quality::Complete));
        assert_eq!(gathered.values[1].quality, Quality::Failed, "unknown code");
        assert_eq!(gathered.values[2].quality, Quality::Failed, "never named");
    }

    #[test]
    fn parts_of_a_series_are_joined_by_its_statistic() {
        let spec = SeriesSpec::new(String::new(), "N", "M", &[], Stat::Sum);
        let at = Timestamp::from_second(60).unwrap();
        let read = |quality| Values {
            points: BTreeMap::from([(at, 2.0)]),
            quality,
        };
        let mut values = BTreeMap::new();
        join(&mut values, &spec, 0, read(Quality::Complete));
        join(&mut values, &spec, 0, read(Quality::Partial));
        let points = BTreeMap::from([(at, 4.0)]);
        let quality = Quality::Partial;
        assert_eq!(values[&0], Values { points, quality });
    }
}
