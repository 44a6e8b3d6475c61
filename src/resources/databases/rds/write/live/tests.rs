//! What RDS is sent, and that it is sent nothing when what the change expects is gone.

use super::*;
use crate::{
    provider::{armed, canned},
    resources::{RegionLabel, change::Fate},
};

fn label(text: &str) -> RegionLabel {
    RegionLabel::new(text).unwrap()
}

const A: &str = "arn:aws:rds:us-east-1:1:cluster:shop";
const B: &str = "arn:aws:rds:eu-west-1:1:cluster:shop";

fn switch_over() -> Change {
    Change::SwitchOver {
        global_cluster: "shop".to_owned(),
        from_region: label("us-east-1"),
        from: A.to_owned(),
        to_region: label("eu-west-1"),
        to: B.to_owned(),
    }
}

fn fail_over() -> Change {
    Change::FailOver {
        global_cluster: "shop".to_owned(),
        from: A.to_owned(),
        to_region: label("eu-west-1"),
        to: B.to_owned(),
    }
}

fn in_cluster() -> Change {
    Change::FailOverCluster {
        region: label("eu-west-1"),
        cluster: "shop".to_owned(),
        from: "shop-1".to_owned(),
        to: "shop-2".to_owned(),
    }
}

fn promote() -> Change {
    Change::Promote {
        region: label("eu-west-1"),
        instance: "ledger-b".to_owned(),
        source: "arn:aws:rds:us-east-1:1:db:ledger".to_owned(),
        backup_retention_days: 7,
    }
}

/// The four reads, with A, `shop-1` and the replica as the changes expect them, or with one of them gone another way.
fn rds(call: &str, drifted: bool) -> canned::Reply {
    let action = call
        .split_once("Action=")
        .and_then(|(_, rest)| rest.split('&').next())
        .unwrap_or_default();
    let member = |arn: &str, writer: bool| {
        format!(
            "<GlobalClusterMember><DBClusterArn>{arn}</DBClusterArn><IsWriter>{writer}</IsWriter></GlobalClusterMember>"
        )
    };
    let instance = |id: &str, writer: bool| {
        format!(
            "<DBClusterMember><DBInstanceIdentifier>{id}</DBInstanceIdentifier><IsClusterWriter>{writer}</IsClusterWriter></DBClusterMember>"
        )
    };
    let result = match action {
        "DescribeGlobalClusters" => format!(
            "<GlobalClusters><GlobalClusterMember><GlobalClusterIdentifier>shop</GlobalClusterIdentifier><Status>available</Status>\
             <GlobalClusterMembers>{}{}</GlobalClusterMembers><FailoverState/></GlobalClusterMember></GlobalClusters>",
            member(A, !drifted),
            member(B, drifted)
        ),
        "DescribeDBClusters" => format!(
            "<DBClusters><DBCluster><DBClusterIdentifier>shop</DBClusterIdentifier><Status>available</Status>\
             <DBClusterMembers>{}{}</DBClusterMembers></DBCluster></DBClusters>",
            instance("shop-1", !drifted),
            instance("shop-2", drifted)
        ),
        "DescribeDBInstances" => {
            let status = if drifted { "backing-up" } else { "available" };
            format!(
                "<DBInstances><DBInstance><DBInstanceIdentifier>ledger-b</DBInstanceIdentifier><DBInstanceStatus>{status}</DBInstanceStatus>\
                 <ReadReplicaSourceDBInstanceIdentifier>arn:aws:rds:us-east-1:1:db:ledger</ReadReplicaSourceDBInstanceIdentifier></DBInstance></DBInstances>"
            )
        }
        _ => String::new(),
    };
    canned::query(action, &result)
}

async fn sent(change: Change, drifted: bool) -> (Result<Receipt, ApplyError>, Vec<String>) {
    armed::send(
        move |call| rds(call, drifted),
        async |write: &Write<'_>| apply(write, &change).await,
    )
    .await
}

/// The parameters of a call, without `Action` and `Version`.
fn parameters(call: &str) -> Vec<String> {
    let (_, body) = call.split_once(' ').unwrap();
    body.split('&')
        .filter(|pair| !pair.starts_with("Version="))
        .map(|pair| pair.replace("%3A", ":"))
        .collect()
}

#[tokio::test]
async fn each_change_is_read_once_and_sent_once_with_its_parameters() {
    let cases = [
        (
            switch_over(),
            ["DescribeGlobalClusters", "GlobalClusterIdentifier=shop"],
            vec![
                "Action=SwitchoverGlobalCluster".to_owned(),
                "GlobalClusterIdentifier=shop".to_owned(),
                format!("TargetDbClusterIdentifier={B}"),
            ],
        ),
        (
            fail_over(),
            ["DescribeGlobalClusters", "GlobalClusterIdentifier=shop"],
            vec![
                "Action=FailoverGlobalCluster".to_owned(),
                "GlobalClusterIdentifier=shop".to_owned(),
                format!("TargetDbClusterIdentifier={B}"),
                "AllowDataLoss=true".to_owned(),
            ],
        ),
        (
            in_cluster(),
            ["DescribeDBClusters", "DBClusterIdentifier=shop"],
            vec![
                "Action=FailoverDBCluster".to_owned(),
                "DBClusterIdentifier=shop".to_owned(),
                "TargetDBInstanceIdentifier=shop-2".to_owned(),
            ],
        ),
        (
            promote(),
            ["DescribeDBInstances", "DBInstanceIdentifier=ledger-b"],
            vec![
                "Action=PromoteReadReplica".to_owned(),
                "DBInstanceIdentifier=ledger-b".to_owned(),
                "BackupRetentionPeriod=7".to_owned(),
            ],
        ),
    ];
    for (change, [read, about], written) in cases {
        let operation = change.operation();
        let (result, calls) = sent(change, false).await;
        assert_eq!(result.map(|receipt| receipt.reference), Ok(None));
        assert_eq!(calls.len(), 2, "{operation}");
        assert_eq!(parameters(&calls[0]), [&format!("Action={read}"), about]);
        assert_eq!(parameters(&calls[1]), written);
        let action = operation.strip_prefix("rds:").unwrap();
        assert_eq!(
            written[0],
            format!("Action={action}"),
            "IAM's name is the call's"
        );
    }
}

#[tokio::test]
async fn what_is_no_longer_as_expected_is_not_sent() {
    for (change, why) in [
        (switch_over(), "it is so already"),
        (fail_over(), "it is so already"),
        (in_cluster(), "it is so already"),
        (promote(), "ledger-b is backing-up"),
    ] {
        let operation = change.operation();
        let (result, calls) = sent(change, true).await;
        assert_eq!(result, Err(ApplyError::drifted(operation, why)));
        assert_eq!(calls.len(), 1, "{operation}: {calls:?}");
    }
}

#[tokio::test]
async fn a_failover_whose_global_cluster_cannot_be_read_is_not_sent() {
    for reply in [
        (500, "InternalFailure", ErrorClass::Transient),
        (404, "GlobalClusterNotFoundFault", ErrorClass::NotFound),
        (403, "AccessDenied", ErrorClass::Denied),
    ] {
        let (status, code, class) = reply;
        let (result, calls) = armed::send(
            move |_| canned::query_error(status, code),
            async |write: &Write<'_>| apply(write, &fail_over()).await,
        )
        .await;
        let error = result.unwrap_err();
        assert_eq!((error.fate, error.error.class), (Fate::NotSent, class));
        assert_eq!(error.error.operation, GLOBAL_CLUSTERS);
        assert_eq!(calls.len(), 1);
    }
}

#[tokio::test]
async fn an_answer_about_something_else_is_no_answer() {
    let other = |call: &str| {
        let (status, text) = rds(call, false);
        (status, text.replace(">shop<", ">shop-2<"))
    };
    let (result, calls) = armed::send(other, async |write: &Write<'_>| {
        apply(write, &fail_over()).await
    })
    .await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::NotSent, ErrorClass::NotFound)
    );
    assert_eq!(calls.len(), 1);
}
