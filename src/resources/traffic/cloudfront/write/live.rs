//! Invalidates paths, and writes the share of a staging distribution: reads the policy with its ETag, changes the weight and sends all of it back, if nobody was faster.

use aws_sdk_cloudfront::{
    Client,
    error::BuildError,
    operation::create_invalidation::CreateInvalidationOutput,
    types::{ContinuousDeploymentPolicyConfig, InvalidationBatch, Paths},
};

use super::{drift, unsendable};
use crate::{
    provider::{ask::Ask, write::Write},
    resources::{
        Api, ErrorClass, ProviderError,
        change::{ApplyError, Receipt},
        traffic::cloudfront::live::share_of,
    },
};

const OPERATION: &str = "cloudfront:UpdateContinuousDeploymentPolicy";
const INVALIDATE: &str = "cloudfront:CreateInvalidation";
const API: Api = Api::CloudFront;

/// Gives the staging distribution of a policy its new share.
pub async fn apply(
    write: &Write<'_>,
    policy: &str,
    from: f64,
    to: f64,
) -> Result<Receipt, ApplyError> {
    if let Some(why) = unsendable(to) {
        return Err(Write::refused(OPERATION, why));
    }
    let (mut config, tag) = read(&write.ask, policy).await.map_err(Write::unsent)?;
    let traffic = config.traffic_config.as_mut();
    let single = traffic.and_then(|traffic| traffic.single_weight_config.as_mut());
    let weight = single.as_ref().map(|single| share_of(single.weight));
    if let Some(found) = drift(weight, from) {
        return Err(ApplyError::drifted(OPERATION, found));
    }
    if let Some(single) = single {
        single.weight = to as f32;
    }
    let call = Client::new(&write.config())
        .update_continuous_deployment_policy()
        .id(policy)
        .if_match(tag)
        .continuous_deployment_policy_config(config)
        .send();
    write.send(API, OPERATION, call, |_| None).await
}

/// A policy and its ETag.
async fn read(
    ask: &Ask<'_>,
    policy: &str,
) -> Result<(ContinuousDeploymentPolicyConfig, String), ProviderError> {
    const READ: &str = "cloudfront:GetContinuousDeploymentPolicyConfig";
    let client = Client::new(&ask.config);
    let call = client.get_continuous_deployment_policy_config().id(policy);
    let answer = ask.call(API, READ, call.send()).await?;
    answer
        .continuous_deployment_policy_config
        .zip(answer.e_tag)
        .ok_or_else(|| {
            let text = "an answer without the policy or its ETag";
            ProviderError::new(ErrorClass::Terminal, READ, text)
        })
}

/// Sends an invalidation. CloudFront compares nothing; it does the same reference with the same paths only once.
pub async fn invalidate(
    write: &Write<'_>,
    distribution: &str,
    paths: &[String],
    reference: &str,
) -> Result<Receipt, ApplyError> {
    let unsendable = |error: BuildError| Write::refused(INVALIDATE, error.to_string());
    let quantity = i32::try_from(paths.len()).unwrap_or(i32::MAX);
    let list = Paths::builder()
        .quantity(quantity)
        .set_items(Some(paths.to_vec()))
        .build()
        .map_err(unsendable)?;
    let batch = InvalidationBatch::builder()
        .paths(list)
        .caller_reference(reference)
        .build()
        .map_err(unsendable)?;
    let call = Client::new(&write.config())
        .create_invalidation()
        .distribution_id(distribution)
        .invalidation_batch(batch)
        .send();
    let name = |answer: &CreateInvalidationOutput| {
        let id = &answer.invalidation()?.id;
        Some(format!("{distribution}/{id}"))
    };
    write.send(API, INVALIDATE, call, name).await
}

#[cfg(test)]
mod tests;
