//! RDS over the wire: global clusters, clusters, instances.

use pilothouse::resources::{
    Answer, Api, ErrorClass, ProviderError, Rows, Source,
    databases::{Database, DbCluster, DbInstance, live::observe},
};

use crate::wire::{Fault, Wire, query};

const REGION: &str = "eu-west-1";
const ARN: &str = "arn:aws:rds:eu-west-1:123456789012";

async fn rds(wire: &Wire) -> Result<Answer, ProviderError> {
    wire.observe(Source::Rds, REGION, observe).await
}

fn databases(answer: &Answer) -> &[Database] {
    match &answer.rows {
        Rows::Databases(rows) => rows,
        other => panic!("rows of databases, not {:?}", other.kind()),
    }
}

fn cluster(answer: &Answer, id: &str) -> DbCluster {
    let found = databases(answer).iter().find_map(|row| match row {
        Database::Cluster(cluster) if cluster.id == id => Some(cluster.clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("cluster {id} in {answer:?}"))
}

fn instance(answer: &Answer, id: &str) -> DbInstance {
    let found = databases(answer).iter().find_map(|row| match row {
        Database::Instance(instance) if instance.id == id => Some(instance.clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("instance {id} in {answer:?}"))
}

fn clusters_page(clusters: &str, marker: &str) -> String {
    query(
        "DescribeDBClusters",
        &format!("<DBClusters>{clusters}</DBClusters>{marker}"),
    )
}

fn instances_page(instances: &str, marker: &str) -> String {
    query(
        "DescribeDBInstances",
        &format!("<DBInstances>{instances}</DBInstances>{marker}"),
    )
}

fn global_page(members: &str, more: &str) -> String {
    let global = format!(
        "<GlobalClusters><GlobalClusterMember><GlobalClusterIdentifier>shop</GlobalClusterIdentifier><Status>available</Status>\
         <Endpoint>shop.global-abc.global.rds.amazonaws.com</Endpoint><GlobalClusterMembers>{members}</GlobalClusterMembers>{more}\
         </GlobalClusterMember></GlobalClusters>"
    );
    query("DescribeGlobalClusters", &global)
}

fn member(region: &str, writer: bool, synchronization: &str) -> String {
    format!(
        "<GlobalClusterMember><DBClusterArn>arn:aws:rds:{region}:123456789012:cluster:shop-{region}</DBClusterArn>\
         <IsWriter>{writer}</IsWriter><SynchronizationStatus>{synchronization}</SynchronizationStatus></GlobalClusterMember>"
    )
}

fn aurora(id: &str, more: &str) -> String {
    format!(
        "<DBCluster><DBClusterIdentifier>{id}</DBClusterIdentifier><DBClusterArn>{ARN}:cluster:{id}</DBClusterArn>\
         <Engine>aurora-postgresql</Engine><Status>available</Status>{more}</DBCluster>"
    )
}

const MEMBERS: &str = "<DBClusterMembers><DBClusterMember><DBInstanceIdentifier>shop-1</DBInstanceIdentifier>\
    <IsClusterWriter>true</IsClusterWriter><PromotionTier>0</PromotionTier></DBClusterMember></DBClusterMembers>";

const SHOP_1: &str = "<DBInstance><DBInstanceIdentifier>shop-1</DBInstanceIdentifier><DBClusterIdentifier>shop-eu-west-1</DBClusterIdentifier>\
    <DBInstanceStatus>available</DBInstanceStatus><DBInstanceClass>db.r7g.large</DBInstanceClass><AvailabilityZone>eu-west-1b</AvailabilityZone></DBInstance>";

#[tokio::test]
async fn an_empty_region_takes_three_calls_and_has_no_rows() {
    let wire = Wire::start();
    let answer = rds(&wire).await.unwrap();
    assert_eq!((databases(&answer).len(), answer.problems.len()), (0, 0));
    assert_eq!(
        wire.calls(),
        [
            "DescribeDBClusters",
            "DescribeDBInstances",
            "DescribeGlobalClusters"
        ]
        .map(|name| format!("{REGION} rds:{name}"))
    );
    assert_eq!(answer.calls.get(&Api::Rds), Some(&3));
}

#[tokio::test]
async fn what_the_emulator_holds_is_what_we_show() {
    let wire = Wire::start();
    let seed = aws_sdk_rds::Client::new(&wire.config(REGION).await);
    seed.create_db_cluster()
        .db_cluster_identifier("orders")
        .engine("aurora-postgresql")
        .engine_version("16.4")
        .master_username("a")
        .master_user_password("secretsecret")
        .send()
        .await
        .unwrap();
    for (id, class, cluster) in [
        ("orders-1", "db.r7g.large", Some("orders")),
        ("ledger", "db.m7g.large", None),
    ] {
        seed.create_db_instance()
            .db_instance_identifier(id)
            .db_instance_class(class)
            .engine(if cluster.is_some() {
                "aurora-postgresql"
            } else {
                "postgres"
            })
            .set_db_cluster_identifier(cluster.map(ToOwned::to_owned))
            .multi_az(cluster.is_none())
            .allocated_storage(20)
            .send()
            .await
            .unwrap();
    }
    let answer = rds(&wire).await.unwrap();
    assert_eq!(
        databases(&answer).len(),
        2,
        "an instance of a cluster is no row: {answer:?}"
    );
    let orders = cluster(&answer, "orders");
    assert_eq!(
        (orders.status.as_str(), orders.engine_version.as_deref()),
        ("available", Some("16.4"))
    );
    assert_eq!(orders.writer(), Some(true));
    let ledger = instance(&answer, "ledger");
    assert_eq!(
        (ledger.class.as_deref(), ledger.multi_az, ledger.source),
        (Some("db.m7g.large"), true, None)
    );

    let elsewhere = wire
        .observe(Source::Rds, "us-east-1", observe)
        .await
        .unwrap();
    assert_eq!(
        databases(&elsewhere),
        [],
        "regions do not leak into each other"
    );
}

#[tokio::test]
async fn three_lists_of_two_pages_each_are_joined() {
    let wire = Wire::start();
    let next = "<Marker>m1</Marker>";
    wire.answer(
        REGION,
        "rds:DescribeDBClusters",
        [
            clusters_page(&aurora("shop-eu-west-1", MEMBERS), next),
            clusters_page(&aurora("alone", ""), "<Marker></Marker>"),
        ],
    );
    wire.answer(
        REGION,
        "rds:DescribeDBInstances",
        [instances_page("", next), instances_page(SHOP_1, "")],
    );
    let failover = "<FailoverState><Status>switching-over</Status><FromDbClusterArn>a</FromDbClusterArn><ToDbClusterArn>b</ToDbClusterArn>\
        <IsDataLossAllowed>false</IsDataLossAllowed></FailoverState>";
    wire.answer(
        REGION,
        "rds:DescribeGlobalClusters",
        [
            query(
                "DescribeGlobalClusters",
                &format!("<GlobalClusters/>{next}"),
            ),
            global_page(
                &(member("us-east-1", true, "connected") + &member(REGION, false, "half-way")),
                failover,
            ),
        ],
    );
    let answer = rds(&wire).await.unwrap();
    assert_eq!(answer.problems, []);
    assert_eq!(answer.calls.get(&Api::Rds), Some(&6));
    assert_eq!(databases(&answer).len(), 2);

    let shop = cluster(&answer, "shop-eu-west-1");
    assert_eq!(shop.writer(), Some(false));
    let first = &shop.instances[0];
    assert_eq!(
        (
            first.writer,
            first.promotion_tier,
            first.status.as_deref(),
            first.class.as_deref(),
            first.zone.as_deref()
        ),
        (
            true,
            Some(0),
            Some("available"),
            Some("db.r7g.large"),
            Some("eu-west-1b")
        )
    );
    let global = shop.global.unwrap();
    assert_eq!(
        global.endpoint.as_deref(),
        Some("shop.global-abc.global.rds.amazonaws.com")
    );
    assert_eq!(
        global.members[1].synchronization.as_deref(),
        Some("half-way"),
        "unknown words stay text"
    );
    let failover = global.failover.unwrap();
    assert_eq!(
        (failover.status.as_str(), failover.data_loss_allowed),
        ("switching-over", Some(false))
    );
    assert_eq!(cluster(&answer, "alone").writer(), Some(true));
}

#[tokio::test]
async fn without_the_global_clusters_the_writer_is_unknown_and_nothing_else_is_lost() {
    for fault in [
        Fault::Denied,
        Fault::Hang,
        Fault::ServerError,
        Fault::Truncated,
    ] {
        let wire = Wire::start();
        let id = "<GlobalClusterIdentifier>shop</GlobalClusterIdentifier>";
        wire.answer(
            REGION,
            "rds:DescribeDBClusters",
            [clusters_page(
                &aurora("shop-eu-west-1", &format!("{MEMBERS}{id}")),
                "",
            )],
        );
        wire.answer(
            REGION,
            "rds:DescribeDBInstances",
            [instances_page(SHOP_1, "")],
        );
        wire.fault(REGION, "rds:DescribeGlobalClusters", fault);
        let answer = rds(&wire).await.unwrap();
        let shop = cluster(&answer, "shop-eu-west-1");
        assert_eq!(
            (shop.writer(), shop.instances.len()),
            (None, 1),
            "{fault:?}"
        );
        assert_eq!(shop.global.map(|global| global.id).as_deref(), Some("shop"));
        let operations: Vec<&str> = answer
            .problems
            .iter()
            .map(|problem| problem.operation.as_str())
            .collect();
        assert_eq!(operations, ["rds:DescribeGlobalClusters"], "{fault:?}");
    }
}

#[tokio::test]
async fn a_denied_list_leaves_the_other_and_any_other_failure_fails_the_poll() {
    let wire = Wire::start();
    wire.answer(
        REGION,
        "rds:DescribeDBClusters",
        [clusters_page(&aurora("shop", MEMBERS), "")],
    );
    wire.fault(REGION, "rds:DescribeDBInstances", Fault::Denied);
    let answer = rds(&wire).await.unwrap();
    assert_eq!(
        answer
            .problems
            .iter()
            .map(|problem| problem.class)
            .collect::<Vec<_>>(),
        [ErrorClass::Denied]
    );
    assert_eq!(
        cluster(&answer, "shop").instances[0].status,
        None,
        "unknown, not available"
    );

    for (fault, class) in [
        (Fault::Throttle, ErrorClass::Throttled),
        (Fault::ServerError, ErrorClass::Transient),
        (Fault::Hang, ErrorClass::Timeout),
    ] {
        wire.fault(REGION, "rds:DescribeDBInstances", fault);
        assert_eq!(
            rds(&wire).await.map_err(|error| error.class).err(),
            Some(class)
        );
    }
}

#[tokio::test]
async fn a_list_whose_second_page_fails_is_no_list() {
    let wire = Wire::start();
    wire.answer(
        "*",
        "rds:DescribeDBInstances",
        [
            instances_page(SHOP_1, "<Marker>m1</Marker>"),
            instances_page("", ""),
        ],
    );
    wire.fault_from("*", "rds:DescribeDBInstances", 2, Fault::ServerError);
    let error = rds(&wire).await.unwrap_err();
    assert_eq!(
        (error.class, error.operation.as_str()),
        (ErrorClass::Transient, "rds:DescribeDBInstances")
    );
}

#[tokio::test]
async fn a_list_that_repeats_its_page_token_is_an_error_and_not_a_loop() {
    let wire = Wire::start();
    wire.answer(
        "*",
        "rds:DescribeDBClusters",
        [clusters_page(&aurora("shop", ""), "<Marker>m1</Marker>")],
    );
    let error = rds(&wire).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Terminal);
}

#[tokio::test]
async fn a_replica_from_another_region_names_its_source_and_its_trouble() {
    let wire = Wire::start();
    let replica = "<DBInstance><DBInstanceIdentifier>ledger\u{202e}-b</DBInstanceIdentifier><Engine>postgres</Engine><DBInstanceStatus>hyper-scaling</DBInstanceStatus>\
        <ReadReplicaSourceDBInstanceIdentifier>arn:aws:rds:us-east-1:123456789012:db:ledger</ReadReplicaSourceDBInstanceIdentifier>\
        <StatusInfos><DBInstanceStatusInfo><StatusType>read replication</StatusType><Normal>false</Normal><Status>error</Status>\
        <Message>slot missing</Message></DBInstanceStatusInfo></StatusInfos></DBInstance>\
        <DBInstance><DBInstanceIdentifier>bare</DBInstanceIdentifier></DBInstance>";
    wire.answer(
        REGION,
        "rds:DescribeDBInstances",
        [instances_page(replica, "")],
    );
    let answer = rds(&wire).await.unwrap();
    let replica = instance(&answer, "ledger\u{202e}-b");
    assert_eq!(
        replica.source.as_deref(),
        Some("arn:aws:rds:us-east-1:123456789012:db:ledger")
    );
    assert_eq!(replica.status, "hyper-scaling", "kept as it came");
    let trouble = replica.replica_status.unwrap();
    assert_eq!(
        (
            trouble.normal,
            trouble.status.as_deref(),
            trouble.message.as_deref()
        ),
        (false, Some("error"), Some("slot missing"))
    );
    assert_eq!(
        instance(&answer, "bare").status,
        "unknown",
        "an answer without optional fields is accepted"
    );
}
