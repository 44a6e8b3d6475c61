//! What an answer costs: the API calls that live AWS would need for it, by page sizes and calls per thing. Owns no answer.

use std::collections::{BTreeMap, BTreeSet};

use crate::resources::{
    Api, Rows, Source, databases::Database, metrics::Series, traffic::Mechanism,
};

/// The calls for an answer, at least one.
pub fn calls(source: Source, rows: &Rows) -> BTreeMap<Api, u32> {
    let count = match rows {
        Rows::Regions(_) => 1,
        Rows::Alarms(rows) => pages(rows.len(), 100),
        Rows::HealthChecks(rows) => pages(rows.len(), 1_000),
        Rows::Metrics(rows) => metric_calls(rows),
        Rows::Clusters(rows) => match source {
            // One list, and one description each; the API servers are asked one by one.
            Source::Clusters => 1 + rows.len(),
            _ => rows.len(),
        },
        // The groups, and the Global Datastores or multi-Region clusters.
        Rows::Caches(rows) => pages(rows.len(), 100) + 1,
        Rows::Databases(rows) => databases(rows),
        Rows::Traffic(rows) => traffic(source, rows.iter().map(|row| &row.by)),
    };
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    BTreeMap::from([(source.api(), count.max(1))])
}

/// `GetMetricData` takes 500 series a call.
fn metric_calls(rows: &[Series]) -> usize {
    pages(rows.len(), 500)
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

fn traffic<'a>(source: Source, rows: impl Iterator<Item = &'a Mechanism>) -> usize {
    let (mut names, mut balancers, mut listeners, mut groups, mut functions) = (
        BTreeSet::new(),
        BTreeSet::new(),
        BTreeSet::new(),
        BTreeSet::new(),
        BTreeSet::new(),
    );
    for mechanism in rows {
        match mechanism {
            Mechanism::Record(record) => {
                names.insert(record.name.as_str());
            }
            Mechanism::Forward(forward) => {
                balancers.insert(forward.load_balancer_arn.as_str());
                listeners.insert(forward.listener_arn.as_str());
                groups.insert(forward.target_group_arn.as_str());
            }
            Mechanism::Alias(alias) => {
                functions.insert(alias.function.as_str());
            }
            Mechanism::Dial(_) | Mechanism::Distribution(_) | Mechanism::Control(_) => {}
        }
    }
    match source {
        Source::Records => names.len(),
        // Accelerators, listeners, endpoint groups.
        Source::Accelerators => 3,
        // Load balancers and target groups by page; listeners, rules and target health one by one.
        Source::LoadBalancers => {
            pages(balancers.len(), 400)
                + pages(groups.len(), 400)
                + balancers.len()
                + listeners.len()
                + groups.len()
        }
        Source::Aliases => 1 + functions.len(),
        // Distributions and policies.
        Source::Distributions => 2,
        _ => 1,
    }
}
