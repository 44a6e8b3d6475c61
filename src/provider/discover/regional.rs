//! What one region holds, and which other regions its replicas name. Owns the calls; each API family fails alone.

use aws_config::SdkConfig;
use aws_sdk_rds::types::DbInstance;

use super::notes::{MOST, Notes, call, name_of_arn, region_of_arn};
use crate::{
    config::findings::{LoadBalancer, Part},
    resources::{ErrorClass, ProviderError},
};

/// Tables described in one region; a global table is found in any of its regions.
const MOST_TABLES: usize = 25;

/// Everything that a region tells.
pub(super) async fn everything(config: &SdkConfig, region: &str) -> Notes {
    let (balancers, clusters, aurora, instances, datastores, groups, memory, tables) = tokio::join!(
        Notes::of(region, async |notes| load_balancers(config, region, notes)
            .await),
        Notes::of(region, async |notes| clusters(config, region, notes).await),
        Notes::of(region, async |notes| global_clusters(config, notes).await),
        Notes::of(region, async |notes| instances(config, region, notes).await),
        Notes::of(region, async |notes| datastores(config, notes).await),
        Notes::of(region, async |notes| replication_groups(
            config, region, notes
        )
        .await),
        Notes::of(region, async |notes| multi_region_clusters(config, notes)
            .await),
        Notes::of(region, async |notes| tables(config, region, notes).await),
    );
    let others = [
        clusters, aurora, instances, datastores, groups, memory, tables,
    ];
    others.into_iter().fold(balancers, Notes::and)
}

/// Whether an ARN names this region; a thing that says otherwise was not meant as an answer here.
fn is_here(arn: Option<&str>, region: &str) -> bool {
    arn.and_then(region_of_arn)
        .is_none_or(|named| named == region)
}

async fn load_balancers(
    config: &SdkConfig,
    region: &str,
    notes: &mut Notes,
) -> Result<(), ProviderError> {
    let client = aws_sdk_elasticloadbalancingv2::Client::new(config);
    let mut pages = client
        .describe_load_balancers()
        .into_paginator()
        .items()
        .send();
    for _ in 0..MOST {
        let next = async { pages.next().await.transpose() };
        let Some(balancer) = call("elasticloadbalancing:DescribeLoadBalancers", next).await? else {
            break;
        };
        let here = is_here(balancer.load_balancer_arn(), region);
        if let Some(name) = balancer.load_balancer_name().filter(|_| here) {
            notes.fact(region, Part::Serves, format!("load balancer {name}"));
            notes.load_balancers.push(LoadBalancer {
                region: region.to_owned(),
                name: name.to_owned(),
                dns_name: balancer.dns_name().unwrap_or_default().to_lowercase(),
            });
        }
    }
    Ok(())
}

async fn clusters(
    config: &SdkConfig,
    region: &str,
    notes: &mut Notes,
) -> Result<(), ProviderError> {
    let client = aws_sdk_eks::Client::new(config);
    let mut pages = client.list_clusters().into_paginator().items().send();
    for _ in 0..MOST {
        let next = async { pages.next().await.transpose() };
        let Some(name) = call("eks:ListClusters", next).await? else {
            break;
        };
        notes.fact(region, Part::Serves, format!("EKS cluster {name}"));
    }
    Ok(())
}

/// Aurora global clusters name the regions of all their members.
async fn global_clusters(config: &SdkConfig, notes: &mut Notes) -> Result<(), ProviderError> {
    let client = aws_sdk_rds::Client::new(config);
    let mut pages = client
        .describe_global_clusters()
        .into_paginator()
        .items()
        .send();
    for _ in 0..MOST {
        let next = async { pages.next().await.transpose() };
        let Some(cluster) = call("rds:DescribeGlobalClusters", next).await? else {
            break;
        };
        let name = cluster.global_cluster_identifier().unwrap_or_default();
        for member in cluster.global_cluster_members() {
            let Some(region) = member.db_cluster_arn().and_then(region_of_arn) else {
                continue;
            };
            let (part, word) = match member.is_writer() {
                Some(true) => (Part::Writes, "writer"),
                Some(false) => (Part::Reads, "reader"),
                None => (Part::Serves, "member"),
            };
            notes.fact(
                region,
                part,
                format!("Aurora global cluster {name} ({word})"),
            );
        }
    }
    Ok(())
}

async fn instances(
    config: &SdkConfig,
    region: &str,
    notes: &mut Notes,
) -> Result<(), ProviderError> {
    let client = aws_sdk_rds::Client::new(config);
    let mut pages = client
        .describe_db_instances()
        .into_paginator()
        .items()
        .send();
    for _ in 0..MOST {
        let next = async { pages.next().await.transpose() };
        let Some(instance) = call("rds:DescribeDBInstances", next).await? else {
            break;
        };
        if is_here(instance.db_instance_arn(), region) {
            note_instance(&instance, region, notes);
        }
    }
    Ok(())
}

/// Replicas and sources in other regions are named by ARN, those in the same one by identifier.
fn note_instance(instance: &DbInstance, region: &str, notes: &mut Notes) {
    let Some(name) = instance.db_instance_identifier() else {
        return;
    };
    let elsewhere = |arn: &'_ str| {
        region_of_arn(arn)
            .filter(|there| *there != region)
            .map(ToOwned::to_owned)
    };
    let mut feeds = false;
    for arn in instance.read_replica_db_instance_identifiers() {
        if let Some(there) = elsewhere(arn) {
            feeds = true;
            notes.fact(
                &there,
                Part::Reads,
                format!("read replica {} of {name}", name_of_arn(arn)),
            );
        }
    }
    let source = instance.read_replica_source_db_instance_identifier();
    if let Some((arn, there)) = source.and_then(|arn| Some((arn, elsewhere(arn)?))) {
        let source = name_of_arn(arn);
        notes.fact(
            &there,
            Part::Writes,
            format!("source {source} of read replicas"),
        );
        notes.fact(
            region,
            Part::Reads,
            format!("read replica {name} of {source}"),
        );
    } else if feeds {
        notes.fact(
            region,
            Part::Writes,
            format!("source {name} of read replicas"),
        );
    } else if let Some(cluster) = instance.db_cluster_identifier() {
        notes.fact(region, Part::Serves, format!("database cluster {cluster}"));
    } else {
        notes.fact(region, Part::Serves, format!("database {name}"));
    }
}

/// Global Datastores name the regions of all their members.
async fn datastores(config: &SdkConfig, notes: &mut Notes) -> Result<(), ProviderError> {
    let client = aws_sdk_elasticache::Client::new(config);
    let describe = client
        .describe_global_replication_groups()
        .show_member_info(true);
    let mut pages = describe.into_paginator().items().send();
    for _ in 0..MOST {
        let next = async { pages.next().await.transpose() };
        let Some(store) = call("elasticache:DescribeGlobalReplicationGroups", next).await? else {
            break;
        };
        let name = store.global_replication_group_id().unwrap_or_default();
        for member in store.members() {
            let Some(region) = member.replication_group_region() else {
                continue;
            };
            let primary = member
                .role()
                .is_some_and(|role| role.eq_ignore_ascii_case("primary"));
            let (part, word) = if primary {
                (Part::Writes, "primary")
            } else {
                (Part::Reads, "secondary")
            };
            notes.fact(region, part, format!("Global Datastore {name} ({word})"));
        }
    }
    Ok(())
}

async fn replication_groups(
    config: &SdkConfig,
    region: &str,
    notes: &mut Notes,
) -> Result<(), ProviderError> {
    let client = aws_sdk_elasticache::Client::new(config);
    let mut pages = client
        .describe_replication_groups()
        .into_paginator()
        .items()
        .send();
    for _ in 0..MOST {
        let next = async { pages.next().await.transpose() };
        let Some(group) = call("elasticache:DescribeReplicationGroups", next).await? else {
            break;
        };
        if let Some(name) = group
            .replication_group_id()
            .filter(|_| is_here(group.arn(), region))
        {
            notes.fact(region, Part::Serves, format!("cache {name}"));
        }
    }
    Ok(())
}

/// Multi-Region clusters take writes everywhere, so their regions are equals.
async fn multi_region_clusters(config: &SdkConfig, notes: &mut Notes) -> Result<(), ProviderError> {
    let client = aws_sdk_memorydb::Client::new(config);
    let describe = client
        .describe_multi_region_clusters()
        .show_cluster_details(true);
    let mut pages = describe.into_paginator().items().send();
    for _ in 0..MOST {
        let next = async { pages.next().await.transpose() };
        let Some(cluster) = call("memorydb:DescribeMultiRegionClusters", next).await? else {
            break;
        };
        let name = cluster.multi_region_cluster_name().unwrap_or_default();
        for region in cluster
            .clusters()
            .iter()
            .filter_map(|regional| regional.region())
        {
            notes.fact(
                region,
                Part::Serves,
                format!("MemoryDB multi-Region cluster {name}"),
            );
        }
    }
    Ok(())
}

/// Global tables take writes everywhere too. A table without replicas tells nothing about a fleet of regions.
async fn tables(config: &SdkConfig, region: &str, notes: &mut Notes) -> Result<(), ProviderError> {
    let client = aws_sdk_dynamodb::Client::new(config);
    let mut pages = client.list_tables().into_paginator().items().send();
    for _ in 0..MOST_TABLES {
        let next = async { pages.next().await.transpose() };
        let Some(name) = call("dynamodb:ListTables", next).await? else {
            break;
        };
        let describe = client.describe_table().table_name(&name).send();
        let table = match call("dynamodb:DescribeTable", describe).await {
            Ok(answer) => answer.table,
            // Deleted since it was listed.
            Err(error) if error.class == ErrorClass::NotFound => None,
            Err(error) => return Err(error),
        };
        let replicas = table.and_then(|table| table.replicas).unwrap_or_default();
        let others = replicas.iter().filter_map(|replica| replica.region_name());
        let mut regions: Vec<&str> = others.filter(|other| *other != region).collect();
        if !regions.is_empty() {
            regions.push(region);
        }
        for place in regions {
            notes.fact(place, Part::Serves, format!("DynamoDB global table {name}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(instance: &DbInstance, region: &str) -> Vec<(String, Part, String)> {
        let mut notes = Notes::default();
        note_instance(instance, region, &mut notes);
        let facts = notes.facts.into_iter();
        facts
            .map(|(region, fact)| (region, fact.part, fact.what))
            .collect()
    }

    fn fact(region: &str, part: Part, what: &str) -> (String, Part, String) {
        (region.to_owned(), part, what.to_owned())
    }

    #[test]
    fn source_and_replica_tell_the_same_from_both_sides() {
        let source = DbInstance::builder()
            .db_instance_identifier("pg")
            .read_replica_db_instance_identifiers("pg-local")
            .read_replica_db_instance_identifiers("arn:aws:rds:eu-west-1:123456789012:db:pg-eu")
            .build();
        let replica = DbInstance::builder()
            .db_instance_identifier("pg-eu")
            .read_replica_source_db_instance_identifier("arn:aws:rds:us-east-1:123456789012:db:pg")
            .build();
        let mut from_source = noted(&source, "us-east-1");
        from_source.reverse();
        let expected = [
            fact("us-east-1", Part::Writes, "source pg of read replicas"),
            fact("eu-west-1", Part::Reads, "read replica pg-eu of pg"),
        ];
        assert_eq!(from_source, expected);
        assert_eq!(noted(&replica, "eu-west-1"), expected);
    }

    #[test]
    fn a_replica_in_the_same_region_makes_no_second_region() {
        let local = DbInstance::builder()
            .db_instance_identifier("pg-2")
            .read_replica_source_db_instance_identifier("pg")
            .build();
        assert_eq!(
            noted(&local, "us-east-1"),
            [fact("us-east-1", Part::Serves, "database pg-2")]
        );
        assert!(noted(&DbInstance::builder().build(), "us-east-1").is_empty());
    }
}
