//! CodePipeline: which pipelines run, at which stage, with which revision, and what stopped them. Owns the model and what it means for a region;
//! must never hold the token of an approval, and knows no clock and no IO.

pub mod change;
mod front;
pub mod kept;
pub mod live;
pub mod read;
pub mod sim;
mod touch;
mod view;
pub mod write;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    change::{Change, Gate},
    front::{Front, State},
    touch::{Delivery, How, Underway, deliveries, underway},
};
use super::{
    Fleet, Freshness, Judgement, Limits, Place, RegionLabel, Resource, Severity, Source, age,
    cell::coarse_age,
};

/// After so many minutes an approval is one that nobody has noticed.
const APPROVAL_MINUTES: u64 = 30;
/// After so many minutes a stage that runs is one that hangs.
const STAGE_MINUTES: u64 = 60;

/// A pipeline as `ListPipelines`, `GetPipelineState`, `GetPipeline` and `ListPipelineExecutions` give it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pipeline {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: Option<String>,
    /// Version of its definition.
    pub version: Option<i64>,
    /// `V1`, `V2`, or a type not known yet.
    pub pipeline_type: Option<String>,
    /// `SUPERSEDED`, `QUEUED`, `PARALLEL`.
    pub execution_mode: Option<String>,
    /// When its definition was last edited.
    pub updated: Option<Timestamp>,
    /// Its stages, in their order.
    pub stages: Vec<Stage>,
    /// Its newest executions, newest first.
    pub executions: Vec<Execution>,
    /// When its state was read: with many pipelines each has its turn.
    pub seen_at: Option<Timestamp>,
    /// What could not be read.
    pub unknown: Vec<Part>,
}

/// A part of a pipeline that one call tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What each stage does.
    State,
    /// What its actions are, and in which regions.
    Definition,
    /// Which revisions its executions have.
    Executions,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Name.
    pub name: String,
    /// The way into it.
    pub transition: Transition,
    /// What it carries out, or did last.
    pub latest: Option<Ran>,
    /// What waits to go in.
    pub inbound: Vec<Ran>,
    /// Its actions.
    pub actions: Vec<Action>,
    /// Executions that it carried out well, newest first, as far as they were read.
    pub succeeded: Option<Vec<Execution>>,
}

/// The way into a stage.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Transition {
    /// Whether it is open; `None` where that is not told.
    pub enabled: Option<bool>,
    /// Why it is closed.
    pub reason: Option<String>,
    /// Who opened or closed it last.
    pub by: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
}

/// An execution in a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// Id of the execution.
    pub execution: String,
    /// `InProgress`, `Succeeded`, `Failed`, `Stopping`, `Stopped`, `Cancelled`, `Skipped`, or a word not known yet.
    pub status: String,
    /// `STANDARD`, `ROLLBACK`.
    pub execution_type: Option<String>,
}

/// An action of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Name.
    pub name: String,
    /// `InProgress`, `Succeeded`, `Failed`, `Abandoned`; `None` before it ever ran.
    pub status: Option<String>,
    /// What it says about itself.
    pub summary: Option<String>,
    /// Since when it has that status.
    pub since: Option<Timestamp>,
    /// Who changed it last: who approved.
    pub by: Option<String>,
    /// Where more can be read.
    pub url: Option<String>,
    /// Percent, while it runs.
    pub percent: Option<i32>,
    /// Code and message of what failed.
    pub error: Option<String>,
    /// Whether somebody has to approve.
    pub approval: bool,
    /// The definition of it, where that was read.
    pub does: Option<Does>,
}

/// What an action is, by the definition of its pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Does {
    /// `Source`, `Build`, `Deploy`, `Test`, `Invoke`, `Approval`, `Compute`.
    pub category: String,
    /// `CodeDeploy`, `ECS`, `EKS`, `CloudFormation`, `Lambda` …
    pub provider: String,
    /// Its AWS Region, where that is not the pipeline's own.
    pub region: Option<String>,
    /// The role that it takes.
    pub role: Option<String>,
    /// What it deploys to, as its configuration names it: cluster, service, release, application, stack, function.
    pub target: Vec<(String, String)>,
}

/// An execution of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Id.
    pub id: String,
    /// `InProgress`, `Succeeded`, `Failed`, `Stopping`, `Stopped`, `Superseded`, `Cancelled`, or a word not known yet.
    pub status: String,
    /// What is said about that.
    pub summary: Option<String>,
    /// When it started.
    pub started: Option<Timestamp>,
    /// When it last changed.
    pub updated: Option<Timestamp>,
    /// What it carries.
    pub revisions: Vec<Revision>,
    /// What started it: `Webhook by arn:…`.
    pub trigger: Option<String>,
    /// `STANDARD`, `ROLLBACK`.
    pub execution_type: Option<String>,
    /// The execution that a rollback goes back to.
    pub rolls_back_to: Option<String>,
    /// Why it was stopped.
    pub stopped: Option<String>,
}

/// A revision of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The source action.
    pub action: String,
    /// Commit, object version, image digest.
    pub id: Option<String>,
    /// Commit message.
    pub summary: Option<String>,
    /// Where it can be read.
    pub url: Option<String>,
}

/// A rollback, by the word of the API.
pub const ROLLBACK: &str = "ROLLBACK";
/// Carried out now, by the word of the API.
pub const IN_PROGRESS: &str = "InProgress";
/// Carried out well, by the word of the API.
pub const SUCCEEDED: &str = "Succeeded";

impl Ran {
    /// Whether it is carried out now.
    pub fn in_progress(&self) -> bool {
        self.status == IN_PROGRESS
    }

    /// Whether it takes the stage back to what it had.
    pub fn is_rollback(&self) -> bool {
        self.execution_type.as_deref() == Some(ROLLBACK)
    }
}

impl Execution {
    /// Whether it takes a stage back to what it had.
    pub fn is_rollback(&self) -> bool {
        self.execution_type.as_deref() == Some(ROLLBACK)
    }

    /// What it carries, in few characters: the beginning of a commit, or the id of what it is.
    pub fn revision(&self) -> Option<String> {
        let id = self.revisions.iter().find_map(|one| one.id.as_deref())?;
        Some(short(id))
    }

    /// The same with the first line of its message.
    pub fn words(&self) -> String {
        let id = short(&self.id);
        let revision = self.revision();
        let message = self.revisions.iter().find_map(|one| one.summary.as_deref());
        let message = message.and_then(|message| message.lines().next());
        match (revision, message) {
            (Some(revision), Some(message)) => format!("{id} ({revision} {message})"),
            (Some(revision), None) => format!("{id} ({revision})"),
            (None, _) => id,
        }
    }
}

/// A commit, a digest or an execution id by its first eight characters; what is short already as it is.
pub fn short(id: &str) -> String {
    let bare = id.rsplit_once("sha256:").map_or(id, |(_, digest)| digest);
    let hexadecimal = |c: char| c.is_ascii_hexdigit() || c == '-';
    if bare.chars().count() > 16 && bare.chars().all(hexadecimal) {
        bare.chars().take(8).collect()
    } else {
        bare.to_owned()
    }
}

impl Stage {
    /// Whether it carries something out now.
    pub fn in_progress(&self) -> bool {
        self.latest.as_ref().is_some_and(Ran::in_progress)
    }

    /// Whether nothing goes in.
    pub fn held(&self) -> bool {
        self.transition.enabled == Some(false)
    }

    /// Who holds it and why, where somebody does.
    pub fn hold_words(&self) -> Option<String> {
        let transition = Some(&self.transition).filter(|_| self.held())?;
        let by = transition.by.as_deref().map(who);
        let by = by.map_or_else(String::new, |by| format!(" by {by}"));
        let reason = transition.reason.as_deref().unwrap_or("no reason given");
        Some(format!("{} held{by}: {reason}", self.name))
    }

    /// The action that says most about it now: what failed, what runs, what ran last.
    pub fn foremost(&self) -> Option<&Action> {
        let with = |status: &str| {
            let mut actions = self.actions.iter();
            actions.find(|action| action.status.as_deref() == Some(status))
        };
        with("Failed")
            .or_else(|| with(IN_PROGRESS))
            .or_else(|| self.actions.iter().max_by_key(|action| action.since))
    }
}

/// The end of an ARN of a user or a role: `deployer`, `on-call/kim`.
pub fn who(arn: &str) -> &str {
    arn.split_once('/').map_or(arn, |(_, name)| name)
}

impl Pipeline {
    /// A stage by its name.
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.name == name)
    }

    /// An execution by its id, where it is among those that were read.
    pub fn execution(&self, id: &str) -> Option<&Execution> {
        let of_stages = self.stages.iter().flat_map(|stage| &stage.succeeded);
        let mut all = self.executions.iter().chain(of_stages.flatten());
        all.find(|execution| execution.id == id)
    }

    /// How much what is known of it can be trusted: each pipeline is read in its turn.
    pub fn heard(&self, fleet: &Fleet) -> Freshness {
        let turn = if self.moves() { 1 } else { ROUND };
        let interval = fleet.interval(Source::Pipelines) * turn;
        Limits::for_interval(interval).judge(self.seen_at, fleet.now)
    }

    /// Whether it belongs to those that are read in every poll.
    pub fn moves(&self) -> bool {
        let busy = |stage: &Stage| {
            let going = |ran: &Ran| ran.in_progress() || ran.status == "Stopping";
            stage.latest.as_ref().is_some_and(going) || !stage.inbound.is_empty()
        };
        self.stages.iter().any(busy)
    }
}

/// A pipeline that does not run is read once in so many polls at most, where there are many.
pub const ROUND: u32 = 10;

/// A pipeline in a region.
pub fn find<'f>(fleet: &'f Fleet, region: &RegionLabel, name: &str) -> Option<&'f Pipeline> {
    let place = Place::Region(region.clone());
    let slice = fleet.pipelines.slice(Source::Pipelines, &place)?;
    slice.rows.iter().find(|row| row.name == name)
}

impl Resource for Pipeline {
    fn key(&self) -> String {
        self.name.clone()
    }

    fn judge(&self, fleet: &Fleet, _place: &Place) -> Judgement {
        let front = self.front();
        let minutes = front.since.map(|at| age(at, fleet.now).as_secs() / 60);
        let for_long = |limit| minutes.is_some_and(|minutes| minutes >= limit);
        let place = front.words();
        let long = || {
            let since = front.since.map(|at| coarse_age(age(at, fleet.now)));
            since.unwrap_or_default()
        };
        match &front.state {
            State::Unknown(why) => Judgement::new(Severity::Unknown, why.clone()),
            State::Failed => Judgement::new(
                Severity::Bad,
                match front.failure() {
                    Some(why) => format!("{place} failed: {why}"),
                    None => format!("{place} failed"),
                },
            ),
            State::Stopped => Judgement::new(Severity::Warn, format!("{place} was stopped")),
            State::Stopping => Judgement::new(Severity::Warn, format!("{place} is being stopped")),
            State::Waits if for_long(APPROVAL_MINUTES) => {
                let text = format!("{place} waits for an approval for {}", long());
                Judgement::new(Severity::Warn, text)
            }
            State::Runs if for_long(STAGE_MINUTES) => {
                let text = format!("{place} has been running for {}", long());
                Judgement::new(Severity::Warn, text)
            }
            State::Held | State::Waits | State::Runs | State::Done | State::Idle => {
                let mut held = self.stages.iter().filter_map(Stage::hold_words);
                match held.next() {
                    Some(text) => Judgement::new(Severity::Warn, text),
                    None => Judgement::ok(),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
