//! What becomes of every change: seen before, seen done, undone, refused when something else is there, and what each thing that can befall it leaves behind.

mod effects;
mod refused;

use super::{cases::*, *};
use crate::{
    resources::{
        Change, alarms, caches,
        change::{Alter, ApplyError, Fate, Receipt, Standing},
        clusters::{self, Bounds},
        databases, health_checks, pipelines, traffic,
    },
    sim::{Fault, WriteFault, apply},
};

impl Watching {
    fn apply(&mut self, second: i64, change: &Change) -> Result<Receipt, ApplyError> {
        self.world.advance_to(time(second));
        apply::receive(&mut self.world, change).result
    }

    /// What a console that reads everything at a second finds.
    fn standing(&mut self, second: i64, change: &Change) -> Standing {
        self.poll(second);
        change.standing(&self.fleet)
    }

    fn in_sync(&self, source: Source, at: Place, reference: &str) -> Option<bool> {
        let query = Query {
            source,
            place: at,
            wanted: Wanted::Reference(reference.to_owned()),
            read: 1,
        };
        let answer = crate::sim::wire::reply(&self.world, &query).result;
        answer.unwrap().in_sync
    }
}

/// The calm world, and a change that a console made of what it saw there.
fn planned(case: &Case) -> (Watching, Change) {
    let mut watching = Watching::named("calm");
    watching.poll(10);
    let change = (case.build)(&watching.fleet);
    (watching, change)
}

fn in_middle(standing: &Standing) -> bool {
    matches!(standing, Standing::Underway(_))
}

#[test]
fn every_change_is_seen_before_and_after_and_its_inverse_brings_it_back() {
    for case in CASES {
        let (mut watching, change) = planned(case);
        let name = case.name;
        assert_eq!(watching.standing(19, &change), Standing::Before, "{name}");
        let receipt = watching.apply(20, &change).unwrap();
        assert!(receipt.request_id.is_some_and(|id| id.len() == 36));
        assert!(receipt.calls[&change.api()] >= 1);
        let mut middle = false;
        for second in 20..20 + case.within {
            // Long ones are looked at now and then.
            if second < 30 || second % 20 == 0 {
                let standing = watching.standing(second, &change);
                middle |= in_middle(&standing);
                assert!(
                    in_middle(&standing) || matches!(standing, Standing::Before | Standing::After),
                    "{name} at {second}: {standing:?}"
                );
            }
        }
        // The endpoints of a recovery cluster disagree for a moment: no middle in which a change could stay.
        let disagree = case.name == "controls";
        assert_eq!(middle, case.has_middle || disagree, "{name}");
        let done = 20 + case.within;
        assert_eq!(watching.standing(done, &change), Standing::After, "{name}");
        let Ok(inverse) = change.inverse() else {
            continue;
        };
        watching.poll(done + 40);
        assert_eq!(inverse.standing(&watching.fleet), Standing::Before);
        watching.apply(done + 40, &inverse).unwrap();
        let back = watching.standing(done + 40 + case.within, &change);
        assert_eq!(back, Standing::Before, "{name}");
    }
}

#[test]
fn a_change_whose_expectation_no_longer_holds_changes_nothing() {
    for case in CASES {
        let (mut watching, change) = planned(case);
        watching.apply(20, &change).unwrap();
        watching.poll(20 + case.within + 40);
        let before = watching.world.clone();
        let refused = watching.apply(20 + case.within + 40, &change).unwrap_err();
        assert_eq!(refused.error.class, ErrorClass::Conflict, "{}", case.name);
        // An API with a token compares itself; for the others we do it and send nothing.
        let text = &refused.error.message;
        let fate = match case.name {
            "weights" => {
                assert!(text.starts_with("InvalidChangeBatch: ["), "{text}");
                Fate::Refused
            }
            "alias" => {
                assert!(text.starts_with("PreconditionFailedException"), "{text}");
                Fate::Refused
            }
            "invert" => {
                assert!(text.starts_with("HealthCheckVersionMismatch"), "{text}");
                Fate::Refused
            }
            _ => Fate::NotSent,
        };
        assert_eq!(refused.fate, fate, "{}", case.name);
        watching.world.sent.count = before.sent.count;
        assert_eq!(watching.world, before, "{}", case.name);
    }
}

#[test]
fn any_field_of_a_record_that_differs_fails_the_whole_batch() {
    let (mut watching, _) = planned(&CASES[0]);
    let Change::Traffic(traffic::Change::Weights { records }) = weights(&watching.fleet) else {
        panic!("weights")
    };
    let edits: [fn(&mut traffic::Record); 4] = [
        |record| record.ttl = Some(60),
        |record| record.health_check_id = None,
        |record| record.alias.as_mut().unwrap().evaluate_target_health = false,
        |record| record.set_identifier = Some("mars".to_owned()),
    ];
    for edit in edits {
        let mut records = records.clone();
        edit(&mut records[1].from);
        let change = Change::Traffic(traffic::Change::Weights { records });
        let refused = watching.apply(20, &change).unwrap_err();
        assert_eq!(refused.fate, Fate::Refused);
        assert!(refused.error.message.starts_with("InvalidChangeBatch: ["));
        let plain = weights(&watching.fleet);
        assert_eq!(watching.standing(20, &plain), Standing::Before);
    }
}

#[test]
fn what_befalls_a_change_decides_its_fate_and_its_effect() {
    for case in CASES {
        for (fault, fate, class) in [
            (WriteFault::Throttle, Fate::Refused, ErrorClass::Throttled),
            (WriteFault::Deny, Fate::Refused, ErrorClass::Denied),
            (WriteFault::Unanswered, Fate::InDoubt, ErrorClass::Timeout),
            (WriteFault::AnswerLost, Fate::InDoubt, ErrorClass::Timeout),
        ] {
            let (mut watching, change) = planned(case);
            watching.world.begin(&Fault::write(fault, change.api()));
            let failed = watching.apply(20, &change).unwrap_err();
            assert_eq!((failed.fate, failed.error.class), (fate, class));
            let expected = if fault == WriteFault::AnswerLost {
                Standing::After
            } else {
                Standing::Before
            };
            let found = watching.standing(20 + case.within, &change);
            assert_eq!(found, expected, "{} {fault:?}", case.name);
            // Faults of one API leave the others alone.
            let other = if change.api() == Api::CloudWatch {
                dial(&watching.fleet)
            } else {
                alarm_actions(&watching.fleet)
            };
            assert!(watching.apply(20 + case.within, &other).is_ok());
        }
    }
}

#[test]
fn an_accepted_change_may_never_come_come_late_or_never_end() {
    for case in CASES {
        let (mut watching, change) = planned(case);
        let lie = Fault::write(WriteFault::Lie, change.api());
        watching.world.begin(&lie);
        assert!(watching.apply(20, &change).unwrap().request_id.is_some());
        for second in [21, 20 + case.within, 1_500] {
            let found = watching.standing(second, &change);
            assert_eq!(found, Standing::Before, "{}: a lie", case.name);
        }

        let (mut watching, change) = planned(case);
        let late = Fault::write(WriteFault::Late(45), change.api());
        watching.world.begin(&late);
        watching.apply(20, &change).unwrap();
        let found = watching.standing(64, &change);
        assert_eq!(found, Standing::Before, "{}: not yet", case.name);
        let found = watching.standing(65 + case.within, &change);
        assert_eq!(found, Standing::After, "{}: late", case.name);

        let (mut watching, change) = planned(case);
        let hang = Fault::write(WriteFault::Hang, change.api());
        watching.world.begin(&hang);
        watching.apply(20, &change).unwrap();
        let found = watching.standing(1_500, &change);
        // What has no middle is done at once: there is nothing in which it could hang.
        if case.has_middle {
            assert!(in_middle(&found), "{} hangs: {found:?}", case.name);
        } else {
            assert_eq!(found, Standing::After, "{}", case.name);
        }
    }
}

#[test]
fn a_fault_may_hit_only_so_many_changes_and_only_at_a_place() {
    let mut watching = Watching::named("calm");
    watching.poll(10);
    watching.world.begin(&Fault::Write {
        how: WriteFault::Throttle,
        api: None,
        place: Some(place("eu-west-1")),
        share: 1.0,
        times: Some(1),
    });
    let (there, elsewhere) = (scale(&watching.fleet), alarm_actions(&watching.fleet));
    assert!(watching.apply(20, &elsewhere).is_ok(), "us-east-1");
    let refused = watching.apply(20, &there).unwrap_err();
    assert_eq!(refused.error.class, ErrorClass::Throttled);
    assert!(refused.error.request_id.is_some());
    assert!(watching.apply(21, &there).is_ok(), "the second one");
    let deny = Fault::write(WriteFault::Deny, Api::Route53);
    watching.world.begin(&deny);
    watching.world.faults.end_write_faults();
    let change = weights(&watching.fleet);
    assert!(watching.apply(22, &change).is_ok());
}

#[test]
fn a_reference_tells_when_a_change_has_reached_every_server() {
    let mut watching = Watching::named("calm");
    watching.poll(10);
    let change = weights(&watching.fleet);
    let reference = watching.apply(20, &change).unwrap().reference.unwrap();
    assert!(reference.starts_with("/change/C"), "{reference}");
    let at = |watching: &mut Watching, second| {
        watching.world.advance_to(time(second));
        watching.in_sync(Source::Records, Place::Global, &reference)
    };
    assert_eq!(at(&mut watching, 49), Some(false));
    assert_eq!(at(&mut watching, 81), Some(true));
    let unknown = watching.in_sync(Source::Records, Place::Global, "/change/C0");
    assert_eq!(unknown, None, "NoSuchChange");
    let eu = place("eu-west-1");
    let mistaken = watching.in_sync(Source::Clusters, eu.clone(), &reference);
    assert_eq!(mistaken, None, "EKS knows no change of Route 53");

    let update = scale(&watching.fleet);
    let update = watching.apply(90, &update).unwrap().reference.unwrap();
    let known = watching.in_sync(Source::Clusters, eu.clone(), &update);
    assert_eq!(known, Some(false));
    let policy = staging(&watching.fleet);
    let policy = watching.apply(90, &policy).unwrap().reference.unwrap();
    let known = watching.in_sync(Source::Distributions, Place::Global, &policy);
    assert_eq!(known, Some(false));
    watching.world.advance_to(time(90 + 181));
    let known = watching.in_sync(Source::Clusters, eu, &update);
    assert_eq!(known, Some(true));
    let known = watching.in_sync(Source::Distributions, Place::Global, &policy);
    assert_eq!(known, Some(true));
    // Nobody can ask how far a dial has come but by the accelerator's own status.
    let change = dial(&watching.fleet);
    assert_eq!(watching.apply(272, &change).unwrap().reference, None);
}

#[test]
fn a_hung_switchover_blocks_the_failover_too() {
    let mut watching = Watching::named("calm");
    watching.poll(10);
    let fault = Fault::write(WriteFault::Hang, Api::Rds);
    watching.world.begin(&fault);
    let change = switch_over(&watching.fleet);
    watching.apply(20, &change).unwrap();
    watching.world.faults.end_write_faults();
    let Standing::Underway(text) = watching.standing(1_800, &change) else {
        panic!("it hangs")
    };
    assert!(text.contains("switching-over"), "{text}");
    let change = fail_over(&watching.fleet);
    let refused = watching.apply(1_800, &change).unwrap_err();
    assert_eq!(refused.fate, Fate::Refused);
    let text = refused.error.message;
    assert!(text.starts_with("InvalidGlobalClusterStateFault"), "{text}");
}

#[test]
fn failovers_of_shards_are_counted_and_memorydb_tells_of_them_by_its_events() {
    let mut watching = Watching::named("calm");
    for test in 0..15 {
        watching.poll(test * 60);
        let change = fail_over_group(&watching.fleet);
        watching.apply(test * 60, &change).unwrap();
    }
    watching.poll(900);
    let change = fail_over_group(&watching.fleet);
    let refused = watching.apply(900, &change).unwrap_err();
    let text = &refused.error.message;
    assert!(text.starts_with("APICallRateForCustomerExceeded"), "{text}");
    assert_eq!(refused.error.class, ErrorClass::Throttled);

    let change = Change::Caches(caches::Change::FailOverShard {
        region: label("eu-west-1"),
        cluster: names::memorydb("eu-west-1"),
        shard: "0001".to_owned(),
        since: time(900),
    });
    assert_eq!(change.standing(&watching.fleet), Standing::Before);
    let status = |watching: &mut Watching, second| {
        watching.poll(second);
        let at = place("eu-west-1");
        let slice = watching.fleet.caches.slice(Source::MemoryDb, &at).unwrap();
        let Some(caches::Cache::MemoryDb(cluster)) = slice.rows.first() else {
            panic!("MemoryDB")
        };
        cluster.shards[0].status.clone().unwrap()
    };
    watching.apply(901, &change).unwrap();
    assert_eq!(status(&mut watching, 902), "modifying");
    assert_eq!(status(&mut watching, 960), "available");
    assert_eq!(change.standing(&watching.fleet), Standing::After);
}

#[test]
fn another_operator_between_plan_and_step_is_noticed() {
    let mut watching = Watching::named("concurrent-operator");
    watching.poll(20);
    let change = weights(&watching.fleet);
    let refused = watching.apply(30, &change).unwrap_err();
    assert_eq!(refused.fate, Fate::Refused);
    let text = refused.error.message;
    assert!(text.contains("set-identifier='eu-west-1'"), "{text}");
    assert!(text.ends_with("do not match the current values]"), "{text}");
    assert_eq!(
        watching.standing(30, &change),
        Standing::Other("the weight of eu-west-1 is 40".to_owned())
    );
    let planned_again = weights(&watching.fleet);
    assert!(watching.apply(31, &planned_again).is_ok());
}

#[test]
fn a_throttled_api_throttles_changes_too() {
    let mut watching = Watching::named("throttled-route53");
    watching.poll(10);
    let change = weights(&watching.fleet);
    let mut refused = 0;
    for second in 30..80 {
        match watching.apply(second, &change) {
            Err(error) if error.error.class == ErrorClass::Throttled => {
                assert_eq!(error.fate, Fate::Refused);
                refused += 1;
            }
            other => {
                assert!(other.is_ok(), "{other:?}");
                break;
            }
        }
    }
    assert!(refused >= 1);
}

#[test]
fn the_same_seed_gives_the_same_receipts() {
    let receipts = || {
        let (mut watching, change) = planned(&CASES[0]);
        let back = change.inverse().unwrap();
        [(20, change), (21, back)].map(|(second, change)| {
            let receipt = watching.apply(second, &change).unwrap();
            (receipt.request_id, receipt.reference)
        })
    };
    let first = receipts();
    assert_eq!(first, receipts());
    assert_ne!(first[0], first[1]);
}
