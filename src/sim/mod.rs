//! x
pub mod names;
pub mod noise;
pub mod physics;
pub mod scenario;
pub mod world;
