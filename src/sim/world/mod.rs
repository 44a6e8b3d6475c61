//! The simulated world: an estate that lives in virtual time, second by second. Owns the order in which its parts move; asks no clock and answers no query.

pub mod alarms;
pub mod databases;
pub mod caches;
mod eventual;
pub mod faults;
pub mod history;
pub mod load;
pub mod routing;
mod transition;

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

pub use self::{
    caches::Caches,
    databases::Databases,
    eventual::Eventual,
    faults::{Context, Faults},
    history::{History, RegionMinute},
    load::Load,
    routing::Routing,
    transition::{Refused, Transition},
};
use self::{alarms::AlarmState, load::Writable};
use super::{
    noise::Noise,
    scenario::{Event, Fault, Scenario, Shape},
};
use crate::resources::{Place, RegionLabel};

/// Weight of the canary target group at rest, in percent.
const CANARY_PERCENT: f64 = 5.0;
/// Connections to the Aurora cluster per request per second.
const CONNECTIONS_PER_RPS: f64 = 0.02;
/// RDS writes per request per second.
const WRITES_PER_RPS: f64 = 0.01;

/// The world.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// The estate.
    pub shape: Shape,
    /// Chance.
    pub noise: Noise,
    /// What is wrong now.
    pub faults: Faults,
    /// How users reach regions.
    pub routing: Routing,
    /// Databases.
    pub databases: Databases,
    /// Caches.
    pub caches: Caches,
    /// Alarms by region.
    pub alarms: Vec<Vec<AlarmState>>,
    /// Weight of the canary target group by region, in percent.
    pub canary_percent: Vec<f64>,
    /// Share of the second version of the Lambda alias by region.
    pub alias_weight: Vec<Eventual<f64>>,
    /// Share of the staging distribution.
    pub staging_weight: f64,
    /// The second from which the distribution is deployed again.
    pub staging_deployed_at: i64,
    /// What every region does in this second.
    pub loads: Vec<Load>,
    /// What CloudWatch knows.
    pub history: History,
    gathering: Vec<Gathering>,
    /// Second 0: the full minute in which the scenario starts, so that periods lie as CloudWatch's do.
    origin: Timestamp,
    /// The second in which the scenario starts.
    start: i64,
    now: i64,
    pending: VecDeque<Event>,
}

/// A minute that is not over yet.
#[derive(Debug, Clone, PartialEq, Default)]
struct Gathering {
    seconds: u32,
    minute: RegionMinute,
}

impl World {
    /// A world at rest with an hour of calm behind it. `start` is when the scenario begins.
    pub fn new(scenario: &Scenario, seed: u64, start: Timestamp) -> Self {
        let shape = scenario.shape.clone();
        let count = shape.regions.len();
        let primary = shape.primary();
        let offset = start.as_second().rem_euclid(60);
        let origin = Timestamp::from_second(start.as_second() - offset).unwrap_or(start);
        let spread = |most: usize| -> Vec<usize> {
            let others = (0..count).filter(|region| *region != primary);
            std::iter::once(primary).chain(others).take(most).collect()
        };
        let loads: Vec<f64> = shape.regions.iter().map(|region| region.load_rps).collect();
        let mut world = Self {
            noise: Noise::new(seed),
            faults: Faults::default(),
            routing: Routing::new(&loads),
            databases: Databases::new(spread, primary),
            caches: Caches::new(spread, primary),
            alarms: vec![alarms::at_rest(); count],
            canary_percent: vec![CANARY_PERCENT; count],
            alias_weight: vec![Eventual::new(0.1, 3.0); count],
            staging_weight: 0.05,
            staging_deployed_at: i64::MIN,
            loads: vec![Load::default(); count],
            history: History::default(),
            gathering: vec![Gathering::default(); count],
            origin,
            start: offset,
            now: -1,
            pending: scenario.events.clone().into(),
            shape,
        };
        world.backfill();
        world.advance(offset);
        world
    }

    /// The second that has been lived through last.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// A second as a time of day.
    pub fn timestamp(&self, second: i64) -> Timestamp {
        self.origin
            .checked_add(SignedDuration::from_secs(second))
            .unwrap_or(self.origin)
    }

    /// When the scenario began.
    pub fn started_at(&self) -> Timestamp {
        self.timestamp(self.start)
    }

    /// Lives on until a time. A time in the past changes nothing.
    pub fn advance_to(&mut self, time: Timestamp) {
        self.advance(time.as_second() - self.origin.as_second());
    }

    /// Index of the region of a place.
    pub fn region(&self, place: &Place) -> Option<usize> {
        self.index(place.region()?)
    }

    /// Index of a region by its label.
    pub fn index(&self, label: &RegionLabel) -> Option<usize> {
        self.shape.regions.iter().position(|region| region.label == *label)
    }

    /// AWS name of a region.
    pub fn aws_region(&self, region: usize) -> &str {
        &self.shape.regions[region].aws_region
    }

    /// Index of a region by its AWS name.
    pub fn aws_index(&self, name: &str) -> Option<usize> {
        self.shape.regions.iter().position(|region| region.aws_region == name)
    }

    /// Whether an AWS Region is lost; one that the estate does not use never is.
    pub fn aws_region_down(&self, name: &str) -> bool {
        self.aws_index(name).is_some_and(|region| self.faults.down(region))
    }

    /// What everything may know in this second.
    pub fn context(&self) -> Context<'_> {
        Context {
            t: self.now,
            noise: self.noise,
            shape: &self.shape,
            faults: &self.faults,
        }
    }

    fn advance(&mut self, until: i64) {
        while self.now < until {
            self.now += 1;
            self.step();
        }
    }

    fn step(&mut self) {
        let t = self.now;
        self.faults.expire(t);
        while let Some(event) = self.pending.pop_front_if(|event| self.start + i64::from(event.at) <= t) {
            self.happen(&event);
        }
        let context = Context {
            t,
            noise: self.noise,
            shape: &self.shape,
            faults: &self.faults,
        };
        self.routing.step(&context);
        for region in 0..self.loads.len() {
            let writable = Writable {
                aurora: self.databases.aurora_writable(&context, region),
                postgres: self.databases.postgres_writable(&context, region),
            };
            let share = self.routing.share(region, t);
            self.loads[region] = Load::of(&context, region, share, self.canary_percent[region], writable);
        }
        let writes = source_writes(&context, &self.loads, self.databases.source);
        self.databases.step(&context, writes);
        self.caches.step(&context);
        self.gather(writes);
        if (t + 1).rem_euclid(60) == 0 {
            self.close_minute(t.div_euclid(60));
        }
        if t.rem_euclid(60) == 10 {
            for region in 0..self.alarms.len() {
                let newest: Vec<&RegionMinute> = self.history.of(region).take(3).map(|(_, minute)| minute).collect();
                alarms::evaluate(&mut self.alarms[region], &newest, t);
            }
        }
    }

    fn happen(&mut self, event: &Event) {
        match &event.fault {
            Fault::Heal { region } => self.faults.heal(*region),
            Fault::ExternalChange(transitions) => {
                for transition in transitions {
                    // Somebody else's change can be refused, as ours can; the world goes on without it.
                    let _ = self.change(transition);
                }
            }
            Fault::RegionDown { .. }
            | Fault::ServiceErrors { .. }
            | Fault::ZoneLoss { .. }
            | Fault::WriterCrash
            | Fault::SourceLost
            | Fault::ReplicationConflict { .. }
            | Fault::Partition { .. }
            | Fault::StaleTelemetry { .. }
            | Fault::CanaryBad { .. }
            | Fault::Api { .. } => self.faults.begin(event, self.now),
        }
    }

    /// Adds this second to the minutes that are not over yet.
    fn gather(&mut self, writes: f64) {
        let mut gathering = std::mem::take(&mut self.gathering);
        for (region, gathering) in gathering.iter_mut().enumerate() {
            if !self.faults.down(region) {
                self.gather_region(region, gathering, writes);
            }
        }
        self.gathering = gathering;
    }

    fn gather_region(&self, region: usize, gathering: &mut Gathering, writes: f64) {
        let context = self.context();
        let load = &self.loads[region];
        let (t, minute) = (self.now, &mut gathering.minute);
        let first = gathering.seconds == 0;
        gathering.seconds += 1;
        let weight = 1.0 / f64::from(gathering.seconds);
        let mean = |old: f64, new: f64| old + (new - old) * weight;
        let low = |old: f64, holds: bool| if first { f64::from(u8::from(holds)) } else { old.min(f64::from(u8::from(holds))) };

        minute.requests += load.served_rps();
        minute.canary_requests += load.served_rps() * self.canary_percent[region] / 100.0;
        minute.flows += self.routing.accelerated(region, t) * load.offered_rps * 0.05;
        minute.target_errors += load.served_rps() * load.target_errors;
        minute.refused += load.offered_rps * load.refused;
        minute.p95_ms = mean(minute.p95_ms, load.p95_ms);
        minute.utilisation = mean(minute.utilisation, load.utilisation);
        minute.unhealthy = minute.unhealthy.max(load::unhealthy_targets(&context, region));
        let up = self.databases.member(region).is_some_and(|member| !member.failing_over(t));
        let connections = if up { load.served_rps() * CONNECTIONS_PER_RPS } else { 0.0 };
        minute.connections = mean(minute.connections, connections);
        minute.writes = mean(minute.writes, writes);
        self.gather_lags(region, minute);

        let check = &self.routing.checks[region];
        let control = *self.routing.controls[region].now();
        minute.check = low(minute.check, check.healthy);
        minute.check_percent = mean(minute.check_percent, check.percent(t));
        minute.control = low(minute.control, control);
        minute.region_check = low(minute.region_check, check.healthy && control);
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
            let others = databases.table.iter().enumerate().filter(|(to, _)| *to != from);
            let before = |to: usize| minute.table_lag_ms.iter().find(|(region, _)| *region == to).map_or(0.0, |(_, lag)| *lag);
            minute.table_lag_ms = others
                .map(|(to, &receiver)| (receiver, before(receiver).max(databases.table_lag_ms[from][to])))
                .collect();
        }
    }

    fn close_minute(&mut self, number: i64) {
        let regions = self.gathering.iter_mut().enumerate().map(|(region, gathering)| {
            let mut done = std::mem::take(gathering);
            done.minute.published = done.seconds > 0 && !self.faults.stale(region) && !self.faults.down(region);
            done.minute
        });
        let regions = regions.collect();
        self.history.push(number, regions);
    }

    /// Fills the hour before the start with what a calm world would have done, one step a minute.
    fn backfill(&mut self) {
        for minute in -(history::KEPT as i64)..0 {
            self.now = minute * 60;
            let context = Context { t: self.now, noise: self.noise, shape: &self.shape, faults: &self.faults };
            self.routing.step(&context);
            for region in 0..self.loads.len() {
                let share = self.routing.share(region, context.t);
                let writable = Writable { aurora: true, postgres: true };
                self.loads[region] = Load::of(&context, region, share, self.canary_percent[region], writable);
            }
            let writes = source_writes(&context, &self.loads, self.databases.source);
            self.databases.step(&context, writes);
            self.caches.step(&context);
            self.gather(writes);
            for gathering in &mut self.gathering {
                let sums = &mut gathering.minute;
                for sum in [&mut sums.requests, &mut sums.canary_requests, &mut sums.flows, &mut sums.target_errors, &mut sums.refused] {
                    *sum *= 60.0;
                }
            }
            self.close_minute(minute);
        }
        self.now = -1;
    }
}

/// Writes per second at the RDS source: those of every region that reaches it.
fn source_writes(context: &Context<'_>, loads: &[Load], source: usize) -> f64 {
    let connected = loads.iter().enumerate().filter(|(region, _)| context.connected(*region, source));
    connected.map(|(_, load)| load.served_rps() * WRITES_PER_RPS).sum()
}

#[cfg(test)]
mod tests;
