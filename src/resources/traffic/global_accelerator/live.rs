//! Reads accelerators, listeners and endpoint groups. The API lives in us-west-2, whatever Regions the endpoints are in.

use aws_sdk_globalaccelerator::{
    Client,
    types::{Accelerator, EndpointDescription, EndpointGroup as SdkGroup, Listener},
};
use futures::{StreamExt, TryStreamExt, stream};

use super::{Endpoint, EndpointGroup};
use crate::{
    provider::{ask::Ask, paging::all_pages},
    resources::{
        Api, ProviderError,
        traffic::{Mechanism, Split, live::part},
    },
};

/// Where the API lives.
pub(super) const HOME: &str = "us-west-2";
/// Lists read at once.
const AT_ONCE: usize = 4;

/// Every endpoint group of every accelerator.
pub async fn observe(ask: &Ask<'_>) -> Result<Vec<Split>, ProviderError> {
    let client = &Client::new(&ask.config_in(HOME));
    let accelerators = accelerators(ask, client).await?;
    let listeners: Vec<Vec<(Accelerator, String)>> = stream::iter(accelerators)
        .map(|accelerator| listeners_of(ask, client, accelerator))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let listeners: Vec<(Accelerator, String)> = listeners.into_iter().flatten().collect();
    let rows: Vec<Vec<Split>> = stream::iter(listeners)
        .map(|(accelerator, listener)| rows_of(ask, client, accelerator, listener))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(rows.into_iter().flatten().collect())
}

/// The listeners of an accelerator, each with it.
async fn listeners_of(
    ask: &Ask<'_>,
    client: &Client,
    accelerator: Accelerator,
) -> Result<Vec<(Accelerator, String)>, ProviderError> {
    let Some(arn) = &accelerator.accelerator_arn else {
        return Ok(Vec::new());
    };
    let listeners = part(ask, listeners(ask, client, arn).await)?.unwrap_or_default();
    Ok(listeners
        .into_iter()
        .filter_map(|listener| Some((accelerator.clone(), listener.listener_arn?)))
        .collect())
}

/// The endpoint groups of a listener as rows.
async fn rows_of(
    ask: &Ask<'_>,
    client: &Client,
    accelerator: Accelerator,
    listener: String,
) -> Result<Vec<Split>, ProviderError> {
    let groups = part(ask, groups(ask, client, &listener).await)?.unwrap_or_default();
    Ok(groups
        .into_iter()
        .map(|group| row(&accelerator, &listener, group))
        .collect())
}

async fn accelerators(ask: &Ask<'_>, client: &Client) -> Result<Vec<Accelerator>, ProviderError> {
    const OPERATION: &str = "globalaccelerator:ListAccelerators";
    all_pages(OPERATION, |token| async move {
        let call = client
            .list_accelerators()
            .set_next_token(token)
            .max_results(100);
        let page = ask
            .call(Api::GlobalAccelerator, OPERATION, call.send())
            .await?;
        Ok((page.accelerators.unwrap_or_default(), page.next_token))
    })
    .await
}

async fn listeners(
    ask: &Ask<'_>,
    client: &Client,
    accelerator: &str,
) -> Result<Vec<Listener>, ProviderError> {
    const OPERATION: &str = "globalaccelerator:ListListeners";
    all_pages(OPERATION, |token| async move {
        let call = client
            .list_listeners()
            .accelerator_arn(accelerator)
            .set_next_token(token)
            .max_results(100);
        let page = ask
            .call(Api::GlobalAccelerator, OPERATION, call.send())
            .await?;
        Ok((page.listeners.unwrap_or_default(), page.next_token))
    })
    .await
}

async fn groups(
    ask: &Ask<'_>,
    client: &Client,
    listener: &str,
) -> Result<Vec<SdkGroup>, ProviderError> {
    const OPERATION: &str = "globalaccelerator:ListEndpointGroups";
    all_pages(OPERATION, |token| async move {
        let call = client
            .list_endpoint_groups()
            .listener_arn(listener)
            .set_next_token(token)
            .max_results(100);
        let page = ask
            .call(Api::GlobalAccelerator, OPERATION, call.send())
            .await?;
        Ok((page.endpoint_groups.unwrap_or_default(), page.next_token))
    })
    .await
}

/// The dial as it was set. The API gives a 32-bit float: 66.6 must not become 66.5999984741211.
pub(super) fn dial_of(percent: Option<f32>) -> f64 {
    percent.map_or(100.0, |percent| {
        (f64::from(percent) * 10_000.0).round() / 10_000.0
    })
}

fn row(accelerator: &Accelerator, listener: &str, group: SdkGroup) -> Split {
    let accelerator_arn = accelerator.accelerator_arn.clone().unwrap_or_default();
    let region = group.endpoint_group_region.unwrap_or_default();
    let endpoint = |endpoint: EndpointDescription| Endpoint {
        id: endpoint.endpoint_id.unwrap_or_default(),
        weight: endpoint.weight,
        health: endpoint.health_state.map(|state| state.as_str().to_owned()),
    };
    Split {
        split: listener.to_owned(),
        member: region.clone(),
        by: Mechanism::Dial(EndpointGroup {
            accelerator_name: accelerator
                .name
                .clone()
                .unwrap_or_else(|| accelerator_arn.clone()),
            accelerator_arn,
            accelerator_status: accelerator
                .status
                .as_ref()
                .map(|status| status.as_str().to_owned()),
            // This and the dial are left out of an answer only when they have their default.
            accelerator_enabled: accelerator.enabled.unwrap_or(true),
            dial: dial_of(group.traffic_dial_percentage),
            listener_arn: listener.to_owned(),
            group_arn: group.endpoint_group_arn.unwrap_or_default(),
            region,
            endpoints: group
                .endpoint_descriptions
                .unwrap_or_default()
                .into_iter()
                .map(endpoint)
                .collect(),
        }),
    }
}
