//! Shares of second versions: Lambda aliases, CloudFront staging distributions. Owns their ranges and traps.

use super::{
    target::Target,
    write::{Shift, already},
};
use crate::{
    actions::Refusal,
    plan::Options,
    resources::{
        Change, RegionLabel,
        traffic::{self, AliasVersion, Distribution, Mechanism},
    },
};

/// The greatest share of a staging distribution, in percent.
const STAGING_MOST: f64 = 15.0;

pub(super) fn alias(target: &Target<'_>, options: &Options) -> Result<Shift, Refusal> {
    let rows: Vec<(&str, &AliasVersion)> = target.of(|by| match by {
        Mechanism::Alias(version) => Some(version),
        Mechanism::Record(_)
        | Mechanism::Dial(_)
        | Mechanism::Forward(_)
        | Mechanism::Distribution(_)
        | Mechanism::Control(_)
        | Mechanism::Route(_)
        | Mechanism::Rollout(_) => None,
    });
    let Some(percent) = options.percent else {
        return Err(Refusal::new(
            "an alias has shares, not weights",
            "give a percentage for its second version",
        ));
    };
    // The version that the alias itself names is listed first; it gets what the second leaves.
    let ((stable, _), (version, canary)) = match rows.as_slice() {
        [stable, canary] => (*stable, *canary),
        _ => {
            return Err(Refusal::new(
                format!("{} names one version only", target.split),
                "publish a version and give the alias a second one first",
            ));
        }
    };
    let percent = if target.member == Some(stable) {
        100.0 - percent
    } else {
        percent
    };
    let Some(region) = target.place.region() else {
        return Err(already(target));
    };
    let to = (percent * 10_000.0).round() / 1_000_000.0;
    if (canary.weight - to).abs() < 1e-9 {
        return Err(already(target));
    }
    Ok(Shift {
        change: Change::Traffic(alias_change(region, canary, stable, version, to)),
        remarks: vec![format!(
            "version {stable} is the stable one and gets the rest; a canary needs 500 calls or 10 errors before a verdict"
        )],
    })
}

fn alias_change(
    region: &RegionLabel,
    canary: &AliasVersion,
    stable: &str,
    version: &str,
    to: f64,
) -> traffic::Change {
    traffic::Change::Alias {
        region: region.clone(),
        function: canary.function.clone(),
        alias: canary.alias.clone(),
        stable: stable.to_owned(),
        canary: version.to_owned(),
        from: canary.weight,
        to,
        revision_id: canary.revision_id.clone(),
    }
}

pub(super) fn staging(target: &Target<'_>, options: &Options) -> Result<Shift, Refusal> {
    let rows: Vec<(&str, &Distribution)> = target.of(Mechanism::distribution);
    let found = rows
        .iter()
        .find_map(|(_, distribution)| Some((*distribution, distribution.policy.as_ref()?)));
    let Some((distribution, policy)) = found.filter(|(_, policy)| policy.enabled) else {
        return Err(Refusal::new(
            format!(
                "{} has no continuous-deployment policy in effect",
                target.split
            ),
            "enable one first",
        ));
    };
    let http3 = rows.iter().any(|(_, distribution)| {
        let version = distribution.http_version.as_deref().unwrap_or("");
        version.to_lowercase().contains('3')
    });
    if http3 {
        return Err(Refusal::new(
            format!(
                "{} allows HTTP/3, with which continuous deployment does not work",
                distribution.id
            ),
            "restrict it to HTTP/2 first",
        ));
    }
    let Some(from) = policy.weight else {
        return Err(Refusal::new(
            "its policy goes by a header, not by weight",
            "nothing is divided by shares here",
        ));
    };
    let Some(percent) = options.percent else {
        return Err(Refusal::new(
            "a staging distribution has a share, not weights",
            "give a percentage",
        ));
    };
    let primary = rows
        .iter()
        .any(|(member, distribution)| target.member == Some(*member) && !distribution.staging);
    let percent = if primary && target.member.is_some() {
        100.0 - percent
    } else {
        percent
    };
    if percent > STAGING_MOST {
        return Err(Refusal::new(
            format!("a staging distribution gets at most {STAGING_MOST} %"),
            "beyond that promote it",
        ));
    }
    let to = (percent * 10_000.0).round() / 1_000_000.0;
    if (from - to).abs() < 1e-9 {
        return Err(already(target));
    }
    Ok(Shift {
        change: Change::Traffic(traffic::Change::Staging {
            distribution_id: distribution.id.clone(),
            policy_id: policy.id.clone(),
            from,
            to,
        }),
        remarks: vec![
            "CloudFront may send everybody to the primary at peak; the staging cache starts cold"
                .to_owned(),
        ],
    })
}
