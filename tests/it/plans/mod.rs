//! The invariants I1 to I8 as properties: random worlds, plans, faults, drift, crashes and keys.
//!
//! More cases by `PILOTHOUSE_CASES` (for each of the four shards), other ones by `PILOTHOUSE_SEED`; a failure prints its seed and its smallest case.

mod blind;
mod cases;
mod console;
mod imagined;
mod locks;
mod quiet;
mod truth;

pub use self::cases::env;
