//! Changes of health checks: inversion, which drains records that have no weight. Owns what is sent and how it is recognised afterwards; never whether it is safe.

use serde::{Deserialize, Serialize};

use crate::resources::{
    Api, Estate, Fleet, Place, Source,
    change::{self, Alter, Class, Edit, Lever, Standing},
    levers::Plane,
};

/// A change of a health check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// Turns the result of a check round, so that its records count as unhealthy. Never `Disabled`: a disabled check counts as healthy.
    Invert {
        /// Id.
        id: String,
        /// Which records use it, for people.
        records: Vec<String>,
        /// Whether it is expected to be inverted.
        from: bool,
        /// Whether it becomes inverted.
        to: bool,
        /// The compare-and-set token; `None` reads it first.
        version: Option<i64>,
    },
}

fn word(inverted: bool) -> &'static str {
    if inverted { "inverted" } else { "as measured" }
}

impl Alter for Change {
    fn place(&self) -> Place {
        Place::Global
    }

    fn api(&self) -> Api {
        Api::Route53
    }

    fn operation(&self) -> &'static str {
        "route53:UpdateHealthCheck"
    }

    fn lever(&self) -> Lever {
        Lever {
            name: "Route 53".to_owned(),
            plane: Plane::Control,
            home: "us-east-1".to_owned(),
        }
    }

    fn class(&self) -> Class {
        Class::M
    }

    fn target(&self) -> String {
        let Self::Invert { id, .. } = self;
        format!("route53/healthcheck/{id}")
    }

    fn reads(&self, _estate: &Estate) -> Vec<(Source, Place)> {
        vec![(Source::HealthChecks, Place::Global)]
    }

    fn standing(&self, fleet: &Fleet) -> Standing {
        let Self::Invert { id, from, to, .. } = self;
        let seen = super::check(fleet, id).map(|check| check.inverted);
        Standing::of_value(&format!("health check {id}"), seen.as_ref(), from, to)
    }

    fn edits(&self) -> Vec<Edit> {
        let Self::Invert {
            id,
            records,
            from,
            to,
            ..
        } = self;
        vec![Edit::new(
            format!("health check {id} of {}", records.join(", ")),
            word(*from),
            word(*to),
        )]
    }

    fn inverse(&self) -> Result<change::Change, &'static str> {
        let Self::Invert {
            id,
            records,
            from,
            to,
            ..
        } = self.clone();
        Ok(change::Change::HealthChecks(Self::Invert {
            id,
            records,
            from: to,
            to: from,
            version: None,
        }))
    }

    fn commands(&self) -> Vec<String> {
        let Self::Invert {
            id, to, version, ..
        } = self;
        let flag = if *to { "--inverted" } else { "--no-inverted" };
        let version = version
            .map(|version| format!(" --health-check-version {version}"))
            .unwrap_or_default();
        vec![format!(
            "aws route53 update-health-check --health-check-id {id}{version} {flag}"
        )]
    }
}
