//! What was read of pipelines, and what is read next.

pub mod live;
