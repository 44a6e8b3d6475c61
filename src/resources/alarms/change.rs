//! Changes of alarms: whether their actions run. Owns what is sent and how it is recognised afterwards; never whether it is safe.

use serde::{Deserialize, Serialize};

use super::Alarm;
use crate::resources::{
    Api, Estate, Fleet, Place, RegionLabel, Source,
    change::{self, Alter, Class, Edit, Lever, Standing},
    levers::Plane,
    traffic::quoted,
};

/// A change of alarms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// Whether the actions of alarms run: muted alarms go on changing state. At most 100 names in one call.
    Actions {
        /// Where.
        region: RegionLabel,
        /// Names.
        names: Vec<String>,
        /// Whether their actions are expected to run.
        from: bool,
        /// Whether they shall run.
        to: bool,
    },
}

fn word(run: bool) -> &'static str {
    if run { "actions run" } else { "muted" }
}

impl Change {
    /// What a list of alarms says about it.
    pub(super) fn of_alarms(&self, alarms: &[Alarm]) -> Standing {
        let Self::Actions {
            names, from, to, ..
        } = self;
        Standing::of_parts(names.iter().map(|name| {
            let seen = alarms
                .iter()
                .find(|alarm| alarm.name == *name)
                .map(|alarm| alarm.actions_enabled);
            Standing::of_value(&format!("alarm {name}"), seen.as_ref(), from, to)
        }))
    }
}

impl Alter for Change {
    fn place(&self) -> Place {
        let Self::Actions { region, .. } = self;
        Place::Region(region.clone())
    }

    fn api(&self) -> Api {
        Api::CloudWatch
    }

    fn operation(&self) -> &'static str {
        match self {
            Self::Actions { to: true, .. } => "cloudwatch:EnableAlarmActions",
            Self::Actions { to: false, .. } => "cloudwatch:DisableAlarmActions",
        }
    }

    fn lever(&self) -> Lever {
        Lever {
            name: "CloudWatch".to_owned(),
            plane: Plane::Control,
            home: self.place().to_string(),
        }
    }

    fn class(&self) -> Class {
        Class::S
    }

    fn target(&self) -> String {
        let Self::Actions { region, .. } = self;
        format!("alarms/{region}")
    }

    fn reads(&self, _estate: &Estate) -> Vec<(Source, Place)> {
        vec![(Source::Alarms, self.place())]
    }

    fn standing(&self, fleet: &Fleet) -> Standing {
        let slice = fleet.alarms.slice(Source::Alarms, &self.place());
        self.of_alarms(slice.map_or(&[], |slice| &slice.rows))
    }

    fn edits(&self) -> Vec<Edit> {
        let Self::Actions {
            names, from, to, ..
        } = self;
        names
            .iter()
            .map(|name| Edit::new(name, word(*from), word(*to)))
            .collect()
    }

    fn inverse(&self) -> Result<change::Change, &'static str> {
        let Self::Actions {
            region,
            names,
            from,
            to,
        } = self.clone();
        Ok(change::Change::Alarms(Self::Actions {
            region,
            names,
            from: to,
            to: from,
        }))
    }

    fn commands(&self) -> Vec<String> {
        let Self::Actions {
            region, names, to, ..
        } = self;
        let verb = if *to {
            "enable-alarm-actions"
        } else {
            "disable-alarm-actions"
        };
        let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        vec![format!(
            "aws cloudwatch {verb} --region {region} --alarm-names {}",
            names.join(" ")
        )]
    }
}

#[cfg(test)]
mod tests;
