//! The signals that a console hears. Owns their numbers; decides nothing.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that a console hears.
pub(super) struct Signals {
    pub resized: Signal,
    pub hung_up: Signal,
    pub terminated: Signal,
    pub interrupted: Signal,
    pub quit: Signal,
    pub continued: Signal,
}

impl Signals {
    pub fn new() -> io::Result<Self> {
        // SIGCONT has no name in tokio; 18 everywhere but on the BSDs and macOS.
        let continued = if cfg!(any(target_vendor = "apple", target_os = "freebsd")) {
            19
        } else {
            18
        };
        Ok(Self {
            resized: signal(SignalKind::window_change())?,
            hung_up: signal(SignalKind::hangup())?,
            terminated: signal(SignalKind::terminate())?,
            interrupted: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            continued: signal(SignalKind::from_raw(continued))?,
        })
    }
}
