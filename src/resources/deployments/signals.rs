//! What the users of a deployment get: which of the measured versions are its pods, and how much of a split they are given. Owns that match; a service of which nothing is told apart is told as a whole.

use crate::resources::{
    Fleet, Place, Severity, Source,
    cell::{Cell, Column, Field, milliseconds, percent, rate},
    metrics::{
        Reading,
        signals::{Signal, VersionSignals, same_version},
    },
    traffic::{Mechanism, Split},
};

use super::Deployment;

/// Labels that say to which service pods belong, the surest first.
const SERVICE: [&str; 3] = [
    "service.istio.io/canonical-name",
    "app.kubernetes.io/name",
    "app",
];
/// Labels that say which version pods are.
const VERSION: [&str; 3] = [
    "version",
    "service.istio.io/canonical-revision",
    "app.kubernetes.io/version",
];

/// The labels of the template by which a mesh names pods.
pub fn naming<'a>(label: impl Fn(&str) -> Option<&'a str>) -> Vec<(String, String)> {
    let known = SERVICE.iter().chain(&VERSION);
    let named = known.filter_map(|name| Some(((*name).to_owned(), label(name)?.to_owned())));
    named.collect()
}

/// The version that labels name.
pub fn version_of<'a>(label: impl Fn(&str) -> Option<&'a str>) -> Option<&'a str> {
    VERSION.iter().find_map(|name| label(name))
}

impl Deployment {
    fn label(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| {
            let mut labels = self.labels.iter();
            let (_, value) = labels.find(|(known, _)| known == name)?;
            Some(value.as_str())
        })
    }

    /// Whether the pods of a version of its service are its own: by their label, or by the tag of its image, with or without its `v`.
    pub fn is_version(&self, version: &str) -> bool {
        match self.label(&VERSION) {
            Some(label) => same_version(label, version),
            None => {
                let tag = self.main().and_then(super::Container::tag);
                tag.is_some_and(|tag| same_version(tag, version))
            }
        }
    }

    /// What the users of its pods get; `None` where nobody measures it. Several versions of which none is its own tell nothing about it.
    pub fn signals(&self, fleet: &Fleet, place: &Place) -> Option<VersionSignals> {
        let own = self.name.as_str();
        let services = [Some(own), self.label(&SERVICE).filter(|name| *name != own)];
        services.into_iter().flatten().find_map(|service| {
            let mut versions = fleet.service_signals(place, &self.namespace, service);
            if versions.iter().any(|of| !of.version.is_empty()) {
                versions.retain(|of| self.is_version(&of.version));
            }
            versions.into_iter().next()
        })
    }

    /// Share of the requests of its service that a canary gets, in percent: of a rollout or a route that has its name.
    pub fn canary(&self, fleet: &Fleet, place: &Place) -> Option<f64> {
        let rows = |source| {
            let slice = fleet.traffic.slice(source, place);
            slice.into_iter().flat_map(|slice| &slice.rows)
        };
        let rollout = rows(Source::Rollouts).find_map(|row| {
            let Mechanism::Rollout(version) = &row.by else {
                return None;
            };
            let of = &version.rollout.name;
            let own = (&of.cluster, &of.namespace, &of.name)
                == (&self.cluster, &self.namespace, &self.name);
            (own && version.new).then(|| version.weight())
        });
        rollout.or_else(|| {
            let weights: Vec<(f64, bool)> = rows(Source::Routes)
                .filter_map(|row| self.weight(row))
                .collect();
            let all: f64 = weights.iter().map(|(weight, _)| weight).sum();
            let canary: f64 = weights.iter().filter(|(_, new)| *new).map(|(w, _)| w).sum();
            (all > 0.0 && weights.iter().any(|(_, new)| *new)).then(|| canary / all * 100.0)
        })
    }

    /// Its weight in a route that has its name, and whether the backend is a canary.
    fn weight(&self, row: &Split) -> Option<(f64, bool)> {
        let Mechanism::Route(backend) = &row.by else {
            return None;
        };
        let rule = &backend.rule;
        let own = rule.cluster == self.cluster
            && backend.service_namespace == self.namespace
            && (rule.name == self.name || backend.service == self.name);
        let said = |name: &str| name.contains("canary") || name.contains("preview");
        let old = |name: &str| name.contains("stable") || name.contains("primary");
        let new = match backend.version.as_deref().or(backend.subset.as_deref()) {
            None => said(&backend.service),
            // A subset that is no word for it is a version: another one than its own is the canary.
            Some(subset) => said(subset) || !(old(subset) || self.is_version(subset)),
        };
        own.then(|| (f64::from(backend.weight), new))
    }
}

/// The columns of what its users get.
pub(super) const COLUMNS: [Column; 4] = [
    Column::numbers("req/s", 4, 6, 4).shy(),
    Column::numbers("err", 4, 6, 4).shy(),
    Column::numbers("p95", 4, 6, 4).shy(),
    Column::numbers("canary", 4, 6, 4).shy(),
];

impl Deployment {
    /// The cells of these columns.
    pub(super) fn measured(&self, fleet: &Fleet, place: &Place) -> [Cell; 4] {
        let canary = self.canary(fleet, place);
        let canary = canary.map_or_else(Cell::none, |share| Cell::number(share, percent(share)));
        let Some(signals) = self.signals(fleet, place) else {
            // Nothing is asked, or nothing is told of it.
            let none = if fleet.estate.measures_services(place) {
                Cell::unknown()
            } else {
                Cell::none()
            };
            return [none.clone(), none.clone(), none, canary];
        };
        let [requests, errors, p95] = cells(fleet, &signals);
        [requests, errors, p95, canary]
    }

    /// The same in the detail, each with its history.
    pub(super) fn measured_fields(&self, fleet: &Fleet, place: &Place) -> Vec<Field> {
        let mut fields = Vec::new();
        if let Some(signals) = self.signals(fleet, place) {
            let version = match signals.version.as_str() {
                "" => "all versions together".to_owned(),
                version => format!("version {version}"),
            };
            fields.push(Field::text("measured", Some(version)));
            let titles = ["requests/s", "errors", "p95"];
            let cells = cells(fleet, &signals).into_iter().zip(titles);
            for ((cell, title), signal) in cells.zip(Signal::ALL) {
                let keys: Vec<(&str, String)> = signals.keys(signal).collect();
                if let [(_, key)] = keys.as_slice() {
                    fields.push(Field::new(title, cell).with_series(key));
                    continue;
                }
                fields.push(Field::new(title, cell));
                for (name, key) in keys {
                    let reading = fleet.reading(place, &key);
                    let cell = cell_of(fleet, signal, reading);
                    fields.push(Field::new(format!("{title} of {name}"), cell).with_series(key));
                }
            }
        } else if fleet.estate.measures_services(place) {
            let text = "its Prometheus tells nothing about this service and version";
            fields.push(Field::new(
                "measured",
                Cell::text(text).severity(Severity::Unknown),
            ));
        }
        if let Some(share) = self.canary(fleet, place) {
            fields.push(Field::new("canary", Cell::number(share, percent(share))));
        }
        fields
    }
}

fn cells(fleet: &Fleet, signals: &VersionSignals) -> [Cell; 3] {
    let known = [
        (Signal::Requests, signals.requests),
        (Signal::Errors, signals.error_percent),
        (Signal::P95, signals.p95_ms),
    ];
    known.map(|(signal, reading)| cell_of(fleet, signal, reading))
}

fn cell_of(fleet: &Fleet, signal: Signal, reading: Reading) -> Cell {
    let limits = &fleet.estate.thresholds;
    match signal {
        Signal::Requests => Cell::reading(reading, rate, |_| Severity::Ok),
        Signal::Errors => Cell::reading(reading, percent, |value| {
            Severity::above(value, limits.error_warn_percent, limits.error_bad_percent)
        }),
        Signal::P95 => Cell::reading(reading, milliseconds, |value| {
            Severity::above(value, limits.p95_warn_ms, limits.p95_bad_ms)
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::fixtures as f;

    #[test]
    fn a_version_is_that_of_its_label_or_else_of_its_image() {
        let image = f::deployment(&json!({"name": "checkout"}));
        assert!(image.is_version("v2") && image.is_version("2") && !image.is_version("v1"));
        let labelled =
            f::deployment(&json!({"labels": [["app", "checkout"], ["version", "blue"]]}));
        assert!(labelled.is_version("blue") && !labelled.is_version("v2"));
        let told = naming(|name| (name == "version").then_some("blue"));
        assert_eq!(told, [("version".to_owned(), "blue".to_owned())]);
    }
}
