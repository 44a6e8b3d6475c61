//! The two deployments of a Canary in the simulated world. Owns their rows; `sim::world::senders` lives them.

use super::super::{Container, Deployment, Owner, Replicas, Revision};
use crate::{
    resources::traffic::rollouts,
    sim::{
        World, names,
        world::senders::{Build, FLAGGED, PODS},
    },
};

/// The two deployments of what Flagger sends out: the one that people edit, which has pods only meanwhile, and the one that serves.
pub fn rows(world: &World, region: usize) -> Vec<Deployment> {
    let Some(senders) = world.senders_of(region) else {
        return Vec::new();
    };
    let flagger = senders.flagger.now();
    let pods = if flagger.under_way() { PODS } else { 0 };
    let seen = flagger.edited_at.is_none_or(|edited| world.now() > edited);
    let target = Two {
        name: FLAGGED.to_owned(),
        builds: flagger.past.iter().collect(),
        pods,
        generation: 1 + flagger.edits,
        seen,
        owner: None,
    };
    let primary = Two {
        name: format!("{FLAGGED}-primary"),
        builds: vec![&flagger.primary],
        pods: PODS,
        generation: 1 + flagger.edits,
        seen: true,
        owner: Some(Owner {
            by: "Canary".to_owned(),
            name: Some(FLAGGED.to_owned()),
            reverts: true,
        }),
    };
    [target, primary]
        .iter()
        .map(|two| two.row(world, region))
        .collect()
}

/// One of the two.
struct Two<'a> {
    name: String,
    /// Its versions, the newest last.
    builds: Vec<&'a Build>,
    pods: i32,
    generation: i64,
    seen: bool,
    owner: Option<Owner>,
}

impl Two<'_> {
    fn row(&self, world: &World, region: usize) -> Deployment {
        let image = |build: &Build| rollouts::sim::image(world, region, FLAGGED, &build.version);
        let newest = self.builds.last();
        let revisions = self.builds.iter().enumerate().rev();
        let last = self.builds.len().saturating_sub(1);
        Deployment {
            name: self.name.clone(),
            namespace: "shop".to_owned(),
            cluster: names::eks(world.aws_region(region)),
            heard_at: Some(world.timestamp(world.now())),
            generation: self.generation,
            observed_generation: self.generation - i64::from(!self.seen),
            paused: false,
            revision: Some(self.builds.len().to_string()),
            restarted_at: None,
            labels: Vec::new(),
            containers: newest
                .map(|build| Container {
                    name: "app".to_owned(),
                    image: image(build),
                    digest: None,
                })
                .into_iter()
                .collect(),
            replicas: Replicas {
                desired: self.pods,
                total: self.pods,
                updated: self.pods,
                ready: self.pods,
                available: self.pods,
            },
            conditions: Vec::new(),
            revisions: revisions
                .map(|(index, build)| Revision {
                    number: Some(index as u64 + 1),
                    replica_set: build.replica_set(&self.name),
                    image: Some(image(build)),
                    desired: if index == last { self.pods } else { 0 },
                    ready: if index == last { self.pods } else { 0 },
                    created_at: Some(world.timestamp(build.at)),
                })
                .collect(),
            pods: Vec::new(),
            restarts: Some(0),
            troubles: Vec::new(),
            autoscaler: None,
            budget: None,
            owner: self.owner.clone(),
            warnings: Vec::new(),
            logs: Vec::new(),
            unknown: Vec::new(),
        }
    }
}
