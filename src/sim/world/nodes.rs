//! Node groups of the world: one of each cluster, and what its nodes mean for what a region can serve. Owns how long a node needs to be Ready.

use super::{super::physics, Context, Refused};

/// Nodes of a group at rest; they make the capacity of the region's shape.
pub const AT_REST: i32 = 10;
/// Fewest nodes of a group at rest.
const LEAST: i32 = 6;
/// Seconds until an update of the bounds has ended: it only changes the Auto Scaling group.
const UPDATE_SECONDS: (f64, f64) = (20.0, 40.0);
/// Seconds until a new node is Ready (domain B.5).
const READY_SECONDS: (f64, f64) = (120.0, 240.0);
/// Utilisation above which the autoscaler asks for nodes.
const SCALE_OUT: f64 = 0.75;

/// The node group of a region.
///
/// The autoscaler adds nodes up to the maximum when the region is too busy, and takes none away: a pod disruption budget would not let it in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Nodes {
    /// Fewest nodes.
    pub min: i32,
    /// Most nodes.
    pub max: i32,
    /// Nodes that are wanted now.
    pub desired: i32,
    /// Nodes that are Ready.
    pub ready: i32,
    /// The second in which the last update ends; it is `UPDATING` until then.
    pub updated_at: i64,
    /// When each new node is Ready.
    joining: Vec<i64>,
}

impl Nodes {
    /// A group that is as big as its region's capacity was measured with, and may not grow.
    pub fn at_rest() -> Self {
        Self {
            min: LEAST,
            max: AT_REST,
            desired: AT_REST,
            ready: AT_REST,
            updated_at: i64::MIN,
            joining: Vec::new(),
        }
    }

    /// What the nodes can serve, as a multiple of the capacity of the shape.
    pub fn capacity(&self) -> f64 {
        f64::from(self.ready) / f64::from(AT_REST)
    }

    /// Whether an update has not ended.
    pub fn updating(&self, t: i64) -> bool {
        t < self.updated_at
    }

    /// Moves on by a second in which the region was `utilisation` busy.
    pub(super) fn step(&mut self, context: &Context<'_>, region: usize, utilisation: f64) {
        let t = context.t;
        if self.updated_at == i64::MAX {
            return;
        }
        let before = self.joining.len();
        // Nothing joins while its region is lost.
        if !context.faults.down(region) {
            self.joining.retain(|at| t < *at);
        }
        self.ready += count(before - self.joining.len());
        if t.rem_euclid(30) == 0 && utilisation > SCALE_OUT && !context.faults.down(region) {
            let needed = (f64::from(self.ready) * utilisation / physics::DESIGN_UTILISATION).ceil();
            self.want(context, region, (needed as i32).max(self.desired));
        }
    }

    /// `UpdateNodegroupConfig` with other bounds.
    pub(super) fn resize(
        &mut self,
        context: &Context<'_>,
        region: usize,
        min: i32,
        max: i32,
    ) -> Result<(), Refused> {
        if min < 0 || max < 1 || min > max {
            return Err(Refused(
                "InvalidParameterException: minSize can't be greater than maxSize",
            ));
        }
        if self.updating(context.t) {
            return Err(Refused(
                "ResourceInUseException: the node group has an update in progress",
            ));
        }
        (self.min, self.max) = (min, max);
        let (low, high) = UPDATE_SECONDS;
        let seconds = context
            .noise
            .between("node group update", context.t, low, high);
        self.updated_at = context.t + seconds as i64;
        self.want(context, region, self.desired);
        Ok(())
    }

    /// Lets the last update never end: it stays as it is, whatever is wanted.
    pub(super) fn hang(&mut self) {
        self.updated_at = i64::MAX;
    }

    /// Moves the wanted number into the bounds, starts what is missing and ends what is too much, what is not Ready first.
    fn want(&mut self, context: &Context<'_>, region: usize, desired: i32) {
        self.desired = desired.clamp(self.min, self.max);
        let there = self.ready + count(self.joining.len());
        let (low, high) = READY_SECONDS;
        for node in there..self.desired {
            let key = format!("node/{region}/{node}");
            let seconds = context.noise.between(&key, context.t, low, high);
            self.joining.push(context.t + seconds as i64);
        }
        for _ in self.desired..there {
            if self.joining.pop().is_none() {
                self.ready -= 1;
            }
        }
    }
}

fn count(nodes: usize) -> i32 {
    i32::try_from(nodes).unwrap_or(i32::MAX)
}
