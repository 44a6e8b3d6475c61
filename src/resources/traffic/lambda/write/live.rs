//! Writes the share of the second version behind an alias, and nothing else of the alias. The token of the plan makes it compare-and-set;
//! without one the alias is read first and its own token used.

use std::collections::HashMap;

use aws_sdk_lambda::{Client, types::AliasRoutingConfiguration};

use super::Shift;
use crate::{
    provider::write::Write,
    resources::{
        Api,
        change::{ApplyError, Receipt},
    },
};

const OPERATION: &str = "lambda:UpdateAlias";

/// Gives the second version its new share; none takes it away.
pub async fn apply(write: &Write<'_>, shift: Shift<'_>) -> Result<Receipt, ApplyError> {
    if let Some(why) = shift.unsendable() {
        return Err(Write::refused(OPERATION, why));
    }
    let token = match shift.revision_id {
        Some(token) => token.to_owned(),
        None => compare(write, shift).await?,
    };
    // Polls look at a function without a split only now and then: from now on this one is of interest.
    write.ask.memory.functions.learn(shift.function, true);
    let mut weights = HashMap::new();
    if shift.to > 0.0 {
        weights.insert(shift.canary.to_owned(), shift.to);
    }
    // An empty map takes the split away; leaving it out would keep it. The version of the alias is left out, so it stays.
    let routing = AliasRoutingConfiguration::builder()
        .set_additional_version_weights(Some(weights))
        .build();
    let call = Client::new(&write.config())
        .update_alias()
        .function_name(shift.function)
        .name(shift.alias)
        .routing_config(routing)
        .revision_id(token)
        .send();
    write.send(Api::Lambda, OPERATION, call, |_| None).await
}

/// The token of the alias as it is now, if it is as the change expects it.
async fn compare(write: &Write<'_>, shift: Shift<'_>) -> Result<String, ApplyError> {
    const READ: &str = "lambda:GetAlias";
    let call = Client::new(&write.ask.config)
        .get_alias()
        .function_name(shift.function)
        .name(shift.alias);
    let alias = write.ask.call(Api::Lambda, READ, call.send()).await;
    let alias = alias.map_err(Write::unsent)?;
    let weights = alias
        .routing_config
        .and_then(|routing| routing.additional_version_weights)
        .unwrap_or_default();
    if let Some(found) = shift.drift(alias.function_version.as_deref(), &weights) {
        return Err(ApplyError::drifted(OPERATION, found));
    }
    alias
        .revision_id
        .ok_or_else(|| Write::refused(OPERATION, "the alias was read without its revision"))
}

#[cfg(test)]
mod tests;
