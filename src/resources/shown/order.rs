//! The order in which the rows of a kind are shown: by a filter, by a column, or the worst first. Owns what is kept of rows from one order to the next; must never
//! keep a word of a region longer than its roll-up.

use std::{
    cmp::{Ordering, Reverse},
    collections::HashMap,
    ops::Deref,
};

use super::{Fleet, Kind, Place, RowRef, Severity, Source, columns, field_name, freshness_word};
use crate::resources::{RegionLabel, cell::ShownRow, regions::rollup::AsOf};

/// A column to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// Index of the column.
    pub column: usize,
    /// From high to low.
    pub descending: bool,
}

/// One condition of a filter: a row is kept when all of them hold.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    /// Turned round by `!`.
    negated: bool,
    /// The column, for `field:value`; any column, the region or the state otherwise.
    field: Option<Field>,
    /// What must occur, in lower case.
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    State,
    Region,
    Freshness,
    Column(usize),
}

impl Field {
    /// By its name in filters.
    fn named(kind: Kind, name: &str) -> Option<Self> {
        match name {
            "state" => Some(Self::State),
            "region" => Some(Self::Region),
            "freshness" => Some(Self::Freshness),
            _ => columns(kind)
                .iter()
                .position(|column| field_name(column) == name)
                .map(Self::Column),
        }
    }
}

/// Reads a filter: words, each `text`, `!text`, `field:value` or `!field:value`.
fn parse(kind: Kind, text: &str) -> Vec<Condition> {
    let condition = |word: &str| {
        let (negated, word) = word
            .strip_prefix('!')
            .map_or((false, word), |rest| (true, rest));
        let word = word.to_lowercase();
        let named = word.split_once(':');
        let named = named.and_then(|(name, value)| Some((Field::named(kind, name)?, value)));
        match named {
            Some((field, value)) => Condition {
                negated,
                field: Some(field),
                text: value.to_owned(),
            },
            None => Condition {
                negated,
                field: None,
                text: word,
            },
        }
    };
    text.split_whitespace()
        .map(condition)
        .filter(|condition| !condition.text.is_empty())
        .collect()
}

/// What a row is found and sorted by, without the row.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    severity: Severity,
    freshness: &'static str,
    /// In lower case: state, region, and the cells, each behind a `SEPARATOR`.
    text: Box<str>,
    /// The cell of the column that is sorted by.
    cell: Option<(Option<f64>, Box<str>)>,
}

/// Stands between the parts of a line, and in none of them.
const SEPARATOR: char = '\u{1f}';

impl Line {
    fn of(row: &ShownRow, column: Option<usize>) -> Self {
        let mut text = row.judgement.severity.word().to_lowercase();
        let region = row.id.place.to_string();
        let cells = row.cells.iter().map(|cell| &cell.text);
        for part in std::iter::once(&region).chain(cells) {
            text.push(SEPARATOR);
            text.extend(part.to_lowercase().split(SEPARATOR));
        }
        let cell = column.and_then(|column| row.cells.get(column));
        Self {
            severity: row.judgement.severity,
            freshness: freshness_word(row.freshness),
            text: text.into(),
            cell: cell.map(|cell| (cell.sort, cell.text.as_str().into())),
        }
    }

    fn part(&self, field: Field) -> &str {
        let index = match field {
            Field::Freshness => return self.freshness,
            Field::State => 0,
            Field::Region => 1,
            Field::Column(index) => index + 2,
        };
        self.text.split(SEPARATOR).nth(index).unwrap_or_default()
    }

    fn satisfies(&self, condition: &Condition) -> bool {
        let text = condition
            .field
            .map_or(&*self.text, |field| self.part(field));
        text.contains(&condition.text) != condition.negated
    }

    /// By number where both have one, else by text; no cell before any.
    fn compare(&self, other: &Self) -> Ordering {
        let (a, b) = (self.cell.as_ref(), other.cell.as_ref());
        let number = |cell: Option<&(Option<f64>, Box<str>)>| cell.and_then(|cell| cell.0);
        match number(a).zip(number(b)) {
            Some((a, b)) => a.total_cmp(&b),
            None => a.map(|cell| &cell.1).cmp(&b.map(|cell| &cell.1)),
        }
    }
}

/// What is kept of the rows of each slice, as of when that was so; `None` where it must be found anew each time.
type Kept<T> = HashMap<(Source, Place), (Option<AsOf>, Vec<T>)>;

/// The rows of a kind in their order, and what is kept of them from one order to the next: those of a region are looked at again only when its roll-up has been
/// gathered anew.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Order {
    /// The order found last, as of when, and of what.
    last: Option<(AsOf, Option<Sort>, String)>,
    rows: Vec<RowRef>,
    severities: Kept<Severity>,
    lines: Kept<Line>,
    /// The column of which the lines have the cells.
    column: Option<usize>,
}

impl Order {
    /// Brings the rows into the order of `order`.
    pub fn renew(&mut self, fleet: &Fleet, kind: Kind, sort: Option<Sort>, filter: &str) {
        let last = (fleet.as_of(), sort, filter);
        let same = |(as_of, sort, filter): &(AsOf, Option<Sort>, String)| {
            (*as_of, *sort, filter.as_str()) == last
        };
        if self.last.as_ref().is_some_and(same) {
            return;
        }
        let conditions = parse(kind, filter);
        self.rows = if conditions.is_empty() && sort.is_none() {
            self.lines = HashMap::new();
            self.worst_first(fleet, kind)
        } else {
            self.filtered(fleet, kind, sort, &conditions)
        };
        self.last = Some((fleet.as_of(), sort, filter.to_owned()));
    }

    fn worst_first(&mut self, fleet: &Fleet, kind: Kind) -> Vec<RowRef> {
        let natural = Natural::of(fleet, kind);
        let mut keyed: Vec<(Key, RowRef)> = Vec::new();
        renew(&mut self.severities, fleet, kind, |source, place, _| {
            super::severities(fleet, kind, source, place)
        });
        for (source, place, _) in super::slices(fleet, kind) {
            let of_slice = natural.of_slice(source, place);
            let severities = kept(&self.severities, source, place);
            let rows = severities.iter().enumerate().map(|(index, severity)| {
                let row = row(source, place, index);
                ((Reverse(*severity), of_slice, index), row)
            });
            keyed.extend(rows);
        }
        // Stable: places without a region have one rank.
        keyed.sort_by_key(|(key, _)| *key);
        keyed.into_iter().map(|(_, row)| row).collect()
    }

    fn filtered(
        &mut self,
        fleet: &Fleet,
        kind: Kind,
        sort: Option<Sort>,
        conditions: &[Condition],
    ) -> Vec<RowRef> {
        let column = sort.map(|sort| sort.column);
        if column.is_some() && self.column != column {
            self.lines = HashMap::new();
            self.column = column;
        }
        let column = self.column;
        renew(&mut self.lines, fleet, kind, |source, place, count| {
            let rows = (0..count).map(|index| row(source, place, index));
            let shown = rows.filter_map(|row| super::show(fleet, kind, &row));
            shown.map(|row| Line::of(&row, column)).collect()
        });
        let natural = Natural::of(fleet, kind);
        let mut found: Vec<(Key, &Line, RowRef)> = Vec::new();
        for (source, place, _) in super::slices(fleet, kind) {
            let of_slice = natural.of_slice(source, place);
            let lines = kept(&self.lines, source, place).iter().enumerate();
            let satisfying = |(_, line): &(usize, &Line)| {
                let mut conditions = conditions.iter();
                conditions.all(|condition| line.satisfies(condition))
            };
            found.extend(lines.filter(satisfying).map(|(index, line)| {
                let key = (Reverse(line.severity), of_slice, index);
                (key, line, row(source, place, index))
            }));
        }
        match sort {
            Some(Sort { descending, .. }) => found.sort_by(|(_, a, _), (_, b, _)| {
                let ordering = a.compare(b);
                if descending {
                    ordering.reverse()
                } else {
                    ordering
                }
            }),
            None => found.sort_by_key(|(key, _, _)| *key),
        }
        found.into_iter().map(|(_, _, row)| row).collect()
    }
}

/// The rows in the order found last.
impl Deref for Order {
    type Target = [RowRef];

    fn deref(&self) -> &[RowRef] {
        &self.rows
    }
}

/// The rows of a kind that a filter keeps, in the order of the screen: by the sort column, or else the worst first and then as the estate lists them.
pub fn order(fleet: &Fleet, kind: Kind, sort: Option<Sort>, filter: &str) -> Vec<RowRef> {
    let mut order = Order::default();
    order.renew(fleet, kind, sort, filter);
    order.rows
}

fn row(source: Source, place: &Place, index: usize) -> RowRef {
    RowRef {
        source,
        place: place.clone(),
        index,
    }
}

fn kept<'a, T>(all: &'a Kept<T>, source: Source, place: &Place) -> &'a [T] {
    all.get(&(source, place.clone()))
        .map_or(&[], |(_, kept)| kept)
}

/// Finds anew what may be another, one for each row of a slice, and forgets slices that are no more.
fn renew<T>(
    all: &mut Kept<T>,
    fleet: &Fleet,
    kind: Kind,
    anew: impl Fn(Source, &Place, usize) -> Vec<T>,
) {
    let mut before = std::mem::take(all);
    for (source, place, count) in super::slices(fleet, kind) {
        let as_of = place.region().and_then(|label| fleet.gathered(label));
        let at = (source, place.clone());
        let still = |(of, kept): &(Option<AsOf>, Vec<T>)| {
            as_of.is_some() && *of == as_of && kept.len() == count
        };
        let kept = before.remove(&at).filter(still);
        let kept = kept.unwrap_or_else(|| (as_of, anew(source, place, count)));
        all.insert(at, kept);
    }
}

/// Severity, what follows from the slice, position of the row.
type Key = (Reverse<Severity>, OfSlice, usize);

/// Gravity of a region, what splits between regions first, position of the region, source.
type OfSlice = (Reverse<(bool, usize)>, Option<Source>, usize, Source);

/// Worst first, then as the estate lists its regions; a region that is broken itself before those that only suffer from it. What splits traffic between regions stands before what splits it within one.
struct Natural<'a> {
    fleet: &'a Fleet,
    kind: Kind,
    ranks: HashMap<&'a RegionLabel, usize>,
}

impl<'a> Natural<'a> {
    fn of(fleet: &'a Fleet, kind: Kind) -> Self {
        let regions = fleet.estate.regions.iter().enumerate();
        Self {
            fleet,
            kind,
            ranks: regions
                .map(|(rank, region)| (&region.label, rank))
                .collect(),
        }
    }

    fn of_slice(&self, source: Source, place: &Place) -> OfSlice {
        let region = place.region();
        let rank = region.and_then(|label| self.ranks.get(label));
        let first = (self.kind == Kind::Traffic).then_some(source);
        let gravity = region
            .filter(|_| self.kind == Kind::Regions)
            .map(|label| self.fleet.rollup(label).gravity(self.fleet.now))
            .unwrap_or_default();
        (
            Reverse(gravity),
            first,
            rank.copied().unwrap_or(self.ranks.len()),
            source,
        )
    }
}
