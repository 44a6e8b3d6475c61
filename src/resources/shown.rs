//! Rows of any kind, made ready to be shown. Owns what each kind shows of a row; in which order they stand lives in `order`. Draws nothing.

mod order;

pub use self::order::{Order, Sort, order};

use super::{
    Fleet, Freshness, Judgement, Kind, Place, Severity, Source,
    cell::{Cell, Column, Field, RowId, Show, ShownRow},
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
            let mut fields = match kind { $(Kind::$variant => fleet.$module.slice(row.source, &row.place).and_then(|slice| slice.rows.get(row.index)).map(|r| r.detail(fleet, &row.place)).unwrap_or_default(),)* };
            age(fleet, kind, &row.place, fields.iter_mut().map(|field| &mut field.cell));
            fields
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
    let at_best = fleet.at_best(&row.place);
    let freshness = resource
        .freshness(fleet, &row.place)
        .unwrap_or_else(|| fleet.freshness(row.source, &row.place));
    let mut cells = resource.cells(fleet, &row.place);
    age(fleet, kind, &row.place, &mut cells);
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
        freshness: freshness.max(at_best),
        observed_at: fleet.status(row.source, &row.place).observed_at,
        cells,
    })
}

/// Takes from values of a place the freshness that nothing there can have.
fn age<'a>(
    fleet: &Fleet,
    kind: Kind,
    place: &Place,
    cells: impl IntoIterator<Item = &'a mut Cell>,
) {
    // A roll-up ages what is in it by itself; when a region was heard last is never too old to be said.
    if kind == Kind::Regions {
        return;
    }
    let at_best = fleet.at_best(place);
    for cell in cells {
        cell.freshness = cell.freshness.map(|own| own.max(at_best));
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

#[cfg(test)]
#[path = "shown_tests.rs"]
mod tests;
