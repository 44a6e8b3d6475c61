//! What each wait says: whether it is over, and what was seen. Owns what counts as enough, as too late and as a breach; decides nothing about the run.

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;

use super::settle::{self, Followed};
use crate::{
    plan::{
        Wait,
        gate::{self, Gate},
        raise::{self, Raised},
    },
    resources::{Change, Fleet, Place, RegionLabel, age, clusters::nodes},
};

/// How long a watch may wait for its first data beyond its time: metrics are up to two minutes late.
const LATE: Duration = Duration::from_secs(180);

/// What a wait says.
pub(super) enum Seen {
    Over(String),
    NotYet(String),
    Breached(String),
}

/// What a wait says after these changes, given how long it usually takes and after how long somebody is asked.
pub(super) fn seen<'a>(
    wait: &Wait,
    done: &(impl Iterator<Item = &'a Change> + Clone),
    fleet: &Fleet,
    since: Timestamp,
    (usual, deadline): (Duration, Duration),
) -> Seen {
    let waited = age(since, fleet.now);
    match wait {
        Wait::Tail {
            region,
            seconds,
            baseline_rps,
            below_percent,
        } => {
            let over = waited >= Duration::from_secs(*seconds);
            tail(
                fleet,
                region,
                *baseline_rps,
                *below_percent,
                since,
                over,
                waited >= deadline,
            )
        }
        Wait::Bake { regions, seconds } => bake(fleet, regions, done, since, *seconds),
        Wait::Version { at, image, seconds } => match settle::stays(fleet, at, image) {
            Err(text) => Seen::Breached(text),
            Ok(()) => {
                let regions = std::slice::from_ref(&at.region);
                bake(fleet, regions, done, since, *seconds)
            }
        },
        Wait::Nodes {
            region,
            cluster,
            node_group,
            nodes,
        } => {
            let place = Place::Region(region.clone());
            match there(fleet, &place, cluster, node_group, *nodes, waited >= usual) {
                (true, text) => Seen::Over(text),
                (false, text) if waited >= deadline => Seen::Breached(format!(
                    "{node_group} has {text} after {} s",
                    waited.as_secs()
                )),
                (false, text) => Seen::NotYet(text),
            }
        }
        Wait::Emptied { node } => match settle::emptied(fleet, node) {
            (true, text) => Seen::Over(text),
            (false, text) if waited >= deadline => Seen::Breached(text),
            (false, text) => Seen::NotYet(text),
        },
        Wait::Rollout { at, pods } => match settle::rolled_out(fleet, at, *pods) {
            Followed::Yes(text) => Seen::Over(text),
            Followed::Failed(text) => Seen::Breached(format!("{}: {text}", at.words())),
            Followed::NotYet(text) if waited >= deadline => Seen::Breached(format!(
                "{}: {text} after {} s",
                at.words(),
                waited.as_secs()
            )),
            Followed::NotYet(text) => Seen::NotYet(text),
        },
    }
}

/// Watches regions for a while. What nobody measured is a breach in the end, unless nothing was done but to let go what a controller drives, and nothing
/// is there that could measure it.
fn bake<'a>(
    fleet: &Fleet,
    regions: &[RegionLabel],
    done: &(impl Iterator<Item = &'a Change> + Clone),
    since: Timestamp,
    seconds: u64,
) -> Seen {
    let (waited, wanted) = (age(since, fleet.now), Duration::from_secs(seconds));
    let let_go = || {
        let mut raising = done
            .clone()
            .filter(|change| raise::raised(change) != Raised::Nobody);
        let first = raising.next().is_some_and(raise::lets_go);
        first && raising.all(raise::lets_go) && gate::mute(fleet, regions, done.clone(), since)
    };
    match gate::judge(fleet, regions, done.clone(), since) {
        Gate::Breached(text) => Seen::Breached(text),
        Gate::Holds if waited >= wanted => Seen::Over("every gate held".to_owned()),
        Gate::Holds => Seen::NotYet("every gate holds".to_owned()),
        Gate::NoData(text) if waited >= wanted && let_go() => Seen::Over(format!(
            "nothing was watched, for nothing could be measured: {text}"
        )),
        Gate::NoData(text) if waited > wanted + LATE => Seen::Breached(text),
        Gate::NoData(text) => Seen::NotYet(text),
    }
}

/// Whether so many nodes are there, in words. Where nobody counts those that are Ready, wanted ones do once they had the time that nodes need.
fn there(
    fleet: &Fleet,
    place: &Place,
    cluster: &str,
    node_group: &str,
    nodes: i32,
    settled: bool,
) -> (bool, String) {
    if let Some(ready) = nodes::ready(fleet, place, cluster, node_group) {
        return (ready >= nodes, format!("{ready} of {nodes} nodes Ready"));
    }
    let group = nodes::group(fleet, place, cluster, node_group);
    let wanted = group
        .filter(|group| group.status.as_deref() == Some("ACTIVE"))
        .and_then(|group| group.desired);
    let enough = wanted.is_some_and(|wanted| wanted >= nodes);
    let wanted = wanted.map_or("?".to_owned(), |wanted| wanted.to_string());
    let text = format!("{wanted} of {nodes} nodes wanted, whether they are Ready is not known");
    (enough && settled, text)
}

fn tail(
    fleet: &Fleet,
    region: &RegionLabel,
    baseline: Option<f64>,
    below: f64,
    since: Timestamp,
    over: bool,
    late: bool,
) -> Seen {
    let reading = fleet.rollup(region).demand.requests_per_second;
    let rate = gate::value(reading, since);
    let residual = rate
        .zip(baseline.filter(|baseline| *baseline > 0.0))
        .map(|(rate, baseline)| rate / baseline * 100.0);
    match residual {
        Some(residual) if over && residual < below => {
            Seen::Over(format!("{residual:.1} % of its requests remain"))
        }
        // Long connections and stubborn resolvers are shown, and are no reason to stop.
        Some(residual) if late => {
            Seen::Over(format!("{residual:.1} % of its requests still arrive"))
        }
        Some(residual) => Seen::NotYet(format!("{residual:.1} % of its requests remain")),
        None if late || (over && fleet.rollup(region).reach.lost(fleet.now)) => Seen::Over(
            "the time is over; what remains is not known, because nothing is measured there"
                .to_owned(),
        ),
        None => Seen::NotYet("nothing was measured there after the change yet".to_owned()),
    }
}
