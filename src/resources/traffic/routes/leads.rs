//! Which region a backend of a route leads to, and which rules divide between regions. Owns how that is told; moves nothing.

use std::collections::BTreeMap;

use super::{BackendEdit, RouteBackend};
use crate::resources::{Estate, RegionLabel, estate::RegionSpec, traffic::region_within};

/// Labels by which the subsets of a mesh over several clusters name where their pods run.
pub const TOPOLOGY: [&str; 3] = [
    "topology.istio.io/cluster",
    "topology.kubernetes.io/region",
    "topology.istio.io/network",
];

/// Parts of a whole that are closer than this are equal.
const CLOSE: f64 = 1e-6;

impl RouteBackend {
    /// The region that it leads to: what the configuration says, else where its subset's pods are labelled to run, else the region whose name stands in its
    /// service, host or subset; a backend that names none is in the region of its cluster.
    pub fn leads_to<'a>(&self, estate: &'a Estate, own: &'a RegionLabel) -> &'a RegionLabel {
        let regions = || estate.regions.iter();
        let told = regions().find(|spec| self.is_told(spec));
        if let Some(spec) = told {
            return &spec.label;
        }
        if let Some(place) = &self.topology {
            let is = |spec: &&RegionSpec| {
                let contexts = spec.kube_contexts.iter();
                spec.label.as_str() == place
                    || spec.aws_region.as_ref() == Some(place)
                    || contexts.into_iter().any(|context| context == place)
            };
            let found = regions().find(is).map(|spec| &spec.label);
            if let Some(label) = found.or_else(|| region_within(estate, place)) {
                return label;
            }
        }
        let subset = self.subset.as_deref();
        subset
            .and_then(|subset| region_within(estate, subset))
            .or_else(|| region_within(estate, &self.service))
            .unwrap_or(own)
    }

    /// Whether the configuration names it as a backend of a region: `checkout`, `checkout.shop`, `checkout:west`, `:west`.
    fn is_told(&self, spec: &RegionSpec) -> bool {
        let is = |name: &str| {
            let (service, subset) = name
                .split_once(':')
                .map_or((name, None), |(service, subset)| (service, Some(subset)));
            let long = || format!("{}.{}", self.service, self.service_namespace);
            let named = service.is_empty() || service == self.service || service == long();
            named && subset.is_none_or(|subset| self.subset.as_deref() == Some(subset))
        };
        spec.backends.iter().any(|name| is(name))
    }
}

/// Whether some edits of one rule move requests from one region to another. They do where they say which regions their backends lead to, and a region has another part afterwards.
pub fn between_regions(edits: &[BackendEdit]) -> bool {
    let part = |weight: fn(&BackendEdit) -> u32| {
        let all: f64 = edits.iter().map(|edit| f64::from(weight(edit))).sum();
        let mut parts: BTreeMap<Option<&RegionLabel>, f64> = BTreeMap::new();
        for edit in edits {
            let own = f64::from(weight(edit)) / all.max(1.0);
            *parts.entry(edit.region.as_ref()).or_default() += own;
        }
        parts
    };
    let (before, after) = (part(|edit| edit.from), part(|edit| edit.to));
    let mut parts = before.iter();
    edits.iter().any(|edit| edit.region.is_some())
        && parts
            .any(|(region, was)| (was - after.get(region).copied().unwrap_or(0.0)).abs() > CLOSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{fixtures as f, traffic::routes::fixtures::backend};

    fn estate() -> Estate {
        let mut estate = f::estate(&["us-east-1", "gke-west", "ams"]);
        estate.regions[1].kube_contexts = vec!["gke_shop_europe-west1_prod".to_owned()];
        estate.regions[2].backends = vec![
            "legacy".to_owned(),
            "checkout:blue".to_owned(),
            ":onprem".to_owned(),
            "cart.shop".to_owned(),
        ];
        estate
    }

    fn leads(service: &str, subset: Option<&str>, topology: Option<&str>) -> String {
        let estate = estate();
        let own = RegionLabel::new("us-east-1").unwrap();
        let mut backend = backend("c", "route", service, 1);
        backend.subset = subset.map(ToOwned::to_owned);
        backend.topology = topology.map(ToOwned::to_owned);
        backend.leads_to(&estate, &own).to_string()
    }

    #[test]
    fn a_backend_leads_where_its_names_or_the_configuration_say() {
        assert_eq!(leads("checkout", None, None), "us-east-1");
        assert_eq!(leads("checkout-gke-west", None, None), "gke-west");
        assert_eq!(
            leads("checkout.gke-west.example.com", None, None),
            "gke-west"
        );
        assert_eq!(leads("checkout", Some("gke-west"), None), "gke-west");
        assert_eq!(leads("checkout-gke-westend", None, None), "us-east-1");
        assert_eq!(leads("legacy", None, None), "ams");
        assert_eq!(leads("checkout", Some("blue"), None), "ams");
        assert_eq!(leads("checkout", Some("green"), None), "us-east-1");
        assert_eq!(leads("anything", Some("onprem"), None), "ams");
        assert_eq!(leads("cart", Some("v1"), None), "ams");
    }

    #[test]
    fn the_labels_of_a_subset_tell_before_its_name() {
        let context = Some("gke_shop_europe-west1_prod");
        assert_eq!(leads("checkout", Some("v1"), context), "gke-west");
        assert_eq!(leads("checkout", Some("ams"), Some("gke-west")), "gke-west");
        assert_eq!(leads("checkout", Some("v1"), Some("nowhere")), "us-east-1");
    }

    #[test]
    fn only_what_changes_the_part_of_a_region_moves_between_regions() {
        let edit = |backend: &str, region: Option<&str>, from, to| BackendEdit {
            backend: backend.to_owned(),
            region: region.map(|label| RegionLabel::new(label).unwrap()),
            from,
            to,
        };
        let within = [
            edit("a", Some("us"), 50, 40),
            edit("b", Some("us"), 0, 10),
            edit("c", Some("eu"), 50, 50),
        ];
        assert!(!between_regions(&within));
        let across = [edit("a", Some("us"), 50, 100), edit("c", Some("eu"), 50, 0)];
        assert!(between_regions(&across));
        let scaled = [edit("a", Some("us"), 1, 2), edit("c", Some("eu"), 1, 2)];
        assert!(!between_regions(&scaled), "the same parts");
        let untold = [edit("a", None, 50, 100), edit("c", None, 50, 0)];
        assert!(!between_regions(&untold), "a canary of one region");
    }
}
