//! The terminal: entering, drawing and leaving it, whatever happens. Owns every escape sequence that is not a frame; reads no key.

use std::{
    io::{self, BufWriter, Stdout, Write},
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

type Backend = CrosstermBackend<BufWriter<Stdout>>;

/// The terminal while the console has it.
pub struct Screen {
    terminal: Terminal<Backend>,
}

impl Screen {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste.
    pub fn enter() -> io::Result<Self> {
        take()?;
        let terminal = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(
            64 * 1024,
            io::stdout(),
        )))?;
        Ok(Self { terminal })
    }

    /// Draws one frame as a synchronized update, which is closed again even when drawing fails.
    pub fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(view).map(|_| ());
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        Write::flush(self.terminal.backend_mut())?;
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
        let backend = self.terminal.backend_mut();
        write!(backend, "\x1b]52;c;{}\x07", STANDARD.encode(text))
            .and_then(|()| Write::flush(backend))
            .map_err(|error| error.to_string())
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
