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

/// In which form the screen is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Picture {
    /// A picture for browsers and documents.
    Svg,
    /// Text with the terminal's own colours, for `cat`.
    Ansi,
}

impl Picture {
    /// Every form.
    pub const ALL: &'static [Picture] = &[Picture::Svg, Picture::Ansi];

    /// Its name in `:export`, and the extension of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Ansi => "ansi",
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
    /// Write what is in front, or else a pane, to a new file.
    Export(Kind, Format),
    /// Draw the screen as it is into a new file.
    Picture(Picture),
    /// Show what is in front in the user's pager.
    Pager,
    /// Open the configuration in the user's editor, and check it afterwards.
    EditConfig,
    /// Tell somebody who looks elsewhere: the bell, and a notification where the terminal has them.
    Alert(String),
    /// Keep a typed line for the next session.
    Remember(String),
}
