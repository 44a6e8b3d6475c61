//! How routes behave in the simulated world: one that nobody owns, and one that its owner puts back. Owns no state; `sim::world::mesh` lives it.

use jiff::Timestamp;

use super::{Parent, RouteBackend, RouteKind, RouteRule};
use crate::{
    resources::{
        Place, RegionLabel,
        deployments::Owner,
        traffic::{Mechanism, Split},
    },
    sim::{
        World, names,
        scenario::RegionShape,
        world::mesh::{FREE, OWNED, SPANNING},
    },
};

/// The namespace of the shop.
const NAMESPACE: &str = "shop";

/// What the watches of the region's cluster have.
pub fn observe(world: &World, place: &Place) -> Vec<Split> {
    let (Some(region), Some(label)) = (world.region(place), place.region()) else {
        return Vec::new();
    };
    let Some(mesh) = world.mesh.get(region) else {
        return Vec::new();
    };
    let cluster = names::cluster(world.aws_region(region));
    let (noise, t) = (world.noise, world.now());
    let heard = Some(world.timestamp(t));
    let observed = mesh.observed_generation(t);
    let free = mesh.free.seen(noise, "watch", t);
    let free = backends(
        &cluster,
        RouteKind::HttpRoute,
        FREE,
        *free,
        heard,
        |backend| {
            backend.generation = mesh.generation;
            backend.hosts = vec![names::API_NAME.to_owned()];
            "/catalog".clone_into(&mut backend.matches);
            backend.parents = vec![parent(observed)];
        },
    );
    let owned = mesh.owned.seen(noise, "watch", t);
    let owned = backends(
        &cluster,
        RouteKind::VirtualService,
        OWNED,
        *owned,
        heard,
        |backend| {
            backend.hosts = vec![OWNED.to_owned()];
            backend.owner = Some(owner(label));
        },
    );
    let between = mesh
        .between
        .as_ref()
        .map(|weights| spanning(world, &cluster, weights.seen(noise, "watch", t), heard));
    let between = between.into_iter().flatten();
    free.into_iter().chain(owned).chain(between).collect()
}

/// One subset for each region.
fn spanning(world: &World, cluster: &str, weights: &[u32], heard: Option<Timestamp>) -> Vec<Split> {
    let regions = world.shape.regions.iter().zip(weights);
    let row = |(region, weight): (&RegionShape, &u32)| {
        let subset = region.label.to_string();
        let member = format!("{SPANNING}:{subset}");
        one(
            cluster,
            RouteKind::VirtualService,
            SPANNING,
            member,
            *weight,
            heard,
            |backend| {
                backend.hosts = vec![names::API_NAME.to_owned()];
            },
        )
    };
    regions.map(row).collect()
}

fn parent(observed_generation: i64) -> Parent {
    Parent {
        name: "public/https".to_owned(),
        observed_generation,
        accepted: Some(true),
        resolved: Some(true),
        reason: None,
    }
}

fn owner(label: &RegionLabel) -> Owner {
    Owner {
        by: "Argo CD".to_owned(),
        name: Some(format!("shop-{label}")),
        reverts: true,
    }
}

fn backends(
    cluster: &str,
    kind: RouteKind,
    name: &str,
    weights: [u32; 2],
    heard_at: Option<Timestamp>,
    with: impl Fn(&mut RouteBackend),
) -> Vec<Split> {
    let members = match kind {
        RouteKind::HttpRoute | RouteKind::GrpcRoute => [name.to_owned(), format!("{name}-canary")],
        RouteKind::VirtualService => [format!("{name}:stable"), format!("{name}:canary")],
    };
    let both = members.into_iter().zip(weights);
    both.map(|(member, weight)| one(cluster, kind, name, member, weight, heard_at, &with))
        .collect()
}

/// One backend, with what is its own.
fn one(
    cluster: &str,
    kind: RouteKind,
    name: &str,
    member: String,
    weight: u32,
    heard_at: Option<Timestamp>,
    with: impl Fn(&mut RouteBackend),
) -> Split {
    let (service, subset) = match member.split_once(':') {
        Some((service, subset)) => (service.to_owned(), Some(subset.to_owned())),
        None => (member.clone(), None),
    };
    let mut backend = RouteBackend {
        rule: RouteRule {
            cluster: cluster.to_owned(),
            kind,
            version: "v1".to_owned(),
            namespace: NAMESPACE.to_owned(),
            name: name.to_owned(),
            index: 0,
        },
        rule_name: None,
        matches: String::new(),
        hosts: Vec::new(),
        service,
        service_namespace: NAMESPACE.to_owned(),
        subset,
        version: None,
        topology: None,
        weight,
        generation: 1,
        parents: Vec::new(),
        owner: None,
        heard_at,
    };
    with(&mut backend);
    Split {
        split: format!("{}/{}/{name}", kind.singular(), NAMESPACE),
        member,
        by: Mechanism::Route(backend),
    }
}
