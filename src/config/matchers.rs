//! What can be seen of a PromQL text without a server: matchers of labels, placeholders, brackets. Owns these checks; whether a query is right only the server knows.

use crate::resources::estate::RegionSpec;

/// Placeholders of a selector.
const OF_REGION: [&str; 2] = ["region", "aws_region"];
/// Placeholders of a query.
const OF_QUERY: [&str; 2] = ["selector", "window"];

/// Whether a text can be the name of a label.
pub fn is_label(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(first) && text.chars().all(|c| first(c) || c.is_ascii_digit())
}

/// Checks matchers as they stand between braces: `a="b",c=~"d|e"`.
pub fn check(text: &str) -> Result<(), String> {
    if let Some(name) = placeholder(text, &OF_REGION) {
        return Err(format!(
            "there is no `{{{name}}}`; there are {{region}} and {{aws_region}}"
        ));
    }
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest
            .find(['=', '!'])
            .ok_or("a matcher needs `=`, `!=`, `=~` or `!~`")?;
        let (name, after) = rest.split_at(end);
        if !is_label(name.trim()) {
            return Err(format!("`{}` is no name of a label", name.trim()));
        }
        let operators = ["=~", "!~", "!=", "="];
        let after = operators
            .iter()
            .find_map(|operator| after.strip_prefix(operator));
        let after = after
            .ok_or("a matcher needs `=`, `!=`, `=~` or `!~`")?
            .trim_start();
        let quoted = after
            .strip_prefix('"')
            .ok_or("its value must stand in double quotes")?;
        let close = end_of_text(quoted, '"').ok_or("a double quote is not closed")?;
        rest = quoted[close + 1..].trim_start();
        rest = match rest.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if rest.is_empty() => rest,
            None => return Err("matchers stand apart by commas".to_owned()),
        };
    }
    Ok(())
}

/// The selector of a region.
pub fn fill(selector: &str, region: &RegionSpec) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let aws_region = region.aws_region.as_deref().unwrap_or_default();
    let filled = selector
        .replace("{region}", &quoted(region.label.as_str()))
        .replace("{aws_region}", &quoted(aws_region));
    filled.trim().trim_end_matches(',').to_owned()
}

/// Checks what can be seen of a query: its placeholders and its brackets.
pub fn check_query(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.contains(|c: char| c.is_control() && !c.is_whitespace()) {
        return Err("it has control characters".to_owned());
    }
    if let Some(name) = placeholder(text, &OF_QUERY) {
        return Err(format!(
            "there is no `{{{name}}}`; there are {{selector}} and {{window}}"
        ));
    }
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        at += c.len_utf8();
        match c {
            '"' | '\'' | '`' => {
                let close = end_of_text(&text[at..], c);
                at += close.ok_or_else(|| format!("a text that begins with {c} does not end"))? + 1;
            }
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' if open.pop() != Some(c) => {
                return Err(format!("a `{c}` closes nothing"));
            }
            _ => {}
        }
    }
    match open.pop() {
        Some(close) => Err(format!("a `{close}` is missing")),
        None => Ok(()),
    }
}

/// The first word in braces that is none of these.
fn placeholder<'t>(text: &'t str, known: &[&str]) -> Option<&'t str> {
    text.match_indices('{').find_map(|(at, _)| {
        let inner = &text[at + 1..];
        let word = &inner[..inner.find('}')?];
        let is_word = is_label(word) && !word.is_empty();
        (is_word && !known.contains(&word)).then_some(word)
    })
}

/// Where a quoted text ends, given what follows its first quote.
fn end_of_text(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped && quote != '`';
        ends.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_are_read_as_promql_reads_them() {
        for good in [
            "",
            "a=\"b\"",
            "region=\"{region}\", c=~\"d|e,f\" ,g!=\"\\\"\"",
            "a!~\"x\",",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "a",
            "a=b",
            "a=\"b",
            "a=\"b\" c=\"d\"",
            "1a=\"b\"",
            "a=\"{regoin}\"",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_can_be_seen_of_a_query_is_checked() {
        let good = "sum by (a) (rate(x{b=\"}\",{selector}}[{window}])) > bool 0 # )";
        assert!(check_query("sum(rate(x{b=\"}\",{selector}}[{window}]))").is_ok());
        assert!(
            check_query(good).is_err(),
            "comments are not worth their trouble"
        );
        for bad in ["", "sum(x", "x)", "x{a=\"b}", "x{selektor}", "rate(x[5m)]"] {
            assert!(check_query(bad).is_err(), "{bad}");
        }
    }
}
