//! The sections of pilothouse.toml that say what is watched. Owns their semantic checks; reads no other file and knows no default that `Estate` has.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use jiff::Timestamp;

use super::{
    access::{access_of, inherit, read_access},
    document::{Found, Section},
    limits,
    problem::{Report, is_hostile, nearest},
    prometheus, reference, sequence, syntax,
};
use crate::resources::{
    Estate, RegionLabel,
    estate::{Access, Freeze, ManagedName, RecoveryEndpoint, RegionRole, RegionSpec},
};

const ROLES: &[(&str, RegionRole)] = &[
    ("primary", RegionRole::Primary),
    ("secondary", RegionRole::Secondary),
    ("tertiary", RegionRole::Tertiary),
    ("active", RegionRole::Active),
];

/// The word for a region that is no AWS Region although its label looks like one.
const NOT_AWS: &str = "none";

/// Reads every section of the estate; keys of other sections are left to the caller, who finishes `root`.
pub fn read(root: &mut Section<'_>, whole: bool) -> Estate {
    let mut estate = Estate {
        access: root
            .table("aws")
            .map(|aws| read_access(aws))
            .unwrap_or_default(),
        ..Estate::default()
    };
    estate.environment = environment(root, &estate.access);
    let specs = read_regions(root, &estate.access, whole);
    estate.names = read_names(root, &specs, whole);
    estate.prometheus = prometheus::read(root, &specs);
    estate.regions = specs;
    estate.recovery_endpoints = read_recovery(root);
    estate.freezes = root
        .tables("freeze")
        .into_iter()
        .filter_map(read_freeze)
        .collect();
    if let Some(section) = root.table("thresholds") {
        estate.thresholds = limits::read_thresholds(section);
    }
    if let Some(section) = root.table("rollout") {
        estate.sequence = sequence::read(section, &estate.regions);
    }
    if let Some(section) = root.table("prices") {
        estate.prices = limits::read_prices(section);
    }
    if let Some(section) = root.table("intervals") {
        estate.intervals = limits::read_intervals(section);
    }
    if let Some(section) = root.table("sources") {
        estate.disabled = limits::read_sources(section);
    }
    estate
}

fn environment(root: &mut Section<'_>, access: &Access) -> String {
    let report = root.report();
    let found = root.text("environment");
    if let Some(found) = &found {
        let length = found.value.chars().count();
        if found.value.contains(is_hostile) || !(1..=64).contains(&length) {
            report.at(
                &found.span,
                "`environment` must be 1 to 64 characters, none of them control characters",
            );
        }
    }
    let default = access.profile.as_deref().unwrap_or("aws");
    found.map_or(default, |found| found.value).to_owned()
}

fn read_regions(root: &mut Section<'_>, base: &Access, whole: bool) -> Vec<RegionSpec> {
    let report = root.report();
    let mut regions: Vec<RegionSpec> = Vec::new();
    let mut spans: Vec<Range<usize>> = Vec::new();
    let sections = root.tables("region");
    if sections.is_empty() && whole && root.value("region").is_none() {
        report.at(
            &(0..0),
            "there is no [[region]]; add one, or let `pilothouse init` find them",
        );
    }
    for section in sections {
        let span = section.span().clone();
        let Some(region) = read_region(section, base, whole) else {
            continue;
        };
        let double = regions.iter().zip(&spans).find(|(other, _)| {
            other.aws_region.is_some()
                && other.aws_region == region.aws_region
                && other.access == region.access
        });
        if regions.iter().any(|other| other.label == region.label) {
            let text = format!("there are two regions with the label `{}`", region.label);
            report.at(&span, text);
            continue;
        }
        if let Some((other, _)) = double {
            let text = format!(
                "`{}` and `{}` are the same AWS Region with the same credentials; give one another `aws_region`, `profile` or `role_arn`",
                other.label, region.label
            );
            report.at(&span, text);
        }
        regions.push(region);
        spans.push(span);
    }
    regions
}

fn read_region(mut section: Section<'_>, base: &Access, whole: bool) -> Option<RegionSpec> {
    let report = section.report();
    let label = section.text("label");
    let aws_region = section.text("aws_region");
    let role = section.choice("role", ROLES).unwrap_or_default();
    let access = inherit(access_of(&mut section), base);
    let kube_contexts = names(&mut section, "kube_contexts");
    let capacity_rps = section.number("capacity_rps", 0.001, 1e9);
    let capacity_nodes = section.number("capacity_nodes", 0.001, 1e6);
    if let Some(found) = capacity_nodes.as_ref().filter(|_| capacity_rps.is_none()) {
        let text =
            "`capacity_nodes` says at how many nodes `capacity_rps` was measured; give that too";
        report.at(&found.span, text);
    }
    let [load_balancers, backends, residency] =
        ["load_balancers", "backends", "residency"].map(|key| names(&mut section, key));
    // `prometheus` reads it, once all regions are known.
    section.value("prometheus");
    let missing = label.is_none() && whole && section.value("label").is_none();
    let span = section.span().clone();
    section.finish(&reference::place_of);
    if missing {
        report.at(&span, "this region has no `label`");
    }
    let label = label?;
    let checked = RegionLabel::new(label.value);
    if let Err(error) = &checked {
        report.at(&label.span, error.to_string());
    }
    let aws_region = match aws_region {
        None => syntax::is_aws_region(label.value).then(|| label.value.to_owned()),
        Some(found) if found.value == NOT_AWS => None,
        Some(found) => {
            if !syntax::could_be_aws_region(found.value) {
                let text = format!(
                    "`{}` does not look like an AWS Region; write one like `eu-west-1`, or `{NOT_AWS}`",
                    found.value
                );
                report.at(&found.span, text);
            }
            Some(found.value.to_owned())
        }
    };
    Some(RegionSpec {
        label: checked.ok()?,
        aws_region,
        role,
        access,
        kube_contexts,
        capacity_rps: capacity_rps.map(|found| found.value),
        capacity_nodes: capacity_nodes.map(|found| found.value),
        residency,
        load_balancers,
        backends,
    })
}

/// A list of names, none of them empty or there twice.
fn names(section: &mut Section<'_>, key: &'static str) -> Vec<String> {
    let report = section.report();
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    for found in section.texts(key) {
        if found.value.trim().is_empty() {
            report.at(
                &found.span,
                format!("an entry of `{key}` must not be empty"),
            );
        } else if seen.insert(found.value) {
            names.push(found.value.to_owned());
        } else {
            report.at(
                &found.span,
                format!("`{}` is in `{key}` twice", found.value),
            );
        }
    }
    names
}

fn read_names(root: &mut Section<'_>, regions: &[RegionSpec], whole: bool) -> Vec<ManagedName> {
    let report = root.report();
    let mut names: Vec<ManagedName> = Vec::new();
    for section in root.tables("name") {
        let span = section.span().clone();
        let Some(name) = read_name(section, regions, whole) else {
            continue;
        };
        let same = |other: &ManagedName| {
            other.name == name.name
                && (other.zone_id == name.zone_id
                    || other.zone_id.is_none()
                    || name.zone_id.is_none())
        };
        if names.iter().any(same) {
            let text = format!(
                "the name `{}` is there twice; two zones that hold it need a `zone_id` each",
                name.name
            );
            report.at(&span, text);
        } else {
            names.push(name);
        }
    }
    names
}

fn read_name(mut section: Section<'_>, regions: &[RegionSpec], whole: bool) -> Option<ManagedName> {
    let report = section.report();
    let name = section.text("name");
    let zone = section.text("zone_id");
    let residency = section.text("residency");
    let answers = section
        .table("regions")
        .map(|table| read_answers(table, regions));
    let missing = name.is_none() && whole && section.value("name").is_none();
    let span = section.span().clone();
    section.finish(&reference::place_of);
    if missing {
        report.at(&span, "this name has no `name`");
    }
    let zone_id = zone.and_then(|found| {
        let id = syntax::zone_id(found.value);
        if id.is_none() {
            let text = format!(
                "`{}` is no hosted zone id; write one like `Z0123456789ABCDEFGHIJ`",
                found.value
            );
            report.at(&found.span, text);
        }
        id.map(ToOwned::to_owned)
    });
    let name = name?;
    let checked = syntax::dns_name(name.value);
    if let Err(why) = &checked {
        report.at(
            &name.span,
            format!("`{}` is no DNS name: {why}", name.value),
        );
    }
    Some(ManagedName {
        name: checked.ok()?,
        zone_id,
        regions: answers.unwrap_or_default(),
        residency: residency.and_then(|found| class(report, &found, regions)),
    })
}

/// A class of data. One that no region allows could be served nowhere.
fn class(report: &Report<'_>, found: &Found<&str>, regions: &[RegionSpec]) -> Option<String> {
    let known = || regions.iter().flat_map(|region| &region.residency);
    if known().any(|class| class == found.value) {
        return Some(found.value.to_owned());
    }
    let text = format!(
        "no region allows the class `{}`; write it into the `residency` of the regions that may serve it",
        found.value
    );
    let near = nearest(found.value, known().map(String::as_str));
    report.suggest(&found.span, text, near);
    None
}

/// Which region each set identifier belongs to.
fn read_answers(table: Section<'_>, regions: &[RegionSpec]) -> BTreeMap<String, RegionLabel> {
    let report = table.report();
    let mut answers = BTreeMap::new();
    for (identifier, label) in table.text_entries() {
        let known = || regions.iter().map(|region| region.label.as_str());
        match regions
            .iter()
            .find(|region| region.label.as_str() == label.value)
        {
            Some(region) => {
                answers.insert(identifier.value.to_owned(), region.label.clone());
            }
            None => unknown_region(report, &label, known()),
        }
    }
    answers
}

pub(super) fn unknown_region<'n>(
    report: &Report<'_>,
    label: &Found<&str>,
    known: impl Iterator<Item = &'n str>,
) {
    let text = format!("there is no region with the label `{}`", label.value);
    report.suggest(&label.span, text, nearest(label.value, known));
}

fn read_freeze(mut section: Section<'_>) -> Option<Freeze> {
    let report = section.report();
    let (from, until) = (section.text("from"), section.text("until"));
    let reason = section.text("reason");
    let span = section.span().clone();
    section.finish(&reference::place_of);
    let time = |found: &Found<&str>| {
        let parsed: Result<Timestamp, _> = found.value.parse();
        if parsed.is_err() {
            let text = format!(
                "`{}` is no time; write one like \"2026-12-20T00:00:00Z\"",
                found.value
            );
            report.at(&found.span, text);
        }
        parsed.ok()
    };
    let (Some(from), Some(until)) = (&from, &until) else {
        report.at(&span, "a freeze needs a `from` and an `until`, as texts");
        return None;
    };
    let (begin, end) = (time(from), time(until));
    let (begin, end) = (begin?, end?);
    if begin >= end {
        report.at(&until.span, "`until` must come after `from`");
        return None;
    }
    if let Some(found) = reason
        .as_ref()
        .filter(|found| found.value.contains(is_hostile))
    {
        report.at(&found.span, "`reason` must not have control characters");
    }
    Some(Freeze {
        from: begin,
        until: end,
        reason: reason
            .map_or("no reason is given", |found| found.value)
            .to_owned(),
    })
}

fn read_recovery(root: &mut Section<'_>) -> Vec<RecoveryEndpoint> {
    let Some(mut section) = root.table("recovery") else {
        return Vec::new();
    };
    let report = section.report();
    let mut endpoints: Vec<RecoveryEndpoint> = Vec::new();
    for mut entry in section.tables("endpoints") {
        let (region, url) = (entry.text("region"), entry.text("url"));
        let span = entry.span().clone();
        entry.finish(&reference::place_of);
        let (Some(region), Some(url)) = (region, url) else {
            report.at(&span, "an endpoint needs a `region` and a `url`");
            continue;
        };
        if !syntax::could_be_aws_region(region.value) {
            report.at(
                &region.span,
                format!("`{}` does not look like an AWS Region", region.value),
            );
        }
        if !syntax::is_endpoint_url(url.value) {
            report.at(
                &url.span,
                format!(
                    "`{}` is no endpoint URL; write one like `https://host/v1`",
                    url.value
                ),
            );
        }
        if endpoints.iter().any(|other| other.region == region.value) {
            report.at(
                &region.span,
                format!("there are two endpoints in `{}`", region.value),
            );
        }
        endpoints.push(RecoveryEndpoint {
            region: region.value.to_owned(),
            url: url.value.to_owned(),
        });
    }
    section.finish(&reference::place_of);
    endpoints
}
