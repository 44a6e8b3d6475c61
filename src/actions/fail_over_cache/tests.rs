//! Which cache becomes the primary.

use crate::{
    actions::kit::stores::tests::{Watched, assert_stable, place, says, to},
    plan::{Options, Plan},
    resources::{
        Change, Rows, Source,
        caches::{self, Cache},
        change::{Alter, Standing},
    },
};

fn none() -> Options {
    Options::default()
}

fn moved(plan: &Plan) -> (&str, &str, &str) {
    match plan.changes().next() {
        Some(Change::Caches(caches::Change::FailOverDatastore {
            from, to, to_group, ..
        })) => (from, to, to_group),
        other => panic!("{other:?}"),
    }
}

fn change(watched: &mut Watched, region: &str, source: Source, change: impl Fn(&mut Cache)) {
    let slice = watched.fleet.caches.slice(source, &place(region));
    let mut rows = slice.unwrap().rows.clone();
    rows.iter_mut().for_each(change);
    watched.answer(source, region, Rows::Caches(rows));
}

fn groups(watched: &mut Watched, region: &str, edit: impl Fn(&mut caches::ReplicationGroup)) {
    change(watched, region, Source::ElastiCache, |row| {
        if let Cache::Group(group) = row {
            edit(group);
        }
    });
}

/// The regions of the datastore without its primary.
fn secondaries(watched: &Watched) -> Vec<String> {
    let rows = watched.fleet.caches.rows();
    let groups = rows.filter_map(|(_, place, row)| match row {
        Cache::Group(group) if group.role() == "secondary" => Some(place.to_string()),
        Cache::Group(_) | Cache::MemoryDb(_) => None,
    });
    groups.collect()
}

#[test]
fn the_primary_of_a_datastore_moves_to_another_region() {
    let watched = Watched::until("calm", 0);
    let plan = watched
        .plan("fail-over-cache", "ldgnf-sessions", none())
        .unwrap();
    let (from, new, group) = moved(&plan);
    assert_eq!(from, "us-east-1");
    assert!(secondaries(&watched).contains(&new.to_owned()));
    assert_eq!(group, format!("sessions-{new}"));
    assert_eq!(plan.phrase, "ldgnf-sessions");
    assert!(says(&plan.remarks, &["of writes may be lost"]));
    assert!(plan.drift(&watched.fleet).is_empty());
    assert_stable(&watched, &plan);
    for region in secondaries(&watched) {
        let plan = watched
            .plan("fail-over-cache", "ldgnf-sessions", to(&region))
            .unwrap();
        assert_eq!(moved(&plan).1, region);
    }
    let there = watched.plan("fail-over-cache", "ldgnf-sessions", to("us-east-1"));
    assert!(there.unwrap_err().to_string().contains("already"));
}

#[test]
fn a_dead_primary_does_not_stop_it() {
    let watched = Watched::until("region-down", 150);
    let plan = watched
        .plan("fail-over-cache", "ldgnf-sessions", none())
        .unwrap();
    assert_eq!(moved(&plan).0, "us-east-1");
}

#[test]
fn a_member_that_is_busy_is_passed_over_and_named() {
    let mut watched = Watched::until("calm", 0);
    let all = secondaries(&watched);
    for region in &all {
        groups(&mut watched, region, |group| {
            "modifying".clone_into(&mut group.status);
        });
    }
    let refusal = watched
        .plan("fail-over-cache", "ldgnf-sessions", none())
        .unwrap_err();
    assert_eq!(refusal.reasons.len(), all.len());
    assert!(says(&refusal.reasons, &[&all[0], "its group is modifying"]));
}

#[test]
fn a_datastore_at_work_is_left_alone() {
    let mut watched = Watched::until("calm", 0);
    for region in ["us-east-1", "eu-west-1", "ap-southeast-1"] {
        groups(&mut watched, region, |group| {
            if let Some(datastore) = &mut group.datastore {
                datastore.status = Some("modifying".to_owned());
            }
        });
    }
    let refusal = watched
        .plan("fail-over-cache", "ldgnf-sessions", none())
        .unwrap_err();
    assert!(refusal.to_string().contains("is modifying"));
}

#[test]
fn a_shard_is_failed_over_for_drills_only() {
    let mut watched = Watched::until("calm", 0);
    let which = watched
        .plan("fail-over-cache", "sessions-us-east-1", none())
        .unwrap_err();
    assert_eq!(which.advice, "say which with to=: 0001, 0002");
    let plan = watched
        .plan("fail-over-cache", "sessions-us-east-1", to("0002"))
        .unwrap();
    let Some(Change::Caches(caches::Change::FailOverGroup { shard, from, .. })) =
        plan.changes().next()
    else {
        panic!("{plan:?}");
    };
    assert_eq!(
        (shard.as_str(), from.as_str()),
        ("0002", "sessions-us-east-1-0002-001")
    );
    assert!(says(&plan.remarks, &["for drills only"]));
    assert_stable(&watched, &plan);
    // With cluster mode on, nobody tells which node is the primary.
    groups(&mut watched, "us-east-1", |group| {
        let nodes = group.shards.iter_mut().flat_map(|shard| &mut shard.nodes);
        nodes.for_each(|node| node.role = None);
    });
    let refusal = watched
        .plan("fail-over-cache", "sessions-us-east-1", to("0002"))
        .unwrap_err();
    assert!(refusal.advice.contains("aws elasticache test-failover"));
}

#[test]
fn what_is_active_everywhere_has_nothing_to_promote() {
    let watched = Watched::until("calm", 0);
    let above = watched
        .plan("fail-over-cache", "virxk-prices", none())
        .unwrap_err();
    assert!(above.to_string().contains("nothing to promote"));
}

#[test]
fn a_shard_of_memorydb_is_drilled_where_its_events_tell_how_it_ends() {
    let mut watched = Watched::until("calm", 0);
    let rows = watched.fleet.caches.rows();
    let members: Vec<(String, String)> = rows
        .filter(|(source, ..)| *source == Source::MemoryDb)
        .map(|(_, place, row)| (place.to_string(), row.id().to_owned()))
        .collect();
    let (region, name) = members.first().unwrap();
    let which = watched.plan("fail-over-cache", name, none()).unwrap_err();
    assert!(
        which.advice.contains("say which with to=: 0001, 0002"),
        "{which:?}"
    );
    let plan = watched.plan("fail-over-cache", name, to("0002")).unwrap();
    let change = plan.changes().next().unwrap();
    let Change::Caches(caches::Change::FailOverShard { shard, since, .. }) = change else {
        panic!("{change:?}")
    };
    assert_eq!((shard.as_str(), *since), ("0002", watched.fleet.now));
    assert_eq!(change.standing(&watched.fleet), Standing::Before);
    assert!(says(&plan.remarks, &["for drills only"]));
    change_memorydb(&mut watched, region, |cluster| {
        "updating".clone_into(&mut cluster.status);
    });
    let busy = watched
        .plan("fail-over-cache", name, to("0002"))
        .unwrap_err();
    assert!(busy.to_string().contains("is updating"), "{busy}");
    change_memorydb(&mut watched, region, |cluster| {
        "available".clone_into(&mut cluster.status);
        cluster.failovers = None;
    });
    let untold = watched
        .plan("fail-over-cache", name, to("0002"))
        .unwrap_err();
    assert!(
        untold.advice.contains("aws memorydb failover-shard"),
        "{untold:?}"
    );
}

fn change_memorydb(
    watched: &mut Watched,
    region: &str,
    edit: impl Fn(&mut caches::MemoryDbCluster),
) {
    change(watched, region, Source::MemoryDb, |row| {
        if let Cache::MemoryDb(cluster) = row {
            edit(cluster);
        }
    });
}
