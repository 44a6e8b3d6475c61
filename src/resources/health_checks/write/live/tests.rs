//! Is only the inversion sent, under the version of the check?

use super::*;
use crate::{
    provider::{
        ask::Ask,
        canned::{self, Log, Reply},
    },
    resources::{Estate, Place, change::Fate},
};

async fn applied(
    from: bool,
    version: Option<i64>,
    update: Reply,
) -> (Result<Receipt, ApplyError>, Log) {
    let (estate, token) = (Estate::default(), canned::token());
    let (config, log) = canned::logged(move |asked| {
        if asked.method == "POST" {
            return update.clone();
        }
        let check = "<HealthCheck><Id>c1</Id><CallerReference>r</CallerReference><HealthCheckConfig><Type>TCP</Type><Inverted>false</Inverted>\
            </HealthCheckConfig><HealthCheckVersion>7</HealthCheckVersion></HealthCheck>";
        (
            200,
            format!("<GetHealthCheckResponse>{check}</GetHealthCheckResponse>"),
        )
    });
    let write = Write::new(Ask::new(&estate, &Place::Global, config), &token);
    (apply(&write, "c1", from, !from, version).await, log)
}

fn done() -> Reply {
    let check = "<HealthCheck><Id>c1</Id><CallerReference>r</CallerReference><HealthCheckConfig><Type>TCP</Type></HealthCheckConfig>\
        <HealthCheckVersion>8</HealthCheckVersion></HealthCheck>";
    (
        200,
        format!("<UpdateHealthCheckResponse>{check}</UpdateHealthCheckResponse>"),
    )
}

/// Method and path of every call, and the last body.
fn calls(log: &Log) -> (Vec<String>, String) {
    let log = log.lock().unwrap();
    let call = |asked: &canned::Asked| format!("{} {}", asked.method, asked.path);
    let last = log.last().map(canned::Asked::text);
    (log.iter().map(call).collect(), last.unwrap_or_default())
}

const POST: &str = "POST /2013-04-01/healthcheck/c1";

fn body(version: i64) -> String {
    format!(
        "<UpdateHealthCheckRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><HealthCheckVersion>{version}</HealthCheckVersion>\
         <Inverted>true</Inverted></UpdateHealthCheckRequest>"
    )
}

#[tokio::test]
async fn with_its_version_one_call_inverts_a_check_and_says_nothing_else() {
    let (result, log) = applied(false, Some(5), done()).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(calls(&log), (vec![POST.to_owned()], body(5)));
}

#[tokio::test]
async fn without_a_version_the_check_is_compared_first() {
    let (result, log) = applied(false, None, done()).await;
    assert!(result.is_ok(), "{result:?}");
    let read = "GET /2013-04-01/healthcheck/c1".to_owned();
    assert_eq!(calls(&log), (vec![read.clone(), POST.to_owned()], body(7)));
    let (result, log) = applied(true, None, done()).await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::NotSent, ErrorClass::Conflict)
    );
    assert_eq!(calls(&log).0, [read]);
}

#[tokio::test]
async fn another_version_is_a_conflict() {
    let mismatch = canned::query_error(409, "HealthCheckVersionMismatch");
    let (result, _) = applied(false, Some(4), mismatch).await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.fate, error.error.class),
        (Fate::Refused, ErrorClass::Conflict)
    );
}
