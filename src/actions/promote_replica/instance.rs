//! Promotion of an RDS read replica: its replication is cut for good. Owns what is said before that: the loss, the siblings that stay behind, the fence around the old source.

use crate::{
    actions::{
        Refusal,
        kit::{
            guards::guards,
            region,
            stores::{self, ACCEPT_FOR_GOOD, ACCEPT_LOSS, Draft, arn_id, arn_region},
        },
    },
    plan::{GuardId, Intent, Plan},
    resources::{
        Change, Fleet, Place, RegionLabel,
        databases::{self, Database, DbInstance, series_key},
        metrics::Reading,
        traffic::quoted,
    },
};

/// Judged right before the call.
const GUARDS: &[GuardId] = guards!(
    stores::EVERY,
    &[
        GuardId::Split,
        GuardId::Quorum,
        GuardId::Lag,
        GuardId::Version,
    ]
);

/// Several minutes or longer, with a reboot; 60 s is not realistic (domain 0.3).
const TIME: (u64, u64) = (600, 1_800);

/// What backups are kept for where the replica has none: without backups a new writer can be neither restored nor replicated.
const RETENTION_DAYS: i32 = 7;

/// Writes per second below which a source counts as idle, and the lag that such a source lets climb at most (domain A.4).
const IDLE_WRITES: f64 = 1.0;
const IDLE_LAG_MS: f64 = 300_000.0;

/// Where the source is.
struct Source<'a> {
    /// As the replica names it.
    name: &'a str,
    /// Its region, where that is watched.
    region: Option<&'a RegionLabel>,
    /// The instance, where it is listed.
    instance: Option<&'a DbInstance>,
}

impl Source<'_> {
    fn words(&self) -> String {
        match self.region {
            Some(region) => format!("{region}/{}", arn_id(self.name)),
            None => self.name.to_owned(),
        }
    }

    fn gone(&self, fleet: &Fleet) -> bool {
        let works = |instance: &DbInstance| instance.status == "available";
        self.region
            .is_some_and(|region| region::lost(fleet, region))
            || self.instance.is_some_and(|instance| !works(instance))
    }
}

/// The plan.
pub fn plan(
    fleet: &Fleet,
    region: &RegionLabel,
    replica: &DbInstance,
    intent: &Intent,
) -> Result<Plan, Refusal> {
    let id = &replica.id;
    let Some(name) = replica.source.as_deref() else {
        let replicas: Vec<&str> = replica.replicas.iter().map(|arn| arn_id(arn)).collect();
        let advice = if replicas.is_empty() {
            "it has no replica either".to_owned()
        } else {
            format!("its replicas are {}", replicas.join(", "))
        };
        return Err(Refusal::new(
            format!("{id} is no replica: it takes writes"),
            advice,
        ));
    };
    ready(fleet, region, replica)?;
    let source = source(fleet, region, name);
    let kept = replica.backup_retention_days.filter(|days| *days >= 1);
    let change = databases::Change::Promote {
        region: region.clone(),
        instance: id.clone(),
        source: name.to_owned(),
        backup_retention_days: kept.unwrap_or(RETENTION_DAYS),
    };
    let step = stores::change(
        format!("Promote {id} in {region}"),
        Change::Databases(change),
        TIME,
        GUARDS,
    );
    let mut draft = Draft::new(
        format!("Promote {id} in {region}, for good"),
        id,
        vec![step],
    );
    let (phrase, loss) = loss(fleet, region, replica, &source);
    phrase.clone_into(&mut draft.loss_phrase);
    draft.remarks = vec![loss];
    draft.remarks.extend(fence(fleet, &source));
    draft
        .remarks
        .extend(siblings(fleet, region, replica, &source));
    draft.remarks.extend(consequences(replica, &source, kept));
    Ok(draft.freeze(fleet, intent))
}

/// Refuses what RDS would refuse.
fn ready(fleet: &Fleet, region: &RegionLabel, replica: &DbInstance) -> Result<(), Refusal> {
    let id = &replica.id;
    if region::lost(fleet, region) {
        return Err(Refusal::new(
            format!("{region} does not answer"),
            "promote a replica in a region that does",
        ));
    }
    if replica.status != "available" {
        return Err(Refusal::new(
            format!("{id} is {}", replica.status),
            "only an available replica can be promoted; a backup ends by itself",
        ));
    }
    Ok(())
}

/// The Region and identifier that a name means, seen from a region.
fn whereabouts<'a>(
    fleet: &'a Fleet,
    seen_from: &'a RegionLabel,
    name: &str,
) -> Option<&'a RegionLabel> {
    match arn_region(name) {
        Some(aws) => stores::watched(fleet, aws),
        None => Some(seen_from),
    }
}

fn source<'a>(fleet: &'a Fleet, region: &'a RegionLabel, name: &'a str) -> Source<'a> {
    let at = whereabouts(fleet, region, name);
    let instance = instances(fleet).find(|(place, instance)| {
        if name.starts_with("arn:") {
            instance.arn.as_deref() == Some(name)
        } else {
            *place == region && instance.id == name
        }
    });
    Source {
        name,
        region: instance.map(|(region, _)| region).or(at),
        instance: instance.map(|(_, instance)| instance),
    }
}

fn instances(fleet: &Fleet) -> impl Iterator<Item = (&RegionLabel, &DbInstance)> {
    fleet.databases.rows().filter_map(|(_, place, row)| {
        let region = place.region()?;
        match row {
            Database::Instance(instance) => Some((region, instance)),
            Database::Cluster(_) | Database::Table(_) => None,
        }
    })
}

/// The last lag that says anything: −1 is not one.
fn last_lag(fleet: &Fleet, region: &RegionLabel, replica: &DbInstance) -> Option<Reading> {
    let place = Place::Region(region.clone());
    let now = replica.lag_ms(fleet, &place);
    if stores::last_good(now).is_some() {
        return Some(now);
    }
    let series = fleet.series(&place, &series_key(&replica.id, "replica-lag"))?;
    let point = series.points.iter().find(|point| point.value >= 0.0)?;
    Some(Reading::Value {
        value: point.value * 1_000.0,
        at: point.at,
        freshness: crate::resources::Freshness::Expired,
    })
}

/// What is lost, with the phrase that accepts it.
fn loss(
    fleet: &Fleet,
    region: &RegionLabel,
    replica: &DbInstance,
    source: &Source<'_>,
) -> (&'static str, String) {
    let place = Place::Region(region.clone());
    let now = replica.lag_ms(fleet, &place);
    let broken = now.usable().is_some_and(|lag| lag < 0.0);
    let gone = source.gone(fleet);
    let Some(lag) = last_lag(fleet, region, replica) else {
        return (ACCEPT_LOSS, stores::loss_words(None));
    };
    let text = stores::loss_words(stores::loss(lag, gone || broken, fleet.now));
    if broken {
        let text = format!(
            "replication is broken (ReplicaLag −1), and since the last lag that was measured {text}"
        );
        return (ACCEPT_LOSS, text);
    }
    if gone {
        return (ACCEPT_LOSS, text);
    }
    let writes = source.region.map_or(Reading::NeverRead, |region| {
        let key = series_key(arn_id(source.name), "write-iops");
        fleet.reading(&Place::Region(region.clone()), &key)
    });
    let postgres = replica.engine.contains("postgres");
    match (writes.usable(), lag.usable()) {
        (Some(writes), Some(lag)) if postgres && writes < IDLE_WRITES && lag <= IDLE_LAG_MS => (
            ACCEPT_FOR_GOOD,
            format!(
                "the source is idle ({writes:.1} writes/s): the reported lag of {} is its heartbeat, nothing is missing",
                stores::span(lag)
            ),
        ),
        _ => (ACCEPT_LOSS, text),
    }
}

/// How to keep the old source from taking writes: by hand, before the promotion.
fn fence(fleet: &Fleet, source: &Source<'_>) -> Vec<String> {
    let words = source.words();
    let id = arn_id(source.name);
    let spec = source.region.and_then(|region| fleet.estate.region(region));
    let aws = spec
        .and_then(|spec| spec.aws_region.as_deref())
        .or_else(|| arn_region(source.name))
        .unwrap_or("REGION");
    let state = match source.instance {
        Some(instance) if !source.gone(fleet) => {
            format!("the source {words} is {} and takes writes", instance.status)
        }
        Some(_) | None => format!("the source {words} may come back and take writes"),
    };
    let id = quoted(id);
    vec![
        format!("{state}: fence it first (RDS does not stop an instance that has replicas)"),
        format!(
            "fence: aws rds modify-db-instance --db-instance-identifier {id} --vpc-security-group-ids SG_WITHOUT_RULES --apply-immediately --region {aws}"
        ),
        format!(
            "or rename its endpoint away: aws rds modify-db-instance --db-instance-identifier {id} --new-db-instance-identifier {id}-fenced --apply-immediately --region {aws}"
        ),
        format!(
            "and rotate what the applications log in with: aws secretsmanager rotate-secret --secret-id SECRET --region {aws}"
        ),
    ]
}

/// The other replicas of the same source: they keep following it, and one of them may be less behind.
fn siblings(
    fleet: &Fleet,
    region: &RegionLabel,
    replica: &DbInstance,
    source: &Source<'_>,
) -> Vec<String> {
    let same = |at: &RegionLabel, other: &DbInstance| {
        other.source.as_deref().is_some_and(|name| {
            arn_id(name) == arn_id(source.name) && whereabouts(fleet, at, name) == source.region
        })
    };
    let own = |at: &RegionLabel, other: &DbInstance| at == region && other.id == replica.id;
    let listed: Vec<(&RegionLabel, &DbInstance)> = instances(fleet)
        .filter(|(at, other)| same(at, other) && !own(at, other))
        .collect();
    let mut names: Vec<String> = listed
        .iter()
        .map(|(at, other)| format!("{at}/{}", other.id))
        .collect();
    // Those in regions that are not watched are known from the source only.
    let replicas = source
        .instance
        .map_or(&[][..], |instance| &instance.replicas);
    let seen = |arn: &str| {
        let at = source.region.and_then(|from| whereabouts(fleet, from, arn));
        instances(fleet).any(|(place, other)| Some(place) == at && other.id == arn_id(arn))
    };
    names.extend(replicas.iter().filter(|arn| !seen(arn)).cloned());
    let mut remarks = Vec::new();
    if !names.is_empty() {
        remarks.push(format!(
            "{} keep following the old source: recreate them from {}",
            names.join(", "),
            replica.id
        ));
    }
    let lag = |at: &RegionLabel, own: &DbInstance| {
        let lag = last_lag(fleet, at, own)?;
        stores::last_good(lag).map(|(lag, _)| lag)
    };
    let mine = lag(region, replica);
    remarks.extend(listed.iter().filter_map(|(at, other)| {
        let theirs = lag(at, other)?;
        let better = mine.is_none_or(|mine| theirs < mine / 2.0);
        better.then(|| format!("{at}/{} is less behind: {}", other.id, stores::span(theirs)))
    }));
    remarks
}

fn consequences(replica: &DbInstance, source: &Source<'_>, kept: Option<i32>) -> Vec<String> {
    let id = &replica.id;
    let mut remarks = vec![
        "it reboots and takes 5 to 15 minutes".to_owned(),
        format!(
            "nothing undoes it: replication from {} is cut for good",
            source.words()
        ),
        format!(
            "afterwards change what the applications of every region connect to: it is {id} now"
        ),
    ];
    if kept.is_none() {
        remarks.push(format!(
            "it keeps no backups now: {RETENTION_DAYS} days from then on"
        ));
    }
    if !replica.multi_az {
        remarks.push(format!(
            "{id} is in one zone only: make it Multi-AZ afterwards"
        ));
    }
    if let Some(other) = source.instance.filter(|other| other.class != replica.class) {
        remarks.push(format!(
            "{id} is {}, the source {}",
            replica.class.as_deref().unwrap_or("?"),
            other.class.as_deref().unwrap_or("?")
        ));
    }
    if let Some(status) = replica
        .replica_status
        .as_ref()
        .filter(|status| !status.normal)
    {
        remarks.push(format!(
            "its replication is {}",
            status.status.as_deref().unwrap_or("not normal")
        ));
    }
    if !replica.replicas.is_empty() {
        let names: Vec<&str> = replica.replicas.iter().map(|arn| arn_id(arn)).collect();
        remarks.push(format!("{} keep following it", names.join(", ")));
    }
    if let Some(at) = source.instance.and_then(|other| other.latest_restorable) {
        remarks.push(format!("the source can be restored to {at}"));
    }
    remarks
}
