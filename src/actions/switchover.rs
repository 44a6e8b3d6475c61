//! Moves the writer of an Aurora global cluster to another region without loss: planned, both sides healthy. Owns the preconditions; a switchover that cannot succeed is refused, never sent.

use super::{
    Action, Refusal,
    kit::{
        guards::guards,
        region,
        stores::{self, Draft, global},
    },
};
use crate::{
    plan::{GuardId, Intent, Plan, ledger::Ledger},
    resources::{Change, Fleet, databases},
};

/// See the module.
pub struct Switchover;

/// Judged right before the call.
const GUARDS: &[GuardId] = guards!(
    stores::EVERY,
    &[
        GuardId::Split,
        GuardId::Health,
        GuardId::Lag,
        GuardId::Version,
        GuardId::Work,
    ]
);

/// A switchover takes one to two minutes, longer with lag (domain B.4).
const TIME: (u64, u64) = (90, 600);

impl Action for Switchover {
    fn name(&self) -> &'static str {
        "switchover"
    }

    fn doc(&self) -> &'static str {
        "Move the writer of an Aurora global cluster to another region, without loss"
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
        plan(fleet, intent)
    }
}

/// The plan, whichever action asked for it.
pub(super) fn plan(fleet: &Fleet, intent: &Intent) -> Result<Plan, Refusal> {
    let global = global::find(fleet, &intent.target)?;
    let id = &global.view.id;
    let from_region = ready(fleet, &global)?;
    let candidates = global::candidates(fleet, &global, false);
    let to = intent.options.to.as_deref();
    let (chosen, to_region, others) = global::choose(fleet, &global, &candidates, to)?;
    let change = databases::Change::SwitchOver {
        global_cluster: id.clone(),
        from_region: from_region.clone(),
        from: global.writer.entry.arn.clone(),
        to_region: to_region.clone(),
        to: chosen.member.entry.arn.clone(),
    };
    let step = stores::change(
        format!("Switch the writer of {id} over to {to_region}"),
        Change::Databases(change),
        TIME,
        GUARDS,
    );
    let title = format!("Switch {id} over from {from_region} to {to_region}");
    let mut draft = Draft::new(title, id, vec![step]);
    draft.remarks = vec![
        format!("new writer {}", chosen.words()),
        "nobody can write for 1 to 2 minutes, longer with lag or long transactions; nothing is lost"
            .to_owned(),
        format!("applications in {from_region} write to another region afterwards: 70 to 220 ms more each"),
    ];
    draft.remarks.push(endpoint(&global));
    draft.remarks.extend(others);
    Ok(draft.freeze(fleet, intent))
}

/// What has to reach the new writer.
pub(super) fn endpoint(global: &global::Global<'_>) -> String {
    match global.view.endpoint.as_deref() {
        Some(endpoint) => {
            format!("clients of {endpoint} follow by DNS; those of a cluster endpoint do not")
        }
        None => {
            "it has no global writer endpoint: change what the applications connect to".to_owned()
        }
    }
}

/// The region of the writer, if everything is as a switchover needs it.
fn ready<'a>(
    fleet: &Fleet,
    global: &global::Global<'a>,
) -> Result<&'a crate::resources::RegionLabel, Refusal> {
    let id = &global.view.id;
    let writer = &global.writer;
    let Some(region) = writer.region else {
        return Err(Refusal::new(
            format!("the writer {} is in no region of the estate", writer.name()),
            "a switchover is sent to the writer's region: add it to the configuration",
        ));
    };
    let mut reasons = Vec::new();
    if region::lost(fleet, region) {
        reasons.push(format!("{region}, where the writer is, does not answer"));
    }
    match writer.cluster {
        None => reasons.push(format!("the writer is not listed in {region}")),
        Some(cluster) if cluster.status != "available" => {
            reasons.push(format!(
                "the writer {} is {}",
                writer.name(),
                cluster.status
            ));
        }
        Some(_) => {}
    }
    if let Some(status) = global.view.status.as_deref()
        && status != "available"
    {
        reasons.push(format!("{id} is {status}"));
    }
    // RDS wants every member connected, not only the new writer.
    for member in &global.others {
        if let Some(state) = member.entry.synchronization.as_deref()
            && state != "connected"
        {
            reasons.push(format!("{} is {state}", member.name()));
        }
    }
    if reasons.is_empty() {
        return Ok(region);
    }
    Err(Refusal {
        reasons,
        advice: format!(
            "a switchover needs every member healthy; wait, or if {region} is gone for good, plan `failover {id}`"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        actions::kit::stores::tests::{Watched, assert_stable, says, to},
        plan::Options,
        resources::{Source, change::Alter, databases::Database},
        sim::names,
    };

    fn switched(plan: &Plan) -> (&str, &str) {
        match plan.changes().next() {
            Some(Change::Databases(databases::Change::SwitchOver { from, to, .. })) => (from, to),
            other => panic!("{other:?}"),
        }
    }

    /// Changes one member of the global cluster as every region sees it.
    fn member(watched: &mut Watched, region: &str, state: &str) {
        let arn = names::cluster_arn(region);
        for seen_from in ["us-east-1", "eu-west-1", "ap-southeast-1"] {
            watched.databases(seen_from, |row| {
                if let Database::Cluster(cluster) = row {
                    let global = cluster.global.as_mut().unwrap();
                    let own = global.members.iter_mut().find(|own| own.arn == arn);
                    own.unwrap().synchronization = Some(state.to_owned());
                }
            });
        }
    }

    #[test]
    fn the_least_behind_becomes_the_writer_unless_told_otherwise() {
        let watched = Watched::until("calm", 0);
        let plan = watched
            .plan("switchover", "shop-global", Options::default())
            .unwrap();
        let (from, new) = switched(&plan);
        assert_eq!(from, names::cluster_arn("us-east-1"));
        assert_eq!(new, names::cluster_arn("eu-west-1"));
        assert_eq!(plan.phrase, "shop-global");
        assert_eq!(plan.loss_phrase, "", "nothing is lost");
        assert_eq!(plan.steps.len(), 1);
        assert!(plan.drift(&watched.fleet).is_empty());
        assert!(plan.steps[0].guards.contains(&GuardId::Split));
        assert!(
            says(&plan.remarks, &["not taken: ap-southeast-1/", "lag"]),
            "{:?}",
            plan.remarks
        );
        assert_stable(&watched, &plan);
        for name in [
            "ap-southeast-1",
            "shop-ap-southeast-1",
            &names::cluster_arn("ap-southeast-1"),
        ] {
            let plan = watched.plan("switchover", "shop-global", to(name)).unwrap();
            assert_eq!(switched(&plan).1, names::cluster_arn("ap-southeast-1"));
        }
    }

    #[test]
    fn a_target_that_is_none_is_refused_with_what_was_meant() {
        let watched = Watched::until("calm", 0);
        let refusal =
            |target: &str, options| watched.plan("switchover", target, options).unwrap_err();
        assert_eq!(
            refusal("shop-globl", Options::default()).advice,
            "did you mean `shop-global`?"
        );
        assert!(
            refusal("shop-global", to("us-east-1"))
                .to_string()
                .contains("is the writer")
        );
        assert!(
            refusal("shop-global", to("mars"))
                .advice
                .contains("eu-west-1/shop-eu-west-1")
        );
        let unread = Watched::new("calm").plan("switchover", "shop-global", Options::default());
        assert!(unread.unwrap_err().to_string().contains("there are no"));
    }

    #[test]
    fn a_candidate_that_cannot_is_passed_over_and_named() {
        let mut watched = Watched::until("calm", 0);
        watched.databases("eu-west-1", |row| {
            if let Database::Cluster(cluster) = row {
                cluster.engine_version = Some("16.6".to_owned());
            }
        });
        let plan = watched
            .plan("switchover", "shop-global", Options::default())
            .unwrap();
        assert_eq!(switched(&plan).1, names::cluster_arn("ap-southeast-1"));
        assert!(says(
            &plan.remarks,
            &["not taken: eu-west-1/", "it runs 16.6, the writer 16.8"]
        ));
        let refusal = watched
            .plan("switchover", "shop-global", to("eu-west-1"))
            .unwrap_err();
        assert!(says(&refusal.reasons, &["eu-west-1", "16.6"]));
        watched.databases("ap-southeast-1", |row| {
            if let Database::Cluster(cluster) = row {
                cluster.instances.clear();
            }
        });
        let refusal = watched
            .plan("switchover", "shop-global", Options::default())
            .unwrap_err();
        assert!(says(
            &refusal.reasons,
            &["ap-southeast-1", "it has no instance"]
        ));
        assert!(says(&refusal.reasons, &["eu-west-1", "16.6"]));
    }

    #[test]
    fn every_member_must_be_connected() {
        let mut watched = Watched::until("calm", 0);
        member(&mut watched, "ap-southeast-1", "pending-resync");
        let refusal = watched
            .plan("switchover", "shop-global", to("eu-west-1"))
            .unwrap_err();
        assert!(says(
            &refusal.reasons,
            &["ap-southeast-1", "pending-resync"]
        ));
    }

    #[test]
    fn regions_that_do_not_agree_who_writes_stop_it() {
        let mut watched = Watched::until("calm", 0);
        watched.databases("eu-west-1", |row| {
            if let Database::Cluster(cluster) = row {
                for own in &mut cluster.global.as_mut().unwrap().members {
                    own.writer = own.arn == names::cluster_arn("eu-west-1");
                }
            }
        });
        for action in ["switchover", "failover"] {
            let refusal = watched
                .plan(action, "shop-global", Options::default())
                .unwrap_err();
            assert!(refusal.to_string().contains("do not agree"), "{refusal}");
        }
    }

    #[test]
    fn two_writers_stop_it() {
        let mut watched = Watched::until("calm", 0);
        for region in ["us-east-1", "eu-west-1", "ap-southeast-1"] {
            watched.databases(region, |row| {
                if let Database::Cluster(cluster) = row {
                    cluster.global.as_mut().unwrap().members[1].writer = true;
                }
            });
        }
        for action in ["switchover", "failover"] {
            let refusal = watched
                .plan(action, "shop-global", Options::default())
                .unwrap_err();
            assert!(refusal.to_string().contains("split brain"), "{refusal}");
        }
    }

    #[test]
    fn without_the_region_of_the_writer_it_is_a_failover_that_is_needed() {
        let watched = Watched::until("region-down", 150);
        let refusal = watched
            .plan("switchover", "shop-global", Options::default())
            .unwrap_err();
        assert!(
            says(&refusal.reasons, &["us-east-1", "does not answer"]),
            "{refusal}"
        );
        assert!(refusal.advice.contains("failover shop-global"));
    }

    #[test]
    fn the_undo_is_a_switchover_back() {
        let watched = Watched::until("calm", 0);
        let plan = watched
            .plan("switchover", "shop-global", Options::default())
            .unwrap();
        let change = plan.changes().next().unwrap();
        assert_eq!(change.reads(&watched.fleet.estate)[0].0, Source::Rds);
        let back = change.inverse().unwrap();
        assert_eq!(back.place().to_string(), "eu-west-1");
    }
}
