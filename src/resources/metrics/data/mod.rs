//! The calls of `GetMetricData`. Owns batches, pages and the range of time; must never turn a missing point into a zero.

pub mod live;
