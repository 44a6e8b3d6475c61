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
    use super::*;

    #[test]
    fn several_sets_make_one_value() {
        assert!((combine(Stat::Sum, 1.0, 2.0) - 3.0).abs() < f64::EPSILON);
        assert!((combine(Stat::Minimum, 1.0, 2.0) - 1.0).abs() < f64::EPSILON);
        assert!((combine(Stat::P99, 1.0, 2.0) - 2.0).abs() < f64::EPSILON);
    }
}
