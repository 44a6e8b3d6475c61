//! What belongs to a deployment, found among everything that a cluster has. Owns nothing itself: the objects are those of the watches.

pub mod live;
