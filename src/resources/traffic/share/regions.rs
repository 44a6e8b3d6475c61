//! The share of each region, from the one owner that decides about the first managed name: its record sets, or the accelerator behind it; without such a door the gateways of a mesh. Must never mix two owners.

use std::collections::BTreeMap;

use super::{
    super::{Mechanism, Policy, Split, plain_name},
    Remark, Share, Shares,
};
use crate::resources::{Fleet, Freshness, Place, RegionLabel, Resource, Source};

/// The share of each region of the estate.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RegionShares {
    shares: BTreeMap<RegionLabel, Share>,
    reason: String,
    by_gateways: bool,
}

impl RegionShares {
    /// Adds up the shares of the primary owner's members, region by region.
    pub fn of(fleet: &Fleet, shares: &Shares) -> Self {
        match owner(fleet) {
            Ok((source, members)) => Self::add_up(fleet, shares, source, &members),
            Err(reason) => match super::gateways::of(fleet, shares) {
                Some(shares) => Self {
                    shares,
                    reason: String::new(),
                    by_gateways: true,
                },
                None => Self::unknown(reason),
            },
        }
    }

    fn unknown(reason: String) -> Self {
        Self {
            reason,
            ..Self::default()
        }
    }

    /// Whether the gateways of a mesh decide.
    pub fn by_gateways(&self) -> bool {
        self.by_gateways
    }

    /// The share of a region, or why there is none.
    pub fn get(&self, region: &RegionLabel) -> Result<Share, &str> {
        match self.shares.get(region) {
            Some(share) => Ok(*share),
            None if self.reason.is_empty() => Err("not a region of this estate"),
            None => Err(&self.reason),
        }
    }

    fn add_up(fleet: &Fleet, shares: &Shares, source: Source, members: &[&Split]) -> Self {
        let regions = fleet.estate.regions.iter();
        let mut sums: BTreeMap<&RegionLabel, (f64, f64)> =
            regions.map(|region| (&region.label, (0.0, 0.0))).collect();
        let (mut strays, mut fail_open, mut remark) = (0.0, Some(false), None::<Remark>);
        for member in members {
            let Some(share) = shares.get(source, &Place::Global, &member.key()) else {
                continue;
            };
            let Some((low, high)) = share.range() else {
                let split = &member.split;
                return Self::unknown(format!("{split} is not split by numbers: who asks decides"));
            };
            (fail_open, remark) = (share.fail_open, share.remark);
            match member
                .region(fleet, &Place::Global)
                .and_then(|label| sums.get_mut(label))
            {
                Some(sum) => *sum = (sum.0 + low, sum.1 + high),
                // It goes to some region, we cannot tell which.
                None => strays += high,
            }
        }
        let share = |(label, (low, high)): (&RegionLabel, (f64, f64))| {
            let share = Share::between(low.min(1.0), (high + strays).min(1.0));
            (
                label.clone(),
                Share {
                    fail_open,
                    remark,
                    ..share
                },
            )
        };
        Self {
            shares: sums.into_iter().map(share).collect(),
            ..Self::default()
        }
    }
}

/// The members of the split that decides, and the source that lists them.
fn owner(fleet: &Fleet) -> Result<(Source, Vec<&Split>), String> {
    // Records that were not read yet may turn out to decide: until then nothing does.
    let records = records(fleet)?;
    match accelerator(fleet) {
        // A plain record names no regions: if there is an accelerator, it stands behind it.
        Ok(groups) if records.iter().all(|row| is_simple(row)) => {
            Ok((Source::Accelerators, groups))
        }
        Ok(_) | Err(_) if !records.is_empty() => Ok((Source::Records, records)),
        Ok(_) => Err("no traffic is split between regions".to_owned()),
        Err(reason) => Err(format!("no record set of a managed name, and {reason}")),
    }
}

fn is_simple(row: &Split) -> bool {
    matches!(&row.by, Mechanism::Record(record) if record.policy == Policy::Simple)
}

/// The record sets of the first managed name, of the type that users ask for first; none without a managed name.
fn records(fleet: &Fleet) -> Result<Vec<&Split>, String> {
    let asked = !fleet.estate.places(Source::Records).is_empty();
    let Some(managed) = fleet.estate.names.first().filter(|_| asked) else {
        return Ok(Vec::new());
    };
    let name = plain_name(&managed.name);
    let rows = usable(fleet, Source::Records)?;
    let mut found: Vec<(u8, &Split)> = rows
        .iter()
        .filter_map(|row| match &row.by {
            Mechanism::Record(record) if is_named(&record.name, &name) => {
                let rank = ["A", "AAAA", "CNAME"]
                    .iter()
                    .position(|wanted| *wanted == record.record_type);
                Some((
                    rank.and_then(|rank| u8::try_from(rank).ok())
                        .unwrap_or(u8::MAX),
                    row,
                ))
            }
            _ => None,
        })
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    let first = found.first().map(|(_, row)| row.split.as_str());
    Ok(found
        .iter()
        .map(|(_, row)| *row)
        .filter(|row| Some(row.split.as_str()) == first)
        .collect())
}

/// Whether a name, as Route 53 writes it, is a plain name; most need no rewriting to tell.
fn is_named(written: &str, plain: &str) -> bool {
    let bare = written.trim_end_matches('.');
    bare.eq_ignore_ascii_case(plain) || (bare.contains('\\') && plain_name(bare) == plain)
}

/// The endpoint groups of the first listener of an accelerator that is enabled.
fn accelerator(fleet: &Fleet) -> Result<Vec<&Split>, String> {
    let rows = usable(fleet, Source::Accelerators)?;
    let enabled =
        |row: &&Split| matches!(&row.by, Mechanism::Dial(group) if group.accelerator_enabled);
    let Some(first) = rows.iter().find(enabled) else {
        return Err("there is no accelerator".to_owned());
    };
    Ok(rows.iter().filter(|row| row.split == first.split).collect())
}

fn usable(fleet: &Fleet, source: Source) -> Result<&[Split], String> {
    match fleet.freshness(source, &Place::Global) {
        Freshness::Fresh | Freshness::Stale => {}
        Freshness::Expired => return Err(format!("{} were read too long ago", source.name())),
        Freshness::Never => return Err(format!("{} were not read yet", source.name())),
    }
    let slice = fleet.traffic.slice(source, &Place::Global);
    Ok(slice.map(|slice| slice.rows.as_slice()).unwrap_or_default())
}
