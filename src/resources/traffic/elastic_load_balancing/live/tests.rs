//! Does a region with many load balancers fit into one poll at the pace of the budget?

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::*;
use crate::{
    provider::{ask::Tally, budget::Budget, canned, live::POLL_DEADLINE, memory::Memory},
    resources::{Estate, Place, estate::Access},
};

fn members(count: usize, member: impl Fn(usize) -> String) -> String {
    let member = |index| format!("<member>{}</member>", member(index));
    (0..count).map(member).collect()
}

/// So many load balancers, each with one listener that forwards to two target groups of its own.
fn region(balancers: usize, asked: &canned::Asked) -> canned::Reply {
    let body = String::from_utf8_lossy(&asked.body).into_owned();
    let field = |name: &str| {
        let pair = body.split('&').find_map(|pair| pair.strip_prefix(name));
        pair.unwrap_or_default().to_owned()
    };
    match field("Action=").as_str() {
        "DescribeLoadBalancers" => {
            let all = members(balancers, |index| {
                format!("<LoadBalancerArn>lb{index}</LoadBalancerArn><Type>application</Type>")
            });
            let result = format!("<LoadBalancers>{all}</LoadBalancers>");
            canned::query("DescribeLoadBalancers", &result)
        }
        "DescribeListeners" => {
            let balancer = field("LoadBalancerArn=");
            let groups = members(2, |index| {
                format!("<TargetGroupArn>targetgroup/{balancer}-{index}/1</TargetGroupArn>")
            });
            let config =
                format!("<ForwardConfig><TargetGroups>{groups}</TargetGroups></ForwardConfig>");
            let actions = format!(
                "<DefaultActions><member><Type>forward</Type>{config}</member></DefaultActions>"
            );
            let result = format!(
                "<Listeners><member><ListenerArn>l-{balancer}</ListenerArn>{actions}</member></Listeners>"
            );
            canned::query("DescribeListeners", &result)
        }
        "DescribeTargetHealth" => {
            let target = "<TargetHealth><State>healthy</State></TargetHealth>";
            let result = format!(
                "<TargetHealthDescriptions><member>{target}</member></TargetHealthDescriptions>"
            );
            canned::query("DescribeTargetHealth", &result)
        }
        action => canned::query(action, ""),
    }
}

/// What one poll gives: how long it took, its rows without health, its problems.
async fn poll(
    balancers: usize,
    memory: &Arc<Memory>,
) -> Result<(Duration, usize, Vec<ProviderError>), ProviderError> {
    let (estate, place) = (Estate::default(), Place::Global);
    let config = canned::config(move |asked| region(balancers, &asked));
    let budget = Budget::new(Arc::default(), Access::default(), String::new());
    let tally = Arc::new(Tally::default());
    let ask = Ask::new(&estate, &place, config)
        .within(budget, tally)
        .remembering(Arc::clone(memory));
    let started = Instant::now();
    let rows = observe(&ask).await?;
    let took = started.elapsed();
    assert_eq!(rows.len(), 2 * balancers);
    let unknown =
        |row: &&Split| matches!(&row.by, Mechanism::Forward(forward) if forward.health.is_none());
    let unknown = rows.iter().filter(unknown).count();
    let answer = ask.answer(crate::resources::Rows::Traffic(rows));
    Ok((took, unknown, answer.problems))
}

#[tokio::test(start_paused = true)]
async fn forty_load_balancers_with_eighty_target_groups_fit_into_a_poll() {
    let (took, unknown, problems) = poll(40, &Arc::default()).await.unwrap();
    assert!(took < POLL_DEADLINE, "{took:?}");
    assert_eq!((unknown, problems), (0, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn health_that_does_not_fit_is_said_to_be_missing_and_read_in_the_next_polls() {
    let memory = Arc::default();
    let (took, first, problems) = poll(50, &memory).await.unwrap();
    assert!(took < POLL_DEADLINE, "{took:?}");
    assert!(first > 0);
    let expected = format!("no time for {first} of 100 target groups; they come in turn");
    assert_eq!(problems[0].message, expected);
    let (_, second, problems) = poll(50, &memory).await.unwrap();
    assert_eq!(
        (second, problems),
        (0, Vec::new()),
        "the rest is read, and the first part is still recent"
    );
}

#[tokio::test(start_paused = true)]
async fn more_load_balancers_than_a_poll_can_read_are_an_error_that_says_what_to_do() {
    let error = poll(200, &Arc::default()).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Timeout);
    assert!(error.message.contains("load_balancers"), "{error}");
}
