//! Everything that is known of a region, line by line: who we are there, what its users get, its stores, canaries, alarms, clusters, and each source with its age. Owns texts only.

use super::{
    Region,
    capacity::Capacity,
    demand::{self, Teller},
    rollup::Rollup,
    view,
};
use crate::resources::{
    Fleet, Freshness, Place, Resource, Severity, Source,
    cell::{Cell, Field, coarse_age, milliseconds, no_limit, percent, rate},
    metrics::{Reading, users::UserSignal},
    regions::stores::{cache_role, database_role},
    traffic::{arn_tail, load_balancer_key},
};

/// The fields, in groups.
pub fn fields(region: &Region, fleet: &Fleet, place: &Place) -> Vec<Field> {
    let rollup = fleet.rollup(&region.label);
    let mut fields = reasons(&rollup);
    fields.extend(identity(region, fleet));
    fields.extend(of_users(&rollup, fleet, place));
    fields.extend(stores(fleet, place, &rollup));
    fields.extend(compute(&rollup));
    fields.extend(alarms(&rollup));
    fields.extend(sources(fleet, place, &rollup));
    fields
}

fn reasons(rollup: &Rollup) -> Vec<Field> {
    let line = |(index, reason): (usize, &crate::resources::Judgement)| {
        let name = if index == 0 { "why" } else { "" };
        let cell = Cell::text(&reason.reason).severity(reason.severity);
        Field::new(name, cell.seen(Freshness::Fresh))
    };
    rollup.reasons.iter().enumerate().map(line).collect()
}

fn identity(region: &Region, fleet: &Fleet) -> Vec<Field> {
    let spec = fleet.estate.region(&region.label);
    let identity = region.identity.as_ref();
    let skew = identity.and_then(|identity| identity.clock_skew_seconds);
    let expiry = identity.and_then(|identity| identity.credentials_expire_at);
    let left = expiry.map(|end| {
        let left = crate::resources::age(fleet.now, end);
        format!("{end} (in {})", coarse_age(left))
    });
    let mut fields = vec![
        Field::text("label", Some(region.label.as_str())),
        Field::text(
            "AWS Region",
            spec.and_then(|spec| spec.aws_region.as_deref()),
        ),
        Field::text(
            "role",
            spec.map(|spec| format!("{:?}", spec.role).to_lowercase()),
        ),
        Field::new(
            "account",
            identity.map_or_else(Cell::unknown, |identity| Cell::text(&identity.account)),
        ),
        Field::new(
            "caller",
            identity.map_or_else(Cell::unknown, |identity| Cell::text(&identity.arn)),
        ),
        Field::text("clock skew", skew.map(|skew| format!("{skew}s"))),
        Field::text("credentials end", left),
    ];
    if let Some(spec) = spec {
        fields.push(Field::text("profile", spec.access.profile.as_deref()));
        fields.push(Field::text("assumed role", spec.access.role_arn.as_deref()));
        let contexts = spec.kube_contexts.join(", ");
        let contexts = (!contexts.is_empty()).then_some(contexts);
        fields.push(Field::text("kube contexts", contexts));
    }
    fields
}

pub(super) fn of_users(rollup: &Rollup, fleet: &Fleet, place: &Place) -> Vec<Field> {
    let demand = &rollup.demand;
    let capacity = Capacity::of(fleet, &rollup.label);
    let teller = Teller::of(fleet, &rollup.label);
    // Of load balancers each has its own history below.
    let told = |title: &str, signal: UserSignal, cell: Cell| match teller {
        Teller::Prometheus => Field::new(title, cell).with_series(signal.key()),
        Teller::Nobody | Teller::Unread | Teller::Balancers(_) => Field::new(title, cell),
    };
    let mut fields = vec![
        Field::new("traffic share", view::share(rollup.share.as_ref())),
        Field::text(
            "share note",
            rollup
                .share
                .as_ref()
                .and_then(|share| share.note.as_deref()),
        ),
        Field::new(
            "drained since",
            Cell::since(
                fleet.drained(&rollup.label).map(|drained| drained.since),
                fleet.now,
            ),
        ),
        Field::text("measured by", Some(teller.words(fleet, &rollup.label))),
        told(
            "requests/s",
            UserSignal::Requests,
            Cell::reading_if(demand.requests_per_second, rate, no_limit),
        ),
        Field::new("capacity/s", Cell::maybe(capacity.rps.map(rate))),
        Field::new(
            "utilisation",
            Cell::reading_if(rollup.utilisation_percent, percent, no_limit),
        ),
        told(
            "error rate",
            UserSignal::Errors,
            Cell::reading_if(demand.error_percent, percent, no_limit),
        ),
        told(
            "p95",
            UserSignal::P95,
            Cell::reading_if(demand.p95_ms, milliseconds, no_limit),
        ),
        told(
            "p99",
            UserSignal::P99,
            Cell::reading_if(demand.p99_ms, milliseconds, no_limit),
        ),
    ];
    for arn in demand::load_balancers(fleet, &rollup.label) {
        let name = arn_tail(arn, "loadbalancer/");
        let one = |title: &str, what: &str, text: &dyn Fn(f64) -> String| {
            let key = load_balancer_key(arn, what);
            let cell = Cell::reading(fleet.reading(place, &key), text, no_limit);
            Field::new(format!("{name} {title}"), cell).with_series(key)
        };
        let requests = fleet.reading(place, &load_balancer_key(arn, "requests"));
        // Errors are only published when there are some: beside requests, no point is none.
        let errors = |title: &str, what: &str| {
            let mut field = one(title, what, &rate);
            let reading = fleet.reading(place, &load_balancer_key(arn, what));
            if reading == Reading::NoData && requests.usable().is_some() {
                field.cell = Cell::number(0.0, "none");
            }
            field
        };
        fields.push(one("requests/s", "requests", &|sum| rate(sum / 60.0)));
        fields.push(errors("target 5xx/min", "target-5xx"));
        fields.push(errors("refused 5xx/min", "elb-5xx"));
        fields.push(one("p95", "p95", &|s| milliseconds(s * 1_000.0)));
        fields.push(one("p99", "p99", &|s| milliseconds(s * 1_000.0)));
    }
    fields
}

fn stores(fleet: &Fleet, place: &Place, rollup: &Rollup) -> Vec<Field> {
    let mut fields = vec![
        Field::new("databases", view::stores(&rollup.databases)),
        Field::new("caches", view::stores(&rollup.caches)),
    ];
    let line = |role: &str, lag: Reading, severity: Severity, freshness: Freshness| {
        let lag = lag.usable().map(milliseconds);
        let text = lag.map_or_else(|| role.to_owned(), |lag| format!("{role} {lag}"));
        Cell::text(text).severity(severity).seen(freshness)
    };
    for source in [Source::Rds, Source::Tables] {
        let slice = fleet.databases.slice(source, place);
        for row in slice.into_iter().flat_map(|slice| &slice.rows) {
            let severity = row.judge(fleet, place).severity;
            let lag = row.lag_ms(fleet, place);
            let role = database_role(row).word();
            let cell = line(role, lag, severity, fleet.freshness(source, place));
            fields.push(Field::new(row.key(), cell));
        }
    }
    for source in [Source::ElastiCache, Source::MemoryDb] {
        let slice = fleet.caches.slice(source, place);
        for row in slice.into_iter().flat_map(|slice| &slice.rows) {
            let severity = row.judge(fleet, place).severity;
            let lag = row.lag_ms(fleet, place);
            let role = cache_role(row).word();
            let cell = line(role, lag, severity, fleet.freshness(source, place));
            fields.push(Field::new(row.key(), cell));
        }
    }
    fields
}

fn compute(rollup: &Rollup) -> Vec<Field> {
    let mut fields = Vec::new();
    for canary in &rollup.canaries {
        let text = format!("{} at {}", canary.member, percent(canary.percent));
        fields.push(Field::new(
            format!("canary {}", canary.split),
            Cell::text(text),
        ));
    }
    for cluster in &rollup.clusters {
        let status = cluster.status.as_deref().unwrap_or("not in EKS");
        let version = cluster.version.as_deref().unwrap_or("version ?");
        let (answers, severity) = match cluster.answers {
            Some(true) => ("API server answers", Severity::Ok),
            Some(false) => ("API server does not answer", Severity::Bad),
            None => ("API server not tried", Severity::Unknown),
        };
        fields.push(Field::new(
            format!("cluster {}", cluster.name),
            Cell::text(format!("{status}, {version}, {answers}")).severity(severity),
        ));
    }
    fields
}

fn alarms(rollup: &Rollup) -> Vec<Field> {
    let alarms = &rollup.alarms;
    let checks = &rollup.health_checks;
    let counted = |count: usize, severity| {
        let severity = if count > 0 { severity } else { Severity::Ok };
        Cell::number(count as f64, count.to_string()).severity(severity)
    };
    let of = |known: bool, cell: Cell| if known { cell } else { Cell::unknown() };
    let mut fields = vec![
        Field::new(
            "alarms",
            of(
                alarms.known,
                Cell::number(alarms.total as f64, alarms.total.to_string()),
            ),
        ),
        Field::new(
            "without enough data",
            of(
                alarms.known,
                counted(alarms.insufficient, Severity::Unknown),
            ),
        ),
    ];
    let named = |names: &[String], title: &str, severity: Severity| -> Vec<Field> {
        let line = |name: &String| Field::new(title, Cell::text(name).severity(severity));
        names.iter().map(line).collect()
    };
    fields.extend(named(
        &alarms.composite,
        "composite alarm in ALARM",
        Severity::Bad,
    ));
    fields.extend(named(&alarms.metric, "alarm in ALARM", Severity::Warn));
    fields.extend(named(&alarms.grave_alerts, "critical alert", Severity::Bad));
    fields.extend(named(&alarms.alerts, "alert", Severity::Warn));
    fields.push(Field::new(
        "health checks",
        counted(checks.total, Severity::Ok),
    ));
    fields.extend(named(&checks.failing, "health check fails", Severity::Bad));
    fields.extend(named(
        &checks.unknown,
        "health check not known",
        Severity::Unknown,
    ));
    fields
}

fn sources(fleet: &Fleet, place: &Place, rollup: &Rollup) -> Vec<Field> {
    let mut fields = vec![
        Field::new("sources answering", view::reach(rollup)),
        Field::new("oldest answer", view::oldest(fleet, rollup)),
    ];
    for &source in Source::ALL {
        let status = fleet.status(source, place);
        if status.observed_at.is_none() && status.error.is_none() {
            continue;
        }
        let seen = status.observed_at.map_or_else(
            || "never answered".to_owned(),
            |at| coarse_age(crate::resources::age(at, fleet.now)),
        );
        let took = status
            .took
            .map(|took| format!(", took {}ms", took.as_millis()));
        let error = status
            .error
            .or_else(|| status.problems.first())
            .map(|error| format!("; {error}"));
        let severity = match (status.error, status.problems) {
            (None, []) => Severity::Ok,
            _ => Severity::Unknown,
        };
        let text = format!(
            "{seen}{}{}",
            took.unwrap_or_default(),
            error.unwrap_or_default()
        );
        fields.push(Field::new(
            format!("source {}", source.name()),
            Cell::text(text).severity(severity),
        ));
    }
    fields
}
