//! The users of a region that AWS does not serve, as a Prometheus over HTTP tells them: what the home screen shows, which door counts, and what fails alone.

use std::sync::Arc;

use pilothouse::{
    provider::{ask::Ask, memory::Memory},
    resources::{
        Answer, Fleet, ProviderError, RegionLabel, Source,
        metrics::{
            self, Quality, Reading,
            dialect::{Dialect, Prometheus},
        },
        regions::demand::{Demand, Teller},
    },
};

use super::prometheus::{Reply, Server, answered, estate, istio, matrix, observe, query, series};

const REGION: &str = "eu-west-1";

/// Istio, whose gateways get requests.
fn at_the_door(asked: &str) -> Option<Reply> {
    let one = |values: &[&str]| matrix(&[("{}", values)]);
    if !asked.contains("source_workload") {
        istio(asked)
    } else if asked.contains("histogram_quantile(0.99") {
        one(&["310", "300"])
    } else if asked.contains("histogram_quantile(0.95") {
        one(&["120", "NaN"])
    } else if asked.contains("grpc_response_status") {
        one(&["2.5"])
    } else {
        one(&["250", "240"])
    }
}

/// What the home screen shows of a region that is no AWS Region, after an answer.
fn demand(server: &Server, answer: Answer) -> Demand {
    let now = jiff::Timestamp::now();
    let mut estate = estate(server.settings());
    estate.regions[0].aws_region = None;
    let label = RegionLabel::new(REGION).unwrap();
    let mut fleet = Fleet::new(Arc::new(estate), now);
    fleet.accept(
        &query(Source::Prometheus),
        answer,
        now,
        std::time::Duration::ZERO,
    );
    assert_eq!(Teller::of(&fleet, &label), Teller::Prometheus);
    fleet.rollup(&label).demand.clone()
}

/// Another poll of the same console.
async fn again(memory: &Arc<Memory>, settings: &Prometheus) -> Result<Answer, ProviderError> {
    let (estate, query) = (estate(settings.clone()), query(Source::Prometheus));
    let config = aws_config::SdkConfig::builder().build();
    let ask = Ask::new(&estate, &query.place, config).remembering(Arc::clone(memory));
    metrics::live::observe(ask, &query).await
}

#[tokio::test]
async fn a_region_without_aws_shows_what_its_users_get() {
    let (server, answer) = answered(at_the_door).await;
    assert_eq!(answer.problems, []);
    let told_by = &series(&answer)["users/requests"].spec.dimensions;
    assert_eq!(*told_by, [("dialect".to_owned(), "istio".to_owned())]);
    let shown = demand(&server, answer);
    let value = |reading: Option<Reading>| reading.and_then(Reading::usable);
    assert_eq!(value(shown.requests_per_second), Some(250.0));
    assert_eq!(value(shown.error_percent), Some(1.0));
    assert_eq!(value(shown.p95_ms), Some(120.0));
    assert_eq!(value(shown.p99_ms), Some(310.0));
    // One call for the dialects, one for the server, one for its targets, three for services and four for users.
    let asked = server.asked();
    assert_eq!(asked.len(), 10, "{asked:#?}");
    let mut users = asked.iter().filter(|url| url.contains("source_workload"));
    assert!(users.all(|url| url.contains("query_range") && url.contains("region=\"eu\"")));
}

#[tokio::test]
async fn no_request_at_any_door_is_no_data() {
    let (server, answer) = answered(istio).await;
    assert_eq!(answer.problems, []);
    let shown = demand(&server, answer);
    assert_eq!(shown.requests_per_second, Some(Reading::NoData));
    assert_eq!(shown.error_percent, Some(Reading::NoData));
    assert_eq!(shown.p95_ms, Some(Reading::NoData));
}

#[tokio::test]
async fn a_region_that_is_drained_shows_no_requests_and_no_errors() {
    let (server, answer) = answered(|asked| {
        let door = asked.contains("source_workload");
        if door && asked.contains("histogram") {
            return matrix(&[("{}", &["NaN", "NaN", "NaN", "90"])]);
        } else if door {
            return matrix(&[("{}", &["0", "0", "0", "12"])]);
        }
        istio(asked)
    })
    .await;
    let shown = demand(&server, answer);
    assert_eq!(
        shown.requests_per_second.and_then(Reading::usable),
        Some(0.0)
    );
    assert_eq!(shown.error_percent, Some(Reading::NoData));
    assert_eq!(shown.p95_ms, Some(Reading::NoData));
}

#[tokio::test]
async fn the_first_door_that_has_requests_counts_and_never_the_sum() {
    let both = |asked: &str| {
        if asked.contains("last_over_time") {
            return super::prometheus::vector(&[
                (r#"{"__name__":"istio_requests_total"}"#, "12"),
                (r#"{"__name__":"traefik_service_requests_total"}"#, "3"),
            ]);
        } else if asked.contains("traefik") && asked.contains("sum(rate") {
            return matrix(&[("{}", &["90"])]);
        } else if asked.contains("traefik") {
            return matrix(&[]);
        }
        at_the_door(asked)
    };
    let newest = |answer: &Answer| {
        let rows = series(answer);
        let row = rows["users/requests"];
        (row.points.first().map(|point| point.value), row.quality)
    };
    let (server, answer) = answered(both).await;
    assert_eq!(newest(&answer), (Some(250.0), Quality::Complete));
    // Whoever is named first is at the door.
    let traefik_first = |server: &Server| {
        let mut settings = server.settings();
        settings.users.retain(|set| set.dialect == Dialect::Traefik);
        settings.users.push(Dialect::Istio.users());
        settings
    };
    let answer = observe(traefik_first(&server), Source::Prometheus).await;
    assert_eq!(newest(&answer.unwrap()), (Some(90.0), Quality::Complete));
    // Where it cannot be read the next one is no answer.
    let server = Server::start(move |asked| {
        if asked.contains("traefik") && asked.contains("sum(rate") {
            return Some((503, None, b"upstream".to_vec()));
        }
        both(asked)
    });
    let answer = observe(traefik_first(&server), Source::Prometheus).await;
    let answer = answer.unwrap();
    assert_eq!(newest(&answer), (None, Quality::Failed));
    assert_eq!(answer.problems.len(), 1, "{:?}", answer.problems);
}

#[tokio::test]
async fn what_users_get_fails_alone() {
    let (server, answer) = answered(|asked| {
        if asked.contains("source_workload") {
            return Some((503, None, b"upstream".to_vec()));
        }
        istio(asked)
    })
    .await;
    let rows = series(&answer);
    let requests = rows["service/shop/checkout/v1/requests"];
    assert_eq!(requests.points.len(), 2, "services stand");
    assert_eq!(answer.problems.len(), 1, "{:?}", answer.problems);
    let shown = demand(&server, answer);
    assert_eq!(shown.requests_per_second, Some(Reading::Failed));
    assert_eq!(shown.p99_ms, Some(Reading::Failed));

    // One query that the server refuses blinds its own signal only.
    let (server, answer) = answered(|asked| {
        if asked.contains("histogram_quantile(0.99") {
            return Some((403, None, Vec::new()));
        }
        at_the_door(asked)
    })
    .await;
    let shown = demand(&server, answer);
    assert_eq!(shown.p99_ms, Some(Reading::Forbidden));
    assert_eq!(shown.p95_ms.and_then(Reading::usable), Some(120.0));
}

#[tokio::test]
async fn services_that_fail_alone_keep_their_old_series() {
    let refused = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let switch = Arc::clone(&refused);
    let server = Server::start(move |asked| {
        let services = asked.contains("rate(") && !asked.contains("source_workload");
        if services && switch.load(std::sync::atomic::Ordering::Relaxed) {
            return Some((503, None, b"upstream".to_vec()));
        }
        at_the_door(asked)
    });
    let memory = Arc::default();
    let key = "service/shop/checkout/v1/requests";
    let first = again(&memory, &server.settings()).await.unwrap();
    let before = series(&first)[key].clone();
    refused.store(true, std::sync::atomic::Ordering::Relaxed);
    let second = again(&memory, &server.settings()).await.unwrap();
    assert_eq!(*series(&second)[key], before, "they grow old");
    assert_eq!(series(&second)["users/requests"].points.len(), 2);
    assert_eq!(second.problems.len(), 1, "{:?}", second.problems);
    // A console that never knew any has none to keep: nothing is known.
    let error = again(&Arc::default(), &server.settings()).await;
    assert!(error.is_err(), "{error:?}");
}

#[tokio::test]
async fn queries_of_ones_own_are_asked_and_their_silence_is_told() {
    let server = Server::start(|asked| {
        if asked.contains("door_errors") {
            return matrix(&[(r#"{"pod":"a"}"#, &["4"]), (r#"{"pod":"b"}"#, &["7"])]);
        } else if asked.contains("door_requests") {
            return matrix(&[(r#"{"pod":"a"}"#, &["30"]), (r#"{"pod":"b"}"#, &["12"])]);
        } else if asked.contains("nothing") {
            return matrix(&[]);
        }
        at_the_door(asked)
    });
    let mut own = Dialect::Istio.users();
    own.requests = "rate(door_requests{{selector}}[{window}])".to_owned();
    own.errors = "door_errors{{selector}}".to_owned();
    own.errors_in_percent = true;
    let mut settings = server.settings();
    settings.users = vec![own.clone()];
    let answer = observe(settings.clone(), Source::Prometheus).await.unwrap();
    let rows = series(&answer);
    let newest = |key: &str| rows[key].points[0].value;
    assert_eq!(newest("users/requests"), 42.0);
    assert_eq!(newest("users/errors"), 7.0, "shares are not added");
    assert_eq!(newest("users/p95"), 120.0, "that of the dialect");
    let told_by = &rows["users/requests"].spec.dimensions[0].1;
    assert_eq!(told_by, "[prometheus.users]");

    own.requests = "nothing{{selector}}".to_owned();
    settings.users = vec![own];
    let answer = observe(settings, Source::Prometheus).await.unwrap();
    let [problem] = answer.problems.as_slice() else {
        panic!("one problem: {:?}", answer.problems);
    };
    assert!(
        problem
            .message
            .starts_with("the `requests` of [prometheus.users] give no series"),
        "{problem}"
    );
}

#[tokio::test]
async fn a_tenant_is_named_in_every_call() {
    let server = Server::start(at_the_door);
    let mut settings = server.settings();
    settings.tenant = Some("prod-eu|shared".to_owned());
    for source in [Source::Prometheus, Source::FiringAlerts] {
        let _ = observe(settings.clone(), source).await;
    }
    let asked = server.asked.lock().unwrap();
    assert!(asked.len() > 3);
    let mut tenants = asked.iter().map(|(_, _, tenant)| tenant.as_deref());
    assert!(tenants.all(|tenant| tenant == Some("prod-eu|shared")));
}
