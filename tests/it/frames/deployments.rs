//! Deployments for frames: one that is fine, one that rolls out, one that is stuck, one at the limit of its autoscaler.

use pilothouse::resources::deployments::Deployment;
use serde_json::{Value, json};

const SERVICES: &[&str] = &["cart", "catalog", "checkout", "storefront", "payments"];

/// The deployments of a region; in an ill one they are in trouble.
pub fn of(region: &str, per: usize, ill: bool) -> Vec<Deployment> {
    (0..per)
        .map(|index| serde_json::from_value(deployment(region, index, ill)).unwrap())
        .collect()
}

fn deployment(region: &str, index: usize, ill: bool) -> Value {
    let name = SERVICES
        .get(index)
        .map_or_else(|| format!("service-{index:02}"), |name| (*name).to_owned());
    let mut row = json!({
        "name": name, "namespace": "shop", "cluster": format!("prod-{region}"),
        "heard_at": super::fleet::now() - std::time::Duration::from_secs(31),
        "generation": 7, "observed_generation": 7, "paused": false, "revision": "7",
        "containers": [container("app", &name, "v2.14.3", "a1"), container("istio-proxy", "proxyv2", "1.27.1", "b2")],
        "replicas": {"desired": 6, "total": 6, "updated": 6, "ready": 6, "available": 6},
        "conditions": [condition("Available", "True", "Deployment has minimum availability."),
            {"name": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable",
                "message": "ReplicaSet has successfully progressed.", "since": super::fleet::now() - std::time::Duration::from_secs(180_000)}],
        "revisions": [revision(7, 6, "v2.14.3"), revision(6, 0, "v2.14.2")],
        "pods": [pod("6f9c7d-x2x8k", &Value::Null, 0)],
        "restarts": 1, "troubles": [],
        "autoscaler": {"name": name, "min": 3, "max": 12, "current": 6, "desired": 6, "limited": null, "inactive": null},
        "budget": {"name": name, "allowed": 2, "healthy": 6, "required": 4},
        "owner": {"by": "Argo CD", "name": "shop", "reverts": true},
        "warnings": [], "unknown": [],
    });
    match (index, ill) {
        (0, true) => {
            row["replicas"] =
                json!({"desired": 6, "total": 8, "updated": 2, "ready": 6, "available": 6});
            row["containers"] = json!([container("app", &name, "v2.15.0", "c3")]);
            row["troubles"] = json!([{"reason": "CrashLoopBackOff", "pods": 2, "current": true,
                "message": "back-off 5m0s restarting failed container=app"}]);
            row["restarts"] = json!(14);
            row["pods"] = json!([
                pod("7c5b9f-q7m2p", &json!("CrashLoopBackOff"), 7),
                pod("6f9c7d-x2x8k", &Value::Null, 0)
            ]);
            row["warnings"] = json!([{"reason": "BackOff", "object": "pod cart-7c5b9f-q7m2p", "count": 31,
                "message": "Back-off restarting failed container app", "at": super::fleet::now() - std::time::Duration::from_secs(40)}]);
        }
        (1, true) => {
            row["autoscaler"]["desired"] = json!(12);
            row["autoscaler"]["limited"] = json!("TooManyReplicas");
            row["unknown"] = json!(["budgets"]);
            row["budget"] = Value::Null;
        }
        _ => {}
    }
    row
}

fn container(name: &str, image: &str, tag: &str, digest: &str) -> Value {
    json!({"name": name, "image": format!("registry.example/shop/{image}:{tag}"),
        "digest": format!("sha256:{}", digest.repeat(32))})
}

fn condition(name: &str, status: &str, message: &str) -> Value {
    json!({"name": name, "status": status, "reason": null, "message": message, "since": null})
}

fn revision(number: u64, pods: i32, tag: &str) -> Value {
    json!({"number": number, "replica_set": format!("set-{number}"), "image": format!("registry.example/shop/app:{tag}"),
        "desired": pods, "ready": pods, "created_at": super::fleet::now() - std::time::Duration::from_secs(90_000 * (9 - number))})
}

fn pod(name: &str, reason: &Value, restarts: u32) -> Value {
    json!({"name": format!("cart-{name}"), "current": true, "phase": "Running", "ready": reason.is_null(),
        "restarts": restarts, "reason": reason, "container": null, "node": "ip-10-0-1-17",
        "started_at": super::fleet::now() - std::time::Duration::from_secs(7_200)})
}
