//! What is wrong with a scenario file, and where. Owns the form of the text; reads no file.

use std::{fmt, ops::Range};

/// One thing wrong with a scenario file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Name of the file, as it was given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong and what would be right.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.text
        )
    }
}

/// Collects problems of one file.
pub(super) struct Problems<'a> {
    file: &'a str,
    text: &'a str,
    found: Vec<Problem>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            found: Vec::new(),
        }
    }

    /// Notes a problem at a range of bytes of the file.
    pub(super) fn note(&mut self, span: &Range<usize>, text: impl Into<String>) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let last = before.rsplit('\n').next().unwrap_or_default();
        self.found.push(Problem {
            file: self.file.to_owned(),
            line,
            column: last.chars().count() + 1,
            text: text.into(),
        });
    }

    /// Notes what the TOML reader says; `entry` names the part of the file.
    pub(super) fn refused(
        &mut self,
        entry: &str,
        fallback: &Range<usize>,
        error: &toml::de::Error,
    ) {
        let span = error.span().unwrap_or_else(|| fallback.clone());
        let text = suggest(&error.message().trim().replace('\n', ", "));
        if entry.is_empty() {
            self.note(&span, text);
        } else {
            self.note(&span, format!("{entry}: {text}"));
        }
    }

    /// Everything found, in the order of the file.
    pub(super) fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort();
        self.found
    }
}

/// Shortens "unknown field `a`, expected one of `b`, `c`" to the nearest known word, where there is one.
fn suggest(text: &str) -> String {
    let mut words = text.split('`').skip(1).step_by(2);
    let typed = words.next().filter(|_| text.starts_with("unknown "));
    let nearest = typed.and_then(|typed| nearest(typed, words));
    match (nearest, text.split_once(", expected")) {
        (Some(nearest), Some((what, _))) => format!("{what}; did you mean `{nearest}`?"),
        _ => text.to_owned(),
    }
}

/// The known word that is so near to what was typed that it was probably meant.
pub(super) fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (strsim::damerau_levenshtein(known, typed), known))
        .filter(|(distance, _)| *distance <= 3)
        .min()
        .map(|(_, known)| known)
}
