//! What a plan would leave is imagined step by step, computing only what a step can have changed; it is what computing everything anew gives.

use std::collections::BTreeMap;

use pilothouse::{
    actions,
    plan::{Intent, Options, Work},
    resources::{Change, Fleet, imagine::Imagined, traffic::share::Shares},
    state::State,
};

use super::cases::{WORLDS, seen};
use crate::scenarios::drill;

/// The changes of every plan that an action allows here: as it comes, and with what it may need.
fn changes(state: &State, action: &str) -> Vec<Vec<Change>> {
    let (fleet, ledger) = (&state.fleet, &state.conduct.ledger);
    let found = actions::find(action).unwrap();
    let weights: BTreeMap<String, u32> = drill::REGIONS
        .iter()
        .map(|region| ((*region).to_owned(), 7))
        .collect();
    let options = [
        Options::default(),
        Options {
            percent: Some(10.0),
            ..Options::default()
        },
        Options {
            weights,
            ..Options::default()
        },
        Options {
            now: true,
            ..Options::default()
        },
    ];
    let mut plans = Vec::new();
    for target in found.targets(fleet, ledger) {
        for options in &options {
            let intent = Intent {
                action: action.to_owned(),
                target: target.clone(),
                options: options.clone(),
            };
            let Ok(plan) = actions::plan(fleet, ledger, &intent) else {
                continue;
            };
            let changes = plan.steps.into_iter().filter_map(|step| match step.work {
                Work::Change(change) => Some(change),
                Work::Wait(_) => None,
            });
            plans.push(changes.collect());
        }
    }
    plans
}

fn imagine(fleet: &Fleet, changes: &[Change], when: &str) {
    let mut imagined = Imagined::of(fleet);
    for change in changes {
        imagined.take([change]);
        let after = imagined.fleet();
        assert!(after.shares == Shares::of(after), "{when}: {change:?}");
    }
}

#[test]
fn what_is_imagined_step_by_step_is_what_everything_anew_would_be() {
    let mut moved = 0;
    let movers = ["drain-region", "restore-region", "shift-weights"];
    for (at, world) in WORLDS.iter().enumerate().skip(1) {
        let (_, state, _) = seen(u8::try_from(at).unwrap());
        for action in movers {
            for changes in changes(&state, action) {
                let when = format!("{world:?} {action}");
                imagine(&state.fleet, &changes, &when);
                let traffic = |change: &&Change| matches!(change, Change::Traffic(_));
                moved += changes.iter().filter(traffic).count();
            }
        }
    }
    assert!(
        moved > 100,
        "{moved} changes of traffic are too few to tell"
    );
}
