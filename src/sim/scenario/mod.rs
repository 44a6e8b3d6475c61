//! Scenarios: an estate and a timeline of what goes wrong in it. Owns the format and the built-in ones; demo, drills and tests share them.

mod check;
mod external;
mod problem;
mod raw;
mod release;
mod shape;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use self::{check::Checker, problem::Problems};
pub use self::{
    problem::Problem,
    shape::{RegionShape, Shape},
};
use crate::resources::{Api, Place};

/// What can be told without a file: name and text of each built-in scenario, the calm one first.
pub fn builtin() -> &'static [(&'static str, &'static str)] {
    &[
        ("calm", include_str!("../scenarios/calm.toml")),
        ("tour", include_str!("../scenarios/tour.toml")),
        ("region-down", include_str!("../scenarios/region-down.toml")),
        (
            "partial-failure",
            include_str!("../scenarios/partial-failure.toml"),
        ),
        (
            "database-failure",
            include_str!("../scenarios/database-failure.toml"),
        ),
        (
            "replication-conflict",
            include_str!("../scenarios/replication-conflict.toml"),
        ),
        ("partition", include_str!("../scenarios/partition.toml")),
        (
            "stale-telemetry",
            include_str!("../scenarios/stale-telemetry.toml"),
        ),
        (
            "throttled-route53",
            include_str!("../scenarios/throttled-route53.toml"),
        ),
        ("bad-canary", include_str!("../scenarios/bad-canary.toml")),
        (
            "bad-route-canary",
            include_str!("../scenarios/bad-route-canary.toml"),
        ),
        (
            "quiet-canary",
            include_str!("../scenarios/quiet-canary.toml"),
        ),
        (
            "rolling-release",
            include_str!("../scenarios/rolling-release.toml"),
        ),
        ("mesh-region", include_str!("../scenarios/mesh-region.toml")),
        ("bad-release", include_str!("../scenarios/bad-release.toml")),
        (
            "late-release",
            include_str!("../scenarios/late-release.toml"),
        ),
        (
            "blind-release",
            include_str!("../scenarios/blind-release.toml"),
        ),
        (
            "owned-release",
            include_str!("../scenarios/owned-release.toml"),
        ),
        (
            "stepwise-release",
            include_str!("../scenarios/stepwise-release.toml"),
        ),
        (
            "flagged-release",
            include_str!("../scenarios/flagged-release.toml"),
        ),
        (
            "pipeline-release",
            include_str!("../scenarios/pipeline-release.toml"),
        ),
        (
            "concurrent-operator",
            include_str!("../scenarios/concurrent-operator.toml"),
        ),
        (
            "expired-credentials",
            include_str!("../scenarios/expired-credentials.toml"),
        ),
        (
            "complete-outage",
            include_str!("../scenarios/complete-outage.toml"),
        ),
        (
            "unreliable-writes",
            include_str!("../scenarios/unreliable-writes.toml"),
        ),
    ]
}

/// A scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Name, as given on the command line.
    pub name: String,
    /// One line for lists.
    pub title: String,
    /// What happens and why.
    pub description: String,
    /// What a good operator does, one hint a line.
    pub goals: Vec<String>,
    /// Seed, unless another one is given.
    pub seed: u64,
    /// Seconds after which nothing new happens.
    pub duration: u32,
    /// The estate.
    pub shape: Shape,
    /// What happens, in order of time.
    pub timeline: Vec<Cue>,
}

/// Something that happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Cue {
    /// Seconds after the start.
    pub at: u32,
    /// Seconds until it ends by itself; `None` lasts until it is healed.
    pub lasts: Option<u32>,
    /// What.
    pub fault: Fault,
}

/// How an API misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiFault {
    /// Asks to slow down.
    Throttle,
    /// Never answers.
    Hang,
    /// Answers after seconds.
    Slow,
    /// Says that the caller may not ask.
    Deny,
    /// Says that the credentials have expired.
    Expire,
    /// Answers with a server error.
    Fail,
    /// Answers with rows missing.
    Partial,
}

/// What befalls a change that is sent to an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteFault {
    /// Refused: slow down.
    Throttle,
    /// Refused: the caller may not.
    Deny,
    /// No answer, and nothing happened.
    Unanswered,
    /// No answer, but it happened.
    AnswerLost,
    /// Accepted, with a receipt, and never done.
    Lie,
    /// Accepted, begun, and never ended: a switchover that stays `switching-over`.
    Hang,
    /// Accepted, and done so many seconds later.
    Late(u32),
}

/// What goes wrong. Regions are indices into the shape's regions; shares are 0.0 to 1.0.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The whole region is gone, with every API and metric in it.
    RegionDown {
        /// Which.
        region: usize,
    },
    /// One part of the application fails; the health path does not notice.
    ServiceErrors {
        /// Where.
        region: usize,
        /// Share of its requests that fail.
        share: f64,
    },
    /// One of three Availability Zones is gone.
    ZoneLoss {
        /// Where.
        region: usize,
    },
    /// The writer instance of the Aurora cluster crashes; the cluster fails over by itself.
    WriterCrash,
    /// The RDS source is gone, with its standby.
    SourceLost,
    /// Both regions write the same items.
    ReplicationConflict {
        /// The two.
        between: (usize, usize),
    },
    /// The network between two regions is cut; both serve users.
    Partition {
        /// The two.
        between: (usize, usize),
    },
    /// CloudWatch publishes nothing new; everything else is fine.
    StaleTelemetry {
        /// Where.
        region: usize,
    },
    /// A Prometheus answers, and no service reports to it any more.
    MetricsMissing {
        /// Where.
        region: usize,
    },
    /// The canary fails.
    CanaryBad {
        /// Where.
        region: usize,
        /// Share of its requests that fail.
        share: f64,
    },
    /// The canary of the route of a region's cluster fails.
    RouteCanaryBad {
        /// Where.
        region: usize,
        /// Share of its requests that fail.
        share: f64,
    },
    /// An API misbehaves.
    Api {
        /// How.
        how: ApiFault,
        /// Which; `None` is all.
        api: Option<Api>,
        /// Where; `None` is everywhere.
        place: Option<Place>,
        /// Share of the queries.
        share: f64,
    },
    /// The application answers nothing but errors, its health path included; AWS itself is fine.
    ApplicationDown {
        /// Where; `None` is everywhere.
        region: Option<usize>,
    },
    /// Something befalls the changes that are sent to an API.
    Write {
        /// What.
        how: WriteFault,
        /// Which API; `None` is all.
        api: Option<Api>,
        /// Where; `None` is everywhere.
        place: Option<Place>,
        /// Share of the changes.
        share: f64,
        /// How many changes it hits; `None` is all.
        times: Option<u32>,
    },
    /// Somebody releases a version of a service in a region.
    Release {
        /// Where.
        region: usize,
        /// Name of the service.
        service: String,
        /// Tag of its image.
        version: String,
        /// What becomes of it.
        outcome: super::world::releases::Outcome,
    },
    /// Somebody pushes a version of a service to its pipeline.
    Push {
        /// Name of the service.
        service: String,
        /// Tag of its image.
        version: String,
        /// What becomes of it.
        outcome: super::world::releases::Outcome,
    },
    /// Somebody else changes something.
    ExternalChange(Vec<super::world::Transition>),
    /// Faults end: all of them, or those of a region.
    Heal {
        /// Which region's.
        region: Option<usize>,
    },
}

impl Fault {
    /// Something that befalls every change that is sent to an API.
    pub fn write(how: WriteFault, api: Api) -> Self {
        Self::Write {
            how,
            api: Some(api),
            place: None,
            share: 1.0,
            times: None,
        }
    }
}

impl Scenario {
    /// Reads a scenario; `file` is the name used in problems. All problems are told at once.
    pub fn parse(text: &str, file: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new(file, text);
        let (root, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            for error in &errors {
                problems.refused("", &(0..0), error);
            }
            return Err(problems.into_sorted());
        }
        let mut root = root.into_inner();
        let timeline = root.remove("timeline");
        let estate = root.remove("estate");

        let shape = match estate {
            None => Some(Shape::baseline()),
            Some(value) => section(&mut problems, "estate", value)
                .and_then(|raw: raw::Estate| shape::read(&mut problems, &raw)),
        };
        let header: Option<raw::Header> = section(
            &mut problems,
            "",
            toml::Spanned::new(0..0, DeValue::Table(root)),
        );
        if let Some(header) = &header {
            check::header(&mut problems, header);
        }
        let fallback = Shape::baseline();
        let mut checker = Checker {
            shape: shape.as_ref().unwrap_or(&fallback),
            duration: header.as_ref().map(|header| *header.duration.get_ref()),
            problems: &mut problems,
        };
        let mut happens = read_timeline(&mut checker, timeline);
        happens.sort_by_key(|cue| cue.at);

        let problems = problems.into_sorted();
        match (header, shape) {
            (Some(header), Some(shape)) if problems.is_empty() => Ok(Self {
                name: header.name.into_inner(),
                title: header.title,
                description: header.description,
                goals: header.goals,
                seed: header.seed,
                duration: header.duration.into_inner(),
                shape,
                timeline: happens,
            }),
            _ => Err(problems),
        }
    }

    /// A built-in scenario by name.
    pub fn named(name: &str) -> Option<Result<Self, Vec<Problem>>> {
        let (_, text) = builtin().iter().find(|(known, _)| *known == name)?;
        Some(Self::parse(text, &format!("{name}.toml")))
    }
}

/// Reads each cue for itself, so that one that cannot be read does not hide the problems of the others.
fn read_timeline(
    checker: &mut Checker<'_, '_>,
    timeline: Option<toml::Spanned<DeValue<'_>>>,
) -> Vec<Cue> {
    let Some(timeline) = timeline else {
        return Vec::new();
    };
    let span = timeline.span();
    let DeValue::Array(entries) = timeline.into_inner() else {
        checker
            .problems
            .note(&span, "timeline: expected a list, written as [[timeline]]");
        return Vec::new();
    };
    let mut happens = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let raw: Option<raw::Cue> = section(checker.problems, &format!("timeline[{index}]"), entry);
        if let Some(raw) = raw {
            happens.extend(checker.cue(index, &raw));
        }
    }
    happens
}

fn section<T: DeserializeOwned>(
    problems: &mut Problems<'_>,
    entry: &str,
    value: toml::Spanned<DeValue<'_>>,
) -> Option<T> {
    let span = value.span();
    T::deserialize(ValueDeserializer::from(value))
        .inspect_err(|error| problems.refused(entry, &span, error))
        .ok()
}

#[cfg(test)]
mod tests;
