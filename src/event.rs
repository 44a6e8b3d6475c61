//! What can happen. A recording is the stream of these; a replay feeds it to `update` again. Owns no behaviour.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    arm::Written,
    config::key::Key,
    plan::entry::Entry,
    resources::{
        Answer, ProviderError, Query,
        change::{ApplyError, Receipt},
    },
};

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mouse {
    /// Its first button was pressed.
    Click,
    /// Its wheel was turned up.
    Up,
    /// Its wheel was turned down.
    Down,
}

/// Something happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Time passed; the only way in which time reaches the state.
    Tick {
        /// The time now.
        now: Timestamp,
    },
    /// A key was pressed.
    Key {
        /// Which.
        key: Key,
    },
    /// Text was pasted; it never confirms anything.
    Paste {
        /// The text.
        text: String,
    },
    /// The mouse was used, where it is captured; it never confirms anything.
    Mouse {
        /// What it did.
        did: Mouse,
        /// In which column.
        column: u16,
        /// In which row.
        row: u16,
    },
    /// The terminal has a new size.
    Resize {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// A query was answered, or failed.
    Observed {
        /// The query.
        query: Query,
        /// When the answer arrived.
        at: Timestamp,
        /// How long it took.
        took: Duration,
        /// The answer.
        result: Result<Answer, ProviderError>,
    },
    /// The process was stopped and continues: what is on screen is old.
    Continued,
    /// The way to the screen became slow, or fast again.
    Link {
        /// What it carries, while it is slow.
        bytes_per_second: Option<u64>,
    },
    /// The journal was read.
    JournalOpened {
        /// Its entries, oldest first.
        entries: Vec<Entry>,
        /// Why it cannot be used.
        problem: Option<String>,
    },
    /// An entry is on disk, or not.
    Journaled {
        /// The entry.
        entry: Box<Entry>,
        /// The proof, or why not.
        result: Result<Written, String>,
    },
    /// The locks of a run are ours, or not.
    Locked {
        /// The run.
        run: String,
        /// Who holds them otherwise.
        result: Result<(), String>,
    },
    /// A change was answered, or was not.
    Applied {
        /// The run.
        run: String,
        /// The step.
        step: usize,
        /// What came back.
        result: Result<Receipt, ApplyError>,
    },
    /// The session ends while the console may still have something in hand: the terminal is gone, or the process is asked to leave.
    Lost {
        /// How.
        why: String,
    },
    /// An effect brought something to read.
    Told {
        /// Its title.
        title: String,
        /// Its lines.
        lines: Vec<String>,
    },
    /// An effect that writes for the user (copy, export) ended.
    Noted {
        /// What to tell.
        text: String,
        /// Whether it failed.
        failed: bool,
    },
}

impl Event {
    /// Whether it is what a poll has brought: nobody waits for it.
    pub fn is_polled(&self) -> bool {
        matches!(self, Self::Observed { query, .. } if query.read == 0)
    }
}
