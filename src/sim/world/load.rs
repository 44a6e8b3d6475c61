//! What the traffic does to a region in one second: utilisation, latency, errors. Owns how faults add up; moves no traffic.

use super::{super::physics, Context};

/// Capacity that is left when one of three zones is lost: the others have some room, so that p95 grows by half (domain D.2).
const ZONE_LOSS_CAPACITY: f64 = 0.77;
/// Share of the requests that need the RDS orders database to be means.
const ORDER_SHARE: f64 = 0.02;
/// Targets of the stable target group of a region.
pub const TARGETS: u32 = 10;

/// One second of a region.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Load {
    /// Requests per second that users send here.
    pub offered_rps: f64,
    /// Offered load over capacity.
    pub utilisation: f64,
    /// p95 latency in milliseconds.
    pub p95_ms: f64,
    /// Share of the served requests that fail in the application.
    pub target_errors: f64,
    /// Share of the offered requests that the load balancer refuses.
    pub refused: f64,
}

/// How a forward action of the shop splits what arrives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForwardSplit {
    /// Share of the canary, 0.0 to 1.0.
    pub canary: f64,
    /// Whether any target group has a weight; without one the load balancer answers 503.
    pub serves: bool,
}

/// What a region has to serve its users with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Means {
    /// How its load balancer splits.
    pub split: ForwardSplit,
    /// Share of the requests that the canary of a route in its cluster answers.
    pub route_canary: f64,
    /// Share of the requests that fail in releases which went bad.
    pub release_errors: f64,
    /// What its nodes can serve, as a multiple of the capacity of its shape.
    pub nodes: f64,
    /// The Aurora writer can be reached.
    pub aurora: bool,
    /// The RDS source can be reached.
    pub postgres: bool,
}

impl Load {
    /// The load of a region that gets `share` of all users.
    pub fn of(context: &Context<'_>, region: usize, share: f64, means: Means) -> Self {
        let spec = &context.shape.regions[region];
        let label = spec.label.as_str();
        let minute = context.minute();
        let offered_rps = demand(context) * share;
        let capacity = spec.capacity_rps
            * means.nodes
            * context
                .faults
                .zone_lost(region, context.t)
                .map_or(1.0, |_| ZONE_LOSS_CAPACITY);
        // The last node that leaves takes what it could serve with it; a region without any is endlessly busy, not not-a-number.
        let utilisation = offered_rps / capacity.max(1.0);
        let noise = context.noise.factor(&format!("p95/{label}"), minute, 0.08);
        let mut target_errors = physics::BASE_ERRORS
            * context
                .noise
                .factor(&format!("errors/{label}"), minute, 0.4);
        if let Some((_, failing)) = context.faults.failing(region, context.t) {
            target_errors += physics::CHECKOUT_SHARE * failing;
        }
        target_errors += means.split.canary * context.faults.canary_errors(region);
        target_errors += means.route_canary * context.faults.route_canary_errors(region);
        target_errors += means.release_errors;
        if !means.aurora {
            target_errors += physics::WRITE_SHARE;
        }
        if !means.postgres {
            target_errors += ORDER_SHARE;
        }
        if context.faults.dead(region) {
            target_errors = 1.0;
        }
        let refused = if means.split.serves {
            physics::overload_errors(utilisation)
        } else {
            1.0
        };
        Self {
            offered_rps,
            utilisation,
            p95_ms: spec.p95_ms * physics::latency_factor(utilisation) * noise,
            target_errors: target_errors.min(1.0),
            refused,
        }
    }

    /// Requests per second that get past the load balancer.
    pub fn served_rps(&self) -> f64 {
        self.offered_rps * (1.0 - self.refused)
    }
}

/// Requests per second of all users: a slow wave of half an hour and some noise around the load of the shape.
fn demand(context: &Context<'_>) -> f64 {
    let load: f64 = context
        .shape
        .regions
        .iter()
        .map(|region| region.load_rps)
        .sum();
    let wave = 1.0 + 0.01 * (std::f64::consts::TAU * context.t as f64 / 1_800.0).sin();
    load * wave * context.noise.factor("demand", context.minute(), 0.01)
}

/// Targets of the stable group that fail their checks: three of ten with their zone; two of ten a minute after one part began to fail.
pub fn unhealthy_targets(context: &Context<'_>, region: usize) -> u32 {
    if context.faults.down(region) || context.faults.dead(region) {
        return TARGETS;
    }
    let zone = match context.faults.zone_lost(region, context.t) {
        Some(seconds) if seconds >= 20 => 3,
        _ => 0,
    };
    let part = match context.faults.failing(region, context.t) {
        Some((seconds, _)) if seconds >= 60 => 2,
        _ => 0,
    };
    zone + part
}
