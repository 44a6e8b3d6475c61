//! What waits for a cluster see: pods that follow what is wanted, and a node that becomes empty. Owns that a watch which is silent shows nothing.

use crate::resources::{
    Fleet, Freshness,
    clusters::node,
    deployments::{At, Container, Rollout},
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

/// Whether a deployment still has the image that it was given and its pods stay up; or what became of it. A watch that is silent says nothing against it.
pub fn stays(fleet: &Fleet, at: &At, image: &str) -> Result<(), String> {
    let Some(row) = at.find(fleet) else {
        return Err(format!("{} is not listed any more", at.words()));
    };
    if row.heard(fleet) >= Freshness::Expired {
        return Ok(());
    }
    match row.main() {
        Some(main) if main.image == image => {}
        main => {
            let now = main.map_or_else(|| "nothing".to_owned(), Container::short);
            let by = match &row.owner {
                Some(owner) if owner.reverts => format!(": {} puts it back", owner.by),
                Some(_) | None => String::new(),
            };
            return Err(format!("{} runs {now} again{by}", at.words()));
        }
    }
    if row.crashes() {
        return Err(format!("pods of {} end again and again", at.words()));
    }
    Ok(())
}

/// Whether the pods of a deployment are what is wanted, in words: by a watch that is heard, and by all four conditions of domain A.3.
pub fn rolled_out(fleet: &Fleet, at: &At, pods: Option<i32>) -> (bool, String) {
    let Some(row) = at.find(fleet) else {
        return (false, "it is not listed".to_owned());
    };
    if row.heard(fleet) >= Freshness::Expired {
        return (false, format!("{} is not heard", at.cluster));
    }
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
