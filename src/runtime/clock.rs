//! The time that events carry: the wall clock for live accounts, a faster or slower one for the simulator. The only place of the console that reads a clock.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// A clock that started at a time and runs at a speed.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Timestamp,
    started: Instant,
    speed: f64,
}

impl Clock {
    /// The wall clock. It follows the monotonic clock from its start on, so that a step of the system time makes nothing old.
    pub fn wall() -> Self {
        Self {
            origin: Timestamp::now(),
            started: Instant::now(),
            speed: 1.0,
        }
    }

    /// A clock for the simulator, `speed` times as fast as the wall clock.
    pub fn simulated(origin: Timestamp, speed: f64) -> Self {
        Self {
            origin,
            started: Instant::now(),
            speed,
        }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.origin
            .saturating_add(self.elapsed())
            .unwrap_or(self.origin)
    }

    /// How much faster than the wall clock it runs.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed().mul_f64(self.speed)
    }
}

impl crate::sim::Clock for Clock {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }

    fn speed(&self) -> f64 {
        self.speed
    }
}
