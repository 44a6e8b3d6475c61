//! The file that `pilothouse init` writes: commented, working, every guess marked with what it was guessed from. Owns its wording; asks nobody.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::{
    answers::FoundName,
    findings::{Findings, FoundRegion, Part},
    problem::{is_hostile, printable},
};
use crate::resources::{RegionLabel, estate::RegionRole};

const HEAD: &str = "\
# pilothouse.toml, written by `pilothouse init`.
# Everything marked `guessed` was concluded from what is named beside it: read it, mend it,
# then run `pilothouse check`. All keys and their defaults: see the README.
";

const TAIL: &str = "\
# The data-plane endpoints of the recovery cluster (Application Recovery Controller), if you have one. They belong
# in this file because looking them up is a control-plane call, which may fail with the region that you want to leave:
#   aws route53-recovery-control-config describe-cluster --region us-west-2 --cluster-arn ARN
# [recovery]
# endpoints = [
#   { region = \"us-east-1\", url = \"https://HOST.route53-recovery-cluster.us-east-1.amazonaws.com/v1\" },
# ]

# Limits beyond which a value is shown as WARN or BAD. These are the defaults of the most used ones.
# [thresholds]
# p95_warn_ms = 200
# p95_bad_ms = 500
# error_warn_percent = 0.5
# error_bad_percent = 1
# database_lag_bad_ms = 30000

# Times in which plans are blocked until somebody overrides it with a reason (G-FREEZE).
# [[freeze]]
# from = \"2026-12-20T00:00:00Z\"
# until = \"2027-01-04T08:00:00Z\"
# reason = \"year end\"

# [console]
# theme = \"dark\"      # light, high-contrast, colour-blind, mono
# keymap = \"default\"  # emacs
";

/// The file for what was found. It loads, unless no region was found at all; then it says so.
pub fn write(findings: &Findings) -> String {
    let mut text = HEAD.to_owned();
    let who = [&findings.account, &findings.identity];
    if let [Some(account), Some(identity)] = who {
        text += &comment(&format!("Account {account}, seen as {identity}."));
    }
    if !findings.failures.is_empty() {
        text += "#\n# Could not be read, so that something may be missing here:\n";
        for line in failures(findings) {
            text += &comment(&format!("- {line}"));
        }
    }
    text += "\n# The word in the top line: prod, staging …\n";
    let environment = findings
        .profile
        .as_deref()
        .filter(|profile| is_word(profile));
    let _ = writeln!(
        text,
        "environment = {}\n",
        quoted(environment.unwrap_or("aws"))
    );
    if let Some(profile) = &findings.profile {
        let _ = writeln!(text, "[aws]\nprofile = {}\n", quoted(profile));
    }
    let regions = findings.ranked();
    if regions.is_empty() {
        text += "# No region was found, and none is set in AWS_REGION or the profile. Add yours:\n# [[region]]\n# label = \"eu-west-1\"\n\n";
    }
    for region in &regions {
        write_region(&mut text, findings, region);
    }
    write_names(&mut text, findings, &regions);
    text + TAIL
}

fn write_region(text: &mut String, findings: &Findings, region: &FoundRegion<'_>) {
    *text += "[[region]]\n";
    let _ = writeln!(text, "label = {}", quoted(region.name));
    let seen: Vec<&str> = region.facts.iter().map(|fact| fact.what.as_str()).collect();
    match seen.as_slice() {
        [] => *text += "# Nothing was found there; it is the region of your credentials.\n",
        seen => *text += &comment(&format!("Seen there: {}.", list(seen, 6))),
    }
    match role_word(region.role) {
        Some(role) => {
            let guess = format!("guessed: {}", region.evidence);
            *text += &commented(&format!("role = {}", quoted(role)), &guess);
        }
        None => {
            *text += "# role = \"active\"  # or primary, secondary, tertiary; nothing found tells who takes over for whom\n";
        }
    }
    write_load_balancers(text, findings, region.name);
    *text += "# capacity_rps = 1000  # unknown to AWS: put in what a load test showed, and utilisation is shown against it\n";
    *text += "# capacity_nodes = 10  # nodes that were Ready in that test: with it the capacity follows the nodes that are there\n\n";
}

fn role_word(role: RegionRole) -> Option<&'static str> {
    match role {
        RegionRole::Primary => Some("primary"),
        RegionRole::Secondary => Some("secondary"),
        RegionRole::Tertiary => Some("tertiary"),
        RegionRole::Active => None,
    }
}

/// Only where a region has several load balancers does it matter which of them carry the user traffic.
fn write_load_balancers(text: &mut String, findings: &Findings, region: &str) {
    let named = |name: &&str| !name.trim().is_empty();
    let here = findings
        .load_balancers
        .iter()
        .filter(|balancer| balancer.region == region);
    let all: BTreeSet<&str> = here
        .map(|balancer| balancer.name.as_str())
        .filter(named)
        .collect();
    if all.len() < 2 {
        return;
    }
    let targeted: BTreeSet<&str> = findings
        .targeted(region)
        .into_iter()
        .filter(named)
        .collect();
    let quote_all = |list: &BTreeSet<&str>| {
        list.iter()
            .map(|name| quoted(name))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if targeted.is_empty() {
        let line = format!(
            "# load_balancers = [{}]",
            quote_all(&all.into_iter().take(10).collect())
        );
        *text += &commented(
            &line,
            "keep those that carry user traffic; without this key all of them count",
        );
    } else if targeted.len() < all.len() {
        let line = format!("load_balancers = [{}]", quote_all(&targeted));
        *text += &commented(
            &line,
            "guessed: records with a routing policy lead to these",
        );
    }
}

fn write_names(text: &mut String, findings: &Findings, regions: &[FoundRegion<'_>]) {
    let names = findings.names();
    if names.is_empty() {
        *text += "# No name with weighted, latency, failover or geolocation record sets was found. Add those that split your traffic:\n# [[name]]\n# name = \"api.example.com\"\n\n";
        return;
    }
    *text += "# The names that split traffic. The first one gives each region's traffic share.\n";
    for name in &names {
        write_name(text, name, regions);
    }
}

fn write_name(text: &mut String, name: &FoundName, regions: &[FoundRegion<'_>]) {
    *text += "[[name]]\n";
    let policies: Vec<&str> = name.policies.iter().map(String::as_str).collect();
    let private = if name.private {
        ", in a private zone"
    } else {
        ""
    };
    let line = format!("name = {}", quoted(&name.name));
    *text += &commented(&line, &format!("{}{private}", policies.join(", ")));
    let _ = writeln!(text, "zone_id = {}", quoted(&name.zone_id));
    *text += "[name.regions]  # set identifier = region label\n";
    for (identifier, answer) in &name.answers {
        let known = answer
            .region
            .as_deref()
            .filter(|region| regions.iter().any(|found| found.name == *region));
        let (line, why) = match (known, &answer.region) {
            (Some(region), _) => (
                format!("{} = {}", quoted(identifier), quoted(region)),
                format!("guessed: {}", answer.evidence),
            ),
            (None, Some(region)) => (
                format!("# {} = {}", quoted(identifier), quoted(region)),
                "that region is not watched".to_owned(),
            ),
            (None, None) => (
                format!("# {} = \"…\"", quoted(identifier)),
                answer.evidence.clone(),
            ),
        };
        *text += &commented(&line, &why);
    }
    *text += "\n";
}

/// What could not be read, the places of the same failure in one line: thirty regions that lack one permission are one fact.
fn failures(findings: &Findings) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for failure in &findings.failures {
        // The SDK explains some errors over several lines.
        let error = failure.error.to_string();
        let error = error.split_whitespace().collect::<Vec<_>>().join(" ");
        let same = places.entry(error).or_default();
        same.push(&failure.place);
    }
    let line = |(error, places): (String, Vec<&str>)| format!("{}: {error}", list(&places, 6));
    places.into_iter().map(line).collect()
}

/// A few of a list, and how many more there are.
fn list(entries: &[&str], most: usize) -> String {
    let shown = entries[..entries.len().min(most)].join(", ");
    match entries.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A comment, in lines that fit beside each other. Whatever it quotes stays in them.
fn comment(text: &str) -> String {
    const WIDTH: usize = 110;
    let mut lines = String::new();
    let mut line = "#".to_owned();
    for word in short(text).split(' ') {
        if line.chars().count() + word.chars().count() > WIDTH && line.len() > 3 {
            lines += &line;
            lines.push('\n');
            "#  ".clone_into(&mut line);
        }
        line.push(' ');
        line += word;
    }
    lines + &line + "\n"
}

/// A line with a comment behind it.
fn commented(line: &str, why: &str) -> String {
    format!("{line}  # {}\n", short(why))
}

fn short(text: &str) -> String {
    const MOST: usize = 300;
    let safe = printable(text);
    if safe.chars().count() <= MOST {
        return safe;
    }
    let head: String = safe.chars().take(MOST).collect();
    format!("{head}…")
}

/// A text as a TOML string on one line, with nothing in it that a terminal or an editor would act on.
pub fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' => quoted += "\\\"",
            '\\' => quoted += "\\\\",
            c if is_hostile(c) => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

fn is_word(profile: &str) -> bool {
    RegionLabel::new(profile).is_ok() && !profile.contains(is_hostile)
}

/// What the user reads on the terminal after `init`: what was found, and what could not be read.
pub fn summary(findings: &Findings) -> Vec<String> {
    let mut lines = Vec::new();
    for region in findings.ranked() {
        let role = role_word(region.role).unwrap_or("active");
        let count = |part| region.facts.iter().filter(|fact| fact.part == part).count();
        let name = printable(region.name);
        lines.push(format!(
            "{name}: {role}; writes {}, replicates {}, serves {}",
            count(Part::Writes),
            count(Part::Reads),
            count(Part::Serves)
        ));
    }
    for name in findings.names() {
        let known = name
            .answers
            .values()
            .filter(|answer| answer.region.is_some())
            .count();
        lines.push(printable(&format!(
            "{}: {} answers, {known} with a known region",
            name.name,
            name.answers.len()
        )));
    }
    let failures = failures(findings).into_iter();
    lines.extend(failures.map(|failure| printable(&format!("not read: {failure}"))));
    lines
}

#[cfg(test)]
mod tests;
