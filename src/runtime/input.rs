//! Keys from the terminal, read in a thread of its own. Owns the watch for a terminal that vanishes: crossterm's own loop spins at 100 % of a core there.

use std::{io, time::Duration};

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
    /// Something was typed or pasted.
    Event(Event),
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
    matches!(input, Input::Event(Event::Key { key }) if *key == interrupt)
}

/// How long crossterm is asked for what is left; with no time at all its event source does not even look.
const LOOK: Duration = Duration::from_millis(1);

/// How often the watchdog looks.
const WATCH: Duration = Duration::from_secs(1);

/// Starts reading keys, and a watchdog that ends the process when the terminal has been gone for a second and nothing else did.
pub fn start(sender: UnboundedSender<Input>) -> io::Result<()> {
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            while read(&sender) {}
            // The loop may be gone already; then there is nobody to tell.
            let _ = sender.send(Input::HangUp);
        })?;
    std::thread::Builder::new()
        .name("watchdog".to_owned())
        .spawn(|| {
            let mut gone = 0;
            loop {
                std::thread::sleep(WATCH);
                gone = if wait(Duration::ZERO) == Wait::Gone {
                    gone + 1
                } else {
                    0
                };
                if gone == 2 {
                    std::process::exit(129); // as if SIGHUP had ended it
                }
            }
        })?;
    Ok(())
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
    loop {
        match event::poll(LOOK) {
            Ok(true) => {}
            Ok(false) => return true,
            Err(_) => return false,
        }
        let Ok(raw) = event::read() else { return false };
        if let Some(event) = translate(raw)
            && sender.send(Input::Event(event)).is_err()
        {
            return false;
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
