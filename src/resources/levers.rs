//! Which control still works right now: every API through which traffic, data or capacity can be moved, as its last read showed. Owns the list and its order (data plane first); asks nobody.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ErrorClass, Fleet, Freshness, Place, Severity, Source, age, cell::coarse_age, clusters::Cluster,
};

/// Which half of an API a lever is. Data planes keep working when a region is lost; control planes live somewhere (domain 0.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plane {
    /// Built to answer while other things fail.
    Data,
    /// Depends on its home region.
    Control,
}

/// Whether a lever works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LeverState {
    /// It answered when last asked.
    Works {
        /// Time since.
        age: Duration,
        /// How long the answer took.
        latency: Option<Duration>,
    },
    /// It did not.
    Failing {
        /// The last good answer.
        since: Option<Timestamp>,
        /// Why.
        error: String,
    },
    /// It answers, but we may not use it.
    Denied,
    /// The estate has none, or its source is switched off.
    NotConfigured,
    /// Not asked yet, or too long ago.
    Unknown,
}

/// A control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lever {
    /// Its short name, the same for all of a group: `ARC`, `R53`, `RDS`.
    pub group: &'static str,
    /// Its name: `recovery cluster eu-west-1`.
    pub name: String,
    /// Which half of the API it is.
    pub plane: Plane,
    /// Where it lives: an AWS Region or a region label.
    pub home: String,
    /// Whether it works.
    #[serde(flatten)]
    pub state: LeverState,
    /// How bad that is.
    pub severity: Severity,
}

/// The levers of one group in one word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeverGroup {
    /// Short name.
    pub name: &'static str,
    /// How many work.
    pub working: usize,
    /// How many there are.
    pub total: usize,
    /// The worst of them; `Bad` only when none works.
    pub severity: Severity,
}

/// Levers with one instance for the whole account: group, name, plane, home, and the sources whose answers prove that the API works.
const GLOBAL: &[(&str, &str, Plane, &str, &[Source])] = &[
    (
        "R53",
        "Route 53",
        Plane::Control,
        "us-east-1",
        &[Source::Records, Source::HealthChecks],
    ),
    (
        "GA",
        "Global Accelerator",
        Plane::Control,
        "us-west-2",
        &[Source::Accelerators],
    ),
    (
        "CF",
        "CloudFront",
        Plane::Control,
        "us-east-1",
        &[Source::Distributions],
    ),
];

/// Levers with one instance per region.
const REGIONAL: &[(&str, &str, Plane, Source)] = &[
    ("STS", "STS", Plane::Data, Source::Identity),
    ("RDS", "RDS", Plane::Control, Source::Rds),
    ("EC", "ElastiCache", Plane::Control, Source::ElastiCache),
    (
        "ELB",
        "Elastic Load Balancing",
        Plane::Control,
        Source::LoadBalancers,
    ),
];

/// Every lever, data planes first, and within a plane in the order in which one would reach for them.
pub fn levers(fleet: &Fleet) -> Vec<Lever> {
    let mut levers = endpoints(fleet);
    levers.extend(global(fleet));
    levers.extend(api_servers(fleet));
    for &(group, name, plane, source) in REGIONAL {
        for place in fleet.estate.places(source) {
            let home = place.to_string();
            let state = state(fleet, source, &place);
            levers.push(lever(group, format!("{name} {home}"), plane, home, state));
        }
    }
    levers.sort_by_key(|lever| lever.plane); // stable
    levers
}

/// One word per group that exists, in the order of `levers`.
pub fn summary(levers: &[Lever]) -> Vec<LeverGroup> {
    let mut groups: Vec<LeverGroup> = Vec::new();
    let exists = |lever: &&Lever| lever.state != LeverState::NotConfigured;
    for lever in levers.iter().filter(exists) {
        let works = matches!(lever.state, LeverState::Works { .. });
        let group = if let Some(group) = groups.iter_mut().find(|g| g.name == lever.group) {
            group
        } else {
            groups.push(LeverGroup {
                name: lever.group,
                working: 0,
                total: 0,
                severity: Severity::Ok,
            });
            let last = groups.len() - 1;
            &mut groups[last]
        };
        group.working += usize::from(works);
        group.total += 1;
        group.severity = group.severity.max(lever.severity);
    }
    for group in &mut groups {
        // One of several that fails is a loss, not the end: the others still move things.
        if group.severity == Severity::Bad && group.working > 0 {
            group.severity = Severity::Warn;
        }
    }
    groups
}

impl LeverGroup {
    /// `RDS ok`, `RDS 2/3`, `R53 FAIL`, `CF ?`: short enough for nine groups in 80 columns.
    pub fn text(&self) -> String {
        if self.working == self.total {
            format!("{} ok", self.name)
        } else if self.working > 0 {
            format!("{} {}/{}", self.name, self.working, self.total)
        } else if self.severity == Severity::Bad {
            format!("{} FAIL", self.name)
        } else {
            format!("{} ?", self.name)
        }
    }
}

impl LeverState {
    /// What to say about it in a list.
    pub fn text(&self, now: Timestamp) -> String {
        match self {
            Self::Works { age, latency } => {
                let took = latency.map(|took| format!(", took {}ms", took.as_millis()));
                format!("works, {}{}", coarse_age(*age), took.unwrap_or_default())
            }
            Self::Failing {
                since: Some(since),
                error,
            } => format!("fails since {}: {error}", coarse_age(age(*since, now))),
            Self::Failing { since: None, error } => format!("never answered: {error}"),
            Self::Denied => "denied".to_owned(),
            Self::NotConfigured => "not configured".to_owned(),
            Self::Unknown => "not known".to_owned(),
        }
    }

    fn severity(&self) -> Severity {
        match self {
            Self::Works { .. } | Self::NotConfigured => Severity::Ok,
            Self::Denied | Self::Unknown => Severity::Unknown,
            Self::Failing { .. } => Severity::Bad,
        }
    }
}

fn lever(
    group: &'static str,
    name: String,
    plane: Plane,
    home: String,
    state: LeverState,
) -> Lever {
    Lever {
        group,
        name,
        plane,
        home,
        severity: state.severity(),
        state,
    }
}

fn state(fleet: &Fleet, source: Source, place: &Place) -> LeverState {
    let status = fleet.status(source, place);
    match (status.error, status.observed_at) {
        (Some(error), _) if error.class == ErrorClass::Denied => LeverState::Denied,
        (Some(error), since) => LeverState::Failing {
            since,
            error: error.to_string(),
        },
        (None, Some(_)) if fleet.freshness(source, place) == Freshness::Expired => {
            LeverState::Unknown
        }
        (None, Some(at)) => LeverState::Works {
            age: age(at, fleet.now),
            latency: status.took,
        },
        (None, None) => LeverState::Unknown,
    }
}

fn endpoints(fleet: &Fleet) -> Vec<Lever> {
    let places = fleet.estate.places(Source::RoutingControls);
    if places.is_empty() {
        let name = "recovery cluster".to_owned();
        let state = LeverState::NotConfigured;
        return vec![lever("ARC", name, Plane::Data, String::new(), state)];
    }
    let endpoint = |place: &Place| {
        let home = match place {
            Place::Endpoint(region) => region.clone(),
            Place::Region(_) | Place::Global => place.to_string(),
        };
        let state = state(fleet, Source::RoutingControls, place);
        let name = format!("recovery cluster {home}");
        lever("ARC", name, Plane::Data, home, state)
    };
    places.iter().map(endpoint).collect()
}

fn global(fleet: &Fleet) -> impl Iterator<Item = Lever> {
    GLOBAL.iter().map(|&(group, name, plane, home, sources)| {
        let asked = sources
            .iter()
            .filter(|source| fleet.estate.places(**source).contains(&Place::Global));
        // Any answer of the API proves that it works; the first source is the one that is asked most often.
        let mut states = asked.map(|source| state(fleet, *source, &Place::Global));
        let first = states.next().unwrap_or(LeverState::NotConfigured);
        let state = match first {
            LeverState::Unknown => states
                .find(|state| *state != LeverState::Unknown)
                .unwrap_or(LeverState::Unknown),
            known @ (LeverState::Works { .. }
            | LeverState::Failing { .. }
            | LeverState::Denied
            | LeverState::NotConfigured) => known,
        };
        lever(group, name.to_owned(), plane, home.to_owned(), state)
    })
}

/// One lever per cluster: its own API server decides, not whether the others were asked.
fn api_servers(fleet: &Fleet) -> Vec<Lever> {
    let mut levers = Vec::new();
    for place in fleet.estate.places(Source::ApiServers) {
        let home = place.to_string();
        let asked = state(fleet, Source::ApiServers, &place);
        let slice = fleet.clusters.slice(Source::ApiServers, &place);
        let rows = slice.map_or(&[][..], |slice| &slice.rows);
        for row in rows {
            let Cluster::ApiServer(server) = row else {
                continue;
            };
            let state = match (&asked, &server.error) {
                (LeverState::Works { age, .. }, None) => LeverState::Works {
                    age: *age,
                    latency: server.latency,
                },
                (LeverState::Works { .. }, Some(error)) => LeverState::Failing {
                    since: None,
                    error: error.clone(),
                },
                (other, _) => other.clone(),
            };
            let name = format!("API server {}", server.name);
            levers.push(lever("K8S", name, Plane::Control, home.clone(), state));
        }
        if rows.is_empty() && !matches!(asked, LeverState::Works { .. }) {
            let name = format!("API servers {home}");
            levers.push(lever("K8S", name, Plane::Control, home, asked));
        }
    }
    levers
}

#[cfg(test)]
#[path = "levers_tests.rs"]
mod tests;
