//! The actions: operator procedures that, asked for a target, return a plan. Owns the list; each file owns one procedure. Pure: an action reads the fleet and the ledger, never the world.

mod advance;
mod drain_region;
mod fail_over_cache;
mod failover;
mod hold_pipeline;
mod hold_release;
mod invalidate_paths;
mod kit;
mod mute_alarms;
mod nodes;
mod promote_replica;
mod restore_region;
mod roll_back;
mod roll_back_stage;
mod rollout;
mod scale_receivers;
mod shift_weights;
mod steer_rollout;
mod switchover;
mod undo;
mod unmute_alarms;
mod what_now;

pub use self::what_now::{Advice, what_now};
use crate::{
    plan::{Intent, Plan, ledger::Ledger},
    resources::Fleet,
};

/// An operator procedure.
pub trait Action: Sync {
    /// Its name: in the palette, on the command line, in keymaps and in the journal.
    fn name(&self) -> &'static str;

    /// What it does, in one line.
    fn doc(&self) -> &'static str;

    /// What its target is, for help: `<region>`.
    fn target(&self) -> &'static str;

    /// Names of the options that it takes: `now`, `to` …
    fn options(&self) -> &'static [&'static str];

    /// Targets that make sense now, for completion.
    fn targets(&self, fleet: &Fleet, ledger: &Ledger) -> Vec<String>;

    /// The plan, or why there is none. Pure: the same fleet, ledger and intent give the same plan.
    fn plan(&self, fleet: &Fleet, ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal>;
}

/// Every action, in the order of the help.
pub static ACTIONS: &[&dyn Action] = &[
    &drain_region::DrainRegion,
    &restore_region::RestoreRegion,
    &shift_weights::ShiftWeights,
    &steer_rollout::SteerRollout,
    &undo::Undo,
    &switchover::Switchover,
    &failover::Failover,
    &promote_replica::PromoteReplica,
    &fail_over_cache::FailOverCache,
    &scale_receivers::ScaleReceivers,
    &advance::Advance,
    &hold_release::HoldRelease,
    &roll_back::RollBack,
    &hold_pipeline::HoldPipeline,
    &hold_pipeline::ReleasePipeline,
    &roll_back_stage::RollBackStage,
    &rollout::Pause,
    &rollout::Resume,
    &rollout::Restart,
    &nodes::CordonNode,
    &nodes::DrainNode,
    &nodes::UncordonNode,
    &invalidate_paths::InvalidatePaths,
    &mute_alarms::MuteAlarms,
    &unmute_alarms::UnmuteAlarms,
];

/// Why there is no plan, and what would make one possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", reasons.join("; "))]
pub struct Refusal {
    /// All reasons at once.
    pub reasons: Vec<String>,
    /// What to do.
    pub advice: String,
}

impl Refusal {
    /// A refusal for one reason.
    pub fn new(reason: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            reasons: vec![reason.into()],
            advice: advice.into(),
        }
    }
}

/// An action by its name.
pub fn find(name: &str) -> Result<&'static dyn Action, Refusal> {
    ACTIONS
        .iter()
        .copied()
        .find(|action| action.name() == name)
        .ok_or_else(|| {
            let names: Vec<&str> = ACTIONS.iter().map(|action| action.name()).collect();
            Refusal::new(
                format!("there is no action `{name}`"),
                format!("there are {}", names.join(", ")),
            )
        })
}

/// Makes a plan. Options that the action does not take are refused, never ignored.
pub fn plan(fleet: &Fleet, ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
    let action = find(&intent.action)?;
    let taken = action.options();
    let reasons: Vec<String> = intent
        .options
        .given()
        .into_iter()
        .filter(|name| !taken.contains(name))
        .map(|name| format!("{} takes no option `{name}`", action.name()))
        .collect();
    if !reasons.is_empty() {
        let advice = format!("it takes {}", taken.join(", "));
        return Err(Refusal { reasons, advice });
    }
    let mut plan = action.plan(fleet, ledger, intent)?;
    let contexts = kit::contexts::made(fleet, &plan);
    plan.remarks.extend(contexts);
    Ok(plan)
}
