//! What waits for a cluster see: pods that follow what is wanted, and a node that becomes empty. Owns that a watch which is silent shows nothing.

use crate::resources::{
    Fleet, Freshness,
    clusters::node,
    deployments::{At, Container, Deployment, Rollout},
    releases::{Carrier, State, carrier},
};

/// Whether nothing that can be moved is left on a node, in words.
pub fn emptied(fleet: &Fleet, at: &node::At) -> (bool, String) {
    let heard = at.cluster(fleet).map(|nodes| nodes.heard(fleet));
    if heard.is_none_or(|heard| heard >= Freshness::Expired) {
        return (false, format!("{} is not heard", at.cluster));
    }
    let Some(pods) = at.find(fleet).and_then(node::Node::movable) else {
        return (false, format!("the pods of {} are not listed", at.node));
    };
    let text = match pods.as_slice() {
        [] => "no pod is left that can be moved".to_owned(),
        [pod] => format!("{}/{} is left", pod.namespace, pod.name),
        [pod, more @ ..] => format!(
            "{}/{} and {} more are left",
            pod.namespace,
            pod.name,
            more.len()
        ),
    };
    (pods.is_empty(), text)
}

/// Whether a service still has the image that it was given and its pods stay up; or what became of it. A watch that is silent says nothing against it.
pub fn stays(fleet: &Fleet, at: &At, image: &str) -> Result<(), String> {
    let Some(by) = carrier::at(fleet, at) else {
        return Err(format!("{} is not listed any more", at.words()));
    };
    if by.heard(fleet) >= Freshness::Expired {
        return Ok(());
    }
    match by.main() {
        Some(main) if main.image == image => {}
        main => {
            let now = main.map_or_else(|| "nothing".to_owned(), Container::short);
            let who = match by.owner() {
                Some(owner) if owner.reverts => format!(": {} puts it back", owner.by),
                Some(_) | None => String::new(),
            };
            return Err(format!("{} runs {now} again{who}", at.words()));
        }
    }
    match by.sender() {
        None if by.edited().is_some_and(Deployment::crashes) => {
            Err(format!("pods of {} end again and again", at.words()))
        }
        None => Ok(()),
        Some(_) => match by.state(fleet.now) {
            State::Breached { why } => Err(format!("{}: {why}", at.words())),
            State::NotYet
            | State::Held { .. }
            | State::RollingOut { .. }
            | State::Soaking { .. }
            | State::Done
            | State::Unknown { .. } => Ok(()),
        },
    }
}

/// What has become of a roll-out, in words.
pub enum Followed {
    /// What is wanted is there, or it waits for somebody.
    Yes(String),
    /// Not yet.
    NotYet(String),
    /// It has failed, and time mends nothing.
    Failed(String),
}

/// Whether what carries a service has followed what is wanted: by a watch that is heard.
pub fn rolled_out(fleet: &Fleet, at: &At, pods: Option<i32>) -> Followed {
    let found = match pods {
        // So many pods are of a deployment, whoever sends its releases out.
        Some(_) => at.find(fleet).map(Carrier::Deployment),
        None => carrier::at(fleet, at),
    };
    let Some(by) = found else {
        return Followed::NotYet("it is not listed".to_owned());
    };
    if by.heard(fleet) >= Freshness::Expired {
        return Followed::NotYet(format!("{} is not heard", at.cluster));
    }
    match by {
        Carrier::Deployment(row) => match replaced(row, pods) {
            (true, text) => Followed::Yes(text),
            (false, text) => Followed::NotYet(text),
        },
        Carrier::Rollout { .. } | Carrier::Canary { .. } => sent(fleet, &by),
    }
}

/// All four conditions of domain A.3.
fn replaced(row: &Deployment, pods: Option<i32>) -> (bool, String) {
    let available = row.replicas.available;
    let enough = pods.is_none_or(|pods| available >= pods);
    let complete = matches!(row.rollout(), Rollout::Complete | Rollout::Asleep);
    let of = pods.unwrap_or(row.replicas.desired);
    let text = match row.rollout() {
        Rollout::Unseen => "its controller has not seen it yet".to_owned(),
        Rollout::Failed => "no progress within its deadline".to_owned(),
        Rollout::Paused => "paused".to_owned(),
        Rollout::Moving { done, of } => format!("{done} of {of} pods replaced"),
        Rollout::Short { .. } | Rollout::Complete | Rollout::Asleep => {
            format!("{available} of {of} pods available")
        }
    };
    (complete && enough, text)
}

/// What a Rollout or a Canary sends out is out, or has come to where somebody must say how it goes on.
fn sent(fleet: &Fleet, by: &Carrier<'_>) -> Followed {
    let state = by.state(fleet.now);
    match (state, by.rests()) {
        (State::Breached { why }, _) => Followed::Failed(why),
        (State::Held { why }, _) => Followed::Yes(why),
        (State::RollingOut { how_far }, Some(_)) => Followed::Yes(how_far),
        (State::RollingOut { how_far }, None) => Followed::NotYet(how_far),
        (State::Unknown { why }, _) => Followed::NotYet(why),
        (State::Done | State::Soaking { .. } | State::NotYet, Some(text)) => Followed::Yes(text),
        (State::Done | State::Soaking { .. } | State::NotYet, None) => {
            Followed::NotYet("not begun yet".to_owned())
        }
    }
}
