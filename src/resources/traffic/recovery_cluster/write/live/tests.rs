//! Does a flip reach any endpoint that lives, and is its fate right when none answers?

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::{http::HttpConnectorFuture, result::ConnectorError};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::{
    provider::canned::{self, Asked},
    resources::{Estate, Place},
};

/// How an endpoint answers a call.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Says {
    Done,
    Hangs,
    Resets,
    Busy,
    SafetyRule,
    Denied,
}

type Log = Arc<Mutex<Vec<(String, Value)>>>;

const REGIONS: [&str; 3] = ["us-east-1", "us-west-2", "eu-west-1"];

fn estate() -> Estate {
    let endpoint = |region: &str| RecoveryEndpoint {
        region: region.to_owned(),
        url: format!("https://{region}.cell.example/v1"),
    };
    Estate {
        recovery_endpoints: REGIONS.map(endpoint).to_vec(),
        ..Estate::default()
    }
}

fn edits() -> Vec<ControlEdit> {
    let edit = |name: &str, from| ControlEdit {
        arn: format!("arn:{name}"),
        name: name.to_owned(),
        from,
        to: !from,
    };
    vec![edit("us", true), edit("eu", false)]
}

fn is_read(asked: &Asked) -> bool {
    asked
        .json()
        .get("UpdateRoutingControlStateEntries")
        .is_none()
}

/// Flips both controls; `says` tells how an endpoint, by its number in the order of the first read, answers reads and writes.
async fn applied(
    us: &'static str,
    says: impl Fn(bool, usize) -> Says + Send + Sync + 'static,
) -> (Result<Receipt, ApplyError>, Log) {
    let (estate, token) = (estate(), canned::token());
    let order: Vec<String> = in_turn(&estate.recovery_endpoints, &token.idempotency())
        .into_iter()
        .map(|endpoint| format!("{}.cell.example", endpoint.region))
        .collect();
    let log = Log::default();
    let kept = Arc::clone(&log);
    let config = canned::connected(move |asked| {
        let read = is_read(&asked);
        let number = order.iter().position(|host| *host == asked.host).unwrap();
        kept.lock().unwrap().push((
            format!("{} {number}", if read { "read" } else { "write" }),
            asked.json(),
        ));
        let control = |name: &str, state: &str| json!({"RoutingControlArn": format!("arn:{name}"), "RoutingControlName": name, "RoutingControlState": state});
        let list = json!({"RoutingControls": [control("us", us), control("eu", "Off")]});
        let done = if read { list } else { json!({}) };
        let error = |code: &str| json!({"__type": code, "message": "said so"});
        let (status, body) = match says(read, number) {
            Says::Done => (200, done),
            Says::Hangs => return HttpConnectorFuture::new(std::future::pending()),
            Says::Resets => {
                let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                return HttpConnectorFuture::ready(Err(ConnectorError::io(reset.into())));
            }
            Says::Busy => (503, error("EndpointTemporarilyUnavailableException")),
            Says::SafetyRule => (409, error("ConflictException")),
            Says::Denied => (403, error("AccessDeniedException")),
        };
        HttpConnectorFuture::ready(Ok(canned::response(canned::json(status, &body))))
    });
    let write = Write::new(Ask::new(&estate, &Place::Global, config), &token);
    (apply(&write, &edits()).await, log)
}

fn calls(log: &Log) -> Vec<String> {
    log.lock()
        .unwrap()
        .iter()
        .map(|(call, _)| call.clone())
        .collect()
}

fn told(result: Result<Receipt, ApplyError>) -> (Fate, ErrorClass) {
    let error = result.unwrap_err();
    (error.fate, error.error.class)
}

#[tokio::test]
async fn all_controls_go_in_one_call_to_the_endpoint_that_was_read() {
    let (result, log) = applied("On", |_, _| Says::Done).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(calls(&log), ["read 0", "write 0"]);
    let body = log.lock().unwrap()[1].1.clone();
    let entry = |name: &str, state: &str| json!({"RoutingControlArn": format!("arn:{name}"), "RoutingControlState": state});
    assert_eq!(
        body,
        json!({"UpdateRoutingControlStateEntries": [entry("us", "Off"), entry("eu", "On")]})
    );
}

#[tokio::test]
async fn a_state_that_is_not_as_expected_is_left_alone() {
    let (result, log) = applied("Off", |_, _| Says::Done).await;
    assert_eq!(told(result), (Fate::NotSent, ErrorClass::Conflict));
    assert_eq!(calls(&log), ["read 0"]);
}

#[tokio::test(start_paused = true)]
async fn the_next_endpoint_takes_what_one_does_not_answer() {
    let started = Instant::now();
    let (result, log) = applied("On", |read, number| match (read, number) {
        (true, 0) | (false, 1) => Says::Hangs,
        (false, 2) => Says::Busy,
        (_, _) => Says::Done,
    })
    .await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(
        calls(&log),
        ["read 0", "read 1", "write 1", "write 2", "write 0"]
    );
    assert_eq!(started.elapsed(), 2 * CALL);
}

#[tokio::test]
async fn a_safety_rule_or_a_missing_permission_ends_the_rounds() {
    for (says, class) in [
        (Says::SafetyRule, ErrorClass::Conflict),
        (Says::Denied, ErrorClass::Denied),
    ] {
        let (result, log) =
            applied("On", move |read, _| if read { Says::Done } else { says }).await;
        assert_eq!(told(result), (Fate::Refused, class));
        assert_eq!(calls(&log), ["read 0", "write 0"]);
        let (result, log) = applied("On", move |_, _| says).await;
        assert_eq!(told(result), (Fate::NotSent, class));
        assert_eq!(calls(&log), ["read 0"]);
    }
}

#[tokio::test]
async fn what_one_endpoint_refuses_another_without_an_answer_may_have_done() {
    let (result, log) = applied("On", |read, number| match (read, number) {
        (true, _) => Says::Done,
        (false, 0) => Says::Resets,
        (false, _) => Says::SafetyRule,
    })
    .await;
    assert_eq!(told(result), (Fate::InDoubt, ErrorClass::Conflict));
    assert_eq!(calls(&log), ["read 0", "write 0", "write 1"]);
}

#[tokio::test(start_paused = true)]
async fn after_two_rounds_without_an_answer_the_flip_is_in_doubt_within_the_deadline() {
    let started = Instant::now();
    let (result, log) = applied("On", |read, _| if read { Says::Done } else { Says::Hangs }).await;
    let text = result.as_ref().unwrap_err().error.message.clone();
    assert!(text.ends_with(": no answer in 5 s"), "{text}");
    assert_eq!(told(result), (Fate::InDoubt, ErrorClass::Timeout));
    assert_eq!(calls(&log).len(), 1 + ROUNDS * REGIONS.len());
    let five = started.elapsed() * 5 / 3;
    assert!(five < crate::provider::write::DEADLINE, "{five:?}");
}

#[tokio::test(start_paused = true)]
async fn when_no_endpoint_can_be_read_nothing_is_sent() {
    let (result, log) = applied("On", |_, _| Says::Resets).await;
    assert_eq!(told(result), (Fate::NotSent, ErrorClass::Unreachable));
    assert!(calls(&log).iter().all(|call| call.starts_with("read ")));
    assert_eq!(calls(&log).len(), ROUNDS * REGIONS.len());
}
