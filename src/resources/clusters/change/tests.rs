//! How a change of a node group is recognised, in every standing.

use super::*;
use crate::resources::{
    Rows,
    fixtures::{self, label},
};

const HERE: &str = "eu-west-1";

const fn bounds(min: i32, max: i32) -> Bounds {
    Bounds { min, max }
}

fn standing(bounds_seen: Option<Bounds>, status: Option<&str>) -> Standing {
    let change = Change::Scale {
        region: label(HERE),
        cluster: "prod".to_owned(),
        node_group: "blue".to_owned(),
        from: bounds(2, 6),
        to: bounds(4, 6),
    };
    let mut fleet = fixtures::fleet(&[HERE]);
    let group = |cluster: &str, bounds, status: Option<&str>| {
        Cluster::NodeGroup(NodeGroup {
            name: "blue".to_owned(),
            cluster: cluster.to_owned(),
            status: status.map(ToOwned::to_owned),
            bounds,
            desired: Some(3),
            health_issues: Vec::new(),
        })
    };
    let rows = vec![
        // The same name in another cluster.
        group("test", Some(bounds(4, 6)), Some("ACTIVE")),
        group("prod", bounds_seen, status),
    ];
    let place = fixtures::place(HERE);
    fixtures::answer(
        &mut fleet,
        Source::Clusters,
        &place,
        5,
        Rows::Clusters(rows),
    );
    change.standing(&fleet)
}

#[test]
fn a_node_group_is_changed_when_its_bounds_are_and_no_update_runs() {
    let (old, new, other) = (Some(bounds(2, 6)), Some(bounds(4, 6)), Some(bounds(1, 9)));
    assert_eq!(standing(old, Some("ACTIVE")), Standing::Before);
    assert_eq!(standing(old, Some("DEGRADED")), Standing::Before);
    assert_eq!(standing(new, Some("ACTIVE")), Standing::After);
    for bounds in [old, new] {
        let underway = Standing::Underway("blue is UPDATING".to_owned());
        assert_eq!(standing(bounds, Some("UPDATING")), underway);
    }
    for status in ["ACTIVE", "UPDATING"] {
        let expected = Standing::Other("blue is 1 to 9 nodes, not 2 to 6 nodes".to_owned());
        assert_eq!(standing(other, Some(status)), expected);
    }
    for (bounds, status) in [(None, Some("ACTIVE")), (None, None), (new, None)] {
        let standing = standing(bounds, status);
        assert!(matches!(standing, Standing::Unknown(_)), "{standing:?}");
    }
}
