//! Weights of the backends of a route in a cluster: HTTPRoute, GRPCRoute, VirtualService. Owns their ranges and traps (domain B.3); never an all-zero rule.

use super::{
    target::Target,
    write::{Shift, already, range, which, zero},
};
use crate::{
    actions::{
        Refusal,
        kit::{parts, rule},
    },
    plan::Options,
    resources::{
        Fleet, RegionLabel,
        traffic::{Mechanism, RouteBackend, RouteKind},
    },
};

pub(super) fn shift(
    fleet: &Fleet,
    target: &Target<'_>,
    options: &Options,
) -> Result<Shift, Refusal> {
    let rows: Vec<(&str, &RouteBackend)> = target.of(Mechanism::route);
    let (Some((_, first)), Some(region)) = (rows.first(), target.place.region()) else {
        return Err(already(target));
    };
    let rule = &first.rule;
    if !first.heard(fleet).usable() {
        return Err(Refusal::new(
            format!(
                "the cluster {} is not heard: its weights may be others by now",
                rule.cluster
            ),
            "wait until its API server answers",
        ));
    }
    let now: Vec<u32> = rows.iter().map(|(_, backend)| backend.weight).collect();
    let to = wanted(target, options, &rows, &now)?;
    let most = rule.kind.heaviest();
    if to.iter().any(|weight| *weight > most) {
        return Err(range(&format!("a {}", rule.kind.name()), most));
    }
    if to.iter().all(|weight| *weight == 0) {
        return Err(zero(target));
    }
    if now == to {
        return Err(already(target));
    }
    hundred(rule.kind, &to)?;
    let backends: Vec<(&str, &RouteBackend, &RegionLabel)> = rows
        .iter()
        .map(|(member, backend)| (*member, *backend, backend.leads_to(&fleet.estate, region)))
        .collect();
    let change = rule::change(region, &backends, &now, &to).ok_or_else(|| already(target))?;
    Ok(Shift {
        change,
        remarks: remarks(rule.kind, first),
    })
}

fn wanted(
    target: &Target<'_>,
    options: &Options,
    rows: &[(&str, &RouteBackend)],
    now: &[u32],
) -> Result<Vec<u32>, Refusal> {
    let Some(percent) = options.percent else {
        let weights = rows.iter().zip(now);
        return Ok(weights
            .map(|((member, _), weight)| options.weights.get(*member).copied().unwrap_or(*weight))
            .collect());
    };
    let member = target.member.or_else(|| lighter(rows));
    let member = member.ok_or_else(|| which(target))?;
    let at = rows.iter().position(|(known, _)| *known == member);
    let at = at.ok_or_else(|| which(target))?;
    let whole = percent.fract().abs() < 1e-9;
    if !whole && first_kind(rows) == Some(RouteKind::VirtualService) {
        return Err(Refusal::new(
            "a VirtualService takes whole percentages",
            "its weights add up to 100",
        ));
    }
    let total: u32 = if whole { 100 } else { 1_000 };
    divide(now, at, percent, total).ok_or_else(|| zero(target))
}

fn first_kind(rows: &[(&str, &RouteBackend)]) -> Option<RouteKind> {
    rows.first().map(|(_, backend)| backend.rule.kind)
}

/// Of two backends the one with less.
fn lighter<'a>(rows: &[(&'a str, &RouteBackend)]) -> Option<&'a str> {
    match rows {
        [(a, first), (_, second)] if first.weight < second.weight => Some(a),
        [(_, first), (b, second)] if second.weight < first.weight => Some(b),
        _ => None,
    }
}

/// Older versions of Istio refuse any other sum.
fn hundred(kind: RouteKind, to: &[u32]) -> Result<(), Refusal> {
    let sum: u32 = to.iter().sum();
    match kind {
        RouteKind::VirtualService if sum != 100 => Err(Refusal::new(
            format!("the weights of a VirtualService would add up to {sum}"),
            "give weights that add up to 100, or a percentage",
        )),
        RouteKind::VirtualService | RouteKind::HttpRoute | RouteKind::GrpcRoute => Ok(()),
    }
}

/// Weights that add up to `total` exactly, with a percentage for one and the others in their ratio; who had some keeps some. `None` where nobody else could take the rest.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 1000
fn divide(now: &[u32], at: usize, percent: f64, total: u32) -> Option<Vec<u32>> {
    let own = ((percent / 100.0 * f64::from(total)).round() as u32).min(total);
    let others = now.iter().enumerate();
    let others: Vec<f64> = others
        .map(|(index, weight)| if index == at { 0.0 } else { f64::from(*weight) })
        .collect();
    let mut to = if own == total {
        vec![0; now.len()]
    } else {
        parts::apportion(&others, total - own)?
    };
    *to.get_mut(at)? = own;
    Some(to)
}

fn remarks(kind: RouteKind, backend: &RouteBackend) -> Vec<String> {
    let mut remarks = vec![match kind {
        RouteKind::HttpRoute | RouteKind::GrpcRoute => {
            "whether a backend can answer is not read: one without pods answers its share with errors".to_owned()
        }
        RouteKind::VirtualService => {
            "a VirtualService has no status: that the proxies follow shows in the requests only".to_owned()
        }
    }];
    if backend.rule.index > 0 || backend.rule_name.is_some() || !backend.matches.is_empty() {
        let all = if backend.matches.is_empty() {
            "everything that no other rule takes"
        } else {
            &backend.matches
        };
        remarks.push(format!("only requests of this rule move: {all}"));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_written_with_weights_that_add_up_exactly() {
        assert_eq!(divide(&[95, 5], 1, 25.0, 100), Some(vec![75, 25]));
        assert_eq!(divide(&[1, 0], 1, 5.0, 100), Some(vec![95, 5]));
        assert_eq!(divide(&[1, 1, 1], 2, 1.0, 100), Some(vec![50, 49, 1]));
        assert_eq!(divide(&[999, 1, 5], 2, 98.0, 100), Some(vec![1, 1, 98]));
        assert_eq!(
            divide(&[3, 3, 3, 1], 3, 0.0, 100),
            Some(vec![34, 33, 33, 0])
        );
        assert_eq!(divide(&[99, 1], 1, 0.5, 1_000), Some(vec![995, 5]));
        assert_eq!(divide(&[50, 50], 0, 100.0, 100), Some(vec![100, 0]));
    }

    #[test]
    fn where_nobody_else_has_a_weight_nothing_can_be_divided() {
        assert_eq!(divide(&[1, 0], 0, 50.0, 100), None);
        assert_eq!(divide(&[1, 1, 1], 0, 99.0, 100), None, "one unit for two");
        assert_eq!(divide(&[], 0, 50.0, 100), None);
    }

    #[test]
    fn a_virtual_service_wants_a_sum_of_100() {
        assert!(hundred(RouteKind::VirtualService, &[60, 41]).is_err());
        assert!(hundred(RouteKind::VirtualService, &[60, 40]).is_ok());
        assert!(hundred(RouteKind::HttpRoute, &[1, 1]).is_ok());
    }
}
