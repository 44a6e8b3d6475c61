//! The answer to `what now?`: plans that would help, numbered, the one that helps most first. Owns its words; plans nothing.

use super::wrapped;
use crate::{
    actions::Advice,
    config::theme::Role,
    state::State,
    ui::paragraph::{Line, Part},
};

/// The lines of the dialog.
pub fn lines(state: &State, advice: &[Advice], cursor: usize, width: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    let text = "Each is planned first, and changes nothing before you confirm it.";
    wrapped(&mut lines, state, 0, width, text, Role::Muted);
    for (index, one) in advice.iter().enumerate() {
        let start = lines.len();
        let role = if index == cursor {
            Role::Selection
        } else {
            Role::Title
        };
        wrapped(&mut lines, state, 3, width, &one.typed, role);
        if let Some(first) = lines.get_mut(start) {
            first.insert(0, Part::text(0, &format!("{}", index + 1), Role::Accent));
        }
        wrapped(&mut lines, state, 5, width, &one.why, Role::Text);
    }
    let keys = "Esc: nothing · a digit, or Enter, plans it";
    wrapped(&mut lines, state, 0, width, keys, Role::Accent);
    lines
}
