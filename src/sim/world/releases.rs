//! Releases of the world: which version of each service runs in each region, and how far its roll-out is. Owns what a Deployment's controller would do; a release that was begun needs no further push.

use super::{
    super::{names, physics},
    World,
    senders::{FLAGGED, ROLLED},
    workloads::Edited,
};
use crate::resources::deployments::Replicas;

/// Seconds for a pod of a new revision to become available.
const POD_SECONDS: i64 = 8;
/// Seconds until further pods of the same revision are available.
const JOIN_SECONDS: i64 = 20;
/// Seconds without progress after which a roll-out has failed.
pub const DEADLINE: i64 = 600;
/// Seconds until a release that looks good begins to crash.
const LATENT: i64 = 40;
/// Seconds until the requests of a late one begin to fail, and what they are of all requests of its region.
const BAD_AFTER: i64 = 600;
const BAD_SHARE: f64 = 0.03;
/// By how much the load may differ before an autoscaler acts, as in Kubernetes.
const TOLERANCE: f64 = 0.1;
/// Number of the revision that the world begins with.
pub const FIRST_REVISION: u32 = 41;
/// Nodes of a region that pods are put on.
const NODES: i32 = 10;

/// Name of a node by its number; its zone follows from it.
pub fn node_name(node: i32) -> String {
    format!("ip-10-0-{}-{}", node % 3, 10 + node)
}

/// Second of the releases that the world begins with: three days before.
pub const LONG_AGO: i64 = -3 * 86_400;

/// A service of the shop.
pub struct Service {
    /// Its name, in the namespace of the shop.
    pub name: &'static str,
    version: &'static str,
    /// Pods at the load of the region's shape; an autoscaler may make half as many again.
    pub pods: i32,
    /// Who applies it, and whether it would undo an edit.
    pub owner: Option<(&'static str, bool)>,
    /// Whether it has an autoscaler.
    pub scaled: bool,
}

const fn service(name: &'static str, version: &'static str, pods: i32) -> Service {
    Service {
        name,
        version,
        pods,
        owner: Some(("Argo CD", true)),
        scaled: true,
    }
}

const SERVICES: &[Service] = &[
    service("cart", "v4.7.2", 8),
    service("catalog", "v5.11.0", 6),
    service("checkout", "v2.14.3", 10),
    Service {
        owner: Some(("Helm", false)),
        scaled: false,
        ..service("payments", "v1.9.8", 4)
    },
    service("storefront", "v11.2.1", 12),
    Service {
        owner: None,
        scaled: false,
        ..service("thumbnails", "v0.6.0", 2)
    },
];

/// What becomes of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It rolls out.
    Good,
    /// Its containers crash at once.
    Crashes,
    /// It rolls out, and then a fifth of its pods crashes again and again.
    Flaky,
    /// It rolls out and is well, until some of its requests fail ten minutes later.
    Late,
    /// Its image is not in the region's registry.
    NoImage,
    /// Its pods want more than a node has.
    Unschedulable,
}

impl Outcome {
    /// Each with the name that a scenario gives it.
    pub const ALL: [(&'static str, Self); 6] = [
        ("good", Self::Good),
        ("crashes", Self::Crashes),
        ("flaky", Self::Flaky),
        ("late", Self::Late),
        ("no-image", Self::NoImage),
        ("unschedulable", Self::Unschedulable),
    ];

    /// Whether its roll-out comes to its end.
    pub fn rolls(self) -> bool {
        match self {
            Self::Good | Self::Flaky | Self::Late => true,
            Self::Crashes | Self::NoImage | Self::Unschedulable => false,
        }
    }

    /// What the pods of the new revision say, where something is wrong with them.
    pub fn trouble(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Good | Self::Late => None,
            Self::Crashes | Self::Flaky => Some((
                "CrashLoopBackOff",
                "back-off 5m0s restarting failed container",
            )),
            Self::NoImage => Some((
                "ImagePullBackOff",
                "Back-off pulling image: manifest unknown",
            )),
            Self::Unschedulable => Some((
                "Unschedulable",
                "0/10 nodes are available: 10 Insufficient memory",
            )),
        }
    }
}

/// A release of a service in a region.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// Where.
    pub region: usize,
    /// Name of the service.
    pub service: String,
    /// Tag of its image.
    pub version: String,
    /// What becomes of it.
    pub outcome: Outcome,
    /// When it was begun.
    pub at: i64,
    /// The note of a restart by hand: it makes another template of the same version.
    pub restarted: Option<String>,
}

impl Release {
    /// Name of its replica set: the same template has the same one.
    pub fn replica_set(&self) -> String {
        let note = self.restarted.as_deref().unwrap_or_default();
        let hash = names::hex(&format!("{}/{}{note}", self.service, self.version));
        format!("{}-{}", self.service, &hash[..9])
    }
}

/// The version of a service that the world begins with.
pub fn version_of(name: &str) -> &'static str {
    let mut services = SERVICES.iter();
    services
        .find(|service| service.name == name)
        .map_or("", |service| service.version)
}

/// The services that a scenario can release.
pub fn services() -> impl Iterator<Item = &'static str> {
    let own = SERVICES.iter().map(|service| service.name);
    own.chain([ROLLED, FLAGGED])
}

/// Every service of a region as it is now.
pub fn running(world: &World, region: usize) -> impl Iterator<Item = Running<'_>> {
    SERVICES
        .iter()
        .map(move |service| Running::of(world, region, service))
}

/// A service in a region, now.
pub struct Running<'a> {
    /// The world.
    pub world: &'a World,
    /// Where.
    pub region: usize,
    /// Which.
    pub service: &'a Service,
    /// Every release of it here, the first one that of the beginning.
    pub releases: Vec<Release>,
    /// What somebody did to it.
    pub edited: Edited,
    /// Pods.
    pub desired: i32,
    /// What its load calls for, however many pods it may have.
    pub wanted: i32,
}

impl<'a> Running<'a> {
    fn of(world: &'a World, region: usize, service: &'a Service) -> Self {
        let first = Release {
            region,
            service: service.name.to_owned(),
            version: service.version.to_owned(),
            outcome: Outcome::Good,
            restarted: None,
            at: LONG_AGO,
        };
        let later = world.releases.iter();
        let later =
            later.filter(|release| release.region == region && release.service == service.name);
        let releases = std::iter::once(first).chain(later.cloned()).collect();
        let minute = world.history.of(region).next();
        let busy = minute.map_or(physics::DESIGN_UTILISATION, |(_, minute)| {
            minute.utilisation
        });
        let ratio = busy / physics::DESIGN_UTILISATION;
        let key = (region, service.name.to_owned());
        let edited = world.hands.edited.get(&key).cloned().unwrap_or_default();
        let wanted = if !service.scaled {
            edited.pods.unwrap_or(service.pods)
        } else if (ratio - 1.0).abs() <= TOLERANCE {
            service.pods
        } else {
            (f64::from(service.pods) * ratio).ceil() as i32
        };
        let (least, most) = edited.floor.unwrap_or((service.pods / 2, service.most()));
        let desired = if service.scaled {
            wanted.clamp(least, most.max(least))
        } else {
            wanted
        };
        Self {
            world,
            region,
            service,
            releases,
            edited,
            desired,
            wanted,
        }
    }

    /// The release that is out, or on its way.
    pub fn release(&self) -> &Release {
        // There is always the first one.
        &self.releases[self.releases.len() - 1]
    }

    /// How many releases came before.
    pub fn index(&self) -> u32 {
        u32::try_from(self.releases.len() - 1).unwrap_or_default()
    }

    /// Seconds since it was begun, without those in which it was paused.
    pub fn age(&self) -> i64 {
        let (now, at) = (self.world.now(), self.release().at);
        now - at - self.edited.paused(at, now)
    }

    /// Fewest and most pods of its autoscaler.
    pub fn floor(&self) -> (i32, i32) {
        let first = (self.service.pods / 2, self.service.most());
        self.edited.floor.unwrap_or(first)
    }

    /// How often a pod was moved, and whether it is not there again yet.
    pub fn moved(&self, index: i32) -> (i32, bool) {
        let key = (self.region, self.service.name.to_owned(), index);
        let moved = self.world.hands.moved.get(&key);
        moved.map_or((0, false), |(count, last)| {
            (*count, self.world.now() < last + POD_SECONDS)
        })
    }

    /// The node of a pod: the next one that takes pods, for each time that it was moved.
    pub fn node(&self, index: i32) -> String {
        let name = |node: i32| node_name(node.rem_euclid(NODES));
        let takes = |node: &i32| {
            !self
                .world
                .hands
                .cordoned
                .contains(&(self.region, name(*node)))
        };
        match self.moved(index).0 {
            0 => name(index),
            count => {
                let mut others = (index + count..index + count + NODES).filter(takes);
                name(others.next().unwrap_or(index))
            }
        }
    }

    /// Pods that the release has to replace: a way back from one that never rolled out finds most of the old ones alive.
    fn to_replace(&self) -> i32 {
        let before = self.releases.iter().rev().skip(1);
        let mut before = before.take(2);
        let (Some(stuck), Some(old)) = (before.next(), before.next()) else {
            return self.desired;
        };
        let rolled = stuck.outcome.rolls();
        if rolled || old.replica_set() != self.release().replica_set() {
            return self.desired;
        }
        (self.desired + 4) / 5
    }

    /// Pods of the new revision that do not become available.
    pub fn ill(&self) -> i32 {
        let fifth = (self.desired + 4) / 5;
        match self.release().outcome {
            Outcome::Good | Outcome::Late => 0,
            Outcome::Flaky if self.age() < self.rolled_out_after() + LATENT => 0,
            Outcome::Crashes | Outcome::Flaky | Outcome::NoImage | Outcome::Unschedulable => fifth,
        }
    }

    /// When its roll-out was complete, where it is.
    pub fn complete_at(&self) -> i64 {
        let (at, now) = (self.release().at, self.world.now());
        (at + self.rolled_out_after() + self.edited.paused(at, now)).min(now)
    }

    fn rolled_out_after(&self) -> i64 {
        i64::from(self.to_replace()) * POD_SECONDS
    }

    /// Whether the roll-out can come to its end at all.
    pub fn rolls(&self) -> bool {
        self.release().outcome.rolls()
    }

    /// Its pods in numbers.
    pub fn replicas(&self) -> Replicas {
        let desired = self.desired;
        if !self.rolls() {
            // One fifth more than wanted while it moves, and it does not.
            let ill = self.ill();
            return Replicas {
                desired,
                total: desired + ill,
                updated: ill,
                ready: desired,
                available: desired,
            };
        }
        let replaced = i32::try_from(self.age() / POD_SECONDS).unwrap_or(i32::MAX);
        let done = desired - (self.to_replace() - replaced).max(0);
        let moving = i32::from(done < desired);
        let mut available = desired - self.ill();
        let away = (0..desired).filter(|index| self.moved(*index).1).count();
        available -= i32::try_from(away).unwrap_or_default();
        if let Some((at, before)) = self.edited.grown
            && self.world.now() < at + JOIN_SECONDS
        {
            available = available.min(before);
        }
        Replicas {
            desired,
            total: desired + moving,
            updated: done + moving,
            ready: available,
            available,
        }
    }
}

impl World {
    /// Share of the requests of a region that fail in releases which went bad.
    pub fn release_errors(&self, region: usize) -> f64 {
        let sent = self.sent_errors(region);
        if self.releases.is_empty() {
            return sent;
        }
        let bad = |running: &Running<'_>| {
            running.release().outcome == Outcome::Late
                && self.now() >= running.complete_at() + BAD_AFTER
        };
        let count = running(self, region).filter(bad).count();
        (count as f64 * BAD_SHARE + sent).min(1.0)
    }
}

impl Service {
    /// The most pods that its autoscaler may make.
    pub fn most(&self) -> i32 {
        self.pods * 3 / 2
    }
}
