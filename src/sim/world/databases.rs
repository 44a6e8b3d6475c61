//! Databases of the world: one Aurora global cluster, one RDS PostgreSQL source with replicas, one DynamoDB global table. Owns roles and how long role changes take.

mod passing;

use super::{Context, Eventual, Refused};

/// Seconds until the old writer is back, as a reader, after a failover that was asked for.
const PLANNED_RETURN: i64 = 20;
/// Replication latency of the table in milliseconds (domain D.0).
const TABLE_LAG_MS: f64 = 600.0;

/// A global switchover or failover under way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Motion {
    /// Region that loses the writer.
    pub from: usize,
    /// Region that gets it.
    pub to: usize,
    /// Whether loss of data was accepted: a failover.
    pub failover: bool,
    /// The second in which it was asked for.
    pub began: i64,
    /// The second in which it is done.
    pub ends: i64,
}

/// The crash of a writer instance.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Crash {
    /// When a reader takes over.
    takeover: i64,
    /// When the instance is back.
    back: i64,
}

/// A cluster of the global cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its region.
    pub region: usize,
    /// Which of its two instances is the writer within the cluster.
    pub writer_instance: usize,
    /// Replication lag in milliseconds; meaningless for the writer.
    pub lag_ms: f64,
    /// RPO lag in milliseconds.
    pub rpo_ms: f64,
    crash: Option<Crash>,
    rebuilt_at: Option<i64>,
    must_rejoin: bool,
}

impl Member {
    /// Whether its writer instance is gone and no reader has taken over yet.
    pub fn failing_over(&self, t: i64) -> bool {
        self.crash.is_some_and(|crash| t < crash.takeover)
    }

    /// The instance that is not back yet after a crash.
    pub fn crashed_instance(&self, t: i64) -> Option<usize> {
        let crash = self.crash.filter(|crash| t < crash.back)?;
        Some(if t < crash.takeover {
            self.writer_instance
        } else {
            1 - self.writer_instance
        })
    }

    /// Whether it is being rebuilt and serves no reads.
    pub fn rebuilding(&self, t: i64) -> bool {
        self.must_rejoin || self.rebuilt_at.is_some_and(|end| t < end)
    }
}

/// The RDS replica of a region.
#[derive(Debug, Clone, PartialEq)]
pub struct Replica {
    /// Its region.
    pub region: usize,
    /// Reported lag in seconds; −1 while it does not replicate.
    pub lag_s: f64,
    /// When its promotion is done; it takes writes from then on.
    pub promoted_at: Option<i64>,
}

/// All databases. Regions are indices into the shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Databases {
    /// Region of the Aurora writer; each region learns of a change a little later.
    pub writer: Eventual<usize>,
    /// Aurora clusters.
    pub members: Vec<Member>,
    /// A role change under way.
    pub motion: Option<Motion>,
    /// Region of the RDS source.
    pub source: usize,
    /// Its replicas.
    pub replicas: Vec<Replica>,
    /// Regions of the global table.
    pub table: Vec<usize>,
    /// Replication latency in milliseconds from the first to the second region of the table, by position in `table`.
    pub table_lag_ms: Vec<Vec<f64>>,
}

impl Databases {
    /// Databases at rest. `spread(n)` gives at most `n` regions, the primary first.
    pub fn new(spread: impl Fn(usize) -> Vec<usize>, primary: usize) -> Self {
        let member = |region| Member {
            region,
            writer_instance: 0,
            lag_ms: 0.0,
            rpo_ms: 0.0,
            crash: None,
            rebuilt_at: None,
            must_rejoin: false,
        };
        let replica = |region| Replica {
            region,
            lag_s: 0.1,
            promoted_at: None,
        };
        let table = spread(8);
        Self {
            writer: Eventual::new(primary, 6.0),
            members: spread(6).into_iter().map(member).collect(),
            motion: None,
            source: primary,
            replicas: spread(6)
                .into_iter()
                .filter(|region| *region != primary)
                .map(replica)
                .collect(),
            table_lag_ms: vec![vec![TABLE_LAG_MS; table.len()]; table.len()],
            table,
        }
    }

    /// The Aurora cluster of a region.
    pub fn member(&self, region: usize) -> Option<&Member> {
        self.members.iter().find(|member| member.region == region)
    }

    /// The RDS replica of a region.
    pub fn replica(&self, region: usize) -> Option<&Replica> {
        self.replicas
            .iter()
            .find(|replica| replica.region == region)
    }

    /// Whether users of a region can write to Aurora.
    pub fn aurora_writable(&self, context: &Context<'_>, region: usize) -> bool {
        let writer = *self.writer.now();
        let up = self
            .member(writer)
            .is_some_and(|member| !member.failing_over(context.t));
        up && self.motion.is_none() && context.connected(region, writer)
    }

    /// Whether users of a region can write to the RDS source, or to a promoted replica.
    pub fn postgres_writable(&self, context: &Context<'_>, region: usize) -> bool {
        let source = !context.faults.source_lost() && context.connected(region, self.source);
        source
            || self.replicas.iter().any(|replica| {
                replica.promoted_at.is_some_and(|at| context.t >= at)
                    && context.connected(region, replica.region)
            })
    }

    /// `SwitchoverGlobalCluster`: planned, without loss, only while both regions are up and in step.
    pub fn switch_over(&mut self, context: &Context<'_>, to: usize) -> Result<(), Refused> {
        let from = *self.writer.now();
        if !context.connected(from, to) {
            return Err(Refused(
                "InvalidGlobalClusterStateFault: the primary and the target cannot reach each other",
            ));
        }
        let busy = [from, to].into_iter().any(|region| {
            self.member(region)
                .is_some_and(|member| member.failing_over(context.t))
        });
        if busy {
            return Err(Refused(
                "InvalidDBClusterStateFault: a cluster of the global cluster is not available",
            ));
        }
        // It waits for the target to have everything.
        let lag = self.member(to).map_or(0.0, |member| member.lag_ms) / 1_000.0;
        self.begin(context, to, false, 60 + lag as i64, 60.0)
    }

    /// `FailoverGlobalCluster` with `AllowDataLoss`: what was not replicated is lost, and the other secondaries are rebuilt.
    pub fn fail_over(&mut self, context: &Context<'_>, to: usize) -> Result<(), Refused> {
        if context.faults.down(to) {
            return Err(Refused(
                "InvalidDBClusterStateFault: the target cannot be reached",
            ));
        }
        self.begin(context, to, true, 120, 30.0)
    }

    /// `FailoverDBCluster`: the named reader becomes the writer within about half a minute.
    pub fn fail_over_cluster(
        &mut self,
        context: &Context<'_>,
        region: usize,
        to: usize,
    ) -> Result<(), Refused> {
        let t = context.t;
        let moving = self.motion.is_some();
        let member = self
            .members
            .iter_mut()
            .find(|member| member.region == region);
        let member = member.ok_or(Refused("DBClusterNotFoundFault: no cluster there"))?;
        if moving || member.crash.is_some_and(|crash| t < crash.back) || member.rebuilding(t) {
            return Err(Refused(
                "InvalidDBClusterStateFault: the cluster is not available",
            ));
        }
        if to == member.writer_instance || to > 1 {
            return Err(Refused(
                "InvalidDBInstanceStateFault: the target is not a reader of the cluster",
            ));
        }
        let takeover = t + context.noise.between("takeover", t, 12.0, 35.0) as i64;
        member.crash = Some(Crash {
            takeover,
            back: takeover + PLANNED_RETURN,
        });
        Ok(())
    }

    /// Lets the role change under way never end.
    pub(super) fn hang_motion(&mut self) {
        if let Some(motion) = &mut self.motion {
            motion.ends = i64::MAX;
        }
    }

    /// Lets the failover of a cluster never end.
    pub(super) fn hang_cluster(&mut self, region: usize) {
        let mut members = self.members.iter_mut();
        let member = members.find(|member| member.region == region);
        if let Some(crash) = member.and_then(|member| member.crash.as_mut()) {
            (crash.takeover, crash.back) = (i64::MAX, i64::MAX);
        }
    }

    /// Lets the promotion of a replica never end.
    pub(super) fn hang_promotion(&mut self, region: usize) {
        let mut replicas = self.replicas.iter_mut();
        if let Some(replica) = replicas.find(|replica| replica.region == region) {
            replica.promoted_at = Some(i64::MAX);
        }
    }

    /// `PromoteReadReplica`: minutes, with a reboot, and for good.
    pub fn promote(&mut self, context: &Context<'_>, region: usize) -> Result<(), Refused> {
        let (t, down) = (context.t, context.faults.down(region));
        let minutes = context
            .noise
            .between("promote", context.moment(region), 300.0, 600.0);
        let replica = self
            .replicas
            .iter_mut()
            .find(|replica| replica.region == region);
        let replica = replica.ok_or(Refused("DBInstanceNotFoundFault: no replica there"))?;
        if down || replica.promoted_at.is_some() {
            return Err(Refused(
                "InvalidDBInstanceStateFault: not a replica that can be promoted",
            ));
        }
        replica.promoted_at = Some(t + minutes as i64);
        Ok(())
    }

    fn begin(
        &mut self,
        context: &Context<'_>,
        to: usize,
        failover: bool,
        seconds: i64,
        spread: f64,
    ) -> Result<(), Refused> {
        let from = *self.writer.now();
        let member = self
            .member(to)
            .ok_or(Refused("DBClusterNotFoundFault: no member there"))?;
        if self.motion.is_some() || from == to || member.rebuilding(context.t) {
            return Err(Refused(
                "InvalidGlobalClusterStateFault: not in a state for it",
            ));
        }
        let jitter = context.noise.between("role change", context.t, 0.0, spread) as i64;
        self.motion = Some(Motion {
            from,
            to,
            failover,
            began: context.t,
            ends: context.t + seconds + jitter,
        });
        Ok(())
    }
}
