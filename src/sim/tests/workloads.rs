//! What becomes of deployments that somebody edits: pods follow, a pause holds them, and an owner that reverts brings its version back.

use super::{Watching, place, time};
use crate::{
    resources::{
        Change, Fleet, Source,
        change::{Alter, Fate, Standing},
        clusters::{Cluster, node},
        deployments::{self, At, Deployment, Rollout, Version},
    },
    sim::apply,
};

const EU: &str = "eu-west-1";
const RELEASE: &str = "name = \"x\"\ntitle = \"t\"\nduration = 900\n[[timeline]]\nat = 1\nfault = \"release\"\nregion = \"eu-west-1\"\nversion = \"v9.0.0\"\n";

fn released(service: &str, outcome: &str) -> Watching {
    Watching::new(&format!(
        "{RELEASE}service = \"{service}\"\noutcome = \"{outcome}\"\n"
    ))
}

fn row<'a>(fleet: &'a Fleet, service: &str) -> &'a Deployment {
    let slice = fleet.deployments.slice(Source::Deployments, &place(EU));
    let mut rows = slice.unwrap().rows.iter();
    rows.find(|row| row.name == service).unwrap()
}

fn at(fleet: &Fleet, service: &str) -> At {
    At::of(place(EU).region().unwrap(), row(fleet, service))
}

/// Back to the revision before the present one.
fn back(fleet: &Fleet, service: &str) -> Change {
    let row = row(fleet, service);
    let version = |index: usize| Version::of(&row.revisions[index]).unwrap();
    Change::Deployments(deployments::Change::Revise {
        at: at(fleet, service),
        from: version(0),
        to: version(1),
    })
}

fn send(watching: &mut Watching, second: i64, change: &Change) -> Result<(), Fate> {
    watching.world.advance_to(time(second));
    let reply = apply::receive(&mut watching.world, change);
    reply.result.map(|_| ()).map_err(|error| error.fate)
}

#[test]
fn a_release_that_crashes_is_taken_back_and_its_pods_follow() {
    let mut watching = released("payments", "crashes");
    watching.poll(100);
    assert_eq!(row(&watching.fleet, "payments").logs[0].exit_code, 1);
    let change = back(&watching.fleet, "payments");
    assert_eq!(change.standing(&watching.fleet), Standing::Before);
    assert_eq!(send(&mut watching, 101, &change), Ok(()));
    watching.poll(101);
    // Its controller sees it a second later.
    assert!(matches!(
        change.standing(&watching.fleet),
        Standing::Underway(_)
    ));
    watching.poll(103);
    assert_eq!(change.standing(&watching.fleet), Standing::After);
    watching.poll(140);
    let now = row(&watching.fleet, "payments");
    assert_eq!(
        (now.rollout(), now.main().unwrap().tag()),
        (Rollout::Complete, Some("v1.9.8"))
    );
    // Sent again it is refused before it is sent; the way back of the way back is another change.
    assert_eq!(send(&mut watching, 141, &change), Err(Fate::NotSent));
    let again = change.inverse().unwrap();
    assert_eq!(again.standing(&watching.fleet), Standing::Before);
    // Nobody brings a chart back by itself.
    watching.poll(500);
    assert_eq!(
        row(&watching.fleet, "payments").main().unwrap().tag(),
        Some("v1.9.8")
    );
}

#[test]
fn an_owner_that_reverts_brings_its_version_back() {
    let mut watching = released("checkout", "crashes");
    watching.poll(100);
    let change = back(&watching.fleet, "checkout");
    assert_eq!(send(&mut watching, 101, &change), Ok(()));
    watching.poll(200);
    assert_eq!(
        row(&watching.fleet, "checkout").main().unwrap().tag(),
        Some("v2.14.3")
    );
    watching.poll(300);
    assert_eq!(
        row(&watching.fleet, "checkout").main().unwrap().tag(),
        Some("v9.0.0")
    );
    assert!(matches!(
        change.standing(&watching.fleet),
        Standing::Before | Standing::Underway(_)
    ));
}

#[test]
fn a_pause_holds_the_pods_until_it_is_resumed() {
    let mut watching = released("thumbnails", "good");
    watching.poll(5);
    let pause = Change::Deployments(deployments::Change::Pause {
        at: at(&watching.fleet, "thumbnails"),
        from: false,
        to: true,
    });
    assert_eq!(send(&mut watching, 6, &pause), Ok(()));
    watching.poll(200);
    assert_eq!(pause.standing(&watching.fleet), Standing::After);
    assert_eq!(
        row(&watching.fleet, "thumbnails").rollout(),
        Rollout::Paused
    );
    // What is written to a paused deployment would not roll out.
    let change = back(&watching.fleet, "thumbnails");
    assert!(matches!(
        change.standing(&watching.fleet),
        Standing::Other(_)
    ));
    assert_eq!(send(&mut watching, 201, &pause.inverse().unwrap()), Ok(()));
    watching.poll(230);
    assert_eq!(
        row(&watching.fleet, "thumbnails").rollout(),
        Rollout::Complete
    );
}

fn node_of(fleet: &Fleet, name: &str) -> node::Node {
    let slice = fleet.clusters.slice(Source::Nodes, &place(EU)).unwrap();
    let nodes = slice.rows.iter().find_map(|row| match row {
        Cluster::Nodes(nodes) => Some(&nodes.nodes),
        Cluster::Eks(_) | Cluster::NodeGroup(_) | Cluster::ApiServer(_) => None,
    });
    let mut nodes = nodes.unwrap().iter();
    nodes.find(|node| node.name == name).unwrap().clone()
}

fn node_at(name: &str) -> node::At {
    node::At {
        region: place(EU).region().unwrap().clone(),
        cluster: "shop-eu-west-1".to_owned(),
        node: name.to_owned(),
    }
}

/// Cordons a node and gives the eviction of its pod of payments.
fn eviction(watching: &mut Watching, second: i64, name: &str) -> Change {
    let cordon = Change::Nodes(node::Change::Cordon {
        at: node_at(name),
        from: false,
        to: true,
    });
    assert_eq!(send(watching, second, &cordon), Ok(()));
    watching.poll(second);
    assert_eq!(cordon.standing(&watching.fleet), Standing::After);
    let node = node_of(&watching.fleet, name);
    assert!(node.pods.as_ref().unwrap().iter().any(|pod| pod.stays));
    let movable = node.movable().unwrap();
    let mut pods = movable.iter();
    let pod = pods.find(|pod| pod.name.starts_with("payments")).unwrap();
    Change::Nodes(node::Change::Evict {
        at: node_at(name),
        namespace: pod.namespace.clone(),
        pod: pod.name.clone(),
        uid: pod.uid.clone(),
    })
}

#[test]
fn a_disruption_budget_says_no_until_the_moved_pod_is_there_again() {
    let mut watching = Watching::named("calm");
    watching.poll(5);
    let first = eviction(&mut watching, 6, "ip-10-0-0-10");
    let second = eviction(&mut watching, 7, "ip-10-0-1-11");
    assert_eq!(first.standing(&watching.fleet), Standing::Before);
    assert_eq!(send(&mut watching, 8, &first), Ok(()));
    // Three of four have to be there, and three are.
    assert_eq!(send(&mut watching, 9, &second), Err(Fate::Refused));
    watching.poll(9);
    assert_eq!(first.standing(&watching.fleet), Standing::After);
    assert_eq!(second.standing(&watching.fleet), Standing::Before);
    assert_eq!(row(&watching.fleet, "payments").replicas.available, 3);
    assert_eq!(send(&mut watching, 20, &second), Ok(()));
    watching.poll(40);
    let pods = &row(&watching.fleet, "payments").pods;
    let nodes = pods.iter().filter_map(|pod| pod.node.as_deref());
    assert!(
        nodes
            .clone()
            .all(|node| node != "ip-10-0-0-10" && node != "ip-10-0-1-11")
    );
    assert!(first.inverse().is_err());
}
