//! Things that cannot both be true, or should not be: what one region says against another, what is steered against what arrives. Owns the rules; must never accuse on data that is merely old without saying so.

mod partition;
mod stores;
mod traffic;

use serde::Serialize;

use super::{Fleet, RegionLabel, Severity, clusters::Cluster};

/// Two facts that do not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    /// How bad.
    pub severity: Severity,
    /// The regions concerned.
    pub regions: Vec<RegionLabel>,
    /// What does not fit, in one sentence.
    pub text: String,
}

/// Kubernetes minors by which regions may differ.
const VERSION_SKEW: u32 = 1;

/// Everything that does not fit, the worst first, after what makes all of it doubtful.
pub fn find(fleet: &Fleet) -> Vec<Contradiction> {
    let mut found = Vec::new();
    found.extend(stores::find(fleet));
    found.extend(partition::find(fleet));
    found.extend(traffic::find(fleet));
    found.extend(versions(fleet));
    found.sort_by_key(|contradiction| std::cmp::Reverse(contradiction.severity));
    // It is the reason for half of the others.
    found.splice(0..0, our_own_network(fleet));
    found
}

/// All regions silent at once.
fn our_own_network(fleet: &Fleet) -> Option<Contradiction> {
    let regions = fleet.estate.regions.iter().map(|spec| spec.label.clone());
    fleet.cut_off().then(|| Contradiction {
        severity: Severity::Unknown,
        regions: regions.collect(),
        text: "every region unreachable: probably our own network (DNS, proxy, VPN)".to_owned(),
    })
}

fn join(texts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let texts: Vec<String> = texts
        .into_iter()
        .map(|text| text.as_ref().to_owned())
        .collect();
    texts.join(", ")
}

/// Major and minor of `1.33`; `None` for anything else.
fn minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn versions(fleet: &Fleet) -> Option<Contradiction> {
    let mut seen: Vec<((u32, u32), RegionLabel)> = Vec::new();
    for (_, place, row) in fleet.clusters.rows() {
        if let (Some(label), Cluster::Eks(cluster)) = (place.region(), row)
            && let Some(version) = cluster.version.as_deref().and_then(minor)
        {
            seen.push((version, label.clone()));
        }
    }
    let oldest = seen.iter().min_by_key(|(version, ..)| *version)?;
    let newest = seen.iter().max_by_key(|(version, ..)| *version)?;
    let ((old_major, old), (new_major, new)) = (oldest.0, newest.0);
    let apart = oldest.1 != newest.1 && (new_major > old_major || new - old > VERSION_SKEW);
    apart.then(|| Contradiction {
        severity: Severity::Warn,
        regions: vec![oldest.1.clone(), newest.1.clone()],
        text: format!(
            "Kubernetes {old_major}.{old} in {} but {new_major}.{new} in {}",
            oldest.1, newest.1
        ),
    })
}

#[cfg(test)]
mod tests;
