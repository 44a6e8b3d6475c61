//! Effective shares: what a set of weights really does to traffic, given health. Pure functions of the rules in domain C; the heart of every drain. Must never give a number where health makes a difference and is not known.

mod gateways;
mod known;
mod members;
mod records;
mod regions;
pub mod weights;

pub use self::gateways::unread as unread_routes;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use self::known::Known;
use super::{
    super::{Fleet, Place, RegionLabel, Source},
    Split,
};

/// What a member gets of the traffic of its split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Portion {
    /// A part of it, 0.0 to 1.0: the lowest and the highest that is possible, given what is not known.
    Part {
        /// The lowest.
        low: f64,
        /// The highest; equal to the lowest when the share is certain.
        high: f64,
    },
    /// Who asks decides (latency, location, a header), so there is no number: whether it answers anybody, `None` when that is not known.
    ByUser {
        /// Whether it answers anybody.
        answers: Option<bool>,
    },
}

/// What is worth saying about a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remark {
    /// No member is healthy, so all of them are used.
    FailOpen,
    /// Every weight is 0, so all count the same.
    AllZero,
    /// Members of weight 0 are used, because all others are unhealthy.
    ZeroWeightAnswers,
    /// Nothing answers users outside the listed locations.
    NoDefault,
    /// The answer for users outside the listed locations is unhealthy, so they get none.
    DefaultFails,
    /// The routing policy is not known to this version.
    UnknownPolicy,
    /// Every weight is 0, so nobody gets traffic.
    NoTraffic,
    /// Taken as if every group had the same number of users nearby: a dial cuts a group's own traffic only.
    Relative,
    /// The whole thing is disabled.
    Disabled,
    /// A header of the request decides.
    ByHeader,
}

impl Remark {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::FailOpen => "nothing is healthy, so everything is used (fail-open)",
            Self::AllZero => "all weights are 0, so all get an equal share",
            Self::ZeroWeightAnswers => "members of weight 0 are used: all others are unhealthy",
            Self::NoDefault => "users elsewhere get no answer: there is no default record",
            Self::DefaultFails => "users elsewhere get no answer: the default record is unhealthy",
            Self::UnknownPolicy => "its routing policy is not known to this version",
            Self::NoTraffic => "all weights are 0, so nobody gets traffic",
            Self::Relative => "relative: dials cut each group's own traffic",
            Self::Disabled => "disabled",
            Self::ByHeader => "a request header decides",
        }
    }
}

/// The effective share of a member.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// How much.
    pub portion: Portion,
    /// Whether it is only used because nothing is healthy; `None` when that is not known.
    pub fail_open: Option<bool>,
    /// What is worth saying, the gravest first.
    pub remark: Option<Remark>,
}

impl Share {
    /// A certain share.
    pub fn exactly(value: f64) -> Self {
        Self::between(value, value)
    }

    /// A share that is known within bounds.
    pub fn between(low: f64, high: f64) -> Self {
        Self {
            portion: Portion::Part { low, high },
            fail_open: Some(false),
            remark: None,
        }
    }

    /// A share without a number.
    pub fn by_user(answers: Option<bool>) -> Self {
        Self {
            portion: Portion::ByUser { answers },
            fail_open: Some(false),
            remark: None,
        }
    }

    /// The same share with a remark.
    #[must_use]
    pub fn remark(self, remark: Remark) -> Self {
        Self {
            remark: Some(remark),
            ..self
        }
    }

    /// The share, 0.0 to 1.0, if it is a number and certain.
    pub fn value(self) -> Option<f64> {
        self.range()
            .filter(|(low, high)| high - low < 1e-9)
            .map(|(low, _)| low)
    }

    /// The lowest and the highest possible share, if it is a number.
    pub fn range(self) -> Option<(f64, f64)> {
        match self.portion {
            Portion::Part { low, high } => Some((low, high)),
            Portion::ByUser { .. } => None,
        }
    }

    /// Whether any traffic goes there: `None` when that is not known.
    pub fn answers(self) -> Option<bool> {
        match self.portion {
            Portion::Part { low, .. } if low > 0.0 => Some(true),
            Portion::Part { high, .. } => (high <= 0.0).then_some(false),
            Portion::ByUser { answers } => answers,
        }
    }

    /// The fewest characters that still tell: `46%`, `20-46%`, `answers`, `no answer`, `?`.
    pub fn text(self) -> String {
        match (self.portion, self.value()) {
            (Portion::Part { .. }, Some(value)) => crate::resources::cell::percent(value * 100.0),
            (Portion::Part { low, high }, None) if low <= 0.0 && high >= 1.0 => "?".to_owned(),
            (Portion::Part { low, high }, None) => {
                format!("{:.0}-{:.0}%", low * 100.0, high * 100.0)
            }
            (Portion::ByUser { answers }, _) => match answers {
                Some(true) => "answers".to_owned(),
                Some(false) => "no answer".to_owned(),
                None => "?".to_owned(),
            },
        }
    }
}

/// The effective share of every member of every split, and of every region.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shares {
    /// Shared between copies until one of them changes: a plan imagines many fleets, and each differs in a few splits.
    members: BTreeMap<(Source, Place), Arc<HashMap<String, Share>>>,
    regions: regions::RegionShares,
    controls: HashMap<String, Option<bool>>,
    targets: HashMap<String, Option<bool>>,
}

impl Shares {
    /// Computes them for a fleet, as of its time.
    pub fn of(fleet: &Fleet) -> Self {
        let mut computed = Self::default();
        computed.renew(fleet, |_, _| true);
        computed
    }

    /// Computes anew what may be another: everything that follows from health, and the splits of the slices whose rows have changed.
    /// Only record sets follow health here; whatever else splits traffic says all about it in its own rows.
    pub fn renew(&mut self, fleet: &Fleet, changed: impl Fn(Source, &Place) -> bool) {
        let known = Known::of(fleet);
        self.members
            .retain(|(source, place), _| fleet.traffic.slice(*source, place).is_some());
        for (source, place, slice) in fleet.traffic.slices() {
            let at = (source, place.clone());
            let kept = self.members.contains_key(&at);
            if kept && source != Source::Records && !changed(source, place) {
                continue;
            }
            let mut of_slice = HashMap::with_capacity(slice.rows.len());
            judge(&mut of_slice, &slice.rows, &known);
            self.members.insert(at, Arc::new(of_slice));
        }
        self.add_up(fleet, known);
    }

    /// Those of some sources alone.
    #[must_use]
    pub fn only(&self, sources: &[Source]) -> Self {
        let mut these = self.clone();
        these.members.retain(|(of, _), _| sources.contains(of));
        these
    }

    /// Computes anew what some imagined changes of the rows have touched, where nothing else has happened since, not even time. Whether a load balancer is
    /// healthy does not follow from any weight.
    pub fn renew_now(&mut self, fleet: &Fleet, touched: &Touched) {
        let known = Known::with(fleet, std::mem::take(&mut self.targets));
        for ((source, place), of_slice) in &mut self.members {
            let slice = fleet.traffic.slice(*source, place);
            if let Some(slice) = slice.filter(|_| touched.any(*source, place)) {
                let rows = slice.rows.iter();
                let rows = rows.filter(|row| touched.has(*source, place, &row.split));
                judge(Arc::make_mut(of_slice), rows, &known);
            }
        }
        self.add_up(fleet, known);
    }

    fn add_up(&mut self, fleet: &Fleet, known: Known<'_>) {
        self.regions = regions::RegionShares::of(fleet, self);
        (self.controls, self.targets) = known.into_parts();
    }

    /// The share of a member, by the key of its row; `None` when there is no such row.
    pub fn get(&self, source: Source, place: &Place, key: &str) -> Option<Share> {
        self.members
            .get(&(source, place.clone()))
            .and_then(|of_slice| of_slice.get(key))
            .copied()
    }

    /// The share of a region by the primary owner of the traffic: the record sets of the first managed name, or else the first accelerator, or else the gateways
    /// of a mesh. Without a number, the reason.
    pub fn region_share(&self, region: &RegionLabel) -> Result<Share, &str> {
        self.regions.get(region)
    }

    /// Whether gateways of a mesh decide about regions, and no door of theirs.
    pub fn by_gateways(&self) -> bool {
        self.regions.by_gateways()
    }

    /// Whether a routing control is on, if all endpoints that answer agree.
    pub fn control(&self, arn: &str) -> Option<bool> {
        self.controls.get(arn).copied().flatten()
    }

    /// Whether the load balancer behind a DNS name counts as healthy for Route 53; `None` when it is not known, or not one that we list.
    pub fn target_health(&self, dns_name: &str) -> Option<bool> {
        self.targets
            .get(&known::balancer_name(dns_name))
            .copied()
            .flatten()
    }
}

/// What of the splits some changes have touched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Touched {
    health: bool,
    splits: BTreeSet<(Source, Place, String)>,
}

impl Touched {
    /// Whatever follows from health.
    pub fn health(&mut self) {
        self.health = true;
    }

    /// A split.
    pub fn split(&mut self, source: Source, place: &Place, split: &str) {
        self.splits
            .insert((source, place.clone(), split.to_owned()));
    }

    fn any(&self, source: Source, place: &Place) -> bool {
        let mut splits = self.splits.iter();
        self.all(source) || splits.any(|(of, at, _)| (*of, at) == (source, place))
    }

    fn has(&self, source: Source, place: &Place, split: &str) -> bool {
        let mut splits = self.splits.iter();
        self.all(source)
            || splits.any(|(of, at, name)| (*of, at, name.as_str()) == (source, place, split))
    }

    fn all(&self, source: Source) -> bool {
        self.health && source == Source::Records
    }
}

/// The share of each member of the splits of some rows, by the key of its row.
fn judge<'a>(
    shares: &mut HashMap<String, Share>,
    rows: impl IntoIterator<Item = &'a Split>,
    known: &Known<'_>,
) {
    for split in splits(rows) {
        let keys = split.iter().map(|member| super::Resource::key(*member));
        shares.extend(keys.zip(self::members::shares(&split, known)));
    }
}

/// Rows by what they split, each in their order.
fn splits<'a>(rows: impl IntoIterator<Item = &'a Split>) -> Vec<Vec<&'a Split>> {
    let mut index: HashMap<&str, usize> = HashMap::new();
    let mut splits: Vec<Vec<&Split>> = Vec::new();
    for row in rows {
        // Rows of one split mostly follow each other.
        let same = splits
            .last()
            .and_then(|split| split.first())
            .is_some_and(|first| first.split == row.split);
        let at = if same {
            splits.len() - 1
        } else {
            *index.entry(&row.split).or_insert_with(|| {
                splits.push(Vec::new());
                splits.len() - 1
            })
        };
        splits[at].push(row);
    }
    splits
}

#[cfg(test)]
mod tests;
