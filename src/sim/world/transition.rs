//! Changes that somebody makes to the world: an operator, another console, a scenario. Owns the list; each takes the time that it takes at AWS.

use crate::resources::traffic::rollouts::Steering;

use super::{
    Alias, CANARY, Caches, Context, Databases, STABLE, World, caches::ShardId, routing::Check,
    workloads::Edit,
};

/// A change. Regions are indices into the shape.
#[derive(Debug, Clone, PartialEq)]
pub enum Transition {
    /// Weights of the managed weighted name, one batch; regions that are not named keep theirs.
    Weights(Vec<(usize, u8)>),
    /// The dial of an endpoint group.
    Dial {
        /// Which.
        region: usize,
        /// 0 to 100.
        percent: f64,
    },
    /// A routing control.
    Control {
        /// Which.
        region: usize,
        /// Its new state.
        on: bool,
    },
    /// The weight of the canary target group.
    Canary {
        /// Where.
        region: usize,
        /// 0 to 100 percent of the forward action.
        percent: f64,
    },
    /// The share of the second version of the Lambda alias.
    Alias {
        /// Where.
        region: usize,
        /// 0.0 to 1.0.
        weight: f64,
    },
    /// Weights of a route in the cluster of a region.
    Route {
        /// Where.
        region: usize,
        /// Name of the object.
        name: String,
        /// Of its backends, in their order.
        weights: Vec<u32>,
    },
    /// A way to steer what a controller of a region's cluster sends out.
    Steer {
        /// Where.
        region: usize,
        /// How, and which.
        steering: Box<Steering>,
    },
    /// The share of the staging distribution.
    Staging {
        /// 0.0 to 0.15.
        weight: f64,
    },
    /// Aurora global switchover.
    SwitchOver {
        /// The new writer's region.
        to: usize,
    },
    /// Aurora global failover with loss of data.
    FailOver {
        /// The new writer's region.
        to: usize,
    },
    /// Promotion of an RDS replica.
    Promote {
        /// Where.
        region: usize,
    },
    /// Global Datastore failover.
    CachePrimary {
        /// The new primary's region.
        to: usize,
    },
    /// Weights of target groups of one forward action.
    Forward {
        /// Where.
        region: usize,
        /// By name of the target group, 0 to 999.
        weights: Vec<(String, u32)>,
    },
    /// Failover within an Aurora cluster.
    FailOverCluster {
        /// Where.
        region: usize,
        /// Which of its two instances becomes the writer.
        to: usize,
    },
    /// Failover of a shard of a cache.
    Shard(ShardId),
    /// Bounds of the node group of a region.
    Nodes {
        /// Where.
        region: usize,
        /// Fewest nodes.
        min: i32,
        /// Most nodes.
        max: i32,
    },
    /// Inversion of a health check.
    Invert {
        /// Of which region.
        region: usize,
        /// Which of its three.
        check: Check,
        /// Whether its result is turned round.
        inverted: bool,
    },
    /// An invalidation of paths of the distribution.
    Invalidate {
        /// What whoever asks for it calls it.
        reference: String,
        /// The paths.
        paths: Vec<String>,
    },
    /// An edit of a deployment.
    Deployment {
        /// Where.
        region: usize,
        /// Its name.
        service: String,
        /// What is done.
        edit: Edit,
    },
    /// Whether a node takes new pods.
    Cordon {
        /// Where.
        region: usize,
        /// Its name.
        node: String,
        /// Whether it takes none.
        cordoned: bool,
    },
    /// A pod is moved to another node.
    Evict {
        /// Where.
        region: usize,
        /// Its deployment.
        service: String,
        /// Which of its pods.
        index: i32,
    },
    /// Whether a stage of a pipeline lets anything in.
    Gate {
        /// Which pipeline.
        line: usize,
        /// Which of its stages.
        part: usize,
        /// Why it does not, and who says so.
        hold: Option<(String, String)>,
    },
    /// A stage of a pipeline goes back.
    RollBackStage {
        /// Which pipeline.
        line: usize,
        /// Which of its stages.
        part: usize,
        /// The execution that it goes back to.
        target: String,
    },
    /// Whether the actions of alarms run.
    AlarmActions {
        /// Where.
        region: usize,
        /// Names.
        names: Vec<String>,
        /// Whether they run.
        run: bool,
    },
}

impl Transition {
    /// The canary of the route that nobody owns gets so many percent in a region.
    pub(in crate::sim) fn route_canary((region, percent): (usize, f64)) -> Self {
        let canary = percent.clamp(0.0, 100.0).round() as u32;
        Self::Route {
            region,
            name: super::mesh::FREE.to_owned(),
            weights: vec![100 - canary, canary],
        }
    }
}

/// Why the world does not do it: the error code and text that AWS would give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub &'static str);

impl World {
    /// Makes a change now. What follows from it takes its time.
    pub fn change(&mut self, transition: &Transition) -> Result<(), Refused> {
        let t = self.now();
        match transition {
            Transition::SwitchOver { to } => {
                return self.databases(|databases, context| databases.switch_over(context, *to));
            }
            Transition::FailOver { to } => {
                return self.databases(|databases, context| databases.fail_over(context, *to));
            }
            Transition::FailOverCluster { region, to } => {
                return self.databases(|databases, context| {
                    databases.fail_over_cluster(context, *region, *to)
                });
            }
            Transition::Promote { region } => {
                return self.databases(|databases, context| databases.promote(context, *region));
            }
            Transition::CachePrimary { to } => {
                return self.caches(|caches, context| caches.fail_over(context, *to));
            }
            Transition::Shard(shard) => {
                return self.caches(|caches, context| caches.fail_over_shard(context, shard));
            }
            Transition::Nodes { region, min, max } => return self.resize(*region, *min, *max),
            Transition::Weights(weights) => {
                for (region, weight) in weights {
                    self.routing.weights[*region] = *weight;
                }
            }
            Transition::Dial { region, percent } => self.routing.set_dial(*region, *percent, t),
            Transition::Control { region, on } => self.routing.controls[*region].set(*on, t),
            Transition::Canary { region, percent } => self.canary(*region, *percent),
            Transition::Forward { region, weights } => self.forward(*region, weights),
            Transition::Alias { region, weight } => self.alias(*region, *weight),
            Transition::Route {
                region,
                name,
                weights,
            } => {
                let noise = self.noise;
                if let Some(mesh) = self.mesh.get_mut(*region) {
                    mesh.set(name, weights, noise, t);
                }
            }
            Transition::Steer { region, steering } => self.steer(*region, steering),
            Transition::Staging { weight } => {
                self.staging_weight = weight.clamp(0.0, 0.15);
                self.staging_deployed_at = t + 180;
            }
            Transition::Invert {
                region,
                check,
                inverted,
            } => self.routing.invert(*region, *check, *inverted, t),
            Transition::Invalidate { reference, paths } => {
                return self.invalidate(reference, paths);
            }
            Transition::Deployment {
                region,
                service,
                edit,
            } => self.edit(*region, service, edit),
            Transition::Cordon {
                region,
                node,
                cordoned,
            } => self.cordon(*region, node, *cordoned),
            Transition::Evict {
                region,
                service,
                index,
            } => {
                let key = (*region, service.clone(), *index);
                let (count, last) = self.hands.moved.entry(key).or_default();
                (*count, *last) = (*count + 1, t);
            }
            Transition::Gate { line, part, hold } => self.gate(*line, *part, hold.clone()),
            Transition::RollBackStage { line, part, target } => {
                return self.roll_back_stage(*line, *part, target);
            }
            Transition::AlarmActions { region, names, run } => {
                self.alarm_actions(*region, names, *run);
            }
        }
        Ok(())
    }

    /// Lets what a change began never end. Nothing, where the change is done at once.
    pub(in crate::sim) fn hang(&mut self, transition: &Transition) {
        match transition {
            Transition::Dial { .. } => self.routing.deployed_at = i64::MAX,
            Transition::Staging { .. } => self.staging_deployed_at = i64::MAX,
            Transition::SwitchOver { .. } | Transition::FailOver { .. } => {
                self.databases.hang_motion();
            }
            Transition::FailOverCluster { region, .. } => self.databases.hang_cluster(*region),
            Transition::Promote { region } => self.databases.hang_promotion(*region),
            Transition::CachePrimary { .. } => self.caches.hang_motion(),
            Transition::Shard(shard) => self.caches.hang_shard(shard),
            Transition::Nodes { region, .. } => self.nodes[*region].hang(),
            Transition::RollBackStage { line, part, .. } => self.hang_stage(*line, *part),
            Transition::Invalidate { .. } => {
                if let Some(last) = self.invalidations.last_mut() {
                    last.completed_at = i64::MAX;
                }
            }
            Transition::Weights(_)
            | Transition::Control { .. }
            | Transition::Canary { .. }
            | Transition::Alias { .. }
            | Transition::Route { .. }
            | Transition::Steer { .. }
            | Transition::Forward { .. }
            | Transition::Invert { .. }
            | Transition::Deployment { .. }
            | Transition::Cordon { .. }
            | Transition::Evict { .. }
            | Transition::Gate { .. }
            | Transition::AlarmActions { .. } => {}
        }
    }

    fn canary(&mut self, region: usize, percent: f64) {
        let canary = percent.clamp(0.0, 100.0).round() as u32;
        let weights = [(STABLE, 100 - canary), (CANARY, canary)];
        self.forward(
            region,
            &weights.map(|(group, weight)| (group.to_owned(), weight)),
        );
    }

    fn forward(&mut self, region: usize, weights: &[(String, u32)]) {
        let t = self.now();
        let mut all = self.forwards[region].now().clone();
        all.extend(weights.iter().cloned());
        self.forwards[region].set(all, t);
    }

    fn alias(&mut self, region: usize, weight: f64) {
        let t = self.now();
        let alias = Alias {
            second: weight.clamp(0.0, 1.0),
            updates: self.aliases[region].now().updates + 1,
        };
        self.aliases[region].set(alias, t);
    }

    fn cordon(&mut self, region: usize, node: &str, cordoned: bool) {
        let key = (region, node.to_owned());
        if cordoned {
            self.hands.cordoned.insert(key);
        } else {
            self.hands.cordoned.remove(&key);
        }
    }

    fn resize(&mut self, region: usize, min: i32, max: i32) -> Result<(), Refused> {
        let context = Context {
            t: self.now(),
            noise: self.noise,
            shape: &self.shape,
            faults: &self.faults,
        };
        self.nodes[region].resize(&context, region, min, max)
    }

    fn databases(
        &mut self,
        change: impl FnOnce(&mut Databases, &Context<'_>) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let context = Context {
            t: self.now(),
            noise: self.noise,
            shape: &self.shape,
            faults: &self.faults,
        };
        change(&mut self.databases, &context)
    }

    fn caches(
        &mut self,
        change: impl FnOnce(&mut Caches, &Context<'_>) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let context = Context {
            t: self.now(),
            noise: self.noise,
            shape: &self.shape,
            faults: &self.faults,
        };
        change(&mut self.caches, &context)
    }
}
