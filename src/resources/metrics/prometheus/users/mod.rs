//! The users of a whole region as a Prometheus tells them. Owns "one door counts, never the sum of several".

pub mod live;
