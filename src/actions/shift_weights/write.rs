//! What each mechanism is told, and what it cannot do. Owns the ranges of the APIs; never an all-zero set.

use super::{route, target::Target, version};
use crate::{
    actions::{
        Refusal,
        kit::{lever, route::Name, weights},
    },
    plan::Options,
    resources::{
        Change, Fleet,
        traffic::{self, EndpointGroup, Forward, Mechanism, change::ForwardEdit},
    },
};

/// A change with what should be known about it.
pub struct Shift {
    /// The change.
    pub change: Change,
    /// What should be known.
    pub remarks: Vec<String>,
}

/// The greatest weight of a target group.
const GROUP_MOST: u32 = 999;
/// Seconds until users follow a change of it, waited before the watch counts.
pub fn settles(target: &Target<'_>) -> u64 {
    match target.rows.first().map(|row| &row.by) {
        Some(Mechanism::Record(record)) => u64::from(record.ttl.unwrap_or(60)) * 2,
        Some(Mechanism::Dial(_)) => 60,
        Some(
            Mechanism::Forward(_)
            | Mechanism::Alias(_)
            | Mechanism::Distribution(_)
            | Mechanism::Control(_)
            | Mechanism::Route(_)
            | Mechanism::Rollout(_),
        )
        | None => 0,
    }
}

/// What is written.
pub fn shift(fleet: &Fleet, target: &Target<'_>, options: &Options) -> Result<Shift, Refusal> {
    if options.percent.is_some() != options.weights.is_empty() {
        return Err(Refusal::new(
            "say how much: a percentage or weights, not both",
            "`percent 5` for a member, or `weights a=1,b=3`; usual percentages are 1, 5, 10, 25, 50, 100",
        ));
    }
    if let Some(percent) = options
        .percent
        .filter(|percent| !(0.0..=100.0).contains(percent))
    {
        return Err(Refusal::new(
            format!("{percent} is no percentage"),
            "give 0 to 100",
        ));
    }
    let unknown: Vec<String> = options
        .weights
        .keys()
        .filter(|name| !target.rows.iter().any(|row| row.member == **name))
        .map(|name| format!("{} has no member `{name}`", target.split))
        .collect();
    if !unknown.is_empty() {
        let members: Vec<&str> = target.rows.iter().map(|row| row.member.as_str()).collect();
        return Err(Refusal {
            reasons: unknown,
            advice: format!("it has {}", members.join(", ")),
        });
    }
    match target.rows.first().map(|row| &row.by) {
        Some(Mechanism::Record(_)) => records(target, options),
        Some(Mechanism::Dial(_)) => dial(target, options),
        Some(Mechanism::Forward(_)) => forward(target, options),
        Some(Mechanism::Route(_)) => route::shift(fleet, target, options),
        Some(Mechanism::Rollout(_)) => Err(Refusal::new(
            format!("the weights of {} belong to its controller", target.split),
            format!(
                "steer it: `steer-rollout {} to promote`, or to pause, abort",
                target.split
            ),
        )),
        Some(Mechanism::Alias(_)) => version::alias(target, options),
        Some(Mechanism::Distribution(_)) => version::staging(target, options),
        Some(Mechanism::Control(_)) | None => Err(Refusal::new(
            format!("{} has states, not shares", target.split),
            "drain or restore the region instead",
        )),
    }
}

pub(super) fn already(target: &Target<'_>) -> Refusal {
    Refusal::new(
        format!("{} is divided like that already", target.split),
        "nothing is left to change",
    )
}

pub(super) fn which(target: &Target<'_>) -> Refusal {
    let members: Vec<String> = target
        .rows
        .iter()
        .map(|row| format!("{}/{}", target.split, row.member))
        .collect();
    Refusal::new(
        format!(
            "{} has several members: a percentage needs one of them",
            target.split
        ),
        format!("name one: {}", members.join(", ")),
    )
}

pub(super) fn zero(target: &Target<'_>) -> Refusal {
    Refusal::new(
        format!("all weights of {} would be 0", target.split),
        "leave a weight to some member; to take everything away drain the region",
    )
}

pub(super) fn range(what: &str, most: u32) -> Refusal {
    Refusal::new(
        format!("a weight of {what} is at most {most}"),
        format!("give 0 to {most}"),
    )
}

fn records(target: &Target<'_>, options: &Options) -> Result<Shift, Refusal> {
    let rows = target.of(|by| match by {
        Mechanism::Record(member) => Some(member),
        Mechanism::Dial(_)
        | Mechanism::Forward(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_)
        | Mechanism::Route(_)
        | Mechanism::Rollout(_) => None,
    });
    // Two zones may hold one name: a batch is of one of them.
    let zone = rows
        .iter()
        .find(|(member, _)| target.member.is_none_or(|wanted| wanted == *member))
        .map(|(_, record)| record.zone_id.as_str());
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|(_, record)| Some(record.zone_id.as_str()) == zone)
        .collect();
    let name = Name {
        split: target.split,
        records: rows.iter().map(|(_, record)| (*record, None)).collect(),
    };
    let Some(now) = name.weights() else {
        return Err(Refusal::new(
            format!(
                "{} is not divided by weights: its routing policy decides",
                target.split
            ),
            "drain or restore a region instead",
        ));
    };
    if let Some(owner) = lever::owner(&name) {
        return Err(Refusal::new(owner, "change the traffic policy instead"));
    }
    let to = if let Some(percent) = options.percent {
        let member = target.member.ok_or_else(|| which(target))?;
        let mine: Vec<bool> = rows.iter().map(|(known, _)| *known == member).collect();
        by_percent(&now, &mine, percent).ok_or_else(|| zero(target))?
    } else {
        let mut to = now.clone();
        for ((member, _), weight) in rows.iter().zip(&mut to) {
            if let Some(wanted) = options.weights.get(*member) {
                *weight = u8::try_from(*wanted).map_err(|_| range("a record set", 255))?;
            }
        }
        to
    };
    if to.iter().all(|weight| *weight == 0) {
        return Err(zero(target));
    }
    let change = name.batch(&now, &to).ok_or_else(|| already(target))?;
    let ttl = name.ttl();
    let remarks = vec![format!(
        "DNS divides resolvers, not requests: shares are rough, users follow within {} s, and so does a way back",
        ttl * 2
    )];
    Ok(Shift { change, remarks })
}

/// Weights with a percentage for some; 100 takes everything from the others.
fn by_percent(now: &[u8], mine: &[bool], percent: f64) -> Option<Vec<u8>> {
    if percent < 100.0 {
        return weights::with_share(now, mine, percent / 100.0);
    }
    let has = now
        .iter()
        .zip(mine)
        .any(|(weight, mine)| *mine && *weight > 0);
    let all = now
        .iter()
        .zip(mine)
        .map(|(weight, mine)| match (mine, has) {
            (true, true) => *weight,
            (true, false) => 100,
            (false, _) => 0,
        });
    Some(all.collect())
}

fn dial(target: &Target<'_>, options: &Options) -> Result<Shift, Refusal> {
    let rows: Vec<(&str, &EndpointGroup)> = target.of(|by| match by {
        Mechanism::Dial(member) => Some(member),
        Mechanism::Record(_)
        | Mechanism::Forward(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_)
        | Mechanism::Route(_)
        | Mechanism::Rollout(_) => None,
    });
    let Some(percent) = options.percent else {
        return Err(Refusal::new(
            "an accelerator has dials, not weights",
            "give a percentage for one endpoint group",
        ));
    };
    let member = target.member.ok_or_else(|| which(target))?;
    let (_, group) = rows
        .iter()
        .find(|(known, _)| *known == member)
        .ok_or_else(|| which(target))?;
    let others = rows
        .iter()
        .any(|(known, group)| *known != member && group.dial > 0.0);
    if percent <= 0.0 && !others {
        return Err(zero(target));
    }
    if (group.dial - percent).abs() < 1e-9 {
        return Err(already(target));
    }
    let change = crate::actions::kit::route::dial(group, group.dial, percent);
    let remarks = vec![
        "a dial cuts the traffic that would reach this group, not the total; open connections stay until they end".to_owned(),
    ];
    Ok(Shift { change, remarks })
}

fn forward(target: &Target<'_>, options: &Options) -> Result<Shift, Refusal> {
    let rows: Vec<(&str, &Forward)> = target.of(|by| match by {
        Mechanism::Forward(member) => Some(member),
        Mechanism::Record(_)
        | Mechanism::Dial(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_)
        | Mechanism::Route(_)
        | Mechanism::Rollout(_) => None,
    });
    let now: Vec<u32> = rows.iter().map(|(_, forward)| forward.weight).collect();
    let to = if let Some(percent) = options.percent {
        let member = target
            .member
            .or_else(|| canary(&rows))
            .ok_or_else(|| which(target))?;
        let at = rows
            .iter()
            .position(|(known, _)| *known == member)
            .ok_or_else(|| which(target))?;
        divide(&now, at, percent).ok_or_else(|| zero(target))?
    } else {
        let wanted = rows.iter().zip(&now);
        wanted
            .map(|((member, _), weight)| options.weights.get(*member).copied().unwrap_or(*weight))
            .collect()
    };
    if to.iter().any(|weight| *weight > GROUP_MOST) {
        return Err(range("a target group", GROUP_MOST));
    }
    if to.iter().all(|weight| *weight == 0) {
        return Err(zero(target));
    }
    if now == to {
        return Err(already(target));
    }
    let (Some((_, first)), Some(region)) = (rows.first(), target.place.region()) else {
        return Err(already(target));
    };
    let mut remarks = Vec::new();
    for ((member, forward), (from, to)) in rows.iter().zip(now.iter().zip(&to)) {
        let empty = forward.health.and_then(traffic::TargetHealth::serves) == Some(false);
        if empty && to > from {
            return Err(Refusal::new(
                format!("{member} has no healthy targets: its share would get errors"),
                "wait until its targets are healthy",
            ));
        }
        if forward.stickiness && from > to {
            remarks.push(format!("users stick to {member} until their cookie ends"));
        }
    }
    let change = traffic::Change::Forward {
        region: region.clone(),
        load_balancer_name: first.load_balancer_name.clone(),
        listener_arn: first.listener_arn.clone(),
        rule_arn: first.rule_arn.clone(),
        groups: rows
            .iter()
            .zip(now.iter().zip(&to))
            .map(|((_, forward), (from, to))| ForwardEdit {
                target_group_arn: forward.target_group_arn.clone(),
                target_group_name: forward.target_group_name.clone(),
                from: *from,
                to: *to,
            })
            .collect(),
    };
    Ok(Shift {
        change: Change::Traffic(change),
        remarks,
    })
}

/// Of two target groups the one with less.
fn canary<'a>(rows: &[(&'a str, &Forward)]) -> Option<&'a str> {
    match rows {
        [(a, first), (_, second)] if first.weight < second.weight => Some(a),
        [(_, first), (b, second)] if second.weight < first.weight => Some(b),
        _ => None,
    }
}

/// Weights whose sum is 100, or 1000 for tenths of a percent, with a percentage for one and the others in their ratio. Who had some keeps some.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 1000
fn divide(now: &[u32], at: usize, percent: f64) -> Option<Vec<u32>> {
    let unit = if percent.fract().abs() < 1e-9 {
        1.0
    } else {
        10.0
    };
    let own = (percent * unit).round() as u32;
    let rest = (100.0 * unit) as u32 - own;
    let sum: u32 = now
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != at)
        .map(|(_, weight)| *weight)
        .sum();
    if rest > 0 && sum == 0 {
        return None;
    }
    let written = now.iter().enumerate().map(|(index, weight)| {
        if index == at {
            own
        } else if *weight == 0 || rest == 0 {
            0
        } else {
            (f64::from(*weight) / f64::from(sum) * f64::from(rest))
                .round()
                .max(1.0) as u32
        }
    });
    Some(written.map(|weight| weight.min(GROUP_MOST)).collect())
}
