//! A frame as a picture, SVG or text with colours, for the README and `export`. Pure; owns the colours that stand for the terminal's own.

use std::fmt::Write as _;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

use super::{canvas, text};
use crate::config::theme::Background;

/// Cell size in pixels, for a monospace font of 15 px.
const CELL: (f32, f32) = (9.03, 18.0);

/// The terminal that the picture pretends to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Foreground, `#rrggbb`.
    pub foreground: &'static str,
    /// Background, `#rrggbb`.
    pub background: &'static str,
}

/// A dark terminal.
pub const DARK: Screen = Screen {
    foreground: "#d4d4d4",
    background: "#16181d",
};

/// A light terminal.
pub const LIGHT: Screen = Screen {
    foreground: "#24292f",
    background: "#ffffff",
};

/// The terminal that a theme is made for.
pub fn screen_of(background: Background) -> Screen {
    match background {
        Background::White => LIGHT,
        Background::Black | Background::Any => DARK,
    }
}

/// The buffer as text with the terminal's own colours, as `cat` shows it.
pub fn ansi(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut out = String::new();
    for y in area.top()..area.bottom() {
        let mut style = None;
        let mut covered = 0;
        for x in area.left()..area.right() {
            let Some(cell) = buffer.cell((x, y)) else {
                continue;
            };
            // The cell behind a wide character is empty and not there.
            if covered > 0 {
                covered -= 1;
                continue;
            }
            covered = text::width(cell.symbol()).saturating_sub(1);
            let now = (cell.fg, cell.bg, cell.modifier);
            if style != Some(now) {
                out.push_str(&sgr(cell));
                style = Some(now);
            }
            out.push_str(cell.symbol());
        }
        out.push_str("\x1b[0m\n");
    }
    out
}

/// The sequence that sets the colours and flags of a cell, whatever was set before.
fn sgr(cell: &Cell) -> String {
    let mut parameters = vec!["0".to_owned()];
    let flags = [
        (Modifier::BOLD, "1"),
        (Modifier::DIM, "2"),
        (Modifier::UNDERLINED, "4"),
        (Modifier::REVERSED, "7"),
    ];
    let set = flags
        .iter()
        .filter(|(flag, _)| cell.modifier.contains(*flag));
    parameters.extend(set.map(|(_, parameter)| (*parameter).to_owned()));
    parameters.extend(parameter(cell.fg, 30));
    parameters.extend(parameter(cell.bg, 40));
    format!("\x1b[{}m", parameters.join(";"))
}

/// A colour as a parameter, counted from 30 for the foreground and from 40 for the background; none for the terminal's own.
fn parameter(colour: Color, from: u8) -> Option<String> {
    match (canvas::ansi(colour), colour) {
        (Some(n @ 0..8), _) => Some((from + n).to_string()),
        (Some(n), _) => Some((from + 60 + n - 8).to_string()),
        (None, Color::Indexed(n)) => Some(format!("{};5;{n}", from + 8)),
        (None, Color::Rgb(r, g, b)) => Some(format!("{};2;{r};{g};{b}", from + 8)),
        (None, _) => None,
    }
}

const ANSI: [&str; 16] = [
    "#2e3440", "#e05561", "#7fb85e", "#d5a54a", "#5a9de0", "#b77bd9", "#45b3b0", "#c5c8cd",
    "#6b7280", "#ff6b78", "#98d977", "#f2c55c", "#78b7ff", "#d49bf5", "#62d6d2", "#ffffff",
];

/// The buffer as an SVG document.
pub fn svg(buffer: &Buffer, screen: Screen) -> String {
    let area = buffer.area;
    let (width, height) = (
        f32::from(area.width) * CELL.0,
        f32::from(area.height) * CELL.1,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.2} {height:.2}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"15\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"{}\"/>\n",
        screen.background
    );
    for y in 0..area.height {
        let mut x = 0;
        while x < area.width {
            x += run(&mut out, buffer, screen, x, y);
        }
    }
    out.push_str("</svg>\n");
    out
}

/// Draws the cells from here that look alike; tells how many. What is not ASCII stands alone, for its glyph may have another width in the picture's font.
fn run(out: &mut String, buffer: &Buffer, screen: Screen, x: u16, y: u16) -> u16 {
    let area = buffer.area;
    let at = |x: u16| buffer.cell((area.x + x, area.y + y));
    let Some(first) = at(x) else { return 1 };
    let mut text = first.symbol().to_owned();
    let mut end = x + 1;
    while text.is_ascii() && end < area.width {
        let Some(cell) = at(end).filter(|cell| cell.symbol().is_ascii() && alike(cell, first))
        else {
            break;
        };
        text.push_str(cell.symbol());
        end += 1;
    }
    let (mut fill, mut back) = (
        colour(first.fg, screen.foreground),
        colour(first.bg, screen.background),
    );
    if first.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut fill, &mut back);
    }
    let (left, top) = (f32::from(x) * CELL.0, f32::from(y) * CELL.1);
    let width = f32::from(end - x) * CELL.0;
    if back != screen.background {
        let _ = writeln!(
            out,
            "<rect x=\"{left:.2}\" y=\"{top:.0}\" width=\"{width:.2}\" height=\"{}\" fill=\"{back}\"/>",
            CELL.1
        );
    }
    if !text.trim().is_empty() {
        let mut style = String::new();
        if first.modifier.contains(Modifier::BOLD) {
            style.push_str(" font-weight=\"bold\"");
        }
        if first.modifier.contains(Modifier::DIM) {
            style.push_str(" opacity=\"0.6\"");
        }
        if first.modifier.contains(Modifier::UNDERLINED) {
            style.push_str(" text-decoration=\"underline\"");
        }
        let baseline = top + 13.5;
        let _ = writeln!(
            out,
            "<text x=\"{left:.2}\" y=\"{baseline:.1}\" fill=\"{fill}\" textLength=\"{width:.2}\" xml:space=\"preserve\"{style}>{}</text>",
            escape(&text)
        );
    }
    end - x
}

fn alike(a: &Cell, b: &Cell) -> bool {
    (a.fg, a.bg, a.modifier) == (b.fg, b.bg, b.modifier)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn colour(colour: Color, own: &str) -> String {
    match (canvas::ansi(colour), colour) {
        (Some(n), _) => ANSI[usize::from(n)].to_owned(),
        (None, Color::Rgb(r, g, b)) => format!("#{r:02x}{g:02x}{b:02x}"),
        (None, Color::Indexed(n)) => indexed(n),
        (None, _) => own.to_owned(),
    }
}

/// One of the 256 colours: 16 named ones, a cube of 6×6×6, and 24 greys.
fn indexed(n: u8) -> String {
    match n {
        0..16 => ANSI[usize::from(n)].to_owned(),
        16..232 => {
            let level = |part: u8| if part == 0 { 0 } else { 55 + part * 40 };
            let n = n - 16;
            format!(
                "#{:02x}{:02x}{:02x}",
                level(n / 36),
                level(n / 6 % 6),
                level(n % 6)
            )
        }
        232.. => {
            let grey = 8 + (n - 232) * 10;
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    #[test]
    fn text_is_escaped_and_reverse_swaps() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 1));
        buffer.set_string(0, 0, "a<b>&", Style::new().reversed());
        let svg = svg(&buffer, DARK);
        assert!(svg.contains("a&lt;b&gt;&amp;"), "{svg}");
        assert!(svg.contains(&format!("fill=\"{}\"", DARK.foreground)));
    }

    #[test]
    fn text_with_colours_says_them_and_takes_each_wide_character_once() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 1));
        let style = Style::new().fg(Color::Red).bg(Color::Indexed(22)).bold();
        buffer.set_string(0, 0, "数a", style);
        let expected = "\x1b[0;1;31;48;5;22m数a\x1b[0m   \x1b[0m\n";
        assert_eq!(ansi(&buffer), expected);
    }

    #[test]
    fn every_indexed_colour_has_a_value() {
        assert!((0..=255).all(|n| indexed(n).len() == 7));
        assert_eq!(indexed(231), "#ffffff");
    }
}
