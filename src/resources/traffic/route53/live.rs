//! Reads the record sets of the managed names, with as few calls as the order of the list allows.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_route53::{
    Client,
    operation::list_resource_record_sets::ListResourceRecordSetsOutput,
    types::{ResourceRecordSet, RrType},
};

use super::{
    AliasTarget, Policy, Record, listed_after, listing_order, plain_name, written_name,
    zone::{
        holding,
        live::{ZoneCache, bare_id},
    },
};
use crate::{
    provider::ask::Ask,
    resources::{
        Api, ErrorClass, ProviderError,
        traffic::{Mechanism, Split, live::part},
    },
};

const LIST: &str = "route53:ListResourceRecordSets";

/// The managed names to read in one zone, in plain form, each with whether it is read in an earlier zone too.
type Names = BTreeMap<String, bool>;

/// The record sets of every managed name.
pub async fn observe(ask: &Ask<'_>, cache: &ZoneCache) -> Result<Vec<Split>, ProviderError> {
    let client = Client::new(&ask.config);
    let (reads, mut complete) = zones_to_read(ask, &client, cache).await?;
    let mut rows = Vec::new();
    for (zone_id, names) in reads {
        let read = read_zone(ask, &client, &zone_id, &names).await;
        if matches!(&read, Err(error) if error.class == ErrorClass::NotFound) {
            cache.forget().await;
        }
        match part(ask, read)? {
            Some(of_zone) => rows.extend(of_zone),
            None => complete = false,
        }
    }
    if complete {
        note_missing(ask, &rows);
    }
    rows.sort_by_cached_key(|row: &Split| rank(ask, row));
    Ok(rows)
}

/// A managed name without any row is worth a word: it may be misspelt, or just deleted.
fn note_missing(ask: &Ask<'_>, rows: &[Split]) {
    let found: BTreeSet<String> = rows.iter().filter_map(name_of).collect();
    for managed in &ask.estate.names {
        if !found.contains(&plain_name(&managed.name)) {
            ask.problem(ProviderError::new(
                ErrorClass::NotFound,
                LIST,
                format!("{} has no record sets that steer traffic", managed.name),
            ));
        }
    }
}

fn name_of(row: &Split) -> Option<String> {
    match &row.by {
        Mechanism::Record(record) => Some(plain_name(&record.name)),
        Mechanism::Dial(_)
        | Mechanism::Forward(_)
        | Mechanism::Alias(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_)
        | Mechanism::Route(_)
        | Mechanism::Rollout(_) => None,
    }
}

/// The managed names as the estate lists them, so that the first one comes first.
fn rank(ask: &Ask<'_>, row: &Split) -> (usize, String) {
    let name = name_of(row).unwrap_or_default();
    let position = ask
        .estate
        .names
        .iter()
        .position(|managed| plain_name(&managed.name) == name);
    (position.unwrap_or(usize::MAX), row.split.clone())
}

/// Which names to read in which zone, and whether those are all of them.
async fn zones_to_read(
    ask: &Ask<'_>,
    client: &Client,
    cache: &ZoneCache,
) -> Result<(BTreeMap<String, Names>, bool), ProviderError> {
    let mut reads: BTreeMap<String, Names> = BTreeMap::new();
    let mut sought = Vec::new();
    for managed in &ask.estate.names {
        let name = plain_name(&managed.name);
        match &managed.zone_id {
            Some(id) => {
                reads
                    .entry(bare_id(id).to_owned())
                    .or_default()
                    .insert(name, false);
            }
            None => sought.push(name),
        }
    }
    if sought.is_empty() {
        return Ok((reads, true));
    }
    let all_held =
        |zones: &[super::zone::Zone]| sought.iter().all(|name| !holding(zones, name).is_empty());
    let Some(zones) = part(ask, cache.zones(ask, client, all_held).await)? else {
        return Ok((reads, false));
    };
    for name in sought {
        let holders = holding(&zones, &name);
        for (index, zone) in holders.into_iter().enumerate() {
            reads
                .entry(zone.id.clone())
                .or_default()
                .insert(name.clone(), index > 0);
        }
    }
    Ok((reads, true))
}

/// Reads the names of one zone in the order of its list. A page may hold several of them; one that is cut off by the end of a page is read from its start.
async fn read_zone(
    ask: &Ask<'_>,
    client: &Client,
    zone_id: &str,
    names: &Names,
) -> Result<Vec<Split>, ProviderError> {
    let mut order: Vec<&String> = names.keys().collect();
    order.sort_by(|a, b| listing_order(a).cmp(&listing_order(b)));
    let mut read: Option<(&String, ListResourceRecordSetsOutput)> = None;
    let mut rows = Vec::new();
    for name in order {
        let held = read
            .as_ref()
            .and_then(|(start, page)| whole(page, start, name));
        let records = if let Some(records) = held {
            records
        } else {
            let (records, page) = read_name(ask, client, zone_id, name).await?;
            read = Some((name, page));
            records
        };
        let again = names.get(name).copied().unwrap_or_default();
        rows.extend(
            records
                .into_iter()
                .filter_map(|record| row(ask, zone_id, record, again)),
        );
    }
    Ok(rows)
}

/// The record sets of a name if a page, read from `start` on, tells all of them: it holds some and is not cut off among them, or it reaches to the end of the zone.
fn whole(
    page: &ListResourceRecordSetsOutput,
    start: &str,
    name: &str,
) -> Option<Vec<ResourceRecordSet>> {
    let records = of_name(&page.resource_record_sets, name);
    let told = if records.is_empty() {
        !page.is_truncated && listed_after(name, start)
    } else {
        !goes_on(page, name)
    };
    told.then_some(records)
}

fn of_name(records: &[ResourceRecordSet], name: &str) -> Vec<ResourceRecordSet> {
    records
        .iter()
        .filter(|record| plain_name(&record.name) == name)
        .cloned()
        .collect()
}

fn goes_on(page: &ListResourceRecordSetsOutput, name: &str) -> bool {
    page.is_truncated
        && page
            .next_record_name
            .as_deref()
            .is_some_and(|next| plain_name(next) == name)
}

/// All record sets of a name, and the last page that was read.
async fn read_name(
    ask: &Ask<'_>,
    client: &Client,
    zone_id: &str,
    name: &str,
) -> Result<(Vec<ResourceRecordSet>, ListResourceRecordSetsOutput), ProviderError> {
    let mut records: Vec<ResourceRecordSet> = Vec::new();
    let mut from: (Option<RrType>, Option<String>) = (None, None);
    loop {
        let call = client
            .list_resource_record_sets()
            .hosted_zone_id(zone_id)
            .start_record_name(written_name(name))
            .set_start_record_type(from.0.clone())
            .set_start_record_identifier(from.1.clone())
            .max_items(300);
        let page = ask.call(Api::Route53, LIST, call.send()).await?;
        for record in of_name(&page.resource_record_sets, name) {
            let known = |other: &ResourceRecordSet| {
                (&other.r#type, &other.set_identifier) == (&record.r#type, &record.set_identifier)
            };
            if !records.iter().any(known) {
                records.push(record);
            }
        }
        if !goes_on(&page, name) {
            return Ok((records, page));
        }
        let next = (
            page.next_record_type.clone(),
            page.next_record_identifier.clone(),
        );
        if next == from {
            return Err(ProviderError::new(
                ErrorClass::Terminal,
                LIST,
                "the list names the same next page twice",
            ));
        }
        from = next;
    }
}

/// The row of a record set; `None` for one that answers no user's question for an address. `again` marks a name that is read in an earlier zone too.
fn row(ask: &Ask<'_>, zone_id: &str, record: ResourceRecordSet, again: bool) -> Option<Split> {
    let policy = policy(&record);
    let record_type = record.r#type.as_str().to_owned();
    let steers = matches!(
        record_type.as_str(),
        "A" | "AAAA" | "CNAME" | "HTTPS" | "SVCB" | "SRV"
    );
    if policy == Policy::Simple && !steers {
        return None;
    }
    if policy == Policy::Other {
        ask.problem(ProviderError::new(
            ErrorClass::Terminal,
            LIST,
            format!(
                "{} {record_type} has a routing policy that this version does not know",
                record.name
            ),
        ));
    }
    let mut split = format!("{} {record_type}", record.name);
    if again {
        split = format!("{split} in {zone_id}");
    }
    let member = record.set_identifier.clone();
    let alias = record.alias_target.map(|target| AliasTarget {
        dns_name: target.dns_name,
        zone_id: target.hosted_zone_id,
        evaluate_target_health: target.evaluate_target_health,
    });
    Some(Split {
        split,
        member: member.unwrap_or_else(|| "simple".to_owned()),
        by: Mechanism::Record(Record {
            zone_id: zone_id.to_owned(),
            name: record.name,
            record_type,
            set_identifier: record.set_identifier,
            policy,
            ttl: record.ttl.and_then(|ttl| u32::try_from(ttl).ok()),
            values: record
                .resource_records
                .unwrap_or_default()
                .into_iter()
                .map(|value| value.value)
                .collect(),
            alias,
            health_check_id: record.health_check_id.filter(|id| !id.is_empty()),
            traffic_policy_instance_id: record.traffic_policy_instance_id,
        }),
    })
}

fn policy(record: &ResourceRecordSet) -> Policy {
    if let Some(weight) = record.weight {
        let weight = u8::try_from(weight.clamp(0, 255)).unwrap_or(u8::MAX);
        return Policy::Weighted { weight };
    }
    if let Some(region) = &record.region {
        let region = region.as_str().to_owned();
        return Policy::Latency { region };
    }
    if let Some(location) = &record.geo_location {
        return Policy::Geolocation {
            continent: location.continent_code.clone(),
            country: location.country_code.clone(),
            subdivision: location.subdivision_code.clone(),
        };
    }
    if let Some(location) = &record.geo_proximity_location {
        return Policy::Geoproximity {
            region: location.aws_region.clone(),
            bias: location.bias.unwrap_or_default(),
        };
    }
    if let Some(failover) = &record.failover {
        return match failover.as_str() {
            "PRIMARY" => Policy::Failover { primary: true },
            "SECONDARY" => Policy::Failover { primary: false },
            _ => Policy::Other,
        };
    }
    if let Some(cidr) = &record.cidr_routing_config {
        let location = format!("{}/{}", cidr.collection_id, cidr.location_name);
        return Policy::Cidr { location };
    }
    if record.multi_value_answer == Some(true) {
        return Policy::MultiValue;
    }
    // Only a record with a routing policy has a set identifier.
    match record.set_identifier {
        None => Policy::Simple,
        Some(_) => Policy::Other,
    }
}
