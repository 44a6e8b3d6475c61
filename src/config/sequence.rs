//! `[rollout]`: in which order a release goes through the regions and when it may go on. Owns that an order names regions that there are, each once.

use super::{
    document::{Found, Section},
    estate_file::unknown_region,
    reference,
};
use crate::resources::{
    RegionLabel,
    estate::RegionSpec,
    sequence::{Sequence, Stated},
};

/// A week: a soak that is longer is a mistake.
const LONGEST: f64 = 10_080.0;

/// Reads `[rollout]` and what it says of single services.
pub fn read(mut section: Section<'_>, regions: &[RegionSpec]) -> Sequence {
    let report = section.report();
    let mut sequence = Sequence {
        all: stated(&mut section, regions),
        ..Sequence::default()
    };
    let services = section.table("services");
    for (name, value) in services.into_iter().flat_map(Section::entries) {
        let parts: Vec<&str> = name.value.split('/').collect();
        if parts.len() != 2 || parts.iter().any(|part| part.trim().is_empty()) {
            let text = format!(
                "`{}` is no service; write [rollout.services.\"namespace/name\"]",
                name.value
            );
            report.at(&name.span, text);
            continue;
        }
        let Some(table) = value.get_ref().as_table() else {
            let text = format!(
                "`{}` must be a table: [rollout.services.\"{0}\"]",
                name.value
            );
            report.at(&value.span(), text);
            continue;
        };
        let path = format!("rollout.services.\"{}\"", name.value);
        let mut own = Section::new(path, table, value.span(), report);
        let said = stated(&mut own, regions);
        own.finish(&reference::place_of);
        sequence.services.insert(name.value.to_owned(), said);
    }
    section.finish(&reference::place_of);
    sequence
}

fn stated(section: &mut Section<'_>, regions: &[RegionSpec]) -> Stated {
    let number = |found: Option<Found<f64>>| found.map(|found| found.value);
    let order = order(section, regions);
    let soak = section.number("soak_minutes", 0.0, LONGEST);
    if let Some(found) = soak.as_ref().filter(|found| found.value.fract() != 0.0) {
        let text = format!("`soak_minutes` must be whole minutes, not {}", found.value);
        section.report().at(&found.span, text);
    }
    Stated {
        order,
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and a week
        soak_minutes: number(soak).map(|minutes| minutes as u32),
        min_requests: number(section.number("min_requests", 0.0, 1e9)),
        min_errors: number(section.number("min_errors", 1.0, 1e9)),
        error_percent: number(section.number("error_percent", 0.0, 100.0)),
        p95_ms: number(section.number("p95_ms", 1.0, 86_400_000.0)),
    }
}

fn order(section: &mut Section<'_>, regions: &[RegionSpec]) -> Vec<RegionLabel> {
    let report = section.report();
    let mut order: Vec<RegionLabel> = Vec::new();
    for found in section.texts("order") {
        let known = || regions.iter().map(|region| region.label.as_str());
        let region = regions
            .iter()
            .find(|region| region.label.as_str() == found.value);
        match region {
            None => unknown_region(report, &found, known()),
            Some(region) if order.contains(&region.label) => {
                report.at(
                    &found.span,
                    format!("`{}` is in `order` twice", found.value),
                );
            }
            Some(region) => order.push(region.label.clone()),
        }
    }
    order
}
