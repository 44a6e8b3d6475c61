//! How what is global is measured in the simulated world: health checks, CloudFront, Global Accelerator. Owns which of their series exist.

use super::super::{
    SeriesSpec,
    sim::{Value, counter, dimension, global_home},
};
use crate::sim::{World, names, world::RegionMinute};

/// CloudFront counts in one place what all regions serve as its origins; the world keeps its minutes by region, so one region tells for all.
fn distribution<'a>(world: &'a World, spec: &'a SeriesSpec) -> Option<(usize, Value<'a>)> {
    /// Requests to the edge per request to an origin.
    const EDGE_PER_ORIGIN: f64 = 4.0;
    let share = match dimension(spec, "DistributionId")? {
        names::DISTRIBUTION => 1.0 - world.staging_weight,
        names::STAGING_DISTRIBUTION => world.staging_weight,
        _ => return None,
    };
    let home = world.aws_index(global_home(spec)).unwrap_or(0);
    let all = move |number: i64, of: fn(&RegionMinute) -> f64| -> f64 {
        let regions = 0..world.shape.regions.len();
        let minute = |region| {
            let found = world.history.of(region).find(|(known, _)| *known == number);
            found.map_or(0.0, |(_, minute)| of(minute))
        };
        regions.map(minute).sum()
    };
    let requests = move |number| all(number, |minute| minute.requests + minute.refused);
    let failed = move |number| all(number, |minute| minute.target_errors + minute.refused);
    let value: Value<'a> = match spec.name.as_str() {
        "Requests" => {
            Box::new(move |number, _| counter(requests(number) * EDGE_PER_ORIGIN * share))
        }
        // What no origin is asked for.
        "CacheHitRate" => Box::new(move |number, _| {
            let asked = requests(number);
            (share > 0.0 && asked > 0.0).then_some(100.0 - 100.0 / EDGE_PER_ORIGIN)
        }),
        // In percent of what the edge serves, of which only a part asks an origin; absent without a request.
        "5xxErrorRate" => Box::new(move |number, _| {
            let asked = requests(number);
            (share > 0.0 && asked > 0.0).then(|| failed(number) / asked / EDGE_PER_ORIGIN * 100.0)
        }),
        _ => return None,
    };
    Some((home, value))
}

/// The region whose minutes a series of a global service is made of, and how; `None` where nobody publishes such a series.
pub fn global<'a>(world: &'a World, spec: &'a SeriesSpec) -> Option<(usize, Value<'a>)> {
    match spec.namespace.as_str() {
        "AWS/Route53" => health_check(world, spec),
        "AWS/CloudFront" => distribution(world, spec),
        "AWS/GlobalAccelerator" if spec.name == "NewFlowCount" => {
            let group = world.aws_index(dimension(spec, "EndpointGroup")?)?;
            Some((group, Box::new(|_, minute| counter(minute.flows))))
        }
        _ => None,
    }
}

fn health_check<'a>(world: &'a World, spec: &SeriesSpec) -> Option<(usize, Value<'a>)> {
    let id = dimension(spec, "HealthCheckId")?;
    let percentage = match spec.name.as_str() {
        "HealthCheckStatus" => false,
        "HealthCheckPercentageHealthy" => true,
        _ => return None,
    };
    let regions = world.shape.regions.iter().enumerate();
    regions.into_iter().find_map(|(index, region)| {
        let aws = &region.aws_region;
        let value: Value<'a> = match (id, percentage) {
            (id, false) if id == names::https_check(aws) => {
                Box::new(|_, minute| Some(minute.check))
            }
            (id, true) if id == names::https_check(aws) => {
                Box::new(|_, minute| Some(minute.check_percent))
            }
            (id, false) if id == names::control_check(aws) => {
                Box::new(|_, minute| Some(minute.control))
            }
            (id, false) if id == names::region_check(aws) => {
                Box::new(|_, minute| Some(minute.region_check))
            }
            // Only checks that checkers make have a percentage.
            _ => return None,
        };
        Some((index, value))
    })
}
