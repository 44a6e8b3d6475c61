//! Keys from the terminal, read in a thread of its own. Owns the watch for a terminal that vanishes, with or without a signal.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::mpsc::UnboundedSender;

use super::{
    keys::{Keys, Typed},
    terminal,
    tty::Tty,
};
use crate::{
    config::key::{Key, KeyCode},
    event::Event,
};

/// What the input thread tells.
#[derive(Debug)]
pub enum Input {
    /// Something was typed or pasted, and had arrived at this time.
    Event(Box<Event>, Instant),
    /// The terminal has shown a frame, and said so at this time.
    Shown(Instant),
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

/// A sequence that was torn on its way is whole within this time; an Esc is only an Esc after it.
const TORN: Duration = Duration::from_millis(25);

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

/// Starts reading keys, and a watchdog that ends the process when the terminal has been gone for a second and nothing else did.
pub fn start(tty: Arc<Tty>, sender: UnboundedSender<Input>) -> io::Result<Watchdog> {
    let patience = Arc::new(AtomicU32::new(GONE));
    let watchdog = Watchdog(Arc::clone(&patience));
    let thread = |name: &str| {
        // What they do fits into a page.
        std::thread::Builder::new()
            .name(name.to_owned())
            .stack_size(128 * 1024)
    };
    let watched = Arc::clone(&tty);
    thread("input").spawn(move || {
        read(&tty, &sender);
        // The loop may be gone already; then there is nobody to tell.
        let _ = sender.send(Input::HangUp);
    })?;
    thread("watchdog").spawn(move || {
        let mut gone = 0;
        loop {
            std::thread::sleep(WATCH);
            gone = if wait(&watched, Some(Duration::ZERO)) == Wait::Gone {
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

/// Waits for the terminal, so long or for ever.
fn wait(tty: &Tty, timeout: Option<Duration>) -> Wait {
    let keys = tty.keys();
    let mut fds = [PollFd::new(&keys, PollFlags::IN)];
    let timeout = timeout.map(|timeout| Timespec {
        tv_sec: timeout.as_secs().cast_signed(),
        tv_nsec: i64::from(timeout.subsec_nanos()),
    });
    match poll(&mut fds, timeout.as_ref()) {
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

/// Reads what is typed, until there will be no more or nobody listens.
fn read(tty: &Tty, sender: &UnboundedSender<Input>) {
    let mut keys = Keys::default();
    let mut buffer = [0; 4096];
    let mut hurry = false;
    loop {
        let typed = match wait(tty, hurry.then_some(TORN)) {
            Wait::Gone => return,
            Wait::Nothing if hurry => {
                hurry = false;
                keys.pause()
            }
            Wait::Nothing => continue,
            Wait::Ready => {
                // Whatever is read now had arrived by now.
                let count = match rustix::io::read(tty.keys(), &mut buffer) {
                    Ok(0) => return,
                    Ok(count) => count,
                    Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
                    Err(_) => return,
                };
                let typed = keys.take(&buffer[..count]);
                hurry = keys.torn();
                typed
            }
        };
        let at = Instant::now();
        for typed in typed {
            let input = match typed {
                Typed::Key(key) => Input::Event(Box::new(Event::Key { key }), at),
                Typed::Paste(text) => Input::Event(Box::new(Event::Paste { text }), at),
                Typed::Shown => {
                    terminal::shown();
                    Input::Shown(at)
                }
            };
            if sender.send(input).is_err() {
                return;
            }
        }
    }
}
