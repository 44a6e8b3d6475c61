//! What a region can serve: what is configured, scaled by the nodes that are there. Owns how it is derived, and says so; a node that is only wanted is never counted as if it were Ready without a word.

use crate::resources::{Fleet, Freshness, RegionLabel, clusters::nodes::Nodes};

/// What a region can serve.
#[derive(Debug, Clone, PartialEq)]
pub struct Capacity {
    /// Requests per second now; `None` where that is not known.
    pub rps: Option<f64>,
    /// The same once every node that is wanted is Ready.
    pub wanted_rps: Option<f64>,
    /// How old the number of nodes is; fresh where none is needed.
    pub freshness: Freshness,
    /// Whether it counts on more nodes than it was measured with, and nobody knows that they are Ready.
    pub presumed: bool,
    /// How it was derived, or why it is not known.
    pub how: String,
}

impl Capacity {
    /// That of a region now.
    pub fn of(fleet: &Fleet, label: &RegionLabel) -> Self {
        let spec = fleet.estate.region(label);
        let configured = spec
            .and_then(|spec| spec.capacity_rps)
            .filter(|capacity| *capacity > 0.0);
        let Some(configured) = configured else {
            return Self::unknown(format!("`capacity_rps` of {label} is not configured"));
        };
        let stated = spec
            .and_then(|spec| spec.capacity_nodes)
            .filter(|nodes| *nodes > 0.0);
        let Some(stated) = stated else {
            return Self {
                rps: Some(configured),
                wanted_rps: Some(configured),
                freshness: Freshness::Fresh,
                presumed: false,
                how: "as configured, whatever nodes there are".to_owned(),
            };
        };
        let nodes = Nodes::of(fleet, label);
        let scaled = |count: i32| configured * f64::from(count.max(0)) / stated;
        let measured = format!("{configured:.0} rps at {stated}");
        match (nodes.ready, nodes.desired) {
            (Some(ready), desired) => Self {
                rps: Some(scaled(ready)),
                wanted_rps: Some(scaled(desired.unwrap_or(ready))),
                freshness: Freshness::Fresh,
                presumed: false,
                how: format!("{ready} Ready nodes, {measured}"),
            },
            (None, Some(desired)) => Self {
                rps: Some(scaled(desired)),
                wanted_rps: Some(scaled(desired)),
                freshness: nodes.freshness,
                presumed: f64::from(desired) > stated,
                how: format!("{desired} nodes wanted, Ready not known, {measured}"),
            },
            (None, None) => Self::unknown(format!("the nodes of {label} are not known")),
        }
    }

    fn unknown(how: String) -> Self {
        Self {
            rps: None,
            wanted_rps: None,
            freshness: Freshness::Never,
            presumed: false,
            how,
        }
    }

    /// Requests per second now, unless the nodes were counted too long ago.
    pub fn usable(&self) -> Option<f64> {
        self.rps.filter(|_| self.freshness < Freshness::Expired)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::{
        Rows, Source,
        fixtures::{answer, estate, label, now, place, row},
    };

    const EU: &str = "eu-west-1";

    fn fleet(nodes: Option<f64>) -> Fleet {
        let mut estate = estate(&[EU]);
        estate.regions[0].capacity_nodes = nodes;
        Fleet::new(std::sync::Arc::new(estate), now())
    }

    fn wanted(fleet: &mut Fleet, desired: i32, seconds: u64) {
        let group = json!({"node_group": {"name": "web", "cluster": "shop", "status": "ACTIVE", "bounds": {"min": 1, "max": 30}, "desired": desired, "health_issues": []}});
        let rows = Rows::Clusters(vec![row(group)]);
        answer(fleet, Source::Clusters, &place(EU), seconds, rows);
    }

    fn ready(fleet: &mut Fleet, ready: Option<i32>, seconds: u64) {
        let nodes = ready.map(|ready| json!({"web": ready}));
        let server = json!({"api_server": {"name": "shop", "ready_nodes": nodes}});
        let rows = Rows::Clusters(vec![row(server)]);
        answer(fleet, Source::ApiServers, &place(EU), seconds, rows);
    }

    fn of(fleet: &Fleet) -> (Option<f64>, Option<f64>, bool) {
        let capacity = Capacity::of(fleet, &label(EU));
        (capacity.usable(), capacity.wanted_rps, capacity.presumed)
    }

    #[test]
    fn without_a_number_of_nodes_it_is_what_is_configured() {
        let mut fleet = fleet(None);
        wanted(&mut fleet, 18, 5);
        assert_eq!(of(&fleet), (Some(1_000.0), Some(1_000.0), false));
    }

    #[test]
    fn it_follows_the_nodes_that_are_ready() {
        let mut fleet = fleet(Some(10.0));
        assert_eq!(of(&fleet), (None, None, false), "nobody told yet");
        wanted(&mut fleet, 18, 5);
        assert_eq!(of(&fleet), (Some(1_800.0), Some(1_800.0), true));
        ready(&mut fleet, None, 5);
        assert_eq!(of(&fleet), (Some(1_800.0), Some(1_800.0), true));
        ready(&mut fleet, Some(12), 5);
        assert_eq!(of(&fleet), (Some(1_200.0), Some(1_800.0), false));
        let how = Capacity::of(&fleet, &label(EU)).how;
        assert_eq!(how, "12 Ready nodes, 1000 rps at 10");
    }

    /// What a watch of the cluster counted, last heard of so long ago.
    fn watched(fleet: &mut Fleet, ready: u32, seconds: i64) {
        let heard_at = now() - jiff::SignedDuration::from_secs(seconds);
        let zones = json!([{"name": "a", "ready": ready, "total": 20}]);
        let nodes = json!({"nodes": {"cluster": "shop", "heard_at": heard_at, "zones": zones, "cordoned": 0, "not_ready": [], "pressure": []}});
        let rows = Rows::Clusters(vec![row(nodes)]);
        answer(fleet, Source::Nodes, &place(EU), 0, rows);
    }

    #[test]
    fn a_watch_of_the_cluster_counts_too_while_it_is_heard() {
        let mut fleet = fleet(Some(10.0));
        wanted(&mut fleet, 18, 5);
        watched(&mut fleet, 12, 5);
        assert_eq!(of(&fleet), (Some(1_200.0), Some(1_800.0), false));
        watched(&mut fleet, 12, 4_000);
        assert_eq!(of(&fleet), (Some(1_800.0), Some(1_800.0), true));
    }

    #[test]
    fn an_old_count_is_no_count() {
        let mut fleet = fleet(Some(10.0));
        wanted(&mut fleet, 18, 4_000);
        ready(&mut fleet, Some(12), 4_000);
        assert_eq!(of(&fleet).0, None);
        wanted(&mut fleet, 18, 5);
        assert_eq!(of(&fleet), (Some(1_800.0), Some(1_800.0), true));
    }
}
