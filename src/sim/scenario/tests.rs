//! Every built-in scenario loads, and a bad file is told everything that is wrong with it at once.

use super::*;
use crate::{resources::RegionLabel, sim::world::Transition};

fn problems(text: &str) -> Vec<String> {
    let problems = Scenario::parse(text, "mine.toml").unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

const HEAD: &str = "name = \"mine\"\ntitle = \"t\"\nduration = 100\n";

#[test]
fn every_built_in_scenario_loads_under_its_own_name() {
    for (name, text) in builtin() {
        let scenario = Scenario::parse(text, name).unwrap();
        assert_eq!(scenario.name, *name);
        assert!(!scenario.title.is_empty() && !scenario.description.is_empty());
        let first = scenario.timeline.first().map(|cue| cue.at);
        // What happens to credentials happens in the middle of a plan, which somebody has to make first.
        let soon = if *name == "expired-credentials" {
            120..=150
        } else {
            20..=30
        };
        assert!(
            first.is_none_or(|at| soon.contains(&at)),
            "{name}: something happens soon"
        );
    }
    assert_eq!(builtin()[0].0, "calm");
    assert!(Scenario::named("calm").is_some() && Scenario::named("chaos").is_none());
}

#[test]
fn a_file_may_describe_its_own_estate() {
    let text = format!(
        "{HEAD}\n[[estate.regions]]\nlabel = \"Belgium (GKE)\"\naws_region = \"eu-west-1\"\nload_rps = 650\n\
         [[estate.regions]]\nlabel = \"b\"\nrole = \"primary\"\nload_rps = 100\ncapacity_rps = 400\np95_ms = 50\n"
    );
    let shape = Scenario::parse(&text, "mine.toml").unwrap().shape;
    assert_eq!(shape.regions[0].capacity_rps, 1_000.0);
    assert_eq!(
        (shape.regions[1].aws_region.as_str(), shape.primary()),
        ("b", 1)
    );
    let text = format!("{HEAD}[estate]\ngenerate = 30\nrows = 300\n");
    let shape = Scenario::parse(&text, "mine.toml").unwrap().shape;
    assert_eq!((shape.regions.len(), shape.rows), (30, 300));
}

#[test]
fn events_come_in_the_order_of_time() {
    let text = format!(
        "{HEAD}[[timeline]]\nat = 50\nfault = \"heal\"\n[[timeline]]\nat = 5\nfault = \"source-lost\"\nfor = 3\n"
    );
    let timeline = Scenario::parse(&text, "mine.toml").unwrap().timeline;
    assert_eq!(
        timeline,
        [
            Cue {
                at: 5,
                lasts: Some(3),
                fault: Fault::SourceLost
            },
            Cue {
                at: 50,
                lasts: None,
                fault: Fault::Heal { region: None }
            },
        ]
    );
}

#[test]
fn an_external_change_may_pull_every_lever() {
    let text = format!(
        "{HEAD}[[timeline]]\nat = 5\nfault = \"external-change\"\nweights = {{ us-east-1 = 0 }}\ndials = {{ us-east-1 = 10 }}\n\
         controls = {{ us-east-1 = false }}\ncanary = {{ eu-west-1 = 0 }}\nalias = {{ eu-west-1 = 0.5 }}\nstaging = 0.1\n\
         switch-over-to = \"eu-west-1\"\nfail-over-to = \"eu-west-1\"\npromote = \"eu-west-1\"\ncache-primary = \"eu-west-1\"\n"
    );
    let timeline = Scenario::parse(&text, "mine.toml").unwrap().timeline;
    let Fault::ExternalChange(transitions) = &timeline[0].fault else {
        panic!("{timeline:?}")
    };
    assert_eq!(transitions.len(), 10);
    assert_eq!(transitions[0], Transition::Weights(vec![(0, 0)]));
    assert!(transitions.contains(&Transition::Promote { region: 1 }));
}

#[test]
fn what_befalls_changes_may_be_written_down() {
    let text = format!(
        "{HEAD}[[timeline]]\nat = 5\nfault = \"write-late\"\ndelay = 60\napi = \"rds\"\nplace = \"eu-west-1\"\ntimes = 2\n\
         [[timeline]]\nat = 6\nfault = \"write-lie\"\nshare = 0.5\nfor = 10\n"
    );
    let timeline = Scenario::parse(&text, "mine.toml").unwrap().timeline;
    let late = Fault::Write {
        how: WriteFault::Late(60),
        api: Some(Api::Rds),
        place: Some(Place::Region(RegionLabel::new("eu-west-1").unwrap())),
        share: 1.0,
        times: Some(2),
    };
    assert_eq!(timeline[0].fault, late);
    let lie = Fault::Write {
        how: WriteFault::Lie,
        api: None,
        place: None,
        share: 0.5,
        times: None,
    };
    assert_eq!((&timeline[1].fault, timeline[1].lasts), (&lie, Some(10)));
}

#[test]
fn all_problems_are_told_at_once() {
    let text = r#"name = "my drill"
titel = "t"
duration = 100

[[timeline]]
at = 25
fault = "region-down"
region = "eu-west-l"

[[timeline]]
at = 300
fault = "partition"
between = ["us-east-1"]
share = 0.5

[[timeline]]
at = 30
fault = "regoin-down"

[[timeline]]
at = 31
fault = "service-errors"
region = "eu-west-1"
share = 20

[[timeline]]
at = 32
fault = "external-change"
dials = { ap-southeast-1 = 120 }

[[timeline]]
at = 33
fault = "throttle"
api = "route54"
"#;
    assert_eq!(
        problems(text),
        [
            "mine.toml:2:1: unknown field `titel`; did you mean `title`?",
            "mine.toml:8:10: timeline[0] (region-down): region: there is no region `eu-west-l`; did you mean `eu-west-1`?",
            "mine.toml:13:11: timeline[1] (partition): between names two different regions",
            "mine.toml:14:9: timeline[1] (partition): takes no share",
            "mine.toml:18:9: timeline[2]: unknown variant `regoin-down`; did you mean `region-down`?",
            "mine.toml:24:9: timeline[3] (service-errors): share is 0.0 to 1.0, not 20",
            "mine.toml:29:9: timeline[4] (external-change): dials are 0 to 100 percent, not 120",
            "mine.toml:34:7: timeline[5] (throttle): there is no API `route54`; did you mean `route53`?",
        ]
    );
}

#[test]
fn each_kind_of_mistake_has_its_message() {
    for (body, expected) in [
        (
            "[[timeline]]\nat = 5\nfault = \"region-down\"\n",
            "mine.toml:6:9: timeline[0] (region-down): region is missing",
        ),
        (
            "[[timeline]]\nat = 5\nfault = \"external-change\"\n",
            "mine.toml:6:9: timeline[0] (external-change): one of weights, dials, controls, canary, alias, staging, switch-over-to, fail-over-to, promote, cache-primary, route is missing",
        ),
        (
            "[[timeline]]\nat = 5\nfault = \"writer-crash\"\nfor = 0\n",
            "mine.toml:7:7: timeline[0] (writer-crash): for is at least 1 second",
        ),
        (
            "[[timeline]]\nat = 200\nfault = \"writer-crash\"\n",
            "mine.toml:5:6: timeline[0] (writer-crash): at 200 is after the end of the scenario at 100",
        ),
        (
            "[[timeline]]\nat = 5\nfault = \"write-late\"\n",
            "mine.toml:6:9: timeline[0] (write-late): delay is missing",
        ),
        (
            "[[timeline]]\nat = 5\nfault = \"write-lie\"\ntimes = 0\ndelay = 3\n",
            "mine.toml:7:9: timeline[0] (write-lie): times is at least 1\nmine.toml:8:9: timeline[0] (write-lie): takes no delay",
        ),
        (
            "[[timeline]]\nat = 5\nfault = \"throttle\"\ntimes = 1\n",
            "mine.toml:7:9: timeline[0] (throttle): takes no times",
        ),
        (
            "[[timeline]]\nat = 5\nfault = \"hang\"\nplace = \"mars\"\n",
            "mine.toml:7:9: timeline[0] (hang): place: there is no region `mars`; the regions are us-east-1, eu-west-1, ap-southeast-1",
        ),
        (
            "[[timeline]]\nat = \"soon\"\nfault = \"heal\"\n",
            "mine.toml:5:6: timeline[0]: invalid type: string \"soon\", expected u32",
        ),
        (
            "[[timeline]]\nat = 5\nfault = \"external-change\"\npromote = \"mars\"\n",
            "mine.toml:7:11: timeline[0] (external-change): promote: there is no region `mars`; the regions are us-east-1, eu-west-1, ap-southeast-1",
        ),
        (
            "[timeline]\nat = 5\n",
            "mine.toml:4:1: timeline: expected a list, written as [[timeline]]",
        ),
        (
            "[estate]\ngenerate = 300\nrows = 5000\n",
            "mine.toml:5:12: estate: generate is 1 to 32, not 300\nmine.toml:6:8: estate: rows is at most 1000, not 5000",
        ),
        (
            "[[estate.regions]]\nlabel = \" \"\nload_rps = -1\n",
            "mine.toml:5:9: estate.regions[0]: a region label must not be empty\nmine.toml:6:12: estate.regions[0]: load_rps is above 0, not -1",
        ),
        (
            "[[estate.regions]]\nlabel = \"a\"\nload_rps = 1\n[[estate.regions]]\nlabel = \"a\"\nload_rps = 1\n",
            "mine.toml:8:9: estate.regions[1]: the label `a` is used twice",
        ),
        ("[estate\n", "mine.toml:4:8: unclosed table, expected `]`"),
    ] {
        let found = problems(&format!("{HEAD}{body}")).join("\n");
        assert_eq!(found, expected, "{body}");
    }
}
