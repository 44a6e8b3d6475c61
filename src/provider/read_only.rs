//! A provider that can only be asked. Owns the refusal of every change; `--read-only` pins it for the life of the process.

use std::sync::Arc;

use futures::{FutureExt, future::BoxFuture};

use super::Provider;
use crate::{
    arm::ArmToken,
    resources::{
        Answer, Change, ErrorClass, ProviderError, Query, Wanted,
        change::{Alter, ApplyError, Fate, Receipt},
    },
};

/// Wraps a provider so that it takes no change.
pub struct ReadOnly(pub Arc<dyn Provider>);

impl Provider for ReadOnly {
    fn observe(&self, mut query: Query) -> BoxFuture<'_, Result<Answer, ProviderError>> {
        // A rehearsal changes nothing, but it is a call that changes things for whoever reads the audit log.
        if query.wanted.rehearsal().is_some() {
            query.wanted = Wanted::Nothing;
        }
        self.0.observe(query)
    }

    fn apply(
        &self,
        _token: ArmToken,
        change: Change,
    ) -> BoxFuture<'_, Result<Receipt, ApplyError>> {
        async move {
            let text = "this console was started with --read-only";
            Err(ApplyError {
                fate: Fate::NotSent,
                error: ProviderError::new(ErrorClass::Denied, change.operation(), text),
            })
        }
        .boxed()
    }
}
