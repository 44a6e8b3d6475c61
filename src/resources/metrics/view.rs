//! What a series shows in its pane, its detail and status. Owns texts only; draws nothing.

use serde_json::json;

use super::{Quality, Reading, Series, Stat};
use crate::resources::{
    Fleet, Place, Resource, Severity,
    cell::{Cell, Column, Field, Show},
};

const COLUMNS: &[Column] = &[
    Column::name("series", 16, 72, 0),
    Column::name("place", 6, 16, 1),
    Column::number("value", 9, 0),
    Column::number("age", 4, 0),
    Column::text("stat", 4, 7, 3),
    Column::text("kept by", 10, 10, 5),
    Column::number("points", 6, 4),
    Column::text("quality", 7, 9, 2),
];

impl Show for Series {
    fn columns() -> &'static [Column] {
        COLUMNS
    }

    fn cells(&self, fleet: &Fleet, place: &Place) -> Vec<Cell> {
        vec![
            Cell::text(&self.spec.key),
            Cell::text(place.to_string()),
            value(self, fleet, place),
            newest(self, fleet),
            Cell::text(self.spec.stat.as_str()),
            Cell::text(self.spec.origin.name()),
            Cell::number(self.points.len() as f64, self.points.len().to_string()),
            quality(self, fleet, place),
        ]
    }

    fn detail(&self, fleet: &Fleet, place: &Place) -> Vec<Field> {
        let spec = &self.spec;
        let mut fields = vec![
            Field::text("series", Some(&spec.key)),
            Field::new("value", value(self, fleet, place)).with_series(&spec.key),
            Field::new("newest complete point", newest(self, fleet)),
            Field::text("kept by", Some(spec.origin.name())),
            Field::text("namespace", Some(&spec.namespace)),
            Field::text("metric", Some(&spec.name)),
            Field::text("statistic", Some(spec.stat.as_str())),
            Field::text("period", Some(format!("{}s", spec.period))),
            Field::new("quality", quality(self, fleet, place)),
        ];
        for (name, value) in &spec.dimensions {
            fields.push(Field::text(format!("dimension {name}"), Some(value)));
        }
        for point in &self.points {
            fields.push(Field::text(point.at.to_string(), Some(plain(point.value))));
        }
        fields
    }

    fn derived(&self, fleet: &Fleet, place: &Place) -> serde_json::Value {
        json!({ "latest": fleet.reading(place, &self.spec.key) })
    }
}

/// A number in the metric's own unit, in at most nine characters.
fn plain(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if (0.001..1.0).contains(&size) => format!("{value:.3}"),
        size if (1.0..1_000.0).contains(&size) => {
            let text = format!("{value:.2}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        size if (1_000.0..1e8).contains(&size) => format!("{value:.0}"),
        _ => format!("{value:.2e}"),
    }
}

fn value(series: &Series, fleet: &Fleet, place: &Place) -> Cell {
    let reading = fleet.reading(place, &series.spec.key);
    match (reading, series.spec.stat) {
        // A counter without a point: zero, or no telemetry. The row alone cannot tell.
        (Reading::NoData, Stat::Sum) => Cell::text("no point").severity(Severity::Unknown),
        (reading, _) => Cell::reading(reading, plain, |_| Severity::Ok),
    }
}

fn newest(series: &Series, fleet: &Fleet) -> Cell {
    Cell::since(series.latest(fleet.now).map(|point| point.at), fleet.now)
}

fn quality(series: &Series, fleet: &Fleet, place: &Place) -> Cell {
    let word = match series.quality {
        Quality::Complete => "complete",
        Quality::Partial => "partial",
        Quality::Forbidden => "forbidden",
        Quality::Failed => "failed",
    };
    Cell::text(word).severity(series.judge(fleet, place).severity)
}
