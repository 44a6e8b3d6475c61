//! What the lines around the panes say about the whole estate: who we are, how bad it is, which levers work, what contradicts itself. Pure; the state keeps them, for they are too dear to be found anew for each frame.

use std::{borrow::Cow, collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use crate::{
    glyph::Mark,
    resources::{
        Fleet, Freshness, Kind, Severity, contradictions,
        levers::{self, LeverGroup, summary},
        regions::rollup::AsOf,
        shown,
    },
};

/// Facts about the whole estate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Of which state of the fleet.
    of: AsOf,
    /// Accounts that STS named, each once.
    pub accounts: Vec<String>,
    /// Callers that STS named, in the shortest form that still tells who.
    pub callers: Vec<String>,
    /// When the first credentials expire.
    pub credentials_expire_at: Option<Timestamp>,
    /// Marks of the regions, worst first.
    pub regions: Vec<Mark>,
    /// Groups of levers in a word or two each, data plane first: `RDS 2/3`.
    pub levers: Vec<(Mark, String)>,
    /// Contradictions, worst first.
    pub contradictions: Vec<(Mark, String)>,
    /// Runs in hand, the worst first. Not of the fleet either.
    pub runs: Vec<(Mark, String)>,
    /// What earlier plans left behind, the overdue first. Not of the fleet but of the journal: whoever renews the facts puts them in.
    pub reminders: Vec<(Mark, String)>,
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
                let asked = row
                    .place
                    .region()
                    .is_some_and(|label| fleet.rollup(label).reach.asked > 0);
                Mark::of_roll_up(severity, asked)
            })
            .collect();
        regions.sort_unstable_by(|a, b| b.cmp(a));
        Self {
            of: fleet.as_of(),
            accounts: accounts.into_iter().map(str::to_owned).collect(),
            callers: callers.into_iter().collect(),
            credentials_expire_at: identities()
                .filter_map(|who| who.credentials_expire_at)
                .min(),
            regions,
            levers: levers(fleet),
            contradictions: contradictions(fleet),
            runs: Vec::new(),
            reminders: Vec::new(),
        }
    }

    /// These facts if they are those of this fleet as it is now, else the right ones. So a state that forgot to renew them is slow, but never wrong.
    pub fn current(&self, fleet: &Fleet) -> Cow<'_, Self> {
        if self.of == fleet.as_of() {
            Cow::Borrowed(self)
        } else {
            Cow::Owned(Self {
                runs: self.runs.clone(),
                reminders: self.reminders.clone(),
                ..Self::of(fleet)
            })
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
fn levers(fleet: &Fleet) -> Vec<(Mark, String)> {
    let groups = summary(&levers::levers(fleet));
    let mark = |group: &LeverGroup| match group.severity {
        Severity::Ok => Mark::Ok,
        Severity::Unknown => Mark::Waiting,
        Severity::Warn => Mark::Warn(false),
        Severity::Bad => Mark::Bad(false),
    };
    groups
        .iter()
        .map(|group| (mark(group), group.text()))
        .collect()
}

/// What does not fit, worst first.
fn contradictions(fleet: &Fleet) -> Vec<(Mark, String)> {
    contradictions::find(fleet)
        .into_iter()
        .map(|found| (Mark::of(found.severity, Freshness::Fresh), found.text))
        .collect()
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
    fn old_facts_are_never_shown() {
        let now = Timestamp::UNIX_EPOCH;
        let mut fleet = Fleet::new(std::sync::Arc::default(), now);
        let facts = Facts::of(&fleet);
        assert!(matches!(facts.current(&fleet), Cow::Borrowed(_)));
        fleet.generation += 1;
        assert!(matches!(facts.current(&fleet), Cow::Owned(_)));
        fleet.generation -= 1;
        fleet.now += Duration::from_secs(4);
        assert!(
            matches!(facts.current(&fleet), Cow::Borrowed(_)),
            "no age on screen has changed"
        );
        fleet.now += Duration::from_secs(1);
        assert!(matches!(facts.current(&fleet), Cow::Owned(_)));
    }

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
}
