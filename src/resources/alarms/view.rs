//! What an alarm shows in its pane, its detail and status. Owns texts only; draws nothing.

use super::{Alarm, AlarmType};
use crate::resources::{
    Fleet, Place, Resource,
    cell::{Cell, Column, Field, Show},
};

const COLUMNS: &[Column] = &[
    Column::name("name", 12, 40, 0),
    Column::name("region", 6, 16, 0),
    Column::text("alarm", 5, 17, 0),
    Column::number("since", 5, 1),
    Column::text("type", 6, 9, 3),
    Column::name("metric", 8, 40, 4),
    Column::text("reason", 12, 80, 2),
];

impl Show for Alarm {
    fn columns() -> &'static [Column] {
        COLUMNS
    }

    fn cells(&self, fleet: &Fleet, place: &Place) -> Vec<Cell> {
        vec![
            Cell::text(&self.name),
            Cell::text(place.to_string()),
            Cell::text(&self.state).severity(self.judge(fleet, place).severity),
            Cell::since(self.since, fleet.now),
            Cell::text(self.alarm_type.name()),
            Cell::maybe(self.metric.as_deref()),
            Cell::maybe(self.reason.as_deref()),
        ]
    }

    fn detail(&self, fleet: &Fleet, place: &Place) -> Vec<Field> {
        let severity = self.judge(fleet, place).severity;
        let mut fields = vec![
            Field::text("name", Some(&self.name)),
            Field::new("state", Cell::text(&self.state).severity(severity)),
            Field::text("since", self.since.map(|at| at.to_string())),
            Field::new("for", Cell::since(self.since, fleet.now)),
            Field::text("reason", self.reason.as_deref()),
            Field::text("type", Some(self.alarm_type.name())),
            Field::new("actions run", Cell::flag(Some(self.actions_enabled))),
            Field::text("evaluation", self.evaluation.as_deref()),
            Field::text("metric", self.metric.as_deref()),
            Field::text("rule", self.rule.as_deref()),
        ];
        for (name, value) in &self.dimensions {
            fields.push(Field::text(format!("dimension {name}"), Some(value)));
        }
        for arn in &self.actions {
            fields.push(Field::text("action", Some(arn)));
        }
        fields.push(Field::text("ARN", self.arn.as_deref()));
        fields
    }
}

impl AlarmType {
    /// The word for a cell.
    pub fn name(self) -> &'static str {
        match self {
            Self::Metric => "metric",
            Self::Composite => "composite",
            Self::Alert => "alert",
        }
    }
}
