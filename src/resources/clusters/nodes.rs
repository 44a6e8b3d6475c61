//! How many nodes there are: Ready ones as the API servers count them, wanted ones as EKS says. Owns where both are looked up; must never take a wanted node for a Ready one.

use super::{ApiServerState, Cluster, NodeCount, NodeGroup};
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
    let grouped = servers
        .find(|server| server.name == cluster)
        .and_then(|server| server.ready_nodes.as_ref());
    if let Some(nodes) = grouped {
        // A group that is not named has no node that is Ready.
        return Some(nodes.get(node_group).copied().unwrap_or(0));
    }
    // A list of nodes is counted by cluster: it tells about a group that is alone there.
    let groups = groups(fleet, place).filter(|group| group.cluster == cluster);
    let mut counted = counted(fleet, place).filter(|nodes| nodes.cluster == cluster);
    let alone = groups.count() == 1;
    counted.next().filter(|_| alone).map(whole)
}

/// The clusters whose nodes were counted lately.
fn counted<'a>(fleet: &'a Fleet, place: &Place) -> impl Iterator<Item = &'a NodeCount> {
    let rows = rows(fleet, place, Source::Nodes);
    rows.iter().filter_map(|row| match row {
        Cluster::Nodes(nodes) if nodes.heard(fleet) < Freshness::Expired => Some(nodes),
        Cluster::Nodes(_) | Cluster::Eks(_) | Cluster::NodeGroup(_) | Cluster::ApiServer(_) => None,
    })
}

fn whole(nodes: &NodeCount) -> i32 {
    i32::try_from(nodes.ready()).unwrap_or(i32::MAX)
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
        let listed: Vec<(&str, i32)> = counted(fleet, &place)
            .map(|nodes| (nodes.cluster.as_str(), whole(nodes)))
            .collect();
        let grouped: Option<Vec<(&str, i32)>> = servers(fleet, &place)
            .map(|server| {
                let nodes = server.ready_nodes.as_ref()?;
                Some((server.name.as_str(), nodes.values().sum()))
            })
            .collect();
        let every = |known: &[(&str, i32)]| {
            let mut eks =
                rows(fleet, &place, Source::Clusters)
                    .iter()
                    .filter_map(|row| match row {
                        Cluster::Eks(cluster) => Some(cluster.name.as_str()),
                        Cluster::NodeGroup(_) | Cluster::ApiServer(_) | Cluster::Nodes(_) => None,
                    });
            !known.is_empty() && eks.all(|name| known.iter().any(|(counted, _)| *counted == name))
        };
        let all = [listed, grouped.unwrap_or_default()];
        let ready = all.iter().find(|known| every(known));
        let ready = ready.map(|known| known.iter().map(|(_, ready)| *ready).sum());
        let desired: Option<i32> = groups(fleet, &place).map(|group| group.desired).sum();
        let any = groups(fleet, &place).next().is_some();
        Self {
            ready,
            desired: desired.filter(|_| any),
            freshness: fleet.freshness(Source::Clusters, &place),
        }
    }
}
