//! What MemoryDB is sent, and that it is sent nothing while something goes on.

use serde_json::json;

use super::*;
use crate::{
    provider::{armed, canned},
    resources::RegionLabel,
};

fn change(shard: &str) -> Change {
    Change::FailOverShard {
        region: RegionLabel::new("eu-west-1").unwrap(),
        cluster: "cart".to_owned(),
        shard: shard.to_owned(),
    }
}

async fn sent(shard: &str, status: &'static str) -> (Result<Receipt, ApplyError>, Vec<String>) {
    let change = change(shard);
    let answer = move |_: &str| {
        canned::json(
            200,
            &json!({"Clusters": [{"Name": "cart", "Status": status, "Shards": [{"Name": "0001", "Status": "available"}]}]}),
        )
    };
    armed::send(answer, async |write: &Write<'_>| {
        apply(write, &change).await
    })
    .await
}

#[tokio::test]
async fn a_shard_at_rest_is_failed_over() {
    let (result, calls) = sent("0001", "available").await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[1], r#"/ {"ClusterName":"cart","ShardName":"0001"}"#);
}

#[tokio::test]
async fn nothing_is_sent_to_a_cluster_that_is_changed_or_lacks_the_shard() {
    for (shard, status, why) in [
        ("0001", "updating", "cart is updating"),
        ("0002", "available", "shard 0002 of cart is not listed"),
    ] {
        let (result, calls) = sent(shard, status).await;
        assert_eq!(
            result,
            Err(ApplyError::drifted("memorydb:FailoverShard", why))
        );
        assert_eq!(calls.len(), 1);
    }
}
