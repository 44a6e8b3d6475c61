//! A Prometheus over HTTP: services, alerts, and every way in which it does not answer.

use std::{
    collections::BTreeMap,
    io::Write as _,
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use pilothouse::{
    provider::ask::Ask,
    resources::{
        Answer, ErrorClass, Estate, Fleet, Freshness, ProviderError, Query, RegionLabel, Rows,
        Source, Wanted, alarms,
        metrics::{
            self, Quality, Reading, Series,
            dialect::{Auth, Dialect, Prometheus, Secret},
        },
    },
};

use crate::wire::Wire;

/// What comes back for a query: status, a header, a body.
pub(super) type Reply = (u16, Option<(&'static str, String)>, Vec<u8>);
/// The path with its query as it came, the `Authorization`, and the tenant.
type Asked = (String, Option<String>, Option<String>);
type Script = dyn Fn(&str) -> Option<Reply> + Send + Sync;

/// A scripted server. `None` from the script keeps the connection open and says nothing.
pub(super) struct Server {
    socket: Arc<tiny_http::Server>,
    /// What was asked.
    pub(super) asked: Arc<Mutex<Vec<Asked>>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(script: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let script: Arc<Script> = Arc::new(script);
        let socket = Arc::new(tiny_http::Server::http("127.0.0.1:0").unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (listening, log) = (Arc::clone(&socket), Arc::clone(&asked));
        let thread = thread::spawn(move || {
            let mut hanging = Vec::new();
            while let Ok(request) = listening.recv() {
                let header = |name: &'static str| {
                    let mut headers = request.headers().iter();
                    headers
                        .find(|header| header.field.equiv(name))
                        .map(|h| h.value.to_string())
                };
                log.lock().unwrap().push((
                    request.url().to_owned(),
                    header("Authorization"),
                    header("X-Scope-OrgID"),
                ));
                let Some((status, header, body)) = script(&decoded(request.url())) else {
                    hanging.push(request);
                    continue;
                };
                let header = header.map(|(name, value)| format!("{name}: {value}\r\n"));
                let head = format!(
                    "HTTP/1.1 {status} x\r\n{}Connection: close\r\nContent-Length: {}\r\n\r\n",
                    header.unwrap_or_default(),
                    body.len()
                );
                let mut writer = request.into_writer();
                // The client may have given up.
                let _ = writer
                    .write_all(head.as_bytes())
                    .and_then(|()| writer.write_all(&body))
                    .and_then(|()| writer.flush());
            }
        });
        Self {
            socket,
            asked,
            thread: Some(thread),
        }
    }

    pub(super) fn settings(&self) -> Prometheus {
        Prometheus {
            url: format!("http://{}/prom", self.socket.server_addr()),
            auth: Auth::None,
            ca_file: None,
            selector: "region=\"eu\"".to_owned(),
            window: 60,
            tenant: None,
            queries: Dialect::ALL.map(|(_, dialect)| dialect.queries()).to_vec(),
            users: Dialect::ALL.map(|(_, dialect)| dialect.users()).to_vec(),
        }
    }

    pub(super) fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(url, _, _)| decoded(url)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.socket.unblock();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

pub(super) fn decoded(url: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = url.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let text = std::str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(text, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

pub(super) fn estate(settings: Prometheus) -> Estate {
    let mut estate = Wire::estate(&["eu-west-1"]);
    estate
        .prometheus
        .insert(RegionLabel::new("eu-west-1").unwrap(), settings);
    estate
}

pub(super) async fn observe(settings: Prometheus, source: Source) -> Result<Answer, ProviderError> {
    let (estate, query) = (estate(settings), query(source));
    let config = aws_config::SdkConfig::builder().build();
    let ask = Ask::new(&estate, &query.place, config);
    match source {
        Source::FiringAlerts => alarms::live::observe(ask, &query).await,
        _ => metrics::live::observe(ask, &query).await,
    }
}

/// A server with a script, and what a console reads of its services.
pub(super) async fn answered(
    script: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static,
) -> (Server, Answer) {
    let server = Server::start(script);
    let answer = observe(server.settings(), Source::Prometheus).await;
    (server, answer.unwrap())
}

/// A fleet that has taken an answer in.
pub(super) fn fleet(server: &Server, answer: Answer) -> Fleet {
    let now = jiff::Timestamp::now();
    let mut fleet = Fleet::new(Arc::new(estate(server.settings())), now);
    let query = query(Source::Prometheus);
    fleet.accept(&query, answer, now, std::time::Duration::ZERO);
    fleet
}

pub(super) fn query(source: Source) -> Query {
    Query {
        source,
        place: Wire::place("eu-west-1"),
        wanted: Wanted::Nothing,
        read: 0,
    }
}

pub(super) fn series(answer: &Answer) -> BTreeMap<&str, &Series> {
    match &answer.rows {
        Rows::Metrics(rows) => rows
            .iter()
            .map(|row| (row.spec.key.as_str(), row))
            .collect(),
        other => panic!("rows of metrics, not {:?}", other.kind()),
    }
}

#[allow(clippy::unnecessary_wraps)] // what a script returns
fn ok(body: &str) -> Option<Reply> {
    let body = format!(r#"{{"status":"success","data":{body}}}"#);
    Some((200, None, body.into_bytes()))
}

/// A range vector; each series with its values of the last minutes, the newest first.
pub(super) fn matrix(series: &[(&str, &[&str])]) -> Option<Reply> {
    let now = jiff::Timestamp::now().as_second();
    let rows: Vec<String> = series
        .iter()
        .map(|(labels, values)| {
            let values: Vec<String> = values
                .iter()
                .zip(0..)
                .map(|(value, index)| format!(r#"[{},"{value}"]"#, now - 60 * index))
                .collect();
            format!(r#"{{"metric":{labels},"values":[{}]}}"#, values.join(","))
        })
        .collect();
    ok(&format!(
        r#"{{"resultType":"matrix","result":[{}]}}"#,
        rows.join(",")
    ))
}

pub(super) fn vector(series: &[(&str, &str)]) -> Option<Reply> {
    let rows: Vec<String> = series
        .iter()
        .map(|(labels, value)| format!(r#"{{"metric":{labels},"value":[1700000000,"{value}"]}}"#))
        .collect();
    ok(&format!(
        r#"{{"resultType":"vector","result":[{}]}}"#,
        rows.join(",")
    ))
}

const V1: &str = r#"{"destination_service_namespace":"shop","destination_service_name":"checkout","destination_version":"v1"}"#;
const V2: &str = r#"{"destination_service_namespace":"shop","destination_service_name":"checkout","destination_version":"v2"}"#;

/// Istio with two versions of a service, of which only one has errors.
pub(super) fn istio(asked: &str) -> Option<Reply> {
    if asked.contains("buildinfo") {
        ok(r#"{"version":"2.42.0"}"#)
    } else if asked.contains("last_over_time") {
        vector(&[(r#"{"__name__":"istio_requests_total"}"#, "12")])
    } else if asked.contains("source_workload") {
        // Nobody comes through a gateway.
        matrix(&[])
    } else if asked.contains("count_values") {
        matrix(&[
            (r#"{"state":"1"}"#, &["3", "3"]),
            (r#"{"state":"0"}"#, &["1"]),
        ])
    } else if asked.contains("histogram_quantile") {
        matrix(&[(V1, &["90.5", "91"]), (V2, &["NaN", "800"])])
    } else if asked.contains("response_code") {
        matrix(&[(V2, &["2.5"])])
    } else {
        matrix(&[
            (V1, &["40", "41"]),
            (V2, &["5", "4"]),
            (r#"{"job":"x"}"#, &["1"]),
        ])
    }
}

#[tokio::test]
async fn each_version_of_a_service_has_its_requests_errors_and_latency() {
    let (server, answer) = answered(istio).await;
    assert_eq!(answer.problems, []);
    let rows = series(&answer);
    let newest = |key: &str| rows[key].points.first().map(|point| point.value);
    let values = |key: &str| -> Vec<f64> { rows[key].points.iter().map(|p| p.value).collect() };
    assert_eq!(values("service/shop/checkout/v1/requests"), [40.0, 41.0]);
    assert_eq!(
        values("service/shop/checkout/v1/errors"),
        [0.0, 0.0],
        "none beside requests"
    );
    assert_eq!(values("service/shop/checkout/v2/errors"), [50.0, 0.0]);
    assert_eq!(
        values("service/shop/checkout/v2/p95"),
        [800.0],
        "NaN is no value"
    );
    assert_eq!(
        (
            newest("prometheus/targets-up"),
            newest("prometheus/targets-down")
        ),
        (Some(3.0), Some(1.0))
    );
    assert_eq!(rows.len(), 12, "and four of the users");
    let about = &rows["prometheus/targets-up"].spec.dimensions;
    assert!(
        about.contains(&("version".to_owned(), "2.42.0".to_owned())),
        "{about:?}"
    );
    let asked = server.asked();
    let range = asked.iter().find(|url| url.contains("sum by")).unwrap();
    assert!(range.starts_with("/prom/api/v1/query_range?query=") && range.ends_with("&step=60"));
    assert!(
        asked
            .iter()
            .all(|url| url.contains("buildinfo") || url.contains("region=\"eu\""))
    );
    assert!(
        !asked.iter().any(|url| url.contains("rate(nginx")),
        "what is not there is not asked"
    );
}

#[tokio::test]
async fn a_fleet_reads_the_newest_minute_at_once() {
    let (server, answer) = answered(istio).await;
    let (fleet, place) = (fleet(&server, answer), Wire::place("eu-west-1"));
    let signals = fleet.service_signals(&place, "shop", "checkout");
    let errors: Vec<_> = signals
        .iter()
        .map(|s| (s.version.as_str(), s.error_percent.usable()))
        .collect();
    assert_eq!(errors, [("v1", Some(0.0)), ("v2", Some(50.0))]);
    let old = signals[1].p95_ms.freshness();
    assert_eq!(old, Freshness::Stale, "its only value is a minute older");
}

#[tokio::test]
async fn an_empty_answer_is_no_data_and_never_zero() {
    let empty = |asked: &str| {
        if asked.contains("query_range") {
            matrix(&[])
        } else {
            vector(&[])
        }
    };
    let (server, answer) = answered(empty).await;
    let rows = series(&answer);
    let keys: Vec<&str> = rows.keys().copied().collect();
    assert_eq!(
        keys,
        [
            "prometheus/targets-down",
            "prometheus/targets-up",
            "users/errors",
            "users/p95",
            "users/p99",
            "users/requests"
        ]
    );
    assert!(rows.values().all(|row| row.points.is_empty()));
    let (fleet, place) = (fleet(&server, answer), Wire::place("eu-west-1"));
    assert_eq!(
        fleet.reading(&place, "prometheus/targets-up"),
        Reading::NoData
    );
}

#[tokio::test]
async fn a_window_that_is_too_short_for_the_scrapes_is_explained() {
    let (_server, answer) = answered(|asked| {
        let rate = asked.contains("rate(");
        if rate { matrix(&[]) } else { istio(asked) }
    })
    .await;
    let [problem] = answer.problems.as_slice() else {
        panic!("one problem: {:?}", answer.problems);
    };
    assert!(problem.message.contains("Set `window`"), "{problem}");
}

#[tokio::test]
async fn when_no_query_of_services_is_answered_the_old_series_stay() {
    let server = Server::start(|asked| {
        if asked.contains("rate(") {
            return Some((503, None, b"<html>".to_vec()));
        }
        istio(asked)
    });
    let error = observe(server.settings(), Source::Prometheus).await;
    assert_eq!(
        error.map_err(|error| (error.class, error.message)).err(),
        Some((ErrorClass::Transient, "HTTP 503".to_owned()))
    );
}

#[tokio::test]
async fn a_query_of_ones_own_without_the_labels_of_a_service_is_told() {
    let server = Server::start(|asked| {
        if asked.contains("mine") {
            return matrix(&[("{}", &["3.5"])]);
        }
        istio(asked)
    });
    let mut settings = server.settings();
    settings.queries.truncate(1);
    settings.queries[0].requests = "sum(rate(mine{{selector}}[1m]))".to_owned();
    let answer = observe(settings, Source::Prometheus).await.unwrap();
    let told: Vec<&str> = answer.problems.iter().map(|p| p.message.as_str()).collect();
    assert!(
        told.iter()
            .any(|text| text.contains("1 series, none of which has the label")),
        "{told:?}"
    );
}

#[tokio::test]
async fn one_query_that_is_refused_blinds_its_own_signal_only() {
    let (_server, answer) = answered(|asked| {
        if asked.contains("histogram_quantile") {
            let body = r#"{"status":"error","errorType":"execution","error":"would load too many samples"}"#;
            return Some((422, None, body.as_bytes().to_vec()));
        }
        istio(asked)
    }).await;
    let rows = series(&answer);
    assert_eq!(
        rows["service/shop/checkout/v1/requests"].quality,
        Quality::Complete
    );
    assert_eq!(
        rows["service/shop/checkout/v1/p95"].quality,
        Quality::Failed
    );
    assert_eq!(answer.problems.len(), 1);
    assert_eq!(
        answer.problems[0].message,
        "execution: would load too many samples"
    );
}

#[tokio::test]
async fn what_the_server_says_is_missing_makes_its_values_doubtful() {
    let (_server, answer) = answered(|asked| {
        let (status, header, body) = istio(asked)?;
        let text = String::from_utf8(body).unwrap();
        let text = text.replacen(
            "{\"status\"",
            "{\"warnings\":[\"store eu-2: unavailable\"],\"status\"",
            1,
        );
        let rate = asked.contains("sum by");
        Some((
            status,
            header,
            if rate {
                text.into_bytes()
            } else {
                istio(asked)?.2
            },
        ))
    })
    .await;
    let rows = series(&answer);
    assert_eq!(
        rows["service/shop/checkout/v1/requests"].quality,
        Quality::Partial
    );
    let told: Vec<&str> = answer.problems.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(told, ["store eu-2: unavailable"], "once, in its words");
}

#[tokio::test]
async fn every_way_of_not_answering_has_its_class_and_words() {
    let html = (200, None, b"<html><title>Sign in</title></html>".to_vec());
    let moved = (
        302,
        Some(("Location", "https://login.example.com/".to_owned())),
        Vec::new(),
    );
    let half = (
        200,
        None,
        br#"{"status":"success","data":{"resultType":"vec"#.to_vec(),
    );
    let huge = (200, None, vec![b' '; 17 * 1024 * 1024]);
    let cases: [(Reply, ErrorClass, &str); 9] = [
        (
            (401, None, b"Unauthorized".to_vec()),
            ErrorClass::Identity,
            "HTTP 401: Unauthorized",
        ),
        ((403, None, Vec::new()), ErrorClass::Denied, "HTTP 403"),
        (
            (404, None, Vec::new()),
            ErrorClass::NotFound,
            "no Prometheus API",
        ),
        ((429, None, Vec::new()), ErrorClass::Throttled, "HTTP 429"),
        (
            (503, None, b"upstream connect error".to_vec()),
            ErrorClass::Transient,
            "upstream connect error",
        ),
        (html, ErrorClass::Terminal, "login page"),
        (moved, ErrorClass::Terminal, "https://login.example.com/"),
        (half, ErrorClass::Transient, "stops in the middle"),
        (huge, ErrorClass::Terminal, "more than 16 MiB"),
    ];
    for (reply, class, words) in cases {
        let status = reply.0;
        let server = Server::start(move |_| Some(reply.clone()));
        for source in [Source::Prometheus, Source::FiringAlerts] {
            let error = observe(server.settings(), source).await.unwrap_err();
            assert_eq!(error.class, class, "{status}: {error}");
            assert!(error.message.contains(words), "{status}: {error}");
        }
    }
    let gone = Server::start(|_| None).settings();
    let error = observe(gone, Source::Prometheus).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Unreachable, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_is_given_up() {
    let server = Server::start(|_| None);
    let error = observe(server.settings(), Source::Prometheus)
        .await
        .unwrap_err();
    assert_eq!(error.class, ErrorClass::Timeout, "{error}");
}

#[tokio::test]
async fn a_token_is_read_from_its_file_and_is_in_no_error() {
    // Some proxies say again what they refuse.
    let refusal = b"forbidden: token Bearer s3cret may not".to_vec();
    let server = Server::start(move |_| Some((403, None, refusal.clone())));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "s3cret\n").unwrap();
    let with = |path: String| Prometheus {
        auth: Auth::Bearer(Secret::File(path)),
        ..server.settings()
    };
    let error = observe(with(path.display().to_string()), Source::Prometheus)
        .await
        .unwrap_err();
    assert!(!format!("{error:?}").contains("s3cret"));
    let sent = server.asked.lock().unwrap()[0].1.clone();
    assert_eq!(sent.as_deref(), Some("Bearer s3cret"));
    let missing = observe(with("/nonexistent".to_owned()), Source::Prometheus)
        .await
        .unwrap_err();
    assert_eq!(missing.class, ErrorClass::Identity, "{missing}");
}

#[tokio::test]
async fn firing_alerts_are_alarms_of_the_region() {
    let server = Server::start(|_| {
        vector(&[
            (
                r#"{"__name__":"ALERTS_FOR_STATE","alertname":"Errors","severity":"critical","service":"checkout"}"#,
                "1700000000",
            ),
            (
                r#"{"__name__":"ALERTS","alertname":"Slow","alertstate":"firing"}"#,
                "1",
            ),
        ])
    });
    let answer = observe(server.settings(), Source::FiringAlerts)
        .await
        .unwrap();
    let Rows::Alarms(alerts) = &answer.rows else {
        panic!("alarms");
    };
    let told: Vec<_> = alerts
        .iter()
        .map(|alert| {
            (
                alert.name.as_str(),
                alert.state.as_str(),
                alert.since.is_some(),
            )
        })
        .collect();
    assert_eq!(told, [("Errors", "ALARM", true), ("Slow", "ALARM", false)]);
    assert!(server.asked()[0].contains("ALERTS{alertstate=\"firing\",region=\"eu\"}"));
}
