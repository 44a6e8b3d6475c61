//! Sparklines: a history in one line. Owns the honest picture: a gap where a point is missing, and a scale that begins at zero.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    resources::{age, metrics::Series},
    state::Charts,
};

/// The values of a series, one per period, oldest first, up to `slots` of them. The newest two periods are left out: they are not complete yet.
pub fn history(series: &Series, now: Timestamp, slots: usize) -> Vec<Option<f64>> {
    let period = u64::from(series.spec.period).max(1);
    let mut values = vec![None; slots];
    for point in &series.points {
        if point.at > now {
            continue;
        }
        let periods = age(point.at, now).as_secs() / period;
        let back = periods.checked_sub(2).map(|back| back as usize);
        if let Some(slot) = back.filter(|back| *back < slots) {
            values[slots - 1 - slot] = Some(point.value);
        }
    }
    let first = values.iter().position(Option::is_some).unwrap_or(slots);
    values.split_off(first)
}

/// How long a history of so many values is.
pub fn span(series: &Series, values: usize) -> Duration {
    Duration::from_secs(u64::from(series.spec.period) * values as u64)
}

/// The lowest and the highest value.
pub fn range(values: &[Option<f64>]) -> Option<(f64, f64)> {
    let known = || values.iter().flatten().copied().filter(|v| v.is_finite());
    let low = known().reduce(f64::min)?;
    Some((low, known().reduce(f64::max)?))
}

/// How many values fit in so many cells.
pub fn slots(width: u16, charts: Charts) -> usize {
    match charts {
        Charts::Braille => usize::from(width) * 2,
        Charts::Block | Charts::Ascii => usize::from(width),
    }
}

/// Draws values as text, one or two per cell, on a scale from zero (or the lowest, if that is below zero) to the highest.
pub fn line(values: &[Option<f64>], charts: Charts) -> String {
    let Some((low, high)) = range(values) else {
        return String::new();
    };
    let low = low.min(0.0);
    let level = |value: Option<f64>, levels: usize| {
        let value = value.filter(|v| v.is_finite())?;
        let part = if high > low {
            (value - low) / (high - low)
        } else {
            0.0
        };
        Some(((part * levels as f64).ceil() as usize).clamp(1, levels))
    };
    match charts {
        Charts::Braille => values
            .chunks(2)
            .map(|pair| {
                let left = level(pair[0], 4);
                let right = level(pair.get(1).copied().flatten(), 4);
                braille(left, right)
            })
            .collect(),
        Charts::Block => ramp(values.iter().map(|v| level(*v, 8)), "▁▂▃▄▅▆▇█"),
        Charts::Ascii => ramp(values.iter().map(|v| level(*v, 5)), ".:-=#"),
    }
}

fn ramp(levels: impl Iterator<Item = Option<usize>>, glyphs: &str) -> String {
    levels
        .map(|level| {
            level
                .and_then(|level| glyphs.chars().nth(level - 1))
                .unwrap_or(' ')
        })
        .collect()
}

/// One cell of two columns, each filled from below; a missing column stays empty.
fn braille(left: Option<usize>, right: Option<usize>) -> char {
    const LEFT: [u32; 4] = [0x40, 0x04, 0x02, 0x01];
    const RIGHT: [u32; 4] = [0x80, 0x20, 0x10, 0x08];
    let dots = |level: Option<usize>, column: [u32; 4]| -> u32 {
        column.iter().take(level.unwrap_or(0)).sum()
    };
    match dots(left, LEFT) + dots(right, RIGHT) {
        0 => ' ',
        dots => char::from_u32(0x2800 + dots).unwrap_or(' '),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::metrics::{Point, Quality, SeriesSpec, Stat};

    #[test]
    fn a_missing_point_is_a_gap() {
        let values = [Some(1.0), None, Some(4.0), Some(8.0)];
        assert_eq!(line(&values, Charts::Block), "▁ ▄█");
        assert_eq!(line(&values, Charts::Ascii), ". -#");
        assert_eq!(line(&values, Charts::Braille), "⡀⣼");
        assert_eq!(line(&[None, None], Charts::Block), "");
    }

    #[test]
    fn the_scale_begins_at_zero() {
        assert_eq!(line(&[Some(99.0), Some(100.0)], Charts::Block), "██");
        assert_eq!(line(&[Some(0.0), Some(0.0)], Charts::Block), "▁▁");
    }

    #[test]
    fn history_is_dated_not_counted() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let point = |age: i64, value| Point {
            at: Timestamp::from_second(1_000_000 - age).unwrap(),
            value,
        };
        let series = Series {
            spec: SeriesSpec::new("k".into(), "n", "m", &[], Stat::Sum),
            points: vec![point(60, 9.0), point(120, 4.0), point(240, 2.0)],
            quality: Quality::Complete,
        };
        assert_eq!(history(&series, now, 5), [Some(2.0), None, Some(4.0)]);
    }
}
