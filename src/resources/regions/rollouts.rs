//! How the deployments of a region roll out, counted. Owns which of them count; judges no deployment itself.

use serde::Serialize;

use crate::resources::{Fleet, Freshness, Place, Resource, Severity, Source, deployments::Rollout};

/// Deployments of a region by how they roll out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Rollouts {
    /// Names of those that are stuck, or of which nothing serves.
    pub stuck: Vec<String>,
    /// How many move.
    pub moving: usize,
    /// How many there are.
    pub total: usize,
}

impl Rollouts {
    /// What was last known of a cluster that is silent for long says nothing about now.
    pub fn of(fleet: &Fleet, place: &Place) -> Self {
        let slice = fleet.deployments.slice(Source::Deployments, place);
        let mut rollouts = Self::default();
        for row in slice.into_iter().flat_map(|slice| &slice.rows) {
            rollouts.total += 1;
            if row.heard(fleet) >= Freshness::Expired {
                continue;
            }
            if row.judge(fleet, place).severity == Severity::Bad {
                rollouts.stuck.push(row.name.clone());
            } else if matches!(row.rollout(), Rollout::Moving { .. } | Rollout::Unseen) {
                rollouts.moving += 1;
            }
        }
        rollouts
    }
}
