//! Changes of pipelines: whether a stage lets anything in, and a stage that goes back to what it carried out well. Owns what is sent and how it is
//! recognised afterwards; never whether it is safe.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Execution, Pipeline, SUCCEEDED, Stage, find, short};
use crate::resources::{
    Api, Estate, Fleet, Place, RegionLabel, Source, Wanted,
    change::{self, Alter, Class, Edit, Lever, Standing},
    levers::Plane,
    traffic::quoted,
};

/// The longest reason that CodePipeline takes, and the characters besides letters and digits that may stand in it.
const LONGEST_REASON: usize = 300;
const IN_REASON: &str = "!@ ().*?-";

/// A stage of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct At {
    /// Region of the pipeline.
    pub region: RegionLabel,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Name of the stage.
    pub stage: String,
}

impl At {
    /// In words: `shop/Deploy-eu-west-1`.
    pub fn words(&self) -> String {
        format!("{}/{}", self.pipeline, self.stage)
    }

    /// The pipeline, as it is known.
    pub fn pipeline<'f>(&self, fleet: &'f Fleet) -> Option<&'f Pipeline> {
        find(fleet, &self.region, &self.pipeline)
    }

    /// The stage, as it is known.
    pub fn find<'f>(&self, fleet: &'f Fleet) -> Option<&'f Stage> {
        self.pipeline(fleet)?.stage(&self.stage)
    }

    fn arguments(&self, verb: &str) -> String {
        format!(
            "aws codepipeline {verb} --region {} --pipeline-name {} --stage-name {}",
            self.region,
            quoted(&self.pipeline),
            quoted(&self.stage)
        )
    }
}

/// Whether a stage lets anything in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "gate", rename_all = "kebab-case")]
pub enum Gate {
    /// It does.
    Open,
    /// It does not.
    Held {
        /// Why, as it stands at the stage.
        reason: String,
    },
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::Held { reason } if reason.is_empty() => f.write_str("held"),
            Self::Held { reason } => write!(f, "held: {reason}"),
        }
    }
}

/// A change of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// Opens or closes the way into a stage.
    Transition {
        /// Which.
        at: At,
        /// As it is expected.
        from: Gate,
        /// As it becomes.
        to: Gate,
    },
    /// Takes a stage back to an execution that it carried out well.
    RollBack {
        /// Which.
        at: At,
        /// The execution that the stage is expected to have.
        from: String,
        /// The execution that it goes back to.
        to: String,
        /// What that carries, for people.
        carries: String,
    },
}

/// A reason as CodePipeline takes it: what it does not allow becomes a full stop.
pub fn reason(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || IN_REASON.contains(c);
    let clean = text.chars().map(|c| if allowed(c) { c } else { '.' });
    clean.take(LONGEST_REASON).collect()
}

impl Change {
    /// Which stage it is about.
    pub fn at(&self) -> &At {
        match self {
            Self::Transition { at, .. } | Self::RollBack { at, .. } => at,
        }
    }

    /// What a stage says about it.
    pub fn of_stage(&self, stage: &Stage) -> Standing {
        match self {
            Self::Transition { at, from, to } => of_gate(at, stage, from, to),
            Self::RollBack { at, from, to, .. } => of_rollback(at, stage, from, to),
        }
    }

    /// The same of a rollback that another execution may be: one to another target is none of ours.
    fn of_pipeline(&self, pipeline: &Pipeline, stage: &Stage) -> Standing {
        let standing = self.of_stage(stage);
        let Self::RollBack { to, .. } = self else {
            return standing;
        };
        let ran = stage.latest.as_ref().filter(|ran| ran.is_rollback());
        let target = ran
            .and_then(|ran| pipeline.execution(&ran.execution))
            .map(Execution::target);
        match (target, standing) {
            (Some(Some(target)), Standing::After | Standing::Underway(_)) if target != to => {
                Standing::Other(format!(
                    "{} is rolled back to {}, not to {}",
                    self.at().words(),
                    short(target),
                    short(to)
                ))
            }
            (_, standing) => standing,
        }
    }
}

impl Execution {
    fn target(&self) -> Option<&str> {
        self.rolls_back_to.as_deref()
    }
}

fn of_gate(at: &At, stage: &Stage, from: &Gate, to: &Gate) -> Standing {
    let words = at.words();
    let reason = || stage.transition.reason.clone().unwrap_or_default();
    let seen = match stage.transition.enabled {
        None => return Standing::Unknown(format!("whether {words} is held is not told")),
        Some(true) => Gate::Open,
        Some(false) => Gate::Held { reason: reason() },
    };
    if seen == *to {
        return Standing::After;
    }
    if seen == *from {
        return Standing::Before;
    }
    Standing::Other(match stage.hold_words() {
        Some(held) => format!("{}: {held}", at.pipeline),
        None => format!("{words} is open already"),
    })
}

fn of_rollback(at: &At, stage: &Stage, from: &str, to: &str) -> Standing {
    let words = at.words();
    let Some(ran) = &stage.latest else {
        return Standing::Unknown(format!("{words} has never run"));
    };
    let id = short(&ran.execution);
    if ran.execution == from {
        return if ran.in_progress() {
            Standing::Underway(format!("{words} carries out {id} now"))
        } else {
            Standing::Before
        };
    }
    if !ran.is_rollback() {
        return Standing::Other(format!(
            "{words} has execution {id} now, not {}",
            short(from)
        ));
    }
    match ran.status.as_str() {
        SUCCEEDED => Standing::After,
        "InProgress" | "Stopping" => Standing::Underway(format!(
            "{words} goes back to {} by execution {id}",
            short(to)
        )),
        status => Standing::Other(format!("the rollback {id} of {words} is {status}")),
    }
}

impl Alter for Change {
    fn place(&self) -> Place {
        Place::Region(self.at().region.clone())
    }

    fn api(&self) -> Api {
        Api::CodePipeline
    }

    fn operation(&self) -> &'static str {
        match self {
            Self::Transition {
                to: Gate::Held { .. },
                ..
            } => "codepipeline:DisableStageTransition",
            Self::Transition { to: Gate::Open, .. } => "codepipeline:EnableStageTransition",
            Self::RollBack { .. } => "codepipeline:RollbackStage",
        }
    }

    fn lever(&self) -> Lever {
        Lever {
            name: "CodePipeline".to_owned(),
            plane: Plane::Control,
            home: self.place().to_string(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Transition { .. } => Class::S,
            Self::RollBack { .. } => Class::R,
        }
    }

    fn target(&self) -> String {
        let At {
            region,
            pipeline,
            stage,
        } = self.at();
        format!("codepipeline/{region}/{pipeline}/{stage}")
    }

    fn reads(&self, _estate: &Estate) -> Vec<(Source, Place)> {
        vec![(Source::Pipelines, self.place())]
    }

    fn wanted(&self) -> Wanted {
        Wanted::Named(vec![self.at().pipeline.clone()])
    }

    fn standing(&self, fleet: &Fleet) -> Standing {
        let at = self.at();
        let Some(pipeline) = at.pipeline(fleet) else {
            return Standing::Unknown(format!("pipeline {} is not listed", at.pipeline));
        };
        match pipeline.stage(&at.stage) {
            Some(stage) => self.of_pipeline(pipeline, stage),
            None if pipeline.stages.is_empty() => {
                Standing::Unknown(format!("the stages of {} were not read", at.pipeline))
            }
            None => Standing::Other(format!(
                "{} has no stage {} any more",
                at.pipeline, at.stage
            )),
        }
    }

    fn edits(&self) -> Vec<Edit> {
        match self {
            Self::Transition { at, from, to } => vec![Edit::new(at.words(), from, to)],
            Self::RollBack {
                at,
                from,
                to,
                carries,
            } => {
                let to = format!("{} {carries}", short(to));
                vec![Edit::new(at.words(), short(from), to.trim_end())]
            }
        }
    }

    fn inverse(&self) -> Result<change::Change, &'static str> {
        match self.clone() {
            Self::Transition { at, from, to } => Ok(change::Change::Pipelines(Self::Transition {
                at,
                from: to,
                to: from,
            })),
            Self::RollBack { .. } => Err(
                "a stage that went back goes forward again only by a new execution of its pipeline",
            ),
        }
    }

    fn commands(&self) -> Vec<String> {
        vec![match self {
            Self::Transition {
                at, to: Gate::Open, ..
            } => {
                format!(
                    "{} --transition-type Inbound",
                    at.arguments("enable-stage-transition")
                )
            }
            Self::Transition {
                at,
                to: Gate::Held { reason },
                ..
            } => format!(
                "{} --transition-type Inbound --reason {}",
                at.arguments("disable-stage-transition"),
                quoted(reason)
            ),
            Self::RollBack { at, to, .. } => {
                format!(
                    "{} --target-pipeline-execution-id {to}",
                    at.arguments("rollback-stage")
                )
            }
        }]
    }
}
