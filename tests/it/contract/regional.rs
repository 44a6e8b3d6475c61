//! What every region has, over the wire: identity, EKS clusters, load balancers, Lambda aliases.

use pilothouse::resources::{
    Answer, ErrorClass, ProviderError, Rows, Source,
    clusters::{self, Cluster},
    regions,
    traffic::{self, Mechanism, elastic_load_balancing::TargetHealth},
};

use super::second_page_fails;
use crate::wire::{Fault, Wire, query};

const REGION: &str = "eu-west-1";

async fn identity(wire: &Wire) -> Result<Answer, ProviderError> {
    wire.observe(Source::Identity, REGION, regions::live::observe)
        .await
}

#[tokio::test]
async fn one_call_tells_who_we_are_and_what_the_time_is() {
    let wire = Wire::start();
    let answer = identity(&wire).await.unwrap();
    let Rows::Regions(rows) = &answer.rows else {
        panic!("a region: {answer:?}");
    };
    let identity = rows[0].identity.as_ref().unwrap();
    assert_eq!(identity.account, "123456789012");
    assert!(
        identity
            .clock_skew_seconds
            .is_some_and(|skew| skew.abs() < 5)
    );
    assert_eq!(wire.calls(), ["eu-west-1 sts:GetCallerIdentity"]);
}

#[tokio::test]
async fn an_identity_that_cannot_be_read_is_an_error_of_its_class() {
    for (fault, class) in [
        (Fault::Denied, ErrorClass::Denied),
        (Fault::Truncated, ErrorClass::Transient),
        (Fault::Hang, ErrorClass::Timeout),
    ] {
        let wire = Wire::start();
        wire.fault(REGION, "sts:GetCallerIdentity", fault);
        let error = identity(&wire).await.unwrap_err();
        assert_eq!(
            (error.class, error.operation.as_str()),
            (class, "sts:GetCallerIdentity")
        );
    }
}

async fn eks(wire: &Wire) -> Result<Answer, ProviderError> {
    wire.observe(Source::Clusters, REGION, clusters::live::observe)
        .await
}

fn two_clusters(wire: &Wire) {
    let pages = [
        r#"{"clusters":["a"],"nextToken":"2"}"#,
        r#"{"clusters":["b"]}"#,
    ];
    wire.answer(REGION, "eks:GET /clusters", pages);
    for name in ["a", "b"] {
        let cluster =
            format!(r#"{{"cluster":{{"name":"{name}","status":"HIBERNATING","version":"1.33"}}}}"#);
        wire.answer(REGION, &format!("eks:GET /clusters/{name}"), [cluster]);
    }
}

#[tokio::test]
async fn clusters_of_every_page_are_described_once_each() {
    let wire = Wire::start();
    two_clusters(&wire);
    let answer = eks(&wire).await.unwrap();
    let Rows::Clusters(rows) = &answer.rows else {
        panic!("clusters: {answer:?}");
    };
    let states = rows.iter().map(|row| match row {
        Cluster::Eks(cluster) => (cluster.name.as_str(), cluster.status.as_str()),
        Cluster::ApiServer(_) | Cluster::NodeGroup(_) | Cluster::Nodes(_) => {
            panic!("only clusters were asked for")
        }
    });
    assert_eq!(
        states.collect::<Vec<_>>(),
        [("a", "HIBERNATING"), ("b", "HIBERNATING")]
    );
    // Two pages, and each cluster described and asked for its node groups.
    assert_eq!(wire.calls().len(), 6);
    second_page_fails(two_clusters, ("eks:GET /clusters", "eks:ListClusters"), eks).await;
}

const BALANCERS: &str = "elasticloadbalancing:DescribeLoadBalancers";

async fn balancers(wire: &Wire) -> Result<Answer, ProviderError> {
    wire.observe(Source::LoadBalancers, REGION, traffic::live::observe)
        .await
}

fn group(name: &str, weight: u32) -> String {
    format!(
        "<member><TargetGroupArn>arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/{name}/1</TargetGroupArn><Weight>{weight}</Weight></member>"
    )
}

fn forward(tag: &str, groups: &str) -> String {
    format!(
        "<{tag}><member><Type>forward</Type><ForwardConfig><TargetGroups>{groups}</TargetGroups></ForwardConfig></member></{tag}>"
    )
}

/// An application load balancer on the first page and a network load balancer on the second; both listeners forward 95:5, and a rule of the first 100:0.
fn two_balancers(wire: &Wire) {
    let balancer = |name: &str, kind: &str, marker: &str| {
        let balancer = format!(
            "<member><LoadBalancerArn>arn:{name}</LoadBalancerArn><LoadBalancerName>{name}</LoadBalancerName><Type>{kind}</Type></member>"
        );
        query(
            "DescribeLoadBalancers",
            &format!("<LoadBalancers>{balancer}</LoadBalancers>{marker}"),
        )
    };
    let pages = [
        balancer("web", "application", "<NextMarker>2</NextMarker>"),
        balancer("tcp", "network", ""),
    ];
    wire.answer(REGION, BALANCERS, pages);
    let default = forward(
        "DefaultActions",
        &[group("stable", 95), group("canary", 5)].concat(),
    );
    let listener = format!(
        "<Listeners><member><ListenerArn>arn:l</ListenerArn>{default}</member></Listeners>"
    );
    wire.answer(
        REGION,
        "elasticloadbalancing:DescribeListeners",
        [query("DescribeListeners", &listener)],
    );
    let actions = forward(
        "Actions",
        &[group("stable", 100), group("canary", 0)].concat(),
    );
    let rule = format!(
        "<Rules><member><RuleArn>arn:r</RuleArn><Priority>1</Priority><IsDefault>false</IsDefault>{actions}</member></Rules>"
    );
    wire.answer(
        REGION,
        "elasticloadbalancing:DescribeRules",
        [query("DescribeRules", &rule)],
    );
    let target = |state: &str| {
        format!("<member><TargetHealth><State>{state}</State></TargetHealth></member>")
    };
    let targets = ["healthy", "healthy", "unhealthy.draining", "initial"]
        .map(target)
        .concat();
    let health = format!("<TargetHealthDescriptions>{targets}</TargetHealthDescriptions>");
    wire.answer(
        REGION,
        "elasticloadbalancing:DescribeTargetHealth",
        [query("DescribeTargetHealth", &health)],
    );
}

fn forwards(answer: &Answer) -> Vec<(&str, &str, u32, Option<TargetHealth>)> {
    let Rows::Traffic(rows) = &answer.rows else {
        panic!("splits: {answer:?}");
    };
    let forward = |row: &'_ traffic::Split| match &row.by {
        Mechanism::Forward(forward) => (forward.weight, forward.health),
        other => panic!("a forward, not {other:?}"),
    };
    rows.iter()
        .map(|row| {
            let (weight, health) = forward(row);
            (row.split.as_str(), row.member.as_str(), weight, health)
        })
        .collect()
}

#[tokio::test]
async fn forwards_have_their_weights_and_each_target_group_is_asked_once() {
    let wire = Wire::start();
    two_balancers(&wire);
    let answer = balancers(&wire).await.unwrap();
    let health = Some(TargetHealth {
        healthy: 2,
        unhealthy: 1,
        other: 1,
        unknown: 0,
    });
    let expected = [
        ("arn:l", "stable", 95, health),
        ("arn:l", "canary", 5, health),
        ("arn:r", "stable", 100, health),
        ("arn:r", "canary", 0, health),
        ("arn:l", "stable", 95, health),
        ("arn:l", "canary", 5, health),
    ];
    assert_eq!(forwards(&answer), expected);
    assert_eq!(wire.calls().len(), 2 + 2 + 1 + 2, "{:?}", wire.calls());
}

#[tokio::test]
async fn load_balancers_without_their_second_page_are_an_error_and_health_that_is_denied_is_unknown()
 {
    let action = "elasticloadbalancing:DescribeLoadBalancers";
    second_page_fails(two_balancers, (BALANCERS, action), balancers).await;
    let wire = Wire::start();
    two_balancers(&wire);
    wire.fault(
        REGION,
        "elasticloadbalancing:DescribeTargetHealth",
        Fault::Denied,
    );
    let answer = balancers(&wire).await.unwrap();
    let unknown = forwards(&answer)
        .iter()
        .filter(|row| row.3.is_none())
        .count();
    // Both load balancers are denied in the same words, which are told once.
    assert_eq!((unknown, answer.problems.len()), (6, 1));
    let problem = answer.problems[0].to_string();
    assert!(
        problem.starts_with("elasticloadbalancing:DescribeTargetHealth: denied"),
        "{problem}"
    );
}

const FUNCTIONS: &str = "lambda:GET /2015-03-31/functions";

async fn lambda(wire: &Wire) -> Result<Answer, ProviderError> {
    wire.observe(Source::Aliases, REGION, traffic::live::observe)
        .await
}

fn two_functions(wire: &Wire) {
    let pages = [
        r#"{"Functions":[{"FunctionName":"checkout"}],"NextMarker":"2"}"#,
        r#"{"Functions":[{"FunctionName":"search"}]}"#,
    ];
    wire.answer(REGION, FUNCTIONS, pages);
    let canary = r#"{"Aliases":[{"Name":"live","FunctionVersion":"7","RoutingConfig":{"AdditionalVersionWeights":{"8":0.1}}}]}"#;
    wire.answer(
        REGION,
        "lambda:GET /2015-03-31/functions/checkout/aliases",
        [canary],
    );
    let plain = r#"{"Aliases":[{"Name":"live","FunctionVersion":"3"}]}"#;
    wire.answer(
        REGION,
        "lambda:GET /2015-03-31/functions/search/aliases",
        [plain],
    );
}

#[tokio::test]
async fn only_aliases_that_split_are_rows() {
    let wire = Wire::start();
    two_functions(&wire);
    let answer = lambda(&wire).await.unwrap();
    let Rows::Traffic(rows) = &answer.rows else {
        panic!("splits: {answer:?}");
    };
    let weights: Vec<_> = rows
        .iter()
        .map(|row| match &row.by {
            Mechanism::Alias(alias) => (row.split.as_str(), alias.version.as_str(), alias.weight),
            other => panic!("an alias, not {other:?}"),
        })
        .collect();
    assert_eq!(
        weights,
        [("checkout:live", "7", 0.9), ("checkout:live", "8", 0.1)]
    );
    assert_eq!(wire.calls().len(), 4);
    second_page_fails(two_functions, (FUNCTIONS, "lambda:ListFunctions"), lambda).await;
}

#[tokio::test]
async fn a_function_whose_aliases_are_denied_is_a_problem_with_the_action_and_the_rest_stands() {
    let wire = Wire::start();
    two_functions(&wire);
    wire.fault(
        REGION,
        "lambda:GET /2015-03-31/functions/search/aliases",
        Fault::Denied,
    );
    let answer = lambda(&wire).await.unwrap();
    let said: Vec<_> = answer
        .problems
        .iter()
        .map(|error| (error.class, error.operation.as_str()))
        .collect();
    assert_eq!(said, [(ErrorClass::Denied, "lambda:ListAliases")]);
    assert!(matches!(&answer.rows, Rows::Traffic(rows) if rows.len() == 2));
}
