//! pilothouse: events in, state changes, effects out; a pure function draws the state.

pub mod cli;
pub mod command;
pub mod completion;
pub mod config;
pub mod effect;
pub mod event;
pub mod provider;
pub mod report;
pub mod resources;
pub mod runtime;
pub mod state;
pub mod ui;
