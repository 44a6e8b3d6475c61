//! EKS `ListClusters` and `DescribeCluster`, and the probes of API servers. Owns the translation of EKS's answers; judges nothing.

use aws_sdk_eks::{
    Client,
    types::{Cluster as ApiCluster, ClusterIssue, ClusterStatus},
};
use futures::{StreamExt, stream};

use super::{ApiServer, Cluster, EksCluster, api_servers};
use crate::{
    provider::ask::Ask,
    resources::{Answer, Api, ErrorClass, ProviderError, Query, Rows, Source},
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
    let client = Client::new(&ask.config);
    let names = names(&ask, &client).await?;
    let calls: Vec<_> = names
        .into_iter()
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
    Ok(ask.answer(Rows::Clusters(clusters)))
}

async fn names(ask: &Ask<'_>, client: &Client) -> Result<Vec<String>, ProviderError> {
    let mut names = Vec::new();
    let mut token = None;
    loop {
        let page = client
            .list_clusters()
            .max_results(100)
            .set_next_token(token.clone());
        let page = ask.call(Api::Eks, LIST, page.send()).await?;
        names.extend(page.clusters.unwrap_or_default());
        if !Ask::next_page(LIST, &mut token, page.next_token)? {
            return Ok(names);
        }
    }
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

    use super::*;

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
}
