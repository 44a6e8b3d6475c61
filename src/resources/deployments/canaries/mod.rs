//! The two deployments of a Flagger Canary. Owns nothing itself: in a cluster they are deployments like any other.

pub mod sim;
