//! What watching costs: API calls per minute against the budget of each API, and dollars per hour. Owns the prices and the arithmetic; counts nothing itself.

use std::time::Duration;

use serde::Serialize;

use super::{Api, Fleet, Source};

/// USD per metric that `GetMetricData` is asked for: 0.01 per 1,000, never in the free tier. <https://aws.amazon.com/cloudwatch/pricing/>, us-east-1 (domain A.8).
const USD_PER_METRIC: f64 = 0.000_01;
/// USD per request of the other CloudWatch APIs (`DescribeAlarms`, `ListMetrics`): 0.01 per 1,000 after a free million a month, which is not counted here. Same page.
const USD_PER_CLOUDWATCH_REQUEST: f64 = 0.000_01;
/// Metrics that one call of `GetMetricData` can ask for (domain A.8).
const METRICS_PER_CALL: f64 = 500.0;
/// Below this the first reads of everything weigh too much, and the plan is the better estimate.
const SETTLED: Duration = Duration::from_secs(300);

/// The calls of one API.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApiCost {
    /// The API.
    pub api: Api,
    /// Calls so far, retries included.
    pub calls: u64,
    /// Calls per minute so far.
    pub per_minute: f64,
    /// Polls per minute by the intervals of the estate; a poll takes at least one call.
    pub polls_per_minute: f64,
    /// Calls per minute in percent of what we allow ourselves at all places together.
    pub budget_percent: f64,
    /// Dollars per hour; 0 for the APIs that are free.
    pub usd_per_hour: f64,
}

/// What watching costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// Seconds that the calls were counted for.
    pub elapsed_seconds: u64,
    /// Per API, of those that are asked at all.
    pub apis: Vec<ApiCost>,
    /// Metrics requested per hour, each of which is billed.
    pub metrics_per_hour: f64,
    /// Whether the metrics are counted, or planned because too little has been seen.
    pub settled: bool,
    /// Dollars per hour for everything.
    pub usd_per_hour: f64,
}

/// Estimates the cost from what was counted in a time.
pub fn cost(fleet: &Fleet, elapsed: Duration) -> Cost {
    let settled = elapsed >= SETTLED;
    let metrics_per_hour = if settled {
        fleet.metrics_requested as f64 / elapsed.as_secs_f64() * 3_600.0
    } else {
        planned_metrics(fleet)
    };
    let mut apis: Vec<ApiCost> = Vec::new();
    for &source in Source::ALL {
        let api = source.api();
        if apis.iter().all(|line| line.api != api)
            && let Some(line) = api_cost(fleet, api, elapsed, metrics_per_hour)
        {
            apis.push(line);
        }
    }
    Cost {
        elapsed_seconds: elapsed.as_secs(),
        metrics_per_hour,
        settled,
        usd_per_hour: apis.iter().map(|line| line.usd_per_hour).sum(),
        apis,
    }
}

/// Metrics per hour if the series known now are read at their interval.
fn planned_metrics(fleet: &Fleet) -> f64 {
    let places = fleet.estate.places(Source::Metrics);
    let series: usize = places
        .iter()
        .map(|place| fleet.wanted_series(place).len())
        .sum();
    series as f64 * per_minute(fleet.interval(Source::Metrics)) * 60.0
}

fn per_minute(interval: Duration) -> f64 {
    60.0 / interval.as_secs_f64().max(1.0)
}

fn api_cost(fleet: &Fleet, api: Api, elapsed: Duration, metrics_per_hour: f64) -> Option<ApiCost> {
    let calls = fleet.calls.get(&api).copied().unwrap_or_default();
    let sources = || Source::ALL.iter().filter(move |source| source.api() == api);
    let polls_per_minute: f64 = sources()
        .map(|source| {
            fleet.estate.places(*source).len() as f64 * per_minute(fleet.interval(*source))
        })
        .sum();
    // Each place has a budget of its own.
    let places = sources()
        .map(|source| fleet.estate.places(*source).len())
        .max()
        .unwrap_or_default();
    if calls == 0 && polls_per_minute == 0.0 {
        return None;
    }
    let minutes = elapsed.as_secs_f64() / 60.0;
    let observed = if minutes > 0.0 {
        calls as f64 / minutes
    } else {
        0.0
    };
    let rate = if elapsed >= SETTLED {
        observed
    } else {
        polls_per_minute
    };
    let budget = api.budget_per_second() * 60.0 * places.max(1) as f64;
    let usd_per_hour = if api == Api::CloudWatch {
        // Calls of GetMetricData are paid by their metrics, not once more as requests.
        let data_calls = metrics_per_hour / METRICS_PER_CALL;
        let requests = (rate * 60.0 - data_calls).max(0.0);
        metrics_per_hour * USD_PER_METRIC + requests * USD_PER_CLOUDWATCH_REQUEST
    } else {
        0.0
    };
    Some(ApiCost {
        api,
        calls,
        per_minute: observed,
        polls_per_minute,
        budget_percent: rate / budget * 100.0,
        usd_per_hour,
    })
}

impl Cost {
    /// The lines of `:cost`, at most 72 columns wide.
    pub fn lines(&self) -> Vec<String> {
        let basis = if self.settled { "counted" } else { "planned" };
        let mut lines = vec![
            format!(
                "{:.4} USD per hour, {:.0} USD per month of 730 hours",
                self.usd_per_hour,
                self.usd_per_hour * 730.0
            ),
            format!(
                "{:.0} metrics per hour ({basis}), {} s watched",
                self.metrics_per_hour, self.elapsed_seconds
            ),
            String::new(),
            format!(
                "{:<26}{:>8}{:>10}{:>10}{:>8}{:>10}",
                "API", "calls", "calls/min", "polls/min", "budget", "USD/h"
            ),
        ];
        lines.extend(self.apis.iter().map(|line| {
            format!(
                "{:<26}{:>8}{:>10.1}{:>10.1}{:>7.1}%{:>10}",
                line.api.name(),
                line.calls,
                line.per_minute,
                line.polls_per_minute,
                line.budget_percent,
                if line.usd_per_hour > 0.0 {
                    format!("{:.4}", line.usd_per_hour)
                } else {
                    "free".to_owned()
                }
            )
        }));
        lines.push(String::new());
        lines.push("10 min without a key and no region in trouble: 4 times rarer".to_owned());
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{
        Rows,
        fixtures::{self as f, answer, place},
    };

    fn line(cost: &Cost, api: Api) -> &ApiCost {
        cost.apis.iter().find(|line| line.api == api).unwrap()
    }

    #[test]
    fn counted_metrics_are_billed_and_other_apis_are_free() {
        let mut fleet = f::fleet(&["eu", "us"]);
        fleet.metrics_requested = 14_000;
        fleet.calls.insert(Api::CloudWatch, 40);
        fleet.calls.insert(Api::Route53, 20);
        let cost = cost(&fleet, Duration::from_secs(600));
        assert!(cost.settled);
        assert!((cost.metrics_per_hour - 84_000.0).abs() < 1e-6);
        // 84,000 metrics, and 240 calls an hour of which 168 are GetMetricData.
        assert!((cost.usd_per_hour - (0.84 + 0.000_72)).abs() < 1e-9);
        let route53 = line(&cost, Api::Route53);
        assert!((route53.per_minute - 2.0).abs() < 1e-9);
        assert!((route53.budget_percent - 2.0 / 60.0 * 100.0).abs() < 1e-9);
        assert!(route53.usd_per_hour.abs() < f64::EPSILON);
    }

    #[test]
    fn before_much_was_seen_the_plan_counts() {
        let mut fleet = f::fleet(&["eu"]);
        let rows = Rows::Traffic(vec![f::forward("web", "blue", 1)]);
        answer(&mut fleet, Source::LoadBalancers, &place("eu"), 5, rows);
        let series = fleet.wanted_series(&place("eu")).len() as f64;
        let cost = cost(&fleet, Duration::from_secs(5));
        assert!(!cost.settled);
        assert!((cost.metrics_per_hour - series * 60.0).abs() < 1e-6);
        assert!((line(&cost, Api::Rds).polls_per_minute - 2.0).abs() < 1e-9);
        assert!(cost.lines().iter().all(|line| line.len() <= 72));
    }

    #[test]
    fn no_time_is_no_rate() {
        let cost = cost(&f::fleet(&["eu"]), Duration::ZERO);
        assert!(cost.apis.iter().all(|line| line.per_minute == 0.0));
        assert!(cost.usd_per_hour.is_finite());
    }
}
