//! Drains of simulated and hand-made fleets.
