//! One poll of live AWS: the configuration for its place, its tally of calls, and the one translation from an SDK error to ours. Knows no kind.

use std::{collections::BTreeMap, error::Error, sync::Mutex};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::resources::{Answer, Api, ErrorClass, Estate, Place, ProviderError, Rows};

/// One poll.
pub struct Ask<'a> {
    /// What is watched.
    pub estate: &'a Estate,
    /// Where this poll asks.
    pub place: &'a Place,
    /// Signed for the place: its region (us-east-1 for global services), profile and role.
    pub config: SdkConfig,
    calls: Mutex<BTreeMap<Api, u32>>,
    problems: Mutex<Vec<ProviderError>>,
}

impl<'a> Ask<'a> {
    /// A poll that has not called anything yet.
    pub fn new(estate: &'a Estate, place: &'a Place, config: SdkConfig) -> Self {
        Self {
            estate,
            place,
            config,
            calls: Mutex::default(),
            problems: Mutex::default(),
        }
    }

    /// The same credentials in another AWS Region (Global Accelerator and its metrics live in us-west-2).
    pub fn config_in(&self, region: &'static str) -> SdkConfig {
        self.config
            .clone()
            .into_builder()
            .region(aws_config::Region::from_static(region))
            .build()
    }

    /// The AWS Region of this poll.
    pub fn region(&self) -> String {
        self.config
            .region()
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    /// Makes one call: counts it and translates its error. `operation` is IAM's name, `rds:DescribeDBClusters`.
    pub async fn call<T, E>(
        &self,
        api: Api,
        operation: &'static str,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, ProviderError>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        if let Ok(mut calls) = self.calls.lock() {
            *calls.entry(api).or_default() += 1;
        }
        call.await.map_err(|error| translate(operation, &error))
    }

    /// Notes a part that could not be read; the rest of the answer stands.
    pub fn problem(&self, error: ProviderError) {
        if let Ok(mut problems) = self.problems.lock() {
            problems.push(error);
        }
    }

    /// The answer with what it cost and what is missing.
    pub fn answer(self, rows: Rows) -> Answer {
        Answer {
            rows,
            problems: self.problems.into_inner().unwrap_or_default(),
            calls: self.calls.into_inner().unwrap_or_default(),
            metrics_requested: 0,
        }
    }
}

/// Turns an SDK error into ours (domain B.0, error classes).
pub fn translate<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> ProviderError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let code = error.code().unwrap_or_default();
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    let class = match error {
        SdkError::TimeoutError(_) => ErrorClass::Timeout,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => ErrorClass::Timeout,
        SdkError::ConstructionFailure(_) => ErrorClass::Identity,
        SdkError::DispatchFailure(_) => ErrorClass::Unreachable,
        _ => classify(code, status),
    };
    let message = match (code, error.message()) {
        ("", None) => chain(error),
        (code, None) => code.to_owned(),
        ("", Some(message)) => message.to_owned(),
        (code, Some(message)) => format!("{code}: {message}"),
    };
    ProviderError::new(
        class,
        operation,
        message.chars().take(300).collect::<String>(),
    )
}

fn classify(code: &str, status: Option<u16>) -> ErrorClass {
    const THROTTLED: &[&str] = &[
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "TooManyRequestsException",
        "SlowDown",
        "PriorRequestNotComplete",
    ];
    const IDENTITY: &[&str] = &[
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "RequestExpired",
        "ExpiredToken",
        "ExpiredTokenException",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
    ];
    if THROTTLED.contains(&code) || status == Some(429) {
        ErrorClass::Throttled
    } else if IDENTITY.contains(&code) {
        ErrorClass::Identity
    } else if code.contains("AccessDenied")
        || code.contains("Unauthorized")
        || code == "AuthorizationError"
        || status == Some(403)
    {
        ErrorClass::Denied
    } else if code.contains("NotFound") || code.starts_with("NoSuch") {
        ErrorClass::NotFound
    } else if status.is_some_and(|status| status >= 500) {
        ErrorClass::Transient
    } else {
        ErrorClass::Terminal
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}
