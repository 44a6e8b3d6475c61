//! What can go wrong when an API is asked. Owns the classes of domain B.0; must never carry a secret or a raw response body.

use serde::{Deserialize, Serialize};

/// Why a read or a change did not give an answer, by what the operator should do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The API asked us to slow down.
    Throttled,
    /// A server error that may pass (HTTP 5xx, temporarily unavailable).
    Transient,
    /// No answer within the deadline.
    Timeout,
    /// The connection could not be made (DNS, refused, TLS).
    Unreachable,
    /// The caller lacks the permission.
    Denied,
    /// No, expired or wrong credentials, or a clock that is off.
    Identity,
    /// The thing asked for is not there.
    NotFound,
    /// Somebody or something else is acting: what was expected no longer holds.
    Conflict,
    /// Anything else that asking again will not mend.
    Terminal,
    /// The circuit breaker is open: we did not ask.
    Skipped,
}

impl ErrorClass {
    /// One or two words for a cell.
    pub fn word(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Transient => "server error",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Denied => "denied",
            Self::Identity => "credentials",
            Self::NotFound => "not found",
            Self::Conflict => "conflict",
            Self::Terminal => "error",
            Self::Skipped => "skipped",
        }
    }
}

/// What was attempted, what came back, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{operation}: {} ({message})", class.word())]
pub struct ProviderError {
    /// The class, which decides the reaction.
    pub class: ErrorClass,
    /// The API operation as AWS or Kubernetes names it, with its service: `rds:DescribeDBClusters`.
    pub operation: String,
    /// The error code and text that came back, shortened; may contain hostile characters, so it is cleaned where it is drawn.
    pub message: String,
    /// The request id for a support case, where the answer had one.
    pub request_id: Option<String>,
}

impl ProviderError {
    /// An error of a class, from an operation, with a message.
    pub fn new(
        class: ErrorClass,
        operation: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            class,
            operation: operation.into(),
            message: message.into(),
            request_id: None,
        }
    }

    /// What the operator can do about it, in one sentence.
    pub fn advice(&self) -> &'static str {
        let prometheus = self.operation.starts_with("prometheus:");
        match self.class {
            ErrorClass::Transient | ErrorClass::Timeout if prometheus => {
                "retried by itself; look at the Prometheus and at what stands before it if it lasts"
            }
            ErrorClass::Unreachable if prometheus => {
                "check `url` of [prometheus], and `ca_file` where its certificate is refused; retried by itself"
            }
            ErrorClass::Denied if prometheus => "ask who runs this Prometheus to let us query it",
            ErrorClass::Identity if prometheus => {
                "check the token or the password that [prometheus] names; it is read for every call"
            }
            ErrorClass::Throttled => {
                "polling slows down by itself; look for other users of this API"
            }
            ErrorClass::Transient | ErrorClass::Timeout => {
                "retried by itself; check the AWS Health Dashboard if it lasts"
            }
            ErrorClass::Unreachable => {
                "check DNS, proxy and the endpoint override; retried by itself"
            }
            ErrorClass::Denied => {
                "add the permission to the role; `pilothouse doctor` lists what is missing"
            }
            ErrorClass::Identity => {
                "log in again or fix the profile; credentials are re-read in place"
            }
            ErrorClass::NotFound => "check the name in pilothouse.toml",
            ErrorClass::Conflict => {
                "somebody else is acting: look at what is there now, and plan again"
            }
            ErrorClass::Terminal => "see the message; `pilothouse doctor` may tell more",
            ErrorClass::Skipped => "asked again when the circuit breaker closes",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_about_a_prometheus_is_not_what_to_do_about_aws() {
        let advice = |operation: &str, class| ProviderError::new(class, operation, "").advice();
        for class in [
            ErrorClass::Denied,
            ErrorClass::Identity,
            ErrorClass::Timeout,
            ErrorClass::Transient,
            ErrorClass::Unreachable,
        ] {
            let told = advice("prometheus:QueryRange", class);
            assert_ne!(told, advice("rds:DescribeDBClusters", class));
            assert!(!told.contains("AWS") && !told.contains("profile"), "{told}");
        }
        let class = ErrorClass::Throttled;
        assert_eq!(advice("prometheus:Query", class), advice("rds:X", class));
    }
}
