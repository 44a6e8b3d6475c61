//! Is a write sent once, and does its fate say what may have happened?

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use aws_credential_types::provider::{
    SharedCredentialsProvider, error::CredentialsError, future::ProvideCredentials,
};
use aws_sdk_route53::operation::update_health_check::{
    UpdateHealthCheckError, UpdateHealthCheckOutput,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::retry::ErrorKind;

use super::*;
use crate::{
    provider::canned,
    resources::{Estate, Place},
};

/// Sends one write through this configuration.
async fn sent(config: SdkConfig) -> Result<Receipt, ApplyError> {
    let client = aws_sdk_route53::Client::new(&Write::once(config.clone()));
    let call = client.update_health_check().health_check_id("c");
    sending(config, call.send()).await
}

async fn sending(
    config: SdkConfig,
    call: impl Future<Output = Result<UpdateHealthCheckOutput, Refusal>>,
) -> Result<Receipt, ApplyError> {
    let (estate, token) = (Estate::default(), canned::token());
    let write = Write::new(Ask::new(&estate, &Place::Global, config), &token);
    write
        .send(Api::Route53, "route53:UpdateHealthCheck", call, |_| None)
        .await
}

type Refusal = SdkError<UpdateHealthCheckError, HttpResponse>;

fn told(result: Result<Receipt, ApplyError>) -> (Fate, ErrorClass) {
    let error = result.unwrap_err();
    (error.fate, error.error.class)
}

async fn refusal(config: SdkConfig) -> (Fate, ErrorClass) {
    told(sent(config).await)
}

fn answered(status: u16, code: &'static str) -> SdkConfig {
    canned::config(move |_| canned::query_error(status, code))
}

#[tokio::test]
async fn an_answer_that_refuses_is_refused_and_a_server_error_is_in_doubt() {
    for (status, code, expected) in [
        (400, "InvalidInput", (Fate::Refused, ErrorClass::Terminal)),
        (400, "Throttling", (Fate::Refused, ErrorClass::Throttled)),
        (403, "AccessDenied", (Fate::Refused, ErrorClass::Denied)),
        (
            409,
            "HealthCheckVersionMismatch",
            (Fate::Refused, ErrorClass::Conflict),
        ),
        (
            500,
            "InternalFailure",
            (Fate::InDoubt, ErrorClass::Transient),
        ),
        (
            503,
            "ServiceUnavailable",
            (Fate::InDoubt, ErrorClass::Transient),
        ),
    ] {
        assert_eq!(refusal(answered(status, code)).await, expected, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_answer_in_time_is_in_doubt() {
    let expected = (Fate::InDoubt, ErrorClass::Timeout);
    assert_eq!(refusal(canned::silent()).await, expected);
}

#[tokio::test]
async fn a_connection_lost_after_sending_is_in_doubt() {
    let reset = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let lost = canned::lost(move || ConnectorError::io(reset().into()));
    let expected = (Fate::InDoubt, ErrorClass::Unreachable);
    assert_eq!(refusal(lost).await, expected);
    // Refused by whom cannot be told without the connector's word for it.
    let refused = || std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let lost = canned::lost(move || ConnectorError::io(refused().into()));
    assert_eq!(refusal(lost).await, expected);
    let half = "the answer stops in the middle of its XML";
    let lost =
        canned::lost(move || ConnectorError::other(half.into(), Some(ErrorKind::ServerError)));
    let expected = (Fate::InDoubt, ErrorClass::Transient);
    assert_eq!(refusal(lost).await, expected);
    let garbled = canned::config(|_| (200, "no XML at all".to_owned()));
    assert_eq!(refusal(garbled).await.0, Fate::InDoubt);
}

#[derive(Debug)]
struct NoKeys;

impl aws_credential_types::provider::ProvideCredentials for NoKeys {
    fn provide_credentials<'a>(&'a self) -> ProvideCredentials<'a>
    where
        Self: 'a,
    {
        ProvideCredentials::ready(Err(CredentialsError::not_loaded("no keys")))
    }
}

#[tokio::test]
async fn without_credentials_or_with_a_call_that_cannot_be_made_nothing_is_sent() {
    let config = canned::config(|_| unreachable!("nothing is sent"));
    let keyless = config
        .clone()
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(NoKeys))
        .build();
    let expected = (Fate::NotSent, ErrorClass::Identity);
    assert_eq!(refusal(keyless).await, expected);
    let unnamed = aws_sdk_route53::Client::new(&config).update_health_check();
    let expected = (Fate::NotSent, ErrorClass::Terminal);
    assert_eq!(told(sending(config, unnamed.send()).await), expected);
}

#[tokio::test]
async fn a_write_is_sent_once_even_where_the_sdk_would_repeat_it() {
    for (status, code) in [
        (500, "InternalFailure"),
        (400, "Throttling"),
        (503, "SlowDown"),
    ] {
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        let config = canned::config(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            canned::query_error(status, code)
        });
        let eager = config
            .into_builder()
            .retry_config(RetryConfig::standard().with_max_attempts(5))
            .build();
        assert!(sent(eager).await.is_err());
        assert_eq!(count.load(Ordering::Relaxed), 1, "{code}");
    }
}

#[tokio::test]
async fn a_change_that_was_given_up_may_have_happened_only_once_it_was_sent() {
    let (estate, token) = (Estate::default(), canned::token());
    let write = Write::new(Ask::new(&estate, &Place::Global, canned::silent()), &token);
    assert_eq!(write.given_up("x").fate, Fate::NotSent);
    let call = std::future::pending::<Result<UpdateHealthCheckOutput, Refusal>>();
    let sending = write.send(Api::Route53, "x", call, |_| None);
    assert!(futures::FutureExt::now_or_never(sending).is_none());
    assert_eq!(write.given_up("x").fate, Fate::InDoubt);
}
