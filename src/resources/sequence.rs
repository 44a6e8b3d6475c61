//! In which order a release goes through the regions, how long it soaks in each, and what stops it. Owns the defaults (domain 0.2, B.3); knows no release and no value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Estate, RegionLabel,
    estate::{RegionRole, RegionSpec},
};

/// What may be said for all services, and otherwise for one. What is not said follows from the next wider one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Stated {
    /// The regions, the first to get a release first; empty where the roles decide.
    pub order: Vec<RegionLabel>,
    /// Minutes that a release is watched in a region before the next one may get it.
    pub soak_minutes: Option<u32>,
    /// Requests in the soak that are enough for a verdict.
    pub min_requests: Option<f64>,
    /// Errors in the soak that are enough for one.
    pub min_errors: Option<f64>,
    /// Error rate in percent that stops a release: above.
    pub error_percent: Option<f64>,
    /// p95 latency in milliseconds that stops a release: above.
    pub p95_ms: Option<f64>,
}

/// `[rollout]`: how releases go through the regions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sequence {
    /// For every service.
    pub all: Stated,
    /// For one service, `namespace/name`.
    pub services: BTreeMap<String, Stated>,
}

/// What holds for one service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rules {
    /// The regions, the first to get a release first.
    pub order: Vec<RegionLabel>,
    /// Minutes that a release is watched in a region before the next one may get it.
    pub soak_minutes: u32,
    /// Requests in the soak that are enough for a verdict.
    pub min_requests: f64,
    /// Errors in the soak that are enough for one.
    pub min_errors: f64,
    /// Error rate in percent that stops a release: above.
    pub error_percent: f64,
    /// p95 latency in milliseconds that stops a release: above.
    pub p95_ms: f64,
}

/// Minutes of a soak (domain 0.2).
pub const SOAK_MINUTES: u32 = 30;
/// Requests that are enough for a verdict (domain B.3).
pub const MIN_REQUESTS: f64 = 500.0;
/// Errors that are enough for one (domain B.3).
pub const MIN_ERRORS: f64 = 10.0;

impl Estate {
    /// What holds for the releases of a service.
    pub fn rollout_rules(&self, namespace: &str, name: &str) -> Rules {
        let all = &self.sequence.all;
        let own = self.sequence.services.get(&format!("{namespace}/{name}"));
        let order = own.map(|own| &own.order).filter(|own| !own.is_empty());
        let order = match order.unwrap_or(&all.order) {
            none if none.is_empty() => by_role(&self.regions),
            stated => stated.clone(),
        };
        let number = |of: fn(&Stated) -> Option<f64>, default: f64| {
            own.and_then(of).or_else(|| of(all)).unwrap_or(default)
        };
        let soak = own.and_then(|own| own.soak_minutes).or(all.soak_minutes);
        Rules {
            order,
            soak_minutes: soak.unwrap_or(SOAK_MINUTES),
            min_requests: number(|stated| stated.min_requests, MIN_REQUESTS),
            min_errors: number(|stated| stated.min_errors, MIN_ERRORS),
            error_percent: number(
                |stated| stated.error_percent,
                self.thresholds.error_bad_percent,
            ),
            p95_ms: number(|stated| stated.p95_ms, self.thresholds.p95_bad_ms),
        }
    }
}

/// Who writes comes last and who takes over first just before; among equals the last one of the estate comes first, for the most important one is written first.
fn by_role(regions: &[RegionSpec]) -> Vec<RegionLabel> {
    let weight = |role: RegionRole| match role {
        RegionRole::Tertiary | RegionRole::Active => 0,
        RegionRole::Secondary => 1,
        RegionRole::Primary => 2,
    };
    let mut order: Vec<&RegionSpec> = regions.iter().rev().collect();
    order.sort_by_key(|region| weight(region.role));
    order.iter().map(|region| region.label.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estate(roles: &[(&str, RegionRole)]) -> Estate {
        let region = |(label, role): &(&str, RegionRole)| RegionSpec {
            role: *role,
            ..RegionSpec::aws(RegionLabel::new(label).unwrap())
        };
        Estate {
            regions: roles.iter().map(region).collect(),
            ..Estate::default()
        }
    }

    fn order(estate: &Estate) -> Vec<String> {
        let order = estate.rollout_rules("shop", "cart").order;
        order.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_primary_comes_last_and_equals_in_reverse() {
        use RegionRole::{Active, Primary, Secondary, Tertiary};
        let of_roles = estate(&[("us", Primary), ("eu", Secondary), ("ap", Tertiary)]);
        assert_eq!(order(&of_roles), ["ap", "eu", "us"]);
        let equals = estate(&[("a", Active), ("b", Active), ("c", Active)]);
        assert_eq!(order(&equals), ["c", "b", "a"]);
        let mixed = estate(&[("a", Active), ("p", Primary), ("b", Active)]);
        assert_eq!(order(&mixed), ["b", "a", "p"]);
    }

    #[test]
    fn a_service_says_otherwise_and_keeps_the_rest() {
        let mut estate = estate(&[("us", RegionRole::Active), ("eu", RegionRole::Active)]);
        estate.sequence.all.soak_minutes = Some(20);
        estate.sequence.all.min_requests = Some(50.0);
        let own = Stated {
            order: vec![RegionLabel::new("us").unwrap()],
            soak_minutes: Some(5),
            ..Stated::default()
        };
        estate.sequence.services.insert("shop/cart".to_owned(), own);
        let cart = estate.rollout_rules("shop", "cart");
        assert_eq!((cart.soak_minutes, cart.min_requests), (5, 50.0));
        assert_eq!(order(&estate), ["us"]);
        let other = estate.rollout_rules("shop", "catalog");
        assert_eq!((other.soak_minutes, other.order.len()), (20, 2));
        assert_eq!((other.error_percent, other.p95_ms), (1.0, 500.0));
    }
}
