//! Where a deployment stands with regard to what another version makes of it. Owns that a paused one is another one than the plan was made for.

use super::Version;
use crate::resources::{change::Standing, deployments::Deployment};

/// A paused deployment is another one than the plan was made for: what is written would not roll out.
pub(super) fn of_revision(row: &Deployment, from: &Version, to: &Version) -> Standing {
    let Some(current) = row.current() else {
        return Standing::Unknown(format!("the current revision of {} is not known", row.name));
    };
    if row.paused {
        return Standing::Other(format!("{} is paused: resume it first", row.name));
    }
    if current.replica_set == to.replica_set {
        return Standing::After;
    }
    if current.replica_set == from.replica_set {
        return Standing::Before;
    }
    let number = current.number.unwrap_or_default();
    let text = format!("{} is at revision {number}, not {}", row.name, from.number);
    Standing::Other(text)
}

/// The same of the image of a container: what else its template holds is kept, and is no part of what is expected.
pub(super) fn of_image(row: &Deployment, container: &str, from: &str, to: &str) -> Standing {
    let name = &row.name;
    if row.paused {
        return Standing::Other(format!("{name} is paused: resume it first"));
    }
    let mut containers = row.containers.iter();
    let found = containers.find(|known| known.name == container);
    let image = found.map(|found| found.image.clone());
    Standing::of_value(
        &format!("the container {container} of {name}"),
        image.as_ref(),
        &from.to_owned(),
        &to.to_owned(),
    )
}
