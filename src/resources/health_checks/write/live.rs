//! Inverts a health check, and writes nothing else of it. Its version makes it compare-and-set; without one the check is read first.

use aws_sdk_route53::Client;

use super::drift;
use crate::{
    provider::write::Write,
    resources::{
        Api, ErrorClass, ProviderError,
        change::{ApplyError, Receipt},
    },
};

const OPERATION: &str = "route53:UpdateHealthCheck";

/// Turns the result of a check round, or back.
pub async fn apply(
    write: &Write<'_>,
    id: &str,
    from: bool,
    to: bool,
    version: Option<i64>,
) -> Result<Receipt, ApplyError> {
    let version = match version {
        Some(version) => version,
        None => compare(write, id, from).await?,
    };
    let call = Client::new(&write.config())
        .update_health_check()
        .health_check_id(id)
        .health_check_version(version)
        .inverted(to)
        .send();
    write.send(Api::Route53, OPERATION, call, |_| None).await
}

/// The version of the check as it is now, if it is as the change expects it.
async fn compare(write: &Write<'_>, id: &str, from: bool) -> Result<i64, ApplyError> {
    const READ: &str = "route53:GetHealthCheck";
    let client = Client::new(&write.ask.config);
    let call = client.get_health_check().health_check_id(id).send();
    let answer = write.ask.call(Api::Route53, READ, call).await;
    let missing = || ProviderError::new(ErrorClass::NotFound, READ, "an answer without the check");
    let check = answer
        .and_then(|answer| answer.health_check.ok_or_else(missing))
        .map_err(Write::unsent)?;
    let inverted = check
        .health_check_config
        .and_then(|config| config.inverted)
        .unwrap_or_default();
    match drift(inverted, from) {
        Some(found) => Err(ApplyError::drifted(OPERATION, found)),
        None => Ok(check.health_check_version),
    }
}

#[cfg(test)]
mod tests;
