//! The changes of the RDS API. Owns the calls that send them; judges nothing itself.

pub mod live;
