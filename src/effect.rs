//! What `update` wants done. The runtime does it; its results come back as events. Owns no behaviour.

use crate::{
    arm::ArmToken,
    plan::entry::Entry,
    resources::{Change, Kind, Query},
};

/// In which form rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Aligned columns for people.
    Table,
    /// The documented JSON schema.
    Json,
    /// One line per row, header first.
    Csv,
    /// A Markdown table.
    Markdown,
}

impl Format {
    /// Every format.
    pub const ALL: &'static [Format] =
        &[Format::Table, Format::Json, Format::Csv, Format::Markdown];

    /// Its name on the command line, and the extension of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Markdown => "md",
        }
    }
}

/// Something that `update` wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the provider.
    Observe(Query),
    /// Take the locks of a run.
    Lock {
        /// The run.
        run: String,
        /// What is locked.
        targets: Vec<String>,
        /// Why, for whoever finds them taken.
        why: String,
    },
    /// Let the locks of a run go.
    Unlock {
        /// The run.
        run: String,
    },
    /// Write an entry into the journal and wait until it is on disk.
    Journal(Entry),
    /// Make a change. The token shows that its intention is on disk.
    Apply {
        /// The run.
        run: String,
        /// The step.
        step: usize,
        /// The change.
        change: Box<Change>,
        /// The right to make it.
        token: ArmToken,
    },
    /// Forget keys that were typed ahead.
    DropKeys,
    /// Leave.
    Quit,
    /// Restore the terminal and stop the process group.
    Suspend,
    /// Clear and draw everything again.
    Redraw,
    /// Tell how fast the way to the screen is.
    Link,
    /// Use this theme.
    Theme(String),
    /// Put a text on the clipboard of the terminal (OSC 52).
    Copy(String),
    /// Write what a pane shows to a new file.
    Export(Kind, Format),
}
