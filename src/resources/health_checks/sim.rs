//! How this kind behaves in the simulated world: per region an HTTPS check, the check of its routing control, and a calculated check of both. Owns no state.

use super::HealthCheck;
use crate::sim::{
    World, names,
    world::routing::{Check, Setting},
};

/// The answer of `ListHealthChecks`.
pub fn observe(world: &World) -> Vec<HealthCheck> {
    let regions = world.shape.regions.iter().zip(&world.routing.settings);
    regions
        .flat_map(|(region, settings)| checks(&region.aws_region, settings))
        .collect()
}

fn checks(aws: &str, settings: &[Setting; 3]) -> [HealthCheck; 3] {
    let plain = |check: Check, id: String, check_type: &str, target: String| HealthCheck {
        id,
        check_type: check_type.to_owned(),
        target,
        interval_seconds: None,
        failure_threshold: None,
        inverted: *settings[check as usize].inverted.now(),
        disabled: false,
        children: Vec::new(),
        routing_control_arn: None,
        version: Some(settings[check as usize].version),
    };
    let (https, control) = (names::https_check(aws), names::control_check(aws));
    [
        HealthCheck {
            interval_seconds: Some(10),
            failure_threshold: Some(3),
            ..plain(
                Check::Https,
                https.clone(),
                "HTTPS",
                format!("https://{}:443/healthz", names::load_balancer_dns(aws)),
            )
        },
        HealthCheck {
            routing_control_arn: Some(names::control_arn(aws)),
            ..plain(
                Check::Control,
                control.clone(),
                "RECOVERY_CONTROL",
                names::control_arn(aws),
            )
        },
        HealthCheck {
            children: vec![https, control],
            ..plain(
                Check::Region,
                names::region_check(aws),
                "CALCULATED",
                "2 of 2 children".to_owned(),
            )
        },
    ]
}
