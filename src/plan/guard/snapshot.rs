//! Guards about what we know and who we are: the age of what the plan builds on, the life of the credentials, the clock. Owns that an age limit is never tighter than the poll makes possible.

use std::{collections::BTreeMap, time::Duration};

use super::{Guard, GuardId, finding::Findings, outlook::Outlook, receivers};
use crate::resources::{
    Api, ErrorClass, Fleet, Freshness, Limits, Place, RegionLabel, Source, age,
    cell::coarse_age,
    change::Alter,
    metrics::Reading,
    regions::{Identity, demand::Teller},
};

/// What to do where a Prometheus answers and tells of no users.
pub(super) const AT_THE_DOOR: &str =
    "see whether its Prometheus knows who is at its door ([prometheus.users])";

/// Older than this, what is changed and what tells health warns.
const WARN: Duration = Duration::from_secs(30);
/// Older than this, it blocks.
const BLOCK: Duration = Duration::from_secs(90);
/// Older than this, counted from the end of its period, a metric warns.
const METRIC_WARN: Duration = Duration::from_secs(180);
/// Older than this, it blocks.
const METRIC_BLOCK: Duration = Duration::from_secs(300);
/// A point arrives two minutes late and waits one more to settle, before it can be read at all.
const METRIC_DELAY: Duration = Duration::from_secs(180);

/// Ages at which what a source says warns and blocks: those of domain C, unless its interval makes them impossible to keep. What a step changes is read again right before it anyway.
fn limits(interval: Duration) -> (Duration, Duration) {
    (WARN.max(interval + Limits::GRACE), BLOCK.max(interval * 3))
}

fn metric_limits(interval: Duration) -> (Duration, Duration) {
    (
        METRIC_WARN.max(METRIC_DELAY + interval),
        METRIC_BLOCK.max(METRIC_DELAY + interval * 2),
    )
}

/// The slices that the remaining changes and their guards read. A group is known when any of its places is: the five endpoints tell the same.
fn groups(outlook: &Outlook<'_>) -> BTreeMap<(Source, String), Vec<Place>> {
    let mut groups: BTreeMap<(Source, String), Vec<Place>> = BTreeMap::new();
    let mut add = |source: Source, place: Place| {
        let name = match &place {
            Place::Endpoint(_) => "any endpoint".to_owned(),
            Place::Region(_) | Place::Global => place.to_string(),
        };
        let places = groups.entry((source, name)).or_default();
        if !places.contains(&place) {
            places.push(place);
        }
    };
    for change in outlook.changes() {
        for (source, place) in change.reads(&outlook.fleet.estate) {
            add(source, place);
        }
    }
    for label in &outlook.receiving {
        let place = Place::Region(label.clone());
        for source in [Source::LoadBalancers, Source::Alarms, Source::Rds] {
            if outlook.fleet.estate.places(source).contains(&place) {
                add(source, place.clone());
            }
        }
    }
    groups
}

/// G-STALE.
pub fn stale(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let fleet = outlook.fleet;
    let mut oldest: Option<(Duration, String)> = None;
    for ((source, at), places) in groups(outlook) {
        let seen = places
            .iter()
            .filter_map(|place| fleet.status(source, place).observed_at)
            .max();
        let name = format!("{} {at}", source.name());
        let Some(seen) = seen else {
            found.unknown(
                format!("{name} was never read"),
                "wait for its first answer",
            );
            continue;
        };
        let old = age(seen, fleet.now);
        weigh(
            &name,
            old,
            limits(fleet.estate.interval(source)),
            &mut found,
        );
        if oldest.as_ref().is_none_or(|(oldest, _)| old > *oldest) {
            oldest = Some((old, name));
        }
    }
    for label in &outlook.receiving {
        metrics(outlook, label, &mut found);
    }
    if found.worst().is_none()
        && let Some((old, name)) = oldest
    {
        found.pass(format!("the oldest is {name}, {}", coarse_age(old)));
    }
    found.guard(GuardId::Stale, "it builds on nothing that ages")
}

fn weigh(name: &str, old: Duration, (warn, block): (Duration, Duration), found: &mut Findings) {
    let text = |limit| format!("{name} {} > {}", seconds(old), seconds(limit));
    if old > block {
        found.fail(text(block), "wait for a fresh reading");
    } else if old > warn {
        found.warn(text(warn), "");
    }
}

fn seconds(age: Duration) -> String {
    format!("{} s", age.as_secs())
}

/// Requests of a receiver: what the forecast and the gates are made of.
fn metrics(outlook: &Outlook<'_>, label: &RegionLabel, found: &mut Findings) {
    let fleet = outlook.fleet;
    let rollup = fleet.rollup(label);
    let Some(reading) = rollup.demand.requests_per_second else {
        return; // nobody could tell
    };
    let teller = Teller::of(fleet, label);
    let name = format!("metrics {label}");
    let idle = receivers::idle(outlook, label);
    match reading {
        // A region without traffic publishes nothing: its last number is of the time before it was emptied.
        Reading::Value { .. } | Reading::NoData if idle => {}
        Reading::Value { at, .. } => {
            let limits = match teller {
                // Its points are there when they are measured, as what any other source says.
                Teller::Prometheus => limits(fleet.estate.interval(Source::Prometheus)),
                Teller::Nobody | Teller::Unread | Teller::Balancers(_) => {
                    metric_limits(fleet.estate.interval(Source::Metrics))
                }
            };
            let end = at + teller.period(fleet, label);
            weigh(&name, age(end, fleet.now), limits, found);
        }
        Reading::NoData => found.unknown(
            format!("{name}: no data"),
            match teller {
                Teller::Prometheus => AT_THE_DOOR,
                Teller::Nobody | Teller::Unread | Teller::Balancers(_) => "find out why",
            },
        ),
        Reading::NeverRead | Reading::Failed => {
            found.unknown(format!("{name} were not read"), "wait for a first answer");
        }
        Reading::Forbidden => found.unknown(
            format!("{name}: no permission"),
            match teller {
                Teller::Prometheus => "ask who runs its Prometheus to let us query it",
                Teller::Unread => "allow elasticloadbalancing:DescribeLoadBalancers",
                Teller::Nobody | Teller::Balancers(_) => "allow cloudwatch:GetMetricData",
            },
        ),
    }
}

/// The identity with which calls to a place are signed: that of the region itself, or of one with the same access.
fn identity<'a>(fleet: &'a Fleet, place: &Place) -> Option<(&'a RegionLabel, &'a Identity)> {
    let estate = &fleet.estate;
    let of = |label: &'a RegionLabel| {
        let at = Place::Region(label.clone());
        let slice = fleet.regions.slice(Source::Identity, &at)?;
        slice.observed_at?;
        let identity = slice.rows.first()?.identity.as_ref()?;
        Some((label, identity))
    };
    let access = match place {
        Place::Region(label) => &estate.region(label)?.access,
        Place::Global | Place::Endpoint(_) => &estate.access,
    };
    let own = estate
        .regions
        .iter()
        .filter(|region| place.region() == Some(&region.label));
    let same = estate
        .regions
        .iter()
        .filter(|region| region.access == *access);
    own.chain(same).find_map(|region| of(&region.label))
}

fn places(outlook: &Outlook<'_>) -> Vec<Place> {
    let mut places: Vec<Place> = outlook.changes().map(Alter::place).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// G-CRED.
pub fn credentials(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    let now = outlook.fleet.now;
    let expected: u64 = outlook.ahead.iter().map(|step| step.expected_seconds).sum();
    let needed = expected.saturating_mul(3) / 2 + 300;
    for place in places(outlook) {
        if let Some(text) = let_in(outlook, &place) {
            found.pass(text);
            continue;
        }
        let refused = outlook.fleet.status(Source::Identity, &place).error;
        if refused.is_some_and(|error| error.class == ErrorClass::Identity) {
            found.fail(
                format!("those for {place} are refused"),
                "log in again before you start",
            );
            continue;
        }
        let Some((_, identity)) = identity(outlook.fleet, &place) else {
            found.unknown(
                format!("who we are for {place} is not known"),
                "wait for STS, or log in again",
            );
            continue;
        };
        let Some(end) = identity.credentials_expire_at else {
            found.pass(format!("those for {place} do not expire"));
            continue;
        };
        let left = u64::try_from(end.as_second() - now.as_second()).unwrap_or_default();
        let text = |sign| {
            format!(
                "those for {place}: {} left {sign} {}",
                minutes(left),
                minutes(needed)
            )
        };
        if left < needed && left > expected && outlook.easing() {
            found.warn(text("<"), "a way back that still fits goes on all the same");
        } else if left < needed {
            found.fail(text("<"), "log in again before you start");
        } else {
            found.pass(text("≥"));
        }
    }
    found.guard(GuardId::Credentials, "nothing is sent")
}

/// What lets us into the clusters of a place, where nothing else is changed there and AWS has no part in it: a kubeconfig renews its tokens by itself.
fn let_in(outlook: &Outlook<'_>, place: &Place) -> Option<String> {
    let fleet = outlook.fleet;
    let spec = fleet.estate.region(place.region()?)?;
    let mut changes = outlook.changes().filter(|change| change.place() == *place);
    let clusters_only = changes.all(|change| change.api() == Api::Kubernetes);
    let status = fleet.status(Source::Identity, place);
    let no_account = identity(fleet, place).is_none() && status.observed_at.is_none();
    let heard = fleet.freshness(Source::Deployments, place) < Freshness::Expired;
    let by_kubeconfig = clusters_only && no_account && heard && !spec.kube_contexts.is_empty();
    by_kubeconfig.then(|| {
        format!(
            "the kubeconfig lets us into {}",
            spec.kube_contexts.join(", ")
        )
    })
}

fn minutes(seconds: u64) -> String {
    format!("{} min", seconds / 60)
}

/// Seconds of clock skew: warn above.
const SKEW_WARN: u64 = 5;
/// Seconds of clock skew: fail above, because signatures are soon refused.
const SKEW_FAIL: u64 = 60;

/// G-CLOCK.
pub fn clock(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    // Our clock is one: any answer tells it.
    let skews = outlook.fleet.estate.regions.iter().filter_map(|region| {
        let (_, identity) = identity(outlook.fleet, &Place::Region(region.label.clone()))?;
        identity.clock_skew_seconds
    });
    let signed = !outlook.fleet.estate.places(Source::Identity).is_empty();
    match skews.max_by_key(|skew| skew.unsigned_abs()) {
        None if !signed => found.pass("nothing is signed with the time of our clock"),
        None => found.warn("how right our clock is, is not known", "wait for STS"),
        Some(skew) => {
            let text = |limit| format!("our clock is off by {skew} s > {limit} s");
            let remedy = "set the clock of this host (NTP)";
            match skew.unsigned_abs() {
                size if size > SKEW_FAIL => found.fail(text(SKEW_FAIL), remedy),
                size if size > SKEW_WARN => found.warn(text(SKEW_WARN), remedy),
                _ => found.pass(format!("off by {skew} s")),
            }
        }
    }
    found.guard(GuardId::Clock, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_never_tighter_than_its_poll_allows() {
        for &source in Source::ALL {
            let interval = source.default_interval();
            let (warn, block) = limits(interval);
            assert!(warn > interval && block >= interval * 3 && block >= BLOCK);
        }
        let seconds = |interval| {
            let (warn, block) = limits(Duration::from_secs(interval));
            (warn.as_secs(), block.as_secs())
        };
        assert_eq!(seconds(15), (30, 90));
        assert_eq!(seconds(30), (40, 90));
        assert_eq!(seconds(300), (310, 900));
        let (warn, block) = metric_limits(Duration::from_secs(60));
        assert_eq!((warn.as_secs(), block.as_secs()), (240, 300));
    }
}
