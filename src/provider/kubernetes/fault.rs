//! What went wrong between us and an API server, in the classes of the console. Owns the translation of kube's errors; retries nothing.

use std::time::Duration;

use kube::core::Status;

use crate::{
    provider::translate::chain,
    resources::{ErrorClass, ProviderError},
};

/// Characters of a message that are kept.
const MOST: usize = 240;

/// A failed call, with what decides how to go on.
#[derive(Debug, Clone)]
pub struct Fault {
    /// As it is shown.
    pub error: ProviderError,
    /// HTTP status, where the server answered.
    pub code: Option<u16>,
    /// How long the server asks us to wait.
    pub wait: Option<Duration>,
}

impl Fault {
    /// A fault that no server told us about.
    pub fn new(class: ErrorClass, operation: &str, message: &str) -> Self {
        Self {
            error: ProviderError::new(class, operation, shorten(message)),
            code: None,
            wait: None,
        }
    }

    /// What kube's client says.
    pub fn of(operation: &str, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::status(operation, status),
            kube::Error::Service(inner) => Self::connection(operation, &chain(inner.as_ref())),
            kube::Error::HyperError(inner) => Self::connection(operation, &chain(inner)),
            kube::Error::ReadEvents(inner) => Self::connection(operation, &chain(inner)),
            kube::Error::SerdeError(inner) => Self::new(
                ErrorClass::Terminal,
                operation,
                &format!("an answer that we cannot read: {inner}"),
            ),
            other => Self::new(ErrorClass::Terminal, operation, &chain(other)),
        }
    }

    /// What a server says.
    pub fn status(operation: &str, status: &Status) -> Self {
        let class = match status.code {
            401 => ErrorClass::Identity,
            403 => ErrorClass::Denied,
            404 => ErrorClass::NotFound,
            408 | 504 => ErrorClass::Timeout,
            409 | 410 => ErrorClass::Conflict,
            429 => ErrorClass::Throttled,
            500.. => ErrorClass::Transient,
            _ => ErrorClass::Terminal,
        };
        let seconds = status
            .details
            .as_ref()
            .map(|details| details.retry_after_seconds);
        let text = if status.message.is_empty() {
            format!("HTTP {} {}", status.code, status.reason)
        } else {
            status.message.clone()
        };
        Self {
            code: Some(status.code),
            wait: seconds
                .filter(|seconds| *seconds > 0)
                .map(|seconds| Duration::from_secs(u64::from(seconds))),
            ..Self::new(class, operation, &text)
        }
    }

    fn connection(operation: &str, text: &str) -> Self {
        let late = ["timed out", "deadline has elapsed", "timeout"];
        let class = if late.iter().any(|word| text.contains(word)) {
            ErrorClass::Timeout
        } else {
            ErrorClass::Unreachable
        };
        Self::new(class, operation, text)
    }

    /// Whether the version that we wanted to go on from is no longer kept: the list must be read again.
    pub fn gone(&self) -> bool {
        self.code == Some(410)
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(MOST).collect()
}
