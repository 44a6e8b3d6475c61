//! What the origins get while the caches of a distribution fill again: part of G-CAP. Owns the arithmetic; where the hit ratio is not known nothing is concluded.

use super::{Verdict, finding::Findings, outlook::Outlook};
use crate::resources::{
    Place,
    regions::{capacity::Capacity, demand},
    traffic::cloudfront::{distribution_key, is_wildcard},
};

/// Whether the regions have room for what an invalidation sends to them (domain B.8): with a hit ratio of 90 % everything is ten times as much.
pub fn room(outlook: &Outlook<'_>, id: &str, paths: &[String], found: &mut Findings) {
    let fleet = outlook.fleet;
    if !paths.iter().any(|path| is_wildcard(path)) {
        found.pass(format!(
            "{} files: the origins are asked for each once more",
            paths.len()
        ));
        return;
    }
    // Below a narrower wildcard lies a part of the requests that nobody knows: everything is the bound.
    let everything = paths.iter().any(|path| path == "/*");
    let grave = |verdict: Verdict| {
        if everything {
            verdict
        } else {
            verdict.min(Verdict::Warn)
        }
    };
    let reading = |what: &str| {
        let key = distribution_key(id, what);
        fleet.reading(&Place::Global, &key).usable()
    };
    let (Some(count), Some(hits)) = (reading("requests"), reading("hit-rate")) else {
        found.add(
            grave(Verdict::Unknown),
            format!("requests and hit ratio of {id} are not known, so what its origins get is not either"),
            "enable the additional metrics of the distribution, or name single files",
        );
        return;
    };
    let extra = count / 60.0 * hits / 100.0;
    let rates = demand::in_one_minute(fleet);
    let total: f64 = rates.iter().filter_map(|(_, rate)| *rate).sum();
    if total <= 0.0 {
        found.add(
            grave(Verdict::Unknown),
            "what the origins serve now is not known",
            "wait for their request metrics",
        );
        return;
    }
    let limits = &fleet.estate.thresholds;
    let (warn, bad) = (
        limits.utilisation_warn_percent,
        limits.utilisation_bad_percent,
    );
    for (label, rate) in rates {
        let Some(rate) = rate.filter(|rate| *rate > 0.0) else {
            continue;
        };
        let capacity = Capacity::of(fleet, label);
        let Some(rps) = capacity.usable().filter(|rps| *rps > 0.0) else {
            found.add(
                grave(Verdict::Unknown),
                format!("{label}: its capacity is not known, {}", capacity.how),
                format!("set `capacity_rps` of {label} in pilothouse.toml"),
            );
            continue;
        };
        let after = rate + extra * rate / total;
        let used = after / rps * 100.0;
        let bound = if everything { "" } else { "up to " };
        let text = format!(
            "{label} {bound}{used:.0} % while the caches fill ({after:.0} of {rps:.0} rps, {hits:.0} % hits now)"
        );
        let verdict = if used > bad {
            Verdict::Fail
        } else if used > warn {
            Verdict::Warn
        } else {
            Verdict::Pass
        };
        found.add(
            grave(verdict),
            text,
            format!("name narrower paths, or scale {label} up first"),
        );
    }
}
