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
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::RequestId;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{
    ask::Ask,
    translate::{find, translate},
};
use crate::{
    arm::ArmToken,
    resources::{
        Api, ErrorClass, ProviderError,
        change::{ApplyError, Fate, Receipt},
    },
};

/// The deadline of a change, the reads before it included: two rounds of the five endpoints of a recovery cluster fit into it.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// The deadline of a rehearsal: it only tells in advance what the change itself will be told.
pub const REHEARSAL: Duration = Duration::from_secs(8);

/// What gives the right to call an API that changes things.
enum Right<'a> {
    /// An armed console and a written intention.
    Armed(&'a ArmToken),
    /// The API is told to keep nothing.
    Rehearsal,
}

/// One change.
pub struct Write<'a> {
    /// For the reads before it.
    pub ask: Ask<'a>,
    right: Right<'a>,
    sent: AtomicBool,
}

impl<'a> Write<'a> {
    /// A change that has not been sent.
    pub fn new(ask: Ask<'a>, token: &'a ArmToken) -> Self {
        Self {
            ask,
            right: Right::Armed(token),
            sent: AtomicBool::new(false),
        }
    }

    /// A change that is only rehearsed. Where an API cannot do that, nothing is sent.
    pub fn rehearsal(ask: Ask<'a>) -> Self {
        Self {
            ask,
            right: Right::Rehearsal,
            sent: AtomicBool::new(false),
        }
    }

    /// Whether nothing of it may be kept.
    pub(super) fn rehearses(&self) -> bool {
        matches!(self.right, Right::Rehearsal)
    }

    /// For APIs that recognise a repeated call.
    pub fn idempotency(&self) -> String {
        match self.right {
            Right::Armed(token) => token.idempotency(),
            Right::Rehearsal => "pilothouse-rehearsal".to_owned(),
        }
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

    /// A change that cannot be sent as it is: nothing was sent, and sending it again will not mend it.
    pub fn refused(operation: &str, why: impl Into<String>) -> ApplyError {
        Self::unsent(ProviderError::new(ErrorClass::Terminal, operation, why))
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
        self.send_judged(api, call, reference, |error| translate(operation, error))
            .await
    }

    /// The same for an API whose errors say more than their code: `judge` translates them.
    pub async fn send_judged<T, E>(
        &self,
        api: Api,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        reference: impl FnOnce(&T) -> Option<String>,
        judge: impl FnOnce(&SdkError<E, HttpResponse>) -> ProviderError,
    ) -> Result<Receipt, ApplyError>
    where
        T: RequestId,
        E: Error + 'static,
    {
        let call = Box::pin(call);
        if self.rehearses() {
            let text = "this API rehearses nothing";
            let error = ProviderError::new(ErrorClass::Skipped, api.name(), text);
            return Err(Self::unsent(error));
        }
        // A write takes no turn: the budget paces our polls, and nothing may stand between a confirmation and its first call.
        self.sending(api);
        match call.await {
            Ok(output) => Ok(Receipt {
                request_id: output.request_id().map(ToOwned::to_owned),
                reference: reference(&output),
                calls: Default::default(),
            }),
            Err(error) => Err(ApplyError {
                fate: fate(&error),
                error: judge(&error),
            }),
        }
    }

    /// A write that the SDK does not make is sent now.
    pub(super) fn sending(&self, api: Api) {
        self.ask.count(api);
        self.sent.store(true, Ordering::Relaxed);
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
fn fate<E>(error: &SdkError<E, HttpResponse>) -> Fate
where
    E: Error + 'static,
{
    match error {
        SdkError::ConstructionFailure(_) => Fate::NotSent,
        SdkError::DispatchFailure(_) if never_left(error) => Fate::NotSent,
        SdkError::ServiceError(context)
            if (400..500).contains(&context.raw().status().as_u16()) =>
        {
            Fate::Refused
        }
        // A server error may come from a proxy in front of a service that did it; a success that cannot be read is one;
        // a reset or a time-out tells nothing; nor does whatever the SDK will add.
        _ => Fate::InDoubt,
    }
}

/// Whether it failed before the first byte of the call: no credentials to sign it, or no connection (name, refused, TLS, no answer to the first packet).
/// A connection that was made and then lost may have carried it.
fn never_left(error: &(dyn Error + 'static)) -> bool {
    find::<CredentialsError>(error).is_some()
        || find::<hyper_util::client::legacy::Error>(error)
            .is_some_and(hyper_util::client::legacy::Error::is_connect)
}

#[cfg(test)]
mod tests;
