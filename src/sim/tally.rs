//! What an answer costs: the API calls that live AWS would need for it, by page sizes and calls per thing. Owns no answer.

use std::collections::{BTreeMap, BTreeSet};

use crate::resources::{
    Api, Rows, Source, clusters::Cluster, databases::Database, traffic::Mechanism,
};

/// The calls for an answer, at least one.
pub fn calls(source: Source, rows: &Rows) -> BTreeMap<Api, u32> {
    let count = match rows {
        // Watches go on by themselves, and releases follow from them.
        Rows::Regions(_) | Rows::Deployments(_) | Rows::Releases(_) => 1,
        Rows::Alarms(rows) => pages(rows.len(), 100),
        Rows::HealthChecks(rows) => pages(rows.len(), 1_000),
        // One list, and the state of each.
        Rows::Pipelines(rows) => 1 + rows.len(),
        // `GetMetricData` takes 500 series a call.
        Rows::Metrics(rows) => pages(rows.len(), 500),
        // Watches go on by themselves.
        Rows::Clusters(_) if source == Source::Nodes => 1,
        // One list, and one description each; a list of node groups for each cluster. The API servers are asked one by one.
        Rows::Clusters(rows) => {
            let lists = rows.iter().filter(|row| matches!(row, Cluster::Eks(_)));
            rows.len() + lists.count() + usize::from(source == Source::Clusters)
        }
        // The groups, and the Global Datastores or multi-Region clusters.
        Rows::Caches(rows) => pages(rows.len(), 100) + 1,
        Rows::Databases(rows) => databases(rows),
        Rows::Traffic(rows) => traffic(rows.iter().map(|row| &row.by)),
    };
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    BTreeMap::from([(source.api(), count.max(1))])
}

fn pages(rows: usize, size: usize) -> usize {
    rows.div_ceil(size).max(1)
}

fn databases(rows: &[Database]) -> usize {
    let tables = rows
        .iter()
        .filter(|row| matches!(row, Database::Table(_)))
        .count();
    if tables > 0 {
        // One list, and one description each.
        return 1 + tables;
    }
    let instances: usize = rows
        .iter()
        .map(|row| match row {
            Database::Cluster(cluster) => cluster.instances.len(),
            Database::Instance(_) => 1,
            Database::Table(_) => 0,
        })
        .sum();
    // Global clusters, clusters, instances.
    1 + 1 + pages(instances, 100)
}

fn traffic<'a>(rows: impl Iterator<Item = &'a Mechanism>) -> usize {
    let mut names = BTreeSet::new();
    let (mut balancers, mut listeners, mut groups) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut functions = BTreeSet::new();
    let mut lists = 0;
    for mechanism in rows {
        match mechanism {
            Mechanism::Record(record) => {
                names.insert(record.name.as_str());
            }
            Mechanism::Forward(forward) => {
                // Load balancers and target groups by page; listeners, rules and target health one by one.
                lists = 2;
                balancers.insert(forward.load_balancer_arn.as_str());
                listeners.insert(forward.listener_arn.as_str());
                groups.insert(forward.target_group_arn.as_str());
            }
            Mechanism::Alias(alias) => {
                lists = 1;
                functions.insert(alias.function.as_str());
            }
            // Accelerators, listeners, endpoint groups.
            Mechanism::Dial(_) => lists = 3,
            // Distributions, policies.
            Mechanism::Distribution(_) => lists = 2,
            Mechanism::Control(_) => lists = 1,
            // Watches go on by themselves.
            Mechanism::Route(_) | Mechanism::Rollout(_) => {}
        }
    }
    lists + names.len() + balancers.len() + listeners.len() + groups.len() + functions.len()
}
