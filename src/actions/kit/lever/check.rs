//! Health-check inversion, for record sets that have no weight. Owns when it would do something else than drain: shared, failing and disabled checks, users without another answer.

use super::{Choice, owner};
use crate::{
    actions::kit::route::Name,
    resources::{
        Place, Source,
        health_checks::{self, HealthCheck},
        traffic::{Policy, Record, share::Remark},
    },
};

impl<'a> Choice<'a> {
    /// The health checks to invert, one for each open record set.
    pub(super) fn by_check(
        &self,
        name: &Name<'_>,
        open: &[&Record],
    ) -> Result<Vec<&'a HealthCheck>, String> {
        if let Some(owner) = owner(name) {
            return Err(owner);
        }
        if name
            .records
            .iter()
            .all(|(_, region)| *region == Some(self.label))
        {
            return Err("no other region has a record set of it".to_owned());
        }
        let mut found: Vec<&HealthCheck> = Vec::new();
        for record in open {
            self.may_fail(name, record)?;
            let check = record
                .health_check_id
                .as_deref()
                .and_then(|id| self.routes.check(id))
                .ok_or("a record set has no weight and no health check that could be inverted")?;
            self.may_invert(check)?;
            if !found.iter().any(|known| known.id == check.id) {
                found.push(check);
            }
        }
        Ok(found)
    }

    /// Whether users still get an answer when a record set counts as unhealthy.
    fn may_fail(&self, name: &Name<'_>, record: &Record) -> Result<(), String> {
        let default = match &record.policy {
            Policy::Geolocation { country, .. } => country.as_deref() == Some("*"),
            Policy::Cidr { location } => location.ends_with("/*"),
            Policy::Simple | Policy::Other => {
                return Err("its routing policy leaves no other answer that we know".to_owned());
            }
            Policy::Weighted { .. }
            | Policy::Latency { .. }
            | Policy::Geoproximity { .. }
            | Policy::Failover { .. }
            | Policy::MultiValue => return Ok(()),
        };
        let key = |record: &Record| {
            format!(
                "{}/{}",
                name.split,
                record.set_identifier.as_deref().unwrap_or("")
            )
        };
        let share = self
            .fleet
            .shares
            .get(Source::Records, &Place::Global, &key(record));
        let lacking = matches!(
            share.and_then(|share| share.remark),
            Some(Remark::NoDefault | Remark::DefaultFails)
        );
        if default || lacking {
            return Err(
                "users of its locations would get no answer: there is no other default".to_owned(),
            );
        }
        Ok(())
    }

    fn may_invert(&self, check: &HealthCheck) -> Result<(), String> {
        let id = &check.id;
        if check.disabled {
            return Err(format!("health check {id} is disabled"));
        }
        let foreign: Vec<&str> = self
            .routes
            .names
            .iter()
            .flat_map(|name| &name.records)
            .filter(|(record, region)| {
                record.health_check_id.as_deref() == Some(id) && *region != Some(self.label)
            })
            .map(|(_, region)| region.map_or("elsewhere", |region| region.as_str()))
            .collect();
        if let Some(first) = foreign.first() {
            return Err(format!(
                "health check {id} is shared with {first}: inverting it would take that out too"
            ));
        }
        // Inverted, a check that fails counts as healthy.
        match health_checks::healthy(self.fleet, id) {
            Some(true) => Ok(()),
            Some(false) => Err(format!(
                "health check {id} fails already: inverting it would bring the region back"
            )),
            None => Err(format!(
                "the state of health check {id} is not known: inverting it could bring the region back"
            )),
        }
    }

    /// The record sets that use a check.
    pub(super) fn users(&self, id: &str) -> Vec<String> {
        let names = self.routes.names.iter();
        names
            .flat_map(|name| name.records.iter().map(move |(record, _)| (name, record)))
            .filter(|(_, record)| record.health_check_id.as_deref() == Some(id))
            .map(|(name, record)| {
                format!(
                    "{} {}",
                    name.split,
                    record.set_identifier.as_deref().unwrap_or("")
                )
            })
            .collect()
    }
}
