//! How often each API may be asked: one token bucket per access, API and AWS Region (domain A.9). Owns the pace and how it gives way to throttling; must never drop a call.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::resources::{Api, estate::Access};

/// The rate never falls below this share of its ceiling, so that a throttled API is still looked at.
const FLOOR: f64 = 1.0 / 16.0;
/// The share of the ceiling that each good answer gives back.
const RECOVERY: f64 = 1.0 / 20.0;

/// One bucket. A burst may use what a quiet time has saved.
#[derive(Debug)]
struct Bucket {
    /// Calls per second, undisturbed.
    ceiling: f64,
    /// Calls that can be saved.
    burst: f64,
    /// Calls per second now.
    rate: f64,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn new(api: Api, now: Instant) -> Self {
        let ceiling = api.budget_per_second();
        // Route 53 is throttled at 5/s for the whole account, so even its burst stays small.
        let burst = if api == Api::Route53 { 2.0 } else { 20.0 };
        Self {
            ceiling,
            burst,
            rate: ceiling,
            tokens: burst,
            filled: now,
        }
    }

    /// Takes a token, or says how long to wait for one.
    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate).min(self.burst);
        self.filled = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let wait = Duration::from_secs_f64((1.0 - self.tokens) / self.rate);
        // Timers have a resolution of a millisecond; less would spin.
        Err(wait.max(Duration::from_millis(1)))
    }

    fn throttled(&mut self) {
        self.rate = (self.rate / 2.0).max(self.ceiling * FLOOR);
        self.tokens = self.tokens.min(0.0);
    }

    fn answered(&mut self) {
        self.rate = (self.rate + self.ceiling * RECOVERY).min(self.ceiling);
    }
}

/// The buckets of everything that is asked.
#[derive(Debug, Default)]
pub struct Budgets {
    buckets: Mutex<BTreeMap<(Access, String, Api), Bucket>>,
}

/// The buckets of one access in one AWS Region.
#[derive(Debug, Clone)]
pub struct Budget {
    budgets: Arc<Budgets>,
    access: Access,
    region: String,
}

impl Budget {
    /// The budget of an access in a region.
    pub fn new(budgets: Arc<Budgets>, access: Access, region: String) -> Self {
        Self {
            budgets,
            access,
            region,
        }
    }

    /// Waits until the API may be called. A wait that is dropped costs nothing.
    pub async fn turn(&self, api: Api) {
        while let Some(Err(wait)) = self.with(api, |bucket| bucket.take(Instant::now())) {
            sleep(wait).await;
        }
    }

    /// Halves the rate after a throttled call, and gives a little back after any other.
    pub fn settle(&self, api: Api, throttled: bool) {
        self.with(api, |bucket| {
            if throttled {
                bucket.throttled();
            } else {
                bucket.answered();
            }
        });
    }

    fn with<T>(&self, api: Api, act: impl FnOnce(&mut Bucket) -> T) -> Option<T> {
        let mut buckets = self.budgets.buckets.lock().ok()?;
        let key = (self.access.clone(), self.region.clone(), api);
        let bucket = buckets
            .entry(key)
            .or_insert_with(|| Bucket::new(api, Instant::now()));
        Some(act(bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(region: &str, budgets: &Arc<Budgets>) -> Budget {
        Budget::new(Arc::clone(budgets), Access::default(), region.to_owned())
    }

    async fn turns(budget: &Budget, api: Api, count: u32) -> Duration {
        let started = Instant::now();
        for _ in 0..count {
            budget.turn(api).await;
        }
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_free_and_then_the_rate_holds() {
        let budget = budget("us-east-1", &Arc::default());
        assert_eq!(turns(&budget, Api::Route53, 2).await, Duration::ZERO);
        let paced = turns(&budget, Api::Route53, 10).await;
        assert_eq!(paced.as_secs(), 10, "{paced:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn regions_and_apis_do_not_share() {
        let budgets = Arc::default();
        turns(&budget("us-east-1", &budgets), Api::Rds, 20).await;
        let elsewhere = budget("eu-west-1", &budgets);
        assert_eq!(turns(&elsewhere, Api::Rds, 20).await, Duration::ZERO);
        let other = turns(&budget("us-east-1", &budgets), Api::Eks, 20).await;
        assert_eq!(other, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_halves_the_rate_and_answers_bring_it_back() {
        let budget = budget("us-east-1", &Arc::default());
        turns(&budget, Api::Rds, 20).await;
        budget.settle(Api::Rds, true);
        let slow = turns(&budget, Api::Rds, 10).await;
        assert_eq!(slow.as_secs(), 10, "2/s became 1/s: {slow:?}");
        for _ in 0..10 {
            budget.settle(Api::Rds, false);
        }
        let normal = turns(&budget, Api::Rds, 10).await;
        assert_eq!(normal.as_secs(), 5, "{normal:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_wait_costs_nothing() {
        let budget = budget("us-east-1", &Arc::default());
        turns(&budget, Api::Route53, 2).await;
        for _ in 0..50 {
            let soon = Duration::from_millis(1);
            assert!(
                tokio::time::timeout(soon, budget.turn(Api::Route53))
                    .await
                    .is_err()
            );
        }
        assert!(turns(&budget, Api::Route53, 1).await <= Duration::from_secs(1));
    }
}
