//! The one integration test binary: the SDK is linked once.

// A test says that something is as expected by unwrapping it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod contract;
mod wire;
