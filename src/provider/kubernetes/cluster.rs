//! One cluster: a shelf for each kind that is watched, and the loops that fill them. Owns their life; what becomes of a cluster touches no other.

use std::{sync::Arc, time::Duration};

use tokio::{task::AbortHandle, time::timeout};

use super::{
    access::Access,
    custom::{ArgoRollout, DestinationRule, FlaggerCanary, GrpcRoute, HttpRoute, VirtualService},
    kept::{Budget, Deployment, Node, Pod, ReplicaSet, Scaler, Warning},
    logs::Logs,
    shelf::Shelf,
    watch::{Watched, keep},
};

/// A cluster that is watched.
#[derive(Debug)]
pub struct Cluster {
    /// The way to it.
    pub access: Arc<Access>,
    /// Deployments.
    pub deployments: Arc<Shelf<Deployment>>,
    /// Replica sets of deployments.
    pub replica_sets: Arc<Shelf<ReplicaSet>>,
    /// Pods of replica sets.
    pub pods: Arc<Shelf<Pod>>,
    /// Autoscalers.
    pub scalers: Arc<Shelf<Scaler>>,
    /// Disruption budgets.
    pub budgets: Arc<Shelf<Budget>>,
    /// Nodes.
    pub nodes: Arc<Shelf<Node>>,
    /// Warnings.
    pub warnings: Arc<Shelf<Warning>>,
    /// The last lines of containers that ended badly.
    pub logs: Arc<Logs>,
    /// HTTPRoutes that divide.
    pub http_routes: Arc<Shelf<HttpRoute>>,
    /// GRPCRoutes that divide.
    pub grpc_routes: Arc<Shelf<GrpcRoute>>,
    /// VirtualServices that divide.
    pub virtual_services: Arc<Shelf<VirtualService>>,
    /// DestinationRules with subsets.
    pub destination_rules: Arc<Shelf<DestinationRule>>,
    /// Argo Rollouts.
    pub rollouts: Arc<Shelf<ArgoRollout>>,
    /// Flagger Canaries.
    pub canaries: Arc<Shelf<FlaggerCanary>>,
    loops: Vec<AbortHandle>,
}

impl Cluster {
    /// Begins to watch.
    pub fn watch(access: Access) -> Self {
        let access = Arc::new(access);
        let mut loops = Vec::new();
        Self {
            deployments: start(&access, &mut loops),
            replica_sets: start(&access, &mut loops),
            pods: start(&access, &mut loops),
            scalers: start(&access, &mut loops),
            budgets: start(&access, &mut loops),
            nodes: start(&access, &mut loops),
            warnings: start(&access, &mut loops),
            logs: Arc::default(),
            http_routes: start(&access, &mut loops),
            grpc_routes: start(&access, &mut loops),
            virtual_services: start(&access, &mut loops),
            destination_rules: start(&access, &mut loops),
            rollouts: start(&access, &mut loops),
            canaries: start(&access, &mut loops),
            access,
            loops,
        }
    }

    /// Waits until each kind was listed or could not be, so that the first answer is a whole one; no longer than this.
    pub async fn tried(&self, within: Duration) {
        self.until(within, Self::all_tried).await;
    }

    /// The same for the custom resources that divide traffic.
    pub async fn routes_tried(&self, within: Duration) {
        let tried = |cluster: &Self| {
            cluster.http_routes.tried()
                && cluster.grpc_routes.tried()
                && cluster.virtual_services.tried()
                && cluster.destination_rules.tried()
                && cluster.rollouts.tried()
        };
        self.until(within, tried).await;
    }

    /// The same for the objects that send releases out, and for what tells their versions.
    pub async fn rollouts_tried(&self, within: Duration) {
        let tried = |cluster: &Self| {
            cluster.rollouts.tried()
                && cluster.canaries.tried()
                && cluster.replica_sets.tried()
                && cluster.pods.tried()
        };
        self.until(within, tried).await;
    }

    async fn until(&self, within: Duration, done: impl Fn(&Self) -> bool) {
        let mut news = self.access.news();
        let trying = async { while !done(self) && news.changed().await.is_ok() {} };
        // What is not there by then is told as not known.
        timeout(within, trying).await.ok();
    }

    fn all_tried(&self) -> bool {
        self.deployments.tried()
            && self.replica_sets.tried()
            && self.pods.tried()
            && self.scalers.tried()
            && self.budgets.tried()
            && self.nodes.tried()
            && self.warnings.tried()
    }
}

fn start<W: Watched>(access: &Arc<Access>, loops: &mut Vec<AbortHandle>) -> Arc<Shelf<W>> {
    let shelf = Arc::<Shelf<W>>::default();
    let watching = tokio::spawn(keep(Arc::clone(access), Arc::clone(&shelf)));
    loops.push(watching.abort_handle());
    shelf
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for watching in &self.loops {
            watching.abort();
        }
    }
}
