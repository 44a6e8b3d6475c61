//! What ElastiCache is sent, and that it is sent nothing when what the change expects is gone.

use super::*;
use crate::{
    provider::{armed, canned},
    resources::{RegionLabel, change::Fate},
};

fn label(text: &str) -> RegionLabel {
    RegionLabel::new(text).unwrap()
}

fn datastore_change() -> Change {
    Change::FailOverDatastore {
        datastore: "ldgnf-shop".to_owned(),
        from: "us-east-1".to_owned(),
        to_region: label("eu-west-1"),
        to: "eu-west-1".to_owned(),
        to_group: "sessions-eu".to_owned(),
    }
}

fn group_change() -> Change {
    Change::FailOverGroup {
        region: label("eu-west-1"),
        group: "sessions".to_owned(),
        shard: "0001".to_owned(),
        from: "sessions-001".to_owned(),
    }
}

/// Both reads, as the changes expect them or not.
fn elasticache(call: &str, drifted: bool) -> canned::Reply {
    let role = |primary: bool| if primary { "PRIMARY" } else { "SECONDARY" };
    let current = |primary: bool| if primary { "primary" } else { "replica" };
    if call.contains("Action=DescribeGlobalReplicationGroups") {
        let member = |region: &str, group: &str, role: &str| {
            format!(
                "<GlobalReplicationGroupMember><ReplicationGroupId>{group}</ReplicationGroupId><ReplicationGroupRegion>{region}</ReplicationGroupRegion><Role>{role}</Role></GlobalReplicationGroupMember>"
            )
        };
        let members = member("us-east-1", "sessions-us", role(!drifted))
            + &member("eu-west-1", "sessions-eu", role(drifted));
        let datastore = format!(
            "<GlobalReplicationGroups><GlobalReplicationGroup><GlobalReplicationGroupId>ldgnf-shop</GlobalReplicationGroupId>\
             <Status>available</Status><Members>{members}</Members></GlobalReplicationGroup></GlobalReplicationGroups>"
        );
        return canned::query("DescribeGlobalReplicationGroups", &datastore);
    }
    if call.contains("Action=DescribeReplicationGroups") {
        let member = |id: &str, role: &str| {
            format!(
                "<NodeGroupMember><CacheClusterId>{id}</CacheClusterId><CurrentRole>{role}</CurrentRole></NodeGroupMember>"
            )
        };
        let members =
            member("sessions-001", current(!drifted)) + &member("sessions-002", current(drifted));
        let group = format!(
            "<ReplicationGroups><ReplicationGroup><ReplicationGroupId>sessions</ReplicationGroupId><Status>available</Status>\
             <NodeGroups><NodeGroup><NodeGroupId>0001</NodeGroupId><Status>available</Status><NodeGroupMembers>{members}</NodeGroupMembers></NodeGroup></NodeGroups>\
             </ReplicationGroup></ReplicationGroups>"
        );
        return canned::query("DescribeReplicationGroups", &group);
    }
    let action = call
        .split_once("Action=")
        .and_then(|(_, rest)| rest.split('&').next());
    canned::query(action.unwrap_or_default(), "")
}

async fn sent(change: Change, drifted: bool) -> (Result<Receipt, ApplyError>, Vec<String>) {
    let answer = move |call: &str| elasticache(call, drifted);
    armed::send(answer, async |write: &Write<'_>| {
        apply(write, &change).await
    })
    .await
}

#[tokio::test]
async fn each_change_is_read_once_and_sent_once_with_its_parameters() {
    for (change, written) in [
        (
            datastore_change(),
            "/ Action=FailoverGlobalReplicationGroup&Version=2015-02-02&GlobalReplicationGroupId=ldgnf-shop&PrimaryRegion=eu-west-1&PrimaryReplicationGroupId=sessions-eu",
        ),
        (
            group_change(),
            "/ Action=TestFailover&Version=2015-02-02&ReplicationGroupId=sessions&NodeGroupId=0001",
        ),
    ] {
        let (result, calls) = sent(change, false).await;
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[1], written);
    }
}

#[tokio::test]
async fn what_is_no_longer_as_expected_is_not_sent() {
    for change in [datastore_change(), group_change()] {
        let operation = change.operation();
        let (result, calls) = sent(change, true).await;
        assert_eq!(
            result,
            Err(ApplyError::drifted(operation, "it is so already"))
        );
        assert_eq!(calls.len(), 1, "{operation}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_not_sent() {
    for change in [datastore_change(), group_change()] {
        let (result, calls) = armed::send(
            |_| canned::query_error(503, "ServiceUnavailable"),
            async |write: &Write<'_>| apply(write, &change).await,
        )
        .await;
        let error = result.unwrap_err();
        let said = (error.fate, error.error.class);
        assert_eq!(said, (Fate::NotSent, ErrorClass::Transient));
        assert_eq!(calls.len(), 1);
    }
}
