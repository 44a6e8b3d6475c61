//! EKS `ListNodegroups`, `DescribeNodegroup` and `DescribeUpdate`. Owns their translation; must never fail the poll of the clusters.
//!
//! Cost: per poll one list per cluster and 100 groups, and one description per group, eight at once and within the budget of the API; none is billed.
//! A group whose description is missing is a row without size and status, so that nothing is concluded from it; what there is no time for comes first in the next poll.

use aws_sdk_eks::{
    Client,
    types::{ErrorCode, ErrorDetail, Issue, Nodegroup, NodegroupStatus, UpdateStatus},
};
use futures::{StreamExt, stream};
use tokio::time::Instant;

use super::{
    super::{Bounds, Cluster, NodeGroup},
    Update,
};
use crate::{
    provider::{ask::Ask, memory::READING, paging::all_pages},
    resources::{Api, ErrorClass, ProviderError},
};

const LIST: &str = "eks:ListNodegroups";
const DESCRIBE: &str = "eks:DescribeNodegroup";
const DESCRIBE_UPDATE: &str = "eks:DescribeUpdate";
/// Calls under way at once.
const PARALLEL: usize = 8;

/// Reads the node groups of these clusters, the one that `wanted` changes first. What cannot be read is a problem of the answer.
pub async fn read(
    ask: &Ask<'_>,
    client: &Client,
    clusters: &[String],
    wanted: Option<&Update>,
    started: Instant,
) -> Vec<Cluster> {
    let groups = in_turn(ask, list(ask, client, clusters).await, wanted);
    let total = groups.len();
    let reads = groups.into_iter().map(|(cluster, name)| async move {
        if started.elapsed() > READING {
            let text = "no time for it; it comes in turn";
            let late = ProviderError::new(ErrorClass::Timeout, DESCRIBE, text);
            return (unread(&cluster, &name), Some(late));
        }
        match describe(ask, client, &cluster, &name).await {
            Ok(group) => {
                ask.memory.node_groups.learn(&key(&cluster, &name), ());
                (group, None)
            }
            Err(error) => (unread(&cluster, &name), Some(error)),
        }
    });
    let reads: Vec<_> = reads.collect();
    let mut read: Vec<_> = stream::iter(reads).buffered(PARALLEL).collect().await;
    // It was deleted since it was listed.
    read.retain(|(_, error)| !matches!(error, Some(error) if error.class == ErrorClass::NotFound));
    let errors = read.iter_mut().filter_map(|(_, error)| error.take());
    note(ask, errors.collect(), total, "node groups");
    let mut rows: Vec<_> = read.into_iter().map(|(group, _)| group).collect();
    rows.sort_by(|a, b| (&a.cluster, &a.name).cmp(&(&b.cluster, &b.name)));
    rows.into_iter().map(Cluster::NodeGroup).collect()
}

/// Whether an update has ended well; `None` where EKS does not tell. Why one has not is a problem of the answer.
pub async fn in_sync(ask: &Ask<'_>, client: &Client, update: &Update) -> Option<bool> {
    let call = client
        .describe_update()
        .name(&update.cluster)
        .nodegroup_name(&update.node_group)
        .update_id(&update.id);
    let answer = ask.call(Api::Eks, DESCRIBE_UPDATE, call.send()).await;
    let seen = match answer {
        Ok(answer) => answer.update?,
        Err(error) => {
            ask.problem(error);
            return None;
        }
    };
    match seen.status.as_ref()? {
        UpdateStatus::Successful => Some(true),
        UpdateStatus::InProgress => Some(false),
        status @ (UpdateStatus::Failed | UpdateStatus::Cancelled) => {
            let why: Vec<String> = seen.errors().iter().map(detail).collect();
            let text = format!("{update} is {}: {}", status.as_str(), why.join("; "));
            let text = text.trim_end_matches(": ");
            ask.problem(ProviderError::new(
                ErrorClass::Terminal,
                DESCRIBE_UPDATE,
                text,
            ));
            Some(false)
        }
        // A status that the API was given after this was written.
        _ => None,
    }
}

/// Describes one node group.
pub async fn describe(
    ask: &Ask<'_>,
    client: &Client,
    cluster: &str,
    name: &str,
) -> Result<NodeGroup, ProviderError> {
    let call = client
        .describe_nodegroup()
        .cluster_name(cluster)
        .nodegroup_name(name);
    let described = ask.call(Api::Eks, DESCRIBE, call.send()).await?;
    let group = described.nodegroup.ok_or_else(|| {
        let text = format!("the answer for {cluster}/{name} has no node group");
        ProviderError::new(ErrorClass::Terminal, DESCRIBE, text)
    })?;
    Ok(node_group(cluster, name, &group))
}

/// The names of the groups, each with its cluster.
async fn list(ask: &Ask<'_>, client: &Client, clusters: &[String]) -> Vec<(String, String)> {
    let lists = clusters.iter().map(|cluster| async move {
        let names = all_pages(LIST, |token| async move {
            let call = client
                .list_nodegroups()
                .cluster_name(cluster)
                .max_results(100)
                .set_next_token(token);
            let page = ask.call(Api::Eks, LIST, call.send()).await?;
            Ok((page.nodegroups.unwrap_or_default(), page.next_token))
        });
        (cluster, names.await)
    });
    let lists: Vec<_> = lists.collect();
    let listed: Vec<_> = stream::iter(lists).buffered(PARALLEL).collect().await;
    let mut groups = Vec::new();
    let mut errors = Vec::new();
    for (cluster, names) in listed {
        match names {
            Ok(names) => groups.extend(names.into_iter().map(|name| (cluster.clone(), name))),
            // The cluster was deleted since it was listed.
            Err(error) if error.class == ErrorClass::NotFound => {}
            Err(error) => errors.push(error),
        }
    }
    note(ask, errors, clusters.len(), "clusters");
    groups
}

/// In which order to describe: the group that is waited for, then what was never described, then what was longest ago.
fn in_turn(
    ask: &Ask<'_>,
    groups: Vec<(String, String)>,
    wanted: Option<&Update>,
) -> Vec<(String, String)> {
    let keys = groups.iter().map(|(cluster, name)| key(cluster, name));
    let turn = ask.memory.node_groups.in_turn(keys.collect());
    let mut groups = groups;
    groups.sort_by_cached_key(|(cluster, name)| {
        let other =
            wanted.is_none_or(|update| (&update.cluster, &update.node_group) != (cluster, name));
        let key = key(cluster, name);
        (other, turn.iter().position(|in_turn| *in_turn == key))
    });
    groups
}

fn key(cluster: &str, name: &str) -> String {
    format!("{cluster}/{name}")
}

/// One problem for all calls of a kind that failed.
fn note(ask: &Ask<'_>, errors: Vec<ProviderError>, total: usize, what: &str) {
    let failed = errors.len();
    if let Some(error) = errors.into_iter().next() {
        let message = format!("{failed} of {total} {what}: {}", error.message);
        ask.problem(ProviderError { message, ..error });
    }
}

fn unread(cluster: &str, name: &str) -> NodeGroup {
    NodeGroup {
        name: name.to_owned(),
        cluster: cluster.to_owned(),
        status: None,
        bounds: None,
        desired: None,
        health_issues: Vec::new(),
    }
}

fn node_group(cluster: &str, name: &str, group: &Nodegroup) -> NodeGroup {
    let scaling = group.scaling_config();
    let bounds = scaling.and_then(|scaling| {
        Some(Bounds {
            min: scaling.min_size?,
            max: scaling.max_size?,
        })
    });
    let code = |issue: &Issue| match issue.code() {
        Some(code) => code.as_str().to_owned(),
        None => "issue without code".to_owned(),
    };
    let issues = group.health().map_or(&[][..], |health| health.issues());
    NodeGroup {
        status: group
            .status()
            .map(NodegroupStatus::as_str)
            .map(ToOwned::to_owned),
        bounds,
        desired: scaling.and_then(|scaling| scaling.desired_size),
        health_issues: issues.iter().map(code).collect(),
        ..unread(cluster, name)
    }
}

fn detail(error: &ErrorDetail) -> String {
    let code = error.error_code().map(ErrorCode::as_str);
    let text = error.error_message();
    let parts = [code, text].into_iter().flatten();
    parts.collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests;
