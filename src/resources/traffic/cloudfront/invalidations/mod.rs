//! Invalidations of paths: how they are read and sent. Owns no guard.

pub mod live;
