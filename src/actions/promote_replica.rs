//! Makes a replica the writer. Owns the choice of the procedure by what the target is; an Aurora global cluster is switched over, a table has nothing to promote.

mod cluster;
mod instance;

use super::{
    Action, Refusal,
    kit::stores::{self, Named, global},
    switchover,
};
use crate::{
    plan::{Intent, Plan, ledger::Ledger},
    resources::{Fleet, RegionLabel, Resource, databases::Database},
};

/// See the module.
pub struct PromoteReplica;

/// What a target can be.
#[derive(Clone)]
enum Target<'a> {
    Global,
    Row(&'a RegionLabel, &'a Database),
}

impl Action for PromoteReplica {
    fn name(&self) -> &'static str {
        "promote-replica"
    }

    fn doc(&self) -> &'static str {
        "Make a replica the writer: an RDS read replica for good, a reader of a DB cluster, a region of a global cluster"
    }

    fn target(&self) -> &'static str {
        "<database>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["to"]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        let all = names(fleet);
        let short = stores::shortest(&all);
        all.into_iter()
            .zip(short)
            .filter(|(named, _)| sensible(&named.what))
            .map(|(_, short)| short)
            .collect()
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        match stores::resolve("databases", &intent.target, names(fleet))? {
            Target::Global => switchover::plan(fleet, intent),
            Target::Row(region, Database::Cluster(row)) => {
                cluster::plan(fleet, region, row, intent)
            }
            Target::Row(region, Database::Instance(row)) => {
                if intent.options.to.is_some() {
                    return Err(Refusal::new(
                        format!("{} is promoted where it is: `to` says nothing", row.id),
                        "leave `to` out",
                    ));
                }
                instance::plan(fleet, region, row, intent)
            }
            Target::Row(_, Database::Table(table)) => Err(Refusal::new(
                format!(
                    "nothing to promote: every replica of table {} takes writes",
                    table.name
                ),
                "steer the writes with traffic: drain-region, or the weights of the name; never delete a replica in an incident",
            )),
        }
    }
}

/// Whether a promotion of it can be meant.
fn sensible(target: &Target<'_>) -> bool {
    match target {
        Target::Global => true,
        Target::Row(_, Database::Cluster(cluster)) => cluster.writer() != Some(false),
        Target::Row(_, Database::Instance(instance)) => instance.source.is_some(),
        Target::Row(_, Database::Table(_)) => false,
    }
}

/// Every database, by the names that it may be called.
fn names(fleet: &Fleet) -> Vec<Named<Target<'_>>> {
    let globals = global::names(fleet).into_iter().map(|named| Named {
        full: named.full,
        forms: named.forms,
        what: Target::Global,
    });
    let rows = fleet.databases.rows().filter_map(|(_, place, row)| {
        let (region, key, id) = (place.region()?, row.key(), row.id());
        let mut forms = vec![id.to_owned(), key.clone(), format!("{region}/{id}")];
        forms.extend(row.arn().map(str::to_owned));
        Some(Named {
            full: format!("{region}/{key}"),
            forms,
            what: Target::Row(region, row),
        })
    });
    globals.chain(rows).collect()
}

#[cfg(test)]
mod tests;
