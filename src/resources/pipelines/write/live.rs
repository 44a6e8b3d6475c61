//! `DisableStageTransition`, `EnableStageTransition` and `RollbackStage`, each after one more look at the pipeline: none of them has a token of its own.
//! Must never send on anything but what the change expects.

use aws_sdk_codepipeline::{
    Client, operation::rollback_stage::RollbackStageError, types::StageTransitionType,
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};

use super::super::{
    Change, Gate,
    change::At,
    read::live::{STATE, state},
    short,
};
use crate::{
    provider::{ask::translate, write::Write},
    resources::{
        Api, ErrorClass, ProviderError,
        change::{Alter, ApplyError, Receipt},
    },
};

const EXECUTION: &str = "codepipeline:GetPipelineExecution";
const ROLL_BACK: &str = "codepipeline:RollbackStage";

/// Reads once more and sends one change.
pub async fn apply(write: &Write<'_>, change: &Change) -> Result<Receipt, ApplyError> {
    let (at, operation) = (change.at(), change.operation());
    let reads = Client::new(&write.ask.config);
    let (version, stages) = state(&write.ask, &reads, &at.pipeline)
        .await
        .map_err(Write::unsent)?;
    let Some(stage) = stages.iter().find(|stage| stage.name == at.stage) else {
        let text = format!("{} has no stage {}", at.pipeline, at.stage);
        let error = ProviderError::new(ErrorClass::NotFound, STATE, text);
        return Err(Write::unsent(error));
    };
    change.of_stage(stage).before_or_drifted(operation)?;
    match change {
        Change::Transition { at, to, .. } => gate(write, at, to, operation).await,
        Change::RollBack { at, to, .. } => {
            same_definition(write, &reads, at, to, version).await?;
            roll_back(write, at, to).await
        }
    }
}

async fn gate(
    write: &Write<'_>,
    at: &At,
    to: &Gate,
    operation: &'static str,
) -> Result<Receipt, ApplyError> {
    let client = Client::new(&write.config());
    let inbound = StageTransitionType::Inbound;
    match to {
        Gate::Held { reason } if reason.is_empty() => Err(Write::refused(
            operation,
            "a hold without a reason, which CodePipeline does not take",
        )),
        Gate::Held { reason } => {
            let call = client
                .disable_stage_transition()
                .pipeline_name(&at.pipeline)
                .stage_name(&at.stage)
                .transition_type(inbound)
                .reason(reason);
            write
                .send(Api::CodePipeline, operation, call.send(), |_| None)
                .await
        }
        Gate::Open => {
            let call = client
                .enable_stage_transition()
                .pipeline_name(&at.pipeline)
                .stage_name(&at.stage)
                .transition_type(inbound);
            write
                .send(Api::CodePipeline, operation, call.send(), |_| None)
                .await
        }
    }
}

/// CodePipeline goes back only to an execution of the definition that it has now: better told before than by a refusal.
async fn same_definition(
    write: &Write<'_>,
    reads: &Client,
    at: &At,
    to: &str,
    now: Option<i64>,
) -> Result<(), ApplyError> {
    let call = reads
        .get_pipeline_execution()
        .pipeline_name(&at.pipeline)
        .pipeline_execution_id(to);
    let answer = write
        .ask
        .call(Api::CodePipeline, EXECUTION, call.send())
        .await;
    let answer = answer.map_err(Write::unsent)?;
    let then = answer
        .pipeline_execution
        .and_then(|execution| execution.pipeline_version)
        .map(i64::from);
    match (then, now) {
        (Some(then), Some(now)) if then != now => Err(ApplyError::drifted(
            ROLL_BACK,
            format!(
                "{} ran with version {then} of {}, which has version {now} now: a stage goes back only within one",
                short(to),
                at.pipeline
            ),
        )),
        _ => Ok(()),
    }
}

async fn roll_back(write: &Write<'_>, at: &At, to: &str) -> Result<Receipt, ApplyError> {
    let client = Client::new(&write.config());
    let call = client
        .rollback_stage()
        .pipeline_name(&at.pipeline)
        .stage_name(&at.stage)
        .target_pipeline_execution_id(to);
    write
        .send_judged(Api::CodePipeline, call.send(), |_| None, refusal)
        .await
}

/// What a refused rollback means: the API has one error for three causes.
fn refusal(error: &SdkError<RollbackStageError, HttpResponse>) -> ProviderError {
    let translated = translate(ROLL_BACK, error);
    let Some(RollbackStageError::UnableToRollbackStageException(_)) = error.as_service_error()
    else {
        return translated;
    };
    let why = "the stage runs now, the pipeline was edited since that execution, or that is none to go back to";
    ProviderError {
        class: ErrorClass::Conflict,
        message: format!("{} ({why})", translated.message),
        ..translated
    }
}
