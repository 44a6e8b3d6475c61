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

    /// Every watched cluster, and those behind some API servers besides. A read of a run names no EKS clusters: it must end no watch.
    pub fn with(&self, servers: &[ApiServer], aws: &SdkConfig) -> Vec<Arc<Cluster>> {
        let Ok(mut watched) = self.0.lock() else {
            return Vec::new();
        };
        for server in servers {
            let new = || Arc::new(Cluster::watch(Access::new(server.clone(), aws.clone())));
            watched.entry(server.name.clone()).or_insert_with(new);
        }
        watched.values().map(Arc::clone).collect()
    }

    /// A cluster that is watched now.
    pub fn named(&self, name: &str) -> Option<Arc<Cluster>> {
        let watched = self.0.lock().ok()?;
        watched.get(name).map(Arc::clone)
    }
}
