//! Who applies a deployment. Owns nothing itself: it is told by the object's own metadata.

pub mod live;
