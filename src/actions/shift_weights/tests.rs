//! Shifts of every mechanism.
