//! The gateway and the mesh of a region's cluster: two objects that divide requests, one of which an owner puts back, and where the mesh spans the regions one that divides between them. Owns how long each takes to follow.

use super::{super::noise::Noise, Eventual, World};

/// The HTTPRoute that nobody owns.
pub const FREE: &str = "catalog";
/// The VirtualService that Argo CD applies.
pub const OWNED: &str = "cart";
/// The VirtualService that divides between regions.
pub const SPANNING: &str = "storefront";
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
    /// Weights of every region in the VirtualService that divides between them; none where the mesh ends at the region.
    pub between: Option<Eventual<Vec<u32>>>,
    /// Generation of the HTTPRoute.
    pub generation: i64,
    /// When its gateway has taken it.
    accepted_at: i64,
    /// When the owner puts the VirtualService back.
    back_at: Option<i64>,
}

const REST: [u32; 2] = [95, 5];
/// Percent that a region sends to the others, together.
const AWAY: u32 = 20;

/// Most stays where it arrived; the others get the rest alike.
fn near(region: usize, spanned: usize) -> Vec<u32> {
    let others = u32::try_from(spanned - 1).unwrap_or(u32::MAX);
    let each = AWAY / others;
    let mut weights = vec![each; spanned];
    weights[region] = 100 - each * others;
    weights
}

impl Mesh {
    /// As a world begins, in one of so many regions over which the mesh spans; 0 where it ends at the region.
    pub fn at_rest(region: usize, spanned: usize) -> Self {
        Self {
            free: Eventual::new(REST, 1.0),
            owned: Eventual::new(REST, 1.0),
            between: (spanned > 1).then(|| Eventual::new(near(region, spanned), 1.0)),
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
        if let Some(between) = self.between.as_mut().filter(|_| name == SPANNING) {
            between.set(weights.to_vec(), t);
            return;
        }
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

    /// Lives through a second.
    pub fn step(&mut self, t: i64) {
        if self.back_at.is_some_and(|at| t >= at) {
            self.owned.set(REST, t);
            self.back_at = None;
        }
    }
}

impl World {
    /// Share of all requests that a region serves: what arrives there, and what the gateways of all regions send on.
    pub fn share(&self, region: usize, t: i64) -> f64 {
        let arrives = |at: usize| self.routing.share(at, t);
        let mut total = 0.0;
        for at in 0..self.loads.len() {
            let between = self.mesh.get(at).and_then(|mesh| mesh.between.as_ref());
            // A cluster that is down sends nothing on: what arrives there fails there.
            let Some(weights) = between.filter(|_| !self.faults.down(at)) else {
                total += if at == region { arrives(at) } else { 0.0 };
                continue;
            };
            let weights = weights.now();
            let all: u32 = weights.iter().sum();
            total += arrives(at) * f64::from(weights[region]) / f64::from(all.max(1));
        }
        total
    }

    /// Share of the requests of a region that the canary of its route answers.
    pub fn route_canary(&self, region: usize) -> f64 {
        self.mesh.get(region).map_or(0.0, Mesh::canary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_puts_its_object_back_and_leaves_the_other() {
        let mut mesh = Mesh::at_rest(0, 0);
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
}
