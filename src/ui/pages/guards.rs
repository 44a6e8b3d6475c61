//! A guard on a page: its mark, its verdict, what it saw, and what would make it pass. Owns how it is drawn; judges nothing.

use super::{mark, role, wrapped};
use crate::{
    config::theme::Role,
    plan::{Guard, guard::Overrides},
    state::State,
    ui::paragraph::{Line, Part},
};

/// The first findings of an evidence, and how many more there are.
pub fn shortened(evidence: &str, most: usize) -> String {
    let parts: Vec<&str> = evidence.split("; ").collect();
    match parts.get(..most) {
        Some(first) if parts.len() > most => {
            format!("{}; {} more", first.join("; "), parts.len() - most)
        }
        Some(_) | None => evidence.to_owned(),
    }
}

/// One guard with some evidence, and the reason for which it was overridden or what would make it pass.
pub fn one(
    lines: &mut Vec<Line>,
    state: &State,
    width: u16,
    guard: &Guard,
    evidence: &str,
    overrides: &Overrides,
) {
    let start = lines.len();
    let reason = overrides.get(&guard.id);
    let word = if reason.is_some() {
        "OVERRIDDEN"
    } else {
        guard.verdict.word()
    };
    wrapped(lines, state, 25, width, evidence, Role::Text);
    if let Some(first) = lines.get_mut(start) {
        let glyph = mark(guard.verdict).glyph(state.look.ascii);
        first.insert(0, Part::text(1, glyph, role(guard.verdict)));
        first.insert(1, Part::text(3, guard.id.name(), role(guard.verdict)));
        first.insert(2, Part::text(14, word, role(guard.verdict)));
    }
    if let Some(reason) = reason {
        let because = format!("because: {reason}");
        wrapped(lines, state, 25, width, &because, Role::Warn);
    } else if !guard.remedy.is_empty() {
        let arrow = if state.look.ascii { "->" } else { "→" };
        let remedy = format!("{arrow} {}", guard.remedy);
        wrapped(lines, state, 25, width, &remedy, Role::Muted);
    }
}
