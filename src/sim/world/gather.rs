//! How seconds become the minutes that CloudWatch shows, and the calm hour before the start. Owns the sums; moves nothing.

use super::{Context, Load, RegionMinute, World, history, load, load::Means, routing::Check};

/// Connections to the Aurora cluster per request per second.
const CONNECTIONS_PER_RPS: f64 = 0.02;
/// New flows per request: clients keep their connections.
const FLOWS_PER_REQUEST: f64 = 0.05;

/// RDS writes per request per second.
const WRITES_PER_RPS: f64 = 0.01;

/// A minute that is not over yet.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Gathering {
    /// Seconds of it.
    seconds: u32,
    /// Seconds of it in which the region was up.
    alive: u32,
    minute: RegionMinute,
}

impl World {
    /// Adds this second to the minutes that are not over yet.
    pub(super) fn gather(&mut self, writes: f64) {
        let mut gathering = std::mem::take(&mut self.gathering);
        for (region, gathering) in gathering.iter_mut().enumerate() {
            self.gather_edge(region, gathering);
            if !self.faults.down(region) {
                self.gather_region(region, gathering, writes);
                self.gather_lags(region, &mut gathering.minute);
            }
        }
        self.gathering = gathering;
    }

    /// What the global services see, whether the region is up or not.
    fn gather_edge(&self, region: usize, gathering: &mut Gathering) {
        let minute = &mut gathering.minute;
        gathering.seconds += 1;
        let first = gathering.seconds == 1;
        let low = |old: f64, holds: bool| {
            let value = f64::from(u8::from(holds));
            if first { value } else { old.min(value) }
        };
        let says = |check| self.routing.says(region, check, self.noise, self.now);
        minute.check = low(minute.check, says(Check::Https));
        minute.control = low(minute.control, says(Check::Control));
        minute.region_check = low(minute.region_check, says(Check::Region));
        let percent = self.routing.checks[region].percent(self.now);
        minute.check_percent += (percent - minute.check_percent) / f64::from(gathering.seconds);
        minute.flows +=
            self.routing.accelerated(region, self.now) * self.demand() * FLOWS_PER_REQUEST;
    }

    fn gather_region(&self, region: usize, gathering: &mut Gathering, writes: f64) {
        let context = self.context();
        let load = &self.loads[region];
        let minute = &mut gathering.minute;
        gathering.alive += 1;
        let weight = 1.0 / f64::from(gathering.alive);
        let mean = |old: f64, new: f64| old + (new - old) * weight;

        minute.requests += load.served_rps();
        let canary = load.served_rps() * self.split(region).canary;
        minute.canary_requests += canary;
        // What befalls the whole region befalls its canary; what it has beside that is its own.
        let own = self.split(region).canary * context.faults.canary_errors(region);
        let common = (load.target_errors - own).max(0.0);
        minute.canary_errors += canary * (common + context.faults.canary_errors(region)).min(1.0);
        minute.target_errors += load.served_rps() * load.target_errors;
        minute.refused += load.offered_rps * load.refused;
        minute.p95_ms = mean(minute.p95_ms, load.p95_ms);
        minute.utilisation = mean(minute.utilisation, load.utilisation);
        minute.unhealthy = minute
            .unhealthy
            .max(load::unhealthy_targets(&context, region));
        let up = self
            .databases
            .member(region)
            .is_some_and(|member| !member.failing_over(self.now));
        let connections = if up {
            load.served_rps() * CONNECTIONS_PER_RPS
        } else {
            0.0
        };
        minute.connections = mean(minute.connections, connections);
        minute.writes = mean(minute.writes, writes);
    }

    fn gather_lags(&self, region: usize, minute: &mut RegionMinute) {
        let databases = &self.databases;
        // Lag series exist only in secondary Regions and change place with the role (domain 0.4).
        minute.aurora_lag_ms = databases
            .member(region)
            .filter(|member| *databases.writer.now() != region && !member.rebuilding(self.now))
            .map(|member| {
                let (lag, rpo) = minute.aurora_lag_ms.unwrap_or_default();
                (lag.max(member.lag_ms), rpo.max(member.rpo_ms))
            });
        minute.replica_lag_s = databases.replica(region).map(|replica| replica.lag_s);
        minute.datastore_lag_s = self
            .caches
            .lag_into(region)
            .filter(|_| *self.caches.primary.now() != region)
            .map(|lag| minute.datastore_lag_s.unwrap_or_default().max(lag));
        minute.memorydb_lag_ms = self
            .caches
            .active_lag_into(region)
            .map(|lag| minute.memorydb_lag_ms.unwrap_or_default().max(lag));
        if let Some(from) = databases.table.iter().position(|member| *member == region) {
            let others = databases
                .table
                .iter()
                .enumerate()
                .filter(|(to, _)| *to != from);
            let before = |to: usize| {
                minute
                    .table_lag_ms
                    .iter()
                    .find(|(region, _)| *region == to)
                    .map_or(0.0, |(_, lag)| *lag)
            };
            minute.table_lag_ms = others
                .map(|(to, &receiver)| {
                    (
                        receiver,
                        before(receiver).max(databases.table_lag_ms[from][to]),
                    )
                })
                .collect();
        }
    }

    /// Ends a minute and publishes it where telemetry works.
    pub(super) fn close_minute(&mut self, number: i64) {
        let done: Vec<Gathering> = self.gathering.iter_mut().map(std::mem::take).collect();
        let regions = done.into_iter().enumerate().map(|(region, mut done)| {
            done.minute.published = done.alive > 0 && !self.faults.stale(region);
            done.minute
        });
        let regions = regions.collect();
        self.history.push(number, regions);
    }

    /// Fills the hour before the start with what a calm world would have done, one step a minute.
    pub(super) fn backfill(&mut self) {
        for minute in -i64::from(history::KEPT)..0 {
            self.now = minute * 60;
            let context = Context {
                t: self.now,
                noise: self.noise,
                shape: &self.shape,
                faults: &self.faults,
            };
            self.routing.step(&context);
            for region in 0..self.loads.len() {
                let share = self.routing.share(region, context.t);
                let means = Means {
                    split: self.split(region),
                    route_canary: self.route_canary(region),
                    release_errors: self.release_errors(region),
                    nodes: self.nodes[region].capacity(),
                    aurora: true,
                    postgres: true,
                };
                self.loads[region] = Load::of(&context, region, share, means);
            }
            let writes = source_writes(&context, &self.loads, self.databases.source);
            self.databases.step(&context, writes, &self.loads);
            self.caches.step(&context);
            self.gather(writes);
            for gathering in &mut self.gathering {
                let sums = &mut gathering.minute;
                for sum in [
                    &mut sums.requests,
                    &mut sums.canary_requests,
                    &mut sums.canary_errors,
                    &mut sums.flows,
                    &mut sums.target_errors,
                    &mut sums.refused,
                ] {
                    *sum *= 60.0;
                }
            }
            self.close_minute(minute);
        }
        for t in -i64::from(history::KEPT) * 60..0 {
            self.now = t;
            self.measure();
        }
        self.now = -1;
    }
}

/// Writes per second at the RDS source: those of every region that reaches it.
pub(super) fn source_writes(context: &Context<'_>, loads: &[Load], source: usize) -> f64 {
    let connected = loads
        .iter()
        .enumerate()
        .filter(|(region, _)| context.connected(*region, source));
    connected
        .map(|(_, load)| load.served_rps() * WRITES_PER_RPS)
        .sum()
}
