//! How the console ends: at once, or when a change in flight has its outcome. Owns the terminal's last state and the last entries of the journal; sends nothing new.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use tokio::sync::mpsc::UnboundedReceiver;

use super::{Loop, signals::Signals};
use crate::{
    event::Event,
    runtime::{LAST_CHANGE, terminal},
    state::{State, in_flight},
};

/// How long the last entries may take to the disk.
const LAST_ENTRIES: Duration = Duration::from_secs(1);

impl Loop {
    /// Leaves at once. A run in hand is interrupted, and the journal says so.
    pub(super) async fn leave(mut self, why: &str) -> io::Result<State> {
        self.take_in();
        // The terminal may be gone; what is written is written without it.
        self.apply(Event::Lost {
            why: why.to_owned(),
        });
        self.settle().await;
        Ok(self.state)
    }

    /// Brings a change in flight to its outcome, without a screen, and leaves. A second wish to leave is heard.
    pub(super) async fn finish(
        mut self,
        why: &'static str,
        answered: &mut UnboundedReceiver<Event>,
        mut signals: Signals,
    ) -> io::Result<State> {
        self.take_in();
        if in_flight(&self.state) {
            self.watchdog.wait(LAST_CHANGE + LAST_ENTRIES * 5);
            terminal::restore();
            // Nobody may be there to read it.
            let _ = writeln!(
                io::stderr(),
                "pilothouse: {why}; the change in flight is brought to its outcome (30 s at most)"
            );
        }
        self.apply(Event::Lost {
            why: why.to_owned(),
        });
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        let mut over = std::pin::pin!(tokio::time::sleep(LAST_CHANGE));
        while in_flight(&self.state) {
            let event = tokio::select! {
                () = &mut over => break,
                _ = signals.terminated.recv() => break,
                _ = signals.interrupted.recv() => break,
                _ = ticks.tick() => self.clock.map(|clock| Event::Tick { now: clock.now() }),
                event = answered.recv() => event,
            };
            if let Some(event) = event {
                self.apply(event);
            }
        }
        self.settle().await;
        Ok(self.state)
    }

    async fn settle(&self) {
        if let Some(carrier) = &self.carrier {
            carrier.settle(LAST_ENTRIES).await;
        }
        terminal::restore();
        if let Some(perf) = &self.perf {
            let report = perf.report(self.screen.sent, self.screen.pace());
            // Nobody may be there to read it.
            let _ = io::stderr().write_all(report.as_bytes());
        }
    }
}
