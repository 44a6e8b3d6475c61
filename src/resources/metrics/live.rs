//! Metric series: which are read where, the look-up of dimension sets, and one row per series asked for. Owns the order of these steps; the calls of `GetMetricData` are in `data`.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::{
    Client,
    types::{Metric, RecentlyActive},
};
use futures::future::join;
use jiff::Timestamp;

use super::{
    Point, Quality, Series, SeriesSpec, Stat,
    data::live::{Part, Reader, Values},
};
use crate::{
    provider::{
        ask::Ask,
        dimensions::{DimensionSet, MetricName},
    },
    resources::{Answer, Api, ErrorClass, Place, ProviderError, Query, Rows, Wanted},
};

const LIST: &str = "cloudwatch:ListMetrics";
/// Calls of `ListMetrics` that one poll may make: what remains is looked up by the next.
const LOOKUPS: usize = 8;
/// Pages of one look-up; each has 500 sets.
const LOOKUP_PAGES: usize = 4;

/// Reads every series asked for.
pub async fn observe(ask: Ask<'_>, query: &Query) -> Result<Answer, ProviderError> {
    let specs = match &query.wanted {
        Wanted::Series(specs) => specs.as_slice(),
        Wanted::Nothing | Wanted::ApiServers(_) => &[],
    };
    // Global Accelerator publishes in us-west-2, all other global services in us-east-1 (domain 0.4).
    let (west, home): (Vec<SeriesSpec>, Vec<SeriesSpec>) = specs
        .iter()
        .cloned()
        .partition(|spec| *ask.place == Place::Global && spec.namespace == "AWS/GlobalAccelerator");
    let (home, west) = join(
        read(&ask, ask.config.clone(), home),
        read(&ask, ask.config_in("us-west-2"), west),
    )
    .await;
    let (mut series, errors) = (
        [home.0, west.0].concat(),
        home.1.into_iter().chain(west.1).collect::<Vec<_>>(),
    );
    let all_failed = series
        .iter()
        .all(|series| matches!(series.quality, Quality::Failed | Quality::Forbidden));
    // Nothing was read at all: the old series stay.
    if let (true, Some(error)) = (all_failed, errors.first()) {
        return Err(error.clone());
    }
    for error in errors {
        ask.problem(error);
    }
    // `Fleet::series` finds them by binary search.
    series.sort_by(|a, b| a.spec.key.cmp(&b.spec.key));
    Ok(ask.answer(Rows::Metrics(series)))
}

/// Reads the series of one AWS Region; what could not be read is in the list of errors.
async fn read(
    ask: &Ask<'_>,
    config: SdkConfig,
    specs: Vec<SeriesSpec>,
) -> (Vec<Series>, Vec<ProviderError>) {
    let client = Client::new(&config);
    let reader = Reader {
        ask,
        client: &client,
        now: Timestamp::now(),
    };
    let (mut values, mut errors) = reader.read(&specs, parts(ask, &specs)).await;
    let empty: Vec<usize> = (0..specs.len())
        .filter(|index| {
            values.get(index).is_none_or(|values| {
                values.points.is_empty() && values.quality == Quality::Complete
            })
        })
        .collect();
    let due = ask.catalogue.due(empty.iter().map(|index| &specs[*index]));
    if !due.is_empty() {
        errors.extend(look_up(ask, &client, due).await);
        let better = parts(ask, &specs).into_iter().filter(|part| {
            let spec = &specs[part.spec];
            let mut own = spec.dimensions.clone();
            own.sort();
            empty.contains(&part.spec) && part.dimensions != own
        });
        let (found, failed) = reader.read(&specs, better.collect()).await;
        values.extend(found);
        errors.extend(failed);
    }
    let series = specs.into_iter().enumerate().map(|(index, spec)| {
        let values = values.remove(&index).unwrap_or_default();
        Series {
            points: newest_first(values.points),
            quality: values.quality,
            spec,
        }
    });
    (series.collect(), errors)
}

/// What to ask for, by what is known of the published dimension sets.
fn parts(ask: &Ask<'_>, specs: &[SeriesSpec]) -> Vec<Part> {
    let of = |(spec, wanted)| {
        let sets = ask.catalogue.sets(wanted).into_iter();
        sets.map(move |dimensions| Part { spec, dimensions })
    };
    specs.iter().enumerate().flat_map(of).collect()
}

fn newest_first(points: BTreeMap<Timestamp, f64>) -> Vec<Point> {
    let points = points.into_iter().rev();
    points.map(|(at, value)| Point { at, value }).collect()
}

/// How the values of several dimension sets make one (percentiles and averages cannot be joined: the worst stands for all).
pub(super) fn combine(stat: Stat, a: f64, b: f64) -> f64 {
    match stat {
        Stat::Sum => a + b,
        Stat::Minimum => a.min(b),
        Stat::Average | Stat::Maximum | Stat::P95 | Stat::P99 => a.max(b),
    }
}

/// Learns under which dimension sets metrics are published. What cannot be listed is asked with its own dimensions.
async fn look_up(ask: &Ask<'_>, client: &Client, due: Vec<MetricName>) -> Option<ProviderError> {
    let mut due = due.into_iter().take(LOOKUPS);
    while let Some((namespace, name)) = due.next() {
        match published(ask, client, &namespace, &name).await {
            Ok(sets) => ask.catalogue.learn((namespace, name), sets),
            Err(error) => {
                // The others would fail alike.
                for metric in due.chain([(namespace, name)]) {
                    ask.catalogue.postpone(metric);
                }
                // Only a missing permission is worth telling: everything else passes, and the series show it.
                let denied = error.class == ErrorClass::Denied;
                return denied.then_some(error);
            }
        }
    }
    None
}

async fn published(
    ask: &Ask<'_>,
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<Vec<DimensionSet>, ProviderError> {
    let mut sets = Vec::new();
    let mut token = None;
    for _ in 0..LOOKUP_PAGES {
        let page = client
            .list_metrics()
            .namespace(namespace)
            .metric_name(name)
            .recently_active(RecentlyActive::Pt3H)
            .set_next_token(token.clone());
        let page = ask.call(Api::CloudWatch, LIST, page.send()).await?;
        sets.extend(page.metrics.unwrap_or_default().into_iter().map(dimensions));
        if !Ask::next_page(LIST, &mut token, page.next_token)? {
            break;
        }
    }
    Ok(sets)
}

fn dimensions(metric: Metric) -> DimensionSet {
    let dimensions = metric.dimensions.unwrap_or_default().into_iter();
    dimensions
        .map(|dimension| {
            (
                dimension.name.unwrap_or_default(),
                dimension.value.unwrap_or_default(),
            )
        })
        .collect()
}

impl Default for Values {
    /// Nothing was asked, so nothing is known.
    fn default() -> Self {
        Self {
            points: BTreeMap::new(),
            quality: Quality::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        provider::canned,
        resources::{Estate, Source},
    };

    #[test]
    fn several_sets_make_one_value() {
        assert!((combine(Stat::Sum, 1.0, 2.0) - 3.0).abs() < f64::EPSILON);
        assert!((combine(Stat::Minimum, 1.0, 2.0) - 1.0).abs() < f64::EPSILON);
        assert!((combine(Stat::P99, 1.0, 2.0) - 2.0).abs() < f64::EPSILON);
    }

    fn spec(key: &str, namespace: &str) -> SeriesSpec {
        SeriesSpec::new(key.to_owned(), namespace, "M", &[("Id", "x")], Stat::Sum)
    }

    async fn observed(
        specs: Vec<SeriesSpec>,
        answer: impl Fn(canned::Asked) -> canned::Reply + Send + Sync + 'static,
    ) -> Result<Answer, ProviderError> {
        let (estate, place) = (Estate::default(), Place::Global);
        let query = Query {
            source: Source::Metrics,
            place: place.clone(),
            wanted: Wanted::Series(specs),
        };
        observe(Ask::new(&estate, &place, canned::config(answer)), &query).await
    }

    fn rows(answer: &Answer) -> Vec<(&str, Quality, Vec<f64>)> {
        let Rows::Metrics(rows) = &answer.rows else {
            return Vec::new();
        };
        rows.iter()
            .map(|series| {
                let values = series.points.iter().map(|point| point.value);
                (series.spec.key.as_str(), series.quality, values.collect())
            })
            .collect()
    }

    fn data(token: Option<&str>, status: &str, at: f64, value: f64) -> canned::Reply {
        let time = json!({"$time": at});
        let result =
            json!({"Id": "m0", "StatusCode": status, "Timestamps": [time], "Values": [value]});
        (
            200,
            json!({"MetricDataResults": [result], "NextToken": token}),
        )
    }

    #[tokio::test]
    async fn pages_are_joined_newest_first() {
        let answer = observed(vec![spec("a", "N")], |asked| {
            if asked.body.windows(9).any(|part| part == b"NextToken") {
                data(None, "Complete", 60.0, 1.0)
            } else {
                data(Some("2"), "PartialData", 120.0, 2.0)
            }
        })
        .await
        .unwrap();
        assert_eq!(rows(&answer), [("a", Quality::Complete, vec![2.0, 1.0])]);
        assert_eq!(answer.metrics_requested, 1);
    }

    #[tokio::test]
    async fn global_accelerator_is_read_in_its_own_region_and_fails_alone() {
        let specs = vec![spec("b", "AWS/GlobalAccelerator"), spec("a", "AWS/Route53")];
        let answer = observed(specs, |asked| {
            if asked.host.contains("us-west-2") {
                (500, json!({"__type": "InternalServiceFault"}))
            } else {
                data(None, "Complete", 60.0, 1.0)
            }
        })
        .await
        .unwrap();
        let expected = [
            ("a", Quality::Complete, vec![1.0]),
            ("b", Quality::Failed, vec![]),
        ];
        assert_eq!(rows(&answer), expected);
        assert_eq!(answer.problems.len(), 1);
    }

    #[tokio::test]
    async fn an_empty_series_is_looked_up_and_read_under_its_published_dimensions() {
        let answer = observed(vec![spec("a", "N")], |asked| {
            let published = asked.body.windows(5).any(|part| part == b"Extra");
            match asked.path.rsplit('/').next() {
                Some("ListMetrics") => {
                    let dimensions = json!([{"Name": "Id", "Value": "x"}, {"Name": "Extra", "Value": "y"}]);
                    (200, json!({"Metrics": [{"Namespace": "N", "MetricName": "M", "Dimensions": dimensions}]}))
                }
                _ if published => data(None, "Complete", 60.0, 1.0),
                _ => (200, json!({"MetricDataResults": [{"Id": "m0", "StatusCode": "Complete"}]})),
            }
        })
        .await
        .unwrap();
        assert_eq!(rows(&answer), [("a", Quality::Complete, vec![1.0])]);
        assert_eq!(
            (answer.metrics_requested, answer.calls.get(&Api::CloudWatch)),
            (2, Some(&3))
        );
    }

    #[tokio::test]
    async fn when_nothing_can_be_read_the_old_series_stay() {
        let error = observed(vec![spec("a", "N")], |_| {
            (400, json!({"__type": "Throttling"}))
        })
        .await;
        assert_eq!(
            error.map_err(|error| error.class),
            Err(ErrorClass::Throttled)
        );
    }
}
