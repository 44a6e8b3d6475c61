//! Changes of deployments: paused or not, restarted, another revision, another floor of the autoscaler, another number of pods.
//! Owns what is sent and how it is recognised afterwards; never whether it is safe.

mod standing;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Deployment, Revision};
use crate::resources::{
    Api, Estate, Fleet, Freshness, Place, RegionLabel, Source,
    change::{self, Alter, Class, Edit, Lever, Standing},
    traffic::quoted,
};

/// Where a deployment is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct At {
    /// Region.
    pub region: RegionLabel,
    /// Cluster, or kubeconfig context.
    pub cluster: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl At {
    /// What a row in a place is.
    pub fn of(region: &RegionLabel, row: &Deployment) -> Self {
        Self {
            region: region.clone(),
            cluster: row.cluster.clone(),
            namespace: row.namespace.clone(),
            name: row.name.clone(),
        }
    }

    /// The row in a fleet.
    pub fn find<'a>(&self, fleet: &'a Fleet) -> Option<&'a Deployment> {
        let place = Place::Region(self.region.clone());
        let slice = fleet.deployments.slice(Source::Deployments, &place)?;
        slice.rows.iter().find(|row| {
            (&row.cluster, &row.namespace, &row.name)
                == (&self.cluster, &self.namespace, &self.name)
        })
    }

    /// `shop/api in eu-west-1`.
    pub fn words(&self) -> String {
        format!("{}/{} in {}", self.namespace, self.name, self.region)
    }

    /// The beginning of every command by hand.
    fn kubectl(&self) -> String {
        let (cluster, namespace) = (quoted(&self.cluster), quoted(&self.namespace));
        format!("kubectl --context {cluster} -n {namespace}")
    }
}

/// A revision, by what stays the same when its number does not: its replica set. Going back to it gives it a new number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its number when it was seen.
    pub number: u64,
    /// Name of its replica set.
    pub replica_set: String,
    /// Image of its main container.
    pub image: String,
}

impl Version {
    /// A revision that can be gone back to; `None` where its number or image is not known.
    pub fn of(revision: &Revision) -> Option<Self> {
        Some(Self {
            number: revision.number?,
            replica_set: revision.replica_set.clone(),
            image: revision.image.clone()?,
        })
    }

    /// Tag or digest: what fits into a line.
    pub fn short(&self) -> &str {
        let name = self.image.rsplit('/').next().unwrap_or(&self.image);
        let digest = name.split_once('@').map(|(_, digest)| digest);
        let tag = name.split_once(':').map(|(_, tag)| tag);
        digest.or(tag).unwrap_or(name)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (revision {})", self.short(), self.number)
    }
}

/// Between how many pods an autoscaler may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    /// At least.
    pub min: i32,
    /// At most.
    pub max: i32,
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} pods", self.min, self.max)
    }
}

/// A change of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// Its roll-out is held, or goes on.
    Pause {
        /// Which.
        at: At,
        /// Whether it is expected to be paused.
        from: bool,
        /// Whether it will be.
        to: bool,
    },
    /// Its pods are replaced by pods of the same version.
    Restart {
        /// Which.
        at: At,
        /// The note of the last restart that is expected.
        from: Option<String>,
        /// The new note: a time.
        to: String,
    },
    /// It goes to the template of another revision.
    Revise {
        /// Which.
        at: At,
        /// The revision that is expected.
        from: Version,
        /// The one that it will be.
        to: Version,
    },
    /// Its main container gets another image, and keeps everything else.
    Image {
        /// Which.
        at: At,
        /// Name of the container.
        container: String,
        /// The image that is expected.
        from: String,
        /// The one that it will be.
        to: String,
    },
    /// Between how many pods its autoscaler may choose.
    Scale {
        /// Which.
        at: At,
        /// Name of the autoscaler.
        autoscaler: String,
        /// What is expected.
        from: Floor,
        /// What it becomes.
        to: Floor,
    },
    /// How many pods it has, where no autoscaler says so.
    Resize {
        /// Which.
        at: At,
        /// What is expected.
        from: i32,
        /// What it becomes.
        to: i32,
    },
}

impl Change {
    /// Which deployment.
    pub fn at(&self) -> &At {
        match self {
            Self::Pause { at, .. }
            | Self::Restart { at, .. }
            | Self::Revise { at, .. }
            | Self::Image { at, .. }
            | Self::Scale { at, .. }
            | Self::Resize { at, .. } => at,
        }
    }

    /// What the row says about it, whatever its age.
    pub fn of_row(&self, row: &Deployment) -> Standing {
        let standing = self.of_values(row);
        // The controller has to have seen what is written: until then its numbers are about something older (domain A.3).
        let written = !matches!(self, Self::Scale { .. });
        if standing == Standing::After && written && row.observed_generation < row.generation {
            return Standing::Underway("its controller has not seen it yet".to_owned());
        }
        standing
    }

    fn of_values(&self, row: &Deployment) -> Standing {
        let name = &row.name;
        match self {
            Self::Pause { from, to, .. } => {
                let word = |paused: bool| if paused { "paused" } else { "not paused" };
                let seen = word(row.paused).to_owned();
                let (from, to) = (word(*from).to_owned(), word(*to).to_owned());
                Standing::of_value(name, Some(&seen), &from, &to)
            }
            Self::Restart { from, to, .. } => match &row.restarted_at {
                Some(seen) if seen == to => Standing::After,
                seen if seen == from => Standing::Before,
                Some(seen) => Standing::Other(format!("{name} was restarted at {seen}")),
                None => Standing::Other(format!("{name} has lost the note of its last restart")),
            },
            Self::Revise { from, to, .. } => standing::of_revision(row, from, to),
            Self::Image {
                container,
                from,
                to,
                ..
            } => standing::of_image(row, container, from, to),
            Self::Scale {
                autoscaler,
                from,
                to,
                ..
            } => {
                let scaler = row.autoscaler.as_ref();
                let scaler = scaler.filter(|scaler| scaler.name == *autoscaler);
                let seen = scaler.map(|scaler| Floor {
                    min: scaler.min,
                    max: scaler.max,
                });
                Standing::of_value(autoscaler, seen.as_ref(), from, to)
            }
            Self::Resize { from, to, .. } => {
                if let Some(scaler) = &row.autoscaler {
                    let text = format!("{} says by now how many pods {name} has", scaler.name);
                    return Standing::Other(text);
                }
                Standing::of_value(name, Some(&row.replicas.desired), from, to)
            }
        }
    }
}

impl Alter for Change {
    fn place(&self) -> Place {
        Place::Region(self.at().region.clone())
    }

    fn api(&self) -> Api {
        Api::Kubernetes
    }

    fn operation(&self) -> &'static str {
        match self {
            Self::Pause { .. }
            | Self::Restart { .. }
            | Self::Revise { .. }
            | Self::Image { .. } => "kubernetes:PatchDeployments",
            Self::Scale { .. } => "kubernetes:PatchHorizontalPodAutoscalers",
            Self::Resize { .. } => "kubernetes:PatchDeploymentsScale",
        }
    }

    fn lever(&self) -> Lever {
        Lever::kubernetes(&self.at().cluster)
    }

    fn class(&self) -> Class {
        match self {
            Self::Pause { .. } | Self::Scale { .. } | Self::Resize { .. } => Class::S,
            Self::Restart { .. } | Self::Revise { .. } | Self::Image { .. } => Class::M,
        }
    }

    fn target(&self) -> String {
        let at = self.at();
        format!(
            "deployment/{}/{}/{}/{}",
            at.region, at.cluster, at.namespace, at.name
        )
    }

    fn reads(&self, _estate: &Estate) -> Vec<(Source, Place)> {
        vec![(Source::Deployments, self.place())]
    }

    fn standing(&self, fleet: &Fleet) -> Standing {
        let at = self.at();
        let Some(row) = at.find(fleet) else {
            return Standing::Unknown(format!("deployment {} is not listed", at.words()));
        };
        // A watch that is silent shows what was: nothing is sent on it, and nothing is called not taken.
        if row.heard(fleet) >= Freshness::Expired {
            return Standing::Unknown(format!("{} is not heard", at.cluster));
        }
        self.of_row(row)
    }

    fn edits(&self) -> Vec<Edit> {
        let what = self.at().words();
        vec![match self {
            Self::Pause { from, to, .. } => {
                let word = |paused: &bool| if *paused { "paused" } else { "not paused" };
                Edit::new(what, word(from), word(to))
            }
            Self::Restart { from, to, .. } => {
                let from = from.as_deref().unwrap_or("never restarted");
                Edit::new(what, from, format!("restarted at {to}"))
            }
            Self::Revise { from, to, .. } => Edit::new(what, from, to),
            Self::Image { from, to, .. } => Edit::new(what, from, to),
            Self::Scale { from, to, .. } => Edit::new(what, from, to),
            Self::Resize { from, to, .. } => {
                Edit::new(what, format!("{from} pods"), format!("{to} pods"))
            }
        }]
    }

    fn inverse(&self) -> Result<change::Change, &'static str> {
        let turned = match self.clone() {
            Self::Restart { .. } => return Err("pods that were replaced are gone"),
            Self::Pause { at, from, to } => Self::Pause {
                at,
                from: to,
                to: from,
            },
            Self::Revise { at, from, to } => Self::Revise {
                at,
                from: to,
                to: from,
            },
            Self::Image {
                at,
                container,
                from,
                to,
            } => Self::Image {
                at,
                container,
                from: to,
                to: from,
            },
            Self::Scale {
                at,
                autoscaler,
                from,
                to,
            } => Self::Scale {
                at,
                autoscaler,
                from: to,
                to: from,
            },
            Self::Resize { at, from, to } => Self::Resize {
                at,
                from: to,
                to: from,
            },
        };
        Ok(change::Change::Deployments(turned))
    }

    fn commands(&self) -> Vec<String> {
        let (at, name) = (self.at(), quoted(&self.at().name));
        let kubectl = at.kubectl();
        vec![match self {
            Self::Pause { to: true, .. } => format!("{kubectl} rollout pause deployment/{name}"),
            Self::Pause { .. } => format!("{kubectl} rollout resume deployment/{name}"),
            Self::Restart { .. } => format!("{kubectl} rollout restart deployment/{name}"),
            Self::Revise { to, .. } => format!(
                "{kubectl} rollout undo deployment/{name} --to-revision={}",
                to.number
            ),
            Self::Image { container, to, .. } => format!(
                "{kubectl} set image deployment/{name} {}",
                quoted(&format!("{container}={to}"))
            ),
            Self::Scale { autoscaler, to, .. } => format!(
                "{kubectl} patch horizontalpodautoscaler {} --type=merge -p '{{\"spec\":{{\"minReplicas\":{},\"maxReplicas\":{}}}}}'",
                quoted(autoscaler),
                to.min,
                to.max
            ),
            Self::Resize { from, to, .. } => format!(
                "{kubectl} scale deployment/{name} --current-replicas={from} --replicas={to}"
            ),
        }]
    }
}

#[cfg(test)]
mod tests;
