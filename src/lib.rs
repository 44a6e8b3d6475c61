//! pilothouse: events in, state changes, effects out; a pure function draws the state.

pub mod command;
pub mod completion;
pub mod config;
pub mod effect;
pub mod event;
pub mod facts;
pub mod glyph;
pub mod provider;
pub mod resources;
pub mod state;
pub mod ui;
