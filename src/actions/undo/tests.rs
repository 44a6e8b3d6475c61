//! Undoing runs, as the journal tells them.
