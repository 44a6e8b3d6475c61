//! How a change of alarms is recognised, in every standing, and which alarms do more than notify.

use super::*;
use crate::resources::{
    Rows,
    alarms::Alarm,
    fixtures::{self, label},
};

const HERE: &str = "eu-west-1";

fn alarm(name: &str, actions_enabled: bool) -> Alarm {
    Alarm {
        actions_enabled,
        ..fixtures::alarm(name, "OK", "x")
    }
}

fn standing(alarms: Vec<Alarm>) -> Standing {
    let change = Change::Actions {
        region: label(HERE),
        names: vec!["a".to_owned(), "b".to_owned()],
        from: true,
        to: false,
    };
    let mut fleet = fixtures::fleet(&[HERE]);
    let place = fixtures::place(HERE);
    fixtures::answer(&mut fleet, Source::Alarms, &place, 5, Rows::Alarms(alarms));
    change.standing(&fleet)
}

#[test]
fn alarms_stand_together_or_are_something_else() {
    let all = |enabled| vec![alarm("a", enabled), alarm("b", enabled), alarm("c", true)];
    assert_eq!(standing(all(true)), Standing::Before);
    assert_eq!(standing(all(false)), Standing::After);
    let half = standing(vec![alarm("a", true), alarm("b", false)]);
    assert!(matches!(half, Standing::Other(_)), "{half:?}");
    let gone = standing(vec![alarm("a", true)]);
    assert_eq!(gone, Standing::Unknown("alarm b is not listed".to_owned()));
}

#[test]
fn an_alarm_that_scales_or_repairs_is_told_from_one_that_notifies() {
    let with = |actions: &[&str]| Alarm {
        actions: actions.iter().map(ToString::to_string).collect(),
        ..alarm("a", true)
    };
    let notifies = with(&[
        "arn:aws:sns:eu-west-1:1:on-call",
        "arn:aws-cn:sns:cn-north-1:1:on-call",
    ]);
    assert_eq!(notifies.working_actions().count(), 0);
    let scaling =
        "arn:aws:autoscaling:eu-west-1:1:scalingPolicy:x:autoScalingGroupName/sns:policyName/out";
    let works = [
        scaling,
        "arn:aws:automate:eu-west-1:ec2:recover",
        "arn:aws:lambda:eu-west-1:1:function:mend",
        "arn:aws:ssm:eu-west-1:1:opsitem:2",
    ];
    assert!(with(&works).working_actions().eq(works));
}
