//! CodePipeline over the wire: pages, words that we do not know, fields that are missing, refusals; holds and rollbacks, and what became of them.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use pilothouse::resources::{
    Answer, Api, Change, ErrorClass, Fleet, ProviderError, Query, Resource, Rows, Severity, Source,
    Wanted,
    change::{Alter, Fate, Standing},
    pipelines::{self, Gate, Pipeline, State, change::At, live::observe},
};
use serde_json::{Value, json};

use crate::wire::{Fault, Wire};

const REGION: &str = "eu-west-1";
const LIST: &str = "codepipeline:ListPipelines";
const STATE: &str = "codepipeline:GetPipelineState";
const DEFINITION: &str = "codepipeline:GetPipeline";
const EXECUTIONS: &str = "codepipeline:ListPipelineExecutions";
const OLD: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const NEW: &str = "aaaaaaaa-0000-4000-8000-000000000002";
const BACK: &str = "aaaaaaaa-0000-4000-8000-000000000003";

async fn read(wire: &Wire) -> Result<Answer, ProviderError> {
    wire.observe(Source::Pipelines, REGION, observe).await
}

fn rows(answer: &Answer) -> &[Pipeline] {
    match &answer.rows {
        Rows::Pipelines(rows) => rows,
        other => panic!("rows of pipelines, not {:?}", other.kind()),
    }
}

fn list(names: &[&str], next: Option<&str>) -> String {
    let summary = |name: &&str| json!({"name": name, "version": 4, "pipelineType": "V2", "executionMode": "QUEUED", "updated": 1_700_000_000.5});
    let pipelines: Vec<Value> = names.iter().map(summary).collect();
    json!({"pipelines": pipelines, "nextToken": next}).to_string()
}

/// A source and a deployment with an execution of a status; the way into the second stage.
fn state(execution: &str, status: &str, kind: &str, transition: &Value) -> String {
    let ran = |execution: &str, status: &str, kind: &str| json!({"pipelineExecutionId": execution, "status": status, "type": kind});
    json!({
        "pipelineName": "shop", "pipelineVersion": 4, "created": 1_600_000_000, "stageStates": [
            {"stageName": "Source", "inboundTransitionState": {"enabled": true}, "latestExecution": ran(NEW, "Succeeded", "STANDARD"),
             "actionStates": [{"actionName": "GitHub", "latestExecution": {"status": "Succeeded", "lastStatusChange": 1_700_000_000}}]},
            {"stageName": "Deploy", "inboundTransitionState": transition, "latestExecution": ran(execution, status, kind),
             "actionStates": [{"actionName": "Helm", "latestExecution": {"status": status, "lastStatusChange": 1_700_000_100,
                "token": "1a2b3c-secret", "errorDetails": {"code": "JobFailed", "message": "release not found"}}}]},
        ],
    })
    .to_string()
}

fn open() -> Value {
    json!({"enabled": true, "lastChangedBy": "arn:aws:iam::1:user/kim", "lastChangedAt": 1_700_000_000})
}

fn held(reason: &str) -> Value {
    json!({"enabled": false, "disabledReason": reason, "lastChangedBy": "arn:aws:iam::1:user/kim", "lastChangedAt": 1_700_000_000})
}

fn definition() -> String {
    let kind = |category: &str, provider: &str| json!({"category": category, "owner": "AWS", "provider": provider, "version": "1"});
    json!({
        "pipeline": {"name": "shop", "roleArn": "arn:aws:iam::1:role/p", "version": 4, "stages": [
            {"name": "Source", "actions": [{"name": "GitHub", "actionTypeId": kind("Source", "CodeStarSourceConnection")}]},
            {"name": "Deploy", "actions": [{"name": "Helm", "actionTypeId": kind("Deploy", "EKS"), "region": "us-east-1", "roleArn": "arn:aws:iam::1:role/d",
                "configuration": {"ClusterName": "prod", "HelmReleaseName": "shop", "Token": "1a2b3c-secret"}}]},
        ]},
        "metadata": {"pipelineArn": "arn:aws:codepipeline:eu-west-1:1:shop"},
    })
    .to_string()
}

fn execution(id: &str, status: &str, more: &Value) -> Value {
    let mut one = json!({
        "pipelineExecutionId": id, "status": status, "startTime": 1_700_000_000, "lastUpdateTime": 1_700_000_100,
        "sourceRevisions": [{"actionName": "GitHub", "revisionId": "0123456789abcdef0123456789abcdef01234567",
            "revisionSummary": "{\"ProviderType\":\"GitHub\",\"CommitMessage\":\"Fix carts\\n\\nAnd more\"}", "revisionUrl": "https://github.com/x"}],
        "trigger": {"triggerType": "WebhookV2", "triggerDetail": "arn:aws:codestar-connections:eu-west-1:1:connection/c"},
    });
    for (key, value) in more.as_object().unwrap() {
        one[key] = value.clone();
    }
    one
}

fn executions(all: &[Value], next: Option<&str>) -> String {
    json!({"pipelineExecutionSummaries": all, "nextToken": next}).to_string()
}

/// A pipeline that has just deployed a new execution, and could go back to an old one.
fn shop(deploy: &str) -> Wire {
    let wire = Wire::start();
    wire.answer(REGION, LIST, [list(&["shop"], None)]);
    wire.answer(REGION, STATE, [deploy.to_owned()]);
    wire.answer(REGION, DEFINITION, [definition()]);
    let none = json!({});
    let both = [
        execution(NEW, "Succeeded", &none),
        execution(OLD, "Superseded", &none),
    ];
    wire.answer(REGION, EXECUTIONS, [executions(&both, None)]);
    wire
}

#[tokio::test]
async fn a_pipeline_is_put_together_from_its_list_state_definition_and_executions() {
    let wire = shop(&state(NEW, "Failed", "STANDARD", &held("bad carts")));
    wire.answer(
        REGION,
        LIST,
        [list(&["shop"], Some("more")), list(&[], None)],
    );
    let answer = read(&wire).await.unwrap();
    assert_eq!(answer.problems, []);
    let [row] = rows(&answer) else {
        panic!("{answer:?}");
    };
    assert_eq!(
        row.arn.as_deref(),
        Some("arn:aws:codepipeline:eu-west-1:1:shop")
    );
    assert_eq!(
        (row.version, row.execution_mode.as_deref()),
        (Some(4), Some("QUEUED"))
    );
    let deploy = row.stage("Deploy").unwrap();
    assert_eq!(
        deploy.hold_words().unwrap(),
        "Deploy held by kim: bad carts"
    );
    let action = &deploy.actions[0];
    assert_eq!(
        action.error.as_deref(),
        Some("JobFailed: release not found")
    );
    let does = action.does.as_ref().unwrap();
    assert_eq!(
        (
            does.provider.as_str(),
            does.region.as_deref(),
            does.role.as_deref()
        ),
        ("EKS", Some("us-east-1"), Some("arn:aws:iam::1:role/d"))
    );
    assert_eq!(row.executions[0].words(), "aaaaaaaa (01234567 Fix carts)");
    assert_eq!(row.front().state, State::Failed);
    let good = deploy.succeeded.as_ref().unwrap();
    assert_eq!(
        good.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(),
        [NEW, OLD]
    );
    // Two pages of names, a state, a definition, the newest executions, and those that the stage carried out well.
    assert_eq!(answer.calls.get(&Api::CodePipeline), Some(&6));
    let filtered = wire.sent(EXECUTIONS);
    assert!(
        filtered
            .iter()
            .any(|body| body.contains(r#""succeededInStage":{"stageName":"Deploy"}"#)),
        "{filtered:?}"
    );
    let kept = serde_json::to_string(&answer).unwrap();
    assert!(
        !kept.contains("1a2b3c-secret"),
        "neither a token nor a configuration is kept: {kept}"
    );
}

#[tokio::test]
async fn words_that_we_do_not_know_stay_text_and_missing_fields_are_missing() {
    let wire = Wire::start();
    let odd = json!({"pipelines": [{"name": "odd", "pipelineType": "V3", "executionMode": "CHAOTIC"}, {}]});
    wire.answer(REGION, LIST, [odd.to_string()]);
    let bare = json!({"stageStates": [{}, {"stageName": "Only", "latestExecution": {"pipelineExecutionId": "e", "status": "Pondering"}, "actionStates": [{}, {"actionName": "A"}]}]});
    wire.answer(REGION, STATE, [bare.to_string()]);
    wire.answer(REGION, DEFINITION, ["{}"]);
    let strange = json!({"pipelineExecutionSummaries": [{"pipelineExecutionId": "e", "status": "Pondering"}, {}]});
    wire.answer(REGION, EXECUTIONS, [strange.to_string()]);
    let answer = read(&wire).await.unwrap();
    assert_eq!(answer.problems, []);
    let [row] = rows(&answer) else {
        panic!("{answer:?}");
    };
    assert_eq!(
        (row.pipeline_type.as_deref(), row.execution_mode.as_deref()),
        (Some("V3"), Some("CHAOTIC"))
    );
    assert_eq!(row.stages.len(), 1);
    assert_eq!(row.stages[0].transition.enabled, None);
    assert_eq!(row.executions[0].status, "Pondering");
    let fleet = Fleet::new(Arc::new(Wire::estate(&[REGION])), now());
    assert_eq!(
        row.judge(&fleet, &Wire::place(REGION)).severity,
        Severity::Unknown
    );
}

#[tokio::test]
async fn rollbacks_are_looked_past_for_what_a_stage_can_go_back_to() {
    let wire = shop(&state(BACK, "Succeeded", "ROLLBACK", &open()));
    let back = json!({"executionType": "ROLLBACK", "rollbackMetadata": {"rollbackTargetPipelineExecutionId": OLD}});
    let backs = [execution(BACK, "Succeeded", &back)];
    let good = [
        execution(NEW, "Succeeded", &json!({})),
        execution(OLD, "Succeeded", &json!({})),
    ];
    // The newest executions, and two pages of the stage.
    wire.answer(REGION, EXECUTIONS, [executions(&backs, None)]);
    let pages = [executions(&backs, Some("more")), executions(&good, None)];
    wire.answer_to(REGION, EXECUTIONS, "succeededInStage", pages);
    let answer = read(&wire).await.unwrap();
    let row = &rows(&answer)[0];
    assert_eq!(row.executions[0].rolls_back_to.as_deref(), Some(OLD));
    let good = row.stage("Deploy").unwrap().succeeded.as_ref().unwrap();
    assert_eq!(
        good.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(),
        [NEW, OLD]
    );
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_an_error_and_a_part_that_cannot_is_said() {
    let class = |result: Result<Answer, ProviderError>| result.map_err(|error| error.class).err();
    let wire = shop(&state(NEW, "Succeeded", "STANDARD", &open()));
    wire.fault(REGION, LIST, Fault::Denied);
    assert_eq!(class(read(&wire).await), Some(ErrorClass::Denied));
    wire.fault(REGION, LIST, Fault::Throttle);
    assert_eq!(class(read(&wire).await), Some(ErrorClass::Throttled));
    let wire = shop(&state(NEW, "Succeeded", "STANDARD", &open()));
    wire.fault(REGION, LIST, Fault::Truncated);
    assert_eq!(class(read(&wire).await), Some(ErrorClass::Transient));

    for (fault, class) in [
        (Fault::Denied, ErrorClass::Denied),
        (Fault::Throttle, ErrorClass::Throttled),
        (Fault::ServerError, ErrorClass::Transient),
        (Fault::Truncated, ErrorClass::Transient),
    ] {
        let wire = shop(&state(NEW, "Succeeded", "STANDARD", &open()));
        wire.fault(REGION, DEFINITION, fault);
        let answer = read(&wire).await.unwrap();
        assert_eq!(answer.problems[0].class, class, "{:?}", answer.problems);
        assert_eq!(answer.problems[0].operation, DEFINITION);
        let row = &rows(&answer)[0];
        assert_eq!(row.unknown, [pipelines::Part::Definition]);
        assert_eq!(
            row.front().state,
            State::Done,
            "what each stage does is known"
        );
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_200).unwrap()
}

fn at() -> At {
    At {
        region: pilothouse::resources::RegionLabel::new(REGION).unwrap(),
        pipeline: "shop".to_owned(),
        stage: "Deploy".to_owned(),
    }
}

const REASON: &str = "pilothouse plan 1f by kim until 2026-01-05 03.33 UTC";

fn hold() -> Change {
    let to = Gate::Held {
        reason: REASON.to_owned(),
    };
    Change::Pipelines(pipelines::Change::Transition {
        at: at(),
        from: Gate::Open,
        to,
    })
}

fn roll_back() -> Change {
    Change::Pipelines(pipelines::Change::RollBack {
        at: at(),
        from: NEW.to_owned(),
        to: OLD.to_owned(),
        carries: "01234567".to_owned(),
    })
}

/// What a read of the pipeline that a change is about says of it.
async fn standing(wire: &Wire, change: &Change) -> Standing {
    let estate = Wire::estate(&[REGION]);
    let (source, place) = change.reads(&estate).remove(0);
    let query = Query {
        source,
        place,
        wanted: change.wanted(),
        read: 1,
    };
    assert_eq!(query.wanted, Wanted::Named(vec!["shop".to_owned()]));
    let answer = wire
        .observe_in(&estate, REGION, &query, observe)
        .await
        .unwrap();
    let mut fleet = Fleet::new(Arc::new(estate), now());
    fleet.accept(&query, answer, now(), Duration::ZERO);
    change.standing(&fleet)
}

async fn sent(wire: &Wire, change: &Change) -> Result<(), (Fate, ErrorClass, String)> {
    let result = wire.apply(&Wire::estate(&[REGION]), REGION, change).await;
    result
        .map(|_| ())
        .map_err(|failed| (failed.fate, failed.error.class, failed.error.message))
}

#[tokio::test]
async fn a_hold_and_its_release_are_one_write_each_after_one_more_look() {
    const DISABLE: &str = "codepipeline:DisableStageTransition";
    const ENABLE: &str = "codepipeline:EnableStageTransition";
    let wire = shop(&state(NEW, "Succeeded", "STANDARD", &open()));
    wire.answer(REGION, DISABLE, ["{}"]);
    assert_eq!(standing(&wire, &hold()).await, Standing::Before);
    wire.forget();
    sent(&wire, &hold()).await.unwrap();
    assert_eq!(
        wire.calls(),
        [format!("{REGION} {DISABLE}"), format!("{REGION} {STATE}")]
    );
    let body: Value = serde_json::from_str(&wire.sent(DISABLE)[0]).unwrap();
    assert_eq!(
        body,
        json!({"pipelineName": "shop", "stageName": "Deploy", "transitionType": "Inbound", "reason": REASON})
    );
    assert_eq!(
        standing(&wire, &hold()).await,
        Standing::Before,
        "accepted is not done"
    );
    wire.answer(
        REGION,
        STATE,
        [state(NEW, "Succeeded", "STANDARD", &held(REASON))],
    );
    assert_eq!(standing(&wire, &hold()).await, Standing::After);

    let release = hold().inverse().unwrap();
    wire.answer(REGION, ENABLE, ["{}"]);
    sent(&wire, &release).await.unwrap();
    let body: Value = serde_json::from_str(&wire.sent(ENABLE)[0]).unwrap();
    assert_eq!(
        body,
        json!({"pipelineName": "shop", "stageName": "Deploy", "transitionType": "Inbound"})
    );
    // Somebody else holds it for another reason: nothing is sent.
    wire.answer(
        REGION,
        STATE,
        [state(NEW, "Succeeded", "STANDARD", &held("finance"))],
    );
    wire.forget();
    let (fate, class, text) = sent(&wire, &release).await.unwrap_err();
    assert_eq!((fate, class), (Fate::NotSent, ErrorClass::Conflict));
    assert!(text.contains("finance"), "{text}");
    assert_eq!(wire.sent(ENABLE), [""; 0]);
}

#[tokio::test]
async fn a_write_that_is_refused_did_nothing_and_one_without_an_answer_may_have() {
    const DISABLE: &str = "codepipeline:DisableStageTransition";
    let before = state(NEW, "Succeeded", "STANDARD", &open());
    for (fault, expected) in [
        (Fault::Denied, (Fate::Refused, ErrorClass::Denied)),
        (Fault::Throttle, (Fate::Refused, ErrorClass::Throttled)),
        (Fault::ServerError, (Fate::InDoubt, ErrorClass::Transient)),
        (Fault::Hang, (Fate::InDoubt, ErrorClass::Timeout)),
    ] {
        let wire = shop(&before);
        wire.answer(REGION, DISABLE, ["{}"]);
        wire.fault(REGION, DISABLE, fault);
        let (fate, class, text) = sent(&wire, &hold()).await.unwrap_err();
        assert_eq!((fate, class), expected, "{text}");
        assert_eq!(wire.sent(DISABLE).len(), 1, "it is sent once");
        // What became of it is found by reading.
        wire.answer(
            REGION,
            STATE,
            [state(NEW, "Succeeded", "STANDARD", &held(REASON))],
        );
        assert_eq!(standing(&wire, &hold()).await, Standing::After);
    }
    let wire = shop(&before);
    wire.fault(REGION, STATE, Fault::Denied);
    let (fate, ..) = sent(&wire, &hold()).await.unwrap_err();
    assert_eq!(fate, Fate::NotSent);
    assert_eq!(wire.sent(DISABLE), [""; 0]);
}

const ROLL_BACK: &str = "codepipeline:RollbackStage";
const EXECUTION: &str = "codepipeline:GetPipelineExecution";

fn of_version(version: i32) -> String {
    json!({"pipelineExecution": {"pipelineExecutionId": OLD, "pipelineVersion": version, "status": "Succeeded"}}).to_string()
}

#[tokio::test]
async fn a_rollback_is_sent_within_one_definition_and_verified_by_a_rollback_that_succeeded() {
    let wire = shop(&state(NEW, "Succeeded", "STANDARD", &open()));
    wire.answer(REGION, EXECUTION, [of_version(3)]);
    let (fate, class, text) = sent(&wire, &roll_back()).await.unwrap_err();
    assert_eq!((fate, class), (Fate::NotSent, ErrorClass::Conflict));
    assert!(
        text.contains("version 3") && text.contains("version 4"),
        "{text}"
    );
    wire.answer(REGION, EXECUTION, [of_version(4)]);
    wire.answer(
        REGION,
        ROLL_BACK,
        [json!({"pipelineExecutionId": BACK}).to_string()],
    );
    sent(&wire, &roll_back()).await.unwrap();
    let body: Value = serde_json::from_str(&wire.sent(ROLL_BACK)[0]).unwrap();
    assert_eq!(
        body,
        json!({"pipelineName": "shop", "stageName": "Deploy", "targetPipelineExecutionId": OLD})
    );
    assert_eq!(standing(&wire, &roll_back()).await, Standing::Before);
    let back = |status: &str, target: &str| {
        wire.answer(REGION, STATE, [state(BACK, status, "ROLLBACK", &open())]);
        let more = json!({"executionType": "ROLLBACK", "rollbackMetadata": {"rollbackTargetPipelineExecutionId": target}});
        wire.answer(
            REGION,
            EXECUTIONS,
            [executions(&[execution(BACK, status, &more)], None)],
        );
    };
    back("InProgress", OLD);
    assert!(matches!(
        standing(&wire, &roll_back()).await,
        Standing::Underway(_)
    ));
    back("Failed", OLD);
    assert!(matches!(
        standing(&wire, &roll_back()).await,
        Standing::Other(_)
    ));
    back("Succeeded", NEW);
    assert!(
        matches!(standing(&wire, &roll_back()).await, Standing::Other(_)),
        "somebody else's, to something else"
    );
    back("Succeeded", OLD);
    assert_eq!(standing(&wire, &roll_back()).await, Standing::After);
}

#[tokio::test]
async fn a_rollback_whose_answer_is_lost_is_in_doubt_and_a_refusal_is_explained() {
    let before = state(NEW, "Succeeded", "STANDARD", &open());
    let wire = shop(&before);
    wire.answer(REGION, EXECUTION, [of_version(4)]);
    wire.answer(
        REGION,
        ROLL_BACK,
        [json!({"pipelineExecutionId": BACK}).to_string()],
    );
    wire.fault(REGION, ROLL_BACK, Fault::Hang);
    let (fate, class, _) = sent(&wire, &roll_back()).await.unwrap_err();
    assert_eq!((fate, class), (Fate::InDoubt, ErrorClass::Timeout));
    let wire = shop(&before);
    wire.answer(REGION, EXECUTION, [of_version(4)]);
    let unable = json!({"__type": "UnableToRollbackStageException", "message": "Unable to roll back the stage."});
    wire.refuse(REGION, ROLL_BACK, 400, &unable.to_string());
    let (fate, class, text) = sent(&wire, &roll_back()).await.unwrap_err();
    assert_eq!((fate, class), (Fate::Refused, ErrorClass::Conflict));
    assert!(text.contains("the pipeline was edited since"), "{text}");
    // It runs already: nothing is sent.
    let wire = shop(&state(NEW, "InProgress", "STANDARD", &open()));
    let (fate, class, _) = sent(&wire, &roll_back()).await.unwrap_err();
    assert_eq!((fate, class), (Fate::NotSent, ErrorClass::Conflict));
}
