//! The most that regions get when rules of a mesh divide anew between them. Owns the bound; knows no capacity.
//!
//! What arrives at the gateway of each cluster is measured nowhere, only what each region serves. So the requests of a rule are any number that no region
//! contradicts: none serves more than what the rules send it. The bound is the greatest gain within that, taken against each region alone and the least of these.

use std::collections::BTreeMap;

use super::demand;
use crate::resources::{
    Change, Fleet, RegionLabel,
    traffic::{
        self, RouteRule,
        routes::{BackendEdit, leads::between_regions},
    },
};

/// How a rule divides before and after, as parts of 1 by region.
struct Rule<'a> {
    region: &'a RegionLabel,
    at: &'a RouteRule,
    before: BTreeMap<&'a RegionLabel, f64>,
    after: BTreeMap<&'a RegionLabel, f64>,
}

fn parts(edits: &[BackendEdit], weight: fn(&BackendEdit) -> u32) -> BTreeMap<&RegionLabel, f64> {
    let all: f64 = edits.iter().map(|edit| f64::from(weight(edit))).sum();
    let mut parts = BTreeMap::new();
    for edit in edits {
        if let Some(label) = &edit.region {
            *parts.entry(label).or_default() += f64::from(weight(edit)) / all.max(1.0);
        }
    }
    parts
}

fn rules<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Vec<Rule<'a>> {
    let mut rules: Vec<Rule<'a>> = Vec::new();
    for change in changes {
        let Change::Traffic(traffic::Change::Route {
            region,
            rule,
            backends,
        }) = change
        else {
            continue;
        };
        if !between_regions(backends) {
            continue;
        }
        let after = parts(backends, |edit| edit.to);
        let mut known = rules.iter_mut();
        match known.find(|known| known.region == region && known.at.same(rule)) {
            Some(known) => known.after = after,
            None => rules.push(Rule {
                region,
                at: rule,
                before: parts(backends, |edit| edit.from),
                after,
            }),
        }
    }
    rules
}

/// The most requests per second that each region gets in addition by some changes, one after the other; `None` for all where what regions serve is not known.
/// Empty where the changes move nothing between regions by rules.
pub fn most<'a>(
    fleet: &Fleet,
    changes: impl IntoIterator<Item = &'a Change>,
) -> BTreeMap<RegionLabel, Option<f64>> {
    let rules = rules(changes);
    if rules.is_empty() {
        return BTreeMap::new();
    }
    let rates: BTreeMap<&RegionLabel, Option<f64>> = demand::served(fleet).into_iter().collect();
    let served: Option<BTreeMap<&RegionLabel, f64>> = rates
        .iter()
        .map(|(label, rate)| Some((*label, (*rate)?)))
        .collect();
    let gain = |label: &RegionLabel| served.as_ref().map(|served| bound(&rules, served, label));
    let labels = rates.keys();
    labels
        .map(|label| ((*label).clone(), gain(label)))
        .collect()
}

/// The greatest gain of a region, against each region that is served now; the least of these.
fn bound(rules: &[Rule<'_>], served: &BTreeMap<&RegionLabel, f64>, gaining: &RegionLabel) -> f64 {
    let part = |parts: &BTreeMap<&RegionLabel, f64>, label: &RegionLabel| {
        parts.get(label).copied().unwrap_or(0.0)
    };
    // Of each rule its most requests and what the region gains of each of them.
    let items: Vec<(f64, f64, &Rule<'_>)> = rules
        .iter()
        .map(|rule| {
            let limits = served.iter().filter_map(|(label, rate)| {
                let part = part(&rule.before, label);
                (part > 0.0).then(|| rate / part)
            });
            let most = limits.fold(f64::INFINITY, f64::min);
            let gain = part(&rule.after, gaining) - part(&rule.before, gaining);
            (
                if most.is_finite() { most } else { 0.0 },
                gain.max(0.0),
                rule,
            )
        })
        .collect();
    let against = |label: &RegionLabel, budget: f64| {
        let cost = |rule: &Rule<'_>| part(&rule.before, label);
        let mut by_worth: Vec<&(f64, f64, &Rule<'_>)> = items.iter().collect();
        let worth = |item: &(f64, f64, &Rule<'_>)| match cost(item.2) {
            cost if cost > 0.0 => item.1 / cost,
            _ => f64::INFINITY,
        };
        by_worth.sort_by(|a, b| worth(b).total_cmp(&worth(a)));
        let mut left = budget;
        let mut gained = 0.0;
        for (most, gain, rule) in by_worth {
            let cost = cost(rule);
            let requests = if cost > 0.0 {
                most.min(left / cost)
            } else {
                *most
            };
            gained += requests * gain;
            left -= requests * cost;
        }
        gained
    };
    let bounds = served.iter().map(|(label, rate)| against(label, *rate));
    let least = bounds.fold(f64::INFINITY, f64::min);
    if least.is_finite() { least } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{fixtures as f, traffic::routes::fixtures::backend};

    fn change(cluster: &str, weights: &[(&str, u32, u32)]) -> Change {
        let edit = |(region, from, to): &(&str, u32, u32)| BackendEdit {
            backend: format!("web:{region}"),
            region: Some(f::label(region)),
            from: *from,
            to: *to,
        };
        Change::Traffic(traffic::Change::Route {
            region: f::label(cluster),
            rule: backend(cluster, "web", "web", 1).rule,
            backends: weights.iter().map(edit).collect(),
        })
    }

    fn gained(changes: &[Change], served: &[(&str, f64)], gaining: &str) -> f64 {
        let labels: Vec<RegionLabel> = served.iter().map(|(label, _)| f::label(label)).collect();
        let served = labels.iter().zip(served.iter().map(|(_, rate)| *rate));
        bound(&rules(changes), &served.collect(), &f::label(gaining))
    }

    #[test]
    fn one_gateway_gives_exactly_what_the_region_loses() {
        let changes = [change("us", &[("us", 60, 100), ("eu", 40, 0)])];
        let gain = gained(&changes, &[("us", 600.0), ("eu", 400.0)], "us");
        assert!((gain - 400.0).abs() < 1e-6, "{gain}");
        let none = gained(&changes, &[("us", 600.0), ("eu", 400.0)], "eu");
        assert!(none.abs() < 1e-9, "{none}");
    }

    #[test]
    fn steps_of_one_rule_count_from_the_first_to_the_last() {
        let changes = [
            change("us", &[("us", 60, 80), ("eu", 40, 20)]),
            change("us", &[("us", 80, 100), ("eu", 20, 0)]),
        ];
        let gain = gained(&changes, &[("us", 600.0), ("eu", 400.0)], "us");
        assert!((gain - 400.0).abs() < 1e-6, "{gain}");
    }

    #[test]
    fn of_several_gateways_the_bound_is_never_below_what_happens_and_near_it() {
        // Arrivals of 100, 70 and 50 with four fifths kept at home.
        let rows = [
            ("us", [80, 10, 10], [89, 0, 11]),
            ("eu", [10, 80, 10], [50, 0, 50]),
            ("ap", [10, 10, 80], [11, 0, 89]),
        ];
        let names = ["us", "eu", "ap"];
        let changes: Vec<Change> = rows
            .iter()
            .map(|(cluster, from, to)| {
                let weights: Vec<(&str, u32, u32)> =
                    (0..3).map(|at| (names[at], from[at], to[at])).collect();
                change(cluster, &weights)
            })
            .collect();
        let arrives = [100.0, 70.0, 50.0];
        let served: Vec<(&str, f64)> = (0..3)
            .map(|to| {
                let rate = (0..3).map(|at| arrives[at] * f64::from(rows[at].1[to]) / 100.0);
                (names[to], rate.sum())
            })
            .collect();
        for to in [0, 2] {
            let after = (0..3).map(|at| arrives[at] * f64::from(rows[at].2[to]) / 100.0);
            let real = after.sum::<f64>() - served[to].1;
            let gain = gained(&changes, &served, names[to]);
            assert!(
                gain >= real - 1e-6 && gain < real * 1.3,
                "{gain} for {real}"
            );
        }
    }

    #[test]
    fn a_region_that_has_nothing_gets_no_more_than_the_others_serve() {
        let changes = [change("us", &[("us", 100, 90), ("eu", 0, 10)])];
        let gain = gained(&changes, &[("us", 500.0), ("eu", 0.0)], "eu");
        assert!((gain - 50.0).abs() < 1e-6, "{gain}");
    }
}
