//! Changes of nodes: cordoned or not, and pods moved off one. Owns what is sent and how it is recognised afterwards; never whether it is safe.

use serde::{Deserialize, Serialize};

use super::{super::Cluster, Node};
use crate::resources::{
    Api, Estate, Fleet, Freshness, Place, RegionLabel, Source,
    change::{self, Alter, Class, Edit, Lever, Standing},
    clusters::NodeCount,
    traffic::quoted,
};

/// Where a node is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct At {
    /// Region.
    pub region: RegionLabel,
    /// Cluster, or kubeconfig context.
    pub cluster: String,
    /// Name.
    pub node: String,
}

impl At {
    /// The nodes of its cluster.
    pub fn cluster<'a>(&self, fleet: &'a Fleet) -> Option<&'a NodeCount> {
        let place = Place::Region(self.region.clone());
        let slice = fleet.clusters.slice(Source::Nodes, &place)?;
        slice.rows.iter().find_map(|row| match row {
            Cluster::Nodes(nodes) if nodes.cluster == self.cluster => Some(nodes),
            Cluster::Nodes(_) | Cluster::Eks(_) | Cluster::NodeGroup(_) | Cluster::ApiServer(_) => {
                None
            }
        })
    }

    /// The node in a fleet.
    pub fn find<'a>(&self, fleet: &'a Fleet) -> Option<&'a Node> {
        let mut nodes = self.cluster(fleet)?.nodes.iter();
        nodes.find(|node| node.name == self.node)
    }

    /// `ip-10-0-1-5 in eu-west-1`.
    pub fn words(&self) -> String {
        format!("{} in {}", self.node, self.region)
    }
}

/// A change of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// Whether it takes new pods.
    Cordon {
        /// Which.
        at: At,
        /// Whether it is expected to be cordoned.
        from: bool,
        /// Whether it will be.
        to: bool,
    },
    /// A pod is moved off it, as far as its disruption budget allows.
    Evict {
        /// Which node.
        at: At,
        /// Namespace of the pod.
        namespace: String,
        /// The pod.
        pod: String,
        /// Which pod of that name: another one is not evicted.
        uid: String,
    },
}

impl Change {
    /// Which node.
    pub fn at(&self) -> &At {
        match self {
            Self::Cordon { at, .. } | Self::Evict { at, .. } => at,
        }
    }

    /// What the node says about it.
    pub fn of_node(&self, node: &Node) -> Standing {
        match self {
            Self::Cordon { from, to, .. } => {
                let word = |cordoned: bool| if cordoned { "cordoned" } else { "not cordoned" };
                let seen = word(node.cordoned).to_owned();
                let (from, to) = (word(*from).to_owned(), word(*to).to_owned());
                Standing::of_value(&node.name, Some(&seen), &from, &to)
            }
            Self::Evict { pod, uid, .. } => {
                if !node.cordoned {
                    let text = format!("{} is not cordoned: it would get new pods", node.name);
                    return Standing::Other(text);
                }
                let Some(pods) = &node.pods else {
                    return Standing::Unknown(format!("the pods of {} are not listed", node.name));
                };
                match pods.iter().find(|known| known.uid == *uid) {
                    // It ends in its own time; that the node becomes empty is a wait of its own.
                    None => Standing::After,
                    Some(known) if known.leaving => Standing::After,
                    Some(known) if known.stays => Standing::Other(format!("{pod} stays")),
                    Some(_) => Standing::Before,
                }
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
            Self::Cordon { .. } => "kubernetes:PatchNodes",
            Self::Evict { .. } => "kubernetes:CreatePodsEviction",
        }
    }

    fn lever(&self) -> Lever {
        Lever::kubernetes(&self.at().cluster)
    }

    fn class(&self) -> Class {
        match self {
            Self::Cordon { .. } => Class::S,
            Self::Evict { .. } => Class::M,
        }
    }

    fn target(&self) -> String {
        let at = self.at();
        let node = format!("node/{}/{}/{}", at.region, at.cluster, at.node);
        match self {
            Self::Cordon { .. } => node,
            Self::Evict { namespace, pod, .. } => format!("{node}/{namespace}/{pod}"),
        }
    }

    fn reads(&self, _estate: &Estate) -> Vec<(Source, Place)> {
        vec![(Source::Nodes, self.place())]
    }

    fn standing(&self, fleet: &Fleet) -> Standing {
        let at = self.at();
        let Some(nodes) = at.cluster(fleet) else {
            return Standing::Unknown(format!("the nodes of {} are not listed", at.cluster));
        };
        if nodes.heard(fleet) >= Freshness::Expired {
            return Standing::Unknown(format!("{} is not heard", at.cluster));
        }
        match at.find(fleet) {
            Some(node) => self.of_node(node),
            None => Standing::Unknown(format!("node {} is not listed", at.words())),
        }
    }

    fn edits(&self) -> Vec<Edit> {
        vec![match self {
            Self::Cordon { at, from, to } => {
                let word = |cordoned: &bool| {
                    if *cordoned {
                        "cordoned"
                    } else {
                        "not cordoned"
                    }
                };
                Edit::new(at.words(), word(from), word(to))
            }
            Self::Evict {
                at, namespace, pod, ..
            } => Edit::new(format!("{namespace}/{pod}"), &at.node, "another node"),
        }]
    }

    fn inverse(&self) -> Result<change::Change, &'static str> {
        match self.clone() {
            Self::Cordon { at, from, to } => Ok(change::Change::Nodes(Self::Cordon {
                at,
                from: to,
                to: from,
            })),
            Self::Evict { .. } => Err("pods that were moved do not move back"),
        }
    }

    fn commands(&self) -> Vec<String> {
        let kubectl = format!("kubectl --context {}", quoted(&self.at().cluster));
        vec![match self {
            Self::Cordon { at, to, .. } => {
                let verb = if *to { "cordon" } else { "uncordon" };
                format!("{kubectl} {verb} {}", quoted(&at.node))
            }
            // kubectl has no verb for one eviction.
            Self::Evict { namespace, pod, .. } => format!(
                "{kubectl} create --raw /api/v1/namespaces/{namespace}/pods/{pod}/eviction -f - <<< '{{\"apiVersion\":\"policy/v1\",\"kind\":\"Eviction\",\"metadata\":{{\"name\":\"{pod}\",\"namespace\":\"{namespace}\"}}}}'"
            ),
        }]
    }
}
