//! Where a pipeline stands, which regions it changes and when, and how its changes are recognised.

use serde_json::{Value, json};

use super::{change::At, *};
use crate::resources::{
    Rows,
    change::{Alter, Standing},
    fixtures::{self as f, ago, answer, place},
};

const HOME: &str = "us-east-1";
const EU: &str = "eu-west-1";
const EXECUTION: &str = "11111111-2222-4333-8444-555555555555";

fn stage(name: &str, status: Option<&str>, category: &str, region: Option<&str>) -> Value {
    json!({
        "name": name, "transition": {"enabled": true, "reason": null, "by": null, "at": null},
        "latest": status.map(|status| json!({"execution": EXECUTION, "status": status, "execution_type": "STANDARD"})),
        "inbound": [], "succeeded": null,
        "actions": [{
            "name": "Act", "status": status, "summary": null, "since": ago(120), "by": null, "url": null, "percent": null, "error": null,
            "approval": category == "Approval",
            "does": {"category": category, "provider": "P", "region": region, "role": null, "target": []},
        }],
    })
}

fn pipeline(stages: &[Value]) -> Pipeline {
    f::row(json!({
        "name": "shop", "arn": null, "version": 3, "pipeline_type": "V2", "execution_mode": "QUEUED", "updated": null,
        "stages": stages, "executions": [], "seen_at": ago(5), "unknown": [],
    }))
}

fn fleet(pipeline: &Pipeline) -> Fleet {
    let mut fleet = f::fleet(&[HOME, EU]);
    let rows = Rows::Pipelines(vec![pipeline.clone()]);
    answer(&mut fleet, Source::Pipelines, &place(HOME), 5, rows);
    fleet
}

/// Source, build, and a deployment in another region, each with a status.
fn shop(source: &str, build: &str, deploy: Option<&str>) -> Pipeline {
    pipeline(&[
        stage("Source", Some(source), "Source", None),
        stage("Build", Some(build), "Build", None),
        stage("Deploy", deploy, "Deploy", Some(EU)),
    ])
}

fn judged(pipeline: &Pipeline) -> (State, Severity, String) {
    let judgement = pipeline.judge(&fleet(pipeline), &place(HOME));
    (pipeline.front().state, judgement.severity, judgement.reason)
}

#[test]
fn what_failed_is_bad_what_runs_is_not_and_an_unknown_word_is_not_fine() {
    let done = shop("Succeeded", "Succeeded", Some("Succeeded"));
    assert_eq!(judged(&done), (State::Done, Severity::Ok, String::new()));
    let runs = shop("Succeeded", "InProgress", Some("Succeeded"));
    assert_eq!(judged(&runs).0, State::Runs);
    assert_eq!(runs.front().words(), "Build/Act");
    let mut failed = shop("Succeeded", "Succeeded", Some("Failed"));
    failed.stages[2].actions[0].error = Some("JobFailed: no such release".to_owned());
    let (state, severity, reason) = judged(&failed);
    assert_eq!((state, severity), (State::Failed, Severity::Bad));
    assert_eq!(reason, "Deploy/Act failed: JobFailed: no such release");
    let strange = shop("Succeeded", "Succeeded", Some("Pondering"));
    let (state, severity, reason) = judged(&strange);
    assert!(matches!(state, State::Unknown(_)), "{state:?}");
    assert_eq!(severity, Severity::Unknown);
    assert!(reason.contains("Deploy is Pondering"), "{reason}");
    let mut unread = done;
    unread.seen_at = None;
    assert_eq!(judged(&unread).1, Severity::Unknown);
    let never = pipeline(&[stage("Source", None, "Source", None)]);
    assert_eq!(judged(&never).0, State::Idle);
}

#[test]
fn a_failure_of_an_older_execution_is_behind_a_newer_one_that_runs() {
    let mut shop = shop("Succeeded", "InProgress", Some("Failed"));
    assert_eq!(judged(&shop).0, State::Runs);
    shop.executions = vec![f::row(
        json!({"id": EXECUTION, "status": "Failed", "revisions": []}),
    )];
    assert_eq!(
        judged(&shop).0,
        State::Failed,
        "it is the newest that failed"
    );
}

#[test]
fn a_hold_warns_with_who_and_why_and_so_does_an_approval_that_nobody_gives() {
    let mut held = shop("Succeeded", "Succeeded", Some("Succeeded"));
    held.stages[2].transition = Transition {
        enabled: Some(false),
        reason: Some("bad checkout".to_owned()),
        by: Some("arn:aws:sts::1:assumed-role/on-call/kim".to_owned()),
        at: Some(ago(60)),
    };
    let (state, severity, reason) = judged(&held);
    assert_eq!((state, severity), (State::Held, Severity::Warn));
    assert_eq!(reason, "Deploy held by on-call/kim: bad checkout");
    let mut waits = pipeline(&[
        stage("Source", Some("Succeeded"), "Source", None),
        stage("Approve", Some("InProgress"), "Approval", None),
    ]);
    assert_eq!(judged(&waits).0, State::Waits);
    assert_eq!(judged(&waits).1, Severity::Ok, "for two minutes");
    waits.stages[1].actions[0].since = Some(ago(3_000));
    let (_, severity, reason) = judged(&waits);
    assert_eq!(severity, Severity::Warn);
    assert!(reason.contains("waits for an approval for 50m"), "{reason}");
}

fn near(pipeline: &Pipeline, region: &str) -> Vec<(String, How)> {
    let fleet = fleet(pipeline);
    let found = underway(&fleet, &f::label(region));
    found
        .into_iter()
        .map(|one| (one.stage.name.clone(), one.how))
        .collect()
}

#[test]
fn a_region_is_changed_by_the_stage_that_runs_or_next_by_one_that_nobody_holds() {
    let now = shop("Succeeded", "Succeeded", Some("InProgress"));
    assert_eq!(near(&now, EU), [("Deploy".to_owned(), How::Now)]);
    assert_eq!(near(&now, HOME), []);
    let mut next = shop("Succeeded", "InProgress", Some("Succeeded"));
    let after = |approval| How::Next {
        after: "Build".to_owned(),
        approval,
    };
    assert_eq!(near(&next, EU), [("Deploy".to_owned(), after(false))]);
    assert_eq!(
        near(&next, HOME),
        [],
        "a build changes nothing where something else deploys"
    );
    next.stages[2].transition.enabled = Some(false);
    assert_eq!(near(&next, EU), [], "it is held");
    // Without any deploy action the build is what deploys.
    let builds = pipeline(&[stage("Build", Some("InProgress"), "Build", Some(EU))]);
    assert_eq!(near(&builds, EU), [("Build".to_owned(), How::Now)]);
    // A rollback goes no further than its stage.
    let mut back = shop("Succeeded", "InProgress", Some("Succeeded"));
    back.stages[1].latest.as_mut().unwrap().execution_type = Some(ROLLBACK.to_owned());
    assert_eq!(near(&back, EU), []);
}

#[test]
fn what_deploys_says_which_execution_and_since_when() {
    let mut now = shop("Succeeded", "Succeeded", Some("InProgress"));
    now.executions = vec![f::row(json!({
        "id": EXECUTION, "status": "InProgress",
        "revisions": [{"action": "Source", "id": "0123456789abcdef0123456789abcdef01234567", "summary": "Fix carts\n\nlong", "url": null}],
    }))];
    let fleet = fleet(&now);
    let found = underway(&fleet, &f::label(EU));
    assert_eq!(
        found[0].words(&fleet),
        "pipeline shop (us-east-1) deploys here: Deploy, execution 11111111 (01234567 Fix carts), for 2m"
    );
    assert!(found[0].remedy().contains("hold-pipeline shop/Deploy"));
}

fn deployment(tag: &str, owner: Option<&str>) -> crate::resources::deployments::Deployment {
    let owner = owner.map(|name| json!({"by": "Helm", "name": name, "reverts": false}));
    let image = format!("registry/shop/checkout:{tag}");
    f::deployment(
        &json!({"containers": [{"name": "app", "image": image, "digest": null}], "owner": owner}),
    )
}

fn helm(release: &str) -> Pipeline {
    let mut shop = shop("Succeeded", "Succeeded", Some("Succeeded"));
    let target = [
        ("ClusterName", "prod"),
        ("HelmReleaseName", release),
        ("Namespace", "shop"),
    ];
    let target = target.map(|(key, value)| (key.to_owned(), value.to_owned()));
    shop.stages[2].actions[0].does.as_mut().unwrap().target = target.into();
    shop
}

#[test]
fn a_service_is_matched_by_definition_or_by_commit_and_never_by_a_likeness() {
    let by = |pipeline: &Pipeline, row: &_, region: &str| {
        let fleet = fleet(pipeline);
        let found = deliveries(&fleet, &f::label(region), row);
        found.into_iter().map(|one| one.by).collect::<Vec<_>>()
    };
    let definition = by(&helm("web"), &deployment("v2", Some("web")), EU);
    assert_eq!(
        definition,
        ["its action Act names ClusterName prod, HelmReleaseName web, Namespace shop"]
    );
    assert_eq!(
        by(&helm("web"), &deployment("v2", Some("web")), HOME),
        [""; 0],
        "it deploys elsewhere"
    );
    assert_eq!(
        by(&helm("web"), &deployment("v2", Some("other")), EU),
        [""; 0]
    );
    assert_eq!(
        by(&helm("checkout"), &deployment("v2", None), EU).len(),
        1,
        "its own name"
    );
    let mut shop = shop("Succeeded", "Succeeded", Some("Succeeded"));
    assert_eq!(by(&shop, &deployment("v2", None), EU), [""; 0]);
    let commit = "0123456789abcdef0123456789abcdef01234567";
    shop.executions = vec![f::row(json!({
        "id": EXECUTION, "status": "Succeeded", "revisions": [{"action": "Source", "id": commit, "summary": null, "url": null}],
    }))];
    let by_commit = by(&shop, &deployment("main-0123456", None), EU);
    assert_eq!(
        by_commit,
        ["the tag main-0123456 is commit 01234567 of its execution 11111111"]
    );
    assert_eq!(
        by(&shop, &deployment("012345", None), EU),
        [""; 0],
        "too short to be sure"
    );
}

fn at() -> At {
    At {
        region: f::label(HOME),
        pipeline: "shop".to_owned(),
        stage: "Deploy".to_owned(),
    }
}

fn hold(reason: &str) -> Change {
    let to = Gate::Held {
        reason: reason.to_owned(),
    };
    Change::Transition {
        at: at(),
        from: Gate::Open,
        to,
    }
}

#[test]
fn a_hold_is_known_by_its_reason_and_another_ones_is_not_ours() {
    let mut shop = shop("Succeeded", "Succeeded", Some("Succeeded"));
    let standing = |shop: &Pipeline| hold("ours").standing(&fleet(shop));
    assert_eq!(standing(&shop), Standing::Before);
    shop.stages[2].transition.enabled = Some(false);
    shop.stages[2].transition.reason = Some("ours".to_owned());
    assert_eq!(standing(&shop), Standing::After);
    shop.stages[2].transition.reason = Some("theirs".to_owned());
    assert!(matches!(standing(&shop), Standing::Other(text) if text.contains("theirs")));
    shop.stages[2].transition.enabled = None;
    assert!(matches!(standing(&shop), Standing::Unknown(_)));
    let inverse = hold("ours").inverse().unwrap();
    assert_eq!(inverse.operation(), "codepipeline:EnableStageTransition");
    assert_eq!(
        hold("it is bad").commands(),
        [
            "aws codepipeline disable-stage-transition --region us-east-1 --pipeline-name shop --stage-name Deploy --transition-type Inbound --reason 'it is bad'"
        ]
    );
}

#[test]
fn a_reason_has_only_what_codepipeline_takes() {
    let text = change::reason("plan 1f, by arn:aws:iam::1:user/kim_b until 12:30 (drill)!");
    assert_eq!(
        text,
        "plan 1f. by arn.aws.iam..1.user.kim.b until 12.30 (drill)!"
    );
    assert_eq!(change::reason(&"ä".repeat(400)).len(), 300);
}

#[test]
fn a_rollback_is_verified_by_a_rollback_that_succeeded_and_by_nothing_else() {
    let change = Change::RollBack {
        at: at(),
        from: EXECUTION.to_owned(),
        to: "0".repeat(36),
        carries: String::new(),
    };
    let mut shop = shop("Succeeded", "Succeeded", Some("Succeeded"));
    let standing = |shop: &Pipeline| change.standing(&fleet(shop));
    assert_eq!(standing(&shop), Standing::Before);
    let mut ran = |id: &str, status: &str, kind: &str| {
        shop.stages[2].latest = Some(Ran {
            execution: id.to_owned(),
            status: status.to_owned(),
            execution_type: Some(kind.to_owned()),
        });
        standing(&shop)
    };
    assert!(matches!(
        ran(EXECUTION, "InProgress", "STANDARD"),
        Standing::Underway(_)
    ));
    assert!(matches!(
        ran("back", "InProgress", ROLLBACK),
        Standing::Underway(_)
    ));
    assert_eq!(ran("back", "Succeeded", ROLLBACK), Standing::After);
    assert!(matches!(
        ran("back", "Failed", ROLLBACK),
        Standing::Other(_)
    ));
    assert!(matches!(
        ran("newer", "Succeeded", "STANDARD"),
        Standing::Other(_)
    ));
    shop.stages[2].latest.as_mut().unwrap().execution_type = Some(ROLLBACK.to_owned());
    shop.executions = vec![f::row(
        json!({"id": "newer", "status": "Succeeded", "revisions": [], "rolls_back_to": "elsewhere"}),
    )];
    assert!(matches!(standing(&shop), Standing::Other(text) if text.contains("elsewhere")));
    assert!(change.inverse().is_err());
}
