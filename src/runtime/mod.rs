//! The impure shell: the loop, the clock, the terminal, and the effects. Decides nothing that `state` can decide.

pub mod carry;
pub mod clock;
pub mod console;
pub mod crash;
pub mod desk;
mod encode;
mod export;
pub mod headless;
mod input;
pub mod journal;
mod keys;
mod lines;
mod link;
pub mod locks;
pub mod memory;
pub mod once;
mod perf;
pub mod plain;
mod pollers;
pub mod recording;
mod rhythm;
pub mod terminal;
pub mod tty;

/// How long a change in flight may take to its outcome when the process is asked to end or its session is lost; a second wish leaves at once.
/// A dial of Global Accelerator takes a minute, record sets too.
const LAST_CHANGE: std::time::Duration = std::time::Duration::from_secs(100);
