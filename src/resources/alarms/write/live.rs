//! `DisableAlarmActions` and `EnableAlarmActions`, each after one more look at the alarms. Both pass over names that they do not know without a word,
//! so an alarm that is not listed stops the change; must never send on anything but what the change expects.

use aws_sdk_cloudwatch::Client;

use super::super::{Change, live::list};
use crate::{
    provider::write::Write,
    resources::{
        Api, ErrorClass, ProviderError,
        change::{Alter, ApplyError, Receipt},
    },
};

/// The most names that one call takes.
const MOST: usize = 100;

/// Reads once more and sends one change.
pub async fn apply(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    let Change::Actions { names, to, .. } = change;
    let operation = change.operation();
    if names.is_empty() || names.len() > MOST {
        let text = format!(
            "{} alarms in one call, which takes 1 to {MOST}",
            names.len()
        );
        let error = ProviderError::new(ErrorClass::Terminal, operation, text);
        return Err(Write::unsent(error));
    }
    let reads = Client::new(&write.ask.config);
    let seen = list(&write.ask, &reads, names).await;
    change
        .of_alarms(&seen.map_err(Write::unsent)?)
        .before_or_drifted(operation)?;
    let client = Client::new(&write.config());
    let names = Some(names.clone());
    if *to {
        let call = client.enable_alarm_actions().set_alarm_names(names);
        let sent = write.send(Api::CloudWatch, operation, call.send(), |_| None);
        sent.await
    } else {
        let call = client.disable_alarm_actions().set_alarm_names(names);
        let sent = write.send(Api::CloudWatch, operation, call.send(), |_| None);
        sent.await
    }
}

#[cfg(test)]
mod tests;
