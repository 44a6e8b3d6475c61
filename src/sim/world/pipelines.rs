//! Pipelines of the world: what each execution carries from stage to stage, what holds it, and what it releases. Owns what CodePipeline does by itself;
//! a release that a pipeline makes is one like any other.

use std::collections::BTreeMap;

use super::{
    super::{names, scenario::Shape},
    Refused, World,
    releases::{LONG_AGO, Outcome, Release, version_of},
};

/// Seconds of the parts of a pipeline.
const SOURCE: i64 = 10;
const BUILD: i64 = 120;
const DEPLOY: i64 = 60;
/// Shorter than the soak of the roll-out board: nobody told the pipeline.
const BAKE: i64 = 900;
/// Seconds after which a deployment that does not get ready has failed.
const GIVEN_UP: i64 = 600;
/// An approval is given by nobody.
const NEVER: i64 = i64::MAX / 2;
/// The service that a pipeline of the shop releases.
const SERVICE: &str = "payments";

/// What a part of a pipeline does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Reads the source.
    Source,
    /// Builds it.
    Build,
    /// Waits for somebody.
    Approve,
    /// Releases it in a region.
    Deploy(usize),
    /// Looks at what was released.
    Bake,
}

impl Work {
    /// Name of its action.
    pub fn action(self) -> &'static str {
        match self {
            Self::Source => "Source",
            Self::Build => "Build",
            Self::Approve => "Approve",
            Self::Deploy(_) => "Deploy",
            Self::Bake => "Bake",
        }
    }

    fn seconds(self) -> i64 {
        match self {
            Self::Source => SOURCE,
            Self::Build => BUILD,
            Self::Approve => NEVER,
            Self::Deploy(_) => DEPLOY,
            Self::Bake => BAKE,
        }
    }
}

/// A stage of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Name.
    pub name: String,
    /// What it does.
    pub work: Work,
}

/// An execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Id.
    pub id: String,
    /// What it releases.
    pub version: String,
    /// The commit of that.
    pub commit: String,
    /// What becomes of the release.
    pub outcome: Outcome,
    /// When it began.
    pub at: i64,
    /// The execution that it goes back to.
    pub back_to: Option<usize>,
    /// When it was over.
    pub ended: Option<i64>,
}

/// An execution in a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Which stage.
    pub part: usize,
    /// Which execution.
    pub made: usize,
    /// When it went in.
    pub began: i64,
    /// When it was over.
    pub ended: Option<i64>,
    /// Whether it failed.
    pub failed: bool,
}

/// Why a stage lets nothing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// What was said.
    pub reason: String,
    /// By whom.
    pub by: String,
    /// When.
    pub at: i64,
}

/// A pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Name.
    pub name: String,
    /// Where it is.
    pub home: usize,
    /// `V1`, `V2`.
    pub kind: &'static str,
    /// `QUEUED`, `SUPERSEDED`.
    pub mode: &'static str,
    /// The service that it releases; none where it releases something that is no service.
    pub service: Option<&'static str>,
    /// Its stages.
    pub parts: Vec<Part>,
    /// Its executions, oldest first.
    pub made: Vec<Made>,
    /// What went through its stages, in the order of time.
    pub passages: Vec<Passage>,
    /// The stages that let nothing in.
    pub held: BTreeMap<usize, Hold>,
    /// The execution that waits before a stage.
    pub waiting: Option<(usize, usize)>,
}

/// The pipelines of an estate at rest: one of the shop through all regions, and one of the quotes of two regions.
pub fn at_rest(shape: &Shape) -> Vec<Line> {
    let primary = shape.primary();
    let name = |region: usize| shape.regions[region].label.as_str().to_owned();
    let mut order: Vec<usize> = (0..shape.regions.len())
        .rev()
        .filter(|region| *region != primary)
        .take(2)
        .collect();
    order.push(primary);
    let mut shop = vec![(Work::Source, String::new()), (Work::Build, String::new())];
    for (index, region) in order.iter().enumerate() {
        if index > 0 {
            shop.push((Work::Bake, format!("-{}", name(order[index - 1]))));
        }
        shop.push((Work::Deploy(*region), format!("-{}", name(*region))));
    }
    let mut quotes = vec![
        (Work::Source, String::new()),
        (Work::Build, String::new()),
        (Work::Approve, String::new()),
    ];
    quotes.extend(
        order
            .iter()
            .take(2)
            .map(|region| (Work::Deploy(*region), format!("-{}", name(*region)))),
    );
    let line =
        |name: &str, kind, mode, service: Option<&'static str>, works: Vec<(Work, String)>| {
            let parts = works.into_iter().map(|(work, of)| Part {
                name: format!("{}{of}", work.action()),
                work,
            });
            Line {
                name: name.to_owned(),
                home: primary,
                kind,
                mode,
                service,
                parts: parts.collect(),
                made: Vec::new(),
                passages: Vec::new(),
                held: BTreeMap::new(),
                waiting: None,
            }
        };
    let version = version_of(SERVICE);
    let mut lines = vec![
        line(SERVICE, "V2", "QUEUED", Some(SERVICE), shop),
        line(names::FUNCTION, "V1", "SUPERSEDED", None, quotes),
    ];
    for line in &mut lines {
        let past = [(LONG_AGO - 7 * 86_400, "v1.9.7"), (LONG_AGO, version)];
        for (at, version) in past {
            line.live_through(version, at);
        }
    }
    lines
}

impl Line {
    fn make(&mut self, version: &str, outcome: Outcome, back_to: Option<usize>, at: i64) -> usize {
        let key = format!("{}/{version}", self.name);
        let commit = format!(
            "{}{}{}",
            names::hex(&key),
            names::hex(&format!("{key}/2")),
            names::hex(&format!("{key}/3"))
        );
        self.made.push(Made {
            id: names::uuid(&format!("execution/{}/{}", self.name, self.made.len())),
            version: version.to_owned(),
            commit: commit.chars().take(40).collect(),
            outcome,
            at,
            back_to,
            ended: None,
        });
        self.made.len() - 1
    }

    /// An execution of the past that went well.
    fn live_through(&mut self, version: &str, at: i64) {
        let made = self.make(version, Outcome::Good, None, at);
        let mut began = at;
        for part in 0..self.parts.len() {
            let ended = began + self.parts[part].work.seconds().min(BAKE);
            self.passages.push(Passage {
                part,
                made,
                began,
                ended: Some(ended),
                failed: false,
            });
            began = ended;
        }
        self.made[made].ended = Some(began);
    }

    /// Goes into a stage, or waits before it. What it releases there.
    fn enter(&mut self, made: usize, part: usize, t: i64) -> Option<Release> {
        let busy = self
            .passages
            .iter()
            .any(|passage| passage.part == part && passage.ended.is_none());
        if self.held.contains_key(&part) || busy {
            self.waiting = Some((made, part));
            return None;
        }
        self.waiting = self.waiting.filter(|waiting| *waiting != (made, part));
        self.passages.push(Passage {
            part,
            made,
            began: t,
            ended: None,
            failed: false,
        });
        let (Work::Deploy(region), Some(service)) = (self.parts[part].work, self.service) else {
            return None;
        };
        let made = &self.made[made];
        Some(Release {
            region,
            service: service.to_owned(),
            version: made.version.clone(),
            outcome: made.outcome,
            at: t,
            restarted: None,
        })
    }

    fn step(&mut self, t: i64) -> Vec<Release> {
        let mut releases = Vec::new();
        for index in 0..self.passages.len() {
            let Passage {
                part,
                made,
                began,
                ended,
                ..
            } = self.passages[index].clone();
            let work = self.parts[part].work;
            let stuck = matches!(work, Work::Deploy(_)) && !self.made[made].outcome.rolls();
            let seconds = if stuck { GIVEN_UP } else { work.seconds() };
            if ended.is_some() || t < began + seconds {
                continue;
            }
            self.passages[index].ended = Some(t);
            self.passages[index].failed = stuck;
            let last = part + 1 == self.parts.len();
            // A rollback is of its stage alone.
            if stuck || last || self.made[made].back_to.is_some() {
                self.made[made].ended = Some(t);
            } else {
                releases.extend(self.enter(made, part + 1, t));
            }
        }
        if let Some((made, part)) = self.waiting {
            releases.extend(self.enter(made, part, t));
        }
        releases
    }

    /// The executions that a stage carried out well, and that are no rollbacks.
    fn carried_out(&self, part: usize) -> impl Iterator<Item = usize> {
        let good = self.passages.iter().filter(move |passage| {
            passage.part == part && passage.ended.is_some() && !passage.failed
        });
        good.map(|passage| passage.made)
            .filter(|made| self.made[*made].back_to.is_none())
    }
}

impl World {
    /// Lets every pipeline go on by a second.
    pub(super) fn deliver(&mut self, t: i64) {
        let lines = self.pipelines.iter_mut();
        let releases: Vec<Release> = lines.flat_map(|line| line.step(t)).collect();
        self.releases.extend(releases);
    }

    /// A pipeline by its region and name.
    pub fn pipeline(&self, region: usize, name: &str) -> Option<usize> {
        let mut lines = self.pipelines.iter();
        lines.position(|line| line.home == region && line.name == name)
    }

    /// Somebody pushed a version of a service to its pipeline.
    pub(super) fn push_version(&mut self, service: &str, version: &str, outcome: Outcome) {
        let t = self.now();
        let of_service = |line: &&mut Line| line.service == Some(service);
        if let Some(line) = self.pipelines.iter_mut().find(of_service) {
            let made = line.make(version, outcome, None, t);
            line.enter(made, 0, t);
        }
    }

    /// Holds a stage, or lets go of it.
    pub(super) fn gate(&mut self, line: usize, part: usize, hold: Option<(String, String)>) {
        let t = self.now();
        let held = &mut self.pipelines[line].held;
        match hold {
            None => {
                held.remove(&part);
            }
            Some((reason, by)) => {
                held.insert(part, Hold { reason, by, at: t });
            }
        }
    }

    /// Takes a stage back to an execution.
    pub(super) fn roll_back_stage(
        &mut self,
        line: usize,
        part: usize,
        target: &str,
    ) -> Result<(), Refused> {
        let t = self.now();
        let line = &mut self.pipelines[line];
        let busy = line
            .passages
            .iter()
            .any(|passage| passage.part == part && passage.ended.is_none());
        let found = line
            .carried_out(part)
            .find(|made| line.made[*made].id == target);
        let Some(found) = found.filter(|_| !busy && line.kind != "V1") else {
            return Err(Refused(
                "UnableToRollbackStageException: The stage cannot be rolled back to the specified pipeline execution",
            ));
        };
        let version = line.made[found].version.clone();
        let made = line.make(&version, Outcome::Good, Some(found), t);
        let release = line.enter(made, part, t);
        self.releases.extend(release);
        Ok(())
    }
}

/// The services that have a pipeline.
pub fn services() -> impl Iterator<Item = &'static str> {
    std::iter::once(SERVICE)
}
