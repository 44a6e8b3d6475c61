//! How many nodes there are: Ready ones as the API servers count them, wanted ones as EKS says. Owns where both are looked up; must never take a wanted node for a Ready one.

use super::{ApiServerState, Cluster, NodeGroup};
use crate::resources::{Fleet, Freshness, Place, RegionLabel, Source};

/// The nodes of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nodes {
    /// Those that are Ready; `None` unless every cluster counts them.
    pub ready: Option<i32>,
    /// Those that the node groups want; `None` unless every group tells.
    pub desired: Option<i32>,
    /// How old the number of those that are wanted is.
    pub freshness: Freshness,
}

fn rows<'a>(fleet: &'a Fleet, place: &Place, source: Source) -> &'a [Cluster] {
    let slice = fleet.clusters.slice(source, place);
    slice.map_or(&[], |slice| &slice.rows)
}

/// The API servers that were counted lately.
fn servers<'a>(fleet: &'a Fleet, place: &Place) -> impl Iterator<Item = &'a ApiServerState> {
    let known = fleet.freshness(Source::ApiServers, place) < Freshness::Expired;
    rows(fleet, place, Source::ApiServers)
        .iter()
        .filter_map(move |row| match row {
            Cluster::ApiServer(server) if known && server.error.is_none() => Some(server),
            Cluster::ApiServer(_) | Cluster::Eks(_) | Cluster::NodeGroup(_) | Cluster::Nodes(_) => {
                None
            }
        })
}

/// The Ready nodes of a node group; `None` where nobody counts them, or nobody has lately.
pub fn ready(fleet: &Fleet, place: &Place, cluster: &str, node_group: &str) -> Option<i32> {
    let mut servers = servers(fleet, place);
    let nodes = servers
        .find(|server| server.name == cluster)?
        .ready_nodes
        .as_ref()?;
    // A group that is not named has no node that is Ready.
    Some(nodes.get(node_group).copied().unwrap_or(0))
}

/// A node group as EKS describes it.
pub fn group<'a>(
    fleet: &'a Fleet,
    place: &Place,
    cluster: &str,
    node_group: &str,
) -> Option<&'a NodeGroup> {
    groups(fleet, place).find(|group| group.cluster == cluster && group.name == node_group)
}

/// The node groups of a region.
pub fn groups<'a>(fleet: &'a Fleet, place: &Place) -> impl Iterator<Item = &'a NodeGroup> {
    let rows = rows(fleet, place, Source::Clusters);
    rows.iter().filter_map(|row| match row {
        Cluster::NodeGroup(group) => Some(group),
        Cluster::Eks(_) | Cluster::ApiServer(_) | Cluster::Nodes(_) => None,
    })
}

impl Nodes {
    /// Those of a region now.
    pub fn of(fleet: &Fleet, label: &RegionLabel) -> Self {
        let place = Place::Region(label.clone());
        let counted: Vec<&ApiServerState> = servers(fleet, &place).collect();
        let eks = rows(fleet, &place, Source::Clusters).iter();
        let every = eks.filter_map(|row| match row {
            Cluster::Eks(cluster) => Some(&cluster.name),
            Cluster::NodeGroup(_) | Cluster::ApiServer(_) | Cluster::Nodes(_) => None,
        });
        let complete = every
            .into_iter()
            .all(|name| counted.iter().any(|server| server.name == *name));
        let ready: Option<i32> = counted
            .iter()
            .map(|server| Some(server.ready_nodes.as_ref()?.values().sum::<i32>()))
            .sum();
        let desired: Option<i32> = groups(fleet, &place).map(|group| group.desired).sum();
        let any = groups(fleet, &place).next().is_some();
        Self {
            ready: ready.filter(|_| complete && !counted.is_empty()),
            desired: desired.filter(|_| any),
            freshness: fleet.freshness(Source::Clusters, &place),
        }
    }
}
