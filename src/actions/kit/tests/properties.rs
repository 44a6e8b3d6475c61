//! What holds for every plan of traffic, over generated fleets.

use proptest::{prelude::*, test_runner::RngSeed};

use super::*;
use crate::resources::traffic::Record;

const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-1"];

/// What is generated of a fleet: everything that decides which lever is pulled and from where.
#[derive(Debug, Clone)]
struct Shape {
    weights: Vec<[u8; 3]>,
    policies: Vec<u8>,
    dials: [u8; 3],
    controls: [bool; 3],
    governed: bool,
    unchecked: bool,
    shared: bool,
}

fn shapes() -> impl Strategy<Value = Shape> {
    let weight = || prop_oneof![2 => Just(0u8), 2 => Just(1u8), 1 => Just(255u8), 5 => any::<u8>()];
    (
        proptest::collection::vec([weight(), weight(), weight()], 1..3),
        proptest::collection::vec(0..4u8, 1..3),
        [0..=100u8, 0..=100u8, 0..=100u8],
        any::<[bool; 3]>(),
        any::<bool>(),
        any::<bool>(),
        prop::bool::weighted(0.2),
    )
        .prop_map(
            |(weights, policies, dials, controls, governed, unchecked, shared)| Shape {
                weights,
                policies,
                dials,
                controls,
                governed,
                unchecked,
                shared,
            },
        )
}

fn build(calm: &Fleet, shape: &Shape) -> Fleet {
    let mut fleet = calm.clone();
    let slice = fleet
        .traffic
        .slice(Source::Records, &Place::Global)
        .unwrap();
    let template: Record = slice
        .rows
        .iter()
        .find_map(|row| match &row.by {
            Mechanism::Record(record) => Some(record.clone()),
            _ => None,
        })
        .unwrap();
    let check_of: Vec<Option<String>> = REGIONS
        .iter()
        .map(|region| Some(crate::sim::names::region_check(region)))
        .collect();
    let mut rows = Vec::new();
    let mut add = |name: String, region: usize, policy: Policy| {
        let from = if shape.shared { 0 } else { region };
        let record = Record {
            name: format!("{name}."),
            set_identifier: Some(REGIONS[region].to_owned()),
            policy,
            health_check_id: check_of[from].clone().filter(|_| !shape.unchecked),
            ..template.clone()
        };
        rows.push(Split {
            split: format!("{name}. A"),
            member: REGIONS[region].to_owned(),
            by: Mechanism::Record(record),
        });
    };
    for (index, weights) in shape.weights.iter().enumerate() {
        let name = if index == 0 {
            "api.shop.example".to_owned()
        } else {
            format!("w{index}.shop.example")
        };
        for (region, weight) in weights.iter().enumerate() {
            add(name.clone(), region, Policy::Weighted { weight: *weight });
        }
    }
    for (index, kind) in shape.policies.iter().enumerate() {
        for (region, aws) in REGIONS.iter().enumerate() {
            let policy = match kind {
                0 => Policy::Latency {
                    region: (*aws).to_owned(),
                },
                1 => Policy::MultiValue,
                2 => Policy::Failover {
                    primary: region == 0,
                },
                _ => Policy::Geolocation {
                    continent: None,
                    country: Some(["*", "DE", "SG"][region].to_owned()),
                    subdivision: None,
                },
            };
            add(format!("p{index}.shop.example"), region, policy);
        }
    }
    replace(
        &mut fleet,
        Source::Records,
        &Place::Global,
        Rows::Traffic(rows),
    );
    let at = |name: &str| {
        REGIONS
            .iter()
            .position(|region| name.contains(region))
            .unwrap()
    };
    edit(&mut fleet, Source::Accelerators, &Place::Global, |row| {
        if let Mechanism::Dial(group) = &mut row.by {
            group.dial = f64::from(shape.dials[at(&group.region)]);
        }
    });
    for place in fleet.estate.places(Source::RoutingControls) {
        edit(&mut fleet, Source::RoutingControls, &place, |row| {
            if let Mechanism::Control(control) = &mut row.by {
                control.on = Some(shape.controls[at(&control.name)]);
            }
        });
    }
    if !shape.governed {
        without_controls(&mut fleet);
    }
    fleet
}

type Switches = (Vec<(String, Option<bool>)>, Vec<(String, bool)>);

/// Every state of a control, and whether a check is inverted.
fn switches(fleet: &Fleet) -> Switches {
    let controls = crate::actions::kit::lever::controls(fleet);
    let slice = fleet
        .health_checks
        .slice(Source::HealthChecks, &Place::Global)
        .unwrap();
    (
        controls
            .iter()
            .map(|control| (control.arn.clone(), control.on))
            .collect(),
        slice
            .rows
            .iter()
            .map(|check| (check.id.clone(), check.inverted))
            .collect(),
    )
}

/// A drain, and the way back by restore and by undo.
fn there_and_back(fleet: &Fleet, region: &str, now: bool) -> bool {
    let ledger = Ledger::default();
    let options = Options {
        now,
        ..Options::default()
    };
    let Ok(drain) = crate::actions::plan(fleet, &ledger, &intent("drain-region", region, options))
    else {
        return false;
    };
    let drained = walk(fleet, &drain);
    assert!(drain.guards().contains(&crate::plan::GuardId::Last));
    let receivers_on = drain.changes().any(|change| matches!(change, Change::Traffic(traffic::Change::Controls { controls }) if controls.iter().any(|edit| edit.to)));
    let mut journal = Ledger::default();
    done(&mut journal, "r1", &drain);
    let back = crate::actions::plan(
        &drained,
        &journal,
        &intent("restore-region", region, Options::default()),
    );
    let restored = walk(&drained, &back.expect("what was drained can be restored"));
    assert_eq!(levers(&restored), levers(fleet));
    if !receivers_on {
        assert_eq!(switches(&restored), switches(fleet));
    }
    let options = Options {
        now: true,
        ..Options::default()
    };
    let undone = walk(&drained, &plan(&drained, &journal, "undo", "r1", options));
    assert_eq!(
        (levers(&undone), switches(&undone)),
        (levers(fleet), switches(fleet))
    );
    true
}

fn config(cases: u32, seed: u64) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..ProptestConfig::default()
    }
}

#[test]
fn every_drain_keeps_all_sets_above_zero_and_can_be_taken_back_exactly() {
    let calm = calm();
    let mut runner = proptest::test_runner::TestRunner::new(config(600, 11));
    let drains = std::cell::Cell::new(0);
    let strategy = (shapes(), 0..3usize, any::<bool>());
    runner
        .run(&strategy, |(shape, region, now)| {
            let fleet = build(&calm, &shape);
            drains.set(drains.get() + usize::from(there_and_back(&fleet, REGIONS[region], now)));
            Ok(())
        })
        .unwrap();
    assert!(
        drains.get() > 300,
        "only {} of the fleets could be drained",
        drains.get()
    );
}

#[test]
fn every_shift_stays_in_range_and_above_zero() {
    let calm = calm();
    let mut runner = proptest::test_runner::TestRunner::new(config(600, 12));
    let shifts = std::cell::Cell::new(0);
    let strategy = (shapes(), any::<prop::sample::Index>(), 0..=1_000u32);
    runner
        .run(&strategy, |(shape, pick, tenths)| {
            let fleet = build(&calm, &shape);
            let ledger = Ledger::default();
            let shift = crate::actions::find("shift-weights").unwrap();
            let targets = shift.targets(&fleet, &ledger);
            let options = Options {
                percent: Some(f64::from(tenths) / 10.0),
                ..Options::default()
            };
            let target = &targets[pick.index(targets.len())];
            if let Ok(plan) =
                crate::actions::plan(&fleet, &ledger, &intent("shift-weights", target, options))
            {
                walk(&fleet, &plan);
                shifts.set(shifts.get() + 1);
            }
            Ok(())
        })
        .unwrap();
    assert!(shifts.get() > 200, "only {} shifts", shifts.get());
}
