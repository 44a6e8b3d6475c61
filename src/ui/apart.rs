//! Names of one column made short together, so that two that differ still differ. Pure; owns what stands for the part that goes.

use std::collections::{BTreeMap, BTreeSet};

use unicode_segmentation::UnicodeSegmentation;

use super::text::{shorten, width};

/// What stands between the words of a name.
const BETWEEN: [&str; 6] = ["-", "_", ".", "/", ":", " "];

/// Each name in at most `max` cells. Two names are shown alike only if they are alike: where the usual form would hide what tells them apart, that part is kept
/// (`prod…-a1-blue`), and where it has no room a short sign of the whole name stands behind (`prod…·k3`).
pub fn apart(names: &[&str], max: usize, ascii: bool) -> Vec<String> {
    let mut short: BTreeMap<&str, String> = names
        .iter()
        .map(|name| (*name, shorten(name, max, ascii).into_owned()))
        .collect();
    for alike in collisions(&short) {
        let kept = difference_kept(&alike, max, ascii);
        short.extend(alike.into_iter().zip(kept));
    }
    // What was mended may look like something else now.
    for length in 2..=8 {
        for alike in collisions(&short) {
            let signed = |name: &&str| signed(name, max, length, ascii);
            let signed: Vec<String> = alike.iter().map(signed).collect();
            short.extend(alike.into_iter().zip(signed));
        }
    }
    let of = |name: &&str| short.get(name).cloned().unwrap_or_default();
    names.iter().map(of).collect()
}

/// Groups of names that are shown alike.
fn collisions<'a>(short: &BTreeMap<&'a str, String>) -> Vec<Vec<&'a str>> {
    let mut shown: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
    for (name, text) in short {
        shown.entry(text).or_default().push(name);
    }
    shown
        .into_values()
        .filter(|names| names.len() > 1)
        .collect()
}

/// The names with what they have in common at both ends cut as far as needed. Those that do not fit that way stay as they were cut.
fn difference_kept(names: &[&str], max: usize, ascii: bool) -> Vec<String> {
    let split: Vec<Vec<&str>> = names
        .iter()
        .map(|name| name.graphemes(true).collect())
        .collect();
    let least = split.iter().map(Vec::len).min().unwrap_or(0);
    let common = |from_end: bool, most: usize| {
        let at = |parts: &[&str], index: usize| {
            let index = if from_end {
                parts.len() - 1 - index
            } else {
                index
            };
            parts.get(index).map(|part| (*part).to_owned())
        };
        let alike = |index: &usize| {
            let mut parts = split.iter().map(|parts| at(parts, *index));
            let first = parts.next();
            parts.all(|part| Some(part) == first)
        };
        (0..most).take_while(alike).count()
    };
    let head = common(false, least);
    let tail = common(true, least - head);
    let dots = if ascii { ".." } else { "…" };
    // The word that the difference stands in is easier to know again than the difference alone.
    let word = split.first().map_or(0, |parts| {
        let before = parts[..head].iter().rev();
        before.take_while(|part| !BETWEEN.contains(*part)).count()
    });
    let one = |parts: &Vec<&str>| {
        let from = |start: usize| {
            let (before, middle) = (&parts[..start], &parts[start..parts.len() - tail]);
            let (before, middle) = (before.concat(), middle.concat());
            let behind = parts[parts.len() - tail..].concat();
            let room = max.checked_sub(width(&middle) + 2 * width(dots))?;
            let behind = end(&behind, room / 3, dots);
            let room = max - width(&middle) - width(&behind);
            Some(format!(
                "{}{middle}{behind}",
                beginning(&before, room, dots)
            ))
        };
        let short = from(head - word).or_else(|| from(head));
        short.unwrap_or_else(|| shorten(&parts.concat(), max, ascii).into_owned())
    };
    split.iter().map(one).collect()
}

/// The beginning of a text, with dots where it is cut. The room has place for the dots.
fn beginning(text: &str, room: usize, dots: &str) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let room = room.saturating_sub(width(dots));
    format!("{}{dots}", fitting(text.graphemes(true), room).concat())
}

/// The end of a text, with dots before it where it is cut, in `room` cells besides the dots.
fn end(text: &str, room: usize, dots: &str) -> String {
    if width(text) <= room + width(dots) {
        return text.to_owned();
    }
    let mut kept = fitting(text.graphemes(true).rev(), room);
    kept.reverse();
    format!("{dots}{}", kept.concat())
}

fn fitting<'a>(clusters: impl Iterator<Item = &'a str>, room: usize) -> Vec<&'a str> {
    let mut used = 0;
    clusters
        .take_while(|cluster| {
            used += width(cluster);
            used <= room
        })
        .collect()
}

/// The beginning of a name, and a sign of so many characters that is the same whenever the name is.
fn signed(name: &str, max: usize, length: usize, ascii: bool) -> String {
    let mark = if ascii { "#" } else { "·" };
    // FNV-1a: stable from session to session, unlike the standard library's.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let digits = b"0123456789abcdefghijkmnpqrstuvwxyz";
    let mut rest = hash;
    let mut sign = String::new();
    for _ in 0..length.min(max) {
        let digit = digits[(rest % digits.len() as u64) as usize];
        sign.push(char::from(digit));
        rest /= digits.len() as u64;
    }
    let dots = if ascii { ".." } else { "…" };
    let needed = width(mark) + sign.len();
    match max.checked_sub(needed + width(dots)) {
        Some(room) => format!("{}{mark}{sign}", beginning(name, room + width(dots), dots)),
        None => sign,
    }
}

/// Whether any two of these differ only where one would not see it.
pub fn needed(names: &[&str], max: usize) -> bool {
    let long = names.iter().any(|name| width(name) > max);
    long && names.iter().collect::<BTreeSet<_>>().len() > 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_part_that_differs_is_kept() {
        let names = [
            "prod-eu-west-checkout-a1-database",
            "prod-eu-west-checkout-a2-database",
        ];
        assert_eq!(
            apart(&names, 14, false),
            ["prod-eu…a1…ase", "prod-eu…a2…ase"]
        );
        assert_eq!(
            apart(&names, 14, true),
            ["prod-e..a1..se", "prod-e..a2..se"]
        );
        assert_eq!(apart(&names[..1], 9, false), [shorten(names[0], 9, false)]);
    }

    #[test]
    fn a_hundred_names_of_one_beginning_and_end_are_told_apart() {
        let names: Vec<String> = (0..100)
            .map(|number| format!("checkout-production-{number:03}-europe-west"))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for max in 7..40 {
            for ascii in [false, true] {
                let shown = apart(&names, max, ascii);
                let distinct: BTreeSet<&String> = shown.iter().collect();
                assert_eq!(distinct.len(), 100, "{max} {ascii}: {shown:?}");
                assert!(
                    shown.iter().all(|text| width(text) <= max),
                    "{max}: {shown:?}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn names_are_shown_alike_only_if_they_are(
            stem in "[a-z-]{0,30}", parts in prop::collection::vec("[a-c日é0-9]{0,6}", 1..12), tail in "[a-z-]{0,20}",
            max in 9usize..30, ascii: bool,
        ) {
            let names: Vec<String> = parts.iter().map(|part| format!("{stem}{part}{tail}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let shown = apart(&names, max, ascii);
            for (a, name) in shown.iter().zip(&names) {
                prop_assert!(width(a) <= max, "{a}");
                for (b, other) in shown.iter().zip(&names) {
                    prop_assert_eq!(a == b, name == other, "{} {}", a, b);
                }
            }
        }
    }
}
