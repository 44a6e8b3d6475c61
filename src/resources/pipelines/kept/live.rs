//! What the polls of a region know of its pipelines, and whose turn it is. Owns the share of the budget that a poll takes, and that what moves comes first; asks nobody.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use tokio::time::Instant;

use super::super::{Does, Execution, Pipeline, Ran};

/// States read in one poll: at 30 s between polls half of the budget of two calls a second.
pub const MOST_STATES: usize = 30;
/// Of these for pipelines that move, so that the others are not forgotten while many do.
const MOST_MOVING: usize = 20;
/// A pipeline in which something happened so lately is read in every poll.
const LATELY: Duration = Duration::from_secs(1_800);

/// What the polls of a region know of its pipelines.
#[derive(Debug, Default)]
pub struct Kept(Mutex<BTreeMap<String, Known>>);

/// What is known of a pipeline.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its row, without what was read at other times.
    pub row: Pipeline,
    /// When its state was asked last, whatever came back.
    pub asked: Option<Instant>,
    /// When a stage was last seen to have moved.
    pub moved: Option<Instant>,
    /// Which version the definition is of.
    pub defined: Option<Option<i64>>,
    /// Stage, action, and what that is.
    pub actions: Vec<(String, String, Does)>,
    /// What the stages had when the executions were read.
    pub listed: Option<Vec<Option<Ran>>>,
    /// What each stage had when what it carried out well was read.
    pub succeeded: BTreeMap<String, (Option<Ran>, Vec<Execution>)>,
}

impl Known {
    fn new(row: Pipeline) -> Self {
        Self {
            row,
            asked: None,
            moved: None,
            defined: None,
            actions: Vec::new(),
            listed: None,
            succeeded: BTreeMap::new(),
        }
    }

    /// What each stage has.
    pub fn ran(&self) -> Vec<Option<Ran>> {
        self.row
            .stages
            .iter()
            .map(|stage| stage.latest.clone())
            .collect()
    }

    fn moves(&self) -> bool {
        self.row.moves() || self.moved.is_some_and(|at| at.elapsed() < LATELY)
    }

    /// What is still to be asked of it.
    fn wants(&self) -> Vec<Detail> {
        if self.row.seen_at.is_none() {
            return Vec::new();
        }
        let mut wants = Vec::new();
        if self.defined != Some(self.row.version) {
            wants.push(Detail::Definition);
        }
        if self.listed.as_ref() != Some(&self.ran()) {
            wants.push(Detail::Executions);
        }
        // Only V2 pipelines go back, and a source stage never does.
        if self.row.pipeline_type.as_deref() != Some("V1") {
            let old = |name: &str, latest: &Option<Ran>| {
                self.succeeded
                    .get(name)
                    .is_none_or(|(known, _)| known != latest)
            };
            let stages = self.row.stages.iter().skip(1);
            let stages = stages.filter(|stage| {
                stage.latest.is_some() && !stage.in_progress() && old(&stage.name, &stage.latest)
            });
            wants.extend(stages.map(|stage| Detail::Succeeded(stage.name.clone())));
        }
        wants
    }

    /// The row with everything that was read at other times.
    fn whole(&self) -> Pipeline {
        let mut row = self.row.clone();
        for stage in &mut row.stages {
            stage.succeeded = self
                .succeeded
                .get(&stage.name)
                .map(|(_, good)| good.clone());
            for action in &mut stage.actions {
                let known = self
                    .actions
                    .iter()
                    .find(|(of, name, _)| *of == stage.name && *name == action.name);
                action.does = known.map(|(_, _, does)| does.clone());
                action.approval |= action
                    .does
                    .as_ref()
                    .is_some_and(|does| does.category == "Approval");
            }
        }
        row
    }
}

/// A detail that is asked only when it may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// What its actions are.
    Definition,
    /// What it carries.
    Executions,
    /// What a stage carried out well.
    Succeeded(String),
}

impl Kept {
    /// Has a look at it, or changes it.
    pub fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<String, Known>) -> T) -> Option<T> {
        self.0.lock().ok().map(|mut known| act(&mut known))
    }

    /// Takes a list in: what is gone is forgotten, what is new has its turn.
    pub fn listed(&self, rows: Vec<Pipeline>) {
        self.with(|known| {
            known.retain(|name, _| rows.iter().any(|row| row.name == *name));
            for row in rows {
                let entry = known
                    .entry(row.name.clone())
                    .or_insert_with(|| Known::new(row.clone()));
                entry.row.pipeline_type = row.pipeline_type;
                entry.row.execution_mode = row.execution_mode;
                entry.row.updated = row.updated;
                entry.row.version = row.version;
            }
        });
    }

    /// Whose state is read now: what moves, then what was never read, then what was read longest ago.
    pub fn due(&self) -> Vec<String> {
        let due = self.with(|known| {
            let mut all: Vec<(&String, &Known)> = known.iter().collect();
            all.sort_by_key(|(_, known)| known.asked);
            let (moving, still): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|(_, known)| known.moves());
            let moving = moving.into_iter().take(MOST_MOVING);
            let due = moving.chain(still).take(MOST_STATES);
            due.map(|(name, _)| name.clone()).collect()
        });
        due.unwrap_or_default()
    }

    /// What else is asked of some pipelines, those that move first.
    pub fn details(&self, of: Option<&[String]>) -> Vec<(String, Detail)> {
        let details = self.with(|known| {
            let chosen = known
                .iter()
                .filter(|(name, _)| of.is_none_or(|of| of.contains(name)));
            let mut all: Vec<(&String, &Known)> = chosen.collect();
            all.sort_by_key(|(_, known)| !known.moves()); // stable
            let wants = all.into_iter().flat_map(|(name, known)| {
                known
                    .wants()
                    .into_iter()
                    .map(|detail| (name.clone(), detail))
            });
            let mut wants: Vec<(String, Detail)> = wants.collect();
            // Which region it touches and what it carries come before what it can go back to.
            wants.sort_by_key(|(_, detail)| matches!(detail, Detail::Succeeded(_))); // stable
            wants
        });
        details.unwrap_or_default()
    }

    /// Every pipeline, with everything that was read of it.
    pub fn rows(&self) -> Vec<Pipeline> {
        let rows = self.with(|known| known.values().map(Known::whole).collect());
        rows.unwrap_or_default()
    }
}
