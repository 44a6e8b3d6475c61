//! What proxies count of each version of each service, every quarter of a minute, kept as long as a console looks back. Owns how the requests of a region are divided among services and versions.

use std::collections::VecDeque;

use super::{
    super::physics,
    World,
    mesh::{FREE, OWNED},
    releases::{Running, running},
    senders::SHARE,
};

/// Seconds between two samples.
pub const EVERY: i64 = 15;
/// Samples kept: a bit more than forty minutes.
const KEPT: usize = 164;
/// How much longer a failed request takes: it waits for something.
const SLOWER: f64 = 6.0;

/// What is counted of one version of one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Meter {
    /// Name of the service, in the namespace of the shop.
    pub service: String,
    /// Version of its pods.
    pub version: String,
    /// Requests per second.
    pub requests: f64,
    /// Share of them that fail.
    pub failing: f64,
    /// 95th percentile of the response time in milliseconds.
    pub p95_ms: f64,
}

/// What the users of a region are seen to get at its door.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Users {
    /// Requests per second, those included that nobody could answer.
    pub requests: f64,
    /// Share of them that fail.
    pub failing: f64,
    /// 95th percentile of the response time in milliseconds.
    pub p95_ms: f64,
}

/// A sample of a region.
#[derive(Debug, Clone, PartialEq, Default)]
struct Sample {
    services: Vec<Meter>,
    /// `None` where nobody counts.
    users: Option<Users>,
}

/// The samples of all regions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Meters(VecDeque<(i64, Vec<Sample>)>);

impl Meters {
    /// What was counted of the services of a region, newest first.
    pub fn of(&self, region: usize) -> impl Iterator<Item = (i64, &[Meter])> {
        let samples = self.samples(region);
        samples.map(|(t, sample)| (t, sample.services.as_slice()))
    }

    /// What was counted of its users, newest first.
    pub fn users_of(&self, region: usize) -> impl Iterator<Item = (i64, Users)> {
        let samples = self.samples(region);
        samples.filter_map(|(t, sample)| Some((t, sample.users?)))
    }

    fn samples(&self, region: usize) -> impl Iterator<Item = (i64, &Sample)> {
        let samples = self.0.iter().rev();
        samples.filter_map(move |(t, regions)| Some((*t, regions.get(region)?)))
    }
}

impl World {
    /// Takes a sample where one is due and somebody measures.
    pub(super) fn measure(&mut self) {
        if !self.shape.prometheus || self.now().rem_euclid(EVERY) != 0 {
            return;
        }
        let regions = (0..self.loads.len()).map(|region| self.sample(region));
        let sample = (self.now(), regions.collect());
        self.meters.0.push_back(sample);
        if self.meters.0.len() > KEPT {
            self.meters.0.pop_front();
        }
    }

    fn sample(&self, region: usize) -> Sample {
        if self.faults.down(region) || self.faults.unmeasured(region) {
            return Sample::default();
        }
        let mut services: Vec<Meter> = Vec::new();
        for running in running(self, region) {
            services.extend(of_service(self, region, &running));
        }
        services.extend(of_senders(self, region));
        Sample {
            services,
            users: Some(self.users(region)),
        }
    }

    /// The same that its load balancer sees, without the delay of CloudWatch.
    fn users(&self, region: usize) -> Users {
        let load = &self.loads[region];
        let failed = load.served_rps() * load.target_errors + load.offered_rps * load.refused;
        Users {
            requests: load.offered_rps,
            failing: (failed / load.offered_rps.max(1e-9)).min(1.0),
            p95_ms: load.p95_ms,
        }
    }
}

/// Share of the requests of a region that a service answers. A request may pass several.
fn share(service: &str) -> f64 {
    match service {
        "storefront" => 0.6,
        "catalog" => 0.4,
        "cart" => 0.15,
        "checkout" => physics::CHECKOUT_SHARE,
        "payments" => 0.08,
        _ => 0.05,
    }
}

/// The versions of a service that run in a region now, each with its share of the service's requests and how much of it fails.
fn versions(
    world: &World,
    region: usize,
    running: &Running<'_>,
) -> Vec<(String, String, f64, f64)> {
    let name = running.service.name;
    let own = |version: &str| (name.to_owned(), version.to_owned());
    let split = |weights: [u32; 2]| {
        let all = f64::from(weights[0] + weights[1]).max(1.0);
        weights.map(|weight| f64::from(weight) / all)
    };
    let of =
        |(service, version): (String, String), share, failing| (service, version, share, failing);
    if let Some(mesh) = world.mesh.get(region) {
        if name == FREE {
            let [stable, canary] = split(*mesh.free.now());
            let bad = world.faults.route_canary_errors(region);
            let canary_name = (format!("{FREE}-canary"), String::new());
            return vec![
                of(own(&running.release().version), stable, 0.0),
                of(canary_name, canary, bad),
            ];
        }
        if name == OWNED {
            let [stable, canary] = split(*mesh.owned.now());
            return vec![
                of(own("stable"), stable, 0.0),
                of(own("canary"), canary, 0.0),
            ];
        }
    }
    let releases = &running.releases;
    let before = releases
        .len()
        .checked_sub(2)
        .map(|index| releases[index].version.as_str());
    let replicas = running.replicas();
    let desired = f64::from(running.desired.max(1));
    // Pods that never become ready get no requests.
    let new = match before {
        None => 1.0,
        Some(_) if !running.rolls() => 0.0,
        Some(_) => (f64::from(replicas.updated) / desired).min(1.0),
    };
    let failing = if running.rolls() {
        f64::from(running.ill()) / desired
    } else {
        0.0
    };
    let mut found = vec![of(own(&running.release().version), new, failing)];
    if let Some(before) = before.filter(|before| new < 1.0 && *before != running.release().version)
    {
        found.push(of(own(before), 1.0 - new, 0.0));
    }
    found
}

fn of_service(world: &World, region: usize, running: &Running<'_>) -> Vec<Meter> {
    let load = &world.loads[region];
    let service = running.service.name;
    let rate = load.served_rps() * share(service);
    let everywhere = match world.faults.failing(region, world.now()) {
        Some((_, failing)) if service == "checkout" => failing,
        Some(_) | None => 0.0,
    };
    let versions = versions(world, region, running).into_iter();
    versions
        .filter(|(_, _, share, _)| *share > 0.0)
        .map(|(service, version, share, failing)| {
            meter(
                world,
                region,
                service,
                version,
                rate * share,
                failing.max(everywhere),
            )
        })
        .collect()
}

/// The versions of what controllers send out step by step.
fn of_senders(world: &World, region: usize) -> Vec<Meter> {
    let rate = world.loads[region].served_rps() * SHARE;
    let versions = world.sent_versions(region).into_iter();
    versions
        .map(|(service, version, share, failing)| {
            let service = service.to_owned();
            meter(world, region, service, version, rate * share, failing)
        })
        .collect()
}

fn meter(
    world: &World,
    region: usize,
    service: String,
    version: String,
    requests: f64,
    failing: f64,
) -> Meter {
    let key = format!("meter/{region}/{service}/{version}");
    let noise = world.noise.factor(&key, world.now(), 0.05);
    let failing = (physics::BASE_ERRORS * noise + failing).min(1.0);
    let slower = 1.0 + failing * SLOWER;
    Meter {
        service,
        version,
        requests: requests * noise,
        failing,
        p95_ms: world.loads[region].p95_ms * slower * noise,
    }
}
