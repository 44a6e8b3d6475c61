//! Values that readers learn of a little later than they change. Owns eventual consistency; knows nothing of what the values mean.

use super::super::noise::Noise;

/// A value whose changes reach each reader after a delay of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Eventual<T> {
    value: T,
    before: T,
    changed: i64,
    window: f64,
}

impl<T: Clone> Eventual<T> {
    /// A value that has never changed; `window` is the longest delay in seconds.
    pub fn new(value: T, window: f64) -> Self {
        Self {
            before: value.clone(),
            value,
            changed: i64::MIN / 2,
            window,
        }
    }

    /// What is true.
    pub fn now(&self) -> &T {
        &self.value
    }

    /// Changes it.
    pub fn set(&mut self, value: T, t: i64) {
        self.before = std::mem::replace(&mut self.value, value);
        self.changed = t;
    }

    /// What a reader sees.
    pub fn seen(&self, noise: Noise, reader: &str, t: i64) -> &T {
        let delay = noise.between(reader, self.changed, 0.0, self.window);
        if ((t - self.changed) as f64) < delay {
            &self.before
        } else {
            &self.value
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_learn_of_a_change_one_after_the_other() {
        let mut value = Eventual::new(1, 10.0);
        value.set(2, 100);
        let seen = |t| {
            (0..50)
                .filter(|r| *value.seen(Noise::new(1), &format!("reader {r}"), t) == 2)
                .count()
        };
        assert!(seen(101) < 25);
        assert!(seen(105) > seen(101));
        assert_eq!(seen(110), 50);
        assert_eq!(*value.now(), 2);
    }
}
