//! The one translation from an SDK error to ours (domain B.0, error classes). Owns which code means what; must never pass on a raw response body.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::{RequestId, assume_role::AssumeRoleError};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::{error::metadata::ProvideErrorMetadata, retry::ErrorKind};

use super::clients::CALL_DEADLINE;
use crate::resources::{ErrorClass, ProviderError};

/// Codes that ask us to slow down.
const THROTTLED: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "SlowDown",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "APICallRateForCustomerExceededFault",
    "APICallRateForCustomerExceeded",
    "ResourceContentionFault",
];

/// Codes that mean: not you, or not now by your clock.
const IDENTITY: &[&str] = &[
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "ExpiredToken",
    "ExpiredTokenException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "AuthFailure",
];

/// Codes that mean: somebody or something else is acting, or has acted since we looked. `InvalidChangeBatch` may mean that too; its text decides.
const CONFLICT: &[&str] = &[
    "ConcurrentModification",
    "ConcurrentModificationException",
    "Conflict",
    "ConflictException",
    "HealthCheckVersionMismatch",
    "InvalidIfMatchVersion",
    "PreconditionFailed",
    "PreconditionFailedException",
    "ResourceConflictException",
    "ResourceInUse",
    "ResourceInUseException",
    "ScalingActivityInProgress",
    "ScalingActivityInProgressFault",
    "TransactionInProgressException",
];

/// `InvalidDBClusterStateFault`, `InvalidDBInstanceState`, `InvalidReplicationGroupState`: it is being changed right now. The Query protocol writes some of them without `Fault`.
fn in_another_state(code: &str) -> bool {
    let code = code.strip_suffix("Fault").unwrap_or(code);
    code.starts_with("Invalid") && code.ends_with("State")
}

/// Turns an SDK error into ours. `operation` is IAM's name, `rds:DescribeDBClusters`.
pub fn translate<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> ProviderError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let code = error.code().unwrap_or_default();
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    let credentials = find::<CredentialsError>(error);
    let class = match error {
        _ if credentials.is_some() => ErrorClass::Identity,
        SdkError::TimeoutError(_) => ErrorClass::Timeout,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => ErrorClass::Timeout,
        SdkError::ConstructionFailure(_) => ErrorClass::Terminal,
        // An answer that was cut off (see `whole`).
        SdkError::DispatchFailure(failure)
            if failure.as_other() == Some(ErrorKind::ServerError) =>
        {
            ErrorClass::Transient
        }
        SdkError::DispatchFailure(_) => ErrorClass::Unreachable,
        // The call succeeded but its answer cannot be read, as when its JSON stops in the middle.
        _ if code.is_empty() && status == Some(200) => ErrorClass::Transient,
        _ => classify(code, status),
    };
    let message = match (code, error.message()) {
        ("", None) => credentials.map_or_else(|| without_code(error, status), reason),
        (code, None) => code.to_owned(),
        ("", Some(message)) => message.to_owned(),
        (code, Some(message)) => format!("{code}: {message}"),
    };
    ProviderError {
        request_id: error.request_id().map(ToOwned::to_owned),
        ..ProviderError::new(
            class,
            operation,
            message.chars().take(300).collect::<String>(),
        )
    }
}

/// What went wrong where no AWS error came back.
fn without_code<E>(error: &SdkError<E, HttpResponse>, status: Option<u16>) -> String
where
    E: Error + 'static,
{
    match (error, status) {
        (_, Some(200)) => "an answer that cannot be read (HTTP 200)".to_owned(),
        (_, Some(status)) => format!("HTTP {status} that is no AWS answer"),
        (SdkError::TimeoutError(_), None) => {
            format!("no answer in {} s", CALL_DEADLINE.as_secs())
        }
        (SdkError::DispatchFailure(failure), None) => failure
            .as_connector_error()
            .and_then(Error::source)
            .map_or_else(|| chain(error), chain),
        (_, None) => chain(error),
    }
}

fn classify(code: &str, status: Option<u16>) -> ErrorClass {
    if THROTTLED.contains(&code) || status == Some(429) {
        ErrorClass::Throttled
    } else if IDENTITY.contains(&code) {
        ErrorClass::Identity
    } else if code.contains("AccessDenied")
        || code.contains("Unauthorized")
        || code == "AuthorizationError"
        || code == "NotAuthorized"
    {
        ErrorClass::Denied
    } else if CONFLICT.contains(&code)
        || in_another_state(code)
        || matches!(status, Some(409 | 412))
    {
        ErrorClass::Conflict
    } else if code.contains("NotFound") || code.starts_with("NoSuch") {
        ErrorClass::NotFound
    } else if status.is_some_and(|status| status >= 500 || status == 408)
        || code.starts_with("RequestTimeout")
    {
        ErrorClass::Transient
    } else if status == Some(403) {
        ErrorClass::Denied
    } else {
        ErrorClass::Terminal
    }
}

/// The first error of a kind in a chain of causes.
pub(super) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Why there are no credentials: what STS said of the role, or else the whole chain without the phrases that every provider in it puts in front.
pub fn reason(error: &CredentialsError) -> String {
    const PHRASES: [&str; 2] = [
        "an error occurred while loading credentials: ",
        "the credential provider was not enabled: ",
    ];
    if let Some(refusal) = find::<SdkError<AssumeRoleError, HttpResponse>>(error) {
        return format!(
            "sts:AssumeRole: {}",
            translate("sts:AssumeRole", refusal).message
        );
    }
    let mut text = chain(error);
    for phrase in PHRASES {
        text = text.replace(phrase, "");
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An error with everything that caused it, in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let cause = source.to_string();
        // Many wrappers repeat what they wrap.
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::canned;

    #[test]
    fn a_reason_says_what_is_wrong_first() {
        let inner = CredentialsError::not_loaded("no keys in the profile\n  at all");
        let outer = CredentialsError::provider_error(inner);
        assert_eq!(reason(&outer), "no keys in the profile at all");
    }

    #[tokio::test]
    async fn errors_of_the_query_protocol_have_the_class_of_their_code() {
        for (status, code, class) in [
            (400, "Throttling", ErrorClass::Throttled),
            (400, "ThrottlingException", ErrorClass::Throttled),
            (403, "AccessDenied", ErrorClass::Denied),
            (403, "InvalidClientTokenId", ErrorClass::Identity),
            (403, "ExpiredToken", ErrorClass::Identity),
            (403, "SignatureDoesNotMatch", ErrorClass::Identity),
            (404, "ResourceNotFound", ErrorClass::NotFound),
            (500, "InternalFailure", ErrorClass::Transient),
            (503, "ServiceUnavailable", ErrorClass::Transient),
            (400, "InvalidDBInstanceState", ErrorClass::Conflict),
            (400, "InvalidReplicationGroupState", ErrorClass::Conflict),
            (400, "ValidationError", ErrorClass::Terminal),
            (400, "InvalidParameterValue", ErrorClass::Terminal),
        ] {
            let config = canned::config(move |_| canned::query_error(status, code));
            let client = aws_sdk_cloudwatch::Client::new(&config);
            let error = client.describe_alarms().send().await.unwrap_err();
            let error = translate("cloudwatch:DescribeAlarms", &error);
            assert_eq!(error.class, class, "{code}");
            assert_eq!(error.message, format!("{code}: said so"));
        }
    }

    #[tokio::test]
    async fn an_answer_that_stops_in_the_middle_may_pass() {
        let config = canned::config(|_| (200, r#"{"clusters":["a"#.to_owned()));
        let client = aws_sdk_eks::Client::new(&config);
        let error = client.list_clusters().send().await.unwrap_err();
        let class = translate("eks:ListClusters", &error).class;
        assert_eq!(class, ErrorClass::Transient);
    }

    #[test]
    fn codes_and_statuses_have_one_class_each() {
        let class = |code, status| classify(code, Some(status));
        assert_eq!(class("Throttling", 400), ErrorClass::Throttled);
        assert_eq!(class("", 429), ErrorClass::Throttled);
        assert_eq!(class("ExpiredToken", 403), ErrorClass::Identity);
        assert_eq!(class("AccessDeniedException", 400), ErrorClass::Denied);
        assert_eq!(class("", 403), ErrorClass::Denied);
        assert_eq!(class("DBClusterNotFoundFault", 404), ErrorClass::NotFound);
        assert_eq!(class("", 503), ErrorClass::Transient);
        assert_eq!(class("ValidationError", 400), ErrorClass::Terminal);
    }

    #[test]
    fn somebody_else_acting_is_a_conflict() {
        for (code, status) in [
            ("HealthCheckVersionMismatch", 409),
            ("PreconditionFailed", 412),
            ("PreconditionFailedException", 412),
            ("InvalidIfMatchVersion", 400),
            ("ResourceConflictException", 409),
            ("ResourceInUseException", 400),
            ("ConflictException", 409),
            ("ConcurrentModificationException", 400),
            ("TransactionInProgressException", 400),
            ("ScalingActivityInProgressFault", 400),
            ("ScalingActivityInProgress", 400),
            ("InvalidDBClusterStateFault", 400),
            ("InvalidGlobalClusterStateFault", 400),
            ("InvalidGlobalReplicationGroupState", 400),
            ("InvalidDBInstanceStateFault", 400),
            ("", 409),
            ("", 412),
        ] {
            let class = classify(code, Some(status));
            assert_eq!(class, ErrorClass::Conflict, "{code} {status}");
        }
        for (code, class) in [
            ("InvalidChangeBatch", ErrorClass::Terminal),
            ("InvalidInput", ErrorClass::Terminal),
            ("InvalidParameterValue", ErrorClass::Terminal),
            ("LimitExceededException", ErrorClass::Terminal),
            ("PriorRequestNotComplete", ErrorClass::Throttled),
            ("ResourceContentionFault", ErrorClass::Throttled),
        ] {
            assert_eq!(classify(code, Some(400)), class, "{code}");
        }
    }
}
