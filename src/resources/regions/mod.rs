//! A region: who we are there, and the roll-up of everything that is known about it. Owns the order in which reasons count; asks nobody.

pub mod capacity;
pub mod demand;
mod detail;
pub mod gains;
pub mod live;
pub mod reach;
pub mod reasons;
mod rollouts;
pub mod rollup;
pub mod sim;
pub mod steering;
pub mod stores;
pub mod view;

use serde::{Deserialize, Serialize};

use super::{Fleet, Judgement, Place, RegionLabel, Resource};

/// Who the console is in a region, as STS says (never as a label says).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Account id, 12 digits.
    pub account: String,
    /// ARN of the caller.
    pub arn: String,
    /// Seconds that the local clock is ahead of the answer's `Date` (negative: behind), where there was one (G-CLOCK).
    pub clock_skew_seconds: Option<i64>,
    /// When the credentials expire, where they do.
    pub credentials_expire_at: Option<jiff::Timestamp>,
}

/// A region of the estate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Its label.
    pub label: RegionLabel,
    /// Who we are there; `None` until STS answered.
    pub identity: Option<Identity>,
}

impl Resource for Region {
    fn key(&self) -> String {
        self.label.to_string()
    }

    fn judge(&self, fleet: &Fleet, _place: &Place) -> Judgement {
        fleet.rollup(&self.label).judgement()
    }
}
