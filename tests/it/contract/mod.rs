//! Does the API's answer become our type, over the real wire protocol? One file per family of APIs.

mod binary;
mod caches;
mod edge;
mod fates;
mod logs;
mod moto;
mod pipelines;
mod prometheus;
mod prometheus_users;
mod rds;
mod records;
mod regional;
mod rollouts;
mod routes;
mod stores;
mod tables;
mod telemetry;
mod watches;
mod workloads;
mod writes;

use pilothouse::resources::{Answer, ErrorClass, ProviderError};

use crate::wire::{Fault, Wire};

/// A list whose second page fails is no list: each fault fails the poll with its class and the operation, and the rows of the last good poll stay.
async fn second_page_fails(
    script: impl Fn(&Wire),
    (operation, action): (&str, &str),
    poll: impl AsyncFn(&Wire) -> Result<Answer, ProviderError>,
) {
    for (fault, class) in [
        (Fault::ServerError, ErrorClass::Transient),
        (Fault::Truncated, ErrorClass::Transient),
        (Fault::Throttle, ErrorClass::Throttled),
        (Fault::Denied, ErrorClass::Denied),
    ] {
        let wire = Wire::start();
        script(&wire);
        wire.fault_from("*", operation, 2, fault);
        let error = poll(&wire).await.unwrap_err();
        let said = (error.class, error.operation.as_str());
        assert_eq!(said, (class, action), "{fault:?}: {error}");
    }
}
