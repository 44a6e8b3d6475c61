//! Invalidations of the distribution: the same one only once, and not too many at a time. Owns what CloudFront refuses.

use super::{Refused, World};

/// Seconds until an invalidation is everywhere (domain B.8).
const INVALIDATION_SECONDS: (f64, f64) = (60.0, 300.0);
/// Wildcard paths that may be in progress at once.
const MOST_WILDCARDS: usize = 15;

/// An invalidation of paths of the distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalidation {
    /// Id.
    pub id: String,
    /// What whoever asked for it called it.
    pub reference: String,
    /// The paths.
    pub paths: Vec<String>,
    /// The second in which it is everywhere.
    pub completed_at: i64,
}

impl World {
    /// CloudFront does the same reference with the same paths only once, and refuses it with others.
    pub(super) fn invalidate(&mut self, reference: &str, paths: &[String]) -> Result<(), Refused> {
        let t = self.now();
        if let Some(known) = self
            .invalidations
            .iter()
            .find(|known| known.reference == reference)
        {
            return if known.paths == paths {
                Ok(())
            } else {
                Err(Refused(
                    "InvalidArgument: Your request contains a caller reference that was used for a previous invalidation batch for the same distribution.",
                ))
            };
        }
        let wild = |path: &&String| path.ends_with('*');
        let under_way = self
            .invalidations
            .iter()
            .filter(|known| t < known.completed_at);
        let wildcards = under_way
            .flat_map(|known| &known.paths)
            .chain(paths)
            .filter(wild);
        if wildcards.count() > MOST_WILDCARDS {
            return Err(Refused(
                "TooManyInvalidationsInProgress: Your request would cause you to exceed the maximum number of in progress wildcard invalidations.",
            ));
        }
        let (low, high) = INVALIDATION_SECONDS;
        let seconds = self.noise.between(reference, t, low, high);
        let bits = self.noise.bits(reference, t);
        self.invalidations.push(Invalidation {
            id: format!("I{bits:013X}"),
            reference: reference.to_owned(),
            paths: paths.to_vec(),
            completed_at: t + seconds as i64,
        });
        Ok(())
    }
}
