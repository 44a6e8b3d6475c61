//! What is promoted, by what the target is.

use crate::{
    actions::kit::stores::{
        ACCEPT_LOSS,
        tests::{Watched, assert_stable, says, to},
    },
    plan::{GuardId, Options, Plan},
    resources::{
        Change,
        change::{Alter, Class},
        databases::{self, Database},
    },
    sim::names,
};

fn none() -> Options {
    Options::default()
}

fn promoted(plan: &Plan) -> (&str, i32) {
    match plan.changes().next() {
        Some(Change::Databases(databases::Change::Promote {
            instance,
            backup_retention_days,
            ..
        })) => (instance, *backup_retention_days),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_read_replica_of_a_lost_source_is_promoted_for_good() {
    let watched = Watched::until("database-failure", 360);
    let plan = watched
        .plan("promote-replica", "orders-eu-west-1", none())
        .unwrap();
    assert_eq!(promoted(&plan), ("orders-eu-west-1", 7));
    assert_eq!(
        (plan.phrase.as_str(), plan.loss_phrase.as_str()),
        ("orders-eu-west-1", ACCEPT_LOSS)
    );
    assert_eq!(plan.class(), Class::R);
    assert!(plan.changes().next().unwrap().inverse().is_err());
    assert!(plan.guards().contains(&GuardId::Split));
    for parts in [
        &["of writes may be lost"][..],
        &[
            "us-east-1/orders-us-east-1",
            "may come back",
            "fence it first",
        ],
        &[
            "aws rds modify-db-instance --db-instance-identifier orders-us-east-1",
            "--region us-east-1",
        ],
        &["ap-southeast-1/orders-ap-southeast-1 keep following the old source"],
        &["nothing undoes it"],
    ] {
        assert!(
            says(&plan.remarks, parts),
            "{parts:?} in {:#?}",
            plan.remarks
        );
    }
    assert_stable(&watched, &plan);
}

#[test]
fn a_source_that_lives_is_to_be_fenced_first() {
    let watched = Watched::until("calm", 0);
    let plan = watched
        .plan("promote-replica", "instance/orders-eu-west-1", none())
        .unwrap();
    assert!(says(
        &plan.remarks,
        &["is available and takes writes: fence it first"]
    ));
}

#[test]
fn backups_are_kept_and_never_for_no_days() {
    let mut watched = Watched::until("calm", 0);
    let keep = |watched: &mut Watched, days| {
        watched.databases("eu-west-1", |row| {
            if let Database::Instance(instance) = row {
                instance.backup_retention_days = days;
            }
        });
        let plan = watched.plan("promote-replica", "eu-west-1/orders-eu-west-1", none());
        promoted(&plan.unwrap()).1
    };
    assert_eq!(keep(&mut watched, Some(3)), 3);
    assert_eq!(keep(&mut watched, Some(0)), 7);
    assert_eq!(keep(&mut watched, None), 7);
}

#[test]
fn what_takes_writes_or_is_busy_is_not_promoted() {
    let mut watched = Watched::until("calm", 0);
    let writer = watched
        .plan("promote-replica", "orders-us-east-1", none())
        .unwrap_err();
    assert!(writer.to_string().contains("is no replica"));
    assert!(writer.advice.contains("orders-eu-west-1"));
    watched.databases("eu-west-1", |row| {
        if let Database::Instance(instance) = row {
            "backing-up".clone_into(&mut instance.status);
        }
    });
    let busy = watched
        .plan("promote-replica", "orders-eu-west-1", none())
        .unwrap_err();
    assert!(busy.to_string().contains("is backing-up"));
    let away = watched
        .plan("promote-replica", "orders-eu-west-1", to("eu-west-1"))
        .unwrap_err();
    assert!(away.to_string().contains("says nothing"));
}

#[test]
fn an_idle_source_has_nothing_that_could_be_lost() {
    use crate::resources::{
        Rows, Source,
        databases::series_key,
        metrics::{Point, Quality, Series, SeriesSpec, Stat},
    };
    let mut watched = Watched::until("calm", 0);
    let at = watched.fleet.now - std::time::Duration::from_secs(180);
    let mut series = |region: &str, what: &str, value: f64| {
        let key = series_key(&names::instance(region), what);
        let series = Series {
            spec: SeriesSpec::new(key, "AWS/RDS", "M", &[], Stat::Maximum),
            points: vec![Point { at, value }],
            quality: Quality::Complete,
        };
        watched.answer(Source::Metrics, region, Rows::Metrics(vec![series]));
    };
    series("eu-west-1", "replica-lag", 240.0);
    series("us-east-1", "write-iops", 0.2);
    let plan = watched
        .plan("promote-replica", "orders-eu-west-1", none())
        .unwrap();
    assert!(says(
        &plan.remarks,
        &["the source is idle", "nothing is missing"]
    ));
    assert_eq!(plan.loss_phrase, "no way back");

    let mut series = |value: f64| {
        let key = series_key(&names::instance("eu-west-1"), "replica-lag");
        let series = Series {
            spec: SeriesSpec::new(key, "AWS/RDS", "M", &[], Stat::Maximum),
            points: vec![Point { at, value }],
            quality: Quality::Complete,
        };
        watched.answer(Source::Metrics, "eu-west-1", Rows::Metrics(vec![series]));
        watched
            .plan("promote-replica", "orders-eu-west-1", none())
            .unwrap()
    };
    let long = series(900.0);
    assert_eq!(long.loss_phrase, ACCEPT_LOSS, "no heartbeat is that late");
    let broken = series(-1.0);
    assert_eq!(broken.loss_phrase, ACCEPT_LOSS);
    assert!(says(&broken.remarks, &["not known"]));
}

#[test]
fn a_sick_writer_gives_way_to_the_reader_with_the_lowest_tier() {
    let mut watched = Watched::until("calm", 0);
    watched.databases("us-east-1", |row| {
        if let Database::Cluster(cluster) = row {
            cluster.instances[0].status = Some("rebooting".to_owned());
            let mut third = cluster.instances[1].clone();
            "shop-us-east-1-3".clone_into(&mut third.id);
            third.promotion_tier = Some(0);
            cluster.instances.push(third);
        }
    });
    let plan = watched
        .plan("promote-replica", "shop-us-east-1", none())
        .unwrap();
    let Some(Change::Databases(databases::Change::FailOverCluster {
        from, to: reader, ..
    })) = plan.changes().next()
    else {
        panic!("{plan:?}");
    };
    assert_eq!(
        (from.as_str(), reader.as_str()),
        ("shop-us-east-1-1", "shop-us-east-1-3")
    );
    assert_eq!(
        (plan.phrase.as_str(), plan.loss_phrase.as_str()),
        ("shop-us-east-1", "")
    );
    assert!(says(&plan.remarks, &["is rebooting"]));
    assert!(says(&plan.remarks, &["not taken: shop-us-east-1-2"]));
    assert!(plan.drift(&watched.fleet).is_empty());
    assert_stable(&watched, &plan);
    let named = watched.plan("promote-replica", "shop-us-east-1", to("shop-us-east-1-2"));
    assert!(named.unwrap().title.ends_with("shop-us-east-1-2"));
    let nobody = watched.plan("promote-replica", "shop-us-east-1", to("shop-us-east-1-9"));
    assert!(nobody.unwrap_err().advice.contains("shop-us-east-1-2"));
}

#[test]
fn a_failover_that_runs_is_left_alone() {
    let mut watched = Watched::until("calm", 0);
    watched.databases("us-east-1", |row| {
        if let Database::Cluster(cluster) = row {
            "failing-over".clone_into(&mut cluster.status);
        }
    });
    let refusal = watched
        .plan("promote-replica", "shop-us-east-1", none())
        .unwrap_err();
    assert!(refusal.advice.contains("do nothing"));
}

#[test]
fn a_secondary_and_its_global_cluster_are_a_switchover() {
    let watched = Watched::until("calm", 0);
    let refusal = watched
        .plan("promote-replica", "shop-eu-west-1", none())
        .unwrap_err();
    assert!(refusal.advice.contains("switchover shop-global"));
    let plan = watched
        .plan("promote-replica", "shop-global", none())
        .unwrap();
    let same = watched.plan("switchover", "shop-global", none()).unwrap();
    assert_eq!(plan.steps, same.steps);
}

#[test]
fn a_table_has_nothing_to_promote() {
    let watched = Watched::until("calm", 0);
    let ambiguous = watched
        .plan("promote-replica", "carts", none())
        .unwrap_err();
    assert!(ambiguous.advice.contains("/table/carts"), "{ambiguous:?}");
    let one = watched
        .plan("promote-replica", "us-east-1/carts", none())
        .unwrap_err();
    assert!(one.to_string().contains("nothing to promote"), "{one}");
}

#[test]
fn only_what_can_be_promoted_is_offered() {
    let watched = Watched::until("calm", 0);
    let action = crate::actions::find("promote-replica").unwrap();
    let offered = action.targets(&watched.fleet, &crate::plan::ledger::Ledger::default());
    assert!(offered.contains(&"shop-global".to_owned()));
    assert!(offered.contains(&"orders-eu-west-1".to_owned()));
    assert!(
        !offered
            .iter()
            .any(|name| name.contains("carts") || name == "orders-us-east-1")
    );
}
