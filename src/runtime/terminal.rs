//! The terminal: entering, drawing and leaving it, whatever happens. Owns every escape sequence that is not a frame; reads no key.

use std::{
    cell::RefCell,
    io::{self, Write},
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use crossterm::{
    cursor,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute, queue,
    terminal::{
        BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
        LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
    },
};
use ratatui::{Frame, Terminal, backend::CrosstermBackend};

/// Whether the screen is ours now: the panic hook must restore it once, and only then.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// The most text that is sent to the clipboard of the terminal; larger ones are cut off by some terminals without a word.
const CLIPBOARD_LIMIT: usize = 64 * 1024;

/// The frame that ratatui writes when no cell has changed and no line is typed.
const UNCHANGED: &[u8] = b"\x1b[?2026h\x1b[39m\x1b[49m\x1b[59m\x1b[0m\x1b[?25l\x1b[?2026l";
/// How a frame ends that leaves the cursor hidden.
const CURSOR_HIDDEN: &[u8] = b"\x1b[?25l\x1b[?2026l";

/// What ratatui writes, until the frame is complete.
#[derive(Clone, Default)]
struct Gathered(Rc<RefCell<Vec<u8>>>);

impl Write for Gathered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The terminal while the console has it.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Gathered>>,
    gathered: Gathered,
    cursor_hidden: bool,
}

/// Draws one frame into a synchronized update, which is closed again even when drawing fails.
fn frame(
    terminal: &mut Terminal<CrosstermBackend<Gathered>>,
    gathered: &mut Gathered,
    view: impl FnOnce(&mut Frame<'_>),
) -> (Vec<u8>, io::Result<()>) {
    let drawn = queue!(gathered, BeginSynchronizedUpdate)
        .and_then(|()| terminal.draw(view).map(|_| ()))
        .and(queue!(gathered, EndSynchronizedUpdate));
    (gathered.0.take(), drawn)
}

impl Screen {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste.
    pub fn enter() -> io::Result<Self> {
        take()?;
        let gathered = Gathered::default();
        Ok(Self {
            terminal: Terminal::new(CrosstermBackend::new(gathered.clone()))?,
            gathered,
            cursor_hidden: true,
        })
    }

    /// Draws one frame. One that changes nothing is not sent, so that an idle screen is silent.
    pub fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let (frame, drawn) = frame(&mut self.terminal, &mut self.gathered, view);
        if frame != UNCHANGED || !self.cursor_hidden {
            send(&frame)?;
            self.cursor_hidden = frame.ends_with(CURSOR_HIDDEN);
        }
        drawn
    }

    /// Forgets what is on the screen, so that the next frame draws everything.
    pub fn clear(&mut self) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), Clear(ClearType::All))?;
        // Not `Terminal::clear`: it asks the terminal where the cursor is, and the answer would go to the input thread.
        // Each swap empties the buffer that the next frame is compared with.
        self.terminal.swap_buffers();
        self.terminal.swap_buffers();
        Ok(())
    }

    /// Columns and rows.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|size| (size.width, size.height))
    }

    /// Puts a text on the clipboard of the terminal (OSC 52), which works over SSH.
    pub fn copy(&mut self, text: &str) -> Result<(), String> {
        if text.len() > CLIPBOARD_LIMIT {
            return Err(format!(
                "{} bytes are more than terminals take; use `export` instead",
                text.len()
            ));
        }
        let sequence = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
        send(sequence.as_bytes()).map_err(|error| error.to_string())
    }

    /// Calls somebody who looks elsewhere.
    pub fn ring(&mut self) -> io::Result<()> {
        send(b"\x07")
    }

    /// Gives the terminal back, stops the process group, and takes the terminal again when it continues.
    pub fn suspend(&mut self) -> io::Result<()> {
        restore();
        // To the whole group, as the terminal itself would do it: a wrapper script must stop too.
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
        take()?;
        self.clear()
    }
}

/// Sends bytes to the terminal at once.
fn send(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    execute!(
        io::stdout(),
        EnterAlternateScreen,
        EnableBracketedPaste,
        cursor::Hide
    )
}

/// Gives the terminal back as it was. Does nothing when it is not ours; a terminal that is gone is no reason to fail.
pub fn restore() {
    if ENTERED.swap(false, Ordering::SeqCst) {
        let _ = execute!(
            io::stdout(),
            EndSynchronizedUpdate,
            DisableBracketedPaste,
            LeaveAlternateScreen,
            cursor::Show
        );
        let _ = disable_raw_mode();
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{TerminalOptions, Viewport, layout::Rect};

    use super::*;

    #[test]
    fn a_frame_that_changes_nothing_is_known_by_its_bytes() {
        let mut gathered = Gathered::default();
        let viewport = Viewport::Fixed(Rect::new(0, 0, 20, 3));
        let mut terminal = Terminal::with_options(
            CrosstermBackend::new(gathered.clone()),
            TerminalOptions { viewport },
        )
        .unwrap();
        let mut draw = |text: &'static str, typed: bool| {
            let (bytes, drawn) = frame(&mut terminal, &mut gathered, |frame| {
                frame.render_widget(text, frame.area());
                if typed {
                    frame.set_cursor_position((1, 1));
                }
            });
            drawn.unwrap();
            bytes
        };
        assert!(draw("calm", false).len() > UNCHANGED.len());
        assert_eq!(draw("calm", false), UNCHANGED);
        assert_ne!(draw("storm", false), UNCHANGED);
        assert!(draw("storm", false).ends_with(CURSOR_HIDDEN));
        assert!(!draw("storm", true).ends_with(CURSOR_HIDDEN));
    }
}
