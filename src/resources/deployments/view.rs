//! What a deployment shows in its pane, its detail and status. Owns texts only; draws nothing.

use jiff::Timestamp;

use super::{
    Autoscaler, Deployment, Log, Part, Pod, Revision, Rollout, Warning, judge, signals,
    versions::Skew,
};
use crate::resources::{
    Fleet, Freshness, Place, Resource, Severity, Source,
    cell::{self, Cell, Column, Field, Show},
    clusters::{self, Cluster},
};

/// At 80 columns the first nine fit.
const COLUMNS: &[Column] = &[
    Column::name("service", 9, 28, 0),
    Column::name("region", 9, 16, 0),
    Column::name("version", 7, 16, 0),
    Column::numbers("skew", 3, 5, 1),
    Column::numbers("ready", 3, 7, 0),
    Column::text("roll-out", 9, 12, 0),
    Column::numbers("rst", 3, 4, 2),
    Column::numbers("hpa", 3, 7, 3),
    Column::numbers("nodes", 3, 7, 5),
    signals::COLUMNS[0],
    signals::COLUMNS[1],
    signals::COLUMNS[2],
    signals::COLUMNS[3],
    Column::text("owner", 4, 10, 5),
    Column::name("namespace", 7, 16, 6),
    Column::name("cluster", 7, 24, 7),
    Column::text("reason", 12, 80, 4),
];

/// Revisions and warnings in the detail.
const SHOWN: usize = 8;

impl Show for Deployment {
    fn columns() -> &'static [Column] {
        COLUMNS
    }

    fn cells(&self, fleet: &Fleet, place: &Place) -> Vec<Cell> {
        let judgement = self.judge(fleet, place);
        let replicas = &self.replicas;
        let ready = format!("{}/{}", replicas.ready, replicas.desired);
        let short = if replicas.ready >= replicas.desired {
            Severity::Ok
        } else if replicas.available <= 0 {
            Severity::Bad
        } else {
            Severity::Warn
        };
        let reason = judgement.reason.as_str();
        let [requests, errors, p95, canary] = self.measured(fleet, place);
        vec![
            Cell::text(&self.name),
            Cell::text(place.to_string()),
            Cell::maybe(self.main().map(super::Container::short)),
            skew(fleet.versions.skew(self)),
            Cell::number(f64::from(replicas.ready), ready).severity(short),
            self.standing(),
            self.restarts.map_or_else(Cell::unknown, |restarts| {
                Cell::number(f64::from(restarts), restarts.to_string())
            }),
            self.scaling(),
            self.nodes(fleet, place),
            requests,
            errors,
            p95,
            canary,
            Cell::maybe(self.owner.as_ref().map(|owner| owner.by.as_str())),
            Cell::text(&self.namespace),
            Cell::text(&self.cluster),
            Cell::maybe(Some(reason).filter(|reason| !reason.is_empty()))
                .severity(judgement.severity),
        ]
    }

    fn detail(&self, fleet: &Fleet, place: &Place) -> Vec<Field> {
        let replicas = &self.replicas;
        let pods = format!(
            "{} wanted, {} ready, {} available, {} of this revision, {} in all",
            replicas.desired, replicas.ready, replicas.available, replicas.updated, replicas.total
        );
        let mut fields = vec![
            Field::text("service", Some(format!("{}/{}", self.namespace, self.name))),
            Field::text("cluster", Some(&self.cluster)),
            Field::new("heard", Cell::since(self.heard_at, fleet.now)),
            Field::text("revision", self.revision.as_deref()),
            Field::new("roll-out", self.standing()),
            Field::text("pods", Some(pods)),
            Field::new("nodes ready", self.nodes(fleet, place)),
            Field::text("owner", self.owner.as_ref().map(super::Owner::sentence)),
            Field::text("elsewhere", elsewhere(fleet.versions.skew(self))),
        ];
        fields.extend(self.measured_fields(fleet, place));
        for container in &self.containers {
            let digest = container.known_digest().unwrap_or("digest not known");
            let image = container.image.split('@').next().unwrap_or_default();
            fields.push(Field::text(
                format!("image {}", container.name),
                Some(format!("{image} {digest}")),
            ));
        }
        fields.push(Field::new("autoscaler", self.autoscaling()));
        fields.push(Field::text("disruptions", self.disruptions()));
        fields.extend(self.conditions.iter().map(|condition| {
            let said = condition.message.as_deref().or(condition.reason.as_deref());
            let text = format!("{}: {}", condition.status, said.unwrap_or_default());
            Field::text(&condition.name, Some(text))
        }));
        fields.extend(self.happenings(fleet.now));
        fields
    }

    fn derived(&self, fleet: &Fleet, place: &Place) -> serde_json::Value {
        serde_json::json!({
            "rollout": self.standing().text,
            "skew": fleet.versions.skew(self),
            "signals": self.signals(fleet, place),
            "canary_percent": self.canary(fleet, place),
        })
    }

    fn freshness(&self, fleet: &Fleet, _place: &Place) -> Option<Freshness> {
        Some(self.heard(fleet))
    }
}

impl Deployment {
    /// The roll-out in a word or two.
    fn standing(&self) -> Cell {
        let cell = match self.rollout() {
            Rollout::Unseen => Cell::text("not seen"),
            Rollout::Failed => Cell::text("failed"),
            Rollout::Paused => Cell::text("paused"),
            Rollout::Moving { done, of } => Cell::text(format!("{done} of {of}")),
            Rollout::Short { .. } => Cell::text("short"),
            Rollout::Complete => Cell::text("complete"),
            Rollout::Asleep => Cell::text("asleep"),
        };
        cell.severity(judge::of_rollout(self).severity)
    }

    /// Ready nodes of its cluster.
    fn nodes(&self, fleet: &Fleet, place: &Place) -> Cell {
        let slice = fleet.clusters.slice(Source::Nodes, place);
        let rows = slice.into_iter().flat_map(|slice| &slice.rows);
        let mut nodes = rows.filter_map(|row| match row {
            Cluster::Nodes(nodes) => Some(nodes),
            Cluster::Eks(_) | Cluster::NodeGroup(_) | Cluster::ApiServer(_) => None,
        });
        let nodes = nodes.find(|nodes| nodes.cluster == self.cluster);
        nodes.map_or_else(Cell::unknown, |nodes| {
            clusters::view::ready(nodes).seen(nodes.heard(fleet))
        })
    }

    /// Pods of the most that its autoscaler may make.
    fn scaling(&self) -> Cell {
        match &self.autoscaler {
            Some(scaler) => {
                let text = format!("{}/{}", scaler.desired, scaler.max);
                Cell::number(f64::from(scaler.desired), text).severity(state(scaler))
            }
            None if self.unknown.contains(&Part::Autoscalers) => Cell::unknown(),
            None => Cell::none(),
        }
    }

    fn autoscaling(&self) -> Cell {
        let Some(scaler) = &self.autoscaler else {
            return self.absent(Part::Autoscalers);
        };
        let mut text = format!(
            "{}: {} to {} pods, wants {}, has {}",
            scaler.name, scaler.min, scaler.max, scaler.desired, scaler.current
        );
        for reason in [&scaler.limited, &scaler.inactive].into_iter().flatten() {
            text = format!("{text} ({reason})");
        }
        Cell::text(text).severity(state(scaler))
    }

    fn disruptions(&self) -> Option<String> {
        let Some(budget) = &self.budget else {
            let unknown = self.unknown.contains(&Part::Budgets);
            return unknown.then(|| "? (disruption budgets may not be read)".to_owned());
        };
        Some(format!(
            "{}: {} allowed, {} of at least {} pods healthy",
            budget.name, budget.allowed, budget.healthy, budget.required
        ))
    }

    /// Something that is not there, or may be there unread.
    fn absent(&self, part: Part) -> Cell {
        if self.unknown.contains(&part) {
            Cell::unknown()
        } else {
            Cell::none()
        }
    }

    /// Warnings, last lines of what crashed, pods and revisions, each a line.
    fn happenings(&self, now: Timestamp) -> Vec<Field> {
        let warnings = self.warnings.iter().take(SHOWN).map(|w| w.field(now));
        let pods = self.pods.iter().map(|pod| pod.field(now));
        let revisions = self.revisions.iter().take(SHOWN);
        let revisions = revisions.map(|revision| revision.field(now));
        let logs = self.logs.iter().flat_map(Log::fields);
        let mut fields: Vec<Field> = warnings.chain(logs).chain(pods).chain(revisions).collect();
        for part in &self.unknown {
            let text = "not read: no permission, or no answer yet";
            fields.push(Field::new(
                part.word(),
                Cell::text(text).severity(Severity::Unknown),
            ));
        }
        fields
    }
}

impl super::Owner {
    fn sentence(&self) -> String {
        let name = self.name.as_deref().map(|name| format!(" {name}"));
        let reverts = if self.reverts {
            "; it puts back what others change"
        } else {
            ""
        };
        format!("{}{}{reverts}", self.by, name.unwrap_or_default())
    }
}

impl Warning {
    fn field(&self, now: Timestamp) -> Field {
        let times = if self.count > 1 {
            format!(" ({} times)", self.count)
        } else {
            String::new()
        };
        let text = format!(
            "{} {}{times}: {}",
            ago(self.at, now),
            self.object,
            self.message
        );
        Field::new(&self.reason, Cell::text(text).severity(Severity::Warn))
    }
}

impl Log {
    /// How the run ended, and below it what it wrote last.
    fn fields(&self) -> Vec<Field> {
        let of = if self.previous {
            "the run before"
        } else {
            "this run"
        };
        let ended = format!(
            "{} {}, {of} ended with {}",
            self.pod, self.container, self.exit_code
        );
        let text = match &self.missing {
            Some(why) => format!("{ended}: {why}"),
            None if self.lines.is_empty() => format!("{ended} and wrote nothing"),
            None if self.cut => format!("{ended}; a part of its last lines:"),
            None => format!("{ended}; its last lines:"),
        };
        let severity = if self.missing.is_some() {
            Severity::Unknown
        } else {
            Severity::Warn
        };
        let mut fields = vec![Field::new("log", Cell::text(text).severity(severity))];
        let lines = self.lines.iter();
        fields.extend(lines.map(|line| Field::text("", Some(line.as_str()))));
        fields
    }
}

impl Pod {
    fn field(&self, now: Timestamp) -> Field {
        let state = match (&self.reason, self.ready) {
            (Some(reason), _) => reason.as_str(),
            (None, true) => "ready",
            (None, false) => self.phase.as_str(),
        };
        let restarts = match self.restarts {
            0 => String::new(),
            1 => ", 1 restart".to_owned(),
            many => format!(", {many} restarts"),
        };
        let old = if self.current { "" } else { ", older revision" };
        let node = self.node.as_deref().unwrap_or("no node");
        let age = ago(self.started_at, now);
        let severity = if self.reason.is_some() {
            Severity::Warn
        } else {
            Severity::Ok
        };
        let text = format!("{} {state}{restarts}{old}, {node}, {age}", self.name);
        Field::new("pod", Cell::text(text).severity(severity))
    }
}

impl Revision {
    fn field(&self, now: Timestamp) -> Field {
        let number = self
            .number
            .map_or("?".to_owned(), |number| number.to_string());
        let image = self.image.as_deref().unwrap_or("image not known");
        let age = ago(self.created_at, now);
        let pods = format!("{} of {} pods ready", self.ready, self.desired);
        Field::text(
            format!("revision {number}"),
            Some(format!("{image}, {pods}, {age}")),
        )
    }
}

fn ago(at: Option<Timestamp>, now: Timestamp) -> String {
    at.map_or_else(
        || "?".to_owned(),
        |at| cell::ago(crate::resources::age(at, now)),
    )
}

fn state(scaler: &Autoscaler) -> Severity {
    if scaler.exhausted() || scaler.inactive.is_some() {
        Severity::Warn
    } else {
        Severity::Ok
    }
}

/// `=` where every cluster runs the same, or else in how many this version runs.
fn skew(skew: Option<Skew>) -> Cell {
    match skew {
        None => Cell::none(),
        Some(skew) if skew.versions <= 1 => Cell::number(0.0, "="),
        Some(skew) => {
            let text = format!("{}/{}", skew.same, skew.of);
            Cell::number(skew.versions as f64, text).severity(Severity::Warn)
        }
    }
}

fn elsewhere(skew: Option<Skew>) -> Option<String> {
    let skew = skew?;
    Some(if skew.versions <= 1 {
        format!("all {} clusters run this version", skew.of)
    } else {
        format!(
            "{} of {} clusters run this version, of {} versions",
            skew.same, skew.of, skew.versions
        )
    })
}
