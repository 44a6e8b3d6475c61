//! One test binary: the SDK is linked once.

mod frames;
