//! A frame as bytes: the shortest way from what the terminal shows to what it shall show. Owns every sequence inside a frame; writes nothing itself.
//!
//! It stands in the place of ratatui's backend for crossterm: that one sends colours and attributes one by one, forgets at the end of each frame
//! what it has set, and sends a full reset for each colour where NO_COLOR is set, which wipes bold and reverse video.

use std::{collections::BTreeMap, fmt::Write as _, io, iter::Peekable};

use ratatui::{
    backend::{Backend, ClearType, WindowSize},
    buffer::Cell,
    layout::{Position, Size},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

use crate::ui::ansi;

/// How letters look from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    flags: Modifier,
}

const PLAIN: Pen = Pen {
    fg: Color::Reset,
    bg: Color::Reset,
    flags: Modifier::empty(),
};

/// The attributes of a terminal: what sets each and what ends it. Bold and dim end together.
const FLAGS: [(Modifier, &str, &str); 8] = [
    (Modifier::BOLD, "1", "22"),
    (Modifier::DIM, "2", "22"),
    (Modifier::ITALIC, "3", "23"),
    (Modifier::UNDERLINED, "4", "24"),
    (Modifier::SLOW_BLINK, "5", "25"),
    (Modifier::REVERSED, "7", "27"),
    (Modifier::HIDDEN, "8", "28"),
    (Modifier::CROSSED_OUT, "9", "29"),
];

/// From so many blank cells on, erasing them is shorter than writing them.
const ERASED: u16 = 6;

/// Gathers the bytes of a frame, and remembers what the terminal was told before.
#[derive(Debug)]
pub struct Encoder {
    bytes: String,
    /// `None`: not known, as at the start.
    pen: Option<Pen>,
    at: Option<Position>,
    cursor_shown: Option<bool>,
    /// Where wide symbols stand, and on what.
    wide: BTreeMap<(u16, u16), Color>,
    size: Size,
}

impl Encoder {
    /// For a terminal of this size, of which nothing else is known.
    pub fn new(size: Size) -> Self {
        Self {
            bytes: String::new(),
            pen: None,
            at: None,
            cursor_shown: None,
            wide: BTreeMap::new(),
            size,
        }
    }

    /// The terminal has this size now.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// What has been gathered since the last call: nothing, when the screen is right as it is.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.bytes)
    }

    /// Forgets what the terminal was told: somebody else wrote to it.
    pub fn forget(&mut self) {
        (self.pen, self.at, self.cursor_shown) = (None, None, None);
    }

    /// Clears the screen in its own colours.
    fn erase(&mut self) {
        self.dip(PLAIN);
        self.wide.clear();
        self.bytes.push_str("\x1b[2J");
    }

    /// Draws cells as a link (OSC 8).
    pub fn link<'a>(
        &mut self,
        url: &str,
        cells: impl Iterator<Item = (u16, u16, &'a Cell)>,
    ) -> io::Result<()> {
        // The cursor goes to its place before the link begins.
        let mut cells = cells.peekable();
        if let Some((x, y, _)) = cells.peek() {
            self.go(Position { x: *x, y: *y });
        }
        self.bytes.push_str("\x1b]8;;");
        self.bytes.push_str(url);
        self.bytes.push_str("\x1b\\");
        self.draw(cells)?;
        self.bytes.push_str("\x1b]8;;\x1b\\");
        Ok(())
    }

    fn dip(&mut self, to: Pen) {
        match self.pen {
            Some(from) if from == to => return,
            Some(from) => {
                let (all, changed) = (whole(to), difference(from, to));
                self.sgr(if changed.len() < all.len() {
                    &changed
                } else {
                    &all
                });
            }
            None => self.sgr(&whole(to)),
        }
        self.pen = Some(to);
    }

    fn sgr(&mut self, parameters: &str) {
        // Writing to a String cannot fail.
        let _ = write!(self.bytes, "\x1b[{parameters}m");
    }

    /// Moves the cursor, by the shortest of the usual ways.
    fn go(&mut self, to: Position) {
        let Position { x, y } = to;
        let absolute = match (x, y) {
            (0, 0) => "\x1b[H".to_owned(),
            (0, _) => format!("\x1b[{}H", y + 1),
            (_, 0) => format!("\x1b[;{}H", x + 1),
            _ => format!("\x1b[{};{}H", y + 1, x + 1),
        };
        let relative = self.at.and_then(|at| {
            if at == to {
                return Some(String::new());
            }
            let down = match y.checked_sub(at.y)? {
                0 => "",
                1 => "\n",
                _ => return None,
            };
            Some(match (x.checked_sub(at.x), x) {
                (Some(0), _) => down.to_owned(),
                (_, 0) => format!("\r{down}"),
                (Some(1), _) => format!("{down}\x1b[C"),
                (Some(right), _) => format!("{down}\x1b[{right}C"),
                (None, _) => return None,
            })
        });
        match relative {
            Some(relative) if relative.len() < absolute.len() => self.bytes.push_str(&relative),
            Some(_) | None => self.bytes.push_str(&absolute),
        }
        self.at = Some(to);
    }

    /// A wide symbol that is written over leaves its other half in the colours of what is written, and ratatui takes that half for blank.
    fn clear_wide(&mut self, (x, y): (u16, u16)) {
        let Some(bg) = self.wide.remove(&(x, y)) else {
            return;
        };
        self.dip(Pen { bg, ..PLAIN });
        self.write("  ");
        self.at = None;
        self.go(Position { x, y });
    }

    fn write(&mut self, symbol: &str) {
        self.bytes.push_str(symbol);
        // Beyond the last column, and behind what terminals measure differently, nobody knows where the cursor is.
        let sure = symbol.chars().count() == 1 && UnicodeWidthStr::width(symbol) == 1;
        self.at = self
            .at
            .filter(|at| sure && at.x + 1 < self.size.width)
            .map(|at| Position { x: at.x + 1, ..at });
    }
}

fn pen(cell: &Cell) -> Pen {
    Pen {
        fg: cell.fg,
        bg: cell.bg,
        flags: cell.modifier,
    }
}

/// Whether nothing shows where there is no letter.
fn hollow(bg: Color, flags: Modifier) -> bool {
    let lines = Modifier::REVERSED | Modifier::UNDERLINED | Modifier::CROSSED_OUT;
    bg == Color::Reset && !flags.intersects(lines)
}

/// Whether erasing the cell looks the same as writing it.
fn blank(cell: &Cell) -> bool {
    cell.symbol() == " " && hollow(cell.bg, cell.modifier)
}

/// The parameters that set a pen from anything.
fn whole(pen: Pen) -> String {
    if pen == PLAIN {
        return String::new();
    }
    let mut parameters = vec!["0".to_owned()];
    changes(PLAIN, pen, &mut parameters);
    parameters.join(";")
}

/// The parameters that make one pen out of another.
fn difference(from: Pen, to: Pen) -> String {
    let mut parameters = Vec::new();
    changes(from, to, &mut parameters);
    parameters.join(";")
}

fn changes(from: Pen, to: Pen, parameters: &mut Vec<String>) {
    let mut kept = from.flags;
    for (flag, _, end) in FLAGS {
        if kept.contains(flag) && !to.flags.contains(flag) {
            parameters.push(end.to_owned());
            kept.remove(flag);
            if end == "22" {
                kept.remove(Modifier::BOLD | Modifier::DIM);
            }
        }
    }
    let new = FLAGS
        .iter()
        .filter(|(flag, ..)| to.flags.contains(*flag) && !kept.contains(*flag));
    parameters.extend(new.map(|(_, begin, _)| (*begin).to_owned()));
    if from.fg != to.fg {
        parameters.push(colour(to.fg, 30));
    }
    if from.bg != to.bg {
        parameters.push(colour(to.bg, 40));
    }
}

/// A colour as a parameter; `base` is 30 for letters and 40 for what lies below.
fn colour(colour: Color, base: u16) -> String {
    match (ansi(colour), colour) {
        (Some(n @ 0..8), _) => (base + u16::from(n)).to_string(),
        (Some(n), _) => (base + 52 + u16::from(n)).to_string(),
        (None, Color::Indexed(n)) => format!("{};5;{n}", base + 8),
        (None, Color::Rgb(r, g, b)) => format!("{};2;{r};{g};{b}", base + 8),
        // The terminal's own.
        (None, _) => (base + 9).to_string(),
    }
}

/// How many blank cells follow each other from here on in one row.
fn blanks<'a, I>(cells: &mut Peekable<I>, (x, y): (u16, u16)) -> u16
where
    I: Iterator<Item = (u16, u16, &'a Cell)>,
{
    let mut count = 1;
    while cells
        .next_if(|(next, row, cell)| (*next, *row) == (x + count, y) && blank(cell))
        .is_some()
    {
        count += 1;
    }
    count
}

impl Backend for Encoder {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut cells = content.peekable();
        while let Some((x, y, cell)) = cells.next() {
            self.go(Position { x, y });
            self.clear_wide((x, y));
            if !blank(cell) {
                self.dip(pen(cell));
                self.write(cell.symbol());
                if UnicodeWidthStr::width(cell.symbol()) > 1 {
                    self.wide.insert((x, y), cell.bg);
                }
                continue;
            }
            let count = blanks(&mut cells, (x, y));
            // What blank cells would look like with letters in them does not matter; only what lies below does.
            if !self.pen.is_some_and(|pen| hollow(pen.bg, pen.flags)) {
                self.dip(PLAIN);
            }
            if x + count >= self.size.width && count > 1 {
                self.bytes.push_str("\x1b[K");
            } else if count >= ERASED {
                let _ = write!(self.bytes, "\x1b[{count}X");
            } else {
                (0..count).for_each(|_| self.write(" "));
            }
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.cursor_shown.replace(false) != Some(false) {
            self.bytes.push_str("\x1b[?25l");
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.cursor_shown.replace(true) != Some(true) {
            self.bytes.push_str("\x1b[?25h");
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // Never asked of the terminal: the answer would come to the input thread.
        Ok(self.at.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.go(position.into());
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.erase();
        Ok(())
    }

    fn clear_region(&mut self, _: ClearType) -> io::Result<()> {
        // A viewport that fills the screen is cleared as a whole.
        self.erase();
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: self.size,
            pixels: Size::ZERO,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{Terminal, style::Style, text::Line, widgets::Paragraph};

    use super::*;

    fn cells(screen: &vt100::Screen, size: Size) -> Vec<(String, [bool; 4], String)> {
        let all = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (y, x)));
        all.map(|(y, x)| {
            let cell = screen.cell(y, x).unwrap();
            let (text, hollow) = match cell.contents() {
                "" | " " => (" ", !cell.inverse() && !cell.underline()),
                text => (text, false),
            };
            // The colour of a letter that is not there does not show.
            let colours = if hollow {
                format!("{:?}", cell.bgcolor())
            } else {
                format!("{:?} {:?}", cell.fgcolor(), cell.bgcolor())
            };
            let bold = cell.bold() && !hollow;
            let dim = cell.dim() && !hollow;
            (
                text.to_owned(),
                [bold, dim, cell.inverse(), cell.underline()],
                colours,
            )
        })
        .collect()
    }

    fn terminal(size: Size) -> Terminal<Encoder> {
        Terminal::new(Encoder::new(size)).unwrap()
    }

    fn draw(terminal: &mut Terminal<Encoder>, lines: Vec<Line<'_>>) -> String {
        terminal
            .draw(|frame| frame.render_widget(Paragraph::new(lines), frame.area()))
            .map(|_| ())
            .unwrap();
        terminal.backend_mut().take()
    }

    fn parser(size: Size) -> vt100::Parser {
        let cells = |count| std::num::NonZero::new(count).unwrap();
        vt100::Parser::new(cells(size.height), cells(size.width), 0)
    }

    #[test]
    fn a_frame_that_changes_nothing_is_no_byte_at_all() {
        let mut terminal = terminal(Size::new(20, 3));
        assert!(!draw(&mut terminal, vec!["calm".into()]).is_empty());
        assert_eq!(draw(&mut terminal, vec!["calm".into()]), "");
        assert_eq!(draw(&mut terminal, vec!["calf".into()]), "\x1b[;4Hf");
        assert_eq!(
            draw(&mut terminal, vec!["calf".into(), "    x".into()]),
            "\nx"
        );
    }

    /// Random frames, sent as differences through a terminal emulator, against each frame drawn from nothing.
    #[test]
    fn differences_show_what_the_whole_frame_would() {
        use proptest::prelude::*;
        let size = Size::new(24, 5);
        let colours = prop_oneof![
            Just(Color::Reset),
            Just(Color::Reset),
            Just(Color::Red),
            Just(Color::LightBlue),
            Just(Color::Indexed(200)),
            Just(Color::Rgb(1, 2, 3))
        ];
        let flags = [
            Modifier::BOLD,
            Modifier::DIM,
            Modifier::REVERSED,
            Modifier::UNDERLINED,
        ];
        let style = (
            colours.clone(),
            colours,
            prop::sample::subsequence(flags.to_vec(), 0..3),
        )
            .prop_map(|(fg, bg, flags)| {
                let flags = flags
                    .into_iter()
                    .fold(Modifier::empty(), |all, flag| all | flag);
                Style::new().fg(fg).bg(bg).add_modifier(flags)
            });
        let texts = prop_oneof![
            Just("a"),
            Just("  "),
            Just("          "),
            Just("●é"),
            Just("line")
        ];
        // The other half of a wide symbol has no style of its own.
        let span = prop_oneof![5 => (texts, style), 1 => Just(("wide 宽x", Style::new()))];
        let line = prop::collection::vec(span, 0..5);
        let frames = prop::collection::vec(prop::collection::vec(line, 0..5), 1..6);
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        runner
            .run(&frames, |frames| {
                let mut terminal = terminal(size);
                let mut seen = parser(size);
                for frame in frames {
                    let lines = || -> Vec<Line<'_>> {
                        let span = |(text, style): &(&'static str, Style)| {
                            ratatui::text::Span::styled(*text, *style)
                        };
                        frame
                            .iter()
                            .map(|line| line.iter().map(span).collect())
                            .collect()
                    };
                    seen.process(draw(&mut terminal, lines()).as_bytes());
                    let mut fresh = parser(size);
                    fresh.process(draw(&mut self::terminal(size), lines()).as_bytes());
                    prop_assert_eq!(cells(seen.screen(), size), cells(fresh.screen(), size));
                }
                Ok(())
            })
            .unwrap();
    }
}
