//! Every other mechanism, regions and age.

use super::*;

#[test]
fn a_load_balancer_forwards_by_weight_whatever_the_health() {
    let two = |a, b| {
        let rows = vec![
            forward("x", "blue", a, Some((0, 3))),
            forward("x", "green", b, Some((3, 0))),
        ];
        fleet(vec![balancers("us-east-1", rows)])
    };
    assert_eq!(texts(&two(900, 100)), ["90%", "10%"]);
    let nothing = two(0, 0);
    assert_eq!(texts(&nothing), ["0%", "0%"]);
    assert_eq!(judgement(&nothing, "green").0, Severity::Warn);
}

#[test]
fn trap_9_a_dial_is_relative_and_a_dial_of_zero_serves_when_nobody_else_can() {
    let healthy = fleet(vec![dials(vec![
        dial("us-east-1", 100.0, "HEALTHY"),
        dial("eu-west-1", 25.0, "HEALTHY"),
    ])]);
    assert_eq!(texts(&healthy), ["80%", "20%"]);
    assert_eq!(share(&healthy, "eu-west-1").remark, Some(Remark::Relative));
    let last = fleet(vec![dials(vec![
        dial("us-east-1", 100.0, "UNHEALTHY"),
        dial("eu-west-1", 0.0, "HEALTHY"),
    ])]);
    assert_eq!(texts(&last), ["0%", "100%"]);
    let open = fleet(vec![dials(vec![
        dial("us-east-1", 100.0, "UNHEALTHY"),
        dial("eu-west-1", 100.0, "UNHEALTHY"),
    ])]);
    assert_eq!(share(&open, "eu-west-1").fail_open, Some(true));
    assert_eq!(judgement(&open, "eu-west-1").0, Severity::Bad);
}

#[test]
fn a_staging_distribution_takes_its_weight_from_the_primary() {
    let distribution = |member: &str, policy: Option<ContinuousDeployment>| Split {
        split: "E1".to_owned(),
        member: member.to_owned(),
        by: Mechanism::Distribution(Distribution {
            invalidations: None,
            id: member.to_owned(),
            arn: String::new(),
            domain: format!("{member}.cloudfront.net"),
            aliases: Vec::new(),
            status: "Deployed".to_owned(),
            enabled: true,
            staging: member == "staging",
            origins: Vec::new(),
            origin_groups: Vec::new(),
            http_version: Some("http2".to_owned()),
            policy,
        }),
    };
    let pair = |enabled, weight| {
        let policy = ContinuousDeployment {
            id: "P".to_owned(),
            enabled,
            weight,
            header: None,
            staging_domains: vec!["staging.cloudfront.net".to_owned()],
        };
        let rows = vec![
            distribution("primary", Some(policy)),
            distribution("staging", None),
        ];
        fleet(vec![(
            Source::Distributions,
            Place::Global,
            Rows::Traffic(rows),
        )])
    };
    assert_eq!(texts(&pair(true, Some(0.05))), ["95%", "5.0%"]);
    assert_eq!(texts(&pair(false, Some(0.05))), ["100%", "0%"]);
    assert_eq!(texts(&pair(true, None)), ["answers", "answers"]);
}

#[test]
fn a_region_gets_what_its_members_get_and_strays_widen_the_range() {
    let value = |fleet: &Fleet, region: &str| {
        let share = fleet.shares.region_share(&label(region));
        share.map(Share::text).map_err(ToOwned::to_owned)
    };
    let by_records = fleet(vec![
        records(vec![
            weighted("us-east-1", 60, None),
            weighted("cell-eu-west-1-a", 20, None),
            weighted("cell-eu-west-1-b", 20, None),
        ]),
        dials(vec![dial("us-east-1", 100.0, "HEALTHY")]),
    ]);
    assert_eq!(value(&by_records, "us-east-1"), Ok("60%".to_owned()));
    assert_eq!(value(&by_records, "eu-west-1"), Ok("40%".to_owned()));
    let stray = fleet(vec![records(vec![
        weighted("us-east-1", 60, None),
        weighted("blue", 40, None),
    ])]);
    assert_eq!(value(&stray, "us-east-1"), Ok("60-100%".to_owned()));
    assert_eq!(value(&stray, "eu-west-1"), Ok("0-40%".to_owned()));
    let behind_an_accelerator = fleet(vec![
        records(vec![record("simple", Policy::Simple, None)]),
        dials(vec![
            dial("us-east-1", 100.0, "HEALTHY"),
            dial("eu-west-1", 0.0, "HEALTHY"),
        ]),
    ]);
    assert_eq!(
        value(&behind_an_accelerator, "us-east-1"),
        Ok("100%".to_owned())
    );
    let unread = fleet(vec![dials(vec![dial("us-east-1", 100.0, "HEALTHY")])]);
    assert_eq!(
        value(&unread, "us-east-1"),
        Err("records were not read yet".to_owned())
    );
}

#[test]
fn what_is_too_old_counts_for_nothing() {
    let mut old = fleet(vec![
        records(vec![
            alias_to("web.elb.amazonaws.com.", weighted("us-east-1", 10, None)),
            weighted("eu-west-1", 10, None),
        ]),
        balancers(
            "us-east-1",
            vec![forward("web.elb.amazonaws.com", "tg", 1, Some((1, 0)))],
        ),
    ]);
    assert_eq!(share(&old, "us-east-1").text(), "50%");
    old.now += Duration::from_secs(600);
    let shares = Shares::of(&old);
    let key = format!("{NAME}. A/us-east-1");
    let aged = shares.get(Source::Records, &Place::Global, &key).unwrap();
    assert_eq!(aged.text(), "0-50%");
    assert!(shares.region_share(&label("us-east-1")).is_err());
}
