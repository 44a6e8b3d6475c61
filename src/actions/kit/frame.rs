//! What every plan carries besides its steps: where it belongs, when it was made. Owns the defaults; each action sets what is its own.

use crate::{
    plan::{Blast, Intent, OnBreach, Plan, Step},
    resources::Fleet,
};

/// A reversible plan of one object, to be completed.
pub fn plan(fleet: &Fleet, intent: &Intent, title: String, steps: Vec<Step>) -> Plan {
    let mut identities = fleet
        .regions
        .rows()
        .filter_map(|(_, _, region)| region.identity.as_ref());
    Plan {
        intent: intent.clone(),
        title,
        environment: fleet.estate.environment.clone(),
        account: identities.next().map(|identity| identity.account.clone()),
        made_at: fleet.now,
        steps,
        forecast: Vec::new(),
        remarks: Vec::new(),
        blast: Blast::L1,
        phrase: String::new(),
        loss_phrase: String::new(),
        on_breach: OnBreach::Hold,
        marks: Vec::new(),
        until: None,
    }
}
