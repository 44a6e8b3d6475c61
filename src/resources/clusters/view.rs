//! What a cluster shows in its pane, its detail and status. Owns texts only; draws nothing.

use super::{ApiServerState, Cluster, EksCluster};
use crate::resources::{
    Fleet, Place, Resource, Severity,
    cell::{Cell, Column, Field, Show, milliseconds},
};

const COLUMNS: &[Column] = &[
    Column::name("name", 8, 32, 0),
    Column::name("region", 6, 16, 0),
    Column::text("said by", 3, 10, 3),
    Column::text("status", 6, 12, 0),
    Column::text("version", 5, 12, 0),
    Column::number("latency", 7, 2),
    Column::text("support", 8, 10, 4),
    Column::text("issues", 6, 60, 1),
];

impl Show for Cluster {
    fn columns() -> &'static [Column] {
        COLUMNS
    }

    fn cells(&self, fleet: &Fleet, place: &Place) -> Vec<Cell> {
        let severity = self.judge(fleet, place).severity;
        let region = Cell::text(place.to_string());
        match self {
            Self::Eks(cluster) => {
                let issues = cluster.health_issues.join(", ");
                let issues = (!issues.is_empty()).then_some(issues);
                vec![
                    Cell::text(&cluster.name),
                    region,
                    Cell::text("EKS"),
                    Cell::text(&cluster.status).severity(severity),
                    Cell::maybe(cluster.version.as_deref()),
                    Cell::none(),
                    Cell::maybe(cluster.support.as_deref()),
                    Cell::maybe(issues).severity(severity),
                ]
            }
            Self::NodeGroup(group) => vec![
                Cell::text(format!("{}/{}", group.cluster, group.name)),
                region,
                Cell::text("node group"),
                Cell::maybe(group.status.as_deref()).severity(severity),
                Cell::none(),
                Cell::none(),
                Cell::none(),
                Cell::maybe(group.size()).severity(severity),
            ],
            Self::ApiServer(state) => vec![
                Cell::text(&state.name),
                region,
                Cell::text("API server"),
                answers(state),
                Cell::maybe(state.version.as_deref()),
                latency(state),
                Cell::none(),
                Cell::maybe(state.error.as_deref()).severity(severity),
            ],
        }
    }

    fn detail(&self, fleet: &Fleet, place: &Place) -> Vec<Field> {
        let severity = self.judge(fleet, place).severity;
        match self {
            Self::Eks(cluster) => eks(cluster, severity),
            Self::NodeGroup(group) => vec![
                Field::text("name", Some(&group.name)),
                Field::text("cluster", Some(&group.cluster)),
                Field::new(
                    "status",
                    Cell::maybe(group.status.as_deref()).severity(severity),
                ),
                Field::text("size", group.size().as_deref()),
                Field::text("issues", Some(&group.health_issues.join(", "))),
            ],
            Self::ApiServer(state) => vec![
                Field::text("name", Some(&state.name)),
                Field::new("status", answers(state)),
                Field::text("version", state.version.as_deref()),
                Field::new("latency", latency(state)),
                Field::new(
                    "error",
                    Cell::maybe(state.error.as_deref()).severity(severity),
                ),
            ],
        }
    }
}

fn answers(state: &ApiServerState) -> Cell {
    match state.error {
        None => Cell::text("answers"),
        Some(_) => Cell::text("silent").severity(Severity::Bad),
    }
}

fn latency(state: &ApiServerState) -> Cell {
    state.latency.map_or_else(Cell::none, |latency| {
        let value = latency.as_secs_f64() * 1_000.0;
        Cell::number(value, milliseconds(value))
    })
}

fn eks(cluster: &EksCluster, severity: Severity) -> Vec<Field> {
    let mut fields = vec![
        Field::text("name", Some(&cluster.name)),
        Field::new("status", Cell::text(&cluster.status).severity(severity)),
        Field::text("version", cluster.version.as_deref()),
        Field::text("platform", cluster.platform_version.as_deref()),
        Field::text("support", cluster.support.as_deref()),
        Field::text("API server", cluster.api_server.endpoint.as_deref()),
        Field::text("ARN", cluster.arn.as_deref()),
    ];
    for issue in &cluster.health_issues {
        let cell = Cell::text(issue).severity(Severity::Warn);
        fields.push(Field::new("health issue", cell));
    }
    fields
}
