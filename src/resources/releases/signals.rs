//! What the minutes of a region say about a version of a service: requests, errors, latency. Owns from where they are taken; judges none of them.

use std::{collections::BTreeMap, rc::Rc};

use jiff::Timestamp;

use crate::resources::{
    Fleet, RegionLabel,
    regions::demand::{self, Minute},
};

/// The minutes of the regions that were looked at, each gathered once.
pub struct Seen<'f> {
    /// The fleet.
    pub fleet: &'f Fleet,
    regions: BTreeMap<RegionLabel, Rc<Signals>>,
}

/// Minutes, the newest first, and whose they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Signals {
    /// Whose requests these are.
    pub of: &'static str,
    /// The minutes that are complete.
    pub minutes: Result<Vec<Minute>, String>,
}

impl<'f> Seen<'f> {
    /// Nothing looked at yet.
    pub fn of(fleet: &'f Fleet) -> Self {
        Self {
            fleet,
            regions: BTreeMap::new(),
        }
    }

    /// What is known of a version of a service in a region: the numbers of all users of the region, until somebody tells its versions apart.
    pub fn signals(&mut self, region: &RegionLabel) -> Rc<Signals> {
        let fleet = self.fleet;
        let entry = self.regions.entry(region.clone());
        let gathered = entry.or_insert_with(|| {
            Rc::new(Signals {
                of: "requests of the region",
                minutes: demand::minutes(fleet, region),
            })
        });
        Rc::clone(gathered)
    }
}

impl Signals {
    /// The minutes that began in a time.
    pub fn between(&self, from: Timestamp, until: Timestamp) -> Vec<Minute> {
        let minutes = self.minutes.iter().flatten();
        minutes
            .filter(|minute| minute.at >= from && minute.at < until)
            .copied()
            .collect()
    }
}
