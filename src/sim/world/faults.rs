//! What is wrong in the world right now. Owns when faults begin and end and what each makes impossible; moves nothing itself.

use super::super::{
    noise::Noise,
    scenario::{ApiFault, Cue, Fault, Shape, WriteFault},
};
use crate::resources::{Api, Place};

/// A fault under way.
#[derive(Debug, Clone, PartialEq)]
struct Active {
    fault: Fault,
    since: i64,
    until: Option<i64>,
    /// Changes that it has hit.
    hits: u32,
}

/// The faults under way.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Faults {
    active: Vec<Active>,
}

/// What every part of the world may know while it moves on by one second.
pub struct Context<'a> {
    /// The second, counted from the origin of the world.
    pub t: i64,
    /// Chance.
    pub noise: Noise,
    /// The estate.
    pub shape: &'a Shape,
    /// What is wrong.
    pub faults: &'a Faults,
}

impl Context<'_> {
    /// The minute that the second lies in: the bucket of values that CloudWatch would show.
    pub fn minute(&self) -> i64 {
        self.t.div_euclid(60)
    }

    /// The ten seconds that the second lies in, different for each `salt`: the bucket of values that change faster than a minute.
    pub fn moment(&self, salt: usize) -> i64 {
        self.t.div_euclid(10) * 4_096 + i64::try_from(salt).unwrap_or_default()
    }

    /// Whether data flows between two regions.
    pub fn connected(&self, a: usize, b: usize) -> bool {
        !self.faults.down(a) && !self.faults.down(b) && !self.faults.partitioned(a, b)
    }
}

impl Faults {
    /// Begins a fault. Healing and changes by others are no faults and are not kept.
    pub fn begin(&mut self, cue: &Cue, t: i64) {
        self.active.push(Active {
            fault: cue.fault.clone(),
            since: t,
            until: cue.lasts.map(|seconds| t + i64::from(seconds)),
            hits: 0,
        });
    }

    /// Ends what has run its time.
    pub fn expire(&mut self, t: i64) {
        self.active
            .retain(|active| active.until.is_none_or(|until| t < until));
    }

    /// Ends everything, or everything that touches a region.
    pub fn heal(&mut self, region: Option<usize>) {
        self.active
            .retain(|active| region.is_some_and(|region| !active.fault.touches(region)));
    }

    /// Whether a region is lost.
    pub fn down(&self, region: usize) -> bool {
        self.any(|fault| matches!(fault, Fault::RegionDown { region: r } if *r == region))
    }

    /// Whether the network between two regions is cut.
    pub fn partitioned(&self, a: usize, b: usize) -> bool {
        self.any(|fault| {
            matches!(fault, Fault::Partition { between } if *between == (a, b) || *between == (b, a))
        })
    }

    /// Whether CloudWatch publishes nothing new in a region.
    pub fn stale(&self, region: usize) -> bool {
        self.any(|fault| matches!(fault, Fault::StaleTelemetry { region: r } if *r == region))
    }

    /// Whether the Prometheus of a region gets nothing any more from what it measures.
    pub fn unmeasured(&self, region: usize) -> bool {
        self.any(|fault| matches!(fault, Fault::MetricsMissing { region: r } if *r == region))
    }

    /// Seconds since a zone of a region was lost.
    pub fn zone_lost(&self, region: usize, t: i64) -> Option<i64> {
        let hit = |fault: &Fault| matches!(fault, Fault::ZoneLoss { region: r } if *r == region);
        self.since(hit).map(|since| t - since)
    }

    /// Seconds since one part of the application fails in a region, and the share of its requests that fail.
    pub fn failing(&self, region: usize, t: i64) -> Option<(i64, f64)> {
        self.active.iter().find_map(|active| {
            if let Fault::ServiceErrors { region: r, share } = active.fault
                && r == region
            {
                Some((t - active.since, share))
            } else {
                None
            }
        })
    }

    /// Share of the requests of the canary of a region that fail.
    pub fn canary_errors(&self, region: usize) -> f64 {
        let share = |active: &Active| {
            if let Fault::CanaryBad { region: r, share } = active.fault
                && r == region
            {
                share
            } else {
                0.0
            }
        };
        self.active.iter().map(share).fold(0.0, f64::max)
    }

    /// Share of the requests of the canary of a region's route that fail.
    pub fn route_canary_errors(&self, region: usize) -> f64 {
        let share = |active: &Active| {
            if let Fault::RouteCanaryBad { region: r, share } = active.fault
                && r == region
            {
                share
            } else {
                0.0
            }
        };
        self.active.iter().map(share).fold(0.0, f64::max)
    }

    /// When the Aurora writer crashed, if the fault is under way.
    pub fn writer_crash(&self) -> Option<i64> {
        self.since(|fault| matches!(fault, Fault::WriterCrash))
    }

    /// Whether the RDS source is lost.
    pub fn source_lost(&self) -> bool {
        self.any(|fault| matches!(fault, Fault::SourceLost))
    }

    /// Seconds since two regions write the same items.
    pub fn conflict(&self, a: usize, b: usize, t: i64) -> Option<i64> {
        let hit = |fault: &Fault| matches!(fault, Fault::ReplicationConflict { between } if *between == (a, b) || *between == (b, a));
        self.since(hit).map(|since| t - since)
    }

    /// How an API misbehaves at a place. `dice` is even in 0.0 to 1.0 and decides whether this query is among the share that it hits.
    pub fn api(&self, api: Api, place: &Place, dice: f64) -> Option<ApiFault> {
        self.active.iter().find_map(|active| {
            if let Fault::Api {
                how,
                api: which,
                place: at,
                share,
            } = &active.fault
                && which.is_none_or(|which| which == api)
                && at.as_ref().is_none_or(|at| at == place)
                && dice < *share
            {
                Some(*how)
            } else {
                None
            }
        })
    }

    /// Whether the application of a region answers nothing but errors, its health path included.
    pub fn dead(&self, region: usize) -> bool {
        self.any(|fault| matches!(fault, Fault::ApplicationDown { region: r } if r.is_none_or(|r| r == region)))
    }

    /// What befalls a change that is sent to an API at one of some places. `dice` decides as it does for reads; a fault that hits so many changes only counts this one.
    pub fn write(&mut self, api: Api, places: &[Place], dice: f64) -> Option<WriteFault> {
        self.active.iter_mut().find_map(|active| {
            if let Fault::Write {
                how,
                api: which,
                place: at,
                share,
                times,
            } = &active.fault
                && which.is_none_or(|which| which == api)
                && at.as_ref().is_none_or(|at| places.contains(at))
                && dice < *share
                && times.is_none_or(|times| active.hits < times)
            {
                active.hits += 1;
                Some(*how)
            } else {
                None
            }
        })
    }

    /// Ends everything that befalls changes.
    pub fn end_write_faults(&mut self) {
        self.active
            .retain(|active| !matches!(active.fault, Fault::Write { .. }));
    }

    fn any(&self, hit: impl Fn(&Fault) -> bool) -> bool {
        self.active.iter().any(|active| hit(&active.fault))
    }

    fn since(&self, hit: impl Fn(&Fault) -> bool) -> Option<i64> {
        let active = self.active.iter().find(|active| hit(&active.fault));
        active.map(|active| active.since)
    }
}

impl Fault {
    /// Whether healing a region ends it.
    fn touches(&self, wanted: usize) -> bool {
        match self {
            Self::RegionDown { region }
            | Self::ServiceErrors { region, .. }
            | Self::ZoneLoss { region }
            | Self::StaleTelemetry { region }
            | Self::MetricsMissing { region }
            | Self::CanaryBad { region, .. }
            | Self::RouteCanaryBad { region, .. } => *region == wanted,
            Self::ReplicationConflict { between: (a, b) } | Self::Partition { between: (a, b) } => {
                *a == wanted || *b == wanted
            }
            Self::ApplicationDown { region } => *region == Some(wanted),
            Self::WriterCrash
            | Self::SourceLost
            | Self::Api { .. }
            | Self::Write { .. }
            | Self::Release { .. }
            | Self::Push { .. }
            | Self::ExternalChange(_)
            | Self::Heal { .. } => false,
        }
    }
}
