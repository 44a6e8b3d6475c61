//! Weights of a Route 53 name as numbers: the part of some members that is wanted, with the ratio of all others kept. Pure arithmetic; knows no record. Never gives an all-zero set.

/// The greatest weight that Route 53 takes.
const MOST: u32 = 255;

/// Sum of the weights of some members.
fn sum(weights: &[u8], mine: &[bool], wanted: bool) -> f64 {
    let chosen = weights
        .iter()
        .zip(mine)
        .filter(|(_, mine)| **mine == wanted);
    chosen.map(|(weight, _)| f64::from(*weight)).sum()
}

/// The share of `mine` among all, 0.0 to 1.0; `None` when every weight is 0.
pub fn share(weights: &[u8], mine: &[bool]) -> Option<f64> {
    let (own, rest) = (sum(weights, mine, true), sum(weights, mine, false));
    (own + rest > 0.0).then(|| own / (own + rest))
}

/// By how much all weights can be multiplied: the finer the basis, the smaller the share that can be written.
fn basis(weights: &[u8], mine: &[bool]) -> u32 {
    let others = weights.iter().zip(mine).filter(|(_, mine)| !**mine);
    let most = others.map(|(weight, _)| u32::from(*weight)).max();
    most.filter(|most| *most > 0).map_or(1, |most| MOST / most)
}

/// Weights that give `mine` a share of the whole, 0.0 to below 1.0. The others keep their ratio exactly, `mine` theirs as nearly as integers can;
/// more than nothing never becomes nothing. `None` where the others weigh nothing: then no weight can divide anything.
pub fn with_share(normal: &[u8], mine: &[bool], wanted: f64) -> Option<Vec<u8>> {
    let rest = sum(normal, mine, false);
    if rest <= 0.0 || !(0.0..1.0).contains(&wanted) {
        return None;
    }
    if wanted <= 0.0 {
        let drained = normal.iter().zip(mine);
        return Some(
            drained
                .map(|(weight, mine)| if *mine { 0 } else { *weight })
                .collect(),
        );
    }
    // The coarsest of the fine bases in which the weights of `mine` still fit.
    let own = sum(normal, mine, true);
    let count = mine.iter().filter(|mine| **mine).count();
    let part = |weight: u8| {
        if own > 0.0 {
            f64::from(weight) / own
        } else {
            1.0 / count as f64
        }
    };
    let largest = normal
        .iter()
        .zip(mine)
        .filter(|(_, mine)| **mine)
        .map(|(weight, _)| part(*weight))
        .fold(0.0, f64::max);
    let factor = (1..=basis(normal, mine)).rev().find(|factor| {
        wanted / (1.0 - wanted) * rest * f64::from(*factor) * largest <= f64::from(MOST)
    })?;
    let total = wanted / (1.0 - wanted) * rest * f64::from(factor);
    let write = |(weight, mine): (&u8, &bool)| {
        if !*mine {
            // Within the range: the factor was chosen by the heaviest of them.
            return u8::try_from(u32::from(*weight) * factor).unwrap_or(u8::MAX);
        }
        let exact = total * part(*weight);
        if exact <= 0.0 { 0 } else { rounded(exact) }
    };
    Some(normal.iter().zip(mine).map(write).collect())
}

/// Weights that give `mine` a portion of their normal share: 0.0 nothing, 1.0 exactly the normal weights.
pub fn level(normal: &[u8], mine: &[bool], portion: f64) -> Option<Vec<u8>> {
    if portion >= 1.0 {
        let any = normal.iter().any(|weight| *weight > 0);
        return any.then(|| normal.to_vec());
    }
    with_share(normal, mine, share(normal, mine)? * portion)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // held within 1 and 255 first
fn rounded(weight: f64) -> u8 {
    weight.round().clamp(1.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn half_a_share_is_written_with_ordinary_weights() {
        let mine = [false, true, false];
        let half = level(&[46, 31, 23], &mine, 0.5).unwrap();
        assert!(
            (share(&half, &mine).unwrap() - 0.155).abs() < 0.002,
            "{half:?}"
        );
        assert_eq!(u32::from(half[0]) * 23, u32::from(half[2]) * 46);
    }

    #[test]
    fn equal_small_weights_are_multiplied_so_that_one_percent_can_be_written() {
        let mine = [true, false, false];
        let one = with_share(&[1, 1, 1], &mine, 0.01).unwrap();
        assert!(
            (share(&one, &mine).unwrap() - 0.01).abs() < 0.002,
            "{one:?}"
        );
        assert_eq!(level(&[1, 1, 1], &mine, 0.0), Some(vec![0, 1, 1]));
        assert_eq!(level(&[1, 1, 1], &mine, 1.0), Some(vec![1, 1, 1]));
    }

    #[test]
    fn where_the_others_weigh_nothing_nothing_can_be_divided() {
        assert_eq!(level(&[10, 0], &[true, false], 0.5), None);
        assert_eq!(level(&[10, 0], &[true, false], 0.0), None);
        assert_eq!(level(&[0, 0], &[true, false], 1.0), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]
        #[test]
        fn a_level_is_never_all_zero_keeps_the_ratio_and_is_near(
            set in proptest::collection::vec((any::<u8>(), any::<bool>()), 1..8), portion in 0.0..=1.0f64,
        ) {
            let (normal, mine): (Vec<u8>, Vec<bool>) = set.into_iter().unzip();
            if let Some(written) = level(&normal, &mine, portion) {
                prop_assert!(written.iter().any(|weight| *weight > 0));
                for (a, mine_a) in mine.iter().enumerate() {
                    for (b, mine_b) in mine.iter().enumerate() {
                        if !mine_a && !mine_b {
                            prop_assert_eq!(u32::from(written[a]) * u32::from(normal[b]), u32::from(written[b]) * u32::from(normal[a]));
                        }
                    }
                }
                let wanted = share(&normal, &mine).unwrap_or(0.0) * portion;
                let is = share(&written, &mine).unwrap();
                // One unit of weight for each member of mine.
                let total: f64 = written.iter().map(|weight| f64::from(*weight)).sum();
                let unit = mine.iter().filter(|mine| **mine).count() as f64 / total;
                prop_assert!((is - wanted).abs() <= unit + 1e-9, "{is} is not {wanted}: {normal:?} {written:?}");
            }
        }
    }
}
