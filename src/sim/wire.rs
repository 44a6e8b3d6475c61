//! How the APIs of the simulated world answer: late, refused, in part, or not at all. Owns deadlines and errors; the rows come from `resources/*/sim.rs`.

use std::time::Duration;

use super::{scenario::ApiFault, tally, world::World};
use crate::resources::{
    Answer, ErrorClass, Place, ProviderError, Query, Rows, Source, Wanted, alarms, caches,
    clusters, databases, deployments, health_checks, metrics, pipelines, regions, traffic,
};

/// The deadline of a read, as for live AWS (domain A.9).
const DEADLINE: Duration = Duration::from_secs(10);
/// Milliseconds that half of the calls take at most.
const MEDIAN_MS: f64 = 70.0;

/// An answer with the virtual time that it takes to arrive.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// What arrives.
    pub result: Result<Answer, ProviderError>,
    /// After how long.
    pub latency: Duration,
}

/// Answers a query in the world as it is.
pub fn reply(world: &World, query: &Query) -> Reply {
    let key = format!("{}@{}", query.source.name(), query.place);
    let fault = misbehaviour(world, query, &key);
    let failed = |class, message: &str, latency| Reply {
        result: Err(ProviderError::new(class, operation(query.source), message)),
        latency,
    };
    let usual = if query.source == Source::ApiServers && lost(world, &query.place) {
        DEADLINE
    } else {
        latency(world, query, &key)
    };
    if unreachable(world, query) {
        return failed(ErrorClass::Timeout, "no answer in 10 s", DEADLINE);
    }
    match fault {
        Some(ApiFault::Hang) => failed(ErrorClass::Timeout, "no answer in 10 s", DEADLINE),
        Some(ApiFault::Throttle) => failed(
            ErrorClass::Throttled,
            "Throttling: Rate exceeded",
            usual * 3,
        ),
        Some(ApiFault::Deny) => failed(
            ErrorClass::Denied,
            &format!(
                "AccessDenied: not authorized to perform: {}",
                operation(query.source)
            ),
            usual,
        ),
        Some(ApiFault::Expire) => failed(
            ErrorClass::Identity,
            "ExpiredToken: The security token included in the request is expired",
            usual,
        ),
        Some(ApiFault::Fail) => failed(
            ErrorClass::Transient,
            "InternalFailure: HTTP 500",
            usual * 2,
        ),
        Some(ApiFault::Slow) => answered(world, query, &key, false, usual * 40),
        Some(ApiFault::Partial) => answered(world, query, &key, true, usual),
        None => answered(world, query, &key, false, usual),
    }
}

fn answered(world: &World, query: &Query, key: &str, partial: bool, latency: Duration) -> Reply {
    let mut rows = rows(world, query);
    let mut problems = global_metrics_lost(world, query, &mut rows);
    let mut calls = tally::calls(query.source, &rows);
    let in_sync = if let Some(reference) = query.wanted.reference() {
        *calls.entry(query.source.api()).or_default() += 1;
        world.in_sync(query.source.api(), reference)
    } else {
        None
    };
    let rehearsal = if let Some(change) = query.wanted.rehearsal() {
        *calls.entry(query.source.api()).or_default() += 1;
        Some(super::apply::rehearse(world, change))
    } else {
        None
    };
    let metrics_requested = if let Wanted::Series(wanted) = &query.wanted {
        wanted.len() as u64
    } else {
        0
    };
    if partial {
        lose_some(world, key, &mut rows);
        problems.push(ProviderError::new(
            ErrorClass::Transient,
            operation(query.source),
            "InternalFailure: a page could not be read",
        ));
    }
    let latency = latency.min(DEADLINE);
    Reply {
        result: Ok(Answer {
            rows,
            problems,
            calls,
            metrics_requested,
            in_sync,
            rehearsal,
        }),
        latency,
    }
}

/// Whether the endpoint that is asked is in a lost region (domain 0.4).
fn unreachable(world: &World, query: &Query) -> bool {
    match (&query.place, query.source) {
        // API servers are asked one by one; each row says whether it answered.
        (_, Source::ApiServers) => false,
        (Place::Region(_), _) => lost(world, &query.place),
        (Place::Endpoint(region), _) => world.aws_region_down(region),
        (Place::Global, Source::Accelerators) => world.aws_region_down("us-west-2"),
        (Place::Global, Source::Metrics) => {
            let lost =
                |spec: &metrics::SeriesSpec| world.aws_region_down(metrics::sim::global_home(spec));
            matches!(&query.wanted, Wanted::Series(wanted) if !wanted.is_empty() && wanted.iter().all(lost))
        }
        (Place::Global, _) => world.aws_region_down("us-east-1"),
    }
}

/// Whether a place is a region that is lost, or none of the world.
fn lost(world: &World, place: &Place) -> bool {
    world
        .region(place)
        .is_none_or(|region| world.faults.down(region))
}

/// The metrics of the global services live in two Regions: when one of them is lost the other still answers.
fn global_metrics_lost(world: &World, query: &Query, rows: &mut Rows) -> Vec<ProviderError> {
    let Rows::Metrics(series) = rows else {
        return Vec::new();
    };
    if query.place != Place::Global {
        return Vec::new();
    }
    let before = series.len();
    series.retain(|row| !world.aws_region_down(metrics::sim::global_home(&row.spec)));
    if series.len() == before {
        return Vec::new();
    }
    vec![ProviderError::new(
        ErrorClass::Timeout,
        operation(query.source),
        "no answer in 10 s",
    )]
}

fn rows(world: &World, query: &Query) -> Rows {
    let place = &query.place;
    match query.source {
        Source::Identity => Rows::Regions(regions::sim::observe(world, place)),
        Source::Alarms => Rows::Alarms(alarms::sim::observe(world, place)),
        Source::Records => Rows::Traffic(traffic::sim::records(world)),
        Source::RoutingControls => Rows::Traffic(traffic::sim::controls(world, place)),
        Source::Accelerators => Rows::Traffic(traffic::sim::accelerators(world)),
        Source::LoadBalancers => Rows::Traffic(traffic::sim::load_balancers(world, place)),
        Source::Aliases => Rows::Traffic(traffic::sim::aliases(world, place)),
        Source::Distributions => Rows::Traffic(traffic::sim::distributions(world)),
        Source::Rollouts => Rows::Traffic(traffic::rollouts::sim::observe(world, place)),
        Source::Routes => Rows::Traffic(traffic::routes::sim::observe(world, place)),
        Source::Rds => Rows::Databases(databases::sim::observe(world, place)),
        Source::Tables => Rows::Databases(databases::sim::tables(world, place)),
        Source::ElastiCache => Rows::Caches(caches::sim::groups(world, place)),
        Source::MemoryDb => Rows::Caches(caches::sim::memorydb(world, place)),
        Source::Clusters => Rows::Clusters(clusters::sim::observe(world, place)),
        Source::ApiServers => {
            Rows::Clusters(clusters::sim::api_servers(world, place, &query.wanted))
        }
        Source::Nodes => Rows::Clusters(clusters::sim::nodes(world, place)),
        Source::Deployments => Rows::Deployments(deployments::sim::observe(world, place)),
        Source::HealthChecks => Rows::HealthChecks(health_checks::sim::observe(world)),
        Source::Metrics => Rows::Metrics(metrics::sim::observe(world, place, &query.wanted)),
        Source::Prometheus => Rows::Metrics(metrics::prometheus::sim::observe(world, place)),
        Source::FiringAlerts => Rows::Alarms(alarms::alerts::sim::observe(world, place)),
        Source::Pipelines => Rows::Pipelines(pipelines::sim::observe(world, place)),
    }
}

/// The operation that errors name: the first call of each source.
fn operation(source: Source) -> &'static str {
    match source {
        Source::Identity => "sts:GetCallerIdentity",
        Source::Alarms => "cloudwatch:DescribeAlarms",
        Source::Records => "route53:ListResourceRecordSets",
        Source::RoutingControls => "route53-recovery-cluster:ListRoutingControls",
        Source::Accelerators => "globalaccelerator:ListAccelerators",
        Source::LoadBalancers => "elasticloadbalancing:DescribeLoadBalancers",
        Source::Rds => "rds:DescribeGlobalClusters",
        Source::Clusters => "eks:ListClusters",
        Source::ApiServers => "kubernetes:GetVersion",
        Source::Deployments => "kubernetes:WatchDeployments",
        Source::Nodes => "kubernetes:WatchNodes",
        Source::Routes => "kubernetes:WatchHTTPRoutes",
        Source::Rollouts => "kubernetes:WatchRollouts",
        Source::ElastiCache => "elasticache:DescribeReplicationGroups",
        Source::MemoryDb => "memorydb:DescribeClusters",
        Source::Tables => "dynamodb:ListTables",
        Source::Aliases => "lambda:ListFunctions",
        Source::HealthChecks => "route53:ListHealthChecks",
        Source::Distributions => "cloudfront:ListDistributions",
        Source::Metrics => "cloudwatch:GetMetricData",
        Source::Prometheus => "prometheus:QueryRange",
        Source::FiringAlerts => "prometheus:Query",
        Source::Pipelines => "codepipeline:ListPipelines",
    }
}

/// Which misbehaviour meets this query. The dice are thrown once a second for each source and place.
fn misbehaviour(world: &World, query: &Query, key: &str) -> Option<ApiFault> {
    let dice = world
        .noise
        .unit(&format!("misbehaviour/{key}"), world.now());
    world.faults.api(query.source.api(), &query.place, dice)
}

fn latency(world: &World, query: &Query, key: &str) -> Duration {
    let far = match &query.place {
        Place::Region(label) => world
            .index(label)
            .map_or(0.0, |region| world.shape.regions[region].p95_ms),
        Place::Global | Place::Endpoint(_) => 60.0,
    };
    let milliseconds = (MEDIAN_MS + far) * world.noise.long_tail(key, world.now(), 0.4);
    Duration::from_secs_f64(milliseconds / 1_000.0)
}

/// Loses about a third of the rows, and at least one.
fn lose_some(world: &World, key: &str, rows: &mut Rows) {
    fn thin<R>(rows: &mut Vec<R>, keep: impl Fn(i64) -> bool) {
        let before = rows.len();
        let mut index = 0;
        rows.retain(|_| {
            index += 1;
            keep(index)
        });
        if rows.len() == before {
            rows.pop();
        }
    }
    let keep = |index: i64| world.noise.unit(key, index) > 0.33;
    match rows {
        Rows::Regions(rows) => thin(rows, keep),
        Rows::Databases(rows) => thin(rows, keep),
        Rows::Caches(rows) => thin(rows, keep),
        Rows::Traffic(rows) => thin(rows, keep),
        Rows::Alarms(rows) => thin(rows, keep),
        Rows::Deployments(rows) => thin(rows, keep),
        Rows::Releases(rows) => thin(rows, keep),
        Rows::Clusters(rows) => thin(rows, keep),
        Rows::HealthChecks(rows) => thin(rows, keep),
        Rows::Pipelines(rows) => thin(rows, keep),
        Rows::Metrics(rows) => thin(rows, keep),
    }
}
