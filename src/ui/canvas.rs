//! Where everything is drawn: the buffer of a frame, with the theme and the look. The only place that puts text on the screen, so the only place that must clean it.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
};

use super::text;
use crate::{
    config::theme::{Colour, Paint, Role, Theme},
    glyph::Mark,
    state::Look,
};

/// The buffer of a frame with what decides how things look in it.
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: &'a Theme,
    /// How things are drawn.
    pub look: Look,
}

/// A theme's paint as a style. `Reset` sets no colour at all, so that in the mono theme no colour command is ever sent.
pub fn style(paint: Paint) -> Style {
    let mut style = Style::new();
    style.fg = colour(paint.fg);
    style.bg = colour(paint.bg);
    let modifiers = [
        (paint.bold, Modifier::BOLD),
        (paint.dim, Modifier::DIM),
        (paint.reverse, Modifier::REVERSED),
        (paint.underline, Modifier::UNDERLINED),
    ];
    for (set, modifier) in modifiers {
        if set {
            style = style.add_modifier(modifier);
        }
    }
    style
}

/// The colours of a terminal that have names, by their numbers.
pub const ANSI: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// The number of a colour that has a name; `None` for the terminal's own, an index, or a mixture.
pub fn ansi(colour: Color) -> Option<u8> {
    let named = ANSI.iter().position(|known| *known == colour)?;
    u8::try_from(named).ok()
}

fn colour(colour: Colour) -> Option<Color> {
    match colour {
        Colour::Reset => None,
        Colour::Ansi(n) => Some(
            ANSI.get(usize::from(n))
                .copied()
                .unwrap_or(Color::Indexed(n)),
        ),
        Colour::Indexed(n) => Some(Color::Indexed(n)),
        Colour::Rgb(r, g, b) => Some(Color::Rgb(r, g, b)),
    }
}

/// The role in which a mark is painted.
pub fn role_of(mark: Mark) -> Role {
    match mark {
        Mark::Ok => Role::Ok,
        Mark::Waiting => Role::Muted,
        Mark::Stale => Role::Stale,
        Mark::Unknown => Role::Unknown,
        // Old trouble is still trouble; the word says that it is old.
        Mark::Warn(_) => Role::Warn,
        Mark::Bad(_) => Role::Bad,
    }
}

impl<'a> Canvas<'a> {
    /// A canvas over a buffer.
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme, look: Look) -> Self {
        Self {
            buffer,
            theme,
            look,
        }
    }

    /// The whole area.
    pub fn area(&self) -> Rect {
        self.buffer.area
    }

    /// What is drawn on.
    pub(super) fn buffer_mut(&mut self) -> &mut Buffer {
        self.buffer
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        style(self.theme.paint(role))
    }

    /// Draws a text of any origin from a position, at most `max` cells of it, and tells how many it took. Its middle goes when it is too long.
    pub fn put(&mut self, x: u16, y: u16, text: &str, max: u16, role: Role) -> u16 {
        let safe = text::safe(text, self.look);
        let short = text::shorten(&safe, usize::from(max), self.look.ascii);
        self.raw(x, y, &short, max, role)
    }

    /// The same for a sentence: its end goes.
    pub fn say(&mut self, x: u16, y: u16, text: &str, max: u16, role: Role) -> u16 {
        let safe = text::safe(text, self.look);
        let short = text::cut(&safe, usize::from(max), self.look.ascii);
        self.raw(x, y, &short, max, role)
    }

    /// The same, ending before column `right`, not reaching to the left of `left`; tells where it begins.
    pub fn put_right(&mut self, left: u16, right: u16, y: u16, text: &str, role: Role) -> u16 {
        let max = right.saturating_sub(left);
        let safe = text::safe(text, self.look);
        let short = text::shorten(&safe, usize::from(max), self.look.ascii);
        let start = right.saturating_sub(text::width(&short) as u16);
        self.raw(start, y, &short, max, role);
        start
    }

    /// A mark: glyph and word, close together where the room is short; tells how many cells it took.
    pub fn mark(&mut self, x: u16, y: u16, mark: Mark, max: u16) -> u16 {
        let (glyph, word) = (mark.glyph(self.look.ascii), mark.word());
        let gap = if word.len() + 2 > usize::from(max) {
            ""
        } else {
            " "
        };
        self.raw(x, y, &format!("{glyph}{gap}{word}"), max, role_of(mark))
    }

    fn raw(&mut self, x: u16, y: u16, text: &str, max: u16, role: Role) -> u16 {
        let area = self.buffer.area;
        if max == 0 || x >= area.right() || y >= area.bottom() || x < area.x || y < area.y {
            return 0;
        }
        let mut style = self.style(role);
        if !style.add_modifier.contains(Modifier::DIM) {
            // What lies below, such as a rule, may be dim.
            style = style.remove_modifier(Modifier::DIM);
        }
        if style.bg.is_some() {
            // A role with a background of its own does not mix with what lies below: reversed, it would be another colour.
            style = Style::reset().patch(style);
        }
        if text.is_ascii() {
            return self.ascii(x, y, text, max, style);
        }
        let (end, _) = self.buffer.set_stringn(x, y, text, usize::from(max), style);
        end - x
    }

    /// Printable ASCII takes a cell for each byte: it is most of what is drawn, and clusters are dear to find.
    fn ascii(&mut self, x: u16, y: u16, text: &str, max: u16, style: Style) -> u16 {
        let room = usize::from(max.min(self.buffer.area.right() - x));
        let text = text.get(..room).unwrap_or(text);
        let start = self.buffer.index_of(x, y);
        let cells = self.buffer.content.iter_mut().skip(start);
        for (cell, byte) in cells.zip(text.bytes()) {
            cell.set_char(char::from(byte)).set_style(style);
        }
        text.len() as u16
    }

    /// A horizontal rule.
    pub fn rule(&mut self, area: Rect) {
        let line = if self.look.ascii { "-" } else { "─" };
        let style = self.style(Role::Border);
        for x in area.left()..area.right() {
            if let Some(cell) = self.buffer.cell_mut((x, area.y)) {
                cell.set_symbol(line).set_style(style);
            }
        }
    }

    /// Paints over what is drawn, keeping the text.
    pub fn paint(&mut self, area: Rect, role: Role) {
        let style = self.style(role);
        // What lies below has colours of its own; the selection is one colour throughout.
        let area = area.intersection(self.buffer.area);
        for position in area.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.set_style(Style::reset()).set_style(style);
            }
        }
    }

    /// Clears an area to the style of ordinary text.
    pub fn clear(&mut self, area: Rect) {
        let style = self.style(Role::Text);
        let area = area.intersection(self.buffer.area);
        for position in area.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.reset();
                cell.set_style(style);
            }
        }
    }

    /// A frame around an area that is cleared first, with a title; returns what is inside.
    pub fn frame(&mut self, area: Rect, title: &str) -> Rect {
        self.clear(area);
        let glyphs = if self.look.ascii {
            ["+", "+", "+", "+", "-", "|"]
        } else {
            ["┌", "┐", "└", "┘", "─", "│"]
        };
        let style = self.style(Role::Focus);
        let (last_x, last_y) = (
            area.right().saturating_sub(1),
            area.bottom().saturating_sub(1),
        );
        let area = area.intersection(self.buffer.area);
        for position in area.positions() {
            let (x, y) = (position.x, position.y);
            let symbol = match (x == area.x, x == last_x, y == area.y, y == last_y) {
                (true, _, true, _) => glyphs[0],
                (_, true, true, _) => glyphs[1],
                (true, _, _, true) => glyphs[2],
                (_, true, _, true) => glyphs[3],
                (_, _, true, _) | (_, _, _, true) => glyphs[4],
                (true, _, _, _) | (_, true, _, _) => glyphs[5],
                _ => continue,
            };
            if let Some(cell) = self.buffer.cell_mut(position) {
                let bare = Style {
                    add_modifier: Modifier::empty(),
                    bg: None,
                    ..style
                };
                cell.set_symbol(symbol).set_style(bare);
            }
        }
        if area.width > 6 {
            self.put(
                area.x + 2,
                area.y,
                &format!(" {title} "),
                area.width - 4,
                Role::Focus,
            );
        }
        Rect::new(
            area.x + 1,
            area.y + 1,
            area.width.saturating_sub(2),
            area.height.saturating_sub(2),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_colour_means_no_colour_at_all() {
        let paint = Paint {
            reverse: true,
            ..Paint::default()
        };
        let style = style(paint);
        assert_eq!((style.fg, style.bg), (None, None));
        assert!(style.add_modifier.contains(Modifier::REVERSED));
    }
}
