//! A fleet as it would be after changes: for forecasts and guards. Owns what each change does to the rows; what follows for the shares is computed by the same functions as for the real fleet.

use super::{
    Change, Fleet, Place, Source, health_checks,
    traffic::{self, Mechanism, Policy, Record, Split, plain_name},
};

impl Fleet {
    /// The fleet after some changes have taken effect. Changes that move no traffic leave it as it is.
    #[must_use]
    pub fn imagined<'a>(&self, changes: impl IntoIterator<Item = &'a Change>) -> Self {
        let mut fleet = self.clone();
        for change in changes {
            match change {
                Change::Traffic(change) => imagine_traffic(&mut fleet, change),
                Change::HealthChecks(change) => imagine_check(&mut fleet, change),
                Change::Databases(_)
                | Change::Caches(_)
                | Change::Clusters(_)
                | Change::Alarms(_) => {}
            }
        }
        fleet.derive();
        fleet
    }
}

fn splits<'a>(
    fleet: &'a mut Fleet,
    source: Source,
    place: &Place,
) -> impl Iterator<Item = &'a mut Split> {
    fleet.traffic.rows_mut(source, place).iter_mut()
}

fn imagine_traffic(fleet: &mut Fleet, change: &traffic::Change) {
    match change {
        traffic::Change::Weights { records } => {
            for split in splits(fleet, Source::Records, &Place::Global) {
                if let Mechanism::Record(record) = &mut split.by
                    && let Some(edit) = records.iter().find(|edit| same(&edit.from, record))
                {
                    record.policy = Policy::Weighted { weight: edit.to };
                }
            }
        }
        traffic::Change::Dial { group_arn, to, .. } => {
            for split in splits(fleet, Source::Accelerators, &Place::Global) {
                if let Mechanism::Dial(group) = &mut split.by
                    && group.group_arn == *group_arn
                {
                    group.dial = *to;
                }
            }
        }
        traffic::Change::Controls { controls } => {
            for place in fleet.estate.places(Source::RoutingControls) {
                for split in splits(fleet, Source::RoutingControls, &place) {
                    if let Mechanism::Control(control) = &mut split.by
                        && let Some(edit) = controls.iter().find(|edit| edit.arn == control.arn)
                    {
                        control.on = Some(edit.to);
                    }
                }
            }
        }
        traffic::Change::Forward {
            region,
            listener_arn,
            rule_arn,
            groups,
            ..
        } => {
            for split in splits(fleet, Source::LoadBalancers, &Place::Region(region.clone())) {
                if let Mechanism::Forward(forward) = &mut split.by
                    && forward.listener_arn == *listener_arn
                    && forward.rule_arn == *rule_arn
                    && let Some(edit) = groups
                        .iter()
                        .find(|edit| edit.target_group_arn == forward.target_group_arn)
                {
                    forward.weight = edit.to;
                }
            }
        }
        // Their shares move no traffic between regions.
        traffic::Change::Alias { .. } | traffic::Change::Staging { .. } => {}
    }
}

fn same(a: &Record, b: &Record) -> bool {
    (&a.zone_id, &a.record_type, &a.set_identifier)
        == (&b.zone_id, &b.record_type, &b.set_identifier)
        && plain_name(&a.name) == plain_name(&b.name)
}

fn imagine_check(fleet: &mut Fleet, change: &health_checks::Change) {
    let health_checks::Change::Invert { id, to, .. } = change;
    for check in fleet
        .health_checks
        .rows_mut(Source::HealthChecks, &Place::Global)
    {
        if check.id == *id {
            check.inverted = *to;
        }
    }
}
