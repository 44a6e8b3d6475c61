//! What a Prometheus is asked about the users of a whole region, at its door, and the keys of what it tells. Owns which requests are those of users; asks nobody.

use serde::{Deserialize, Serialize};

use super::{Stat, dialect::Dialect};

/// What is measured of the users of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserSignal {
    /// Requests per second.
    Requests,
    /// Failed requests in percent of all.
    Errors,
    /// 95th percentile of the response time in milliseconds.
    P95,
    /// 99th percentile of the response time in milliseconds.
    P99,
}

/// What the keys begin with.
pub(super) const PREFIX: &str = "users/";

impl UserSignal {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Requests, Self::Errors, Self::P95, Self::P99];

    /// The key of its series, one for each region.
    pub fn key(self) -> &'static str {
        match self {
            Self::Requests => "users/requests",
            Self::Errors => "users/errors",
            Self::P95 => "users/p95",
            Self::P99 => "users/p99",
        }
    }

    /// What its points are.
    pub fn stat(self) -> Stat {
        match self {
            Self::Requests | Self::Errors => Stat::Average,
            Self::P95 => Stat::P95,
            Self::P99 => Stat::P99,
        }
    }
}

/// The four queries that tell what the users of a region get, with `{selector}` and `{window}` in them: one value for the region each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserQueries {
    /// On which they are built.
    pub dialect: Dialect,
    /// Requests per second.
    pub requests: String,
    /// Failed requests, per second or in percent.
    pub errors: String,
    /// Whether they are in percent.
    pub errors_in_percent: bool,
    /// 95th percentile in milliseconds.
    pub p95_ms: String,
    /// 99th percentile in milliseconds.
    pub p99_ms: String,
}

/// Who is at the door of a mesh: gateways (`istio-ingressgateway` of `istioctl`, `istio-ingress` of the Helm chart, `<gateway>-istio` of the Gateway API), and
/// callers without a proxy. A service of the mesh may well be called `payment-gateway`, so that a gateway with a name of its own is left to own queries:
/// none is seen at once, too many are not. What leaves by an egress gateway is nobody's request.
const AT_THE_DOOR: &str = "source_workload=~\"unknown|.*ingress.*|istio-.*gateway.*|.*-istio\",source_workload!~\".*egress.*\",";
/// Flags with which a gateway says that it reached nobody: no healthy endpoint, no connection, no room, no such cluster.
const REACHED_NOBODY: &str = "UH|UF|UO|NC";
/// Flags with which it says that what it reached did not answer in time, or went away: these requests are in the count of whoever began to answer.
const NOT_ANSWERED: &str = "UT|UC";

impl Dialect {
    /// What is asked about the users of a region where nothing is overridden.
    ///
    /// ingress-nginx, Envoy Gateway and Traefik take nothing but what comes from outside, so theirs are the queries of services, summed over everything.
    /// They count what they refuse or cannot deliver themselves among the failed ones.
    ///
    /// A mesh counts calls between services too, so that only what came through its door counts. It is counted where it is answered (`reporter` of the
    /// server's proxy or its waypoint): a gateway reports as `source` only, and its count goes on when it sends its users to another region, where they
    /// are counted by those who answer them. What a gateway could hand to nobody is in no server's count: a region whose pods are all gone would look
    /// like one that nobody asks. For these, and for answers that did not come in time, the gateway's own word counts.
    pub fn users(self) -> UserQueries {
        let quantile = |q: &str| {
            let (factor, bucket) = self.bucket();
            let own = self.at_the_door();
            format!(
                "{factor}histogram_quantile({q}, sum by (le) (rate({bucket}{{{own}{{selector}}}}[{{window}}])))"
            )
        };
        UserQueries {
            dialect: self,
            requests: self.users_requests(),
            errors: self.users_errors(),
            errors_in_percent: false,
            p95_ms: quantile("0.95"),
            p99_ms: quantile("0.99"),
        }
    }

    /// What selects the requests of users among all that are answered.
    fn at_the_door(self) -> String {
        let door = match self {
            Self::Istio => AT_THE_DOOR,
            Self::IngressNginx | Self::EnvoyGateway | Self::Traefik => "",
        };
        format!("{}{door}", self.of_services())
    }

    /// What selects the failed requests that only the gateway knows of, by its flags, where it counts apart from those who answer.
    fn known_to_the_gateway(self, flags: &str) -> Option<String> {
        match self {
            Self::Istio => Some(format!(
                "reporter=\"source\",response_code=~\"5..\",response_flags=~\".*({flags}).*\",{AT_THE_DOOR}"
            )),
            Self::IngressNginx | Self::EnvoyGateway | Self::Traefik => None,
        }
    }

    fn users_requests(self) -> String {
        let metric = self.metric();
        // A rate goes on for its whole window after the last sample: what reports no more is left out at once.
        let rate = |own: &str| {
            let series = format!("{metric}{{{own}{{selector}}}}");
            format!("rate({series}[{{window}}]) and {series}")
        };
        let answered = rate(&self.at_the_door());
        match self
            .known_to_the_gateway(REACHED_NOBODY)
            .as_deref()
            .map(rate)
        {
            None => format!("sum({answered})"),
            Some(undelivered) => format!("sum(({answered}) or ({undelivered}))"),
        }
    }

    fn users_errors(self) -> String {
        let metric = self.metric();
        let rate = |own: &str| format!("rate({metric}{{{own}{{selector}}}}[{{window}}])");
        let door = self.at_the_door();
        let failed = self.failed().iter();
        let failed = failed.map(|failed| rate(&format!("{door}{failed},")));
        let flags = format!("{REACHED_NOBODY}|{NOT_ANSWERED}");
        let own = self.known_to_the_gateway(&flags);
        let all: Vec<String> = failed.chain(own.as_deref().map(rate)).collect();
        format!("sum({})", all.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_of_a_mesh_are_counted_where_they_are_answered_or_where_they_reach_nobody() {
        let door = "source_workload=~\"unknown|.*ingress.*|istio-.*gateway.*|.*-istio\",source_workload!~\".*egress.*\",";
        let answered = format!("reporter=~\"destination|waypoint\",{door}");
        let gateway = |flags: &str| {
            format!(
                "reporter=\"source\",response_code=~\"5..\",response_flags=~\".*({flags}).*\",{door}"
            )
        };
        let (nobody, failed) = (gateway("UH|UF|UO|NC"), gateway("UH|UF|UO|NC|UT|UC"));
        let queries = Dialect::Istio.users();
        let metric = "istio_requests_total";
        assert_eq!(
            queries.requests,
            format!(
                "sum((rate({metric}{{{answered}{{selector}}}}[{{window}}]) and {metric}{{{answered}{{selector}}}}) or (rate({metric}{{{nobody}{{selector}}}}[{{window}}]) and {metric}{{{nobody}{{selector}}}}))"
            )
        );
        assert_eq!(
            queries.errors,
            format!(
                "sum(rate({metric}{{{answered}response_code=~\"5..\",{{selector}}}}[{{window}}]) or rate({metric}{{{answered}grpc_response_status=~\"2|4|12|13|14|15\",{{selector}}}}[{{window}}]) or rate({metric}{{{failed}{{selector}}}}[{{window}}]))"
            )
        );
        assert_eq!(
            queries.p99_ms,
            format!(
                "histogram_quantile(0.99, sum by (le) (rate(istio_request_duration_milliseconds_bucket{{{answered}{{selector}}}}[{{window}}])))"
            )
        );
    }

    #[test]
    fn what_a_gateway_takes_is_all_of_users() {
        let nginx = Dialect::IngressNginx.users();
        assert_eq!(
            nginx.requests,
            "sum(rate(nginx_ingress_controller_requests{ingress!=\"\",{selector}}[{window}]) and nginx_ingress_controller_requests{ingress!=\"\",{selector}})"
        );
        assert_eq!(
            nginx.errors,
            "sum(rate(nginx_ingress_controller_requests{ingress!=\"\",status=~\"5..\",{selector}}[{window}]))"
        );
        assert_eq!(
            nginx.p95_ms,
            "1000 * histogram_quantile(0.95, sum by (le) (rate(nginx_ingress_controller_request_duration_seconds_bucket{ingress!=\"\",{selector}}[{window}])))"
        );
        let envoy = Dialect::EnvoyGateway.users();
        assert_eq!(
            envoy.requests,
            "sum(rate(envoy_cluster_upstream_rq_xx{envoy_cluster_name=~\"(http|grpc)route/.+\",{selector}}[{window}]) and envoy_cluster_upstream_rq_xx{envoy_cluster_name=~\"(http|grpc)route/.+\",{selector}})"
        );
        let traefik = Dialect::Traefik.users();
        assert_eq!(
            traefik.errors,
            "sum(rate(traefik_service_requests_total{code=~\"5..\",{selector}}[{window}]))"
        );
        assert_eq!(
            traefik.p99_ms,
            "1000 * histogram_quantile(0.99, sum by (le) (rate(traefik_service_request_duration_seconds_bucket{{selector}}[{window}])))"
        );
    }
}
