//! What a cache shows in its pane, its detail and status. Owns texts only; draws nothing.

use serde_json::json;

use super::{Cache, MemoryDbCluster, ReplicationGroup, Shard, series_key};
use crate::resources::{
    Fleet, Place, Resource, Severity,
    cell::{Cell, Column, Field, Show, list, milliseconds, no_limit, whole_percent},
    regions::stores::{StoreRole, cache_lag_severity, cache_role},
};

const COLUMNS: &[Column] = &[
    Column::name("name", 8, 32, 0),
    Column::name("region", 6, 16, 0),
    Column::text("role", 6, 9, 0),
    Column::number("lag", 5, 0),
    Column::text("status", 6, 16, 1),
    Column::number("mem", 4, 2),
    Column::number("hit", 4, 3),
    Column::text("engine", 6, 16, 4),
];

impl Show for Cache {
    fn columns() -> &'static [Column] {
        COLUMNS
    }

    fn cells(&self, fleet: &Fleet, place: &Place) -> Vec<Cell> {
        let metric = |what: &str| fleet.reading(place, &series_key(self.id(), what));
        // MemoryDB is a database that happens to be in memory: it has no hit rate.
        let hits = matches!(self, Self::Group(_)).then(|| metric("hit-rate"));
        let engine = match self {
            Self::Group(group) => &group.engine,
            Self::MemoryDb(cluster) => &cluster.engine,
        };
        vec![
            Cell::text(self.id()),
            Cell::text(place.to_string()),
            role(self),
            lag(self, fleet, place),
            status(self, fleet, place),
            Cell::reading(metric("memory"), whole_percent, no_limit),
            Cell::reading_if(hits, whole_percent, no_limit),
            Cell::maybe(engine.as_deref()),
        ]
    }

    fn detail(&self, fleet: &Fleet, place: &Place) -> Vec<Field> {
        let mut fields = vec![
            Field::text("identifier", Some(self.id())),
            Field::new("role", role(self)),
            Field::new("lag", lag(self, fleet, place))
                .with_series(series_key(self.id(), "global-lag")),
            metric("memory used", "memory", self, fleet, place),
        ];
        match self {
            Self::Group(group) => {
                fields.push(metric("hit rate", "hit-rate", self, fleet, place));
                fields.extend(group_fields(group));
            }
            Self::MemoryDb(cluster) => fields.extend(memorydb_fields(cluster)),
        }
        fields
    }

    fn derived(&self, fleet: &Fleet, place: &Place) -> serde_json::Value {
        json!({
            "role": self.role(),
            "lag_ms": follows(self).then(|| self.lag_ms(fleet, place)),
        })
    }
}

fn role(cache: &Cache) -> Cell {
    match cache.role() {
        "primary" => Cell::text("PRIMARY"),
        "unknown" => Cell::unknown(),
        other => Cell::text(other),
    }
}

/// Whether it follows another region, so that something could lag.
fn follows(cache: &Cache) -> bool {
    match cache_role(cache) {
        StoreRole::Replica | StoreRole::Active | StoreRole::Unknown => true,
        StoreRole::None | StoreRole::Local | StoreRole::Mixed | StoreRole::Writer => false,
    }
}

fn lag(cache: &Cache, fleet: &Fleet, place: &Place) -> Cell {
    let reading = follows(cache).then(|| cache.lag_ms(fleet, place));
    Cell::reading_if(reading, milliseconds, |value| {
        cache_lag_severity(&fleet.estate.thresholds, value)
    })
}

/// The status word, as bad as the row makes it.
fn status(cache: &Cache, fleet: &Fleet, place: &Place) -> Cell {
    let status = match cache {
        Cache::Group(group) => &group.status,
        Cache::MemoryDb(cluster) => &cluster.status,
    };
    let severity = if status.eq_ignore_ascii_case("available") {
        Severity::Ok
    } else {
        cache.judge(fleet, place).severity.max(Severity::Unknown)
    };
    Cell::text(status).severity(severity)
}

fn metric(name: &str, what: &str, cache: &Cache, fleet: &Fleet, place: &Place) -> Field {
    let key = series_key(cache.id(), what);
    let cell = Cell::reading(fleet.reading(place, &key), whole_percent, no_limit);
    Field::new(name, cell).with_series(key)
}

fn group_fields(group: &ReplicationGroup) -> Vec<Field> {
    let mut fields = vec![
        Field::text("status", Some(&group.status)),
        Field::text("engine", group.engine.as_deref()),
        Field::text("multi-AZ", group.multi_az.as_deref()),
        Field::text("automatic failover", group.automatic_failover.as_deref()),
        Field::text("ARN", group.arn.as_deref()),
    ];
    fields.extend(shards(&group.shards));
    let Some(datastore) = &group.datastore else {
        return fields;
    };
    fields.push(Field::text("Global Datastore", Some(&datastore.id)));
    fields.push(Field::text("datastore status", datastore.status.as_deref()));
    for member in &datastore.members {
        let parts = [Some(member.role.as_str()), member.status.as_deref()];
        fields.push(Field::text(
            format!("member {} {}", member.region, member.group),
            Some(list(&parts)),
        ));
    }
    fields
}

fn memorydb_fields(cluster: &MemoryDbCluster) -> Vec<Field> {
    let mut fields = vec![
        Field::text("status", Some(&cluster.status)),
        Field::text("engine", cluster.engine.as_deref()),
        Field::text("availability", cluster.availability_mode.as_deref()),
        Field::text("ARN", cluster.arn.as_deref()),
    ];
    fields.extend(shards(&cluster.shards));
    let Some(multi) = &cluster.multi_region else {
        return fields;
    };
    fields.push(Field::text("multi-Region cluster", Some(&multi.name)));
    fields.push(Field::text("multi-Region status", multi.status.as_deref()));
    for member in &multi.members {
        let parts = [member.region.as_deref(), member.status.as_deref()];
        fields.push(Field::text(
            format!("member {}", member.name),
            Some(list(&parts)),
        ));
    }
    fields
}

fn shards(shards: &[Shard]) -> Vec<Field> {
    let mut fields = Vec::new();
    for shard in shards {
        fields.push(Field::text(
            format!("shard {}", shard.id),
            shard.status.as_deref(),
        ));
        for node in &shard.nodes {
            let parts = [
                node.role.as_deref(),
                node.status.as_deref(),
                node.zone.as_deref(),
            ];
            fields.push(Field::text(format!("node {}", node.id), Some(list(&parts))));
        }
    }
    fields
}
