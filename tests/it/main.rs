//! The one integration test binary: the SDK is linked once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod boundaries;
mod cli;
mod contract;
mod data_files;
mod discovery;
mod frames;
mod headless;
mod journal;
mod plans;
mod processes;
mod pty;
mod readme;
mod scenarios;
mod vision;
mod wire;
