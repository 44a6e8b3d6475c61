//! Regions as targets of actions: which one is meant, what it serves now. Owns the words for regions that do not exist.

use crate::{
    actions::Refusal,
    plan::ledger::Ledger,
    resources::{Fleet, RegionLabel, regions::demand::Demand},
};

/// The region that a target names, by its label or its AWS Region.
pub fn find(fleet: &Fleet, target: &str) -> Result<RegionLabel, Refusal> {
    let target = target.trim();
    if let Some(label) = fleet.estate.region_named(target) {
        return Ok(label.clone());
    }
    let labels = labels(fleet);
    let nearest = labels
        .iter()
        .map(|label| (strsim::damerau_levenshtein(label, target), label))
        .min();
    let advice = match nearest {
        None => "the estate has no regions".to_owned(),
        Some((distance, label)) if distance <= 3 => format!("did you mean `{label}`?"),
        Some(_) => format!("there are {}", labels.join(", ")),
    };
    Err(Refusal::new(
        format!("there is no region `{target}`"),
        advice,
    ))
}

/// The labels of all regions.
pub fn labels(fleet: &Fleet) -> Vec<String> {
    let regions = fleet.estate.regions.iter();
    regions.map(|region| region.label.to_string()).collect()
}

/// All regions but one.
pub fn others(fleet: &Fleet, label: &RegionLabel) -> Vec<RegionLabel> {
    let regions = fleet.estate.regions.iter();
    regions
        .map(|region| region.label.clone())
        .filter(|other| other != label)
        .collect()
}

/// Requests per second that a region serves now; `None` where they are not known.
pub fn rps(fleet: &Fleet, label: &RegionLabel) -> Option<f64> {
    Demand::of(fleet, label).requests_per_second?.usable()
}

/// Whether no API of a region answers.
pub fn lost(fleet: &Fleet, label: &RegionLabel) -> bool {
    fleet.rollup(label).reach.lost(fleet.now)
}

/// Whether we drained a region, as the journal says, and nobody restored it.
pub fn drained(ledger: &Ledger, label: &RegionLabel) -> bool {
    ledger.drained().iter().any(|drain| drain.region == *label)
}

/// A share that moves, as it is typed to confirm: `eu-west-1 31%`, or `eu-west-1 all` where it is not known.
pub fn phrase(label: &RegionLabel, share: Option<f64>) -> String {
    match share {
        Some(share) => format!("{label} {:.0}%", (share * 100.0).abs()),
        None => format!("{label} all"),
    }
}
