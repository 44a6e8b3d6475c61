//! The services that know several regions at once: identity, Route 53, Global Accelerator, CloudFront. Owns their calls; each fails alone.

use aws_config::SdkConfig;

use super::{
    Discovery, GLOBAL,
    notes::{MOST, Notes, call, name_of_arn},
    records,
};
use crate::{
    config::{findings::Part, syntax::aws_regions_in},
    resources::ProviderError,
};

/// Where Global Accelerator lives.
const ACCELERATORS: &str = "us-west-2";
const PLACE: &str = "global";

/// Who we are.
pub(super) async fn identity(config: &SdkConfig) -> Notes {
    Notes::of(PLACE, async |notes| {
        let client = aws_sdk_sts::Client::new(config);
        let identity = call("sts:GetCallerIdentity", client.get_caller_identity().send()).await?;
        notes.account = identity.account;
        notes.identity = identity.arn;
        Ok(())
    })
    .await
}

/// Everything that the global services tell.
pub(super) async fn everything(discovery: &Discovery<'_>) -> Notes {
    let (here, west) = ((discovery.config)(GLOBAL), (discovery.config)(ACCELERATORS));
    let (a, b, c) = tokio::join!(
        Notes::of(PLACE, async |notes| records::records(
            &here,
            discovery.progress,
            notes
        )
        .await),
        Notes::of(PLACE, async |notes| accelerators(&west, notes).await),
        Notes::of(PLACE, async |notes| distributions(&here, notes).await),
    );
    a.and(b).and(c)
}

/// The regions of every endpoint group.
async fn accelerators(config: &SdkConfig, notes: &mut Notes) -> Result<(), ProviderError> {
    let client = aws_sdk_globalaccelerator::Client::new(config);
    let mut accelerators = client.list_accelerators().into_paginator().items().send();
    for _ in 0..MOST {
        let next = async { accelerators.next().await.transpose() };
        let Some(accelerator) = call("globalaccelerator:ListAccelerators", next).await? else {
            return Ok(());
        };
        let name = accelerator.name().unwrap_or("without a name").to_owned();
        let Some(arn) = accelerator.accelerator_arn else {
            continue;
        };
        let mut listeners = client
            .list_listeners()
            .accelerator_arn(arn)
            .into_paginator()
            .items()
            .send();
        for _ in 0..MOST {
            let next = async { listeners.next().await.transpose() };
            let Some(listener) = call("globalaccelerator:ListListeners", next).await? else {
                break;
            };
            if let Some(arn) = listener.listener_arn() {
                endpoint_groups(&client, arn, &name, notes).await?;
            }
        }
    }
    Ok(())
}

async fn endpoint_groups(
    client: &aws_sdk_globalaccelerator::Client,
    listener: &str,
    accelerator: &str,
    notes: &mut Notes,
) -> Result<(), ProviderError> {
    let list = client.list_endpoint_groups().listener_arn(listener);
    let mut groups = list.into_paginator().items().send();
    for _ in 0..MOST {
        let next = async { groups.next().await.transpose() };
        let Some(group) = call("globalaccelerator:ListEndpointGroups", next).await? else {
            break;
        };
        if let Some(region) = group.endpoint_group_region() {
            notes.fact(
                region,
                Part::Serves,
                format!("endpoint group of accelerator {accelerator}"),
            );
        }
    }
    Ok(())
}

/// The regions of origins. A bucket alone makes no region of the fleet, but tells where to look.
async fn distributions(config: &SdkConfig, notes: &mut Notes) -> Result<(), ProviderError> {
    let client = aws_sdk_cloudfront::Client::new(config);
    let mut pages = client.list_distributions().into_paginator().send();
    for _ in 0..MOST / 100 {
        let next = async { pages.next().await.transpose() };
        let Some(page) = call("cloudfront:ListDistributions", next).await? else {
            break;
        };
        let list = page
            .distribution_list
            .and_then(|list| list.items)
            .unwrap_or_default();
        for distribution in &list {
            let origins = distribution
                .origins()
                .map(aws_sdk_cloudfront::types::Origins::items);
            for origin in origins.unwrap_or_default() {
                let host = origin.domain_name().to_lowercase();
                let bucket = host
                    .split('.')
                    .any(|part| part == "s3" || part.starts_with("s3-"));
                for region in aws_regions_in(&host) {
                    if !bucket {
                        let what =
                            format!("origin of distribution {}", name_of_arn(distribution.id()));
                        notes.fact(&region, Part::Serves, what);
                    }
                    notes.candidates.push(region);
                }
            }
        }
    }
    Ok(())
}
