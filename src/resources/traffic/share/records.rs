//! The shares of the record sets of one name and type, by their routing policy (domain C, "Effective Route 53 answer").

use super::{
    super::{Policy, Record},
    Remark, Share,
    known::Known,
    weights::{Member, weighted},
};

/// The shares of the record sets of one name and type, in their order.
pub fn shares(records: &[&Record], known: &Known<'_>) -> Vec<Share> {
    let health: Vec<Option<bool>> = records.iter().map(|record| known.record(record)).collect();
    let Some(first) = records.first() else {
        return Vec::new();
    };
    // Route 53 does not allow policies to be mixed; if they are, we do not understand what we see.
    if records.iter().any(|record| {
        std::mem::discriminant(&record.policy) != std::mem::discriminant(&first.policy)
    }) {
        return unknown(records);
    }
    match &first.policy {
        Policy::Other => unknown(records),
        Policy::Failover { .. } => failover(records, &health),
        Policy::Weighted { .. } | Policy::Simple | Policy::MultiValue => {
            by_weight(&members(records, &health), None)
        }
        Policy::Latency { .. } | Policy::Geoproximity { .. } => by_user(&health, true, None),
        Policy::Geolocation { .. } | Policy::Cidr { .. } => {
            let default = records.iter().position(|record| is_default(&record.policy));
            let remark = match default.map(|index| health[index]) {
                None => Some(Remark::NoDefault),
                Some(Some(false)) => Some(Remark::DefaultFails),
                Some(Some(true) | None) => None,
            };
            by_user(&health, false, remark)
        }
    }
}

fn members(records: &[&Record], health: &[Option<bool>]) -> Vec<Member> {
    // Those of another policy count the same.
    let weight = |record: &&Record| record.weight().map_or(1.0, f64::from);
    let pairs = records.iter().zip(health);
    pairs
        .map(|(record, &healthy)| Member {
            weight: weight(record),
            healthy,
        })
        .collect()
}

fn unknown(records: &[&Record]) -> Vec<Share> {
    let share = Share {
        fail_open: None,
        ..Share::by_user(None).remark(Remark::UnknownPolicy)
    };
    vec![share; records.len()]
}

/// Shares by weight and health; `otherwise` is the remark when there is nothing graver to say.
pub fn by_weight(members: &[Member], otherwise: Option<Remark>) -> Vec<Share> {
    let outcome = weighted(members);
    let remark = match outcome.fail_open {
        Some(true) => Some(Remark::FailOpen),
        Some(false) | None if outcome.all_zero => Some(Remark::AllZero),
        Some(false) | None if outcome.zero_weight_answers => Some(Remark::ZeroWeightAnswers),
        Some(false) | None => otherwise,
    };
    outcome
        .shares
        .into_iter()
        .map(|(low, high)| Share {
            fail_open: outcome.fail_open,
            remark,
            ..Share::between(low, high)
        })
        .collect()
}

/// The primary while it is healthy, then the secondary while that is, then the primary again.
fn failover(records: &[&Record], health: &[Option<bool>]) -> Vec<Share> {
    let is_primary = |record: &Record| record.policy == (Policy::Failover { primary: true });
    let at = |primary: bool| {
        records
            .iter()
            .position(|record| is_primary(record) == primary)
    };
    let (Some(first), Some(second)) = (at(true), at(false)) else {
        // Half a pair: what is there answers.
        return by_weight(&members(records, health), None);
    };
    if records.len() > 2 {
        return unknown(records);
    }
    let (low, high) = match (health[first], health[second]) {
        (Some(true), _) | (_, Some(false)) => (1.0, 1.0),
        (Some(false), Some(true)) => (0.0, 0.0),
        (None, Some(true) | None) | (Some(false), None) => (0.0, 1.0),
    };
    let fail_open = match (health[first], health[second]) {
        (Some(true), _) | (_, Some(true)) => Some(false),
        (Some(false), Some(false)) => Some(true),
        (None, _) | (_, None) => None,
    };
    let share = |index: usize| {
        let share = if index == first {
            Share::between(low, high)
        } else {
            Share::between(1.0 - high, 1.0 - low)
        };
        Share {
            fail_open,
            remark: (fail_open == Some(true)).then_some(Remark::FailOpen),
            ..share
        }
    };
    (0..records.len()).map(share).collect()
}

/// Policies that choose by who asks: a healthy record answers those it is best for; when none is healthy, all count as healthy.
fn by_user(health: &[Option<bool>], everywhere: bool, remark: Option<Remark>) -> Vec<Share> {
    let some_healthy = health.contains(&Some(true));
    let none_healthy = health.iter().all(|healthy| *healthy == Some(false));
    let fail_open = match (some_healthy, none_healthy) {
        (true, _) => Some(false),
        (false, true) => Some(true),
        (false, false) => None,
    };
    // A lone record that reaches everybody answers them whatever its health.
    let certain = fail_open == Some(true) || (everywhere && health.len() == 1);
    health
        .iter()
        .map(|&healthy| {
            let answers = match (certain, healthy) {
                (true, _) | (_, Some(true)) => Some(true),
                // Unhealthy, it answers only if the unknown ones turn out unhealthy too.
                (false, Some(false)) => fail_open.map(|_| false),
                (false, None) => None,
            };
            Share {
                fail_open,
                remark: if fail_open == Some(true) {
                    Some(Remark::FailOpen)
                } else {
                    remark
                },
                ..Share::by_user(answers)
            }
        })
        .collect()
}

/// Whether a location is the default: country `*`, CIDR location `*`.
fn is_default(policy: &Policy) -> bool {
    match policy {
        Policy::Geolocation { country, .. } => country.as_deref() == Some("*"),
        Policy::Cidr { location } => location.ends_with("/*"),
        Policy::Simple
        | Policy::Weighted { .. }
        | Policy::Latency { .. }
        | Policy::Geoproximity { .. }
        | Policy::Failover { .. }
        | Policy::MultiValue
        | Policy::Other => false,
    }
}
