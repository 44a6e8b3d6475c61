//! How this kind behaves in the simulated world: who the console is there. Owns no state.

use jiff::SignedDuration;

use super::{super::Place, Identity, Region};
use crate::sim::{World, names};

/// Lifetime of the credentials of the on-call role.
const CREDENTIALS: SignedDuration = SignedDuration::from_hours(8);

/// The answer of STS.
pub fn observe(world: &World, place: &Place) -> Vec<Region> {
    let Some(label) = place.region() else {
        return Vec::new();
    };
    let identity = Identity {
        account: names::ACCOUNT.to_owned(),
        arn: format!("arn:aws:sts::{}:assumed-role/on-call/drill", names::ACCOUNT),
        clock_skew_seconds: Some(0),
        credentials_expire_at: world.started_at().checked_add(CREDENTIALS).ok(),
    };
    vec![Region {
        label: label.clone(),
        identity: Some(identity),
    }]
}
