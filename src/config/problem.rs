//! What is wrong in a file, where, and what was probably meant. Owns the wording of positions and suggestions; knows no file format.

use std::{cell::RefCell, fmt, ops::Range};

/// One thing that is wrong. Ordered by file and position, so that a sorted list reads from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Problem {
    /// The file as the user named it, or where else the value came from: `command line`.
    pub file: String,
    /// Line, from 1; 0 when the problem is not in a text.
    pub line: usize,
    /// Column in characters, from 1; 0 when the problem is not in a text.
    pub column: usize,
    /// What is wrong, without control characters.
    pub text: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
    /// The line it is in; empty when the problem is not in a text.
    pub source: String,
    /// How many characters of the line are wrong, at least 1.
    pub width: usize,
}

impl Problem {
    /// A problem that has no position: a file that cannot be read, a wrong flag.
    pub fn general(file: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            file: printable(&file.into()),
            line: 0,
            column: 0,
            text: printable(&text.into()),
            suggestion: None,
            source: String::new(),
            width: 1,
        }
    }

    /// The same problem with a suggestion.
    #[must_use]
    pub fn suggesting(mut self, suggestion: Option<&str>) -> Self {
        self.suggestion = suggestion.map(printable);
        self
    }

    /// The line with carets under the wrong part, as two lines with a line-number gutter; empty without a position.
    pub fn excerpt(&self) -> String {
        if self.line == 0 {
            return String::new();
        }
        let number = self.line.to_string();
        // A tab is one character and so is the space that is drawn for it: columns stay true.
        let before: String = " ".repeat(self.column.saturating_sub(1));
        format!(
            "{number} | {}\n{} | {before}{}",
            printable(&self.source.replace('\t', " ")),
            " ".repeat(number.len()),
            "^".repeat(self.width)
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.text)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; did you mean `{suggestion}`?")?;
        }
        Ok(())
    }
}

/// The problems of one text. Shared by everything that reads the text, hence the cell.
#[derive(Debug)]
pub struct Report<'t> {
    file: &'t str,
    text: &'t str,
    problems: RefCell<Vec<Problem>>,
    /// What must not be shown: line, characters before it, characters.
    hidden: RefCell<Vec<(usize, usize, usize)>>,
}

impl<'t> Report<'t> {
    /// No problems yet.
    pub fn new(file: &'t str, text: &'t str) -> Self {
        Self {
            file,
            text,
            problems: RefCell::default(),
            hidden: RefCell::default(),
        }
    }

    /// Notes a problem at a byte range of the text.
    pub fn at(&self, span: &Range<usize>, text: impl Into<String>) {
        self.suggest(span, text, None);
    }

    /// Notes a problem at a byte range, with what was probably meant.
    pub fn suggest(&self, span: &Range<usize>, text: impl Into<String>, suggestion: Option<&str>) {
        let place = locate(self.text, span);
        let problem = Problem {
            line: place.line,
            column: place.column,
            source: place.source.to_owned(),
            width: place.width,
            ..Problem::general(self.file, text).suggesting(suggestion)
        };
        self.problems.borrow_mut().push(problem);
    }

    /// Notes a problem at a byte range that must not be shown: stars stand for it in every problem of its line.
    pub fn secret(&self, span: &Range<usize>, text: impl Into<String>) {
        let place = locate(self.text, span);
        let hidden = (place.line, place.column - 1, place.width);
        self.hidden.borrow_mut().push(hidden);
        self.at(span, text);
    }

    /// Whether nothing is wrong so far.
    pub fn is_clean(&self) -> bool {
        self.problems.borrow().is_empty()
    }

    /// The problems, sorted, each once.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        for (line, before, width) in self.hidden.into_inner() {
            for problem in problems.iter_mut().filter(|problem| problem.line == line) {
                let shown = problem.source.chars().enumerate().map(|(index, c)| {
                    let secret = (before..before + width).contains(&index);
                    if secret { '*' } else { c }
                });
                problem.source = shown.collect();
            }
        }
        sorted(problems)
    }
}

/// Problems in the order of files and positions, each once.
pub fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort();
    problems.dedup();
    problems
}

struct Located<'t> {
    line: usize,
    column: usize,
    source: &'t str,
    width: usize,
}

/// Turns a byte range into a line and a column of characters, both from 1.
fn locate<'t>(text: &'t str, span: &Range<usize>) -> Located<'t> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.floor_char_boundary(span.end.clamp(start, text.len()));
    let before = &text[..start];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let source = text[line_start..].lines().next().unwrap_or_default();
    let wrong = text[start..end].lines().next().unwrap_or_default();
    Located {
        line: before.matches('\n').count() + 1,
        column: text[line_start..start].chars().count() + 1,
        source,
        width: wrong.chars().count().max(1),
    }
}

/// The known name nearest to what was typed, when it is near enough to be meant.
pub fn nearest<'n>(typed: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let typed = typed.to_lowercase();
    // Half of a short word is another word: allow one slip in three characters.
    let allowed = (typed.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|name| {
            let distance = strsim::damerau_levenshtein(&name.to_lowercase(), &typed);
            (distance, name)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A text that is safe to print: control and bidirectional formatting characters are written as escapes.
pub fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hostile(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Whether a character could change how a terminal or a reader takes the text around it.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_lines_and_characters() {
        let text = "a = 1\r\nname = \"grün\" # ü\nb = 2";
        let report = Report::new("x.toml", text);
        let at = text.find('#').unwrap_or_default();
        report.at(&(at..at + 1), "here");
        let problem = report.into_problems().remove(0);
        assert_eq!((problem.line, problem.column), (2, 15));
        assert_eq!(problem.to_string(), "x.toml:2:15: here");
        assert_eq!(
            problem.excerpt(),
            "2 | name = \"grün\" # ü\n  |               ^"
        );
    }

    #[test]
    fn a_secret_is_in_no_excerpt_of_its_line() {
        let text = "a = 1\nurl = \"x:pw@y\", user = 2";
        let report = Report::new("x.toml", text);
        let at = |what: &str| {
            let start = text.find(what).unwrap_or_default();
            start..start + what.len()
        };
        report.secret(&at("\"x:pw@y\""), "no password here");
        report.at(&at("user"), "nor here");
        let excerpts: Vec<String> = report
            .into_problems()
            .iter()
            .map(Problem::excerpt)
            .collect();
        assert_eq!(
            excerpts,
            [
                "2 | url = ********, user = 2\n  |       ^^^^^^^^",
                "2 | url = ********, user = 2\n  |                 ^^^^"
            ]
        );
    }

    #[test]
    fn a_span_beyond_the_text_is_its_end() {
        let report = Report::new("x.toml", "ü");
        report.at(&(1..90), "end");
        assert_eq!(report.into_problems()[0].to_string(), "x.toml:1:1: end");
    }

    #[test]
    fn the_nearest_name_must_be_near() {
        let known = ["label", "role", "profile"];
        assert_eq!(nearest("lable", known), Some("label"));
        assert_eq!(nearest("Role", known), Some("role"));
        assert_eq!(nearest("weight", known), None);
        assert_eq!(nearest("x", known), None);
    }

    #[test]
    fn hostile_text_is_never_printed_raw() {
        let problem = Problem::general("a\u{1b}[2J", "b\u{202e}c").suggesting(Some("d\n"));
        assert_eq!(
            problem.to_string(),
            "a\\u{1b}[2J: b\\u{202e}c; did you mean `d\\n`?"
        );
    }
}
