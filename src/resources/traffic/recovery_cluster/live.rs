//! Reads routing controls at one data-plane endpoint of the recovery cluster. Its address comes from the configuration: `DescribeCluster` is control plane.

use aws_config::Region;
use aws_sdk_route53recoverycluster::{
    Client, config::Builder, types::RoutingControl as SdkControl,
};

use super::RoutingControl;
use crate::{
    provider::{ask::Ask, paging::all_pages},
    resources::{
        Api, Place, ProviderError,
        traffic::{Mechanism, Split},
    },
};

const OPERATION: &str = "route53-recovery-cluster:ListRoutingControls";

/// Every routing control, as this endpoint sees it.
pub async fn observe(ask: &Ask<'_>) -> Result<Vec<Split>, ProviderError> {
    list(ask, &client(ask)).await
}

/// The same through the client of any endpoint.
pub(super) async fn list(ask: &Ask<'_>, client: &Client) -> Result<Vec<Split>, ProviderError> {
    let controls = all_pages(OPERATION, |token| async move {
        let call = client
            .list_routing_controls()
            .set_next_token(token)
            .max_results(1_000);
        let page = ask
            .call(Api::RecoveryCluster, OPERATION, call.send())
            .await?;
        Ok((page.routing_controls, page.next_token))
    })
    .await?;
    let mut rows: Vec<Split> = controls.into_iter().map(row).collect();
    // The API gives no order; endpoints must not differ by it.
    rows.sort_by(|a, b| (&a.split, &a.member).cmp(&(&b.split, &b.member)));
    Ok(rows)
}

/// A client for the endpoint of this poll, signed with its Region; a configured address beats any general endpoint override.
fn client(ask: &Ask<'_>) -> Client {
    let endpoint = match ask.place {
        Place::Endpoint(region) => ask
            .estate
            .recovery_endpoints
            .iter()
            .find(|endpoint| endpoint.region == *region),
        Place::Region(_) | Place::Global => None,
    };
    let mut config = Builder::from(&ask.config);
    if let Some(endpoint) = endpoint {
        config = config
            .endpoint_url(&endpoint.url)
            .region(Region::new(endpoint.region.clone()));
    }
    Client::from_conf(config.build())
}

fn row(control: SdkControl) -> Split {
    let arn = control.routing_control_arn.unwrap_or_default();
    let name = control.routing_control_name.unwrap_or_else(|| arn.clone());
    let split = control
        .control_panel_arn
        .as_ref()
        .or(control.control_panel_name.as_ref());
    Split {
        split: split.cloned().unwrap_or_default(),
        member: name.clone(),
        by: Mechanism::Control(RoutingControl {
            on: control
                .routing_control_state
                .and_then(|state| match state.as_str() {
                    "On" => Some(true),
                    "Off" => Some(false),
                    _ => None,
                }),
            arn,
            name,
            panel_arn: control.control_panel_arn,
            panel_name: control.control_panel_name,
        }),
    }
}
