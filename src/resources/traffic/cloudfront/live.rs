//! Reads distributions and continuous-deployment policies: one list of each, and the configuration of distributions only where a policy has to be matched.

use aws_sdk_cloudfront::{
    Client,
    types::{ContinuousDeploymentPolicy, DistributionSummary},
};

use super::{ContinuousDeployment, Distribution, Origin};
use crate::{
    provider::ask::Ask,
    resources::{
        Api, ProviderError,
        traffic::{
            Mechanism, Split,
            live::{all_pages, part},
        },
    },
};

/// Every distribution, with its policy.
pub async fn observe(ask: &Ask<'_>) -> Result<Vec<Split>, ProviderError> {
    let client = Client::new(&ask.config);
    let listed = distributions(ask, &client).await?;
    let mut distributions: Vec<Distribution> = listed.into_iter().map(distribution).collect();
    // A policy needs a staging distribution: without one there is nothing to list.
    if distributions
        .iter()
        .any(|distribution| distribution.staging)
    {
        let policies = part(ask, policies(ask, &client).await)?.unwrap_or_default();
        attach(ask, &client, &mut distributions, policies).await?;
    }
    Ok(rows(distributions))
}

async fn distributions(
    ask: &Ask<'_>,
    client: &Client,
) -> Result<Vec<DistributionSummary>, ProviderError> {
    const OPERATION: &str = "cloudfront:ListDistributions";
    all_pages(OPERATION, async |marker| {
        let call = client
            .list_distributions()
            .set_marker(marker)
            .max_items(100);
        let page = ask.call(Api::CloudFront, OPERATION, call.send()).await?;
        Ok(page.distribution_list.map_or((Vec::new(), None), |list| {
            let next = list.next_marker.filter(|_| list.is_truncated);
            (list.items.unwrap_or_default(), next)
        }))
    })
    .await
}

async fn policies(
    ask: &Ask<'_>,
    client: &Client,
) -> Result<Vec<ContinuousDeployment>, ProviderError> {
    const OPERATION: &str = "cloudfront:ListContinuousDeploymentPolicies";
    let policies = all_pages(OPERATION, async |marker| {
        let call = client
            .list_continuous_deployment_policies()
            .set_marker(marker)
            .max_items(100);
        let page = ask.call(Api::CloudFront, OPERATION, call.send()).await?;
        let list = page.continuous_deployment_policy_list;
        Ok(list.map_or((Vec::new(), None), |list| {
            (list.items.unwrap_or_default(), list.next_marker)
        }))
    })
    .await?;
    Ok(policies
        .into_iter()
        .filter_map(|summary| summary.continuous_deployment_policy)
        .map(policy)
        .collect())
}

/// Gives each policy to its distribution. The list of distributions does not name it, so their configurations are read until every policy has found its own.
async fn attach(
    ask: &Ask<'_>,
    client: &Client,
    distributions: &mut [Distribution],
    mut policies: Vec<ContinuousDeployment>,
) -> Result<(), ProviderError> {
    const OPERATION: &str = "cloudfront:GetDistributionConfig";
    for distribution in distributions
        .iter_mut()
        .filter(|distribution| !distribution.staging)
    {
        if policies.is_empty() {
            break;
        }
        let call = client.get_distribution_config().id(&distribution.id);
        let Some(answer) = part(ask, ask.call(Api::CloudFront, OPERATION, call.send()).await)?
        else {
            continue;
        };
        let id = answer
            .distribution_config
            .and_then(|config| config.continuous_deployment_policy_id);
        if let Some(index) = policies
            .iter()
            .position(|policy| Some(&policy.id) == id.as_ref())
        {
            distribution.policy = Some(policies.swap_remove(index));
        }
    }
    Ok(())
}

/// A staging distribution is a member of the split of its primary one.
fn rows(distributions: Vec<Distribution>) -> Vec<Split> {
    let primary_of = |staging: &Distribution| {
        distributions
            .iter()
            .find(|primary| {
                let policy = primary.policy.as_ref();
                policy.is_some_and(|policy| policy.staging_domains.contains(&staging.domain))
            })
            .map(|primary| primary.id.clone())
    };
    let splits: Vec<(String, &str)> = distributions
        .iter()
        .map(|distribution| match primary_of(distribution) {
            Some(primary) => (primary, "staging"),
            None if distribution.staging => (distribution.id.clone(), "staging"),
            None => (distribution.id.clone(), "primary"),
        })
        .collect();
    splits
        .into_iter()
        .zip(distributions)
        .map(|((split, member), distribution)| Split {
            split,
            member: member.to_owned(),
            by: Mechanism::Distribution(distribution),
        })
        .collect()
}

fn distribution(summary: DistributionSummary) -> Distribution {
    let origins = summary
        .origins
        .map(|origins| origins.items)
        .unwrap_or_default();
    let groups = summary
        .origin_groups
        .and_then(|groups| groups.items)
        .unwrap_or_default();
    Distribution {
        id: summary.id,
        arn: summary.arn,
        domain: summary.domain_name,
        aliases: summary
            .aliases
            .and_then(|aliases| aliases.items)
            .unwrap_or_default(),
        status: summary.status,
        enabled: summary.enabled,
        staging: summary.staging,
        origins: origins
            .into_iter()
            .map(|origin| Origin {
                id: origin.id,
                domain: origin.domain_name,
            })
            .collect(),
        origin_groups: groups
            .into_iter()
            .filter_map(|group| group.members)
            .map(|members| {
                members
                    .items
                    .into_iter()
                    .map(|member| member.origin_id)
                    .collect()
            })
            .collect(),
        http_version: Some(summary.http_version.as_str().to_owned())
            .filter(|version| !version.is_empty()),
        policy: None,
    }
}

fn policy(policy: ContinuousDeploymentPolicy) -> ContinuousDeployment {
    let config = policy.continuous_deployment_policy_config;
    let traffic = config
        .as_ref()
        .and_then(|config| config.traffic_config.as_ref());
    let weight = traffic.and_then(|traffic| traffic.single_weight_config.as_ref());
    let header = traffic.and_then(|traffic| traffic.single_header_config.as_ref());
    ContinuousDeployment {
        id: policy.id,
        enabled: config.as_ref().is_some_and(|config| config.enabled),
        // The API gives a 32-bit float: 0.05 must not become 0.05000000074505806.
        weight: weight.map(|weight| (f64::from(weight.weight) * 1e6).round() / 1e6),
        header: header.map(|header| header.header.clone()),
        staging_domains: config
            .and_then(|config| config.staging_distribution_dns_names)
            .and_then(|names| names.items)
            .unwrap_or_default(),
    }
}
