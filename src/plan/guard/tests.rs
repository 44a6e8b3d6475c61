//! Tests of the guards, each verdict that matters.
