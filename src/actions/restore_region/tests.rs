//! Restores after drains of simulated fleets.
