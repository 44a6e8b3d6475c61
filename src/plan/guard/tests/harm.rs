//! What the absolute guards must never let through, over random worlds and plans, judged by the rule of Route 53 word by word.

use proptest::prelude::*;

use super::*;

/// What is true of the three regions.
#[derive(Debug, Clone)]
struct Truth {
    weights: [u8; 3],
    healthy: [Option<bool>; 3],
    targets: [bool; 3],
    lost: [bool; 3],
}

/// The members that answer, by domain C: healthy with a weight, else healthy with weight 0, else all; and whether that is fail-open.
fn answering(weights: [u8; 3], healthy: [bool; 3]) -> ([bool; 3], bool) {
    let pick = |keep: &dyn Fn(usize) -> bool| [keep(0), keep(1), keep(2)];
    let all_zero = weights == [0; 3];
    let first = pick(&|i| healthy[i] && (weights[i] > 0 || all_zero));
    if first.contains(&true) {
        return (first, false);
    }
    let second = pick(&|i| healthy[i]);
    if second.contains(&true) {
        return (second, false);
    }
    (pick(&|i| weights[i] > 0 || all_zero), true)
}

/// Whether some healthy region certainly serves with these weights.
fn served(truth: &Truth, weights: [u8; 3]) -> bool {
    // What is not known may be bad. Where no check tells anything, us-east-1 is lost, and users who are seen to arrive count instead (domain D.1).
    let dark = truth.healthy == [None; 3];
    let healthy = truth.healthy.map(|healthy| dark || healthy == Some(true));
    let (answers, fail_open) = answering(weights, healthy);
    let serves = |i: usize| answers[i] && healthy[i] && truth.targets[i] && !truth.lost[i];
    !fail_open && (0..3).any(serves)
}

fn fleet_of(truth: &Truth) -> Fleet {
    let mut fleet = world();
    records(&mut fleet, &truth.weights);
    healths(&mut fleet, &truth.healthy);
    for (region, healthy) in REGIONS.iter().zip(truth.targets) {
        let mut split = forward(region, "web", 1);
        if let Mechanism::Forward(forward) = &mut split.by {
            let health = traffic::TargetHealth {
                healthy: if healthy { 4 } else { 0 },
                unhealthy: if healthy { 0 } else { 4 },
                other: 0,
                unknown: 0,
            };
            forward.health = Some(health);
        }
        answer(
            &mut fleet,
            Source::LoadBalancers,
            &place(region),
            4,
            Rows::Traffic(vec![split]),
        );
    }
    for (region, lost) in REGIONS.iter().zip(truth.lost) {
        if lost {
            lose(&mut fleet, region);
        }
    }
    fleet
}

fn truth() -> impl Strategy<Value = Truth> {
    let weight = prop_oneof![2 => Just(0u8), 3 => 1..=255u8];
    let health = prop_oneof![5 => Just(Some(true)), 3 => Just(Some(false)), 1 => Just(None)];
    (
        prop::array::uniform3(weight),
        prop::array::uniform3(health),
        prop::array::uniform3(prop::bool::weighted(0.8)),
        prop::array::uniform3(prop::bool::weighted(0.15)),
    )
        .prop_map(|(weights, healthy, targets, lost)| Truth {
            weights,
            healthy,
            targets,
            // All at once would be our own network.
            lost: [lost[0], lost[1], lost[2] && !(lost[0] && lost[1])],
        })
}

/// Up to three steps, each of which sets some weights.
fn steps() -> impl Strategy<Value = Vec<[Option<u8>; 3]>> {
    let weight = prop_oneof![Just(None), Just(Some(0u8)), (1..=255u8).prop_map(Some)];
    prop::collection::vec(prop::array::uniform3(weight), 1..=3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn no_plan_passes_that_leaves_nobody_or_a_set_that_is_all_zero(truth in truth(), steps in steps()) {
        let fleet = fleet_of(&truth);
        let mut imagined = Imagined::of(&fleet);
        let (mut weights_now, mut harm, mut zero, mut changes) = (truth.weights, false, false, Vec::new());
        for step in &steps {
            let set: Vec<(&str, u8)> = REGIONS.iter().zip(step).filter_map(|(region, to)| Some((*region, (*to)?))).collect();
            if set.is_empty() { continue; }
            let change = weights(imagined.fleet(), &set);
            imagined.take([&change]);
            changes.push(change);
            for (weight, to) in weights_now.iter_mut().zip(step) {
                *weight = to.unwrap_or(*weight);
            }
            harm |= !served(&truth, weights_now);
            zero |= weights_now == [0; 3];
        }
        prop_assume!(!changes.is_empty());
        let plan = plan(&fleet, changes, &[]);
        let blocks = |id| judged(&fleet, &plan, id).blocks(&Default::default());
        if harm { prop_assert!(blocks(GuardId::Last), "{:?}", judged(&fleet, &plan, GuardId::Last)); }
        prop_assert_eq!(blocks(GuardId::Zero), zero, "{:?}", judged(&fleet, &plan, GuardId::Zero));
    }

    #[test]
    fn dials_that_are_all_turned_off_never_pass(to in prop::collection::vec((0..3usize, prop_oneof![Just(0.0), Just(50.0), Just(100.0)]), 1..=5)) {
        let fleet = world();
        let (mut dials, mut zero, mut changes) = ([100.0; 3], false, Vec::new());
        for (index, to) in to {
            changes.push(dial(REGIONS[index], dials[index], to));
            dials[index] = to;
            zero |= dials == [0.0; 3];
        }
        let plan = plan(&fleet, changes, &[]);
        for id in [GuardId::Zero, GuardId::Last] {
            prop_assert_eq!(judged(&fleet, &plan, id).blocks(&Default::default()), zero);
        }
    }
}
