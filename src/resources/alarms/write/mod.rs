//! The changes of CloudWatch alarms. Owns the calls that send them; judges nothing itself.

pub mod live;
