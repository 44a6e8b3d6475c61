//! How rollouts behave in the simulated world: one Argo Rollout per cluster with a gateway, waiting at its first pause. Owns no state; `sim::world::mesh` lives it.

use super::{Rollout, RolloutName, Tool, versions};
use crate::{
    resources::{Place, traffic::Split},
    sim::{World, names, world::mesh::Release},
};

/// The namespace of the shop.
const NAMESPACE: &str = "shop";
/// The name of the Rollout.
pub const NAME: &str = "recommendations";

/// What the watches of the region's cluster have.
pub fn observe(world: &World, place: &Place) -> Vec<Split> {
    let Some(region) = world.region(place) else {
        return Vec::new();
    };
    let Some(mesh) = world.mesh.get(region) else {
        return Vec::new();
    };
    let release = mesh.release.seen(world.noise, "watch", world.now());
    let rollout = rollout(names::cluster(world.aws_region(region)), release);
    let rollout = Rollout {
        heard_at: Some(world.timestamp(world.now())),
        ..rollout
    };
    versions(&rollout, false).into()
}

fn rollout(cluster: String, release: &Release) -> Rollout {
    let steps = Release::STEPS;
    let done = release.current == release.stable;
    let phase = match () {
        () if release.aborted => "Degraded",
        () if done => "Healthy",
        () if release.waits() || release.paused => "Paused",
        () => "Progressing",
    };
    Rollout {
        name: RolloutName {
            cluster,
            tool: Tool::ArgoRollouts,
            namespace: NAMESPACE.to_owned(),
            name: NAME.to_owned(),
        },
        phase: phase.to_owned(),
        message: release
            .aborted
            .then(|| "RolloutAborted: Rollout aborted update to revision 8".to_owned()),
        observed: true,
        step: Some(release.step),
        steps: u32::try_from(steps.len()).unwrap_or(u32::MAX),
        step_words: steps.get(release.step as usize).map(|step| match step {
            Some(weight) => format!("setWeight {weight}"),
            None => "pause".to_owned(),
        }),
        weight: release.weight(),
        waits: if release.waits() {
            vec!["CanaryPauseStep".to_owned()]
        } else {
            Vec::new()
        },
        controller_pause: release.waits(),
        suspended: release.paused,
        aborted: release.aborted,
        full: release.full,
        stable: release.stable.to_owned(),
        current: release.current.to_owned(),
        blue_green: false,
        failed_checks: 0,
        iterations: 0,
        analyses: Vec::new(),
        owner: None,
        heard_at: None,
    }
}
