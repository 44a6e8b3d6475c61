//! The last lines of crashed containers over HTTP: what is asked, how little, and what a refusal or a silence becomes.

use std::time::Duration;

use pilothouse::resources::{
    Answer, ProviderError,
    deployments::{Log, Rollout},
};

use super::watches::{Console, rows, stuck};
use crate::wire::kubernetes::KubernetesApi;

const POD: &str = "/api/v1/namespaces/shop/pods/api-bbb-2";

fn log(read: &Result<Answer, ProviderError>) -> Option<Log> {
    rows(read.as_ref().ok()?).first()?.logs.first().cloned()
}

/// The log once it was read, or could not be.
async fn settled(console: &Console) -> Log {
    let is = |log: &Log| log.missing.as_deref() != Some("not read yet");
    console.until(|read| log(read).filter(is)).await
}

#[tokio::test]
async fn a_crashed_container_shows_what_it_wrote_before_it_ended() {
    let api = KubernetesApi::start().await;
    stuck(&api);
    let lines: Vec<String> = (0..50).map(|line| format!("line {line}\n")).collect();
    let lines = lines.concat();
    let text = format!("{lines}\u{1b}[31mout of memory\u{1b}[0m\n");
    api.log(POD, "app", text.as_bytes());
    let console = Console::of(&[("prod", &api)]);
    let log = settled(&console).await;
    assert_eq!(
        (log.pod.as_str(), log.container.as_str(), log.previous),
        ("api-bbb-2", "app", true)
    );
    assert_eq!((log.exit_code, log.restarts, log.missing), (137, 7, None));
    assert_eq!(
        (log.lines.len(), log.lines[19].as_str()),
        (20, "out of memory")
    );
    console.first().await;
    console.first().await;
    let asked = api.asked(&format!("{POD}/log"));
    let asked: Vec<_> = asked.iter().filter(|call| *call != "list").collect();
    assert_eq!(
        asked,
        ["container=app&limitBytes=16384&previous=true&tailLines=20"],
        "once for this run of the container"
    );
}

#[tokio::test]
async fn a_log_that_may_not_be_read_takes_nothing_else_away() {
    let refusals = [
        (403, "may not be read"),
        (404, "the pod is gone"),
        (400, "the API server has none"),
        (500, "HTTP 500"),
    ];
    for (status, words) in refusals {
        let api = KubernetesApi::start().await;
        stuck(&api);
        api.refuse(&format!("{POD}/log"), status, u32::MAX);
        let console = Console::of(&[("prod", &api)]);
        let log = settled(&console).await;
        let missing = log.missing.unwrap();
        assert!(missing.starts_with(words), "{status}: {missing}");
        let answer = console.first().await;
        assert_eq!(answer.problems, [], "{status}");
        assert_eq!(
            rows(&answer)[0].rollout(),
            Rollout::Moving { done: 0, of: 2 }
        );
    }
}

#[tokio::test]
async fn a_kubelet_that_is_gone_holds_a_read_for_two_seconds_at_most() {
    let api = KubernetesApi::start().await;
    stuck(&api);
    api.hang(&format!("{POD}/log"));
    let console = std::sync::Arc::new(Console::of(&[("prod", &api)]));
    let reader = std::sync::Arc::clone(&console);
    let reading = tokio::spawn(async move { reader.first().await });
    while api.asked(&format!("{POD}/log")).is_empty() {
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    let answer = reading.await.unwrap();
    let log = rows(&answer)[0].logs[0].clone();
    assert_eq!(log.missing.as_deref(), Some("not read yet"));
    tokio::time::advance(Duration::from_secs(7)).await;
    let log = settled(&console).await;
    assert_eq!(log.missing.as_deref(), Some("no answer in 8 s"));
}
