//! The examination behind `pilothouse doctor`: every source is read once at every place, as the console would read it. Owns the order and what follows from an answer; prints nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures::{
    StreamExt,
    channel::mpsc::{UnboundedSender, unbounded},
    future::{join, join_all},
    stream,
};

use super::Provider;
use crate::resources::{
    Answer, ErrorClass, Estate, Place, ProviderError, Query, Rows, Source, Wanted,
    clusters::{ApiServer, Cluster},
    metrics::{
        Quality, Series, SeriesSpec, Stat,
        signals::{TARGETS_DOWN, TARGETS_UP},
        users::UserSignal,
    },
    regions::Identity,
};

/// Sources read at once at one place.
const PARALLEL: usize = 4;

/// What came of reading one source at one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What.
    pub source: Source,
    /// How many rows there are, or why there are none.
    pub result: Result<usize, ProviderError>,
    /// Parts that could not be read although the rest could.
    pub problems: Vec<ProviderError>,
    /// Time to the whole answer, waits for the budget included.
    pub latency: Duration,
    /// API calls that it took; 0 where it failed.
    pub calls: u32,
    /// Who we are there, with clock and credential life: only for [`Source::Identity`].
    pub identity: Option<Identity>,
    /// What else is worth knowing: of a Prometheus its version and whose series it has.
    pub notes: Vec<String>,
}

impl Finding {
    /// Everything that went wrong.
    pub fn errors(&self) -> impl Iterator<Item = &ProviderError> {
        self.result.as_ref().err().into_iter().chain(&self.problems)
    }

    /// The IAM actions that the role lacks, each once.
    pub fn missing_actions(&self) -> BTreeSet<String> {
        self.errors().filter_map(missing_action).collect()
    }
}

/// The action that was denied: the one that AWS names, whatever the class (a role that may not be assumed is a credentials error),
/// or else the one that was called.
fn missing_action(error: &ProviderError) -> Option<String> {
    let named = error
        .message
        .split_once("not authorized to perform: ")
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .map(|action| action.trim_end_matches(['.', ',']))
        .filter(|action| action.contains(':'));
    let called = (error.class == ErrorClass::Denied).then_some(error.operation.as_str());
    named.or(called).map(ToOwned::to_owned)
}

/// Reads every source at every place and tells each finding as soon as it is known. Places do not wait for each other.
pub async fn examine(provider: &dyn Provider, estate: &Estate, mut tell: impl FnMut(Finding)) {
    let places: BTreeSet<Place> = Source::ALL
        .iter()
        .flat_map(|source| estate.places(*source))
        .collect();
    let (found, mut findings) = unbounded();
    let examinations: Vec<_> = places
        .into_iter()
        .map(|place| examine_place(provider, estate, place, found.clone()))
        .collect();
    drop(found);
    let listen = async {
        while let Some(finding) = findings.next().await {
            tell(finding);
        }
    };
    join(join_all(examinations), listen).await;
}

/// Reads every source of one place. The API servers come last, for their addresses are in the answer about the clusters.
async fn examine_place(
    provider: &dyn Provider,
    estate: &Estate,
    place: Place,
    found: UnboundedSender<Finding>,
) {
    let (servers, others): (Vec<Source>, Vec<Source>) = Source::ALL
        .iter()
        .filter(|source| estate.places(**source).contains(&place))
        .partition(|source| source.of_api_servers());
    let reads: Vec<_> = others
        .into_iter()
        .map(|source| read(provider, query(source, &place)))
        .collect();
    let mut reads = stream::iter(reads).buffer_unordered(PARALLEL);
    let mut known = Vec::new();
    while let Some((finding, addresses)) = reads.next().await {
        known.extend(addresses);
        // The listener goes only when the whole examination is dropped.
        found.unbounded_send(finding).ok();
    }
    for source in servers {
        let query = Query {
            wanted: Wanted::ApiServers(known.clone()),
            ..query(source, &place)
        };
        let (finding, _) = read(provider, query).await;
        found.unbounded_send(finding).ok();
    }
}

fn query(source: Source, place: &Place) -> Query {
    let wanted = match source {
        // One metric is enough to prove the permission; it costs 0.00001 USD.
        Source::Metrics => Wanted::Series(vec![SeriesSpec::new(
            "doctor".to_owned(),
            "AWS/Route53",
            "HealthCheckStatus",
            &[],
            Stat::Minimum,
        )]),
        Source::Identity
        | Source::Alarms
        | Source::Records
        | Source::RoutingControls
        | Source::Accelerators
        | Source::LoadBalancers
        | Source::Rds
        | Source::Clusters
        | Source::ApiServers
        | Source::Deployments
        | Source::Nodes
        | Source::Routes
        | Source::Rollouts
        | Source::Prometheus
        | Source::FiringAlerts
        | Source::ElastiCache
        | Source::MemoryDb
        | Source::Tables
        | Source::Aliases
        | Source::HealthChecks
        | Source::Pipelines
        | Source::Distributions => Wanted::Nothing,
    };
    Query {
        source,
        place: place.clone(),
        wanted,
        read: 0,
    }
}

/// Reads one source; the API servers that it names come with the finding.
async fn read(provider: &dyn Provider, query: Query) -> (Finding, Vec<ApiServer>) {
    let started = Instant::now();
    let result = provider.observe(query.clone()).await;
    let mut finding = Finding {
        place: query.place,
        source: query.source,
        result: Ok(0),
        problems: Vec::new(),
        latency: started.elapsed(),
        calls: 0,
        identity: None,
        notes: Vec::new(),
    };
    let mut servers = Vec::new();
    match result {
        Err(error) => finding.result = Err(error),
        Ok(Answer {
            rows,
            problems,
            calls,
            ..
        }) => {
            finding.problems = problems;
            finding.calls = calls.get(&finding.source.api()).copied().unwrap_or(0);
            finding.result = Ok(count(&rows));
            finding.identity = identity(&rows);
            finding.problems.extend(silent_servers(&rows));
            finding.notes = measured(&rows);
            servers = api_servers(rows);
        }
    }
    (finding, servers)
}

fn count(rows: &Rows) -> usize {
    match rows {
        Rows::Regions(rows) => rows.len(),
        Rows::Databases(rows) => rows.len(),
        Rows::Caches(rows) => rows.len(),
        Rows::Traffic(rows) => rows.len(),
        Rows::Alarms(rows) => rows.len(),
        Rows::Deployments(rows) => rows.len(),
        Rows::Releases(rows) => rows.len(),
        Rows::Clusters(rows) => rows.len(),
        Rows::HealthChecks(rows) => rows.len(),
        Rows::Pipelines(rows) => rows.len(),
        Rows::Metrics(rows) => rows.len(),
    }
}

fn identity(rows: &Rows) -> Option<Identity> {
    match rows {
        Rows::Regions(rows) => rows.first()?.identity.clone(),
        _ => None,
    }
}

/// What the series of a Prometheus say about it.
fn measured(rows: &Rows) -> Vec<String> {
    let Rows::Metrics(rows) = rows else {
        return Vec::new();
    };
    let find = |key: &str| rows.iter().find(|row| row.spec.key == key);
    let Some(up) = find(TARGETS_UP) else {
        return Vec::new();
    };
    let told = |row: &Series, name: &str| {
        let mut dimensions = row.spec.dimensions.iter();
        let (_, value) = dimensions.find(|(known, _)| known == name)?;
        Some(value.clone())
    };
    let newest = |row: Option<&Series>| row?.points.first().map(|point| point.value);
    let version = told(up, "version").unwrap_or_else(|| "of an unknown version".to_owned());
    let targets = match (newest(Some(up)), newest(find(TARGETS_DOWN))) {
        (Some(up), down) => {
            let down = down.unwrap_or_default();
            format!("{up:.0} targets answer it, {down:.0} do not")
        }
        (None, _) => "no target reports to it".to_owned(),
    };
    let url = told(up, "url").unwrap_or_default();
    let mut notes = vec![format!("Prometheus {version} at {url}: {targets}")];
    let mut services: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        if let (Some(dialect), Some(_), Some((version, _))) = (
            told(row, "dialect"),
            told(row, "service"),
            row.spec.key.rsplit_once('/'),
        ) {
            services
                .entry(dialect)
                .or_default()
                .insert(version.to_owned());
        }
    }
    notes.extend(
        services.into_iter().map(|(dialect, versions)| {
            format!("{dialect}: {} versions of services", versions.len())
        }),
    );
    if notes.len() == 1 {
        notes.push("it has no series of a mesh or gateway that is known here".to_owned());
    }
    // What could not be read is a problem, and told as one.
    let users = find(UserSignal::Requests.key()).filter(|row| row.quality == Quality::Complete);
    notes.extend(users.map(|users| {
        let who = users.spec.dimensions.first();
        match (who, newest(Some(users))) {
            (Some((_, who)), Some(rate)) => {
                format!("users of the region: {rate:.1} requests/s by {who}")
            }
            _ => "users of the region: no request at a door that is known here".to_owned(),
        }
    }));
    notes
}

/// API servers that did not answer: for the console each is a row, for the doctor a problem.
fn silent_servers(rows: &Rows) -> Vec<ProviderError> {
    let Rows::Clusters(rows) = rows else {
        return Vec::new();
    };
    let error = |row: &Cluster| match row {
        Cluster::ApiServer(state) => {
            let text = format!("{}: {}", state.name, state.error.as_ref()?);
            let class = ErrorClass::Unreachable;
            Some(ProviderError::new(class, "kubernetes:GetVersion", text))
        }
        Cluster::Eks(_) | Cluster::NodeGroup(_) | Cluster::Nodes(_) => None,
    };
    rows.iter().filter_map(error).collect()
}

fn api_servers(rows: Rows) -> Vec<ApiServer> {
    let Rows::Clusters(rows) = rows else {
        return Vec::new();
    };
    rows.into_iter()
        .filter_map(|row| match row {
            Cluster::Eks(cluster) => Some(cluster.api_server),
            Cluster::ApiServer(_) | Cluster::NodeGroup(_) | Cluster::Nodes(_) => None,
        })
        .filter(|server| server.endpoint.is_some())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::future::BoxFuture;

    use super::*;
    use crate::resources::{
        RegionLabel,
        clusters::{ApiServerState, EksCluster},
        estate::RegionSpec,
    };

    /// Has one cluster in every region, and may not list alarms.
    #[derive(Default)]
    struct World {
        probed: Mutex<Vec<ApiServer>>,
    }

    impl Provider for World {
        fn observe(&self, query: Query) -> BoxFuture<'_, Result<Answer, ProviderError>> {
            let denied = "User: arn:aws:iam::1:user/x is not authorized to perform: cloudwatch:DescribeAlarms.";
            let answer = match (query.source, query.wanted) {
                (Source::Alarms, _) => Err(ProviderError::new(
                    ErrorClass::Denied,
                    "cloudwatch:Other",
                    denied,
                )),
                (Source::ApiServers, Wanted::ApiServers(servers)) => {
                    let silent = servers.iter().map(|server| {
                        Cluster::ApiServer(ApiServerState {
                            name: server.name.clone(),
                            version: None,
                            latency: None,
                            error: Some("no answer in 8 s".to_owned()),
                            answered_before: false,
                            ready_nodes: None,
                        })
                    });
                    let rows = Rows::Clusters(silent.collect());
                    self.probed.lock().unwrap().extend(servers);
                    Ok(Answer::of(rows))
                }
                (Source::Clusters, _) => Ok(Answer::of(Rows::Clusters(vec![cluster()]))),
                _ => Ok(Answer::of(Rows::Alarms(Vec::new()))),
            };
            Box::pin(async { answer })
        }

        fn apply(
            &self,
            _token: crate::arm::ArmToken,
            _change: crate::resources::Change,
        ) -> BoxFuture<
            '_,
            Result<crate::resources::change::Receipt, crate::resources::change::ApplyError>,
        > {
            unreachable!("a doctor changes nothing")
        }
    }

    fn cluster() -> Cluster {
        Cluster::Eks(EksCluster {
            name: "a".to_owned(),
            arn: None,
            status: "ACTIVE".to_owned(),
            version: None,
            platform_version: None,
            support: None,
            health_issues: Vec::new(),
            api_server: ApiServer {
                name: "a".to_owned(),
                endpoint: Some("https://a.example".to_owned()),
                certificate_authority: None,
            },
        })
    }

    #[tokio::test]
    async fn everything_is_read_once_and_missing_permissions_are_named() {
        let estate = Estate {
            regions: vec![RegionSpec {
                label: RegionLabel::new("eu").unwrap(),
                aws_region: Some("eu-west-1".to_owned()),
                role: crate::resources::estate::RegionRole::Active,
                access: crate::resources::estate::Access::default(),
                kube_contexts: Vec::new(),
                capacity_rps: None,
                load_balancers: Vec::new(),
                backends: Vec::new(),
                capacity_nodes: None,
                residency: Vec::new(),
            }],
            ..Estate::default()
        };
        let world = World::default();
        let mut findings = Vec::new();
        examine(&world, &estate, |finding| findings.push(finding)).await;
        let asked: usize = Source::ALL
            .iter()
            .map(|source| estate.places(*source).len())
            .sum();
        assert_eq!(findings.len(), asked);
        let missing: BTreeSet<String> =
            findings.iter().flat_map(Finding::missing_actions).collect();
        assert_eq!(missing, ["cloudwatch:DescribeAlarms".to_owned()].into());
        assert_eq!(world.probed.lock().unwrap().len(), 1);
        let silent = findings.iter().flat_map(|finding| &finding.problems);
        let silent: Vec<&str> = silent.map(|error| error.message.as_str()).collect();
        assert_eq!(silent, ["a: no answer in 8 s"]);
    }
}
