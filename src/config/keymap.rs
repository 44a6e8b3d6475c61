//! Which key does what. Owns the binding table; the file format is read in `config`.

use std::collections::BTreeMap;

use super::key::Key;
use crate::command::{Command, Invocation};

/// Where a binding holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Wherever no narrower binding exists.
    Global,
    /// While a row's detail is shown.
    Detail,
    /// While a plan is looked at.
    Plan,
    /// While the run in hand is looked at.
    Run,
    /// While the runs of the journal are looked at.
    Runs,
    /// While a dialog without text input (help, legend, why, cost) is shown.
    Dialog,
}

/// Which key does what, by context.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keymap {
    /// Its name.
    pub name: String,
    bindings: BTreeMap<(Context, Key), Invocation>,
}

impl Keymap {
    /// Binds a key, in place of what it did before.
    pub fn bind(&mut self, context: Context, key: Key, invocation: Invocation) {
        self.bindings.insert((context, key), invocation);
    }

    /// Takes a binding away.
    pub fn unbind(&mut self, context: Context, key: Key) {
        self.bindings.remove(&(context, key));
    }

    /// What a key does in a context, or else everywhere.
    pub fn find(&self, context: Context, key: Key) -> Option<&Invocation> {
        self.bindings
            .get(&(context, key))
            .or_else(|| self.bindings.get(&(Context::Global, key)))
    }

    /// Every binding.
    pub fn iter(&self) -> impl Iterator<Item = (Context, Key, &Invocation)> {
        self.bindings
            .iter()
            .map(|((context, key), invocation)| (*context, *key, invocation))
    }

    /// The keys of a command in a context, shortest first, for help and hints.
    pub fn keys(&self, context: Context, command: Command) -> Vec<Key> {
        let bound = self.iter().filter(|(c, _, invocation)| {
            (*c == context || *c == Context::Global) && invocation.command == command
        });
        let mut keys: Vec<Key> = bound.map(|(_, key, _)| key).collect();
        keys.sort_by_key(|key| (key.to_string().len(), *key));
        keys
    }
}
