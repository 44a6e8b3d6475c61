//! Changes of nodes that are sent. Owns nothing itself: the calls are in `live`.

pub mod live;
