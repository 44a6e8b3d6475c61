//! Who we are in a region: STS `GetCallerIdentity`, the clock of the answer, the life of the credentials. Owns that translation; judges nothing.

use std::{
    sync::{Arc, Mutex},
    time::SystemTime,
};

use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_sts::config::Intercept;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::context::BeforeDeserializationInterceptorContextRef,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use jiff::Timestamp;

use super::{Identity, Region};
use crate::{
    provider::ask::Ask,
    resources::{Answer, Api, ErrorClass, ProviderError, Query, Rows},
};

const OPERATION: &str = "sts:GetCallerIdentity";

/// Asks STS in the region who we are.
pub async fn observe(ask: Ask<'_>, _query: &Query) -> Result<Answer, ProviderError> {
    let Some(label) = ask.place.region().cloned() else {
        let text = "an identity belongs to a region";
        return Err(ProviderError::new(ErrorClass::Terminal, OPERATION, text));
    };
    let clock = Clock::default();
    let client = aws_sdk_sts::Client::new(&ask.config);
    let call = client
        .get_caller_identity()
        .customize()
        .interceptor(clock.clone());
    let caller = ask.call(Api::Sts, OPERATION, call.send()).await?;
    let identity = Identity {
        account: caller.account.unwrap_or_default(),
        arn: caller.arn.unwrap_or_default(),
        clock_skew_seconds: clock.skew(),
        credentials_expire_at: expiry(&ask).await,
    };
    Ok(ask.answer(Rows::Regions(vec![Region {
        label,
        identity: Some(identity),
    }])))
}

/// When the credentials that have just signed a call expire. They are at hand, so nothing is asked.
async fn expiry(ask: &Ask<'_>) -> Option<Timestamp> {
    let credentials = ask.config.credentials_provider()?;
    let credentials = credentials.provide_credentials().await.ok()?;
    Timestamp::try_from(credentials.expiry()?).ok()
}

/// Notes when a call left, when its answer arrived, and what the answer says the time is.
#[derive(Debug, Clone, Default)]
struct Clock(Arc<Mutex<Reading>>);

#[derive(Debug, Default)]
struct Reading {
    sent: Option<Timestamp>,
    skew: Option<i64>,
}

impl Clock {
    fn skew(&self) -> Option<i64> {
        self.0.lock().ok()?.skew
    }
}

impl Intercept for Clock {
    fn name(&self) -> &'static str {
        "Clock"
    }

    fn read_before_transmit(
        &self,
        _context: &aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Ok(mut reading) = self.0.lock() {
            reading.sent = Timestamp::try_from(SystemTime::now()).ok();
        }
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Ok(mut reading) = self.0.lock() {
            let date = context.response().headers().get("date");
            reading.skew = date
                .zip(reading.sent)
                .and_then(|(date, sent)| skew(date, sent, Timestamp::now()));
        }
        Ok(())
    }
}

/// Seconds that the local clock is ahead of a `Date` header, for a call that lasted from `sent` to `received`.
/// `Date` has whole seconds and was written somewhere in between, so a second or the length of the call is no skew.
fn skew(date: &str, sent: Timestamp, received: Timestamp) -> Option<i64> {
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let server = parser.parse_timestamp(date).ok()?.as_second();
    let (earliest, latest) = (sent.as_second(), received.as_second());
    Some(if server + 1 < earliest {
        earliest - server
    } else if server > latest + 1 {
        latest - server
    } else {
        0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_ahead_behind_or_right() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let at = |second: i64| Timestamp::from_second(784_111_777 + second).unwrap();
        assert_eq!(skew(date, at(0), at(1)), Some(0));
        assert_eq!(skew(date, at(-4), at(3)), Some(0), "a slow answer");
        assert_eq!(skew(date, at(300), at(301)), Some(300));
        assert_eq!(skew(date, at(-301), at(-300)), Some(-300));
        assert_eq!(skew("yesterday", at(0), at(0)), None);
    }
}
