//! Caches of the world: one ElastiCache Global Datastore and one MemoryDB multi-Region cluster. Owns roles, lag and how long a failover takes.

use super::{Context, Eventual, Refused};

/// All caches. Regions are indices into the shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Caches {
    /// Region of the primary group; each region learns of a change a little later.
    pub primary: Eventual<usize>,
    /// Regions of the Global Datastore.
    pub members: Vec<usize>,
    /// Lag of each member in seconds.
    pub lag_s: Vec<f64>,
    /// A failover under way: the new primary, and the second in which it is done.
    pub motion: Option<(usize, i64)>,
    /// Regions of the MemoryDB multi-Region cluster.
    pub active: Vec<usize>,
    /// Lag into each of them in milliseconds: the worst of all sources.
    pub active_lag_ms: Vec<f64>,
}

impl Caches {
    /// Caches at rest. `spread(n)` gives at most `n` regions, the primary first.
    pub fn new(spread: impl Fn(usize) -> Vec<usize>, primary: usize) -> Self {
        // A Global Datastore has one primary and at most two secondaries.
        let (members, active) = (spread(3), spread(5));
        Self {
            primary: Eventual::new(primary, 6.0),
            lag_s: vec![0.4; members.len()],
            members,
            motion: None,
            active_lag_ms: vec![150.0; active.len()],
            active,
        }
    }

    /// Moves on by a second.
    pub fn step(&mut self, context: &Context<'_>) {
        if let Some((to, ends)) = self.motion
            && context.t >= ends
        {
            self.primary.set(to, context.t);
            self.motion = None;
        }
        let primary = *self.primary.now();
        for (region, lag) in self.members.iter().zip(&mut self.lag_s) {
            let normal = context
                .noise
                .between("datastore", context.moment(*region), 0.3, 0.7);
            *lag = if context.connected(primary, *region) {
                normal.max(if *lag > 2.0 { *lag * 0.9 } else { 0.0 })
            } else {
                *lag + 1.0
            };
        }
        for (region, lag) in self.active.iter().zip(&mut self.active_lag_ms) {
            let normal = context
                .noise
                .between("memorydb", context.moment(*region), 120.0, 220.0);
            let whole = self
                .active
                .iter()
                .all(|other| context.connected(*other, *region));
            *lag = if whole {
                normal.max(if *lag > 1_000.0 { *lag * 0.9 } else { 0.0 })
            } else {
                *lag + 1_000.0
            };
        }
    }

    /// `FailoverGlobalReplicationGroup`: about a minute, in which the group cannot be used.
    pub fn fail_over(&mut self, context: &Context<'_>, to: usize) -> Result<(), Refused> {
        if !self.members.contains(&to) {
            return Err(Refused(
                "GlobalReplicationGroupNotFoundFault: no member there",
            ));
        }
        if self.motion.is_some() || *self.primary.now() == to || context.faults.down(to) {
            return Err(Refused(
                "InvalidGlobalReplicationGroupStateFault: not in a state for it",
            ));
        }
        let seconds = context
            .noise
            .between("datastore failover", context.t, 40.0, 80.0);
        self.motion = Some((to, context.t + seconds as i64));
        Ok(())
    }

    /// Lag into the group of a region in seconds.
    pub fn lag_into(&self, region: usize) -> Option<f64> {
        let position = self.members.iter().position(|member| *member == region)?;
        Some(self.lag_s[position])
    }

    /// Lag into the MemoryDB cluster of a region in milliseconds.
    pub fn active_lag_into(&self, region: usize) -> Option<f64> {
        let position = self.active.iter().position(|member| *member == region)?;
        Some(self.active_lag_ms[position])
    }
}
