//! Changes of databases, caches, node groups and alarms over the wire: sent once, recognised by an independent read, and not sent when somebody else was there.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use pilothouse::{
    provider::{ask::Ask, write::Write},
    resources::{
        Answer, Change, ErrorClass, Fleet, Query, Source, Wanted, alarms, caches,
        change::{Alter, ApplyError, Fate, Receipt, Standing},
        clusters::{self, Bounds},
        databases,
    },
};

use crate::wire::{Fault, Wire, query, token};

const HOME: &str = "us-east-1";
const REGION: &str = "eu-west-1";

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

/// Sends a change as the live provider does, with an SDK that would retry if it were left to.
async fn apply(wire: &Wire, change: &Change) -> Result<Receipt, ApplyError> {
    let place = change.place();
    let region = place.to_string();
    let estate = Wire::estate(&[HOME, REGION]);
    let retries = aws_config::retry::RetryConfig::standard()
        .with_initial_backoff(Duration::from_millis(1))
        .with_max_attempts(3);
    let config = wire.config(&region).await.into_builder();
    let ask = Ask::new(&estate, &place, config.retry_config(retries).build());
    let token = token();
    let write = Write::new(ask, &token);
    match change {
        Change::Databases(change) => databases::live::apply(&write, change).await,
        Change::Caches(change) => caches::live::apply(&write, change).await,
        Change::Clusters(change) => clusters::live::apply(&write, change).await,
        Change::Alarms(change) => alarms::live::apply(&write, change).await,
        Change::Traffic(_)
        | Change::HealthChecks(_)
        | Change::Deployments(_)
        | Change::Nodes(_)
        | Change::Pipelines(_) => {
            panic!("sent elsewhere: {change:?}")
        }
    }
}

/// Reads what shows a change, and tells how it stands.
async fn look(wire: &Wire, change: &Change, wanted: Wanted) -> (Standing, Answer) {
    let estate = Wire::estate(&[HOME, REGION]);
    let (source, place) = change.reads(&estate).remove(0);
    let query = Query {
        source,
        place: place.clone(),
        wanted,
        read: 1,
    };
    let region = place.to_string();
    let answer = match source {
        Source::Rds => {
            wire.observe_in(&estate, &region, &query, databases::live::observe)
                .await
        }
        Source::ElastiCache | Source::MemoryDb => {
            wire.observe_in(&estate, &region, &query, caches::live::observe)
                .await
        }
        Source::Clusters => {
            wire.observe_in(&estate, &region, &query, clusters::live::observe)
                .await
        }
        Source::Alarms => {
            wire.observe_in(&estate, &region, &query, alarms::live::observe)
                .await
        }
        other => panic!("{other:?} shows no change of a store"),
    };
    let answer = answer.unwrap();
    let mut fleet = Fleet::new(Arc::new(estate), now());
    fleet.accept(&query, answer.clone(), now(), Duration::ZERO);
    (change.standing(&fleet), answer)
}

async fn standing(wire: &Wire, change: &Change) -> Standing {
    look(wire, change, Wanted::Nothing).await.0
}

fn drifted(change: &Change, why: &str) -> Result<Receipt, ApplyError> {
    Err(ApplyError::drifted(change.operation(), why))
}

fn label(region: &str) -> pilothouse::resources::RegionLabel {
    pilothouse::resources::RegionLabel::new(region).unwrap()
}

fn arn(region: &str) -> String {
    format!("arn:aws:rds:{region}:123456789012:cluster:shop")
}

/// The global cluster with this writer, as every region tells it.
fn global(writer: &str, state: &str) -> String {
    let member = |region: &str| {
        let is_writer = region == writer;
        let arn = arn(region);
        format!(
            "<GlobalClusterMember><DBClusterArn>{arn}</DBClusterArn><IsWriter>{is_writer}</IsWriter>\
             <SynchronizationStatus>connected</SynchronizationStatus></GlobalClusterMember>"
        )
    };
    let global = format!(
        "<GlobalClusters><GlobalClusterMember><GlobalClusterIdentifier>shop</GlobalClusterIdentifier><Status>available</Status>\
         <GlobalClusterMembers>{}{}</GlobalClusterMembers>{state}</GlobalClusterMember></GlobalClusters>",
        member(HOME),
        member(REGION)
    );
    query("DescribeGlobalClusters", &global)
}

/// The cluster of the second region is always there; the global cluster goes through these answers.
fn aurora(wire: &Wire, globals: impl IntoIterator<Item = String>) {
    let cluster = format!(
        "<DBClusters><DBCluster><DBClusterIdentifier>shop</DBClusterIdentifier><DBClusterArn>{}</DBClusterArn>\
         <Engine>aurora-postgresql</Engine><Status>available</Status></DBCluster></DBClusters>",
        arn(REGION)
    );
    let page = query("DescribeDBClusters", &cluster);
    wire.answer(REGION, "rds:DescribeDBClusters", [page]);
    wire.answer("*", "rds:DescribeGlobalClusters", globals);
    for name in ["SwitchoverGlobalCluster", "FailoverGlobalCluster"] {
        wire.answer("*", &format!("rds:{name}"), [query(name, "")]);
    }
}

fn switch_over() -> Change {
    Change::Databases(databases::Change::SwitchOver {
        global_cluster: "shop".to_owned(),
        from_region: label(HOME),
        from: arn(HOME),
        to_region: label(REGION),
        to: arn(REGION),
    })
}

fn fail_over() -> Change {
    Change::Databases(databases::Change::FailOver {
        global_cluster: "shop".to_owned(),
        from: arn(HOME),
        to_region: label(REGION),
        to: arn(REGION),
    })
}

#[tokio::test]
async fn a_switchover_is_sent_to_the_writer_and_a_failover_to_its_target() {
    let going_on = "<FailoverState><Status>switching-over</Status></FailoverState>";
    let phases = || {
        [
            global(HOME, "<FailoverState/>"),
            global(HOME, going_on),
            global(REGION, "<FailoverState/>"),
        ]
    };
    for (change, region, write) in [
        (switch_over(), HOME, "SwitchoverGlobalCluster"),
        (fail_over(), REGION, "FailoverGlobalCluster"),
    ] {
        let wire = Wire::start();
        aurora(&wire, phases());
        let receipt = apply(&wire, &change).await.unwrap();
        assert_eq!(receipt.request_id.as_deref(), Some("r-1"));
        let mut expected =
            ["DescribeGlobalClusters", write].map(|name| format!("{region} rds:{name}"));
        expected.sort();
        assert_eq!(wire.calls(), expected, "no other region is asked");
        let underway = Standing::Underway("shop is switching-over".to_owned());
        assert_eq!(standing(&wire, &change).await, underway);
        assert_eq!(standing(&wire, &change).await, Standing::After);
    }
}

#[tokio::test]
async fn nothing_is_sent_after_somebody_else_moved_the_writer() {
    for change in [switch_over(), fail_over()] {
        let wire = Wire::start();
        aurora(&wire, [global(REGION, "")]);
        let sent = apply(&wire, &change).await;
        assert_eq!(sent, drifted(&change, "it is so already"));
        assert_eq!(wire.calls().len(), 1);
    }
}

#[tokio::test]
async fn a_change_is_sent_once_whatever_comes_back() {
    for (fault, fate, class) in [
        (Fault::ServerError, Fate::InDoubt, ErrorClass::Transient),
        (Fault::Hang, Fate::InDoubt, ErrorClass::Timeout),
        // It was accepted; what it said is lost.
        (Fault::Truncated, Fate::InDoubt, ErrorClass::Transient),
        (Fault::Throttle, Fate::Refused, ErrorClass::Throttled),
        (Fault::Denied, Fate::Refused, ErrorClass::Denied),
    ] {
        let wire = Wire::start();
        aurora(&wire, [global(HOME, "")]);
        wire.fault("*", "rds:FailoverGlobalCluster", fault);
        let error = apply(&wire, &fail_over()).await.unwrap_err();
        assert_eq!((error.fate, error.error.class), (fate, class), "{fault:?}");
        assert_eq!(error.error.operation, "rds:FailoverGlobalCluster");
        assert_eq!(wire.calls().len(), 2, "{fault:?}: {:?}", wire.calls());
    }
}

#[tokio::test]
async fn a_read_before_the_change_is_repeated_and_the_change_is_not_sent_without_it() {
    let wire = Wire::start();
    aurora(&wire, [global(HOME, "")]);
    wire.fault("*", "rds:DescribeGlobalClusters", Fault::ServerError);
    let error = apply(&wire, &fail_over()).await.unwrap_err();
    assert_eq!(error.fate, Fate::NotSent);
    assert_eq!(
        wire.calls(),
        ["eu-west-1 rds:DescribeGlobalClusters"; 3],
        "reads are safe to repeat"
    );
}

#[tokio::test]
async fn a_failover_within_a_cluster_is_seen_through() {
    let page = |status: &str, writer: &str| {
        let member = |id: &str| {
            let is_writer = id == writer;
            format!(
                "<DBClusterMember><DBInstanceIdentifier>{id}</DBInstanceIdentifier><IsClusterWriter>{is_writer}</IsClusterWriter></DBClusterMember>"
            )
        };
        let cluster = format!(
            "<DBClusters><DBCluster><DBClusterIdentifier>shop</DBClusterIdentifier><Engine>aurora-mysql</Engine><Status>{status}</Status>\
             <DBClusterMembers>{}{}</DBClusterMembers></DBCluster></DBClusters>",
            member("shop-1"),
            member("shop-2")
        );
        query("DescribeDBClusters", &cluster)
    };
    let change = Change::Databases(databases::Change::FailOverCluster {
        region: label(REGION),
        cluster: "shop".to_owned(),
        from: "shop-1".to_owned(),
        to: "shop-2".to_owned(),
    });
    let wire = Wire::start();
    wire.answer(
        REGION,
        "rds:DescribeDBClusters",
        [
            page("available", "shop-1"),
            page("failing-over", "shop-1"),
            page("available", "shop-2"),
        ],
    );
    let body = query("FailoverDBCluster", "");
    wire.answer(REGION, "rds:FailoverDBCluster", [body]);
    apply(&wire, &change).await.unwrap();
    let underway = Standing::Underway("shop is failing-over".to_owned());
    assert_eq!(standing(&wire, &change).await, underway);
    assert_eq!(standing(&wire, &change).await, Standing::After);
}

#[tokio::test]
async fn a_promotion_is_seen_through_and_never_sent_to_a_replica_of_something_else() {
    let page = |status: &str, source: &str| {
        let source = format!(
            "<ReadReplicaSourceDBInstanceIdentifier>{source}</ReadReplicaSourceDBInstanceIdentifier>"
        );
        query(
            "DescribeDBInstances",
            &format!(
                "<DBInstances><DBInstance><DBInstanceIdentifier>ledger-b</DBInstanceIdentifier><Engine>postgres</Engine>\
                 <DBInstanceStatus>{status}</DBInstanceStatus>{source}</DBInstance></DBInstances>"
            ),
        )
    };
    let change = Change::Databases(databases::Change::Promote {
        region: label(REGION),
        instance: "ledger-b".to_owned(),
        source: "ledger".to_owned(),
        backup_retention_days: 7,
    });
    let wire = Wire::start();
    wire.answer(
        REGION,
        "rds:DescribeDBInstances",
        [
            page("available", "ledger"),
            page("modifying", "ledger"),
            page("backing-up", ""),
            page("available", ""),
        ],
    );
    let body = query("PromoteReadReplica", "");
    wire.answer(REGION, "rds:PromoteReadReplica", [body]);
    apply(&wire, &change).await.unwrap();
    for status in ["modifying", "backing-up"] {
        let underway = Standing::Underway(format!("ledger-b is {status}"));
        assert_eq!(standing(&wire, &change).await, underway);
    }
    assert_eq!(standing(&wire, &change).await, Standing::After);

    let wire = Wire::start();
    let page = page("available", "another");
    wire.answer(REGION, "rds:DescribeDBInstances", [page]);
    let sent = apply(&wire, &change).await;
    assert_eq!(sent, drifted(&change, "ledger-b replicates another"));
    assert_eq!(wire.calls().len(), 1);
}

/// A group and its datastore with the primary in this region, the group with this primary node.
fn elasticache(wire: &Wire, phases: &[(&str, &str, &str)]) {
    let datastore = |(status, primary, _): &(&str, &str, &str)| {
        let member = |region: &str| {
            let role = if region == *primary {
                "PRIMARY"
            } else {
                "SECONDARY"
            };
            format!(
                "<GlobalReplicationGroupMember><ReplicationGroupId>sessions</ReplicationGroupId><ReplicationGroupRegion>{region}</ReplicationGroupRegion>\
                 <Role>{role}</Role><Status>associated</Status></GlobalReplicationGroupMember>"
            )
        };
        let members = member(HOME) + &member(REGION);
        query(
            "DescribeGlobalReplicationGroups",
            &format!(
                "<GlobalReplicationGroups><GlobalReplicationGroup><GlobalReplicationGroupId>ldgnf-shop</GlobalReplicationGroupId>\
                 <Status>{status}</Status><Members>{members}</Members></GlobalReplicationGroup></GlobalReplicationGroups>"
            ),
        )
    };
    let group = |(status, _, primary): &(&str, &str, &str)| {
        let node = |id: &str| {
            let role = if id == *primary { "primary" } else { "replica" };
            format!(
                "<NodeGroupMember><CacheClusterId>{id}</CacheClusterId><CurrentRole>{role}</CurrentRole></NodeGroupMember>"
            )
        };
        let nodes = node("n1") + &node("n2");
        query(
            "DescribeReplicationGroups",
            &format!(
                "<ReplicationGroups><ReplicationGroup><ReplicationGroupId>sessions</ReplicationGroupId><Status>{status}</Status>\
                 <GlobalReplicationGroupInfo><GlobalReplicationGroupId>ldgnf-shop</GlobalReplicationGroupId></GlobalReplicationGroupInfo>\
                 <NodeGroups><NodeGroup><NodeGroupId>0001</NodeGroupId><Status>available</Status><NodeGroupMembers>{nodes}</NodeGroupMembers></NodeGroup></NodeGroups>\
                 </ReplicationGroup></ReplicationGroups>"
            ),
        )
    };
    let datastores: Vec<String> = phases.iter().map(datastore).collect();
    let groups: Vec<String> = phases.iter().map(group).collect();
    wire.answer(
        REGION,
        "elasticache:DescribeGlobalReplicationGroups",
        datastores,
    );
    wire.answer(REGION, "elasticache:DescribeReplicationGroups", groups);
    for name in ["FailoverGlobalReplicationGroup", "TestFailover"] {
        wire.answer(REGION, &format!("elasticache:{name}"), [query(name, "")]);
    }
}

fn fail_over_datastore() -> Change {
    Change::Caches(caches::Change::FailOverDatastore {
        datastore: "ldgnf-shop".to_owned(),
        from: HOME.to_owned(),
        to_region: label(REGION),
        to: REGION.to_owned(),
        to_group: "sessions".to_owned(),
    })
}

fn fail_over_group() -> Change {
    Change::Caches(caches::Change::FailOverGroup {
        region: label(REGION),
        group: "sessions".to_owned(),
        shard: "0001".to_owned(),
        from: "n1".to_owned(),
    })
}

#[tokio::test]
async fn failovers_of_caches_are_seen_through() {
    for change in [fail_over_datastore(), fail_over_group()] {
        let wire = Wire::start();
        elasticache(&wire, &[("available", HOME, "n1")]);
        apply(&wire, &change).await.unwrap();
        assert_eq!(wire.calls().len(), 2, "{:?}", wire.calls());
        elasticache(
            &wire,
            &[("modifying", REGION, "n2"), ("available", REGION, "n2")],
        );
        let underway = standing(&wire, &change).await;
        assert!(matches!(underway, Standing::Underway(_)), "{underway:?}");
        assert_eq!(standing(&wire, &change).await, Standing::After);
    }
}

#[tokio::test]
async fn nothing_is_sent_after_somebody_else_moved_the_primary() {
    for change in [fail_over_datastore(), fail_over_group()] {
        let wire = Wire::start();
        elasticache(&wire, &[("available", REGION, "n2")]);
        let sent = apply(&wire, &change).await;
        assert_eq!(sent, drifted(&change, "it is so already"));
        assert_eq!(wire.calls().len(), 1);
    }
}

#[tokio::test]
async fn memorydb_is_asked_first_and_its_events_say_that_it_is_done() {
    let change = Change::Caches(caches::Change::FailOverShard {
        region: label(REGION),
        cluster: "cart".to_owned(),
        shard: "0001".to_owned(),
        since: jiff::Timestamp::from_second(1_700_000_000).unwrap(),
    });
    let wire = Wire::start();
    let cluster = |status: &str| {
        format!(
            r#"{{"Clusters":[{{"Name":"cart","Status":"{status}","Shards":[{{"Name":"0001","Status":"available","Nodes":[{{"Name":"cart-1"}},{{"Name":"cart-2"}}]}}]}}]}}"#
        )
    };
    let phases = ["available", "updating", "available"].map(cluster);
    wire.answer(REGION, "memorydb:DescribeClusters", phases);
    wire.answer(REGION, "memorydb:FailoverShard", ["{}"]);
    wire.answer(REGION, "memorydb:DescribeMultiRegionClusters", ["{}"]);
    let event = r#"{"SourceName":"cart","SourceType":"cluster","Message":"Failover from primary node cart-1 to replica node cart-2 completed","Date":1700000030.5}"#;
    let other = r#"{"SourceName":"other","Message":"Failover from primary node cart-1 to replica node cart-2 completed","Date":1700000030.5},{"SourceName":"cart"}"#;
    let none = format!(r#"{{"Events":[{other}]}}"#);
    let last = format!(r#"{{"Events":[{event},{other}]}}"#);
    let events = [
        none.clone(),
        none,
        r#"{"NextToken":"more"}"#.to_owned(),
        last,
    ];
    wire.answer(REGION, "memorydb:DescribeEvents", events);
    apply(&wire, &change).await.unwrap();
    let underway = Standing::Underway("cart is updating".to_owned());
    assert_eq!(standing(&wire, &change).await, underway);
    assert_eq!(standing(&wire, &change).await, Standing::After);
}

const fn bounds(min: i32, max: i32) -> Bounds {
    Bounds { min, max }
}

fn scale(from: Bounds, to: Bounds) -> Change {
    Change::Clusters(clusters::Change::Scale {
        region: label(REGION),
        cluster: "prod".to_owned(),
        node_group: "blue".to_owned(),
        from,
        to,
    })
}

async fn a_node_group(wire: &Wire) {
    use aws_sdk_eks::types::{NodegroupScalingConfig, VpcConfigRequest};
    let seed = aws_sdk_eks::Client::new(&wire.config(REGION).await);
    let create = seed.create_cluster().name("prod").role_arn("arn:role");
    let vpc = VpcConfigRequest::builder().subnet_ids("subnet-1").build();
    create.resources_vpc_config(vpc).send().await.unwrap();
    let scaling = NodegroupScalingConfig::builder()
        .min_size(2)
        .max_size(6)
        .desired_size(3);
    let create = seed
        .create_nodegroup()
        .cluster_name("prod")
        .nodegroup_name("blue")
        .scaling_config(scaling.build())
        .subnets("subnet-1")
        .node_role("arn:role");
    create.send().await.unwrap();
    wire.forget();
}

#[tokio::test]
async fn the_emulators_node_group_takes_its_bounds_once_and_its_update_is_asked_for() {
    let wire = Wire::start();
    a_node_group(&wire).await;
    let change = scale(bounds(2, 6), bounds(4, 8));
    assert_eq!(standing(&wire, &change).await, Standing::Before);
    wire.forget();
    let receipt = apply(&wire, &change).await.unwrap();
    assert_eq!(
        wire.calls(),
        [
            "eu-west-1 eks:GET /clusters/prod/node-groups/blue",
            "eu-west-1 eks:POST /clusters/prod/node-groups/blue/update-config"
        ]
    );
    let reference = receipt.reference.unwrap();
    let id = reference.strip_prefix("prod/blue/").unwrap();
    let update = format!("eks:GET /clusters/prod/updates/{id}");
    let said = ["InProgress", "Successful"]
        .map(|status| format!(r#"{{"update":{{"id":"{id}","status":"{status}"}}}}"#));
    wire.answer(REGION, &update, said);
    for in_sync in [false, true] {
        let wanted = Wanted::Reference(reference.clone());
        let (standing, answer) = look(&wire, &change, wanted).await;
        assert_eq!((standing, answer.in_sync), (Standing::After, Some(in_sync)));
        assert_eq!(answer.problems, []);
    }
    let (_, answer) = look(&wire, &change, Wanted::Nothing).await;
    assert_eq!(answer.in_sync, None, "nobody asked");

    wire.forget();
    let again = apply(&wire, &change).await;
    assert_eq!(again, drifted(&change, "it is so already"));
    let other = scale(bounds(1, 3), bounds(2, 3));
    let why = "blue is 4 to 8 nodes, not 1 to 3 nodes";
    assert_eq!(apply(&wire, &other).await, drifted(&other, why));
    assert_eq!(wire.calls().len(), 2, "reads only: {:?}", wire.calls());
}

#[tokio::test]
async fn node_groups_that_may_not_be_listed_are_a_problem_and_the_clusters_stand() {
    let wire = Wire::start();
    a_node_group(&wire).await;
    let list = "eks:GET /clusters/prod/node-groups";
    wire.fault(REGION, list, Fault::Denied);
    let change = scale(bounds(2, 6), bounds(4, 8));
    let (standing, answer) = look(&wire, &change, Wanted::Nothing).await;
    assert!(matches!(standing, Standing::Unknown(_)), "{standing:?}");
    let said: Vec<_> = answer
        .problems
        .iter()
        .map(|error| (error.class, error.operation.as_str()))
        .collect();
    assert_eq!(said, [(ErrorClass::Denied, "eks:ListNodegroups")]);
}

fn mute(names: &[&str], to: bool) -> Change {
    Change::Alarms(alarms::Change::Actions {
        region: label(REGION),
        names: names.iter().map(ToString::to_string).collect(),
        from: !to,
        to,
    })
}

#[tokio::test]
async fn the_emulators_alarms_are_muted_and_unmuted() {
    let wire = Wire::start();
    let seed = aws_sdk_cloudwatch::Client::new(&wire.config(REGION).await);
    for name in ["errors", "latency", "other"] {
        use aws_sdk_cloudwatch::types::{ComparisonOperator, Statistic};
        let alarm = seed
            .put_metric_alarm()
            .alarm_name(name)
            .actions_enabled(true)
            .alarm_actions("arn:aws:sns:eu-west-1:123456789012:on-call")
            .metric_name("m")
            .namespace("N")
            .statistic(Statistic::Sum)
            .period(60);
        let alarm = alarm
            .evaluation_periods(1)
            .threshold(1.0)
            .comparison_operator(ComparisonOperator::GreaterThanThreshold);
        alarm.send().await.unwrap();
    }
    let (off, on) = (
        mute(&["errors", "latency"], false),
        mute(&["errors", "latency"], true),
    );
    assert_eq!(standing(&wire, &off).await, Standing::Before);
    wire.forget();
    apply(&wire, &off).await.unwrap();
    assert_eq!(
        wire.calls(),
        [
            "eu-west-1 monitoring:DescribeAlarms",
            "eu-west-1 monitoring:DisableAlarmActions"
        ]
    );
    assert_eq!(standing(&wire, &off).await, Standing::After);
    let other = mute(&["other"], false);
    assert_eq!(standing(&wire, &other).await, Standing::Before);

    wire.forget();
    let again = apply(&wire, &off).await;
    assert_eq!(again, drifted(&off, "it is so already"));
    let gone = mute(&["errors", "gone"], true);
    let sent = apply(&wire, &gone).await;
    assert_eq!(sent, drifted(&gone, "alarm gone is not listed"));
    assert_eq!(wire.calls(), ["eu-west-1 monitoring:DescribeAlarms"; 2]);

    apply(&wire, &on).await.unwrap();
    assert_eq!(standing(&wire, &off).await, Standing::Before);
}
