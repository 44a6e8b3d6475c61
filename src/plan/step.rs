//! One step of a plan: a change, or a wait with a condition. Owns what a step is made of; carries nothing out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::GuardId;
use crate::resources::{
    Change, RegionLabel,
    change::{Alter, Lever},
    clusters, deployments, pipelines, traffic,
};

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// In words: `Set the weight of eu-west-1 to 0`.
    pub title: String,
    /// What is done.
    pub work: Work,
    /// How long it usually takes.
    pub expected_seconds: u64,
    /// After how long its outcome is in doubt, and somebody is asked.
    pub deadline_seconds: u64,
    /// The guards that are judged again right before it.
    pub guards: Vec<GuardId>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "work", content = "what", rename_all = "kebab-case")]
pub enum Work {
    /// Changes something.
    Change(Change),
    /// Waits for something.
    Wait(Wait),
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "wait", rename_all = "kebab-case")]
pub enum Wait {
    /// Resolvers forget the old answer, and the requests of the region fall.
    Tail {
        /// The region that loses traffic.
        region: RegionLabel,
        /// At least: twice the TTL.
        seconds: u64,
        /// Requests per second before, where they were known.
        baseline_rps: Option<f64>,
        /// Percent of the baseline that may remain.
        below_percent: f64,
    },
    /// Watches that regions stay healthy.
    Bake {
        /// The regions that are watched.
        regions: Vec<RegionLabel>,
        /// For how long.
        seconds: u64,
    },
    /// Nodes become ready.
    Nodes {
        /// Where.
        region: RegionLabel,
        /// Cluster.
        cluster: String,
        /// Node group.
        node_group: String,
        /// How many at least.
        nodes: i32,
    },
    /// The pods of a deployment follow what is wanted (domain A.3); what a Rollout or a Canary sends out is out, or waits for somebody.
    Rollout {
        /// Which deployment, or which service.
        at: deployments::At,
        /// How many pods are available at least; none where as many as are wanted will do.
        pods: Option<i32>,
    },
    /// A version that was just rolled out stays, and the region stays well with it.
    Version {
        /// Which deployment.
        at: deployments::At,
        /// The image of its main container.
        image: String,
        /// For how long.
        seconds: u64,
    },
    /// Nothing that can be moved is left on a node.
    Emptied {
        /// Which node.
        node: clusters::node::At,
    },
}

impl Step {
    /// The change, if it is one.
    pub fn change(&self) -> Option<&Change> {
        match &self.work {
            Work::Change(change) => Some(change),
            Work::Wait(_) => None,
        }
    }

    /// The step without what was measured, so that two plans of the same thing are the same.
    #[must_use]
    pub fn essence(&self) -> Self {
        let mut step = self.clone();
        if let Work::Wait(Wait::Tail { baseline_rps, .. }) = &mut step.work {
            *baseline_rps = None;
        }
        // Made of the time of the plan, so that a later one of the same paths is another invalidation.
        if let Work::Change(Change::Traffic(traffic::Change::Invalidate { reference, .. })) =
            &mut step.work
        {
            reference.clear();
        }
        // It names the plan and its end.
        if let Work::Change(Change::Pipelines(pipelines::Change::Transition {
            to: pipelines::Gate::Held { reason },
            ..
        })) = &mut step.work
        {
            reason.clear();
        }
        // The same: its note is the time of the plan.
        if let Work::Change(Change::Deployments(deployments::Change::Restart { to, .. })) =
            &mut step.work
        {
            to.clear();
        }
        step
    }

    /// The lever that it pulls, if any.
    pub fn lever(&self) -> Option<Lever> {
        self.change().map(Alter::lever)
    }

    /// After how long somebody is asked.
    pub fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_seconds)
    }
}
