//! What the surviving regions will get: requests per second as a share of what they can serve. Owns the arithmetic; the worst case is that the nearest region gets everything.

use serde::{Deserialize, Serialize};

use crate::resources::RegionLabel;

/// What one region will get.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The region.
    pub region: RegionLabel,
    /// Its share of the traffic before, 0.0 to 1.0; `None` where it is not known.
    pub share_before: Option<f64>,
    /// Its share after.
    pub share_after: Option<f64>,
    /// Requests per second before.
    pub rps_before: Option<f64>,
    /// Requests per second after, spread as the shares say.
    pub rps_after: Option<f64>,
    /// Requests per second if it got everything that moves.
    pub rps_worst: Option<f64>,
    /// Requests per second that it can serve, from the configuration.
    pub capacity_rps: Option<f64>,
}

impl Forecast {
    /// Requests after, in percent of what it can serve.
    pub fn utilisation_after(&self) -> Option<f64> {
        percent(self.rps_after, self.capacity_rps)
    }

    /// Requests in the worst case, in percent of what it can serve.
    pub fn utilisation_worst(&self) -> Option<f64> {
        percent(self.rps_worst, self.capacity_rps)
    }
}

fn percent(rps: Option<f64>, capacity: Option<f64>) -> Option<f64> {
    let capacity = capacity.filter(|capacity| *capacity > 0.0)?;
    Some(rps? / capacity * 100.0)
}
