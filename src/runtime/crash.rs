//! What a panic does: the one that ends the console gives the terminal back first; the one of a part of it is kept for the end. Owns the reports; a console with a change in flight does not die of a poller.

use std::sync::{Mutex, PoisonError};

use super::{desk, terminal};

/// Reports of parts that failed while the console went on.
static KEPT: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Takes the report of a panic, from the panic's own thread: printed, or kept while the screen is in use and goes on.
pub fn report(report: impl Fn() -> String) {
    let ends = std::thread::current().name() == Some("main");
    if !ends && terminal::is_taken() {
        KEPT.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(report());
        return;
    }
    // The report must land on a terminal that is itself again.
    terminal::restore();
    say(&report());
    if let Some(words) = desk::last_words() {
        say(&words);
    }
}

/// How many reports are kept.
pub fn kept() -> usize {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).len()
}

/// Prints what was kept, when the console has left.
pub fn print_kept() {
    let reports = std::mem::take(&mut *KEPT.lock().unwrap_or_else(PoisonError::into_inner));
    for report in reports {
        say(&report);
    }
}

/// Prints on standard error, which may be gone with the terminal.
pub fn say(text: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{text}\n").as_bytes());
}

/// In debug builds F12 panics where `PILOTHOUSE_FAULT` says: in the `loop`, or in a `part`. Tests must see what a panic does, and nothing else can make one.
#[cfg(debug_assertions)]
#[allow(clippy::panic, clippy::missing_panics_doc)] // this is what it is for
pub fn fault(event: &crate::event::Event) {
    use crate::config::key::{Key, KeyCode};
    let key = Key::plain(KeyCode::F(12));
    if *event != (crate::event::Event::Key { key }) {
        return;
    }
    match std::env::var("PILOTHOUSE_FAULT").as_deref() {
        Ok("loop") => panic!("PILOTHOUSE_FAULT in the loop"),
        Ok("part") => {
            tokio::spawn(async { panic!("PILOTHOUSE_FAULT in a part") });
        }
        Ok(_) | Err(_) => {}
    }
}
