//! Metrics of what is global: health checks, CloudFront, Global Accelerator. Owns nothing itself; the simulated ones live in `sim`.

pub mod sim;
