//! The terminal device: its size, its modes, and writing to it without ever waiting. Owns the one descriptor that we write to; knows no sequence.

use std::{
    io::{self, IsTerminal},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use ratatui::layout::Size;
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
    termios::{self, LocalModes, OptionalActions, QueueSelector, Termios},
};

/// The size of a terminal that does not know its own.
const USUAL: Size = Size::new(80, 24);

/// The terminal that standard input and output are.
#[derive(Debug)]
pub struct Tty {
    device: OwnedFd,
    keys: OwnedFd,
    /// What standard error is, where it is the screen.
    errors: Option<OwnedFd>,
    modes: Termios,
}

/// What became of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// So many were taken; fewer than all when it is full.
    Taken(usize),
    /// There is no terminal any more.
    Gone,
}

impl Tty {
    /// Opens it, and remembers its modes.
    pub fn open() -> io::Result<Self> {
        let keep = |fd| rustix::io::fcntl_dupfd_cloexec(fd, 3);
        let errors = io::stderr().is_terminal();
        let errors = errors.then(|| keep(rustix::stdio::stderr())).transpose()?;
        let keys = keep(rustix::stdio::stdin())?;
        Ok(Self {
            device: device()?,
            modes: termios::tcgetattr(&keys)?,
            keys,
            errors,
        })
    }

    /// Where keys come from.
    pub fn keys(&self) -> BorrowedFd<'_> {
        self.keys.as_fd()
    }

    /// Keeps the terminal from those that are started, such as credential processes: they would read keys from standard input and write on the
    /// screen through standard error.
    pub fn shield(&self) -> io::Result<()> {
        let nothing =
            rustix::fs::open(c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        rustix::stdio::dup2_stdin(&nothing)?;
        if self.errors.is_some() {
            rustix::stdio::dup2_stderr(&nothing)?;
        }
        Ok(())
    }

    /// Standard input and error are what they were.
    pub fn unshield(&self) -> io::Result<()> {
        rustix::stdio::dup2_stdin(&self.keys)?;
        if let Some(errors) = &self.errors {
            rustix::stdio::dup2_stderr(errors)?;
        }
        Ok(())
    }

    /// Forgets what was typed and not yet read.
    pub fn forget_typed(&self) {
        // Without a terminal there is nothing to forget.
        let _ = termios::tcflush(&self.keys, QueueSelector::IFlush);
    }

    /// Keys come at once, uninterpreted and without echo; what is written is not touched. A process of the background that opens the terminal to
    /// write on the screen, as a plugin that asks for a password does, is stopped like one that wants keys.
    pub fn raw(&self) -> io::Result<()> {
        let mut modes = self.modes.clone();
        modes.make_raw();
        modes.local_modes |= LocalModes::TOSTOP;
        termios::tcsetattr(&self.keys, OptionalActions::Now, &modes)?;
        Ok(())
    }

    /// The modes that it had.
    pub fn cooked(&self) -> io::Result<()> {
        termios::tcsetattr(&self.keys, OptionalActions::Now, &self.modes)?;
        Ok(())
    }

    /// Columns and rows.
    pub fn size(&self) -> Size {
        size_of(self.device.as_fd()).unwrap_or(USUAL)
    }

    /// Writes what it takes now.
    pub fn write(&self, bytes: &[u8]) -> Written {
        let mut taken = 0;
        while taken < bytes.len() {
            match rustix::io::write(&self.device, &bytes[taken..]) {
                Ok(0) | Err(Errno::AGAIN) => break,
                Ok(count) => taken += count,
                Err(Errno::INTR) => {}
                Err(_) => return Written::Gone,
            }
        }
        Written::Taken(taken)
    }

    /// Writes the last bytes, until then at most; what still waits inside the device gives way to them.
    pub fn write_last(&self, mut bytes: &[u8], end: Instant) {
        while let Written::Taken(taken) = self.write(bytes) {
            bytes = &bytes[taken..];
            if bytes.is_empty() || Instant::now() >= end {
                return;
            }
            let _ = termios::tcflush(&self.device, QueueSelector::OFlush);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Columns and rows of the terminal that standard output is, if it is one and knows them.
pub fn size() -> Option<Size> {
    size_of(rustix::stdio::stdout())
}

fn size_of(device: BorrowedFd<'_>) -> Option<Size> {
    let size = termios::tcgetwinsize(device).ok()?;
    // A serial line knows nothing of windows.
    (size.ws_col > 0 && size.ws_row > 0).then(|| Size::new(size.ws_col, size.ws_row))
}

/// The device, opened once more: not to wait on it must not make the shell's own descriptor one that does not wait.
fn device() -> io::Result<OwnedFd> {
    let stdout = rustix::stdio::stdout();
    if !io::stdout().is_terminal() {
        return Err(io::Error::other("standard output is no terminal"));
    }
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let named = termios::ttyname(stdout, Vec::new()).ok();
    let opened =
        named.and_then(|name| rustix::fs::open(name.as_c_str(), flags, Mode::empty()).ok());
    let same = |device: &OwnedFd| {
        let (ours, theirs) = (rustix::fs::fstat(device), rustix::fs::fstat(stdout));
        matches!((ours, theirs), (Ok(ours), Ok(theirs)) if ours.st_rdev == theirs.st_rdev)
    };
    if let Some(device) = opened.filter(same) {
        return Ok(device);
    }
    // After `su` the device belongs to somebody else; where standard output is the controlling terminal, that one is open to us.
    let session = |device: BorrowedFd<'_>| termios::tcgetsid(device).ok();
    let controlling = rustix::fs::open(c"/dev/tty", flags, Mode::empty()).ok();
    if let Some(device) = controlling
        && session(stdout).is_some()
        && session(stdout) == session(device.as_fd())
    {
        return Ok(device);
    }
    // Then a terminal that stops reading stops us.
    Ok(rustix::io::dup(stdout)?)
}
