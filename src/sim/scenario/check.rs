//! Whether a scenario makes sense: which fields belong to which fault, and whether regions exist. Owns the messages.

use std::{collections::BTreeSet, ops::Range};

use toml::Spanned;

use super::{
    ApiFault, Cue, Fault, WriteFault,
    problem::{Problems, nearest},
    raw::{self, Name},
    shape::Shape,
};
use crate::resources::{Api, Place, Source};

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

/// Checks the cues of a timeline against the estate.
pub(super) struct Checker<'a, 'b> {
    pub shape: &'a Shape,
    pub duration: Option<u32>,
    pub problems: &'a mut Problems<'b>,
}

/// A cue while it is checked.
pub(super) struct Entry<'a> {
    pub name: String,
    pub raw: &'a raw::Cue,
    pub span: Range<usize>,
}

impl Checker<'_, '_> {
    /// Checks a cue; `None` when it has a problem.
    pub(super) fn cue(&mut self, index: usize, raw: &raw::Cue) -> Option<Cue> {
        let fault = *raw.fault.get_ref();
        let entry = Entry {
            name: format!("timeline[{index}] ({})", fault.text()),
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
        Some(Cue {
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
            Name::MetricsMissing => Fault::MetricsMissing {
                region: self.region(entry)?,
            },
            Name::CanaryBad => Fault::CanaryBad {
                region: self.region(entry)?,
                share: self.share(entry),
            },
            Name::RouteCanaryBad => Fault::RouteCanaryBad {
                region: self.region(entry)?,
                share: self.share(entry),
            },
            Name::Throttle => self.api(entry, ApiFault::Throttle)?,
            Name::Hang => self.api(entry, ApiFault::Hang)?,
            Name::Slow => self.api(entry, ApiFault::Slow)?,
            Name::Deny => self.api(entry, ApiFault::Deny)?,
            Name::Expire => self.api(entry, ApiFault::Expire)?,
            Name::Fail => self.api(entry, ApiFault::Fail)?,
            Name::Partial => self.api(entry, ApiFault::Partial)?,
            Name::WriteThrottle => self.write(entry, WriteFault::Throttle)?,
            Name::WriteDeny => self.write(entry, WriteFault::Deny)?,
            Name::WriteUnanswered => self.write(entry, WriteFault::Unanswered)?,
            Name::WriteAnswerLost => self.write(entry, WriteFault::AnswerLost)?,
            Name::WriteLie => self.write(entry, WriteFault::Lie)?,
            Name::WriteHang => self.write(entry, WriteFault::Hang)?,
            Name::WriteLate => {
                let delay = self.delay(entry)?;
                self.write(entry, WriteFault::Late(delay))?
            }
            Name::ApplicationDown => {
                self.anywhere(entry, |region| Fault::ApplicationDown { region })?
            }
            Name::Release => self.release(entry)?,
            Name::Push => self.push(entry)?,
            Name::ExternalChange => Fault::ExternalChange(self.transitions(entry)?),
            Name::Heal => self.anywhere(entry, |region| Fault::Heal { region })?,
        };
        Some(fault)
    }

    /// A fault of a region, or of all of them where none is named.
    fn anywhere(&mut self, entry: &Entry<'_>, make: fn(Option<usize>) -> Fault) -> Option<Fault> {
        let Some(label) = &entry.raw.region else {
            return Some(make(None));
        };
        let region = self.find(entry, "region", label.get_ref(), &label.span())?;
        Some(make(Some(region)))
    }

    fn delay(&mut self, entry: &Entry<'_>) -> Option<u32> {
        let delay = entry.raw.delay.as_ref().map(|delay| *delay.get_ref());
        if delay.is_none() {
            self.problems
                .note(&entry.span, format!("{}: delay is missing", entry.name));
        }
        delay
    }

    fn write(&mut self, entry: &Entry<'_>, how: WriteFault) -> Option<Fault> {
        let (api, place) = self.api_and_place(entry)?;
        if let Some(times) = entry
            .raw
            .times
            .as_ref()
            .filter(|times| *times.get_ref() == 0)
        {
            self.problems.note(
                &times.span(),
                format!("{}: times is at least 1", entry.name),
            );
        }
        Some(Fault::Write {
            how,
            api,
            place,
            share: self.share(entry),
            times: entry.raw.times.as_ref().map(|times| *times.get_ref()),
        })
    }

    fn api(&mut self, entry: &Entry<'_>, how: ApiFault) -> Option<Fault> {
        let (api, place) = self.api_and_place(entry)?;
        Some(Fault::Api {
            how,
            api,
            place,
            share: self.share(entry),
        })
    }

    fn api_and_place(&mut self, entry: &Entry<'_>) -> Option<(Option<Api>, Option<Place>)> {
        let place = match &entry.raw.place {
            None => None,
            Some(text) => Some(self.place(entry, text)?),
        };
        let api = match &entry.raw.api {
            None => None,
            Some(text) => Some(self.api_named(entry, text)?),
        };
        Some((api, place))
    }

    fn api_named(&mut self, entry: &Entry<'_>, text: &Spanned<String>) -> Option<Api> {
        let known = || Source::ALL.iter().map(|source| source.api());
        let found = known().find(|api| api.name() == text.get_ref());
        if found.is_none() {
            let names: BTreeSet<&str> = known().map(Api::name).collect();
            let hint = nearest(text.get_ref(), names.iter().copied()).map_or_else(
                || {
                    format!(
                        "the APIs are {}",
                        names.iter().copied().collect::<Vec<_>>().join(", ")
                    )
                },
                |known| format!("did you mean `{known}`?"),
            );
            self.problems.note(
                &text.span(),
                format!(
                    "{}: there is no API `{}`; {hint}",
                    entry.name,
                    text.get_ref()
                ),
            );
        }
        found
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

    pub(super) fn region(&mut self, entry: &Entry<'_>) -> Option<usize> {
        let Some(label) = &entry.raw.region else {
            self.problems
                .note(&entry.span, format!("{}: region is missing", entry.name));
            return None;
        };
        self.find(entry, "region", label.get_ref(), &label.span())
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

    pub(super) fn find(
        &mut self,
        entry: &Entry<'_>,
        field: &str,
        label: &str,
        span: &Range<usize>,
    ) -> Option<usize> {
        let found = self.shape.index(label);
        if found.is_none() {
            let labels = || {
                self.shape
                    .regions
                    .iter()
                    .map(|region| region.label.as_str())
            };
            let hint = nearest(label, labels()).map_or_else(
                || {
                    format!(
                        "the regions are {}",
                        labels().collect::<Vec<_>>().join(", ")
                    )
                },
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

    /// Notes fields that the fault does not take: a field that is silently ignored is a scenario that does not do what it says.
    fn strangers(&mut self, entry: &Entry<'_>, fault: Name) {
        for (field, span) in entry.raw.given() {
            if let Some(span) = span.filter(|_| !takes(fault).contains(&field)) {
                self.problems
                    .note(&span, format!("{}: takes no {field}", entry.name));
            }
        }
    }
}

/// The fields of a fault beside `at` and `fault`.
pub(super) fn takes(fault: Name) -> &'static [&'static str] {
    match fault {
        Name::RegionDown
        | Name::AzLoss
        | Name::StaleTelemetry
        | Name::MetricsMissing
        | Name::ApplicationDown => &["region", "for"],
        Name::ServiceErrors | Name::CanaryBad | Name::RouteCanaryBad => &["region", "share", "for"],
        Name::WriterCrash | Name::SourceLost => &["for"],
        Name::ReplicationConflict | Name::Partition => &["between", "for"],
        Name::Throttle
        | Name::Hang
        | Name::Slow
        | Name::Deny
        | Name::Expire
        | Name::Fail
        | Name::Partial => &["api", "place", "share", "for"],
        Name::WriteThrottle
        | Name::WriteDeny
        | Name::WriteUnanswered
        | Name::WriteAnswerLost
        | Name::WriteLie
        | Name::WriteHang => &["api", "place", "share", "times", "for"],
        Name::WriteLate => &["delay", "api", "place", "share", "times", "for"],
        Name::Release => &["region", "service", "version", "outcome"],
        Name::Push => &["service", "version", "outcome"],
        Name::ExternalChange => &[
            "weights",
            "dials",
            "controls",
            "canary",
            "alias",
            "staging",
            "switch-over-to",
            "fail-over-to",
            "promote",
            "cache-primary",
            "route",
        ],
        Name::Heal => &["region"],
    }
}
