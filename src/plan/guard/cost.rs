//! G-COST: what a plan costs in dollars, by the prices of the configuration. Owns what is counted: nodes while they are raised, invalidation paths; what has no price is named and not counted.

use super::{Guard, GuardId, finding::Findings, outlook::Outlook};
use crate::resources::{
    Change, Place,
    clusters::{self, nodes},
    traffic,
};

/// Hours for which nodes are counted where a plan says no end.
const HOURS: f64 = 24.0;

/// G-COST.
pub fn cost(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let prices = &outlook.fleet.estate.prices;
    let (mut sum, mut parts) = (0.0, Vec::new());
    let (nodes, hours) = (extra_nodes(outlook), hours(outlook));
    if nodes > 0 {
        match prices.node_hour_usd {
            Some(price) => {
                let usd = f64::from(nodes) * hours * price;
                sum += usd;
                parts.push(format!("{nodes} more nodes for {hours:.0} h {usd:.2} USD"));
            }
            None => found.warn(
                format!("{nodes} more nodes for {hours:.0} h: what a node costs is not configured"),
                "set `node_hour_usd` in [prices]",
            ),
        }
    }
    let paths = paths(outlook);
    if paths > 0 {
        #[allow(clippy::cast_precision_loss)] // three thousand at most
        let usd = paths as f64 * prices.invalidation_path_usd;
        sum += usd;
        parts.push(format!(
            "{paths} invalidation paths {usd:.2} USD at most, the first 1000 of a month are free"
        ));
    }
    if !parts.is_empty() {
        let (text, most) = (parts.join(", "), prices.plan_warn_usd);
        if sum > most {
            found.warn(format!("{text}: {sum:.2} > {most:.0} USD"), "");
        } else {
            found.pass(format!("{text}; warned above {most:.0} USD"));
        }
    }
    found.guard(GuardId::Cost, "nothing that it does has a price we know of")
}

/// Nodes that are wanted beyond those that are wanted now.
fn extra_nodes(outlook: &Outlook<'_>) -> i32 {
    let more = outlook.changes().filter_map(|change| match change {
        Change::Clusters(clusters::Change::Scale {
            region,
            cluster,
            node_group,
            to,
            ..
        }) => {
            let place = Place::Region(region.clone());
            let group = nodes::group(outlook.fleet, &place, cluster, node_group)?;
            Some((to.min - group.desired?).max(0))
        }
        Change::Traffic(_)
        | Change::Databases(_)
        | Change::Caches(_)
        | Change::Deployments(_)
        | Change::Nodes(_)
        | Change::HealthChecks(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => None,
    });
    more.sum()
}

/// How long what is raised stays raised.
fn hours(outlook: &Outlook<'_>) -> f64 {
    let until = outlook.plan.until.map(|until| {
        let seconds = until.as_second() - outlook.plan.made_at.as_second();
        #[allow(clippy::cast_precision_loss)] // days
        let hours = seconds.max(0) as f64 / 3_600.0;
        hours
    });
    until.unwrap_or(HOURS)
}

fn paths(outlook: &Outlook<'_>) -> usize {
    let of = outlook.traffic().map(|change| match change {
        traffic::Change::Invalidate { paths, .. } => paths.len(),
        traffic::Change::Weights { .. }
        | traffic::Change::Dial { .. }
        | traffic::Change::Controls { .. }
        | traffic::Change::Forward { .. }
        | traffic::Change::Route { .. }
        | traffic::Change::Steer(_)
        | traffic::Change::Alias { .. }
        | traffic::Change::Staging { .. } => 0,
    });
    of.sum()
}
