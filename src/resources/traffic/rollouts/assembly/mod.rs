//! How objects of both tools become rows. Owns the relation of an Argo Rollout to its replica sets and pods; judges nothing.

pub mod live;
