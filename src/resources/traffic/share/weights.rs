//! How weights and health make shares (domain C, "Effective Route 53 answer"). Pure arithmetic: knows no record and no API.

/// A member of a weighted set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member {
    /// Weight in any unit, 0 or more.
    pub weight: f64,
    /// Whether it is taken for healthy; `None` when that is not known.
    pub healthy: Option<bool>,
}

/// What a weighted set does.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Lowest and highest share of each member, 0.0 to 1.0, over everything that its unknown health may be; equal when it does not matter.
    pub shares: Vec<(f64, f64)>,
    /// Whether no member is healthy, so that all are taken for healthy; `None` when that is not known.
    pub fail_open: Option<bool>,
    /// Whether every weight is 0, so that all count the same.
    pub all_zero: bool,
    /// Whether members of weight 0 are in use because all others are unhealthy, for certain.
    pub zero_weight_answers: bool,
}

/// The shares of a weighted set.
///
/// Of the healthy members those with a weight above 0 share by weight; without any, the healthy ones of weight 0 share equally; without any of those,
/// all members share as if healthy. When all weights are 0, all healthy members share equally.
pub fn weighted(members: &[Member]) -> Outcome {
    let all_zero = members.iter().all(|member| member.weight <= 0.0);
    let sums = Sums::of(members, all_zero);
    let none_healthy = sums.healthy.count + sums.zero_healthy.count == 0.0;
    let all_known = members.iter().all(|member| member.healthy.is_some());
    Outcome {
        shares: members
            .iter()
            .map(|member| sums.bounds(weight(member, all_zero), member.healthy))
            .collect(),
        fail_open: if members.is_empty() || !none_healthy {
            Some(false)
        } else {
            all_known.then_some(true)
        },
        all_zero: all_zero && members.len() > 1,
        zero_weight_answers: sums.healthy.count + sums.unknown.count == 0.0
            && sums.zero_healthy.count > 0.0,
    }
}

/// All-zero is all-equal.
fn weight(member: &Member, all_zero: bool) -> f64 {
    if all_zero {
        1.0
    } else {
        member.weight.max(0.0)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    count: f64,
    weight: f64,
}

/// Members by weight above 0 or not and by health, which is all that a share depends on besides the member's own.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    all: Sum,
    healthy: Sum,
    unknown: Sum,
    zero_healthy: Sum,
    zero_unknown: Sum,
}

impl Sums {
    fn of(members: &[Member], all_zero: bool) -> Self {
        let mut sums = Self::default();
        for member in members {
            let weight = weight(member, all_zero);
            let add = |sum: &mut Sum| {
                sum.count += 1.0;
                sum.weight += weight;
            };
            add(&mut sums.all);
            match (weight > 0.0, member.healthy) {
                (true, Some(true)) => add(&mut sums.healthy),
                (true, None) => add(&mut sums.unknown),
                (false, Some(true)) => add(&mut sums.zero_healthy),
                (false, None) => add(&mut sums.zero_unknown),
                (_, Some(false)) => {}
            }
        }
        sums
    }

    fn bounds(self, weight: f64, healthy: Option<bool>) -> (f64, f64) {
        if weight > 0.0 {
            self.bounds_weighted(weight, healthy)
        } else {
            self.bounds_of_zero(healthy)
        }
    }

    fn bounds_weighted(self, weight: f64, healthy: Option<bool>) -> (f64, f64) {
        let open = weight / self.all.weight;
        let known_healthy = self.healthy.count + self.zero_healthy.count;
        let unknown = self.unknown.count + self.zero_unknown.count;
        match healthy {
            // Most when every unknown one is unhealthy, least when every one is healthy.
            Some(true) => (
                weight / (self.healthy.weight + self.unknown.weight),
                weight / self.healthy.weight,
            ),
            // Unhealthy, it gets traffic only when all are.
            Some(false) if known_healthy > 0.0 => (0.0, 0.0),
            Some(false) if unknown > 0.0 => (0.0, open),
            Some(false) => (open, open),
            None => {
                let most = weight / (self.healthy.weight + weight);
                let others_may_be_healthy = known_healthy + unknown > 1.0;
                (if others_may_be_healthy { 0.0 } else { open }, most)
            }
        }
    }

    fn bounds_of_zero(self, healthy: Option<bool>) -> (f64, f64) {
        // Weight 0 counts only while no member with a weight is healthy, and not at all when everything fails.
        if self.healthy.count > 0.0 || healthy == Some(false) {
            return (0.0, 0.0);
        }
        let least = 1.0 / (self.zero_healthy.count + self.zero_unknown.count);
        match healthy {
            Some(true) if self.unknown.count > 0.0 => (0.0, 1.0 / self.zero_healthy.count),
            Some(true) => (least, 1.0 / self.zero_healthy.count),
            Some(false) | None => (0.0, 1.0 / (self.zero_healthy.count + 1.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(members: &[(f64, Option<bool>)]) -> Vec<Member> {
        members
            .iter()
            .map(|&(weight, healthy)| Member { weight, healthy })
            .collect()
    }

    /// The rule of domain C word by word, for known health.
    fn by_the_rule(members: &[Member]) -> Vec<f64> {
        let chosen =
            |keep: &dyn Fn(&Member) -> bool| -> Vec<bool> { members.iter().map(keep).collect() };
        let tiers = [
            chosen(&|m| m.healthy == Some(true) && m.weight > 0.0),
            chosen(&|m| m.healthy == Some(true) && m.weight == 0.0),
            chosen(&|_| true),
        ];
        let Some(tier) = tiers.into_iter().find(|tier| tier.contains(&true)) else {
            return Vec::new();
        };
        let weight = |equal: bool, (member, &used): (&Member, &bool)| match (used, equal) {
            (false, _) => 0.0,
            (true, true) => 1.0,
            (true, false) => member.weight,
        };
        let weights = |equal| {
            members
                .iter()
                .zip(&tier)
                .map(|at| weight(equal, at))
                .collect::<Vec<f64>>()
        };
        let mut chosen = weights(false);
        if chosen.iter().sum::<f64>() == 0.0 {
            chosen = weights(true);
        }
        let sum: f64 = chosen.iter().sum();
        chosen.into_iter().map(|weight| weight / sum).collect()
    }

    /// Every way in which the unknown may turn out.
    fn completions(members: &[Member]) -> Vec<Vec<Member>> {
        members.iter().fold(vec![Vec::new()], |sets, member| {
            let choices = member
                .healthy
                .map_or(vec![true, false], |healthy| vec![healthy]);
            let extend = |set: &Vec<Member>| -> Vec<Vec<Member>> {
                let with = |&healthy: &bool| {
                    let member = Member {
                        healthy: Some(healthy),
                        ..*member
                    };
                    set.iter().copied().chain([member]).collect()
                };
                choices.iter().map(with).collect()
            };
            sets.iter().flat_map(extend).collect()
        })
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    fn members(
        health: impl Strategy<Value = Option<bool>>,
        most: usize,
    ) -> impl Strategy<Value = Vec<Member>> {
        let weight = prop_oneof![2 => Just(0.0), 5 => (1..=255u8).prop_map(f64::from)];
        proptest::collection::vec(
            (weight, health).prop_map(|(weight, healthy)| Member { weight, healthy }),
            1..=most,
        )
    }

    fn known() -> impl Strategy<Value = Vec<Member>> {
        members(any::<bool>().prop_map(Some), 12)
    }

    fn partly_known() -> impl Strategy<Value = Vec<Member>> {
        members(any::<Option<bool>>(), 7)
    }

    proptest! {
        #[test]
        fn known_health_gives_the_rule_and_the_shares_sum_to_one(set in known()) {
            let outcome = weighted(&set);
            for (&(low, high), rule) in outcome.shares.iter().zip(by_the_rule(&set)) {
                prop_assert!(near(low, rule) && near(high, rule), "{low}..{high} is not {rule}");
                prop_assert!(low >= 0.0);
            }
            prop_assert!(near(outcome.shares.iter().map(|share| share.0).sum(), 1.0));
        }

        #[test]
        fn unknown_health_gives_the_exact_range_of_all_completions(set in partly_known()) {
            let outcome = weighted(&set);
            let all: Vec<Vec<f64>> = completions(&set).iter().map(|set| by_the_rule(set)).collect();
            for (index, &(low, high)) in outcome.shares.iter().enumerate() {
                let values = || all.iter().map(|shares| shares[index]);
                let least = values().fold(f64::INFINITY, f64::min);
                let most = values().fold(f64::NEG_INFINITY, f64::max);
                prop_assert!(near(low, least) && near(high, most), "{low}..{high} is not {least}..{most} in {set:?}");
            }
        }

        #[test]
        fn a_common_factor_changes_nothing(set in partly_known(), factor in 1..100u8) {
            let scaled: Vec<Member> = set.iter().map(|m| Member { weight: m.weight * f64::from(factor), ..*m }).collect();
            for (a, b) in weighted(&set).shares.iter().zip(weighted(&scaled).shares) {
                prop_assert!(near(a.0, b.0) && near(a.1, b.1));
            }
        }

        #[test]
        fn it_fails_open_exactly_when_all_are_unhealthy(set in partly_known()) {
            let none = set.iter().all(|m| m.healthy == Some(false));
            let some = set.iter().any(|m| m.healthy == Some(true));
            let expected = match (none, some) { (true, _) => Some(true), (_, true) => Some(false), _ => None };
            prop_assert_eq!(weighted(&set).fail_open, expected);
        }

        #[test]
        fn all_zero_is_all_equal_among_the_healthy(health in proptest::collection::vec(any::<bool>(), 2..9)) {
            let set: Vec<Member> = health.iter().map(|&h| Member { weight: 0.0, healthy: Some(h) }).collect();
            let equal: Vec<Member> = set.iter().map(|m| Member { weight: 7.0, ..*m }).collect();
            let outcome = weighted(&set);
            prop_assert!(outcome.all_zero);
            prop_assert_eq!(outcome.shares, weighted(&equal).shares);
        }

        #[test]
        fn one_more_unhealthy_member_never_gains(set in known(), pick in any::<prop::sample::Index>()) {
            let index = pick.index(set.len());
            let mut worse = set.clone();
            worse[index].healthy = Some(false);
            let others_healthy = set.iter().enumerate().any(|(i, m)| i != index && m.healthy == Some(true));
            let (before, after) = (weighted(&set).shares[index].0, weighted(&worse).shares[index].0);
            // The last healthy one has everything, or, with weight 0 in a weighted set, shares it.
            prop_assert!(after <= before + 1e-9, "{before} became {after}");
            if others_healthy { prop_assert!(near(after, 0.0)); }
        }
    }

    #[test]
    fn zero_weights_take_over_when_all_others_fail() {
        let outcome = weighted(&set(&[
            (10.0, Some(false)),
            (0.0, Some(true)),
            (0.0, Some(true)),
        ]));
        assert_eq!(outcome.shares, [(0.0, 0.0), (0.5, 0.5), (0.5, 0.5)]);
        assert!(outcome.zero_weight_answers && outcome.fail_open == Some(false));
    }

    #[test]
    fn when_everything_fails_a_drained_member_stays_drained() {
        let outcome = weighted(&set(&[(10.0, Some(false)), (0.0, Some(false))]));
        assert_eq!(outcome.shares, [(1.0, 1.0), (0.0, 0.0)]);
        assert_eq!(outcome.fail_open, Some(true));
    }

    #[test]
    fn an_unknown_member_that_changes_nothing_leaves_the_share_exact() {
        let outcome = weighted(&set(&[(10.0, Some(true)), (0.0, None)]));
        assert_eq!(outcome.shares, [(1.0, 1.0), (0.0, 0.0)]);
    }

    #[test]
    fn nothing_has_no_shares() {
        assert_eq!(weighted(&[]).shares, []);
        assert_eq!(weighted(&[]).fail_open, Some(false));
    }
}
