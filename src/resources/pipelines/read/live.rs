//! One call each, and its translation: the list, the state, the definition and the executions of a pipeline. Owns that a word which we do not know stays text,
//! that a field which is missing is missing, and that the token of an approval is dropped here.

use aws_sdk_codepipeline::{
    Client,
    primitives::DateTime,
    types::{
        ActionDeclaration, ActionState, PipelineExecutionFilter, PipelineExecutionSummary,
        PipelineSummary, SourceRevision, StageExecution, StageState, SucceededInStageFilter,
    },
};
use jiff::Timestamp;

use super::super::{Action, Does, Execution, Pipeline, Ran, Revision, Stage, Transition};
use crate::{
    provider::{ask::Ask, paging::all_pages},
    resources::{Api, ProviderError},
};

/// The pipelines of a region.
pub const LIST: &str = "codepipeline:ListPipelines";
/// What a pipeline does.
pub const STATE: &str = "codepipeline:GetPipelineState";
/// What a pipeline is made of.
pub const DEFINITION: &str = "codepipeline:GetPipeline";
/// What a pipeline carried.
pub const EXECUTIONS: &str = "codepipeline:ListPipelineExecutions";

/// So many of the newest executions are read.
const NEWEST: i32 = 10;
/// So many that a stage carried out well are enough, and so many pages are looked through for them: rollbacks are none to go back to.
const GOOD: usize = 2;
const MOST_PAGES: usize = 3;

/// The keys of a configuration that name what an action deploys to. Whatever else it holds may be secret.
const TARGETS: &[&str] = &[
    "ClusterName",
    "ServiceName",
    "HelmReleaseName",
    "Namespace",
    "ApplicationName",
    "DeploymentGroupName",
    "EnvironmentName",
    "StackName",
    "FunctionName",
    "FunctionAlias",
    "BucketName",
    "ProjectName",
    "StateMachineArn",
];

/// The pipelines of the region, by what the list tells of each.
pub async fn list(ask: &Ask<'_>, client: &Client) -> Result<Vec<Pipeline>, ProviderError> {
    all_pages(LIST, |token| async move {
        let call = client.list_pipelines().set_next_token(token);
        let page = ask.call(Api::CodePipeline, LIST, call.send()).await?;
        let pipelines = page.pipelines.unwrap_or_default().into_iter();
        Ok((pipelines.filter_map(listed).collect(), page.next_token))
    })
    .await
}

fn listed(summary: PipelineSummary) -> Option<Pipeline> {
    Some(Pipeline {
        name: summary.name?,
        arn: None,
        version: summary.version.map(i64::from),
        pipeline_type: summary.pipeline_type.map(|one| one.as_str().to_owned()),
        execution_mode: summary.execution_mode.map(|one| one.as_str().to_owned()),
        updated: time(summary.updated),
        stages: Vec::new(),
        executions: Vec::new(),
        seen_at: None,
        unknown: Vec::new(),
    })
}

/// What each stage does now, without the definition of its actions.
pub async fn state(
    ask: &Ask<'_>,
    client: &Client,
    name: &str,
) -> Result<(Option<i64>, Vec<Stage>), ProviderError> {
    let call = client.get_pipeline_state().name(name);
    let answer = ask.call(Api::CodePipeline, STATE, call.send()).await?;
    let version = answer.pipeline_version.map(i64::from);
    let stages = answer.stage_states.unwrap_or_default();
    Ok((version, stages.into_iter().filter_map(stage).collect()))
}

fn stage(state: StageState) -> Option<Stage> {
    let transition = state.inbound_transition_state;
    let mut inbound: Vec<Ran> = state
        .inbound_executions
        .unwrap_or_default()
        .into_iter()
        .map(ran)
        .collect();
    // Pipelines in SUPERSEDED mode have one alone, told apart from the list.
    let alone = state.inbound_execution.map(ran);
    if let Some(alone) = alone.filter(|alone| {
        inbound
            .iter()
            .all(|known| known.execution != alone.execution)
    }) {
        inbound.push(alone);
    }
    let actions = state.action_states.unwrap_or_default();
    Some(Stage {
        name: state.stage_name?,
        transition: transition.map_or_else(Transition::default, |transition| Transition {
            enabled: Some(transition.enabled),
            reason: transition.disabled_reason,
            by: transition.last_changed_by,
            at: time(transition.last_changed_at),
        }),
        latest: state.latest_execution.map(ran),
        inbound,
        actions: actions.into_iter().filter_map(action).collect(),
        succeeded: None,
    })
}

fn ran(execution: StageExecution) -> Ran {
    Ran {
        execution: execution.pipeline_execution_id,
        status: execution.status.as_str().to_owned(),
        execution_type: execution.r#type.map(|one| one.as_str().to_owned()),
    }
}

fn action(state: ActionState) -> Option<Action> {
    let (entity, latest) = (state.entity_url, state.latest_execution);
    let name = state.action_name?;
    let Some(latest) = latest else {
        return Some(Action {
            name,
            status: None,
            summary: None,
            since: None,
            by: None,
            url: entity,
            percent: None,
            error: None,
            approval: false,
            does: None,
        });
    };
    let error = latest.error_details.map(|error| {
        let parts = [error.code, error.message];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join(": ")
    });
    Some(Action {
        name,
        status: latest.status.map(|status| status.as_str().to_owned()),
        summary: latest.summary,
        since: time(latest.last_status_change),
        by: latest.last_updated_by,
        url: latest.external_execution_url.or(entity),
        percent: latest.percent_complete,
        error: error.filter(|text| !text.is_empty()),
        // The token itself lets whoever has it approve: only that there is one is kept.
        approval: latest.token.is_some(),
        does: None,
    })
}

/// The definition of a pipeline: its ARN, its version and what its actions are.
pub struct Definition {
    /// ARN.
    pub arn: Option<String>,
    /// Version.
    pub version: Option<i64>,
    /// Stage, action, and what that is.
    pub actions: Vec<(String, String, Does)>,
}

/// The definition of a pipeline.
pub async fn definition(
    ask: &Ask<'_>,
    client: &Client,
    name: &str,
) -> Result<Definition, ProviderError> {
    let call = client.get_pipeline().name(name);
    let answer = ask.call(Api::CodePipeline, DEFINITION, call.send()).await?;
    let declared = answer.pipeline;
    let version = declared
        .as_ref()
        .and_then(|pipeline| pipeline.version)
        .map(i64::from);
    let stages = declared.map(|pipeline| pipeline.stages).unwrap_or_default();
    let actions = stages.into_iter().flat_map(|stage| {
        let name = stage.name;
        stage.actions.into_iter().filter_map(move |action| {
            let (action, does) = does(action)?;
            Some((name.clone(), action, does))
        })
    });
    Ok(Definition {
        arn: answer.metadata.and_then(|metadata| metadata.pipeline_arn),
        version,
        actions: actions.collect(),
    })
}

fn does(action: ActionDeclaration) -> Option<(String, Does)> {
    let kind = action.action_type_id?;
    let configuration = action.configuration.unwrap_or_default();
    let target = TARGETS.iter().filter_map(|key| {
        let value = configuration.get(*key)?;
        Some(((*key).to_owned(), value.clone()))
    });
    let does = Does {
        category: kind.category.as_str().to_owned(),
        provider: kind.provider,
        region: action.region,
        role: action.role_arn,
        target: target.collect(),
    };
    Some((action.name, does))
}

/// The newest executions of a pipeline.
pub async fn executions(
    ask: &Ask<'_>,
    client: &Client,
    name: &str,
) -> Result<Vec<Execution>, ProviderError> {
    let call = client
        .list_pipeline_executions()
        .pipeline_name(name)
        .max_results(NEWEST);
    let page = ask.call(Api::CodePipeline, EXECUTIONS, call.send()).await?;
    let all = page.pipeline_execution_summaries.unwrap_or_default();
    Ok(all.into_iter().filter_map(execution).collect())
}

/// The newest executions that a stage carried out well and can go back to: CodePipeline takes no rollback for that.
pub async fn succeeded(
    ask: &Ask<'_>,
    client: &Client,
    name: &str,
    stage: &str,
) -> Result<Vec<Execution>, ProviderError> {
    let in_stage = SucceededInStageFilter::builder().stage_name(stage).build();
    let filter = PipelineExecutionFilter::builder()
        .succeeded_in_stage(in_stage)
        .build();
    let (mut found, mut token) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let call = client
            .list_pipeline_executions()
            .pipeline_name(name)
            .filter(filter.clone())
            .max_results(NEWEST)
            .set_next_token(token.take());
        let page = ask.call(Api::CodePipeline, EXECUTIONS, call.send()).await?;
        let page_of = page.pipeline_execution_summaries.unwrap_or_default();
        let good = page_of.into_iter().filter_map(execution);
        found.extend(good.filter(|execution| !execution.is_rollback()));
        token = page.next_token.filter(|token| !token.is_empty());
        if found.len() >= GOOD || token.is_none() {
            break;
        }
    }
    Ok(found)
}

fn execution(summary: PipelineExecutionSummary) -> Option<Execution> {
    let trigger = summary.trigger.map(|trigger| {
        let by = trigger.trigger_detail.filter(|detail| !detail.is_empty());
        let kind = trigger.trigger_type.map(|kind| kind.as_str().to_owned());
        let parts: Vec<String> = kind.into_iter().chain(by).collect();
        parts.join(" by ")
    });
    let back = summary.rollback_metadata;
    Some(Execution {
        id: summary.pipeline_execution_id?,
        status: summary
            .status
            .map_or_else(|| "unknown".to_owned(), |status| status.as_str().to_owned()),
        summary: summary.status_summary,
        started: time(summary.start_time),
        updated: time(summary.last_update_time),
        revisions: summary
            .source_revisions
            .unwrap_or_default()
            .into_iter()
            .map(revision)
            .collect(),
        trigger: trigger.filter(|text| !text.is_empty()),
        execution_type: summary.execution_type.map(|one| one.as_str().to_owned()),
        rolls_back_to: back.and_then(|back| back.rollback_target_pipeline_execution_id),
        stopped: summary.stop_trigger.and_then(|stop| stop.reason),
    })
}

fn revision(revision: SourceRevision) -> Revision {
    Revision {
        action: revision.action_name,
        id: revision.revision_id,
        summary: revision.revision_summary.map(message),
        url: revision.revision_url,
    }
}

/// The message of a commit: what a connection to GitHub tells is JSON with the message inside.
fn message(summary: String) -> String {
    let inside = serde_json::from_str::<serde_json::Value>(&summary).ok();
    let inside = inside.and_then(|json| Some(json.get("CommitMessage")?.as_str()?.to_owned()));
    inside.unwrap_or(summary)
}

fn time(at: Option<DateTime>) -> Option<Timestamp> {
    Timestamp::from_second(at?.secs()).ok()
}
