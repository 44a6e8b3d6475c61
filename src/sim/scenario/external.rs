//! What somebody else changes in a scenario. Owns how `external-change` is read.

use std::collections::BTreeMap;

use toml::Spanned;

use super::{
    check::{Checker, Entry, takes},
    raw::Name,
};
use crate::sim::world::Transition;

impl Checker<'_, '_> {
    /// The changes of an entry; `None` when there is none or one of them cannot be read.
    pub(super) fn transitions(&mut self, entry: &Entry<'_>) -> Option<Vec<Transition>> {
        let raw = entry.raw;
        let mut transitions = Vec::new();
        if let Some(weights) = self.by_region(entry, "weights", raw.weights.as_ref()) {
            transitions.push(Transition::Weights(weights));
        }
        if let Some(dials) = self.by_region(entry, "dials", raw.dials.as_ref()) {
            self.percentages(entry, "dials", raw.dials.as_ref());
            transitions.extend(
                dials
                    .into_iter()
                    .map(|(region, percent)| Transition::Dial { region, percent }),
            );
        }
        if let Some(controls) = self.by_region(entry, "controls", raw.controls.as_ref()) {
            transitions.extend(
                controls
                    .into_iter()
                    .map(|(region, on)| Transition::Control { region, on }),
            );
        }
        if let Some(canary) = self.by_region(entry, "canary", raw.canary.as_ref()) {
            self.percentages(entry, "canary", raw.canary.as_ref());
            transitions.extend(
                canary
                    .into_iter()
                    .map(|(region, percent)| Transition::Canary { region, percent }),
            );
        }
        if let Some(routes) = self.by_region(entry, "route", raw.route.as_ref()) {
            self.percentages(entry, "route", raw.route.as_ref());
            transitions.extend(routes.into_iter().map(Transition::route_canary));
        }
        let mut role =
            |field: &str, label: &Option<Spanned<String>>, make: fn(usize) -> Transition| {
                let Some(label) = label else { return };
                let region = self.find(entry, field, label.get_ref(), &label.span());
                transitions.extend(region.map(make));
            };
        role("switch-over-to", &raw.switch_over_to, |to| {
            Transition::SwitchOver { to }
        });
        role("fail-over-to", &raw.fail_over_to, |to| {
            Transition::FailOver { to }
        });
        role("promote", &raw.promote, |region| Transition::Promote {
            region,
        });
        role("cache-primary", &raw.cache_primary, |to| {
            Transition::CachePrimary { to }
        });
        if let Some(alias) = self.by_region(entry, "alias", raw.alias.as_ref()) {
            let change = |(region, weight)| Transition::Alias { region, weight };
            transitions.extend(alias.into_iter().map(change));
        }
        if let Some(staging) = &raw.staging {
            transitions.push(Transition::Staging {
                weight: *staging.get_ref(),
            });
        }
        self.is_any_given(entry)?;
        Some(transitions)
    }

    /// A change that changes nothing is a mistake.
    fn is_any_given(&mut self, entry: &Entry<'_>) -> Option<()> {
        let known = takes(Name::ExternalChange);
        let mut given = entry.raw.given().into_iter();
        if given.any(|(field, span)| span.is_some() && known.contains(&field)) {
            return Some(());
        }
        let known = known.join(", ");
        self.problems.note(
            &entry.span,
            format!("{}: one of {known} is missing", entry.name),
        );
        None
    }

    fn by_region<T: Copy>(
        &mut self,
        entry: &Entry<'_>,
        field: &str,
        values: Option<&Spanned<BTreeMap<String, T>>>,
    ) -> Option<Vec<(usize, T)>> {
        let values = values?;
        let span = values.span();
        let found = values
            .get_ref()
            .iter()
            .filter_map(|(label, value)| Some((self.find(entry, field, label, &span)?, *value)));
        Some(found.collect())
    }

    fn percentages(
        &mut self,
        entry: &Entry<'_>,
        field: &str,
        values: Option<&Spanned<BTreeMap<String, f64>>>,
    ) {
        let Some(values) = values else { return };
        for value in values.get_ref().values() {
            if !(0.0..=100.0).contains(value) {
                self.problems.note(
                    &values.span(),
                    format!("{}: {field} are 0 to 100 percent, not {value}", entry.name),
                );
            }
        }
    }
}
