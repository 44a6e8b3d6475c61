//! Which Prometheus tells about a region and what it is asked there: the queries of each mesh and gateway, and how its labels name a service. Built by `config`; asks nobody and holds no secret.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::users::UserQueries;

/// A Prometheus as it is asked about one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prometheus {
    /// Its address without `/api/v1`, as a browser would show it.
    pub url: String,
    /// How we prove who we are.
    pub auth: Auth,
    /// A file with the certificate authorities that are trusted in place of the system's.
    pub ca_file: Option<String>,
    /// What selects the region there: `region="eu-west-1"`; empty for a server of its own.
    pub selector: String,
    /// Over how many seconds a rate is taken.
    pub window: u32,
    /// Whose series are asked for, where one server keeps those of several tenants (`X-Scope-OrgID` of Mimir and Cortex).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What is asked about services.
    pub queries: Vec<QuerySet>,
    /// What is asked about the users of the region, the first that has series of requests counts.
    #[serde(default)]
    pub users: Vec<UserQueries>,
}

/// How we prove who we are to a Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// A bearer token.
    Bearer(Secret),
    /// A name and a password.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// The signature of AWS (Amazon Managed Service for Prometheus), for this AWS Region.
    SigV4(String),
}

/// Where a secret is kept; read whenever it is needed, so that a renewed one is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    /// In a file.
    File(String),
    /// In an environment variable.
    Env(String),
}

/// Who publishes the series of services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Istio's proxies: the only ones that tell the versions of a service apart.
    Istio,
    /// ingress-nginx: a canary is a service of its own.
    IngressNginx,
    /// Envoy Gateway: one series for each rule of a route; its backends are not told apart.
    EnvoyGateway,
    /// Traefik: each backend of a route is a service of its own.
    Traefik,
}

/// Labels of ingress-nginx by which a request is counted; those of the controller itself where its own were not kept.
const NGINX: &str = "exported_namespace, exported_service, namespace, service, canary";

impl Dialect {
    /// Each with its name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("istio", Self::Istio),
        ("ingress-nginx", Self::IngressNginx),
        ("envoy-gateway", Self::EnvoyGateway),
        ("traefik", Self::Traefik),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Istio => "istio",
            Self::IngressNginx => "ingress-nginx",
            Self::EnvoyGateway => "envoy-gateway",
            Self::Traefik => "traefik",
        }
    }

    /// The metric that is there where it is spoken.
    pub fn metric(self) -> &'static str {
        match self {
            Self::Istio => "istio_requests_total",
            Self::IngressNginx => "nginx_ingress_controller_requests",
            Self::EnvoyGateway => "envoy_cluster_upstream_rq_xx",
            Self::Traefik => "traefik_service_requests_total",
        }
    }

    /// The labels by which its queries are summed.
    fn by(self) -> &'static str {
        match self {
            Self::Istio => {
                "destination_service_namespace, destination_service_name, destination_version"
            }
            Self::IngressNginx => NGINX,
            Self::EnvoyGateway => "envoy_cluster_name",
            Self::Traefik => "exported_service, service",
        }
    }

    /// What selects the series of services among others of the same name.
    pub(super) fn of_services(self) -> &'static str {
        match self {
            // The server's proxy, or the waypoint before it: what the client's proxy counts is the same request once more.
            Self::Istio => "reporter=~\"destination|waypoint\",",
            Self::EnvoyGateway => "envoy_cluster_name=~\"(http|grpc)route/.+\",",
            // What no ingress took goes to nobody's service.
            Self::IngressNginx => "ingress!=\"\",",
            Self::Traefik => "",
        }
    }

    /// The query for requests per second. A rate goes on for its whole window after the last sample: what reports no more is left out at once.
    pub fn requests(self) -> String {
        let (by, own, metric) = (self.by(), self.of_services(), self.metric());
        let series = format!("{metric}{{{own}{{selector}}}}");
        format!("sum by ({by}) (rate({series}[{{window}}]) and {series})")
    }

    /// What selects the failed requests; several matchers where a request can fail in several ways.
    pub(super) fn failed(self) -> &'static [&'static str] {
        match self {
            // A gRPC call that failed by the server's fault is an HTTP 200.
            Self::Istio => &[
                "response_code=~\"5..\"",
                "grpc_response_status=~\"2|4|12|13|14|15\"",
            ],
            Self::IngressNginx => &["status=~\"5..\""],
            Self::EnvoyGateway => &["envoy_response_code_class=\"5\""],
            Self::Traefik => &["code=~\"5..\""],
        }
    }

    /// The query for failed requests per second.
    pub fn errors(self) -> String {
        let (by, own, metric) = (self.by(), self.of_services(), self.metric());
        let rate =
            |failed: &&str| format!("rate({metric}{{{own}{failed},{{selector}}}}[{{window}}])");
        let failed: Vec<String> = self.failed().iter().map(rate).collect();
        format!("sum by ({by}) ({})", failed.join(" or "))
    }

    /// The histogram of response times, with what makes milliseconds of its quantiles.
    pub(super) fn bucket(self) -> (&'static str, &'static str) {
        match self {
            Self::Istio => ("", "istio_request_duration_milliseconds_bucket"),
            Self::IngressNginx => (
                "1000 * ",
                "nginx_ingress_controller_request_duration_seconds_bucket",
            ),
            Self::EnvoyGateway => ("", "envoy_cluster_upstream_rq_time_bucket"),
            Self::Traefik => ("1000 * ", "traefik_service_request_duration_seconds_bucket"),
        }
    }

    /// The query for the 95th percentile in milliseconds.
    pub fn p95_ms(self) -> String {
        let (factor, bucket) = self.bucket();
        let (by, own) = (self.by(), self.of_services());
        format!(
            "{factor}histogram_quantile(0.95, sum by (le, {by}) (rate({bucket}{{{own}{{selector}}}}[{{window}}])))"
        )
    }

    /// What is asked where nothing is overridden.
    pub fn queries(self) -> QuerySet {
        QuerySet {
            dialect: self,
            requests: self.requests(),
            errors: self.errors(),
            errors_in_percent: false,
            p95_ms: self.p95_ms(),
            labels: None,
        }
    }

    /// The service and version that a set of labels names.
    fn service(self, labels: &BTreeMap<String, String>) -> Option<Service> {
        let label = |name: &str| labels.get(name).map(String::as_str).filter(|v| told(v));
        let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
        match self {
            Self::Istio => Some(Service {
                namespace: owned(label("destination_service_namespace")),
                name: label("destination_service_name")?.to_owned(),
                version: owned(label("destination_version")),
            }),
            Self::IngressNginx => {
                let namespace = owned(label("exported_namespace").or(label("namespace")));
                match label("canary") {
                    Some(canary) => Some(canary_of(namespace, canary)),
                    None => Some(Service {
                        namespace,
                        name: label("exported_service").or(label("service"))?.to_owned(),
                        version: String::new(),
                    }),
                }
            }
            // `httproute/shop/checkout/rule/0`: the route stands for the service.
            Self::EnvoyGateway => {
                let mut parts = label("envoy_cluster_name")?.split('/').skip(1);
                Some(Service {
                    namespace: parts.next()?.to_owned(),
                    name: parts.next()?.to_owned(),
                    version: String::new(),
                })
            }
            Self::Traefik => {
                let name = label("exported_service").or(label("service"))?;
                let name = name.split_once('@').map_or(name, |(name, _)| name);
                Some(backend_of_route(name).unwrap_or_else(|| Service::joined(name)))
            }
        }
    }
}

/// The service that a canary's upstream of ingress-nginx names: `shop-checkout-canary-80` in `shop`. What reaches it by a host of its own is counted beside it.
/// A port with a name may have hyphens, so that one stays joined.
fn canary_of(namespace: String, upstream: &str) -> Service {
    let own = upstream
        .strip_prefix(namespace.as_str())
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(without_number);
    match own {
        Some(name) => Service {
            name: name.to_owned(),
            namespace,
            version: String::new(),
        },
        None => Service::joined(upstream),
    }
}

/// The service that a rule of a Gateway API route has in Traefik since 3.7.6: `httproute-shop-checkout-gw-…-ep-web-0-<hash>-svc-shop-checkout-0`.
/// Its last number is the place in the rule, not a port: the same backend of several rules is one service.
fn backend_of_route(name: &str) -> Option<Service> {
    let routes = ["httproute-", "grpcroute-"];
    let rest = routes.iter().find_map(|route| name.strip_prefix(route))?;
    let backend = rest.split_once("-ep-")?.1.split_once("-svc-")?.1;
    Some(Service::joined(&format!(
        "{}-http",
        without_number(backend)?
    )))
}

/// A name without the number behind it.
fn without_number(name: &str) -> Option<&str> {
    let (name, number) = name.rsplit_once('-')?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (digits && !name.is_empty()).then_some(name)
}

/// Whether a label tells anything: proxies write a word where they do not know.
fn told(value: &str) -> bool {
    !matches!(value, "" | "-" | "unknown")
}

/// A service and one of its versions, as labels name them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service {
    /// Namespace; empty where it stands in the name.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Version; empty where the versions are not told apart.
    pub version: String,
}

impl Service {
    fn joined(name: &str) -> Self {
        Self {
            namespace: String::new(),
            name: name.to_owned(),
            version: String::new(),
        }
    }
}

/// Labels that name a service in overridden queries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// The label with the namespace.
    pub namespace: String,
    /// The label with the name.
    pub service: String,
    /// The label with the version, where there is one.
    pub version: Option<String>,
}

/// The three queries that tell about services, with `{selector}` and `{window}` in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuerySet {
    /// On which it is built.
    pub dialect: Dialect,
    /// Requests per second.
    pub requests: String,
    /// Failed requests, per second or in percent.
    pub errors: String,
    /// Whether they are in percent.
    pub errors_in_percent: bool,
    /// 95th percentile in milliseconds.
    pub p95_ms: String,
    /// The labels that name a service, where they are not those of the dialect.
    pub labels: Option<Labels>,
}

impl QuerySet {
    /// The service and version that a set of labels names; `None` where no service is named.
    pub fn service(&self, labels: &BTreeMap<String, String>) -> Option<Service> {
        let Some(named) = &self.labels else {
            return self.dialect.service(labels);
        };
        let label = |name: &str| labels.get(name).filter(|value| told(value)).cloned();
        let version = named.version.as_deref().and_then(label);
        Some(Service {
            namespace: label(&named.namespace).unwrap_or_default(),
            name: label(&named.service)?,
            version: version.unwrap_or_default(),
        })
    }
}

impl Prometheus {
    /// A query for the region: the selector and the window in their places.
    pub fn fill(&self, query: &str) -> String {
        let window = format!("{}s", self.window);
        query
            .replace("{selector}", &self.selector)
            .replace("{window}", &window)
    }

    /// The dialects on which any of its queries is built.
    pub fn dialects(&self) -> BTreeSet<Dialect> {
        let services = self.queries.iter().map(|set| set.dialect);
        services
            .chain(self.users.iter().map(|set| set.dialect))
            .collect()
    }

    /// Asks which of the dialects are spoken, or were lately: what has stopped is worth a row that says so.
    pub fn spoken(&self) -> String {
        // An Envoy of something else has the same metric: only series of services count.
        let series = self.dialects().into_iter().map(|dialect| {
            let (own, metric) = (dialect.of_services(), dialect.metric());
            format!("last_over_time({metric}{{{own}{{selector}}}}[40m])")
        });
        let series: Vec<String> = series.collect();
        self.fill(&format!("count by (__name__) ({})", series.join(" or ")))
    }

    /// Asks how many targets answer and how many do not.
    pub fn targets(&self) -> String {
        format!("count_values(\"state\", up{{{}}})", self.selector)
    }

    /// Asks which alerts fire, and since when: its value is a time where the server keeps one.
    pub fn firing(&self) -> String {
        let own = &self.selector;
        let firing = format!("ALERTS{{alertstate=\"firing\",{own}}}");
        format!(
            "(ALERTS_FOR_STATE{{{own}}} and ignoring(alertstate) {firing}) or ignoring(alertstate) {firing}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(selector: &str) -> Prometheus {
        Prometheus {
            url: "http://p.example".to_owned(),
            auth: Auth::None,
            ca_file: None,
            selector: selector.to_owned(),
            window: 60,
            tenant: None,
            queries: Dialect::ALL.map(|(_, dialect)| dialect.queries()).to_vec(),
            users: Dialect::ALL.map(|(_, dialect)| dialect.users()).to_vec(),
        }
    }

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    fn named(dialect: Dialect, pairs: &[(&str, &str)]) -> Option<(String, String, String)> {
        let service = dialect.queries().service(&labels(pairs))?;
        Some((service.namespace, service.name, service.version))
    }

    #[test]
    fn a_query_has_the_selector_and_the_window_in_their_places() {
        let query = server("region=\"eu\"").fill(&Dialect::Istio.requests());
        assert_eq!(
            query,
            "sum by (destination_service_namespace, destination_service_name, destination_version) (rate(istio_requests_total{reporter=~\"destination|waypoint\",region=\"eu\"}[60s]) and istio_requests_total{reporter=~\"destination|waypoint\",region=\"eu\"})"
        );
        // A comma before the closing brace is PromQL; one after the opening brace is not.
        let all = |server: &Prometheus| {
            let sets = server.queries.iter();
            let services = sets.flat_map(|set| [&set.requests, &set.errors, &set.p95_ms]);
            let sets = server.users.iter();
            let users = sets.flat_map(|set| [&set.requests, &set.errors, &set.p95_ms, &set.p99_ms]);
            let texts = services.chain(users);
            let mut all: Vec<String> = texts.map(|text| server.fill(text)).collect();
            all.extend([server.spoken(), server.targets(), server.firing()]);
            all
        };
        for query in [all(&server("")), all(&server("a=\"b\""))].concat() {
            assert!(!query.contains("{,"), "{query}");
            for (open, close) in [('(', ')'), ('{', '}'), ('[', ']')] {
                let count = |c: char| query.matches(c).count();
                assert_eq!(count(open), count(close), "{query}");
            }
            assert!(!query.contains("selector") && !query.contains("window"));
        }
        assert_eq!(
            server("a=\"b\"").targets(),
            "count_values(\"state\", up{a=\"b\"})"
        );
    }

    #[test]
    fn each_dialect_names_its_services_in_its_own_way() {
        let told = |namespace: &str, name: &str, version: &str| {
            Some((namespace.to_owned(), name.to_owned(), version.to_owned()))
        };
        let istio = [
            ("destination_service_namespace", "shop"),
            ("destination_service_name", "checkout"),
            ("destination_version", "unknown"),
        ];
        assert_eq!(named(Dialect::Istio, &istio), told("shop", "checkout", ""));
        let nginx = [
            ("exported_namespace", "shop"),
            ("namespace", "ingress-nginx"),
            ("exported_service", "checkout"),
            ("service", "controller-metrics"),
        ];
        assert_eq!(
            named(Dialect::IngressNginx, &nginx),
            told("shop", "checkout", "")
        );
        let canary = [&nginx[..], &[("canary", "shop-checkout-canary-80")]].concat();
        assert_eq!(
            named(Dialect::IngressNginx, &canary),
            told("shop", "checkout-canary", "")
        );
        let by_name = [&nginx[..], &[("canary", "shop-checkout-canary-http-web")]].concat();
        assert_eq!(
            named(Dialect::IngressNginx, &by_name),
            told("", "shop-checkout-canary-http-web", "")
        );
        let envoy = [("envoy_cluster_name", "httproute/shop/checkout/rule/0")];
        assert_eq!(
            named(Dialect::EnvoyGateway, &envoy),
            told("shop", "checkout", "")
        );
        let traefik = [("service", "shop-checkout-80@kubernetescrd")];
        assert_eq!(
            named(Dialect::Traefik, &traefik),
            told("", "shop-checkout-80", "")
        );
        // Traefik 3.7.6 and later, as its migration notes spell it.
        let gateway = [(
            "service",
            "httproute-default-http-app-1-gw-default-my-gateway-ep-web-0-af329269dd38031b03e3-svc-default-whoami-0@kubernetesgateway",
        )];
        assert_eq!(
            named(Dialect::Traefik, &gateway),
            told("", "default-whoami-http", "")
        );
        assert_eq!(named(Dialect::Traefik, &[]), None);
    }
}
