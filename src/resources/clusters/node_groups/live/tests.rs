//! What EKS says of node groups and updates, from canned answers.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::{
    provider::{canned, memory::Memory},
    resources::{Answer, Estate, Place, Rows},
};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// Reads the node groups of `a` and `b` where `answer` answers by path.
async fn groups(
    answer: impl Fn(&str) -> canned::Reply + Send + Sync + 'static,
    wanted: Option<&Update>,
    memory: &Arc<Memory>,
) -> Answer {
    let (estate, place) = (Estate::default(), Place::Global);
    let config = canned::config(move |asked| answer(&asked.path));
    let ask = Ask::new(&estate, &place, config).remembering(Arc::clone(memory));
    let client = Client::new(&ask.config);
    let clusters = names(&["a", "b"]);
    let rows = read(&ask, &client, &clusters, wanted, Instant::now()).await;
    ask.answer(Rows::Clusters(rows))
}

fn eks(path: &str) -> canned::Reply {
    let group = |status: &str| {
        json!({"nodegroup": {"status": status, "scalingConfig": {"minSize": 2, "maxSize": 6, "desiredSize": 3},
            "health": {"issues": [{"code": "Ec2LaunchTemplateNotFound"}]}}})
    };
    let list = |names: Value, next: Option<&str>| {
        canned::json(200, &json!({"nodegroups": names, "nextToken": next}))
    };
    match path {
        "/clusters/a/node-groups?maxResults=100" => list(json!(["x"]), Some("2")),
        "/clusters/a/node-groups?maxResults=100&nextToken=2" => list(json!(["gone", "y"]), None),
        "/clusters/b/node-groups?maxResults=100" => list(json!(["x"]), None),
        "/clusters/a/node-groups/x" => canned::json(200, &group("HIBERNATING")),
        "/clusters/a/node-groups/gone" => {
            canned::json(404, &json!({"__type": "ResourceNotFoundException"}))
        }
        "/clusters/b/node-groups/x" => canned::json(200, &group("ACTIVE")),
        _ => canned::json(
            403,
            &json!({"__type": "AccessDeniedException", "message": "no"}),
        ),
    }
}

fn rows(answer: &Answer) -> Vec<NodeGroup> {
    let Rows::Clusters(rows) = &answer.rows else {
        return Vec::new();
    };
    let group = |row: &Cluster| match row {
        Cluster::NodeGroup(group) => Some(group.clone()),
        Cluster::Eks(_) | Cluster::ApiServer(_) | Cluster::Nodes(_) => None,
    };
    rows.iter().filter_map(group).collect()
}

#[tokio::test]
async fn groups_of_every_cluster_and_page_are_rows_and_one_that_is_denied_has_no_size() {
    let answer = groups(eks, None, &Arc::default()).await;
    let rows = rows(&answer);
    let said: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.cluster.as_str(),
                row.name.as_str(),
                row.status.as_deref(),
                row.size(),
            )
        })
        .collect();
    let size = Some("3 of 2 to 6 nodes".to_owned());
    assert_eq!(
        said,
        [
            ("a", "x", Some("HIBERNATING"), size.clone()),
            ("a", "y", None, None),
            ("b", "x", Some("ACTIVE"), size)
        ]
    );
    assert_eq!(rows[0].health_issues, ["Ec2LaunchTemplateNotFound"]);
    assert_eq!(answer.problems.len(), 1);
    let problem = answer.problems[0].to_string();
    assert_eq!(
        problem,
        "eks:DescribeNodegroup: denied (1 of 4 node groups: AccessDeniedException: no)"
    );
}

#[tokio::test]
async fn without_the_permission_to_list_there_is_one_problem_and_no_row() {
    let denied = |_: &str| canned::json(403, &json!({"__type": "AccessDeniedException"}));
    let answer = groups(denied, None, &Arc::default()).await;
    assert_eq!(rows(&answer), []);
    let said: Vec<_> = answer
        .problems
        .iter()
        .map(|error| {
            (
                error.class,
                error.operation.as_str(),
                error.message.as_str(),
            )
        })
        .collect();
    let expected = "2 of 2 clusters: AccessDeniedException";
    assert_eq!(said, [(ErrorClass::Denied, LIST, expected)]);
}

#[tokio::test(start_paused = true)]
async fn the_group_that_is_waited_for_comes_first_and_the_others_in_turn() {
    let memory: Arc<Memory> = Arc::default();
    let turn = |wanted: Option<&Update>| {
        let (estate, place) = (Estate::default(), Place::Global);
        let config = canned::config(|_| canned::json(200, &json!({})));
        let ask = Ask::new(&estate, &place, config).remembering(Arc::clone(&memory));
        let listed = ["x", "y", "z"].map(|name| ("a".to_owned(), name.to_owned()));
        let turn = in_turn(&ask, listed.to_vec(), wanted);
        turn.into_iter().map(|(_, name)| name).collect::<String>()
    };
    for name in ["x", "y"] {
        memory.node_groups.learn(&key("a", name), ());
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
    }
    assert_eq!(turn(None), "zxy");
    assert_eq!(turn(Update::parse("a/y/u").as_ref()), "yzx");
}

#[tokio::test(start_paused = true)]
async fn what_there_is_no_time_for_is_a_row_of_which_nothing_is_known() {
    let (estate, place) = (Estate::default(), Place::Global);
    let config = canned::config(|asked| eks(&asked.path));
    let ask = Ask::new(&estate, &place, config);
    let client = Client::new(&ask.config);
    let started = Instant::now();
    tokio::time::advance(READING + std::time::Duration::from_secs(1)).await;
    let read = read(&ask, &client, &names(&["b"]), None, started).await;
    let answer = ask.answer(Rows::Clusters(read));
    let rows = rows(&answer);
    assert_eq!(rows, [unread("b", "x")]);
    assert_eq!(answer.problems[0].class, ErrorClass::Timeout);
    assert_eq!(answer.calls.get(&Api::Eks), Some(&1), "only the list");
}

/// What an update with this answer says.
async fn update(status: u16, body: Value) -> (Option<bool>, Vec<String>) {
    let (estate, place) = (Estate::default(), Place::Global);
    let config = canned::config(move |asked| {
        assert_eq!(asked.path, "/clusters/prod/updates/u-1?nodegroupName=blue");
        canned::json(status, &body)
    });
    let ask = Ask::new(&estate, &place, config);
    let client = Client::new(&ask.config);
    let update = Update::parse("prod/blue/u-1").unwrap();
    let in_sync = in_sync(&ask, &client, &update).await;
    let problems = ask.answer(Rows::Clusters(Vec::new())).problems;
    let texts = problems.iter().map(ToString::to_string);
    (in_sync, texts.collect())
}

#[tokio::test]
async fn an_update_is_in_sync_when_it_ended_well_and_says_why_it_did_not() {
    let of = |status: &str| json!({"update": {"id": "u-1", "status": status}});
    assert_eq!(update(200, of("Successful")).await, (Some(true), vec![]));
    assert_eq!(update(200, of("InProgress")).await, (Some(false), vec![]));
    assert_eq!(update(200, of("Hesitating")).await, (None, vec![]));
    assert_eq!(update(200, json!({})).await, (None, vec![]));
    let problem = "eks:DescribeUpdate: error (prod/blue/u-1 is Cancelled)";
    let cancelled = (Some(false), vec![problem.to_owned()]);
    assert_eq!(update(200, of("Cancelled")).await, cancelled);
    let failed = json!({"update": {"status": "Failed", "errors": [
        {"errorCode": "IpNotAvailable", "errorMessage": "no address left"}, {"errorCode": "NodeCreationFailure"}]}});
    let problem = "eks:DescribeUpdate: error (prod/blue/u-1 is Failed: IpNotAvailable: no address left; NodeCreationFailure)";
    assert_eq!(
        update(200, failed).await,
        (Some(false), vec![problem.to_owned()])
    );
    let denied = json!({"__type": "AccessDeniedException"});
    let (in_sync, problems) = update(403, denied).await;
    assert_eq!((in_sync, problems.len()), (None, 1), "{problems:?}");
}
