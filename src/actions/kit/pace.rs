//! The steps that traffic actions are made of: a change with its guards, the tail after it, the watch over regions. Owns how long each takes and which guards go with what moves.

use super::guards::guards;
use crate::{
    plan::{GuardId, Step, Wait, Work},
    resources::{
        Change, RegionLabel,
        change::Alter,
        traffic::{self, rollouts::Verb, routes::leads::between_regions},
    },
};

/// Guards of every change that waits for nobody's way back: what is known is new, nobody else is at it, and it may be done now.
pub const PLAIN: &[GuardId] = &[
    GuardId::Stale,
    GuardId::Lock,
    GuardId::Freeze,
    GuardId::Credentials,
    GuardId::Clock,
];

/// Guards of every change that a freeze does not forbid: ways back, pauses, mutes.
pub const BACK: &[GuardId] = &[
    GuardId::Stale,
    GuardId::Lock,
    GuardId::Credentials,
    GuardId::Clock,
    GuardId::ControlPlane,
];

/// Guards of everything that moves traffic, whoever loses or gets it.
const MOVE: &[GuardId] = guards!(
    PLAIN,
    &[
        GuardId::Last,
        GuardId::Zero,
        GuardId::Owner,
        GuardId::Capacity,
        GuardId::Health,
        GuardId::Alarm,
        GuardId::ControlPlane,
        GuardId::Ttl,
        GuardId::Residency,
    ],
);

/// Guards of a change that takes traffic away from a region (domain B.1).
pub const DRAIN: &[GuardId] = guards!(
    MOVE,
    &[
        GuardId::Blast,
        GuardId::Writer,
        GuardId::Step,
        GuardId::TargetHealth,
        GuardId::Return,
        GuardId::Orphan,
        GuardId::Work,
    ],
);

/// Guards of a change that brings traffic to a region (domain B.2).
pub const RESTORE: &[GuardId] = guards!(
    MOVE,
    &[
        GuardId::Lag,
        GuardId::Abort,
        GuardId::Version,
        GuardId::Step,
        GuardId::TargetHealth,
    ],
);

/// Guards of a shift within a split (domain B.3).
pub const SHIFT: &[GuardId] = guards!(MOVE, &[GuardId::Abort, GuardId::Sample, GuardId::Soak]);

/// Guards of a planned move of a writer or primary.
pub const STORE: &[GuardId] = guards!(
    PLAIN,
    &[
        GuardId::Split,
        GuardId::Health,
        GuardId::Lag,
        GuardId::Version,
        GuardId::ControlPlane,
    ],
);

/// Seconds that a change usually takes until a read shows it everywhere, and after which its outcome is in doubt.
fn seconds(change: &Change) -> (u64, u64) {
    match change {
        // The controller of a deployment has seen it; that pods have followed is a wait of its own.
        Change::Traffic(traffic::Change::Controls { .. })
        | Change::Deployments(_)
        | Change::Nodes(_) => (5, 60),
        Change::Traffic(traffic::Change::Dial { .. } | traffic::Change::Weights { .. })
        | Change::HealthChecks(_) => (60, 180),
        Change::Traffic(traffic::Change::Staging { .. }) => (240, 900),
        Change::Traffic(traffic::Change::Invalidate { .. }) => (120, 900),
        Change::Traffic(
            traffic::Change::Forward { .. }
            | traffic::Change::Route { .. }
            | traffic::Change::Alias { .. },
        )
        | Change::Alarms(_)
        | Change::Pipelines(_) => (10, 60),
        Change::Traffic(traffic::Change::Steer(steering)) => match &steering.verb {
            // Pods are started first.
            Verb::PromoteFull => (120, 900),
            Verb::Promote
            | Verb::Pause
            | Verb::Resume
            | Verb::Abort
            | Verb::Retry
            | Verb::Undo
            | Verb::Image(_) => (15, 180),
        },
        Change::Databases(_) | Change::Clusters(_) => (120, 600),
        Change::Caches(_) => (60, 600),
    }
}

/// A change as a step.
pub fn change(title: impl Into<String>, change: Change, guards: &[GuardId]) -> Step {
    let (expected, deadline) = seconds(&change);
    Step {
        title: title.into(),
        work: Work::Change(change),
        expected_seconds: expected,
        deadline_seconds: deadline,
        guards: guards.to_vec(),
    }
}

/// A change as a step that is called after its edits: `weight eu-west-1 31 → 15`.
pub fn edits(change_: Change, guards: &[GuardId]) -> Step {
    let edits = change_.edits();
    let shown: Vec<String> = edits
        .iter()
        .take(3)
        .map(|edit| format!("{} {} → {}", edit.what, edit.from, edit.to))
        .collect();
    let more = edits.len().saturating_sub(shown.len());
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let name = match &change_ {
        Change::Traffic(traffic::Change::Weights { records }) => records
            .first()
            .map(|edit| format!("{}: ", traffic::plain_name(&edit.from.name)))
            .unwrap_or_default(),
        // It is called the same in every region.
        Change::Traffic(traffic::Change::Steer(steering)) => format!("{}: ", steering.region),
        Change::Traffic(traffic::Change::Route {
            region,
            rule,
            backends,
        }) if between_regions(backends) => {
            format!("{}/{} in {region}: ", rule.namespace, rule.name)
        }
        Change::Traffic(_)
        | Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Deployments(_)
        | Change::Nodes(_)
        | Change::HealthChecks(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => String::new(),
    };
    change(format!("{name}{}{rest}", shown.join(", ")), change_, guards)
}

/// Waits until the requests of a region have left it.
pub fn tail(
    region: &RegionLabel,
    ttl: u32,
    baseline: Option<f64>,
    below_percent: f64,
    last: bool,
) -> Step {
    let seconds = u64::from(ttl) * 2;
    let title = if last {
        format!("Wait until {region} has no requests")
    } else {
        format!("Wait until clients have followed, {seconds} s")
    };
    Step {
        title,
        work: Work::Wait(Wait::Tail {
            region: region.clone(),
            seconds,
            baseline_rps: baseline,
            below_percent,
        }),
        // Metrics tell two to three minutes later.
        expected_seconds: seconds.max(180),
        deadline_seconds: seconds + if last { 480 } else { 180 },
        guards: Vec::new(),
    }
}

/// Watches regions.
pub fn bake(regions: &[RegionLabel], seconds: u64) -> Step {
    let names: Vec<&str> = regions.iter().map(RegionLabel::as_str).collect();
    Step {
        title: format!("Watch {} for {seconds} s", names.join(", ")),
        work: Work::Wait(Wait::Bake {
            regions: regions.to_vec(),
            seconds,
        }),
        expected_seconds: seconds.max(180),
        deadline_seconds: seconds + 300,
        guards: Vec::new(),
    }
}
