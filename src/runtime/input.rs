//! Keys from the terminal, read in a thread of its own. Owns the watch for a terminal that vanishes, with or without a signal.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
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

/// Whether the input thread reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listening {
    /// It does.
    On,
    /// It shall stop.
    Asked,
    /// It does not.
    Off,
}

/// How long the input thread may take to let go of the terminal.
const LETTING_GO: Duration = Duration::from_secs(2);

/// The ears of the console: closed while another program has the terminal, so that every key reaches that.
pub struct Ears {
    wish: UnixStream,
    listening: Arc<(Mutex<Listening>, Condvar)>,
}

impl Ears {
    /// Returns when no key is read any more.
    pub fn close(&mut self) -> io::Result<()> {
        let (listening, changed) = &*self.listening;
        let mut now = listening.lock().unwrap_or_else(PoisonError::into_inner);
        *now = Listening::Asked;
        self.wish.write_all(&[0])?;
        let (now, waited) = changed
            .wait_timeout_while(now, LETTING_GO, |now| *now == Listening::Asked)
            .unwrap_or_else(PoisonError::into_inner);
        drop(now);
        if waited.timed_out() {
            self.open();
            return Err(io::Error::other("the terminal is still being read"));
        }
        Ok(())
    }

    /// Lets keys be read again.
    pub fn open(&self) {
        let (listening, changed) = &*self.listening;
        *listening.lock().unwrap_or_else(PoisonError::into_inner) = Listening::On;
        changed.notify_all();
    }
}

/// The other end of the ears, in the input thread.
struct Drum {
    wish: UnixStream,
    listening: Arc<(Mutex<Listening>, Condvar)>,
}

impl Drum {
    /// Where it was asked to stop: waits until it may go on. Tells whether it did.
    fn rest(&mut self) -> bool {
        let mut bytes = [0; 16];
        // It does not block: an error says that nothing is there.
        while self.wish.read(&mut bytes).is_ok_and(|count| count > 0) {}
        let (listening, changed) = &*self.listening;
        let mut now = listening.lock().unwrap_or_else(PoisonError::into_inner);
        if *now == Listening::On {
            return false;
        }
        *now = Listening::Off;
        changed.notify_all();
        drop(changed.wait_while(now, |now| *now != Listening::On));
        true
    }
}

/// Both ends.
fn ears() -> io::Result<(Ears, Drum)> {
    let (wish, wished) = UnixStream::pair()?;
    wished.set_nonblocking(true)?;
    let listening = Arc::new((Mutex::new(Listening::On), Condvar::new()));
    let ears = Ears {
        wish,
        listening: Arc::clone(&listening),
    };
    let drum = Drum {
        wish: wished,
        listening,
    };
    Ok((ears, drum))
}

/// Starts reading keys, and a watchdog that ends the process when the terminal has been gone for a second and nothing else did.
pub fn start(tty: Arc<Tty>, sender: UnboundedSender<Input>) -> io::Result<(Watchdog, Ears)> {
    let patience = Arc::new(AtomicU32::new(GONE));
    let watchdog = Watchdog(Arc::clone(&patience));
    let (ears, mut drum) = ears()?;
    let thread = |name: &str| {
        // What they do fits into a page.
        std::thread::Builder::new()
            .name(name.to_owned())
            .stack_size(128 * 1024)
    };
    let watched = Arc::clone(&tty);
    thread("input").spawn(move || {
        read(&tty, &sender, &mut drum);
        // The loop may be gone already; then there is nobody to tell.
        let _ = sender.send(Input::HangUp);
    })?;
    thread("watchdog").spawn(move || {
        let mut gone = 0;
        loop {
            std::thread::sleep(WATCH);
            gone = if wait(&watched, Some(Duration::ZERO), None) == Wait::Gone {
                gone + 1
            } else {
                0
            };
            if gone >= patience.load(Ordering::Relaxed) {
                std::process::exit(129); // as if SIGHUP had ended it
            }
        }
    })?;
    Ok((watchdog, ears))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Ready,
    Nothing,
    Gone,
}

/// Waits for the terminal, so long or for ever.
fn wait(tty: &Tty, timeout: Option<Duration>, wish: Option<&UnixStream>) -> Wait {
    let keys = tty.keys();
    let mut fds = vec![PollFd::new(&keys, PollFlags::IN)];
    // A wish ends the wait, too.
    fds.extend(wish.map(|wish| PollFd::new(wish, PollFlags::IN)));
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
        Ok(_) if fds[0].revents().is_empty() => Wait::Nothing,
        Ok(_) => Wait::Ready,
        Err(_) => Wait::Gone,
    }
}

/// Reads what is typed, until there will be no more or nobody listens.
fn read(tty: &Tty, sender: &UnboundedSender<Input>, drum: &mut Drum) {
    let mut keys = Keys::default();
    let mut buffer = [0; 4096];
    let mut hurry = false;
    loop {
        let waited = wait(tty, hurry.then_some(TORN), Some(&drum.wish));
        if drum.rest() {
            // What came meanwhile was for another program.
            (keys, hurry) = (Keys::default(), false);
            continue;
        }
        let typed = match waited {
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
                Typed::Mouse(did, column, row) => {
                    Input::Event(Box::new(Event::Mouse { did, column, row }), at)
                }
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
