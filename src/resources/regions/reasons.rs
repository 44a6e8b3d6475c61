//! Why a region is in its state. Owns the rules that turn a roll-up into reasons, and their order: what users feel first, then what they will feel next, then what we do not know.

use super::{
    reach::Silent,
    rollup::Rollup,
    stores::{Judged, StoreRole},
};
use crate::resources::{
    ErrorClass, Fleet, Freshness, Judgement, Place, Resource, Scope, Severity, Source, age,
    cell::{coarse_age, milliseconds, percent},
    metrics::Reading,
    traffic::Mechanism,
};

/// Seconds of clock skew: warn above (G-CLOCK).
const SKEW_WARN_SECONDS: u64 = 5;
/// Seconds of clock skew: bad above, because signatures are soon refused (G-CLOCK).
const SKEW_BAD_SECONDS: u64 = 60;
/// Seconds of credential life: warn below.
const CREDENTIALS_WARN_SECONDS: i64 = 15 * 60;
/// Seconds of credential life: bad below.
const CREDENTIALS_BAD_SECONDS: i64 = 5 * 60;

/// All reasons, the worst first, and within a severity in the order in which they count; and how many of them are broken things of the region's own.
pub fn of(
    fleet: &Fleet,
    place: &Place,
    rollup: &Rollup,
    judged: &Judged<'_>,
) -> (Vec<Judgement>, usize) {
    let broken = |reasons: &[Judgement]| {
        let bad = |reason: &&Judgement| reason.severity == Severity::Bad;
        reasons.iter().filter(bad).count()
    };
    let mut reasons = Vec::new();
    reach(fleet, place, rollup, &mut reasons);
    checks(rollup, &mut reasons);
    let own = broken(&reasons);
    demand(fleet, rollup, &mut reasons);
    let felt = broken(&reasons) - own;
    targets(fleet, place, &mut reasons);
    judged_stores(judged, &mut reasons);
    clusters(fleet, place, rollup.cut_off, &mut reasons);
    releases(rollup, &mut reasons);
    let causes = broken(&reasons) - felt;
    stores(rollup, &mut reasons);
    alarms(rollup, &mut reasons);
    identity(fleet, rollup, &mut reasons);
    silence(fleet, rollup, &mut reasons);
    reasons.retain(|reason| reason.severity > Severity::Ok);
    // Stable: within a severity the order above stays.
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.severity));
    (reasons, causes)
}

/// Whether a Prometheus is all that is asked about a region: nothing else will ever be read of it.
fn only_measured(fleet: &Fleet, place: &Place) -> bool {
    let asked = |source: &&Source| fleet.estate.places(**source).contains(place);
    let mut asked = Source::ALL.iter().filter(asked).peekable();
    asked.peek().is_some() && asked.all(|source| source.scope() == Scope::Measured)
}

fn reach(fleet: &Fleet, place: &Place, rollup: &Rollup, reasons: &mut Vec<Judgement>) {
    let reach = &rollup.reach;
    if reach.asked == 0 {
        let told = !matches!(
            rollup.demand.requests_per_second,
            None | Some(Reading::NeverRead)
        );
        if !(told && only_measured(fleet, place)) {
            reasons.push(Judgement::new(Severity::Unknown, "not read yet"));
        }
        return;
    }
    if !reach.lost(fleet.now) {
        return;
    }
    let classes = || reach.silent.iter().filter_map(|silent| silent.class);
    let since = reach.last_answer.map_or_else(
        || "has answered yet".to_owned(),
        |last| match coarse_age(age(last, fleet.now)).as_str() {
            "now" => "answers".to_owned(),
            age => format!("has answered for {age}"),
        },
    );
    let why = classes().next().map_or("", ErrorClass::word);
    // Our own credentials say nothing about the region.
    let severity = if rollup.cut_off || classes().all(|class| class == ErrorClass::Identity) {
        Severity::Unknown
    } else {
        Severity::Bad
    };
    let whose = if rollup.cut_off {
        "; nor does any other: probably our own network"
    } else {
        ""
    };
    reasons.push(Judgement::new(
        severity,
        format!("no API of this region {since} ({why}){whose}"),
    ));
}

fn checks(rollup: &Rollup, reasons: &mut Vec<Judgement>) {
    let checks = &rollup.health_checks;
    if !checks.failing.is_empty() {
        let (failing, total) = (checks.failing.len(), checks.total);
        reasons.push(Judgement::new(
            Severity::Bad,
            format!("{failing} of {total} health checks fail"),
        ));
    }
    if !checks.unknown.is_empty() {
        let unknown = checks.unknown.len();
        reasons.push(Judgement::new(
            Severity::Unknown,
            format!("state of {unknown} health checks not known"),
        ));
    }
}

fn demand(fleet: &Fleet, rollup: &Rollup, reasons: &mut Vec<Judgement>) {
    let limits = &fleet.estate.thresholds;
    let usable = |reading: Option<Reading>| reading.and_then(Reading::usable);
    if let Some(errors) = usable(rollup.demand.error_percent) {
        let severity = Severity::above(errors, limits.error_warn_percent, limits.error_bad_percent);
        reasons.push(Judgement::new(
            severity,
            format!("errors {}", percent(errors)),
        ));
    }
    if let Some(p95) = usable(rollup.demand.p95_ms) {
        let severity = Severity::above(p95, limits.p95_warn_ms, limits.p95_bad_ms);
        reasons.push(Judgement::new(
            severity,
            format!("p95 {}", milliseconds(p95)),
        ));
    }
    if let Some(load) = usable(rollup.utilisation_percent) {
        let (warn, bad) = (
            limits.utilisation_warn_percent,
            limits.utilisation_bad_percent,
        );
        reasons.push(Judgement::new(
            Severity::above(load, warn, bad),
            format!("{load:.0}% of capacity used"),
        ));
    }
    // A region that gets nothing publishes nothing: only silence where traffic should be is a gap in what we know.
    let drained = rollup.share.as_ref().and_then(|share| share.fraction) == Some(0.0);
    let Some(requests) = rollup.demand.requests_per_second else {
        return;
    };
    let text = match requests {
        Reading::Value {
            freshness: Freshness::Expired,
            ..
        } => "request metrics are too old",
        Reading::Value { .. } => return,
        Reading::NoData if drained => return,
        // That nothing was asked, or that nothing answers, has been said.
        Reading::NeverRead if rollup.reach.asked == 0 => return,
        Reading::NeverRead | Reading::Failed if rollup.reach.lost(fleet.now) => return,
        Reading::NoData => "no traffic or no telemetry",
        Reading::NeverRead => "request metrics not read yet",
        Reading::Failed => "request metrics could not be read in full",
        Reading::Forbidden => "no permission to read request metrics",
    };
    reasons.push(Judgement::new(Severity::Unknown, text));
}

/// Target groups that get traffic; an empty or sick one behind weight 0 hurts nobody.
fn targets(fleet: &Fleet, place: &Place, reasons: &mut Vec<Judgement>) {
    let slice = fleet.traffic.slice(Source::LoadBalancers, place);
    for row in slice.into_iter().flat_map(|slice| &slice.rows) {
        if matches!(&row.by, Mechanism::Forward(forward) if forward.weight > 0) {
            push_new(reasons, row.judge(fleet, place));
        }
    }
}

fn judged_stores(judged: &Judged<'_>, reasons: &mut Vec<Judgement>) {
    let databases = judged.databases.iter();
    let databases = databases.map(|(row, judgement)| (judgement, row.writer() == Some(true)));
    let caches = judged.caches.iter();
    let caches = caches.map(|(row, judgement)| (judgement, row.role() != "secondary"));
    for (judgement, serves) in databases.chain(caches) {
        if judgement.severity > Severity::Ok {
            push_new(reasons, of_store(judgement.clone(), serves));
        }
    }
}

fn clusters(fleet: &Fleet, place: &Place, cut_off: bool, reasons: &mut Vec<Judgement>) {
    for source in [Source::Clusters, Source::ApiServers, Source::Nodes] {
        let slice = fleet.clusters.slice(source, place);
        for row in slice.into_iter().flat_map(|slice| &slice.rows) {
            // Silence says nothing where nothing else is heard either.
            if cut_off && source == Source::ApiServers {
                continue;
            }
            let judgement = row.judge(fleet, place);
            // An API server that cannot be reached from here, and never could, says nothing about the region.
            if judgement.severity != Severity::Unknown {
                push_new(reasons, judgement);
            }
        }
    }
}

/// A roll-out that hangs is mended by itself, and is no reason to leave the region: the old revision serves.
fn releases(rollup: &Rollup, reasons: &mut Vec<Judgement>) {
    let reason = match rollup.deployments.stuck.as_slice() {
        [] => return,
        [one] => format!("{one} does not roll out"),
        [first, rest @ ..] => format!("{first} and {} more do not roll out", rest.len()),
    };
    reasons.push(Judgement::new(Severity::Warn, reason));
}

/// A replica that is broken is a risk for later and often the shadow of another region's trouble: its own region still serves.
pub(super) fn of_store(judgement: Judgement, serves: bool) -> Judgement {
    match judgement.severity {
        Severity::Bad if !serves => Judgement::new(Severity::Warn, judgement.reason),
        _ => judgement,
    }
}

/// One target group behind several rules is one reason.
fn push_new(reasons: &mut Vec<Judgement>, judgement: Judgement) {
    if judgement.severity > Severity::Ok && !reasons.contains(&judgement) {
        reasons.push(judgement);
    }
}

/// What no row can say of itself: the rows judge their own lag and status.
fn stores(rollup: &Rollup, reasons: &mut Vec<Judgement>) {
    let stores = [("database", &rollup.databases), ("cache", &rollup.caches)];
    for (what, stores) in stores {
        // A source that is silent is named once, not again by what it leaves open.
        if stores.role == StoreRole::Unknown && rollup.reach.silent.is_empty() {
            reasons.push(Judgement::new(
                Severity::Unknown,
                format!("{what} role not known"),
            ));
        }
    }
}

fn alarms(rollup: &Rollup, reasons: &mut Vec<Judgement>) {
    let alarms = &rollup.alarms;
    let named = |names: &[String], what: &str| match names {
        [one] => format!("{what} {one} in ALARM"),
        [first, ..] => format!("{} {what}s in ALARM ({first} …)", names.len()),
        [] => String::new(),
    };
    // A composite alarm is somebody's judgement of a whole; one metric alarm is a hint.
    if !alarms.composite.is_empty() {
        reasons.push(Judgement::new(
            Severity::Bad,
            named(&alarms.composite, "composite alarm"),
        ));
    }
    if !alarms.metric.is_empty() {
        reasons.push(Judgement::new(
            Severity::Warn,
            named(&alarms.metric, "alarm"),
        ));
    }
    let firing = |names: &[String], what: &str| match names {
        [one] => format!("{what} {one} fires"),
        [first, ..] => format!("{} {what}s fire ({first} …)", names.len()),
        [] => String::new(),
    };
    let alerts = [
        (&alarms.grave_alerts, "critical alert", Severity::Bad),
        (&alarms.alerts, "alert", Severity::Warn),
    ];
    for (names, what, severity) in alerts {
        if !names.is_empty() {
            reasons.push(Judgement::new(severity, firing(names, what)));
        }
    }
    if alarms.insufficient > 0 {
        let (count, total) = (alarms.insufficient, alarms.total);
        reasons.push(Judgement::new(
            Severity::Unknown,
            format!("{count} of {total} alarms without enough data"),
        ));
    }
}

fn identity(fleet: &Fleet, rollup: &Rollup, reasons: &mut Vec<Judgement>) {
    let Some(identity) = &rollup.identity else {
        return;
    };
    if let Some(skew) = identity.clock_skew_seconds {
        let severity = match skew.unsigned_abs() {
            skew if skew > SKEW_BAD_SECONDS => Severity::Bad,
            skew if skew > SKEW_WARN_SECONDS => Severity::Warn,
            _ => Severity::Ok,
        };
        let text = format!("our clock is off by {skew}s");
        reasons.push(Judgement::new(severity, text));
    }
    if let Some(end) = identity.credentials_expire_at {
        let left = end.as_second() - fleet.now.as_second();
        let severity = if left < CREDENTIALS_BAD_SECONDS {
            Severity::Bad
        } else if left < CREDENTIALS_WARN_SECONDS {
            Severity::Warn
        } else {
            Severity::Ok
        };
        let text = if left <= 0 {
            "credentials have expired".to_owned()
        } else {
            format!("credentials expire in {}", coarse_age(age(fleet.now, end)))
        };
        reasons.push(Judgement::new(severity, text));
    }
}

fn silence(fleet: &Fleet, rollup: &Rollup, reasons: &mut Vec<Judgement>) {
    let reach = &rollup.reach;
    // One missed poll is no news; a source that never answered, or whose answer has aged, is.
    let old: Vec<&Silent> = reach
        .silent
        .iter()
        .filter(|silent| silent.freshness > Freshness::Fresh)
        .collect();
    if !old.is_empty() && !reach.lost(fleet.now) {
        let names: Vec<String> = old
            .iter()
            .map(|silent| match silent.class {
                Some(class) => format!("{} ({})", silent.source.name(), class.word()),
                None => silent.source.name().to_owned(),
            })
            .collect();
        reasons.push(Judgement::new(
            Severity::Unknown,
            format!("no fresh answer from {}", names.join(", ")),
        ));
    }
    if !reach.partial.is_empty() {
        let names: Vec<&str> = reach.partial.iter().map(|source| source.name()).collect();
        reasons.push(Judgement::new(
            Severity::Unknown,
            format!("incomplete answer from {}", names.join(", ")),
        ));
    }
}
