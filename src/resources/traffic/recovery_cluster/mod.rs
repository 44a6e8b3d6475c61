//! Routing controls of a recovery cluster: the model, what is wrong with one. Must never depend on the cluster's control plane.

pub mod live;
pub mod write;

use serde::{Deserialize, Serialize};

use crate::resources::{Judgement, Severity};

/// A routing control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingControl {
    /// ARN.
    pub arn: String,
    /// Name.
    pub name: String,
    /// ARN of its panel.
    pub panel_arn: Option<String>,
    /// Name of its panel.
    pub panel_name: Option<String>,
    /// Whether it is `On`; `None` for a value not known yet.
    pub on: Option<bool>,
}

impl RoutingControl {
    /// What is wrong with it; `agreed` is what the endpoints say together, `None` when they differ.
    pub(super) fn judge(&self, agreed: Option<bool>) -> Judgement {
        match (self.on, agreed) {
            (None, _) => Judgement::new(
                Severity::Unknown,
                format!("state of {} is not known", self.name),
            ),
            (Some(_), None) => Judgement::new(
                Severity::Warn,
                format!("the cluster endpoints disagree about {}", self.name),
            ),
            (Some(_), Some(_)) => Judgement::ok(),
        }
    }
}
