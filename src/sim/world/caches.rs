//! Caches of the world: one ElastiCache Global Datastore and one MemoryDB multi-Region cluster. Owns roles, lag and how long a failover takes.

use std::collections::BTreeMap;

use super::{Context, Eventual, Refused};

/// Shards whose failover may be tested in 24 hours (domain B.4).
const TESTS_A_DAY: usize = 15;
/// Seconds that the failover of a shard takes.
const SHARD_SECONDS: (f64, f64) = (20.0, 50.0);

/// A shard of a cache.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShardId {
    /// Where.
    pub region: usize,
    /// Replication group of ElastiCache, or cluster of MemoryDB.
    pub owner: String,
    /// Its id there.
    pub shard: String,
    /// Whether its owner is a replication group: only their failovers are counted.
    pub counted: bool,
}

/// A shard that has failed over.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Moved {
    /// Whether its second node is the primary.
    second: bool,
    /// When the failover under way ends, and the roles are exchanged.
    ends: Option<i64>,
    /// When the last one ended.
    ended: Option<i64>,
}

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
    moved: BTreeMap<ShardId, Moved>,
    /// When failovers were tested.
    tests: Vec<i64>,
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
            moved: BTreeMap::new(),
            tests: Vec::new(),
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
        for moved in self.moved.values_mut() {
            if moved.ends.is_some_and(|ends| context.t >= ends) {
                moved.second = !moved.second;
                moved.ended = moved.ends.take();
            }
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

    /// `TestFailover` or `FailoverShard`: less than a minute.
    pub fn fail_over_shard(
        &mut self,
        context: &Context<'_>,
        shard: &ShardId,
    ) -> Result<(), Refused> {
        let t = context.t;
        if self.failing_over(shard) {
            return Err(Refused(
                "InvalidReplicationGroupState: the shard is not available",
            ));
        }
        if shard.counted {
            self.tests.retain(|at| t - at < 86_400);
            if self.tests.len() >= TESTS_A_DAY {
                return Err(Refused(
                    "APICallRateForCustomerExceeded: no more than 15 node groups in 24 hours",
                ));
            }
            self.tests.push(t);
        }
        let (low, high) = SHARD_SECONDS;
        let seconds = context.noise.between(&shard.owner, t, low, high);
        let moved = self.moved.entry(shard.clone()).or_default();
        moved.ends = Some(t + seconds as i64);
        Ok(())
    }

    /// Whether a shard changes its primary.
    pub fn failing_over(&self, shard: &ShardId) -> bool {
        let moved = self.moved.get(shard);
        moved.is_some_and(|moved| moved.ends.is_some())
    }

    /// When the last failover of a shard ended.
    pub fn failed_over_at(&self, shard: &ShardId) -> Option<i64> {
        self.moved.get(shard)?.ended
    }

    /// Whether the second node of a shard is its primary, not the first.
    pub fn second_leads(&self, shard: &ShardId) -> bool {
        self.moved.get(shard).is_some_and(|moved| moved.second)
    }

    /// Lets the failover of the Global Datastore never end.
    pub(super) fn hang_motion(&mut self) {
        if let Some((_, ends)) = &mut self.motion {
            *ends = i64::MAX;
        }
    }

    /// Lets the failover of a shard never end.
    pub(super) fn hang_shard(&mut self, shard: &ShardId) {
        if let Some(moved) = self.moved.get_mut(shard) {
            moved.ends = Some(i64::MAX);
        }
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
