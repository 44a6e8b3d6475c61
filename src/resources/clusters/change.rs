//! Changes of clusters: the size of an EKS node group. Owns what is sent and how it is recognised afterwards; never whether it is safe.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Cluster, NodeGroup};
use crate::resources::{
    Api, Estate, Fleet, Place, RegionLabel, Source,
    change::{self, Alter, Class, Edit, Lever, Standing},
    levers::Plane,
    traffic::quoted,
};

/// The size of a node group, in nodes. An autoscaler moves `desired` by itself, so only the bounds are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// At least.
    pub min: i32,
    /// At most.
    pub max: i32,
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} nodes", self.min, self.max)
    }
}

/// A change of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// The bounds of an EKS node group.
    Scale {
        /// Where.
        region: RegionLabel,
        /// Cluster.
        cluster: String,
        /// Node group.
        node_group: String,
        /// Bounds that are expected.
        from: Bounds,
        /// New bounds.
        to: Bounds,
    },
}

impl Change {
    /// What the node group says about it.
    pub(super) fn of_node_group(&self, group: &NodeGroup) -> Standing {
        let Self::Scale {
            node_group,
            from,
            to,
            ..
        } = self;
        let Some(bounds) = group.bounds else {
            return Standing::Unknown(format!("the bounds of {node_group} are not known"));
        };
        let standing = Standing::of_value(node_group, Some(&bounds), from, to);
        match (standing, group.status.as_deref()) {
            // Whatever the bounds say by then: EKS takes one update at a time.
            (
                Standing::Before | Standing::After,
                Some(status @ ("UPDATING" | "CREATING" | "DELETING")),
            ) => Standing::Underway(format!("{node_group} is {status}")),
            (Standing::Before | Standing::After, None) => {
                Standing::Unknown(format!("the status of {node_group} is not known"))
            }
            (standing, _) => standing,
        }
    }
}

impl Alter for Change {
    fn place(&self) -> Place {
        let Self::Scale { region, .. } = self;
        Place::Region(region.clone())
    }

    fn api(&self) -> Api {
        Api::Eks
    }

    fn operation(&self) -> &'static str {
        "eks:UpdateNodegroupConfig"
    }

    fn lever(&self) -> Lever {
        Lever {
            name: "EKS".to_owned(),
            plane: Plane::Control,
            home: self.place().to_string(),
        }
    }

    fn class(&self) -> Class {
        Class::S
    }

    fn target(&self) -> String {
        let Self::Scale {
            region,
            cluster,
            node_group,
            ..
        } = self;
        format!("eks/{region}/{cluster}/{node_group}")
    }

    fn reads(&self, _estate: &Estate) -> Vec<(Source, Place)> {
        vec![(Source::Clusters, self.place())]
    }

    fn standing(&self, fleet: &Fleet) -> Standing {
        let Self::Scale {
            cluster,
            node_group,
            ..
        } = self;
        let named = |row: &'_ Cluster| match row {
            Cluster::NodeGroup(group) if group.cluster == *cluster && group.name == *node_group => {
                Some(self.of_node_group(group))
            }
            Cluster::NodeGroup(_) | Cluster::Nodes(_) | Cluster::Eks(_) | Cluster::ApiServer(_) => {
                None
            }
        };
        fleet
            .clusters
            .slice(Source::Clusters, &self.place())
            .and_then(|slice| slice.rows.iter().find_map(named))
            .unwrap_or_else(|| {
                Standing::Unknown(format!("node group {cluster}/{node_group} is not listed"))
            })
    }

    fn edits(&self) -> Vec<Edit> {
        let Self::Scale {
            cluster,
            node_group,
            from,
            to,
            ..
        } = self;
        vec![Edit::new(format!("{cluster}/{node_group}"), from, to)]
    }

    fn inverse(&self) -> Result<change::Change, &'static str> {
        let Self::Scale {
            region,
            cluster,
            node_group,
            from,
            to,
        } = self.clone();
        Ok(change::Change::Clusters(Self::Scale {
            region,
            cluster,
            node_group,
            from: to,
            to: from,
        }))
    }

    fn commands(&self) -> Vec<String> {
        let Self::Scale {
            region,
            cluster,
            node_group,
            to,
            ..
        } = self;
        vec![format!(
            "aws eks update-nodegroup-config --region {region} --cluster-name {} --nodegroup-name {} --scaling-config minSize={},maxSize={}",
            quoted(cluster),
            quoted(node_group),
            to.min,
            to.max
        )]
    }
}

#[cfg(test)]
mod tests;
