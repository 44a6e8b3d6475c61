//! How this kind behaves in the simulated world: the deployments of each region's cluster, as their watches would have them. Owns no state; `sim::world::releases` says how far each is.

use super::{
    Autoscaler, Budget, Condition, Container, Deployment, Log, Owner, Pod, Replicas, Revision,
    Trouble, Warning, canaries,
};
use crate::{
    resources::Place,
    sim::{
        World, names,
        noise::fingerprint,
        world::{
            mesh::OWNED,
            releases::{DEADLINE, FIRST_REVISION, LONG_AGO, Outcome, Release, Running, running},
        },
    },
};

/// What the watches of the region's cluster have.
pub fn observe(world: &World, place: &Place) -> Vec<Deployment> {
    let Some(region) = world.region(place) else {
        return Vec::new();
    };
    let rows = running(world, region).map(|running| running.row());
    rows.chain(canaries::sim::rows(world, region)).collect()
}

impl Running<'_> {
    fn row(&self) -> Deployment {
        let replicas = self.replicas();
        let release = self.release();
        let troubles = self.troubles();
        let revision = FIRST_REVISION + self.index();
        let edited = &self.edited;
        let generation = i64::from(revision) + edited.count;
        Deployment {
            name: self.service.name.to_owned(),
            namespace: "shop".to_owned(),
            cluster: names::eks(self.world.aws_region(self.region)),
            heard_at: Some(self.world.timestamp(self.world.now())),
            generation,
            // Its controller sees an edit a second later.
            observed_generation: generation
                - i64::from(edited.last.is_some_and(|last| self.world.now() <= last)),
            paused: edited.is_paused(),
            revision: Some(revision.to_string()),
            restarted_at: self.release().restarted.clone(),
            labels: self.labels(),
            containers: vec![Container {
                name: "app".to_owned(),
                image: self.image(&release.version),
                digest: self.digest(&release.version),
            }],
            conditions: self.conditions(&replicas),
            revisions: self.revisions(&replicas),
            restarts: Some(self.restarts() * u32::try_from(self.ill()).unwrap_or_default()),
            pods: self.pods(&troubles),
            warnings: self.warnings(&troubles),
            logs: self.logs(&troubles),
            troubles,
            autoscaler: self.autoscaler(),
            budget: Some(Budget {
                name: self.service.name.to_owned(),
                allowed: (replicas.available - self.desired * 3 / 4).max(0),
                healthy: replicas.available,
                required: self.desired * 3 / 4,
            }),
            owner: self.owner(),
            replicas,
            unknown: Vec::new(),
        }
    }

    /// The service whose versions its mesh tells apart by subset.
    fn labels(&self) -> Vec<(String, String)> {
        let told_apart = self.service.name == OWNED && self.world.shape.mesh;
        let stable = told_apart.then(|| ("version".to_owned(), "stable".to_owned()));
        stable.into_iter().collect()
    }

    fn owner(&self) -> Option<Owner> {
        self.service.owner.map(|(by, reverts)| Owner {
            by: by.to_owned(),
            name: Some("shop".to_owned()),
            reverts,
        })
    }

    fn image(&self, version: &str) -> String {
        let aws = self.world.aws_region(self.region);
        let account = names::ACCOUNT;
        format!(
            "{account}.dkr.ecr.{aws}.amazonaws.com/shop/{}:{version}",
            self.service.name
        )
    }

    /// The same in every region: the registries replicate. An image that is not there has none.
    fn digest(&self, version: &str) -> Option<String> {
        let pulled = !matches!(
            self.release().outcome,
            Outcome::NoImage | Outcome::Unschedulable
        );
        let half = |part: &str| {
            format!(
                "{:016x}",
                fingerprint(&format!("{}/{version}/{part}", self.service.name))
            )
        };
        pulled.then(|| format!("sha256:{}", ["a", "b", "c", "d"].map(half).concat()))
    }

    fn replica_set(&self, index: usize) -> String {
        self.releases[index].replica_set()
    }

    fn conditions(&self, replicas: &Replicas) -> Vec<Condition> {
        let condition =
            |name: &str, status: bool, reason: &str, message: String, since| Condition {
                name: name.to_owned(),
                status: if status { "True" } else { "False" }.to_owned(),
                reason: Some(reason.to_owned()),
                message: Some(message),
                since: Some(self.world.timestamp(since)),
            };
        let set = self.replica_set(self.releases.len() - 1);
        let at = self.release().at;
        let done = replicas.updated == replicas.total;
        let progress = if !self.rolls() && self.age() > DEADLINE {
            let message = format!("ReplicaSet \"{set}\" has timed out progressing.");
            condition(
                "Progressing",
                false,
                "ProgressDeadlineExceeded",
                message,
                at + DEADLINE,
            )
        } else if done {
            let message = format!("ReplicaSet \"{set}\" has successfully progressed.");
            condition(
                "Progressing",
                true,
                "NewReplicaSetAvailable",
                message,
                self.complete_at(),
            )
        } else {
            let message = format!("ReplicaSet \"{set}\" is progressing.");
            condition("Progressing", true, "ReplicaSetUpdated", message, at)
        };
        let enough = replicas.available >= self.desired * 3 / 4;
        let available = condition(
            "Available",
            enough,
            if enough {
                "MinimumReplicasAvailable"
            } else {
                "MinimumReplicasUnavailable"
            },
            format!("Deployment has {} available pods.", replicas.available),
            LONG_AGO,
        );
        vec![available, progress]
    }

    /// The newest first; pods of the one before while a roll-out is under way.
    fn revisions(&self, replicas: &Replicas) -> Vec<Revision> {
        let newest = self.releases.len() - 1;
        let old = replicas.total - replicas.updated;
        let revision = |(index, release): (usize, &Release)| {
            let (desired, ready) = match newest - index {
                0 => (replicas.updated, replicas.ready - old),
                1 => (old, old),
                _ => (0, 0),
            };
            Revision {
                number: Some(u64::from(FIRST_REVISION) + index as u64),
                replica_set: self.replica_set(index),
                image: Some(self.image(&release.version)),
                desired,
                ready: ready.clamp(0, desired),
                created_at: Some(self.world.timestamp(release.at)),
            }
        };
        // Going back to a template takes its replica set to the newest number.
        let later = |index: usize| self.releases[index + 1..].iter();
        let last = |(index, release): &(usize, &Release)| {
            let set = release.replica_set();
            later(*index).all(|later| later.replica_set() != set)
        };
        self.releases
            .iter()
            .enumerate()
            .rev()
            .filter(last)
            .map(revision)
            .collect()
    }

    fn troubles(&self) -> Vec<Trouble> {
        let ill = u32::try_from(self.ill()).unwrap_or_default();
        let said = self.release().outcome.trouble().filter(|_| ill > 0);
        let trouble = |(reason, message): (&str, &str)| Trouble {
            reason: reason.to_owned(),
            pods: ill,
            current: true,
            message: Some(message.to_owned()),
        };
        said.map(trouble).into_iter().collect()
    }

    /// How often each crashing pod was started again: soon at first, then every five minutes.
    fn restarts(&self) -> u32 {
        if !matches!(self.release().outcome, Outcome::Crashes | Outcome::Flaky) {
            return 0;
        }
        let pauses = [10, 30, 70, 150, 310, 610];
        let quick = pauses.iter().filter(|pause| self.age() >= **pause).count();
        let slow = (self.age() - 610).max(0) / 300;
        u32::try_from(quick).unwrap_or_default() + u32::try_from(slow).unwrap_or_default()
    }

    fn pods(&self, troubles: &[Trouble]) -> Vec<Pod> {
        let ill = self.ill();
        let newest = self.releases.len() - 1;
        let shown = self.desired.min(8).max(ill);
        let pod = |index: i32| {
            let trouble = troubles.first().filter(|_| index < ill);
            let current = self.rolls() || index < ill;
            let set = self.replica_set(if current { newest } else { newest - 1 });
            let (count, away) = self.moved(index);
            let again = if count > 0 {
                format!("/{count}")
            } else {
                String::new()
            };
            let id = names::hex(&format!("{set}/{}/{index}{again}", self.region));
            let waits = trouble.is_some_and(|trouble| trouble.reason == "Unschedulable");
            Pod {
                name: format!("{set}-{}", &id[id.len() - 5..]),
                current,
                phase: if away || (trouble.is_some() && !self.rolls()) {
                    "Pending"
                } else {
                    "Running"
                }
                .to_owned(),
                ready: trouble.is_none() && !away,
                restarts: if trouble.is_some() {
                    self.restarts()
                } else {
                    0
                },
                reason: trouble.map(|trouble| trouble.reason.clone()),
                container: trouble.filter(|_| !waits).map(|_| "app".to_owned()),
                node: (!waits).then(|| self.node(index)),
                started_at: Some(self.world.timestamp(if current {
                    self.release().at
                } else {
                    LONG_AGO
                })),
            }
        };
        (0..shown).map(pod).collect()
    }

    fn warnings(&self, troubles: &[Trouble]) -> Vec<Warning> {
        let warning = |trouble: &Trouble| Warning {
            reason: match trouble.reason.as_str() {
                "Unschedulable" => "FailedScheduling",
                "ImagePullBackOff" => "Failed",
                _ => "BackOff",
            }
            .to_owned(),
            object: format!("pod {}", self.pods(troubles)[0].name),
            message: trouble.message.clone().unwrap_or_default(),
            count: self.restarts().max(1),
            at: Some(self.world.timestamp(self.world.now() - 5)),
        };
        troubles.iter().map(warning).collect()
    }

    /// What the first crashed pod wrote before it ended. An image that is not there, or a pod without a node, has written nothing.
    fn logs(&self, troubles: &[Trouble]) -> Vec<Log> {
        if troubles.is_empty() || self.restarts() == 0 {
            return Vec::new();
        }
        let pods = self.pods(troubles);
        let crashed = pods.iter().find(|pod| pod.reason.is_some());
        let (name, version) = (self.service.name, &self.release().version);
        let lines = [
            format!("INFO  {name} {version} starting, revision {}", FIRST_REVISION + self.index()),
            "INFO  read 14 settings from /etc/shop/settings.toml".to_owned(),
            "ERROR settings: `payment.retry_budget` is missing, and has had no default since this version".to_owned(),
            format!("FATAL {name} cannot start without its settings"),
        ];
        let log = |pod: &Pod| Log {
            pod: pod.name.clone(),
            container: "app".to_owned(),
            previous: true,
            restarts: pod.restarts,
            exit_code: 1,
            lines: lines.to_vec(),
            cut: false,
            missing: None,
        };
        crashed.map(log).into_iter().collect()
    }

    fn autoscaler(&self) -> Option<Autoscaler> {
        let (min, most) = self.floor();
        self.service.scaled.then(|| Autoscaler {
            name: self.service.name.to_owned(),
            min,
            max: most,
            current: self.desired,
            desired: self.desired,
            limited: (self.wanted > most).then(|| "TooManyReplicas".to_owned()),
            inactive: None,
            owner: self.owner(),
        })
    }
}
