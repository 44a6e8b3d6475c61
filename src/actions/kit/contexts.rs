//! The kubeconfig contexts that the `kubectl` commands of a plan name. Owns the one command that makes them; what the console itself does needs none.

use std::collections::BTreeSet;

use crate::{
    plan::Plan,
    resources::{Api, Fleet, Place, Source, change::Alter, clusters::Cluster},
};

/// What is typed once before the commands of a plan are: a cluster that EKS lists has its name there, and no kubeconfig has a context of it by itself.
pub fn made(fleet: &Fleet, plan: &Plan) -> Vec<String> {
    let changes = plan
        .changes()
        .filter(|change| change.api() == Api::Kubernetes);
    let clusters: BTreeSet<(Place, String)> = changes
        .map(|change| (change.place(), change.lever().home))
        .collect();
    let make = |(place, cluster): (Place, String)| {
        let listed = fleet.clusters.slice(Source::Clusters, &place)?;
        let mut listed = listed.rows.iter().filter_map(|row| match row {
            Cluster::Eks(eks) => Some(&eks.name),
            Cluster::NodeGroup(_) | Cluster::ApiServer(_) | Cluster::Nodes(_) => None,
        });
        let region = fleet.estate.region(place.region()?)?.aws_region.as_ref()?;
        listed.any(|name| *name == cluster).then(|| {
            format!("for kubectl by hand, once: aws eks update-kubeconfig --region {region} --name {cluster} --alias {cluster}")
        })
    };
    clusters.into_iter().filter_map(make).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::*;
    use crate::plan::{Options, ledger::Ledger};

    #[test]
    fn kubectl_gets_the_context_that_its_commands_name() {
        let (fleet, ledger) = (calm(), Ledger::default());
        let pause = plan(
            &fleet,
            &ledger,
            "pause-rollout",
            "thumbnails@eu-west-1",
            Options::default(),
        );
        let made = super::made(&fleet, &pause);
        let [made] = made.as_slice() else {
            panic!("one cluster: {made:?}");
        };
        let name = made.rsplit(' ').next().unwrap();
        let command =
            format!("aws eks update-kubeconfig --region eu-west-1 --name {name} --alias {name}");
        assert!(made.ends_with(&command), "{made}");
        let change = pause.changes().next().unwrap();
        let kubectl = crate::resources::change::Alter::commands(change);
        assert!(
            kubectl[0].contains(&format!("--context {name} ")),
            "{kubectl:?}"
        );
        assert!(pause.remarks.contains(made));
        let drain = plan(
            &fleet,
            &ledger,
            "drain-region",
            "eu-west-1",
            Options::default(),
        );
        assert!(super::made(&fleet, &drain).is_empty());
    }
}
