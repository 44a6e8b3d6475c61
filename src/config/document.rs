//! A TOML text read key by key. Owns the rule that reading never stops at the first problem, and that a key nobody asked for is unknown.

use std::{collections::BTreeSet, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    problem::{Report, nearest},
    value::{described, number_of, text_of},
};

/// A value and the byte range it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    /// The value.
    pub value: T,
    /// Where in the text.
    pub span: Range<usize>,
}

/// A parsed text.
pub struct Document<'t> {
    root: Spanned<DeTable<'t>>,
    whole: bool,
}

impl<'t> Document<'t> {
    /// Parses a text; syntax errors go to the report, the rest of the text is read all the same.
    pub fn parse(text: &'t str, report: &Report<'_>) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let span = error.span().unwrap_or(0..0);
            report.at(&span, error.message().replace('\n', ", "));
        }
        Self {
            root,
            whole: errors.is_empty(),
        }
    }

    /// Whether the text had no syntax error. After one, keys may be missing through no fault of their own.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// The top of the text.
    pub fn root<'d>(&'d self, report: &'d Report<'d>) -> Section<'d> {
        Section::new("", self.root.get_ref(), 0..0, report)
    }
}

/// One table of a text, being read. What was not asked for by `finish` is reported as unknown.
pub struct Section<'d> {
    table: &'d DeTable<'d>,
    span: Range<usize>,
    name: String,
    /// Whether it is one of several, `[[name]]`.
    listed: bool,
    asked: BTreeSet<&'static str>,
    report: &'d Report<'d>,
}

impl<'d> Section<'d> {
    /// A table that came from elsewhere in the text.
    pub fn new(
        name: impl Into<String>,
        table: &'d DeTable<'d>,
        span: Range<usize>,
        report: &'d Report<'d>,
    ) -> Self {
        Self {
            table,
            span,
            name: name.into(),
            listed: false,
            asked: BTreeSet::new(),
            report,
        }
    }

    /// Where the table is in the text.
    pub fn span(&self) -> &Range<usize> {
        &self.span
    }

    /// Where its problems go.
    pub fn report(&self) -> &'d Report<'d> {
        self.report
    }

    /// A key's value, whatever it is.
    pub fn value(&mut self, key: &'static str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.asked.insert(key);
        self.table.get(key)
    }

    /// A text.
    pub fn text(&mut self, key: &'static str) -> Option<Found<&'d str>> {
        let value = self.value(key)?;
        let found = text_of(value);
        if found.is_none() {
            self.wrong_type(key, value, "a text in quotes");
        }
        found
    }

    /// True or false.
    pub fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        found
    }

    /// A number within a range, both ends included.
    pub fn number(&mut self, key: &'static str, least: f64, most: f64) -> Option<Found<f64>> {
        let value = self.value(key)?;
        let Some(number) = number_of(value) else {
            let text = format!("`{key}` must be a finite number, not {}", described(value));
            self.report.at(&value.span(), text);
            return None;
        };
        if !(least..=most).contains(&number) {
            let text = format!("`{key}` must be between {least} and {most}, not {number}");
            self.report.at(&value.span(), text);
            return None;
        }
        Some(Found {
            value: number,
            span: value.span(),
        })
    }

    /// A list of texts; entries of other types are reported and left out.
    pub fn texts(&mut self, key: &'static str) -> Vec<Found<&'d str>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let Some(entries) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list of texts like [\"a\", \"b\"]");
            return Vec::new();
        };
        let read = |entry: &'d Spanned<DeValue<'d>>| {
            let found = text_of(entry);
            if found.is_none() {
                self.wrong_type(key, entry, "a list of texts");
            }
            found
        };
        entries.iter().filter_map(read).collect()
    }

    /// One of a few words.
    pub fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let found = self.text(key)?;
        pick(self.report, &found, &format!("`{key}`"), choices)
    }

    /// A table within this one.
    pub fn table(&mut self, key: &'static str) -> Option<Section<'d>> {
        let value = self.value(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(key, value, &format!("a table: [{}]", self.path(key)));
            return None;
        };
        Some(Section::new(
            self.path(key),
            table,
            value.span(),
            self.report,
        ))
    }

    /// A list of tables, `[[key]]`.
    pub fn tables(&mut self, key: &'static str) -> Vec<Section<'d>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let Some(entries) = value.get_ref().as_array() else {
            self.wrong_type(
                key,
                value,
                &format!("a list of tables: [[{}]]", self.path(key)),
            );
            return Vec::new();
        };
        let read = |entry: &'d Spanned<DeValue<'d>>| {
            let Some(table) = entry.get_ref().as_table() else {
                self.wrong_type(key, entry, "a list of tables");
                return None;
            };
            let section = Section::new(self.path(key), table, entry.span(), self.report);
            Some(Section {
                listed: true,
                ..section
            })
        };
        entries.iter().filter_map(read).collect()
    }

    /// Every entry of a table whose keys are free, in the order of the text.
    pub fn entries(self) -> Vec<(Found<&'d str>, &'d Spanned<DeValue<'d>>)> {
        let mut entries: Vec<_> = self
            .table
            .iter()
            .map(|(key, value)| {
                let found = Found {
                    value: key.get_ref().as_ref(),
                    span: key.span(),
                };
                (found, value)
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.span.start);
        entries
    }

    /// Every entry of a table with free keys and texts as values; others are reported and left out.
    pub fn text_entries(self) -> Vec<(Found<&'d str>, Found<&'d str>)> {
        let report = self.report;
        let read = |(key, value): (Found<&'d str>, &'d Spanned<DeValue<'d>>)| {
            let found = text_of(value);
            if found.is_none() {
                let text = format!(
                    "`{}` must be a text in quotes, not {}",
                    key.value,
                    described(value)
                );
                report.at(&value.span(), text);
            }
            found.map(|found| (key, found))
        };
        self.entries().into_iter().filter_map(read).collect()
    }

    /// Reports every key that was not asked for. `elsewhere` tells in which section a key belongs that is unknown here.
    pub fn finish(self, elsewhere: &dyn Fn(&str) -> Option<&'static str>) {
        for key in self.table.keys() {
            let typed: &str = key.get_ref();
            if self.asked.contains(typed) {
                continue;
            }
            let place = match self.name.as_str() {
                "" => "at the top of the file".to_owned(),
                name if self.listed => format!("in [[{name}]]"),
                name => format!("in [{name}]"),
            };
            let suggestion = nearest(typed, self.asked.iter().copied());
            let hint = match (suggestion, elsewhere(typed)) {
                (Some(_), _) => String::new(),
                (None, Some(section)) => format!("; it belongs {section}"),
                (None, None) => format!("; known here: {}", self.known()),
            };
            let text = format!("there is no key `{typed}` {place}{hint}");
            self.report.suggest(&key.span(), text, suggestion);
        }
    }

    fn known(&self) -> String {
        let names: Vec<&str> = self.asked.iter().copied().collect();
        names.join(", ")
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let text = format!("`{key}` must be {wanted}, not {}", described(value));
        self.report.at(&value.span(), text);
    }
}

/// One of a few words, or a problem that lists them.
pub fn pick<T: Copy>(
    report: &Report<'_>,
    found: &Found<&str>,
    what: &str,
    choices: &[(&'static str, T)],
) -> Option<T> {
    let known = choices.iter().map(|(name, _)| *name);
    let picked = choices.iter().find(|(name, _)| *name == found.value);
    if picked.is_none() {
        let names: Vec<&str> = known.clone().collect();
        let text = format!(
            "{what} must be one of {}, not `{}`",
            names.join(", "),
            found.value
        );
        report.suggest(&found.span, text, nearest(found.value, known));
    }
    picked.map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str, read: impl FnOnce(&mut Section<'_>)) -> Vec<String> {
        let report = Report::new("x.toml", text);
        let document = Document::parse(text, &report);
        let mut root = document.root(&report);
        read(&mut root);
        root.finish(&|_| None);
        report
            .into_problems()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn every_wrong_value_is_reported_not_only_the_first() {
        let text = "a = 1\nb = \"x\"\nc = [1, \"y\"]\nlable = 2\nd = 300";
        let found = problems(text, |root| {
            assert!(root.text("a").is_none());
            assert!(root.boolean("b").is_none());
            assert_eq!(root.texts("c").len(), 1);
            assert!(root.number("d", 0.0, 100.0).is_none());
            let _ = root.text("label");
        });
        assert_eq!(
            found,
            [
                "x.toml:1:5: `a` must be a text in quotes, not an integer",
                "x.toml:2:5: `b` must be true or false, not a string",
                "x.toml:3:6: `c` must be a list of texts, not an integer",
                "x.toml:4:1: there is no key `lable` at the top of the file; did you mean `label`?",
                "x.toml:5:5: `d` must be between 0 and 100, not 300",
            ]
        );
    }

    #[test]
    fn a_syntax_error_hides_no_other_problem() {
        let found = problems("a = \nb = 1\n", |root| {
            let _ = root.text("b");
        });
        assert!(found[0].starts_with("x.toml:1:"), "{found:?}");
        assert!(
            found.contains(&"x.toml:2:5: `b` must be a text in quotes, not an integer".to_owned()),
            "{found:?}"
        );
    }
}
