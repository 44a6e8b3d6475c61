//! Changes to the world: what each kind can be asked to become, with the value that it is expected to have. Owns what all changes have in common; never decides whether one is safe and never sends one.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{
    Api, ErrorClass, Estate, Fleet, Kind, Place, ProviderError, Source, Wanted, alarms, caches,
    clusters, databases, deployments, health_checks, levers::Plane, pipelines, traffic,
};

/// One change: `from` is what is expected, `to` what it becomes. Compare-and-set wherever the API can do it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "change", rename_all = "kebab-case")]
pub enum Change {
    /// Of a traffic split.
    Traffic(traffic::Change),
    /// Of a database.
    Databases(databases::Change),
    /// Of a cache.
    Caches(caches::Change),
    /// Of a cluster.
    Clusters(clusters::Change),
    /// Of a deployment.
    Deployments(deployments::Change),
    /// Of a node.
    Nodes(clusters::node::Change),
    /// Of a health check.
    HealthChecks(health_checks::Change),
    /// Of alarms.
    Alarms(alarms::Change),
    /// Of a pipeline.
    Pipelines(pipelines::Change),
}

/// How a change and its undoing weigh (domain B.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    /// Safe and reversible.
    S,
    /// Reversible, with impact on users.
    M,
    /// Irreversible, or loses data.
    R,
}

/// What the fleet says about a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", content = "text", rename_all = "snake_case")]
pub enum Standing {
    /// Everything is as the change expects it.
    Before,
    /// It is under way: neither the one nor the other, and not ours to touch.
    Underway(String),
    /// Everything is as the change makes it.
    After,
    /// Something else is there: somebody else acted.
    Other(String),
    /// It cannot be told.
    Unknown(String),
}

/// One line of a before → after table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// What changes: `eu-west-1`, `checkout-canary`.
    pub what: String,
    /// The value that is expected.
    pub from: String,
    /// The value that it becomes.
    pub to: String,
}

impl Edit {
    /// A line.
    pub fn new(what: impl fmt::Display, from: impl fmt::Display, to: impl fmt::Display) -> Self {
        Self {
            what: what.to_string(),
            from: from.to_string(),
            to: to.to_string(),
        }
    }
}

/// Where a change is sent, and what the lever is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lever {
    /// `Route 53`, `recovery cluster`.
    pub name: String,
    /// Which half of the API it is.
    pub plane: Plane,
    /// The AWS Region that it needs: a Region name, a region label, or `5 endpoints`.
    pub home: String,
}

impl Lever {
    /// The API server of a cluster, which lives where the cluster does.
    pub fn kubernetes(cluster: &str) -> Self {
        Self {
            name: "Kubernetes".to_owned(),
            plane: Plane::Control,
            home: cluster.to_owned(),
        }
    }
}

/// What every kind of change knows about itself.
pub trait Alter {
    /// Where the call is sent.
    fn place(&self) -> Place;

    /// The API that is called.
    fn api(&self) -> Api;

    /// The IAM action: `route53:ChangeResourceRecordSets`.
    fn operation(&self) -> &'static str;

    /// The lever that it pulls.
    fn lever(&self) -> Lever;

    /// How it weighs.
    fn class(&self) -> Class;

    /// What is changed, unique in the account: the name of the lock.
    fn target(&self) -> String;

    /// The slices whose answers show it; reading them again is the independent verification.
    fn reads(&self, estate: &Estate) -> Vec<(Source, Place)>;

    /// What its reads need to know beyond their place, before the change has a reference.
    fn wanted(&self) -> Wanted {
        Wanted::Nothing
    }

    /// What the fleet says about it now. Judges values only, not their age.
    fn standing(&self, fleet: &Fleet) -> Standing;

    /// Before → after.
    fn edits(&self) -> Vec<Edit>;

    /// What undoes it, from the captured values; the reason when nothing does.
    fn inverse(&self) -> Result<Change, &'static str>;

    /// The same by hand: one `aws …` command per line, ready to paste.
    fn commands(&self) -> Vec<String>;
}

impl Change {
    /// The kind that it belongs to.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Traffic(_) => Kind::Traffic,
            Self::Databases(_) => Kind::Databases,
            Self::Caches(_) => Kind::Caches,
            Self::Clusters(_) | Self::Nodes(_) => Kind::Clusters,
            Self::Deployments(_) => Kind::Deployments,
            Self::HealthChecks(_) => Kind::HealthChecks,
            Self::Alarms(_) => Kind::Alarms,
            Self::Pipelines(_) => Kind::Pipelines,
        }
    }

    fn inner(&self) -> &dyn Alter {
        match self {
            Self::Traffic(change) => change,
            Self::Databases(change) => change,
            Self::Caches(change) => change,
            Self::Clusters(change) => change,
            Self::Deployments(change) => change,
            Self::Nodes(change) => change,
            Self::HealthChecks(change) => change,
            Self::Alarms(change) => change,
            Self::Pipelines(change) => change,
        }
    }
}

impl Alter for Change {
    fn place(&self) -> Place {
        self.inner().place()
    }
    fn api(&self) -> Api {
        self.inner().api()
    }
    fn operation(&self) -> &'static str {
        self.inner().operation()
    }
    fn lever(&self) -> Lever {
        self.inner().lever()
    }
    fn class(&self) -> Class {
        self.inner().class()
    }
    fn target(&self) -> String {
        self.inner().target()
    }
    fn reads(&self, estate: &Estate) -> Vec<(Source, Place)> {
        self.inner().reads(estate)
    }
    fn wanted(&self) -> Wanted {
        self.inner().wanted()
    }
    fn standing(&self, fleet: &Fleet) -> Standing {
        self.inner().standing(fleet)
    }
    fn edits(&self) -> Vec<Edit> {
        self.inner().edits()
    }
    fn inverse(&self) -> Result<Change, &'static str> {
        self.inner().inverse()
    }
    fn commands(&self) -> Vec<String> {
        self.inner().commands()
    }
}

impl Standing {
    /// The standing of a whole from those of its parts, each before, after, or something else.
    pub fn of_parts(parts: impl IntoIterator<Item = Standing>) -> Self {
        let mut whole: Option<Self> = None;
        for part in parts {
            whole = Some(match (whole, part) {
                (None, part) => part,
                (Some(Self::Unknown(text)), _) | (_, Self::Unknown(text)) => Self::Unknown(text),
                (Some(Self::Other(text)), _) | (_, Self::Other(text)) => Self::Other(text),
                (Some(Self::Underway(text)), _) | (_, Self::Underway(text)) => Self::Underway(text),
                (Some(Self::Before), Self::Before) => Self::Before,
                (Some(Self::After), Self::After) => Self::After,
                (Some(Self::Before), Self::After) | (Some(Self::After), Self::Before) => {
                    Self::Other("some parts are changed and some are not".to_owned())
                }
            });
        }
        whole.unwrap_or_else(|| Self::Unknown("nothing is changed".to_owned()))
    }

    /// The standing of one value.
    pub fn of_value<T: PartialEq + fmt::Display>(
        what: &str,
        seen: Option<&T>,
        from: &T,
        to: &T,
    ) -> Self {
        match seen {
            None => Self::Unknown(format!("{what} is not listed")),
            Some(seen) if seen == to => Self::After,
            Some(seen) if seen == from => Self::Before,
            Some(seen) => Self::Other(format!("{what} is {seen}, not {from}")),
        }
    }

    /// The last look before a change is sent: anything but what it expects stops it, also what cannot be told.
    pub fn before_or_drifted(self, operation: &str) -> Result<(), ApplyError> {
        match self {
            Self::Before => Ok(()),
            Self::After => Err(ApplyError::drifted(operation, "it is so already")),
            Self::Underway(text) | Self::Other(text) | Self::Unknown(text) => {
                Err(ApplyError::drifted(operation, text))
            }
        }
    }
}

/// What a provider answers when a change was accepted. Accepted is not done: only a read shows that.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Receipt {
    /// The request id.
    pub request_id: Option<String>,
    /// What the API calls the change, by which its spreading can be asked: a Route 53 change id, an EKS update id.
    pub reference: Option<String>,
    /// API calls that it took.
    pub calls: BTreeMap<Api, u32>,
}

/// What became of a change that was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It was never sent: no connection, no credentials, or `from` no longer held.
    NotSent,
    /// The API answered and refused it.
    Refused,
    /// It was sent and no answer came: it may have happened.
    InDoubt,
}

/// Why a change was not accepted, and whether it may have happened all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{error}")]
pub struct ApplyError {
    /// Whether it may have happened.
    pub fate: Fate,
    /// Why.
    pub error: ProviderError,
}

impl ApplyError {
    /// A change that was never sent, because what it expects no longer holds.
    pub fn drifted(operation: &str, found: impl Into<String>) -> Self {
        Self {
            fate: Fate::NotSent,
            error: ProviderError::new(ErrorClass::Conflict, operation, found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_stands_where_all_its_parts_stand() {
        use Standing::{After, Before};
        assert_eq!(Standing::of_parts([After, After]), After);
        assert_eq!(Standing::of_parts([Before, Before]), Before);
        assert!(matches!(
            Standing::of_parts([Before, After]),
            Standing::Other(_)
        ));
        assert!(matches!(
            Standing::of_parts([After, Standing::Unknown("?".into())]),
            Standing::Unknown(_)
        ));
        assert!(matches!(Standing::of_parts([]), Standing::Unknown(_)));
    }
}
