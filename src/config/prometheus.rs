//! `[prometheus]` and `prometheus = { … }` of a region: which server tells about which region, how it is asked, and that no secret stands in the file. Owns the inheritance; asks nobody.

mod queries;

use std::{collections::BTreeMap, ops::Range};

use super::{
    document::{Found, Section, pick},
    matchers, reference, syntax,
    value::{duration_of, text_of},
};
use crate::resources::{
    RegionLabel,
    estate::RegionSpec,
    metrics::{
        dialect::{Auth, Dialect, Prometheus, QuerySet, Secret},
        users::UserQueries,
    },
};

/// Over how many seconds a rate is taken (domain A.3).
const WINDOW: u32 = 60;
const SHORTEST: f64 = 15.0;
const LONGEST: f64 = 900.0;

/// What a section says; what it does not say comes from the general one.
#[derive(Default)]
struct Said {
    url: Option<Found<String>>,
    auth: Auth,
    sigv4: Option<Range<usize>>,
    ca_file: Option<String>,
    selector: Option<Found<String>>,
    window: Option<u32>,
    tenant: Option<Found<String>>,
    queries: Option<Vec<QuerySet>>,
    users: Option<Vec<UserQueries>>,
    /// Where queries of somebody's own do not select the region.
    unselected: Vec<Range<usize>>,
}

/// Which Prometheus tells about each region.
pub fn read(root: &mut Section<'_>, regions: &[RegionSpec]) -> BTreeMap<RegionLabel, Prometheus> {
    let report = root.report();
    let central = root
        .table("prometheus")
        .map(read_section)
        .unwrap_or_default();
    let mut servers = BTreeMap::new();
    let mut own: BTreeMap<&RegionLabel, Said> = BTreeMap::new();
    // The sections of the regions are read for everything else elsewhere, and their other problems are reported there.
    let tables = root
        .value("region")
        .and_then(|value| value.get_ref().as_array());
    for table in tables
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.get_ref().as_table())
    {
        let label = table.get("label").and_then(text_of);
        let spec = label.and_then(|label| regions.iter().find(|r| r.label.as_str() == label.value));
        let Some((value, spec)) = table.get("prometheus").zip(spec) else {
            continue;
        };
        let Some(inner) = value.get_ref().as_table() else {
            report.at(
                &value.span(),
                "`prometheus` must be a table: prometheus = { url = \"https://…\" }",
            );
            continue;
        };
        let section = Section::new("region.prometheus", inner, value.span(), report);
        let said = read_section(section);
        if said.url.is_none() && central.url.is_none() {
            report.at(&value.span(), "this Prometheus has no `url`");
        }
        own.insert(&spec.label, said);
    }
    let apart = |said: &Said| said.url.is_some() || said.tenant.is_some();
    let shared = regions
        .iter()
        .filter(|region| !own.get(&region.label).is_some_and(apart));
    if let Some(url) = central.url.as_ref().filter(|_| shared.clone().count() > 1) {
        check_shared(report, url, &central);
    }
    for region in regions {
        let said = own.remove(&region.label).unwrap_or_default();
        if let Some(server) = resolve(report, region, said, &central) {
            servers.insert(region.label.clone(), server);
        }
    }
    servers
}

/// One server that keeps the series of several regions must be told which are meant: each would otherwise be shown the numbers of all.
fn check_shared(report: &super::problem::Report<'_>, url: &Found<String>, central: &Said) {
    let differs = |found: &Found<String>| {
        let mut places = ["{region}", "{aws_region}"].iter();
        places.any(|place| found.value.contains(place))
    };
    // Each region's series may be those of a tenant of its own.
    if central.tenant.as_ref().is_some_and(differs) {
        return;
    }
    match &central.selector {
        None => report.at(
            &url.span,
            "this Prometheus tells about several regions: say by which label they differ, `selector = 'region=\"{region}\"'`",
        ),
        Some(found) if !differs(found) => {
            report.at(
                &found.span,
                "`selector` selects the same for every region; write `{region}` or `{aws_region}` into it",
            );
        }
        Some(_) => {}
    }
    for span in &central.unselected {
        let text = "this query does not select the region; write `{selector}` between the braces of its metrics";
        report.at(span, text);
    }
}

fn resolve(
    report: &super::problem::Report<'_>,
    region: &RegionSpec,
    own: Said,
    central: &Said,
) -> Option<Prometheus> {
    // Who we are somewhere is told to nobody else.
    let (url, from) = match &own.url {
        Some(url) => (url, &own),
        None => (central.url.as_ref()?, central),
    };
    let signing = syntax_of_workspace(&url.value).map(str::to_owned);
    let auth = match (&from.auth, &from.sigv4) {
        (Auth::None, Some(span)) => match signing.or(region.aws_region.clone()) {
            Some(aws_region) => Auth::SigV4(aws_region),
            None => {
                let text = format!(
                    "`{}` is no AWS Region, and the address names none: `sigv4` does not know for which one to sign",
                    region.label
                );
                report.at(span, text);
                Auth::None
            }
        },
        (Auth::None, None) => signing.map_or(Auth::None, Auth::SigV4),
        (auth, _) => auth.clone(),
    };
    let selector = match (&own.selector, &own.url) {
        (Some(found), _) => found.value.clone(),
        // A server of its own keeps no other region.
        (None, Some(_)) => String::new(),
        (None, None) => central
            .selector
            .as_ref()
            .map(|f| f.value.clone())
            .unwrap_or_default(),
    };
    let all = Dialect::ALL.map(|(_, dialect)| dialect);
    // A tenant is part of who we are there.
    let tenant = own.tenant.as_ref().or(from.tenant.as_ref());
    Some(Prometheus {
        url: url.value.clone(),
        auth,
        ca_file: from.ca_file.clone(),
        selector: matchers::fill(&selector, region),
        window: own.window.or(central.window).unwrap_or(WINDOW),
        tenant: tenant.and_then(|tenant| tenant_of(report, region, tenant)),
        queries: own
            .queries
            .or_else(|| central.queries.clone())
            .unwrap_or_else(|| all.map(Dialect::queries).to_vec()),
        users: own
            .users
            .or_else(|| central.users.clone())
            .unwrap_or_else(|| all.map(Dialect::users).to_vec()),
    })
}

/// The tenant of a region; it must fit into a header.
fn tenant_of(
    report: &super::problem::Report<'_>,
    region: &RegionSpec,
    tenant: &Found<String>,
) -> Option<String> {
    let aws_region = region.aws_region.as_deref().unwrap_or_default();
    let filled = tenant
        .value
        .replace("{region}", region.label.as_str())
        .replace("{aws_region}", aws_region);
    if filled.is_empty() || !filled.bytes().all(|byte| byte.is_ascii_graphic()) {
        let text = format!(
            "`tenant` is `{filled}` for `{}`: the name of a tenant has letters, digits and signs of ASCII only, and no spaces",
            region.label
        );
        report.at(&tenant.span, text);
        return None;
    }
    Some(filled)
}

/// The AWS Region in the address of a workspace of Amazon Managed Service for Prometheus.
fn syntax_of_workspace(url: &str) -> Option<&str> {
    let host = url.split_once("://")?.1.split('/').next()?;
    let rest = host.strip_prefix("aps-workspaces.")?;
    let (region, domain) = rest.split_once('.')?;
    domain.starts_with("amazonaws.com").then_some(region)
}

fn read_section(mut section: Section<'_>) -> Said {
    let report = section.report();
    let url = section
        .text("url")
        .and_then(|found| check_url(report, &found));
    let (auth, sigv4) = read_auth(&mut section);
    let ca_file = section.text("ca_file").map(|found| found.value.to_owned());
    let selector = section.text("selector").map(|found| {
        if let Err(why) = matchers::check(found.value) {
            let text =
                format!("`selector` is no list of matchers like `region=\"{{region}}\"`: {why}");
            report.at(&found.span, text);
        }
        Found {
            value: found.value.to_owned(),
            span: found.span,
        }
    });
    let window = read_window(&mut section);
    let dialects = section.texts("dialects");
    let dialects: Vec<Dialect> = dialects
        .iter()
        .filter_map(|found| pick(report, found, "a dialect", &Dialect::ALL))
        .collect();
    let tenant = section.text("tenant").map(|found| Found {
        value: found.value.to_owned(),
        span: found.span,
    });
    let (queries, users) = (section.table("queries"), section.table("users"));
    let mut said = Said {
        url,
        auth,
        sigv4,
        ca_file,
        selector,
        window,
        tenant,
        ..Said::default()
    };
    if let Some(queries) = queries {
        if dialects.len() > 1 {
            report.at(
                queries.span(),
                "queries of your own replace those of one dialect; name one in `dialects`",
            );
        }
        let base = dialects.first().copied().unwrap_or(Dialect::Istio);
        let set = queries::of_services(queries, base, &mut said.unselected);
        said.queries = Some(vec![set]);
    } else if !dialects.is_empty() {
        let sets = dialects.iter().copied();
        said.queries = Some(sets.map(Dialect::queries).collect());
    }
    if let Some(users) = users {
        // The first dialect is the one at the door.
        let base = dialects.first().copied().unwrap_or(Dialect::Istio);
        said.users = Some(vec![queries::of_users(users, base, &mut said.unselected)]);
    } else if !dialects.is_empty() {
        said.users = Some(dialects.into_iter().map(Dialect::users).collect());
    }
    section.finish(&reference::place_of);
    said
}

fn check_url(report: &super::problem::Report<'_>, found: &Found<&str>) -> Option<Found<String>> {
    let url = found.value.trim_end_matches('/');
    let wrong = |text: String| {
        report.at(&found.span, text);
        None
    };
    if url.contains('@') {
        report.secret(
            &found.span,
            "`url` must not have a name or a password in it; write `username`, and `password_file` or `password_env`",
        );
        return None;
    }
    if !syntax::is_endpoint_url(url) {
        return wrong(format!(
            "`{url}` is no URL; write one like `https://prometheus.example.com`"
        ));
    }
    if url.ends_with("/api/v1") || url.contains("/api/v1/") {
        return wrong(
            "write `url` without `/api/v1` and what follows; the console adds it".to_owned(),
        );
    }
    Some(Found {
        value: url.to_owned(),
        span: found.span.clone(),
    })
}

/// A secret by its file or its environment variable.
fn secret(
    section: &mut Section<'_>,
    file: &'static str,
    env: &'static str,
) -> Option<(Secret, Range<usize>)> {
    let report = section.report();
    let (in_file, in_env) = (section.text(file), section.text(env));
    if let (Some(_), Some(second)) = (&in_file, &in_env) {
        report.at(&second.span, format!("give `{file}` or `{env}`, not both"));
    }
    let said = |found: Found<&str>, secret: fn(String) -> Secret| {
        if found.value.trim().is_empty() {
            report.at(&found.span, "this must not be empty");
        }
        (secret(found.value.to_owned()), found.span)
    };
    let in_file = in_file.map(|found| said(found, Secret::File));
    in_file.or_else(|| in_env.map(|found| said(found, Secret::Env)))
}

fn read_auth(section: &mut Section<'_>) -> (Auth, Option<Range<usize>>) {
    let report = section.report();
    let bearer = secret(section, "bearer_token_file", "bearer_token_env");
    let password = secret(section, "password_file", "password_env");
    let username = section.text("username");
    let sigv4_at = section.value("sigv4").map(toml::Spanned::span);
    let sigv4 = section.boolean("sigv4").unwrap_or_default();
    let sigv4 = sigv4_at.filter(|_| sigv4);
    let ways = [bearer.is_some(), password.is_some(), sigv4.is_some()];
    if ways.into_iter().filter(|way| *way).count() > 1 {
        let text = "one way to prove who we are is enough: a bearer token, a password, or `sigv4`";
        report.at(section.span(), text);
    }
    let auth = match (bearer, username, password) {
        (Some((token, _)), _, _) => Auth::Bearer(token),
        (None, Some(username), Some((password, _))) => Auth::Basic {
            username: username.value.to_owned(),
            password,
        },
        (None, Some(found), None) => {
            report.at(
                &found.span,
                "`username` needs a `password_file` or a `password_env`",
            );
            Auth::None
        }
        (None, None, Some((_, span))) => {
            report.at(&span, "a password needs a `username` beside it");
            Auth::None
        }
        (None, None, None) => Auth::None,
    };
    (auth, sigv4)
}

fn read_window(section: &mut Section<'_>) -> Option<u32> {
    let report = section.report();
    let value = section.value("window")?;
    let seconds = duration_of(value).map(|window| window.as_secs_f64());
    match seconds {
        Some(seconds) if (SHORTEST..=LONGEST).contains(&seconds) => Some(seconds as u32),
        Some(_) | None => {
            let text = format!(
                "`window` must be a length of time of {SHORTEST} s to {LONGEST} s, like \"2m\": twice the scrape interval or more"
            );
            report.at(&value.span(), text);
            None
        }
    }
}

#[cfg(test)]
mod tests;
