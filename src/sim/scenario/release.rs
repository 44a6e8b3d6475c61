//! What somebody releases in a scenario. Owns how `release` and `push` are read.

use toml::Spanned;

use super::{
    Fault,
    check::{Checker, Entry},
    problem::nearest,
};
use crate::sim::world::{
    pipelines,
    releases::{Outcome, services},
};

impl Checker<'_, '_> {
    /// A release; `None` when it has a problem.
    pub(super) fn release(&mut self, entry: &Entry<'_>) -> Option<Fault> {
        let region = self.region(entry);
        let (service, version, outcome) = self.brought(entry, services())?;
        Some(Fault::Release {
            region: region?,
            service,
            version,
            outcome,
        })
    }

    /// A version that is pushed to a pipeline; `None` when it has a problem.
    pub(super) fn push(&mut self, entry: &Entry<'_>) -> Option<Fault> {
        let (service, version, outcome) = self.brought(entry, pipelines::services())?;
        Some(Fault::Push {
            service,
            version,
            outcome,
        })
    }

    /// Which version of which service, and what becomes of it.
    fn brought(
        &mut self,
        entry: &Entry<'_>,
        known: impl Iterator<Item = &'static str>,
    ) -> Option<(String, String, Outcome)> {
        let version = self.text(entry, "version", entry.raw.version.as_ref());
        let service = self.text(entry, "service", entry.raw.service.as_ref());
        let service = service.and_then(|service| {
            self.one_of(entry, "service", service, known.map(|name| (name, name)))
        });
        let outcome = match &entry.raw.outcome {
            None => Some(Outcome::Good),
            Some(outcome) => self.one_of(entry, "outcome", outcome, Outcome::ALL.into_iter()),
        };
        Some((service?.to_owned(), version?.get_ref().clone(), outcome?))
    }

    fn text<'a>(
        &mut self,
        entry: &Entry<'_>,
        field: &str,
        text: Option<&'a Spanned<String>>,
    ) -> Option<&'a Spanned<String>> {
        if text.is_none() {
            self.problems
                .note(&entry.span, format!("{}: {field} is missing", entry.name));
        }
        text
    }

    fn one_of<T>(
        &mut self,
        entry: &Entry<'_>,
        field: &str,
        given: &Spanned<String>,
        known: impl Iterator<Item = (&'static str, T)>,
    ) -> Option<T> {
        let mut known: Vec<(&str, T)> = known.collect();
        let word = given.get_ref().as_str();
        if let Some(index) = known.iter().position(|(name, _)| *name == word) {
            return Some(known.swap_remove(index).1);
        }
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let hint = nearest(word, names.iter().copied()).map_or_else(
            || format!("it is one of {}", names.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        self.problems.note(
            &given.span(),
            format!("{}: {field}: there is no `{word}`; {hint}", entry.name),
        );
        None
    }
}
