//! Changes of deployments that are sent. Owns nothing itself: the calls are in `live`.

pub mod live;
