//! Reads load balancers, their listeners and rules, and the health of every target group that some rule forwards to.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use aws_sdk_elasticloadbalancingv2::{
    Client,
    types::{Action, ActionTypeEnum, Listener, LoadBalancer, Rule, RuleCondition},
};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::{Forward, TargetHealth};
use crate::{
    provider::{ask::Ask, memory::READING, paging::all_pages},
    resources::{
        Api, ErrorClass, ProviderError,
        traffic::{Mechanism, Split, arn_tail, live::part},
    },
};

/// Calls made at once.
const AT_ONCE: usize = 4;
/// For how long the health of a target group stands where a poll has no time to read it again: two or three polls.
const HEALTH_HOLDS: Duration = Duration::from_secs(120);
const RULES: &str = "elasticloadbalancing:DescribeRules";
const HEALTH: &str = "elasticloadbalancing:DescribeTargetHealth";
const API: Api = Api::ElasticLoadBalancing;

/// Every target group of every forward action of the load balancers that carry the user traffic.
pub async fn observe(ask: &Ask<'_>) -> Result<Vec<Split>, ProviderError> {
    let started = Instant::now();
    let client = &Client::new(&ask.config);
    let mut balancers = load_balancers(ask, client).await?;
    let named = ask
        .place
        .region()
        .and_then(|label| ask.estate.region(label))
        .map(|region| region.load_balancers.as_slice())
        .unwrap_or_default();
    if !named.is_empty() {
        balancers.retain(|balancer| {
            balancer
                .load_balancer_name
                .as_ref()
                .is_some_and(|name| named.contains(name))
        });
    }
    let total = balancers.len();
    let forwards: Vec<Vec<Forward>> = stream::iter(balancers)
        .map(|balancer| async move {
            if started.elapsed() > READING {
                return Err(too_many(total));
            }
            forwards(ask, client, balancer).await
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut forwards: Vec<Forward> = forwards.into_iter().flatten().collect();
    add_health(ask, client, started, &mut forwards).await;
    Ok(forwards.into_iter().map(row).collect())
}

fn too_many(total: usize) -> ProviderError {
    let text = format!(
        "no time for the rules of {total} load balancers; name those that carry user traffic under load_balancers in the configuration"
    );
    ProviderError::new(ErrorClass::Timeout, RULES, text)
}

/// Adds the health of the target groups: as many as there is time for, longest unread first. What is left has the health of a recent poll, or none and a problem.
async fn add_health(ask: &Ask<'_>, client: &Client, started: Instant, forwards: &mut [Forward]) {
    let groups: BTreeSet<String> = forwards
        .iter()
        .map(|forward| forward.target_group_arn.clone())
        .collect();
    let total = groups.len();
    let groups = ask
        .memory
        .target_health
        .in_turn(groups.into_iter().collect());
    let reads = stream::iter(groups).map(|group| async move {
        if started.elapsed() > READING {
            let recent = ask.memory.target_health.recent(&group, HEALTH_HOLDS);
            return (group, recent, recent.is_none());
        }
        let health = target_health(ask, client, &group).await;
        (group, health, false)
    });
    let reads: Vec<_> = reads.buffered(AT_ONCE).collect().await;
    let unread = reads.iter().filter(|(_, _, unread)| *unread).count();
    if unread > 0 {
        let text = format!("no time for {unread} of {total} target groups; they come in turn");
        ask.problem(ProviderError::new(ErrorClass::Timeout, HEALTH, text));
    }
    let health: BTreeMap<String, TargetHealth> = reads
        .into_iter()
        .filter_map(|(group, health, _)| Some((group, health?)))
        .collect();
    for forward in forwards {
        forward.health = health.get(&forward.target_group_arn).copied();
    }
}

async fn load_balancers(
    ask: &Ask<'_>,
    client: &Client,
) -> Result<Vec<LoadBalancer>, ProviderError> {
    const OPERATION: &str = "elasticloadbalancing:DescribeLoadBalancers";
    all_pages(OPERATION, |marker| async move {
        let call = client
            .describe_load_balancers()
            .set_marker(marker)
            .page_size(400);
        let page = ask.call(API, OPERATION, call.send()).await?;
        Ok((page.load_balancers.unwrap_or_default(), page.next_marker))
    })
    .await
}

async fn listeners(
    ask: &Ask<'_>,
    client: &Client,
    balancer: &str,
) -> Result<Vec<Listener>, ProviderError> {
    const OPERATION: &str = "elasticloadbalancing:DescribeListeners";
    all_pages(OPERATION, |marker| async move {
        let call = client
            .describe_listeners()
            .load_balancer_arn(balancer)
            .set_marker(marker);
        let page = ask.call(API, OPERATION, call.send()).await?;
        Ok((page.listeners.unwrap_or_default(), page.next_marker))
    })
    .await
}

async fn rules(ask: &Ask<'_>, client: &Client, listener: &str) -> Result<Vec<Rule>, ProviderError> {
    all_pages(RULES, |marker| async move {
        let call = client
            .describe_rules()
            .listener_arn(listener)
            .set_marker(marker);
        let page = ask.call(API, RULES, call.send()).await?;
        Ok((page.rules.unwrap_or_default(), page.next_marker))
    })
    .await
}

/// Health of a group; `None`, and a problem noted, when it cannot be read: its rows stay, with unknown health.
async fn target_health(ask: &Ask<'_>, client: &Client, group: &str) -> Option<TargetHealth> {
    let call = client.describe_target_health().target_group_arn(group);
    let answer = match ask.call(API, HEALTH, call.send()).await {
        Ok(answer) => answer,
        Err(error) => {
            ask.problem(error);
            return None;
        }
    };
    let mut health = TargetHealth::default();
    for target in answer.target_health_descriptions.unwrap_or_default() {
        let state = target.target_health.and_then(|health| health.state);
        match state
            .as_ref()
            .map(aws_sdk_elasticloadbalancingv2::types::TargetHealthStateEnum::as_str)
        {
            Some("healthy") => health.healthy += 1,
            Some(state) if state.starts_with("unhealthy") => health.unhealthy += 1,
            Some("initial" | "draining" | "unused") => health.other += 1,
            // `unavailable`: health checks are turned off. A state that is new to us tells as little.
            Some(_) | None => health.unknown += 1,
        }
    }
    ask.memory.target_health.learn(group, health);
    Some(health)
}

/// The target groups that a load balancer forwards to. Only application load balancers have rules.
async fn forwards(
    ask: &Ask<'_>,
    client: &Client,
    balancer: LoadBalancer,
) -> Result<Vec<Forward>, ProviderError> {
    let Some(arn) = balancer.load_balancer_arn.as_deref() else {
        return Ok(Vec::new());
    };
    let listeners = part(ask, listeners(ask, client, arn).await)?.unwrap_or_default();
    let application = balancer
        .r#type
        .as_ref()
        .is_some_and(|kind| kind.as_str() == "application");
    let mut found = Vec::new();
    for listener in &listeners {
        let listener_arn = listener.listener_arn.as_deref().unwrap_or_default();
        let default = template(&balancer, listener_arn);
        found.extend(targets(listener.default_actions(), &default));
        if !application {
            continue;
        }
        let rules = part(ask, rules(ask, client, listener_arn).await)?.unwrap_or_default();
        // The default rule is the listener's default action over again.
        for rule in rules.iter().filter(|rule| rule.is_default != Some(true)) {
            let of_rule = Forward {
                rule_arn: rule.rule_arn.clone(),
                priority: rule.priority.clone().unwrap_or_default(),
                conditions: conditions(rule.conditions()),
                ..default.clone()
            };
            found.extend(targets(rule.actions(), &of_rule));
        }
    }
    Ok(found)
}

/// A forward of a listener's default action, still without its target group.
fn template(balancer: &LoadBalancer, listener_arn: &str) -> Forward {
    let state = balancer
        .state
        .as_ref()
        .and_then(|state| state.code.as_ref());
    Forward {
        load_balancer_arn: balancer.load_balancer_arn.clone().unwrap_or_default(),
        load_balancer_name: balancer.load_balancer_name.clone().unwrap_or_default(),
        load_balancer_dns: balancer.dns_name.clone(),
        load_balancer_type: balancer
            .r#type
            .as_ref()
            .map(|kind| kind.as_str().to_owned()),
        load_balancer_state: state.map(|code| code.as_str().to_owned()),
        listener_arn: listener_arn.to_owned(),
        rule_arn: None,
        priority: "default".to_owned(),
        conditions: String::new(),
        target_group_arn: String::new(),
        target_group_name: String::new(),
        weight: 1,
        stickiness: false,
        health: None,
        divided: false,
    }
}

/// Whether an action forwards.
pub(super) fn forwarding(action: &Action) -> bool {
    action.forward_config.is_some()
        || action.target_group_arn.is_some()
        || action.r#type == Some(ActionTypeEnum::Forward)
}

/// The target groups of an action that forwards, with their weights; a single one without a weight has 1.
pub(super) fn weights(forward: &Action) -> Vec<(String, u32)> {
    let config = forward.forward_config.as_ref();
    let mut groups: Vec<(String, u32)> = config
        .map(aws_sdk_elasticloadbalancingv2::types::ForwardActionConfig::target_groups)
        .unwrap_or_default()
        .iter()
        .filter_map(|group| {
            let weight = group
                .weight
                .and_then(|weight| u32::try_from(weight).ok())
                .unwrap_or(1);
            Some((group.target_group_arn.clone()?, weight))
        })
        .collect();
    if groups.is_empty() {
        groups.extend(forward.target_group_arn.clone().map(|arn| (arn, 1)));
    }
    groups
}

/// One forward per target group of a list of actions; none when they redirect or answer themselves.
fn targets(actions: &[Action], template: &Forward) -> Vec<Forward> {
    let Some(forward) = actions.iter().find(|action| forwarding(action)) else {
        return Vec::new();
    };
    let config = forward.forward_config.as_ref();
    let stickiness = config
        .and_then(|config| config.target_group_stickiness_config.as_ref())
        .and_then(|stickiness| stickiness.enabled)
        .unwrap_or_default();
    let weights = weights(forward);
    let divided = weights.len() > 1;
    weights
        .into_iter()
        .map(|(arn, weight)| Forward {
            target_group_name: name_of(&arn).to_owned(),
            target_group_arn: arn,
            weight,
            stickiness,
            divided,
            ..template.clone()
        })
        .collect()
}

/// The name in the ARN of a target group, `…:targetgroup/NAME/ID`.
fn name_of(arn: &str) -> &str {
    let tail = arn_tail(arn, "targetgroup/");
    tail.split('/').next().unwrap_or(tail)
}

/// The conditions of a rule as one text: `host-header a.example.com, path-pattern /api/*`.
fn conditions(conditions: &[RuleCondition]) -> String {
    let text = |condition: &RuleCondition| {
        let values = |lists: [Option<&[String]>; 6]| {
            lists
                .into_iter()
                .flatten()
                .chain([condition.values(), condition.regex_values()])
                .find(|list| !list.is_empty())
                .unwrap_or_default()
                .join(" ")
        };
        let header = condition.http_header_config.as_ref();
        let query = condition.query_string_config.as_ref().map(|config| {
            let pairs = config.values().iter();
            let pair = |key: Option<&str>, value: Option<&str>| {
                format!("{}={}", key.unwrap_or("*"), value.unwrap_or_default())
            };
            pairs
                .map(|at| pair(at.key.as_deref(), at.value.as_deref()))
                .collect::<Vec<String>>()
        });
        let values = values([
            condition
                .host_header_config
                .as_ref()
                .map(aws_sdk_elasticloadbalancingv2::types::HostHeaderConditionConfig::values),
            condition
                .path_pattern_config
                .as_ref()
                .map(aws_sdk_elasticloadbalancingv2::types::PathPatternConditionConfig::values),
            header.map(aws_sdk_elasticloadbalancingv2::types::HttpHeaderConditionConfig::values),
            query.as_deref(),
            condition.http_request_method_config.as_ref().map(
                aws_sdk_elasticloadbalancingv2::types::HttpRequestMethodConditionConfig::values,
            ),
            condition
                .source_ip_config
                .as_ref()
                .map(aws_sdk_elasticloadbalancingv2::types::SourceIpConditionConfig::values),
        ]);
        let field = condition.field.as_deref().unwrap_or("condition");
        match header.and_then(|config| config.http_header_name.as_deref()) {
            Some(header) => format!("{field} {header}: {values}"),
            None => format!("{field} {values}"),
        }
    };
    conditions
        .iter()
        .map(text)
        .collect::<Vec<String>>()
        .join(", ")
}

fn row(forward: Forward) -> Split {
    let split = forward.rule_arn.as_ref().unwrap_or(&forward.listener_arn);
    Split {
        split: split.clone(),
        member: forward.target_group_name.clone(),
        by: Mechanism::Forward(forward),
    }
}

#[cfg(test)]
mod tests {
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
        let unknown = |row: &&Split| matches!(&row.by, Mechanism::Forward(forward) if forward.health.is_none());
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
}
