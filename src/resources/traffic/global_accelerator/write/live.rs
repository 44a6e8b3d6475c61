//! Turns a traffic dial. The API has no compare-and-set: the group is read immediately before the write.

use aws_sdk_globalaccelerator::Client;

use super::drift;
use crate::{
    provider::{ask::Ask, write::Write},
    resources::{
        Api, ErrorClass, ProviderError,
        change::{ApplyError, Receipt},
        traffic::global_accelerator::live::{HOME, dial_of},
    },
};

const OPERATION: &str = "globalaccelerator:UpdateEndpointGroup";
const API: Api = Api::GlobalAccelerator;

/// Gives an endpoint group its new dial, if it has the one that is expected.
pub async fn apply(
    write: &Write<'_>,
    accelerator: &str,
    group: &str,
    from: f64,
    to: f64,
) -> Result<Receipt, ApplyError> {
    if !(0.0..=100.0).contains(&to) {
        return Err(Write::refused(OPERATION, format!("{to} % is no dial")));
    }
    let (dial, status) = read(&write.ask, accelerator, group)
        .await
        .map_err(Write::unsent)?;
    if let Some(found) = drift(dial, status.as_deref(), from) {
        return Err(ApplyError::drifted(OPERATION, found));
    }
    let client = Client::new(&write.config_in(HOME));
    // Nothing but the dial: endpoints that are sent replace the list of endpoints.
    let call = client
        .update_endpoint_group()
        .endpoint_group_arn(group)
        .traffic_dial_percentage(to as f32)
        .send();
    write.send(API, OPERATION, call, |_| None).await
}

/// The dial of a group and the status of its accelerator.
async fn read(
    ask: &Ask<'_>,
    accelerator: &str,
    group: &str,
) -> Result<(f64, Option<String>), ProviderError> {
    const GROUP: &str = "globalaccelerator:DescribeEndpointGroup";
    const ACCELERATOR: &str = "globalaccelerator:DescribeAccelerator";
    let client = Client::new(&ask.config_in(HOME));
    let of_group = client.describe_endpoint_group().endpoint_group_arn(group);
    let of_accelerator = client.describe_accelerator().accelerator_arn(accelerator);
    let (of_group, of_accelerator) = futures::try_join!(
        ask.call(API, GROUP, of_group.send()),
        ask.call(API, ACCELERATOR, of_accelerator.send())
    )?;
    let missing = || ProviderError::new(ErrorClass::NotFound, GROUP, "an answer without the group");
    let group = of_group.endpoint_group.ok_or_else(missing)?;
    let status = of_accelerator
        .accelerator
        .and_then(|accelerator| accelerator.status)
        .map(|status| status.as_str().to_owned());
    Ok((dial_of(group.traffic_dial_percentage), status))
}

#[cfg(test)]
mod tests;
