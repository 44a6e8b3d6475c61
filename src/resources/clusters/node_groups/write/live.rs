//! `UpdateNodegroupConfig`: the bounds of a node group, read once more before they are sent. EKS has no compare-and-set; must never send on anything but what the change expects.

use aws_sdk_eks::{Client, types::NodegroupScalingConfig};

use super::super::{Update, live::describe};
use crate::{
    provider::write::Write,
    resources::{
        Api,
        change::{Alter, ApplyError, Receipt},
        clusters::{Bounds, Change},
    },
};

/// Reads once more and sends one change.
pub async fn apply(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    let Change::Scale {
        cluster,
        node_group,
        to,
        ..
    } = change;
    let operation = change.operation();
    let reads = Client::new(&write.ask.config);
    let seen = describe(&write.ask, &reads, cluster, node_group).await;
    let seen = seen.map_err(Write::unsent)?;
    change.of_node_group(&seen).before_or_drifted(operation)?;
    let scaling = NodegroupScalingConfig::builder()
        .min_size(to.min)
        .max_size(to.max)
        .set_desired_size(moved(seen.desired, *to));
    let call = Client::new(&write.config())
        .update_nodegroup_config()
        .cluster_name(cluster)
        .nodegroup_name(node_group)
        .scaling_config(scaling.build())
        .client_request_token(write.idempotency());
    let sent = write.send(Api::Eks, operation, call.send(), |answer| {
        let update = Update {
            cluster: cluster.clone(),
            node_group: node_group.clone(),
            id: answer.update()?.id()?.to_owned(),
        };
        Some(update.to_string())
    });
    sent.await
}

/// The wanted size belongs to the autoscaler (domain B.5) and is left out where it lies within the bounds. Where it does not EKS refuses them
/// ("Minimum capacity can't be greater than desired size", and the same of the maximum), so the nearest bound goes along.
fn moved(desired: Option<i32>, to: Bounds) -> Option<i32> {
    let desired = desired?;
    let within = desired.max(to.min).min(to.max);
    (within != desired).then_some(within)
}

#[cfg(test)]
mod tests;
