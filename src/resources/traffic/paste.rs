//! The `aws` or `kubectl` command that makes a traffic change by hand. Owns the spelling; must never run one.

use serde_json::{Value, json};

use super::{
    Record, RouteRule,
    change::{BackendEdit, Change, ControlEdit, ForwardEdit, RecordEdit},
    rollouts::{Steering, Tool, Verb},
};

/// One command per line, ready to paste into a POSIX shell.
pub fn commands(change: &Change) -> Vec<String> {
    match change {
        Change::Weights { records } => weights(records),
        Change::Dial { group_arn, to, .. } => vec![format!(
            "aws globalaccelerator update-endpoint-group --region us-west-2 --endpoint-group-arn {} --traffic-dial-percentage {to}",
            quoted(group_arn)
        )],
        Change::Controls { controls } => self::controls(controls),
        Change::Forward {
            listener_arn,
            rule_arn,
            groups,
            ..
        } => {
            vec![forward(listener_arn, rule_arn.as_deref(), groups)]
        }
        Change::Route { rule, backends, .. } => vec![route(rule, backends)],
        Change::Steer(steering) => vec![steer(steering)],
        Change::Alias {
            region,
            function,
            alias,
            canary,
            to,
            ..
        } => {
            let weights = if *to > 0.0 {
                json!({ canary: to })
            } else {
                json!({})
            };
            vec![format!(
                "aws lambda update-alias --region {region} --function-name {} --name {} --routing-config {}",
                quoted(function),
                quoted(alias),
                quoted(&json!({ "AdditionalVersionWeights": weights }).to_string())
            )]
        }
        Change::Staging { policy_id, to, .. } => vec![
            format!(
                "aws cloudfront get-continuous-deployment-policy-config --id {policy_id} > policy.json"
            ),
            format!("# set TrafficConfig.SingleWeightConfig.Weight to {to} in policy.json, then:"),
            format!(
                "aws cloudfront update-continuous-deployment-policy --id {policy_id} --if-match ETAG --continuous-deployment-policy-config file://policy.json"
            ),
        ],
        Change::Invalidate {
            distribution_id,
            paths,
            reference,
        } => {
            let batch = json!({
                "Paths": { "Quantity": paths.len(), "Items": paths },
                "CallerReference": reference,
            });
            vec![format!(
                "aws cloudfront create-invalidation --distribution-id {} --invalidation-batch {}",
                quoted(distribution_id),
                quoted(&batch.to_string())
            )]
        }
    }
}

/// A word for a POSIX shell: names from APIs may hold anything.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn weights(records: &[RecordEdit]) -> Vec<String> {
    let Some(first) = records.first() else {
        return Vec::new();
    };
    let batch = |action: &str, record: Record| json!({ "Action": action, "ResourceRecordSet": set(&record) });
    let deletes = records
        .iter()
        .map(|edit| batch("DELETE", edit.from.clone()));
    let creates = records.iter().map(|edit| batch("CREATE", edit.after()));
    let changes: Vec<Value> = deletes.chain(creates).collect();
    vec![format!(
        "aws route53 change-resource-record-sets --hosted-zone-id {} --change-batch {}",
        quoted(&first.from.zone_id),
        quoted(&json!({ "Changes": changes }).to_string())
    )]
}

/// A record set in the JSON of the AWS CLI.
fn set(record: &Record) -> Value {
    let mut set = json!({ "Name": record.name, "Type": record.record_type });
    let mut put = |key: &str, value: Value| {
        if let Some(fields) = set.as_object_mut() {
            fields.insert(key.to_owned(), value);
        }
    };
    if let Some(identifier) = &record.set_identifier {
        put("SetIdentifier", json!(identifier));
    }
    if let super::Policy::Weighted { weight } = record.policy {
        put("Weight", json!(weight));
    }
    if let Some(ttl) = record.ttl {
        put("TTL", json!(ttl));
    }
    if let Some(alias) = &record.alias {
        let target = json!({
            "DNSName": alias.dns_name, "HostedZoneId": alias.zone_id, "EvaluateTargetHealth": alias.evaluate_target_health,
        });
        put("AliasTarget", target);
    } else {
        let values: Vec<Value> = record
            .values
            .iter()
            .map(|value| json!({ "Value": value }))
            .collect();
        put("ResourceRecords", Value::Array(values));
    }
    if let Some(id) = &record.health_check_id {
        put("HealthCheckId", json!(id));
    }
    set
}

fn controls(controls: &[ControlEdit]) -> Vec<String> {
    let entries: Vec<Value> = controls
        .iter()
        .map(|edit| json!({ "RoutingControlArn": edit.arn, "RoutingControlState": if edit.to { "On" } else { "Off" } }))
        .collect();
    vec![
        "# at any of the five endpoints of the recovery cluster; on an error take the next one"
            .to_owned(),
        format!(
            "aws route53-recovery-cluster update-routing-control-states --region REGION --endpoint-url ENDPOINT --update-routing-control-state-entries {}",
            quoted(&Value::Array(entries).to_string())
        ),
    ]
}

fn forward(listener: &str, rule: Option<&str>, groups: &[ForwardEdit]) -> String {
    let groups: Vec<Value> = groups
        .iter()
        .map(|edit| json!({ "TargetGroupArn": edit.target_group_arn, "Weight": edit.to }))
        .collect();
    let actions = json!([{ "Type": "forward", "ForwardConfig": { "TargetGroups": groups } }]);
    let (verb, flag, arn, actions_flag) = match rule {
        Some(rule) => ("modify-rule", "--rule-arn", rule, "--actions"),
        None => (
            "modify-listener",
            "--listener-arn",
            listener,
            "--default-actions",
        ),
    };
    format!(
        "aws elbv2 {verb} {flag} {} {actions_flag} {}  # with every other action of the rule (authentication)",
        quoted(arn),
        quoted(&actions.to_string())
    )
}

/// The plugin of Argo Rollouts knows all of its verbs; a Canary is patched.
fn steer(steering: &Steering) -> String {
    let Steering { rollout, verb, .. } = steering;
    let at = format!(
        "--context {} --namespace {}",
        quoted(&rollout.cluster),
        quoted(&rollout.namespace)
    );
    let name = quoted(&rollout.name);
    let argo = |words: &str| format!("kubectl argo rollouts {words} {name} {at}");
    let suspend = |suspend: bool| {
        let patch = json!({ "spec": { "suspend": suspend } }).to_string();
        format!(
            "kubectl {at} patch canaries.flagger.app {name} --type merge --patch {}",
            quoted(&patch)
        )
    };
    match (rollout.tool, verb) {
        (Tool::Flagger, Verb::Pause) => suspend(true),
        (Tool::Flagger, Verb::Resume) => suspend(false),
        (Tool::Flagger, _) => format!("kubectl {at} get canaries.flagger.app {name}"),
        (Tool::ArgoRollouts, Verb::Promote) => argo("promote"),
        (Tool::ArgoRollouts, Verb::PromoteFull) => argo("promote --full"),
        (Tool::ArgoRollouts, Verb::Pause) => argo("pause"),
        (Tool::ArgoRollouts, Verb::Resume) => {
            let patch = json!({ "spec": { "paused": false } }).to_string();
            format!(
                "kubectl {at} patch rollouts.argoproj.io {name} --type merge --patch {}",
                quoted(&patch)
            )
        }
        (Tool::ArgoRollouts, Verb::Abort) => argo("abort"),
        (Tool::ArgoRollouts, Verb::Retry) => argo("retry rollout"),
        (Tool::ArgoRollouts, Verb::Undo) => argo("undo"),
        (Tool::ArgoRollouts, Verb::Image(image)) => {
            let set = quoted(&format!("{}={}", image.container, image.to));
            format!("kubectl argo rollouts set image {name} {set} {at}")
        }
    }
}

/// Tests the old weights instead of the version, which nobody can type; one that may only be a default has nothing that could be tested.
/// The order of the backends is that of the object.
fn route(rule: &RouteRule, backends: &[BackendEdit]) -> String {
    let pointer = rule.kind.pointer(rule.index);
    let operation = |op: &str, index: usize, value: u32| json!({ "op": op, "path": format!("{pointer}/{index}/weight"), "value": value });
    let all = || backends.iter().enumerate();
    let said = all().filter(|(_, edit)| edit.from != rule.kind.unsaid());
    let tests = said.map(|(index, edit)| operation("test", index, edit.from));
    // `add` also replaces, and works where there was no weight.
    let sets = all().map(|(index, edit)| operation("add", index, edit.to));
    let patch: Vec<Value> = tests.chain(sets).collect();
    format!(
        "kubectl --context {} --namespace {} patch {}.{} {} --type json --patch {}",
        quoted(&rule.cluster),
        quoted(&rule.namespace),
        rule.kind.plural(),
        rule.kind.group(),
        quoted(&rule.name),
        quoted(&Value::Array(patch).to_string())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_cannot_leave_its_word() {
        assert_eq!(quoted("eu-west-1"), "eu-west-1");
        assert_eq!(quoted("a'; rm -rf /"), r"'a'\''; rm -rf /'");
        assert_eq!(quoted(""), "''");
    }
}
