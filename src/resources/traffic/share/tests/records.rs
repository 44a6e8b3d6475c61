//! Record sets.

use super::*;

#[test]
fn trap_1_all_weights_zero_means_everybody_gets_traffic() {
    let fleet = fleet(vec![records(vec![
        weighted("us-east-1", 0, None),
        weighted("eu-west-1", 0, None),
    ])]);
    assert_eq!(texts(&fleet), ["50%", "50%"]);
    let (severity, reason) = judgement(&fleet, "us-east-1");
    assert_eq!(severity, Severity::Warn);
    assert!(reason.contains("all weights are 0"), "{reason}");
}

#[test]
fn trap_1_a_drained_record_returns_when_the_others_fail() {
    let fleet = fleet(vec![
        records(vec![
            weighted("us-east-1", 100, Some("a")),
            weighted("eu-west-1", 0, None),
        ]),
        states(&[("a", 0.0)]),
    ]);
    assert_eq!(texts(&fleet), ["0%", "100%"]);
    assert_eq!(judgement(&fleet, "eu-west-1").0, Severity::Warn);
    assert_eq!(judgement(&fleet, "us-east-1").0, Severity::Bad);
}

#[test]
fn trap_2_all_unhealthy_means_all_are_used() {
    let fleet = fleet(vec![
        records(vec![
            weighted("us-east-1", 30, Some("a")),
            weighted("eu-west-1", 10, Some("b")),
        ]),
        states(&[("a", 0.0), ("b", 0.0)]),
    ]);
    assert_eq!(texts(&fleet), ["75%", "25%"]);
    assert_eq!(share(&fleet, "eu-west-1").fail_open, Some(true));
    let (severity, reason) = judgement(&fleet, "eu-west-1");
    assert_eq!(severity, Severity::Bad);
    assert!(reason.contains("fail-open"), "{reason}");
}

#[test]
fn trap_3_a_disabled_check_counts_as_healthy_and_says_so() {
    let checks = vec![check("a", |check| check.disabled = true)];
    let fleet = fleet(vec![
        records(vec![
            weighted("us-east-1", 10, Some("a")),
            weighted("eu-west-1", 10, None),
        ]),
        (
            Source::HealthChecks,
            Place::Global,
            Rows::HealthChecks(checks),
        ),
        states(&[("a", 0.0)]),
    ]);
    assert_eq!(texts(&fleet), ["50%", "50%"]);
    let (severity, reason) = judgement(&fleet, "us-east-1");
    assert_eq!(severity, Severity::Warn);
    assert!(reason.contains("disabled"), "{reason}");
}

#[test]
fn unknown_health_gives_a_range_and_no_number() {
    let fleet = fleet(vec![records(vec![
        weighted("us-east-1", 10, Some("never read")),
        weighted("eu-west-1", 10, None),
    ])]);
    assert_eq!(texts(&fleet), ["0-50%", "50-100%"]);
    assert_eq!(share(&fleet, "us-east-1").value(), None);
    assert_eq!(judgement(&fleet, "us-east-1").0, Severity::Unknown);
}

#[test]
fn a_routing_control_decides_before_its_metric_and_without_it() {
    let arn = "arn:control";
    let control = |on| Split {
        split: "panel".to_owned(),
        member: "cell".to_owned(),
        by: Mechanism::Control(RoutingControl {
            arn: arn.to_owned(),
            name: "cell".to_owned(),
            panel_arn: None,
            panel_name: None,
            on: Some(on),
        }),
    };
    let at = |endpoint: &str, on| {
        let place = Place::Endpoint(endpoint.to_owned());
        (
            Source::RoutingControls,
            place,
            Rows::Traffic(vec![control(on)]),
        )
    };
    let checks = vec![check("a", |check| {
        check.routing_control_arn = Some(arn.to_owned());
    })];
    let base = || {
        vec![
            records(vec![
                weighted("us-east-1", 10, Some("a")),
                weighted("eu-west-1", 10, None),
            ]),
            (
                Source::HealthChecks,
                Place::Global,
                Rows::HealthChecks(checks.clone()),
            ),
        ]
    };
    let mut answers = base();
    answers.extend([at("us-west-2", false), at("eu-west-1", false)]);
    assert_eq!(share(&fleet(answers), "us-east-1").text(), "0%");

    let mut answers = base();
    answers.extend([at("us-west-2", false), at("eu-west-1", true)]);
    let disagreeing = fleet(answers);
    assert_eq!(share(&disagreeing, "us-east-1").text(), "0-50%");
    assert_eq!(judgement(&disagreeing, "cell").0, Severity::Warn);
}

#[test]
fn failover_goes_by_health_and_back_to_the_primary_when_both_fail() {
    let pair = |states_of: &[(&str, f64)]| {
        fleet(vec![
            records(vec![
                record("p", Policy::Failover { primary: true }, Some("a")),
                record("s", Policy::Failover { primary: false }, Some("b")),
            ]),
            states(states_of),
        ])
    };
    for (states_of, expected, fail_open) in [
        (vec![("a", 1.0), ("b", 1.0)], ["100%", "0%"], Some(false)),
        (vec![("a", 0.0), ("b", 1.0)], ["0%", "100%"], Some(false)),
        (vec![("a", 0.0), ("b", 0.0)], ["100%", "0%"], Some(true)),
        (vec![("b", 0.0)], ["100%", "0%"], None),
        (vec![("b", 1.0)], ["?", "?"], Some(false)),
        (vec![("a", 0.0)], ["?", "?"], None),
        (vec![("a", 1.0)], ["100%", "0%"], Some(false)),
    ] {
        let fleet = pair(&states_of);
        assert_eq!(texts(&fleet), expected, "{states_of:?}");
        assert_eq!(share(&fleet, "p").fail_open, fail_open, "{states_of:?}");
    }
}

#[test]
fn latency_records_have_no_number_but_answer_or_do_not() {
    let latency = |member: &str, check| {
        let region = member.to_owned();
        record(member, Policy::Latency { region }, Some(check))
    };
    let rows = || records(vec![latency("us-east-1", "a"), latency("eu-west-1", "b")]);
    let one_fails = fleet(vec![rows(), states(&[("a", 1.0), ("b", 0.0)])]);
    assert_eq!(texts(&one_fails), ["answers", "no answer"]);
    assert!(one_fails.shares.region_share(&label("eu-west-1")).is_err());
    let all_fail = fleet(vec![rows(), states(&[("a", 0.0), ("b", 0.0)])]);
    assert_eq!(texts(&all_fail), ["answers", "answers"]);
    assert_eq!(share(&all_fail, "us-east-1").fail_open, Some(true));
}

#[test]
fn geolocation_without_a_default_leaves_users_elsewhere_without_an_answer() {
    let country = |code: &str, check| {
        let policy = Policy::Geolocation {
            continent: None,
            country: Some(code.to_owned()),
            subdivision: None,
        };
        record(code, policy, check)
    };
    let without = fleet(vec![records(vec![country("DE", None)])]);
    assert_eq!(share(&without, "DE").remark, Some(Remark::NoDefault));
    let with = fleet(vec![records(vec![country("DE", None), country("*", None)])]);
    assert_eq!(share(&with, "DE").remark, None);
    let failing = fleet(vec![
        records(vec![country("DE", None), country("*", Some("a"))]),
        states(&[("a", 0.0)]),
    ]);
    assert_eq!(share(&failing, "DE").remark, Some(Remark::DefaultFails));
    assert_eq!(share(&failing, "*").text(), "no answer");
}

#[test]
fn a_policy_of_tomorrow_is_unknown_and_not_dropped() {
    let fleet = fleet(vec![records(vec![
        record("a", Policy::Other, None),
        record("b", Policy::Other, None),
    ])]);
    assert_eq!(texts(&fleet), ["?", "?"]);
    assert_eq!(judgement(&fleet, "a").0, Severity::Unknown);
}

#[test]
fn an_alias_takes_the_health_of_the_load_balancer_however_its_name_is_written() {
    let rows = || {
        records(vec![
            alias_to(
                "dualstack.WEB-1.us-east-1.elb.amazonaws.com.",
                weighted("us-east-1", 10, None),
            ),
            weighted("eu-west-1", 10, None),
        ])
    };
    let dns = "Web-1.us-east-1.elb.amazonaws.com";
    for (groups, expected) in [
        (vec![Some((1, 1)), Some((2, 0))], "50%"),
        (vec![Some((2, 0)), Some((0, 2))], "0%"),
        (vec![Some((2, 0)), Some((0, 0))], "0%"),
        (vec![Some((2, 0)), None], "0-50%"),
        (vec![None, Some((0, 1))], "0%"),
    ] {
        let group = |(index, health): (usize, &Option<(u32, u32)>)| {
            forward(dns, &format!("tg{index}"), 1, *health)
        };
        let targets = groups.iter().enumerate().map(group).collect();
        let fleet = fleet(vec![rows(), balancers("us-east-1", targets)]);
        assert_eq!(share(&fleet, "us-east-1").text(), expected, "{groups:?}");
    }
    let unlisted = fleet(vec![rows()]);
    assert_eq!(share(&unlisted, "us-east-1").text(), "0-50%");
}

#[test]
fn an_alias_to_other_records_takes_their_health_and_a_circle_is_unknown() {
    let mut inner = weighted("inner", 1, Some("a"));
    if let Mechanism::Record(record) = &mut inner.by {
        record.name = "inner.example.com.".to_owned();
    }
    inner.split = "inner.example.com. A".to_owned();
    let outer = alias_to("inner.example.com.", weighted("us-east-1", 10, None));
    let other = weighted("eu-west-1", 10, None);
    let nested = fleet(vec![
        records(vec![outer, other.clone(), inner]),
        states(&[("a", 0.0)]),
    ]);
    assert_eq!(share(&nested, "us-east-1").text(), "0%");
    let to_itself = alias_to(&format!("{NAME}."), weighted("us-east-1", 10, None));
    let circle = fleet(vec![records(vec![to_itself])]);
    assert_eq!(share(&circle, "us-east-1").fail_open, None);
}
