//! How the simulated APIs misbehave, what their answers cost, and that they do not depend on who asks first.

// Tokio's clock is paused in these tests: it tells virtual time, not that of the wall.
use tokio::time::Instant as VirtualTime;

use super::*;

#[test]
fn a_throttled_api_answers_now_and_then() {
    let scenario = Scenario::named("throttled-route53").unwrap().unwrap();
    let mut world = World::new(&scenario, scenario.seed, time(0));
    let mut refused = 0;
    for second in 30..230 {
        world.advance_to(time(second));
        let query = Query {
            source: Source::Records,
            place: Place::Global,
            wanted: Wanted::Nothing,
            read: 0,
        };
        match crate::sim::wire::reply(&world, &query).result {
            Ok(answer) => assert!(answer.problems.is_empty()),
            Err(error) => {
                assert_eq!(error.class, ErrorClass::Throttled);
                refused += 1;
            }
        }
        let other = Query {
            source: Source::Accelerators,
            ..query
        };
        assert!(crate::sim::wire::reply(&world, &other).result.is_ok());
    }
    assert!((140..180).contains(&refused), "{refused} of 200");
}

#[test]
fn apis_can_hang_refuse_and_lose_pages() {
    let cue = |fault: &str, api: &str, place: &str| {
        format!("[[timeline]]\nat = 1\nfault = \"{fault}\"\napi = \"{api}\"\nplace = \"{place}\"\n")
    };
    let text = [
        "name = \"bad\"\ntitle = \"t\"\nduration = 9\n".to_owned(),
        cue("hang", "rds", "eu-west-1"),
        cue("deny", "sts", "ap-southeast-1"),
        cue("fail", "cloudfront", "global"),
        cue("partial", "elasticloadbalancing", "us-east-1"),
        cue("slow", "eks", "us-east-1"),
    ];
    let mut watching = Watching::new(&text.concat());
    watching.poll(5);
    assert_eq!(
        watching.error(Source::Rds, &place("eu-west-1")),
        Some(ErrorClass::Timeout)
    );
    assert_eq!(watching.error(Source::Rds, &place("us-east-1")), None);
    assert_eq!(
        watching.error(Source::Identity, &place("ap-southeast-1")),
        Some(ErrorClass::Denied)
    );
    assert_eq!(
        watching.error(Source::Distributions, &Place::Global),
        Some(ErrorClass::Transient)
    );
    let partial = watching
        .fleet
        .status(Source::LoadBalancers, &place("us-east-1"));
    assert_eq!((partial.error, partial.problems.len()), (None, 1));
    assert!(partial.rows < 2);
    let slow = watching.fleet.status(Source::Clusters, &place("us-east-1"));
    assert!(slow.took.unwrap() > Duration::from_secs(2));
}

/// Every answer of a world at a second, asked in an order, keyed so that orders can be compared.
fn answers(
    order: impl Fn(&mut Vec<Query>),
) -> Vec<(String, Result<Answer, ProviderError>, Duration)> {
    let mut watching = Watching::named("region-down");
    watching.poll(30);
    let places = |&source: &Source| {
        let places = watching.fleet.estate.places(source);
        places
            .into_iter()
            .map(move |place| (source, place))
            .collect::<Vec<_>>()
    };
    let all: Vec<(Source, Place)> = Source::ALL.iter().flat_map(places).collect();
    let mut queries: Vec<Query> = all
        .iter()
        .map(|(source, place)| watching.query(*source, place))
        .collect();
    order(&mut queries);
    watching.world.advance_to(time(200));
    let mut found: Vec<_> = queries
        .iter()
        .map(|query| {
            let reply = crate::sim::wire::reply(&watching.world, query);
            (
                format!("{:?} {}", query.source, query.place),
                reply.result,
                reply.latency,
            )
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn answers_do_not_depend_on_the_order_of_questions() {
    let forward = answers(|_| {});
    let backward = answers(|queries| queries.reverse());
    assert!(forward.len() > 30);
    assert_eq!(forward, backward);
}

#[test]
fn a_big_world_has_its_rows_and_says_what_they_cost() {
    let text = "name = \"big\"\ntitle = \"t\"\nduration = 9\n[estate]\ngenerate = 30\nrows = 300\n";
    let mut watching = Watching::new(text);
    watching.poll(0);
    watching.poll(60);
    let fleet = &watching.fleet;
    let rows = fleet.databases.rows().count()
        + fleet.caches.rows().count()
        + fleet.traffic.rows().count()
        + fleet.alarms.rows().count();
    assert!(rows >= 30 * 300, "{rows}");
    // 75 + 2 load balancers with one listener each and a target group more than that.
    let calls = fleet.calls[&Api::ElasticLoadBalancing];
    assert_eq!(calls, 2 * 30 * (1 + 1 + 76 + 76 + 77));
    assert!(fleet.metrics_requested > 30 * 500);
    let place = place("us-east-1");
    let asked = watching.query(Source::Metrics, &place);
    let answer = crate::sim::wire::reply(&watching.world, &asked)
        .result
        .unwrap();
    let Rows::Metrics(series) = answer.rows else {
        panic!("metrics")
    };
    assert_eq!(
        answer.calls[&Api::CloudWatch],
        series.len().div_ceil(500) as u32
    );
    assert!(
        series
            .iter()
            .filter(|series| !series.points.is_empty())
            .count()
            > 300
    );
}

#[tokio::test(start_paused = true)]
async fn the_provider_takes_its_time_and_hangs_until_the_deadline() {
    let scenario = Scenario::named("region-down").unwrap().unwrap();
    let clock = Arc::new(Manual(AtomicI64::new(START)));
    let provider = SimProvider::new(&scenario, 5, Arc::clone(&clock) as Arc<dyn Clock>);
    assert_eq!(provider.estate().regions.len(), 3);
    let query = Query {
        source: Source::Rds,
        place: place("us-east-1"),
        wanted: Wanted::Nothing,
        read: 0,
    };
    let asked = VirtualTime::now();
    assert!(provider.observe(query.clone()).await.is_ok());
    let took = asked.elapsed();
    assert!(
        took > Duration::from_millis(20) && took < Duration::from_secs(3),
        "{took:?}"
    );

    clock.0.store(START + 30, Ordering::Relaxed);
    let asked = VirtualTime::now();
    let error = provider.observe(query).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Timeout);
    assert!(asked.elapsed() >= Duration::from_secs(10));
    assert!(
        provider
            .change(&Transition::Dial {
                region: 0,
                percent: 0.0
            })
            .is_ok()
    );
}
