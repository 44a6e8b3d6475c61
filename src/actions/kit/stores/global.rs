//! Aurora global clusters as a plan sees them: who the writer is, by the newest view, and which secondary can become it. Owns the vetoes; decides nothing about loss.

use super::{
    super::region, Named, arn_id, arn_region, lag_words, last_good, means, resolve, watched,
};
use crate::{
    actions::Refusal,
    resources::{
        Fleet, Freshness, RegionLabel, Source,
        databases::{Database, DbCluster, GlobalCluster, GlobalMember},
        metrics::Reading,
    },
};

/// A member with what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// As the global cluster lists it.
    pub entry: &'a GlobalMember,
    /// Its region, where that is watched.
    pub region: Option<&'a RegionLabel>,
    /// The cluster, where it is listed.
    pub cluster: Option<&'a DbCluster>,
}

impl Member<'_> {
    /// Its name in a sentence: `eu-west-1/shop`.
    pub fn name(&self) -> String {
        let arn = &self.entry.arn;
        let region = self.region.map(RegionLabel::as_str);
        match region.or_else(|| arn_region(arn)) {
            Some(region) => format!("{region}/{}", arn_id(arn)),
            None => arn.clone(),
        }
    }

    /// The lag that counts: replication for a switchover, the recovery point for a failover.
    pub fn lag(&self, fleet: &Fleet, forced: bool) -> Reading {
        let (Some(cluster), Some(region)) = (self.cluster, self.region) else {
            return Reading::NeverRead;
        };
        let place = crate::resources::Place::Region(region.clone());
        if forced {
            cluster.loss_ms(fleet, &place)
        } else {
            cluster.lag_ms(fleet, &place)
        }
    }
}

/// A global cluster by its newest view.
#[derive(Debug, Clone)]
pub struct Global<'a> {
    /// What it says of itself.
    pub view: &'a GlobalCluster,
    /// The writer.
    pub writer: Member<'a>,
    /// The others, in the order of the estate.
    pub others: Vec<Member<'a>>,
}

/// A secondary that could become the writer.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// The member.
    pub member: Member<'a>,
    /// Where it is, if it can be asked.
    pub region: Option<&'a RegionLabel>,
    /// Why it cannot.
    pub vetoes: Vec<String>,
    /// How far it is behind.
    pub lag: Reading,
}

impl Candidate<'_> {
    /// It and its lag, in words.
    pub fn words(&self) -> String {
        format!("{}: {}", self.member.name(), lag_words(self.lag))
    }
}

fn clusters(fleet: &Fleet) -> impl Iterator<Item = (&RegionLabel, &DbCluster)> {
    fleet.databases.rows().filter_map(|(_, place, row)| {
        let region = place.region()?;
        match row {
            Database::Cluster(cluster) => Some((region, cluster)),
            Database::Instance(_) | Database::Table(_) => None,
        }
    })
}

/// The global clusters by name.
pub fn names(fleet: &Fleet) -> Vec<Named<String>> {
    let mut ids: Vec<&str> = clusters(fleet)
        .filter_map(|(_, cluster)| cluster.global.as_ref())
        .map(|global| global.id.as_str())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
        .map(|id| Named {
            full: format!("global/{id}"),
            forms: vec![id.to_owned()],
            what: id.to_owned(),
        })
        .collect()
}

/// The global cluster that a target means, ready for a change of its writer.
pub fn find<'a>(fleet: &'a Fleet, target: &str) -> Result<Global<'a>, Refusal> {
    let id = resolve("Aurora global clusters", target, names(fleet))?;
    let view = view(fleet, &id)?;
    if let Some(failover) = &view.failover {
        return Err(Refusal::new(
            format!("{id} is changing its writer right now: {}", failover.status),
            "wait until it is over, then plan again",
        ));
    }
    let mut members: Vec<Member<'a>> = view
        .members
        .iter()
        .map(|entry| member(fleet, entry))
        .collect();
    let order = |member: &Member<'_>| {
        let mut specs = fleet.estate.regions.iter();
        specs.position(|spec| Some(&spec.label) == member.region)
    };
    members.sort_by_key(|member| order(member).unwrap_or(usize::MAX));
    let (writers, others): (Vec<_>, Vec<_>) =
        members.into_iter().partition(|member| member.entry.writer);
    match writers.as_slice() {
        [writer] => Ok(Global {
            view,
            writer: *writer,
            others,
        }),
        [] => Err(Refusal::new(
            format!("{id} has no writer"),
            "look at its events: somebody, or RDS itself, is changing it",
        )),
        many => {
            let names: Vec<String> = many.iter().map(Member::name).collect();
            Err(Refusal::new(
                format!("split brain: {} claim the writer of {id}", names.join(", ")),
                "find out by hand which of them takes the users' writes, and fence the other",
            ))
        }
    }
}

/// The newest view of those who answer, provided that they agree who the writer is.
fn view<'a>(fleet: &'a Fleet, id: &str) -> Result<&'a GlobalCluster, Refusal> {
    let mut views: Vec<(&RegionLabel, &GlobalCluster)> = clusters(fleet)
        .filter_map(|(region, cluster)| Some((region, cluster.global.as_ref()?)))
        .filter(|(_, global)| global.id == id && !global.members.is_empty())
        .collect();
    let place = |region: &RegionLabel| crate::resources::Place::Region(region.clone());
    // Those who answer before those who do not; then the newest.
    views.sort_by_key(|(region, _)| {
        let status = fleet.status(Source::Rds, &place(region));
        (
            status.error.is_some(),
            std::cmp::Reverse(status.observed_at),
        )
    });
    let Some((first, best)) = views.first().copied() else {
        return Err(Refusal::new(
            format!("the members of {id} are not known"),
            "wait until rds:DescribeGlobalClusters has been answered",
        ));
    };
    let writers = |global: &GlobalCluster| {
        let mut arns: Vec<String> = global
            .members
            .iter()
            .filter(|member| member.writer)
            .map(|member| member.arn.clone())
            .collect();
        arns.sort_unstable();
        arns
    };
    let answers = |region: &RegionLabel| {
        let place = place(region);
        fleet.status(Source::Rds, &place).error.is_none()
            && fleet.freshness(Source::Rds, &place) == Freshness::Fresh
    };
    let other = views[1..]
        .iter()
        .find(|(region, view)| answers(region) && writers(view) != writers(best));
    match other {
        None => Ok(best),
        Some((region, view)) => Err(Refusal::new(
            format!(
                "{first} and {region} do not agree who the writer of {id} is: {} or {}",
                writers(best).join(", "),
                writers(view).join(", ")
            ),
            "wait until they do: its writer has just changed, or they cannot reach each other",
        )),
    }
}

fn member<'a>(fleet: &'a Fleet, entry: &'a GlobalMember) -> Member<'a> {
    let listed =
        clusters(fleet).find(|(_, cluster)| cluster.arn.as_deref() == Some(entry.arn.as_str()));
    let watched = || watched(fleet, arn_region(&entry.arn)?);
    Member {
        entry,
        region: listed.map(|(region, _)| region).or_else(watched),
        cluster: listed.map(|(_, cluster)| cluster),
    }
}

/// The secondaries, the best first: those that can, then the least behind.
pub fn candidates<'a>(fleet: &'a Fleet, global: &Global<'a>, forced: bool) -> Vec<Candidate<'a>> {
    let mut candidates: Vec<Candidate<'a>> = global
        .others
        .iter()
        .map(|member| Candidate {
            member: *member,
            region: member.region,
            vetoes: vetoes(fleet, member, global.writer.cluster),
            lag: member.lag(fleet, forced),
        })
        .collect();
    let behind = |candidate: &Candidate<'_>| {
        let known = if forced {
            last_good(candidate.lag).map(|(lag, _)| lag)
        } else {
            candidate.lag.usable().filter(|lag| *lag >= 0.0)
        };
        known.unwrap_or(f64::INFINITY)
    };
    candidates.sort_by(|a, b| {
        let can = a.vetoes.is_empty().cmp(&b.vetoes.is_empty()).reverse();
        can.then(behind(a).total_cmp(&behind(b)))
    });
    candidates
}

/// Why a member cannot become the writer.
fn vetoes(fleet: &Fleet, member: &Member<'_>, writer: Option<&DbCluster>) -> Vec<String> {
    let Some(region) = member.region else {
        return vec!["its region is not part of the estate".to_owned()];
    };
    let mut vetoes = Vec::new();
    if region::lost(fleet, region) {
        vetoes.push(format!("{region} does not answer"));
    }
    if let Some(state) = member.entry.synchronization.as_deref()
        && state != "connected"
    {
        vetoes.push(format!("it is {state}"));
    }
    let Some(cluster) = member.cluster else {
        vetoes.push(format!("it is not listed in {region}"));
        return vetoes;
    };
    if cluster.status != "available" {
        vetoes.push(format!("it is {}", cluster.status));
    }
    let works = |status: &Option<String>| status.as_deref().is_none_or(|s| s == "available");
    if cluster.instances.is_empty() {
        vetoes.push("it has no instance".to_owned());
    } else if !cluster.instances.iter().any(|own| works(&own.status)) {
        vetoes.push("none of its instances is available".to_owned());
    }
    vetoes.extend(writer.and_then(|writer| skew(cluster, writer)));
    vetoes
}

/// `16.8` of `16.8.3`, as far as both must agree.
fn minor(version: &str) -> Vec<&str> {
    version.split('.').take(2).collect()
}

fn skew(cluster: &DbCluster, writer: &DbCluster) -> Option<String> {
    if cluster.engine != writer.engine {
        return Some(format!(
            "it runs {}, the writer {}",
            cluster.engine, writer.engine
        ));
    }
    let (own, other) = (
        cluster.engine_version.as_deref()?,
        writer.engine_version.as_deref()?,
    );
    (minor(own) != minor(other)).then(|| format!("it runs {own}, the writer {other}"))
}

/// The secondary that is wanted, or else the best; every other one with its reason.
pub fn choose<'a>(
    fleet: &Fleet,
    global: &Global<'a>,
    candidates: &[Candidate<'a>],
    to: Option<&str>,
) -> Result<(Candidate<'a>, &'a RegionLabel, Vec<String>), Refusal> {
    let id = &global.view.id;
    if let Some(to) = to
        && is(fleet, &global.writer, to)
    {
        return Err(Refusal::new(
            format!("{} is the writer of {id} already", global.writer.name()),
            "nothing needs to be done, or name another region",
        ));
    }
    let described: Vec<String> = candidates.iter().map(described).collect();
    let wanted: Vec<usize> = (0..candidates.len())
        .filter(|index| to.is_none_or(|to| is(fleet, &candidates[*index].member, to)))
        .collect();
    let index = match (to, wanted.as_slice()) {
        (_, []) if candidates.is_empty() => {
            return Err(Refusal::new(
                format!("{id} has no secondary"),
                "add one first: there is nowhere to go",
            ));
        }
        (None, all) => all[0],
        (Some(_), [index]) => *index,
        (Some(to), []) => {
            return Err(Refusal::new(
                format!("`{to}` is no secondary of {id}"),
                format!("there are {}", described.join("; ")),
            ));
        }
        (Some(to), _) => {
            return Err(Refusal::new(
                format!("`{to}` means several secondaries of {id}"),
                format!("give the region or the ARN: {}", described.join("; ")),
            ));
        }
    };
    let chosen = candidates[index].clone();
    let able = chosen.region.filter(|_| chosen.vetoes.is_empty());
    let Some(region) = able else {
        return Err(Refusal {
            reasons: if to.is_some() {
                vec![described[index].clone()]
            } else {
                described
            },
            advice: format!("no plan can make it the writer of {id}: repair one, then plan again"),
        });
    };
    let others = described
        .into_iter()
        .enumerate()
        .filter(|(other, _)| *other != index)
        .map(|(_, text)| format!("not taken: {text}"))
        .collect();
    Ok((chosen, region, others))
}

fn described(candidate: &Candidate<'_>) -> String {
    if candidate.vetoes.is_empty() {
        candidate.words()
    } else {
        format!(
            "{}: {}",
            candidate.member.name(),
            candidate.vetoes.join(", ")
        )
    }
}

/// Whether a text means a member: its region, its ARN, its identifier, or both of the latter.
fn is(fleet: &Fleet, member: &Member<'_>, text: &str) -> bool {
    let arn = &member.entry.arn;
    text == arn
        || text == arn_id(arn)
        || text == member.name()
        || member
            .region
            .is_some_and(|region| means(fleet, text, region))
        || (member.region.is_none() && arn_region(arn) == Some(text))
}
