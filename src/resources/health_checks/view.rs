//! What a health check shows in its pane, its detail and status. Owns texts only; draws nothing.

use serde_json::json;

use super::{HealthCheck, healthy, percentage_key, status_key};
use crate::resources::{
    Fleet, Place, Severity,
    cell::{Cell, Column, Field, Show},
};

/// A check that needs longer than this to flip cannot meet the detection goal (domain 0.2, 0.3 row 2).
const DETECTION_GOAL_SECONDS: u32 = 30;
/// Route 53 calls a target healthy above this share of checkers, in percent.
const HEALTHY_ABOVE: f64 = 18.0;

const COLUMNS: &[Column] = &[
    Column::name("target", 16, 60, 0),
    Column::text("health", 6, 9, 0),
    Column::number("checkers", 7, 1),
    Column::number("detect", 5, 2),
    Column::text("type", 5, 18, 3),
    Column::name("id", 8, 36, 4),
];

impl Show for HealthCheck {
    fn columns() -> &'static [Column] {
        COLUMNS
    }

    fn cells(&self, fleet: &Fleet, place: &Place) -> Vec<Cell> {
        vec![
            Cell::text(&self.target),
            health(self, fleet),
            checkers(self, fleet, place),
            detection(self),
            Cell::text(&self.check_type),
            Cell::text(&self.id),
        ]
    }

    fn detail(&self, fleet: &Fleet, place: &Place) -> Vec<Field> {
        let interval = self.interval_seconds.map(|seconds| format!("{seconds}s"));
        let mut fields = vec![
            Field::text("id", Some(&self.id)),
            Field::text("target", Some(&self.target)),
            Field::text("type", Some(&self.check_type)),
            Field::new("health", health(self, fleet)).with_series(status_key(&self.id)),
            Field::new("checkers that agree", checkers(self, fleet, place))
                .with_series(percentage_key(&self.id)),
            Field::new("detects within", detection(self)),
            Field::text("interval", interval),
            Field::text(
                "failure threshold",
                self.failure_threshold.map(|times| times.to_string()),
            ),
            Field::new("inverted", Cell::flag(Some(self.inverted))),
            Field::new("disabled", Cell::flag(Some(self.disabled))),
            Field::text("routing control", self.routing_control_arn.as_deref()),
            Field::text("version", self.version.map(|version| version.to_string())),
        ];
        for child in &self.children {
            let cell = Cell::text(word(healthy(fleet, child)));
            fields.push(Field::new(format!("child {child}"), cell));
        }
        fields
    }

    fn derived(&self, fleet: &Fleet, place: &Place) -> serde_json::Value {
        json!({
            "healthy": healthy(fleet, &self.id),
            "healthy_checkers_percent": fleet.reading(place, &percentage_key(&self.id)),
            "detection_seconds": self.detection_seconds(),
        })
    }
}

fn word(healthy: Option<bool>) -> &'static str {
    match healthy {
        Some(true) => "healthy",
        Some(false) => "failing",
        None => "?",
    }
}

/// Its state has the freshness of the metric that tells it, except where the configuration decides.
fn health(check: &HealthCheck, fleet: &Fleet) -> Cell {
    if check.disabled {
        return Cell::text("disabled").severity(Severity::Warn);
    }
    let state = healthy(fleet, &check.id);
    let severity = match state {
        Some(true) => Severity::Ok,
        Some(false) => Severity::Bad,
        None => return Cell::unknown(),
    };
    let cell = Cell::text(word(state)).severity(severity);
    let reading = fleet.reading(&Place::Global, &status_key(&check.id));
    match reading.usable() {
        Some(_) => cell.seen(reading.freshness()),
        None => cell,
    }
}

fn checkers(check: &HealthCheck, fleet: &Fleet, place: &Place) -> Cell {
    // Checks on other checks, alarms and controls have no checkers.
    if check.interval_seconds.is_none() {
        return Cell::none();
    }
    let reading = fleet.reading(place, &percentage_key(&check.id));
    Cell::reading(
        reading,
        |value| format!("{value:.0}%"),
        |value| {
            if value <= HEALTHY_ABOVE {
                Severity::Bad
            } else if value < 90.0 {
                Severity::Warn
            } else {
                Severity::Ok
            }
        },
    )
}

fn detection(check: &HealthCheck) -> Cell {
    check
        .detection_seconds()
        .map_or_else(Cell::none, |seconds| {
            let severity = if seconds > DETECTION_GOAL_SECONDS {
                Severity::Warn
            } else {
                Severity::Ok
            };
            Cell::number(f64::from(seconds), format!("{seconds}s")).severity(severity)
        })
}
