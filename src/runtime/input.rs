//! Keys from the terminal, read in a thread of its own. Owns the watch for a terminal that vanishes: crossterm's own loop spins at 100 % of a core there.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use crossterm::event::{
    self, Event as Raw, KeyCode as RawCode, KeyEvent, KeyEventKind, KeyModifiers,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    config::key::{Key, KeyCode},
    event::Event,
};

/// What the input thread tells.
#[derive(Debug)]
pub enum Input {
    /// Something was typed or pasted, and had arrived at this time.
    Event(Box<Event>, Instant),
    /// The terminal is gone.
    HangUp,
}

/// Ctrl-C, which leaves from everywhere.
pub fn is_interrupt(input: &Input) -> bool {
    let interrupt = Key {
        code: KeyCode::Char('c'),
        ctrl: true,
        alt: false,
    };
    matches!(input, Input::Event(event, _) if **event == Event::Key { key: interrupt })
}

/// How long crossterm is asked for what is left; with no time at all its event source does not even look.
const LOOK: Duration = Duration::from_millis(1);

/// How often the watchdog looks.
const WATCH: Duration = Duration::from_secs(1);

/// How many looks in a row must find the terminal gone.
const GONE: u32 = 2;

/// The watchdog's patience.
#[derive(Debug, Clone)]
pub struct Watchdog(Arc<AtomicU32>);

impl Watchdog {
    /// Lets the process live on without its terminal for a time: a change in flight is brought to its outcome.
    pub fn wait(&self, time: Duration) {
        let looks = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        self.0.store(looks.max(GONE), Ordering::Relaxed);
    }
}

/// Forgets what was typed and not yet read.
pub fn forget() {
    // Without a terminal there is nothing to forget.
    let _ = rustix::termios::tcflush(
        rustix::stdio::stdin(),
        rustix::termios::QueueSelector::IFlush,
    );
}

/// Starts reading keys, and a watchdog that ends the process when the terminal has been gone for a second and nothing else did.
pub fn start(sender: UnboundedSender<Input>) -> io::Result<Watchdog> {
    let patience = Arc::new(AtomicU32::new(GONE));
    let watchdog = Watchdog(Arc::clone(&patience));
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            while read(&sender) {}
            // The loop may be gone already; then there is nobody to tell.
            let _ = sender.send(Input::HangUp);
        })?;
    std::thread::Builder::new()
        .name("watchdog".to_owned())
        .spawn(move || {
            let mut gone = 0;
            loop {
                std::thread::sleep(WATCH);
                gone = if wait(Duration::ZERO) == Wait::Gone {
                    gone + 1
                } else {
                    0
                };
                if gone >= patience.load(Ordering::Relaxed) {
                    std::process::exit(129); // as if SIGHUP had ended it
                }
            }
        })?;
    Ok(watchdog)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Ready,
    Nothing,
    Gone,
}

/// Waits for the terminal ourselves, because `crossterm::event::poll` neither reports a hang-up nor keeps its timeout then.
fn wait(timeout: Duration) -> Wait {
    let stdin = rustix::stdio::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    let timeout = Timespec {
        tv_sec: timeout.as_secs().cast_signed(),
        tv_nsec: i64::from(timeout.subsec_nanos()),
    };
    match poll(&mut fds, Some(&timeout)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => Wait::Nothing,
        Ok(_)
            if fds[0]
                .revents()
                .intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) =>
        {
            Wait::Gone
        }
        Ok(_) => Wait::Ready,
        Err(_) => Wait::Gone,
    }
}

/// Reads what has been typed; `false` when there will be no more.
fn read(sender: &UnboundedSender<Input>) -> bool {
    match wait(Duration::from_millis(500)) {
        Wait::Gone => return false,
        Wait::Nothing => return !sender.is_closed(),
        Wait::Ready => {}
    }
    let mut at = Instant::now();
    loop {
        match event::poll(LOOK) {
            Ok(true) => {}
            Ok(false) => return true,
            Err(_) => return false,
        }
        let Ok(raw) = event::read() else { return false };
        if let Some(event) = translate(raw)
            && sender.send(Input::Event(Box::new(event), at)).is_err()
        {
            return false;
        }
        // What crossterm has buffered arrived with the first of it; what the terminal still holds comes later.
        if wait(Duration::ZERO) == Wait::Ready {
            at = Instant::now();
        }
    }
}

fn translate(raw: Raw) -> Option<Event> {
    match raw {
        Raw::Key(key) if key.kind != KeyEventKind::Release => Some(Event::Key {
            key: translate_key(key)?,
        }),
        Raw::Paste(text) => Some(Event::Paste { text }),
        // The loop hears of a new size by the signal; here it would come with the next key only.
        Raw::Resize(..) | Raw::Key(_) | Raw::Mouse(_) | Raw::FocusGained | Raw::FocusLost => None,
    }
}

fn translate_key(key: KeyEvent) -> Option<Key> {
    let code = match key.code {
        RawCode::Char(c) => KeyCode::Char(c),
        RawCode::Enter => KeyCode::Enter,
        RawCode::Esc => KeyCode::Esc,
        RawCode::Tab => KeyCode::Tab,
        RawCode::BackTab => KeyCode::BackTab,
        RawCode::Backspace => KeyCode::Backspace,
        RawCode::Delete => KeyCode::Delete,
        RawCode::Insert => KeyCode::Insert,
        RawCode::Up => KeyCode::Up,
        RawCode::Down => KeyCode::Down,
        RawCode::Left => KeyCode::Left,
        RawCode::Right => KeyCode::Right,
        RawCode::Home => KeyCode::Home,
        RawCode::End => KeyCode::End,
        RawCode::PageUp => KeyCode::PageUp,
        RawCode::PageDown => KeyCode::PageDown,
        RawCode::F(n) => KeyCode::F(n),
        _ => return None,
    };
    Some(Key {
        code,
        ctrl: key.modifiers.contains(KeyModifiers::CONTROL),
        alt: key.modifiers.contains(KeyModifiers::ALT),
    })
}
