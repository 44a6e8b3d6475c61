//! `--trace-perf`: how long updates and frames took, from key to paint, and what was sent. Owns the counting, which is cheap enough to be left on, and the text at the end.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use super::{link::Pace, terminal::Sent};

/// Counts of values by size: eight steps to each doubling, so that a percentile is at most an eighth too high.
#[derive(Debug, Clone)]
struct Histogram {
    counts: Vec<u32>,
    count: u64,
    most: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; 64 * 8],
            count: 0,
            most: 0,
        }
    }
}

impl Histogram {
    fn add(&mut self, value: u64) {
        if let Some(count) = self.counts.get_mut(step(value)) {
            *count += 1;
        }
        self.count += 1;
        self.most = self.most.max(value);
    }

    /// The value that so many percent do not exceed.
    fn percentile(&self, percent: f64) -> u64 {
        let wanted = (self.count as f64 * percent / 100.0).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted {
                return end(index).min(self.most);
            }
        }
        self.most
    }

    fn row(&self, name: &str, show: impl Fn(u64) -> String) -> String {
        let mut text = format!("{name:<18}{:>8}", self.count);
        for percent in [50.0, 90.0, 99.0, 100.0] {
            // Writing to a String cannot fail.
            let _ = write!(text, "{:>10}", show(self.percentile(percent)));
        }
        text + "\n"
    }
}

/// The step of a value.
fn step(value: u64) -> usize {
    if value < 8 {
        return value as usize;
    }
    let doubling = value.ilog2();
    ((doubling - 2) * 8) as usize + ((value >> (doubling - 3)) & 7) as usize
}

/// The last value of a step.
fn end(step: usize) -> u64 {
    if step < 8 {
        return step as u64;
    }
    let doubling = step / 8 + 2;
    let width = 1_u64 << (doubling - 3);
    (8 + (step % 8) as u64) * width + (width - 1)
}

/// What was measured.
#[derive(Debug)]
pub struct Perf {
    started: Instant,
    updates: Histogram,
    frames: Histogram,
    keys: Histogram,
    bytes: Histogram,
}

impl Perf {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            updates: Histogram::default(),
            frames: Histogram::default(),
            keys: Histogram::default(),
            bytes: Histogram::default(),
        }
    }

    /// An event was applied.
    pub fn update(&mut self, took: Duration) {
        self.updates.add(nanos(took));
    }

    /// A frame was drawn and sent; for a key, that had come in so long before.
    pub fn frame(&mut self, took: Duration, bytes: usize, key: Option<Duration>) {
        self.frames.add(nanos(took));
        if bytes > 0 {
            self.bytes.add(bytes as u64);
        }
        if let Some(key) = key {
            self.keys.add(nanos(key));
        }
    }

    /// The table that is printed when the console has left.
    pub fn report(&self, sent: Sent, pace: Option<Pace>) -> String {
        let seconds = self.started.elapsed().as_secs_f64();
        let mut text = format!(
            "{:<18}{:>8}{:>10}{:>10}{:>10}{:>10}\n",
            format!("perf of {seconds:.0} s"),
            "count",
            "p50",
            "p90",
            "p99",
            "most"
        );
        text += &self.updates.row("update", time);
        text += &self.frames.row("frame", time);
        text += &self.keys.row("key to paint", time);
        text += &self.bytes.row("bytes per frame", |bytes| bytes.to_string());
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "sent {} bytes in {} frames, {:.0} B/s",
            sent.bytes,
            sent.frames,
            sent.bytes as f64 / seconds.max(0.001)
        );
        let _ = match pace {
            Some(pace) => write!(text, "; link: {}", said(pace)),
            None => write!(
                text,
                "; the terminal does not say when it has shown a frame"
            ),
        };
        for (name, value) in memory() {
            let _ = write!(text, "; {name} {:.1} MB", value / 1024.0);
        }
        text.push('\n');
        text
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn time(nanos: u64) -> String {
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{} us", nanos / 1_000),
        1_000_000..10_000_000 => format!("{:.1} ms", nanos as f64 / 1e6),
        _ => format!("{} ms", nanos / 1_000_000),
    }
}

/// The way to the screen in words.
pub fn said(pace: Pace) -> String {
    let delay = pace.delay.as_millis().max(1);
    match pace.rate {
        Some(rate) if pace.slow() => format!("{}, {delay} ms there and back", bits(rate)),
        Some(rate) => format!("{} or more, {delay} ms there and back", bits(rate)),
        None => format!("{delay} ms there and back"),
    }
}

/// A speed in the unit of lines.
pub fn bits(bytes_per_second: f64) -> String {
    match bytes_per_second * 10.0 {
        // A serial line sends ten bits for a byte, and nobody cares elsewhere.
        bits if bits < 1e6 => format!("{:.1} kbit/s", bits / 1e3),
        bits => format!("{:.0} Mbit/s", bits / 1e6),
    }
}

/// Peak and present memory in kB, where the system tells it.
fn memory() -> Vec<(&'static str, f64)> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    [("memory", "VmRSS:"), ("at most", "VmHWM:")]
        .into_iter()
        .filter_map(|(said, name)| Some((said, field(name)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_an_eighth() {
        let mut values = Histogram::default();
        (1..=1_000).for_each(|value| values.add(value * 1_000));
        for (percent, exact) in [(50.0, 500_000), (99.0, 990_000), (100.0, 1_000_000)] {
            let found = values.percentile(percent);
            assert!(
                found >= exact && found <= exact + exact / 8,
                "{percent}: {found}"
            );
        }
        assert_eq!(Histogram::default().percentile(99.0), 0);
    }

    #[test]
    fn every_value_lies_in_its_step() {
        for value in (0..200).chain([1 << 40, u64::MAX / 2, u64::MAX]) {
            let at = step(value);
            assert!(
                end(at) >= value && (at == 0 || end(at - 1) < value),
                "{value}"
            );
        }
    }
}
