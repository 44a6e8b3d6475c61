//! Text from anywhere made safe and short. Owns what may reach the terminal; must never let a control character, an escape or a bidi override through.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::{resources::id::zone_prefix, state::Look};

/// Stands for a character that must not be drawn; visible, so that a name that hides something does not look like one that does not.
const REPLACEMENT: char = '\u{fffd}';

/// Combining marks kept on one base character; more would climb over the lines above.
const MARKS_KEPT: usize = 2;

/// A text made ready for the terminal: cleaned, and masked or reduced to ASCII as the look asks.
pub fn safe(text: &str, look: Look) -> Cow<'_, str> {
    let cleaned = clean(text, look.ascii);
    if look.privacy {
        match mask(&cleaned) {
            Some(masked) => Cow::Owned(masked),
            None => cleaned,
        }
    } else {
        cleaned
    }
}

/// Replaces control, formatting and invisible characters; line breaks and tabs become spaces. With `ascii`, everything beyond ASCII is replaced too.
pub fn clean(text: &str, ascii: bool) -> Cow<'_, str> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        let plain = match c {
            '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
            ' '..='~' => c,
            // Of our own texts; `?` would say that the value is not known.
            '×' if ascii => 'x',
            '–' | '—' if ascii => '-',
            '→' if ascii => '>',
            _ if ascii => '?',
            c if c.is_control() || invisible(c) => REPLACEMENT,
            c => c,
        };
        if width_of(plain) == 0 {
            marks += 1;
            if marks > MARKS_KEPT || out.is_empty() {
                continue;
            }
        } else {
            marks = 0;
        }
        out.push(plain);
    }
    Cow::Owned(out)
}

/// Characters that draw nothing, reorder their neighbours, or change how wide they are.
fn invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        // Skin tones: some terminals draw them beside what they colour, others on it.
        | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn width_of(c: char) -> usize {
    unicode_width::UnicodeWidthChar::width(c).unwrap_or(0)
}

/// Masks account ids and ARNs; `None` when there is nothing to mask. The service of an ARN stays, so that the line still makes sense.
pub fn mask(text: &str) -> Option<String> {
    let without_arns = mask_arns(text);
    let source = without_arns.as_deref().unwrap_or(text);
    mask_accounts(source).or(without_arns)
}

fn mask_arns(text: &str) -> Option<String> {
    let mut rest = text;
    let mut out = String::new();
    // With the partition: `warn:` and `learn:` are words. What was masked before has none and stays.
    while let Some(start) = rest.find("arn:aws") {
        let arn = &rest[start..];
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ')' | ']');
        let end = arn.find(ends).unwrap_or(arn.len());
        let service = arn[..end].split(':').nth(2).unwrap_or_default();
        out.push_str(&rest[..start]);
        out.push_str("arn:");
        out.push_str(service);
        out.push_str(":***");
        rest = &arn[end..];
    }
    (!out.is_empty()).then(|| out + rest)
}

fn mask_accounts(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out: Option<Vec<u8>> = None;
    let mut at = 0;
    while at < bytes.len() {
        let run = bytes[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if run == 12 {
            let masked = out.get_or_insert_with(|| bytes.to_vec());
            masked[at..at + run].fill(b'*');
        }
        at += run.max(1);
    }
    // Only ASCII digits were replaced, by ASCII.
    out.and_then(|bytes| String::from_utf8(bytes).ok())
}

/// The cells that a text takes, by grapheme cluster, as the terminal buffer counts them.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.graphemes(true).map(UnicodeWidthStr::width).sum()
    }
}

/// Shortens a text to at most `max` cells. The middle goes, because names that share a beginning differ at their end.
pub fn shorten(text: &str, max: usize, ascii: bool) -> Cow<'_, str> {
    if width(text) <= max {
        return Cow::Borrowed(text);
    }
    let ellipsis = if ascii { ".." } else { "…" };
    let Some(room) = max.checked_sub(width(ellipsis)) else {
        return Cow::Borrowed(&"."[..max.min(1)]);
    };
    // Most names are ASCII, and clusters are dear to find.
    let (head, tail) = if text.is_ascii() {
        (room / 2, room - room / 2)
    } else {
        (
            take(text.graphemes(true), room / 2),
            take(text.graphemes(true).rev(), room - room / 2),
        )
    };
    Cow::Owned(format!(
        "{}{ellipsis}{}",
        &text[..head],
        &text[text.len() - tail..]
    ))
}

/// A region in at most `max` cells: its label; else, for an AWS Region, the prefix of its zone ids (`euw1`); else shortened.
pub fn region(label: &str, max: usize, ascii: bool) -> Cow<'_, str> {
    if width(label) <= max {
        return Cow::Borrowed(label);
    }
    match zone_prefix(label) {
        Some(prefix) if prefix.len() <= max => Cow::Owned(prefix),
        Some(_) | None => shorten(label, max, ascii),
    }
}

/// A name with a region in it replaced, where the region is a part of its own: `orders-eu-west-1` is `orders` without it. `None` when it is not there, or when nothing would be left.
pub fn replace_region(name: &str, region: &str, with: &str) -> Option<String> {
    const BETWEEN: [char; 5] = ['-', '_', '.', '/', ' '];
    let start = name.find(region).filter(|_| !region.is_empty())?;
    let (before, after) = (&name[..start], &name[start + region.len()..]);
    let apart = (before.is_empty() || before.ends_with(BETWEEN))
        && (after.is_empty() || after.starts_with(BETWEEN));
    if !apart {
        return None;
    }
    let short = match (with, after.is_empty()) {
        ("", true) => before.trim_end_matches(BETWEEN).to_owned(),
        // One of the two signs goes with the region.
        ("", false) => format!("{before}{}", after.trim_start_matches(BETWEEN)),
        (with, _) => format!("{before}{with}{after}"),
    };
    (!short.is_empty()).then_some(short)
}

/// Shortens a sentence to at most `max` cells: its beginning stays.
pub fn cut(text: &str, max: usize, ascii: bool) -> Cow<'_, str> {
    if width(text) <= max {
        return Cow::Borrowed(text);
    }
    let ellipsis = if ascii { ".." } else { "…" };
    let Some(room) = max.checked_sub(width(ellipsis)) else {
        return Cow::Borrowed(&"."[..max.min(1)]);
    };
    let head = if text.is_ascii() {
        room
    } else {
        take(text.graphemes(true), room)
    };
    Cow::Owned(format!("{}{ellipsis}", text[..head].trim_end()))
}

/// Bytes of the clusters that fit in `room` cells.
fn take<'a>(clusters: impl Iterator<Item = &'a str>, room: usize) -> usize {
    let mut used = 0;
    clusters
        .take_while(|cluster| {
            used += cluster.width();
            used <= room
        })
        .map(str::len)
        .sum()
}

/// Breaks a text into lines of at most `max` cells, at spaces where there are any; a word that is longer than a line, where its parts end. At least one line.
pub fn wrap(text: &str, max: usize) -> Vec<String> {
    let max = max.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for part in text.split_inclusive(' ').flat_map(|word| parts(word, max)) {
        let part_width = width(part.trim_end_matches(' '));
        if used + part_width > max && part_width <= max && used > 0 {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
            used = 0;
        }
        for cluster in part.graphemes(true) {
            let cluster_width = cluster.width();
            if used + cluster_width > max && used > 0 {
                // The space at which a line ends is not the beginning of the next.
                if cluster == " " {
                    continue;
                }
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
                used = 0;
            }
            line.push_str(cluster);
            used += cluster_width;
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// What of a word stays on one line: all of it, or each of its parts where it is longer than that.
fn parts(word: &str, max: usize) -> Vec<&str> {
    if width(word.trim_end_matches(' ')) <= max {
        vec![word]
    } else {
        word.split_word_bounds().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOSTILE: &[&str] = &[
        "eu\u{1b}[2J\u{1b}]0;owned\u{7}",
        "a\nb\r\tc",
        "\u{202e}evil\u{2066}",
        "ad\u{200b}min\u{feff}",
        "\u{9b}31m",
        "z\u{300}\u{301}\u{302}\u{303}\u{304}",
        "👨\u{200d}👩\u{200d}👧 数据库",
        "👍\u{1f3fd}",
    ];

    fn dangerous(c: char) -> bool {
        c.is_control() || invisible(c)
    }

    #[test]
    fn nothing_dangerous_leaves() {
        for text in HOSTILE {
            for ascii in [false, true] {
                let cleaned = clean(text, ascii);
                assert!(!cleaned.chars().any(dangerous), "{cleaned:?}");
                assert!(!ascii || cleaned.is_ascii());
            }
        }
        assert_eq!(
            clean("ad\u{200b}min", false),
            "ad\u{fffd}min",
            "what was hidden is seen"
        );
    }

    #[test]
    fn names_that_differ_at_their_end_stay_different() {
        let (a, b) = (
            "checkout-orders-production-blue-1",
            "checkout-orders-production-blue-2",
        );
        for max in 3..20 {
            assert_ne!(shorten(a, max, false), shorten(b, max, false), "{max}");
        }
        assert_eq!(shorten(a, 11, false), "check…lue-1");
        assert_eq!(shorten(a, 11, true), "chec..lue-1");
    }

    #[test]
    fn accounts_and_arns_are_masked_and_nothing_else() {
        assert_eq!(
            mask("acct 123456789012 ok").as_deref(),
            Some("acct ************ ok")
        );
        assert_eq!(
            mask("(arn:aws:rds:eu-west-1:123456789012:cluster:orders) x").as_deref(),
            Some("(arn:rds:***) x")
        );
        assert_eq!(
            mask("member arn:rds:*** x").as_deref(),
            None,
            "masked once is masked"
        );
        assert_eq!(mask("1234567890123 and 12345678901"), None);
        assert_eq!(mask("eu-west-1"), None);
    }

    #[test]
    fn a_region_without_room_is_known_by_its_zone_prefix() {
        for (label, expected) in [
            ("eu-west-1", "euw1"),
            ("ap-southeast-2", "apse2"),
            ("us-gov-east-1", "usge1"),
            ("cn-northwest-1", "cnnw1"),
            ("europe-west4", "eu…st4"),
            ("Frankfurt 1", "Fra…t 1"),
        ] {
            let room = if label.starts_with('F') { 7 } else { 6 };
            assert_eq!(region(label, room, false), expected);
        }
        assert_eq!(region("eu-west-1", 9, false), "eu-west-1");
    }

    #[test]
    fn a_region_goes_out_of_a_name_only_as_a_whole_part_of_it() {
        let bare = |name| replace_region(name, "eu-west-1", "");
        assert_eq!(bare("orders-eu-west-1").as_deref(), Some("orders"));
        assert_eq!(bare("eu-west-1-errors").as_deref(), Some("errors"));
        assert_eq!(bare("a-eu-west-1-b").as_deref(), Some("a-b"));
        assert_eq!(bare("orders-eu-west-12"), None, "another region");
        assert_eq!(bare("eu-west-1"), None, "nothing would be left");
        assert_eq!(
            replace_region("cell-eu-west-1", "eu-west-1", "euw1").as_deref(),
            Some("cell-euw1")
        );
    }

    #[test]
    fn text_wraps_at_spaces_and_loses_nothing_else() {
        assert_eq!(
            wrap("one two three", 7),
            ["one two", "three"],
            "at the space"
        );
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(
            wrap("until 02:53Z at most", 8),
            ["until", "02:53Z", "at most"]
        );
        assert_eq!(wrap("arn:aws:rds", 8), ["arn:aws:", "rds"]);
        assert_eq!(wrap("", 3), [""]);
    }

    proptest! {
        #[test]
        fn whatever_comes_in_is_safe_and_fits(text in ".{0,60}|[\\u{0}-\\u{2fff}]{0,60}", max in 0usize..40, ascii: bool) {
            let cleaned = clean(&text, ascii);
            prop_assert!(!cleaned.chars().any(dangerous));
            let again = clean(&cleaned, ascii);
            prop_assert_eq!(&again, &cleaned);
            prop_assert!(width(&shorten(&cleaned, max, ascii)) <= max);
            prop_assert!(width(&cut(&cleaned, max, ascii)) <= max);
            for line in wrap(&cleaned, max) {
                prop_assert!(width(&line) <= max.max(2), "{line:?} in {max}");
            }
        }
    }
}
