//! G-RES: data is served only where its class is allowed. Owns which regions a name may reach, also when all health checks fail; whose data it is the configuration says.

use super::{
    Guard, GuardId,
    finding::Findings,
    moved::{SplitKey, members},
    outlook::Outlook,
};
use crate::resources::{
    Estate, Place, RegionLabel, Source,
    traffic::{Mechanism, plain_name},
};

/// G-RES.
pub fn residency(outlook: &Outlook<'_>) -> Guard {
    let mut found = Findings::default();
    for key in &outlook.touched {
        if [Source::Records, Source::Routes].contains(&key.source) {
            of_name(outlook, key, &mut found);
        } else if key.source == Source::Accelerators {
            of_accelerator(outlook, key, &mut found);
        }
    }
    found.guard(
        GuardId::Residency,
        "no name that it touches has a residency class",
    )
}

/// Whether a region may serve a class; one that lists none may serve all.
fn allows(estate: &Estate, label: &RegionLabel, class: &str) -> bool {
    let spec = estate.region(label);
    spec.is_none_or(|spec| {
        spec.residency.is_empty() || spec.residency.iter().any(|known| known == class)
    })
}

fn of_name(outlook: &Outlook<'_>, key: &SplitKey, found: &mut Findings) {
    let estate = &outlook.fleet.estate;
    let rows = || members(outlook.fleet, key);
    let names: Vec<String> = rows()
        .flat_map(|row| match &row.by {
            Mechanism::Record(record) => vec![plain_name(&record.name)],
            Mechanism::Route(backend) => backend.hosts.clone(),
            Mechanism::Dial(_)
            | Mechanism::Forward(_)
            | Mechanism::Alias(_)
            | Mechanism::Distribution(_)
            | Mechanism::Control(_)
            | Mechanism::Rollout(_) => Vec::new(),
        })
        .collect();
    let mut managed = estate
        .names
        .iter()
        .filter(|managed| names.contains(&managed.name));
    let Some((name, class)) =
        managed.find_map(|managed| Some((&managed.name, managed.residency.as_ref()?)))
    else {
        return;
    };
    let outside: Vec<&RegionLabel> = rows()
        .filter_map(|row| row.region(outlook.fleet, &key.place))
        .filter(|label| !allows(estate, label, class))
        .collect();
    let Some(other) = outside.first() else {
        found.pass(format!("{name} ({class}) stays where the class is allowed"));
        return;
    };
    let receiving = || {
        let labels = outside.iter();
        labels.filter(|label| outlook.receiving.contains(**label))
    };
    for label in receiving() {
        found.fail(
            format!("{label} would get {name}, and does not allow the class {class}"),
            format!("give {label} nothing of {name}"),
        );
    }
    if key.source == Source::Routes {
        if receiving().next().is_none() {
            found.pass(format!(
                "no region gets more of {name} ({class}) that does not allow the class"
            ));
        }
        return;
    }
    // Route 53 answers with everything when nothing is healthy.
    found.warn(
        format!("if all checks fail {name} ({class}) is answered with {other} as well"),
        format!("take {other} out of {name}"),
    );
}

/// What an accelerator carries has no class of its own: Global Accelerator sends it to any healthy group, and to any at all when none is.
fn of_accelerator(outlook: &Outlook<'_>, key: &SplitKey, found: &mut Findings) {
    let estate = &outlook.fleet.estate;
    let mut classes: Vec<&str> = estate
        .names
        .iter()
        .filter_map(|name| name.residency.as_deref())
        .collect();
    classes.sort_unstable();
    classes.dedup();
    for class in classes {
        let mut outside = members(outlook.fleet, key)
            .filter_map(|row| row.region(outlook.fleet, &Place::Global))
            .filter(|label| !allows(estate, label, class));
        if let Some(other) = outside.next() {
            found.warn(
                format!("if {class} data comes through the accelerator, it may be sent to {other}"),
                "keep it out of the accelerator",
            );
        }
    }
}
