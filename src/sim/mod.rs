//! The embedded simulator: a provider over a seeded world in virtual time, for demo, drills and tests. Owns the clock trait; reads no wall clock.
//!
//! `scenario` says what happens, `world` lives it, `wire` makes its APIs as slow, refused and partial as those of AWS,
//! and `resources/*/sim.rs` says how each kind is seen.

pub mod apply;
pub mod course;
pub mod fill;
pub mod names;
pub mod noise;
pub mod physics;
pub mod scenario;
pub mod score;
mod tally;
mod wire;
pub mod world;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;

use self::{
    course::Course,
    score::{Deeds, Kpis},
    world::{Refused, Transition},
};
pub use self::{
    scenario::{Fault, Scenario, WriteFault},
    wire::Reply,
    world::World,
};
use crate::{
    arm::ArmToken,
    plan::entry::Entry,
    provider::Provider,
    resources::{
        Answer, Change, Estate, ProviderError, Query, RegionLabel, Source,
        change::{ApplyError, Receipt},
        estate::{Access, ManagedName, RecoveryEndpoint, RegionSpec},
        metrics::dialect::{Auth, Dialect, Prometheus},
    },
};

/// Virtual time.
pub trait Clock: Send + Sync {
    /// The time now; it never goes back.
    fn now(&self) -> Timestamp;

    /// Virtual seconds per real second, above 0.0: latencies are slept at this speed.
    fn speed(&self) -> f64;
}

/// A provider over a simulated world.
pub struct SimProvider {
    lived: Mutex<Lived>,
    clock: Arc<dyn Clock>,
}

/// A world and what its users went through.
struct Lived {
    world: World,
    course: Course,
}

impl Lived {
    /// Lives on until a time, and looks at every second of it.
    fn advance_to(&mut self, time: Timestamp) {
        while self.world.timestamp(self.world.now() + 1) <= time {
            self.world
                .advance_to(self.world.timestamp(self.world.now() + 1));
            self.course.note(&self.world);
        }
    }
}

impl SimProvider {
    /// Starts a scenario now.
    pub fn new(scenario: &Scenario, seed: u64, clock: Arc<dyn Clock>) -> Self {
        Self::starting(scenario, seed, clock.now(), clock)
    }

    /// A scenario that started at a time, now or before.
    pub fn starting(scenario: &Scenario, seed: u64, at: Timestamp, clock: Arc<dyn Clock>) -> Self {
        let world = World::new(scenario, seed, at);
        let course = Course::of(scenario, &world);
        Self {
            lived: Mutex::new(Lived { world, course }),
            clock,
        }
    }

    /// A world that lives already, as a copy of another.
    pub fn of(world: World, clock: Arc<dyn Clock>) -> Self {
        let course = Course::default();
        Self {
            lived: Mutex::new(Lived { world, course }),
            clock,
        }
    }

    /// What is true now, whatever the APIs say: for whoever judges a console by it.
    pub fn inspect<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.lived().world)
    }

    /// How a drill went until now, by the journal of whoever acted and the alerts of the console.
    pub fn kpis(&self, entries: &[Entry], alerts: &[Timestamp]) -> Kpis {
        let lived = self.lived();
        Kpis::of(&Deeds {
            course: &lived.course,
            entries,
            alerts,
            changes: usize::try_from(lived.world.sent.count).unwrap_or(usize::MAX),
        })
    }

    /// What is watched: the estate of the scenario, with default thresholds and intervals.
    pub fn estate(&self) -> Estate {
        estate(&self.lived().world)
    }

    /// Changes the world, as an operator at another console would.
    pub fn change(&self, transition: &Transition) -> Result<(), Refused> {
        self.lived().world.change(transition)
    }

    /// Lets a fault begin now, as a cue of a scenario would; it lasts until it is healed.
    pub fn begin(&self, fault: &Fault) {
        self.lived().world.begin(fault);
    }

    /// Lets everything that befalls changes end.
    pub fn end_write_faults(&self) {
        self.lived().world.faults.end_write_faults();
    }

    /// The answer to a query now, and the virtual time that it takes to arrive: for a console in virtual time.
    pub fn reply(&self, query: &Query) -> Reply {
        wire::reply(&self.lived().world, query)
    }

    /// Takes a change in, and says after which virtual time the answer arrives: for a console in virtual time.
    pub fn receive(&self, change: &Change) -> apply::Reply {
        apply::receive(&mut self.lived().world, change)
    }

    /// The world as it is now.
    fn lived(&self) -> MutexGuard<'_, Lived> {
        // A panic elsewhere leaves a world between two seconds at worst; it is still the only one there is.
        let mut lived = self.lived.lock().unwrap_or_else(PoisonError::into_inner);
        // Time is read under the lock, so that it never goes back for the world.
        lived.advance_to(self.clock.now());
        lived
    }
}

impl Provider for SimProvider {
    fn observe(&self, query: Query) -> BoxFuture<'_, Result<Answer, ProviderError>> {
        async move {
            // The answer is that of the moment of the question; only its arrival takes time.
            let reply = self.reply(&query);
            let latency = reply.latency.div_f64(self.clock.speed().max(0.001));
            tokio::time::sleep(latency).await;
            reply.result
        }
        .boxed()
    }

    fn apply(
        &self,
        _token: ArmToken,
        change: Change,
    ) -> BoxFuture<'_, Result<Receipt, ApplyError>> {
        async move {
            let reply = self.receive(&change);
            let latency = reply.latency.div_f64(self.clock.speed().max(0.001));
            tokio::time::sleep(latency).await;
            reply.result
        }
        .boxed()
    }
}

/// The estate of a world.
pub fn estate(world: &World) -> Estate {
    let regions = world.shape.regions.iter().map(|region| RegionSpec {
        label: region.label.clone(),
        aws_region: Some(region.aws_region.clone()),
        role: region.role,
        access: Access::default(),
        kube_contexts: Vec::new(),
        capacity_rps: Some(region.capacity_rps.round()),
        load_balancers: vec![format!("shop-{}", region.aws_region)],
        backends: Vec::new(),
        capacity_nodes: Some(f64::from(world::nodes::AT_REST)),
        residency: Vec::new(),
    });
    let labels = world
        .shape
        .regions
        .iter()
        .map(|region| (region.label.to_string(), region.label.clone()));
    let by_identifier: BTreeMap<_, _> = labels.collect();
    let managed = |name: &str| ManagedName {
        name: name.to_owned(),
        zone_id: Some(names::ZONE.to_owned()),
        regions: by_identifier.clone(),
        residency: None,
    };
    let endpoint = |region: &&str| RecoveryEndpoint {
        region: (*region).to_owned(),
        url: format!(
            "https://host-{}.{region}.example.com/v1",
            &names::hex(region)[..6]
        ),
    };
    let estate = Estate {
        environment: world.shape.environment.clone(),
        regions: regions.collect(),
        names: [names::API_NAME, names::LATENCY_NAME, names::FAILOVER_NAME]
            .map(managed)
            .to_vec(),
        recovery_endpoints: names::RECOVERY_REGIONS.iter().map(endpoint).collect(),
        prometheus: prometheus(world),
        ..Estate::default()
    };
    if world.shape.spanning {
        return without_doors(estate);
    }
    estate
}

/// An estate whose users are sent to its regions by somebody whom we do not watch.
fn without_doors(estate: Estate) -> Estate {
    let doors = [Source::Records, Source::Accelerators, Source::HealthChecks];
    Estate {
        names: Vec::new(),
        recovery_endpoints: Vec::new(),
        disabled: doors.into(),
        ..estate
    }
}

/// A Prometheus in each region, where the world has any.
fn prometheus(world: &World) -> BTreeMap<RegionLabel, Prometheus> {
    let regions = world
        .shape
        .regions
        .iter()
        .filter(|_| world.shape.prometheus);
    let server = |aws_region: &str| Prometheus {
        url: format!("https://prometheus.{aws_region}.example.com"),
        auth: Auth::None,
        ca_file: None,
        selector: String::new(),
        window: 60,
        tenant: None,
        queries: vec![Dialect::Istio.queries()],
        users: vec![Dialect::Istio.users()],
    };
    regions
        .map(|region| (region.label.clone(), server(&region.aws_region)))
        .collect()
}

#[cfg(test)]
mod tests;
