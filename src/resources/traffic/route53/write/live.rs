//! Writes weights in one batch and asks whether a batch has spread. A batch holds every record set twice: DELETE as it was read, CREATE as it becomes;
//! Route 53 takes all of it or nothing, and nothing if anybody has changed a field. Must never use UPSERT, which overwrites.

use aws_sdk_route53::{
    Client,
    operation::change_resource_record_sets::ChangeResourceRecordSetsError as ChangeError,
    types::{
        AliasTarget, Change, ChangeAction, ChangeBatch, ChangeStatus, ResourceRecord,
        ResourceRecordSet, RrType,
    },
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};

use super::{messages, unsendable, was_changed};
use crate::{
    provider::{
        ask::{Ask, translate},
        write::Write,
    },
    resources::{
        Api, ErrorClass, ProviderError,
        change::{ApplyError, Receipt},
        traffic::{Record, change::RecordEdit},
    },
};

const CHANGE: &str = "route53:ChangeResourceRecordSets";
const SPREAD: &str = "route53:GetChange";
/// The longest comment that Route 53 takes.
const LONGEST_COMMENT: usize = 256;

/// Gives every record set its new weight. The reference of the receipt is the id of the batch.
pub async fn apply(write: &Write<'_>, records: &[RecordEdit]) -> Result<Receipt, ApplyError> {
    if let Some(why) = unsendable(records) {
        return Err(Write::refused(CHANGE, why));
    }
    let zone = records.first().map(|edit| edit.from.zone_id.clone());
    let batch = batch(write, records)
        .map_err(|error| Write::refused(CHANGE, format!("a record set lacks a field: {error}")))?;
    let client = Client::new(&write.config());
    let call = client
        .change_resource_record_sets()
        .set_hosted_zone_id(zone)
        .change_batch(batch)
        .send();
    write
        .send_judged(
            Api::Route53,
            call,
            |output| {
                let id = output.change_info.as_ref().map(|info| info.id.as_str())?;
                Some(id.trim_start_matches("/change/").to_owned())
            },
            judge,
        )
        .await
}

type BuildError = aws_sdk_route53::error::BuildError;

fn batch(write: &Write<'_>, records: &[RecordEdit]) -> Result<ChangeBatch, BuildError> {
    let of = |action: ChangeAction, record: &Record| {
        Change::builder()
            .action(action)
            .resource_record_set(set(record)?)
            .build()
    };
    let mut batch = ChangeBatch::builder().comment(
        write
            .idempotency()
            .chars()
            .take(LONGEST_COMMENT)
            .collect::<String>(),
    );
    for edit in records {
        batch = batch.changes(of(ChangeAction::Delete, &edit.from)?);
    }
    for edit in records {
        batch = batch.changes(of(ChangeAction::Create, &edit.after())?);
    }
    batch.build()
}

/// Every field of a weighted record set.
fn set(record: &Record) -> Result<ResourceRecordSet, BuildError> {
    // A record set without one is not sent at all: see `unsendable`.
    let weight = record.weight().map(i64::from);
    let values = record
        .values
        .iter()
        .map(|value| ResourceRecord::builder().value(value).build())
        .collect::<Result<Vec<_>, _>>()?;
    let alias = record.alias.as_ref().map(|alias| {
        AliasTarget::builder()
            .dns_name(&alias.dns_name)
            .hosted_zone_id(&alias.zone_id)
            .evaluate_target_health(alias.evaluate_target_health)
            .build()
    });
    ResourceRecordSet::builder()
        .name(&record.name)
        .r#type(RrType::from(record.record_type.as_str()))
        .set_set_identifier(record.set_identifier.clone())
        .set_weight(weight)
        .set_ttl(record.ttl.map(i64::from))
        .set_resource_records((!values.is_empty()).then_some(values))
        .set_alias_target(alias.transpose()?)
        .set_health_check_id(record.health_check_id.clone())
        .build()
}

/// `InvalidChangeBatch` says in its texts only whether somebody was faster or the batch itself is at fault, as with a protected record.
fn judge(error: &SdkError<ChangeError, HttpResponse>) -> ProviderError {
    let said = translate(CHANGE, error);
    let Some(texts) = texts(error) else {
        return said;
    };
    let text = texts.join("; ");
    let class = if was_changed(&text) {
        ErrorClass::Conflict
    } else {
        ErrorClass::Terminal
    };
    let text = format!("InvalidChangeBatch: {text}");
    ProviderError {
        class,
        message: text.chars().take(300).collect(),
        ..said
    }
}

/// What a refused batch says; `None` for any other error.
fn texts(error: &SdkError<ChangeError, HttpResponse>) -> Option<Vec<String>> {
    if let Some(ChangeError::InvalidChangeBatch(batch)) = error.as_service_error() {
        let texts = batch.messages();
        return Some(match texts {
            [] => batch.message.iter().cloned().collect(),
            texts => texts.to_vec(),
        });
    }
    let body = error.raw_response()?.body().bytes()?;
    messages(&String::from_utf8_lossy(body))
}

/// Whether a batch has reached every name server; `None`, and a problem noted, when we may not ask.
pub async fn spread(ask: &Ask<'_>, id: &str) -> Option<bool> {
    let client = Client::new(&ask.config);
    let call = client.get_change().id(id).send();
    match ask.call(Api::Route53, SPREAD, call).await {
        Ok(answer) => Some(
            answer
                .change_info
                .is_some_and(|info| info.status == ChangeStatus::Insync),
        ),
        Err(mut error) => {
            if error.class == ErrorClass::NotFound {
                error.message = format!(
                    "{}. After a failover of the Route 53 control plane, changes that were not copied are lost: look at the record sets and plan again",
                    error.message
                );
            }
            // What cannot be read now is not known to be there; what must not be read never will be.
            let told = match error.class {
                ErrorClass::NotFound
                | ErrorClass::Throttled
                | ErrorClass::Transient
                | ErrorClass::Timeout
                | ErrorClass::Unreachable
                | ErrorClass::Identity
                | ErrorClass::Skipped => Some(false),
                ErrorClass::Denied | ErrorClass::Conflict | ErrorClass::Terminal => None,
            };
            ask.problem(error);
            told
        }
    }
}

#[cfg(test)]
mod tests;
