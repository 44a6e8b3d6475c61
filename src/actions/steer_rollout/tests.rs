//! Is a rollout steered only where that makes sense, and confirmed as it deserves?

use serde_json::json;

use crate::{
    actions,
    plan::{Blast, Intent, Options, Plan, ledger::Ledger},
    resources::{
        Fleet, RegionLabel, Rows, Source,
        change::{Alter, Standing},
        fixtures as f,
        traffic::{
            Rollout,
            rollouts::{Tool, versions},
        },
    },
};

const EU: &str = "eu-west-1";

fn rollout() -> Rollout {
    f::rollout(&json!({
        "name": {"cluster": "shop-eu", "tool": "argo_rollouts", "namespace": "shop", "name": "api"},
        "stable": "old", "current": "new", "heard_at": f::now(),
    }))
}

fn fleet(rollouts: &[Rollout]) -> Fleet {
    let mut fleet = f::fleet(&[EU]);
    let rows = rollouts.iter().flat_map(|rollout| versions(rollout, false));
    let rows = Rows::Traffic(rows.collect());
    f::answer(&mut fleet, Source::Rollouts, &f::place(EU), 0, rows);
    fleet
}

fn steer(rollout: &Rollout, to: &str) -> Result<Plan, String> {
    let intent = Intent {
        action: "steer-rollout".to_owned(),
        target: rollout.name.split(),
        options: Options {
            to: Some(to.to_owned()),
            ..Options::default()
        },
    };
    let fleet = fleet(std::slice::from_ref(rollout));
    actions::plan(&fleet, &Ledger::default(), &intent).map_err(|refusal| refusal.to_string())
}

/// The standing of the one change of a plan once the rollout is another.
fn standing(plan: &Plan, after: Rollout) -> Standing {
    plan.changes().next().unwrap().standing(&fleet(&[after]))
}

#[test]
fn a_promotion_takes_one_step_and_is_seen_by_it() {
    let plan = steer(&rollout(), "promote").unwrap();
    assert_eq!((plan.blast, plan.phrase.as_str()), (Blast::L2, "api"));
    assert_eq!(plan.steps.len(), 2, "the region is watched afterwards");
    assert_eq!(standing(&plan, rollout()), Standing::Before);
    let at = |step| Rollout {
        step: Some(step),
        ..rollout()
    };
    assert_eq!(standing(&plan, at(2)), Standing::After);
    assert!(matches!(standing(&plan, at(0)), Standing::Other(_)));
    let another = Rollout {
        current: "newer".to_owned(),
        ..rollout()
    };
    assert!(matches!(standing(&plan, another), Standing::Other(_)));
}

#[test]
fn a_full_promotion_is_for_good_and_an_abort_is_not() {
    let plan = steer(&rollout(), "promote-full").unwrap();
    assert_eq!(plan.loss_phrase, "skip analysis");
    assert_eq!(plan.class(), crate::resources::change::Class::R);
    assert!(plan.changes().all(|change| change.inverse().is_err()));
    let abort = steer(&rollout(), "abort").unwrap();
    assert_eq!(abort.steps.len(), 1, "nothing is watched: it is a way back");
    let aborted = Rollout {
        aborted: true,
        weight: 0.0,
        phase: "Degraded".to_owned(),
        ..rollout()
    };
    assert_eq!(standing(&abort, aborted.clone()), Standing::After);
    let inverse = abort.changes().next().unwrap().inverse().unwrap();
    assert_eq!(inverse.standing(&fleet(&[aborted])), Standing::Before);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let done = Rollout {
        current: "old".to_owned(),
        ..rollout()
    };
    assert!(
        steer(&done, "abort")
            .unwrap_err()
            .contains("sends nothing out")
    );
    let held = Rollout {
        suspended: true,
        ..rollout()
    };
    assert!(
        steer(&held, "promote")
            .unwrap_err()
            .contains("paused in its specification")
    );
    assert!(steer(&held, "pause").unwrap_err().contains("held already"));
    assert!(
        steer(&rollout(), "resume")
            .unwrap_err()
            .contains("nobody holds")
    );
    assert!(
        steer(&rollout(), "retry")
            .unwrap_err()
            .contains("not aborted")
    );
    assert!(
        steer(&rollout(), "forward")
            .unwrap_err()
            .contains("not steered to")
    );
    let silent = Rollout {
        heard_at: Some(f::ago(3_600)),
        ..rollout()
    };
    assert!(steer(&silent, "abort").unwrap_err().contains("not heard"));
}

#[test]
fn a_canary_of_flagger_is_suspended_and_resumed_and_nothing_else() {
    let mut canary = rollout();
    canary.name.tool = Tool::Flagger;
    let plan = steer(&canary, "pause").unwrap();
    let commands = plan.changes().next().unwrap().commands();
    assert!(
        commands[0].contains("canaries.flagger.app api"),
        "{commands:?}"
    );
    assert!(steer(&canary, "promote").is_err());
    let suspended = Rollout {
        suspended: true,
        ..canary
    };
    assert_eq!(standing(&plan, suspended), Standing::After);
}

#[test]
fn the_weights_of_a_rollout_are_not_shifted() {
    let intent = Intent {
        action: "shift-weights".to_owned(),
        target: "rollout/shop/api/canary".to_owned(),
        options: Options {
            percent: Some(5.0),
            ..Options::default()
        },
    };
    let refusal = actions::plan(&fleet(&[rollout()]), &Ledger::default(), &intent).unwrap_err();
    assert!(
        refusal.advice.contains("steer-rollout rollout/shop/api"),
        "{refusal:?}"
    );
    let label = RegionLabel::new(EU).unwrap();
    let canaries = crate::resources::regions::steering::canaries(
        &fleet(&[rollout()]),
        &crate::resources::Place::Region(label),
    );
    assert_eq!((canaries.len(), canaries[0].percent), (1, 20.0));
}
