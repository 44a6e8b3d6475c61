//! Lists hosted zones and remembers them for an hour, because Route 53 allows five calls a second for the whole account.

use std::{sync::Arc, time::Duration};

use aws_sdk_route53::Client;
use tokio::{sync::Mutex, time::Instant};

use super::Zone;
use crate::{
    provider::{ask::Ask, paging::all_pages},
    resources::{Api, ProviderError, traffic::route53::plain_name},
};

/// How long a list is good for.
const GOOD_FOR: Duration = Duration::from_secs(3_600);
/// How old a list must be to be read again because a name is not in it.
const WORTH_ANOTHER_LOOK: Duration = Duration::from_secs(300);

/// The hosted zones of the account, as last listed.
#[derive(Debug, Default)]
pub struct ZoneCache {
    listed: Mutex<Option<(Instant, Arc<[Zone]>)>>,
}

impl ZoneCache {
    /// The zones; listed anew when the list is an hour old, or five minutes and `enough` says that something is missing from it.
    pub async fn zones(
        &self,
        ask: &Ask<'_>,
        client: &Client,
        enough: impl Fn(&[Zone]) -> bool,
    ) -> Result<Arc<[Zone]>, ProviderError> {
        let mut listed = self.listed.lock().await;
        if let Some((at, zones)) = listed.as_ref() {
            let limit = if enough(zones) {
                GOOD_FOR
            } else {
                WORTH_ANOTHER_LOOK
            };
            if at.elapsed() < limit {
                return Ok(Arc::clone(zones));
            }
        }
        let zones: Arc<[Zone]> = list(ask, client).await?.into();
        *listed = Some((Instant::now(), Arc::clone(&zones)));
        Ok(zones)
    }

    /// Forgets the list: a zone of it is gone.
    pub async fn forget(&self) {
        *self.listed.lock().await = None;
    }
}

async fn list(ask: &Ask<'_>, client: &Client) -> Result<Vec<Zone>, ProviderError> {
    const OPERATION: &str = "route53:ListHostedZones";
    let zones = all_pages(OPERATION, |marker| async move {
        let call = client.list_hosted_zones().set_marker(marker).max_items(100);
        let page = ask.call(Api::Route53, OPERATION, call.send()).await?;
        let next = page.next_marker.filter(|_| page.is_truncated);
        Ok((page.hosted_zones, next))
    })
    .await?;
    let zone = |zone: aws_sdk_route53::types::HostedZone| Zone {
        id: bare_id(&zone.id).to_owned(),
        name: plain_name(&zone.name),
        private: zone.config.is_some_and(|config| config.private_zone),
    };
    Ok(zones.into_iter().map(zone).collect())
}

/// A zone id without `/hostedzone/`.
pub fn bare_id(id: &str) -> &str {
    id.trim_start_matches('/').trim_start_matches("hostedzone/")
}
