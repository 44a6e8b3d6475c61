//! The changes of EKS node groups. Owns the call that sends them; judges nothing itself.

pub mod live;
