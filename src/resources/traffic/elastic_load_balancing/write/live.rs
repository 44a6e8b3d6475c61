//! Writes the weights of a forward action. The API replaces the whole list of actions and has no compare-and-set: the list is read immediately before,
//! and goes back complete, with its order, its authentication and its stickiness. Must never leave out an action that this version does not know.

use aws_sdk_elasticloadbalancingv2::{
    Client,
    types::{Action, ActionTypeEnum, ForwardActionConfig, TargetGroupTuple},
};

use super::{drift, unsendable};
use crate::{
    provider::{ask::Ask, write::Write},
    resources::{
        Api, ErrorClass, ProviderError,
        change::{ApplyError, Receipt},
        traffic::{
            change::ForwardEdit,
            elastic_load_balancing::live::{forwarding, weights},
        },
    },
};

const API: Api = Api::ElasticLoadBalancing;
const RULE: &str = "elasticloadbalancing:ModifyRule";
const LISTENER: &str = "elasticloadbalancing:ModifyListener";

/// Gives target groups of a rule, or of the default action of a listener, their new weights.
pub async fn apply(
    write: &Write<'_>,
    listener: &str,
    rule: Option<&str>,
    edits: &[ForwardEdit],
) -> Result<Receipt, ApplyError> {
    let operation = if rule.is_some() { RULE } else { LISTENER };
    if let Some(why) = unsendable(edits) {
        return Err(Write::refused(operation, why));
    }
    let read = match rule {
        Some(rule) => of_rule(&write.ask, rule).await,
        None => of_listener(&write.ask, listener).await,
    };
    let mut actions = read.map_err(Write::unsent)?;
    edit(&mut actions, edits, operation)?;
    let client = Client::new(&write.config());
    match rule {
        Some(rule) => {
            let call = client
                .modify_rule()
                .rule_arn(rule)
                .set_actions(Some(actions))
                .send();
            write.send(API, RULE, call, |_| None).await
        }
        None => {
            let call = client
                .modify_listener()
                .listener_arn(listener)
                .set_default_actions(Some(actions))
                .send();
            write.send(API, LISTENER, call, |_| None).await
        }
    }
}

async fn of_rule(ask: &Ask<'_>, rule: &str) -> Result<Vec<Action>, ProviderError> {
    const OPERATION: &str = "elasticloadbalancing:DescribeRules";
    let call = Client::new(&ask.config).describe_rules().rule_arns(rule);
    let answer = ask.call(API, OPERATION, call.send()).await?;
    let found = answer
        .rules
        .unwrap_or_default()
        .into_iter()
        .find(|found| found.rule_arn.as_deref() == Some(rule));
    found
        .map(|found| found.actions.unwrap_or_default())
        .ok_or_else(|| gone(OPERATION, "the rule"))
}

async fn of_listener(ask: &Ask<'_>, listener: &str) -> Result<Vec<Action>, ProviderError> {
    const OPERATION: &str = "elasticloadbalancing:DescribeListeners";
    let client = Client::new(&ask.config);
    let call = client.describe_listeners().listener_arns(listener);
    let answer = ask.call(API, OPERATION, call.send()).await?;
    let found = answer
        .listeners
        .unwrap_or_default()
        .into_iter()
        .find(|found| found.listener_arn.as_deref() == Some(listener));
    found
        .map(|found| found.default_actions.unwrap_or_default())
        .ok_or_else(|| gone(OPERATION, "the listener"))
}

fn gone(operation: &str, what: &str) -> ProviderError {
    ProviderError::new(
        ErrorClass::NotFound,
        operation,
        format!("{what} is not there any more"),
    )
}

/// Changes the weights in a list of actions that was just read, and nothing else.
fn edit(
    actions: &mut [Action],
    edits: &[ForwardEdit],
    operation: &'static str,
) -> Result<(), ApplyError> {
    for action in actions.iter() {
        let known = |kind: &ActionTypeEnum| ActionTypeEnum::values().contains(&kind.as_str());
        if !action.r#type.as_ref().is_some_and(known) {
            let kind = action
                .r#type
                .as_ref()
                .map_or("no type", |kind| kind.as_str());
            return Err(Write::refused(
                operation,
                format!("an action of {kind} is not known to this version and would be lost"),
            ));
        }
    }
    // An action with a secret is read without it.
    for action in actions.iter_mut() {
        if let Some(oidc) = &mut action.authenticate_oidc_config {
            oidc.use_existing_client_secret = Some(true);
        }
    }
    let Some(forward) = actions.iter_mut().find(|action| forwarding(action)) else {
        return Err(ApplyError::drifted(
            operation,
            "it does not forward any more",
        ));
    };
    let groups = weights(forward);
    if let Some(found) = drift(edits, &groups) {
        return Err(ApplyError::drifted(operation, found));
    }
    let tuple = |(arn, weight): (String, u32)| {
        let edit = edits.iter().find(|edit| edit.target_group_arn == arn);
        let weight = edit.map_or(weight, |edit| edit.to);
        TargetGroupTuple::builder()
            .target_group_arn(arn)
            .weight(i32::try_from(weight).unwrap_or(i32::MAX))
            .build()
    };
    let groups = groups.into_iter().map(tuple).collect();
    let config = forward
        .forward_config
        .get_or_insert_with(|| ForwardActionConfig::builder().build());
    config.target_groups = Some(groups);
    Ok(())
}

#[cfg(test)]
mod tests;
