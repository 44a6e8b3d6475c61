//! Which regions are held.
