//! Raises the minimum of node groups and the floors of pod autoscalers in the regions that will receive the load of a drained one, and waits for nodes and pods. Owns how far; never sets how many nodes there are, an autoscaler does that.

mod floors;
mod known;

use std::collections::BTreeMap;

use self::floors::{Lift, Lifts};
use super::{
    Action, Refusal,
    kit::{
        guards::guards,
        region,
        stores::{
            self, Draft,
            receivers::{self, WANTED_PERCENT},
        },
    },
};
use crate::{
    plan::{Blast, GuardId, Intent, Mark, Plan, Step, Wait, forecast::Forecast, ledger::Ledger},
    resources::{
        Change, Fleet, Place, RegionLabel,
        clusters::{self, Bounds, NodeGroup, nodes},
        regions::capacity::Capacity,
        traffic::quoted,
    },
};

/// See the module.
pub struct ScaleReceivers;

/// Judged right before each call.
const GUARDS: &[GuardId] = guards!(stores::EVERY, &[GuardId::Owner, GuardId::Cost]);

/// EKS changes the bounds within a minute.
const TIME: (u64, u64) = (30, 300);

/// Nodes are ready after two to four minutes (domain D.1).
const READY: (u64, u64) = (180, 900);

impl Action for ScaleReceivers {
    fn name(&self) -> &'static str {
        "scale-receivers"
    }

    fn doc(&self) -> &'static str {
        "Raise node groups and pod floors elsewhere so that a region can be drained"
    }

    fn target(&self) -> &'static str {
        "<region that will be drained>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["nodes", "minutes", "names"]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        region::labels(fleet)
    }

    fn plan(&self, fleet: &Fleet, ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let away = region::find(fleet, &intent.target)?;
        let nodes = intent.options.nodes;
        if let Some(nodes) = nodes.filter(|nodes| !(1..=MOST).contains(nodes)) {
            return Err(Refusal::new(
                format!("{nodes} nodes is no minimum"),
                format!("1 to {MOST} nodes a node group"),
            ));
        }
        let forecast = receivers::forecast(fleet, &away);
        let mut raises = Raises {
            raised: known::raised(ledger),
            ..Raises::default()
        };
        for receiver in &forecast {
            raises.receiver(fleet, receiver, nodes);
            raises
                .lifts
                .receiver(fleet, receiver, &intent.options.names);
        }
        plan(fleet, intent, &away, forecast, raises)
    }
}

/// EKS allows 450 nodes in a managed node group.
const MOST: i32 = 450;

/// One minimum that is raised.
struct Raise {
    region: RegionLabel,
    cluster: String,
    node_group: String,
    from: Bounds,
    to: Bounds,
    desired: Option<i32>,
}

/// What is raised, what need not be, and what cannot.
#[derive(Default)]
struct Raises {
    raised: BTreeMap<String, String>,
    wanted: Vec<Raise>,
    lifts: Lifts,
    remarks: Vec<String>,
    reasons: Vec<String>,
}

impl Raises {
    fn receiver(&mut self, fleet: &Fleet, forecast: &Forecast, wanted: Option<i32>) {
        let region = &forecast.region;
        let capacity = Capacity::of(fleet, region);
        let factor = match (wanted, receivers::factor(forecast, capacity.wanted_rps)) {
            (Some(_), _) => None,
            (None, Some(factor)) if factor <= 1.0 => {
                self.remarks
                    .push(format!("{region} has room already: {}", capacity.how));
                return;
            }
            (None, Some(factor)) => Some(factor),
            (None, None) => {
                let why = known::missing(forecast, &capacity);
                self.reasons
                    .push(format!("what {region} will need is not known: {why}"));
                return;
            }
        };
        let groups: Vec<&NodeGroup> =
            nodes::groups(fleet, &Place::Region(region.clone())).collect();
        if groups.is_empty() {
            let why = known::why_none(fleet, region);
            self.reasons
                .push(format!("no node group of {region} is known: {why}"));
            return;
        }
        let before = self.wanted.len() + self.reasons.len() + self.remarks.len();
        // Where nobody said at how many nodes the capacity was measured, it is taken for that of the nodes that are wanted now: once, not again on top of a raise.
        let counted = known::scales(fleet, region);
        if factor.is_some() && !counted {
            self.remarks.push(format!("`capacity_nodes` of {region} is not configured: its capacity is taken for that of the nodes which it wants now"));
        }
        for group in groups {
            self.group(region, group, wanted, factor, counted);
        }
        if before == self.wanted.len() + self.reasons.len() + self.remarks.len() {
            self.remarks
                .push(format!("the minimums of {region} are high enough already"));
        }
    }

    fn group(
        &mut self,
        region: &RegionLabel,
        group: &NodeGroup,
        nodes: Option<i32>,
        factor: Option<f64>,
        counted: bool,
    ) {
        let name = format!("{region}/{}/{}", group.cluster, group.name);
        let Some(from) = group.bounds else {
            self.reasons
                .push(format!("the size of {name} is not known"));
            return;
        };
        if let Some(status) = group.status.as_deref().filter(|status| *status != "ACTIVE") {
            self.reasons.push(format!(
                "{name} is {status}: EKS takes one update at a time"
            ));
            return;
        }
        let target = format!("eks/{region}/{}/{}", group.cluster, group.name);
        if let Some(run) = self
            .raised
            .get(&target)
            .filter(|_| nodes.is_none() && !counted)
        {
            self.reasons.push(format!(
                "run {run} raised {name} already, and without `capacity_nodes` nobody can tell what it serves since"
            ));
            return;
        }
        let needed = match (nodes, factor, group.desired) {
            (Some(nodes), _, _) => nodes,
            (None, Some(_), Some(0)) => {
                self.remarks
                    .push(format!("{name} has no nodes and is left alone"));
                return;
            }
            (None, Some(factor), Some(desired)) => receivers::nodes(desired, factor),
            (None, _, _) => {
                self.reasons
                    .push(format!("how many nodes {name} has is not known"));
                return;
            }
        };
        if needed <= from.min {
            return;
        }
        if needed > MOST {
            self.reasons.push(format!(
                "{name} would need {needed} nodes, more than EKS allows"
            ));
            return;
        }
        self.wanted.push(Raise {
            region: region.clone(),
            cluster: group.cluster.clone(),
            node_group: group.name.clone(),
            from,
            to: Bounds {
                min: needed,
                max: from.max.max(needed),
            },
            desired: group.desired,
        });
    }
}

fn plan(
    fleet: &Fleet,
    intent: &Intent,
    away: &RegionLabel,
    forecast: Vec<Forecast>,
    found: Raises,
) -> Result<Plan, Refusal> {
    let Raises {
        wanted: raises,
        lifts,
        mut remarks,
        mut reasons,
        raised: _,
    } = found;
    let lifted = lifts.wanted;
    remarks.extend(lifts.remarks);
    reasons.extend(lifts.reasons);
    if raises.is_empty() && lifted.is_empty() {
        return Err(nothing(away, &forecast, &remarks, reasons));
    }
    // All at once, then the waits: nodes of all groups start side by side, and pods that find no room wait for them.
    let pods = lifted.iter().enumerate();
    let pods = pods.map(|(index, lift)| lift.wait(index == 0));
    let steps = raises
        .iter()
        .map(scale)
        .chain(lifted.iter().map(Lift::step))
        .chain(raises.iter().map(ready))
        .chain(pods);
    let title = format!("Raise the receivers of {away}");
    let mut draft = Draft::new(title, away.as_str(), steps.collect());
    if raises.len() + lifted.len() == 1 {
        draft.blast = Blast::L1;
        draft.phrase = String::new();
    }
    let marks = raises.iter().map(mark);
    draft.marks = marks.chain(lifted.iter().map(Lift::mark)).collect();
    let minutes = intent.options.minutes.unwrap_or(UNTIL_MINUTES);
    draft.until = fleet
        .now
        .checked_add(std::time::Duration::from_secs(minutes.saturating_mul(60)))
        .ok();
    draft.remarks = forecast.iter().filter_map(words).collect();
    draft.remarks.extend(
        reasons
            .into_iter()
            .map(|reason| format!("not raised: {reason}")),
    );
    draft.remarks.append(&mut remarks);
    draft.remarks.push(
        "minimums stay raised until they are lowered again: undo this run when the load is gone for 30 minutes"
            .to_owned(),
    );
    draft.remarks.extend(raises.iter().filter_map(grown));
    draft.remarks.extend(raises.iter().filter_map(refused));
    draft.forecast = forecast;
    Ok(draft.freeze(fleet, intent))
}

/// A raised minimum costs money: after this many minutes somebody should look.
const UNTIL_MINUTES: u64 = 240;

fn nothing(
    away: &RegionLabel,
    forecast: &[Forecast],
    remarks: &[String],
    mut reasons: Vec<String>,
) -> Refusal {
    let advice = if reasons.is_empty() && !forecast.is_empty() {
        reasons.push(format!(
            "nothing needs to be raised: {}",
            remarks.join("; ")
        ));
        format!("drain {away} as it is")
    } else if forecast.is_empty() {
        reasons.push(format!(
            "no other region serves users that {away} could give its load to"
        ));
        "restore another region first".to_owned()
    } else {
        "give nodes= as the minimum of each node group, or raise them by hand".to_owned()
    };
    Refusal { reasons, advice }
}

fn scale(raise: &Raise) -> Step {
    let Raise {
        region,
        cluster,
        node_group,
        from,
        to,
        ..
    } = raise;
    let change = clusters::Change::Scale {
        region: region.clone(),
        cluster: cluster.clone(),
        node_group: node_group.clone(),
        from: *from,
        to: *to,
    };
    stores::change(
        format!(
            "Raise the minimum of {cluster}/{node_group} in {region} from {} to {}",
            from.min, to.min
        ),
        Change::Clusters(change),
        TIME,
        GUARDS,
    )
}

fn ready(raise: &Raise) -> Step {
    let wait = Wait::Nodes {
        region: raise.region.clone(),
        cluster: raise.cluster.clone(),
        node_group: raise.node_group.clone(),
        nodes: raise.to.min,
    };
    let title = format!(
        "Wait for {} nodes of {}/{} in {}",
        raise.to.min, raise.cluster, raise.node_group, raise.region
    );
    stores::wait(title, wait, READY)
}

fn mark(raise: &Raise) -> Mark {
    Mark::Orphan {
        what: format!(
            "raised minimum of {}/{}/{}: {} instead of {}",
            raise.region, raise.cluster, raise.node_group, raise.to.min, raise.from.min
        ),
    }
}

/// What one receiver gets.
fn words(forecast: &Forecast) -> Option<String> {
    let after = forecast.utilisation_after()?;
    let worst = forecast.utilisation_worst()?;
    Some(format!(
        "{} gets to {after:.0} % of what it serves today, {worst:.0} % if everything goes there; wanted {WANTED_PERCENT:.0} %",
        forecast.region
    ))
}

fn grown(raise: &Raise) -> Option<String> {
    (raise.to.max > raise.from.max).then(|| {
        format!(
            "the maximum of {}/{} grows from {} to {}: quotas and free subnet addresses must allow it",
            raise.region, raise.node_group, raise.from.max, raise.to.max
        )
    })
}

/// EKS refuses a minimum above the number of nodes that it wants: the console sends that number along, and so must who does it by hand.
fn refused(raise: &Raise) -> Option<String> {
    let desired = raise.desired.filter(|desired| *desired < raise.to.min)?;
    Some(format!(
        "a minimum above the {desired} nodes that it wants now takes that number along, by hand: aws eks update-nodegroup-config --region {} --cluster-name {} --nodegroup-name {} --scaling-config minSize={},maxSize={},desiredSize={}",
        raise.region,
        quoted(&raise.cluster),
        quoted(&raise.node_group),
        raise.to.min,
        raise.to.max,
        raise.to.min
    ))
}

#[cfg(test)]
mod tests;
