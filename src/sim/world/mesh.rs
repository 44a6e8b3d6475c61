//! The gateway and the mesh of a region's cluster: two objects that divide requests, one of which an owner puts back. Owns how long each takes to follow.

use super::{super::noise::Noise, Eventual, World};
use crate::resources::traffic::rollouts::Verb;

/// The HTTPRoute that nobody owns.
pub const FREE: &str = "catalog";
/// The VirtualService that Argo CD applies.
pub const OWNED: &str = "cart";
/// Share of the requests of a region that its route divides.
const SHARE: f64 = 0.4;
/// Seconds until the gateway has taken a new generation, at most.
const ACCEPTANCE: f64 = 12.0;
/// Seconds until the owner puts its object back: a sync every while.
const SYNC: (f64, f64) = (20.0, 60.0);

/// The objects of one cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Mesh {
    /// Weights of the stable and the canary backend of the HTTPRoute.
    pub free: Eventual<[u32; 2]>,
    /// The same of the VirtualService.
    pub owned: Eventual<[u32; 2]>,
    /// A release that its controller sends out step by step.
    pub release: Eventual<Release>,
    /// Generation of the HTTPRoute.
    pub generation: i64,
    /// When its gateway has taken it.
    accepted_at: i64,
    /// When the owner puts the VirtualService back.
    back_at: Option<i64>,
}

const REST: [u32; 2] = [95, 5];

impl Mesh {
    /// As a world begins.
    pub fn at_rest() -> Self {
        Self {
            free: Eventual::new(REST, 1.0),
            owned: Eventual::new(REST, 1.0),
            release: Eventual::new(Release::at_rest(), 1.0),
            generation: 3,
            accepted_at: i64::MIN,
            back_at: None,
        }
    }

    /// Share of the region's requests that the canary of the HTTPRoute answers, 0.0 to 1.0.
    pub fn canary(&self) -> f64 {
        let [stable, canary] = self.free.now().map(f64::from);
        if stable + canary > 0.0 {
            SHARE * canary / (stable + canary)
        } else {
            0.0
        }
    }

    /// Generation that the gateway has taken.
    pub fn observed_generation(&self, t: i64) -> i64 {
        if t >= self.accepted_at {
            self.generation
        } else {
            self.generation - 1
        }
    }

    /// Sets the weights of one of the two, as a patch does.
    pub fn set(&mut self, name: &str, weights: &[u32], noise: Noise, t: i64) {
        let [stable, canary] = weights else {
            return;
        };
        let weights = [*stable, *canary];
        if name == FREE {
            self.free.set(weights, t);
            self.generation += 1;
            self.accepted_at = t + noise.between("gateway", t, 1.0, ACCEPTANCE) as i64;
        } else if name == OWNED {
            self.owned.set(weights, t);
            let (low, high) = SYNC;
            let sync = noise.between("sync", t, low, high) as i64;
            self.back_at = (weights != REST).then_some(t + sync);
        }
    }

    /// Steers the release.
    pub fn steer(&mut self, verb: Verb, t: i64) {
        let release = self.release.now().steered(verb, t);
        self.release.set(release, t);
    }

    /// Lives through a second.
    pub fn step(&mut self, t: i64) {
        if let Some(release) = self.release.now().after(t) {
            self.release.set(release, t);
        }
        if self.back_at.is_some_and(|at| t >= at) {
            self.owned.set(REST, t);
            self.back_at = None;
        }
    }
}

impl World {
    /// Share of the requests of a region that the canary of its route answers.
    pub fn route_canary(&self, region: usize) -> f64 {
        self.mesh.get(region).map_or(0.0, Mesh::canary)
    }
}

/// A release on its way: an Argo Rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The step that it is at.
    pub step: u32,
    /// Whether somebody paused it.
    pub paused: bool,
    /// Whether it was aborted.
    pub aborted: bool,
    /// Whether it goes to the end at once.
    pub full: bool,
    /// Hash of the version that was there before.
    pub stable: &'static str,
    /// Hash of the version that goes out.
    pub current: &'static str,
    /// Since when it is at its step.
    since: i64,
}

/// Seconds that a step takes which is no pause.
const STEP: i64 = 15;

impl Release {
    /// `Some` sets that share in percent, `None` waits for somebody.
    pub const STEPS: [Option<u32>; 4] = [Some(20), None, Some(50), None];

    fn at_rest() -> Self {
        Self {
            step: 1,
            paused: false,
            aborted: false,
            full: false,
            stable: "68b7c4d9f5",
            current: "7d9f5c88b6",
            since: i64::MIN / 2,
        }
    }

    fn under_way(&self) -> bool {
        self.stable != self.current && !self.aborted
    }

    /// Whether it waits for somebody.
    pub fn waits(&self) -> bool {
        let step = Self::STEPS.get(self.step as usize);
        self.under_way() && !self.full && step == Some(&None)
    }

    /// Share of the new version in percent.
    pub fn weight(&self) -> f64 {
        if !self.under_way() {
            return 0.0;
        }
        let reached = Self::STEPS.iter().take(self.step as usize + 1).rev();
        reached
            .flatten()
            .next()
            .map_or(0.0, |weight| f64::from(*weight))
    }

    fn steered(self, verb: Verb, t: i64) -> Self {
        let since = t;
        match verb {
            Verb::Promote => Self {
                step: self.step + 1,
                since,
                ..self
            },
            Verb::PromoteFull => Self {
                full: true,
                since,
                ..self
            },
            Verb::Pause => Self {
                paused: true,
                ..self
            },
            Verb::Resume => Self {
                paused: false,
                since,
                ..self
            },
            Verb::Abort => Self {
                aborted: true,
                ..self
            },
            Verb::Retry => Self {
                aborted: false,
                step: 0,
                since,
                ..self
            },
            Verb::Undo => Self {
                current: self.stable,
                aborted: false,
                ..self
            },
        }
    }

    /// As its controller makes it in this second, where that is another state.
    fn after(self, t: i64) -> Option<Self> {
        let due = t - self.since >= STEP && self.under_way() && !self.paused && !self.waits();
        if !due {
            return None;
        }
        let last = self.step as usize + 1 >= Self::STEPS.len();
        Some(if self.full || last {
            Self {
                stable: self.current,
                step: u32::try_from(Self::STEPS.len()).unwrap_or(u32::MAX),
                full: false,
                ..self
            }
        } else {
            Self {
                step: self.step + 1,
                since: t,
                ..self
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_puts_its_object_back_and_leaves_the_other() {
        let mut mesh = Mesh::at_rest();
        for name in [FREE, OWNED] {
            mesh.set(name, &[50, 50], Noise::new(1), 100);
        }
        assert_eq!(mesh.observed_generation(100), 3);
        assert_eq!(mesh.observed_generation(112), 4);
        assert!((mesh.canary() - 0.2).abs() < 1e-9);
        (101..=160).for_each(|t| mesh.step(t));
        assert_eq!(*mesh.free.now(), [50, 50]);
        assert_eq!(*mesh.owned.now(), REST);
    }

    #[test]
    fn a_release_waits_at_its_pause_goes_on_when_promoted_and_ends_as_the_stable_one() {
        let mut mesh = Mesh::at_rest();
        (0..60).for_each(|t| mesh.step(t));
        assert!(mesh.release.now().waits());
        assert!((mesh.release.now().weight() - 20.0).abs() < 1e-9);
        mesh.steer(Verb::Promote, 60);
        (61..90).for_each(|t| mesh.step(t));
        let release = *mesh.release.now();
        assert!(
            release.waits() && (release.weight() - 50.0).abs() < 1e-9,
            "{release:?}"
        );
        mesh.steer(Verb::Abort, 90);
        assert!(mesh.release.now().weight() <= 0.0);
        mesh.steer(Verb::Retry, 91);
        mesh.steer(Verb::PromoteFull, 92);
        (93..120).for_each(|t| mesh.step(t));
        assert_eq!(mesh.release.now().stable, "7d9f5c88b6");
    }
}
