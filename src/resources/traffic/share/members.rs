//! The shares of a split, by its mechanism. Records have a file of their own.

use super::{
    super::{AliasVersion, Distribution, EndpointGroup, Mechanism, Split},
    Remark, Share,
    known::Known,
    records,
    weights::Member,
};

/// The shares of the members of one split, in their order.
pub fn shares(split: &[&Split], known: &Known<'_>) -> Vec<Share> {
    macro_rules! all {
        ($variant:ident) => {
            split
                .iter()
                .filter_map(|row| match &row.by {
                    Mechanism::$variant(member) => Some(member),
                    _ => None,
                })
                .collect::<Vec<_>>()
        };
    }
    match split.first().map(|row| &row.by) {
        None => Vec::new(),
        Some(Mechanism::Record(_)) => records::shares(&all!(Record), known),
        Some(Mechanism::Dial(_)) => dials(&all!(Dial)),
        Some(Mechanism::Forward(_)) => {
            weighted(all!(Forward).iter().map(|group| f64::from(group.weight)))
        }
        Some(Mechanism::Rollout(_)) => {
            weighted(all!(Rollout).iter().map(|version| version.weight()))
        }
        Some(Mechanism::Route(_)) => {
            weighted(all!(Route).iter().map(|backend| f64::from(backend.weight)))
        }
        Some(Mechanism::Alias(_)) => versions(&all!(Alias)),
        Some(Mechanism::Distribution(_)) => distributions(&all!(Distribution)),
        Some(Mechanism::Control(_)) => {
            let controls = all!(Control);
            controls
                .iter()
                .map(|control| Share::by_user(control.on))
                .collect()
        }
    }
}

/// A dial cuts the traffic that would reach its group, and what it cuts goes to the other groups. Where users are is not known, so every group counts
/// as if the same number of them were near it. A dial of 0 is ignored when no other group is healthy.
fn dials(groups: &[&EndpointGroup]) -> Vec<Share> {
    if groups.iter().any(|group| !group.accelerator_enabled) {
        return groups
            .iter()
            .map(|_| Share::exactly(0.0).remark(Remark::Disabled))
            .collect();
    }
    let members: Vec<Member> = groups
        .iter()
        .map(|group| Member {
            weight: group.dial,
            healthy: group.healthy(),
        })
        .collect();
    let relative = (groups.len() > 1).then_some(Remark::Relative);
    records::by_weight(&members, relative)
}

/// A listener or a route forwards by weight whatever the health: a group without healthy targets answers its share with errors.
fn weighted(weights: impl Iterator<Item = f64> + Clone) -> Vec<Share> {
    let sum: f64 = weights.clone().sum();
    weights
        .map(|weight| {
            if sum > 0.0 {
                Share::exactly(weight / sum)
            } else {
                Share::exactly(0.0).remark(Remark::NoTraffic)
            }
        })
        .collect()
}

fn versions(versions: &[&AliasVersion]) -> Vec<Share> {
    versions
        .iter()
        .map(|version| Share::exactly(version.weight.clamp(0.0, 1.0)))
        .collect()
}

/// Primary and staging distribution of a continuous deployment; any other distribution has its traffic for itself.
fn distributions(members: &[&Distribution]) -> Vec<Share> {
    let policy = members
        .iter()
        .find_map(|member| member.policy.as_ref())
        .filter(|policy| policy.enabled);
    let has_staging = members.iter().any(|member| member.staging);
    let one = |member: &&Distribution| {
        if !member.enabled {
            return Share::exactly(0.0).remark(Remark::Disabled);
        }
        let staging = match policy {
            Some(policy) if has_staging => match policy.weight {
                Some(weight) => weight.clamp(0.0, 1.0),
                None => return Share::by_user(Some(true)).remark(Remark::ByHeader),
            },
            Some(_) | None => 0.0,
        };
        Share::exactly(if member.staging {
            staging
        } else {
            1.0 - staging
        })
    };
    members.iter().map(one).collect()
}
