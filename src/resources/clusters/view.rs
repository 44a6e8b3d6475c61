//! What a cluster shows in its pane, its detail and status. Owns texts only; draws nothing.

use super::{ApiServerState, Cluster, EksCluster, NodeCount};
use crate::resources::{
    Fleet, Freshness, Place, Resource, Severity,
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
            Self::Nodes(nodes) => {
                let reason = self.judge(fleet, place).reason;
                let reason = (!reason.is_empty()).then_some(reason);
                vec![
                    Cell::text(&nodes.cluster),
                    region,
                    Cell::text("nodes"),
                    ready(nodes),
                    Cell::none(),
                    Cell::none(),
                    Cell::none(),
                    Cell::maybe(reason).severity(severity),
                ]
            }
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

    /// A cluster that is silent leaves the nodes of the others of its region fresh.
    fn freshness(&self, fleet: &Fleet, _place: &Place) -> Option<Freshness> {
        match self {
            Self::Nodes(nodes) => Some(nodes.heard(fleet)),
            Self::Eks(_) | Self::NodeGroup(_) | Self::ApiServer(_) => None,
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
            Self::Nodes(nodes) => self::nodes(nodes, fleet),
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

/// Ready nodes of all.
pub(in crate::resources) fn ready(nodes: &NodeCount) -> Cell {
    let (ready, total) = (nodes.ready(), nodes.total());
    Cell::number(f64::from(ready), format!("{ready}/{total}")).severity(nodes.judge().severity)
}

fn nodes(nodes: &NodeCount, fleet: &Fleet) -> Vec<Field> {
    let mut fields = vec![
        Field::text("cluster", Some(&nodes.cluster)),
        Field::new("heard", Cell::since(nodes.heard_at, fleet.now)),
        Field::new("ready", ready(nodes)),
        Field::text("cordoned", Some(nodes.cordoned.to_string())),
    ];
    for zone in &nodes.zones {
        let severity = if zone.ready < zone.total {
            Severity::Warn
        } else {
            Severity::Ok
        };
        let name = if zone.name.is_empty() {
            "no zone"
        } else {
            &zone.name
        };
        let text = format!("{} of {} ready", zone.ready, zone.total);
        fields.push(Field::new(name, Cell::text(text).severity(severity)));
    }
    let not_ready = nodes.not_ready.iter().map(|name| ("not ready", name));
    let pressure = nodes.pressure.iter().map(|what| ("pressure", what));
    for (name, what) in not_ready.chain(pressure) {
        fields.push(Field::new(name, Cell::text(what).severity(Severity::Warn)));
    }
    fields
}
