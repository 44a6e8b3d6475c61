//! Where a pipeline stands, in one place and one word. Owns the order in which a failure, an approval, a run and a hold come first; judges no time.

use jiff::Timestamp;

use super::{Action, Part, Pipeline, Stage};

/// How a pipeline stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// A stage has failed.
    Failed,
    /// Somebody is stopping it.
    Stopping,
    /// Somebody stopped it.
    Stopped,
    /// Somebody has to approve.
    Waits,
    /// A stage is carried out.
    Runs,
    /// Nothing runs, and a stage lets nothing in.
    Held,
    /// Nothing runs, and what ran last went well.
    Done,
    /// It never ran.
    Idle,
    /// It cannot be told, or the API says a word that we do not know.
    Unknown(String),
}

impl State {
    /// In one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Waits => "waits",
            Self::Runs => "runs",
            Self::Held => "held",
            Self::Done => "done",
            Self::Idle => "idle",
            Self::Unknown(_) => "?",
        }
    }
}

/// Where a pipeline stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Front<'a> {
    /// How.
    pub state: State,
    /// At which stage.
    pub stage: Option<&'a Stage>,
    /// At which action.
    pub action: Option<&'a Action>,
    /// Since when.
    pub since: Option<Timestamp>,
}

impl Front<'_> {
    /// Stage and action: `Deploy-eu-west-1/Helm`.
    pub fn words(&self) -> String {
        let stage = self.stage.map_or("-", |stage| stage.name.as_str());
        match self.action {
            Some(action) => format!("{stage}/{}", action.name),
            None => stage.to_owned(),
        }
    }

    /// The same where a stage of one action needs no second name.
    pub fn brief(&self) -> String {
        match self.stage {
            Some(stage) if stage.actions.len() <= 1 => stage.name.clone(),
            Some(_) | None => self.words(),
        }
    }

    /// What the action says about its failure.
    pub fn failure(&self) -> Option<&str> {
        let action = self.action?;
        action.error.as_deref().or(action.summary.as_deref())
    }
}

/// The statuses of a stage that we know what to make of.
const KNOWN: &[&str] = &[
    "InProgress",
    "Succeeded",
    "Failed",
    "Stopping",
    "Stopped",
    "Cancelled",
    "Skipped",
];

impl Pipeline {
    /// Where it stands. A failure of the newest execution comes before what runs; that of an older one behind it, for a newer one is on its way.
    pub fn front(&self) -> Front<'_> {
        if self.seen_at.is_none() || self.unknown.contains(&Part::State) {
            return Front {
                state: State::Unknown("its state was not read".to_owned()),
                stage: None,
                action: None,
                since: None,
            };
        }
        let newest = self.executions.first().map(|newest| newest.id.as_str());
        let last = |status: &str| self.last(|stage| is(stage, status));
        let failed_now = self.last(|stage| is(stage, "Failed") && ran(stage) == newest);
        let strange = self
            .last(|stage| stage.latest.is_some() && !KNOWN.iter().any(|known| is(stage, known)));
        let waits = |stage: &&Stage| {
            let foremost = stage.foremost();
            foremost.is_some_and(|action| {
                action.approval && action.status.as_deref() == Some("InProgress")
            })
        };
        if let Some(stage) = failed_now {
            return Front::at(State::Failed, stage);
        }
        if let Some(stage) = last("Stopping") {
            return Front::at(State::Stopping, stage);
        }
        if let Some(stage) = last("InProgress") {
            let state = if waits(&stage) {
                State::Waits
            } else {
                State::Runs
            };
            return Front::at(state, stage);
        }
        if let Some(stage) = last("Failed") {
            return Front::at(State::Failed, stage);
        }
        if let Some(stage) = last("Stopped") {
            return Front::at(State::Stopped, stage);
        }
        if let Some(stage) = strange {
            let word = stage.latest.as_ref().map_or("", |ran| ran.status.as_str());
            let text = format!("{} is {word}, which this version does not know", stage.name);
            return Front::at(State::Unknown(text), stage);
        }
        if let Some(stage) = self.last(Stage::held) {
            return Front {
                state: State::Held,
                stage: Some(stage),
                action: None,
                since: stage.transition.at,
            };
        }
        match self.last(|stage| stage.latest.is_some()) {
            Some(stage) => Front::at(State::Done, stage),
            None => Front {
                state: State::Idle,
                stage: None,
                action: None,
                since: None,
            },
        }
    }

    fn last(&self, is: impl Fn(&Stage) -> bool) -> Option<&Stage> {
        self.stages.iter().rev().find(|stage| is(stage))
    }
}

fn is(stage: &Stage, status: &str) -> bool {
    stage
        .latest
        .as_ref()
        .is_some_and(|ran| ran.status == status)
}

fn ran(stage: &Stage) -> Option<&str> {
    stage.latest.as_ref().map(|ran| ran.execution.as_str())
}

impl<'a> Front<'a> {
    fn at(state: State, stage: &'a Stage) -> Self {
        let action = stage.foremost();
        Self {
            state,
            stage: Some(stage),
            action,
            since: action.and_then(|action| action.since),
        }
    }
}
