//! Rows of any kind, made ready to be shown. Owns filter and sort; draws nothing.

use std::{cmp::Reverse, collections::HashMap};

use super::{
    Fleet, Freshness, Judgement, Kind, Place, RegionLabel, Severity, Source,
    cell::{Cell, Column, Field, RowId, Show, ShownRow},
    regions::rollup::AsOf,
};

/// Points at a row of a fleet; holds until the fleet's generation changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRef {
    /// Which source listed it.
    pub source: Source,
    /// Where.
    pub place: Place,
    /// Its index in that slice.
    pub index: usize,
}

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
pub struct Condition {
    /// Turned round by `!`.
    pub negated: bool,
    /// The column, for `field:value`; any column or the region otherwise.
    pub field: Option<String>,
    /// What must occur, in lower case.
    pub text: String,
}

/// Reads a filter: words, each `text`, `!text`, `field:value` or `!field:value`.
pub fn parse_filter(kind: Kind, text: &str) -> Vec<Condition> {
    let columns = columns(kind);
    let condition = |word: &str| {
        let (negated, word) = word
            .strip_prefix('!')
            .map_or((false, word), |rest| (true, rest));
        let word = word.to_lowercase();
        let field = word.split_once(':').filter(|(field, _)| {
            ["state", "region", "freshness"].contains(field)
                || columns.iter().any(|column| field_name(column) == *field)
        });
        match field {
            Some((field, value)) => Condition {
                negated,
                field: Some(field.to_owned()),
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

/// The name of a column in filters and CSV.
pub fn field_name(column: &Column) -> String {
    column.title.to_lowercase().replace(' ', "_")
}

macro_rules! each_kind {
    ($($variant:ident => $module:ident :: $row:ident),* $(,)?) => {
        /// The columns of a kind.
        pub fn columns(kind: Kind) -> &'static [Column] {
            match kind { $(Kind::$variant => <super::$module::$row as Show>::columns(),)* }
        }

        /// The slices of a kind, each with how many rows it has.
        fn slices(fleet: &Fleet, kind: Kind) -> Vec<(Source, &Place, usize)> {
            match kind { $(Kind::$variant => fleet.$module.slices().map(|(source, place, slice)| (source, place, slice.rows.len())).collect(),)* }
        }

        /// How bad each row of a slice is.
        fn severities(fleet: &Fleet, kind: Kind, source: Source, place: &Place) -> Vec<Severity> {
            use super::Resource;
            match kind { $(Kind::$variant => fleet.$module.slice(source, place).into_iter().flat_map(|slice| &slice.rows).map(|row| row.judge(fleet, place).severity).collect(),)* }
        }

        /// A row made ready to be shown.
        pub fn show(fleet: &Fleet, kind: Kind, row: &RowRef) -> Option<ShownRow> {
            match kind { $(Kind::$variant => shown(fleet, kind, row, fleet.$module.slice(row.source, &row.place)?.rows.get(row.index)?),)* }
        }

        /// Its detail.
        pub fn detail(fleet: &Fleet, kind: Kind, row: &RowRef) -> Vec<Field> {
            match kind { $(Kind::$variant => fleet.$module.slice(row.source, &row.place).and_then(|slice| slice.rows.get(row.index)).map(|r| r.detail(fleet, &row.place)).unwrap_or_default(),)* }
        }

        /// The slices that it follows from: that which lists it, or those that it is derived from.
        pub fn sources(fleet: &Fleet, kind: Kind, row: &RowRef) -> Vec<(Source, Place)> {
            let derived = match kind { $(Kind::$variant => fleet.$module.slice(row.source, &row.place).and_then(|slice| slice.rows.get(row.index)).map(|r| r.sources(fleet)).unwrap_or_default(),)* };
            if derived.is_empty() { vec![(row.source, row.place.clone())] } else { derived }
        }

        /// Its model as JSON, for `status --output json`: the fields of the model, and under `derived` what follows from them.
        pub fn json(fleet: &Fleet, kind: Kind, row: &RowRef) -> Option<serde_json::Value> {
            match kind { $(Kind::$variant => with_derived(fleet, row, fleet.$module.slice(row.source, &row.place)?.rows.get(row.index)?),)* }
        }

        /// The series that its values come from.
        pub fn series(fleet: &Fleet, kind: Kind, row: &RowRef) -> Vec<super::metrics::SeriesSpec> {
            use super::Resource;
            match kind { $(Kind::$variant => fleet.$module.slice(row.source, &row.place).and_then(|slice| slice.rows.get(row.index)).map(|r| r.series(&row.place)).unwrap_or_default(),)* }
        }

        /// How bad it is and why.
        pub fn judge(fleet: &Fleet, kind: Kind, row: &RowRef) -> Judgement {
            use super::Resource;
            match kind { $(Kind::$variant => fleet.$module.slice(row.source, &row.place).and_then(|slice| slice.rows.get(row.index)).map(|r| r.judge(fleet, &row.place)).unwrap_or_default(),)* }
        }

        /// Finds a row again by its identity.
        pub fn find(fleet: &Fleet, id: &RowId) -> Option<RowRef> {
            use super::Resource;
            let index = match id.kind { $(Kind::$variant => fleet.$module.slice(id.source, &id.place)?.rows.iter().position(|row| row.key() == id.key),)* }?;
            Some(RowRef { source: id.source, place: id.place.clone(), index })
        }

        /// The identity of a row.
        pub fn id(fleet: &Fleet, kind: Kind, row: &RowRef) -> Option<RowId> {
            use super::Resource;
            let key = match kind { $(Kind::$variant => fleet.$module.slice(row.source, &row.place)?.rows.get(row.index)?.key(),)* };
            Some(RowId { kind, source: row.source, place: row.place.clone(), key })
        }
    };
}

each_kind! {
    Regions => regions::Region,
    Databases => databases::Database,
    Caches => caches::Cache,
    Traffic => traffic::Split,
    Alarms => alarms::Alarm,
    Deployments => deployments::Deployment,
    Releases => releases::Release,
    Pipelines => pipelines::Pipeline,
    Clusters => clusters::Cluster,
    HealthChecks => health_checks::HealthCheck,
    Metrics => metrics::Series,
}

/// Every row of a kind, unsorted.
pub fn all(fleet: &Fleet, kind: Kind) -> Vec<RowRef> {
    let refs = |(source, place, count): (Source, &Place, usize)| {
        let place = place.clone();
        (0..count).map(move |index| RowRef {
            source,
            place: place.clone(),
            index,
        })
    };
    slices(fleet, kind).into_iter().flat_map(refs).collect()
}

fn with_derived<R: Show>(fleet: &Fleet, row: &RowRef, resource: &R) -> Option<serde_json::Value> {
    let mut value = serde_json::to_value(resource).ok()?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("derived".to_owned(), resource.derived(fleet, &row.place));
    }
    Some(value)
}

#[allow(clippy::unnecessary_wraps)] // the callers are all `?` chains
fn shown<R: Show>(fleet: &Fleet, kind: Kind, row: &RowRef, resource: &R) -> Option<ShownRow> {
    Some(ShownRow {
        id: RowId {
            kind,
            source: row.source,
            place: row.place.clone(),
            key: resource.key(),
        },
        region: row.place.region().cloned(),
        judgement: resource.judge(fleet, &row.place),
        asked: resource.asked(fleet, &row.place),
        freshness: freshness(fleet, row, resource),
        observed_at: fleet.status(row.source, &row.place).observed_at,
        cells: resource.cells(fleet, &row.place),
    })
}

/// How far a row can be trusted. Nothing of a region that does not answer is shown as if it were seen now (domain A.9 rule 5), however seldom it is asked.
fn freshness<R: Show>(fleet: &Fleet, row: &RowRef, resource: &R) -> Freshness {
    let own = resource
        .freshness(fleet, &row.place)
        .unwrap_or_else(|| fleet.freshness(row.source, &row.place));
    let lost = |label: &RegionLabel| fleet.rollup(label).reach.lost(fleet.now);
    match row.place.region() {
        Some(label) if lost(label) => own.max(Freshness::Stale),
        Some(_) | None => own,
    }
}

/// What a row shows for a field of a filter.
pub fn value(kind: Kind, row: &ShownRow, field: &str) -> Option<String> {
    match field {
        "region" => Some(row.id.place.to_string()),
        "state" => Some(row.judgement.severity.word().to_owned()),
        "freshness" => Some(freshness_word(row.freshness).to_owned()),
        _ => columns(kind)
            .iter()
            .zip(&row.cells)
            .find(|(column, _)| field_name(column) == field)
            .map(|(_, cell)| cell.text.clone()),
    }
}

fn freshness_word(freshness: Freshness) -> &'static str {
    match freshness {
        Freshness::Fresh => "fresh",
        Freshness::Stale => "stale",
        Freshness::Expired => "expired",
        Freshness::Never => "never",
    }
}

impl Condition {
    fn holds(&self, kind: Kind, row: &ShownRow) -> bool {
        let contains = |text: &str| text.to_lowercase().contains(&self.text);
        let hit = match self.field.as_deref() {
            None => {
                row.cells.iter().any(|cell| contains(&cell.text))
                    || contains(&row.id.place.to_string())
                    || contains(row.judgement.severity.word())
            }
            Some(field) => value(kind, row, field).is_some_and(|text| contains(&text)),
        };
        hit != self.negated
    }
}

/// How bad the rows of a kind are, kept from one order to the next: those of a region are judged again only when its roll-up has been gathered anew.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Severities {
    by_slice: HashMap<(Source, Place), (Option<AsOf>, Vec<Severity>)>,
}

impl Severities {
    /// The same as `order`, where they are kept.
    pub fn order(
        &mut self,
        fleet: &Fleet,
        kind: Kind,
        sort: Option<Sort>,
        filter: &str,
    ) -> Vec<RowRef> {
        let conditions = parse_filter(kind, filter);
        if conditions.is_empty() && sort.is_none() {
            self.worst_first(fleet, kind)
        } else {
            filtered(fleet, kind, sort, &conditions)
        }
    }

    fn worst_first(&mut self, fleet: &Fleet, kind: Kind) -> Vec<RowRef> {
        let natural = Natural::of(fleet, kind);
        let mut before = std::mem::take(&mut self.by_slice);
        let mut keyed: Vec<(Key, RowRef)> = Vec::new();
        for (source, place, count) in slices(fleet, kind) {
            let as_of = place.region().and_then(|label| fleet.gathered(label));
            let at = (source, place.clone());
            let kept = before.remove(&at).filter(|(of, severities)| {
                as_of.is_some() && *of == as_of && severities.len() == count
            });
            let kept = kept.unwrap_or_else(|| (as_of, severities(fleet, kind, source, place)));
            let of_slice = natural.of_slice(source, place);
            let rows = kept.1.iter().enumerate().map(|(index, severity)| {
                let place = place.clone();
                let row = RowRef {
                    source,
                    place,
                    index,
                };
                ((Reverse(*severity), of_slice, index), row)
            });
            keyed.extend(rows);
            self.by_slice.insert(at, kept);
        }
        keyed.sort_by_key(|(key, _)| *key); // stable: places without a region have one rank
        keyed.into_iter().map(|(_, row)| row).collect()
    }
}

/// The rows of a kind that a filter keeps, in the order of the screen: by the sort column, or else the worst first and then as the estate lists them.
pub fn order(fleet: &Fleet, kind: Kind, sort: Option<Sort>, filter: &str) -> Vec<RowRef> {
    Severities::default().order(fleet, kind, sort, filter)
}

fn filtered(
    fleet: &Fleet,
    kind: Kind,
    sort: Option<Sort>,
    conditions: &[Condition],
) -> Vec<RowRef> {
    let natural = Natural::of(fleet, kind);
    let rows = all(fleet, kind);
    let mut kept: Vec<(RowRef, ShownRow)> = rows
        .into_iter()
        .filter_map(|row| show(fleet, kind, &row).map(|shown| (row, shown)))
        .collect();
    kept.retain(|(_, shown)| {
        conditions
            .iter()
            .all(|condition| condition.holds(kind, shown))
    });
    match sort {
        Some(Sort { column, descending }) => kept.sort_by(|(_, a), (_, b)| {
            let ordering = compare(a.cells.get(column), b.cells.get(column));
            if descending {
                ordering.reverse()
            } else {
                ordering
            }
        }),
        None => kept.sort_by_cached_key(|(row, shown)| {
            let of_slice = natural.of_slice(row.source, &row.place);
            (Reverse(shown.judgement.severity), of_slice, row.index)
        }),
    }
    kept.into_iter().map(|(row, _)| row).collect()
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

fn compare(a: Option<&Cell>, b: Option<&Cell>) -> std::cmp::Ordering {
    let by_number = a
        .and_then(|cell| cell.sort)
        .zip(b.and_then(|cell| cell.sort))
        .map(|(a, b)| a.total_cmp(&b));
    by_number.unwrap_or_else(|| {
        a.map(|cell| cell.text.as_str())
            .cmp(&b.map(|cell| cell.text.as_str()))
    })
}

#[cfg(test)]
#[path = "shown_tests.rs"]
mod tests;
