//! Reads distributions and continuous-deployment policies: one list of each, and the configuration of distributions only where a policy has to be matched.

use aws_sdk_cloudfront::{
    Client,
    types::{
        ContinuousDeploymentPolicy, DistributionConfig, DistributionSummary, OriginGroups, Origins,
    },
};

use tokio::time::Instant;

use super::{
    ContinuousDeployment, Distribution, Origin, invalidations::live as invalidations,
    parse_reference,
};
use crate::{
    provider::{ask::Ask, paging::all_pages},
    resources::{
        Api, ProviderError,
        traffic::{Mechanism, Split, live::part},
    },
};

/// A distribution while it is being read.
struct Found {
    distribution: Distribution,
    /// Its configuration, once read.
    config: Option<DistributionConfig>,
}

/// Every distribution, with its policy and its newest invalidations, and whether the invalidation that `wanted` names has ended.
pub async fn observe(
    ask: &Ask<'_>,
    wanted: Option<&str>,
) -> Result<(Vec<Split>, Option<bool>), ProviderError> {
    let started = Instant::now();
    let client = Client::new(&ask.config);
    let mut found = Vec::new();
    for summary in distributions(ask, &client).await? {
        let mut distribution = distribution(summary);
        let mut config = None;
        // A distribution always has an origin; a list that leaves it out leaves out more, and what it leaves out must not be taken for "disabled".
        if distribution.origins.is_empty() {
            config = read_config(ask, &client, &distribution.id).await?;
            let Some(config) = &config else {
                continue;
            };
            complete(&mut distribution, config);
        }
        found.push(Found {
            distribution,
            config,
        });
    }
    // A policy needs a staging distribution: without one there is nothing to list.
    if found.iter().any(|found| found.distribution.staging) {
        let policies = part(ask, policies(ask, &client).await)?.unwrap_or_default();
        attach(ask, &client, &mut found, policies).await?;
    }
    let distributions = found.into_iter().map(|found| found.distribution);
    let mut distributions: Vec<Distribution> = distributions.collect();
    let wanted = wanted.and_then(parse_reference);
    let in_sync = invalidations::read(ask, &client, &mut distributions, wanted, started).await?;
    Ok((rows(distributions), in_sync))
}

async fn read_config(
    ask: &Ask<'_>,
    client: &Client,
    id: &str,
) -> Result<Option<DistributionConfig>, ProviderError> {
    const OPERATION: &str = "cloudfront:GetDistributionConfig";
    let call = client.get_distribution_config().id(id);
    let answer = part(ask, ask.call(Api::CloudFront, OPERATION, call.send()).await)?;
    Ok(answer.and_then(|answer| answer.distribution_config))
}

/// Takes over what the configuration of a distribution says.
fn complete(distribution: &mut Distribution, config: &DistributionConfig) {
    distribution.enabled = config.enabled;
    distribution.staging = config.staging.unwrap_or_default();
    let aliases = config.aliases.clone();
    distribution.aliases = aliases
        .and_then(|aliases| aliases.items)
        .unwrap_or_default();
    distribution.origins = origins(config.origins.clone());
    distribution.origin_groups = origin_groups(config.origin_groups.clone());
    distribution.http_version = config
        .http_version
        .as_ref()
        .map(|version| version.as_str().to_owned());
}

async fn distributions(
    ask: &Ask<'_>,
    client: &Client,
) -> Result<Vec<DistributionSummary>, ProviderError> {
    const OPERATION: &str = "cloudfront:ListDistributions";
    all_pages(OPERATION, |marker| async move {
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
    let policies = all_pages(OPERATION, |marker| async move {
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
    found: &mut [Found],
    mut policies: Vec<ContinuousDeployment>,
) -> Result<(), ProviderError> {
    for found in found.iter_mut().filter(|found| !found.distribution.staging) {
        if policies.is_empty() {
            break;
        }
        if found.config.is_none() {
            found.config = read_config(ask, client, &found.distribution.id).await?;
        }
        let config = found.config.as_ref();
        let id = config.and_then(|config| config.continuous_deployment_policy_id.as_ref());
        let own = policies.iter().position(|policy| Some(&policy.id) == id);
        found.distribution.policy = own.map(|index| policies.swap_remove(index));
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
    let version = summary.http_version.as_str();
    Distribution {
        http_version: (!version.is_empty()).then(|| version.to_owned()),
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
        origins: origins(summary.origins),
        origin_groups: origin_groups(summary.origin_groups),
        policy: None,
        invalidations: None,
    }
}

fn origins(origins: Option<Origins>) -> Vec<Origin> {
    let origins = origins.map(|origins| origins.items).unwrap_or_default();
    origins
        .into_iter()
        .map(|origin| Origin {
            id: origin.id,
            domain: origin.domain_name,
        })
        .collect()
}

/// The origin ids of each group, the primary one first.
fn origin_groups(groups: Option<OriginGroups>) -> Vec<Vec<String>> {
    let groups = groups.and_then(|groups| groups.items).unwrap_or_default();
    let members = groups.into_iter().filter_map(|group| group.members);
    members
        .map(|members| {
            let ids = members.items.into_iter().map(|member| member.origin_id);
            ids.collect()
        })
        .collect()
}

/// A share as it was set. The API gives a 32-bit float: 0.05 must not become 0.05000000074505806.
pub(super) fn share_of(weight: f32) -> f64 {
    (f64::from(weight) * 1e6).round() / 1e6
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
        weight: weight.map(|weight| share_of(weight.weight)),
        header: header.map(|header| header.header.clone()),
        staging_domains: config
            .and_then(|config| config.staging_distribution_dns_names)
            .and_then(|names| names.items)
            .unwrap_or_default(),
    }
}
