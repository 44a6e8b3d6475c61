//! Every field of each mechanism that splits traffic, for the detail of a row. Owns texts only.

use crate::resources::{
    Fleet, Place, Severity,
    cell::{Cell, Field, milliseconds, rate},
    deployments::Container,
    health_checks,
    traffic::{
        AliasVersion, ContinuousDeployment, Distribution, EndpointGroup, Forward, Mechanism,
        Policy, Record, Rollout, RouteBackend, RoutingControl,
        elastic_load_balancing::target_group_key, load_balancer_key, rollouts::Tool,
    },
};

/// The fields of a mechanism.
pub fn of(mechanism: &Mechanism, fleet: &Fleet, place: &Place) -> Vec<Field> {
    match mechanism {
        Mechanism::Record(record) => record_fields(record),
        Mechanism::Dial(group) => dial(group),
        Mechanism::Forward(forward) => forward_fields(forward, fleet, place),
        Mechanism::Alias(alias) => alias_fields(alias),
        Mechanism::Distribution(distribution) => distribution_fields(distribution),
        Mechanism::Control(control) => control_fields(control),
        Mechanism::Route(backend) => route_fields(backend),
        Mechanism::Rollout(version) => rollout_fields(&version.rollout),
    }
}

fn record_fields(record: &Record) -> Vec<Field> {
    let mut fields = vec![
        Field::text("name", Some(&record.name)),
        Field::text("type", Some(&record.record_type)),
        Field::text("set identifier", record.set_identifier.as_deref()),
        Field::text("policy", Some(policy(&record.policy))),
        Field::text("TTL", record.ttl.map(|ttl| format!("{ttl}s"))),
    ];
    for value in &record.values {
        fields.push(Field::text("value", Some(value)));
    }
    if let Some(alias) = &record.alias {
        fields.push(Field::text("alias target", Some(&alias.dns_name)));
        fields.push(Field::text("alias zone", Some(&alias.zone_id)));
        let evaluates = Cell::flag(Some(alias.evaluate_target_health));
        fields.push(Field::new("evaluates target health", evaluates));
    }
    let owner = record.traffic_policy_instance_id.as_deref();
    let check = record.health_check_id.as_deref();
    let status = check.map(health_checks::status_key);
    let field = Field::text("health check", check);
    fields.push(match status {
        Some(key) => field.with_series(key),
        None => field,
    });
    fields.push(Field::text("zone", Some(&record.zone_id)));
    fields.push(Field::text("traffic policy instance", owner));
    fields
}

fn policy(policy: &Policy) -> String {
    match policy {
        Policy::Simple => "simple".to_owned(),
        Policy::Other => "not known to this version".to_owned(),
        Policy::Weighted { weight } => format!("weighted, {weight} of 0 to 255"),
        Policy::Latency { region } => format!("latency to {region}"),
        Policy::Geolocation {
            continent,
            country,
            subdivision,
        } => {
            let parts = [continent, country, subdivision];
            let parts: Vec<&str> = parts.iter().filter_map(|part| part.as_deref()).collect();
            format!("geolocation {}", parts.join(" "))
        }
        Policy::Geoproximity { region, bias } => {
            let region = region.as_deref().unwrap_or("coordinates");
            format!("geoproximity to {region}, bias {bias:+}")
        }
        Policy::Failover { primary: true } => "failover, primary".to_owned(),
        Policy::Failover { primary: false } => "failover, secondary".to_owned(),
        Policy::MultiValue => "multivalue answer".to_owned(),
        Policy::Cidr { location } => format!("CIDR {location}"),
    }
}

fn dial(group: &EndpointGroup) -> Vec<Field> {
    let mut fields = vec![
        Field::text("accelerator", Some(&group.accelerator_name)),
        Field::text("accelerator status", group.accelerator_status.as_deref()),
        Field::new("enabled", Cell::flag(Some(group.accelerator_enabled))),
        Field::text("AWS Region", Some(&group.region)),
        Field::text("dial", Some(format!("{}%", group.dial))),
    ];
    for endpoint in &group.endpoints {
        let health = endpoint.health.as_deref();
        let severity = match health {
            Some("HEALTHY") => Severity::Ok,
            Some("UNHEALTHY") => Severity::Bad,
            Some(_) | None => Severity::Unknown,
        };
        let cell = health.map_or_else(Cell::unknown, Cell::text);
        let name = format!("endpoint {}", endpoint.id);
        fields.push(Field::new(name, cell.severity(severity)));
    }
    fields.push(Field::text("accelerator ARN", Some(&group.accelerator_arn)));
    fields.push(Field::text("listener ARN", Some(&group.listener_arn)));
    fields.push(Field::text("group ARN", Some(&group.group_arn)));
    fields
}

fn forward_fields(forward: &Forward, fleet: &Fleet, place: &Place) -> Vec<Field> {
    let mut fields = vec![
        Field::text("load balancer", Some(&forward.load_balancer_name)),
        Field::text("type", forward.load_balancer_type.as_deref()),
        Field::text("state", forward.load_balancer_state.as_deref()),
        Field::text("DNS name", forward.load_balancer_dns.as_deref()),
        Field::text("rule priority", Some(&forward.priority)),
        Field::text("conditions", Some(&forward.conditions)),
        Field::text("target group", Some(&forward.target_group_name)),
        Field::new("sticky", Cell::flag(Some(forward.stickiness))),
    ];
    let counts = forward.health.map(|health| {
        [
            ("healthy targets", health.healthy),
            ("unhealthy targets", health.unhealthy),
            ("other targets", health.other),
            ("targets in unknown state", health.unknown),
        ]
    });
    for (name, count) in counts.into_iter().flatten() {
        let cell = Cell::number(f64::from(count), count.to_string());
        fields.push(Field::new(name, cell));
    }
    if forward.load_balancer_type.as_deref() == Some("application") {
        let series = |name: &str, what: &str, text: fn(f64) -> String| {
            let key = load_balancer_key(&forward.load_balancer_arn, what);
            let cell = Cell::reading(fleet.reading(place, &key), text, |_| Severity::Ok);
            Field::new(name, cell).with_series(key)
        };
        fields.push(series("requests/s", "requests", |sum| rate(sum / 60.0)));
        fields.push(series("target 5xx/min", "target-5xx", rate));
        fields.push(series("refused 5xx/min", "elb-5xx", rate));
        fields.push(series("p95", "p95", |s| milliseconds(s * 1_000.0)));
        fields.push(series("p99", "p99", |s| milliseconds(s * 1_000.0)));
    }
    if forward.counted() {
        let group = |name: &str, what: &str, text: fn(f64) -> String| {
            let key = target_group_key(&forward.target_group_arn, what);
            let cell = Cell::reading(fleet.reading(place, &key), text, |_| Severity::Ok);
            Field::new(name, cell).with_series(key)
        };
        fields.push(group("group requests/s", "requests", |sum| {
            rate(sum / 60.0)
        }));
        fields.push(group("group 5xx/min", "5xx", rate));
        fields.push(group("group p95", "p95", |s| milliseconds(s * 1_000.0)));
    }
    let arns = [
        ("load balancer ARN", Some(&forward.load_balancer_arn)),
        ("listener ARN", Some(&forward.listener_arn)),
        ("rule ARN", forward.rule_arn.as_ref()),
        ("target group ARN", Some(&forward.target_group_arn)),
    ];
    fields.extend(arns.map(|(name, arn)| Field::text(name, arn)));
    fields
}

fn alias_fields(alias: &AliasVersion) -> Vec<Field> {
    vec![
        Field::text("function", Some(&alias.function)),
        Field::text("alias", Some(&alias.alias)),
        Field::text("version", Some(&alias.version)),
        Field::text("revision", alias.revision_id.as_deref()),
        Field::text("ARN", alias.alias_arn.as_deref()),
    ]
}

fn distribution_fields(distribution: &Distribution) -> Vec<Field> {
    let mut fields = vec![
        Field::text("distribution", Some(&distribution.id)),
        Field::text("domain", Some(&distribution.domain)),
        Field::text("status", Some(&distribution.status)),
        Field::new("enabled", Cell::flag(Some(distribution.enabled))),
        Field::new("staging", Cell::flag(Some(distribution.staging))),
        Field::text("HTTP version", distribution.http_version.as_deref()),
    ];
    for name in &distribution.aliases {
        fields.push(Field::text("alternate name", Some(name)));
    }
    for origin in &distribution.origins {
        let name = format!("origin {}", origin.id);
        fields.push(Field::text(name, Some(&origin.domain)));
    }
    for group in &distribution.origin_groups {
        fields.push(Field::text("origin group", Some(group.join(", then "))));
    }
    if let Some(policy) = &distribution.policy {
        fields.extend(continuous_deployment(policy));
    }
    fields.push(Field::text("ARN", Some(&distribution.arn)));
    fields
}

fn continuous_deployment(policy: &ContinuousDeployment) -> Vec<Field> {
    let weight = policy
        .weight
        .map(|weight| format!("{:.1}%", weight * 100.0));
    let mut fields = vec![
        Field::text("continuous deployment", Some(&policy.id)),
        Field::new("in effect", Cell::flag(Some(policy.enabled))),
        Field::text("staging share", weight),
        Field::text("staging header", policy.header.as_deref()),
    ];
    for domain in &policy.staging_domains {
        fields.push(Field::text("staging domain", Some(domain)));
    }
    fields
}

fn clock(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%MZ").to_string()
}

/// A version by the tag of its image and its hash, as far as they are known.
fn version(rollout: &Rollout, hash: &str) -> String {
    let image = rollout
        .revision(hash)
        .and_then(|revision| revision.image.clone());
    let image = image.map(|image| Container::of(image).short());
    match (image, hash) {
        (Some(image), hash) => format!("{image} ({hash})"),
        (None, "") => "-".to_owned(),
        (None, hash) => hash.to_owned(),
    }
}

fn rollout_fields(rollout: &Rollout) -> Vec<Field> {
    let owner = rollout.owner.as_ref();
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let mut fields = vec![
        Field::text("cluster", Some(&rollout.name.cluster)),
        Field::text("object", Some(rollout.name.object())),
        Field::text("phase", Some(rollout.words())),
        Field::text("message", rollout.message.as_deref()),
        Field::text("waits for", some(&rollout.waits.join(", "))),
        Field::text("since", rollout.waits_since.map(clock)),
        Field::text("stable version", Some(version(rollout, &rollout.stable))),
        Field::text("new version", Some(version(rollout, &rollout.current))),
        Field::text("complete since", rollout.completed_at.map(clock)),
        Field::text(
            match rollout.name.tool {
                Tool::ArgoRollouts => "template of",
                Tool::Flagger => "sends out",
            },
            rollout
                .workload
                .as_ref()
                .map(|workload| format!("Deployment {}", workload.name)),
        ),
        Field::new("aborted", Cell::flag(Some(rollout.aborted))),
        Field::text(
            "owner",
            owner.map(|owner| match &owner.name {
                Some(name) => format!("{} {name}", owner.by),
                None => owner.by.clone(),
            }),
        ),
    ];
    for analysis in &rollout.analyses {
        fields.push(Field::text("analysis", Some(analysis)));
    }
    if rollout.name.tool == Tool::Flagger {
        fields.push(Field::text(
            "failed checks",
            Some(rollout.failed_checks.to_string()),
        ));
        fields.push(Field::text(
            "iterations",
            Some(rollout.iterations.to_string()),
        ));
    }
    fields
}

fn route_fields(backend: &RouteBackend) -> Vec<Field> {
    let rule = &backend.rule;
    let owner = backend.owner.as_ref();
    let mut fields = vec![
        Field::text("cluster", Some(&rule.cluster)),
        Field::text("object", Some(rule.object())),
        Field::text(
            "API",
            Some(format!("{}/{}", rule.kind.group(), rule.version)),
        ),
        Field::text(
            "rule",
            Some(
                backend
                    .rule_name
                    .clone()
                    .unwrap_or_else(|| rule.index.to_string()),
            ),
        ),
        Field::text(
            "matches",
            Some(&backend.matches).filter(|text| !text.is_empty()),
        ),
        Field::text(
            "service",
            Some(format!("{}/{}", backend.service_namespace, backend.service)),
        ),
        Field::text("subset", backend.subset.as_deref()),
        Field::text("version", backend.version.as_deref()),
        Field::text("runs in", backend.topology.as_deref()),
        Field::text(
            "owner",
            owner.map(|owner| match &owner.name {
                Some(name) => format!("{} {name}", owner.by),
                None => owner.by.clone(),
            }),
        ),
        Field::text("generation", Some(backend.generation.to_string())),
    ];
    for host in &backend.hosts {
        fields.push(Field::text("host", Some(host)));
    }
    for parent in &backend.parents {
        let word = |says: Option<bool>, yes: &'static str, no: &'static str| match says {
            Some(true) => yes,
            Some(false) => no,
            None => "?",
        };
        let text = format!(
            "{}, {} at generation {}",
            word(parent.accepted, "accepted", "refused"),
            word(parent.resolved, "backends found", "backend missing"),
            parent.observed_generation
        );
        fields.push(Field::text(format!("gateway {}", parent.name), Some(text)));
    }
    fields
}

fn control_fields(control: &RoutingControl) -> Vec<Field> {
    vec![
        Field::text("control", Some(&control.name)),
        Field::text("panel", control.panel_name.as_deref()),
        Field::text("panel ARN", control.panel_arn.as_deref()),
        Field::text("ARN", Some(&control.arn)),
    ]
}
