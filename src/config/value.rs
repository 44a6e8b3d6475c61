//! Single TOML values as texts, numbers and lengths of time. Owns what counts as one; reports nothing.

use std::time::Duration;

use toml::{Spanned, de::DeValue};

use super::document::Found;

/// A value as a text.
pub fn text_of<'d>(value: &'d Spanned<DeValue<'d>>) -> Option<Found<&'d str>> {
    value.get_ref().as_str().map(|text| Found {
        value: text,
        span: value.span(),
    })
}

/// A value as a number.
pub fn number_of(value: &Spanned<DeValue<'_>>) -> Option<f64> {
    let number = match value.get_ref() {
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .map(|n| n as f64),
        DeValue::Float(float) => float.as_str().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

/// A value as a length of time: a number of seconds, or a text like `30s`, `5m`, `1h`.
pub fn duration_of(value: &Spanned<DeValue<'_>>) -> Option<Duration> {
    let seconds = match value.get_ref().as_str() {
        Some(text) => {
            let (number, scale) = match text.trim().char_indices().last()? {
                (at, 's') => (&text.trim()[..at], 1.0),
                (at, 'm') => (&text.trim()[..at], 60.0),
                (at, 'h') => (&text.trim()[..at], 3_600.0),
                _ => (text.trim(), 1.0),
            };
            number.trim().parse::<f64>().ok()? * scale
        }
        None => number_of(value)?,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

/// What a value is, for people: `an integer`, `nan`.
pub fn described(value: &Spanned<DeValue<'_>>) -> String {
    if let DeValue::Float(float) = value.get_ref() {
        return float.as_str().to_owned();
    }
    let kind = value.get_ref().type_str();
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {kind}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{document::Document, problem::Report};

    #[test]
    fn lengths_of_time_take_units() {
        let text = "a = 30\nb = \"5m\"\nc = \"1.5h\"\nd = \"soon\"\ne = -1\nf = \"\"";
        let report = Report::new("x.toml", text);
        let document = Document::parse(text, &report);
        let mut root = document.root(&report);
        let mut read = |key| root.value(key).and_then(duration_of).map(|d| d.as_secs());
        assert_eq!(read("a"), Some(30));
        assert_eq!(read("b"), Some(300));
        assert_eq!(read("c"), Some(5_400));
        assert_eq!((read("d"), read("e"), read("f")), (None, None, None));
    }
}
