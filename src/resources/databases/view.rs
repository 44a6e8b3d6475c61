//! What a database shows in its pane, its detail and status. Owns texts only; draws nothing.

use serde_json::json;

use super::{Database, DbCluster, DbInstance, Table, series_key};
use crate::resources::{
    Fleet, Place, Resource, Severity,
    cell::{Cell, Column, Field, Show, list, milliseconds, no_limit, rate, whole_percent},
    metrics::Reading,
    regions::stores::{database_lag_severity, database_role},
};

const COLUMNS: &[Column] = &[
    Column::name("name", 8, 32, 0),
    Column::name("region", 6, 16, 0),
    Column::text("role", 6, 8, 0),
    Column::number("lag", 5, 0),
    Column::text("status", 6, 16, 1),
    Column::number("rpo", 5, 2),
    Column::number("conn", 5, 3),
    Column::number("cpu", 4, 4),
    Column::text("engine", 8, 20, 5),
];

impl Show for Database {
    fn columns() -> &'static [Column] {
        COLUMNS
    }

    fn cells(&self, fleet: &Fleet, place: &Place) -> Vec<Cell> {
        let metric = |what: &str| fleet.reading(place, &series_key(self.id(), what));
        let engine = match self {
            Self::Cluster(cluster) => cluster.engine.as_str(),
            Self::Instance(instance) => instance.engine.as_str(),
            Self::Table(_) => "dynamodb",
        };
        let has = !matches!(self, Self::Table(_));
        vec![
            Cell::text(self.id()),
            Cell::text(place.to_string()),
            role(self),
            lag(self, fleet, place),
            status(self, fleet, place),
            rpo(self, fleet, place),
            Cell::reading_if(has.then(|| metric("connections")), count, no_limit),
            Cell::reading_if(has.then(|| metric("cpu")), whole_percent, no_limit),
            Cell::text(engine),
        ]
    }

    fn detail(&self, fleet: &Fleet, place: &Place) -> Vec<Field> {
        let mut fields = vec![
            Field::text("identifier", Some(self.id())),
            Field::new("role", role(self)),
            Field::new("lag", lag(self, fleet, place)).with_series(lag_series(self)),
        ];
        match self {
            Self::Cluster(cluster) => fields.extend(cluster_fields(cluster, fleet, place)),
            Self::Instance(instance) => fields.extend(instance_fields(instance, fleet, place)),
            Self::Table(table) => fields.extend(table_fields(table, fleet, place)),
        }
        fields
    }

    fn derived(&self, fleet: &Fleet, place: &Place) -> serde_json::Value {
        json!({
            "role": database_role(self),
            "writer": self.writer(),
            "lag_ms": follows(self).then(|| self.lag_ms(fleet, place)),
            "rpo_lag_ms": rpo_reading(self, fleet, place),
        })
    }
}

fn count(value: f64) -> String {
    rate(value.round()).trim_end_matches(".0").to_owned()
}

/// `WRITER` in capitals: it is the one that everybody looks for.
fn role(database: &Database) -> Cell {
    use crate::resources::regions::stores::StoreRole;
    match (database_role(database), database) {
        (StoreRole::Writer, _) => Cell::text("WRITER"),
        (StoreRole::Replica, _) => Cell::text("reader"),
        (StoreRole::Active, _) => Cell::text("active"),
        // A replica within its own Region is local to the fleet, but no writer.
        (StoreRole::Local, Database::Instance(instance)) if instance.source.is_some() => {
            Cell::text("replica")
        }
        (StoreRole::Local | StoreRole::None | StoreRole::Mixed, _) => Cell::text("local"),
        (StoreRole::Unknown, _) => Cell::unknown(),
    }
}

/// Whether there is anything that could lag.
fn follows(database: &Database) -> bool {
    match database {
        Database::Cluster(cluster) => cluster.global.is_some() && cluster.writer() != Some(true),
        Database::Instance(instance) => instance.source.is_some(),
        Database::Table(table) => !table.replicas.is_empty(),
    }
}

fn lag(database: &Database, fleet: &Fleet, place: &Place) -> Cell {
    let limits = &fleet.estate.thresholds;
    let reading = follows(database).then(|| database.lag_ms(fleet, place));
    // The row knows when a large lag is harmless (an idle source): its judgement is the upper bound.
    Cell::reading_if(reading, milliseconds, |value| {
        let most = database.judge(fleet, place).severity;
        database_lag_severity(database, limits, value).min(most)
    })
}

fn lag_series(database: &Database) -> String {
    match database {
        Database::Cluster(cluster) => series_key(&cluster.id, "replication-lag"),
        Database::Instance(instance) => series_key(&instance.id, "replica-lag"),
        Database::Table(table) => {
            let region = table.replicas.first().map_or("", |replica| &replica.region);
            series_key(&table.name, &format!("replication-latency/{region}"))
        }
    }
}

fn rpo_reading(database: &Database, fleet: &Fleet, place: &Place) -> Option<Reading> {
    let cluster = matches!(database, Database::Cluster(_)) && follows(database);
    cluster.then(|| fleet.reading(place, &series_key(database.id(), "rpo-lag")))
}

fn rpo(database: &Database, fleet: &Fleet, place: &Place) -> Cell {
    let limits = &fleet.estate.thresholds;
    Cell::reading_if(rpo_reading(database, fleet, place), milliseconds, |value| {
        database_lag_severity(database, limits, value)
    })
}

/// The status word, as bad as the row makes it; a global failover under way replaces it.
fn status(database: &Database, fleet: &Fleet, place: &Place) -> Cell {
    // A replica that does not replicate is `available` all the same: what is wrong goes before.
    if let Database::Instance(instance) = database
        && let Some(replica) = instance.replica_status.as_ref().filter(|r| !r.normal)
    {
        let severity = database.judge(fleet, place).severity.max(Severity::Unknown);
        return Cell::text(replica.status.as_deref().unwrap_or("unknown")).severity(severity);
    }
    let (status, no_limit) = match database {
        Database::Cluster(cluster) => (
            cluster
                .global
                .as_ref()
                .and_then(|global| global.failover.as_ref())
                .map_or(&cluster.status, |failover| &failover.status),
            "available",
        ),
        Database::Instance(instance) => (&instance.status, "available"),
        Database::Table(table) => (&table.status, "ACTIVE"),
    };
    let severity = if status.eq_ignore_ascii_case(no_limit) {
        Severity::Ok
    } else {
        database.judge(fleet, place).severity.max(Severity::Unknown)
    };
    Cell::text(status).severity(severity)
}

/// A metric with its history.
fn metric(
    name: &str,
    key: String,
    fleet: &Fleet,
    place: &Place,
    text: impl FnOnce(f64) -> String,
) -> Field {
    Field::new(
        name,
        Cell::reading(fleet.reading(place, &key), text, no_limit),
    )
    .with_series(key)
}

fn cluster_fields(cluster: &DbCluster, fleet: &Fleet, place: &Place) -> Vec<Field> {
    let key = |what| series_key(&cluster.id, what);
    let mut fields = vec![
        Field::text("status", Some(&cluster.status)),
        Field::text("engine", Some(&cluster.engine)),
        Field::text("version", cluster.engine_version.as_deref()),
        Field::new("takes writes", Cell::flag(cluster.writer())),
        Field::new("multi-AZ", Cell::flag(cluster.multi_az)),
        Field::text("ARN", cluster.arn.as_deref()),
        metric("CPU", key("cpu"), fleet, place, whole_percent),
        metric("connections", key("connections"), fleet, place, count),
    ];
    if cluster.global.is_some() && cluster.writer() != Some(true) {
        fields.push(metric(
            "RPO lag",
            key("rpo-lag"),
            fleet,
            place,
            milliseconds,
        ));
    }
    for instance in &cluster.instances {
        let role = if instance.writer { "writer" } else { "reader" };
        let tier = instance.promotion_tier.map(|tier| format!("tier {tier}"));
        let parts = [
            Some(role),
            tier.as_deref(),
            instance.status.as_deref(),
            instance.class.as_deref(),
            instance.zone.as_deref(),
        ];
        fields.push(Field::text(
            format!("instance {}", instance.id),
            Some(list(&parts)),
        ));
    }
    let Some(global) = &cluster.global else {
        return fields;
    };
    fields.push(Field::text("global cluster", Some(&global.id)));
    fields.push(Field::text("global status", global.status.as_deref()));
    fields.push(Field::text("writer endpoint", global.endpoint.as_deref()));
    for member in &global.members {
        let role = if member.writer { "WRITER" } else { "reader" };
        let parts = [Some(role), member.synchronization.as_deref()];
        fields.push(Field::text(
            format!("member {}", member.arn),
            Some(list(&parts)),
        ));
    }
    if let Some(failover) = &global.failover {
        fields.push(Field::new(
            "failover",
            Cell::text(&failover.status).severity(Severity::Warn),
        ));
        fields.push(Field::text("failover from", failover.from.as_deref()));
        fields.push(Field::text("failover to", failover.to.as_deref()));
        fields.push(Field::new(
            "data loss allowed",
            Cell::flag(failover.data_loss_allowed),
        ));
    }
    fields
}

fn instance_fields(instance: &DbInstance, fleet: &Fleet, place: &Place) -> Vec<Field> {
    let key = |what| series_key(&instance.id, what);
    let mut fields = vec![
        Field::text("status", Some(&instance.status)),
        Field::text("engine", Some(&instance.engine)),
        Field::text("version", instance.engine_version.as_deref()),
        Field::text("class", instance.class.as_deref()),
        Field::new("multi-AZ", Cell::flag(Some(instance.multi_az))),
        Field::text("ARN", instance.arn.as_deref()),
        Field::text("source", instance.source.as_deref()),
    ];
    if let Some(status) = &instance.replica_status {
        let severity = if status.normal {
            Severity::Ok
        } else {
            Severity::Bad
        };
        let cell = Cell::maybe(status.status.as_deref()).severity(severity);
        fields.push(Field::new("replication", cell));
        fields.push(Field::text(
            "replication message",
            status.message.as_deref(),
        ));
    }
    for replica in &instance.replicas {
        fields.push(Field::text("replica", Some(replica)));
    }
    let days = instance.backup_retention_days;
    let latest = instance.latest_restorable;
    fields.push(Field::text(
        "backups kept",
        days.map(|d| format!("{d} days")),
    ));
    fields.push(Field::text(
        "restorable to",
        latest.map(|at| at.to_string()),
    ));
    fields.push(metric("CPU", key("cpu"), fleet, place, whole_percent));
    fields.push(metric(
        "connections",
        key("connections"),
        fleet,
        place,
        count,
    ));
    if !instance.replicas.is_empty() {
        fields.push(metric("writes/s", key("write-iops"), fleet, place, rate));
    }
    fields
}

fn table_fields(table: &Table, fleet: &Fleet, place: &Place) -> Vec<Field> {
    let mut fields = vec![
        Field::text("status", Some(&table.status)),
        Field::text("ARN", table.arn.as_deref()),
        Field::text("global table version", table.global_version.as_deref()),
        Field::text("consistency", table.consistency.as_deref()),
    ];
    for replica in &table.replicas {
        let since = replica
            .inaccessible_since
            .map(|at| format!("inaccessible since {at}"));
        let parts = [replica.status.as_deref(), since.as_deref()];
        fields.push(Field::text(
            format!("replica {}", replica.region),
            Some(list(&parts)),
        ));
        let what = format!("replication-latency/{}", replica.region);
        let key = series_key(&table.name, &what);
        let name = format!("latency to {}", replica.region);
        fields.push(metric(&name, key, fleet, place, milliseconds));
    }
    fields
}
