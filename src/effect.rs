//! What `update` wants done. The runtime does it; its results come back as events. Owns no behaviour.

use crate::resources::Query;

/// Something that `update` wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the provider.
    Observe(Query),
    /// Leave.
    Quit,
    /// Restore the terminal and stop the process group.
    Suspend,
    /// Clear and draw everything again.
    Redraw,
    /// Load this theme.
    Theme(String),
    /// Put a text on the clipboard of the terminal (OSC 52).
    Copy(String),
    /// Write a text to a new file with this extension.
    Export {
        /// `md`, `csv` or `json`.
        extension: &'static str,
        /// Name of the pane.
        name: &'static str,
        /// The text.
        text: String,
    },
    /// Ring the bell: a state change needs a human.
    Bell,
}
