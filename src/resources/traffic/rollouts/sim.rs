//! How rollouts behave in the simulated world: an Argo Rollout and a Flagger Canary in each cluster with a mesh. Owns no state; `sim::world::senders` lives them.

use super::{Rollout, RolloutName, Tool, Workload, versions};
use crate::{
    resources::{
        Place,
        deployments::{Container, Replicas, Revision},
        traffic::Split,
    },
    sim::{
        World, names,
        world::senders::{Build, FLAGGED, PODS, ROLLED, argo::Argo, flagger::Flagger},
    },
};

/// The namespace of the shop.
const NAMESPACE: &str = "shop";

/// What the watches of the region's cluster have.
pub fn observe(world: &World, place: &Place) -> Vec<Split> {
    let Some(region) = world.region(place) else {
        return Vec::new();
    };
    let Some(senders) = world.senders_of(region) else {
        return Vec::new();
    };
    let here = Here {
        world,
        region,
        cluster: names::eks(world.aws_region(region)),
    };
    let now = world.now();
    let argo = here.argo(senders.argo.seen(world.noise, "watch", now));
    let flagger = here.flagger(senders.flagger.seen(world.noise, "watch", now));
    let both = [argo, flagger].into_iter();
    both.flat_map(|rollout| versions(&rollout, false)).collect()
}

/// The image of a version, from the registry of its region.
pub fn image(world: &World, region: usize, service: &str, version: &str) -> String {
    let aws = world.aws_region(region);
    let account = names::ACCOUNT;
    format!("{account}.dkr.ecr.{aws}.amazonaws.com/shop/{service}:{version}")
}

/// A cluster of the world.
struct Here<'a> {
    world: &'a World,
    region: usize,
    cluster: String,
}

impl Here<'_> {
    fn revision(&self, (index, build): (usize, &Build), current: &Build) -> Revision {
        let pods = if build == current { PODS } else { 0 };
        Revision {
            number: Some(index as u64 + 1),
            replica_set: build.replica_set(ROLLED),
            image: Some(image(self.world, self.region, ROLLED, &build.version)),
            desired: pods,
            ready: pods,
            created_at: Some(self.world.timestamp(build.at)),
        }
    }

    /// Neither of the two yet: what every object has.
    fn base(&self, tool: Tool, name: &str) -> Rollout {
        Rollout {
            name: RolloutName {
                cluster: self.cluster.clone(),
                tool,
                namespace: NAMESPACE.to_owned(),
                name: name.to_owned(),
            },
            phase: String::new(),
            message: None,
            observed: true,
            step: None,
            steps: 0,
            step_words: None,
            weight: 0.0,
            waits: Vec::new(),
            waits_since: None,
            wait_seconds: None,
            controller_pause: false,
            suspended: false,
            aborted: false,
            full: false,
            stable: String::new(),
            current: String::new(),
            image: None,
            workload: None,
            revisions: Vec::new(),
            replicas: Replicas::default(),
            troubles: Vec::new(),
            completed_at: None,
            blue_green: false,
            failed_checks: 0,
            iterations: 0,
            analyses: Vec::new(),
            owner: None,
            heard_at: Some(self.world.timestamp(self.world.now())),
        }
    }

    fn argo(&self, argo: &Argo) -> Rollout {
        let steps = Argo::STEPS;
        let timed_out = argo.timed_out(self.world.now());
        let phase = match () {
            () if argo.aborted || timed_out => "Degraded",
            () if argo.waits() || argo.paused => "Paused",
            () if !argo.under_way() => "Healthy",
            () => "Progressing",
        };
        let number = argo.past.len();
        let set = argo.current.replica_set(ROLLED);
        let message = match () {
            () if argo.aborted => Some(format!(
                "RolloutAborted: Rollout aborted update to revision {number}"
            )),
            () if timed_out => Some(format!(
                "ProgressDeadlineExceeded: ReplicaSet \"{set}\" has timed out progressing."
            )),
            () => None,
        };
        let waits = argo.waits();
        let past = argo.past.iter().enumerate().rev();
        Rollout {
            phase: phase.to_owned(),
            message,
            step: Some(argo.step),
            steps: u32::try_from(steps.len()).unwrap_or(u32::MAX),
            step_words: steps.get(argo.step as usize).map(|step| match step {
                Some(weight) => format!("setWeight {weight}"),
                None => "pause".to_owned(),
            }),
            weight: argo.weight(),
            waits: waits
                .then(|| "CanaryPauseStep".to_owned())
                .into_iter()
                .collect(),
            waits_since: waits.then(|| self.world.timestamp(argo.since)),
            controller_pause: waits,
            suspended: argo.paused,
            aborted: argo.aborted,
            full: argo.full,
            stable: argo.stable.hash(),
            current: argo.current.hash(),
            image: Some(Container {
                name: "app".to_owned(),
                image: image(self.world, self.region, ROLLED, &argo.current.version),
                digest: None,
            }),
            revisions: past
                .map(|build| self.revision(build, &argo.current))
                .collect(),
            replicas: Replicas {
                desired: PODS,
                total: PODS,
                updated: PODS,
                ready: PODS,
                available: PODS,
            },
            completed_at: (!argo.under_way()).then(|| self.world.timestamp(argo.completed_at)),
            ..self.base(Tool::ArgoRollouts, ROLLED)
        }
    }

    fn flagger(&self, flagger: &Flagger) -> Rollout {
        let since = Some(self.world.timestamp(flagger.since));
        let done = !flagger.under_way();
        Rollout {
            phase: flagger.phase.name().to_owned(),
            message: (flagger.phase.name() == "Failed")
                .then(|| "Canary analysis failed, Deployment scaled to zero.".to_owned()),
            weight: f64::from(flagger.weight),
            waits_since: since,
            suspended: flagger.suspended,
            stable: flagger.primary.hash(),
            current: flagger.target.hash(),
            workload: Some(Workload {
                name: FLAGGED.to_owned(),
                seen: None,
            }),
            completed_at: since.filter(|_| done && flagger.phase.name() == "Succeeded"),
            failed_checks: flagger.failed_checks,
            ..self.base(Tool::Flagger, FLAGGED)
        }
    }
}
