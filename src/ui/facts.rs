//! What the lines around the panes say about the whole estate: who we are, how bad it is, which levers work, what contradicts itself. Draws nothing.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use crate::{
    glyph::Mark,
    resources::{Fleet, Freshness, Kind, Severity, Source, shown},
};

/// Whether a way to change something can be used now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lever {
    /// What it is called in the lever row.
    pub name: &'static str,
    /// Places where it answered lately.
    pub working: usize,
    /// Places where it exists.
    pub total: usize,
    /// Places that were not asked yet.
    pub waiting: usize,
    /// The first place where it does not answer, with the error word.
    pub failing: Option<String>,
}

impl Lever {
    /// Its state in one mark.
    pub fn mark(&self) -> Mark {
        match (self.working, self.waiting) {
            (working, _) if working == self.total => Mark::Ok,
            (_, waiting) if waiting == self.total => Mark::Waiting,
            (0, _) => Mark::Bad(false),
            (working, waiting) if working + waiting == self.total => Mark::Waiting,
            _ => Mark::Warn(false),
        }
    }
}

/// Facts about the whole estate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Accounts that STS named, each once.
    pub accounts: Vec<String>,
    /// Callers that STS named, in the shortest form that still tells who.
    pub callers: Vec<String>,
    /// When the first credentials expire.
    pub credentials_expire_at: Option<Timestamp>,
    /// Marks of the regions, worst first.
    pub regions: Vec<Mark>,
    /// Levers, data plane first.
    pub levers: Vec<Lever>,
    /// Contradictions, worst first.
    pub contradictions: Vec<String>,
}

impl Facts {
    /// The facts about a fleet.
    pub fn of(fleet: &Fleet) -> Self {
        let identities = || {
            fleet
                .regions
                .rows()
                .filter_map(|(_, _, region)| region.identity.as_ref())
        };
        let accounts: BTreeSet<&str> = identities().map(|who| who.account.as_str()).collect();
        let callers: BTreeSet<String> = identities().map(|who| caller(&who.arn)).collect();
        let mut regions: Vec<Mark> = shown::all(fleet, Kind::Regions)
            .iter()
            .map(|row| {
                let severity = shown::judge(fleet, Kind::Regions, row).severity;
                Mark::of_roll_up(severity, fleet.freshness(row.source, &row.place))
            })
            .collect();
        regions.sort_unstable_by(|a, b| b.cmp(a));
        Self {
            accounts: accounts.into_iter().map(str::to_owned).collect(),
            callers: callers.into_iter().collect(),
            credentials_expire_at: identities()
                .filter_map(|who| who.credentials_expire_at)
                .min(),
            regions,
            levers: levers(fleet),
            contradictions: Vec::new(),
        }
    }

    /// The worst mark of all regions; waiting when there is none.
    pub fn worst(&self) -> Mark {
        self.regions.first().copied().unwrap_or(Mark::Waiting)
    }

    /// How many regions are as bad as the worst.
    pub fn worst_count(&self) -> usize {
        self.regions
            .iter()
            .filter(|mark| **mark == self.worst())
            .count()
    }
}

/// The levers of product section 1, data plane first.
fn levers(fleet: &Fleet) -> Vec<Lever> {
    const LEVERS: &[(&str, Source)] = &[
        ("recovery cluster", Source::RoutingControls),
        ("Route 53", Source::Records),
        ("accelerator", Source::Accelerators),
        ("RDS", Source::Rds),
        ("API servers", Source::ApiServers),
        ("STS", Source::Identity),
    ];
    LEVERS
        .iter()
        .map(|(name, source)| lever(fleet, name, *source))
        .filter(|lever| lever.total > 0)
        .collect()
}

fn lever(fleet: &Fleet, name: &'static str, source: Source) -> Lever {
    let places = fleet.estate.places(source);
    let mut lever = Lever {
        name,
        working: 0,
        total: places.len(),
        waiting: 0,
        failing: None,
    };
    for place in &places {
        let status = fleet.status(source, place);
        match (status.error, fleet.freshness(source, place)) {
            (Some(error), _) => {
                lever
                    .failing
                    .get_or_insert_with(|| format!("{place} {}", error.class.word()));
            }
            (None, Freshness::Fresh | Freshness::Stale) => lever.working += 1,
            (None, Freshness::Never) => lever.waiting += 1,
            (None, Freshness::Expired) => {
                lever
                    .failing
                    .get_or_insert_with(|| format!("{place} silent"));
            }
        }
    }
    lever
}

/// The shortest part of a caller ARN that tells who it is: `oncall/ana`, `ana`, `root`. The decoration of single sign-on roles goes.
pub fn caller(arn: &str) -> String {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    let Some((class, rest)) = resource.split_once('/') else {
        return resource.to_owned();
    };
    if class != "assumed-role" {
        return rest.rsplit('/').next().unwrap_or(rest).to_owned();
    }
    let (role, session) = rest.split_once('/').unwrap_or((rest, ""));
    let role = role
        .strip_prefix("AWSReservedSSO_")
        .and_then(|role| role.rsplit_once('_'))
        .map_or(role, |(role, _)| role);
    if session.is_empty() {
        role.to_owned()
    } else {
        format!("{role}/{session}")
    }
}

/// The severity with which the life left in the credentials is shown: warned at 15 minutes, bad at 5 (product section 5).
pub fn judge_credentials(left: Duration) -> Severity {
    match left.as_secs() {
        ..300 => Severity::Bad,
        300..900 => Severity::Warn,
        900.. => Severity::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_told_by_role_and_session() {
        for (arn, expected) in [
            (
                "arn:aws:sts::123456789012:assumed-role/oncall/ana@bastion-2",
                "oncall/ana@bastion-2",
            ),
            (
                "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ana@example.com",
                "Admin/ana@example.com",
            ),
            ("arn:aws:iam::123456789012:user/ops/ana", "ana"),
            ("arn:aws:iam::123456789012:root", "root"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(caller(arn), expected);
        }
    }

    #[test]
    fn a_lever_that_answers_in_part_is_a_warning() {
        let lever = |working, waiting| Lever {
            name: "RDS",
            working,
            total: 3,
            waiting,
            failing: None,
        };
        assert_eq!(lever(3, 0).mark(), Mark::Ok);
        assert_eq!(lever(2, 0).mark(), Mark::Warn(false));
        assert_eq!(lever(0, 0).mark(), Mark::Bad(false));
        assert_eq!(lever(0, 3).mark(), Mark::Waiting);
        assert_eq!(
            lever(1, 2).mark(),
            Mark::Waiting,
            "nothing failed, some not asked"
        );
    }
}
