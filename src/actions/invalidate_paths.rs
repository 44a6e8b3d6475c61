//! Makes CloudFront forget paths of a distribution. Owns which paths may be sent and what is said before it: the caches fill again from the origins, and nothing takes it back.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::{
    Action, Refusal,
    kit::{
        guards::guards,
        stores::{self, ACCEPT_FOR_GOOD, Draft, Named},
    },
};
use crate::{
    plan::{GuardId, Intent, Plan, digest, ledger::Ledger},
    resources::{
        Change, Fleet, Place, Source,
        metrics::Reading,
        traffic::{
            self,
            cloudfront::{Distribution, MOST_FILES, MOST_WILDCARDS, distribution_key, is_wildcard},
            find,
        },
    },
};

/// See the module.
pub struct InvalidatePaths;

/// Judged right before the call.
const GUARDS: &[GuardId] = guards!(stores::EVERY, &[GuardId::Capacity, GuardId::Cost]);

/// One to five minutes (domain B.8).
const TIME: (u64, u64) = (120, 900);

/// Characters of a path at most.
const LONGEST: usize = 4_000;

impl Action for InvalidatePaths {
    fn name(&self) -> &'static str {
        "invalidate-paths"
    }

    fn doc(&self) -> &'static str {
        "Make CloudFront forget paths of a distribution: names=/index.html,/img/*"
    }

    fn target(&self) -> &'static str {
        "<distribution>"
    }

    fn options(&self) -> &'static [&'static str] {
        &["names"]
    }

    fn targets(&self, fleet: &Fleet, _ledger: &Ledger) -> Vec<String> {
        stores::shortest(&names(fleet))
    }

    fn plan(&self, fleet: &Fleet, _ledger: &Ledger, intent: &Intent) -> Result<Plan, Refusal> {
        let distribution = stores::resolve("distributions", &intent.target, names(fleet))?;
        let paths = paths(&intent.options.names)?;
        let id = &distribution.id;
        if !distribution.enabled {
            return Err(Refusal::new(
                format!("{id} is disabled: nobody gets anything from it"),
                "name another distribution",
            ));
        }
        let seed = format!("{id} {} {}", paths.join(" "), fleet.now);
        let reference: String = digest(seed.as_bytes()).chars().take(16).collect();
        let change = traffic::Change::Invalidate {
            distribution_id: id.clone(),
            paths: paths.clone(),
            reference: format!("pilothouse-{reference}"),
        };
        let what = match paths.as_slice() {
            [path] => path.clone(),
            many => format!("{} paths", many.len()),
        };
        let title = format!("Invalidate {what} of {}", name(distribution));
        let step = stores::change(title.clone(), Change::Traffic(change), TIME, GUARDS);
        let mut draft = Draft::new(title, id, vec![step]);
        ACCEPT_FOR_GOOD.clone_into(&mut draft.loss_phrase);
        draft.remarks = remarks(fleet, distribution, &paths);
        Ok(draft.freeze(fleet, intent))
    }
}

/// What a distribution is called: the name that its users know.
fn name(distribution: &Distribution) -> &str {
    distribution.aliases.first().unwrap_or(&distribution.id)
}

/// The distributions that serve users, by the names that they may be called.
fn names(fleet: &Fleet) -> Vec<Named<&Distribution>> {
    let slice = fleet.traffic.slice(Source::Distributions, &Place::Global);
    let rows = slice.map_or(&[][..], |slice| &slice.rows);
    find::distributions(rows)
        .filter(|distribution| !distribution.staging)
        .map(|distribution| {
            let mut forms = distribution.aliases.clone();
            forms.extend([distribution.domain.clone(), distribution.id.clone()]);
            Named {
                full: distribution.id.clone(),
                forms,
                what: distribution,
            }
        })
        .collect()
}

/// The paths, each once and in order; all that is wrong with them at once.
fn paths(wanted: &[String]) -> Result<Vec<String>, Refusal> {
    if wanted.is_empty() {
        return Err(Refusal::new(
            "no path is named",
            "names=/index.html,/img/*: each begins with `/`, and a `*` stands at the end only",
        ));
    }
    let paths: BTreeSet<String> = wanted.iter().cloned().collect();
    let mut reasons: Vec<String> = paths
        .iter()
        .filter_map(|path| wrong(path).map(|why| format!("`{path}` {why}")))
        .collect();
    let wildcards = paths.iter().filter(|path| is_wildcard(path)).count();
    if wildcards > MOST_WILDCARDS {
        reasons.push(format!(
            "{wildcards} wildcard paths: CloudFront takes {MOST_WILDCARDS} at once"
        ));
    }
    if paths.len() > MOST_FILES {
        reasons.push(format!(
            "{} paths: CloudFront takes {MOST_FILES} at once",
            paths.len()
        ));
    }
    if reasons.is_empty() {
        return Ok(paths.into_iter().collect());
    }
    Err(Refusal {
        reasons,
        advice: "a path begins with `/`, has its special characters URL-encoded, and a `*` at the end only; of many take the wildcard above them".to_owned(),
    })
}

fn wrong(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        Some("does not begin with `/`")
    } else if path.strip_suffix('*').unwrap_or(path).contains('*') {
        Some("has a `*` before its end, which CloudFront takes for a character")
    } else if path.chars().any(|c| !c.is_ascii_graphic()) {
        Some("has characters that must be URL-encoded")
    } else if path.len() > LONGEST {
        Some("is too long")
    } else {
        None
    }
}

fn remarks(fleet: &Fleet, distribution: &Distribution, paths: &[String]) -> Vec<String> {
    let id = &distribution.id;
    let origins: Vec<&str> = distribution
        .origins
        .iter()
        .map(|origin| origin.domain.as_str())
        .collect();
    let hits = fleet.reading(&Place::Global, &distribution_key(id, "hit-rate"));
    let mut remarks = vec![
        "nothing takes it back: until the caches are full again the origins are asked".to_owned(),
        format!("origins: {}", origins.join(", ")),
    ];
    if paths.iter().any(|path| path == "/*") {
        remarks.push(match hits.usable().filter(|hits| *hits < 100.0) {
            Some(hits) => format!(
                "`/*` is everything: with {hits:.0} % hits the origins get up to {:.1} times the requests",
                100.0 / (100.0 - hits)
            ),
            None => "`/*` is everything: how many times the requests the origins get is not known".to_owned(),
        });
    }
    if matches!(hits, Reading::NoData) {
        remarks.push(format!(
            "the hit ratio of {id} is not published: its additional metrics are not enabled"
        ));
    }
    remarks.push("browsers and other caches in between keep what they have".to_owned());
    remarks
}
