//! Caches over the wire: ElastiCache and MemoryDB.

use pilothouse::resources::{
    Answer, Api, ErrorClass, ProviderError, Rows, Source,
    caches::{Cache, MemoryDbCluster, ReplicationGroup, live::observe},
};

use crate::wire::{Fault, Wire, query};

const REGION: &str = "eu-west-1";
const GROUPS: &str = "elasticache:DescribeReplicationGroups";
const DATASTORES: &str = "elasticache:DescribeGlobalReplicationGroups";

async fn elasticache(wire: &Wire) -> Result<Answer, ProviderError> {
    wire.observe(Source::ElastiCache, REGION, observe).await
}

async fn memorydb(wire: &Wire) -> Result<Answer, ProviderError> {
    wire.observe(Source::MemoryDb, REGION, observe).await
}

fn caches(answer: &Answer) -> &[Cache] {
    match &answer.rows {
        Rows::Caches(rows) => rows,
        other => panic!("rows of caches, not {:?}", other.kind()),
    }
}

fn group(answer: &Answer, id: &str) -> ReplicationGroup {
    let found = caches(answer).iter().find_map(|row| match row {
        Cache::Group(group) if group.id == id => Some(group.clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("group {id} in {answer:?}"))
}

fn memory_db(answer: &Answer, name: &str) -> MemoryDbCluster {
    let found = caches(answer).iter().find_map(|row| match row {
        Cache::MemoryDb(cluster) if cluster.name == name => Some(cluster.clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("cluster {name} in {answer:?}"))
}

fn groups_page(groups: &str, marker: &str) -> String {
    query(
        "DescribeReplicationGroups",
        &format!("<ReplicationGroups>{groups}</ReplicationGroups>{marker}"),
    )
}

/// A group in a datastore, in cluster mode off, where the service tells the roles of nodes.
const SESSIONS: &str = "<ReplicationGroup><ReplicationGroupId>sessions</ReplicationGroupId>\
    <ARN>arn:aws:elasticache:eu-west-1:123456789012:replicationgroup:sessions</ARN><Status>available</Status><Engine>valkey</Engine>\
    <MultiAZ>enabled</MultiAZ><AutomaticFailover>paused</AutomaticFailover>\
    <GlobalReplicationGroupInfo><GlobalReplicationGroupId>ldgnf-shop</GlobalReplicationGroupId>\
    <GlobalReplicationGroupMemberRole>SECONDARY</GlobalReplicationGroupMemberRole></GlobalReplicationGroupInfo>\
    <NodeGroups><NodeGroup><NodeGroupId>0001</NodeGroupId><Status>available</Status><NodeGroupMembers>\
    <NodeGroupMember><CacheClusterId>sessions-001</CacheClusterId><CurrentRole>Primary</CurrentRole><PreferredAvailabilityZone>eu-west-1a</PreferredAvailabilityZone></NodeGroupMember>\
    <NodeGroupMember><CacheClusterId>sessions-002</CacheClusterId><CurrentRole>replica</CurrentRole></NodeGroupMember>\
    </NodeGroupMembers></NodeGroup></NodeGroups></ReplicationGroup>";

fn datastores() -> String {
    let member = |region: &str, role: &str| {
        format!(
            "<GlobalReplicationGroupMember><ReplicationGroupId>sessions</ReplicationGroupId><ReplicationGroupRegion>{region}</ReplicationGroupRegion>\
             <Role>{role}</Role><Status>associated</Status></GlobalReplicationGroupMember>"
        )
    };
    let members = member("us-east-1", "PRIMARY") + &member(REGION, "Secondary");
    let datastore = format!(
        "<GlobalReplicationGroups><GlobalReplicationGroup><GlobalReplicationGroupId>ldgnf-shop</GlobalReplicationGroupId>\
         <Status>rebalancing</Status><Engine>valkey</Engine><EngineVersion>8.0</EngineVersion><Members>{members}</Members></GlobalReplicationGroup></GlobalReplicationGroups>"
    );
    query("DescribeGlobalReplicationGroups", &datastore)
}

#[tokio::test]
async fn groups_are_joined_with_their_datastore_and_roles_are_in_lower_case() {
    let wire = Wire::start();
    let plain =
        "<ReplicationGroup><ReplicationGroupId>plain</ReplicationGroupId></ReplicationGroup>";
    wire.answer(
        REGION,
        GROUPS,
        [
            groups_page(SESSIONS, "<Marker>m1</Marker>"),
            groups_page(plain, ""),
        ],
    );
    wire.answer(REGION, DATASTORES, [datastores()]);
    let answer = elasticache(&wire).await.unwrap();
    assert_eq!(answer.calls.get(&Api::ElastiCache), Some(&3));
    assert_eq!(answer.problems, []);

    let sessions = group(&answer, "sessions");
    assert_eq!(
        sessions.role(),
        "secondary",
        "found by Region, as both members have the same id"
    );
    assert_eq!(sessions.engine.as_deref(), Some("valkey 8.0"));
    assert_eq!(
        sessions.automatic_failover.as_deref(),
        Some("paused"),
        "unknown words stay text"
    );
    let nodes = &sessions.shards[0].nodes;
    assert_eq!(
        (nodes[0].role.as_deref(), nodes[0].zone.as_deref()),
        (Some("primary"), Some("eu-west-1a"))
    );
    assert_eq!(
        sessions.datastore.unwrap().status.as_deref(),
        Some("rebalancing")
    );
    let plain = group(&answer, "plain");
    assert_eq!(
        (plain.role(), plain.status.as_str(), plain.shards.len()),
        ("single", "unknown", 0)
    );
}

#[tokio::test]
async fn without_the_datastores_a_group_still_knows_its_own_role() {
    for fault in [
        Fault::Denied,
        Fault::Hang,
        Fault::ServerError,
        Fault::Truncated,
    ] {
        let wire = Wire::start();
        wire.answer(REGION, GROUPS, [groups_page(SESSIONS, "")]);
        wire.answer(REGION, DATASTORES, [datastores()]);
        wire.fault(REGION, DATASTORES, fault);
        let answer = elasticache(&wire).await.unwrap();
        let sessions = group(&answer, "sessions");
        assert_eq!(sessions.role(), "secondary", "{fault:?}");
        assert_eq!(
            sessions.datastore.unwrap().status,
            None,
            "the datastore as a whole is not known"
        );
        assert_eq!(answer.problems.len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn the_emulators_groups_are_shown_and_its_lack_of_datastores_bothers_nobody() {
    let wire = Wire::start();
    let seed = aws_sdk_elasticache::Client::new(&wire.config(REGION).await);
    let create = seed
        .create_replication_group()
        .replication_group_id("carts")
        .replication_group_description("carts");
    create
        .engine("valkey")
        .multi_az_enabled(true)
        .automatic_failover_enabled(true)
        .send()
        .await
        .unwrap();
    let answer = elasticache(&wire).await.unwrap();
    let carts = group(&answer, "carts");
    assert_eq!(
        (
            carts.status.as_str(),
            carts.engine.as_deref(),
            carts.automatic_failover.as_deref()
        ),
        ("available", Some("valkey"), Some("enabled"))
    );
    assert_eq!(
        answer.problems,
        [],
        "no group is in a datastore, so nothing is missing"
    );
}

#[tokio::test]
async fn a_list_of_groups_that_fails_on_its_second_page_fails_the_poll() {
    let wire = Wire::start();
    wire.answer(
        "*",
        GROUPS,
        [
            groups_page(SESSIONS, "<Marker>m1</Marker>"),
            groups_page("", ""),
        ],
    );
    wire.fault_from("*", GROUPS, 2, Fault::Throttle);
    assert_eq!(
        elasticache(&wire).await.map_err(|error| error.class).err(),
        Some(ErrorClass::Throttled)
    );
}

const CLUSTER: &str = r#"{"Name":"cart\u001b[2J","ARN":"arn:aws:memorydb:eu-west-1:123456789012:cluster/cart","Status":"available","Engine":"valkey","EngineVersion":"7.3",
    "MultiRegionClusterName":"vi-cart","AvailabilityMode":"TripleAZ","Shards":[{"Name":"0001","Status":"available",
    "Nodes":[{"Name":"cart-0001-001","Status":"available","AvailabilityZone":"eu-west-1a"}]}]}"#;

#[tokio::test]
async fn memorydb_pages_are_read_and_joined_and_hostile_names_stay_raw() {
    let wire = Wire::start();
    wire.answer(
        REGION,
        "memorydb:DescribeClusters",
        [
            format!(r#"{{"Clusters":[{CLUSTER}],"NextToken":"t1"}}"#),
            r#"{"Clusters":[{"Name":"plain"}]}"#.to_owned(),
        ],
    );
    wire.answer(REGION, "memorydb:DescribeMultiRegionClusters", [
        r#"{"MultiRegionClusters":[],"NextToken":"t1"}"#,
        r#"{"MultiRegionClusters":[{"MultiRegionClusterName":"vi-cart","Status":"available",
           "Clusters":[{"ClusterName":"cart","Region":"eu-west-1","Status":"available"},{"ClusterName":"cart","Region":"us-east-1","Status":"melting"}]}]}"#,
    ]);
    wire.fault(REGION, "memorydb:DescribeEvents", Fault::Denied);
    let answer = memorydb(&wire).await.unwrap();
    assert_eq!(answer.calls.get(&Api::MemoryDb), Some(&5));
    let cart = memory_db(&answer, "cart\u{1b}[2J");
    assert_eq!(
        (cart.engine.as_deref(), cart.availability_mode.as_deref()),
        (Some("valkey 7.3"), Some("TripleAZ"))
    );
    assert_eq!(cart.shards[0].nodes[0].zone.as_deref(), Some("eu-west-1a"));
    let members = cart.multi_region.clone().unwrap().members;
    assert_eq!(members[1].status.as_deref(), Some("melting"));
    // Without its events a cluster stands: only a drill needs them.
    assert_eq!((cart.failovers, answer.problems.len()), (None, 0));
    assert_eq!(memory_db(&answer, "plain").status, "unknown");
}

#[tokio::test]
async fn memorydb_stands_without_its_multi_region_clusters_but_not_without_its_clusters() {
    let wire = Wire::start();
    wire.answer(
        REGION,
        "memorydb:DescribeClusters",
        [format!(r#"{{"Clusters":[{CLUSTER}]}}"#)],
    );
    wire.fault(
        REGION,
        "memorydb:DescribeMultiRegionClusters",
        Fault::Denied,
    );
    let answer = memorydb(&wire).await.unwrap();
    let multi_region = memory_db(&answer, "cart\u{1b}[2J").multi_region.unwrap();
    assert_eq!(
        (multi_region.name.as_str(), multi_region.status),
        ("vi-cart", None)
    );
    assert_eq!(
        answer
            .problems
            .iter()
            .map(|problem| problem.class)
            .collect::<Vec<_>>(),
        [ErrorClass::Denied]
    );

    wire.fault(REGION, "memorydb:DescribeClusters", Fault::Hang);
    assert_eq!(
        memorydb(&wire).await.map_err(|error| error.class).err(),
        Some(ErrorClass::Timeout)
    );
}

#[tokio::test]
async fn an_empty_region_has_no_caches_and_no_problems() {
    let wire = Wire::start();
    wire.answer("*", "memorydb:DescribeClusters", ["{}"]);
    assert_eq!(
        memorydb(&wire)
            .await
            .map(|answer| (caches(&answer).len(), answer.problems.len())),
        Ok((0, 0))
    );
    assert_eq!(
        elasticache(&wire)
            .await
            .map(|answer| (caches(&answer).len(), answer.problems.len())),
        Ok((0, 0))
    );
}
