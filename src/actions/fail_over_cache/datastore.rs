//! Failover of a Global Datastore to another region. Owns the ranking of its members; the datastore is unavailable for a minute, and what was not replicated is lost.

use std::cmp::Reverse;

use super::place;
use crate::{
    actions::{
        Refusal,
        kit::{
            guards::guards,
            region,
            stores::{self, Draft},
        },
    },
    plan::{GuardId, Intent, Plan},
    resources::{
        Change, Fleet, Freshness, RegionLabel, Source,
        caches::{self, Cache, Datastore, DatastoreMember, ReplicationGroup},
        metrics::Reading,
    },
};

/// Judged right before the call.
const GUARDS: &[GuardId] = guards!(
    stores::EVERY,
    &[GuardId::Split, GuardId::Health, GuardId::Lag]
);

/// About a minute (domain B.4).
const TIME: (u64, u64) = (60, 600);

/// A secondary that could become the primary.
struct Candidate<'a> {
    member: &'a DatastoreMember,
    region: Option<&'a RegionLabel>,
    vetoes: Vec<String>,
    lag: Reading,
}

impl Candidate<'_> {
    fn name(&self) -> String {
        format!("{}/{}", self.member.region, self.member.group)
    }

    fn words(&self) -> String {
        if self.vetoes.is_empty() {
            format!("{}: {}", self.name(), stores::lag_words(self.lag))
        } else {
            format!("{}: {}", self.name(), self.vetoes.join(", "))
        }
    }
}

fn groups(fleet: &Fleet) -> impl Iterator<Item = (&RegionLabel, &ReplicationGroup)> {
    fleet.caches.rows().filter_map(|(_, place, row)| {
        let region = place.region()?;
        match row {
            Cache::Group(group) => Some((region, group)),
            Cache::MemoryDb(_) => None,
        }
    })
}

/// The plan.
pub fn plan(fleet: &Fleet, id: &str, intent: &Intent) -> Result<Plan, Refusal> {
    let view = view(fleet, id)?;
    let primary = primary(view)?;
    let candidates = candidates(fleet, view);
    let to = intent.options.to.as_deref();
    let (chosen, region) = choose(fleet, id, primary, &candidates, to)?;
    let change = caches::Change::FailOverDatastore {
        datastore: id.to_owned(),
        from: primary.region.clone(),
        to_region: region.clone(),
        to: chosen.member.region.clone(),
        to_group: chosen.member.group.clone(),
    };
    let title = format!("Fail {id} over from {} to {region}", primary.region);
    let step = stores::change(title.clone(), Change::Caches(change), TIME, GUARDS);
    let mut draft = Draft::new(title, id, vec![step]);
    let gone = stores::watched(fleet, &primary.region).is_some_and(|at| region::lost(fleet, at));
    draft.remarks = vec![
        format!("new primary {}", chosen.words()),
        stores::loss_words(stores::loss(chosen.lag, gone, fleet.now)),
        "the datastore is modifying and unavailable for about a minute".to_owned(),
        format!(
            "it has no global endpoint: applications have to write to {} afterwards",
            chosen.name()
        ),
        "one operator only: of two failovers at once nobody knows the winner".to_owned(),
    ];
    draft.remarks.extend(
        candidates
            .iter()
            .filter(|other| other.member != chosen.member)
            .map(|other| format!("not taken: {}", other.words())),
    );
    Ok(draft.freeze(fleet, intent))
}

/// The newest view of those who answer, provided that they agree where the primary is.
fn view<'a>(fleet: &'a Fleet, id: &str) -> Result<&'a Datastore, Refusal> {
    let status = |region: &RegionLabel| fleet.status(Source::ElastiCache, &place(region));
    let mut views: Vec<(&RegionLabel, &Datastore)> = groups(fleet)
        .filter_map(|(region, group)| Some((region, group.datastore.as_ref()?)))
        .filter(|(_, view)| view.id == id && view.status.is_some())
        .collect();
    views.sort_by_key(|(region, _)| {
        let status = status(region);
        (status.error.is_some(), Reverse(status.observed_at))
    });
    let Some((first, best)) = views.first().copied() else {
        return Err(Refusal::new(
            format!("the members of datastore {id} are not known"),
            "wait until elasticache:DescribeGlobalReplicationGroups has been answered",
        ));
    };
    let primaries = |view: &Datastore| -> Vec<String> {
        let members = view.members.iter();
        let primaries = members.filter(|member| member.role == "primary");
        primaries.map(|member| member.region.clone()).collect()
    };
    let answers = |region: &RegionLabel| {
        status(region).error.is_none()
            && fleet.freshness(Source::ElastiCache, &place(region)) == Freshness::Fresh
    };
    let other = views[1..]
        .iter()
        .find(|(region, view)| answers(region) && primaries(view) != primaries(best));
    match other {
        None => Ok(best),
        Some((region, _)) => Err(Refusal::new(
            format!("{first} and {region} do not agree where the primary of {id} is"),
            "wait until they do: it has just moved, or they cannot reach each other",
        )),
    }
}

/// The primary of a datastore that is at rest.
fn primary(view: &Datastore) -> Result<&DatastoreMember, Refusal> {
    let id = &view.id;
    match view.status.as_deref() {
        Some("available") => {}
        Some("primary-only") => {
            return Err(Refusal::new(
                format!("datastore {id} is primary-only: there is nothing to fail over to"),
                "add a secondary first",
            ));
        }
        status => {
            return Err(Refusal::new(
                format!("datastore {id} is {}", status.unwrap_or("of unknown state")),
                "wait until it is available, then plan again",
            ));
        }
    }
    let mut primaries = view
        .members
        .iter()
        .filter(|member| member.role == "primary");
    match (primaries.next(), primaries.next()) {
        (Some(primary), None) => Ok(primary),
        (None, _) => Err(Refusal::new(
            format!("datastore {id} has no primary"),
            "wait: ElastiCache is moving it",
        )),
        (Some(_), Some(_)) => Err(Refusal::new(
            format!("datastore {id} has two primaries"),
            "find out by hand which of them takes the writes",
        )),
    }
}

/// The secondaries, the best first.
fn candidates<'a>(fleet: &'a Fleet, view: &'a Datastore) -> Vec<Candidate<'a>> {
    let secondaries = view
        .members
        .iter()
        .filter(|member| member.role != "primary");
    let mut all: Vec<Candidate<'a>> = secondaries
        .map(|member| candidate(fleet, view, member))
        .collect();
    let behind =
        |own: &Candidate<'_>| stores::last_good(own.lag).map_or(f64::INFINITY, |(lag, _)| lag);
    let order = |own: &Candidate<'_>| {
        let mut specs = fleet.estate.regions.iter();
        specs.position(|spec| Some(&spec.label) == own.region)
    };
    all.sort_by(|a, b| {
        let can = b.vetoes.is_empty().cmp(&a.vetoes.is_empty());
        can.then(behind(a).total_cmp(&behind(b)))
            .then_with(|| order(a).cmp(&order(b)))
    });
    all
}

fn candidate<'a>(fleet: &'a Fleet, view: &Datastore, member: &'a DatastoreMember) -> Candidate<'a> {
    let listed = groups(fleet).find(|(_, group)| {
        let same = group
            .datastore
            .as_ref()
            .is_some_and(|own| own.id == view.id);
        same && group.membership() == Some(member)
    });
    let region = listed
        .map(|(region, _)| region)
        .or_else(|| stores::watched(fleet, &member.region));
    let mut vetoes = Vec::new();
    match region {
        None => vetoes.push("its region is not part of the estate".to_owned()),
        Some(region) if region::lost(fleet, region) => {
            vetoes.push(format!("{region} does not answer"));
        }
        Some(_) => {}
    }
    if let Some(status) = member.status.as_deref()
        && !matches!(status, "associated" | "available")
    {
        vetoes.push(format!("it is {status}"));
    }
    let group = listed.map(|(_, group)| group);
    match group {
        None => vetoes.push("its group is not listed".to_owned()),
        Some(group) if !matches!(group.status.as_str(), "available" | "snapshotting") => {
            vetoes.push(format!("its group is {}", group.status));
        }
        Some(_) => {}
    }
    let lag = listed.map_or(Reading::NeverRead, |(region, group)| {
        let seconds = group.worst(fleet, &place(region), "global-lag");
        seconds.map(|seconds| seconds * 1_000.0)
    });
    Candidate {
        member,
        region,
        vetoes,
        lag,
    }
}

fn choose<'a, 'b>(
    fleet: &Fleet,
    id: &str,
    primary: &DatastoreMember,
    candidates: &'b [Candidate<'a>],
    to: Option<&str>,
) -> Result<(&'b Candidate<'a>, &'a RegionLabel), Refusal> {
    let means = |region: &str, text: &str| {
        region == text || stores::watched(fleet, region).is_some_and(|label| label.as_str() == text)
    };
    if let Some(to) = to
        && means(&primary.region, to)
    {
        return Err(Refusal::new(
            format!("the primary of {id} is in {to} already"),
            "nothing needs to be done, or name another region",
        ));
    }
    let words = || candidates.iter().map(Candidate::words).collect::<Vec<_>>();
    let found = match to {
        None => candidates.first(),
        Some(to) => candidates.iter().find(|own| {
            means(&own.member.region, to) || own.member.group == to && one(candidates, to)
        }),
    };
    let Some(chosen) = found else {
        let reason = match to {
            Some(to) => format!("`{to}` is no secondary of {id}"),
            None => format!("{id} has no secondary"),
        };
        return Err(Refusal::new(
            reason,
            format!("there are {}", words().join("; ")),
        ));
    };
    match chosen.region.filter(|_| chosen.vetoes.is_empty()) {
        Some(region) => Ok((chosen, region)),
        None => Err(Refusal {
            reasons: if to.is_some() {
                vec![chosen.words()]
            } else {
                words()
            },
            advice: format!("no plan can make it the primary of {id}: repair one, then plan again"),
        }),
    }
}

/// Whether only one member has this group id: members of one datastore may share it.
fn one(candidates: &[Candidate<'_>], group: &str) -> bool {
    candidates
        .iter()
        .filter(|own| own.member.group == group)
        .count()
        == 1
}
