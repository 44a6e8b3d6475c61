//! What the users of a simulated world went through, second by second: the truth that a drill is judged by. Looks at the world; changes nothing in it.

use jiff::Timestamp;

use super::{
    scenario::{Fault, Scenario},
    world::{Load, World},
};

/// How long users must be well until it counts (domain D.8).
const WELL: usize = 60;
/// The share of the success of before at which users are well (domain D.8).
const SHARE: f64 = 0.999;

/// A change that nothing undoes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Irreversible {
    /// When it was accepted.
    pub at: Timestamp,
    /// Whether what it replaced still took writes or would have come back by itself.
    pub needless: bool,
    /// Seconds of commits that were lost with it.
    pub lost: f64,
}

/// What happened, from the first second that was looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Course {
    /// The second of the world at which the fault of the scenario begins.
    fault: Option<(i64, f64)>,
    /// The first second that was looked at.
    first: Option<i64>,
    /// Share of all requests that are answered well, in each second.
    success: Vec<f64>,
    /// Requests that were not, in each second.
    bad: f64,
    /// Requests per second of all users.
    demand: f64,
    began: Timestamp,
    /// Lags in seconds while there was a writer, by member and by replica.
    lags: Vec<f64>,
    replica_lags: Vec<f64>,
    moving: bool,
    promoted: usize,
    irreversible: Vec<Irreversible>,
}

/// Within how many seconds a fault should be seen; `None` for one that users do not feel. Domain D.8 says it of a region, a database and a complete
/// outage; a partition shows in lags alone, which CloudWatch gives by the minute and a minute later.
fn seen_within(fault: &Fault) -> Option<f64> {
    match fault {
        Fault::RegionDown { .. } | Fault::ApplicationDown { region: Some(_) } => Some(30.0),
        Fault::WriterCrash | Fault::SourceLost => Some(15.0),
        Fault::ApplicationDown { region: None }
        | Fault::ServiceErrors { .. }
        | Fault::ZoneLoss { .. }
        | Fault::ReplicationConflict { .. }
        | Fault::CanaryBad { .. }
        | Fault::RouteCanaryBad { .. } => Some(60.0),
        Fault::Partition { .. } => Some(120.0),
        Fault::StaleTelemetry { .. }
        | Fault::MetricsMissing { .. }
        | Fault::Api { .. }
        | Fault::Write { .. }
        | Fault::Release { .. }
        | Fault::Push { .. }
        | Fault::ExternalChange(_)
        | Fault::Heal { .. } => None,
    }
}

impl Course {
    /// Nothing seen yet of a scenario that starts at a second of its world.
    pub fn of(scenario: &Scenario, world: &World) -> Self {
        let start = world.started_at().as_second() - world.timestamp(0).as_second();
        let mut cues = scenario.timeline.iter();
        let fault =
            cues.find_map(|cue| Some((start + i64::from(cue.at), seen_within(&cue.fault)?)));
        Self {
            fault,
            began: world.timestamp(0),
            ..Self::default()
        }
    }

    /// Looks at a second.
    pub fn note(&mut self, world: &World) {
        let all: f64 = world.loads.iter().map(|load| load.offered_rps).sum();
        let success = world.success();
        self.first.get_or_insert(world.now());
        self.success.push(success);
        self.bad += all * (1.0 - success);
        self.demand = all;
        self.databases(world);
    }

    fn databases(&mut self, world: &World) {
        let (context, databases) = (world.context(), &world.databases);
        let at = world.timestamp(world.now());
        let failover = databases.motion.filter(|motion| motion.failover);
        if let Some(motion) = failover.filter(|_| !self.moving) {
            let member = databases
                .members
                .iter()
                .position(|member| member.region == motion.to);
            self.irreversible.push(Irreversible {
                at,
                needless: !world.faults.down(motion.from),
                lost: member
                    .and_then(|member| self.lags.get(member))
                    .copied()
                    .unwrap_or_default(),
            });
        }
        self.moving = failover.is_some();
        let lost = world.faults.source_lost() || world.faults.down(databases.source);
        let promoted = |replica: &&super::world::databases::Replica| replica.promoted_at.is_some();
        let count = databases.replicas.iter().filter(promoted).count();
        if count > self.promoted {
            let lags = databases.replicas.iter().zip(&self.replica_lags);
            let of_new = lags
                .filter(|(replica, _)| replica.promoted_at.is_some())
                .map(|(_, lag)| *lag);
            self.irreversible.push(Irreversible {
                at,
                needless: !lost,
                lost: of_new.fold(0.0, f64::max),
            });
        }
        self.promoted = count;
        if databases.aurora_writable(&context, *databases.writer.now()) {
            self.lags = databases
                .members
                .iter()
                .map(|member| member.lag_ms / 1_000.0)
                .collect();
        }
        if !lost && count == 0 {
            self.replica_lags = databases
                .replicas
                .iter()
                .map(|replica| replica.lag_s.max(0.0))
                .collect();
        }
    }

    /// When the fault began, if it has, and within how many seconds it should be seen.
    pub fn fault(&self) -> Option<(Timestamp, f64)> {
        let (second, within) = self.fault?;
        let last = self.first? + self.success.len().cast_signed() as i64;
        (second < last).then(|| (self.time(second), within))
    }

    fn time(&self, second: i64) -> Timestamp {
        self.began
            .checked_add(jiff::SignedDuration::from_secs(second))
            .unwrap_or(self.began)
    }

    /// The index of the second of the fault, or of a time.
    fn index(&self, at: Timestamp) -> Option<usize> {
        let second = at.as_second() - self.began.as_second();
        usize::try_from(second - self.first?)
            .ok()
            .map(|index| index.min(self.success.len()))
    }

    /// Success before the fault; all of it while there is none.
    pub fn normal(&self) -> f64 {
        let before = self
            .fault()
            .and_then(|(at, _)| self.index(at))
            .unwrap_or(self.success.len());
        let calm = self.success.get(..before).unwrap_or_default();
        if calm.is_empty() {
            1.0
        } else {
            calm.iter().sum::<f64>() / calm.len() as f64
        }
    }

    /// The worst second.
    pub fn worst(&self) -> f64 {
        self.success.iter().copied().fold(1.0, f64::min)
    }

    /// When users were well again, to stay; `None` while they are not, or not for long enough.
    pub fn well_again(&self) -> Option<Timestamp> {
        let (fault, _) = self.fault()?;
        let from = self.index(fault)?;
        let enough = self.normal() * SHARE;
        let after = self.success.get(from..)?;
        let well = after
            .iter()
            .rposition(|success| *success < enough)
            .map_or(0, |last| last + 1);
        let second = self.first? + (from + well).cast_signed() as i64;
        (after.len() - well >= WELL).then(|| self.time(second))
    }

    /// Success at a time, and the least in so many seconds after it.
    pub fn around(&self, at: Timestamp, seconds: usize) -> Option<(f64, f64)> {
        let index = self.index(at)?;
        let now = *self.success.get(index)?;
        let end = (index + seconds).min(self.success.len());
        let after = self.success.get(index..end)?;
        Some((now, after.iter().copied().fold(1.0, f64::min)))
    }

    /// Requests that were not answered well, as a share of what a month may have (domain D.8: 0.05 %).
    pub fn error_budget(&self) -> f64 {
        let month = self.demand * 30.0 * 86_400.0 * 0.0005;
        if month > 0.0 { self.bad / month } else { 0.0 }
    }

    /// Changes that nothing undoes, oldest first.
    pub fn irreversible(&self) -> &[Irreversible] {
        &self.irreversible
    }
}

impl World {
    /// Requests of all users that are answered well, as a share of those that are made.
    pub fn success(&self) -> f64 {
        let good = |(region, load): (usize, &Load)| {
            if self.faults.down(region) {
                0.0
            } else {
                load.served_rps() * (1.0 - load.target_errors)
            }
        };
        let all: f64 = self.loads.iter().map(|load| load.offered_rps).sum();
        let answered: f64 = self.loads.iter().enumerate().map(good).sum();
        if all > 0.0 { answered / all } else { 1.0 }
    }
}
