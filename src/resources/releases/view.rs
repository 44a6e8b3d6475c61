//! What a release shows on the board, in its detail and status. Owns texts only; draws nothing.

use super::{Evidence, Release, Stage, State, soak::left};
use crate::resources::{
    Fleet, Freshness, Place, Resource, Severity, Source,
    cell::{Cell, Column, Field, Show, coarse_age, milliseconds, percent, rate},
    id::zone_prefix,
    pipelines,
};

/// At 80 columns the first four fit: what the gate says of the selected row stands below them.
const COLUMNS: &[Column] = &[
    Column::name("service", 9, 24, 0),
    Column::text("release", 14, 24, 0),
    Column::text("stages", 19, 60, 0),
    Column::text("now", 19, 40, 0),
    Column::text("gate", 28, 90, 1),
    Column::name("namespace", 7, 16, 4),
    Column::text("next", 28, 90, 2),
];

impl Show for Release {
    fn columns() -> &'static [Column] {
        COLUMNS
    }

    fn cells(&self, fleet: &Fleet, place: &Place) -> Vec<Cell> {
        let judgement = self.judge(fleet, place);
        let seen = |cell: Cell| cell.severity(judgement.severity);
        vec![
            Cell::text(&self.name),
            Cell::text(self.versions()),
            Cell::text(self.marks()),
            seen(Cell::text(self.now())),
            seen(self.gate()),
            Cell::text(&self.namespace),
            Cell::maybe(self.next_words()),
        ]
    }

    fn detail(&self, fleet: &Fleet, _place: &Place) -> Vec<Field> {
        let order: Vec<&str> = self
            .stages
            .iter()
            .map(|stage| stage.region.as_str())
            .collect();
        let mut fields = vec![
            Field::text("service", Some(self.key())),
            Field::text("release", Some(&self.version)),
            Field::text("replaces", self.stable.as_deref()),
            Field::text("order", Some(order.join(" > "))),
            Field::text(
                "soak",
                Some(format!("{} min in each region", self.soak_minutes)),
            ),
        ];
        for stage in &self.stages {
            fields.extend(stage.fields(fleet, (&self.namespace, &self.name)));
        }
        for region in &self.outside {
            let text = "has the service and is not in the order of [rollout]";
            fields.push(Field::text(region.to_string(), Some(text)));
        }
        fields.push(Field::text("next", self.next_words()));
        fields
    }

    fn derived(&self, _fleet: &Fleet, _place: &Place) -> serde_json::Value {
        serde_json::json!({
            "finished": self.finished(),
            "next": self.next().map(|stage| &stage.region),
            "now": self.now(),
        })
    }

    fn sources(&self, fleet: &Fleet) -> Vec<(Source, Place)> {
        let regions = self.stages.iter().map(|stage| &stage.region);
        let places = regions.chain(&self.outside).cloned().map(Place::Region);
        let of = |place: Place| {
            let measured = if fleet.estate.measures_services(&place) {
                Source::Prometheus
            } else {
                Source::Metrics
            };
            let all = [Source::Deployments, Source::Rollouts, measured];
            all.map(|source| (source, place.clone()))
        };
        let asked =
            |(source, place): &(Source, Place)| fleet.estate.places(*source).contains(place);
        places.flat_map(of).filter(asked).collect()
    }

    fn freshness(&self, _fleet: &Fleet, _place: &Place) -> Option<Freshness> {
        self.stages.iter().map(|stage| stage.freshness).max()
    }
}

impl Release {
    /// `v2.15.0 ← v2.14.3`, in characters that every terminal has.
    fn versions(&self) -> String {
        match self.stable.as_deref().filter(|_| !self.finished()) {
            Some(stable) => format!("{} < {stable}", self.version),
            None => self.version.clone(),
        }
    }

    /// One mark and a short name for each region, in their order.
    fn marks(&self) -> String {
        let mark = |stage: &Stage| format!("{}{}", stage.state.mark(), short(stage));
        let marks: Vec<String> = self.stages.iter().map(mark).collect();
        marks.join(" ")
    }

    /// What happens now, and where.
    fn now(&self) -> String {
        if self.finished() {
            return "done everywhere".to_owned();
        }
        let Some(stage) = self.foremost() else {
            return match self.next() {
                Some(next) => format!("{} is next", short(next)),
                None => "done".to_owned(),
            };
        };
        let region = short(stage);
        match &stage.state {
            State::Soaking { left_seconds } => format!("soaks {region}, {}", left(*left_seconds)),
            // Its mark among the stages says that it rolls out.
            State::RollingOut { how_far } => format!("{region}: {how_far}"),
            State::Held { .. } => format!("HELD {region}"),
            State::Unknown { .. } => format!("unknown {region}"),
            State::Breached { .. } => format!("BREACHED {region}"),
            State::NotYet | State::Done => region,
        }
    }

    /// What the gate says, with the evidence.
    fn gate(&self) -> Cell {
        let Some(stage) = self.foremost().or_else(|| self.last_done()) else {
            return Cell::none();
        };
        if self.finished() {
            return Cell::none();
        }
        Cell::text(match (&stage.state, &stage.evidence) {
            (State::Breached { why } | State::Unknown { why } | State::Held { why }, _) => {
                why.clone()
            }
            (State::Soaking { .. } | State::Done, Some(evidence)) => {
                format!("holds: {}", evidence.words())
            }
            (State::Soaking { .. } | State::Done, None) => "no minute is measured yet".to_owned(),
            (State::NotYet | State::RollingOut { .. }, _) => return Cell::none(),
        })
    }

    fn last_done(&self) -> Option<&Stage> {
        let mut stages = self.stages.iter().rev();
        stages.find(|stage| stage.state == State::Done)
    }

    /// Which region is next, or what holds it up.
    fn next_words(&self) -> Option<String> {
        let next = self.next()?;
        let held = self.held_up_before(&next.region);
        let to = format!("advance to {}", next.region);
        Some(match held.first() {
            Some(why) => format!("{to} waits: {why}"),
            None => match &next.state {
                State::Held { why } => format!("{to} waits: {why}"),
                State::RollingOut { .. } if next.promotable => {
                    format!("advance promotes it in {}", next.region)
                }
                State::RollingOut { how_far } => format!("{} rolls out: {how_far}", next.region),
                State::NotYet
                | State::Soaking { .. }
                | State::Done
                | State::Unknown { .. }
                | State::Breached { .. } => match next.reverting() {
                    Some(by) => format!("{to} in {by}: it puts back what others change"),
                    None => to,
                },
            },
        })
    }
}

/// A region in the fewest characters that still name it.
fn short(stage: &Stage) -> String {
    let name = zone_prefix(stage.region.as_str());
    name.unwrap_or_else(|| stage.region.to_string())
}

impl Stage {
    /// Who would put an edit back here.
    fn reverting(&self) -> Option<String> {
        let owner = self.owner.as_ref().filter(|owner| owner.reverts)?;
        Some(match &owner.name {
            Some(name) => format!("{} {name}", owner.by),
            None => owner.by.clone(),
        })
    }

    /// The pipelines that deploy the service here, each with how that is known.
    fn deliveries(&self, fleet: &Fleet, (namespace, name): (&str, &str)) -> Vec<Field> {
        let place = Place::Region(self.region.clone());
        let rows = fleet.deployments.at(&place);
        let rows =
            rows.filter(|row| (row.namespace.as_str(), row.name.as_str()) == (namespace, name));
        let found = rows.flat_map(|row| pipelines::deliveries(fleet, &self.region, row));
        let field = |delivery: pipelines::Delivery<'_>| {
            let held = delivery.stage.and_then(pipelines::Stage::hold_words);
            let held = held.map_or_else(String::new, |held| format!("; {held}"));
            let text = format!("{}: {}{held}", delivery.words(), delivery.by);
            let severity = if held.is_empty() {
                Severity::Ok
            } else {
                Severity::Warn
            };
            Field::new("  pipeline", Cell::text(text).severity(severity))
        };
        found.map(field).collect()
    }

    fn fields(&self, fleet: &Fleet, name: (&str, &str)) -> Vec<Field> {
        let region = self.region.to_string();
        let severity = self.state.severity();
        let mut text = format!("{} {}", self.state.word(), self.runs);
        match &self.state {
            State::Soaking { left_seconds } => text = format!("{text}, {}", left(*left_seconds)),
            State::RollingOut { how_far } => text = format!("{text}, {how_far}"),
            State::Held { why } | State::Unknown { why } | State::Breached { why } => {
                text = format!("{text}: {why}");
            }
            State::NotYet | State::Done => {}
        }
        if let Some(since) = self.since {
            let age = coarse_age(crate::resources::age(since, fleet.now));
            text = format!(
                "{text}; complete since {} ({age})",
                since.strftime("%Y-%m-%d %H:%MZ")
            );
        }
        let state = Cell::text(text).severity(severity).seen(self.freshness);
        let mut fields = vec![Field::new(region, state)];
        if let Some(evidence) = &self.evidence {
            let text = format!("{}, {}", evidence.of, evidence.words());
            fields.push(Field::new("  gate", Cell::text(text).severity(severity)));
        }
        if let Some(sender) = &self.sender {
            let text = format!("{sender} sends it out");
            fields.push(Field::text("  by", Some(text)));
        }
        fields.extend(self.deliveries(fleet, name));
        if let Some(by) = self.reverting() {
            let text = format!("{by} puts back what others change: release it there");
            let owner = Cell::text(text).severity(Severity::Ok);
            fields.push(Field::new("  owner", owner));
        }
        fields
    }
}

impl Evidence {
    /// `0.05% (stable 0.04%), p95 131ms (stable 120ms), 8412 req in 12 min`.
    pub fn words(&self) -> String {
        let beside = |text: Option<String>| {
            text.map_or_else(String::new, |text| format!(" (stable {text})"))
        };
        let errors = beside(self.stable.map(|(errors, _)| percent(errors)));
        let latency = match self.p95_ms {
            None => String::new(),
            Some(p95) => {
                let stable = self.stable.and_then(|(_, p95)| p95).map(milliseconds);
                format!(", p95 {}{}", milliseconds(p95), beside(stable))
            }
        };
        format!(
            "{}{errors}{latency}, {} req in {} min",
            percent(self.error_percent()),
            rate(self.requests),
            self.minutes
        )
    }
}
