//! Changes that somebody makes to the world: an operator, another console, a scenario. Owns the list; each takes the time that it takes at AWS.

use super::World;

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
            Transition::Weights(weights) => {
                for (region, weight) in weights {
                    self.routing.weights[*region] = *weight;
                }
                Ok(())
            }
            Transition::Dial { region, percent } => {
                self.routing.set_dial(*region, *percent, t);
                Ok(())
            }
            Transition::Control { region, on } => {
                self.routing.controls[*region].set(*on, t);
                Ok(())
            }
            Transition::Canary { region, percent } => {
                self.canary_percent[*region] = percent.clamp(0.0, 100.0);
                Ok(())
            }
            Transition::Alias { region, weight } => {
                self.alias_weight[*region].set(weight.clamp(0.0, 1.0), t);
                Ok(())
            }
            Transition::Staging { weight } => {
                self.staging_weight = weight.clamp(0.0, 0.15);
                self.staging_deployed_at = t + 180;
                Ok(())
            }
            Transition::SwitchOver { to } => {
                self.with_databases(|databases, context| databases.switch_over(context, *to))
            }
            Transition::FailOver { to } => {
                self.with_databases(|databases, context| databases.fail_over(context, *to))
            }
            Transition::Promote { region } => {
                self.with_databases(|databases, context| databases.promote(context, *region))
            }
            Transition::CachePrimary { to } => {
                let context = super::Context {
                    t,
                    noise: self.noise,
                    shape: &self.shape,
                    faults: &self.faults,
                };
                self.caches.fail_over(&context, *to)
            }
        }
    }

    fn with_databases(
        &mut self,
        change: impl FnOnce(&mut super::Databases, &super::Context<'_>) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let context = super::Context {
            t: self.now(),
            noise: self.noise,
            shape: &self.shape,
            faults: &self.faults,
        };
        change(&mut self.databases, &context)
    }
}
