//! Whether a scenario makes sense: which fields belong to which fault, and whether regions exist. Owns the messages.

use std::{collections::BTreeMap, ops::Range};

use toml::Spanned;

use super::{
    Conduct, Event, Fault,
    problem::Problems,
    raw::{self, Name},
    shape::Shape,
};
use crate::{resources::Place, sim::world::Transition};

/// Checks the keys at the top.
pub(super) fn header(problems: &mut Problems<'_>, header: &raw::Header) {
    let name = header.name.get_ref();
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        problems.note(
            &header.name.span(),
            format!("name is made of letters, digits and dashes, not `{name}`"),
        );
    }
    if !(1..=86_400).contains(header.duration.get_ref()) {
        problems.note(
            &header.duration.span(),
            format!(
                "duration is 1 to 86400 seconds, not {}",
                header.duration.get_ref()
            ),
        );
    }
}

/// Checks events against the estate.
pub(super) struct Checker<'a, 'b> {
    pub shape: &'a Shape,
    pub duration: Option<u32>,
    pub problems: &'a mut Problems<'b>,
}

/// One event while it is checked.
struct Entry<'a> {
    name: String,
    raw: &'a raw::Event,
    span: Range<usize>,
}

impl Checker<'_, '_> {
    /// Checks an event; `None` when it has a problem.
    pub(super) fn event(&mut self, index: usize, raw: &raw::Event) -> Option<Event> {
        let fault = *raw.fault.get_ref();
        let entry = Entry {
            name: format!("events[{index}] ({})", fault.text()),
            raw,
            span: raw.fault.span(),
        };
        let at = *raw.at.get_ref();
        if let Some(duration) = self.duration.filter(|duration| at > *duration) {
            self.problems.note(
                &raw.at.span(),
                format!(
                    "{}: at {at} is after the end of the scenario at {duration}",
                    entry.name
                ),
            );
        }
        if let Some(lasts) = raw.lasts.as_ref().filter(|lasts| *lasts.get_ref() == 0) {
            self.problems.note(
                &lasts.span(),
                format!("{}: for is at least 1 second", entry.name),
            );
        }
        self.strangers(&entry, fault);
        let fault = self.fault(&entry, fault)?;
        Some(Event {
            at,
            lasts: raw.lasts.as_ref().map(|lasts| *lasts.get_ref()),
            fault,
        })
    }

    fn fault(&mut self, entry: &Entry<'_>, name: Name) -> Option<Fault> {
        let fault = match name {
            Name::RegionDown => Fault::RegionDown {
                region: self.region(entry)?,
            },
            Name::ServiceErrors => Fault::ServiceErrors {
                region: self.region(entry)?,
                share: self.share(entry),
            },
            Name::AzLoss => Fault::ZoneLoss {
                region: self.region(entry)?,
            },
            Name::WriterCrash => Fault::WriterCrash,
            Name::SourceLost => Fault::SourceLost,
            Name::ReplicationConflict => Fault::ReplicationConflict {
                between: self.between(entry)?,
            },
            Name::Partition => Fault::Partition {
                between: self.between(entry)?,
            },
            Name::StaleTelemetry => Fault::StaleTelemetry {
                region: self.region(entry)?,
            },
            Name::CanaryBad => Fault::CanaryBad {
                region: self.region(entry)?,
                share: self.share(entry),
            },
            Name::Throttle => self.api(entry, Conduct::Throttle)?,
            Name::Hang => self.api(entry, Conduct::Hang)?,
            Name::Slow => self.api(entry, Conduct::Slow)?,
            Name::Deny => self.api(entry, Conduct::Deny)?,
            Name::Fail => self.api(entry, Conduct::Fail)?,
            Name::Partial => self.api(entry, Conduct::Partial)?,
            Name::ExternalChange => Fault::ExternalChange(self.transitions(entry)?),
            Name::Heal => Fault::Heal {
                region: match &entry.raw.region {
                    None => None,
                    Some(label) => {
                        Some(self.find(entry, "region", label.get_ref(), &label.span())?)
                    }
                },
            },
        };
        Some(fault)
    }

    fn api(&mut self, entry: &Entry<'_>, conduct: Conduct) -> Option<Fault> {
        let place = match &entry.raw.place {
            None => None,
            Some(text) => Some(self.place(entry, text)?),
        };
        Some(Fault::Api {
            conduct,
            api: entry.raw.api.as_ref().map(|api| *api.get_ref()),
            place,
            share: self.share(entry),
        })
    }

    /// `global`, `endpoint REGION`, or the label of a region.
    fn place(&mut self, entry: &Entry<'_>, text: &Spanned<String>) -> Option<Place> {
        let name = text.get_ref().as_str();
        if name == "global" {
            return Some(Place::Global);
        }
        if let Some(region) = name.strip_prefix("endpoint ") {
            return Some(Place::Endpoint(region.to_owned()));
        }
        let index = self.find(entry, "place", name, &text.span())?;
        Some(Place::Region(self.shape.regions[index].label.clone()))
    }

    fn share(&mut self, entry: &Entry<'_>) -> f64 {
        let Some(share) = &entry.raw.share else {
            return 1.0;
        };
        let value = *share.get_ref();
        if !(0.0..=1.0).contains(&value) {
            self.problems.note(
                &share.span(),
                format!("{}: share is 0.0 to 1.0, not {value}", entry.name),
            );
        }
        value
    }

    fn region(&mut self, entry: &Entry<'_>) -> Option<usize> {
        match &entry.raw.region {
            Some(label) => self.find(entry, "region", label.get_ref(), &label.span()),
            None => {
                self.problems
                    .note(&entry.span, format!("{}: region is missing", entry.name));
                None
            }
        }
    }

    fn between(&mut self, entry: &Entry<'_>) -> Option<(usize, usize)> {
        let Some(between) = &entry.raw.between else {
            self.problems
                .note(&entry.span, format!("{}: between is missing", entry.name));
            return None;
        };
        let span = between.span();
        match between.get_ref().as_slice() {
            [a, b] if a != b => {
                let a = self.find(entry, "between", a, &span);
                let b = self.find(entry, "between", b, &span);
                a.zip(b)
            }
            _ => {
                self.problems.note(
                    &span,
                    format!("{}: between names two different regions", entry.name),
                );
                None
            }
        }
    }

    fn find(
        &mut self,
        entry: &Entry<'_>,
        field: &str,
        label: &str,
        span: &Range<usize>,
    ) -> Option<usize> {
        let found = self.shape.index(label);
        if found.is_none() {
            let labels: Vec<&str> = self
                .shape
                .regions
                .iter()
                .map(|r| r.label.as_str())
                .collect();
            let nearest = labels
                .iter()
                .min_by_key(|known| strsim::damerau_levenshtein(known, label))
                .filter(|known| strsim::damerau_levenshtein(known, label) <= 3);
            let hint = nearest.map_or_else(
                || format!("the regions are {}", labels.join(", ")),
                |known| format!("did you mean `{known}`?"),
            );
            self.problems.note(
                span,
                format!(
                    "{}: {field}: there is no region `{label}`; {hint}",
                    entry.name
                ),
            );
        }
        found
    }

    fn transitions(&mut self, entry: &Entry<'_>) -> Option<Vec<Transition>> {
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
        let targets: [(&str, Option<&Spanned<String>>, fn(usize) -> Transition); 4] = [
            ("switch-over-to", raw.switch_over_to.as_ref(), |to| {
                Transition::SwitchOver { to }
            }),
            ("fail-over-to", raw.fail_over_to.as_ref(), |to| {
                Transition::FailOver { to }
            }),
            ("promote", raw.promote.as_ref(), |region| {
                Transition::Promote { region }
            }),
            ("cache-primary", raw.cache_primary.as_ref(), |to| {
                Transition::CachePrimary { to }
            }),
        ];
        for (field, label, transition) in targets {
            if let Some(label) = label {
                transitions.push(transition(self.find(
                    entry,
                    field,
                    label.get_ref(),
                    &label.span(),
                )?));
            }
        }
        if transitions.is_empty() {
            self.problems.note(
                &entry.span,
                format!(
                    "{}: one of weights, dials, controls, canary, switch-over-to, fail-over-to, promote, cache-primary is missing",
                    entry.name
                ),
            );
            return None;
        }
        Some(transitions)
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

    /// Notes fields that the fault does not take: a field that is silently ignored is a scenario that does not do what it says.
    fn strangers(&mut self, entry: &Entry<'_>, fault: Name) {
        let raw = entry.raw;
        let takes = |fields: &[Name]| fields.contains(&fault);
        let apis = [
            Name::Throttle,
            Name::Hang,
            Name::Slow,
            Name::Deny,
            Name::Fail,
            Name::Partial,
        ];
        let change = fault == Name::ExternalChange;
        let given = [
            (
                "region",
                raw.region.as_ref().map(Spanned::span),
                takes(&[
                    Name::RegionDown,
                    Name::ServiceErrors,
                    Name::AzLoss,
                    Name::StaleTelemetry,
                    Name::CanaryBad,
                    Name::Heal,
                ]),
            ),
            (
                "between",
                raw.between.as_ref().map(Spanned::span),
                takes(&[Name::Partition, Name::ReplicationConflict]),
            ),
            (
                "share",
                raw.share.as_ref().map(Spanned::span),
                takes(&apis) || takes(&[Name::ServiceErrors, Name::CanaryBad]),
            ),
            ("api", raw.api.as_ref().map(Spanned::span), takes(&apis)),
            ("place", raw.place.as_ref().map(Spanned::span), takes(&apis)),
            ("weights", raw.weights.as_ref().map(Spanned::span), change),
            ("dials", raw.dials.as_ref().map(Spanned::span), change),
            ("controls", raw.controls.as_ref().map(Spanned::span), change),
            ("canary", raw.canary.as_ref().map(Spanned::span), change),
            (
                "switch-over-to",
                raw.switch_over_to.as_ref().map(Spanned::span),
                change,
            ),
            (
                "fail-over-to",
                raw.fail_over_to.as_ref().map(Spanned::span),
                change,
            ),
            ("promote", raw.promote.as_ref().map(Spanned::span), change),
            (
                "cache-primary",
                raw.cache_primary.as_ref().map(Spanned::span),
                change,
            ),
            (
                "for",
                raw.lasts.as_ref().map(Spanned::span),
                !change && fault != Name::Heal,
            ),
        ];
        for (field, span, fits) in given {
            if let Some(span) = span.filter(|_| !fits) {
                self.problems
                    .note(&span, format!("{}: takes no {field}", entry.name));
            }
        }
    }
}
