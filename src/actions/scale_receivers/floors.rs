//! How many pods the receivers of a load need at least: floors of autoscalers, and for deployments that are named and have none their number of pods. Owns how far;
//! must never scale by itself what has no autoscaler (it may be one that must be alone), nor what an owner puts back.

use crate::{
    actions::kit::deployment::{self, Found},
    plan::{Mark, Step, forecast::Forecast},
    resources::{
        Fleet, Freshness, Place, RegionLabel, Source,
        deployments::{At, Autoscaler, Change, Deployment, Floor, Part},
    },
};

/// What is raised of a deployment.
#[derive(Debug, Clone)]
pub struct Lift {
    change: Change,
    pods: i32,
    was: i32,
}

/// What is raised in a region, and what is said about the rest.
#[derive(Debug, Default)]
pub struct Lifts {
    /// What is raised.
    pub wanted: Vec<Lift>,
    /// What need not be raised, or is somebody else's.
    pub remarks: Vec<String>,
    /// What cannot be told.
    pub reasons: Vec<String>,
}

/// How many times its present load a receiver gets, in whole tenths upwards; `None` where that is not known.
fn growth(forecast: &Forecast) -> Option<f64> {
    let before = forecast.rps_before.filter(|rps| *rps > 0.0)?;
    let times = forecast.rps_after? / before;
    Some((times * 10.0 - 1e-6).ceil() / 10.0)
}

impl Lifts {
    /// Adds what a receiver needs: every autoscaler of its clusters, and the deployments that are named.
    pub fn receiver(&mut self, fleet: &Fleet, forecast: &Forecast, names: &[String]) {
        let region = &forecast.region;
        let place = Place::Region(region.clone());
        let rows: Vec<&Deployment> = fleet.deployments.at(&place).collect();
        let scaled = |row: &&&Deployment| row.autoscaler.is_some() || named(row, names);
        if rows.iter().filter(scaled).count() == 0 {
            return;
        }
        if fleet.freshness(Source::Deployments, &place) >= Freshness::Expired {
            self.reasons
                .push(format!("how many pods {region} has is not known now"));
            return;
        }
        let Some(growth) = growth(forecast) else {
            self.reasons.push(format!(
                "how much the load of {region} grows is not known: its floors stay"
            ));
            return;
        };
        if growth <= 1.0 {
            return;
        }
        for row in rows {
            let found = Found {
                at: At::of(region, row),
                row,
            };
            self.deployment(fleet, region, &found, growth, names);
        }
    }

    fn deployment(
        &mut self,
        fleet: &Fleet,
        region: &RegionLabel,
        found: &Found<'_>,
        growth: f64,
        names: &[String],
    ) {
        let (row, words) = (found.row, found.at.words());
        let wanted = named(row, names);
        if let Some(why) = deployment::unheard(fleet, found) {
            self.reasons.push(why);
            return;
        }
        let pods = super::receivers::nodes(row.replicas.desired, growth);
        match &row.autoscaler {
            Some(scaler) => self.autoscaler(found, scaler, pods, wanted),
            None if wanted && row.unknown.contains(&Part::Autoscalers) => self.reasons.push(
                format!("whether {words} has an autoscaler in {region} cannot be read"),
            ),
            None if wanted && pods > row.replicas.desired => self.wanted.push(Lift {
                change: Change::Resize {
                    at: found.at.clone(),
                    from: row.replicas.desired,
                    to: pods,
                },
                pods,
                was: row.replicas.desired,
            }),
            None => {}
        }
    }

    fn autoscaler(&mut self, found: &Found<'_>, scaler: &Autoscaler, pods: i32, wanted: bool) {
        let words = found.at.words();
        if pods <= scaler.min || found.row.replicas.desired == 0 {
            return;
        }
        // Named, it is in the plan, and G-OWNER says why it should not be.
        if let Some(owner) = scaler
            .owner
            .as_ref()
            .filter(|owner| owner.reverts && !wanted)
        {
            self.remarks.push(format!(
                "the floor of {words} stays at {}: {} puts it back; raise it there to {pods}, or name it with names=",
                scaler.min, owner.by
            ));
            return;
        }
        if let Some(why) = &scaler.inactive {
            self.remarks.push(format!(
                "{} does not scale ({why}): its floor does not depend on that",
                scaler.name
            ));
        }
        let to = Floor {
            min: pods,
            max: scaler.max.max(pods),
        };
        if to.max > scaler.max {
            self.remarks.push(format!(
                "the maximum of {words} grows from {} to {} pods: nodes and database connections must allow it",
                scaler.max, to.max
            ));
        }
        self.wanted.push(Lift {
            change: Change::Scale {
                at: found.at.clone(),
                autoscaler: scaler.name.clone(),
                from: Floor {
                    min: scaler.min,
                    max: scaler.max,
                },
                to,
            },
            pods,
            was: scaler.min,
        });
    }
}

fn named(row: &Deployment, names: &[String]) -> bool {
    let full = format!("{}/{}", row.namespace, row.name);
    names.iter().any(|name| *name == row.name || *name == full)
}

impl Lift {
    /// The change.
    pub fn step(&self) -> Step {
        let words = self.change.at().words();
        let title = match &self.change {
            Change::Resize { .. } => {
                format!("Give {words} {} pods instead of {}", self.pods, self.was)
            }
            Change::Scale { .. }
            | Change::Pause { .. }
            | Change::Restart { .. }
            | Change::Image { .. }
            | Change::Revise { .. } => {
                format!(
                    "Raise the floor of {words} from {} to {} pods",
                    self.was, self.pods
                )
            }
        };
        deployment::step(title, self.change.clone(), deployment::GUARDS)
    }

    /// The wait for its pods; `first` for the first of several.
    pub fn wait(&self, first: bool) -> Step {
        deployment::settles(self.change.at(), Some(self.pods), first)
    }

    /// What stays.
    pub fn mark(&self) -> Mark {
        Mark::Orphan {
            what: format!(
                "raised floor of {}: {} instead of {} pods",
                self.change.at().words(),
                self.pods,
                self.was
            ),
        }
    }
}
