//! Does the whole policy go back with another weight, under the ETag that was read?

use aws_smithy_runtime_api::client::http::HttpConnectorFuture;

use super::*;
use crate::{
    provider::canned::{self, Asked},
    resources::{Estate, Place, change::Fate},
};

const STICKY: &str = "<SessionStickinessConfig><IdleTTL>300</IdleTTL><MaximumTTL>600</MaximumTTL></SessionStickinessConfig>";

fn policy(weight: &str) -> String {
    let domains = "<StagingDistributionDnsNames><Quantity>1</Quantity><Items><DnsName>d1.cloudfront.net</DnsName></Items></StagingDistributionDnsNames>";
    let single =
        format!("<SingleWeightConfig><Weight>{weight}</Weight>{STICKY}</SingleWeightConfig>");
    let traffic = format!("<TrafficConfig>{single}<Type>SingleWeight</Type></TrafficConfig>");
    format!(
        "<ContinuousDeploymentPolicyConfig xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">{domains}<Enabled>true</Enabled>{traffic}</ContinuousDeploymentPolicyConfig>"
    )
}

fn updated() -> String {
    let time = "<LastModifiedTime>2026-01-01T00:00:00Z</LastModifiedTime>";
    format!(
        "<ContinuousDeploymentPolicy><Id>P1</Id>{time}{}</ContinuousDeploymentPolicy>",
        policy("0.1")
    )
}

type Seen = std::sync::Arc<std::sync::Mutex<Vec<Asked>>>;

async fn applied(from: f64, to: f64, update: u16) -> (Result<Receipt, ApplyError>, Vec<Asked>) {
    let (estate, token) = (Estate::default(), canned::token());
    let seen = Seen::default();
    let log = std::sync::Arc::clone(&seen);
    let config = canned::connected(move |asked| {
        let mut answer = match (asked.method.as_str(), update) {
            ("GET", _) => canned::response((200, policy("0.05"))),
            (_, 200) => canned::response((200, updated())),
            _ => canned::response(canned::query_error(update, "PreconditionFailed")),
        };
        answer.headers_mut().insert("etag", "E1");
        log.lock().unwrap().push(asked);
        HttpConnectorFuture::ready(Ok(answer))
    });
    let write = Write::new(Ask::new(&estate, &Place::Global, config), &token);
    let result = apply(&write, "P1", from, to).await;
    let seen = seen.lock().unwrap().clone();
    (result, seen)
}

#[tokio::test]
async fn the_policy_goes_back_whole_with_its_new_weight() {
    let (result, seen) = applied(0.05, 0.1, 200).await;
    assert!(result.is_ok(), "{result:?}");
    let [_, asked] = &seen[..] else {
        panic!("a read and a write: {seen:?}");
    };
    assert_eq!(
        (asked.method.as_str(), asked.path.split('?').next()),
        ("PUT", Some("/2020-05-31/continuous-deployment-policy/P1"))
    );
    assert_eq!(asked.header("if-match"), "E1");
    assert_eq!(asked.text(), policy("0.1"));
}

#[tokio::test]
async fn another_weight_is_left_alone_and_another_etag_is_a_conflict() {
    let (result, seen) = applied(0.1, 0.0, 200).await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::NotSent, ErrorClass::Conflict)
    );
    assert_eq!(seen.len(), 1);
    let (result, _) = applied(0.05, 0.0, 412).await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::Refused, ErrorClass::Conflict)
    );
    let (result, seen) = applied(0.05, 0.2, 200).await;
    assert_eq!(result.unwrap_err().error.class, ErrorClass::Terminal);
    assert!(seen.is_empty());
}

fn created() -> canned::Reply {
    (201, "<Invalidation><Id>I1</Id><Status>InProgress</Status><CreateTime>2026-11-29T03:00:00Z</CreateTime></Invalidation>".to_owned())
}

#[tokio::test]
async fn the_batch_carries_its_paths_and_the_reference_of_the_plan() {
    let paths = ["/index.html".to_owned(), "/img/*".to_owned()];
    let (result, calls) = crate::provider::armed::send(
        |_| created(),
        async |write| invalidate(write, "E1", &paths, "pilothouse-1a2b").await,
    )
    .await;
    assert_eq!(result.unwrap().reference.as_deref(), Some("E1/I1"));
    let [call] = calls.as_slice() else {
        panic!("{calls:?}");
    };
    assert!(
        call.starts_with("/2020-05-31/distribution/E1/invalidation "),
        "{call}"
    );
    assert!(call.contains("<Paths><Quantity>2</Quantity><Items><Path>/index.html</Path><Path>/img/*</Path></Items></Paths>"), "{call}");
    assert!(
        call.contains("<CallerReference>pilothouse-1a2b</CallerReference>"),
        "{call}"
    );
}
