//! The screen: entering, drawing and leaving it, whatever happens. Owns every escape sequence that is not part of a frame, and that frames never pile up; reads no key.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ratatui::{Frame, Terminal, buffer::Cell, layout::Size};

use super::{
    encode::Encoder,
    link::{Link, Pace},
    tty::{Tty, Written},
};
use crate::{config::console::Alerts, ui};

/// The terminal while it is ours: the panic hook must restore it once, and only then.
static TAKEN: Mutex<Option<Arc<Tty>>> = Mutex::new(None);
/// How many answers the terminal owes. One that comes after we have left would be typed into the shell.
static OWED: AtomicUsize = AtomicUsize::new(0);

/// Whether the mouse is captured, and whether the title is ours: both are given back.
static MOUSE: AtomicBool = AtomicBool::new(false);
static TITLED: AtomicBool = AtomicBool::new(false);

/// The most text that is sent to the clipboard of the terminal; larger ones are cut off by some terminals without a word.
const CLIPBOARD_LIMIT: usize = 64 * 1024;
/// Alternate screen, bracketed paste, no cursor, and each cell where it is put: a terminal that orders letters from right to left by itself (BDSM)
/// would move the numbers beside a Hebrew name into another column.
const ENTER: &str = "\x1b[?1049h\x1b[?2004h\x1b[?25l\x1b[8l";
/// Ends whatever was cut off (CAN), a synchronized update among it, and undoes the rest.
const LEAVE: &str = "\x18\x1b[?2026l\x1b[m\x1b[?2004l\x1b[8h\x1b[?1049l\x1b[?25h";
/// Reports of the mouse's buttons, with any column.
const CAPTURE: (&str, &str) = ("\x1b[?1000h\x1b[?1006h", "\x1b[?1006l\x1b[?1000l");
/// Keeps the title of the window, and gives it back.
const TITLE: (&str, &str) = ("\x1b[22;2t", "\x1b[23;2t");
/// A synchronized update: the terminal shows all of a frame or nothing of it.
const FRAME: (&str, &str) = ("\x1b[?2026h", "\x1b[?2026l");
/// "What are you?", which every terminal answers once it has shown what came before.
const QUESTION: &str = "\x1b[c";
/// How long leaving waits for a terminal that is full, and for answers that are owed.
const LAST: Duration = Duration::from_millis(300);
/// How soon a full terminal is tried again, at first and later.
const FULL: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));

/// What the user wants of the terminal besides frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// Capture the mouse.
    pub mouse: bool,
    /// Set its title.
    pub title: bool,
    /// How to call somebody.
    pub alerts: Alerts,
    /// Make links.
    pub links: bool,
}

impl Manners {
    /// What a terminal of this name can bear: the oldest print what they do not know.
    #[must_use]
    pub fn on(self, term: &str) -> Self {
        let plain = ["linux", "dumb", "vt", "ansi", "cons"];
        if !plain.iter().any(|name| term.starts_with(name)) {
            return self;
        }
        let bell = self.alerts != Alerts::Off;
        Self {
            title: false,
            links: false,
            alerts: if bell { Alerts::Bell } else { Alerts::Off },
            ..self
        }
    }
}

/// The screen while the console has it.
pub struct Screen {
    tty: Arc<Tty>,
    terminal: Terminal<Encoder>,
    /// What the terminal has not taken yet, and since when.
    waiting: Vec<u8>,
    full: Option<Instant>,
    link: Link,
    /// Since the start.
    pub sent: Sent,
    /// How many frames the terminal has shown, as far as it tells.
    shown: usize,
    manners: Manners,
    title: String,
    /// The links on the screen, with their cells.
    linked: Vec<(ui::Link, Vec<Cell>)>,
}

/// What went to the terminal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent {
    /// Bytes.
    pub bytes: usize,
    /// Frames.
    pub frames: usize,
}

/// The terminal does not exist any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

impl From<Gone> for io::Error {
    fn from(_: Gone) -> Self {
        Self::from(io::ErrorKind::NotConnected)
    }
}

impl Screen {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste.
    pub fn enter(manners: Manners) -> io::Result<Self> {
        let tty = Arc::new(Tty::open()?);
        let mut screen = Self {
            terminal: Terminal::new(Encoder::new(tty.size()))?,
            tty,
            waiting: Vec::new(),
            full: None,
            link: Link::default(),
            sent: Sent::default(),
            shown: 0,
            manners,
            title: String::new(),
            linked: Vec::new(),
        };
        screen.take()?;
        Ok(screen)
    }

    fn take(&mut self) -> io::Result<()> {
        self.tty.raw()?;
        self.tty.shield()?;
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&self.tty));
        self.send(ENTER)?;
        if self.manners.mouse {
            MOUSE.store(true, Ordering::SeqCst);
            self.send(CAPTURE.0)?;
        }
        Ok(())
    }

    /// Draws one frame. One that changes nothing is not sent, so that an idle screen is silent; tells how many bytes went.
    pub fn draw(&mut self, size: Size, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<usize> {
        self.terminal.backend_mut().resize(size);
        self.terminal.draw(view)?;
        let frame = self.terminal.backend_mut().take();
        if frame.is_empty() {
            return Ok(0);
        }
        let question = if self.link.asks() { QUESTION } else { "" };
        let bytes = [FRAME.0, &frame, FRAME.1, question].concat();
        self.sent.frames += 1;
        if question.is_empty() {
            self.shown = self.sent.frames;
        } else {
            OWED.fetch_add(1, Ordering::SeqCst);
            self.link.sent(bytes.len(), Instant::now());
        }
        self.send(&bytes)?;
        Ok(bytes.len())
    }

    /// Makes links of what stands there since the last frame: the same cells once more, as OSC 8 wants it.
    pub fn link(&mut self, links: Vec<(ui::Link, Vec<Cell>)>) -> io::Result<()> {
        if !self.manners.links || links == self.linked {
            return Ok(());
        }
        for (link, cells) in &links {
            let placed = (link.x..).zip(cells).map(|(x, cell)| (x, link.y, cell));
            self.terminal.backend_mut().link(&link.url, placed)?;
        }
        let bytes = self.terminal.backend_mut().take();
        self.send(&[FRAME.0, &bytes, FRAME.1].concat())?;
        self.linked = links;
        Ok(())
    }

    /// Sets the title of the terminal, if it is another one. The one before is kept by the terminal, and given back at the end.
    pub fn title(&mut self, title: &str) -> io::Result<()> {
        if !self.manners.title || self.title == title {
            return Ok(());
        }
        title.clone_into(&mut self.title);
        let kept = TITLED.swap(true, Ordering::SeqCst);
        let keep = if kept { "" } else { TITLE.0 };
        Ok(self.send(&format!("{keep}\x1b]2;{title}\x07"))?)
    }

    /// Calls somebody who looks elsewhere. The text must be clean.
    pub fn alert(&mut self, text: &str) -> io::Result<()> {
        match self.manners.alerts {
            Alerts::Off => Ok(()),
            Alerts::Bell => Ok(self.send("\x07")?),
            Alerts::Notify => Ok(self.send(&format!("\x1b]9;{text}\x07\x07"))?),
        }
    }

    /// The terminal has shown the oldest frame that it had not.
    pub fn shown(&mut self, at: Instant) {
        self.link.answered(at);
        self.shown = (self.shown + 1).min(self.sent.frames);
    }

    /// Whether the terminal has shown so many frames, as far as anybody can tell.
    pub fn has_shown(&self, frames: usize) -> bool {
        self.shown >= frames
    }

    /// When the next frame may go, or must be looked at again; `None`: now.
    pub fn wait(&mut self, now: Instant, typed: bool) -> Option<Instant> {
        let given_up = self.link.give_up(now);
        OWED.fetch_sub(given_up.min(OWED.load(Ordering::SeqCst)), Ordering::SeqCst);
        self.shown = (self.shown + given_up).min(self.sent.frames);
        self.retry(now).or_else(|| self.link.wait(now, typed))
    }

    /// When a full terminal is tried again.
    pub fn retry(&self, now: Instant) -> Option<Instant> {
        let full = self.full?;
        let pause = now.saturating_duration_since(full) / 4;
        Some(now + pause.clamp(FULL.0, FULL.1))
    }

    /// How long data keeps off a slow line after a frame.
    pub fn rest(&self) -> Duration {
        self.link.rest()
    }

    /// What is known about the way to the screen.
    pub fn pace(&self) -> Option<Pace> {
        self.link.pace()
    }

    /// Sends what the terminal did not take before.
    pub fn flush(&mut self) -> Result<(), Gone> {
        match self.tty.write(&self.waiting) {
            Written::Taken(count) => self.waiting.drain(..count),
            Written::Gone => return Err(Gone),
        };
        self.full = if self.waiting.is_empty() {
            None
        } else {
            self.full.or_else(|| Some(Instant::now()))
        };
        Ok(())
    }

    fn send(&mut self, bytes: &str) -> Result<(), Gone> {
        self.sent.bytes += bytes.len();
        self.waiting.extend_from_slice(bytes.as_bytes());
        self.flush()
    }

    /// Forgets what is on the screen, so that the next frame draws everything.
    pub fn clear(&mut self) -> io::Result<()> {
        let encoder = self.terminal.backend_mut();
        encoder.forget();
        self.linked.clear();
        ratatui::backend::Backend::clear(encoder)?;
        // Each swap empties the buffer that the next frame is compared with.
        self.terminal.swap_buffers();
        self.terminal.swap_buffers();
        Ok(())
    }

    /// The terminal itself, for whoever reads its keys.
    pub fn tty(&self) -> Arc<Tty> {
        Arc::clone(&self.tty)
    }

    /// Columns and rows.
    pub fn size(&self) -> Size {
        self.tty.size()
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
        self.send(&sequence)
            .map_err(|gone| io::Error::from(gone).to_string())
    }

    /// Gives the terminal back, stops the process group, and takes the terminal again when it continues.
    pub fn suspend(&mut self) -> io::Result<()> {
        restore();
        // To the whole group, as the terminal itself would do it: a wrapper script must stop too.
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
        self.retake()
    }

    /// Takes the terminal again, after somebody else may have used it.
    pub fn retake(&mut self) -> io::Result<()> {
        (self.waiting, self.full) = (Vec::new(), None);
        self.link = Link::default();
        self.shown = self.sent.frames;
        self.title.clear();
        self.take()?;
        self.clear()
    }

    /// Forgets keys that were typed and not yet read; tells with which frame keys count again, where the terminal tells when it has shown one.
    pub fn forget_typed(&self) -> Option<usize> {
        if self.link.asks() && self.link.pace().is_some() {
            // What is thrown away unread could be an answer, and what is still on its way would come after all.
            return Some(self.sent.frames + 1);
        }
        self.tty.forget_typed();
        None
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Whether the terminal is ours now.
pub fn is_taken() -> bool {
    // Whoever holds the lock is taking it or giving it back.
    TAKEN.try_lock().is_ok_and(|taken| taken.is_some())
}

/// The terminal gave an answer.
pub fn shown() {
    // One that nobody asked for counts for nothing.
    let _ = OWED.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |owed| {
        owed.checked_sub(1)
    });
}

/// Gives the terminal back as it was. Does nothing when it is not ours; a terminal that is gone is no reason to fail.
pub fn restore() {
    // A panic while the lock is held must not wait for itself.
    let Some(tty) = TAKEN.try_lock().ok().and_then(|mut taken| taken.take()) else {
        return;
    };
    let end = Instant::now() + LAST;
    let mut leave = String::from(LEAVE);
    if MOUSE.swap(false, Ordering::SeqCst) {
        leave.push_str(CAPTURE.1);
    }
    if TITLED.swap(false, Ordering::SeqCst) {
        leave.push_str(TITLE.1);
    }
    tty.write_last(leave.as_bytes(), end);
    // Answers still on their way are taken in by the input thread; the shell would take them for typing.
    while OWED.load(Ordering::SeqCst) > 0 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
    OWED.store(0, Ordering::SeqCst);
    let _ = tty.cooked().and_then(|()| tty.unshield());
}
