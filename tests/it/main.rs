//! The one integration test binary: the SDK is linked once.

mod contract;
mod wire;
