//! The changes of the MemoryDB API. Owns the calls that send them; judges nothing itself.

pub mod live;
