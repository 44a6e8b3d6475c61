//! Routing controls as a panel: what is done while records are unread, and that some control stays `On`. Owns no choice between levers.

use super::Choice;
use crate::resources::{
    Place, RegionLabel, Source,
    traffic::{RoutingControl, region_within},
};

impl<'a> Choice<'a> {
    /// While the record sets have never been read, the control named after the region is all that we know.
    pub(super) fn unseen_control(&mut self) {
        let read = self
            .fleet
            .status(Source::Records, &Place::Global)
            .observed_at
            .is_some();
        if read || !self.pulls.controls.is_empty() {
            return;
        }
        let named = self.controls.iter().find(|control| {
            region_within(&self.fleet.estate, &control.name) == Some(self.label)
                && self.fleet.shares.control(&control.arn) == Some(true)
        });
        if let Some(control) = named {
            self.pulls.ttl = self.pulls.ttl.max(60);
            self.pulls.remarks.push(format!(
                "routing control {}: what it governs is not known, because no record set was read yet",
                control.name
            ));
            self.pulls.controls.push(control);
        }
    }

    /// A panel must not be left without a control that is `On`.
    pub(super) fn receivers(&mut self, receivers: &[RegionLabel]) {
        let Some(panel) = self
            .pulls
            .controls
            .first()
            .map(|control| control.panel_arn.clone())
        else {
            return;
        };
        let off: Vec<&str> = self
            .pulls
            .controls
            .iter()
            .map(|control| control.arn.as_str())
            .collect();
        let rest: Vec<&'a RoutingControl> = self
            .controls
            .iter()
            .copied()
            .filter(|control| control.panel_arn == panel && !off.contains(&control.arn.as_str()))
            .collect();
        if rest
            .iter()
            .any(|control| self.fleet.shares.control(&control.arn) == Some(true))
        {
            return;
        }
        let estate = &self.fleet.estate;
        let wanted = |control: &&RoutingControl| {
            let region = region_within(estate, &control.name);
            region.is_some_and(|region| receivers.contains(region))
                && self.fleet.shares.control(&control.arn) == Some(false)
        };
        self.pulls.receivers = rest.into_iter().filter(wanted).collect();
        if self.pulls.receivers.is_empty() {
            self.pulls
                .stuck
                .push("no other routing control of the panel is On or may be turned On".to_owned());
            self.pulls.controls.clear();
        } else {
            let names: Vec<&str> = self
                .pulls
                .receivers
                .iter()
                .map(|control| control.name.as_str())
                .collect();
            self.pulls.remarks.push(format!(
                "no other control of the panel is On: {} is turned On in the same call",
                names.join(", ")
            ));
        }
    }
}
