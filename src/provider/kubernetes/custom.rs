//! Objects of custom resources that divide traffic: Gateway API HTTPRoute and GRPCRoute, Istio VirtualService, Argo Rollout, Flagger Canary. Owns their field names, the versions of their
//! APIs that are understood, and which routes are of interest: those with a rule that has several backends. Every field may be missing or `null`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    objects::{Condition, Meta, Object, ScaleTarget, Template, lenient, objects, time},
    watch::Watched,
};

objects! {
    /// What is wanted of an HTTPRoute or GRPCRoute.
    GatewayRouteSpec {
        #[serde(deserialize_with = "lenient")]
        hostnames: Vec<String>,
        #[serde(deserialize_with = "lenient")]
        rules: Vec<GatewayRule>,
    }
    /// A rule of it.
    GatewayRule {
        name: Option<String>,
        #[serde(deserialize_with = "lenient")]
        matches: Vec<Value>,
        #[serde(deserialize_with = "lenient")]
        backend_refs: Vec<BackendRef>,
    }
    /// A backend of a rule.
    BackendRef {
        #[serde(deserialize_with = "lenient")]
        name: String,
        namespace: Option<String>,
        port: Option<u32>,
        weight: Option<u32>,
    }
    /// What the gateways say.
    GatewayRouteStatus {
        #[serde(deserialize_with = "lenient")]
        parents: Vec<GatewayParent>,
    }
    /// What one of them says.
    GatewayParent {
        #[serde(deserialize_with = "lenient")]
        parent_ref: ParentRef,
        #[serde(deserialize_with = "lenient")]
        conditions: Vec<Condition>,
    }
    /// Which gateway.
    ParentRef {
        #[serde(deserialize_with = "lenient")]
        name: String,
        section_name: Option<String>,
    }
    /// What is wanted of a VirtualService.
    VirtualServiceSpec {
        #[serde(deserialize_with = "lenient")]
        hosts: Vec<String>,
        #[serde(deserialize_with = "lenient")]
        http: Vec<MeshRule>,
    }
    /// An HTTP route of it.
    MeshRule {
        name: Option<String>,
        #[serde(rename = "match", deserialize_with = "lenient")]
        matches: Vec<Value>,
        #[serde(deserialize_with = "lenient")]
        route: Vec<MeshDestination>,
    }
    /// A weighted destination.
    MeshDestination {
        #[serde(deserialize_with = "lenient")]
        destination: Destination,
        weight: Option<u32>,
    }
    /// Where it leads.
    Destination {
        #[serde(deserialize_with = "lenient")]
        host: String,
        subset: Option<String>,
        #[serde(deserialize_with = "lenient")]
        port: DestinationPort,
    }
    /// Its port.
    DestinationPort { number: Option<u32> }
    /// What is wanted of a DestinationRule.
    DestinationRuleSpec {
        #[serde(deserialize_with = "lenient")]
        host: String,
        #[serde(deserialize_with = "lenient")]
        subsets: Vec<Subset>,
    }
    /// A part of the pods of its host.
    Subset {
        #[serde(deserialize_with = "lenient")]
        name: String,
        #[serde(deserialize_with = "lenient")]
        labels: BTreeMap<String, String>,
    }
    /// Nothing that is read.
    Nothing {}
}

/// An HTTPRoute or GRPCRoute.
pub type GatewayRoute = Object<GatewayRouteSpec, GatewayRouteStatus>;
/// A VirtualService.
pub type MeshRoute = Object<VirtualServiceSpec, Nothing>;

/// What the subsets of a VirtualService are.
#[derive(Debug, Clone)]
pub struct DestinationRule(pub Object<DestinationRuleSpec, Nothing>);

/// An HTTPRoute that divides.
#[derive(Debug, Clone)]
pub struct HttpRoute(pub GatewayRoute);
/// A GRPCRoute that divides.
#[derive(Debug, Clone)]
pub struct GrpcRoute(pub GatewayRoute);
/// A VirtualService that divides.
#[derive(Debug, Clone)]
pub struct VirtualService(pub MeshRoute);

fn divides(route: &GatewayRoute) -> bool {
    let mut rules = route.spec.rules.iter();
    rules.any(|rule| rule.backend_refs.len() > 1)
}

impl Watched for HttpRoute {
    type Object = GatewayRoute;
    const PATH: &'static str = "/apis/gateway.networking.k8s.io/v1/httproutes";
    const OLDER: &'static [&'static str] = &["/apis/gateway.networking.k8s.io/v1beta1/httproutes"];
    const CUSTOM: Option<&'static str> = Some("gateway.networking.k8s.io");
    const NOUN: &'static str = "HTTPRoutes";

    fn meta(object: &Self::Object) -> &Meta {
        &object.metadata
    }

    fn keep(object: Self::Object) -> Option<Self> {
        divides(&object).then_some(Self(object))
    }
}

impl Watched for GrpcRoute {
    type Object = GatewayRoute;
    const PATH: &'static str = "/apis/gateway.networking.k8s.io/v1/grpcroutes";
    const OLDER: &'static [&'static str] = &["/apis/gateway.networking.k8s.io/v1alpha2/grpcroutes"];
    const CUSTOM: Option<&'static str> = Some("gateway.networking.k8s.io");
    const NOUN: &'static str = "GRPCRoutes";

    fn meta(object: &Self::Object) -> &Meta {
        &object.metadata
    }

    fn keep(object: Self::Object) -> Option<Self> {
        divides(&object).then_some(Self(object))
    }
}

impl Watched for VirtualService {
    type Object = MeshRoute;
    const PATH: &'static str = "/apis/networking.istio.io/v1/virtualservices";
    const OLDER: &'static [&'static str] = &["/apis/networking.istio.io/v1beta1/virtualservices"];
    const CUSTOM: Option<&'static str> = Some("networking.istio.io");
    const NOUN: &'static str = "VirtualServices";

    fn meta(object: &Self::Object) -> &Meta {
        &object.metadata
    }

    fn keep(object: Self::Object) -> Option<Self> {
        let mut rules = object.spec.http.iter();
        rules
            .any(|rule| rule.route.len() > 1)
            .then_some(Self(object))
    }
}

impl Watched for DestinationRule {
    type Object = Object<DestinationRuleSpec, Nothing>;
    const PATH: &'static str = "/apis/networking.istio.io/v1/destinationrules";
    const OLDER: &'static [&'static str] = &["/apis/networking.istio.io/v1beta1/destinationrules"];
    const CUSTOM: Option<&'static str> = Some("networking.istio.io");
    const NOUN: &'static str = "DestinationRules";

    fn meta(object: &Self::Object) -> &Meta {
        &object.metadata
    }

    fn keep(object: Self::Object) -> Option<Self> {
        (!object.spec.subsets.is_empty()).then_some(Self(object))
    }
}

objects! {
    /// What is wanted of an Argo Rollout.
    RolloutSpec {
        replicas: Option<i32>,
        #[serde(deserialize_with = "lenient")]
        paused: bool,
        #[serde(deserialize_with = "lenient")]
        strategy: RolloutStrategy,
        /// Where it takes its template from, instead of having one.
        workload_ref: Option<ScaleTarget>,
        #[serde(deserialize_with = "lenient")]
        template: Template,
    }
    /// How it goes out: one of the two.
    RolloutStrategy { canary: Option<RolloutCanary>, blue_green: Option<Value> }
    /// By shares.
    RolloutCanary {
        #[serde(deserialize_with = "lenient")]
        steps: Vec<Value>,
        #[serde(deserialize_with = "lenient")]
        traffic_routing: Value,
    }
    /// What is there of it.
    RolloutStatus {
        #[serde(deserialize_with = "lenient")]
        phase: String,
        #[serde(deserialize_with = "lenient")]
        message: String,
        #[serde(deserialize_with = "lenient")]
        abort: bool,
        #[serde(deserialize_with = "lenient")]
        promote_full: bool,
        #[serde(deserialize_with = "lenient")]
        controller_pause: bool,
        #[serde(deserialize_with = "lenient")]
        pause_conditions: Vec<PauseCondition>,
        current_step_index: Option<i64>,
        #[serde(deserialize_with = "lenient")]
        current_pod_hash: String,
        #[serde(rename = "stableRS", deserialize_with = "lenient")]
        stable_rs: String,
        /// A number, written as a string.
        #[serde(deserialize_with = "lenient")]
        observed_generation: Value,
        /// The same of the workload that it takes its template from.
        #[serde(deserialize_with = "lenient")]
        workload_observed_generation: Value,
        #[serde(deserialize_with = "lenient")]
        replicas: i32,
        #[serde(deserialize_with = "lenient")]
        updated_replicas: i32,
        #[serde(deserialize_with = "lenient")]
        ready_replicas: i32,
        #[serde(deserialize_with = "lenient")]
        available_replicas: i32,
        #[serde(deserialize_with = "lenient")]
        conditions: Vec<Condition>,
        #[serde(deserialize_with = "lenient")]
        canary: RolloutCanaryStatus,
    }
    /// Why it waits.
    PauseCondition {
        #[serde(deserialize_with = "lenient")]
        reason: String,
        #[serde(deserialize_with = "time")]
        start_time: Option<Timestamp>,
    }
    /// How far the canary is.
    RolloutCanaryStatus {
        #[serde(deserialize_with = "lenient")]
        weights: Value,
        current_step_analysis_run_status: Option<AnalysisStatus>,
        current_background_analysis_run_status: Option<AnalysisStatus>,
    }
    /// What an analysis says.
    AnalysisStatus {
        #[serde(deserialize_with = "lenient")]
        name: String,
        #[serde(deserialize_with = "lenient")]
        status: String,
        #[serde(deserialize_with = "lenient")]
        message: String,
    }
    /// What is wanted of a Flagger Canary.
    FlaggerSpec {
        #[serde(deserialize_with = "lenient")]
        suspend: bool,
        #[serde(deserialize_with = "lenient")]
        target_ref: ScaleTarget,
    }
    /// What is there of it.
    FlaggerStatus {
        #[serde(deserialize_with = "lenient")]
        phase: String,
        canary_weight: Option<i64>,
        #[serde(deserialize_with = "lenient")]
        failed_checks: i64,
        #[serde(deserialize_with = "lenient")]
        iterations: i64,
        #[serde(deserialize_with = "lenient")]
        conditions: Vec<Condition>,
        #[serde(deserialize_with = "lenient")]
        last_applied_spec: String,
        #[serde(deserialize_with = "lenient")]
        last_promoted_spec: String,
        #[serde(deserialize_with = "time")]
        last_transition_time: Option<Timestamp>,
    }
}

/// An Argo Rollout, `argoproj.io/v1alpha1`.
pub type ArgoRollout = Object<RolloutSpec, RolloutStatus>;
/// A Flagger Canary, `flagger.app/v1beta1`.
pub type FlaggerCanary = Object<FlaggerSpec, FlaggerStatus>;

impl Watched for ArgoRollout {
    type Object = Self;
    const PATH: &'static str = "/apis/argoproj.io/v1alpha1/rollouts";
    const CUSTOM: Option<&'static str> = Some("argoproj.io");
    const NOUN: &'static str = "Rollouts";

    fn meta(object: &Self::Object) -> &Meta {
        &object.metadata
    }

    fn keep(object: Self::Object) -> Option<Self> {
        Some(object)
    }
}

impl Watched for FlaggerCanary {
    type Object = Self;
    const PATH: &'static str = "/apis/flagger.app/v1beta1/canaries";
    const CUSTOM: Option<&'static str> = Some("flagger.app");
    const NOUN: &'static str = "Canaries";

    fn meta(object: &Self::Object) -> &Meta {
        &object.metadata
    }

    fn keep(object: Self::Object) -> Option<Self> {
        Some(object)
    }
}
