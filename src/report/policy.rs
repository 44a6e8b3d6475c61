//! The IAM policy that the console needs: what it reads, and what each action writes. Owns the lists; tests hold them against the calls in the sources.

use serde_json::{Value, json};

/// Every call of a read.
pub const READS: &[&str] = &[
    "aps:QueryMetrics",
    "cloudfront:GetDistributionConfig",
    "cloudfront:GetInvalidation",
    "cloudfront:ListContinuousDeploymentPolicies",
    "cloudfront:ListDistributions",
    "cloudfront:ListInvalidations",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
    "codepipeline:GetPipeline",
    "codepipeline:GetPipelineState",
    "codepipeline:ListPipelineExecutions",
    "codepipeline:ListPipelines",
    "dynamodb:DescribeTable",
    "dynamodb:ListTables",
    "eks:DescribeCluster",
    "eks:DescribeNodegroup",
    "eks:DescribeUpdate",
    "eks:ListClusters",
    "eks:ListNodegroups",
    "elasticache:DescribeGlobalReplicationGroups",
    "elasticache:DescribeReplicationGroups",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetHealth",
    "globalaccelerator:ListAccelerators",
    "globalaccelerator:ListEndpointGroups",
    "globalaccelerator:ListListeners",
    "lambda:ListAliases",
    "lambda:ListFunctions",
    "memorydb:DescribeClusters",
    "memorydb:DescribeEvents",
    "memorydb:DescribeMultiRegionClusters",
    "rds:DescribeDBClusters",
    "rds:DescribeDBInstances",
    "rds:DescribeGlobalClusters",
    "route53-recovery-cluster:ListRoutingControls",
    "route53:ListHealthChecks",
    "route53:ListHostedZones",
    "route53:ListResourceRecordSets",
    "sts:GetCallerIdentity",
];

const RECORDS: &[&str] = &["route53:ChangeResourceRecordSets", "route53:GetChange"];
const DIALS: &[&str] = &[
    "globalaccelerator:UpdateEndpointGroup",
    "globalaccelerator:DescribeEndpointGroup",
    "globalaccelerator:DescribeAccelerator",
];
const CONTROLS: &[&str] = &["route53-recovery-cluster:UpdateRoutingControlStates"];
const CHECKS: &[&str] = &["route53:UpdateHealthCheck", "route53:GetHealthCheck"];
const RULES: &[&str] = &[
    "elasticloadbalancing:ModifyRule",
    "elasticloadbalancing:ModifyListener",
];
const CANARY: &[&str] = &[
    "lambda:UpdateAlias",
    "lambda:GetAlias",
    "cloudfront:UpdateContinuousDeploymentPolicy",
    "cloudfront:GetContinuousDeploymentPolicyConfig",
];
/// A writer that moves without loss.
const SWITCHOVER: &[&str] = &["rds:SwitchoverGlobalCluster"];
/// A writer that moves with loss.
const FAILOVER: &[&str] = &["rds:FailoverGlobalCluster"];
/// A reader of the cluster, or a replica, that becomes the writer.
const PROMOTION: &[&str] = &["rds:FailoverDBCluster", "rds:PromoteReadReplica"];
/// A primary of a Global Datastore that moves to another region.
const DATASTORES: &[&str] = &["elasticache:FailoverGlobalReplicationGroup"];
/// A primary that moves within its region.
const PRIMARIES: &[&str] = &["elasticache:TestFailover", "memorydb:FailoverShard"];
const NODES: &[&str] = &["eks:UpdateNodegroupConfig"];
const ALARMS: &[&str] = &[
    "cloudwatch:DisableAlarmActions",
    "cloudwatch:EnableAlarmActions",
];

/// Whether stages of a pipeline let anything in.
const TRANSITIONS: &[&str] = &[
    "codepipeline:DisableStageTransition",
    "codepipeline:EnableStageTransition",
];
const STAGES: &[&str] = &[
    "codepipeline:GetPipelineExecution",
    "codepipeline:RollbackStage",
];

/// Weights of routes in a cluster. No IAM policy gives what RBAC gives.
const ROUTES: &[&str] = &[
    "kubernetes:GetGRPCRoutes",
    "kubernetes:GetHTTPRoutes",
    "kubernetes:GetVirtualServices",
    "kubernetes:PatchGRPCRoutes",
    "kubernetes:PatchHTTPRoutes",
    "kubernetes:PatchVirtualServices",
];
/// Objects that send releases out by themselves.
const STEERING: &[&str] = &[
    "kubernetes:GetCanaries",
    "kubernetes:GetRollouts",
    "kubernetes:ListReplicaSets",
    "kubernetes:PatchCanaries",
    "kubernetes:PatchRollouts",
    "kubernetes:PatchRolloutsStatus",
];

/// Verbs on objects of a cluster. No IAM policy gives them: they are RBAC's.
const ROLLOUTS: &[&str] = &["kubernetes:PatchDeployments"];
const CORDON: &[&str] = &["kubernetes:PatchNodes"];
const EVICTION: &[&str] = &["kubernetes:CreatePodsEviction"];
/// How many pods there are.
const PODS: &[&str] = &[
    "kubernetes:PatchDeploymentsScale",
    "kubernetes:PatchHorizontalPodAutoscalers",
];

const PATHS: &[&str] = &["cloudfront:CreateInvalidation"];

/// What each action writes, in the order of the help.
const ACTIONS: &[(&str, &[&[&str]])] = &[
    // A drain takes the writer and the primary away as well.
    (
        "drain-region",
        &[
            RECORDS, DIALS, CONTROLS, CHECKS, ROUTES, SWITCHOVER, DATASTORES,
        ],
    ),
    (
        "restore-region",
        &[RECORDS, DIALS, CONTROLS, CHECKS, ROUTES],
    ),
    ("shift-weights", &[RECORDS, DIALS, RULES, CANARY, ROUTES]),
    // An undo may be of the deployment that a Rollout takes its template from.
    ("steer-rollout", &[ROLLOUTS, STEERING]),
    // The way back of anything.
    ("undo", ALL),
    ("switchover", &[SWITCHOVER]),
    ("failover", &[FAILOVER]),
    ("promote-replica", &[PROMOTION, SWITCHOVER]),
    ("fail-over-cache", &[DATASTORES, PRIMARIES]),
    ("scale-receivers", &[NODES, PODS]),
    ("advance", &[ROLLOUTS, STEERING]),
    ("hold-release", &[ROLLOUTS, STEERING]),
    ("roll-back", &[ROLLOUTS, STEERING]),
    ("hold-pipeline", &[TRANSITIONS]),
    ("release-pipeline", &[TRANSITIONS]),
    ("roll-back-stage", &[STAGES]),
    ("pause-rollout", &[ROLLOUTS]),
    ("resume-rollout", &[ROLLOUTS]),
    ("restart-rollout", &[ROLLOUTS]),
    ("cordon-node", &[CORDON]),
    ("drain-node", &[EVICTION]),
    ("uncordon-node", &[CORDON]),
    ("invalidate-paths", &[PATHS]),
    ("mute-alarms", &[ALARMS]),
    ("unmute-alarms", &[ALARMS]),
];

const ALL: &[&[&str]] = &[
    RECORDS,
    DIALS,
    CONTROLS,
    CHECKS,
    RULES,
    CANARY,
    SWITCHOVER,
    FAILOVER,
    PROMOTION,
    DATASTORES,
    PRIMARIES,
    NODES,
    ROLLOUTS,
    CORDON,
    EVICTION,
    PODS,
    ROUTES,
    STEERING,
    PATHS,
    ALARMS,
    TRANSITIONS,
    STAGES,
];

fn sorted(mut calls: Vec<&'static str>) -> Vec<&'static str> {
    calls.sort_unstable();
    calls.dedup();
    calls
}

/// Every call of a write, with the reads that belong to it.
pub fn writes() -> Vec<&'static str> {
    sorted(ALL.concat())
}

/// The actions whose calls are known.
pub fn action_names() -> impl Iterator<Item = &'static str> {
    ACTIONS.iter().map(|(name, _)| *name)
}

/// What an action needs besides the reads; `None` for one that this list does not know.
pub fn of_action(name: &str) -> Option<Vec<&'static str>> {
    let (_, sets) = ACTIONS.iter().find(|(action, _)| *action == name)?;
    Some(sorted(sets.concat()))
}

/// Where a call can be narrowed down: the resources that it takes.
fn resources(call: &str) -> Vec<&'static str> {
    match call {
        "route53:ChangeResourceRecordSets" => vec!["arn:aws:route53:::hostedzone/*"],
        "route53:UpdateHealthCheck" => vec!["arn:aws:route53:::healthcheck/*"],
        "rds:SwitchoverGlobalCluster" | "rds:FailoverGlobalCluster" => {
            vec![
                "arn:aws:rds:*:*:cluster:*",
                "arn:aws:rds::*:global-cluster:*",
            ]
        }
        "rds:FailoverDBCluster" => vec!["arn:aws:rds:*:*:cluster:*"],
        "rds:PromoteReadReplica" => vec!["arn:aws:rds:*:*:db:*"],
        "route53-recovery-cluster:UpdateRoutingControlStates" => {
            vec!["arn:aws:route53-recovery-control::*:controlpanel/*/routingcontrol/*"]
        }
        "cloudwatch:DisableAlarmActions" | "cloudwatch:EnableAlarmActions" => {
            vec!["arn:aws:cloudwatch:*:*:alarm:*"]
        }
        "cloudfront:CreateInvalidation" => vec!["arn:aws:cloudfront::*:distribution/*"],
        "codepipeline:DisableStageTransition"
        | "codepipeline:EnableStageTransition"
        | "codepipeline:RollbackStage" => vec!["arn:aws:codepipeline:*:*:*/*"],
        "codepipeline:GetPipelineExecution" => vec!["arn:aws:codepipeline:*:*:*"],
        "lambda:UpdateAlias" => vec!["arn:aws:lambda:*:*:function:*"],
        "eks:UpdateNodegroupConfig" => vec!["arn:aws:eks:*:*:nodegroup/*/*/*"],
        _ => vec!["*"],
    }
}

/// The policy: what is read, and for each action what it writes. Names of zones, clusters and functions are for you to narrow down.
pub fn policy(actions: &[String]) -> Result<Value, String> {
    let mut statements = vec![json!({
        "Sid": "Read", "Effect": "Allow", "Action": READS, "Resource": "*",
    })];
    for name in actions {
        let Some(calls) = of_action(name) else {
            let known: Vec<&str> = action_names().collect();
            return Err(format!(
                "there is no action `{name}`; there are {}",
                known.join(", ")
            ));
        };
        let mut by_resource: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
        for call in calls.into_iter().filter(|call| !of_cluster(call)) {
            let resources = resources(call);
            match by_resource
                .iter_mut()
                .find(|(known, _)| *known == resources)
            {
                Some((_, calls)) => calls.push(call),
                None => by_resource.push((resources, vec![call])),
            }
        }
        for (at, (resources, calls)) in by_resource.into_iter().enumerate() {
            let letters: String = name.split('-').map(capitalised).collect();
            statements.push(statement(
                &format!("{letters}{}", at + 1),
                &calls,
                &resources,
            ));
        }
    }
    Ok(json!({ "Version": "2012-10-17", "Statement": statements }))
}

/// Whether a call is one to a cluster, which RBAC permits.
fn of_cluster(call: &str) -> bool {
    call.starts_with("kubernetes:")
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(word.len().min(1));
    first.to_uppercase() + rest
}

/// Records change by DELETE and CREATE in one batch, and only those that can carry traffic.
fn statement(sid: &str, calls: &[&str], resources: &[&str]) -> Value {
    let mut statement =
        json!({ "Sid": sid, "Effect": "Allow", "Action": calls, "Resource": resources });
    if calls.contains(&"route53:ChangeResourceRecordSets") {
        statement["Condition"] = json!({ "ForAllValues:StringEquals": {
            "route53:ChangeResourceRecordSetsActions": ["CREATE", "DELETE"],
            "route53:ChangeResourceRecordSetsRecordTypes": ["A", "AAAA", "CNAME"],
        }});
    }
    statement
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_that_of_the_actions() {
        let actions: Vec<&str> = crate::actions::ACTIONS
            .iter()
            .map(|action| action.name())
            .collect();
        assert_eq!(action_names().collect::<Vec<_>>(), actions);
        for action in actions {
            assert!(!of_action(action).unwrap().is_empty(), "{action}");
        }
    }

    #[test]
    fn a_policy_names_what_it_allows_and_where() {
        let policy = policy(&["drain-region".to_owned()]).unwrap();
        let statements = policy["Statement"].as_array().unwrap();
        let records = statements
            .iter()
            .find(|one| one["Action"] == json!(["route53:ChangeResourceRecordSets"]))
            .unwrap();
        assert_eq!(
            records["Resource"],
            json!(["arn:aws:route53:::hostedzone/*"])
        );
        assert!(records["Condition"].is_object());
        let sids: std::collections::BTreeSet<&str> = statements
            .iter()
            .map(|one| one["Sid"].as_str().unwrap())
            .collect();
        assert_eq!(sids.len(), statements.len(), "IAM wants each Sid once");
        assert!(
            sids.iter()
                .all(|sid| sid.chars().all(char::is_alphanumeric))
        );
        assert!(super::policy(&["nope".to_owned()]).is_err());
    }

    #[test]
    fn reads_and_writes_are_apart_and_in_order() {
        assert!(READS.is_sorted());
        assert!(READS.iter().all(|read| !writes().contains(read)));
    }
}
