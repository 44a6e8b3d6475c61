//! What the polls of a place remember for the next ones, so that what hardly changes is not asked again each time. Owns for how long it holds; asks nothing.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use tokio::time::Instant;

use super::{dimensions::Catalogue, kubernetes::Watches, prometheus::Kept};
use crate::resources::{
    metrics::Series,
    pipelines,
    traffic::{elastic_load_balancing::TargetHealth, route53::zone::live::ZoneCache},
};

/// How long into a poll a further thing may still be read: its deadline (30 s) less the longest call but for the rarest.
pub const READING: Duration = Duration::from_secs(24);

/// For how long a thing that proved to be of no interest is not looked at again.
const DULL_FOR: Duration = Duration::from_secs(600);

/// The memory of one place. It outlives polls, also those that fail.
#[derive(Debug, Default)]
pub struct Memory {
    /// Dimension sets that are known to be published.
    pub catalogue: Catalogue,
    /// The hosted zones of the account.
    pub zones: ZoneCache,
    /// Tables, by whether they are global.
    pub tables: LastRead<bool>,
    /// Lambda functions, by whether an alias of theirs splits traffic.
    pub functions: LastRead<bool>,
    /// Health by ARN of the target group.
    pub target_health: LastRead<TargetHealth>,
    /// Node groups, by when they were described.
    pub node_groups: LastRead<()>,
    /// Pipelines, as they were last read.
    pub pipelines: pipelines::kept::live::Kept,
    /// The clusters that are watched.
    pub watches: Watches,
    /// The way to the Prometheus of the place.
    pub prometheus: Kept,
    /// What it told about services when it last did.
    pub services: Mutex<Option<Vec<Series>>>,
    /// Dialects of its series, by whether they are spoken.
    pub dialects: LastRead<bool>,
}

/// What was last read of each of many things that an API gives one by one only.
#[derive(Debug)]
pub struct LastRead<V>(Mutex<BTreeMap<String, (Instant, V)>>);

impl<V> Default for LastRead<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V: Copy> LastRead<V> {
    /// Remembers what was read just now.
    pub fn learn(&self, name: &str, value: V) {
        self.with(|read| read.insert(name.to_owned(), (Instant::now(), value)));
    }

    /// What was read, if that is no longer ago than this.
    pub fn recent(&self, name: &str, within: Duration) -> Option<V> {
        self.with(|read| {
            let (at, value) = read.get(name)?;
            (at.elapsed() <= within).then_some(*value)
        })?
    }

    /// In which order to read: what was never read, then what was read longest ago. Forgets everything else.
    pub fn in_turn(&self, mut names: Vec<String>) -> Vec<String> {
        names.sort();
        self.with(|read| {
            read.retain(|name, _| names.binary_search(name).is_ok());
            names.sort_by_key(|name| read.get(name).map(|(at, _)| *at));
        });
        names
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<String, (Instant, V)>) -> T) -> Option<T> {
        self.0.lock().ok().map(|mut read| act(&mut read))
    }
}

impl LastRead<bool> {
    /// What to look at now: what is known to matter, then what was never looked at, then what did not matter ten minutes ago.
    pub fn due(&self, names: Vec<String>) -> Vec<String> {
        let mut due = self.in_turn(names);
        due.retain(|name| self.recent(name, DULL_FOR) != Some(false));
        due.sort_by_key(|name| self.matters(name) != Some(true));
        due
    }

    /// Whether it matters, as far as is known.
    pub fn matters(&self, name: &str) -> Option<bool> {
        self.recent(name, Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_matters_comes_first_and_the_dull_is_left_for_ten_minutes() {
        let read = LastRead::default();
        read.learn("dull", false);
        read.learn("matters", true);
        let all = || names(&["dull", "matters", "new"]);
        assert_eq!(read.due(all()), ["matters", "new"]);
        tokio::time::advance(DULL_FOR).await;
        assert_eq!(read.due(all()), ["matters", "new"]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(read.due(all()), ["matters", "new", "dull"]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_unread_comes_first_and_what_is_gone_is_forgotten() {
        let read = LastRead::default();
        for name in ["b", "a"] {
            read.learn(name, 1_u8);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(read.in_turn(names(&["a", "b", "c"])), ["c", "b", "a"]);
        assert_eq!(read.in_turn(names(&["a"])), ["a"]);
        assert_eq!(read.recent("b", Duration::MAX), None);
        assert_eq!(read.recent("a", Duration::from_secs(1)), Some(1));
        assert_eq!(read.recent("a", Duration::ZERO), None);
    }
}
