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
    prometheus,
};
use crate::{
    provider::{
        ask::Ask,
        dimensions::{DimensionSet, MetricName},
        paging::all_pages,
    },
    resources::{Answer, Api, ErrorClass, Place, ProviderError, Query, Rows, Source, Wanted},
};

const LIST: &str = "cloudwatch:ListMetrics";
/// Calls of `ListMetrics` that one poll may make: what remains is looked up by the next.
const LOOKUPS: usize = 8;
/// Pages of one look-up; each has 500 sets.
const LOOKUP_PAGES: usize = 4;

/// Answers a query of this kind.
pub async fn observe(ask: Ask<'_>, query: &Query) -> Result<Answer, ProviderError> {
    if query.source == Source::Prometheus {
        return prometheus::live::observe(ask).await;
    }
    let specs = if let Wanted::Series(specs) = &query.wanted {
        specs.as_slice()
    } else {
        &[]
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
    let due = ask
        .memory
        .catalogue
        .due(empty.iter().map(|index| &specs[*index]));
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
        let sets = ask.memory.catalogue.sets(wanted).into_iter();
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
            Ok(sets) => ask.memory.catalogue.learn((namespace, name), sets),
            Err(error) => {
                // The others would fail alike.
                for metric in due.chain([(namespace, name)]) {
                    ask.memory.catalogue.postpone(metric);
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
    let mut pages = 0;
    all_pages(LIST, |token| {
        pages += 1;
        let last = pages == LOOKUP_PAGES;
        async move {
            let call = client
                .list_metrics()
                .namespace(namespace)
                .metric_name(name)
                .recently_active(RecentlyActive::Pt3H)
                .set_next_token(token);
            let page = ask.call(Api::CloudWatch, LIST, call.send()).await?;
            let metrics = page.metrics.unwrap_or_default().into_iter();
            let next = page.next_token.filter(|_| !last);
            Ok((metrics.map(dimensions).collect(), next))
        }
    })
    .await
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
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;
    use crate::{provider::canned, resources::Estate};

    #[test]
    fn several_sets_make_one_value() {
        assert!((combine(Stat::Sum, 1.0, 2.0) - 3.0).abs() < f64::EPSILON);
        assert!((combine(Stat::Minimum, 1.0, 2.0) - 1.0).abs() < f64::EPSILON);
        assert!((combine(Stat::P99, 1.0, 2.0) - 2.0).abs() < f64::EPSILON);
    }

    const EARLY: &str = "2026-01-01T00:00:00Z";
    const LATE: &str = "2026-01-01T00:01:00Z";

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
            read: 0,
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

    fn data(token: Option<&str>, status: &str, at: &str, value: f64) -> canned::Reply {
        let token = token.map(|token| format!("<NextToken>{token}</NextToken>"));
        let points = format!(
            "<Timestamps><member>{at}</member></Timestamps><Values><member>{value}</member></Values>"
        );
        canned::query(
            "GetMetricData",
            &format!(
                "<MetricDataResults><member><Id>m0</Id><StatusCode>{status}</StatusCode>{points}</member></MetricDataResults>{}",
                token.unwrap_or_default()
            ),
        )
    }

    #[tokio::test]
    async fn pages_are_joined_newest_first() {
        let answer = observed(vec![spec("a", "N")], |asked| {
            if asked.body.windows(9).any(|part| part == b"NextToken") {
                data(None, "Complete", EARLY, 1.0)
            } else {
                data(Some("2"), "PartialData", LATE, 2.0)
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
                canned::query_error(500, "InternalServiceFault")
            } else {
                data(None, "Complete", EARLY, 1.0)
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
            let asked = String::from_utf8_lossy(&asked.body).into_owned();
            if asked.contains("Action=ListMetrics") {
                let dimension = |name, value| {
                    format!("<member><Name>{name}</Name><Value>{value}</Value></member>")
                };
                let dimensions = [dimension("Id", "x"), dimension("Extra", "y")].concat();
                canned::query(
                    "ListMetrics",
                    &format!("<Metrics><member><Namespace>N</Namespace><MetricName>M</MetricName><Dimensions>{dimensions}</Dimensions></member></Metrics>"),
                )
            } else if asked.contains("Extra") {
                data(None, "Complete", EARLY, 1.0)
            } else {
                canned::query(
                    "GetMetricData",
                    "<MetricDataResults><member><Id>m0</Id><StatusCode>Complete</StatusCode></member></MetricDataResults>",
                )
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

    /// CloudWatch as some emulators have it: a percentile anywhere in a batch is an error. Any other statistic is answered for each `m0`.
    fn without_percentiles(asked: &canned::Asked, status: u16, code: &str) -> canned::Reply {
        let body = String::from_utf8_lossy(&asked.body);
        if body.contains("Stat=p9") {
            canned::query_error(status, code)
        } else {
            data(None, "Complete", EARLY, 1.0)
        }
    }

    fn with_stat(key: &str, stat: Stat) -> SeriesSpec {
        SeriesSpec {
            stat,
            ..spec(key, "N")
        }
    }

    #[tokio::test]
    async fn a_poisoned_statistic_does_not_blind_the_others() {
        for (status, code) in [(500, "InternalFailure"), (400, "ValidationError")] {
            let specs = vec![with_stat("a", Stat::Sum), with_stat("b", Stat::P95)];
            let answer = observed(specs, move |asked| {
                without_percentiles(&asked, status, code)
            })
            .await
            .unwrap();
            let expected = [
                ("a", Quality::Complete, vec![1.0]),
                ("b", Quality::Failed, vec![]),
            ];
            assert_eq!(rows(&answer), expected);
            let [problem] = answer.problems.as_slice() else {
                panic!("one problem: {:?}", answer.problems);
            };
            assert!(problem.message.starts_with("statistic p95: "), "{problem}");
            // The batch, and each of its two statistics; the series of the batch are billed twice.
            assert_eq!(answer.calls.get(&Api::CloudWatch), Some(&3));
            assert_eq!(answer.metrics_requested, 4);
        }
    }

    #[tokio::test]
    async fn a_batch_that_is_denied_or_throttled_or_has_one_statistic_is_not_read_again() {
        let calls = Arc::new(AtomicU32::new(0));
        for (status, code, other) in [
            (403, "AccessDenied", Stat::Sum),
            (400, "Throttling", Stat::Sum),
            (500, "InternalFailure", Stat::P95),
        ] {
            let counted = Arc::clone(&calls);
            let specs = vec![with_stat("a", other), with_stat("b", Stat::P95)];
            let answer = observed(specs, move |asked| {
                counted.fetch_add(1, Ordering::Relaxed);
                without_percentiles(&asked, status, code)
            })
            .await;
            assert!(answer.is_err());
            assert_eq!(calls.swap(0, Ordering::Relaxed), 1, "{code}");
        }
    }

    #[tokio::test]
    async fn a_batch_that_is_throttled_while_it_is_read_again_gives_up() {
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let stats = [Stat::Average, Stat::Maximum, Stat::Sum];
        let specs = stats.map(|stat| with_stat(stat.as_str(), stat)).to_vec();
        let answer = observed(specs, move |_| {
            match counted.fetch_add(1, Ordering::Relaxed) {
                0 => canned::query_error(500, "InternalFailure"),
                1 => data(None, "Complete", EARLY, 1.0),
                _ => canned::query_error(400, "Throttling"),
            }
        })
        .await
        .unwrap();
        assert_eq!(
            calls.load(Ordering::Relaxed),
            3,
            "the third statistic is not asked"
        );
        let qualities: Vec<Quality> = rows(&answer).iter().map(|row| row.1).collect();
        assert_eq!(
            qualities,
            [Quality::Complete, Quality::Failed, Quality::Failed]
        );
        assert_eq!(answer.problems.len(), 1);
    }

    #[tokio::test]
    async fn when_nothing_can_be_read_the_old_series_stay() {
        let error = observed(vec![spec("a", "N")], |_| {
            canned::query_error(400, "Throttling")
        })
        .await;
        assert_eq!(
            error.map_err(|error| error.class),
            Err(ErrorClass::Throttled)
        );
    }
}
