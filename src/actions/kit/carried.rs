//! What a target of an action on releases means: a service wherever something carries it. Owns these names, and what holds or gives a version for each kind of carrier; no procedure.

use super::{
    deployment::{self, On},
    pace,
};
use crate::{
    actions::Refusal,
    plan::{GuardId, Step},
    resources::{
        Change, Fleet, Freshness,
        deployments::{self, At, Container, Deployment, Part, Version},
        releases::{Carrier, carrier},
        traffic::{
            self,
            rollouts::{Image, Rollout, Verb},
        },
    },
};

/// What carries a service somewhere.
pub type Carried<'a> = On<Carrier<'a>>;

fn all(fleet: &Fleet) -> Vec<Carried<'_>> {
    let all = carrier::all(fleet).into_iter();
    all.map(|(region, row)| On {
        at: row.at(region),
        row,
    })
    .collect()
}

/// What carries the service that a target names, in the order of the regions.
pub fn find<'a>(fleet: &'a Fleet, target: &str) -> Result<Vec<Carried<'a>>, Refusal> {
    deployment::named(fleet, all(fleet), "service", target)
}

/// What can be named, in its shortest form: services everywhere first.
pub fn targets(fleet: &Fleet) -> Vec<String> {
    deployment::forms(&all(fleet))
}

/// Services alone, where an action is about all their regions.
pub fn services(fleet: &Fleet) -> Vec<String> {
    let mut names = targets(fleet);
    names.retain(|name| !name.contains('@'));
    names
}

/// Whether what is known of it is too old.
pub fn unheard(fleet: &Fleet, found: &Carried<'_>) -> Option<String> {
    let old = found.row.heard(fleet) >= Freshness::Expired;
    old.then(|| format!("{}: its cluster is not heard", found.at.words()))
}

/// Why its revisions are not known.
pub fn unknown(fleet: &Fleet, found: &Carried<'_>) -> Option<String> {
    let unread = |row: &Deployment| row.unknown.contains(&Part::ReplicaSets);
    let unread = found.row.edited().is_some_and(unread);
    let unread = unread.then(|| format!("{}: its revisions cannot be read", found.at.words()));
    unheard(fleet, found).or(unread)
}

/// One way of steering what sends its releases out, as a step.
pub fn steer(found: &Carried<'_>, rollout: &Rollout, verb: Verb, guards: &[GuardId]) -> Step {
    let steering = rollout.steering(&found.at.region, verb);
    let words = format!("{} in {}", steering.rollout.object(), found.at.region);
    let title = match &steering.verb {
        Verb::Promote => format!("Promote {words}"),
        Verb::PromoteFull => format!("Promote {words} to the end"),
        Verb::Pause => format!("Hold {words}"),
        Verb::Resume => format!("Resume {words}"),
        Verb::Abort => format!("Abort {words}: all to the stable version"),
        Verb::Retry => format!("Retry {words}"),
        Verb::Undo => format!("Put the template of {} back into {words}", steering.stable),
        Verb::Image(image) => {
            let [from, to] = [&image.from, &image.to].map(|image| Container::of(image.clone()));
            format!("{words}: {} → {}", from.short(), to.short())
        }
    };
    pace::change(
        title,
        Change::Traffic(traffic::Change::Steer(steering)),
        guards,
    )
}

/// What holds it where it is.
pub fn hold(found: &Carried<'_>, guards: &[GuardId]) -> Step {
    if let Some(rollout) = found.row.sender() {
        return steer(found, rollout, Verb::Pause, guards);
    }
    let change = deployments::Change::Pause {
        at: found.at.clone(),
        from: false,
        to: true,
    };
    deployment::step(format!("Pause {}", found.at.words()), change, guards)
}

/// The wait for what follows a change, which takes its time where a controller goes step by step.
pub fn settles(found: &Carried<'_>, first: bool) -> Step {
    let mut step = deployment::settles(&found.at, None, first);
    if found.row.sender().is_some() {
        step.deadline_seconds = deployment::STEPS;
    }
    step
}

/// What gives it a version, and the image that it has then: the template that its cluster has of it, else the image alone.
pub fn give(
    found: &Carried<'_>,
    newest: &Container,
    title: &str,
    guards: &[GuardId],
    remarks: &mut Vec<String>,
) -> Result<(Step, String), Refusal> {
    let words = found.at.words();
    let main = found.row.main().ok_or_else(|| {
        Refusal::new(
            format!("{words} has no container that we know of"),
            "see its detail in the Deployments pane (6)",
        )
    })?;
    if let Some((row, (from, to))) = found
        .row
        .edited()
        .and_then(|row| Some((row, kept(row, newest)?)))
    {
        let image = to.image.clone();
        let at = At::of(&found.at.region, row);
        let change = deployments::Change::Revise { at, from, to };
        return Ok((deployment::step(title.to_owned(), change, guards), image));
    }
    let to = image(&main.image, &newest.image);
    remarks.push(format!(
        "{words} has had no pod of {} yet: only the image of {} changes, to {to}; its settings, Secrets and resources stay as they are",
        newest.short(),
        main.name
    ));
    let (container, from) = (main.name.clone(), main.image.clone());
    let step = match (found.row.edited(), found.row.sender()) {
        (Some(row), _) => {
            let change = deployments::Change::Image {
                at: At::of(&found.at.region, row),
                container,
                from,
                to: to.clone(),
            };
            deployment::step(title.to_owned(), change, guards)
        }
        (None, Some(rollout)) => {
            let verb = Verb::Image(Box::new(Image {
                container,
                from,
                to: to.clone(),
            }));
            let step = steer(found, rollout, verb, guards);
            Step {
                title: title.to_owned(),
                ..step
            }
        }
        (None, None) => {
            return Err(Refusal::new(
                format!("the deployment of {words} is not listed"),
                "read it again (:refresh)",
            ));
        }
    };
    Ok((step, to))
}

/// The newest revision of a deployment that has a version already, and the present one.
fn kept(row: &Deployment, wanted: &Container) -> Option<(Version, Version)> {
    let from = Version::of(row.current()?)?;
    let versions = row.revisions.iter().filter_map(Version::of);
    let has = versions.filter(|version| Container::of(version.image.clone()).same_version(wanted));
    Some((from, has.max_by_key(|version| version.number)?))
}

/// The image of a version where another registry serves the same repository: each region pulls from its own.
pub fn image(present: &str, wanted: &str) -> String {
    /// Registry, repository, and what follows: tag and digest.
    fn parts(image: &str) -> (&str, &str, &str) {
        let (registry, rest) = match image.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
            Some(_) | None => ("", image),
        };
        let end = rest.find([':', '@']).unwrap_or(rest.len());
        let (repository, version) = rest.split_at(end);
        (registry, repository, version)
    }
    let (here, there) = (parts(present), parts(wanted));
    match (here.0, here.1 == there.1) {
        ("", _) | (_, false) => wanted.to_owned(),
        (registry, true) => format!("{registry}/{}{}", there.1, there.2),
    }
}
