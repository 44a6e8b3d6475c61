//! Chance in the simulated world. Owns one rule: a value depends on the seed, a key and a bucket of time, never on who asked first.
//!
//! A sequential generator would give answers that depend on the order of concurrent queries, and one generator per key costs a
//! key schedule for each of the points of a big world; a mixed hash does neither.

/// The source of all chance in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noise {
    seed: u64,
}

impl Noise {
    /// The noise of a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// 64 evenly spread bits for a key and a bucket.
    pub fn bits(self, key: &str, bucket: i64) -> u64 {
        mix(mix(self.seed ^ fingerprint(key)) ^ bucket.cast_unsigned())
    }

    /// A number from 0.0 up to, not including, 1.0.
    pub fn unit(self, key: &str, bucket: i64) -> f64 {
        (self.bits(key, bucket) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number between two bounds.
    pub fn between(self, key: &str, bucket: i64, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit(key, bucket)
    }

    /// A factor around 1: from `1 - spread` to `1 + spread`.
    pub fn factor(self, key: &str, bucket: i64, spread: f64) -> f64 {
        self.between(key, bucket, 1.0 - spread, 1.0 + spread)
    }

    /// A log-normal factor with median 1: most are near it, a few are far above, as latencies are.
    pub fn long_tail(self, key: &str, bucket: i64, sigma: f64) -> f64 {
        // Box and Muller: two even numbers make a normal one.
        let radius = (-2.0 * (1.0 - self.unit(key, bucket)).ln()).sqrt();
        let angle = std::f64::consts::TAU * self.unit(key, !bucket);
        (sigma * radius * angle.cos()).exp()
    }
}

/// FNV-1a: the same for every build, which the standard hasher does not promise.
pub fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The finaliser of SplitMix64.
fn mix(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_even_and_repeats() {
        let noise = Noise::new(7);
        let values: Vec<f64> = (0..10_000)
            .map(|bucket| noise.unit("key", bucket))
            .collect();
        let mean = values.iter().sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        assert!(values.iter().all(|value| (0.0..1.0).contains(value)));
        assert_eq!(noise.bits("key", 3), Noise::new(7).bits("key", 3));
        assert_ne!(noise.bits("key", 3), noise.bits("kez", 3));
        assert_ne!(noise.bits("key", 3), Noise::new(8).bits("key", 3));
    }

    #[test]
    fn the_long_tail_has_its_median_at_one() {
        let noise = Noise::new(1);
        let below = (0..10_000)
            .filter(|&b| noise.long_tail("k", b, 0.5) < 1.0)
            .count();
        assert!((4_800..5_200).contains(&below), "{below}");
    }
}
