//! Every key of pilothouse.toml with its type, default and meaning, in ONE list: the README's table and the hints for misplaced keys come from it.

use std::fmt::Write as _;

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The section as it is written, `[console]`; empty for the top of the file.
    pub section: &'static str,
    /// The key.
    pub key: &'static str,
    /// What it takes.
    pub takes: &'static str,
    /// What holds without it.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

macro_rules! entries {
    ($($section:literal { $($key:literal, $takes:literal, $default:literal, $meaning:literal;)* })*) => {
        /// Every key, in the order in which they are best explained.
        pub const ENTRIES: &[Entry] = &[$($(Entry {
            section: $section, key: $key, takes: $takes, default: $default, meaning: $meaning,
        },)*)*];
    };
}

entries! {
    "" {
        "environment", "text", "the profile's name, or `aws`", "The word in the top line: `prod`, `staging`.";
    }
    "[aws]" {
        "profile", "text", "the SDK's own chain", "Profile of the shared AWS configuration for the global services, and for regions that do not say otherwise.";
        "role_arn", "ARN", "none", "Role to assume on top of it.";
        "external_id", "text", "none", "External id for that role.";
    }
    "[[region]]" {
        "label", "text", "required", "Your name for the region, free text up to 64 characters; it may be a GKE or AKS location.";
        "aws_region", "AWS Region or `none`", "the label, if it looks like one", "Where AWS APIs are asked.";
        "role", "primary, secondary, tertiary, active", "active", "What the region is for.";
        "profile", "text", "that of [aws]", "Profile for this region. A region with a profile of its own assumes no role of [aws].";
        "role_arn", "ARN", "that of [aws]", "Role to assume in this region.";
        "external_id", "text", "none", "External id for that role.";
        "kube_contexts", "list of texts", "none", "Kubeconfig contexts of clusters that EKS does not list.";
        "capacity_rps", "number", "unknown", "Requests per second that the region can serve; utilisation is shown against it.";
        "capacity_nodes", "number", "unknown", "Nodes that were Ready when that was measured: with it the capacity follows the nodes that are there.";
        "load_balancers", "list of names", "all of them", "The load balancers that carry the user traffic.";
        "backends", "list of names", "those with the label in their name", "Backends of the region in the routes of any cluster, as `service`, `service.namespace`, `service:subset` or `:subset`: what `drain-region` takes out of a mesh.";
        "residency", "list of texts", "every class", "Classes of data that may be served there: no name of another class is sent there (G-RES).";
        "prometheus", "{ url = …, … }", "that of [prometheus]", "The Prometheus of this region, with the keys of [prometheus].";
    }
    "[[name]]" {
        "name", "DNS name", "required", "A name whose record sets split traffic between regions. The first one gives the traffic share.";
        "zone_id", "hosted zone id", "found by name", "Where several zones hold the name.";
        "regions", "{ \"set identifier\" = \"label\" }", "found by target", "Which region a record set belongs to.";
        "residency", "text", "none", "Class of the data behind the name: it is served only where `residency` of a region allows the class.";
    }
    "[recovery]" {
        "endpoints", "list of { region, url }", "none", "The data-plane endpoints of the recovery cluster. Stored here because looking them up is control plane.";
    }
    "[prometheus]" {
        "url", "URL", "none", "Address of the Prometheus that tells about all regions which have none of their own: requests, errors and latency of services, and firing alerts.";
        "selector", "matchers", "none", "What selects a region in it: `region=\"{region}\"`; also `{aws_region}`.";
        "bearer_token_file", "path", "none", "File with a bearer token, read for every call. No secret stands in this file.";
        "bearer_token_env", "name", "none", "Environment variable with a bearer token.";
        "username", "text", "none", "Name for basic authentication.";
        "password_file", "path", "none", "File with its password.";
        "password_env", "name", "none", "Environment variable with its password.";
        "sigv4", "true, false", "by the address", "Whether calls are signed with the AWS credentials of the region (Amazon Managed Service for Prometheus).";
        "ca_file", "path", "the system's", "Certificate authorities that are trusted there, as PEM.";
        "window", "length of time", "1m", "Over what a rate is taken: twice the scrape interval or more.";
        "dialects", "istio, ingress-nginx, envoy-gateway, traefik", "all of them", "Whose series are looked for; the one at the door first: its requests are those of the users.";
        "tenant", "text", "none", "Whose series are asked for, where one server keeps those of several (`X-Scope-OrgID` of Mimir and Cortex); also `{region}` and `{aws_region}`.";
        "queries", "the keys of [prometheus.queries]", "those of the dialects", "Queries of your own about services.";
        "users", "the keys of [prometheus.users]", "those of the dialects", "Queries of your own about the users of a region.";
    }
    "[prometheus.queries]" {
        "requests", "PromQL", "that of the dialect", "Requests per second, by the labels of a service; `{selector}` and `{window}` are filled in.";
        "errors", "PromQL", "that of the dialect", "Failed requests per second.";
        "error_percent", "PromQL", "none", "Failed requests in percent, in place of `errors`.";
        "p95_ms", "PromQL", "that of the dialect", "95th percentile of the response time in milliseconds.";
        "namespace_label", "label", "that of the dialect", "The label with the namespace.";
        "service_label", "label", "that of the dialect", "The label with the name of the service.";
        "version_label", "label", "that of the dialect", "The label with the version.";
    }
    "[prometheus.users]" {
        "requests", "PromQL", "that of the dialect", "Requests per second at the door of the region, one value; `{selector}` and `{window}` are filled in. They count where the region has no application load balancer.";
        "errors", "PromQL", "that of the dialect", "Failed requests per second.";
        "error_percent", "PromQL", "none", "Failed requests in percent, in place of `errors`.";
        "p95_ms", "PromQL", "that of the dialect", "95th percentile of the response time in milliseconds.";
        "p99_ms", "PromQL", "that of the dialect", "99th percentile of the response time in milliseconds.";
    }
    "[thresholds]" {
        "p95_warn_ms", "milliseconds", "200", "p95 latency: warn above.";
        "p95_bad_ms", "milliseconds", "500", "p95 latency: bad above.";
        "error_warn_percent", "percent", "0.5", "Error rate: warn above.";
        "error_bad_percent", "percent", "1", "Error rate: bad above.";
        "database_lag_warn_ms", "milliseconds", "1000", "Replication lag of databases: warn above.";
        "database_lag_bad_ms", "milliseconds", "30000", "Replication lag of databases: bad above; half of the RPO.";
        "switchover_lag_ms", "milliseconds", "5000", "Replication lag beyond which no planned switchover is started.";
        "rpo_ms", "milliseconds", "60000", "Writes that a failover may lose: the RPO.";
        "receiver_lag_warn_ms", "milliseconds", "200", "Replication lag of the databases of a region that is about to get more traffic: warn above.";
        "table_lag_warn_ms", "milliseconds", "5000", "Replication latency of DynamoDB global tables: warn above.";
        "cache_lag_warn_ms", "milliseconds", "5000", "Replication lag of caches: warn above.";
        "utilisation_warn_percent", "percent", "70", "Utilisation of a region's capacity: warn above.";
        "utilisation_bad_percent", "percent", "85", "Utilisation of a region's capacity: bad above.";
        "healthy_warn_percent", "percent", "90", "Share of healthy targets: warn below.";
        "healthy_bad_percent", "percent", "50", "Share of healthy targets: bad below.";
    }
    "[[freeze]]" {
        "from", "time, \"2026-12-20T00:00:00Z\"", "required", "From then on plans are blocked by G-FREEZE, until it is overridden with a reason; an emergency is only warned.";
        "until", "time", "required", "Its end.";
        "reason", "text", "none", "Why, shown with the guard.";
    }
    "[rollout]" {
        "order", "list of labels", "by `role`, the primary last", "The regions in the order in which a release goes through them; a region that is not named gets none by `advance`.";
        "soak_minutes", "minutes", "30", "How long a release is watched in a region before the next one may get it (G-SOAK).";
        "min_requests", "number", "500", "Requests in the soak that are enough for a verdict (G-SAMPLE).";
        "min_errors", "number", "10", "Errors in the soak that are enough for a verdict.";
        "error_percent", "percent", "`error_bad_percent`", "Error rate that stops a release: above.";
        "p95_ms", "milliseconds", "`p95_bad_ms`", "p95 latency that stops a release: above.";
        "services", "tables", "none", "The same keys for one service: `[rollout.services.\"shop/checkout\"]`.";
    }
    "[prices]" {
        "node_hour_usd", "USD", "unknown", "What a node costs for an hour: G-COST counts the nodes that a plan raises.";
        "invalidation_path_usd", "USD", "0.005", "What a path of a CloudFront invalidation costs beyond the free ones of a month.";
        "plan_warn_usd", "USD", "50", "A plan that costs more is warned about.";
    }
    "[intervals]" {
        "SOURCE", "seconds, or \"30s\", \"5m\", \"1h\"", "15 s to 5 min, by source", "How often a source is asked, each by its name; never faster than its API budget allows.";
    }
    "[sources]" {
        "disabled", "list of sources", "none", "Sources that are not asked at all.";
    }
    "[console]" {
        "theme", "name", "dark", "A theme: dark, light, high-contrast, colour-blind, mono, or your own in themes/NAME.toml.";
        "keymap", "name", "default", "A keymap: default, emacs, or your own in keymaps/NAME.toml.";
        "glyphs", "auto, unicode, ascii", "auto", "Which glyphs are drawn; auto goes by locale and terminal.";
        "color", "auto, always, 16, mono", "auto", "How many colours; auto goes by terminal and NO_COLOR.";
        "mouse", "true, false", "false", "Whether the mouse is captured: a click selects a pane or a row, and opens a selected one; the wheel scrolls. The terminal's own selection then needs Shift.";
        "title", "true, false", "true", "Whether the title of the terminal says how bad it is; it is given back at the end.";
        "alerts", "off, bell, notify", "notify", "How you are told when you are needed (a region turns BAD, a run stops or ends, credentials run out): the bell, and a notification where the terminal has them (OSC 9).";
        "links", "true, false", "false", "Whether the title of a detail is a link to the AWS console (OSC 8).";
        "start", "home, or a pane", "home", "What is shown at the start.";
    }
    "[keys.global]" {
        "KEY", "command, or `none`", "the keymap's", "What a key does: `\"ctrl-r\" = \"refresh\"`; `none` takes it away. Also [keys.detail], [keys.plan], [keys.run], [keys.runs] and [keys.dialog], which go before it.";
    }
}

/// Where a key belongs that is unknown where it stands: `in [console]`. `None` when it belongs nowhere or to several sections.
pub fn place_of(key: &str) -> Option<&'static str> {
    let mut entries = ENTRIES.iter().filter(|entry| entry.key == key);
    let section = entries.next().filter(|_| entries.next().is_none())?.section;
    PLACES
        .iter()
        .find(|(known, _)| *known == section)
        .map(|(_, place)| *place)
}

const PLACES: &[(&str, &str)] = &[
    ("", "at the top of the file"),
    ("[aws]", "in [aws]"),
    ("[[region]]", "in [[region]]"),
    ("[[name]]", "in [[name]]"),
    ("[recovery]", "in [recovery]"),
    ("[prometheus]", "in [prometheus]"),
    ("[prometheus.queries]", "in [prometheus.queries]"),
    ("[prometheus.users]", "in [prometheus.users]"),
    ("[thresholds]", "in [thresholds]"),
    ("[[freeze]]", "in [[freeze]]"),
    ("[rollout]", "in [rollout]"),
    ("[prices]", "in [prices]"),
    ("[sources]", "in [sources]"),
    ("[console]", "in [console]"),
];

/// The reference as a table for the README.
pub fn markdown() -> String {
    let mut text =
        "| section | key | takes | default | meaning |\n|---|---|---|---|---|\n".to_owned();
    let mut last = None;
    for entry in ENTRIES {
        let section = match entry.section {
            section if last == Some(section) => String::new(),
            "" => "top".to_owned(),
            section => format!("`{section}`"),
        };
        last = Some(entry.section);
        let _ = writeln!(
            text,
            "| {section} | `{}` | {} | {} | {} |",
            entry.key, entry.takes, entry.default, entry.meaning
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use crate::{
        config::{layers::Flags, library::Library, parse},
        resources::estate::Thresholds,
    };

    #[test]
    fn a_key_is_found_in_its_only_section() {
        assert_eq!(place_of("theme"), Some("in [console]"));
        assert_eq!(place_of("environment"), Some("at the top of the file"));
        assert_eq!(place_of("role_arn"), None, "[aws] or [[region]]");
        assert_eq!(place_of("nonsense"), None);
    }

    /// An unknown key makes the parser say which keys it knows there.
    #[test]
    fn the_parser_knows_exactly_these_keys() {
        let text = "zz = 1\n[aws]\nzz = 1\n[[region]]\nlabel = \"a\"\nzz = 1\n[[name]]\nname = \"a.b\"\nzz = 1\n[recovery]\nzz = 1\n[prometheus]\nzz = 1\n[prometheus.queries]\nzz = 1\n[prometheus.users]\nzz = 1\n[thresholds]\nzz = 1\n[[freeze]]\nfrom = \"2026-01-01T00:00:00Z\"\nuntil = \"2026-01-02T00:00:00Z\"\nzz = 1\n[sources]\nzz = 1\n[rollout]\nzz = 1\n[prices]\nzz = 1\n[console]\nzz = 1\n";
        let problems = parse("x", text, &Flags::default(), &Library::default()).unwrap_err();
        assert_eq!(problems.len(), PLACES.len(), "{problems:#?}");
        for problem in problems {
            let (place, known) = problem.text.split_once("; known here: ").unwrap();
            let known: BTreeSet<&str> = known.split(", ").collect();
            let (section, _) = PLACES
                .iter()
                .find(|(_, name)| place.ends_with(name))
                .unwrap();
            let entries = ENTRIES.iter().filter(|entry| entry.section == *section);
            let mut documented: BTreeSet<&str> = entries.map(|entry| entry.key).collect();
            if section.is_empty() {
                // The sections themselves.
                let all = ENTRIES.iter().filter(|entry| !entry.section.is_empty());
                documented.extend(all.map(|entry| {
                    let name = entry.section.trim_matches(['[', ']']);
                    name.split('.').next().unwrap_or(name)
                }));
            }
            assert_eq!(known, documented, "{section}");
        }
    }

    #[test]
    fn the_thresholds_are_those_of_the_model_with_their_defaults() {
        let defaults = serde_json::to_value(Thresholds::default()).unwrap();
        let mut documented = serde_json::Map::new();
        for entry in ENTRIES
            .iter()
            .filter(|entry| entry.section == "[thresholds]")
        {
            let value: f64 = entry.default.parse().unwrap();
            documented.insert(entry.key.to_owned(), value.into());
        }
        assert_eq!(serde_json::Value::Object(documented), defaults);
    }
}
