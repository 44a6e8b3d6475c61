//! How pipelines behave in the simulated world. Owns no state; `sim::world::pipelines` carries them out.

use super::{
    Action, Does, Execution, IN_PROGRESS, Pipeline, ROLLBACK, Ran, Revision, SUCCEEDED, Stage,
    Transition,
};
use crate::{
    resources::Place,
    sim::{
        World, names,
        world::pipelines::{Line, Made, Part, Passage, Work},
    },
};

/// What the calls about the pipelines of a region answer.
pub fn observe(world: &World, place: &Place) -> Vec<Pipeline> {
    let Some(region) = world.region(place) else {
        return Vec::new();
    };
    let own = world.pipelines.iter().filter(|line| line.home == region);
    own.map(|line| row(world, line)).collect()
}

fn row(world: &World, line: &Line) -> Pipeline {
    let aws = world.aws_region(line.home);
    let stages = line.parts.iter().enumerate();
    Pipeline {
        name: line.name.clone(),
        arn: Some(names::arn("codepipeline", aws, &line.name)),
        version: Some(7),
        pipeline_type: Some(line.kind.to_owned()),
        execution_mode: Some(line.mode.to_owned()),
        updated: Some(world.timestamp(-40 * 86_400)),
        stages: stages
            .map(|(index, part)| stage(world, line, index, part))
            .collect(),
        executions: line
            .made
            .iter()
            .rev()
            .map(|made| execution(world, line, made))
            .collect(),
        seen_at: Some(world.timestamp(world.now())),
        unknown: Vec::new(),
    }
}

fn stage(world: &World, line: &Line, index: usize, part: &Part) -> Stage {
    let ran = |passage: &Passage| Ran {
        execution: line.made[passage.made].id.clone(),
        status: status(passage).to_owned(),
        execution_type: Some(kind(&line.made[passage.made]).to_owned()),
    };
    let passages = || {
        line.passages
            .iter()
            .filter(move |passage| passage.part == index)
    };
    let latest = passages().last();
    let good = passages().filter(|passage| passage.ended.is_some() && !passage.failed);
    let mut good: Vec<&Made> = good
        .map(|passage| &line.made[passage.made])
        .filter(|made| made.back_to.is_none())
        .collect();
    good.reverse();
    good.dedup_by_key(|made| &made.id);
    let hold = line.held.get(&index);
    let waits = line.waiting.filter(|(_, into)| *into == index);
    Stage {
        name: part.name.clone(),
        transition: match hold {
            None => Transition {
                enabled: Some(true),
                ..Transition::default()
            },
            Some(hold) => Transition {
                enabled: Some(false),
                reason: Some(hold.reason.clone()),
                by: Some(hold.by.clone()),
                at: Some(world.timestamp(hold.at)),
            },
        },
        latest: latest.map(ran),
        inbound: waits
            .map(|(made, _)| Ran {
                execution: line.made[made].id.clone(),
                status: IN_PROGRESS.to_owned(),
                execution_type: Some(kind(&line.made[made]).to_owned()),
            })
            .into_iter()
            .collect(),
        actions: vec![action(world, line, part, latest)],
        succeeded: Some(
            good.into_iter()
                .take(2)
                .map(|made| execution(world, line, made))
                .collect(),
        ),
    }
}

fn status(passage: &Passage) -> &'static str {
    match passage.ended {
        None => IN_PROGRESS,
        Some(_) if passage.failed => "Failed",
        Some(_) => SUCCEEDED,
    }
}

fn kind(made: &Made) -> &'static str {
    if made.back_to.is_some() {
        ROLLBACK
    } else {
        "STANDARD"
    }
}

fn action(world: &World, line: &Line, part: &Part, latest: Option<&Passage>) -> Action {
    let failed = latest.is_some_and(|passage| passage.failed);
    Action {
        name: part.work.action().to_owned(),
        status: latest.map(|passage| status(passage).to_owned()),
        summary: None,
        since: latest.map(|passage| world.timestamp(passage.ended.unwrap_or(passage.began))),
        by: None,
        url: None,
        percent: None,
        error: failed.then(|| "JobFailed: Helm upgrade did not become ready in 10m0s".to_owned()),
        approval: part.work == Work::Approve,
        does: Some(does(world, line, part)),
    }
}

fn does(world: &World, line: &Line, part: &Part) -> Does {
    let plain = |category: &str, provider: &str| Does {
        category: category.to_owned(),
        provider: provider.to_owned(),
        region: None,
        role: None,
        target: Vec::new(),
    };
    let deploys = |provider: &str, region: usize, target: &[(&str, &str)]| Does {
        region: (region != line.home).then(|| world.aws_region(region).to_owned()),
        target: target
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..plain("Deploy", provider)
    };
    match part.work {
        Work::Source => plain("Source", "CodeStarSourceConnection"),
        Work::Build => plain("Build", "CodeBuild"),
        Work::Approve => plain("Approval", "Manual"),
        Work::Bake => plain("Test", "CodeBuild"),
        Work::Deploy(region) => match line.service {
            Some(_) => {
                let cluster = names::eks(world.aws_region(region));
                deploys(
                    "EKS",
                    region,
                    &[
                        ("ClusterName", &cluster),
                        ("HelmReleaseName", "shop"),
                        ("Namespace", "shop"),
                    ],
                )
            }
            None => deploys("Lambda", region, &[("FunctionName", &line.name)]),
        },
    }
}

fn execution(world: &World, line: &Line, made: &Made) -> Execution {
    let index = line.made.iter().position(|known| known.id == made.id);
    let passages: Vec<&Passage> = line
        .passages
        .iter()
        .filter(|passage| Some(passage.made) == index)
        .collect();
    let last = passages.last();
    let over = made.ended.is_some();
    let failed = last.is_some_and(|passage| passage.failed);
    let updated = last.map(|passage| passage.ended.unwrap_or(passage.began));
    Execution {
        id: made.id.clone(),
        status: if failed {
            "Failed"
        } else if over {
            SUCCEEDED
        } else {
            IN_PROGRESS
        }
        .to_owned(),
        summary: None,
        started: Some(world.timestamp(made.at)),
        updated: updated.map(|at| world.timestamp(at)),
        revisions: vec![Revision {
            action: "Source".to_owned(),
            id: Some(made.commit.clone()),
            summary: Some(format!("{} {}", line.name, made.version)),
            url: None,
        }],
        trigger: Some(
            if made.back_to.is_some() {
                "ManualRollback"
            } else {
                "WebhookV2"
            }
            .to_owned(),
        ),
        execution_type: Some(kind(made).to_owned()),
        rolls_back_to: made.back_to.map(|index| line.made[index].id.clone()),
        stopped: None,
    }
}
