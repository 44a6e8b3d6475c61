//! What is read of invalidations, and what is concluded where they may not be read.

use super::*;
use crate::provider::canned::{self, Reply};

fn distribution(id: &str) -> Distribution {
    crate::resources::fixtures::row(serde_json::json!({
        "id": id, "arn": "arn", "domain": "d", "aliases": [], "status": "Deployed", "enabled": true, "staging": false,
        "origins": [], "origin_groups": [], "http_version": null, "policy": null,
    }))
}

fn list(items: &str) -> Reply {
    (
        200,
        format!(
            "<InvalidationList><Marker></Marker><MaxItems>20</MaxItems><IsTruncated>false</IsTruncated><Quantity>1</Quantity><Items>{items}</Items></InvalidationList>"
        ),
    )
}

fn summary(id: &str, status: &str) -> String {
    format!(
        "<InvalidationSummary><Id>{id}</Id><CreateTime>2026-11-29T03:00:00Z</CreateTime><Status>{status}</Status></InvalidationSummary>"
    )
}

fn detail(id: &str, status: &str) -> Reply {
    (
        200,
        format!(
            "<Invalidation><Id>{id}</Id><Status>{status}</Status><CreateTime>2026-11-29T03:00:00Z</CreateTime><InvalidationBatch><Paths><Quantity>1</Quantity><Items><Path>/a/*</Path></Items></Paths><CallerReference>ours-{id}</CallerReference></InvalidationBatch></Invalidation>"
        ),
    )
}

async fn reading(
    answer: impl Fn(&str) -> Reply + Send + Sync + 'static,
    wanted: Option<(&'static str, &'static str)>,
) -> (Vec<Invalidation>, Option<bool>, usize) {
    let config = canned::config(move |asked| answer(&asked.path));
    let (estate, place) = (
        crate::resources::Estate::default(),
        crate::resources::Place::Global,
    );
    let ask = Ask::new(&estate, &place, config);
    let client = Client::new(&ask.config);
    let mut all = [distribution("E1")];
    let ended = read(&ask, &client, &mut all, wanted, Instant::now())
        .await
        .unwrap();
    let [found] = all;
    let problems = ask
        .answer(crate::resources::Rows::Traffic(Vec::new()))
        .problems
        .len();
    (found.invalidations.unwrap_or_default(), ended, problems)
}

#[tokio::test]
async fn only_what_is_under_way_the_newest_and_the_wanted_one_are_described() {
    let answer = |path: &str| match path {
        "/2020-05-31/distribution/E1/invalidation?MaxItems=20" => list(
            &[
                ("I4", "Completed"),
                ("I3", "InProgress"),
                ("I2", "Completed"),
                ("I1", "Completed"),
            ]
            .map(|(id, status)| summary(id, status))
            .concat(),
        ),
        "/2020-05-31/distribution/E1/invalidation/I4" => detail("I4", "Completed"),
        "/2020-05-31/distribution/E1/invalidation/I3" => detail("I3", "InProgress"),
        "/2020-05-31/distribution/E1/invalidation/I1" => detail("I1", "Completed"),
        other => panic!("{other}"),
    };
    let (found, ended, problems) = reading(answer, Some(("E1", "I1"))).await;
    let references: Vec<Option<&str>> = found.iter().map(|one| one.reference.as_deref()).collect();
    assert_eq!(
        references,
        [Some("ours-I4"), Some("ours-I3"), None, Some("ours-I1")]
    );
    assert_eq!((ended, problems), (Some(true), 0));
    assert_eq!(found[1].paths, ["/a/*"]);
    assert!(found[1].in_progress());
}

#[tokio::test]
async fn without_permission_nothing_is_concluded() {
    let denied = |_: &str| {
        (403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>".to_owned())
    };
    let (found, ended, problems) = reading(denied, None).await;
    assert_eq!((found.len(), ended, problems), (0, None, 1));
}
