//! Kubernetes clusters: how they are reached, and the watches that keep a small copy of what they say. Owns connections, credentials and stores; translates nothing into rows.
//!
//! The loop of list and watch is our own, on kube's client: kube's `watcher` swallows bookmarks, by which a quiet cluster is known to be alive,
//! and resumes for ever from a version that the server answers with HTTP 410.

pub mod access;
mod aws_token;
mod cluster;
pub mod custom;
mod fault;
pub mod kept;
pub mod logs;
pub mod objects;
pub mod once;
mod plugin;
mod shelf;
mod watch;
mod watches;

pub use self::{
    cluster::Cluster,
    fault::Fault,
    shelf::{Key, Seen, Shelf},
    watch::{Watched, fresh},
    watches::Watches,
};
