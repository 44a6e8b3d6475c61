//! What CloudWatch would know: one record per region and minute, kept for an hour. Owns when a point arrives; computes no value.

use std::collections::VecDeque;

use super::super::noise::Noise;

/// Minutes kept.
pub const KEPT: u32 = 64;

/// One minute of one region.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RegionMinute {
    /// Whether CloudWatch published it: the region was up and its telemetry worked.
    pub published: bool,
    /// Requests that got past the load balancer.
    pub requests: f64,
    /// Those of them that went to the canary.
    pub canary_requests: f64,
    /// Those of them that the canary failed.
    pub canary_errors: f64,
    /// New flows through Global Accelerator.
    pub flows: f64,
    /// Requests that the application failed.
    pub target_errors: f64,
    /// Requests that the load balancer refused.
    pub refused: f64,
    /// p95 latency in milliseconds, mean over the minute.
    pub p95_ms: f64,
    /// Offered load over capacity, mean over the minute.
    pub utilisation: f64,
    /// Unhealthy targets of the stable group, maximum.
    pub unhealthy: u32,
    /// Connections to the Aurora cluster, mean.
    pub connections: f64,
    /// Writes per second at the RDS source.
    pub writes: f64,
    /// Aurora lag and RPO lag in milliseconds, maximum; `None` at the writer and while rebuilding.
    pub aurora_lag_ms: Option<(f64, f64)>,
    /// RDS replica lag in seconds, newest; `None` at the source.
    pub replica_lag_s: Option<f64>,
    /// Global Datastore lag in seconds, maximum; `None` at the primary.
    pub datastore_lag_s: Option<f64>,
    /// MemoryDB lag in milliseconds, maximum.
    pub memorydb_lag_ms: Option<f64>,
    /// DynamoDB replication latency by receiving region, in milliseconds, maximum.
    pub table_lag_ms: Vec<(usize, f64)>,
    /// HTTPS health check of the region: minimum of 1 and 0.
    pub check: f64,
    /// Share of checkers that say healthy, in percent, mean.
    pub check_percent: f64,
    /// Calculated health check of the region: minimum of 1 and 0.
    pub region_check: f64,
    /// Routing control of the region: minimum of 1 and 0.
    pub control: f64,
}

/// The minutes of all regions. Minutes are numbered from the origin of the world; those before it are negative.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    minutes: VecDeque<(i64, Vec<RegionMinute>)>,
}

impl History {
    /// Adds a finished minute and forgets the oldest.
    pub fn push(&mut self, minute: i64, regions: Vec<RegionMinute>) {
        self.minutes.push_back((minute, regions));
        if self.minutes.len() > KEPT as usize {
            self.minutes.pop_front();
        }
    }

    /// Minutes of a region, newest first, whether published or not.
    pub fn of(&self, region: usize) -> impl Iterator<Item = (i64, &RegionMinute)> {
        let minutes = self.minutes.iter().rev();
        minutes.filter_map(move |(minute, regions)| Some((*minute, regions.get(region)?)))
    }
}

/// Whether the points of a minute have arrived at a second: 60 to 100 s after the minute began (domain D.0: within two minutes).
/// Any later, and a console that polls once a minute would have to call healthy values stale.
///
/// All series of a place arrive together, so that a ratio of two of them is never made of different minutes.
pub fn arrived(noise: Noise, place: &str, minute: i64, t: i64) -> bool {
    (t - minute * 60) as f64 >= noise.between(place, minute, 60.0, 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_arrive_one_to_two_minutes_after_their_minute_began() {
        let arrivals = (0..200).map(|minute| {
            let seconds = 0..=120;
            let mut late =
                seconds.skip_while(|s| !arrived(Noise::new(3), "p", minute, minute * 60 + s));
            late.next().unwrap()
        });
        let arrivals: Vec<i64> = arrivals.collect();
        assert!(arrivals.iter().all(|late| (60..=100).contains(late)));
        assert!(arrivals.iter().min() < Some(&65) && arrivals.iter().max() > Some(&95));
    }

    #[test]
    fn the_history_keeps_an_hour() {
        let mut history = History::default();
        for minute in 0..200 {
            history.push(minute, vec![RegionMinute::default()]);
        }
        let minutes: Vec<i64> = history.of(0).map(|(minute, _)| minute).collect();
        assert_eq!((minutes.len(), minutes[0]), (KEPT as usize, 199));
        assert_eq!(history.of(1).count(), 0);
    }
}
