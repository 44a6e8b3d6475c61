//! Which version of a service runs in how many places: the skew between regions. Owns when two images are the same; draws nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Container, Deployment};
use crate::resources::Fleet;

/// How the version of one deployment compares with the same service elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Skew {
    /// Different versions that run anywhere.
    pub versions: usize,
    /// Clusters with this one.
    pub same: usize,
    /// Clusters with the service.
    pub of: usize,
}

/// The images of every service, by namespace and name; kept by the fleet so that no frame collects them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Versions(BTreeMap<(String, String), Vec<Container>>);

impl Versions {
    /// Collects what runs where.
    pub fn of(fleet: &Fleet) -> Self {
        let mut versions = Self::default();
        for (_, _, row) in fleet.deployments.rows() {
            if let Some(main) = row.main() {
                let service = versions.0.entry(service(row)).or_default();
                service.push(main.clone());
            }
        }
        versions
    }

    /// How a deployment compares; `None` where it is the only one of its name.
    pub fn skew(&self, deployment: &Deployment) -> Option<Skew> {
        let images = self.0.get(&service(deployment))?;
        let main = deployment.main()?;
        let mut distinct: Vec<&Container> = Vec::new();
        for image in images {
            if !distinct.iter().any(|known| known.same_version(image)) {
                distinct.push(image);
            }
        }
        let same = images.iter().filter(|image| image.same_version(main));
        (images.len() > 1).then(|| Skew {
            versions: distinct.len(),
            same: same.count(),
            of: images.len(),
        })
    }
}

/// What makes two deployments the same service: namespace and name.
fn service(deployment: &Deployment) -> (String, String) {
    (deployment.namespace.clone(), deployment.name.clone())
}

impl Container {
    /// Whether two containers run the same build. The digest decides, for a tag can be moved; where one is not known the tag does.
    /// The registry does not count: each region may pull from its own.
    pub fn same_version(&self, other: &Self) -> bool {
        match self.known_digest().zip(other.known_digest()) {
            Some((ours, theirs)) => ours == theirs,
            None => self.tag() == other.tag(),
        }
    }

    /// A container of which nothing but the image is known.
    pub fn of(image: String) -> Self {
        Self {
            name: String::new(),
            image,
            digest: None,
        }
    }

    /// The tag of the image, where it has one.
    pub fn tag(&self) -> Option<&str> {
        let name = self.image.split('@').next()?;
        let last = name.rsplit('/').next()?;
        last.split_once(':').map(|(_, tag)| tag)
    }

    /// The digest that the template asks for, or else the one that runs.
    pub fn known_digest(&self) -> Option<&str> {
        let pinned = self.image.split_once('@').map(|(_, digest)| digest);
        pinned.or(self.digest.as_deref())
    }

    /// Tag, or the beginning of the digest: what fits into a column.
    pub fn short(&self) -> String {
        match (self.tag(), self.known_digest()) {
            (Some(tag), _) => tag.to_owned(),
            (None, Some(digest)) => {
                let hex = digest.rsplit(':').next().unwrap_or(digest);
                hex.chars().take(10).collect()
            }
            (None, None) => "untagged".to_owned(),
        }
    }
}
