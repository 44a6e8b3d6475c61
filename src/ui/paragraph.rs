//! Lines of parts that scroll. Owns the window over them; what stands in them is decided elsewhere.

use ratatui::layout::Rect;

use super::{canvas::Canvas, text};
use crate::{config::theme::Role, glyph::Mark, state::Look};

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    x: u16,
    content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Text(String, u16, Role),
    Mark(Mark),
}

/// A line.
pub type Line = Vec<Part>;

impl Part {
    /// A text from a column on.
    pub fn text(x: u16, text: &str, role: Role) -> Self {
        Self::named(x, text, u16::MAX, role)
    }

    /// A text from a column on, of at most `width` cells.
    pub fn named(x: u16, text: &str, width: u16, role: Role) -> Self {
        let content = Content::Text(text.to_owned(), width, role);
        Self { x, content }
    }

    /// A mark.
    pub fn mark(x: u16, mark: Mark) -> Self {
        let content = Content::Mark(mark);
        Self { x, content }
    }

    /// The same further to the right.
    #[must_use]
    pub fn shifted(&self, by: u16) -> Self {
        Self {
            x: self.x + by,
            ..self.clone()
        }
    }
}

/// The lines as text. Parts that are at the right of each other stay so.
pub fn plain(lines: &[Line], look: Look) -> String {
    let mut text = String::new();
    for line in lines {
        let mut used = 0;
        for part in line {
            let content = match &part.content {
                Content::Text(content, width, _) => {
                    let safe = text::safe(content, look);
                    text::shorten(&safe, usize::from(*width), look.ascii).into_owned()
                }
                Content::Mark(mark) => format!("{} {}", mark.glyph(look.ascii), mark.word()),
            };
            let gap = usize::from(part.x).saturating_sub(used);
            text.push_str(&" ".repeat(gap));
            used += gap + text::width(&content);
            text.push_str(&content);
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    text
}

/// Draws the lines from `scroll` on, indented, with a sign of how many lie above and below. Scrolling past the end shows the end.
pub fn draw(canvas: &mut Canvas<'_>, lines: &[Line], scroll: u16, area: Rect, indent: u16) {
    let rows = usize::from(area.height);
    let first = usize::from(scroll).min(lines.len().saturating_sub(rows));
    for (index, line) in lines.iter().skip(first).take(rows).enumerate() {
        let y = area.y + index as u16;
        for part in line {
            let x = area.x + indent + part.x;
            let room = area.right().saturating_sub(x + 1);
            match &part.content {
                Content::Text(text, width, role) => {
                    canvas.put(x, y, text, room.min(*width), *role);
                }
                Content::Mark(mark) => {
                    canvas.mark(x, y, *mark, room);
                }
            }
        }
    }
    let below = lines.len().saturating_sub(first + rows);
    if first > 0 || below > 0 {
        let text = format!(
            " {}-{}/{} ",
            first + 1,
            first + rows.min(lines.len()),
            lines.len()
        );
        canvas.put_right(
            area.x,
            area.right(),
            area.y.saturating_sub(1),
            &text,
            Role::Muted,
        );
    }
}
