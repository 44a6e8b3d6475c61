//! What a region shows in its pane. Owns texts only; draws nothing.

use super::{
    Region,
    rollup::{Rollup, SOURCES_OF_ALARMS},
    steering::Share,
    stores::{StoreRole, Stores},
};
use crate::resources::{
    Fleet, Freshness, Place, Severity, Source,
    cell::{Cell, Column, Field, Show, milliseconds, no_limit, percent, rate, whole_percent},
};

/// At 80 columns everything but `p95`, `util`, `eks` and `api` fits beside labels of 14 characters.
const COLUMNS: &[Column] = &[
    Column::name("region", 14, 32, 0),
    Column::numbers("share", 4, 9, 0),
    Column::number("rps", 5, 0),
    Column::number("err", 5, 0),
    Column::number("p95", 5, 5),
    Column::number("p99", 5, 0),
    Column::number("util", 4, 4),
    Column::text("db", 7, 12, 0),
    Column::text("cache", 7, 12, 0),
    Column::numbers("can", 3, 5, 1),
    Column::numbers("alm", 2, 4, 2),
    Column::text("eks", 4, 9, 6),
    Column::number("api", 5, 7),
    Column::numbers("age", 3, 4, 3),
];

impl Show for Region {
    fn columns() -> &'static [Column] {
        COLUMNS
    }

    fn cells(&self, fleet: &Fleet, place: &Place) -> Vec<Cell> {
        let rollup = fleet.rollup(&self.label);
        let limits = &fleet.estate.thresholds;
        let demand = &rollup.demand;
        let (warn, bad) = (
            limits.utilisation_warn_percent,
            limits.utilisation_bad_percent,
        );
        vec![
            Cell::text(self.label.as_str()),
            share(rollup.share.as_ref()),
            Cell::reading_if(demand.requests_per_second, rate, no_limit),
            Cell::reading_if(demand.error_percent, percent, |value| {
                Severity::above(value, limits.error_warn_percent, limits.error_bad_percent)
            }),
            Cell::reading_if(demand.p95_ms, milliseconds, |value| {
                Severity::above(value, limits.p95_warn_ms, limits.p95_bad_ms)
            }),
            Cell::reading_if(demand.p99_ms, milliseconds, no_limit),
            Cell::reading_if(rollup.utilisation_percent, whole_percent, |value| {
                Severity::above(value, warn, bad)
            }),
            stores(&rollup.databases),
            stores(&rollup.caches),
            canary(fleet, place, &rollup),
            alarms(fleet, place, &rollup),
            versions(fleet, place, &rollup),
            reach(&rollup),
            oldest(fleet, &rollup),
        ]
    }

    fn detail(&self, fleet: &Fleet, place: &Place) -> Vec<Field> {
        super::detail::fields(self, fleet, place)
    }

    fn derived(&self, fleet: &Fleet, _place: &Place) -> serde_json::Value {
        serde_json::to_value(fleet.rollup(&self.label).as_ref()).unwrap_or_default()
    }

    fn asked(&self, fleet: &Fleet, _place: &Place) -> bool {
        let rollup = fleet.rollup(&self.label);
        rollup.reach.asked > 0 || rollup.freshness != Freshness::Never
    }

    /// Of everything that the roll-up is made of, not of the identity alone.
    fn freshness(&self, fleet: &Fleet, _place: &Place) -> Option<Freshness> {
        Some(fleet.rollup(&self.label).freshness)
    }
}

/// A traffic share; `-` where nothing steers.
pub fn share(share: Option<&Share>) -> Cell {
    let Some(share) = share else {
        return Cell::none();
    };
    let cell = match share.fraction {
        Some(fraction) => Cell::number(fraction, share.text.as_str()),
        None if share.text == "?" => Cell::unknown(),
        // Known, but not as a number: who asks decides.
        None => Cell::text(share.text.as_str()),
    };
    // Fail-open is traffic nobody meant to send there.
    let severity = match share.fail_open {
        Some(true) => Severity::Bad,
        Some(false) | None => cell.severity,
    };
    cell.severity(severity).seen(share.freshness)
}

/// Role and lag of the stores of a kind: `W`, `R 110ms`.
pub fn stores(stores: &Stores) -> Cell {
    let word = stores.role.word();
    match (stores.role, stores.lag_ms) {
        (StoreRole::None, _) => Cell::none(),
        (StoreRole::Unknown, _) => Cell::unknown().seen(stores.freshness),
        (_, None) => Cell::text(word)
            .severity(stores.severity)
            .seen(stores.freshness),
        (_, Some(lag)) => {
            let known = lag.usable();
            let text = known.map_or_else(|| "?".to_owned(), milliseconds);
            let severity = match known {
                Some(_) => stores.lag_severity.max(stores.severity),
                None => stores.severity.max(Severity::Unknown),
            };
            // A lag that is not known leaves the role standing.
            let freshness = match known {
                Some(_) => stores.freshness.max(lag.freshness()),
                None => stores.freshness,
            };
            Cell {
                text: format!("{word} {text}"),
                severity,
                freshness: Some(freshness),
                sort: Some(known.unwrap_or(f64::NEG_INFINITY)),
            }
        }
    }
}

/// Whether AWS is asked about a region: elsewhere only its clusters tell.
fn in_aws(fleet: &Fleet, place: &Place) -> bool {
    let spec = place.region().and_then(|label| fleet.estate.region(label));
    spec.is_some_and(|spec| spec.aws_region.is_some())
}

/// How old what a source said of a place looks.
fn seen(fleet: &Fleet, source: Source, place: &Place) -> Freshness {
    fleet.freshness(source, place).max(fleet.at_best(place))
}

fn canary(fleet: &Fleet, place: &Place, rollup: &Rollup) -> Cell {
    let sources = if in_aws(fleet, place) {
        [Source::LoadBalancers, Source::Aliases]
    } else {
        [Source::Routes, Source::Rollouts]
    };
    let freshness = sources
        .iter()
        .map(|source| seen(fleet, *source, place))
        .filter(|freshness| *freshness != Freshness::Never)
        .max()
        .unwrap_or(Freshness::Never);
    // The one that can hurt most users; the detail tells which.
    let largest = rollup
        .canaries
        .iter()
        .map(|canary| canary.percent)
        .max_by(f64::total_cmp);
    let rollouts = &rollup.deployments;
    let released = seen(fleet, Source::Deployments, place);
    match largest {
        // Two letters, for the column is as wide as a share; the reasons name the deployments.
        _ if !rollouts.stuck.is_empty() => Cell::number(1_000.0, "ro")
            .severity(Severity::Bad)
            .seen(released),
        Some(share) if share >= 1.0 => Cell::number(share, whole_percent(share)).seen(freshness),
        Some(share) => Cell::number(share, percent(share)).seen(freshness),
        // No share of the traffic says that it moves: a roll-out replaces pods one by one.
        None if rollouts.moving > 0 => Cell::number(0.5, "ro").seen(released),
        None if rollouts.total == 0 && freshness == Freshness::Never && rollup.reach.asked > 0 => {
            Cell::unknown().seen(freshness)
        }
        None => Cell::none(),
    }
}

fn alarms(fleet: &Fleet, place: &Place, rollup: &Rollup) -> Cell {
    let alarms = &rollup.alarms;
    let sources = SOURCES_OF_ALARMS.into_iter();
    let asked = sources.filter(|source| fleet.alarms.slice(*source, place).is_some());
    let freshness = asked.map(|source| seen(fleet, source, place)).max();
    let Some(freshness) = freshness else {
        return Cell::none();
    };
    if !alarms.known {
        return Cell::unknown().seen(freshness);
    }
    let ringing = alarms.metric.len()
        + alarms.composite.len()
        + alarms.grave_alerts.len()
        + alarms.alerts.len();
    let severity = if !alarms.composite.is_empty() || !alarms.grave_alerts.is_empty() {
        Severity::Bad
    } else if ringing > 0 {
        Severity::Warn
    } else if alarms.insufficient > 0 {
        Severity::Unknown
    } else {
        Severity::Ok
    };
    Cell::number(ringing as f64, ringing.to_string())
        .severity(severity)
        .seen(freshness)
}

/// The Kubernetes versions: one, or oldest and newest.
fn versions(fleet: &Fleet, place: &Place, rollup: &Rollup) -> Cell {
    let listed = if in_aws(fleet, place) {
        Source::Clusters
    } else {
        Source::ApiServers
    };
    let freshness = seen(fleet, listed, place);
    let mut versions: Vec<&str> = rollup
        .clusters
        .iter()
        .filter_map(|cluster| cluster.version.as_deref())
        .collect();
    versions.sort_by_key(|version| {
        let parts = version.trim_start_matches('v').split('.');
        parts
            .map(|part| part.parse().unwrap_or(0))
            .collect::<Vec<u32>>()
    });
    let silent = rollup
        .clusters
        .iter()
        .any(|cluster| cluster.answers == Some(false));
    let severity = if silent { Severity::Bad } else { Severity::Ok };
    let cell = match versions.as_slice() {
        [] if freshness == Freshness::Never && rollup.clusters.is_empty() => return Cell::none(),
        [] => return Cell::none().seen(freshness),
        [first, .., last] if first != last => Cell::text(format!("{first}-{last}")),
        [first, ..] => Cell::text(*first),
    };
    cell.severity(severity).seen(freshness)
}

/// How many of the sources asked have answered.
pub fn reach(rollup: &Rollup) -> Cell {
    let reach = &rollup.reach;
    if reach.asked == 0 {
        return Cell::unknown().seen(Freshness::Never);
    }
    let severity = match reach.answering {
        0 => Severity::Bad,
        answering if answering < reach.asked => Severity::Unknown,
        _ => Severity::Ok,
    };
    let text = format!("{}/{}", reach.answering, reach.asked);
    Cell::number(reach.answering as f64, text).severity(severity)
}

/// Age of the oldest thing that counts. It never turns into `?` itself: it is how one sees how old the rest is.
pub fn oldest(fleet: &Fleet, rollup: &Rollup) -> Cell {
    let severity = match rollup.freshness {
        Freshness::Fresh => Severity::Ok,
        Freshness::Stale | Freshness::Expired | Freshness::Never => Severity::Unknown,
    };
    match rollup.reach.oldest_answer {
        None => Cell::unknown().seen(Freshness::Never),
        at => Cell::since(at, fleet.now)
            .severity(severity)
            .seen(Freshness::Fresh),
    }
}
