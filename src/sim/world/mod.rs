//! The simulated world: an estate that lives in virtual time, second by second. Owns the order in which its parts move; asks no clock and answers no query.

pub mod alarms;
pub mod caches;
pub mod databases;
mod eventual;
pub mod faults;
mod gather;
pub mod history;
mod invalidations;
pub mod load;
pub mod mesh;
pub mod meters;
pub mod nodes;
pub mod pipelines;
pub mod releases;
pub mod routing;
pub mod senders;
pub mod sent;
mod transition;
pub mod workloads;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use self::{
    alarms::AlarmState,
    gather::{Gathering, source_writes},
    load::{ForwardSplit, Means},
    sent::Sent,
};
pub use self::{
    caches::Caches,
    databases::Databases,
    eventual::Eventual,
    faults::{Context, Faults},
    history::{History, RegionMinute},
    invalidations::Invalidation,
    load::Load,
    routing::Routing,
    transition::{Refused, Transition},
};
use super::{
    noise::Noise,
    scenario::{Cue, Fault, Scenario, Shape},
};
use crate::resources::{Place, RegionLabel};

/// The target group of the shop that serves nearly everything.
pub const STABLE: &str = "shop-stable";
/// The one of its canary.
pub const CANARY: &str = "shop-canary";

/// A Lambda alias with two versions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alias {
    /// Share of the second version.
    pub second: f64,
    /// How often it was updated: the compare-and-set token is made of it.
    pub updates: u32,
}

impl Alias {
    fn at_rest() -> Self {
        Self {
            second: 0.1,
            updates: 0,
        }
    }
}

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
    /// Names of alarms by region whose actions do not run.
    pub muted: Vec<BTreeSet<String>>,
    /// Weights of target groups by name, in each region; one that is not named has what it had at rest.
    pub forwards: Vec<Eventual<BTreeMap<String, u32>>>,
    /// The Lambda alias of each region.
    pub aliases: Vec<Eventual<Alias>>,
    /// What divides requests within the cluster of each region; empty in an estate without gateways and meshes.
    pub mesh: Vec<mesh::Mesh>,
    /// What sends releases out in the cluster of each region; empty where there is no mesh.
    pub senders: Vec<senders::Senders>,
    /// Releases since the world began, in the order of time.
    pub releases: Vec<releases::Release>,
    /// Pipelines.
    pub pipelines: Vec<pipelines::Line>,
    /// What somebody did to deployments and nodes.
    pub hands: workloads::Hands,
    /// The node group of each region.
    pub nodes: Vec<nodes::Nodes>,
    /// Share of the staging distribution.
    pub staging_weight: f64,
    /// The second from which the distribution is deployed again.
    pub staging_deployed_at: i64,
    /// Invalidations of the distribution, oldest first.
    pub invalidations: Vec<Invalidation>,
    /// What was sent to the APIs and has not ended.
    pub sent: Sent,
    /// What every region does in this second.
    pub loads: Vec<Load>,
    /// What CloudWatch knows.
    pub history: History,
    /// What a Prometheus knows.
    pub meters: meters::Meters,
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
            muted: vec![BTreeSet::new(); count],
            forwards: vec![Eventual::new(BTreeMap::new(), 3.0); count],
            aliases: vec![Eventual::new(Alias::at_rest(), 3.0); count],
            mesh: (0..if shape.mesh { count } else { 0 })
                .map(|region| mesh::Mesh::at_rest(region, if shape.spanning { count } else { 0 }))
                .collect(),
            senders: senders::all(&shape),
            releases: Vec::new(),
            pipelines: pipelines::at_rest(&shape),
            hands: workloads::Hands::default(),
            nodes: vec![nodes::Nodes::at_rest(); count],
            invalidations: Vec::new(),
            sent: Sent::default(),
            staging_weight: 0.05,
            staging_deployed_at: i64::MIN,
            loads: vec![Load::default(); count],
            history: History::default(),
            meters: meters::Meters::default(),
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

    /// The weight of a target group of a region, by its name.
    pub fn forward_weight(&self, region: usize, group: &str) -> u32 {
        weight_of(self.forwards[region].now(), group)
    }

    /// The same as the API tells it: a little later.
    pub fn forward_weight_seen(&self, region: usize, group: &str) -> u32 {
        let seen = self.forwards[region].seen(self.noise, "elasticloadbalancing", self.now);
        weight_of(seen, group)
    }

    /// Whether Route 53 takes a region for healthy: what the calculated check of its records says.
    pub fn healthy(&self, region: usize) -> bool {
        self.routing
            .says(region, routing::Check::Region, self.noise, self.now)
    }

    /// How the load balancer of the shop splits in a region.
    pub fn split(&self, region: usize) -> ForwardSplit {
        let [stable, canary] =
            [STABLE, CANARY].map(|group| f64::from(self.forward_weight(region, group)));
        let all = stable + canary;
        ForwardSplit {
            canary: if all > 0.0 { canary / all } else { 0.0 },
            serves: all > 0.0,
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
        self.arrive(t);
        self.deliver(t);
        let context = Context {
            t,
            noise: self.noise,
            shape: &self.shape,
            faults: &self.faults,
        };
        self.routing.step(&context);
        self.mesh.iter_mut().for_each(|mesh| mesh.step(t));
        self.senders.iter_mut().for_each(|sender| sender.step(t));
        for region in 0..self.loads.len() {
            let means = Means {
                split: self.split(region),
                route_canary: self.route_canary(region),
                release_errors: self.release_errors(region),
                nodes: self.nodes[region].capacity(),
                aurora: self.databases.aurora_writable(&context, region),
                postgres: self.databases.postgres_writable(&context, region),
            };
            let share = self.share(region, t);
            self.loads[region] = Load::of(&context, region, share, means);
            let utilisation = self.loads[region].utilisation;
            self.nodes[region].step(&context, region, utilisation);
        }
        let writes = source_writes(&context, &self.loads, self.databases.source);
        self.databases.step(&context, writes, &self.loads);
        self.caches.step(&context);
        self.gather(writes);
        self.measure();
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

    /// Lets a fault begin now, as a cue of a scenario would; it lasts until it is healed.
    pub fn begin(&mut self, fault: &Fault) {
        self.happen(&Cue {
            at: 0,
            lasts: None,
            fault: fault.clone(),
        });
    }

    fn happen(&mut self, cue: &Cue) {
        match &cue.fault {
            Fault::Heal { region } => self.faults.heal(*region),
            Fault::Release {
                region,
                service,
                version,
                outcome,
            } => self.release(*region, service, version, *outcome),
            Fault::Push {
                service,
                version,
                outcome,
            } => self.push_version(service, version, *outcome),
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
            | Fault::MetricsMissing { .. }
            | Fault::CanaryBad { .. }
            | Fault::RouteCanaryBad { .. }
            | Fault::ApplicationDown { .. }
            | Fault::Api { .. }
            | Fault::Write { .. } => self.faults.begin(cue, self.now),
        }
    }
}

/// The weight of a target group: what was set, or what it had at rest. Further load balancers have one target group each.
fn weight_of(set: &BTreeMap<String, u32>, group: &str) -> u32 {
    set.get(group).copied().unwrap_or(match group {
        STABLE => 95,
        CANARY => 5,
        _ => 1,
    })
}

#[cfg(test)]
mod tests;
