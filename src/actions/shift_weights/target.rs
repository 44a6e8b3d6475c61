//! Which split and which member a target names. Owns the words for targets that name nothing or too much.

use std::collections::BTreeMap;

use crate::{
    actions::Refusal,
    resources::{
        Fleet, Place, Source,
        traffic::{Mechanism, Split},
    },
};

/// A split, and perhaps a member of it.
#[derive(Debug)]
pub struct Target<'a> {
    /// The source that lists it.
    pub source: Source,
    /// Where.
    pub place: &'a Place,
    /// Its name.
    pub split: &'a str,
    /// All members.
    pub rows: Vec<&'a Split>,
    /// The member that is meant, where one is named.
    pub member: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// The members of one mechanism, each with its name.
    pub fn of<T>(
        &self,
        mechanism: impl Fn(&'a Mechanism) -> Option<&'a T>,
    ) -> Vec<(&'a str, &'a T)> {
        let rows = self.rows.iter();
        rows.filter_map(|row| Some((row.member.as_str(), mechanism(&row.by)?)))
            .collect()
    }
}

/// Splits by source, place and name. Routing controls have states, not shares.
fn splits(fleet: &Fleet) -> BTreeMap<(Source, &Place, &str), Vec<&Split>> {
    let mut splits: BTreeMap<(Source, &Place, &str), Vec<&Split>> = BTreeMap::new();
    for (source, place, row) in fleet.traffic.rows() {
        if !matches!(row.by, Mechanism::Control(_)) {
            splits
                .entry((source, place, &row.split))
                .or_default()
                .push(row);
        }
    }
    splits
}

/// The region that tells apart splits of one name in several regions: `quote:live/42@eu-west-1`.
fn at(name: &str, place: &Place) -> String {
    place
        .region()
        .map_or_else(|| name.to_owned(), |label| format!("{name}@{label}"))
}

/// What can be named: every member of every split that has more than one, with its region where the name alone does not tell.
pub fn names(fleet: &Fleet) -> Vec<String> {
    let splits = splits(fleet);
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, _, split) in splits.keys() {
        *places.entry(split).or_default() += 1;
    }
    let divided = splits.iter().filter(|(_, rows)| rows.len() > 1);
    divided
        .flat_map(|((_, place, split), rows)| {
            let several = places.get(split).is_some_and(|count| *count > 1);
            rows.iter().map(move |row| {
                let name = format!("{split}/{}", row.member);
                if several { at(&name, place) } else { name }
            })
        })
        .collect()
}

/// The split that a target names, and the member of it if it names one.
pub fn find<'a>(fleet: &'a Fleet, target: &str) -> Result<Target<'a>, Refusal> {
    let splits = splits(fleet);
    let mut found: Vec<Target<'a>> = Vec::new();
    for ((source, place, split), rows) in splits {
        let is = |name: &str| target == name || target == at(name, place);
        let member = rows
            .iter()
            .find(|row| is(&format!("{split}/{}", row.member)));
        if member.is_some() || is(split) {
            found.push(Target {
                source,
                place,
                split,
                member: member.map(|row| row.member.as_str()),
                rows,
            });
        }
    }
    let names: Vec<String> = found
        .iter()
        .map(|found| {
            let member = found
                .member
                .map(|member| format!("/{member}"))
                .unwrap_or_default();
            at(&format!("{}{member}", found.split), found.place)
        })
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(Refusal::new(
            format!("`{target}` is {} splits", names.len()),
            format!("name one: {}", names.join(", ")),
        )),
        (None, _) => Err(unknown(fleet, target)),
    }
}

fn unknown(fleet: &Fleet, target: &str) -> Refusal {
    let names = self::names(fleet);
    let near = names
        .iter()
        .map(|name| (strsim::jaro_winkler(name, target), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let advice = match near {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => "name a split of the Traffic pane, or a member of it: `split/member`".to_owned(),
    };
    Refusal::new(format!("there is no traffic split `{target}`"), advice)
}
