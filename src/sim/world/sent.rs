//! What was sent to the simulated APIs and has not ended: changes that spread, and changes that were accepted and take effect later. Owns their numbers; a change itself is a transition.

use std::collections::BTreeMap;

use super::{Transition, World};
use crate::resources::Api;

/// Seconds until every name server has a change of record sets (domain B.1: `INSYNC` within a minute).
const IN_SYNC_SECONDS: (f64, f64) = (30.0, 60.0);

/// What was sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sent {
    /// Changes that were sent so far: their numbers make ids.
    pub count: u64,
    /// When what has a reference has reached every server.
    spreading: BTreeMap<String, (Api, i64)>,
    /// What takes effect later, and when.
    late: Vec<(i64, Vec<Transition>)>,
}

impl World {
    /// Whether a change has reached every server, by its reference; `None` where the API does not know it.
    pub fn in_sync(&self, api: Api, reference: &str) -> Option<bool> {
        // `GetChange` takes the id with and without its path.
        let bare = reference.trim_start_matches("/change/");
        let (known, at) = self.sent.spreading.get(bare)?;
        (*known == api).then_some(self.now() >= *at)
    }

    /// When a change of record sets that was accepted at a second has reached every name server.
    pub(in crate::sim) fn spread_by(&self, accepted: i64) -> i64 {
        let (low, high) = IN_SYNC_SECONDS;
        let key = format!("in sync/{}", self.sent.count);
        accepted + self.noise.between(&key, accepted, low, high) as i64
    }

    /// Remembers when a change will have reached every server.
    pub(in crate::sim) fn spreads(&mut self, api: Api, reference: &str, at: i64) {
        let bare = reference.trim_start_matches("/change/");
        self.sent.spreading.insert(bare.to_owned(), (api, at));
    }

    /// Lets accepted changes take effect at a second.
    pub(in crate::sim) fn later(&mut self, at: i64, transitions: Vec<Transition>) {
        self.sent.late.push((at, transitions));
    }

    /// Makes what is due.
    pub(super) fn arrive(&mut self, t: i64) {
        let late = std::mem::take(&mut self.sent.late);
        let (due, rest): (Vec<_>, Vec<_>) = late.into_iter().partition(|(at, _)| *at <= t);
        self.sent.late = rest;
        for transition in due.into_iter().flat_map(|(_, transitions)| transitions) {
            // The world may have moved on since it was accepted: what cannot be done any more is not done, and only a read shows it.
            let _ = self.change(&transition);
        }
    }
}
