//! What a pipeline shows in its pane, its detail and status. Owns texts only; draws nothing.

use serde_json::json;

use super::{Action, Execution, Part, Pipeline, Ran, Stage, short, touch::target_words, who};
use crate::resources::{
    Fleet, Freshness, Place, Resource, Severity, Source, age,
    cell::{Cell, Column, Field, Show, coarse_age},
};

/// At 80 columns the first six fit, without the time where something is held.
const COLUMNS: &[Column] = &[
    Column::name("pipeline", 10, 28, 0),
    Column::name("stage", 19, 44, 0),
    Column::text("state", 6, 9, 0),
    Column::name("revision", 8, 14, 1),
    Column::number("since", 5, 2),
    Column::text("held", 12, 90, 0),
    Column::name("region", 6, 16, 4),
    Column::text("what stopped it", 16, 80, 3).shy(),
];

/// So many executions are told in the detail.
const TOLD: usize = 5;

impl Show for Pipeline {
    fn columns() -> &'static [Column] {
        COLUMNS
    }

    fn cells(&self, fleet: &Fleet, place: &Place) -> Vec<Cell> {
        let front = self.front();
        let judgement = self.judge(fleet, place);
        let seen = |cell: Cell| cell.severity(judgement.severity);
        let revision = self.at_front().and_then(Execution::revision);
        let why = front
            .failure()
            .filter(|_| judgement.severity == Severity::Bad);
        vec![
            Cell::text(&self.name),
            Cell::maybe(front.stage.map(|_| front.brief())),
            seen(Cell::text(front.state.word())),
            Cell::maybe(revision),
            Cell::since(front.since, fleet.now),
            self.held(),
            Cell::text(place.to_string()),
            Cell::maybe(why),
        ]
    }

    fn detail(&self, fleet: &Fleet, place: &Place) -> Vec<Field> {
        let judgement = self.judge(fleet, place);
        let front = self.front();
        let state = Cell::text(format!("{} {}", front.state.word(), front.words()))
            .severity(judgement.severity);
        let mut fields = vec![
            Field::text("pipeline", Some(&self.name)),
            Field::text("region", Some(place.to_string())),
            Field::new("state", state),
            Field::text(
                "why",
                Some(judgement.reason).filter(|reason| !reason.is_empty()),
            ),
            Field::new(
                "read",
                Cell::since(self.seen_at, fleet.now).seen(self.heard(fleet)),
            ),
            Field::text("mode", self.mode()),
            Field::text("version", self.version.map(|version| version.to_string())),
            Field::text("edited", self.updated.map(|at| at.to_string())),
        ];
        for part in &self.unknown {
            let text = format!("its {} could not be read", part.word());
            fields.push(Field::new(
                "not known",
                Cell::text(text).severity(Severity::Unknown),
            ));
        }
        for stage in &self.stages {
            fields.extend(self.stage_fields(fleet, place, stage));
        }
        for execution in self.executions.iter().take(TOLD) {
            fields.extend(execution.fields(fleet));
        }
        fields.push(Field::text("ARN", self.arn.as_deref()));
        fields
    }

    fn derived(&self, fleet: &Fleet, place: &Place) -> serde_json::Value {
        let front = self.front();
        let regions = self
            .stages
            .iter()
            .flat_map(|stage| self.regions(fleet, place, stage));
        let regions: std::collections::BTreeSet<_> = regions.collect();
        json!({
            "state": front.state.word(),
            "at": front.stage.map(|_| front.words()),
            "since": front.since,
            "held": self.stages.iter().filter(|stage| stage.held()).map(|stage| &stage.name).collect::<Vec<_>>(),
            "deploys_to": regions,
        })
    }

    fn freshness(&self, fleet: &Fleet, place: &Place) -> Option<Freshness> {
        Some(
            fleet
                .freshness(Source::Pipelines, place)
                .max(self.heard(fleet)),
        )
    }
}

impl Part {
    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Definition => "definition",
            Self::Executions => "executions",
        }
    }
}

impl Pipeline {
    /// What is at the place where it stands.
    fn at_front(&self) -> Option<&Execution> {
        let ran = self.front().stage.and_then(|stage| stage.latest.as_ref());
        ran.and_then(|ran| self.execution(&ran.execution))
    }

    /// `V2 QUEUED`.
    fn mode(&self) -> Option<String> {
        let parts = [
            self.pipeline_type.as_deref(),
            self.execution_mode.as_deref(),
        ];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    /// What is held, and why.
    fn held(&self) -> Cell {
        let mut held = self.stages.iter().filter_map(Stage::hold_words);
        let Some(first) = held.next() else {
            return Cell::none();
        };
        let text = match held.count() {
            0 => first,
            more => format!("{first}; and {more} more"),
        };
        Cell::text(text).severity(Severity::Warn)
    }

    fn stage_fields(&self, fleet: &Fleet, place: &Place, stage: &Stage) -> Vec<Field> {
        let (words, severity) = stage.latest.as_ref().map_or_else(
            || ("never ran".to_owned(), Severity::Ok),
            |ran| (ran.words(self), severity(&ran.status)),
        );
        let regions = self.regions(fleet, place, stage);
        let regions: Vec<&str> = regions
            .iter()
            .map(crate::resources::RegionLabel::as_str)
            .collect();
        let into = if regions.is_empty() {
            String::new()
        } else {
            format!("; changes {}", regions.join(", "))
        };
        let mut fields = vec![Field::new(
            &stage.name,
            Cell::text(format!("{words}{into}")).severity(severity),
        )];
        if let Some(held) = stage.hold_words() {
            let at = stage
                .transition
                .at
                .map(|at| format!(" ({})", at.strftime("%Y-%m-%d %H:%MZ")));
            let text = format!("{held}{}", at.unwrap_or_default());
            fields.push(Field::new(
                "  held",
                Cell::text(text).severity(Severity::Warn),
            ));
        }
        for waiting in &stage.inbound {
            fields.push(Field::text("  waits to go in", Some(waiting.words(self))));
        }
        fields.extend(stage.actions.iter().map(|action| action.field(fleet)));
        fields
    }
}

impl Ran {
    /// Status, execution and what that carries.
    fn words(&self, pipeline: &Pipeline) -> String {
        let execution = pipeline.execution(&self.execution);
        let execution = execution.map_or_else(|| short(&self.execution), Execution::words);
        let kind = if self.is_rollback() {
            ", a rollback"
        } else {
            ""
        };
        format!("{} {execution}{kind}", self.status)
    }
}

/// How bad a status is; a word that we do not know is not fine.
fn severity(status: &str) -> Severity {
    match status {
        "InProgress" | "Succeeded" | "Skipped" | "Superseded" | "Cancelled" => Severity::Ok,
        "Stopping" | "Stopped" | "Abandoned" => Severity::Warn,
        "Failed" => Severity::Bad,
        _ => Severity::Unknown,
    }
}

impl Action {
    /// What it is, what it does, and what it says.
    fn field(&self, fleet: &Fleet) -> Field {
        let status = self.status.as_deref().unwrap_or("never ran");
        let waits = self.approval && self.status.as_deref() == Some(super::IN_PROGRESS);
        let mut parts = vec![if waits {
            "waits for an approval".to_owned()
        } else {
            status.to_owned()
        }];
        parts.extend(
            self.percent
                .filter(|_| status == super::IN_PROGRESS)
                .map(|percent| format!("{percent}%")),
        );
        parts.extend(
            self.since
                .map(|at| format!("since {}", coarse_age(age(at, fleet.now)))),
        );
        parts.extend(self.does.as_ref().map(|does| {
            let region = does.region.as_deref().map(|region| format!(" in {region}"));
            let target = target_words(self);
            let target = if target.is_empty() {
                target
            } else {
                format!(": {target}")
            };
            format!(
                "{} by {}{}{target}",
                does.category,
                does.provider,
                region.unwrap_or_default()
            )
        }));
        parts.extend(self.by.as_deref().map(|by| format!("by {}", who(by))));
        parts.extend(self.error.clone().or_else(|| self.summary.clone()));
        parts.extend(self.url.clone());
        let severity = self.status.as_deref().map_or(Severity::Ok, severity);
        Field::new(
            format!("  {}", self.name),
            Cell::text(parts.join(", ")).severity(severity),
        )
    }
}

impl Execution {
    fn fields(&self, fleet: &Fleet) -> Vec<Field> {
        let mut parts = vec![self.status.clone()];
        parts.extend(self.execution_type.clone().filter(|_| self.is_rollback()));
        parts.extend(
            self.rolls_back_to
                .as_deref()
                .map(|to| format!("back to {}", short(to))),
        );
        parts.extend(
            self.started
                .map(|at| format!("started {}", coarse_age(age(at, fleet.now)))),
        );
        parts.extend(self.trigger.clone());
        parts.extend(self.summary.clone());
        parts.extend(self.stopped.as_deref().map(|why| format!("stopped: {why}")));
        let cell = Cell::text(parts.join(", ")).severity(severity(&self.status));
        let mut fields = vec![Field::new(format!("execution {}", short(&self.id)), cell)];
        for revision in &self.revisions {
            let parts = [
                revision.id.as_deref(),
                revision.summary.as_deref(),
                revision.url.as_deref(),
            ];
            let parts: Vec<&str> = parts.into_iter().flatten().collect();
            fields.push(Field::text(
                format!("  {}", revision.action),
                Some(parts.join(" ")),
            ));
        }
        fields
    }
}
