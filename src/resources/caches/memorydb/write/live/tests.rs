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
        since: jiff::Timestamp::from_second(1_000).unwrap(),
    }
}

/// The calls that were sent, the one or two questions before them in order; and the failover that the events tell, in seconds.
async fn sent(
    shard: &str,
    status: &'static str,
    failed_over: u64,
) -> (Result<Receipt, ApplyError>, Vec<String>) {
    let change = change(shard);
    let answer = move |asked: &str| {
        let message = "Failover from primary node cart-1 to replica node cart-2 completed";
        let answer = if asked.contains("Duration") {
            json!({"Events": [{"SourceName": "cart", "SourceType": "cluster", "Message": message, "Date": failed_over}]})
        } else {
            json!({"Clusters": [{"Name": "cart", "Status": status, "Shards": [{"Name": "0001", "Status": "available", "Nodes": [{"Name": "cart-2"}]}]}]})
        };
        canned::json(200, &answer)
    };
    armed::send(answer, async |write: &Write<'_>| {
        apply(write, &change).await
    })
    .await
}

#[tokio::test]
async fn a_shard_at_rest_is_failed_over() {
    let (result, calls) = sent("0001", "available", 900).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[2], r#"/ {"ClusterName":"cart","ShardName":"0001"}"#);
}

#[tokio::test]
async fn nothing_is_sent_to_a_cluster_that_is_changed_lacks_the_shard_or_has_failed_over() {
    for (shard, status, at, why) in [
        ("0001", "updating", 900, "cart is updating"),
        ("0002", "available", 900, "shard 0002 of cart is not listed"),
        ("0001", "available", 1_001, "it is so already"),
    ] {
        let (result, calls) = sent(shard, status, at).await;
        assert_eq!(
            result,
            Err(ApplyError::drifted("memorydb:FailoverShard", why))
        );
        assert_eq!(calls.len(), 2);
    }
}
