//! What may be carried out beside another run, and what may not.

use super::{
    AP, EU, GuardId, REGIONS, US, Verdict, dial, drain, failover, plan, says, switchover, weights,
    with, world,
};
use crate::{
    plan::{
        Plan, beside,
        entry::{Entry, What},
        ledger::Ledger,
    },
    resources::{
        Change, Fleet,
        clusters::{self, Bounds},
        databases,
        fixtures::{label, now},
    },
};

fn begun(plan: &Plan) -> Ledger {
    let what = What::Confirmed {
        plan: Box::new(plan.clone()),
        hash: plan.hash(),
        guards: Vec::new(),
        overrides: Default::default(),
        typed: String::new(),
        reason: String::new(),
    };
    Ledger::of(vec![Entry {
        at: now(),
        run: Some("r1".into()),
        step: None,
        what,
    }])
}

/// Why the second cannot be carried out beside the first; it is the same the other way round.
fn clash(fleet: &Fleet, first: &Plan, second: &Plan) -> Option<String> {
    let one_way = |other: &Plan, plan: &Plan| {
        let ledger = begun(other);
        let others = beside::others(&ledger, [].iter(), &[], now());
        beside::clash(fleet, plan, &others[0])
    };
    let found = one_way(first, second);
    assert_eq!(one_way(second, first), found);
    found
}

fn scale(region: &str, from: i32, to: i32) -> Change {
    Change::Clusters(clusters::Change::Scale {
        region: label(region),
        cluster: "shop".into(),
        node_group: "web".into(),
        from: Bounds { min: from, max: 9 },
        to: Bounds { min: to, max: 9 },
    })
}

#[test]
fn a_disaster_is_fought_side_by_side() {
    let fleet = world();
    let drained = plan(&fleet, vec![weights(&fleet, &[(US, 0)])], &[US]);
    for beside in [failover(EU), scale(EU, 2, 4), scale(AP, 2, 4)] {
        let beside = plan(&fleet, vec![beside], &[]);
        assert_eq!(clash(&fleet, &drained, &beside), None, "{beside:?}");
    }
    let (eu, ap) = (scale(EU, 2, 4), scale(AP, 2, 4));
    let (eu, ap) = (plan(&fleet, vec![eu], &[]), plan(&fleet, vec![ap], &[]));
    assert_eq!(clash(&fleet, &eu, &ap), None);
}

#[test]
fn two_runs_never_move_traffic_at_once_whatever_their_levers() {
    let fleet = world();
    let first = plan(&fleet, vec![weights(&fleet, &[(US, 0)])], &[US]);
    let second = plan(&fleet, vec![dial(EU, 100.0, 0.0)], &[EU]);
    assert!(
        first
            .targets()
            .iter()
            .all(|target| !second.targets().contains(target))
    );
    let why = clash(&fleet, &first, &second);
    assert_eq!(why.as_deref(), Some("both move traffic between regions"));
    // A second region is drained by nobody, whatever else is overridden; the same region again is what continues the first.
    let ledger = begun(&first);
    let blast = |plan: &Plan| with(&fleet, plan, &ledger, GuardId::Blast);
    says(
        &blast(&second),
        Verdict::Fail,
        "us-east-1 is being drained too: run r1 (a plan) has not ended",
    );
    let again = plan(&fleet, vec![dial(US, 100.0, 0.0)], &[US]);
    says(&blast(&again), Verdict::Pass, "us-east-1 alone");
}

#[test]
fn nothing_is_moved_into_a_region_that_is_being_drained() {
    let fleet = world();
    let drained = drain(&fleet);
    for into in [switchover(AP), failover(AP)] {
        let why = clash(&fleet, &drained, &plan(&fleet, vec![into], &[]));
        assert_eq!(
            why.as_deref(),
            Some("one drains ap-southeast-1 while the other moves something into it")
        );
    }
}

#[test]
fn one_whole_is_changed_by_one_run() {
    let fleet = world();
    let global = plan(&fleet, vec![failover(EU)], &[]);
    for region in REGIONS {
        let within = Change::Databases(databases::Change::FailOverCluster {
            region: label(region),
            cluster: "db".into(),
            from: "db-1".into(),
            to: "db-2".into(),
        });
        let within = plan(&fleet, vec![within], &[]);
        let why = clash(&fleet, &global, &within);
        assert_eq!(why.as_deref(), Some("both change rds/global/g"));
    }
    let (us, eu) = (dial(US, 100.0, 50.0), dial(EU, 100.0, 50.0));
    let (us, eu) = (plan(&fleet, vec![us], &[]), plan(&fleet, vec![eu], &[]));
    let why = clash(&fleet, &us, &eu);
    assert_eq!(why.as_deref(), Some("both change arn:accelerator/1"));
}

#[test]
fn capacity_is_taken_away_by_one_run_and_while_no_traffic_moves() {
    let fleet = world();
    let drained = drain(&fleet);
    let less = |region| plan(&fleet, vec![scale(region, 4, 2)], &[]);
    let why = clash(&fleet, &drained, &less(EU));
    assert_eq!(
        why.as_deref(),
        Some("one moves traffic while the other takes nodes away")
    );
    let why = clash(&fleet, &less(EU), &less(US));
    assert_eq!(why.as_deref(), Some("both take nodes away"));
}
