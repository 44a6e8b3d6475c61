//! Controllers that send releases out by themselves: an Argo Rollout and a Flagger Canary in each cluster with a mesh. Owns which services they carry, and how much of a region fails by them.

pub mod argo;
pub mod flagger;

use super::{
    World,
    releases::{LONG_AGO, Outcome, Release},
    workloads::Edit,
};
use crate::{
    resources::traffic::rollouts::{Steering, Tool, Verb},
    sim::{names, scenario::Shape},
};

/// The service that the Rollout carries.
pub const ROLLED: &str = "recommendations";
/// The service that the Canary carries.
pub const FLAGGED: &str = "search";
/// Share of the requests of a region that each of the two answers.
pub const SHARE: f64 = 0.2;
/// Pods of each.
pub const PODS: i32 = 6;
/// Seconds until the requests of a bad version begin to fail, and how many of them do.
const BAD_AFTER: i64 = 45;
const BAD: f64 = 0.2;

/// What two versions get when the new one has a part of it: those that get anything.
fn shares(stable: &Build, new: &Build, part: f64) -> Vec<(Build, f64)> {
    let shares = [(stable.clone(), 1.0 - part), (new.clone(), part)];
    let some = shares.into_iter().filter(|(_, share)| *share > 0.0);
    some.collect()
}

/// A version as it is known already, if it was there before, and all versions with it as the newest.
fn renewed(past: &[Build], build: Build) -> (Build, Vec<Build>) {
    let known = past.iter().find(|known| known.hash() == build.hash());
    let build = known.cloned().unwrap_or(build);
    let mut past = past.to_vec();
    past.retain(|known| known.hash() != build.hash());
    past.push(build.clone());
    (build, past)
}

/// A version of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Build {
    /// Tag of its image.
    pub version: String,
    /// What becomes of it.
    pub outcome: Outcome,
    /// When the cluster first had it.
    pub at: i64,
    service: &'static str,
}

impl Build {
    fn first(service: &'static str, version: &str) -> Self {
        Self {
            version: version.to_owned(),
            outcome: Outcome::Good,
            at: LONG_AGO,
            service,
        }
    }

    /// The hash of its template.
    pub fn hash(&self) -> String {
        names::hex(&format!("{}/{}", self.service, self.version))[..10].to_owned()
    }

    /// Name of its replica set.
    pub fn replica_set(&self, owner: &str) -> String {
        format!("{owner}-{}", self.hash())
    }

    /// Share of its requests that fail.
    fn failing(&self, t: i64) -> f64 {
        match self.outcome {
            Outcome::Flaky | Outcome::Late if t >= self.at + BAD_AFTER => BAD,
            Outcome::Good
            | Outcome::Flaky
            | Outcome::Late
            | Outcome::Crashes
            | Outcome::NoImage
            | Outcome::Unschedulable => 0.0,
        }
    }

    /// Whether its pods ever become ready.
    fn starts(&self) -> bool {
        match self.outcome {
            Outcome::Good | Outcome::Flaky | Outcome::Late => true,
            Outcome::Crashes | Outcome::NoImage | Outcome::Unschedulable => false,
        }
    }
}

/// What the two controllers of a cluster do.
#[derive(Debug, Clone, PartialEq)]
pub struct Senders {
    /// The Rollout.
    pub argo: super::Eventual<argo::Argo>,
    /// The Canary.
    pub flagger: super::Eventual<flagger::Flagger>,
}

impl Senders {
    /// As a world begins: in the first region of the order a release waits at its first pause, elsewhere nothing is on its way.
    pub fn at_rest(first: bool) -> Self {
        Self {
            argo: super::Eventual::new(argo::Argo::at_rest(first), 1.0),
            flagger: super::Eventual::new(flagger::Flagger::at_rest(), 1.0),
        }
    }

    /// Lives through a second.
    pub fn step(&mut self, t: i64) {
        if let Some(argo) = self.argo.now().after(t) {
            self.argo.set(argo, t);
        }
        if let Some(flagger) = self.flagger.now().after(t) {
            self.flagger.set(flagger, t);
        }
    }

    /// Steers one of them; `target` is the hash of the version that an undo goes back to.
    pub fn steer(&mut self, tool: Tool, verb: &Verb, target: &str, build: Option<Build>, t: i64) {
        match tool {
            Tool::ArgoRollouts => {
                let argo = self.argo.now().steered(verb, target, build, t);
                self.argo.set(argo, t);
            }
            Tool::Flagger => {
                let flagger = self.flagger.now().steered(verb);
                self.flagger.set(flagger, t);
            }
        }
    }
}

/// The controllers of all regions, as a world begins.
pub fn all(shape: &Shape) -> Vec<Senders> {
    let first = shape.first_in_order();
    let regions = (0..shape.regions.len()).filter(|_| shape.mesh);
    regions
        .map(|region| Senders::at_rest(region == first))
        .collect()
}

impl World {
    /// Somebody releases a version of a service.
    pub(super) fn release(
        &mut self,
        region: usize,
        service: &str,
        version: &str,
        outcome: Outcome,
    ) {
        if self.send_out(region, service, version, Some(outcome)) {
            return;
        }
        self.releases.push(Release {
            region,
            service: service.to_owned(),
            version: version.to_owned(),
            outcome,
            restarted: None,
            at: self.now(),
        });
    }

    /// What the controllers of a region do, where it has any.
    pub fn senders_of(&self, region: usize) -> Option<&Senders> {
        self.senders.get(region)
    }

    /// Steers what a controller of a region sends out.
    pub(super) fn steer(&mut self, region: usize, steering: &Steering) {
        let build = match &steering.verb {
            Verb::Image(image) => {
                let version = image.to.rsplit(':').next().unwrap_or_default();
                Some(self.build(ROLLED, version))
            }
            Verb::Promote
            | Verb::PromoteFull
            | Verb::Pause
            | Verb::Resume
            | Verb::Abort
            | Verb::Retry
            | Verb::Undo => None,
        };
        let t = self.now();
        if let Some(senders) = self.senders.get_mut(region) {
            let tool = steering.rollout.tool;
            senders.steer(tool, &steering.verb, &steering.stable, build, t);
        }
    }

    /// Edits the deployment that the Canary sends out. Tells whether it is that one.
    pub(super) fn edit_target(&mut self, region: usize, service: &str, edit: &Edit) -> bool {
        if service != FLAGGED || self.senders.is_empty() {
            return false;
        }
        let version = match edit {
            Edit::Image(image) => image.rsplit(':').next().map(str::to_owned),
            Edit::Apply { version, .. } => Some(version.clone()),
            Edit::Revise(set) => {
                let senders = self.senders.get(region);
                let mut past = senders.into_iter().flat_map(|s| s.flagger.now().builds());
                let found = past.find(|build| build.replica_set(FLAGGED) == *set);
                found.map(|build| build.version.clone())
            }
            Edit::Pause(_) | Edit::Restart(_) | Edit::Scale(..) | Edit::Resize(_) => None,
        };
        if let Some(version) = version {
            self.send_out(region, service, &version, None);
        }
        true
    }

    /// A version of a service of theirs, as good as it is elsewhere.
    pub fn build(&self, service: &'static str, version: &str) -> Build {
        let known = self.senders.iter().flat_map(|senders| {
            let argo = senders.argo.now().builds();
            argo.chain(senders.flagger.now().builds())
        });
        let mut known = known.filter(|build| build.service == service && build.version == version);
        Build {
            outcome: known.next().map_or(Outcome::Good, |build| build.outcome),
            at: self.now(),
            ..Build::first(service, version)
        }
    }

    /// Gives one of the services a version, as whoever releases does. Tells whether it is one of theirs.
    pub fn send_out(
        &mut self,
        region: usize,
        service: &str,
        version: &str,
        outcome: Option<Outcome>,
    ) -> bool {
        let Some(service) = [ROLLED, FLAGGED]
            .into_iter()
            .find(|known| *known == service)
        else {
            return false;
        };
        let mut build = self.build(service, version);
        build.outcome = outcome.unwrap_or(build.outcome);
        let t = self.now();
        if let Some(senders) = self.senders.get_mut(region) {
            if service == ROLLED {
                let argo = senders.argo.now().given(build, t);
                senders.argo.set(argo, t);
            } else {
                let flagger = senders.flagger.now().given(build, t);
                senders.flagger.set(flagger, t);
            }
        }
        true
    }

    /// Share of the requests of a region that fail in what its controllers send out.
    pub fn sent_errors(&self, region: usize) -> f64 {
        let t = self.now();
        let Some(senders) = self.senders.get(region) else {
            return 0.0;
        };
        let versions = senders.argo.now().shares();
        let versions = versions.into_iter().chain(senders.flagger.now().shares());
        versions
            .map(|(build, share)| SHARE * share * build.failing(t))
            .sum()
    }

    /// The versions of a service of theirs that get requests, each with its share and how much of it fails.
    pub fn sent_versions(&self, region: usize) -> Vec<(&'static str, String, f64, f64)> {
        let t = self.now();
        let Some(senders) = self.senders.get(region) else {
            return Vec::new();
        };
        let of = |(build, share): (Build, f64)| {
            let failing = build.failing(t);
            (build.service, build.version, share, failing)
        };
        let versions = senders.argo.now().shares();
        let versions = versions.into_iter().chain(senders.flagger.now().shares());
        versions.map(of).collect()
    }
}

#[cfg(test)]
mod tests;
