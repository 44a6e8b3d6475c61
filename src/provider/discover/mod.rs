//! Finds a fleet from nothing but credentials, for `pilothouse init`. Owns which APIs are asked and in which order; concludes nothing itself.

mod global;
mod notes;
mod records;
mod regional;

use std::{collections::BTreeSet, sync::Arc};

use aws_config::{Region, SdkConfig, default_provider::region::DefaultRegionChain};
use futures::{StreamExt, stream};

use self::notes::Notes;
use crate::{
    config::{
        findings::{Failure, Findings, LoadBalancer, Part},
        syntax::could_be_aws_region,
    },
    provider::clients::Clients,
    resources::{ErrorClass, Estate, Place, ProviderError, estate::Access},
};

/// How a fleet is looked for.
pub struct Discovery<'a> {
    /// The configuration, credentials included, for an AWS Region.
    pub config: &'a (dyn Fn(&str) -> SdkConfig + Send + Sync),
    /// The region of the environment or the profile.
    pub home: Option<String>,
    /// Look in these regions only; empty means wherever the evidence leads.
    pub only: Vec<String>,
    /// The profile that calls are signed with, for the file.
    pub profile: Option<String>,
    /// Told what goes on, one line at a time.
    pub progress: &'a (dyn Fn(&str) + Send + Sync),
}

/// Regions asked at the same time.
const ABREAST: usize = 8;
/// Regions asked in all; evidence can be forged, calls cost time.
const MOST_REGIONS: usize = 40;
/// Where Route 53, CloudFront and STS are asked when nothing else is said.
const GLOBAL: &str = "us-east-1";

/// The regions that every account has from the start. Asked only when no evidence names a second region;
/// opt-in regions answer nobody who has not enabled them.
const FROM_THE_START: &[&str] = &[
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "sa-east-1",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
];

/// Looks for the fleet of a profile, or of the environment's credentials.
pub async fn of_profile(
    profile: Option<String>,
    only: Vec<String>,
    progress: &(dyn Fn(&str) + Send + Sync),
) -> Result<Findings, ProviderError> {
    let access = Access {
        profile: profile.clone(),
        ..Access::default()
    };
    let clients = Clients::new(Arc::new(Estate {
        access,
        ..Estate::default()
    }));
    let base = clients.config(&Place::Global).await?;
    let config = move |region: &str| {
        let region = Region::new(region.to_owned());
        base.clone().into_builder().region(region).build()
    };
    let mut home = DefaultRegionChain::builder();
    if let Some(profile) = &profile {
        home = home.profile_name(profile);
    }
    let home = home.build().region().await.map(|region| region.to_string());
    let discovery = Discovery {
        config: &config,
        home,
        only,
        profile,
        progress,
    };
    Ok(discover(&discovery).await)
}

/// Looks for the fleet. What cannot be read is among the failures; the rest stands.
pub async fn discover(discovery: &Discovery<'_>) -> Findings {
    let mut search = Search {
        discovery,
        findings: Findings {
            profile: discovery.profile.clone(),
            ..Findings::default()
        },
        candidates: BTreeSet::new(),
        asked: BTreeSet::new(),
    };
    search.run().await;
    search.findings
}

struct Search<'a> {
    discovery: &'a Discovery<'a>,
    findings: Findings,
    candidates: BTreeSet<String>,
    asked: BTreeSet<String>,
}

impl Search<'_> {
    async fn run(&mut self) {
        self.refuse_what_is_no_region();
        (self.discovery.progress)("asking who we are");
        let home = self.discovery.home.as_deref().unwrap_or(GLOBAL);
        let notes = global::identity(&(self.discovery.config)(home)).await;
        self.take(notes);
        // Without credentials every further call would fail in the same way.
        if self.findings.locked_out().is_some() {
            return;
        }
        let notes = global::everything(self.discovery).await;
        self.take(notes);
        self.note_answers();
        self.candidates.extend(self.discovery.home.clone());
        self.candidates.extend(self.discovery.only.iter().cloned());
        self.ask_candidates().await;
        if self.findings.regions.len() < 2 && self.discovery.only.is_empty() {
            self.sweep().await;
        }
        // Now that the load balancers are known, more answers may have a region.
        self.note_answers();
        self.findings.fall_back_on_failover();
        self.settle();
    }

    fn refuse_what_is_no_region(&mut self) {
        let wrong = self
            .discovery
            .only
            .iter()
            .filter(|name| !could_be_aws_region(name));
        let failure = |name: &String| Failure {
            place: name.clone(),
            error: ProviderError::new(
                ErrorClass::Terminal,
                "--regions",
                "does not look like an AWS Region; write one like eu-west-1",
            ),
        };
        self.findings.failures.extend(wrong.map(failure));
    }

    fn take(&mut self, notes: Notes) {
        let findings = &mut self.findings;
        findings.account = findings.account.take().or(notes.account);
        findings.identity = findings.identity.take().or(notes.identity);
        findings.load_balancers.extend(notes.load_balancers);
        findings.records.extend(notes.records);
        findings.failures.extend(notes.failures);
        for (region, fact) in notes.facts {
            findings.note(&region, fact.part, fact.what);
        }
        self.candidates.extend(notes.candidates);
        self.candidates
            .extend(self.findings.regions.keys().cloned());
    }

    /// The regions that answers lead to are regions of the fleet.
    fn note_answers(&mut self) {
        for name in self.findings.names() {
            for region in name
                .answers
                .values()
                .filter_map(|answer| answer.region.as_deref())
            {
                self.findings
                    .note(region, Part::Serves, format!("answers of {}", name.name));
            }
        }
        self.candidates
            .extend(self.findings.regions.keys().cloned());
    }

    /// Asks the regions that the evidence names, and those that their answers name, until there are no new ones.
    async fn ask_candidates(&mut self) {
        loop {
            let wanted = |region: &String| {
                let only = &self.discovery.only;
                let within = only.is_empty() || only.contains(region);
                within && could_be_aws_region(region) && !self.asked.contains(region)
            };
            let room = MOST_REGIONS.saturating_sub(self.asked.len());
            let round: Vec<String> = self
                .candidates
                .iter()
                .filter(|r| wanted(r))
                .take(room)
                .cloned()
                .collect();
            if round.is_empty() {
                return;
            }
            self.ask(round).await;
        }
    }

    async fn ask(&mut self, round: Vec<String>) {
        self.asked.extend(round.iter().cloned());
        let all = round.len();
        let asks = round.into_iter().map(|region| {
            let config = (self.discovery.config)(&region);
            async move {
                let notes = regional::everything(&config, &region).await;
                (region, notes)
            }
        });
        let mut answers = stream::iter(asks).buffer_unordered(ABREAST);
        let mut done = Vec::new();
        while let Some((region, notes)) = answers.next().await {
            let count = done.len() + 1;
            (self.discovery.progress)(&format!("asked {region} ({count} of {all} regions)"));
            done.push((region, notes));
        }
        drop(answers);
        // Whoever answered first: the same account gives the same file.
        done.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (_, notes) in done {
            self.take(notes);
        }
    }

    /// Nothing names a second region: look where every account may have something.
    async fn sweep(&mut self) {
        (self.discovery.progress)(
            "nothing names a second region; asking every region that is enabled by default",
        );
        let before = self.findings.failures.len();
        self.candidates
            .extend(FROM_THE_START.iter().map(|region| (*region).to_owned()));
        self.ask_candidates().await;
        // One failure for each region that only the sweep asked is enough to tell.
        let mut told = BTreeSet::new();
        let regions = &self.findings.regions;
        let swept = self.findings.failures.split_off(before);
        let kept = swept.into_iter().filter(|failure| {
            regions.contains_key(&failure.place) || told.insert(failure.place.clone())
        });
        self.findings.failures.extend(kept);
    }

    /// Keeps the regions that were asked for; without any evidence, that of the credentials.
    fn settle(&mut self) {
        let only = &self.discovery.only;
        if !only.is_empty() {
            self.findings
                .regions
                .retain(|region, _| only.contains(region));
            for region in only.iter().filter(|region| could_be_aws_region(region)) {
                self.findings.regions.entry(region.clone()).or_default();
            }
        } else if self.findings.regions.is_empty()
            && let Some(home) = &self.discovery.home
        {
            self.findings.regions.entry(home.clone()).or_default();
        }
        let key = |balancer: &LoadBalancer| (balancer.region.clone(), balancer.name.clone());
        self.findings.load_balancers.sort_by_key(key);
    }
}
