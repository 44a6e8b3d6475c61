//! The clusters of a place that are watched. Owns which ones: those that were last asked for, each with the address that was last known.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use aws_config::SdkConfig;

use super::{access::Access, cluster::Cluster};
use crate::resources::clusters::ApiServer;

/// The watched clusters of a place. They are watched from the first question on.
#[derive(Debug, Default)]
pub struct Watches(Mutex<BTreeMap<String, Arc<Cluster>>>);

impl Watches {
    /// The clusters behind some API servers: those that are new begin to be watched, and those that are no longer named end.
    pub fn of(&self, servers: &[ApiServer], aws: &SdkConfig) -> Vec<Arc<Cluster>> {
        let Ok(mut watched) = self.0.lock() else {
            return Vec::new();
        };
        watched.retain(|_, cluster| servers.contains(cluster.access.server()));
        let cluster = |server: &ApiServer| {
            let new = || Arc::new(Cluster::watch(Access::new(server.clone(), aws.clone())));
            Arc::clone(watched.entry(server.name.clone()).or_insert_with(new))
        };
        servers.iter().map(cluster).collect()
    }
}
