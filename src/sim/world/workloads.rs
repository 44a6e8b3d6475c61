//! What somebody does to a deployment of the world: pauses, restarts, rolls back, scales. Owns what of it stands; `releases` says how far the pods have followed.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Transition, World,
    releases::{Outcome, Release, Running, running},
};

/// Seconds until an owner that reverts has put back what it applies.
const REVERTS_AFTER: i64 = 180;

/// An edit of a deployment.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Its roll-out is held, or goes on.
    Pause(bool),
    /// Its pods are replaced; the note says when.
    Restart(String),
    /// It goes back to the newest release whose replica set has this name.
    Revise(String),
    /// It gets another image: that of a release which runs elsewhere, or one that nobody has tried.
    Image(String),
    /// It goes to a release, as its owner wants it.
    Apply {
        /// Tag of its image.
        version: String,
        /// What becomes of it.
        outcome: Outcome,
    },
    /// Fewest and most pods of its autoscaler.
    Scale(i32, i32),
    /// Pods, where no autoscaler says so.
    Resize(i32),
}

/// What somebody did to deployments and nodes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hands {
    /// Edits of deployments, by region and name.
    pub edited: BTreeMap<(usize, String), Edited>,
    /// Nodes that take no new pods, by region and name.
    pub cordoned: BTreeSet<(usize, String)>,
    /// How often a pod of a deployment was moved, by region, deployment and index, and when last.
    pub moved: BTreeMap<(usize, String, i32), (i32, i64)>,
}

/// What stands of the edits of a deployment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Edited {
    /// From when till when it was paused; without an end it still is.
    pub pauses: Vec<(i64, Option<i64>)>,
    /// Fewest and most pods, where they are not those of the beginning.
    pub floor: Option<(i32, i32)>,
    /// Pods, where they are not those of the beginning.
    pub pods: Option<i32>,
    /// When it last got more pods, and how many it had.
    pub grown: Option<(i64, i32)>,
    /// How many edits there were, and when the last one was.
    pub count: i64,
    /// See there.
    pub last: Option<i64>,
}

impl Edited {
    /// Seconds of a time until now in which it was paused.
    pub fn paused(&self, from: i64, now: i64) -> i64 {
        let of = |(begun, ended): &(i64, Option<i64>)| {
            (ended.unwrap_or(now).min(now) - (*begun).max(from)).max(0)
        };
        self.pauses.iter().map(of).sum()
    }

    /// Whether it is paused now.
    pub fn is_paused(&self) -> bool {
        self.pauses.last().is_some_and(|(_, ended)| ended.is_none())
    }
}

impl World {
    /// Edits a deployment; nothing, where the region has none of this name.
    pub(super) fn edit(&mut self, region: usize, service: &str, edit: &Edit) {
        if self.edit_target(region, service, edit) {
            return;
        }
        let now = self.now();
        let Some((before, replaced, owner)) = running(self, region)
            .find(|running| running.service.name == service)
            .map(|running| {
                let replaced = replaced(&running, edit);
                (running.desired, replaced, running.service.owner)
            })
        else {
            return;
        };
        let applied = self.applied(region, service);
        let edited = self
            .hands
            .edited
            .entry((region, service.to_owned()))
            .or_default();
        edited.count += 1;
        edited.last = Some(now);
        match edit {
            Edit::Pause(true) => edited.pauses.push((now, None)),
            Edit::Pause(false) => {
                if let Some((_, ended @ None)) = edited.pauses.last_mut() {
                    *ended = Some(now);
                }
            }
            Edit::Scale(min, max) => {
                edited.floor = Some((*min, *max));
                edited.grown = Some((now, before));
            }
            Edit::Resize(pods) => {
                edited.pods = Some(*pods);
                edited.grown = Some((now, before));
            }
            Edit::Restart(_) | Edit::Revise(_) | Edit::Image(_) | Edit::Apply { .. } => {}
        }
        if let Some(release) = replaced {
            self.releases.push(Release {
                region,
                service: service.to_owned(),
                at: now,
                ..release
            });
        }
        // What is in Git comes back: a pause and a restart are not in it.
        if let (Edit::Revise(_) | Edit::Image(_), Some((_, true)), Some(applied)) =
            (edit, owner, applied)
        {
            let edit = Edit::Apply {
                version: applied.version,
                outcome: applied.outcome,
            };
            let back = Transition::Deployment {
                region,
                service: service.to_owned(),
                edit,
            };
            self.later(now + REVERTS_AFTER, vec![back]);
        }
    }

    /// The release that is out, as its owner applied it.
    fn applied(&self, region: usize, service: &str) -> Option<Release> {
        let mut running = running(self, region);
        let found = running.find(|running| running.service.name == service)?;
        Some(found.release().clone())
    }
}

/// The release that an edit leads to, where it replaces pods.
fn replaced(running: &Running<'_>, edit: &Edit) -> Option<Release> {
    let now = running.release().clone();
    match edit {
        Edit::Restart(note) => Some(Release {
            restarted: Some(note.clone()),
            ..now
        }),
        Edit::Revise(set) => {
            let mut older = running.releases.iter().rev();
            older.find(|release| release.replica_set() == *set).cloned()
        }
        Edit::Image(image) => {
            let version = image.rsplit(':').next().unwrap_or_default();
            // A version is as good here as it is elsewhere.
            let mut known = running.world.releases.iter().rev();
            let same = known.find(|release| {
                release.service == running.service.name && release.version == version
            });
            let here = running.releases.iter().rev();
            let here = || here.clone().find(|release| release.version == version);
            let outcome = same
                .or_else(here)
                .map_or(Outcome::Good, |found| found.outcome);
            Some(Release {
                version: version.to_owned(),
                outcome,
                restarted: None,
                ..now
            })
        }
        Edit::Apply { version, outcome } => (*version != now.version).then(|| Release {
            version: version.clone(),
            outcome: *outcome,
            restarted: None,
            ..now
        }),
        Edit::Pause(_) | Edit::Scale(..) | Edit::Resize(_) => None,
    }
}
