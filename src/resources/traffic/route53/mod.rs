//! Record sets of Route 53: the model, how names are written, what is wrong with one. Must never decide which record answers: that is `share`.

pub mod live;
pub mod write;
pub mod zone;

use serde::{Deserialize, Serialize};

use super::share::{Remark, Share};
use crate::resources::{Estate, Fleet, Judgement, RegionLabel, Severity, health_checks};

/// How Route 53 picks among record sets of one name and type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "snake_case")]
pub enum Policy {
    /// The only record set.
    Simple,
    /// By weight, 0 to 255.
    Weighted {
        /// The weight.
        weight: u8,
    },
    /// By latency to an AWS Region.
    Latency {
        /// That Region.
        region: String,
    },
    /// By location of the user.
    Geolocation {
        /// Continent code.
        continent: Option<String>,
        /// Country code; `*` is the default.
        country: Option<String>,
        /// Subdivision code.
        subdivision: Option<String>,
    },
    /// By distance with a bias.
    Geoproximity {
        /// AWS Region, where given.
        region: Option<String>,
        /// -99 to 99.
        bias: i32,
    },
    /// Primary or secondary.
    Failover {
        /// Whether it is the primary.
        primary: bool,
    },
    /// Several answers at once.
    MultiValue,
    /// By CIDR block.
    Cidr {
        /// Collection and location.
        location: String,
    },
    /// A policy that this version does not know: the record is one of several, and which of them answers cannot be told.
    Other,
}

/// The alias target of a record set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasTarget {
    /// DNS name, as Route 53 gives it.
    pub dns_name: String,
    /// Hosted zone id of the target.
    pub zone_id: String,
    /// Whether the target's health counts.
    pub evaluate_target_health: bool,
}

/// A Route 53 record set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Hosted zone id without `/hostedzone/`.
    pub zone_id: String,
    /// Name with trailing dot, as Route 53 writes it.
    pub name: String,
    /// `A`, `AAAA`, `CNAME` …
    pub record_type: String,
    /// Set identifier; `None` for a simple record.
    pub set_identifier: Option<String>,
    /// How it is picked.
    pub policy: Policy,
    /// Seconds; `None` for alias targets (60 s in practice).
    pub ttl: Option<u32>,
    /// Values; empty for an alias.
    pub values: Vec<String>,
    /// Alias target.
    pub alias: Option<AliasTarget>,
    /// Health check id.
    pub health_check_id: Option<String>,
    /// The traffic policy instance that owns it; such a record must not be edited.
    pub traffic_policy_instance_id: Option<String>,
}

impl Record {
    /// Its weight, 0 to 255; `None` where its policy has none.
    pub fn weight(&self) -> Option<u8> {
        match self.policy {
            Policy::Weighted { weight } => Some(weight),
            Policy::Simple
            | Policy::Latency { .. }
            | Policy::Geolocation { .. }
            | Policy::Geoproximity { .. }
            | Policy::Failover { .. }
            | Policy::MultiValue
            | Policy::Cidr { .. }
            | Policy::Other => None,
        }
    }

    /// The region of the estate that it sends traffic to: as configured, else by its policy, its target, or its set identifier.
    pub fn region<'a>(&self, estate: &'a Estate) -> Option<&'a RegionLabel> {
        let name = plain_name(&self.name);
        let configured = estate
            .names
            .iter()
            .find(|managed| plain_name(&managed.name) == name);
        let identifier = self.set_identifier.as_deref();
        let by_identifier = identifier.and_then(|id| {
            configured
                .and_then(|managed| managed.regions.get(id))
                .or_else(|| estate.region_named(id))
        });
        let by_policy = || match &self.policy {
            Policy::Latency { region }
            | Policy::Geoproximity {
                region: Some(region),
                ..
            } => estate.region_named(region),
            Policy::Simple
            | Policy::Weighted { .. }
            | Policy::Geolocation { .. }
            | Policy::Geoproximity { .. }
            | Policy::Failover { .. }
            | Policy::MultiValue
            | Policy::Cidr { .. }
            | Policy::Other => None,
        };
        let by_target = || {
            self.alias
                .iter()
                .map(|alias| alias.dns_name.as_str())
                .chain(self.values.iter().map(String::as_str))
                .find_map(|target| target.split('.').find_map(|part| estate.region_named(part)))
        };
        by_identifier
            .or_else(by_policy)
            .or_else(by_target)
            .or_else(|| identifier.and_then(|id| super::region_within(estate, id)))
    }

    /// What is wrong with it; `share` is what it gets of the traffic.
    pub(super) fn judge(&self, fleet: &Fleet, member: &str, share: Option<Share>) -> Judgement {
        let health = match &self.health_check_id {
            Some(id) => self.judge_check(fleet, id, member),
            None => Judgement::ok(),
        };
        let Some(share) = share else {
            return health;
        };
        let name = &self.name;
        let whole = match share.remark {
            Some(Remark::FailOpen) => Judgement::new(
                Severity::Bad,
                format!(
                    "every {} record of {name} fails, so Route 53 answers with all of them (fail-open)",
                    self.record_type
                ),
            ),
            Some(
                remark @ (Remark::AllZero
                | Remark::ZeroWeightAnswers
                | Remark::NoDefault
                | Remark::DefaultFails),
            ) => Judgement::new(Severity::Warn, format!("{name}: {}", remark.words())),
            Some(Remark::UnknownPolicy) => {
                Judgement::new(Severity::Unknown, Remark::UnknownPolicy.words())
            }
            Some(Remark::NoTraffic | Remark::Relative | Remark::Disabled | Remark::ByHeader)
            | None => Judgement::ok(),
        };
        let target = match &self.alias {
            Some(alias) if alias.evaluate_target_health && self.health_check_id.is_none() => {
                match fleet.shares.target_health(&alias.dns_name) {
                    Some(false) => Judgement::new(
                        Severity::Bad,
                        format!("{member}: its target has no healthy targets"),
                    ),
                    // Most kinds of target cannot be looked into; that alone is no reason to call the record unknown.
                    Some(true) | None => Judgement::ok(),
                }
            }
            Some(_) | None => Judgement::ok(),
        };
        whole.worse(health).worse(target)
    }

    fn judge_check(&self, fleet: &Fleet, id: &str, member: &str) -> Judgement {
        if health_checks::disabled(fleet, id) {
            return Judgement::new(
                Severity::Warn,
                format!("the health check of {member} is disabled, so it counts as healthy"),
            );
        }
        match health_checks::healthy(fleet, id) {
            Some(true) => Judgement::ok(),
            Some(false) if self.policy == (Policy::Weighted { weight: 0 }) => Judgement::new(
                Severity::Warn,
                format!("health check of {member} fails; its weight is 0"),
            ),
            Some(false) => Judgement::new(Severity::Bad, format!("health check of {member} fails")),
            None => Judgement::new(
                Severity::Unknown,
                format!("health of {member} is not known"),
            ),
        }
    }
}

/// A DNS name in one form for comparisons: lower case, no trailing dot, Route 53's octal escapes undone (`\052` is `*`).
pub fn plain_name(name: &str) -> String {
    let name = name.trim_end_matches('.');
    if !name.contains('\\') {
        return name.to_ascii_lowercase();
    }
    let bytes = name.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let octal = bytes
            .get(at + 1..at + 4)
            .filter(|_| byte == b'\\')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        plain.push(octal.unwrap_or(byte).to_ascii_lowercase());
        at += if octal.is_some() { 4 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// A plain name as Route 53 takes it as the start of a list: trailing dot, everything but letters, digits, `-`, `_`, `.` and `*` escaped in octal.
pub fn written_name(plain: &str) -> String {
    let mut written = String::with_capacity(plain.len() + 4);
    for byte in plain.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'*') {
            written.push(char::from(byte.to_ascii_lowercase()));
        } else {
            written.push('\\');
            for shift in [6, 3, 0] {
                written.push(char::from(b'0' + (byte >> shift & 7)));
            }
        }
    }
    written.push('.');
    written
}

/// The order in which Route 53 lists names: by their labels from the right.
pub fn listing_order(plain: &str) -> Vec<&str> {
    plain.rsplit('.').collect()
}

/// Whether a name comes after another in the list for certain. Characters below the dot (`-`, `*`) make Route 53 compare differently in some cases,
/// so it must be so both label by label and letter by letter.
pub fn listed_after(plain: &str, other: &str) -> bool {
    let (name, other) = (listing_order(plain), listing_order(other));
    // The dot at the end counts too: that of `a.` comes after the dash of `a-b.`.
    let letters = |labels: &[&str]| format!("{}.", labels.join("."));
    name >= other && letters(&name) >= letters(&other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_one_name_however_it_is_written() {
        assert_eq!(plain_name(r"\052.Example.com."), "*.example.com");
        assert_eq!(written_name("*.example.com"), "*.example.com.");
        assert_eq!(written_name("*.a b"), r"*.a\040b.");
        assert_eq!(plain_name(&written_name("*.a b.example")), "*.a b.example");
    }

    #[test]
    fn an_escape_that_is_none_stays_as_it_is() {
        assert_eq!(plain_name(r"a\9z.example."), r"a\9z.example");
        assert_eq!(plain_name(r"a\"), r"a\");
    }

    #[test]
    fn names_are_listed_by_their_labels_from_the_right() {
        let mut names = [
            "z.a.example.com",
            "example.com",
            "b.example.com",
            "a.example.com",
        ];
        names.sort_by(|a, b| listing_order(a).cmp(&listing_order(b)));
        assert!(listed_after("b.example.com", "a.example.com"));
        assert!(!listed_after("a-b.example.com", "a.example.com"));
        assert_eq!(
            names,
            [
                "example.com",
                "a.example.com",
                "z.a.example.com",
                "b.example.com"
            ]
        );
    }
}
