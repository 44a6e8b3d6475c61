//! What carries a service in a cluster: a Deployment, an Argo Rollout, or a Flagger Canary with its two deployments. Owns which deployments are no services of their own because
//! something else carries them, and which version a carrier has; how far that is, says `stand`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::resources::{
    Fleet, Freshness, Place, RegionLabel, Source,
    deployments::{At, Container, Deployment, Owner, Revision},
    traffic::{
        Mechanism,
        rollouts::{Rollout, RolloutName, Tool},
    },
};

/// What carries a service in one cluster.
#[derive(Debug, Clone, Copy)]
pub enum Carrier<'f> {
    /// A Deployment by itself.
    Deployment(&'f Deployment),
    /// An Argo Rollout.
    Rollout {
        /// The Rollout.
        rollout: &'f Rollout,
        /// The deployment that it takes its template from, where it has none of its own and that is known.
        workload: Option<&'f Deployment>,
    },
    /// A Flagger Canary.
    Canary {
        /// The Canary.
        canary: &'f Rollout,
        /// The deployment that is edited: it has pods only while a release is on its way.
        target: Option<&'f Deployment>,
        /// The deployment that serves.
        primary: Option<&'f Deployment>,
    },
}

/// A deployment by cluster, namespace and name.
type Key<'f> = (&'f str, &'f str, &'f str);

/// Every carrier, with its region. Deployments behind a Rollout or a Canary are theirs, and none of their own.
pub fn all(fleet: &Fleet) -> Vec<(&RegionLabel, Carrier<'_>)> {
    let mut found = Vec::new();
    let slices = fleet.deployments.slices();
    let mut places: BTreeSet<&Place> = slices.map(|(_, place, _)| place).collect();
    let slices = fleet.traffic.slices();
    let rollouts = slices.filter(|(source, ..)| *source == Source::Rollouts);
    places.extend(rollouts.map(|(_, place, _)| place));
    for place in places {
        if let Some(region) = place.region() {
            let here = of_place(fleet, place);
            found.extend(here.into_iter().map(|carrier| (region, carrier)));
        }
    }
    found
}

fn of_place<'f>(fleet: &'f Fleet, place: &Place) -> Vec<Carrier<'f>> {
    let slice = fleet.deployments.slice(Source::Deployments, place);
    let rows = slice.map_or(&[][..], |slice| &slice.rows);
    let mut rollouts = rollouts(fleet, place).peekable();
    if rollouts.peek().is_none() {
        return rows.iter().map(Carrier::Deployment).collect();
    }
    let key = |row: &'f Deployment| -> Key<'f> { (&row.cluster, &row.namespace, &row.name) };
    let known: BTreeMap<Key<'f>, &'f Deployment> = rows.iter().map(|row| (key(row), row)).collect();
    let mut behind: BTreeSet<String> = BTreeSet::new();
    let mut carriers: Vec<Carrier<'f>> = Vec::new();
    for rollout in rollouts {
        let (cluster, namespace) = (&rollout.name.cluster, &rollout.name.namespace);
        let mut deployment = |name: &str| {
            behind.insert(format!("{cluster}/{namespace}/{name}"));
            known
                .get(&(cluster.as_str(), namespace.as_str(), name))
                .copied()
        };
        let target = rollout.workload.as_ref();
        carriers.push(match rollout.name.tool {
            Tool::ArgoRollouts => Carrier::Rollout {
                rollout,
                workload: target.and_then(|workload| deployment(&workload.name)),
            },
            Tool::Flagger => Carrier::Canary {
                canary: rollout,
                target: target.and_then(|workload| deployment(&workload.name)),
                primary: target.and_then(|workload| deployment(&primary(&workload.name))),
            },
        });
    }
    let own = |row: &&Deployment| {
        let name = format!("{}/{}/{}", row.cluster, row.namespace, row.name);
        !behind.contains(&name)
    };
    carriers.extend(rows.iter().filter(own).map(Carrier::Deployment));
    carriers
}

/// The rollouts of a place, each once.
fn rollouts<'f>(fleet: &'f Fleet, place: &Place) -> impl Iterator<Item = &'f Rollout> + use<'f> {
    let slice = fleet.traffic.slice(Source::Rollouts, place);
    let rows = slice.into_iter().flat_map(|slice| &slice.rows);
    rows.filter_map(|row| match &row.by {
        Mechanism::Rollout(version) if version.new => Some(&version.rollout),
        Mechanism::Rollout(_)
        | Mechanism::Record(_)
        | Mechanism::Dial(_)
        | Mechanism::Forward(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_)
        | Mechanism::Route(_) => None,
    })
}

/// The deployment that Flagger makes of its target.
fn primary(target: &str) -> String {
    format!("{target}-primary")
}

/// The carrier of a service in one cluster.
pub fn at<'f>(fleet: &'f Fleet, at: &At) -> Option<Carrier<'f>> {
    let here = of_place(fleet, &Place::Region(at.region.clone()));
    let mut here = here.into_iter();
    here.find(|carrier| {
        (carrier.cluster(), carrier.namespace(), carrier.name())
            == (&at.cluster, &at.namespace, &at.name)
    })
}

/// The carrier that a deployment belongs to: its own, or the Rollout or Canary that it stands behind.
pub fn behind<'f>(fleet: &'f Fleet, at: &At) -> Option<Carrier<'f>> {
    let here = of_place(fleet, &Place::Region(at.region.clone()));
    let is = |row: &Deployment| {
        (&row.cluster, &row.namespace, &row.name) == (&at.cluster, &at.namespace, &at.name)
    };
    let mut here = here.into_iter();
    here.find(|carrier| carrier.deployments().into_iter().flatten().any(is))
}

/// The carrier whose releases a Rollout or a Canary sends out.
pub fn sent_by<'f>(
    fleet: &'f Fleet,
    region: &RegionLabel,
    name: &RolloutName,
) -> Option<Carrier<'f>> {
    let here = of_place(fleet, &Place::Region(region.clone()));
    let mut here = here.into_iter();
    here.find(|carrier| carrier.sender().is_some_and(|sender| sender.name == *name))
}

impl<'f> Carrier<'f> {
    /// Its cluster.
    pub fn cluster(&self) -> &'f str {
        match self {
            Self::Deployment(row) => &row.cluster,
            Self::Rollout { rollout, .. } => &rollout.name.cluster,
            Self::Canary { canary, .. } => &canary.name.cluster,
        }
    }

    /// Its namespace.
    pub fn namespace(&self) -> &'f str {
        match self {
            Self::Deployment(row) => &row.namespace,
            Self::Rollout { rollout, .. } => &rollout.name.namespace,
            Self::Canary { canary, .. } => &canary.name.namespace,
        }
    }

    /// The name of its service: that of what people edit.
    pub fn name(&self) -> &'f str {
        match self {
            Self::Deployment(row) => &row.name,
            Self::Rollout { rollout, .. } => &rollout.name.name,
            Self::Canary { canary, .. } => {
                let target = canary.workload.as_ref();
                target.map_or(&canary.name.name, |target| &target.name)
            }
        }
    }

    /// Where it is, by the name of its service.
    pub fn at(&self, region: &RegionLabel) -> At {
        At {
            region: region.clone(),
            cluster: self.cluster().to_owned(),
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
        }
    }

    /// The object that sends releases out, where there is one besides the deployment.
    pub fn sender(&self) -> Option<&'f Rollout> {
        match self {
            Self::Deployment(_) => None,
            Self::Rollout { rollout, .. } => Some(rollout),
            Self::Canary { canary, .. } => Some(canary),
        }
    }

    /// The deployment that gets a new version; `None` where a Rollout has a template of its own.
    pub fn edited(&self) -> Option<&'f Deployment> {
        match self {
            Self::Deployment(row) => Some(row),
            Self::Rollout { workload, .. } => *workload,
            Self::Canary { target, .. } => *target,
        }
    }

    fn deployments(&self) -> [Option<&'f Deployment>; 2] {
        match self {
            Self::Deployment(row) => [Some(row), None],
            Self::Rollout { workload, .. } => [*workload, None],
            Self::Canary {
                target, primary, ..
            } => [*target, *primary],
        }
    }

    /// How much what is known of it can be trusted: the oldest part counts.
    pub fn heard(&self, fleet: &Fleet) -> Freshness {
        let parts = self.deployments().into_iter().flatten();
        let parts = parts.map(|row| row.heard(fleet));
        let sender = self.sender().map(|sender| sender.heard(fleet));
        parts.chain(sender).max().unwrap_or(Freshness::Never)
    }

    /// Who applies what is edited, and would put it back.
    pub fn owner(&self) -> Option<&'f Owner> {
        let edited = self.edited().map(|row| row.owner.as_ref());
        edited.unwrap_or_else(|| self.sender()?.owner.as_ref())
    }

    /// The main container of the version that it is to have.
    pub fn main(&self) -> Option<&'f Container> {
        let own = match self {
            Self::Rollout { rollout, .. } => rollout.image.as_ref(),
            Self::Deployment(_) | Self::Canary { .. } => None,
        };
        own.or_else(|| self.edited()?.main())
    }

    /// Its versions: replica sets.
    pub fn revisions(&self) -> &'f [Revision] {
        match self {
            Self::Deployment(row) => &row.revisions,
            Self::Rollout { rollout, .. } => &rollout.revisions,
            Self::Canary { target, .. } => target.map_or(&[], |row| &row.revisions),
        }
    }

    /// The revision that it is to have, where its replica sets were read.
    pub fn current(&self) -> Option<&'f Revision> {
        match self {
            Self::Deployment(row) => row.current(),
            Self::Rollout { rollout, .. } => rollout.revision(&rollout.current),
            Self::Canary { target, .. } => target.as_ref()?.current(),
        }
    }

    /// Whether it runs a version, or is to.
    pub fn has(&self, version: &Container) -> bool {
        self.main().is_some_and(|main| main.same_version(version))
    }

    /// Since when it is complete, as the cluster says.
    pub fn completed_at(&self) -> Option<Timestamp> {
        match self {
            Self::Deployment(row) => row.completed_at(),
            Self::Rollout { rollout, .. } => rollout.completed_at,
            Self::Canary { canary, .. } => canary.completed_at,
        }
    }

    /// Whether somebody holds it.
    pub fn held(&self) -> bool {
        match self {
            Self::Deployment(row) => row.paused,
            Self::Rollout { rollout, .. } => rollout.suspended,
            Self::Canary { canary, .. } => canary.suspended,
        }
    }
}
