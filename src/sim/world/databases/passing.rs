//! Databases of the world as a second passes: role changes that end, crashes, lag. Owns how fast; never who asked for what.

use super::{super::super::physics, super::Load, Context, Crash, Databases, TABLE_LAG_MS};

/// Seconds until a crashed instance is back, as a reader.
const INSTANCE_RETURN: i64 = 120;
/// Seconds for which the other secondaries are rebuilt after a global failover.
const REBUILD: i64 = 600;
/// Share of all users from which on a region writes enough to be in conflict with another.
const WRITES: f64 = 0.05;
/// Replication latency while two regions write the same items (domain D.4).
const CONFLICT_LAG_MS: f64 = 8_000.0;

impl Databases {
    /// Moves on by a second. `writes` are the writes per second that reach the RDS source, `loads` what users ask of each region.
    pub fn step(&mut self, context: &Context<'_>, writes: f64, loads: &[Load]) {
        self.step_motion(context.t);
        self.step_crash(context);
        self.step_aurora_lag(context);
        self.step_replicas(context, writes);
        self.step_table(context, loads);
    }

    fn step_motion(&mut self, t: i64) {
        let Some(motion) = self.motion.filter(|motion| t >= motion.ends) else {
            return;
        };
        self.motion = None;
        self.writer.set(motion.to, t);
        for member in self
            .members
            .iter_mut()
            .filter(|member| member.region != motion.to)
        {
            if motion.failover && member.region == motion.from {
                member.must_rejoin = true;
            } else if motion.failover {
                member.rebuilt_at = Some(t + REBUILD);
            }
        }
    }

    fn step_crash(&mut self, context: &Context<'_>) {
        let t = context.t;
        let writer = *self.writer.now();
        for member in &mut self.members {
            // The old writer comes back as a secondary that has to be rebuilt.
            if member.must_rejoin && context.connected(member.region, writer) {
                member.must_rejoin = false;
                member.rebuilt_at = Some(t + REBUILD / 2);
            }
            if member.crash.is_some_and(|crash| t == crash.takeover) {
                member.writer_instance = 1 - member.writer_instance;
            }
            // Only in the second of the fault: it crashes the instance that is the writer then, no later one.
            if member.region == writer && context.faults.writer_crash() == Some(t) {
                let takeover = t + context.noise.between("takeover", t, 12.0, 35.0) as i64;
                member.crash = Some(Crash {
                    takeover,
                    back: takeover + INSTANCE_RETURN,
                });
            }
        }
    }

    fn step_aurora_lag(&mut self, context: &Context<'_>) {
        let writer = *self.writer.now();
        for (index, member) in self.members.iter_mut().enumerate() {
            let normal = aurora_lag_ms(index)
                * context
                    .noise
                    .factor("aurora", context.moment(member.region), 0.15);
            if context.faults.down(writer) {
                // Nothing arrives any more: the lag keeps its last value, the possible loss grows.
                member.rpo_ms += 1_000.0;
            } else if !context.connected(writer, member.region) {
                member.lag_ms += 1_000.0;
                member.rpo_ms += 1_000.0;
            } else {
                member.lag_ms = caught_up(member.lag_ms, normal);
                member.rpo_ms = caught_up(member.rpo_ms, normal * 1.4);
            }
        }
    }

    fn step_replicas(&mut self, context: &Context<'_>, writes: f64) {
        let lost = context.faults.source_lost() || context.faults.down(self.source);
        for (index, replica) in self.replicas.iter_mut().enumerate() {
            let normal =
                context
                    .noise
                    .between("replica", context.moment(replica.region), 0.05, 0.1)
                    * if index == 0 { 1.0 } else { 2.0 };
            replica.lag_s = if lost || replica.promoted_at.is_some() {
                -1.0
            } else if context.faults.partitioned(self.source, replica.region) {
                replica.lag_s.max(0.0) + 1.0
            } else if replica.lag_s > 2.0 && writes > 0.1 {
                caught_up(replica.lag_s, normal)
            } else {
                physics::replica_lag_seconds(replica.lag_s, normal, writes)
            };
        }
    }

    fn step_table(&mut self, context: &Context<'_>, loads: &[Load]) {
        let all: f64 = loads.iter().map(|load| load.offered_rps).sum();
        let writes = |region: usize| {
            let load = loads.get(region);
            load.is_some_and(|load| load.offered_rps > all * WRITES)
        };
        for (i, &from) in self.table.iter().enumerate() {
            for (j, &to) in self.table.iter().enumerate() {
                let lag = &mut self.table_lag_ms[i][j];
                if i == j {
                    continue;
                }
                let bucket = context.moment(from * 64 + to);
                let normal = TABLE_LAG_MS * context.noise.factor("table", bucket, 0.15);
                // Whoever homes the writes in one of the two ends it.
                let both = writes(from) && writes(to);
                let conflict = context
                    .faults
                    .conflict(from, to, context.t)
                    .filter(|_| both);
                *lag = if let Some(seconds) = conflict {
                    normal + (CONFLICT_LAG_MS - normal) * (seconds as f64 / 60.0).min(1.0)
                } else if context.connected(from, to) {
                    caught_up(*lag, normal)
                } else {
                    *lag + 1_000.0
                };
            }
        }
    }
}

/// Normal lag of the members in their order (domain D.0: 35 ms in eu-west-1, 110 ms in ap-southeast-1).
fn aurora_lag_ms(index: usize) -> f64 {
    match index {
        0 => 30.0,
        1 => 35.0,
        2 => 110.0,
        _ => 80.0,
    }
}

/// A backlog drains in a minute or so; without one the lag is the normal one.
fn caught_up(lag: f64, normal: f64) -> f64 {
    if lag > normal * 2.0 {
        normal.max(lag * 0.93)
    } else {
        normal
    }
}
