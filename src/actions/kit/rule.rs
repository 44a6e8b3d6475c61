//! Rules of routes in clusters whose backends lead to several regions: how a mesh or a gateway divides between regions. Owns what belongs together and the edit of a whole rule; chooses nothing.

use super::parts;
use crate::resources::{
    Change, Fleet, Place, RegionLabel, Source,
    traffic::{self, RouteBackend, RouteRule, Split, change::BackendEdit},
};

/// A backend: its name as the row has it, and the region that it leads to.
pub type Backend<'a> = (&'a str, &'a RouteBackend, &'a RegionLabel);

/// A rule that divides between regions.
#[derive(Debug, Clone)]
pub struct Rule<'a> {
    /// The region of its cluster.
    pub region: &'a RegionLabel,
    /// Which rule of which object.
    pub at: &'a RouteRule,
    /// Its backends, in their order.
    pub backends: Vec<Backend<'a>>,
}

/// All of them, as last read.
pub fn all<'a>(fleet: &'a Fleet) -> Vec<Rule<'a>> {
    let mut rules = Vec::new();
    for (source, place, slice) in fleet.traffic.slices() {
        let (Source::Routes, Place::Region(region)) = (source, place) else {
            continue;
        };
        let same =
            |a: &Split, b: &Split| a.by.route().map(|a| &a.rule) == b.by.route().map(|b| &b.rule);
        for rows in slice.rows.chunk_by(same) {
            let backend = |row: &'a Split| -> Option<Backend<'a>> {
                let backend = row.by.route()?;
                let leads_to = backend.leads_to(&fleet.estate, region);
                Some((row.member.as_str(), backend, leads_to))
            };
            let backends: Vec<Backend<'a>> = rows.iter().filter_map(backend).collect();
            let Some((_, first, to)) = backends.first() else {
                continue;
            };
            if backends.iter().any(|(_, _, other)| other != to) {
                rules.push(Rule {
                    region,
                    at: &first.rule,
                    backends,
                });
            }
        }
    }
    rules
}

impl Rule<'_> {
    /// What it is and where: `VirtualService shop/checkout in us-east-1`.
    pub fn name(&self) -> String {
        let number = if self.at.index > 0 {
            format!(" rule {}", self.at.index)
        } else {
            String::new()
        };
        format!("{}{number} in {}", self.at.object(), self.region)
    }

    /// Which backends lead to a region.
    pub fn mask(&self, label: &RegionLabel) -> Vec<bool> {
        let backends = self.backends.iter();
        backends.map(|(_, _, to)| *to == label).collect()
    }

    /// The weights of all backends.
    pub fn weights(&self) -> Vec<u32> {
        let backends = self.backends.iter();
        backends.map(|(_, backend, _)| backend.weight).collect()
    }

    /// Whether a region gets any of it.
    pub fn serves(&self, label: &RegionLabel) -> bool {
        let mut backends = self.backends.iter();
        backends.any(|(_, backend, to)| *to == label && backend.weight > 0)
    }

    /// Whether a backend leads to a region at all.
    pub fn leads_to(&self, label: &RegionLabel) -> bool {
        self.backends.iter().any(|(_, _, to)| *to == label)
    }

    /// Whether its API server is heard, so that its weights are known.
    pub fn heard(&self, fleet: &Fleet) -> bool {
        let mut backends = self.backends.iter();
        backends.all(|(_, backend, _)| backend.heard(fleet).usable())
    }

    /// Weights with a portion of what a region has in `normal`.
    pub fn level(&self, normal: &[u32], label: &RegionLabel, portion: f64) -> Option<Vec<u32>> {
        parts::level(self.at.kind, normal, &self.mask(label), portion)
    }

    /// The one patch that turns weights into others; `None` when nothing changes.
    pub fn change(&self, from: &[u32], to: &[u32]) -> Option<Change> {
        change(self.region, &self.backends, from, to)
    }
}

/// The patch of a whole rule; its backends say where they lead where they lead to several regions. `None` when nothing changes.
pub fn change(
    region: &RegionLabel,
    backends: &[Backend<'_>],
    from: &[u32],
    to: &[u32],
) -> Option<Change> {
    let (_, first, leads_to) = backends.first()?;
    if from == to {
        return None;
    }
    let spans = backends.iter().any(|(_, _, other)| other != leads_to);
    let edits = backends.iter().zip(from.iter().zip(to));
    let edits = edits.map(|((member, _, to_region), (from, to))| BackendEdit {
        backend: (*member).to_owned(),
        region: spans.then(|| (*to_region).clone()),
        from: *from,
        to: *to,
    });
    Some(Change::Traffic(traffic::Change::Route {
        region: region.clone(),
        rule: first.rule.clone(),
        backends: edits.collect(),
    }))
}
