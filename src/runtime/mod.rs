//! The impure shell: the loop, the clock, the terminal, and the effects. Decides nothing that `state` can decide.

pub mod clock;
pub mod console;
mod export;
mod input;
pub mod once;
pub mod plain;
mod pollers;
pub mod recording;
pub mod terminal;
