//! How this kind behaves in the simulated world: one EKS cluster per region with one node group, and its API server. Owns no state.

use std::{collections::BTreeMap, time::Duration};

use super::{
    super::{Place, Wanted, deployments},
    ApiServer, ApiServerState, Bounds, Cluster, EksCluster, NodeCount, NodeGroup,
    node::{Node, Occupant, Room},
    node_count::Zone,
};
use crate::sim::{World, names, world::releases::node_name};

/// The answers of `ListClusters`, `DescribeCluster`, `ListNodegroups` and `DescribeNodegroup`.
pub fn observe(world: &World, place: &Place) -> Vec<Cluster> {
    let Some(region) = world.region(place) else {
        return Vec::new();
    };
    let aws = world.aws_region(region);
    let name = names::eks(aws);
    let id = names::hex(&name).to_uppercase();
    let nodes = &world.nodes[region];
    let group = NodeGroup {
        name: names::NODE_GROUP.to_owned(),
        cluster: name.clone(),
        status: Some(
            if nodes.updating(world.now()) {
                "UPDATING"
            } else {
                "ACTIVE"
            }
            .to_owned(),
        ),
        bounds: Some(Bounds {
            min: nodes.min,
            max: nodes.max,
        }),
        desired: Some(nodes.desired),
        health_issues: Vec::new(),
    };
    let cluster = EksCluster {
        arn: Some(names::arn("eks", aws, &format!("cluster/{name}"))),
        status: "ACTIVE".to_owned(),
        version: Some("1.33".to_owned()),
        platform_version: Some("eks.9".to_owned()),
        support: Some("STANDARD".to_owned()),
        health_issues: Vec::new(),
        api_server: ApiServer {
            name: name.clone(),
            endpoint: Some(format!("https://{id}.gr7.{aws}.eks.amazonaws.com")),
            // The simulated world has no certificates: nobody connects to it.
            certificate_authority: None,
        },
        name,
    };
    vec![Cluster::Eks(cluster), Cluster::NodeGroup(group)]
}

/// What the watch of the region's nodes has: they are spread over three zones, of which one may be lost.
pub fn nodes(world: &World, place: &Place) -> Vec<Cluster> {
    let Some(region) = world.region(place) else {
        return Vec::new();
    };
    let aws = world.aws_region(region);
    let lost = world.faults.zone_lost(region, world.now()).is_some();
    let all = u32::try_from(world.nodes[region].ready).unwrap_or_default();
    let zone = |index: u32, letter: &str| {
        let total = all / 3 + u32::from(index < all % 3);
        Zone {
            name: format!("{aws}{letter}"),
            ready: if lost && index == 0 { 0 } else { total },
            total,
        }
    };
    let zones = vec![zone(0, "a"), zone(1, "b"), zone(2, "c")];
    let gone = zones[0].total - zones[0].ready;
    vec![Cluster::Nodes(NodeCount {
        cluster: names::eks(aws),
        heard_at: Some(world.timestamp(world.now())),
        zones,
        cordoned: u32::try_from(
            world
                .hands
                .cordoned
                .iter()
                .filter(|(of, _)| *of == region)
                .count(),
        )
        .unwrap_or_default(),
        not_ready: (0..gone)
            .map(|node| format!("ip-10-0-0-{}", 10 + node))
            .collect(),
        pressure: Vec::new(),
        nodes: each(world, place, region, all),
    })]
}

/// What a node gives to pods: 8 cores and 32 GiB less what it needs itself.
const NODE: Room = Room {
    cpu_milli: 7_910,
    memory_bytes: 30 << 30,
    pods: 58,
};
/// What a pod of the shop asks for.
const POD: Room = Room {
    cpu_milli: 1_000,
    memory_bytes: 2 << 30,
    pods: 1,
};
/// What the pod of the DaemonSet asks for.
const PROXY: Room = Room {
    cpu_milli: 100,
    memory_bytes: 64 << 20,
    pods: 1,
};

/// Each node, and the pods of those that are cordoned: those of the shop, and one of a DaemonSet.
fn each(world: &World, place: &Place, region: usize, all: u32) -> Vec<Node> {
    let aws = world.aws_region(region);
    let lost = world.faults.zone_lost(region, world.now()).is_some();
    let rows = deployments::sim::observe(world, place);
    let on = |name: &str| {
        let mut pods: Vec<Occupant> = vec![Occupant {
            namespace: "kube-system".to_owned(),
            name: format!("kube-proxy-{}", &names::hex(name)[..5]),
            uid: names::uuid(&format!("kube-proxy/{name}")),
            controller: Some("DaemonSet kube-proxy".to_owned()),
            stays: true,
            leaving: false,
            scratch: false,
            requests: PROXY,
        }];
        for row in &rows {
            let here = row
                .pods
                .iter()
                .filter(|pod| pod.node.as_deref() == Some(name));
            pods.extend(here.map(|pod| {
                Occupant {
                    namespace: row.namespace.clone(),
                    uid: names::uuid(&pod.name),
                    controller: pod
                        .name
                        .rsplit_once('-')
                        .map(|(set, _)| format!("ReplicaSet {set}")),
                    name: pod.name.clone(),
                    stays: false,
                    leaving: false,
                    scratch: false,
                    requests: POD,
                }
            }));
        }
        pods
    };
    let any = world.hands.cordoned.iter().any(|(of, _)| *of == region);
    (0..i32::try_from(all).unwrap_or_default())
        .map(|index| {
            let name = node_name(index);
            let letter = ["a", "b", "c"][index.rem_euclid(3) as usize];
            let cordoned = world.hands.cordoned.contains(&(region, name.clone()));
            Node {
                zone: Some(format!("{aws}{letter}")),
                group: Some(names::NODE_GROUP.to_owned()),
                ready: Some(!lost || index.rem_euclid(3) != 0),
                cordoned,
                allocatable: Some(NODE),
                requested: any.then(|| on(&name).iter().map(|pod| pod.requests).sum()),
                pods: cordoned.then(|| on(&name)),
                name,
            }
        })
        .collect()
}

/// What each API server that is asked for says.
pub fn api_servers(world: &World, place: &Place, wanted: &Wanted) -> Vec<Cluster> {
    let Wanted::ApiServers(wanted) = wanted else {
        return Vec::new();
    };
    let Some(region) = world.region(place) else {
        return Vec::new();
    };
    let known = names::eks(world.aws_region(region));
    let states = wanted.iter().map(|server| {
        let error = if world.faults.down(region) {
            Some("no answer in 10 s")
        } else if server.name == known {
            None
        } else {
            Some("no such host")
        };
        let far = world.shape.regions[region].p95_ms;
        let milliseconds = far * world.noise.long_tail(&server.name, world.now(), 0.2);
        ApiServerState {
            name: server.name.clone(),
            version: error.is_none().then(|| "v1.33.5-eks-113cf36".to_owned()),
            latency: error
                .is_none()
                .then(|| Duration::from_secs_f64(milliseconds / 1_000.0)),
            error: error.map(str::to_owned),
            answered_before: false,
            ready_nodes: error.is_none().then(|| {
                let ready = world.nodes[region].ready;
                BTreeMap::from([(names::NODE_GROUP.to_owned(), ready)])
            }),
        }
    });
    states.map(Cluster::ApiServer).collect()
}
