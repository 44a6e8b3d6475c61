//! What is kept of a session, and what is told at the bottom of the screen. Owns no decision.

use std::io;

use super::Loop;
use crate::{event::Event, state::Notice};

impl Loop {
    /// A recording that cannot be written is said once; the console goes on without it.
    pub(super) fn record(&mut self, event: &Event) {
        if let Some(recorder) = &mut self.recorder
            && let Err(error) = recorder.event(event)
        {
            self.recorder = None;
            self.state.notice = Some(Notice {
                text: format!("the recording ended: {error}"),
                failed: true,
            });
        }
    }

    pub(super) fn note(&mut self, outcome: Result<String, String>) -> io::Result<bool> {
        self.dirty = true;
        let failed = outcome.is_err();
        let text = outcome.unwrap_or_else(|error| error);
        self.apply(Event::Noted { text, failed })
    }
}
