//! Advance, hold and roll back where something else than a Deployment carries the service: is each what its controller understands, and does no plan do more than that?

use serde_json::{Value, json};

use crate::{
    actions,
    plan::{GuardId, Intent, OnBreach, Plan, Verdict, Wait, Work, guard, ledger::Ledger},
    resources::{
        Change, Fleet, Rows, Source,
        deployments::Deployment,
        estate::RegionRole,
        fixtures as f,
        traffic::{self, Rollout, rollouts::Verb},
    },
};

const FIRST: &str = "ap";
const LAST: &str = "eu";

/// Two regions, of which `ap` gets a release first, with what carries the service in each.
fn fleet(first: Rollout, last: Rollout, deployments: &[Deployment]) -> Fleet {
    let mut estate = f::estate(&[LAST, FIRST]);
    estate.regions[0].role = RegionRole::Primary;
    estate.regions[1].role = RegionRole::Secondary;
    let mut fleet = Fleet::new(std::sync::Arc::new(estate), f::now());
    for (region, rollout) in [(FIRST, first), (LAST, last)] {
        let place = f::place(region);
        let rows = Rows::Deployments(deployments.to_vec());
        f::answer(&mut fleet, Source::Deployments, &place, 5, rows);
        f::rollouts(&mut fleet, &place, &[rollout]);
        let none = Rows::Traffic(Vec::new());
        f::answer(&mut fleet, Source::LoadBalancers, &place, 5, none);
    }
    fleet
}

fn waits(more: &Value) -> Rollout {
    f::rollout(more)
}

/// Nothing is on its way: all has the version with this hash.
fn stable(hash: &str, version: &str, more: &Value) -> Rollout {
    let image = format!("registry/shop/checkout:{version}");
    let mut change = json!({
        "phase": "Healthy", "waits": [], "step": 4, "step_words": null, "weight": 0.0, "stable": hash, "current": hash,
        "image": {"name": "app", "image": image, "digest": null}, "completed_at": f::ago(4_000),
    });
    for (key, value) in more.as_object().unwrap() {
        change[key] = value.clone();
    }
    f::rollout(&change)
}

/// The same before the new version was ever there.
fn old() -> Rollout {
    let only = json!([{"number": 1, "replica_set": "checkout-aaa", "image": "registry/shop/checkout:v1", "desired": 6, "ready": 6, "created_at": f::ago(900_000)}]);
    stable("aaa", "v1", &json!({"revisions": only}))
}

fn plan(fleet: &Fleet, action: &str, target: &str) -> Result<Plan, String> {
    let intent = Intent {
        action: action.to_owned(),
        target: target.to_owned(),
        ..Intent::default()
    };
    actions::plan(fleet, &Ledger::default(), &intent).map_err(|refusal| refusal.to_string())
}

/// The changes of a plan in short: where, and what.
fn changes(plan: &Plan) -> Vec<String> {
    let one = |change: &Change| match change {
        Change::Traffic(traffic::Change::Steer(steering)) => match &steering.verb {
            Verb::Image(image) => format!("{}: {} → {}", steering.region, image.from, image.to),
            Verb::Undo => format!("{}: undo to {}", steering.region, steering.stable),
            verb => format!("{}: {}", steering.region, verb.name()),
        },
        Change::Deployments(change) => format!("{change:?}"),
        other => panic!("{other:?}"),
    };
    plan.changes().map(one).collect()
}

fn guard(fleet: &Fleet, plan: &Plan, id: GuardId) -> (Verdict, String) {
    let subject = guard::Subject {
        fleet,
        plan,
        ahead: &plan.steps,
        ledger: &Ledger::default(),
        beside: &[],
    };
    let judged = guard::judge(subject, &[id]).remove(0);
    (judged.verdict, judged.evidence)
}

#[test]
fn what_waits_at_a_pause_is_promoted_before_the_next_region_gets_anything() {
    let fleet = fleet(waits(&json!({})), old(), &[]);
    let plan = plan(&fleet, "advance", "checkout").unwrap();
    assert_eq!(changes(&plan), ["ap: promote"]);
    assert_eq!(
        (plan.phrase.as_str(), plan.on_breach),
        ("checkout@ap", OnBreach::Hold)
    );
    let remarks = plan.remarks.join("; ");
    assert!(
        remarks.contains("20 % to v2") && remarks.contains("roll-back checkout@ap"),
        "{remarks}"
    );
    assert_eq!(guard(&fleet, &plan, GuardId::Soak).0, Verdict::Pass);
}

#[test]
fn a_pause_that_ends_by_itself_or_an_analysis_that_somebody_must_judge_is_left_alone() {
    let timed = fleet(waits(&json!({"wait_seconds": 900})), old(), &[]);
    let why = plan(&timed, "advance", "checkout").unwrap_err();
    assert!(
        why.contains("rolls out in ap already") && why.contains("goes on in 5 min"),
        "{why}"
    );
    let doubtful = fleet(
        waits(&json!({"waits": ["InconclusiveAnalysisRun"]})),
        old(),
        &[],
    );
    let why = plan(&doubtful, "advance", "checkout").unwrap_err();
    assert!(
        why.contains("ap is held: its analysis is inconclusive"),
        "{why}"
    );
}

#[test]
fn the_next_region_gets_the_image_in_its_own_template_and_nothing_before_the_soak() {
    let first = stable("bbb", "v2", &json!({"completed_at": f::ago(60)}));
    let fleet = fleet(first, old(), &[]);
    let plan = plan(&fleet, "advance", "checkout").unwrap();
    let image = |version: &str| format!("registry/shop/checkout:{version}");
    assert_eq!(
        changes(&plan),
        [format!("eu: {} → {}", image("v1"), image("v2"))]
    );
    assert_eq!(plan.on_breach, OnBreach::StepBack);
    assert!(matches!(plan.steps[1].work, Work::Wait(_)));
    let (verdict, evidence) = guard(&fleet, &plan, GuardId::Soak);
    assert!(
        verdict >= Verdict::Unknown && evidence.contains("ap"),
        "{evidence}"
    );
}

#[test]
fn promoting_by_hand_past_a_region_that_has_not_soaked_fails_the_soak() {
    let first = stable("bbb", "v2", &json!({"completed_at": f::ago(60)}));
    let fleet = fleet(first, waits(&json!({})), &[]);
    let intent = Intent {
        action: "steer-rollout".to_owned(),
        target: "rollout/shop/checkout@eu".to_owned(),
        options: crate::plan::Options {
            to: Some("promote".to_owned()),
            ..Default::default()
        },
    };
    let plan = actions::plan(&fleet, &Ledger::default(), &intent).unwrap();
    assert!(plan.guards().contains(&GuardId::Soak));
    let (verdict, evidence) = guard(&fleet, &plan, GuardId::Soak);
    assert!(
        verdict >= Verdict::Unknown && evidence.contains("ap"),
        "{evidence}"
    );
}

#[test]
fn a_deployment_that_a_rollout_takes_its_template_from_gets_the_image() {
    let refers = |rollout: Rollout| Rollout {
        image: None,
        workload: Some(traffic::rollouts::Workload {
            name: "api".to_owned(),
            seen: Some(4),
        }),
        ..rollout
    };
    let api = |version: &str| {
        let image = format!("registry/shop/checkout:{version}");
        f::deployment(
            &json!({"name": "api", "heard_at": f::ago(5), "containers": [{"name": "app", "image": image, "digest": null}]}),
        )
    };
    let mut fleet = fleet(
        refers(stable("bbb", "v2", &json!({}))),
        refers(old()),
        &[api("v1")],
    );
    let rows = Rows::Deployments(vec![api("v2")]);
    f::answer(&mut fleet, Source::Deployments, &f::place(FIRST), 5, rows);
    let plan = plan(&fleet, "advance", "checkout").unwrap();
    let [change] = changes(&plan).try_into().unwrap();
    assert!(
        change.contains("\"api\"") && change.contains("checkout:v2"),
        "{change}"
    );
}

#[test]
fn a_hold_pauses_what_is_on_its_way_and_what_does_not_have_it_and_undo_lets_them_go() {
    let fleet = fleet(waits(&json!({})), old(), &[]);
    let plan = plan(&fleet, "hold-release", "checkout").unwrap();
    assert_eq!(changes(&plan), ["eu: pause", "ap: pause"]);
    assert_eq!(plan.marks.len(), 2);
    for change in plan.changes() {
        let back = crate::resources::change::Alter::inverse(change).unwrap();
        let Change::Traffic(traffic::Change::Steer(steering)) = back else {
            panic!("another kind");
        };
        assert_eq!(steering.verb, Verb::Resume);
    }
}

#[test]
fn a_release_on_its_way_is_aborted_and_its_template_put_back() {
    let fleet = fleet(waits(&json!({})), old(), &[]);
    let plan = plan(&fleet, "roll-back", "checkout").unwrap();
    assert_eq!(changes(&plan), ["ap: abort", "ap: undo to aaa"]);
    assert!(plan.expected().as_secs() < 120, "{:?}", plan.expected());
    assert_eq!(guard(&fleet, &plan, GuardId::Soak).0, Verdict::Pass);
}

#[test]
fn one_that_its_owner_would_put_back_is_only_aborted() {
    let argo_cd = json!({"owner": {"by": "Argo CD", "name": "shop", "reverts": true}});
    let owned = fleet(waits(&argo_cd), old(), &[]);
    let back = plan(&owned, "roll-back", "checkout").unwrap();
    assert_eq!(changes(&back), ["ap: abort"]);
    assert_eq!(guard(&owned, &back, GuardId::Owner).0, Verdict::Pass);
    assert!(
        back.remarks.join("; ").contains("revert Git"),
        "{:?}",
        back.remarks
    );
    // A pause is in no repository; another image is.
    let hold = plan(&owned, "hold-release", "checkout").unwrap();
    assert_eq!(guard(&owned, &hold, GuardId::Owner).0, Verdict::Pass);
    let first = stable("bbb", "v2", &json!({}));
    let last = Rollout {
        owner: waits(&argo_cd).owner,
        ..old()
    };
    let next = fleet(first, last, &[]);
    let forward = plan(&next, "advance", "checkout").unwrap();
    assert_eq!(guard(&next, &forward, GuardId::Owner).0, Verdict::Fail);
}

#[test]
fn one_that_is_out_goes_back_past_its_steps() {
    let everywhere = fleet(
        stable("bbb", "v2", &json!({})),
        stable("bbb", "v2", &json!({})),
        &[],
    );
    let plan = plan(&everywhere, "roll-back", "checkout@ap").unwrap();
    assert_eq!(changes(&plan), ["ap: undo to aaa", "ap: promote-full"]);
    let (verdict, evidence) = guard(&everywhere, &plan, GuardId::Soak);
    assert_eq!(verdict, Verdict::Pass, "{evidence}");
}

#[test]
fn what_is_let_go_again_is_watched_only_where_something_is_measured() {
    let mut journal = Ledger::default();
    let held = plan(
        &fleet(waits(&json!({})), old(), &[]),
        "hold-release",
        "checkout",
    )
    .unwrap();
    super::done(&mut journal, "r1", &held);
    let suspended = |rollout: Rollout| Rollout {
        suspended: true,
        ..rollout
    };
    let mut after = fleet(suspended(waits(&json!({}))), suspended(old()), &[]);
    let intent = Intent {
        action: "undo".to_owned(),
        target: "r1".to_owned(),
        ..Intent::default()
    };
    let undo = actions::plan(&after, &journal, &intent).unwrap();
    assert_eq!(changes(&undo), ["ap: resume", "eu: resume"]);
    assert_eq!((undo.steps.len(), undo.on_breach), (2, OnBreach::Hold));
    let said = |plan: &Plan, region: &str| {
        let text = format!("nothing measures it in {region}");
        plan.remarks.iter().any(|remark| remark.contains(&text))
    };
    assert!(
        said(&undo, FIRST) && said(&undo, LAST),
        "{:?}",
        undo.remarks
    );
    // A Prometheus tells what its users get in one of the two.
    let mut estate = (*after.estate).clone();
    estate.prometheus.insert(f::label(FIRST), f::prometheus());
    after.estate = std::sync::Arc::new(estate);
    let undo = actions::plan(&after, &journal, &intent).unwrap();
    let Some(Work::Wait(Wait::Bake { regions, .. })) = undo.steps.last().map(|step| &step.work)
    else {
        panic!("{:?}", undo.steps);
    };
    assert_eq!(*regions, [f::label(FIRST)]);
    assert_eq!(undo.on_breach, OnBreach::StepBack);
    assert!(
        !said(&undo, FIRST) && said(&undo, LAST),
        "{:?}",
        undo.remarks
    );
}

#[test]
fn one_whose_new_pods_fail_is_held_or_taken_back_and_not_taken_on() {
    let stuck = json!({"troubles": [{"reason": "CrashLoopBackOff", "pods": 1, "current": true, "message": null}]});
    let fleet = fleet(waits(&stuck), old(), &[]);
    let refused = plan(&fleet, "advance", "checkout").unwrap_err();
    assert!(refused.contains("CrashLoopBackOff in 1 pod"), "{refused}");
    let held = plan(&fleet, "hold-release", "checkout").unwrap();
    assert_eq!(changes(&held), ["eu: pause", "ap: pause"]);
    let back = plan(&fleet, "roll-back", "checkout").unwrap();
    assert_eq!(changes(&back), ["ap: abort", "ap: undo to aaa"]);
}

#[test]
fn an_image_that_is_taken_back_from_a_rollout_is_waited_for_and_never_given_again_by_a_gate() {
    let done = stable("bbb", "v2", &json!({}));
    let before = fleet(done.clone(), old(), &[]);
    let mut journal = Ledger::default();
    let advance = plan(&before, "advance", "checkout").unwrap();
    super::done(&mut journal, "r1", &advance);
    let after = fleet(done.clone(), waits(&json!({})), &[]);
    let intent = Intent {
        action: "undo".to_owned(),
        target: "r1".to_owned(),
        ..Intent::default()
    };
    let undo = actions::plan(&after, &journal, &intent).unwrap();
    assert_eq!(changes(&undo).len(), 1);
    assert!(changes(&undo)[0].ends_with(":v1"), "{:?}", changes(&undo));
    let waits: Vec<&Work> = undo.steps[1..].iter().map(|step| &step.work).collect();
    assert!(
        matches!(waits[..], [Work::Wait(Wait::Rollout { at, pods: None })] if at.name == "checkout"),
        "{waits:?}"
    );
    assert_eq!(undo.on_breach, OnBreach::Hold);
    let by_steps = |plan: &Plan| {
        plan.remarks
            .iter()
            .any(|remark| remark.contains("by its own 4 steps"))
    };
    assert!(!by_steps(&undo), "{:?}", undo.remarks);
    let everywhere = fleet(done.clone(), done, &[]);
    let undo = actions::plan(&everywhere, &journal, &intent).unwrap();
    assert!(by_steps(&undo), "{:?}", undo.remarks);
}
