//! The changes of the ElastiCache API. Owns the calls that send them; judges nothing itself.

pub mod live;
