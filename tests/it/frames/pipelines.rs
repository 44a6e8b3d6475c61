//! Pipelines for frames: one that runs, one that is held while something waits, one that failed, one that nobody approves, one that was not read.

use std::time::Duration;

use pilothouse::resources::{Fleet, Place, Rows, Source, pipelines::Pipeline};
use serde_json::{Value, json};

use super::fleet::{accept, now};

const EXECUTION: &str = "3f1c9a52-7d2e-4b1a-9c40-0c5f7e1d2a31";
const OTHER: &str = "b84e6d10-12aa-4f63-8d5e-9a7c1e0f4b22";

fn ago(seconds: u64) -> jiff::Timestamp {
    now() - Duration::from_secs(seconds)
}

fn stage(name: &str, status: &str, since: u64, does: (&str, &str)) -> Value {
    let (category, provider) = does;
    json!({
        "name": name, "transition": {"enabled": true, "reason": null, "by": null, "at": null},
        "latest": {"execution": EXECUTION, "status": status, "execution_type": "STANDARD"}, "inbound": [], "succeeded": null,
        "actions": [{"name": provider, "status": status, "summary": null, "since": ago(since), "by": null, "url": null, "percent": null,
            "error": null, "approval": category == "Approval",
            "does": {"category": category, "provider": provider, "region": null, "role": null, "target": []}}],
    })
}

fn pipeline(name: &str, statuses: [&str; 4]) -> Value {
    let [source, build, approve, deploy] = statuses;
    let revision = json!({"action": "Source", "id": "c0ffee1234567890abcdef1234567890abcdef12",
        "summary": "Fix the total of carts with two currencies", "url": "https://git.example/shop/commit/c0ffee1"});
    json!({
        "name": name, "arn": format!("arn:aws:codepipeline:us-east-1:123456789012:{name}"), "version": 12, "pipeline_type": "V2",
        "execution_mode": "QUEUED", "updated": ago(864_000), "seen_at": ago(20), "unknown": [],
        "stages": [stage("Source", source, 900, ("Source", "GitHub")), stage("Build", build, 700, ("Build", "CodeBuild")),
            stage("Approve", approve, 3_000, ("Approval", "Manual")), stage("Deploy-eu-west-1", deploy, 240, ("Deploy", "ECS"))],
        "executions": [{"id": EXECUTION, "status": "InProgress", "summary": null, "started": ago(900), "updated": ago(240), "revisions": [revision],
            "trigger": "WebhookV2", "execution_type": "STANDARD", "rolls_back_to": null, "stopped": null}],
    })
}

/// Five pipelines of a region.
pub fn add(fleet: &mut Fleet, place: &Place) {
    let done = "Succeeded";
    let runs = pipeline("storefront", [done, done, done, "InProgress"]);
    let mut held = pipeline("checkout", [done; 4]);
    held["stages"][3]["transition"] = json!({"enabled": false, "by": "arn:aws:sts::123456789012:assumed-role/on-call/kim", "at": ago(600),
        "reason": "pilothouse plan 6f1d02c4a9b8 by on-call.kim until 2026-03-14 04.02 UTC"});
    held["stages"][3]["inbound"] =
        json!([{"execution": OTHER, "status": "InProgress", "execution_type": "STANDARD"}]);
    let mut failed = pipeline("payments", [done, done, done, "Failed"]);
    failed["stages"][3]["actions"][0]["error"] =
        json!("JobFailed: the service payments was unable to reach a steady state");
    let waits = pipeline("search-index", [done, done, "InProgress", done]);
    let mut unread = pipeline("thumbnails", [done; 4]);
    (unread["stages"], unread["executions"], unread["seen_at"]) =
        (json!([]), json!([]), Value::Null);
    let rows = [runs, held, failed, waits, unread];
    let rows: Vec<Pipeline> = rows
        .into_iter()
        .map(|row| serde_json::from_value(row).unwrap())
        .collect();
    accept(fleet, Source::Pipelines, place, Rows::Pipelines(rows));
}
