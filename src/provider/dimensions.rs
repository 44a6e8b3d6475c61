//! Under which dimension sets CloudWatch publishes what is wanted (domain A.9 rule 7). Owns what was learned, for how long it holds, and which sets answer for a series; calls nothing.
//!
//! CloudWatch matches dimension sets exactly: `DBClusterIdentifier` alone finds nothing where the series is published with
//! `DBClusterIdentifier` and `SourceRegion`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    time::Duration,
};

use tokio::time::Instant;

use crate::resources::metrics::SeriesSpec;

/// Names and values of one published series, sorted by name.
pub type DimensionSet = Vec<(String, String)>;

/// A metric, by namespace and name.
pub type MetricName = (String, String);

/// What was learned holds for this long.
const HOLDS: Duration = Duration::from_secs(3600);
/// A metric whose series stay empty is looked up again after this: lag metrics move to another region with the role.
const AGAIN: Duration = Duration::from_secs(300);
/// A series made of more sets than this is cut: each set is billed.
const MOST: usize = 50;

/// The dimension sets learned so far in one place.
#[derive(Debug, Default)]
pub struct Catalogue {
    learned: Mutex<BTreeMap<MetricName, Learned>>,
}

#[derive(Debug)]
struct Learned {
    /// When it was last looked up, or tried to be.
    at: Instant,
    sets: Vec<DimensionSet>,
}

impl Catalogue {
    /// The sets to ask for a series: those that are published for it, or else its own dimensions.
    pub fn sets(&self, spec: &SeriesSpec) -> Vec<DimensionSet> {
        let own = || vec![sorted(spec.dimensions.clone())];
        let Ok(learned) = self.learned.lock() else {
            return own();
        };
        let known = learned
            .get(&metric_name(spec))
            .filter(|learned| learned.at.elapsed() < HOLDS);
        let found = known.map_or_else(Vec::new, |known| matching(spec, &known.sets));
        if found.is_empty() { own() } else { found }
    }

    /// The metrics to look up because these series came back empty, each once.
    pub fn due<'a>(&self, empty: impl Iterator<Item = &'a SeriesSpec>) -> Vec<MetricName> {
        let Ok(learned) = self.learned.lock() else {
            return Vec::new();
        };
        let names: BTreeSet<MetricName> = empty.map(metric_name).collect();
        let known = |name: &MetricName| {
            learned
                .get(name)
                .is_some_and(|known| known.at.elapsed() < AGAIN)
        };
        names.into_iter().filter(|name| !known(name)).collect()
    }

    /// Remembers that a look-up failed, so that it is not tried again at once; what was known before stays.
    pub fn postpone(&self, name: MetricName) {
        if let Ok(mut learned) = self.learned.lock() {
            let at = Instant::now();
            let sets = Vec::new();
            learned.entry(name).or_insert(Learned { at, sets }).at = at;
        }
    }

    /// Remembers what is published for a metric; nothing is worth remembering too.
    pub fn learn(&self, name: MetricName, sets: Vec<DimensionSet>) {
        if let Ok(mut learned) = self.learned.lock() {
            let sets = sets.into_iter().map(sorted).collect();
            let at = Instant::now();
            learned.insert(name, Learned { at, sets });
        }
    }
}

fn metric_name(spec: &SeriesSpec) -> MetricName {
    (spec.namespace.clone(), spec.name.clone())
}

fn sorted(mut set: DimensionSet) -> DimensionSet {
    set.sort();
    set
}

/// The published sets that together are the wanted series; empty when none is.
///
/// An exact match wins. Otherwise the smallest sets that hold all wanted dimensions count, and of these only one family of names:
/// a load balancer per zone and per target group holds the same traffic twice.
fn matching(spec: &SeriesSpec, published: &[DimensionSet]) -> Vec<DimensionSet> {
    let own = sorted(spec.dimensions.clone());
    if published.contains(&own) {
        return vec![own];
    }
    let holds_all = |set: &&DimensionSet| own.iter().all(|wanted| set.contains(wanted));
    let family = smallest_family(published.iter().filter(holds_all));
    if !family.is_empty() {
        return family;
    }
    replication_group(spec).map_or_else(Vec::new, |group| {
        let of_node = |set: &&DimensionSet| {
            let node = set.iter().find(|(name, _)| name == "CacheClusterId");
            node.is_some_and(|(_, id)| is_node(id, group))
        };
        smallest_family(published.iter().filter(of_node))
    })
}

fn smallest_family<'a>(sets: impl Iterator<Item = &'a DimensionSet>) -> Vec<DimensionSet> {
    let mut families: BTreeMap<(usize, Vec<&str>), BTreeSet<&DimensionSet>> = BTreeMap::new();
    for set in sets {
        let names: Vec<&str> = set.iter().map(|(name, _)| name.as_str()).collect();
        families
            .entry((names.len(), names))
            .or_default()
            .insert(set);
    }
    let smallest = families.into_values().next().unwrap_or_default();
    smallest.into_iter().take(MOST).cloned().collect()
}

/// ElastiCache publishes most of its metrics per node only.
fn replication_group(spec: &SeriesSpec) -> Option<&str> {
    let dimension = spec
        .dimensions
        .iter()
        .find(|(name, _)| name == "ReplicationGroupId");
    dimension
        .filter(|_| spec.namespace == "AWS/ElastiCache")
        .map(|(_, group)| group.as_str())
}

/// Whether a cache cluster is a node of a replication group: `orders-001`, or `orders-0001-001` with shards.
fn is_node(id: &str, group: &str) -> bool {
    let digits =
        |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    let Some(rest) = id
        .strip_prefix(group)
        .and_then(|rest| rest.strip_prefix('-'))
    else {
        return false;
    };
    match rest.split_once('-') {
        None => digits(rest, 3),
        Some((shard, node)) => digits(shard, 4) && digits(node, 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::metrics::Stat;

    fn set(pairs: &[(&str, &str)]) -> DimensionSet {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn spec(namespace: &str, name: &str, dimensions: &[(&str, &str)]) -> SeriesSpec {
        SeriesSpec::new("k".to_owned(), namespace, name, dimensions, Stat::Maximum)
    }

    #[test]
    fn a_published_set_with_more_dimensions_fits() {
        let wanted = spec(
            "AWS/RDS",
            "AuroraGlobalDBReplicationLag",
            &[("DBClusterIdentifier", "a")],
        );
        let published = [
            set(&[("DBClusterIdentifier", "a"), ("SourceRegion", "us-east-1")]),
            set(&[("DBClusterIdentifier", "b"), ("SourceRegion", "us-east-1")]),
            set(&[("SourceRegion", "us-east-1")]),
        ];
        assert_eq!(matching(&wanted, &published), published[..1]);
    }

    #[test]
    fn an_exact_match_wins_and_only_one_family_counts() {
        let wanted = spec(
            "AWS/ApplicationELB",
            "RequestCount",
            &[("LoadBalancer", "x")],
        );
        let zones = [
            set(&[("AvailabilityZone", "a"), ("LoadBalancer", "x")]),
            set(&[("AvailabilityZone", "b"), ("LoadBalancer", "x")]),
            set(&[("LoadBalancer", "x"), ("TargetGroup", "t")]),
        ];
        assert_eq!(matching(&wanted, &zones), zones[..2]);
        let mut exact = zones.to_vec();
        exact.push(set(&[("LoadBalancer", "x")]));
        assert_eq!(matching(&wanted, &exact), exact[3..]);
    }

    #[test]
    fn a_replication_group_is_the_sum_of_its_nodes() {
        let wanted = spec(
            "AWS/ElastiCache",
            "CurrConnections",
            &[("ReplicationGroupId", "orders")],
        );
        let published = [
            set(&[("CacheClusterId", "orders-001")]),
            set(&[("CacheClusterId", "orders-0001-002")]),
            set(&[("CacheClusterId", "orders-001"), ("CacheNodeId", "0001")]),
            set(&[("CacheClusterId", "orders-eu-001")]),
            set(&[("CacheClusterId", "other-001")]),
        ];
        let mut nodes = matching(&wanted, &published);
        nodes.reverse();
        assert_eq!(nodes, published[..2]);
        let elsewhere = spec(
            "AWS/Other",
            "CurrConnections",
            &[("ReplicationGroupId", "orders")],
        );
        assert!(matching(&elsewhere, &published).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_learned_is_used_and_looked_up_again_when_it_stays_empty() {
        let catalogue = Catalogue::default();
        let wanted = spec("AWS/RDS", "ReplicaLag", &[("DBInstanceIdentifier", "a")]);
        let own = vec![set(&[("DBInstanceIdentifier", "a")])];
        let name = metric_name(&wanted);
        assert_eq!(catalogue.sets(&wanted), own);
        let due = |times| catalogue.due([&wanted].repeat(times).into_iter());
        let again = vec![name.clone()];
        assert_eq!(due(2), again, "each once");
        let more = set(&[("DBInstanceIdentifier", "a"), ("Z", "z")]);
        catalogue.learn(name.clone(), vec![more.clone()]);
        assert_eq!(catalogue.sets(&wanted), [more]);
        assert!(due(1).is_empty());
        tokio::time::advance(AGAIN).await;
        assert_eq!(due(1), again);
        catalogue.postpone(name);
        assert!(due(1).is_empty());
        assert_ne!(
            catalogue.sets(&wanted),
            own,
            "a failed look-up forgets nothing"
        );
        tokio::time::advance(HOLDS).await;
        assert_eq!(catalogue.sets(&wanted), own, "forgotten after an hour");
    }
}
