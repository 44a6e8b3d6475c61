//! Routes of a cluster that divide requests among backends: Gateway API HTTPRoute and GRPCRoute, Istio VirtualService. Owns the model; no call.
//!
//! One row is one backend of one rule; a rule with a single backend divides nothing and has no row.

mod assembly;
mod change;
#[cfg(test)]
pub mod fixtures;
pub mod leads;
pub mod live;
pub mod sim;
pub mod write;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::resources::{
    Fleet, Freshness, Judgement, Limits, RegionLabel, Severity, Source, deployments::Owner,
};

/// The kinds of objects that hold such rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteKind {
    /// Gateway API `HTTPRoute`.
    HttpRoute,
    /// Gateway API `GRPCRoute`.
    GrpcRoute,
    /// Istio `VirtualService`, its HTTP routes.
    VirtualService,
}

impl RouteKind {
    /// As the API names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::HttpRoute => "HTTPRoute",
            Self::GrpcRoute => "GRPCRoute",
            Self::VirtualService => "VirtualService",
        }
    }

    /// As it stands in paths, and before the slash in `kubectl get`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::HttpRoute => "httproutes",
            Self::GrpcRoute => "grpcroutes",
            Self::VirtualService => "virtualservices",
        }
    }

    /// The word in the name of a split.
    pub fn singular(self) -> &'static str {
        match self {
            Self::HttpRoute => "httproute",
            Self::GrpcRoute => "grpcroute",
            Self::VirtualService => "virtualservice",
        }
    }

    /// Its API group.
    pub fn group(self) -> &'static str {
        match self {
            Self::HttpRoute | Self::GrpcRoute => "gateway.networking.k8s.io",
            Self::VirtualService => "networking.istio.io",
        }
    }

    /// The heaviest weight that it takes.
    pub fn heaviest(self) -> u32 {
        match self {
            Self::HttpRoute | Self::GrpcRoute => 1_000_000,
            // Relative; older versions refuse a sum that is not 100.
            Self::VirtualService => 100,
        }
    }

    /// What a backend without a weight counts, in a rule that has several.
    pub fn unsaid(self) -> u32 {
        match self {
            Self::HttpRoute | Self::GrpcRoute => 1,
            Self::VirtualService => 0,
        }
    }

    /// Where the list of backends of a rule stands in the object, as a JSON pointer.
    pub fn pointer(self, rule: usize) -> String {
        match self {
            Self::HttpRoute | Self::GrpcRoute => format!("/spec/rules/{rule}/backendRefs"),
            Self::VirtualService => format!("/spec/http/{rule}/route"),
        }
    }
}

/// Which rule of which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RouteRule {
    /// Name of the cluster, or of its kubeconfig context.
    pub cluster: String,
    /// What it is.
    pub kind: RouteKind,
    /// The version of its group that the cluster serves: `v1`, `v1beta1`.
    pub version: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// The place of the rule in the object, from 0.
    pub index: usize,
}

impl RouteRule {
    /// The path of its group and version.
    pub fn group_path(&self) -> String {
        format!("/apis/{}/{}", self.kind.group(), self.version)
    }

    /// The object in words: `HTTPRoute shop/checkout`.
    pub fn object(&self) -> String {
        format!("{} {}/{}", self.kind.name(), self.namespace, self.name)
    }

    /// Whether both are the same rule, whatever version the cluster serves by now.
    pub fn same(&self, other: &Self) -> bool {
        (
            &self.cluster,
            self.kind,
            &self.namespace,
            &self.name,
            self.index,
        ) == (
            &other.cluster,
            other.kind,
            &other.namespace,
            &other.name,
            other.index,
        )
    }
}

/// A backend of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouteBackend {
    /// The rule.
    pub rule: RouteRule,
    /// Name of the rule, where it has one.
    pub rule_name: Option<String>,
    /// What it matches, as one text; empty for everything.
    pub matches: String,
    /// The hosts that it answers.
    pub hosts: Vec<String>,
    /// The service behind it, without its namespace and domain.
    pub service: String,
    /// Its namespace.
    pub service_namespace: String,
    /// The subset of a `DestinationRule`, for a VirtualService.
    pub subset: Option<String>,
    /// The version that the labels of that subset name, where its `DestinationRule` may be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where the pods of that subset run, by the labels of a mesh over several clusters: a cluster, a region or a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topology: Option<String>,
    /// Its weight; one that is not said is the default of its API.
    pub weight: u32,
    /// Generation of the object.
    pub generation: i64,
    /// What the gateways say about it; empty for a VirtualService, about which nobody says anything.
    pub parents: Vec<Parent>,
    /// Who applies the object and would undo an edit.
    pub owner: Option<Owner>,
    /// When its API server last said anything about this kind: a list, an event or a bookmark.
    pub heard_at: Option<Timestamp>,
}

/// What a gateway says about a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Name of the gateway, with its listener where one is meant.
    pub name: String,
    /// The generation that it has seen, by each of its conditions the oldest.
    pub observed_generation: i64,
    /// `Accepted`; `None` where it says nothing.
    pub accepted: Option<bool>,
    /// `ResolvedRefs`: whether every backend was found; requests to one that was not get HTTP 500.
    pub resolved: Option<bool>,
    /// Why not, as it says.
    pub reason: Option<String>,
}

/// Whether what is written is in force, by what the gateways say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InForce {
    /// Every gateway has taken the current generation, or none is asked for.
    Yes,
    /// Some have not said anything about it yet.
    NotYet(String),
    /// Some gateway refuses it, or cannot find a backend.
    No(String),
}

impl RouteBackend {
    /// Whether the object as it stands is in force.
    pub fn in_force(&self) -> InForce {
        match self.rule.kind {
            // Its controller leaves no status by default: requests show it, nothing else.
            RouteKind::VirtualService => return InForce::Yes,
            RouteKind::HttpRoute | RouteKind::GrpcRoute => {}
        }
        if self.parents.is_empty() {
            return InForce::NotYet("no gateway has said anything about it".to_owned());
        }
        let old = |parent: &&Parent| parent.observed_generation < self.generation;
        if let Some(parent) = self.parents.iter().find(old) {
            return InForce::NotYet(format!(
                "gateway {} has seen generation {} of {}",
                parent.name, parent.observed_generation, self.generation
            ));
        }
        let says = |condition: fn(&Parent) -> Option<bool>, value| {
            self.parents
                .iter()
                .find(|parent| condition(parent) == value)
        };
        let why = |parent: &Parent, text: &str| {
            let reason = parent.reason.as_deref().unwrap_or("no reason given");
            format!("gateway {} {text}: {reason}", parent.name)
        };
        if let Some(parent) = says(|parent| parent.accepted, Some(false)) {
            return InForce::No(why(parent, "does not accept it"));
        }
        if let Some(parent) = says(|parent| parent.resolved, Some(false)) {
            return InForce::No(why(parent, "does not find a backend"));
        }
        if let Some(parent) = says(|parent| parent.accepted, None) {
            return InForce::NotYet(format!(
                "gateway {} does not say whether it accepts it",
                parent.name
            ));
        }
        InForce::Yes
    }

    /// How much it can be trusted, by when its API server was last heard: a cluster that is silent leaves the others of its region fresh.
    pub fn heard(&self, fleet: &Fleet) -> Freshness {
        Limits::for_watch(fleet.interval(Source::Routes)).judge(self.heard_at, fleet.now)
    }

    /// What is wrong with it.
    pub(super) fn judge(&self, fleet: &Fleet, nothing: bool) -> Judgement {
        if !self.heard(fleet).usable() {
            let text = format!("{} is not heard", self.rule.cluster);
            return Judgement::new(Severity::Unknown, text);
        }
        let object = self.rule.object();
        let whole = if nothing {
            let text = format!("all weights of a rule of {object} are 0: its requests get errors");
            Judgement::new(Severity::Bad, text)
        } else {
            Judgement::ok()
        };
        let said = match self.in_force() {
            InForce::Yes => Judgement::ok(),
            InForce::NotYet(text) => Judgement::new(Severity::Unknown, format!("{object}: {text}")),
            InForce::No(text) => Judgement::new(Severity::Bad, format!("{object}: {text}")),
        };
        whole.worse(said)
    }
}

/// A backend that gets another weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendEdit {
    /// Its name, as the row has it: `checkout-canary`, `reviews:v2`.
    pub backend: String,
    /// The region that it leads to, where the rule divides between regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionLabel>,
    /// The weight that is expected.
    pub from: u32,
    /// The new weight.
    pub to: u32,
}

/// The names of the backends of one rule, each once: service and subset, with the port where that is all that differs.
pub fn member_names(backends: &[(String, Option<String>, Option<u32>)]) -> Vec<String> {
    let short = |(service, subset, _): &(String, Option<String>, Option<u32>)| match subset {
        Some(subset) => format!("{service}:{subset}"),
        None => service.clone(),
    };
    let plain: Vec<String> = backends.iter().map(short).collect();
    let mut named: Vec<String> = Vec::with_capacity(plain.len());
    for (index, (name, (_, _, port))) in plain.iter().zip(backends).enumerate() {
        let twice = plain.iter().filter(|other| *other == name).count() > 1;
        let name = match (twice, port) {
            (true, Some(port)) => format!("{name}:{port}"),
            (true, None) | (false, _) => name.clone(),
        };
        named.push(if named.contains(&name) {
            format!("{name}[{index}]")
        } else {
            name
        });
    }
    named
}

#[cfg(test)]
mod tests;
