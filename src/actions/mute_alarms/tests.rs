//! Which alarms are muted, and unmuted again.

use std::time::Duration;

use crate::{
    actions::{
        self,
        kit::stores::tests::{Watched, assert_stable, intent, place, says},
    },
    plan::{
        Blast, Options, Plan,
        entry::{Ending, Entry, Outcome, What},
        ledger::Ledger,
    },
    resources::{
        Change, Rows, Source,
        alarms::{self, Alarm},
    },
};

const EU: &str = "eu-west-1";

fn none() -> Options {
    Options::default()
}

fn named(names: &[&str]) -> Options {
    Options {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Options::default()
    }
}

fn minutes(minutes: u64) -> Options {
    Options {
        minutes: Some(minutes),
        ..Options::default()
    }
}

fn muted(plan: &Plan) -> Vec<&str> {
    plan.changes()
        .flat_map(|change| match change {
            Change::Alarms(alarms::Change::Actions { names, .. }) => names,
            other => panic!("{other:?}"),
        })
        .map(String::as_str)
        .collect()
}

fn alarms(watched: &Watched) -> Vec<Alarm> {
    let slice = watched.fleet.alarms.slice(Source::Alarms, &place(EU));
    slice.unwrap().rows.clone()
}

/// The alarms of the simulator, changed by their place in the list.
fn edit(watched: &mut Watched, edit: impl Fn(usize, &mut Alarm)) {
    let mut rows = alarms(watched);
    for (index, row) in rows.iter_mut().enumerate() {
        edit(index, row);
    }
    watched.answer(Source::Alarms, EU, Rows::Alarms(rows));
}

fn of_database(alarm: &Alarm) -> bool {
    alarm
        .metric
        .as_deref()
        .is_some_and(|metric| metric.starts_with("AWS/RDS"))
}

#[test]
fn alarms_that_only_notify_are_muted_and_those_of_databases_never() {
    let watched = Watched::until("calm", 0);
    let plan = watched.plan("mute-alarms", EU, none()).unwrap();
    let rows = alarms(&watched);
    let (databases, others): (Vec<&Alarm>, Vec<&Alarm>) =
        rows.iter().partition(|alarm| of_database(alarm));
    assert!(!databases.is_empty() && !others.is_empty());
    let mut expected: Vec<&str> = others.iter().map(|alarm| alarm.name.as_str()).collect();
    expected.sort_unstable();
    assert_eq!(muted(&plan), expected);
    for alarm in databases {
        assert!(says(
            &plan.remarks,
            &["not muted", &alarm.name, "of a database"]
        ));
        let one = watched
            .plan("mute-alarms", EU, named(&[&alarm.name]))
            .unwrap_err();
        assert!(one.to_string().contains("an alarm of a database"));
    }
    assert_eq!((plan.blast, plan.phrase.as_str()), (Blast::L2, EU));
    assert_eq!(plan.until, Some(plan.made_at + Duration::from_secs(1_800)));
    assert_eq!(plan.marks.len(), 1);
    assert!(plan.drift(&watched.fleet).is_empty());
    assert_stable(&watched, &plan);
}

#[test]
fn an_alarm_that_scales_or_runs_something_is_kept() {
    let mut watched = Watched::until("calm", 0);
    let victim = alarms(&watched)
        .into_iter()
        .find(|alarm| !of_database(alarm))
        .unwrap()
        .name;
    for action in [
        "arn:aws:autoscaling:eu-west-1:111122223333:scalingPolicy:1:autoScalingGroupName/web",
        "arn:aws:lambda:eu-west-1:111122223333:function:heal",
        "arn:aws:automate:eu-west-1:ec2:recover",
        "arn:aws:ssm:eu-west-1:111122223333:opsitem:1",
    ] {
        edit(&mut watched, |_, alarm| {
            if alarm.name == victim {
                alarm.actions = vec![
                    "arn:aws:sns:eu-west-1:1:on-call".to_owned(),
                    action.to_owned(),
                ];
            }
        });
        let plan = watched.plan("mute-alarms", EU, none()).unwrap();
        assert!(!muted(&plan).contains(&victim.as_str()));
        assert!(says(
            &plan.remarks,
            &[&victim, "muting it also stops its action in"]
        ));
    }
}

#[test]
fn a_composite_alarm_speaks_for_the_database_that_it_names() {
    let mut watched = Watched::until("calm", 0);
    let rows = alarms(&watched);
    let database = rows
        .iter()
        .find(|alarm| of_database(alarm))
        .unwrap()
        .name
        .clone();
    let composite = rows
        .iter()
        .find(|alarm| alarm.rule.is_some())
        .unwrap()
        .name
        .clone();
    let plan = watched.plan("mute-alarms", EU, none()).unwrap();
    assert!(muted(&plan).contains(&composite.as_str()));
    edit(&mut watched, |_, alarm| {
        if alarm.name == composite {
            alarm.rule = Some(format!("ALARM(\"{database}\")"));
        }
    });
    let plan = watched.plan("mute-alarms", EU, none()).unwrap();
    assert!(!muted(&plan).contains(&composite.as_str()));
}

#[test]
fn names_and_minutes_are_checked() {
    let watched = Watched::until("calm", 0);
    let refusal = |options| watched.plan("mute-alarms", EU, options).unwrap_err();
    assert!(refusal(minutes(61)).advice.contains("60 minutes"));
    assert!(refusal(minutes(0)).advice.contains("60 minutes"));
    let name = alarms(&watched)[0].name.clone();
    let mistyped = &name[..name.len() - 1];
    assert_eq!(
        refusal(named(&[mistyped])).advice,
        format!("did you mean `{name}`?")
    );
    let later = watched.plan("mute-alarms", EU, minutes(60)).unwrap();
    assert_eq!(
        later.until,
        Some(later.made_at + Duration::from_secs(3_600))
    );
    let unread = Watched::new("calm")
        .plan("mute-alarms", EU, none())
        .unwrap_err();
    assert!(unread.to_string().contains("not known"));
}

#[test]
fn the_alarms_of_a_receiver_are_left_alone() {
    let watched = Watched::until("region-down", 150);
    let receiver = watched.plan("mute-alarms", EU, none()).unwrap_err();
    assert!(
        receiver
            .to_string()
            .contains("receives the traffic of us-east-1"),
        "{receiver}"
    );
    assert!(watched.plan("mute-alarms", "us-east-1", none()).is_ok());
}

#[test]
fn many_alarms_are_several_calls() {
    let mut watched = Watched::until("calm", 0);
    let template = alarms(&watched)
        .into_iter()
        .find(|alarm| !of_database(alarm))
        .unwrap();
    let rows = (0..150).map(|index| Alarm {
        name: format!("alarm-{index:03}"),
        rule: None,
        ..template.clone()
    });
    watched.answer(Source::Alarms, EU, Rows::Alarms(rows.collect()));
    let plan = watched.plan("mute-alarms", EU, none()).unwrap();
    let sizes: Vec<usize> = plan
        .changes()
        .map(|change| super::names_of(change).len())
        .collect();
    assert_eq!(sizes, [100, 50]);
}

/// The journal of a run that did its plan.
fn done(id: &str, plan: &Plan) -> Vec<Entry> {
    let entry = |step: Option<usize>, what: What| Entry {
        at: plan.made_at,
        run: Some(id.to_owned()),
        step,
        what,
    };
    let mut entries = vec![entry(
        None,
        What::Confirmed {
            plan: Box::new(plan.clone()),
            hash: plan.hash(),
            guards: Vec::new(),
            overrides: Default::default(),
            typed: plan.phrase.clone(),
            reason: "drill".to_owned(),
        },
    )];
    for (step, change) in plan.changes().enumerate() {
        let sending = What::Sending {
            title: plan.steps[step].title.clone(),
            change: change.clone(),
        };
        entries.push(entry(Some(step), sending));
        let concluded = What::Concluded {
            outcome: Outcome::Verified,
            evidence: String::new(),
        };
        entries.push(entry(Some(step), concluded));
    }
    let ended = What::Ended {
        ending: Ending::Done,
        text: String::new(),
    };
    entries.push(entry(None, ended));
    entries
}

#[test]
fn what_we_muted_is_unmuted_and_what_others_muted_stays() {
    let mut watched = Watched::until("calm", 0);
    let other = alarms(&watched).into_iter().find(of_database).unwrap().name;
    let mute = watched.plan("mute-alarms", EU, none()).unwrap();
    let ours: Vec<String> = muted(&mute).into_iter().map(str::to_owned).collect();
    let mut ledger = Ledger::of(done("r1", &mute));
    assert_eq!(ledger.leftovers().len(), 1);
    edit(&mut watched, |_, alarm| {
        alarm.actions_enabled = !ours.contains(&alarm.name) && alarm.name != other;
    });
    let unmute = |ledger: &Ledger, options| {
        actions::plan(
            &watched.fleet,
            ledger,
            &intent("unmute-alarms", EU, options),
        )
    };
    let plan = unmute(&ledger, none()).unwrap();
    assert_eq!(muted(&plan), ours);
    assert_eq!((plan.blast, plan.phrase.as_str()), (Blast::L1, ""));
    assert!(plan.drift(&watched.fleet).is_empty());
    assert_eq!(plan.intent.options.run.as_deref(), Some("r1"));
    assert_eq!(
        unmute(&ledger, plan.intent.options.clone()).unwrap().hash(),
        plan.hash(),
        "the plan can be made again from what it carries"
    );
    for entry in done("r2", &plan) {
        ledger.add(entry);
    }
    assert!(ledger.leftovers().is_empty(), "nothing is left over");
    let again = unmute(&ledger, none()).unwrap_err();
    assert!(again.advice.contains(&other), "{again:?}");
    let by_name = unmute(&ledger, named(&[&other])).unwrap();
    assert_eq!(muted(&by_name), [other.as_str()]);
}
