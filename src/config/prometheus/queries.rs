//! Queries of somebody's own, about services and about users, over those of a dialect. Owns what can be checked of them without a server.

use std::ops::Range;

use super::super::{
    document::{Found, Section},
    matchers, reference,
};
use crate::resources::metrics::{
    dialect::{Dialect, Labels, QuerySet},
    users::UserQueries,
};

/// The queries that both sets have; what is not given stays that of the dialect.
struct Common<'q> {
    requests: &'q mut String,
    errors: &'q mut String,
    errors_in_percent: &'q mut bool,
    p95_ms: &'q mut String,
}

/// A query that is given in place of another; where it does not select the region is noted.
fn replace(
    section: &mut Section<'_>,
    key: &'static str,
    query: &mut String,
    unselected: &mut Vec<Range<usize>>,
) {
    if let Some(found) = section.text(key) {
        *query = checked(section, &found, unselected);
    }
}

fn checked(
    section: &Section<'_>,
    found: &Found<&str>,
    unselected: &mut Vec<Range<usize>>,
) -> String {
    if let Err(why) = matchers::check_query(found.value) {
        let text = format!("this query cannot be right: {why}");
        section.report().at(&found.span, text);
    }
    if !found.value.contains("{selector}") {
        unselected.push(found.span.clone());
    }
    found.value.to_owned()
}

fn common(section: &mut Section<'_>, set: Common<'_>, unselected: &mut Vec<Range<usize>>) {
    let Common {
        requests,
        errors: failed,
        errors_in_percent,
        p95_ms,
    } = set;
    replace(section, "requests", requests, unselected);
    let (errors, percent) = (section.text("errors"), section.text("error_percent"));
    if let (Some(_), Some(second)) = (&errors, &percent) {
        let text = "give `errors` (per second) or `error_percent`, not both";
        section.report().at(&second.span, text);
    }
    *errors_in_percent = percent.is_some();
    for found in [errors, percent].into_iter().flatten() {
        *failed = checked(section, &found, unselected);
    }
    replace(section, "p95_ms", p95_ms, unselected);
}

/// `queries`: what services get, over the queries of a dialect.
pub fn of_services(
    mut section: Section<'_>,
    base: Dialect,
    unselected: &mut Vec<Range<usize>>,
) -> QuerySet {
    let mut set = base.queries();
    let both = Common {
        requests: &mut set.requests,
        errors: &mut set.errors,
        errors_in_percent: &mut set.errors_in_percent,
        p95_ms: &mut set.p95_ms,
    };
    common(&mut section, both, unselected);
    set.labels = labels(&mut section);
    section.finish(&reference::place_of);
    set
}

/// `users`: what the users of a region get, over the queries of a dialect.
pub fn of_users(
    mut section: Section<'_>,
    base: Dialect,
    unselected: &mut Vec<Range<usize>>,
) -> UserQueries {
    let mut set = base.users();
    let both = Common {
        requests: &mut set.requests,
        errors: &mut set.errors,
        errors_in_percent: &mut set.errors_in_percent,
        p95_ms: &mut set.p95_ms,
    };
    common(&mut section, both, unselected);
    replace(&mut section, "p99_ms", &mut set.p99_ms, unselected);
    section.finish(&reference::place_of);
    set
}

/// The labels that name a service.
fn labels(section: &mut Section<'_>) -> Option<Labels> {
    let report = section.report();
    let label = |section: &mut Section<'_>, key: &'static str| {
        let found = section.text(key)?;
        if !matchers::is_label(found.value) {
            report.at(
                &found.span,
                format!("`{}` is no name of a label", found.value),
            );
        }
        Some(found.value.to_owned())
    };
    let namespace = label(section, "namespace_label");
    let service = label(section, "service_label");
    let version = label(section, "version_label");
    let span = section.span().clone();
    match (namespace, service, version) {
        (Some(namespace), Some(service), version) => Some(Labels {
            namespace,
            service,
            version,
        }),
        (None, None, None) => None,
        (_, _, _) => {
            let text = "labels of your own need a `namespace_label` and a `service_label`, and a `version_label` where versions are told apart";
            report.at(&span, text);
            None
        }
    }
}
