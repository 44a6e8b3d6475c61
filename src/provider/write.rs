//! One change sent to live AWS. Owns the rule that a write is sent once, and what a missing answer means; knows no kind.
//!
//! Reads before the write go through [`Ask`] and may be retried. The write itself has one attempt (domain B.0): the SDK would repeat
//! a call whose answer was lost, and what that call did is for the run to find out.

use std::{
    error::Error,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use aws_config::{SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_sts::operation::RequestId;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::ask::{Ask, translate};
use crate::{
    arm::ArmToken,
    resources::{
        Api, ErrorClass, ProviderError,
        change::{ApplyError, Fate, Receipt},
    },
};

/// The deadline of a change, the reads before it included.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// One change.
pub struct Write<'a> {
    /// For the reads before it.
    pub ask: Ask<'a>,
    token: &'a ArmToken,
    sent: AtomicBool,
}

impl<'a> Write<'a> {
    /// A change that has not been sent.
    pub fn new(ask: Ask<'a>, token: &'a ArmToken) -> Self {
        Self {
            ask,
            token,
            sent: AtomicBool::new(false),
        }
    }

    /// For APIs that recognise a repeated call.
    pub fn idempotency(&self) -> String {
        self.token.idempotency()
    }

    /// The configuration for the write itself: one attempt.
    pub fn config(&self) -> SdkConfig {
        Self::once(self.ask.config.clone())
    }

    /// The same in another AWS Region.
    pub fn config_in(&self, region: &'static str) -> SdkConfig {
        Self::once(self.ask.config_in(region))
    }

    fn once(config: SdkConfig) -> SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .operation_attempt_timeout(Duration::from_secs(10))
            .operation_timeout(Duration::from_secs(13))
            .build();
        config
            .into_builder()
            .retry_config(RetryConfig::standard().with_max_attempts(1))
            .timeout_config(timeouts)
            .build()
    }

    /// A read before the write that failed: nothing was sent.
    pub fn unsent(error: ProviderError) -> ApplyError {
        ApplyError {
            fate: Fate::NotSent,
            error,
        }
    }

    /// Sends the write; its answer becomes a receipt, whose reference `reference` finds.
    pub async fn send<T, E>(
        &self,
        api: Api,
        operation: &'static str,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        reference: impl FnOnce(&T) -> Option<String>,
    ) -> Result<Receipt, ApplyError>
    where
        T: RequestId,
        E: ProvideErrorMetadata + Error + 'static,
    {
        let call = Box::pin(call);
        // A write takes no turn: the budget paces our polls, and nothing may stand between a confirmation and its first call.
        self.ask.count(api);
        self.sent.store(true, Ordering::Relaxed);
        match call.await {
            Ok(output) => Ok(Receipt {
                request_id: output.request_id().map(ToOwned::to_owned),
                reference: reference(&output),
                calls: Default::default(),
            }),
            Err(error) => Err(ApplyError {
                fate: fate(&error),
                error: translate(operation, &error),
            }),
        }
    }

    /// What a change that has not ended at its deadline may have become.
    pub fn given_up(&self, operation: &str) -> ApplyError {
        let fate = if self.sent.load(Ordering::Relaxed) {
            Fate::InDoubt
        } else {
            Fate::NotSent
        };
        let text = format!("not finished within {} s", DEADLINE.as_secs());
        ApplyError {
            fate,
            error: ProviderError::new(ErrorClass::Timeout, operation, text),
        }
    }
}

/// Whether a failed call may have happened all the same.
fn fate<E>(error: &SdkError<E, HttpResponse>) -> Fate {
    match error {
        SdkError::ConstructionFailure(_) => Fate::NotSent,
        // A connection that was never made carried nothing. A reset after sending, or a time-out while waiting, may have.
        SdkError::DispatchFailure(failure) if never_connected(failure) => Fate::NotSent,
        // A success that cannot be read comes as a service error too: only an error status is a refusal.
        SdkError::ServiceError(context)
            if (400..500).contains(&context.raw().status().as_u16()) =>
        {
            Fate::Refused
        }
        // Server errors, which may come from a proxy in front of a service that did it; time-outs, answers that cannot be read, and whatever the SDK will add.
        _ => Fate::InDoubt,
    }
}

fn never_connected(failure: &aws_smithy_runtime_api::client::result::DispatchFailure) -> bool {
    failure.is_user()
        || failure
            .as_connector_error()
            .is_some_and(|error| error.is_io() && connect_refused(error))
}

/// Only what fails before the first byte: refused, no route, no name.
fn connect_refused(error: &(dyn Error + 'static)) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            use std::io::ErrorKind as Kind;
            if matches!(
                io.kind(),
                Kind::ConnectionRefused
                    | Kind::NetworkUnreachable
                    | Kind::HostUnreachable
                    | Kind::NotFound
            ) {
                return true;
            }
        }
        cause = error.source();
    }
    false
}
