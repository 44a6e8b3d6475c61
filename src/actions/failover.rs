//! Gives the writer of an Aurora global cluster up and makes a secondary the writer: for a region that is gone. Owns what is said about the loss; it is never what another action falls back to.

use super::{
    Action, Refusal,
    kit::{
        guards::guards,
        region,
        stores::{self, ACCEPT_LOSS, Draft, global},
    },
    switchover,
};
use crate::{
    plan::{GuardId, Intent, Plan, ledger::Ledger},
    resources::{Change, Fleet, RegionLabel, databases},
};

/// See the module.
pub struct Failover;

/// Judged right before the call. Alarms of the receivers do not stop it: they are what it is for.
const GUARDS: &[GuardId] = guards!(
    stores::EVERY,
    &[
        GuardId::Split,
        GuardId::Quorum,
        GuardId::Health,
        GuardId::Lag,
        GuardId::Version,
    ]
);

/// A few minutes to a writer (domain B.4).
const TIME: (u64, u64) = (180, 1_200);

impl Action for Failover {
    fn name(&self) -> &'static str {
        "failover"
    }

    fn doc(&self) -> &'static str {
        "Give up the writer of an Aurora global cluster whose region is gone; writes are lost"
    }

    fn target(&self) -> &'static str {
        "<global cluster>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["to"]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        stores::shortest(&global::names(fleet))
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let global = global::find(fleet, &intent.target)?;
        let id = &global.view.id;
        let candidates = global::candidates(fleet, &global, true);
        let to = intent.options.to.as_deref();
        let (chosen, to_region, others) = global::choose(fleet, &global, &candidates, to)?;
        let change = databases::Change::FailOver {
            global_cluster: id.clone(),
            from: global.writer.entry.arn.clone(),
            to_region: to_region.clone(),
            to: chosen.member.entry.arn.clone(),
        };
        let step = stores::change(
            format!("Fail the writer of {id} over to {to_region}, accepting the loss"),
            Change::Databases(change),
            TIME,
            GUARDS,
        );
        let title = format!(
            "Fail {id} over to {to_region}, giving up {}",
            global.writer.name()
        );
        let mut draft = Draft::new(title, id, vec![step]);
        ACCEPT_LOSS.clone_into(&mut draft.loss_phrase);
        draft.remarks = remarks(fleet, &global, &chosen, to_region);
        draft.remarks.extend(others);
        Ok(draft.freeze(fleet, intent))
    }
}

fn remarks(
    fleet: &Fleet,
    global: &global::Global<'_>,
    chosen: &global::Candidate<'_>,
    to_region: &RegionLabel,
) -> Vec<String> {
    let writer = global.writer.name();
    let gone = global
        .writer
        .region
        .is_none_or(|region| region::lost(fleet, region));
    let mut remarks = Vec::new();
    if !gone {
        remarks.push(format!(
            "{writer} still answers: `switchover {}` would lose nothing",
            global.view.id
        ));
    }
    let estimate = stores::loss(chosen.lag, gone, fleet.now);
    remarks.push(stores::loss_words(estimate));
    remarks.push(format!("new writer {}", chosen.words()));
    let rebuilt: Vec<String> = global
        .others
        .iter()
        .filter(|member| member.entry.arn != chosen.member.entry.arn)
        .map(global::Member::name)
        .collect();
    if !rebuilt.is_empty() {
        remarks.push(format!(
            "{} will be rebuilt, for minutes to hours without reads",
            rebuilt.join(", ")
        ));
    }
    remarks.push(format!(
        "RDS tries to leave what was not replicated in a snapshot rds:unplanned-global-failover-… beside {writer}: copy it, it goes when the backups of the old cluster go"
    ));
    remarks.push(format!(
        "fence the old writer: writes that {writer} takes after this are lost silently"
    ));
    remarks.push(format!(
        "nothing undoes it: the old region rejoins as a secondary, then plan `switchover {}` back from {to_region}",
        global.view.id
    ));
    remarks.push(switchover::endpoint(global));
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        actions::kit::stores::tests::{Watched, assert_stable, says, to},
        plan::Options,
        resources::change::{Alter, Class},
        sim::names,
    };

    fn target(plan: &Plan) -> &str {
        match plan.changes().next() {
            Some(Change::Databases(databases::Change::FailOver { to, .. })) => to,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_dead_region_is_given_up_with_the_loss_said() {
        let watched = Watched::until("region-down", 150);
        let plan = watched
            .plan("failover", "shop-global", Options::default())
            .unwrap();
        assert_eq!(target(&plan), names::cluster_arn("eu-west-1"));
        assert_eq!(
            (plan.phrase.as_str(), plan.loss_phrase.as_str()),
            ("shop-global", ACCEPT_LOSS)
        );
        assert_eq!(plan.class(), Class::R);
        assert_eq!(
            plan.changes().next().unwrap().place().to_string(),
            "eu-west-1"
        );
        for parts in [
            &["up to ", " of writes may be lost"][..],
            &["ap-southeast-1/shop-ap-southeast-1", "rebuilt"],
            &["rds:unplanned-global-failover-"],
            &["nothing undoes it"],
            &["fence"],
        ] {
            assert!(
                says(&plan.remarks, parts),
                "{parts:?} in {:?}",
                plan.remarks
            );
        }
        assert!(!says(&plan.remarks, &["still answers"]));
        assert!(plan.guards().contains(&GuardId::Quorum));
    }

    #[test]
    fn the_estimate_grows_and_the_hash_does_not() {
        let watched = Watched::until("region-down", 150);
        let plan = watched
            .plan("failover", "shop-global", Options::default())
            .unwrap();
        assert_stable(&watched, &plan);
        let later = Failover
            .plan(&watched.later(60), &Ledger::default(), &plan.intent)
            .unwrap();
        let loss = |plan: &Plan| {
            let found = plan
                .remarks
                .iter()
                .find(|remark| remark.contains("may be lost"));
            found.unwrap().clone()
        };
        assert_ne!(loss(&later), loss(&plan));
        assert_eq!(later.hash(), plan.hash());
    }

    #[test]
    fn while_the_writer_answers_a_switchover_is_pointed_to() {
        let watched = Watched::until("calm", 0);
        let plan = watched
            .plan("failover", "shop-global", to("ap-southeast-1"))
            .unwrap();
        assert_eq!(target(&plan), names::cluster_arn("ap-southeast-1"));
        assert!(plan.remarks[0].contains("`switchover shop-global` would lose nothing"));
        assert!(plan.guards().contains(&GuardId::Split));
    }
}
