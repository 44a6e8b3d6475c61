//! Weights of the backends of a route as whole numbers that add up: a total in the ratio of some parts, and the part of some members that is wanted. Pure arithmetic; never an all-zero rule.

use crate::resources::traffic::RouteKind;

/// `total` in the ratio of some parts, rounded so that it adds up exactly; who has a part gets something. `None` where nobody has one, or there is too little for each.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most `total`
pub fn apportion(parts: &[f64], total: u32) -> Option<Vec<u32>> {
    let some: Vec<usize> = (0..parts.len()).filter(|at| parts[*at] > 0.0).collect();
    let sum: f64 = parts.iter().filter(|part| **part > 0.0).sum();
    if some.is_empty() || (total as usize) < some.len() {
        return None;
    }
    // Rounded down first, then what is left over goes to those who lost most by it.
    let exact = |at: usize| parts[at] / sum * f64::from(total);
    let mut given = vec![0; parts.len()];
    for at in &some {
        given[*at] = (exact(*at).floor() as u32).max(1);
    }
    let mut all: u32 = given.iter().sum();
    while all != total {
        let lack = |at: &&usize| exact(**at) - f64::from(given[**at]);
        let by = |a: &&usize, b: &&usize| lack(a).total_cmp(&lack(b));
        if all < total {
            // Of equals the first.
            let at = *some.iter().rev().max_by(by)?;
            given[at] += 1;
            all += 1;
        } else {
            let rich = some.iter().filter(|at| given[**at] > 1);
            let at = *rich.min_by(by)?;
            given[at] -= 1;
            all -= 1;
        }
    }
    Some(given)
}

fn sum(weights: &[u32], mine: &[bool], wanted: bool) -> u32 {
    let chosen = weights.iter().zip(mine).filter(|(_, is)| **is == wanted);
    chosen.map(|(weight, _)| *weight).sum()
}

/// The share of `mine` among all, 0.0 to 1.0; `None` when every weight is 0.
pub fn share(weights: &[u32], mine: &[bool]) -> Option<f64> {
    let (own, rest) = (sum(weights, mine, true), sum(weights, mine, false));
    (own + rest > 0).then(|| f64::from(own) / f64::from(own + rest))
}

/// What the weights of a rule add up to when they are written anew: 100 in a mesh, whose older versions refuse anything else, and elsewhere at least that, so that a percent can be written.
fn total(kind: RouteKind, normal: &[u32]) -> u32 {
    let sum: u32 = normal.iter().sum();
    match kind {
        RouteKind::VirtualService => 100,
        RouteKind::HttpRoute | RouteKind::GrpcRoute if sum == 0 => 100,
        RouteKind::HttpRoute | RouteKind::GrpcRoute => sum * 100_u32.div_ceil(sum),
    }
}

/// Weights that give `mine` a portion of their normal share: 0.0 nothing, 1.0 exactly the normal weights. The others get the rest in their ratio, those that only stand by alike.
/// More than nothing never becomes nothing. `None` where nobody else is there.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most the total
pub fn level(kind: RouteKind, normal: &[u32], mine: &[bool], portion: f64) -> Option<Vec<u32>> {
    if portion >= 1.0 {
        return normal
            .iter()
            .any(|weight| *weight > 0)
            .then(|| normal.to_vec());
    }
    let of = |wanted: bool| {
        let standing_by = sum(normal, mine, wanted) == 0;
        let part = move |(weight, is): (&u32, &bool)| match (*is == wanted, standing_by) {
            (false, _) => 0.0,
            (true, true) => 1.0,
            (true, false) => f64::from(*weight),
        };
        normal.iter().zip(mine).map(part).collect::<Vec<f64>>()
    };
    let (own_parts, other_parts) = (of(true), of(false));
    let count = |parts: &[f64]| parts.iter().filter(|part| **part > 0.0).count() as u32;
    let total = total(kind, normal);
    let wanted = share(normal, mine)? * portion;
    let own = if wanted <= 0.0 {
        0
    } else {
        let most = total.checked_sub(count(&other_parts))?;
        ((wanted * f64::from(total)).round() as u32)
            .max(count(&own_parts))
            .min(most)
    };
    let others = apportion(&other_parts, total - own)?;
    let own = if own == 0 {
        vec![0; normal.len()]
    } else {
        apportion(&own_parts, own)?
    };
    Some(own.into_iter().zip(others).map(|(a, b)| a + b).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MESH: RouteKind = RouteKind::VirtualService;
    const GATEWAY: RouteKind = RouteKind::HttpRoute;

    #[test]
    fn a_total_is_divided_exactly_and_whoever_has_a_part_keeps_some() {
        assert_eq!(apportion(&[1.0, 1.0, 1.0], 100), Some(vec![34, 33, 33]));
        assert_eq!(apportion(&[999.0, 0.0, 1.0], 2), Some(vec![1, 0, 1]));
        assert_eq!(apportion(&[0.0, 0.0], 100), None);
        assert_eq!(apportion(&[1.0, 1.0, 1.0], 2), None, "too little for each");
    }

    #[test]
    fn a_region_gives_all_it_has_to_the_others_in_their_ratio() {
        let mine = [true, false, false];
        assert_eq!(
            level(MESH, &[50, 30, 20], &mine, 0.0),
            Some(vec![0, 60, 40])
        );
        assert_eq!(
            level(MESH, &[50, 30, 20], &mine, 0.5),
            Some(vec![25, 45, 30])
        );
        assert_eq!(
            level(MESH, &[50, 30, 20], &mine, 1.0),
            Some(vec![50, 30, 20])
        );
        assert_eq!(
            level(GATEWAY, &[1, 1, 0], &mine, 0.5),
            Some(vec![25, 75, 0])
        );
        assert_eq!(
            level(GATEWAY, &[500, 500], &mine[..2], 0.01),
            Some(vec![5, 995])
        );
    }

    #[test]
    fn who_stands_by_takes_over_when_nobody_else_serves() {
        assert_eq!(
            level(MESH, &[100, 0], &[true, false], 0.0),
            Some(vec![0, 100])
        );
        assert_eq!(
            level(MESH, &[100, 0, 0], &[true, false, false], 0.5),
            Some(vec![50, 25, 25])
        );
        assert_eq!(level(MESH, &[100], &[true], 0.0), None, "nobody is there");
        assert_eq!(level(MESH, &[0, 0], &[true, false], 0.5), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(11), ..ProptestConfig::default() })]
        #[test]
        fn a_level_adds_up_is_near_and_gives_nobody_nothing_who_had_some(
            set in proptest::collection::vec((0..=1_000_u32, any::<bool>()), 2..7),
            portion in 0.0..1.0_f64,
            mesh in any::<bool>(),
        ) {
            let (normal, mine): (Vec<u32>, Vec<bool>) = set.into_iter().unzip();
            let kind = if mesh { MESH } else { GATEWAY };
            let Some(written) = level(kind, &normal, &mine, portion) else { return Ok(()); };
            let all: u32 = written.iter().sum();
            prop_assert_eq!(all, total(kind, &normal));
            prop_assert!(mine.iter().zip(&written).any(|(mine, weight)| !mine && *weight > 0));
            let wanted = share(&normal, &mine).unwrap() * portion;
            let is = share(&written, &mine).unwrap();
            let unit = normal.len() as f64 / f64::from(all);
            prop_assert!((is - wanted).abs() <= unit + 1e-9, "{is} is not {wanted}: {normal:?} {written:?}");
            if sum(&normal, &mine, false) > 0 {
                for ((before, after), mine) in normal.iter().zip(&written).zip(&mine) {
                    prop_assert!(*mine || (*before > 0) == (*after > 0));
                }
            }
        }
    }
}
