//! EKS `ListClusters` and `DescribeCluster`, then the node groups of these clusters; and the probes of API servers. Owns the translation of EKS's answers; judges nothing.

use aws_sdk_eks::{
    Client,
    types::{Cluster as ApiCluster, ClusterIssue, ClusterStatus},
};
use futures::{StreamExt, stream};
use tokio::time::Instant;

pub use super::api_servers::live::{servers, watched};
use super::{
    ApiServer, Change, Cluster, EksCluster, api_servers, node_count,
    node_groups::{self, Update},
};
use crate::{
    provider::{ask::Ask, paging::all_pages, write::Write},
    resources::{
        Answer, Api, ErrorClass, ProviderError, Query, Rows, Source,
        change::{ApplyError, Receipt},
    },
};

const LIST: &str = "eks:ListClusters";
const DESCRIBE: &str = "eks:DescribeCluster";
/// Clusters described at once.
const PARALLEL: usize = 8;

/// Reads the clusters of a region, or probes their API servers.
pub async fn observe(ask: Ask<'_>, query: &Query) -> Result<Answer, ProviderError> {
    if query.source == Source::ApiServers {
        return api_servers::live::observe(ask, query).await;
    }
    if query.source == Source::Nodes {
        return node_count::live::observe(ask, query).await;
    }
    let started = Instant::now();
    let client = Client::new(&ask.config);
    let names = names(&ask, &client).await?;
    let wanted = query.wanted.reference().and_then(Update::parse);
    let in_sync = match &wanted {
        Some(update) => node_groups::live::in_sync(&ask, &client, update).await,
        None => None,
    };
    let calls: Vec<_> = names
        .iter()
        .cloned()
        .map(|name| describe(&ask, &client, name))
        .collect();
    let described: Vec<_> = stream::iter(calls).buffered(PARALLEL).collect().await;
    let mut clusters = Vec::new();
    let mut errors = Vec::new();
    for result in described {
        match result {
            Ok(cluster) => clusters.push(Cluster::Eks(cluster)),
            // It was deleted since it was listed.
            Err(error) if error.class == ErrorClass::NotFound => {}
            Err(error) => errors.push(error),
        }
    }
    if let (true, Some(error)) = (clusters.is_empty(), errors.first()) {
        return Err(error.clone());
    }
    for error in errors {
        ask.problem(error);
    }
    let groups = node_groups::live::read(&ask, &client, &names, wanted.as_ref(), started);
    clusters.extend(Box::pin(groups).await);
    Ok(Answer {
        in_sync,
        ..ask.answer(Rows::Clusters(clusters))
    })
}

/// Sends one change of a node.
pub async fn apply_to_node(
    write: &Write<'_>,
    change: &super::node::Change,
) -> Result<Receipt, ApplyError> {
    Box::pin(super::node::write::live::apply(write, change)).await
}

/// Sends one change: all of them are of node groups.
pub async fn apply(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    Box::pin(node_groups::write::live::apply(write, change)).await
}

async fn names(ask: &Ask<'_>, client: &Client) -> Result<Vec<String>, ProviderError> {
    all_pages(LIST, |token| async move {
        let call = client
            .list_clusters()
            .max_results(100)
            .set_next_token(token);
        let page = ask.call(Api::Eks, LIST, call.send()).await?;
        Ok((page.clusters.unwrap_or_default(), page.next_token))
    })
    .await
}

async fn describe(
    ask: &Ask<'_>,
    client: &Client,
    name: String,
) -> Result<EksCluster, ProviderError> {
    let call = client.describe_cluster().name(&name);
    let described = ask.call(Api::Eks, DESCRIBE, call.send()).await?;
    let cluster = described.cluster.ok_or_else(|| {
        let text = format!("the answer for {name} has no cluster");
        ProviderError::new(ErrorClass::Terminal, DESCRIBE, text)
    })?;
    Ok(eks_cluster(name, cluster))
}

fn eks_cluster(name: String, cluster: ApiCluster) -> EksCluster {
    let issues = cluster.health.and_then(|health| health.issues);
    let code = |issue: ClusterIssue| issue.code.map(|code| code.as_str().to_owned());
    let status = cluster.status.as_ref().map(ClusterStatus::as_str);
    EksCluster {
        api_server: ApiServer {
            name: name.clone(),
            endpoint: cluster.endpoint,
            certificate_authority: cluster.certificate_authority.and_then(|ca| ca.data),
        },
        name,
        arn: cluster.arn,
        status: status.unwrap_or("UNKNOWN").to_owned(),
        version: cluster.version,
        platform_version: cluster.platform_version,
        support: cluster
            .upgrade_policy
            .and_then(|policy| policy.support_type)
            .map(|support| support.as_str().to_owned()),
        health_issues: issues
            .unwrap_or_default()
            .into_iter()
            .map(|issue| code(issue).unwrap_or_else(|| "issue without code".to_owned()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_eks::types::ClusterHealth;
    use serde_json::json;

    use super::*;
    use crate::{
        provider::canned,
        resources::{Estate, Place, Resource},
    };

    #[test]
    fn unknown_values_stay_text_and_missing_ones_are_not_invented() {
        let issue = ClusterIssue::builder().code("Ec2SubnetNotFound".into());
        let health = ClusterHealth::builder().issues(issue.build()).build();
        let known = ApiCluster::builder()
            .status(ClusterStatus::from("HIBERNATING"))
            .health(health)
            .build();
        let known = eks_cluster("a".to_owned(), known);
        assert_eq!(known.status, "HIBERNATING");
        assert_eq!(known.health_issues, ["Ec2SubnetNotFound"]);
        let bare = eks_cluster("b".to_owned(), ApiCluster::builder().build());
        assert_eq!((bare.status.as_str(), bare.version), ("UNKNOWN", None));
    }

    /// Three clusters on two pages: one is described, one is gone, one is forbidden.
    fn eks(asked: &canned::Asked, second_page: u16) -> canned::Reply {
        match asked.path.as_str() {
            "/clusters?maxResults=100" => {
                canned::json(200, &json!({"clusters": ["a", "gone"], "nextToken": "2"}))
            }
            "/clusters?maxResults=100&nextToken=2" => canned::json(
                second_page,
                &json!({"clusters": ["forbidden"], "nextToken": ""}),
            ),
            "/clusters/a" => canned::json(
                200,
                &json!({"cluster": {"name": "a", "status": "ACTIVE", "version": "1.33"}}),
            ),
            "/clusters/gone" | "/clusters/gone/node-groups?maxResults=100" => {
                canned::json(404, &json!({"__type": "ResourceNotFoundException"}))
            }
            "/clusters/a/node-groups?maxResults=100" => {
                canned::json(200, &json!({"nodegroups": []}))
            }
            _ => canned::json(
                403,
                &json!({"__type": "AccessDeniedException", "message": "no"}),
            ),
        }
    }

    async fn read(second_page: u16) -> Result<Answer, ProviderError> {
        let (estate, place) = (Estate::default(), Place::Global);
        let config = canned::config(move |asked| eks(&asked, second_page));
        let query = Query {
            source: Source::Clusters,
            place: place.clone(),
            wanted: crate::resources::Wanted::Nothing,
            read: 0,
        };
        observe(Ask::new(&estate, &place, config), &query).await
    }

    #[tokio::test]
    async fn one_failing_description_leaves_the_others() {
        let answer = read(200).await.unwrap();
        let keys = match &answer.rows {
            Rows::Clusters(rows) => rows.iter().map(Resource::key).collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        assert_eq!(keys, ["eks/a"]);
        let said: Vec<_> = answer
            .problems
            .iter()
            .map(|error| (error.class, error.operation.as_str()))
            .collect();
        let denied = |operation| (ErrorClass::Denied, operation);
        assert_eq!(said, [denied(DESCRIBE), denied("eks:ListNodegroups")]);
        assert_eq!(answer.calls.get(&Api::Eks), Some(&(2 + 3 + 3)));
    }

    #[tokio::test]
    async fn half_a_list_is_an_error() {
        let error = read(500).await.unwrap_err();
        assert_eq!(
            (error.class, error.operation.as_str()),
            (ErrorClass::Transient, LIST)
        );
    }
}
