//! G-SAMPLE: a canary is raised only when enough of its requests were seen. Owns how many are enough (domain B.3); a canary that begins has none, and one that is taken back needs none.

use jiff::Timestamp;

use super::{
    Guard, GuardId, back,
    finding::Findings,
    outlook::Outlook,
    soak::{self, Forward},
};
use crate::{
    plan::canaries::{self, Canary},
    resources::{
        Change, Fleet, Place, Source, releases,
        sequence::Rules,
        traffic::{self, Mechanism, rollouts::Verb},
    },
};

/// G-SAMPLE.
pub fn sample(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    for change in outlook.traffic() {
        let whole = Change::Traffic(change.clone());
        if back::lowers_canary(&whole) {
            continue;
        }
        for canary in canaries::of(outlook.fleet, &whole) {
            measured(outlook, change, &canary, &mut found);
        }
    }
    releases(outlook, &mut found);
    found.guard(
        GuardId::Sample,
        "no canary is raised whose requests are counted",
    )
}

/// Whether so many requests are enough.
fn weigh(
    rules: &Rules,
    what: &str,
    (seen, failed): (f64, f64),
    minutes: usize,
    found: &mut Findings,
) {
    let (requests, errors) = (rules.min_requests, rules.min_errors);
    if seen >= requests || failed >= errors {
        found.pass(format!(
            "{what}: {seen:.0} requests, {failed:.0} errors in {minutes} min"
        ));
    } else {
        found.fail(
            format!(
                "{what}: {seen:.0} requests < {requests:.0} and {failed:.0} errors < {errors:.0} in {minutes} min"
            ),
            "wait until more users have seen it",
        );
    }
}

/// What gets more users, by its own series.
fn measured(
    outlook: &Outlook<'_>,
    change: &traffic::Change,
    canary: &Canary,
    found: &mut Findings,
) {
    let fleet = outlook.fleet;
    if begins(fleet, change) {
        found.pass(format!("{} begins", canary.what));
        return;
    }
    // Nobody counts its requests.
    if !canary.measured(fleet) {
        return;
    }
    match canary.minutes(fleet, Timestamp::MIN) {
        Err(why) => found.unknown(
            format!("{} in {}: {why}", canary.what, canary.place),
            "wait for its metrics",
        ),
        Ok(versions) => {
            let (mut seen, mut failed, mut minutes) = (0.0, 0.0, 0);
            for version in &versions {
                seen += version.requests;
                failed += version.failed;
                minutes = minutes.max(version.minutes);
            }
            let rules = canary.rules(fleet);
            weigh(&rules, &canary.what, (seen, failed), minutes, found);
        }
    }
}

/// A release goes on only when enough of its requests were seen in the region before.
fn releases(outlook: &Outlook<'_>, found: &mut Findings) {
    for Forward {
        at,
        service,
        release,
    } in soak::forward(outlook, found)
    {
        let Some(before) = release.before(&at.region).and_then(<[_]>::last) else {
            continue;
        };
        let region = &before.region;
        let Some(evidence) = &before.evidence else {
            found.unknown(
                format!("no request of {} in {region} is measured", release.version),
                "wait for the metrics of that region",
            );
            continue;
        };
        match releases::few(&service.rules, (evidence.requests, evidence.errors)) {
            Some(why) => found.fail(
                format!("{region}: {why}"),
                "wait until more users have seen it",
            ),
            None => found.pass(format!("{region}: {}", evidence.words())),
        }
    }
}

/// Whether a canary has no share yet, so that nothing could be seen of it.
fn begins(fleet: &Fleet, change: &traffic::Change) -> bool {
    match change {
        traffic::Change::Route { backends, .. } => {
            let mut raised = backends.iter().filter(|edit| edit.to > edit.from);
            raised.all(|edit| edit.from == 0)
        }
        // No user has seen a version that it does not have.
        traffic::Change::Steer(steering) if matches!(steering.verb, Verb::Image(_)) => true,
        traffic::Change::Steer(steering) => {
            let place = Place::Region(steering.region.clone());
            let slice = fleet.traffic.slice(Source::Rollouts, &place);
            let mut rows = slice.into_iter().flat_map(|slice| &slice.rows);
            rows.any(|row| match &row.by {
                Mechanism::Rollout(version) => {
                    version.new
                        && version.rollout.name == steering.rollout
                        && version.weight() <= 0.0
                }
                Mechanism::Record(_)
                | Mechanism::Distribution(_)
                | Mechanism::Dial(_)
                | Mechanism::Forward(_)
                | Mechanism::Alias(_)
                | Mechanism::Control(_)
                | Mechanism::Route(_) => false,
            })
        }
        traffic::Change::Forward { groups, .. } => {
            let mut raised = groups.iter().filter(|edit| edit.to > edit.from);
            raised.all(|edit| edit.from == 0)
        }
        traffic::Change::Alias { from, .. } | traffic::Change::Staging { from, .. } => *from <= 0.0,
        traffic::Change::Weights { .. }
        | traffic::Change::Dial { .. }
        | traffic::Change::Controls { .. }
        | traffic::Change::Invalidate { .. } => false,
    }
}
