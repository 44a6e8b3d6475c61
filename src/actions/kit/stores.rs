//! What the actions on stores and capacity share: what a target means, the plan around the steps, lags in words. Owns no procedure and no change.

pub mod global;
pub mod receivers;
#[cfg(test)]
pub mod tests;

use jiff::Timestamp;

use super::{guards::guards, pace};
use crate::{
    actions::Refusal,
    plan::{Blast, GuardId, Intent, Mark, OnBreach, Plan, Step, Wait, Work, forecast::Forecast},
    resources::{Change, Fleet, Place, RegionLabel, Source, age, change::Alter, metrics::Reading},
};

/// What is typed besides the name where writes may be lost. The estimate is not part of it: it changes with every reading, and the hash must not.
pub const ACCEPT_LOSS: &str = "accept data loss";

/// What is typed besides the name where nothing is lost that was known, and nothing undoes it.
pub const ACCEPT_FOR_GOOD: &str = "no way back";

/// Something that a target can mean.
#[derive(Debug, Clone)]
pub struct Named<T> {
    /// The name that means nothing else: `eu-west-1/instance/orders`.
    pub full: String,
    /// What it may be called as well, the shortest first.
    pub forms: Vec<String>,
    /// What it is.
    pub what: T,
}

/// The one thing that a target means; `kind` says what was looked for, in the plural.
pub fn resolve<T>(kind: &str, target: &str, all: Vec<Named<T>>) -> Result<T, Refusal> {
    if all.is_empty() {
        return Err(Refusal::new(
            format!("there are no {kind} that we know of"),
            "wait until they have been read, or see whether the regions and sources are configured",
        ));
    }
    let names: Vec<String> = all
        .iter()
        .flat_map(|named| named.forms.iter().chain([&named.full]))
        .cloned()
        .collect();
    let full = shortest(&all);
    if let Some(index) = all.iter().position(|named| named.full == target) {
        return nth(kind, target, all, index);
    }
    let hits: Vec<usize> = (0..all.len())
        .filter(|index| all[*index].forms.iter().any(|form| form == target))
        .collect();
    match hits.as_slice() {
        [] => Err(Refusal::new(
            format!("`{target}` is none of the {kind} that we know of"),
            guess(target, &names, &full),
        )),
        [index] => nth(kind, target, all, *index),
        many => {
            let meant: Vec<&str> = many.iter().map(|index| all[*index].full.as_str()).collect();
            Err(Refusal::new(
                format!("`{target}` means {} {kind}", many.len()),
                format!("say which: {}", meant.join(", ")),
            ))
        }
    }
}

fn nth<T>(kind: &str, target: &str, all: Vec<Named<T>>, index: usize) -> Result<T, Refusal> {
    all.into_iter()
        .nth(index)
        .map(|named| named.what)
        .ok_or_else(|| Refusal::new(format!("`{target}` is none of the {kind}"), "name another"))
}

/// The shortest name of each that means nothing else: for completion.
pub fn shortest<T>(all: &[Named<T>]) -> Vec<String> {
    let others = |own: usize, form: &str| {
        all.iter()
            .enumerate()
            .any(|(index, named)| index != own && named.forms.iter().any(|other| other == form))
    };
    all.iter()
        .enumerate()
        .map(|(index, named)| {
            let mut forms = named.forms.iter();
            forms
                .find(|form| !others(index, form))
                .unwrap_or(&named.full)
                .clone()
        })
        .collect()
}

/// What a mistyped name may have meant.
pub fn guess(target: &str, names: &[String], all: &[String]) -> String {
    let near = names
        .iter()
        .map(|name| (strsim::jaro_winkler(target, name), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => format!("there are {}", some(all)),
    }
}

/// The first of several names, and how many more there are.
pub fn some(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Whether a text means a region, by its label or its AWS Region.
pub fn means(fleet: &Fleet, text: &str, label: &RegionLabel) -> bool {
    fleet.estate.region_named(text) == Some(label)
}

/// The AWS Region in an ARN.
pub fn arn_region(arn: &str) -> Option<&str> {
    arn.split(':').nth(3).filter(|region| !region.is_empty())
}

/// The identifier at the end of an ARN, or the text itself.
pub fn arn_id(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

/// The region of the estate that an AWS Region is.
pub fn watched<'a>(fleet: &'a Fleet, aws_region: &str) -> Option<&'a RegionLabel> {
    let mut specs = fleet.estate.regions.iter();
    specs
        .find(|spec| spec.aws_region.as_deref() == Some(aws_region))
        .map(|spec| &spec.label)
}

/// A duration in milliseconds, as it is said in a sentence.
pub fn span(milliseconds: f64) -> String {
    match milliseconds {
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms if ms < 120_000.0 => format!("{:.1} s", ms / 1_000.0),
        ms => format!("{:.0} min", ms / 60_000.0),
    }
}

/// The last good value, however old: what is known of a store whose source died.
pub fn last_good(reading: Reading) -> Option<(f64, Timestamp)> {
    match reading {
        Reading::Value { value, at, .. } if value >= 0.0 => Some((value, at)),
        Reading::Value { .. }
        | Reading::NeverRead
        | Reading::Failed
        | Reading::NoData
        | Reading::Forbidden => None,
    }
}

/// How many milliseconds of writes a forced takeover may lose. From a dead source nothing has come since the last good value.
pub fn loss(reading: Reading, source_lost: bool, now: Timestamp) -> Option<f64> {
    let (value, at) = last_good(reading)?;
    let since = if source_lost {
        age(at, now).as_secs_f64() * 1_000.0
    } else {
        0.0
    };
    Some(value + since)
}

/// The estimate in words.
pub fn loss_words(loss: Option<f64>) -> String {
    match loss {
        Some(loss) => format!("up to {} of writes may be lost", span(loss)),
        None => "how many writes may be lost is not known: no lag was measured".to_owned(),
    }
}

/// A lag in words.
pub fn lag_words(reading: Reading) -> String {
    match reading.usable() {
        Some(lag) if lag < 0.0 => "replication is broken".to_owned(),
        Some(lag) => format!("lag {}", span(lag)),
        None => match last_good(reading) {
            Some((lag, _)) => format!("lag not known now, last {}", span(lag)),
            None => "lag not known".to_owned(),
        },
    }
}

/// Guards of every change of a store or of capacity, whatever else it has.
pub const EVERY: &[GuardId] = guards!(pace::PLAIN, &[GuardId::ControlPlane]);

/// A step that changes something.
pub fn change(
    title: impl Into<String>,
    change: Change,
    (expected_seconds, deadline_seconds): (u64, u64),
    guards: &[GuardId],
) -> Step {
    Step {
        title: title.into(),
        work: Work::Change(change),
        expected_seconds,
        deadline_seconds,
        guards: guards.to_vec(),
    }
}

/// A step that waits.
pub fn wait(
    title: impl Into<String>,
    wait: Wait,
    (expected_seconds, deadline_seconds): (u64, u64),
) -> Step {
    Step {
        title: title.into(),
        work: Work::Wait(wait),
        expected_seconds,
        deadline_seconds,
        guards: Vec::new(),
    }
}

/// A plan before it is frozen.
#[derive(Debug, Clone)]
pub struct Draft {
    /// In words.
    pub title: String,
    /// What is done.
    pub steps: Vec<Step>,
    /// What the receivers get.
    pub forecast: Vec<Forecast>,
    /// What the operator should know.
    pub remarks: Vec<String>,
    /// How much it can hurt.
    pub blast: Blast,
    /// What is typed.
    pub phrase: String,
    /// What is typed besides.
    pub loss_phrase: String,
    /// What stays.
    pub marks: Vec<Mark>,
    /// When that should be ended.
    pub until: Option<Timestamp>,
}

impl Draft {
    /// A reversible plan, confirmed by typing a name.
    pub fn new(title: impl Into<String>, phrase: impl Into<String>, steps: Vec<Step>) -> Self {
        Self {
            title: title.into(),
            steps,
            forecast: Vec::new(),
            remarks: Vec::new(),
            blast: Blast::L2,
            phrase: phrase.into(),
            loss_phrase: String::new(),
            marks: Vec::new(),
            until: None,
        }
    }

    /// The plan.
    pub fn freeze(self, fleet: &Fleet, intent: &Intent) -> Plan {
        let first = self.steps.iter().find_map(Step::change).map(Alter::place);
        Plan {
            intent: intent.clone(),
            title: self.title,
            environment: fleet.estate.environment.clone(),
            account: account(fleet, first.as_ref()),
            made_at: fleet.now,
            steps: self.steps,
            forecast: self.forecast,
            remarks: self.remarks,
            blast: self.blast,
            phrase: self.phrase,
            loss_phrase: self.loss_phrase,
            on_breach: OnBreach::Hold,
            marks: self.marks,
            until: self.until,
        }
    }
}

/// The account where a change is sent; where that is not known, that of the first region which told.
fn account(fleet: &Fleet, place: Option<&Place>) -> Option<String> {
    let own = |place: &Place| {
        let slice = fleet.regions.slice(Source::Identity, place)?;
        let identity = slice.rows.first()?.identity.as_ref()?;
        Some(identity.account.clone())
    };
    let regions = fleet.estate.regions.iter();
    let mut all = regions.map(|spec| Place::Region(spec.label.clone()));
    place
        .and_then(own)
        .or_else(|| all.find_map(|place| own(&place)))
}
