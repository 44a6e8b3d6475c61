//! `pilothouse plan`: what an action would do, without doing it. Changes nothing, and writes no journal.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use super::{Failure, Session, demo, status};
use crate::{
    actions,
    cli::{Asked, Common, On, exit},
    effect::Format,
    plan::{
        Intent, beside,
        guard::{self, Subject},
    },
    report::plan::{PlanFile, text},
    runtime::headless,
    state::State,
};

/// Plans and prints.
pub async fn run(
    common: &Common,
    asked: Asked,
    output: Format,
    out: Option<&Path>,
    on: &On,
) -> Result<u8, Failure> {
    if common.privacy && (out.is_some() || output == Format::Json) {
        let text = "a plan whose names are masked cannot be carried out: leave --privacy away";
        return Err(Failure::Usage(text.to_owned()));
    }
    let intent = asked.intent();
    known(&intent)?;
    let session = session(common, on)?;
    let mut state = session.state(common);
    let file = make(&mut state, &session, &intent).await?;
    if let Some(path) = out {
        save(path, &file.json())?;
    }
    let printed = match output {
        Format::Json => file.json(),
        Format::Table | Format::Csv | Format::Markdown => text(&file, state.look),
    };
    std::io::stdout().write_all(printed.as_bytes())?;
    Ok(exit::OK)
}

/// An action that is not there is a wrong argument, said before anything is asked.
pub fn known(intent: &Intent) -> Result<(), Failure> {
    match actions::find(&intent.action) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(Failure::Usage(format!("{refusal}; {}", refusal.advice))),
    }
}

/// The configured estate, or a simulated one.
pub fn session(common: &Common, on: &On) -> Result<Session, Failure> {
    if on.world.scenario.is_some() {
        Ok(demo::session(common, &on.world, on.speed, on.at)?.0)
    } else {
        status::live(common)
    }
}

/// Looks at everything once and plans.
pub async fn make(
    state: &mut State,
    session: &Session,
    intent: &Intent,
) -> Result<PlanFile, Failure> {
    let provider = session.provider.clone();
    headless::observe(state, provider, session.clock, &session.records)
        .await
        .map_err(Failure::Said)?;
    let ledger = &state.conduct.ledger;
    let plan = actions::plan(&state.fleet, ledger, intent).map_err(|refusal| {
        let mut reasons = refusal.reasons;
        reasons.push(refusal.advice);
        Failure::Refused(reasons)
    })?;
    let beside = beside::others(ledger, [].iter(), &[], state.now);
    let subject = Subject {
        fleet: &state.fleet,
        plan: &plan,
        ahead: &plan.steps,
        ledger,
        beside: &beside,
    };
    let guards = guard::judge(subject, &plan.guards());
    Ok(PlanFile::new(plan, guards))
}

fn save(path: &Path, text: &str) -> Result<(), Failure> {
    // Account ids and names of resources are nobody else's business.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Failure::Said(format!("could not write {}: {error}", path.display())))
}
