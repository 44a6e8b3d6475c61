//! Which alerts fire in the Prometheus of a region of the simulated world.

use crate::{
    resources::{Place, alarms::Alarm},
    sim::World,
};

/// The alerts that fire in the region.
pub fn observe(_world: &World, _place: &Place) -> Vec<Alarm> {
    Vec::new()
}
