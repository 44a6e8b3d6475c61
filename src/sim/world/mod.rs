//! The simulated world: an estate that lives in virtual time, second by second. Owns the order in which its parts move; asks no clock and answers no query.

pub mod alarms;
pub mod caches;
pub mod databases;
mod eventual;
pub mod faults;
mod gather;
pub mod history;
pub mod load;
pub mod routing;
mod transition;

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use self::{alarms::AlarmState, gather::Gathering, load::Writable};
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
use super::{
    noise::Noise,
    scenario::{Cue, Fault, Scenario, Shape},
};
use crate::resources::{Place, RegionLabel};

/// Weight of the canary target group at rest, in percent.
const CANARY_PERCENT: f64 = 5.0;
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
    pending: VecDeque<Cue>,
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
            pending: scenario.timeline.clone().into(),
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
        self.shape
            .regions
            .iter()
            .position(|region| region.label == *label)
    }

    /// AWS name of a region.
    pub fn aws_region(&self, region: usize) -> &str {
        &self.shape.regions[region].aws_region
    }

    /// Index of a region by its AWS name.
    pub fn aws_index(&self, name: &str) -> Option<usize> {
        self.shape
            .regions
            .iter()
            .position(|region| region.aws_region == name)
    }

    /// Whether an AWS Region is lost; one that the estate does not use never is.
    pub fn aws_region_down(&self, name: &str) -> bool {
        self.aws_index(name)
            .is_some_and(|region| self.faults.down(region))
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

    /// Requests per second of all users.
    pub fn demand(&self) -> f64 {
        self.loads.iter().map(|load| load.offered_rps).sum()
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
        while let Some(cue) = self
            .pending
            .pop_front_if(|cue| self.start + i64::from(cue.at) <= t)
        {
            self.happen(&cue);
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
            self.loads[region] = Load::of(
                &context,
                region,
                share,
                self.canary_percent[region],
                writable,
            );
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
                let newest: Vec<&RegionMinute> = self
                    .history
                    .of(region)
                    .take(3)
                    .map(|(_, minute)| minute)
                    .collect();
                let aws = &self.shape.regions[region].aws_region;
                alarms::evaluate(&mut self.alarms[region], aws, &newest, t);
            }
        }
    }

    fn happen(&mut self, cue: &Cue) {
        match &cue.fault {
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
            | Fault::Api { .. } => self.faults.begin(cue, self.now),
        }
    }
}

/// Writes per second at the RDS source: those of every region that reaches it.
fn source_writes(context: &Context<'_>, loads: &[Load], source: usize) -> f64 {
    let connected = loads
        .iter()
        .enumerate()
        .filter(|(region, _)| context.connected(*region, source));
    connected
        .map(|(_, load)| load.served_rps() * WRITES_PER_RPS)
        .sum()
}

#[cfg(test)]
mod tests;
