//! How this kind behaves in the simulated world.
