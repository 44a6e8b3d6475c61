//! Databases and caches of a region in one word and one lag each. Owns how roles and lags of several stores are put together; judges none of them.

use serde::Serialize;

use crate::resources::{
    Fleet, Freshness, Judgement, Place, Resource, Severity, Source,
    caches::Cache,
    databases::{Database, DbInstance},
    estate::Thresholds,
    metrics::Reading,
};

/// What the stores of a region are to the stores of other regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreRole {
    /// There is none.
    None,
    /// It exists in this region only.
    Local,
    /// Takes writes everywhere (DynamoDB global tables, MemoryDB multi-Region clusters).
    Active,
    /// Follows another region.
    Replica,
    /// Some follow another region, others are followed.
    Mixed,
    /// Takes the writes of the replicated stores.
    Writer,
    /// Not known.
    Unknown,
}

/// The stores of one kind in a region.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stores {
    /// Their role.
    pub role: StoreRole,
    /// Worst replication lag of those that follow another region, in milliseconds; negative when replication is broken, `None` when nothing follows.
    pub lag_ms: Option<Reading>,
    /// How bad the lags are, as their own rows judge them.
    pub lag_severity: Severity,
    /// How bad the worst of the stores is for this region: a broken replica is a risk, a broken writer an outage.
    pub severity: Severity,
    /// Freshness of the lists that the role comes from, of those that ever answered.
    pub freshness: Freshness,
    /// Identifiers of the followers whose lag is not known.
    pub unknown_lags: Vec<String>,
}

/// How bad a replication lag of a database is, in milliseconds; negative means that replication is broken. A row that has a reason to take it
/// for harmless (an idle source) says so in its judgement.
pub fn database_lag_severity(database: &Database, limits: &Thresholds, lag: f64) -> Severity {
    if lag < 0.0 {
        return Severity::Bad;
    }
    match database {
        Database::Table(_) => Severity::above(lag, limits.table_lag_warn_ms, f64::INFINITY),
        Database::Cluster(_) | Database::Instance(_) => {
            Severity::above(lag, limits.database_lag_warn_ms, limits.database_lag_bad_ms)
        }
    }
}

/// How bad a replication lag of a cache is, in milliseconds.
pub fn cache_lag_severity(limits: &Thresholds, lag: f64) -> Severity {
    Severity::above(lag, limits.cache_lag_warn_ms, f64::INFINITY)
}

/// The role of one database towards other regions.
pub fn database_role(database: &Database) -> StoreRole {
    // A replica in another Region is known by its ARN, one in the same Region by its name.
    let abroad = |instance: &DbInstance| instance.replicas.iter().any(|id| id.starts_with("arn:"));
    match database {
        Database::Cluster(cluster) if cluster.global.is_none() => StoreRole::Local,
        Database::Cluster(cluster) => match cluster.writer() {
            Some(true) => StoreRole::Writer,
            Some(false) => StoreRole::Replica,
            None => StoreRole::Unknown,
        },
        Database::Instance(instance) => match &instance.source {
            Some(source) if source.starts_with("arn:") => StoreRole::Replica,
            None if abroad(instance) => StoreRole::Writer,
            Some(_) | None => StoreRole::Local,
        },
        Database::Table(table) if table.replicas.is_empty() => StoreRole::Local,
        Database::Table(_) => StoreRole::Active,
    }
}

/// The role of one cache towards other regions.
pub fn cache_role(cache: &Cache) -> StoreRole {
    match cache.role() {
        "primary" => StoreRole::Writer,
        "secondary" => StoreRole::Replica,
        "active" => StoreRole::Active,
        "single" => StoreRole::Local,
        _ => StoreRole::Unknown,
    }
}

impl StoreRole {
    /// The word for a cell: one character where it is clear.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "-",
            Self::Local => "local",
            Self::Active => "act",
            Self::Replica => "R",
            Self::Mixed => "W+R",
            Self::Writer => "W",
            Self::Unknown => "?",
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Writer | Self::Mixed, Self::Replica)
            | (Self::Replica, Self::Writer | Self::Mixed) => Self::Mixed,
            (a, b) => a.max(b),
        }
    }
}

/// The stores of a region with how bad each is, judged once for everybody who asks.
#[derive(Debug)]
pub struct Judged<'a> {
    /// Its databases.
    pub databases: Vec<(&'a Database, Judgement)>,
    /// Its caches.
    pub caches: Vec<(&'a Cache, Judgement)>,
}

const DATABASES: [Source; 2] = [Source::Rds, Source::Tables];
const CACHES: [Source; 2] = [Source::ElastiCache, Source::MemoryDb];

impl<'a> Judged<'a> {
    /// Those that are listed at a place.
    pub fn of(fleet: &'a Fleet, place: &Place) -> Self {
        let of_databases = |source| fleet.databases.slice(source, place);
        let databases = DATABASES.into_iter().filter_map(of_databases);
        let of_caches = |source| fleet.caches.slice(source, place);
        let caches = CACHES.into_iter().filter_map(of_caches);
        Self {
            databases: databases
                .flat_map(|slice| &slice.rows)
                .map(|row| (row, row.judge(fleet, place)))
                .collect(),
            caches: caches
                .flat_map(|slice| &slice.rows)
                .map(|row| (row, row.judge(fleet, place)))
                .collect(),
        }
    }
}

impl Stores {
    /// The databases of a region.
    pub fn databases(fleet: &Fleet, place: &Place, judged: &Judged<'_>) -> Self {
        let stores = judged.databases.iter().map(|(row, judgement)| {
            let lag = row.lag_ms(fleet, place);
            (database_role(row), row.id(), lag, judgement.severity)
        });
        Self::fold(stores).seen(fleet, place, &DATABASES)
    }

    /// The caches of a region.
    pub fn caches(fleet: &Fleet, place: &Place, judged: &Judged<'_>) -> Self {
        let stores = judged.caches.iter().map(|(row, judgement)| {
            let lag = row.lag_ms(fleet, place);
            (cache_role(row), row.id(), lag, judgement.severity)
        });
        Self::fold(stores).seen(fleet, place, &CACHES)
    }

    fn fold<'a>(stores: impl Iterator<Item = (StoreRole, &'a str, Reading, Severity)>) -> Self {
        let mut folded = Self {
            role: StoreRole::None,
            lag_ms: None,
            lag_severity: Severity::Ok,
            severity: Severity::Ok,
            freshness: Freshness::Never,
            unknown_lags: Vec::new(),
        };
        // What follows another region counts before what is active everywhere: only it has a lag that a promotion would lose.
        let mut following: Option<(Reading, Severity)> = None;
        let mut active: Option<(Reading, Severity)> = None;
        for (role, id, lag, severity) in stores {
            folded.role = folded.role.and(role);
            let serves = role != StoreRole::Replica;
            folded.severity = folded.severity.max(if serves {
                severity
            } else {
                severity.min(Severity::Warn)
            });
            let worst = match role {
                StoreRole::Replica => &mut following,
                StoreRole::Active => &mut active,
                StoreRole::None
                | StoreRole::Local
                | StoreRole::Mixed
                | StoreRole::Writer
                | StoreRole::Unknown => continue,
            };
            if role == StoreRole::Replica && lag.usable().is_none() {
                folded.unknown_lags.push(id.to_owned());
            }
            *worst = Some(worst.map_or((lag, severity), |(other, before)| {
                (worse(other, lag), before.max(severity))
            }));
        }
        let told = following.or(active.filter(|_| folded.role == StoreRole::Active));
        if let Some((lag, severity)) = told {
            folded.lag_ms = Some(lag);
            folded.lag_severity = severity;
        }
        folded
    }

    /// Adds how old the lists are. Nothing found means "not known" until every source has answered once.
    fn seen(self, fleet: &Fleet, place: &Place, asked: &[Source]) -> Self {
        let freshness = |source: &Source| fleet.freshness(*source, place);
        let unread = || {
            asked.iter().any(|source| {
                freshness(source) == Freshness::Never
                    && fleet.estate.places(*source).contains(place)
            })
        };
        let worst = asked
            .iter()
            .map(freshness)
            .filter(|freshness| *freshness != Freshness::Never)
            .max();
        Self {
            freshness: worst.unwrap_or(Freshness::Never),
            role: if self.role == StoreRole::None && unread() {
                StoreRole::Unknown
            } else {
                self.role
            },
            ..self
        }
    }
}

/// The worse of two lags: broken, then the larger; a known one before an unknown one, which is listed by name.
fn worse(a: Reading, b: Reading) -> Reading {
    let rank = |reading: Reading| {
        reading
            .usable()
            .map_or(-1.0, |v| if v < 0.0 { f64::INFINITY } else { v })
    };
    if rank(b) > rank(a) { b } else { a }
}

#[cfg(test)]
#[path = "stores_tests.rs"]
mod tests;
