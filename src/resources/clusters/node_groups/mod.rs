//! EKS node groups and their updates. Owns how an update is named in a receipt; no call.

pub mod live;
pub mod write;

use std::fmt;

/// An update of a node group, written `CLUSTER/NODE-GROUP/UPDATE-ID` in a receipt: EKS finds an update by all three only, and none of them has a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Cluster.
    pub cluster: String,
    /// Node group.
    pub node_group: String,
    /// What EKS calls the update.
    pub id: String,
}

impl Update {
    /// The update that a receipt names; `None` for the reference of something else.
    pub fn parse(reference: &str) -> Option<Self> {
        let mut parts = reference.split('/').filter(|part| !part.is_empty());
        let update = Self {
            cluster: parts.next()?.to_owned(),
            node_group: parts.next()?.to_owned(),
            id: parts.next()?.to_owned(),
        };
        (update.to_string() == reference).then_some(update)
    }
}

impl fmt::Display for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.cluster, self.node_group, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_found_by_the_reference_of_its_receipt() {
        let update = Update::parse("prod/blue/u-1").unwrap();
        let parts = [&update.cluster, &update.node_group, &update.id];
        assert_eq!(parts, ["prod", "blue", "u-1"]);
        for other in ["C0123456789", "", "a/b", "a//b/c", "a/b/c/d", "/change/C1"] {
            assert_eq!(Update::parse(other), None, "{other}");
        }
    }
}
