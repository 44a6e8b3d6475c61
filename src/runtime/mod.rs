//! The impure shell: the loop, the clock, the terminal, and the effects. Decides nothing that `state` can decide.

mod carry;
pub mod clock;
pub mod console;
pub mod desk;
mod export;
pub mod headless;
mod input;
pub mod journal;
mod lines;
pub mod locks;
pub mod memory;
pub mod once;
pub mod plain;
mod pollers;
pub mod recording;
pub mod terminal;
