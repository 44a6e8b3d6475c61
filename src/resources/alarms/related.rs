//! Which alarms concern a row. Owns how a row is found in the dimensions of an alarm; an alarm that merely sounds alike is not related.

use super::{Alarm, AlarmType};
use crate::resources::{
    Fleet, Kind, Place, Source,
    cell::RowId,
    databases::Database,
    shown::{self, RowRef},
    traffic::{Mechanism, arn_tail},
};

/// The alarms whose dimensions name the row, and the composite alarms whose rules name these; at the place of the row, or anywhere for a global one.
pub fn related_alarms<'a>(fleet: &'a Fleet, id: &RowId) -> Vec<(&'a Place, &'a Alarm)> {
    let names = names(fleet, id);
    let here = |place: &Place| id.place.region().is_none() || *place == id.place;
    let all: Vec<(&Place, &Alarm)> = fleet
        .alarms
        .rows()
        .filter(|(_, place, _)| here(place))
        .map(|(_, place, alarm)| (place, alarm))
        .collect();
    // Every alarm of a region is about the region.
    if id.source == Source::Identity {
        return all;
    }
    let direct = |alarm: &Alarm| {
        let mut values = alarm.dimensions.iter().map(|(_, value)| value);
        values.any(|value| names.iter().any(|name| mentions(value, name)))
    };
    let found: Vec<&str> = all
        .iter()
        .filter(|(_, alarm)| direct(alarm))
        .map(|(_, alarm)| alarm.name.as_str())
        .collect();
    let above = |alarm: &Alarm| {
        let rule = alarm.rule.as_deref().unwrap_or_default();
        alarm.alarm_type == AlarmType::Composite && found.iter().any(|name| in_rule(rule, name))
    };
    all.into_iter()
        .filter(|(_, alarm)| direct(alarm) || above(alarm))
        .collect()
}

/// Whether a dimension value means a name: the name itself, a node of it (`cache-001`), or a path that holds it (`app/web/50dc`).
fn mentions(value: &str, name: &str) -> bool {
    let node = |value: &str| {
        value
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|number| number.chars().all(|c| c.is_ascii_digit() || c == '-'))
    };
    !name.is_empty()
        && (value == name || node(value) || value.split(['/', ':']).any(|part| part == name))
}

/// Whether the rule of a composite alarm names an alarm: quoted, or as the whole argument of a state, by name or by ARN.
fn in_rule(rule: &str, name: &str) -> bool {
    rule.split(['"', '(', ')'])
        .map(str::trim)
        .any(|part| part == name || part.rsplit_once(":alarm:").is_some_and(|(_, n)| n == name))
}

/// The names by which CloudWatch knows a row.
fn names(fleet: &Fleet, id: &RowId) -> Vec<String> {
    let Some(RowRef {
        source,
        place,
        index,
    }) = shown::find(fleet, id)
    else {
        return Vec::new();
    };
    let after_slash = || {
        let name = id
            .key
            .split_once('/')
            .map_or(id.key.as_str(), |(_, name)| name);
        vec![name.to_owned()]
    };
    match id.kind {
        Kind::Databases => {
            let slice = fleet.databases.slice(source, &place);
            let row = slice.and_then(|slice| slice.rows.get(index));
            row.map(database_names).unwrap_or_default()
        }
        Kind::Traffic => {
            let slice = fleet.traffic.slice(source, &place);
            let row = slice.and_then(|slice| slice.rows.get(index));
            row.map(|row| split_names(&row.by)).unwrap_or_default()
        }
        Kind::Caches | Kind::Clusters => after_slash(),
        Kind::HealthChecks | Kind::Pipelines => vec![id.key.clone()],
        Kind::Metrics => {
            let series = fleet.series(&place, &id.key);
            let dimensions = series.map(|series| &series.spec.dimensions);
            let values = dimensions.into_iter().flatten();
            values.map(|(_, value)| value.clone()).collect()
        }
        Kind::Regions | Kind::Alarms | Kind::Deployments | Kind::Releases => Vec::new(),
    }
}

fn database_names(database: &Database) -> Vec<String> {
    let mut names = vec![database.id().to_owned()];
    if let Database::Cluster(cluster) = database {
        names.extend(cluster.instances.iter().map(|instance| instance.id.clone()));
    }
    names
}

fn split_names(mechanism: &Mechanism) -> Vec<String> {
    match mechanism {
        Mechanism::Record(record) => record.health_check_id.iter().cloned().collect(),
        Mechanism::Dial(group) => {
            let id = group.accelerator_arn.rsplit('/').next();
            id.into_iter().map(str::to_owned).collect()
        }
        Mechanism::Forward(forward) => {
            let balancer = arn_tail(&forward.load_balancer_arn, "loadbalancer/");
            let group = forward.target_group_arn.rsplit(':').next();
            std::iter::once(balancer)
                .chain(group)
                .map(str::to_owned)
                .collect()
        }
        Mechanism::Alias(alias) => vec![
            alias.function.clone(),
            format!("{}:{}", alias.function, alias.alias),
        ],
        Mechanism::Distribution(distribution) => vec![distribution.id.clone()],
        Mechanism::Route(backend) => vec![backend.service.clone()],
        Mechanism::Rollout(version) => vec![version.rollout.name.name.clone()],
        Mechanism::Control(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{
        Rows,
        fixtures::{self as f, answer, place},
    };

    #[test]
    fn an_alarm_is_found_by_its_dimensions_and_a_composite_one_by_its_rule() {
        let mut fleet = f::fleet(&["eu", "us"]);
        let cache = f::redis("eu", "us", &["eu", "us"]);
        answer(
            &mut fleet,
            Source::ElastiCache,
            &place("eu"),
            5,
            Rows::Caches(vec![cache]),
        );
        let mut whole = f::alarm("whole", "OK", "");
        whole.alarm_type = AlarmType::Composite;
        whole.dimensions.clear();
        whole.rule = Some("ALARM(\"node\") OR ALARM(other)".to_owned());
        let alarms = vec![
            f::alarm("node", "ALARM", "sessions-001"),
            f::alarm("other", "ALARM", "sessions-staging"),
            whole,
        ];
        answer(
            &mut fleet,
            Source::Alarms,
            &place("eu"),
            5,
            Rows::Alarms(alarms),
        );
        let abroad = Rows::Alarms(vec![f::alarm("abroad", "ALARM", "sessions")]);
        answer(&mut fleet, Source::Alarms, &place("us"), 5, abroad);
        let id = RowId {
            kind: Kind::Caches,
            source: Source::ElastiCache,
            place: place("eu"),
            key: "group/sessions".to_owned(),
        };
        let names: Vec<&str> = related_alarms(&fleet, &id)
            .iter()
            .map(|(_, alarm)| alarm.name.as_str())
            .collect();
        assert_eq!(names, ["node", "whole"]);
    }

    #[test]
    fn a_name_is_more_than_a_piece_of_text() {
        assert!(mentions("app/web/50dc6c49", "web"));
        assert!(mentions("app/web/50dc6c49", "app/web/50dc6c49"));
        assert!(mentions("sessions-0001-002", "sessions"));
        assert!(!mentions("web-staging", "web"));
        assert!(!mentions("cobweb", "web"));
        assert!(!mentions("anything", ""));
        assert!(in_rule(
            "ALARM(arn:aws:cloudwatch:eu-west-1:1:alarm:node)",
            "node"
        ));
        assert!(!in_rule("ALARM(\"node two\")", "node"));
    }
}
