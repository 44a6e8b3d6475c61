//! The plans that the guards are asked about. Owns how they are made; asks no guard.

use super::*;

/// The weights that the records of some regions get; the others stay.
pub(super) fn weights(fleet: &Fleet, to: &[(&str, u8)]) -> Change {
    let slice = fleet
        .traffic
        .slice(Source::Records, &Place::Global)
        .unwrap();
    let edits = to.iter().map(|(region, weight)| {
        let rows = slice.rows.iter();
        let from = rows
            .filter_map(|row| match &row.by {
                Mechanism::Record(record) => Some(record.clone()),
                _ => None,
            })
            .find(|record| record.set_identifier.as_deref() == Some(region))
            .unwrap();
        RecordEdit { from, to: *weight }
    });
    Change::Traffic(traffic::Change::Weights {
        records: edits.collect(),
    })
}

pub(super) fn dial(region: &str, from: f64, to: f64) -> Change {
    Change::Traffic(traffic::Change::Dial {
        accelerator_arn: "arn:accelerator/1".into(),
        group_arn: format!("arn:group/{region}"),
        region: region.into(),
        from,
        to,
    })
}

pub(super) fn switchover(to: &str) -> Change {
    Change::Databases(databases::Change::SwitchOver {
        global_cluster: "g".into(),
        from_region: label(US),
        from: arn(US),
        to_region: label(to),
        to: arn(to),
    })
}

pub(super) fn failover(to: &str) -> Change {
    Change::Databases(databases::Change::FailOver {
        global_cluster: "g".into(),
        from: arn(US),
        to_region: label(to),
        to: arn(to),
    })
}

pub(super) fn step(change: Change) -> Step {
    Step {
        title: change.target(),
        work: Work::Change(change),
        expected_seconds: 60,
        deadline_seconds: 300,
        guards: GuardId::ALL.to_vec(),
    }
}

pub(super) fn bake(seconds: u64, regions: &[&str]) -> Step {
    Step {
        title: "watch".into(),
        work: Work::Wait(Wait::Bake {
            regions: regions.iter().map(|region| label(region)).collect(),
            seconds,
        }),
        expected_seconds: seconds,
        deadline_seconds: 3_600,
        guards: Vec::new(),
    }
}

/// A plan of some changes that drains some regions, with a forecast from the shares.
pub(super) fn plan(fleet: &Fleet, changes: Vec<Change>, drained: &[&str]) -> Plan {
    let mut after = Imagined::of(fleet);
    after.take(&changes);
    let forecast = fleet.estate.regions.iter().map(|region| {
        let share = |fleet: &Fleet| {
            let share = fleet.shares.region_share(&region.label).ok();
            share.and_then(traffic::share::Share::value)
        };
        let rps = |share: Option<f64>| share.map(|share| share * 1_000.0);
        Forecast {
            region: region.label.clone(),
            share_before: share(fleet),
            share_after: share(after.fleet()),
            rps_before: rps(share(fleet)),
            rps_after: rps(share(after.fleet())),
            rps_worst: rps(share(after.fleet())),
            capacity_rps: region.capacity_rps,
        }
    });
    Plan {
        intent: Intent::default(),
        title: "a plan".into(),
        environment: "test".into(),
        account: None,
        made_at: fleet.now,
        forecast: forecast.collect(),
        steps: changes.into_iter().map(step).collect(),
        remarks: Vec::new(),
        blast: Blast::L1,
        phrase: String::new(),
        loss_phrase: String::new(),
        on_breach: OnBreach::Hold,
        marks: drained
            .iter()
            .map(|region| Mark::Drained {
                region: label(region),
            })
            .collect(),
        until: None,
    }
}

/// Drains ap-southeast-1 by its weight.
pub(super) fn drain(fleet: &Fleet) -> Plan {
    let half = weights(fleet, &[(AP, 10)]);
    let mut after = Imagined::of(fleet);
    after.take([&half]);
    let rest = weights(after.fleet(), &[(AP, 0)]);
    let mut plan = plan(fleet, vec![half, rest], &[AP]);
    plan.steps.insert(1, bake(120, &[US, EU]));
    plan
}
