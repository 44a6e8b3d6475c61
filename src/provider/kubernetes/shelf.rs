//! The copy of one kind of one cluster. Owns its items, when the server was last heard and what went wrong since; a failure never takes an item away.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use super::fault::Fault;
use crate::resources::ProviderError;

/// Identity within a kind: namespace and name.
pub type Key = (String, String);

/// What is known of one kind.
#[derive(Debug)]
pub struct Shelf<T>(Mutex<Seen<T>>);

/// The contents of a shelf.
#[derive(Debug)]
pub struct Seen<T> {
    /// The items.
    pub items: HashMap<Key, T>,
    /// Whether the list was ever read to its end.
    pub complete: bool,
    /// When the server last said anything about this kind.
    pub heard_at: Option<Timestamp>,
    /// Why nothing is heard; `None` while all is well.
    pub fault: Option<ProviderError>,
    /// The list that was read: which version of its API the cluster serves. `None` before it was, and where the cluster has no such kind.
    pub path: Option<&'static str>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(Mutex::new(Seen {
            items: HashMap::new(),
            complete: false,
            heard_at: None,
            fault: None,
            path: None,
        }))
    }
}

impl<T> Shelf<T> {
    /// The contents as they are now; nothing changes while they are looked at.
    pub fn seen(&self) -> MutexGuard<'_, Seen<T>> {
        // A writer that panicked leaves items behind that are as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the list was read, or could not be.
    pub fn tried(&self) -> bool {
        let seen = self.seen();
        seen.complete || seen.fault.is_some()
    }

    /// A whole list takes the place of what was known.
    pub(super) fn replace(&self, items: HashMap<Key, T>, path: &'static str) {
        let mut seen = self.seen();
        seen.items = items;
        seen.path = Some(path);
        seen.complete = true;
        seen.heard();
    }

    /// The cluster has no such kind: there is nothing of it, and that is known.
    pub(super) fn absent(&self) {
        let mut seen = self.seen();
        seen.items.clear();
        seen.path = None;
        seen.complete = true;
        seen.heard();
    }

    /// The list that was read last.
    pub fn path(&self) -> Option<&'static str> {
        self.seen().path
    }

    /// One item as it is now; `None` when it is gone, or of no interest any more.
    pub(super) fn put(&self, key: Key, item: Option<T>) {
        let mut seen = self.seen();
        match item {
            Some(item) => seen.items.insert(key, item),
            None => seen.items.remove(&key),
        };
        seen.heard();
    }

    /// The server is there, and has nothing new.
    pub(super) fn heard(&self) {
        self.seen().heard();
    }

    /// Nothing is heard.
    pub(super) fn failed(&self, fault: &Fault) {
        self.seen().fault = Some(fault.error.clone());
    }
}

impl<T> Seen<T> {
    fn heard(&mut self) {
        self.heard_at = Some(Timestamp::now());
        self.fault = None;
    }
}
