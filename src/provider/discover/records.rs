//! Route 53 record sets as facts. Owns the translation and the pace, because five calls per second are all that the whole account has.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_route53::{
    Client,
    types::{HostedZone, ResourceRecordSet, ResourceRecordSetRegion, RrType},
};
use tokio::time::sleep;

use super::notes::{Notes, call};
use crate::{
    config::findings::RecordFact,
    resources::{ErrorClass, ProviderError},
};

/// Calls in all. An account with more pages than this gets told.
const MOST_CALLS: u32 = 200;
/// Calls that go out at once before the pace sets in.
const AT_ONCE: u32 = 5;
/// The pace after that: two calls per second leave three to the controllers of the account.
const PACE: Duration = Duration::from_millis(500);

/// A client that keeps the pace.
struct Paced<'a> {
    client: Client,
    made: u32,
    progress: &'a (dyn Fn(&str) + Send + Sync),
}

/// Every record set that steers traffic, and those that it may lead to.
pub(super) async fn records(
    config: &SdkConfig,
    progress: &(dyn Fn(&str) + Send + Sync),
    notes: &mut Notes,
) -> Result<(), ProviderError> {
    let mut paced = Paced {
        client: Client::new(config),
        made: 0,
        progress,
    };
    let zones = paced.zones(notes).await?;
    let all = zones.len();
    for (index, zone) in zones.iter().enumerate() {
        (paced.progress)(&format!(
            "reading zone {} ({} of {all})",
            zone.name(),
            index + 1
        ));
        // A zone that cannot be read hides no other.
        if let Err(error) = paced.zone(zone, notes).await {
            let stop = matches!(error.class, ErrorClass::Skipped);
            notes.fail("global", error);
            if stop {
                break;
            }
        }
    }
    Ok(())
}

impl Paced<'_> {
    async fn wait(&mut self, operation: &str) -> Result<(), ProviderError> {
        if self.made >= MOST_CALLS {
            let text =
                format!("stopped after {MOST_CALLS} calls; add names of further zones by hand");
            return Err(ProviderError::new(ErrorClass::Skipped, operation, text));
        }
        if self.made >= AT_ONCE {
            sleep(PACE).await;
        }
        self.made += 1;
        Ok(())
    }

    /// The zones, as far as they can be listed.
    async fn zones(&mut self, notes: &mut Notes) -> Result<Vec<HostedZone>, ProviderError> {
        const OPERATION: &str = "route53:ListHostedZones";
        let mut zones = Vec::new();
        let mut marker = None;
        loop {
            self.wait(OPERATION).await?;
            let send = self
                .client
                .list_hosted_zones()
                .set_marker(marker.clone())
                .send();
            let page = match call(OPERATION, send).await {
                Ok(page) => page,
                Err(error) if zones.is_empty() => return Err(error),
                Err(error) => {
                    notes.fail("global", error);
                    return Ok(zones);
                }
            };
            // Zones that AWS Cloud Map and the like keep hold no names that people steer.
            zones.extend(
                page.hosted_zones
                    .into_iter()
                    .filter(|zone| zone.linked_service.is_none()),
            );
            let next = page.next_marker.filter(|_| page.is_truncated);
            if next.is_none() || next == marker {
                return Ok(zones);
            }
            marker = next;
        }
    }

    async fn zone(&mut self, zone: &HostedZone, notes: &mut Notes) -> Result<(), ProviderError> {
        const OPERATION: &str = "route53:ListResourceRecordSets";
        let id = zone.id().trim_start_matches("/hostedzone/").to_owned();
        let private = zone.config().is_some_and(|config| config.private_zone);
        let mut from: Option<(String, Option<RrType>, Option<String>)> = None;
        loop {
            self.wait(OPERATION).await?;
            let mut list = self.client.list_resource_record_sets().hosted_zone_id(&id);
            if let Some((name, record_type, identifier)) = from.clone() {
                list = list
                    .start_record_name(name)
                    .set_start_record_type(record_type)
                    .set_start_record_identifier(identifier);
            }
            let page = call(OPERATION, list.send()).await?;
            let records = page.resource_record_sets.iter();
            notes
                .records
                .extend(records.filter_map(|record| fact(record, &id, private)));
            let next = page
                .next_record_name
                .filter(|_| page.is_truncated)
                .map(|name| (name, page.next_record_type, page.next_record_identifier));
            if next.is_none() || next == from {
                return Ok(());
            }
            from = next;
        }
    }
}

fn fact(record: &ResourceRecordSet, zone_id: &str, private: bool) -> Option<RecordFact> {
    let policy = policy(record);
    let address = matches!(record.r#type, RrType::A | RrType::Aaaa | RrType::Cname);
    // A plain MX or TXT record leads nowhere.
    if policy.is_none() && !address {
        return None;
    }
    let alias = record.alias_target().map(|alias| host(alias.dns_name()));
    let values = record
        .resource_records()
        .iter()
        .map(|value| host(value.value()));
    let proximity = record
        .geo_proximity_location()
        .and_then(|place| place.aws_region());
    Some(RecordFact {
        zone_id: zone_id.to_owned(),
        private,
        name: host(record.name()),
        set_identifier: record.set_identifier().map(ToOwned::to_owned),
        policy: policy.map(ToOwned::to_owned),
        region: record
            .region()
            .map(ResourceRecordSetRegion::as_str)
            .or(proximity)
            .map(ToOwned::to_owned),
        failover: record
            .failover()
            .map(|failover| failover.as_str().to_owned()),
        targets: alias.into_iter().chain(values).collect(),
    })
}

fn policy(record: &ResourceRecordSet) -> Option<&'static str> {
    if record.weight.is_some() {
        Some("weighted")
    } else if record.region.is_some() {
        Some("latency")
    } else if record.failover.is_some() {
        Some("failover")
    } else if record.geo_location.is_some() {
        Some("geolocation")
    } else if record.geo_proximity_location.is_some() {
        Some("geoproximity")
    } else if record.cidr_routing_config.is_some() {
        Some("ip-based")
    } else if record.multi_value_answer == Some(true) {
        Some("multivalue")
    } else {
        None
    }
}

/// A name as names are compared. Route 53 writes `*` as `\052`.
fn host(name: &str) -> String {
    name.trim_end_matches('.')
        .replace("\\052", "*")
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use aws_sdk_route53::types::{AliasTarget, GeoProximityLocation, ResourceRecord};

    use super::*;

    #[test]
    fn a_record_set_tells_policy_region_and_targets() {
        let alias = AliasTarget::builder()
            .hosted_zone_id("Z32O12XQLNTSW2")
            .dns_name("dualstack.Web-1.eu-west-1.elb.amazonaws.com.")
            .evaluate_target_health(true)
            .build()
            .unwrap();
        let record = ResourceRecordSet::builder()
            .name("\\052.Example.com.")
            .r#type(RrType::A)
            .set_identifier("eu")
            .region(ResourceRecordSetRegion::from("mars-north-1"))
            .alias_target(alias)
            .build()
            .unwrap();
        let fact = fact(&record, "Z1", false).unwrap();
        assert_eq!(fact.name, "*.example.com");
        assert_eq!(fact.policy.as_deref(), Some("latency"));
        assert_eq!(
            fact.region.as_deref(),
            Some("mars-north-1"),
            "unknown values stay as text"
        );
        assert_eq!(
            fact.targets,
            ["dualstack.web-1.eu-west-1.elb.amazonaws.com"]
        );
    }

    #[test]
    fn plain_records_matter_only_where_names_lead_to_them() {
        let plain = |record_type| {
            let value = ResourceRecord::builder()
                .value("203.0.113.9")
                .build()
                .unwrap();
            let record = ResourceRecordSet::builder()
                .name("a.example.com.")
                .r#type(record_type);
            fact(&record.resource_records(value).build().unwrap(), "Z1", true)
        };
        assert!(plain(RrType::Mx).is_none());
        assert_eq!(plain(RrType::A).unwrap().policy, None);
    }

    #[test]
    fn proximity_states_a_region_too() {
        let place = GeoProximityLocation::builder()
            .aws_region("ap-south-1")
            .bias(10)
            .build();
        let record = ResourceRecordSet::builder()
            .name("a.example.com.")
            .r#type(RrType::A)
            .set_identifier("x")
            .geo_proximity_location(place)
            .build()
            .unwrap();
        let fact = fact(&record, "Z1", false).unwrap();
        assert_eq!(
            (fact.policy.as_deref(), fact.region.as_deref()),
            (Some("geoproximity"), Some("ap-south-1"))
        );
    }
}
