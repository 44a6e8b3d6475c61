//! G-HEALTH of a region that has no users who could tell: what runs in its clusters. Owns which deployments count; a region that serves is judged by those whom it answers.

use super::share_of;
use crate::{
    plan::guard::{finding::Findings, outlook::Outlook, receivers},
    resources::{
        Fleet, Freshness, Place, RegionLabel, Resource, Severity, Source, deployments::Deployment,
    },
};

/// The deployments of a region that is empty: those that routes lead to must serve, and of the others most. Tells whether there are any.
pub fn of_empty(outlook: &Outlook<'_>, label: &RegionLabel, found: &mut Findings) -> bool {
    if !receivers::idle(outlook, label) {
        return false;
    }
    let fleet = outlook.fleet;
    let place = Place::Region(label.clone());
    let slice = fleet.deployments.slice(Source::Deployments, &place);
    let rows = slice.into_iter().flat_map(|slice| &slice.rows);
    let heard = rows.filter(|row| row.heard(fleet) < Freshness::Expired);
    let (mut serving, mut total) = (0, 0);
    for row in heard {
        let led = is_led_to(fleet, label, row);
        if row.replicas.desired == 0 && !led {
            continue;
        }
        total += 1;
        let name = format!("{}/{}", row.namespace, row.name);
        if row.replicas.available > 0 && row.judge(fleet, &place).severity != Severity::Bad {
            serving += 1;
        } else if led {
            found.fail(
                format!("{label}: routes lead to {name}, which does not serve"),
                format!("wait until the pods of {name} are Ready"),
            );
        }
    }
    if total == 0 {
        return false;
    }
    let what = format!("{label} has no users yet, deployments {serving}/{total},");
    share_of(outlook, &what, serving, total, found);
    true
}

/// Whether a route of any cluster leads to it: a service mostly has the name of what serves it.
fn is_led_to(fleet: &Fleet, label: &RegionLabel, deployment: &Deployment) -> bool {
    fleet.traffic.rows().any(|(_, place, row)| {
        let backend = row.by.route().zip(place.region());
        backend.is_some_and(|(backend, own)| {
            backend.service == deployment.name
                && backend.service_namespace == deployment.namespace
                && backend.leads_to(&fleet.estate, own) == label
        })
    })
}

/// Nothing told, and what would.
pub fn untold(outlook: &Outlook<'_>, label: &RegionLabel, found: &mut Findings) {
    let spec = outlook.fleet.estate.region(label);
    let remedy = if spec.is_some_and(|spec| spec.aws_region.is_some()) {
        "give its records a health check"
    } else {
        "let a Prometheus tell about its users, or its clusters about their deployments"
    };
    found.unknown(format!("nothing tells the health of {label}"), remedy);
}
