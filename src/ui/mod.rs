//! Drawing: a pure function of the state. Never waits, never asks, never changes anything.

pub mod layout;
pub mod text;
use ratatui::Frame;

use crate::{config::theme::Theme, state::State};

/// Draws the state.
pub fn view(state: &State, theme: &Theme, frame: &mut Frame<'_>) {
    let _ = (state, theme, frame);
}
