//! How this kind behaves in the simulated world: what CloudWatch answers for each series, from the minutes that the world has lived. Owns which series exist where.

use super::{
    super::{Place, Wanted},
    MINUTES, Point, Quality, Series, SeriesSpec, Stat, edge,
};
use crate::sim::{
    World, fill, names, physics,
    world::{RegionMinute, history::arrived},
};

/// Series up to which as many minutes are answered as are asked for, and how many for more: the points of a call are limited.
const MANY: (usize, usize) = (500, 15);

/// The value of a minute; `None` where nothing is published.
pub(super) type Value<'a> = Box<dyn Fn(i64, &RegionMinute) -> Option<f64> + 'a>;

/// The answer of `GetMetricData`, sorted by key.
pub fn observe(world: &World, place: &Place, wanted: &Wanted) -> Vec<Series> {
    let Wanted::Series(wanted) = wanted else {
        return Vec::new();
    };
    let minutes = if wanted.len() <= MANY.0 {
        MINUTES as usize
    } else {
        MANY.1
    };
    let series = wanted.iter().map(|spec| Series {
        spec: spec.clone(),
        points: points(world, place, spec, minutes),
        quality: Quality::Complete,
    });
    let mut series: Vec<Series> = series.collect();
    series.sort_by(|a, b| a.spec.key.cmp(&b.spec.key));
    series
}

/// Where the metrics of a global service live (domain 0.4).
pub fn global_home(spec: &SeriesSpec) -> &'static str {
    if spec.namespace == "AWS/GlobalAccelerator" {
        "us-west-2"
    } else {
        "us-east-1"
    }
}

fn points(world: &World, place: &Place, spec: &SeriesSpec, minutes: usize) -> Vec<Point> {
    let Some((region, value)) = signal(world, place, spec) else {
        return Vec::new();
    };
    // Whether a point was published is decided where CloudWatch keeps it, not where the thing is.
    let home = match place {
        Place::Global => world.aws_index(global_home(spec)),
        Place::Region(_) | Place::Endpoint(_) => Some(region),
    };
    let published = |number: i64| {
        home.is_none_or(|home| {
            let mut minutes = world.history.of(home);
            minutes.any(|(minute, record)| minute == number && record.published)
        })
    };
    let elsewhere = home != Some(region);
    let arrivals = place.to_string();
    let minutes = world
        .history
        .of(region)
        .take(minutes)
        .filter_map(|(number, record)| {
            let here = if elsewhere {
                published(number)
            } else {
                record.published
            };
            if !here {
                return None;
            }
            if !arrived(world.noise, &arrivals, number, world.now()) {
                return None;
            }
            let value = value(number, record)?;
            Some((number, value))
        });
    if spec.period <= 60 {
        let point = |(number, value)| Point {
            at: world.timestamp(number * 60),
            value,
        };
        minutes.map(point).collect()
    } else {
        coarse(world, spec, minutes)
    }
}

/// Points of a longer period, which lies as the clock does: the maximum, or the sum of counters, of its minutes.
fn coarse(
    world: &World,
    spec: &SeriesSpec,
    minutes: impl Iterator<Item = (i64, f64)>,
) -> Vec<Point> {
    let period = i64::from(spec.period);
    let mut points: Vec<Point> = Vec::new();
    for (number, value) in minutes {
        let second = world.timestamp(number * 60).as_second();
        let Ok(at) = jiff::Timestamp::from_second(second - second.rem_euclid(period)) else {
            continue;
        };
        match points.last_mut().filter(|point| point.at == at) {
            Some(point) if spec.stat == Stat::Sum => point.value += value,
            Some(point) => point.value = point.value.max(value),
            None => points.push(Point { at, value }),
        }
    }
    points
}

/// The region whose minutes a series is made of, and how; `None` where nobody publishes such a series.
fn signal<'a>(world: &'a World, place: &Place, spec: &'a SeriesSpec) -> Option<(usize, Value<'a>)> {
    if *place == Place::Global {
        return edge::sim::global(world, spec);
    }
    let region = world.region(place)?;
    let value = match spec.namespace.as_str() {
        "AWS/ApplicationELB" => load_balancer(world, region, spec),
        "AWS/RDS" => database(world, region, spec),
        "AWS/DynamoDB" => table(world, region, spec),
        "AWS/ElastiCache" => cache(world, region, spec),
        "AWS/MemoryDB" => memorydb(world, region, spec),
        "AWS/Lambda" => alias(world, region, spec),
        _ => None,
    };
    Some((region, value?))
}

pub(super) fn dimension<'a>(spec: &'a SeriesSpec, name: &str) -> Option<&'a str> {
    let found = spec.dimensions.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

/// Counters are published only when they are not zero (domain A.9 rule 2).
pub(super) fn counter(value: f64) -> Option<f64> {
    Some(value.round()).filter(|value| *value > 0.0)
}

/// A steady value of something that nothing happens to.
fn steady<'a>(world: &'a World, spec: &'a SeriesSpec, middle: f64) -> Value<'a> {
    Box::new(move |number, _| Some(middle * world.noise.factor(&spec.key, number, 0.1)))
}

fn load_balancer<'a>(world: &'a World, region: usize, spec: &'a SeriesSpec) -> Option<Value<'a>> {
    let balancer = dimension(spec, "LoadBalancer")?;
    if balancer != names::load_balancer(world.aws_region(region)) {
        let name = balancer.split('/').nth(1)?;
        return match spec.name.as_str() {
            _ if !fill::knows(world, "app", name) => None,
            "RequestCount" => Some(steady(world, spec, 6_000.0)),
            "TargetResponseTime" => Some(steady(world, spec, 0.08)),
            _ => None,
        };
    }
    let group = dimension(spec, "TargetGroup");
    let canary = group.is_some_and(|group| group.contains("canary"));
    let tail = if spec.stat == Stat::P99 {
        physics::P99_OF_P95
    } else {
        1.0
    };
    Some(match spec.name.as_str() {
        "RequestCount" => Box::new(move |_, minute| {
            counter(match group {
                None => minute.requests,
                Some(_) if canary => minute.canary_requests,
                Some(_) => minute.requests - minute.canary_requests,
            })
        }),
        // Without requests there is no response time: absent, not 0 s.
        "TargetResponseTime" => Box::new(move |number, minute| {
            let noise = world.noise.factor(&spec.key, number, 0.02);
            (minute.requests > 0.0).then_some(minute.p95_ms / 1_000.0 * tail * noise)
        }),
        "HTTPCode_Target_5XX_Count" => Box::new(move |_, minute| {
            counter(match group {
                None => minute.target_errors,
                Some(_) if canary => minute.canary_errors,
                Some(_) => minute.target_errors - minute.canary_errors,
            })
        }),
        "HTTPCode_ELB_5XX_Count" => Box::new(|_, minute| counter(minute.refused)),
        "UnHealthyHostCount" => Box::new(move |_, minute| {
            Some(if canary {
                0.0
            } else {
                f64::from(minute.unhealthy)
            })
        }),
        "HealthyHostCount" => Box::new(move |_, minute| {
            let total = crate::sim::world::load::TARGETS;
            Some(if canary {
                2.0
            } else {
                f64::from(total - minute.unhealthy)
            })
        }),
        _ => return None,
    })
}

fn database<'a>(world: &'a World, region: usize, spec: &'a SeriesSpec) -> Option<Value<'a>> {
    let aws = world.aws_region(region);
    let cluster = dimension(spec, "DBClusterIdentifier");
    if cluster.is_some_and(|id| id == names::cluster(aws)) {
        world.databases.member(region)?;
        return Some(match spec.name.as_str() {
            "CPUUtilization" => Box::new(cpu(world, spec, 45.0)),
            "DatabaseConnections" => Box::new(|_, minute| Some(minute.connections.round())),
            "AuroraGlobalDBReplicationLag" => {
                Box::new(|_, minute| minute.aurora_lag_ms.map(|(lag, _)| lag))
            }
            "AuroraGlobalDBRPOLag" => {
                Box::new(|_, minute| minute.aurora_lag_ms.map(|(_, rpo)| rpo))
            }
            _ => return None,
        });
    }
    let instance = dimension(spec, "DBInstanceIdentifier")?;
    if instance == names::instance(aws) {
        let source = region == world.databases.source;
        return Some(match spec.name.as_str() {
            "CPUUtilization" => Box::new(cpu(world, spec, 35.0)),
            "DatabaseConnections" => Box::new(|_, minute| Some((minute.connections * 0.4).round())),
            "WriteIOPS" if source => Box::new(|_, minute| Some(minute.writes)),
            "ReplicaLag" => Box::new(|_, minute| minute.replica_lag_s),
            _ => return None,
        });
    }
    match spec.name.as_str() {
        _ if !fill::knows(world, "db", instance) => None,
        "CPUUtilization" => Some(steady(world, spec, 22.0)),
        "DatabaseConnections" => Some(steady(world, spec, 40.0)),
        _ => None,
    }
}

/// CPU in percent: `normal` at the utilisation that the region is made for.
fn cpu<'a>(
    world: &'a World,
    spec: &'a SeriesSpec,
    normal: f64,
) -> impl Fn(i64, &RegionMinute) -> Option<f64> + 'a {
    move |number, minute| {
        let load = minute.utilisation / physics::DESIGN_UTILISATION;
        let noise = world.noise.factor(&spec.key, number, 0.05);
        Some((normal * load * noise).clamp(1.0, 100.0))
    }
}

/// In the source Region, for each receiving one (domain A.4).
fn table<'a>(world: &'a World, region: usize, spec: &'a SeriesSpec) -> Option<Value<'a>> {
    let known =
        dimension(spec, "TableName") == Some(names::TABLE) && spec.name == "ReplicationLatency";
    let to = world.aws_index(dimension(spec, "ReceivingRegion")?)?;
    if !known || to == region {
        return None;
    }
    Some(Box::new(move |_, minute| {
        let found = minute
            .table_lag_ms
            .iter()
            .find(|(receiver, _)| *receiver == to);
        found.map(|(_, lag)| *lag)
    }))
}

fn cache<'a>(world: &'a World, region: usize, spec: &'a SeriesSpec) -> Option<Value<'a>> {
    let id = dimension(spec, "ReplicationGroupId").or_else(|| dimension(spec, "CacheClusterId"))?;
    let known = world.caches.members.contains(&region)
        && id.starts_with(&names::group(world.aws_region(region)));
    if !known && !fill::knows(world, "cache", id) {
        return None;
    }
    Some(match spec.name.as_str() {
        "DatabaseMemoryUsagePercentage" => steady(world, spec, 58.0),
        "EngineCPUUtilization" => steady(world, spec, 20.0),
        "CacheHitRate" => Box::new(move |number, minute| {
            let noise = world.noise.factor(&spec.key, number, 0.005);
            let hits = if known {
                physics::cache_hit_percent(minute.utilisation)
            } else {
                95.0
            };
            Some((hits * noise).min(100.0))
        }),
        "GlobalDatastoreReplicationLag" if known => Box::new(|_, minute| minute.datastore_lag_s),
        _ => return None,
    })
}

fn memorydb<'a>(world: &'a World, region: usize, spec: &'a SeriesSpec) -> Option<Value<'a>> {
    let name = names::memorydb(world.aws_region(region));
    if dimension(spec, "ClusterName") != Some(&name) {
        return None;
    }
    match spec.name.as_str() {
        "DatabaseMemoryUsagePercentage" => Some(steady(world, spec, 41.0)),
        "MultiRegionClusterReplicationLag" => Some(Box::new(|_, minute| minute.memorydb_lag_ms)),
        _ => None,
    }
}

/// A version behind the alias of the one function of a region.
fn alias<'a>(world: &'a World, region: usize, spec: &'a SeriesSpec) -> Option<Value<'a>> {
    /// Calls of the function per request to the region.
    const CALLS_PER_REQUEST: f64 = 0.1;
    if dimension(spec, "Resource") != Some("quote:live") {
        return None;
    }
    let second = world.aliases[region].now().second;
    let share = match dimension(spec, "ExecutedVersion")? {
        "41" => 1.0 - second,
        "42" => second,
        _ => return None,
    };
    let errors = match spec.name.as_str() {
        "Duration" if share > 0.0 => return Some(steady(world, spec, 90.0)),
        "Invocations" => 1.0,
        "Errors" => physics::BASE_ERRORS,
        _ => return None,
    };
    let calls = share * CALLS_PER_REQUEST * errors;
    Some(Box::new(move |_, minute| counter(minute.requests * calls)))
}
