//! What is watched: one folder per kind, each with the same files. Owns the list of kinds and the fleet; knows no clock, no IO and no terminal.

pub mod alarms;
mod behind;
pub mod caches;
pub mod cell;
pub mod change;
pub mod clusters;
pub mod contradictions;
pub mod cost;
pub mod databases;
pub mod deployments;
pub mod error;
pub mod estate;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod health_checks;
pub mod id;
pub mod imagine;
pub mod levers;
pub mod metrics;
pub mod pipelines;
pub mod regions;
pub mod rehearsal;
pub mod releases;
pub mod rules;
pub mod sequence;
pub mod severity;
pub mod shown;
pub mod source;
pub mod table;
pub mod traffic;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::behind::News;

pub use self::{
    change::Change,
    error::{ErrorClass, ProviderError},
    estate::Estate,
    id::{LabelError, Place, RegionLabel},
    rehearsal::Rehearsal,
    severity::{Judgement, Severity},
    source::{Api, Scope, Source},
    table::{Freshness, Limits, Slice, Table, age},
};

/// A row of a kind.
pub trait Resource: Clone + PartialEq + Serialize {
    /// Whether a row wants to know its predecessor.
    const REMEMBERS: bool = false;

    /// Its identity within its slice: stable from poll to poll, so that the selection and the history follow it.
    fn key(&self) -> String;

    /// How bad it is and why, judged with everything else that is known.
    fn judge(&self, fleet: &Fleet, place: &Place) -> Judgement;

    /// Takes over what only the row before it, of the same key, knew.
    fn remember(&mut self, before: &Self) {
        let _ = before;
    }

    /// The CloudWatch series that its values come from; `place` is where it was listed.
    fn series(&self, place: &Place) -> Vec<metrics::SeriesSpec> {
        let _ = place;
        Vec::new()
    }
}

macro_rules! kinds {
    ($($variant:ident, $module:ident, $row:ident, $name:literal, $title:literal, $doc:literal;)*) => {
        /// A kind of thing that is watched. Each is a pane.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind { $(#[doc = $doc] $variant,)* }

        impl Kind {
            /// Every kind, in the order of the panes.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)*];

            /// The name used in commands, configuration and output.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$variant => $name,)* }
            }

            /// The title of its pane.
            pub fn title(self) -> &'static str {
                match self { $(Kind::$variant => $title,)* }
            }
        }

        /// The rows of one answer.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", content = "rows", rename_all = "snake_case")]
        pub enum Rows { $(#[doc = $doc] $variant(Vec<$module::$row>),)* }

        impl Rows {
            /// The kind of the rows.
            pub fn kind(&self) -> Kind {
                match self { $(Rows::$variant(_) => Kind::$variant,)* }
            }
        }

        /// Everything that is known of the estate.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Fleet {
            /// What is watched.
            pub estate: Arc<Estate>,
            /// The time as of which it is judged.
            pub now: Timestamp,
            /// Effective shares of the traffic splits, kept by `catch_up` so that no frame computes them.
            pub shares: traffic::share::Shares,
            /// The roll-up of each region, kept so that no frame computes them; read with `Fleet::rollup`.
            pub rollups: regions::rollup::Rollups,
            /// Which image each service runs where, kept by `catch_up`.
            pub versions: deployments::versions::Versions,
            /// What API servers said to changes that they were asked to judge and not to keep.
            pub rehearsals: rehearsal::Rehearsals,
            /// API calls made so far, for the cost estimate.
            pub calls: BTreeMap<Api, u64>,
            /// Metrics requested so far; each is billed (domain A.8).
            pub metrics_requested: u64,
            /// How many times rarer than usual everything is asked now; at least 1.
            pub pace: u32,
            /// Counts accepted answers and failures; a view that remembers it knows whether anything changed.
            pub generation: u64,
            /// What was taken in and has not been followed up.
            behind: behind::Behind,
            $(#[doc = $doc] pub $module: Table<$module::$row>,)*
        }

        impl Fleet {
            /// An estate of which nothing is known yet: every slice expected, none observed.
            pub fn new(estate: Arc<Estate>, now: Timestamp) -> Self {
                let mut fleet = Fleet {
                    estate: Arc::clone(&estate), now, shares: Default::default(), rollups: Default::default(), versions: Default::default(), rehearsals: Default::default(), calls: BTreeMap::new(), metrics_requested: 0, pace: 1, generation: 0, behind: Default::default(),
                    $($module: Table::default(),)*
                };
                for &source in Source::ALL {
                    for place in estate.places(source) {
                        match source.kind() { $(Kind::$variant => { fleet.$module.expect(source, place); })* }
                    }
                }
                fleet.seed_regions();
                fleet.renew_shares(|_, _| true);
                fleet
            }

            /// Takes an answer or a failure in; what follows from it is computed by `catch_up`, once for all that came together.
            /// An answer of the wrong kind for its source is a defect of the provider and is ignored. When a read failed the rows stay, dated and marked.
            pub fn take_in(&mut self, query: &Query, result: Result<Answer, ProviderError>, at: Timestamp, took: Duration) {
                self.generation += 1;
                let (source, place) = (query.source, query.place.clone());
                let freshness = self.freshness(source, &place);
                let mut news = News::Rows;
                match result {
                    Err(error) => {
                        if let Some(change) = query.wanted.rehearsal() {
                            self.rehearsals.note(change, Rehearsal::Unheard(error.clone()), at);
                        }
                        match source.kind() { $(Kind::$variant => self.$module.reject(source, place, error, self.now),)* }
                    }
                    Ok(answer) => {
                        for (api, calls) in &answer.calls {
                            *self.calls.entry(*api).or_default() += u64::from(*calls);
                        }
                        self.metrics_requested += answer.metrics_requested;
                        if let (Some(change), Some(said)) = (query.wanted.rehearsal(), answer.rehearsal) {
                            self.rehearsals.note(change, said, at);
                        }
                        match answer.rows {
                            $(Rows::$variant(mut rows) if source.kind() == Kind::$variant => {
                                let before = self.$module.slice(source, &place);
                                inherit(before, &mut rows);
                                news = before.map_or(News::Changed, |before| before.news(freshness, &rows, &answer.problems));
                                self.$module.accept(source, place, rows, answer.problems, at, took);
                            })*
                            $(Rows::$variant(_) => {})*
                        }
                    }
                }
                self.behind.note(query, news);
            }

            /// What is known about a slice apart from its rows.
            pub fn status(&self, source: Source, place: &Place) -> SliceStatus<'_> {
                // Deployments are asked of regions only: what stands there for all of them together is the board.
                if (source, place) == (Source::Deployments, &Place::Global) {
                    return SliceStatus::of(self.releases.slice(source, place));
                }
                match source.kind() { $(Kind::$variant => SliceStatus::of(self.$module.slice(source, place)),)* }
            }

            /// The CloudWatch series that the rows known so far ask for at a place.
            pub fn wanted_series(&self, place: &Place) -> Vec<metrics::SeriesSpec> {
                let mut wanted: Vec<metrics::SeriesSpec> = Vec::new();
                // Slice by slice: an estate has many rows elsewhere.
                $(for (_, at, slice) in self.$module.slices().filter(|(_, at, _)| *at == place) {
                    wanted.extend(slice.rows.iter().flat_map(|row| row.series(at)));
                })*
                wanted.sort_by(|a, b| a.key.cmp(&b.key));
                wanted.dedup_by(|a, b| a.key == b.key);
                wanted
            }
        }
    };
}

kinds! {
    Regions, regions, Region, "regions", "Regions", "Regions: identity and the roll-up of everything below.";
    Databases, databases, Database, "databases", "Databases", "Databases: Aurora, RDS, DynamoDB.";
    Caches, caches, Cache, "caches", "Caches", "Caches: ElastiCache, MemoryDB.";
    Traffic, traffic, Split, "traffic", "Traffic weights", "Traffic weights: every record, dial, action, alias and control that splits traffic.";
    Alarms, alarms, Alarm, "alarms", "Alarms", "CloudWatch alarms.";
    Deployments, deployments, Deployment, "deployments", "Deployments", "Deployments: each service in each cluster, with its roll-out.";
    Releases, releases, Release, "releases", "Roll-out board", "Releases: each service's newest version on its way through the regions.";
    Pipelines, pipelines, Pipeline, "pipelines", "Pipelines", "CodePipeline: which pipelines run, at which stage, and what holds them.";
    Clusters, clusters, Cluster, "clusters", "Clusters", "Kubernetes clusters.";
    HealthChecks, health_checks, HealthCheck, "health-checks", "Health checks", "Route 53 health checks.";
    Metrics, metrics, Series, "metrics", "Metrics", "Metric series.";
}

/// A question to a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// What is asked.
    pub source: Source,
    /// Where.
    pub place: Place,
    /// The details that depend on what is known already.
    pub wanted: Wanted,
    /// Which read of a run this is; 0 for a poll, `Query::ASIDE` for what nobody waits for. An answer belongs to the question that it was given for.
    #[serde(default, skip_serializing_if = "is_poll")]
    pub read: u64,
}

/// What a query needs to know beyond its source and place.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// Nothing.
    #[default]
    Nothing,
    /// The series to read.
    Series(Vec<metrics::SeriesSpec>),
    /// The API servers to try.
    ApiServers(Vec<clusters::ApiServer>),
    /// Above all what is called so: of many things each has its turn otherwise.
    Named(Vec<String>),
    /// Also whether a change has reached every server, by the reference of its receipt.
    Reference(String),
    /// Also what the API says to a change that it must not keep.
    Rehearsal(Box<Change>),
}

/// A good answer, perhaps with parts missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The rows, complete but for what `problems` names.
    pub rows: Rows,
    /// Parts that could not be read.
    pub problems: Vec<ProviderError>,
    /// API calls that it took, retries included.
    pub calls: BTreeMap<Api, u32>,
    /// Metrics requested, each of which is billed.
    pub metrics_requested: u64,
    /// Whether the change that was asked for has reached every server; `None` where nobody can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_sync: Option<bool>,
    /// What the API said to the change that was rehearsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Rehearsal>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_poll(read: &u64) -> bool {
    *read == 0
}

impl Wanted {
    /// The reference of a change, where that is what is asked about.
    pub fn reference(&self) -> Option<&str> {
        let Self::Reference(reference) = self else {
            return None;
        };
        Some(reference)
    }

    /// The API servers that are named, where they are.
    pub fn api_servers(&self) -> Option<&[clusters::ApiServer]> {
        let Self::ApiServers(servers) = self else {
            return None;
        };
        Some(servers)
    }

    /// What is asked above all, by its name.
    pub fn names(&self) -> Option<&[String]> {
        let Self::Named(names) = self else {
            return None;
        };
        Some(names)
    }

    /// The change that is to be rehearsed.
    pub fn rehearsal(&self) -> Option<&Change> {
        let Self::Rehearsal(change) = self else {
            return None;
        };
        Some(change)
    }
}

impl Query {
    /// The read of a question beside the polls and the runs.
    pub const ASIDE: u64 = u64::MAX;

    /// Whether a run waits for the answer: it is read past every watch.
    pub fn of_a_run(&self) -> bool {
        self.read != 0 && self.read != Self::ASIDE
    }
}

impl Answer {
    /// A complete answer that cost nothing.
    pub fn of(rows: Rows) -> Self {
        Self {
            rows,
            problems: Vec::new(),
            calls: BTreeMap::new(),
            metrics_requested: 0,
            in_sync: None,
            rehearsal: None,
        }
    }
}

/// What is known about a slice apart from its rows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SliceStatus<'a> {
    /// When the last good answer arrived.
    pub observed_at: Option<Timestamp>,
    /// Reads that failed since.
    pub missed: u32,
    /// When the first of them failed.
    pub failing_since: Option<Timestamp>,
    /// Why the last read failed.
    pub error: Option<&'a ProviderError>,
    /// Parts of the last good answer that are missing.
    pub problems: &'a [ProviderError],
    /// How long the last answer took.
    pub took: Option<Duration>,
    /// How many rows are held.
    pub rows: usize,
}

impl Kind {
    /// The kind that its rows follow from: that one is read where this one is asked for.
    #[must_use]
    pub fn told_by(self) -> Self {
        match self {
            Self::Releases => Self::Deployments,
            own @ (Self::Regions
            | Self::Databases
            | Self::Caches
            | Self::Traffic
            | Self::Alarms
            | Self::Deployments
            | Self::Pipelines
            | Self::Clusters
            | Self::HealthChecks
            | Self::Metrics) => own,
        }
    }
}

impl<'a> SliceStatus<'a> {
    fn of<R>(slice: Option<&'a Slice<R>>) -> Self {
        slice.map_or_else(Self::default, |slice| Self {
            observed_at: slice.observed_at,
            missed: slice.missed,
            failing_since: slice.failing_since,
            error: slice.error.as_ref(),
            problems: &slice.problems,
            took: slice.took,
            rows: slice.rows.len(),
        })
    }
}

/// Lets rows take over what only their predecessors knew.
fn inherit<R: Resource>(before: Option<&Slice<R>>, rows: &mut [R]) {
    let before = before.filter(|_| R::REMEMBERS).map(|slice| &slice.rows);
    for old in before.into_iter().flatten() {
        let key = old.key();
        if let Some(row) = rows.iter_mut().find(|row| row.key() == key) {
            row.remember(old);
        }
    }
}

impl Fleet {
    /// The freshness of a slice now.
    pub fn freshness(&self, source: Source, place: &Place) -> Freshness {
        Limits::for_interval(self.interval(source))
            .judge(self.status(source, place).observed_at, self.now)
    }

    /// How often a source is asked at the present pace. What is fresh follows from it: a value is old when polls were missed.
    pub fn interval(&self, source: Source) -> std::time::Duration {
        self.estate.interval(source) * self.pace
    }

    /// Every region has a row from the start: it is known from the configuration, only its identity is not.
    fn seed_regions(&mut self) {
        for spec in self.estate.regions.clone() {
            let slice = self
                .regions
                .expect(Source::Identity, Place::Region(spec.label.clone()));
            slice.rows = vec![regions::Region {
                label: spec.label,
                identity: None,
            }];
        }
    }
}
