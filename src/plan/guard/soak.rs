//! G-SOAK: a region gets a release only when every earlier one of the order has it, soaked without trigger (domain 0.2, B.7). Owns which changes bring a version forward;
//! how well a region is with it is the board's to say. Whatever goes back to an older version needs no soak.

use super::{Guard, GuardId, back, finding::Findings, outlook::Outlook};
use crate::resources::{
    Change, Fleet, Place, RegionLabel, Source,
    change::Alter,
    deployments::{self, At, Container, Rollout},
    pipelines,
    releases::{self, Carrier, Release, Service, Stage, State, carrier},
    traffic::{
        self, RouteRule, find,
        rollouts::{self, Steering, Verb},
        routes::leads::between_regions,
    },
};

/// A change that brings a version into a region which has an older one.
pub struct Forward<'f> {
    /// Where.
    pub at: At,
    /// The service.
    pub service: Service<'f>,
    /// The version on its way.
    pub release: Release,
}

/// What a change brings to what carries a service.
struct Brought<'f> {
    by: Carrier<'f>,
    version: Container,
    /// Whether it is there already, and only goes further.
    further: bool,
}

/// What a change brings; `None` where it brings nothing, and an error where that cannot be told.
fn brought<'f>(fleet: &'f Fleet, change: &Change) -> Option<Result<Brought<'f>, String>> {
    match change {
        Change::Deployments(change) => of_deployment(fleet, change),
        Change::Traffic(traffic::Change::Steer(steering)) if steering.verb.raises() => {
            of_rollout(fleet, steering)
        }
        Change::Traffic(traffic::Change::Route {
            region,
            rule,
            backends,
        }) if !between_regions(backends) && !back::lowers_canary(change) => {
            let raised: Vec<&str> = backends
                .iter()
                .filter(|edit| edit.to > edit.from)
                .map(|edit| edit.backend.as_str())
                .collect();
            of_route(fleet, region, rule, &raised)
        }
        Change::Traffic(_)
        | Change::Databases(_)
        | Change::Caches(_)
        | Change::Clusters(_)
        | Change::Nodes(_)
        | Change::HealthChecks(_)
        | Change::Alarms(_)
        | Change::Pipelines(_) => None,
    }
}

fn of_deployment<'f>(
    fleet: &'f Fleet,
    change: &deployments::Change,
) -> Option<Result<Brought<'f>, String>> {
    let at = change.at();
    let unlisted = || format!("{} is not listed", at.words());
    let (version, further) = match change {
        deployments::Change::Revise { to, .. } => (Container::of(to.image.clone()), false),
        deployments::Change::Image { to, .. } => (Container::of(to.clone()), false),
        // What was edited while it was paused goes on rolling out.
        deployments::Change::Pause { to: false, .. } => {
            let Some(row) = at.find(fleet) else {
                return Some(Err(unlisted()));
            };
            let waits = matches!(row.rollout(), Rollout::Paused | Rollout::Unseen);
            (row.main().filter(|_| waits)?.clone(), true)
        }
        deployments::Change::Pause { .. }
        | deployments::Change::Restart { .. }
        | deployments::Change::Scale { .. }
        | deployments::Change::Resize { .. } => return None,
    };
    Some(match carrier::behind(fleet, at) {
        Some(by) => Ok(Brought {
            by,
            version,
            further,
        }),
        None => Err(unlisted()),
    })
}

/// The version that a rollout sends out further, or the one that it is given.
fn of_rollout<'f>(fleet: &'f Fleet, steering: &Steering) -> Option<Result<Brought<'f>, String>> {
    let object = steering.rollout.object();
    let Some(by) = carrier::sent_by(fleet, &steering.region, &steering.rollout) else {
        return Some(Err(format!("{object} is not listed")));
    };
    if let Verb::Image(image) = &steering.verb {
        let version = Container::of(image.to.clone());
        return Some(Ok(Brought {
            by,
            version,
            further: false,
        }));
    }
    let rollout = by.sender()?;
    // One that is let go, and that sends nothing out, brings nothing.
    if steering.verb == Verb::Resume && !rollout.under_way() {
        return None;
    }
    // What a plan sends out later is not what it sends out now: its hash tells. What is let go is whatever it has.
    let now = steering.verb == Verb::Resume || steering.current == rollout.current;
    let own = by.main().filter(|_| now);
    let named = rollout.revision(&steering.current);
    let image = named.and_then(|revision| revision.image.clone());
    let version = own.cloned().or_else(|| image.map(Container::of));
    Some(match version {
        Some(version) => Ok(Brought {
            by,
            version,
            further: own.is_some(),
        }),
        None => Err(format!("which version {object} sends out is not told")),
    })
}

/// The canary of a route that a rollout moves.
fn of_route<'f>(
    fleet: &'f Fleet,
    region: &RegionLabel,
    rule: &RouteRule,
    raised: &[&str],
) -> Option<Result<Brought<'f>, String>> {
    let slice = fleet
        .traffic
        .slice(Source::Routes, &Place::Region(region.clone()))?;
    let mut backends = find::backends(&slice.rows, rule);
    let (_, backend) = backends.find(|(name, _)| raised.contains(name))?;
    let by = carrier::all(fleet).into_iter().find_map(|(label, by)| {
        let sender = by.sender()?;
        let named = backend.owner.as_ref()?.name.as_deref() == Some(&sender.name.name);
        let here = label == region
            && by.cluster() == rule.cluster
            && by.namespace() == backend.service_namespace;
        (named && here).then_some(by)
    })?;
    // What serves all of it already is the stable version, to which the route goes back.
    let version = by
        .main()
        .filter(|_| by.sender().is_some_and(rollouts::Rollout::under_way))?;
    Some(Ok(Brought {
        by,
        version: version.clone(),
        further: true,
    }))
}

/// The remaining changes that bring something new; those that go back are said in words.
pub fn forward<'a>(outlook: &Outlook<'a>, found: &mut Findings) -> Vec<Forward<'a>> {
    let fleet = outlook.fleet;
    let mut all: Vec<Forward<'a>> = Vec::new();
    for change in outlook.changes() {
        let Some(brought) = brought(fleet, change) else {
            continue;
        };
        let place = change.place();
        let told_by = change
            .reads(&fleet.estate)
            .first()
            .map(|(source, _)| *source);
        let source = told_by.unwrap_or(Source::Deployments);
        let Some(region) = place.region() else {
            continue;
        };
        if outlook.aged(source, &place, found) {
            continue;
        }
        let Brought {
            by,
            version,
            further,
        } = match brought {
            Ok(brought) => brought,
            Err(why) => {
                found.unknown(why, "read it again (:refresh)");
                continue;
            }
        };
        let Some(service) = releases::service(fleet, by.namespace(), by.name()) else {
            continue;
        };
        let at = by.at(region);
        let older = |now: &Container| service.born(&version) < service.born(now);
        if by.main().filter(|_| !further).is_some_and(older) {
            let version = version.short();
            found.pass(format!("{} goes back to {version}", at.words()));
            continue;
        }
        // Several steps of one plan bring one version once.
        if all.iter().any(|known| known.at == at) {
            continue;
        }
        let release = service.release(&version, &mut releases::Seen::of(fleet));
        all.push(Forward {
            at,
            service,
            release,
        });
    }
    all
}

/// G-SOAK.
pub fn soak(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    for forward in forward(outlook, &mut found) {
        let Forward { at, release, .. } = &forward;
        let earlier = release.before(&at.region);
        let Some(earlier) = earlier else {
            found.warn(
                format!("{} is not in the order of releases", at.region),
                "write it into `order` of [rollout]",
            );
            continue;
        };
        if earlier.is_empty() {
            found.pass(format!("{} is the first region of the order", at.region));
        }
        for stage in earlier {
            judge(release, stage, &mut found);
        }
    }
    for change in outlook.changes() {
        if let Change::Pipelines(pipelines::Change::Transition {
            at,
            to: pipelines::Gate::Open,
            ..
        }) = change
        {
            let_in(outlook.fleet, at, &mut found);
        }
    }
    found.guard(GuardId::Soak, "no version goes forward")
}

/// What an open stage of a pipeline brings into its regions: what waits before it, and the newest version of the services that it deploys there.
fn let_in(fleet: &Fleet, at: &pipelines::change::At, found: &mut Findings) {
    waiting(fleet, at, found);
    let opened = |delivery: &pipelines::Delivery<'_>| {
        let here = delivery.place.region() == Some(&at.region);
        let stage = delivery.stage.map(|stage| &stage.name);
        here && delivery.pipeline.name == at.pipeline && stage == Some(&at.stage)
    };
    for (_, place, row) in fleet.deployments.rows() {
        let Some(region) = place.region() else {
            continue;
        };
        if !pipelines::deliveries(fleet, region, row).iter().any(opened) {
            continue;
        }
        let service = releases::service(fleet, &row.namespace, &row.name);
        let newest = service.as_ref().and_then(Service::newest);
        let (Some(service), Some(newest)) = (service.as_ref(), newest) else {
            continue;
        };
        if row.main().is_some_and(|main| main.same_version(newest)) {
            found.pass(format!(
                "{region} has {} of {} already",
                newest.short(),
                row.name
            ));
            continue;
        }
        let release = service.release(newest, &mut releases::Seen::of(fleet));
        for stage in release.before(region).unwrap_or_default() {
            judge(&release, stage, found);
        }
    }
}

/// What waits before a stage is what the stages before it still have: one of them that was taken back from it says that it is bad.
fn waiting(fleet: &Fleet, at: &pipelines::change::At, found: &mut Findings) {
    let Some(pipeline) = at.pipeline(fleet) else {
        return;
    };
    let place = Place::Region(at.region.clone());
    let index = pipeline
        .stages
        .iter()
        .position(|stage| stage.name == at.stage);
    let before = pipeline
        .stages
        .get(..index.unwrap_or_default())
        .unwrap_or_default();
    let waits = at.find(fleet).map_or(&[][..], |stage| &stage.inbound);
    for stage in before {
        let Some(ran) = stage
            .latest
            .as_ref()
            .filter(|_| !pipeline.regions(fleet, &place, stage).is_empty())
        else {
            continue;
        };
        for waiting in waits {
            let id = pipelines::short(&waiting.execution);
            if ran.is_rollback() {
                found.fail(
                    format!("{} was taken back, and {id} waits to go on", stage.name),
                    format!("stop it: aws codepipeline stop-pipeline-execution --pipeline-name {} --pipeline-execution-id {}", at.pipeline, waiting.execution),
                );
            } else if ran.status == "Failed" {
                found.fail(
                    format!("{} failed, and {id} waits to go on", stage.name),
                    "wait for an execution that went well there",
                );
            } else if ran.execution != waiting.execution {
                found.warn(
                    format!(
                        "{} has {} by now, and {id} waits to go on",
                        stage.name,
                        pipelines::short(&ran.execution)
                    ),
                    "",
                );
            }
        }
    }
}

fn judge(release: &Release, stage: &Stage, found: &mut Findings) {
    let Some(why) = stage.holds_up() else {
        let evidence = stage.evidence.as_ref();
        let evidence =
            evidence.map_or_else(String::new, |evidence| format!(": {}", evidence.words()));
        found.pass(format!(
            "{} has soaked {} min{evidence}",
            stage.region, release.soak_minutes
        ));
        return;
    };
    let name = &release.name;
    match &stage.state {
        State::Unknown { .. } => found.unknown(
            why,
            "what is not measured does not count: see the metrics of that region",
        ),
        State::Soaking { .. } => found.fail(why, "wait until it has soaked"),
        State::Breached { .. } => found.fail(
            why,
            format!("roll-back {name}, or wait for a soak without trigger"),
        ),
        State::Held { .. } => found.fail(why, format!("resume-rollout {name}@{}", stage.region)),
        State::RollingOut { .. } => found.fail(why, "wait until it is complete and has soaked"),
        State::NotYet => found.fail(why, format!("advance {name}: that region comes first")),
        State::Done => {}
    }
}
