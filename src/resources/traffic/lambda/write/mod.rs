//! A change of the share behind an alias: whether the alias is as it expects it. Must never move the version that the alias itself names.

pub mod live;

use std::collections::HashMap;

use crate::resources::traffic::change::{close, percent};

/// What a change says about an alias.
#[derive(Debug, Clone, Copy)]
pub struct Shift<'a> {
    /// Function name.
    pub function: &'a str,
    /// Alias name.
    pub alias: &'a str,
    /// The version that the alias itself names.
    pub stable: &'a str,
    /// The second version.
    pub canary: &'a str,
    /// The share of the second version that is expected.
    pub from: f64,
    /// Its new share.
    pub to: f64,
    /// The compare-and-set token of when it was planned.
    pub revision_id: Option<&'a str>,
}

impl Shift<'_> {
    /// Why it cannot be sent; `None` where it can.
    pub(super) fn unsendable(&self) -> Option<String> {
        if self.stable == self.canary {
            return Some(format!("{} cannot be split with itself", self.stable));
        }
        (!(0.0..=1.0).contains(&self.to)).then(|| format!("{} is no share", self.to))
    }

    /// What differs from what it expects; `None` where nothing does.
    pub(super) fn drift(
        &self,
        version: Option<&str>,
        weights: &HashMap<String, f64>,
    ) -> Option<String> {
        let Self {
            stable,
            canary,
            from,
            ..
        } = self;
        let named = version.unwrap_or("no version");
        if named != *stable {
            return Some(format!("the alias names {named}, not version {stable}"));
        }
        if let Some(other) = weights.keys().find(|version| version != canary) {
            return Some(format!("version {other} has a share too"));
        }
        let seen = weights.get(*canary).copied().unwrap_or_default();
        (!close(seen, *from)).then(|| {
            format!(
                "version {canary} has {}, not {}",
                percent(seen),
                percent(*from)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIFT: Shift<'_> = Shift {
        function: "checkout",
        alias: "live",
        stable: "7",
        canary: "8",
        from: 0.1,
        to: 0.5,
        revision_id: None,
    };

    #[test]
    fn the_alias_must_name_both_versions_with_the_share_that_is_expected() {
        let weights = |of: &[(&str, f64)]| {
            let own = |(version, weight): &(&str, f64)| ((*version).to_owned(), *weight);
            of.iter().map(own).collect::<HashMap<_, _>>()
        };
        let drift = |version, of: &[(&str, f64)]| SHIFT.drift(version, &weights(of));
        assert_eq!(drift(Some("7"), &[("8", 0.1)]), None);
        assert_eq!(
            drift(Some("7"), &[("8", 0.25)]).unwrap(),
            "version 8 has 25 %, not 10 %"
        );
        assert!(drift(Some("7"), &[]).is_some());
        assert!(drift(Some("7"), &[("9", 0.1)]).is_some());
        assert!(drift(Some("8"), &[("8", 0.1)]).is_some());
        assert!(drift(None, &[("8", 0.1)]).is_some());
        let fresh = Shift { from: 0.0, ..SHIFT };
        assert_eq!(fresh.drift(Some("7"), &HashMap::new()), None);
    }

    #[test]
    fn a_share_lies_between_none_and_all() {
        assert_eq!(SHIFT.unsendable(), None);
        assert!(Shift { to: 1.1, ..SHIFT }.unsendable().is_some());
        assert!(
            Shift {
                to: f64::NAN,
                ..SHIFT
            }
            .unsendable()
            .is_some()
        );
        assert!(
            Shift {
                canary: "7",
                ..SHIFT
            }
            .unsendable()
            .is_some()
        );
    }
}
