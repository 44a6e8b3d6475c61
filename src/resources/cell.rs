//! What a row shows: columns, cells and detail fields, as plain data. Owns no colour and no width in pixels or cells of a terminal; `ui` draws it, `status` prints it.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Fleet, Freshness, Judgement, Kind, Place, RegionLabel, Resource, Severity, Source, age,
    metrics::Reading,
};

/// On which side a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Names.
    Left,
    /// Numbers.
    Right,
}

/// Which part of a text too long for its column goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The middle: names that share a beginning differ at their end.
    Middle,
    /// The end: words and sentences are known by their beginning.
    End,
}

/// A column of a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its title, also the field name in `field:value` filters and in CSV (lower case, spaces become `_`).
    pub title: &'static str,
    /// The cells it wants at least and at most.
    pub width: (u16, u16),
    /// Alignment.
    pub align: Align,
    /// What goes when a text is too long.
    pub cut: Cut,
    /// Columns with the highest number go first when the room is short; 0 stays always.
    pub drop: u8,
    /// Whether it goes before all others where no row has anything in it: not every estate measures everything.
    pub shy: bool,
}

impl Column {
    /// A column of names and identifiers.
    pub const fn name(title: &'static str, min: u16, max: u16, drop: u8) -> Self {
        Self {
            cut: Cut::Middle,
            ..Self::text(title, min, max, drop)
        }
    }

    /// A column of words or sentences.
    pub const fn text(title: &'static str, min: u16, max: u16, drop: u8) -> Self {
        Self {
            title,
            width: (min, max),
            align: Align::Left,
            cut: Cut::End,
            drop,
            shy: false,
        }
    }

    /// The same column, which gives way where it is empty.
    #[must_use]
    pub const fn shy(self) -> Self {
        Self { shy: true, ..self }
    }

    /// A column of numbers.
    pub const fn number(title: &'static str, width: u16, drop: u8) -> Self {
        Self::numbers(title, width, width, drop)
    }

    /// A column of numbers of different lengths.
    pub const fn numbers(title: &'static str, min: u16, max: u16, drop: u8) -> Self {
        Self {
            title,
            width: (min, max),
            align: Align::Right,
            cut: Cut::End,
            drop,
            shy: false,
        }
    }
}

/// One cell: a text, how bad it is, and how much it can be trusted.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The text as it came; cleaned of hostile characters where it is drawn.
    pub text: String,
    /// Severity of this value alone.
    pub severity: Severity,
    /// Freshness of this value; `None` takes the row's.
    pub freshness: Option<Freshness>,
    /// By what it sorts, where that is not the text.
    pub sort: Option<f64>,
}

impl Cell {
    /// A plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            severity: Severity::Ok,
            freshness: None,
            sort: None,
        }
    }

    /// A number with its text.
    pub fn number(value: f64, text: impl Into<String>) -> Self {
        Self {
            sort: Some(value),
            ..Self::text(text)
        }
    }

    /// A value that does not exist here: not the same as one that is not known.
    pub fn none() -> Self {
        Self {
            sort: Some(f64::NEG_INFINITY),
            ..Self::text("-")
        }
    }

    /// A value that exists but is not known.
    pub fn unknown() -> Self {
        Self {
            severity: Severity::Unknown,
            sort: Some(f64::NEG_INFINITY),
            ..Self::text("?")
        }
    }

    /// The same cell with a severity.
    #[must_use]
    pub fn severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// The same cell with a freshness of its own.
    #[must_use]
    pub fn seen(self, freshness: Freshness) -> Self {
        Self {
            freshness: Some(freshness),
            ..self
        }
    }

    /// A text that may be missing: `-` when it is.
    pub fn maybe(text: Option<impl Into<String>>) -> Self {
        text.map_or_else(Self::none, Self::text)
    }

    /// Yes, no, or not known.
    pub fn flag(value: Option<bool>) -> Self {
        value.map_or_else(Self::unknown, |value| {
            Self::text(if value { "yes" } else { "no" })
        })
    }

    /// How long ago something was; `-` when it never was.
    pub fn since(at: Option<Timestamp>, now: Timestamp) -> Self {
        at.map_or_else(Self::none, |at| {
            let age = age(at, now);
            Self::number(age.as_secs_f64(), coarse_age(age))
        })
    }

    /// The value of a metric: its text with its own freshness, `?` where it is not known.
    pub fn reading(
        reading: Reading,
        text: impl FnOnce(f64) -> String,
        judge: impl FnOnce(f64) -> Severity,
    ) -> Self {
        match reading {
            Reading::Value {
                freshness: freshness @ (Freshness::Expired | Freshness::Never),
                ..
            } => Self::unknown().seen(freshness),
            Reading::NeverRead => Self::unknown().seen(Freshness::Never),
            // It was asked for: there is nothing, we may not see it, or the read failed.
            Reading::NoData | Reading::Forbidden | Reading::Failed => {
                Self::unknown().seen(Freshness::Fresh)
            }
            Reading::Value {
                value, freshness, ..
            } => Self::number(value, text(value))
                .severity(judge(value))
                .seen(freshness),
        }
    }

    /// The value of a metric that does not exist for every row: `-` where it does not.
    pub fn reading_if(
        reading: Option<Reading>,
        text: impl FnOnce(f64) -> String,
        judge: impl FnOnce(f64) -> Severity,
    ) -> Self {
        reading.map_or_else(Self::none, |reading| Self::reading(reading, text, judge))
    }
}

/// One line of a row's detail.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value.
    pub cell: Cell,
    /// Key of the series behind it, for a sparkline.
    pub series: Option<String>,
}

impl Field {
    /// A field without history.
    pub fn new(name: impl Into<String>, cell: Cell) -> Self {
        Self {
            name: name.into(),
            cell,
            series: None,
        }
    }

    /// A text field; `-` when there is none.
    pub fn text(name: impl Into<String>, value: Option<impl Into<String>>) -> Self {
        Self::new(name, value.map_or_else(Cell::none, Cell::text))
    }

    /// The same field with the history of a series.
    #[must_use]
    pub fn with_series(self, key: impl Into<String>) -> Self {
        Self {
            series: Some(key.into()),
            ..self
        }
    }
}

/// What a kind shows of its rows: implemented in each `view.rs`.
pub trait Show: Resource {
    /// The columns, the same for every row. Column 0 names the row.
    fn columns() -> &'static [Column];

    /// One cell per column.
    fn cells(&self, fleet: &Fleet, place: &Place) -> Vec<Cell>;

    /// Everything that is known of the row.
    fn detail(&self, fleet: &Fleet, place: &Place) -> Vec<Field>;

    /// What follows from the row and everything around it, for `status --output json`; `null` when nothing does.
    fn derived(&self, fleet: &Fleet, place: &Place) -> serde_json::Value {
        let _ = (fleet, place);
        serde_json::Value::Null
    }

    /// Whether anything was asked that it is made of, so that it is not merely waiting.
    fn asked(&self, fleet: &Fleet, place: &Place) -> bool {
        let _ = (fleet, place);
        true
    }

    /// What the row follows from, where no source lists it: which sources, and where.
    fn sources(&self, fleet: &Fleet) -> Vec<(Source, Place)> {
        let _ = fleet;
        Vec::new()
    }

    /// How much the row can be trusted, where that is not the freshness of the slice that lists it.
    fn freshness(&self, fleet: &Fleet, place: &Place) -> Option<Freshness> {
        let _ = (fleet, place);
        None
    }
}

/// A row's identity across polls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId {
    /// Its kind.
    pub kind: Kind,
    /// Which source listed it.
    pub source: Source,
    /// Where.
    pub place: Place,
    /// Its key within that slice.
    pub key: String,
}

/// A row as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownRow {
    /// Its identity.
    pub id: RowId,
    /// The region it belongs to, where it is one.
    pub region: Option<RegionLabel>,
    /// How bad it is and why.
    pub judgement: Judgement,
    /// Whether anything was asked that it is made of.
    pub asked: bool,
    /// Freshness of the slice it comes from.
    pub freshness: Freshness,
    /// When that slice was observed.
    pub observed_at: Option<Timestamp>,
    /// Its cells, one per column.
    pub cells: Vec<Cell>,
}

/// Milliseconds in the fewest characters that still tell: `35ms`, `4.2s`, `5m`.
pub fn milliseconds(value: f64) -> String {
    match value {
        // The −1 of a replica that does not replicate.
        v if v < 0.0 => "error".to_owned(),
        v if v < 10.0 => format!("{v:.1}ms"),
        v if v < 1_000.0 => format!("{v:.0}ms"),
        v if v < 60_000.0 => format!("{:.1}s", v / 1_000.0),
        v => format!("{:.0}m", v / 60_000.0),
    }
}

/// A rate in the fewest characters that still tell: `940`, `18.6k`, `1.2M`.
pub fn rate(value: f64) -> String {
    match value {
        v if v < 10.0 => format!("{v:.1}"),
        v if v < 10_000.0 => format!("{v:.0}"),
        v if v < 1_000_000.0 => format!("{:.1}k", v / 1_000.0),
        v => format!("{:.1}M", v / 1_000_000.0),
    }
}

/// A share in percent: `46%`, `4.6%`, `0.05%`.
pub fn percent(value: f64) -> String {
    match value {
        v if v == 0.0 || v >= 9.95 => format!("{v:.0}%"),
        v if v >= 0.95 => format!("{v:.1}%"),
        v => format!("{v:.2}%"),
    }
}

/// A share in percent without a fraction: `46%`.
pub fn whole_percent(value: f64) -> String {
    format!("{value:.0}%")
}

/// What is there of several texts, in one line.
pub fn list(parts: &[Option<&str>]) -> String {
    let parts: Vec<&str> = parts.iter().copied().flatten().collect();
    parts.join(", ")
}

/// For a value that has no limits.
pub fn no_limit(_: f64) -> Severity {
    Severity::Ok
}

/// An age in coarse buckets, so that an idle screen stays silent: 5 s steps below a minute, then minutes, hours, days.
pub fn coarse_age(age: Duration) -> String {
    match age.as_secs() {
        0..5 => "now".to_owned(),
        s @ 5..60 => format!("{}s", s / 5 * 5),
        s @ 60..3_600 => format!("{}m", s / 60),
        s @ 3_600..86_400 => format!("{}h", s / 3_600),
        s => format!("{}d", s / 86_400),
    }
}

/// How long ago something of this age was, in the same buckets.
pub fn ago(age: Duration) -> String {
    match coarse_age(age).as_str() {
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    }
}
